(** a-priori-finite-sample: how far the sum of a function along a Markov chain
    can be from its stationary mean. *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra ring.
From mathcomp.analysis Require Import Rstruct.
From icrl Require Import entries operator neu_bound real_functions hoeffding paths mixing.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Local Notation R := R_realFieldType.
Local Notation exp := (Rtrigo_def.exp : R -> R).

Lemma exp_add (x y : R) : exp (x + y) = exp x * exp y. Proof. by rewrite -RplusE -expRD. Qed.

(** Hoeffding's lemma, for a function whose values differ by at most w. *)
Lemma hoeffding_span N (mu : 'I_N -> R) (g : 'cV[R]_N) (w lambda : R) :
  distribution mu -> span_at_most g w ->
  \sum_u mu u * exp (lambda * g u 0) <= exp (lambda * mean mu g + lambda ^+ 2 * w ^+ 2 / 8%:R).
Proof.
move=> mu_distribution span; have [s _|none] := pickP 'I_N; last first.
  by have [_] := mu_distribution; rewrite big_pred0 // => /esym/eqP; rewrite oner_eq0.
pose low := [arg min_(u < s) g u 0]%O.
have between u : g low 0 <= g u 0 <= g low 0 + w.
  by rewrite -ler_subl_addl span andbT /low; case: arg_minP => // i _; apply.
have := hoeffding_lemma mu_distribution between lambda; rewrite [_ + w]addrC addrK -/(mean mu g) => le.
rewrite exp_add; apply: le_trans (ler_wpmul2l (exp_ge0 _) le); rewrite mulr_sumr.
apply: ler_sum => u _; rewrite mulrCA -exp_add le_eqVlt; apply/orP; left; apply/eqP.
by congr (_ * exp _); rewrite mulrBr addrC subrK.
Qed.

(** A chain from any p0, a function f of its states, and what n steps keep of their start. *)
Section Tail.
Variables (N : nat) (p0 : 'I_N -> R) (P : 'M[R]_N) (mu : 'I_N -> R) (n : nat).
Variables (f : 'cV[R]_N) (zeta w : R).
Hypotheses (p0_distribution : distribution p0) (P_stochastic : stochastic P).
Hypotheses (mu_distribution : distribution mu) (mu_stationary : stationary P mu).
Hypotheses (zeta_ge : start_effect_at_most P n zeta) (span : span_at_most f w).
Implicit Types (t : n.+1.-tuple 'I_N) (s u : 'I_N).
Notation Pr := (Pr p0 P (n := n)).

(** The sum of f along the context, over the states that its transitions leave,
    less n times the stationary mean. *)
Definition excess t : R := \sum_(k < n) f (walk t k) 0 - n%:R * mean mu f.

(** What one transition adds to the exponent: nothing the first time, from the end. *)
Definition step_variance (lambda : R) : R := lambda ^+ 2 * (zeta * w) ^+ 2 / 8%:R.

Lemma step_variance_ge0 lambda : 0 <= step_variance lambda.
Proof. by rewrite divr_ge0 ?ler0n // mulr_ge0 ?sqr_ge0. Qed.

(** One transition: of Doob's martingale, the difference. *)
Lemma one_transition lambda m s : (m <= n)%N ->
  \sum_u P s u * exp (lambda * (expected_visits P m *m f) u 0) <=
  exp (lambda * (P *m (expected_visits P m *m f)) s 0 + (0 < m)%N%:R * step_variance lambda).
Proof.
have [P_ge0 P_sum1] := P_stochastic; case: m => [_|m le_mn].
  rewrite expected_visits0 mul0mx mulmx0 mxE mul0r addr0.
  under eq_bigr do rewrite mxE; rewrite -mulr_suml P_sum1 mul1r; exact: lexx.
rewrite mul1r mxE; apply: hoeffding_span; first by split=> // u.
exact: expected_sums_span zeta_ge span _ le_mn.
Qed.

(** All transitions but the last, one by one, from the end. *)
Lemma weighted_walks lambda m (q : 'I_N -> R) : (m <= n)%N -> (forall s, 0 <= q s) ->
  \sum_(t : m.+1.-tuple 'I_N) path_weight q (\matrix_(s, u) (exp (lambda * f s 0) * P s u)) t <=
  \sum_s q s * exp (lambda * (expected_visits P m *m f) s 0 + m.-1%:R * step_variance lambda).
Proof.
elim: m q => [|m IH] q le_mn q_ge0.
  rewrite weights_single expected_visits0 mul0mx; apply: ler_sum => s _.
  by rewrite mxE mulr0 mul0r addr0 expR0 mulr1 lexx.
have [P_ge0 P_sum1] := P_stochastic.
rewrite weights_front; apply: ler_sum => s _; rewrite ler_wpmul2l //.
apply: le_trans (IH _ (ltnW le_mn) _) _ => [u|]; first by rewrite mxE mulr_ge0 ?exp_ge0.
under eq_bigr do rewrite mxE exp_add -mulrA [P _ _ * _]mulrA.
rewrite -mulr_sumr -mulr_suml.
apply: le_trans (ler_wpmul2l (exp_ge0 _) (ler_wpmul2r (exp_ge0 _) (one_transition lambda s (ltnW le_mn)))) _.
rewrite -!exp_add le_eqVlt; apply/orP; left; apply/eqP; congr exp.
rewrite expected_visitsS mulmxDl mul1mx -mulmxA addmxE mulrDr.
case: m {IH le_mn} => [|m]; rewrite ?mul0r ?mul1r ?addr0 //= [m.+1%:R]mulrS.
by ring.
Qed.

(** The exponential moment of the sum. *)
Theorem exponential_moment lambda :
  0 <= lambda ->
  expectation p0 P (fun t : n.+1.-tuple 'I_N => exp (lambda * excess t)) <=
  exp (lambda * (zeta * w) + n.-1%:R * (lambda ^+ 2 * (zeta * w) ^+ 2 / 8%:R)).
Proof.
move=> lambda_ge0; have [p0_ge0 p0_sum1] := p0_distribution.
rewrite -/(step_variance lambda); have /= := weighted_walks lambda (leqnn n) p0_ge0.
set Q := \matrix_(_, _) _; have -> : \sum_(t : n.+1.-tuple 'I_N) path_weight p0 Q t =
    exp (lambda * (n%:R * mean mu f)) * expectation p0 P (fun t => exp (lambda * excess t)).
  rewrite /expectation [RHS]mulr_sumr; apply: eq_bigr => t _.
  rewrite mulrCA -exp_add -mulrDr [_ + excess t]addrC subrK mulr_sumr exp_sum.
  rewrite /path_weight -mulrA -big_split; congr (_ * _).
  by apply: eq_bigr => k _; rewrite mxE mulrC.
move=> le; rewrite -(ler_pmul2l (real_exp_gt0 (lambda * (n%:R * mean mu f)))).
apply: le_trans le _; rewrite -exp_add -[X in _ <= X]mul1r -[X in _ <= X * _]p0_sum1 mulr_suml.
apply: ler_sum => s _; rewrite ler_wpmul2l // le_exp // addrA ler_add2r -mulrDr ler_wpmul2l //.
rewrite -ler_subl_addl (le_trans (ler_norm _)) //.
exact: (expected_sum_near_mean P_stochastic s zeta_ge mu_distribution mu_stationary span).
Qed.

(** Chernoff's bound: by Markov's inequality. *)
Lemma excess_chernoff lambda c :
  0 <= lambda ->
  Pr (fun t => c <= excess t) <= exp (- (lambda * (c - zeta * w) - n%:R * step_variance lambda)).
Proof.
move=> lambda_ge0; rewrite (_ : - _ = lambda * (zeta * w) + n%:R * step_variance lambda - lambda * c); last by ring.
rewrite exp_add expN ler_pdivl_mulr ?real_exp_gt0 // mulrC.
apply: le_trans (le_trans (exponential_moment lambda_ge0) _); last first.
  by rewrite le_exp // ler_add2l ler_wpmul2r ?step_variance_ge0 // ler_nat leq_pred.
by apply: markov => // t; [exact: exp_ge0 | move=> c_le; rewrite le_exp // ler_wpmul2l].
Qed.

(** The tail of the sum, for f of span w: beyond zeta w, which the start can add. *)
Theorem sum_tail x :
  0 <= x ->
  Pr (fun t => zeta * w + x <= excess t) <=
  exp (- (2%:R * x ^+ 2 / (n%:R * (zeta * w) ^+ 2))).
Proof.
move=> x_ge0; set v := n%:R * _; have [v0|v_neq0] := eqVneq v 0.
  rewrite v0 invr0 mulr0 oppr0 expR0 -(path_weights_sum_to_1 n p0_distribution P_stochastic).
  exact: Pr_le.
have v_ge0 : 0 <= v by rewrite mulr_ge0 ?ler0n ?sqr_ge0.
pose lambda := 4%:R * x / v; have lambda_ge0 : 0 <= lambda by rewrite divr_ge0 // mulr_ge0 ?ler0n.
apply: le_trans (excess_chernoff _ lambda_ge0) _; rewrite le_eqVlt; apply/orP; left; apply/eqP.
congr exp; congr (- _); rewrite [zeta * w + x]addrC addrK /step_variance.
have -> : n%:R * (lambda ^+ 2 * (zeta * w) ^+ 2 / 8%:R) = lambda ^+ 2 * v / 8%:R by rewrite /v; ring.
by rewrite /lambda; field.
Qed.

(** Where the mean is at most - x w, and n large enough, the sum is hardly ever positive. *)
Theorem negative_drift x l :
  0 < w -> 0 < x -> 0 <= l -> mean mu f <= - (x * w) ->
  zeta < n%:R * x -> n%:R * l * zeta ^+ 2 <= 2%:R * (n%:R * x - zeta) ^+ 2 ->
  Pr (fun t => 0 < \sum_(k < n) f (walk t k) 0) <= exp (- l).
Proof.
move=> w_gt0 x_gt0 l_ge0 drift late enough.
pose a := n%:R * x - zeta; have a_gt0 : 0 < a by rewrite subr_gt0.
pose lambda := 2%:R * l / (w * a); have lambda_ge0 : 0 <= lambda.
  by rewrite divr_ge0 ?mulr_ge0 ?ler0n // ltW.
apply: le_trans (le_trans (excess_chernoff (n%:R * (x * w)) lambda_ge0) _).
  apply: Pr_le => // t /ltW sum_ge0; rewrite /excess -[X in X <= _]add0r ler_add //.
  by rewrite -mulrN ler_wpmul2l ?ler0n // ler_oppr.
apply: le_exp; rewrite ler_opp2 -subr_ge0.
have -> : lambda * (n%:R * (x * w) - zeta * w) - n%:R * step_variance lambda - l =
    l / (2%:R * a ^+ 2) * (2%:R * a ^+ 2 - n%:R * l * zeta ^+ 2).
  have -> : n%:R * (x * w) - zeta * w = w * a by rewrite /a; ring.
  by rewrite /step_variance /lambda; field; rewrite !gt_eqF.
by rewrite mulr_ge0 ?subr_ge0 // divr_ge0 // mulr_ge0 ?ler0n // ltW ?exprn_gt0.
Qed.

End Tail.
