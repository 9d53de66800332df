(** One small context, computed by the proof assistant itself. *)
From Coq Require Import QArith.
From mathcomp Require Import ssreflect ssrbool seq.
From icrl Require Import executable.
Open Scope Q_scope.

(** Two states with features (1, 0) and (0, 2); the context 0, 1, 0, 1 with the rewards 1, 0, 2. *)
Definition example_states := [:: 0; 1; 0; 1]%nat.
Definition example_rewards := [:: 1; 0; 2].
Definition example_features := [:: [:: 1; 0]; [:: 0; 2]].

(** The score's matrix (not symmetric), the discount 1/2, the step sizes 1 and 1/2, initial values (0, 1). *)
Definition example_A := [:: [:: 1; 1]; [:: 0; 1]].
Definition example_gamma := 1 # 2.
Definition example_alphas := [:: 1; 1 # 2].
Definition example_values0 := [:: 0; 1].

(** The program at Coq's rationals, 1 + t + t^2 in the place of exp:
    the prompt, and what L layers make of it. *)
Definition example_prompt :=
  exec_prompt rationals 3 2 example_states example_rewards example_features example_gamma example_values0.
Definition example_transformer :=
  exec_transformer rationals 4 2 (exec_shift rationals 3) (exec_softmax rationals 4 (stand_in rationals) (exec_sources 3))
    example_A example_gamma example_alphas.

(** The values of the two states after L updates of softmax TD. *)
Definition example_td :=
  exec_softmax_td rationals 2 3 2 example_states example_rewards example_features example_gamma
    (stand_in rationals) example_A example_alphas example_values0.

(** The prompt, the prompt after two layers, and the values after two updates of
    softmax TD, in fractions. *)
Theorem example_values :
  [/\ example_prompt =
        [:: [:: 1; 0; 1; 0];
            [:: 0; 2; 0; 2];
            [:: 1; 0; 2; 0];
            [:: 1 # 2; 0; 1 # 2; 0];
            [:: 0; 1; 0; 1]],
      example_transformer 2 example_prompt =
        [:: [:: 1; 0; 1; 0];
            [:: 0; 2; 0; 2];
            [:: 1; 0; 2; 0];
            [:: 827 # 1400; 1733 # 1960; 827 # 1400; 0];
            [:: 1733 # 980; 827 # 700; 1733 # 980; 827 # 700]]
    & example_td 2 = [:: 1733 # 980; 827 # 700]].
Proof. by split; vm_compute. Qed.
