(** What the book asks of the exponential where it asks for more than any function:
    sums become products, and it increases. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** An exponential function, to whatever base above 1. *)
Definition exponential (R : realFieldType) (exp : R -> R) :=
  (forall a b, exp (a + b) = exp a * exp b) /\ (forall a b, a < b -> exp a < exp b).

Section Exponential.
Variables (R : realFieldType) (exp : R -> R).
Hypothesis exp_exponential : exponential exp.

Lemma expD a b : exp (a + b) = exp a * exp b.
Proof. by case: exp_exponential. Qed.

Lemma exp_lt a b : a < b -> exp a < exp b.
Proof. by case: exp_exponential => _; apply. Qed.

Lemma exp_inj : injective exp.
Proof. by move=> a b ab; case: (ltrgtP a b) => // /exp_lt; rewrite ab ltxx. Qed.

(** The exponential is positive: a square, and nowhere 0, for then it would be 0 everywhere. *)
Lemma exp_gt0 a : 0 < exp a.
Proof.
have half : exp a = exp (a / 2%:R) ^+ 2 by rewrite expr2 -expD -splitr.
rewrite lt_neqAle half sqr_ge0 andbT eq_sym -half; apply/eqP => exp_a0.
have exp_eq0 b : exp b = 0 by rewrite -(subrK a b) expD exp_a0 mulr0.
by have := exp_lt ltr01; rewrite !exp_eq0 ltxx.
Qed.

Lemma exp0 : exp 0 = 1.
Proof.
have exp0_neq0 : exp 0 != 0 by rewrite gt_eqF ?exp_gt0.
by apply: (mulfI exp0_neq0); rewrite -expD addr0 mulr1.
Qed.

End Exponential.

(** A 2 x 2 matrix has an inverse exactly if its determinant is not 0. *)
Section TwoByTwo.
Variables (R : realFieldType) (M : 'M[R]_2).

Definition det2 : R := M 0 0 * M 1 1 - M 0 1 * M 1 0.

Lemma det2E : \det M = det2.
Proof.
rewrite (expand_det_row _ 0) !big_ord_recl big_ord0 addr0 /cofactor !det_mx11 !mxE /= /det2.
rewrite expr0 expr1 mul1r mulN1r mulrN; congr (_ * M _ _ - M _ _ * M _ _); exact: val_inj.
Qed.

Lemma unit2E : (M \in unitmx) = (det2 != 0).
Proof. by rewrite unitmxE unitfE det2E. Qed.

End TwoByTwo.
