(** causal-mask: a decoder, whose columns attend to earlier columns only,
    works on prefixes, and its depth diverges. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d) (gamma : R).

(** The softmax of each column over the earlier ones; of none it is 0. *)
Definition causal_softmax (M : 'M[R]_n.+1) : 'M[R]_n.+1 :=
  \matrix_(k, j)
    if (k < j)%N then exp (M k j) / \sum_(i < n.+1 | (i < j)%N) exp (M i j) else 0.

(** The prompt whose values belong to columns: v j is that of column j. *)
Definition column_prompt (v : nat -> R) : 'M[R]_(d + 3, n.+1) :=
  col_mx
    (\matrix_(i < d, j < n.+1) x (S j) i 0)
    (\matrix_(i < 3, j < n.+1)
      [:: if (j < n)%N then r j else 0;
          if (j < n)%N then gamma * v j.+1 else 0;
          v j]`_i).

(** The TD error of transition k, from the values of columns k and k + 1. *)
Definition column_td_error (v : nat -> R) (k : nat) : R :=
  r k + gamma * v k.+1 - v k.

(** The decoder's update: column j reads the errors of the transitions before it,
    weighted as in the context that ends there. *)
Definition decoder_update (alpha : R) (v : nat -> R) (j : nat) : R :=
  v j + alpha * \sum_(k < j) K j S E k (S j) * column_td_error v k.

(** The values after l layers. *)
Fixpoint decoder (alpha : nat -> R) (v0 : nat -> R) (l : nat) : nat -> R :=
  if l is l'.+1 then decoder_update (alpha l') (decoder alpha v0 l') else v0.

End Definitions.

Section Transformer.
Variables (R : realFieldType) (exp : R -> R) (N d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d).
Variables (A : 'M[R]_d) (gamma : R).
Notation E := (fun s u => exp (score x A s u)).
Notation decoder := (decoder E S r gamma).

Lemma column_scores n v k j :
  ((column_prompt n S r x gamma v)^T *m score_matrix A *m column_prompt n S r x gamma v) k j =
  score x A (S j) (S k).
Proof.
rewrite /column_prompt /score_matrix /score tr_col_mx mul_row_block mul_row_col !(mulmx0, addr0, mul0mx).
rewrite !mxE; apply: eq_bigr => i _; rewrite !mxE; congr (_ * _).
by apply: eq_bigr => a _; rewrite !mxE.
Qed.

(** What this prompt holds, row by row. *)
Lemma column_row n v (j : 'I_n.+1) :
  (column_prompt n S r x gamma v (reward_row d) j = if (j < n)%N then r j else 0) *
  (column_prompt n S r x gamma v (target_row d) j = if (j < n)%N then gamma * v j.+1 else 0) *
  (column_prompt n S r x gamma v (value_row d) j = v j).
Proof. by rewrite /column_prompt !col_mxEd !mxE. Qed.

(** With the causal mask, L layers carry the prompt of v0 to that of the decoder's values. *)
Theorem transformer_is_decoder n alpha v0 L :
  transformer (shift R n) (@causal_softmax R exp n) A gamma alpha L
    (column_prompt n S r x gamma v0) =
  column_prompt n S r x gamma (decoder alpha v0 L).
Proof.
elim: L => [//|l IH] /=; rewrite IH; move: (decoder alpha v0 l) => v; apply: layer_is => [i j|j|j|j].
- by rewrite /column_prompt !col_mxEu !mxE.
- by rewrite !column_row.
- by rewrite shiftE !column_row; case: ltnP => lt_jn; rewrite ?mulr0 // inordK.
rewrite !column_row /decoder_update; congr (_ + _ * _).
have le_jn : (j <= n)%N by rewrite -ltnS ltn_ord.
have first (F : nat -> R) : \sum_(k < n.+1 | (k < j)%N) F k = \sum_(k < j) F k.
  by rewrite (big_ord_widen_cond n.+1 xpredT F (leqW le_jn)).
rewrite -(first (fun k => K j S E k (S j) * column_td_error r gamma v k)) big_mkcond.
apply: eq_bigr => k _; rewrite mxE; case: ifP => [lt_kj|_]; last by rewrite mul0r.
have lt_kn : (k < n)%N := leq_trans lt_kj le_jn.
rewrite column_scores !column_row lt_kn; congr (_ / _ * _).
rewrite -(first (fun i => E (S j) (S i))); apply: eq_bigr => i _; exact/esym/f_equal/column_scores.
Qed.

(** Row by row: values v_L^j, and gamma v_L^(j+1) in the target row. *)
Theorem decoder_rows n alpha v0 L (j : 'I_n.+1) :
  let Z := transformer (shift R n) (@causal_softmax R exp n) A gamma alpha L
             (column_prompt n S r x gamma v0) in
  Z (value_row d) j = decoder alpha v0 L j /\
  Z (target_row d) j = if (j < n)%N then gamma * decoder alpha v0 L j.+1 else 0.
Proof. by rewrite /= transformer_is_decoder !column_row. Qed.

(** Prefixes: column j holds what the same decoder makes of the last column
    of the prefix that ends there. *)
Theorem decoder_works_on_prefixes n alpha v0 L (j : 'I_n.+1) :
  transformer (shift R n) (@causal_softmax R exp n) A gamma alpha L
    (column_prompt n S r x gamma v0) (value_row d) j =
  transformer (shift R j) (@causal_softmax R exp j) A gamma alpha L
    (column_prompt j S r x gamma v0) (value_row d) ord_max.
Proof. by rewrite !transformer_is_decoder !column_row. Qed.

End Transformer.

Section Decoder.
Variables (R : realFieldType) (N : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Implicit Type v : nat -> R.
Notation update := (decoder_update E S r gamma).
Notation error := (column_td_error r gamma).

(** After one layer the last column of a prefix is also
    what weighted TD makes of it. *)
Theorem one_layer_is_the_encoder alpha (v : 'cV[R]_N) j :
  update alpha (fun i => v (S i) 0) j = td_update j S r gamma E alpha v (S j) 0.
Proof. by rewrite mxE. Qed.

(** After two layers column 1 is alpha^2 delta_0 above it. *)
Theorem two_layers_are_not_the_encoder alpha (v : 'cV[R]_N) :
  E (S 1%N) (S 0%N) != 0 -> E (S 0%N) (S 0%N) != 0 ->
  decoder E S r gamma (fun _ => alpha) (fun i => v (S i) 0) 2 1 -
  weighted_td 1 S r gamma E (fun _ => alpha) v 2 (S 1%N) 0 =
  alpha ^+ 2 * td_error S r gamma v 0.
Proof.
move=> E10 E00; have K1 s : E s (S 0%N) != 0 -> K 1 S E 0 s = 1 by move=> Es; rewrite /K big_ord1 divff.
rewrite /= /decoder_update /column_td_error /= !big_ord1 big_ord0 !mxE !big_ord1 /td_error !mxE !big_ord1 /= !K1 //.
rewrite /td_error !mulr0 !addr0; move: (r 0%N) (v _ _) (v _ _) => *; ring.
Qed.

End Decoder.
