(** The greatest absolute row sum of a matrix:
    of a column vector, its greatest absolute entry. *)
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Norm.
Variable R : realFieldType.

(** The norm |M|: the greatest sum of absolute values in a row;
    0 if there is no row. *)
Definition norm m n (M : 'M[R]_(m, n)) : R := \big[Num.max/0]_i \sum_j `|M i j|.

(** The norm is at most c exactly if no row sum is above c
    (and c is not negative). *)
Lemma norm_leP m n (M : 'M[R]_(m, n)) c :
  0 <= c -> reflect (forall i, \sum_j `|M i j| <= c) (norm M <= c).
Proof.
move=> c_ge0; apply: (iffP idP) => [le_c i|row_le].
  apply: le_trans le_c; rewrite /norm; have := mem_index_enum i; elim: (index_enum _) => //= k s IH.
  by rewrite inE big_cons le_maxr => /orP[/eqP->|/IH->]; rewrite ?lexx ?orbT.
by rewrite /norm; elim/big_ind: _ => [//|a b le_a le_b|i _]; rewrite ?le_maxl ?le_a ?le_b.
Qed.

Lemma norm_le m n (M : 'M[R]_(m, n)) c : 0 <= c -> (forall i, \sum_j `|M i j| <= c) -> norm M <= c.
Proof. by move=> c_ge0 row_le; apply/norm_leP. Qed.

Lemma norm_ge0 m n (M : 'M[R]_(m, n)) : 0 <= norm M.
Proof.
rewrite /norm; elim/big_ind: _ => [//|a b a_ge0 b_ge0|i _]; first by rewrite le_maxr a_ge0.
exact: sumr_ge0.
Qed.

(** Each row sum, and each entry, is at most the norm. *)
Lemma le_norm m n (M : 'M[R]_(m, n)) i : \sum_j `|M i j| <= norm M.
Proof. by move: i; apply/norm_leP; rewrite ?norm_ge0. Qed.

Lemma entry_le_norm m n (M : 'M[R]_(m, n)) i j : `|M i j| <= norm M.
Proof. by apply: le_trans (le_norm M i); rewrite (bigD1 j) //= ler_addl sumr_ge0. Qed.

(** For a column vector: at most c exactly if no entry is above c. *)
Lemma col_norm_leP m (v : 'cV[R]_m) c : 0 <= c -> reflect (forall i, `|v i 0| <= c) (norm v <= c).
Proof.
move=> c_ge0; apply: (iffP (norm_leP v c_ge0)) => le_c i; first by have := le_c i; rewrite big_ord1.
by rewrite big_ord1.
Qed.

Lemma col_norm_le m (v : 'cV[R]_m) c : 0 <= c -> (forall i, `|v i 0| <= c) -> norm v <= c.
Proof. by move=> c_ge0 le_c; apply/col_norm_leP. Qed.

Lemma norm0 m n : norm (0 : 'M[R]_(m, n)) = 0.
Proof.
apply/le_anti; rewrite norm_ge0 andbT norm_le // => i.
by rewrite big1 // => j _; rewrite mxE normr0.
Qed.

Lemma norm_eq0 m n (M : 'M[R]_(m, n)) : (norm M == 0) = (M == 0).
Proof.
apply/eqP/eqP => [M0|->]; last exact: norm0.
apply/matrixP => i j; rewrite mxE; apply/eqP.
by rewrite -normr_le0 -M0 entry_le_norm.
Qed.

(** The norm is a norm: the triangle inequality, scaling, and products. *)
Lemma norm_add m n (A B : 'M[R]_(m, n)) : norm (A + B) <= norm A + norm B.
Proof.
apply: norm_le => [|i]; first by rewrite addr_ge0 ?norm_ge0.
apply: le_trans (ler_add (le_norm A i) (le_norm B i)); rewrite -big_split.
by apply: ler_sum => j _; rewrite mxE ler_norm_add.
Qed.

Lemma norm_scale_le m n c (M : 'M[R]_(m, n)) : norm (c *: M) <= `|c| * norm M.
Proof.
apply: norm_le => [|i]; first by rewrite mulr_ge0 ?norm_ge0.
under eq_bigr => j _ do rewrite mxE normrM.
by rewrite -mulr_sumr ler_wpmul2l ?le_norm.
Qed.

Lemma norm_scale m n c (M : 'M[R]_(m, n)) : norm (c *: M) = `|c| * norm M.
Proof.
have [->|c_neq0] := eqVneq c 0; first by rewrite scale0r norm0 normr0 mul0r.
apply/le_anti; rewrite norm_scale_le -ler_pdivl_mull ?normr_gt0 // -normfV.
by rewrite -{1}[M](scalerK c_neq0) norm_scale_le.
Qed.

Lemma norm_opp m n (M : 'M[R]_(m, n)) : norm (- M) = norm M.
Proof. by rewrite -scaleN1r norm_scale normrN1 mul1r. Qed.

Lemma norm_mul m n p (A : 'M[R]_(m, n)) (B : 'M[R]_(n, p)) : norm (A *m B) <= norm A * norm B.
Proof.
apply: norm_le => [|i]; first by rewrite mulr_ge0 ?norm_ge0.
apply: (@le_trans _ _ (\sum_k \sum_j `|A i k| * `|B k j|)).
  rewrite exchange_big; apply: ler_sum => j _ /=; rewrite mxE; apply: le_trans (ler_norm_sum _ _ _) _.
  by apply: ler_sum => k _; rewrite normrM.
apply: le_trans (ler_wpmul2r (norm_ge0 B) (le_norm A i)); rewrite mulr_suml.
by apply: ler_sum => k _; rewrite -mulr_sumr ler_wpmul2l ?le_norm.
Qed.

End Norm.
