(** How far the mean of a function over the successors of a state can be from its expectation,
    where the number of visits is random too. *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra ring.
From mathcomp.analysis Require Import Rstruct.
From icrl Require Import operator neu_bound visited real_functions hoeffding paths.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Local Notation R := R_realFieldType.
Local Notation exp := (Rtrigo_def.exp : R -> R).
Local Notation sqrt := (R_sqrt.sqrt : R -> R).

(** The exponent at its best lambda. *)
Lemma best_exponent (F : realFieldType) (c m sigma : F) :
  m != 0 -> sigma != 0 ->
  let lambda := 4%:R * c / (m * sigma ^+ 2) in
  lambda * c - m * (lambda ^+ 2 * sigma ^+ 2 / 8%:R) = 2%:R * c ^+ 2 / (m * sigma ^+ 2).
Proof. by move=> m0 sigma0 lambda; rewrite /lambda; field; rewrite m0 sigma0. Qed.

(** f is a function of the states, whose span is at most sigma. *)
Section Tail.
Variables (N : nat) (p0 : 'I_N -> R) (P : 'M[R]_N) (n : nat) (f : 'cV[R]_N) (sigma : R).
Hypotheses (p0_distribution : distribution p0) (P_stochastic : stochastic P).
Hypothesis span_le : forall s u, f s 0 - f u 0 <= sigma.
Implicit Type t : n.+1.-tuple 'I_N.
Notation Pr := (Pr p0 P (n := n)).
Notation deviation t := (deviation n (walk t) P f).

(** What a transition from w to u multiplies the supermartingale of the state s by:
    its mean is at most 1. *)
Definition factor (lambda : R) (s w u : 'I_N) : R :=
  if w == s then exp (lambda * (f u 0 - (P *m f) s 0) - lambda ^+ 2 * sigma ^+ 2 / 8%:R)
  else 1.

Lemma factor_mean lambda s w : \sum_u P w u * factor lambda s w u <= 1.
Proof.
have [P_ge0 P_sum1] := P_stochastic; rewrite /factor; case: eqP => [->|_]; last first.
  by under eq_bigr do rewrite mulr1; rewrite P_sum1.
under eq_bigr => u _ do rewrite -expRD mulrA.
rewrite -mulr_suml -[X in _ <= X]expR0 -[in X in _ <= X](subrr (lambda ^+ 2 * sigma ^+ 2 / 8%:R)) -expRD.
rewrite ler_wpmul2r ?exp_ge0 //.
pose low := [arg min_(u < s) f u 0]%O.
have low_le u : f low 0 <= f u 0 <= f low 0 + sigma.
  by rewrite -ler_subl_addl span_le andbT /low; case: arg_minP => // i _; apply.
have := hoeffding_lemma (conj (P_ge0 s) (P_sum1 s)) low_le lambda.
by rewrite [_ + sigma]addrC addrK mxE.
Qed.

(** The product of the factors of a walk. *)
Lemma product_of_factors lambda s t :
  \prod_(k < n) factor lambda s (walk t k) (walk t k.+1) =
  exp (lambda * deviation t s - (visits n (walk t) s)%:R * (lambda ^+ 2 * sigma ^+ 2 / 8%:R)).
Proof. by rewrite /factor -big_mkcond -exp_sum sumrB -mulr_sumr sum_out. Qed.

(** The exponential supermartingale: its expectation is at most 1. *)
Theorem exponential_supermartingale lambda s :
  expectation p0 P (fun t : n.+1.-tuple 'I_N =>
    exp (lambda * deviation t s
         - (visits n (walk t) s)%:R * (lambda ^+ 2 * sigma ^+ 2 / 8%:R))) <= 1.
Proof.
apply: le_trans (supermartingale n p0_distribution P_stochastic _ (factor_mean lambda s)) => [|w u].
  by rewrite le_eqVlt; apply/orP; left; apply/eqP; apply: eq_bigr => t _; rewrite product_of_factors.
by rewrite /factor; case: ifP => _; rewrite ?ler01 ?exp_ge0.
Qed.

(** Where f is constant, or no transition leaves s, nothing deviates. *)
Lemma deviation_0 t s : (sigma == 0) || (visits n (walk t) s == 0)%N -> deviation t s = 0.
Proof.
move=> no; case/orP: no => [/eqP sigma0|/eqP]; last exact: visits0.
rewrite /visited.deviation big1 // => k ks.
have same u : f u 0 = f s 0 by apply/le_anti; rewrite -subr_le0 -sigma0 span_le -subr_le0 -sigma0 span_le.
have [_ P_sum1] := P_stochastic; rewrite same mxE; under eq_bigr do rewrite same.
by rewrite -mulr_suml P_sum1 mul1r subrr.
Qed.

(** Chernoff's bound: by Markov's inequality for the supermartingale. *)
Lemma chernoff lambda s m c :
  0 <= lambda ->
  Pr (fun t => (visits n (walk t) s == m) && (c < deviation t s)) <=
  exp (- (lambda * c - m%:R * (lambda ^+ 2 * sigma ^+ 2 / 8%:R))).
Proof.
move=> lambda_ge0; rewrite -[exp _]mul1r expN -ler_pdivr_mulr ?invr_gt0 ?real_exp_gt0 // invrK mulrC.
apply: le_trans (exponential_supermartingale lambda s); apply: markov => // t; first exact: exp_ge0.
by case/andP=> /eqP -> /ltW c_le; apply: le_exp; rewrite ler_add2r ler_wpmul2l.
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
move=> l_ge0; set c := _ * (sigma * _).
have [no|] := boolP ((sigma == 0) || (m == 0)%N).
  rewrite /paths.Pr big_pred0 ?exp_ge0 // => t; case: eqP => // n_s; rewrite deviation_0 ?n_s //.
  by rewrite /c; case/orP: no => /eqP->; rewrite ?mul0r ?mulr0 ltxx.
rewrite negb_or -(pnatr_eq0 R_numDomainType) => /andP[sigma_neq0 m_neq0].
pose lambda := 4%:R * c / (m%:R * sigma ^+ 2).
have lambda_ge0 : 0 <= lambda.
  by rewrite divr_ge0 ?mulr_ge0 ?sqr_ge0 ?ler0n ?sqrt_ge0 // -(subrr (f s 0)) span_le.
suff lE : lambda * c - m%:R * (lambda ^+ 2 * sigma ^+ 2 / 8%:R) = l by rewrite -[in X in _ <= X]lE chernoff.
have c2 : c ^+ 2 = m%:R ^+ 2 * sigma ^+ 2 * (l / (2%:R * m%:R)).
  by rewrite /c !exprMn sqr_sqrt ?mulrA // divr_ge0 // mulr_ge0 ?ler0n.
rewrite [LHS]best_exponent // c2; move: m%:R m_neq0 => b b0.
by field; rewrite b0 sigma_neq0.
Qed.

End Tail.
