(** How far the mean of f over the successors of a state can be from its expectation,
    at every state of a context at once. *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra ring.
From mathcomp.analysis Require Import Rstruct.
From icrl Require Import operator neu_bound visited hoeffding paths.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Local Notation R := R_realFieldType.
Local Notation exp := (Rtrigo_def.exp : R -> R).
Local Notation ln := (Rpower.ln : R -> R).
Local Notation sqrt := (R_sqrt.sqrt : R -> R).

(** The functions of the library, in the notation of fields. *)
Lemma exp_gt0 (t : R) : 0 < exp t. Proof. exact/RltP/exp_pos. Qed.

Lemma exp_sum (I : finType) (B : pred I) (F : I -> R) :
  exp (\sum_(i | B i) F i) = \prod_(i | B i) exp (F i).
Proof. by apply: (big_morph exp) => [x y|]; [rewrite -expRD | exact: expR0]. Qed.

Lemma exp_opp_ln (x : R) : 0 < x -> exp (- ln x) = x^-1.
Proof.
move=> x_gt0; apply: (mulIf (lt0r_neq0 x_gt0)); rewrite mulVf ?lt0r_neq0 //.
rewrite -[X in _ * X]exp_ln; last exact/RltP.
by rewrite expRD RplusE addNr expR0.
Qed.

Lemma ln_ge0 (x : R) : 1 <= x -> 0 <= ln x.
Proof.
rewrite le_eqVlt => /orP[/eqP <-|/RltP x_gt1]; first by rewrite [ln 1]ln_1.
by have := ln_increasing _ _ Rlt_0_1 x_gt1; rewrite ln_1 => /RltP/ltW.
Qed.

Lemma sqr_sqrt (x : R) : 0 <= x -> sqrt x ^+ 2 = x.
Proof. by move=> /RleP x_ge0; rewrite expr2; exact: sqrt_sqrt. Qed.

(** The exponent at its best lambda. *)
Lemma best_exponent (F : realFieldType) (c m sigma : F) :
  m != 0 -> sigma != 0 ->
  let lambda := 4%:R * c / (m * sigma ^+ 2) in
  lambda * c - m * (lambda ^+ 2 * sigma ^+ 2 / 8%:R) = 2%:R * c ^+ 2 / (m * sigma ^+ 2).
Proof. by move=> m0 sigma0 lambda; rewrite /lambda; field; rewrite m0 sigma0. Qed.

Section Tail.
Variables (N : nat) (p0 : 'I_N -> R) (P : 'M[R]_N) (n : nat) (f : 'cV[R]_N) (sigma : R).
Hypotheses (p0_distribution : distribution p0) (P_stochastic : stochastic P).
Hypothesis span_le : forall s u, f s 0 - f u 0 <= sigma.
Implicit Type t : n.+1.-tuple 'I_N.
Notation Pr := (Pr p0 P (n := n)).
Notation deviation t := (deviation n (walk t) P f).

(** One transition out of s: the conditional expectation of its factor is at most 1. *)
Definition factor (lambda : R) (s w u : 'I_N) : R :=
  if w == s then exp (lambda * (f u 0 - (P *m f) s 0) - lambda ^+ 2 * sigma ^+ 2 / 8%:R)
  else 1.

Lemma factor_mean lambda s w : \sum_u P w u * factor lambda s w u <= 1.
Proof.
have [P_ge0 P_sum1] := P_stochastic; rewrite /factor; case: eqP => [->|_]; last first.
  by under eq_bigr do rewrite mulr1; rewrite P_sum1.
under eq_bigr => u _ do rewrite -expRD mulrA.
rewrite -mulr_suml -[X in _ <= X]expR0 -[in X in _ <= X](subrr (lambda ^+ 2 * sigma ^+ 2 / 8%:R)) -expRD.
rewrite ler_wpmul2r ?(ltW (exp_gt0 _)) //.
pose low := [arg min_(u < s) f u 0]%O.
have low_le u : f low 0 <= f u 0 <= f low 0 + sigma.
  by rewrite -ler_subl_addl span_le andbT /low; case: arg_minP => // i _; apply.
have := hoeffding (conj (P_ge0 s) (P_sum1 s)) low_le lambda.
by rewrite [_ + sigma]addrC addrK mxE.
Qed.

(** The product of the factors of a walk. *)
Lemma factors lambda s t :
  \prod_(k < n) factor lambda s (walk t k) (walk t k.+1) =
  exp (lambda * deviation t s - (visits n (walk t) s)%:R * (lambda ^+ 2 * sigma ^+ 2 / 8%:R)).
Proof.
by rewrite /factor -big_mkcond -exp_sum sumrB -mulr_sumr sum_out.
Qed.

(** The exponential supermartingale: its expectation is at most 1. *)
Theorem exponential_supermartingale lambda s :
  expectation p0 P (fun t : n.+1.-tuple 'I_N =>
    exp (lambda * deviation t s
         - (visits n (walk t) s)%:R * (lambda ^+ 2 * sigma ^+ 2 / 8%:R))) <= 1.
Proof.
apply: le_trans (supermartingale n p0_distribution P_stochastic _ (factor_mean lambda s)) => [|w u].
  by rewrite le_eqVlt; apply/orP; left; apply/eqP; apply: eq_bigr => t _; rewrite factors.
by rewrite /factor; case: ifP => _; rewrite ?ler01 ?(ltW (exp_gt0 _)).
Qed.

(** The tail: that m transitions leave s, and that the mean of f over their successors
    exceeds its expectation by more than sigma sqrt (l / 2m), has a probability
    of at most exp (- l). *)
Theorem deviation_tail (l : R) (s : 'I_N) (m : nat) :
  0 <= l ->
  Pr (fun t => (visits n (walk t) s == m)
               && (m%:R * (sigma * sqrt (l / (2%:R * m%:R))) < deviation t s))
  <= exp (- l).
Proof.
move=> l_ge0; set B := (fun t => _).
have sigma_ge0 : 0 <= sigma by rewrite -(subrr (f s 0)) span_le.
have none : (forall t, B t = false) -> Pr B <= exp (- l).
  by move=> B0; rewrite /paths.Pr big_pred0 // ltW ?exp_gt0.
case: m @B none => [|m] B none.
  apply: none => t; apply/negP => /andP[/eqP none]; rewrite mul0r /visited.deviation big1 ?ltxx // => k /eqP ks.
  by move/eqP: none; rewrite sum_nat_eq0 => /forallP/(_ k); rewrite ks eqxx.
have [sigma0|sigma_neq0] := eqVneq sigma 0.
  have const u : f u 0 - (P *m f) s 0 = 0.
    have same v w : f v 0 = f w 0.
      by apply/le_anti; rewrite -![_ 0 <= _]subr_ge0 -!oppr_le0 !opprB -sigma0 !span_le.
    have [_ P_sum1] := P_stochastic; rewrite mxE (eq_bigr (fun v => P s v * f u 0)) => [|v _]; last by rewrite (same v u).
    by rewrite -mulr_suml P_sum1 mul1r subrr.
  by apply: none => t; rewrite /B sigma0 mul0r mulr0 /visited.deviation big1 ?ltxx ?andbF // => k _.
pose c := m.+1%:R * (sigma * sqrt (l / (2%:R * m.+1%:R))); pose lambda := 4%:R * c / (m.+1%:R * sigma ^+ 2).
pose q := lambda ^+ 2 * sigma ^+ 2 / 8%:R.
have lambda_ge0 : 0 <= lambda.
  by rewrite divr_ge0 ?mulr_ge0 ?sqr_ge0 ?ler0n //; apply/RleP/sqrt_pos.
have := exponential_supermartingale lambda s; rewrite -/q.
have cE : lambda * c - m.+1%:R * q = l.
  have c2 : c ^+ 2 = m.+1%:R ^+ 2 * sigma ^+ 2 * (l / (2%:R * m.+1%:R)).
    by rewrite /c !exprMn sqr_sqrt ?mulrA // divr_ge0 // mulr_ge0 ?ler0n.
  have m_neq0 : m.+1%:R != 0 :> R by rewrite pnatr_eq0.
  rewrite [LHS]best_exponent // c2; move: m.+1%:R m_neq0 => b b0.
  by field; rewrite b0 sigma_neq0.
move=> mean_le1; rewrite -[exp _]mul1r -ler_pdivr_mulr ?exp_gt0 //.
have -> : (exp (- l))^-1 = exp l.
  have e_neq0 : exp (- l) != 0 by rewrite gt_eqF ?exp_gt0.
  by apply: (mulIf e_neq0); rewrite mulVf // expRD RplusE subrr expR0.
rewrite mulrC; apply: le_trans mean_le1; apply: markov => // t; first exact/ltW/exp_gt0.
case/andP=> /eqP -> /ltW c_le; rewrite -cE; apply/RleP.
have: lambda * c - m.+1%:R * q <= lambda * deviation t s - m.+1%:R * q.
  by rewrite ler_add2r ler_wpmul2l.
rewrite le_eqVlt => /orP[/eqP ->|/RltP lt]; first by apply/RleP.
exact/Rlt_le/exp_increasing.
Qed.

End Tail.
