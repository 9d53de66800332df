(** score-functions: any matrix, key biases and query biases, by three more rows
    of features. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman.
From icrl Require Import contraction coverage certainty_equivalence exponential.
From icrl Require Import fixed_point.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N d : nat) (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d).
Variables (a b : 'I_N -> R).

(** The score of the key u for the query s, with a key bias and a query bias. *)
Definition biased_score (s u : 'I_N) : R := score x A s u + a u + b s.

(** Three more features: a, b and 1. *)
Definition biased_features (s : 'I_N) : 'cV[R]_(d + 3) :=
  col_mx (x s) (\matrix_(i < 3, j < 1) [:: a s; b s; 1]`_i).

(** Two more entries of A: 1 from the key's a to the query's 1,
    and 1 from the key's 1 to the query's b. *)
Definition biased_A : 'M[R]_(d + 3) :=
  block_mx A 0 0 (delta_mx 0 ord_max + delta_mx ord_max 1).

(** The weight of the key u for the query s: rho(u) e^(x(u)^T A x(s)),
    with rho(u) = e^(a(u)). *)
Definition key_weight (exp : R -> R) (s u : 'I_N) : R :=
  exp (a u) * exp (score x A s u).

End Definitions.

(** A matrix with a single 1 picks one entry on each side. *)
Lemma delta_form (R : realFieldType) m (z y : 'cV[R]_m) i j :
  (z^T *m delta_mx i j *m y) 0 0 = z i 0 * y j 0.
Proof.
rewrite -mulmxA mxE (bigD1 i) //= big1 ?addr0 => [|k /negbTE ne]; rewrite delta_mxE mxE.
  by rewrite eqxx mul1r.
by rewrite ne mul0r mulr0.
Qed.

Section Biases.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d).
Variables (a b : 'I_N -> R) (gamma : R).
Notation features := (biased_features x a b).
Notation E := (fun s u => exp (biased_score x A a b s u)).

(** With these features and this matrix the scores are inner products still. *)
Theorem biases_are_features s u :
  score features (biased_A A) s u = biased_score x A a b s u.
Proof.
rewrite /score /biased_features /biased_A /biased_score tr_col_mx mul_row_block mul_row_col.
rewrite !mulmx0 addr0 add0r addmxE -addrA; congr (_ + _).
rewrite mulmxDr mulmxDl addmxE !delta_form !mxE /=; ring.
Qed.

Hypothesis exp_exponential : exponential exp.
Notation weight := (key_weight x A a exp).

Lemma biased_weightE s u : E s u = exp (b s) * weight s u.
Proof. by rewrite /biased_score !(expD exp_exponential) /key_weight; ring. Qed.

(** Query biases cancel, and key biases are weights of states. *)
Theorem biases_are_state_weights k s :
  K n S E k s = weight s (S k) / \sum_(i < n) weight s (S i).
Proof.
have e_neq0 : exp (b s) != 0 by rewrite gt_eqF ?(exp_gt0 exp_exponential).
rewrite /K biased_weightE; under eq_bigr => i _ do rewrite biased_weightE.
by rewrite -mulr_sumr -mulf_div divff // mul1r.
Qed.

(** So the L-layer softmax transformer with these features and this matrix
    performs weighted TD with the weights e^(a u) e^(x(u)^T A x(s)). *)
Theorem biased_transformer alpha (v0 : 'cV[R]_N) L :
  transformer (shift R n) (softmax exp (@sources n)) (biased_A A) gamma alpha L
    (prompt n S r features gamma v0) =
  prompt n S r features gamma (weighted_td n S r gamma weight alpha v0 L).
Proof.
rewrite transformer_is_softmax_td; congr (prompt n S r features gamma _).
elim: L => [//|L]; rewrite /softmax_td /= => ->; apply/colP => s.
rewrite !mxE; congr (_ + _ * _); apply: eq_bigr => k _; congr (_ * _).
rewrite -[RHS]biases_are_state_weights /K biases_are_features; congr (_ / _).
by apply: eq_bigr => i _; rewrite biases_are_features.
Qed.

(** Whatever A, a and b are, v_CE is a fixed point,
    and the only one if Mhat has an inverse. *)
Theorem biased_fixed_point alpha :
  `|gamma| < 1 ->
  td_update n S r gamma E alpha (v_CE n S r gamma) = v_CE n S r gamma
  /\ (alpha != 0 -> Mhat n E S \in unitmx ->
      forall v, td_update n S r gamma E alpha v = v -> v = v_CE n S r gamma).
Proof.
move=> gamma_lt1; split; first exact: v_CE_fixed.
by move=> alpha0 /(fixed_point_iff_invertible n E S r gamma_lt1 alpha0).
Qed.

(** A temperature is a power: with p / q times the scores
    the q-th power of each weight is the p-th power of what it was. *)
Theorem temperature_is_a_power (p q : nat) s u :
  (0 < q)%N ->
  key_weight x ((p%:R / q%:R) *: A) (fun u => p%:R / q%:R * a u) exp s u ^+ q =
  weight s u ^+ p.
Proof.
have expX m t : exp t ^+ m = exp (m%:R * t).
  elim: m => [|m IH]; first by rewrite mul0r expr0 (exp0 exp_exponential).
  by rewrite exprS IH -(expD exp_exponential) -[X in X + _]mul1r -mulrDl -mulrS.
move=> q_gt0; rewrite /key_weight -!(expD exp_exponential) !expX; congr (exp _).
have -> : score x ((p%:R / q%:R) *: A) s u = p%:R / q%:R * score x A s u.
  by rewrite /score -scalemxAr -scalemxAl scalemxE.
by field; rewrite pnatr_eq0 -lt0n.
Qed.

End Biases.
