(** What each entry of a product, a layer and a prompt is: lemmas only. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Open Scope ring_scope.

(** Products with matrices that have few entries other than 0. *)
Section Products.
Variables (R : realFieldType) (m p n : nat).

Lemma addmxE (X Y : 'M[R]_(m, n)) i j : (X + Y) i j = X i j + Y i j. Proof. by rewrite mxE. Qed.
Lemma oppmxE (X : 'M[R]_(m, n)) i j : (- X) i j = - X i j. Proof. by rewrite mxE. Qed.
Lemma scalemxE c (X : 'M[R]_(m, n)) i j : (c *: X) i j = c * X i j. Proof. by rewrite mxE. Qed.

Lemma delta_mxE (i : 'I_m) (k : 'I_p) (Y : 'M[R]_(p, n)) a b :
  (delta_mx i k *m Y) a b = (a == i)%:R * Y k b.
Proof.
rewrite mxE (bigD1 k) //= big1 ?addr0 => [|j /negbTE ne]; rewrite mxE ?eqxx ?andbT //.
by rewrite ne andbF mul0r.
Qed.

Lemma shiftE (Y : 'M[R]_(p, n.+1)) i (j : 'I_n.+1) :
  (Y *m shift R n) i j = if (j < n)%N then Y i (inord j.+1) else 0.
Proof.
rewrite mxE; case: ltnP => [lt_jn|le_nj].
  rewrite (bigD1 (inord j.+1)) //= big1 ?addr0 => [|k ne].
    by rewrite !mxE inordK // eqxx mulr1.
  rewrite mxE (_ : _ == _ = false) ?mulr0 //.
  by apply: contraNF ne => /eqP kE; apply/eqP/val_inj; rewrite /= inordK.
rewrite big1 // => k _; rewrite mxE (_ : _ == _ = false) ?mulr0 //.
by apply: ltn_eqF; rewrite ltnS (leq_trans _ le_nj) // -ltnS.
Qed.

End Products.

(** A sum over all s in which the one s = u counts. *)
Lemma sum_delta (R : ringType) (I : finType) (F : I -> R) u : \sum_s (u == s)%:R * F s = F u.
Proof.
by rewrite (bigD1 u) //= eqxx mul1r big1 ?addr0 // => s; rewrite eq_sym => /negbTE->; rewrite mul0r.
Qed.

(** A sum over two states. *)
Lemma sum2 (V : zmodType) (F : 'I_2 -> V) : \sum_s F s = F 0 + F 1.
Proof. by rewrite !big_ord_recl big_ord0 addr0; congr (_ + F _); apply: val_inj. Qed.

(** A sum over the visible keys is a sum over the transitions. *)
Lemma sum_sources (R : realFieldType) n (F : 'I_n.+1 -> R) :
  \sum_(i | sources i) F i = \sum_(i < n) F (widen_ord (leqnSn n) i).
Proof.
rewrite big_mkcond big_ord_recr /= /sources ltnn addr0.
by apply: eq_bigr => i _; rewrite /= ltn_ord.
Qed.

(** The three named rows are different rows. *)
Lemma row_neq d :
  (reward_row d == target_row d = false) * (reward_row d == value_row d = false) *
  (target_row d == value_row d = false) * (target_row d == reward_row d = false) *
  (value_row d == reward_row d = false) * (value_row d == target_row d = false).
Proof. by rewrite !(inj_eq (@rshift_inj _ _)). Qed.

Lemma row_case d (P : 'I_(d + 3) -> Prop) :
  (forall i : 'I_d, P (lshift 3 i)) ->
  P (reward_row d) -> P (target_row d) -> P (value_row d) -> forall i, P i.
Proof.
move=> Px Pr Pt Pv i; case: (split_ordP i) => [k ->//|[[|[|[|//]]] lt] ->].
- by rewrite (_ : Ordinal lt = 0) //; apply: val_inj.
- by rewrite (_ : Ordinal lt = 1) //; apply: val_inj.
- by rewrite (_ : Ordinal lt = ord_max) //; apply: val_inj.
Qed.

(** What one layer does to each entry of any prompt. *)
Section Layer.
Variables (R : realFieldType) (C d : nat).
Variables (Pi : 'M[R]_C) (normalise : 'M[R]_C -> 'M[R]_C) (A : 'M[R]_d) (gamma alpha : R).
Implicit Types Y Z : 'M[R]_(d + 3, C).

Lemma target_memoryE Y i j :
  target_memory Pi gamma Y i j = if i == target_row d then gamma * (Y *m Pi) (value_row d) j else Y i j.
Proof.
rewrite /target_memory /U /W mulmxBl mul1mx -!scalemxAl -mulmxA !(addmxE, oppmxE, scalemxE) !delta_mxE.
by case: eqP => [->|_] /=; move: ((Y *m Pi) _ _) (Y _ _) => *; ring.
Qed.

Lemma attentionE Z i j :
  attention normalise (score_matrix A) (value_matrix d alpha) Z i j =
  Z i j + (i == value_row d)%:R * (alpha * \sum_k normalise (Z^T *m score_matrix A *m Z) k j *
                                    (Z (reward_row d) k + Z (target_row d) k - Z (value_row d) k)).
Proof.
rewrite addmxE mxE !mulr_sumr; congr (_ + _); apply: eq_bigr => k _.
rewrite /value_matrix -scalemxAl mulmxBl mulmxDl !(addmxE, oppmxE, scalemxE) !delta_mxE.
by move: (i == _)%:R (Z _ k) (Z _ k) (Z _ k) (normalise _ k j) => *; ring.
Qed.

(** One layer makes of Z the Z' of the same features and rewards whose values are Z's
    plus the attention-weighted errors, and whose target row holds its values. *)
Lemma layer_is Z Z' :
  (forall i j, Z' (lshift 3 i) j = Z (lshift 3 i) j) ->
  (forall j, Z' (reward_row d) j = Z (reward_row d) j) ->
  (forall j, Z' (target_row d) j = gamma * (Z' *m Pi) (value_row d) j) ->
  (forall j, Z' (value_row d) j = Z (value_row d) j +
     alpha * \sum_k normalise (Z^T *m score_matrix A *m Z) k j *
             (Z (reward_row d) k + Z (target_row d) k - Z (value_row d) k)) ->
  layer Pi normalise A gamma alpha Z = Z'.
Proof.
move=> features rewards targets values; apply/matrixP => i j; rewrite /layer target_memoryE.
have value k : attention normalise (score_matrix A) (value_matrix d alpha) Z (value_row d) k = Z' (value_row d) k.
  by rewrite attentionE eqxx mul1r values.
elim/row_case: i => [i|||]; rewrite ?eqxx ?row_neq ?value //.
- by rewrite attentionE features /value_row /target_row !eq_lrshift mul0r addr0.
- by rewrite attentionE row_neq mul0r addr0 rewards.
- by rewrite targets !mxE; congr (_ * _); apply: eq_bigr => k _; rewrite value.
Qed.

End Layer.

(** What the prompt holds, row by row. *)
Section Prompt.
Variables (R : realFieldType) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d) (gamma : R).
Implicit Type v : 'cV[R]_N.
Notation prompt := (@prompt R N n d S r x gamma).

Lemma prompt_features v i j : prompt v (lshift 3 i) j = x (S j) i 0.
Proof. by rewrite /prompt col_mxEu mxE. Qed.

Lemma prompt_reward v j : prompt v (reward_row d) j = if (j < n)%N then r j else 0.
Proof. by rewrite /prompt col_mxEd mxE. Qed.

Lemma prompt_target v j : prompt v (target_row d) j = if (j < n)%N then gamma * v (S j.+1) 0 else 0.
Proof. by rewrite /prompt col_mxEd mxE. Qed.

Lemma prompt_value v j : prompt v (value_row d) j = v (S j) 0.
Proof. by rewrite /prompt col_mxEd mxE. Qed.

(** Attention's scores are those of softmax TD: score x A (S j) (S k). *)
Lemma prompt_scores (A : 'M[R]_d) v k j :
  ((prompt v)^T *m score_matrix A *m prompt v) k j = score x A (S j) (S k).
Proof.
rewrite /prompt /score_matrix /score tr_col_mx mul_row_block mul_row_col !(mulmx0, addr0, mul0mx).
rewrite !mxE; apply: eq_bigr => i _; rewrite !mxE; congr (_ * _).
by apply: eq_bigr => a _; rewrite !mxE.
Qed.

End Prompt.
