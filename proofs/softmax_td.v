(** softmax-td: L layers of the construction are
    L updates of weighted softmax TD. *)
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import transformer td entries.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Open Scope ring_scope.

Section SoftmaxTD.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d).
Variables (A : 'M[R]_d) (gamma : R).
Implicit Types (v : 'cV[R]_N) (alpha : nat -> R).
Notation prompt := (prompt n S r x gamma).
Notation td_error := (td_error S r gamma).

(** The error in each column of the prompt: the TD error of a transition,
    and what is left of it in the query column. *)
Definition column_error v k : R := if (k < n)%N then td_error v k else - v (S n) 0.

(** One layer makes of the prompt of v that of v',
    if v' is v plus the attention-weighted errors. *)
Lemma layer_prompt (normalise : 'M[R]_n.+1 -> 'M[R]_n.+1) a v v' :
  let weights := normalise ((prompt v)^T *m score_matrix A *m prompt v) in
  (forall j : 'I_n.+1, v' (S j) 0 = v (S j) 0 + a * \sum_k weights k j * column_error v k) ->
  layer (shift R n) normalise A gamma a (prompt v) = prompt v'.
Proof.
move=> weights step; apply: layer_is => [i j|j|j|j].
- by rewrite !prompt_features.
- by rewrite !prompt_reward.
- by rewrite shiftE prompt_target; case: ltnP => // lt_jn; rewrite ?mulr0 // prompt_value inordK.
rewrite !prompt_value step; congr (_ + a * _); apply: eq_bigr => k _; congr (_ * _).
rewrite prompt_reward prompt_target prompt_value /column_error /td_error; case: ltnP => // le_nk; rewrite !add0r.
by congr (- v (S _) 0); apply/eqP; rewrite eqn_leq le_nk -ltnS ltn_ord.
Qed.

(** The L-layer softmax transformer carries the prompt of v0
    to the prompt of the iterate v_L. *)
Theorem transformer_is_softmax_td alpha v0 L :
  transformer (shift R n) (softmax exp (@sources n)) A gamma alpha L (prompt v0) =
  prompt (softmax_td n S r gamma x exp A alpha v0 L).
Proof.
elim: L => [//|l IH] /=; rewrite IH; apply: layer_prompt => j; rewrite [LHS]mxE; congr (_ + _ * _).
rewrite big_ord_recr /= mxE /sources ltnn mul0r addr0; apply: eq_bigr => k _; rewrite mxE /= ltn_ord.
rewrite prompt_scores /K /column_error ltn_ord sum_sources; congr (_ / _ * _).
by apply: eq_bigr => i _; rewrite prompt_scores.
Qed.

(** The same, row by row. *)
Theorem transformer_rows alpha v0 L (j : 'I_n.+1) :
  let Z := transformer (shift R n) (softmax exp (@sources n)) A gamma alpha L (prompt v0) in
  let v := softmax_td n S r gamma x exp A alpha v0 L in
  [/\ forall i : 'I_d, Z (lshift 3 i) j = x (S j) i 0,
      Z (reward_row d) j = if (j < n)%N then r j else 0,
      Z (target_row d) j = if (j < n)%N then gamma * v (S j.+1) 0 else 0
    & Z (value_row d) j = v (S j) 0].
Proof.
move=> Z v; rewrite /Z transformer_is_softmax_td; split=> [i|||].
- exact: prompt_features.
- exact: prompt_reward.
- exact: prompt_target.
- exact: prompt_value.
Qed.

End SoftmaxTD.
