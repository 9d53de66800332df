(** The exponential, logarithm and square root of Coq's reals, in the notation of fields. *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import Rstruct.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** Coq's real numbers as an ordered field, and three of their functions. *)
Local Notation R := R_realFieldType.
Local Notation exp := (Rtrigo_def.exp : R -> R).
Local Notation ln := (Rpower.ln : R -> R).
Local Notation sqrt := (R_sqrt.sqrt : R -> R).

Lemma exp_gt0 (t : R) : 0 < exp t. Proof. exact/RltP/exp_pos. Qed.

Lemma exp_ge0 (t : R) : 0 <= exp t. Proof. exact/ltW/exp_gt0. Qed.

Lemma le_exp (x y : R) : x <= y -> exp x <= exp y.
Proof.
rewrite le_eqVlt => /orP[/eqP ->|/RltP lt]; first exact: lexx.
exact/RleP/Rlt_le/exp_increasing.
Qed.

Lemma expN (x : R) : exp (- x) = (exp x)^-1.
Proof.
have e_neq0 : exp x != 0 by rewrite gt_eqF ?exp_gt0.
by apply: (mulIf e_neq0); rewrite mulVf // expRD RplusE addNr expR0.
Qed.

Lemma exp_sum (I : finType) (B : pred I) (F : I -> R) :
  exp (\sum_(i | B i) F i) = \prod_(i | B i) exp (F i).
Proof. by apply: (big_morph exp) => [x y|]; [rewrite -expRD | exact: expR0]. Qed.

Lemma exp_opp_ln (x : R) : 0 < x -> exp (- ln x) = x^-1.
Proof. by move=> /RltP x_gt0; rewrite expN [exp _]exp_ln. Qed.

Lemma ln_ge0 (x : R) : 1 <= x -> 0 <= ln x.
Proof.
rewrite le_eqVlt => /orP[/eqP <-|/RltP x_gt1]; first by rewrite [ln 1]ln_1.
by have := ln_increasing _ _ Rlt_0_1 x_gt1; rewrite ln_1 => /RltP/ltW.
Qed.

Lemma sqr_sqrt (x : R) : 0 <= x -> sqrt x ^+ 2 = x.
Proof. by move=> /RleP x_ge0; rewrite expr2; exact: sqrt_sqrt. Qed.

Lemma sqrt_ge0 (x : R) : 0 <= sqrt x. Proof. exact/RleP/sqrt_pos. Qed.

Lemma le_sqrt (x y : R) : x <= y -> sqrt x <= sqrt y.
Proof. by move=> /RleP le; apply/RleP/sqrt_le_1_alt. Qed.
