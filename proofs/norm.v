(** The greatest absolute row sum of a matrix: of a column vector, its greatest
    absolute entry; and how fast distances that shrink in every step go to 0. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
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

(** Numbers a l, such as a distance at every depth l. *)
Section Decay.
Variables (R : realFieldType) (a : nat -> R) (q : R).
Hypothesis q_ge0 : 0 <= q.

(** If no a (l + 1) is above q a l, no a l is above q^l a 0. *)
Lemma geometric_decay : (forall l, a l.+1 <= q * a l) -> forall l, a l <= q ^+ l * a 0%N.
Proof.
move=> step; elim=> [|l IH]; first by rewrite mul1r.
by rewrite exprS -mulrA (le_trans (step l)) // ler_wpmul2l.
Qed.

(** If no a (l + 1) is above q a l + (1 - q) f, the a l decay at the rate q to the floor f. *)
Lemma decay_to_floor f :
  0 <= f -> (forall l, a l.+1 <= q * a l + (1 - q) * f) -> forall l, a l <= q ^+ l * a 0%N + f.
Proof.
move=> f_ge0 step; elim=> [|l IH]; first by rewrite mul1r ler_addl.
apply: le_trans (step l) _; apply: le_trans (ler_add (ler_wpmul2l q_ge0 IH) (lexx _)) _.
by rewrite exprS mulrDr mulrA -addrA -mulrDl [q + _]addrC subrK mul1r.
Qed.

End Decay.

(** The powers of a number in [0, 1) fall below every positive bound. *)
Lemma powers_vanish (R : archiFieldType) (q b e : R) :
  0 <= q -> q < 1 -> 0 < e -> exists m, forall l, (m <= l)%N -> q ^+ l * b < e.
Proof.
move=> q_ge0 q_lt1 e_gt0; have [->|q_neq0] := eqVneq q 0.
  by exists 1%N => l l_gt0; rewrite expr0n gtn_eqF // mul0r.
have q_gt0 : 0 < q by rewrite lt_def q_neq0.
have bernoulli (h : R) m : 0 <= h -> 1 + m%:R * h <= (1 + h) ^+ m.
  move=> h_ge0; elim: m => [|m IH]; first by rewrite mul0r addr0.
  rewrite exprSr; apply: le_trans (ler_wpmul2r _ IH); last by rewrite addr_ge0 ?ler01.
  rewrite -subr_ge0 -addn1 natrD; set t := m%:R : R.
  rewrite (_ : _ - _ = t * h * h); last by ring.
  by rewrite !mulr_ge0 ?ler0n.
have h_gt0 : 0 < q^-1 - 1 by rewrite subr_gt0 invf_gt1.
exists (Num.bound (`|b| / (e * (q^-1 - 1)))) => l le_l.
rewrite mulrC -ltr_pdivl_mulr ?exprn_gt0 // -ltr_pdivr_mull // -exprVn -[q^-1](subrK 1) addrC.
apply: lt_le_trans (bernoulli _ l (ltW h_gt0)); rewrite -ltr_subl_addl.
apply: (@lt_le_trans _ _ (`|b| / e)).
  by rewrite mulrC ltr_subl_addl (le_lt_trans (_ : _ <= `|b| / e)) ?ltr_addr ?ltr01 // ler_pmul2r ?invr_gt0 ?ler_norm.
rewrite -ler_pdivr_mulr // -mulrA -invfM; apply: ltW.
apply: (@lt_le_trans _ _ (Num.bound (`|b| / (e * (q^-1 - 1))))%:R); last by rewrite ler_nat.
by rewrite archi_boundP // divr_ge0 // mulr_ge0 // ltW.
Qed.
