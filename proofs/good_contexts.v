(** global-minimum: the good contexts' share of the expected loss falls with depth and length. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman contraction certainty_equivalence.
From icrl Require Import neu_bound paths visited second_moment loss_bounds.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** A context is good if at every state the margin of Mhat is at least c,
    and half of the expected n mu(s) transitions leave s. *)
Definition good (R : realFieldType) N n (E : 'I_N -> 'I_N -> R) (gamma : R)
    (mu : 'I_N -> R) (c : R) (S : nat -> 'I_N) : bool :=
  [forall s, (c <= margin (Mhat n E S s s) gamma)
             && (n%:R * mu s <= 2%:R * (visits n S s)%:R)].

(** The square of a column's norm is at most the sum of the squares. *)
Lemma norm_sqr_le (R : realFieldType) N (v : 'cV[R]_N) : norm v ^+ 2 <= \sum_s v s 0 ^+ 2.
Proof.
have entry s : v s 0 ^+ 2 <= \sum_s v s 0 ^+ 2.
  by rewrite (bigD1 s) //= ler_addl sumr_ge0 // => u _; rewrite sqr_ge0.
have sum_ge0 : 0 <= \sum_s v s 0 ^+ 2 by apply: sumr_ge0 => s _; rewrite sqr_ge0.
move: (\sum_s _) sum_ge0 entry => C C_ge0 entry; rewrite /norm.
elim/big_ind: _ => [|a b le_a le_b|s _]; [by rewrite expr0n | by case: (leP a b) |].
by rewrite big_ord1 real_normK ?num_real.
Qed.

(** The factor 2: the square of a sum is at most twice the sum of the squares. *)
Theorem square_of_a_sum (R : realFieldType) (a b : R) :
  (a + b) ^+ 2 <= 2%:R * (a ^+ 2 + b ^+ 2).
Proof. by rewrite -subr_ge0 (_ : _ - _ = (a - b) ^+ 2) ?sqr_ge0 //; ring. Qed.

(** The factor 4: what is left out with the square of the visits, where they are
    at least half of those expected. *)
Theorem visits_left_out (R : realFieldType) (visited expected y : R) :
  0 < expected -> expected <= 2%:R * visited ->
  y ^+ 2 <= 4%:R / expected ^+ 2 * (visited * y) ^+ 2.
Proof.
move=> e_gt0 half; rewrite [X in _ <= X](_ : _ = (2%:R * visited / expected) ^+ 2 * y ^+ 2); last first.
  by field; rewrite gt_eqF.
by rewrite ler_pemull ?sqr_ge0 // exprn_ege1 // ler_pdivl_mulr // mul1r.
Qed.

Section Good.
Variables (R : realFieldType) (N n d : nat) (E : 'I_N -> 'I_N -> R).
Variables (P : 'M[R]_N) (r : 'cV[R]_N) (gamma alpha : R).
Variables (mu : 'I_N -> R) (x : 'I_N -> 'cV[R]_d) (Nrm : 'cV[R]_d -> R).
Variables (B c sigma : R).
Hypotheses (P_stochastic : stochastic P) (mu_distribution : distribution mu).
Hypothesis muP : forall u, \sum_w mu w * P w u = mu u.
Hypothesis mu_gt0 : forall s, 0 < mu s.
Hypotheses (Nrm_seminorm : seminorm Nrm) (x_le : forall s, Nrm (x s) <= B).
Hypothesis E_ge0 : forall s u, 0 <= E s u.
Hypotheses (alpha_ge0 : 0 <= alpha) (alpha_le1 : alpha <= 1).
Hypotheses (gamma_ge0 : 0 <= gamma) (gamma_lt1 : gamma < 1).
Hypotheses (c_gt0 : 0 < c) (n_gt0 : (0 < n)%N).
Notation v_pi := (v_pi P r gamma).
Hypothesis span_le : forall s u, v_pi s 0 - v_pi u 0 <= sigma.
Notation NEU := (NEU P r gamma mu x Nrm).
Notation good := (good n E gamma mu c).
Notation values := (context_values E r gamma alpha n).
Notation Pe := (Pe R n).

Lemma gap_gt0 : 0 < 1 - gamma. Proof. by rewrite subr_gt0. Qed.

Lemma v_pi_bellman : v_pi = r + gamma *: (P *m v_pi).
Proof.
have gamma_lt1' : `|gamma| < 1 by rewrite ger0_norm.
by have [_ /(_ v_pi)[_ /(_ erefl)]] := bellman_has_one_solution r P_stochastic gamma_lt1'.
Qed.

(** One good context. *)
Section OneContext.
Variable S : nat -> 'I_N.
Hypothesis S_good : good S.
Notation v_CE := (v_CE n S (fun k => r (S k) 0) gamma).
Notation error := ((Pe S - P) *m v_pi).

Lemma good_margin s : c <= margin (Mhat n E S s s) gamma.
Proof. by have /forallP/(_ s)/andP[] := S_good. Qed.

Lemma good_visits s : n%:R * mu s <= 2%:R * (visits n S s)%:R.
Proof. by have /forallP/(_ s)/andP[] := S_good. Qed.

Lemma expected_gt0 s : 0 < n%:R * mu s :> R.
Proof. by rewrite mulr_gt0 ?ltr0n. Qed.

Lemma good_source s : source n S s.
Proof.
have := lt_le_trans (expected_gt0 s) (good_visits s).
by rewrite pmulr_rgt0 ?ltr0n.
Qed.

(** What equals its discounted mean but for g is at most |g| / (1 - gamma). *)
Lemma discounted_sum_le (u g : 'cV[R]_N) :
  u = g + gamma *: (Pe S *m u) -> norm u <= norm g / (1 - gamma).
Proof.
move=> uE; rewrite ler_pdivl_mulr ?gap_gt0 // mulrBr mulr1 ler_subl_addr {1}uE.
apply: le_trans (norm_add _ _) _; rewrite ler_add2l mulrC.
by have := discounted_le gamma (Pe_norm R n S) u; rewrite ger0_norm.
Qed.

Lemma v_CE_le : norm v_CE <= norm r / (1 - gamma).
Proof.
have rhat_r : rhat n S (fun k => r (S k) 0) = r.
  apply/colP => s; rewrite mxE (eq_bigr (fun k => r s 0)) => [|k /eqP->//].
  by rewrite sum_out mulrC mulKf // pnatr_eq0 -lt0n; apply: good_source.
have gamma_lt1' : `|gamma| < 1 by rewrite ger0_norm.
have [_ /(_ v_CE)[_ /(_ erefl)]] := certainty_equivalent_value n S (fun k => r (S k) 0) gamma_lt1'.
by rewrite /empirical_bellman rhat_r; apply: discounted_sum_le.
Qed.

Lemma v_CE_error_le : norm (v_CE - v_pi) <= gamma * norm error / (1 - gamma).
Proof.
have -> : gamma * norm error = norm (gamma *: error) by rewrite norm_scale ger0_norm.
apply: discounted_sum_le; apply/colP => s.
have := certainty_gap gamma_ge0 gamma_lt1 v_pi_bellman (good_source s).
rewrite mulmxBl mul1mx -scalemxAl !(addmxE, oppmxE, scalemxE) => <-.
by rewrite subrK.
Qed.

(** So the values err by what depth leaves of the reward, and by the error of the means. *)
Lemma good_error L :
  norm (values S L - v_pi) <= ((1 - alpha * c) ^+ L * norm r + gamma * norm error) / (1 - gamma).
Proof.
have c_le1 : c <= 1.
  case: mu_distribution => _ mu_sum1; case: (pickP (fun _ : 'I_N => true)) => [s _|none]; last first.
    by move: mu_sum1; rewrite big_pred0 // => /eqP; rewrite eq_sym oner_eq0.
  apply: le_trans (good_margin s) _; have := Mhat_le1 n S E_ge0 s s; rewrite /margin ger0_norm // => le1.
  rewrite ler_subl_addr ler_subl_addr -addrA (le_trans (ler_wpmul2l _ le1)) ?ler0n // mulr1.
  by rewrite -[2%:R]/(1 + 1) ler_add2l ler_addr.
have q_ge0 : 0 <= 1 - alpha * c by rewrite subr_ge0 mulr_ile1 // ltW.
pose m := (1 + `|gamma| + c) / 2%:R; have marginE : margin m gamma = c by rewrite /margin /m; field.
have m_le s : m <= Mhat n E S s s.
  rewrite /m ler_pdivr_mulr ?ltr0n // mulrC -ler_subr_addl.
  by apply: le_trans (good_margin s) _; rewrite /margin opprD addrA.
have := depth_reaches_v_CE (gamma := gamma) (fun k => r (S k) 0) 0 L E_ge0 m_le alpha_ge0 alpha_le1.
rewrite marginE sub0r norm_opp => /(_ c_gt0) deep.
rewrite -[_ - _](subrKA v_CE) mulrDl; apply: le_trans (norm_add _ _) _.
rewrite ler_add ?v_CE_error_le // -mulrA; apply: le_trans deep _.
by rewrite ler_wpmul2l ?exprn_ge0 ?v_CE_le.
Qed.

(** The loss in a good context. *)
Lemma good_loss L :
  NEU (values S L) ^+ 2 <=
  2%:R * B ^+ 2 * ((1 + gamma) / (1 - gamma)) ^+ 2
  * ((1 - alpha * c) ^+ (2 * L) * norm r ^+ 2
     + \sum_s gamma ^+ 2 * (4%:R / (n%:R * mu s) ^+ 2) * ((visits n S s)%:R * error s 0) ^+ 2).
Proof.
have K_ge0 : 0 <= (1 + gamma) / (1 - gamma) by rewrite divr_ge0 ?(ltW gap_gt0) // addr_ge0 ?ler01.
have B_ge0 := features_ge0 mu_distribution Nrm_seminorm x_le.
set a := (1 - alpha * c) ^+ L * norm r; set b := gamma * norm error.
have bound : NEU (values S L) <= (1 + gamma) / (1 - gamma) * B * (a + b).
  have := neu_bound P_stochastic v_pi_bellman mu_distribution Nrm_seminorm (values S L) x_le.
  rewrite ger0_norm // => /le_trans; apply.
  rewrite [X in _ <= X](_ : _ = (1 + gamma) * B * ((a + b) / (1 - gamma))); last by ring.
  by rewrite ler_wpmul2l ?good_error // mulr_ge0 ?addr_ge0.
have off : b ^+ 2 <=
    \sum_s gamma ^+ 2 * (4%:R / (n%:R * mu s) ^+ 2) * ((visits n S s)%:R * error s 0) ^+ 2.
  rewrite exprMn; apply: le_trans (ler_wpmul2l (sqr_ge0 _) (norm_sqr_le _)) _.
  rewrite mulr_sumr; apply: ler_sum => s _; rewrite -mulrA ler_wpmul2l ?sqr_ge0 //.
  exact: visits_left_out (expected_gt0 s) (good_visits s).
apply: (@le_trans _ _ (((1 + gamma) / (1 - gamma) * B * (a + b)) ^+ 2)).
  by rewrite ler_sqr ?nnegrE ?NEU_ge0 // (le_trans _ bound) ?NEU_ge0.
rewrite exprMn; apply: le_trans (ler_wpmul2l (sqr_ge0 _) (square_of_a_sum a b)) _.
rewrite [X in X <= _](_ : _ = 2%:R * B ^+ 2 * ((1 + gamma) / (1 - gamma)) ^+ 2 * (a ^+ 2 + b ^+ 2)); last by ring.
rewrite mulnC exprM -exprMn -/a ler_wpmul2l ?ler_add2l //.
by rewrite mulr_ge0 ?sqr_ge0 // mulr_ge0 ?sqr_ge0 ?ler0n.
Qed.

End OneContext.

(** The good contexts' share of the expected loss, S_0 being drawn from mu. *)
Theorem loss_of_good_contexts L :
  expectation mu P (fun t : n.+1.-tuple 'I_N =>
    (good (walk t))%:R * NEU (values (walk t) L) ^+ 2) <=
  2%:R * B ^+ 2 * ((1 + gamma) / (1 - gamma)) ^+ 2
  * ((1 - alpha * c) ^+ (2 * L) * norm r ^+ 2
     + \sum_s gamma ^+ 2 * sigma ^+ 2 / (n%:R * mu s)).
Proof.
have w_ge0 := path_weight_ge0 mu_distribution P_stochastic.
set C := 2%:R * B ^+ 2 * _; set D := _ ^+ (2 * L) * _.
have C_ge0 : 0 <= C by rewrite mulr_ge0 ?sqr_ge0 // mulr_ge0 ?sqr_ge0 ?ler0n.
pose square (t : n.+1.-tuple 'I_N) s := ((visits n (walk t) s)%:R * ((Pe (walk t) - P) *m v_pi) s 0) ^+ 2.
pose weight s := gamma ^+ 2 * (4%:R / (n%:R * mu s) ^+ 2).
have weight_ge0 s : 0 <= weight s by rewrite mulr_ge0 ?sqr_ge0 // divr_ge0 ?sqr_ge0 ?ler0n.
apply: (@le_trans _ _ (expectation mu P (fun t => C * (D + \sum_s weight s * square t s)))).
  apply: ler_sum => t _; rewrite ler_wpmul2l //.
  case: (boolP (good (walk t))) => [t_good|_]; first by rewrite mul1r good_loss.
  rewrite mul0r mulr_ge0 // addr_ge0 //.
    by rewrite /D mulnC exprM mulr_ge0 ?sqr_ge0.
  by apply: sumr_ge0 => s _; rewrite mulr_ge0 ?sqr_ge0 // weight_ge0.
rewrite expectation_scale ler_wpmul2l // expectation_add expectation_const // ler_add2l.
rewrite /expectation; under eq_bigr do rewrite mulr_sumr.
rewrite exchange_big; apply: ler_sum => s _ /=.
rewrite [X in X <= _](_ : _ = weight s * expectation mu P (square^~ s)); last first.
  by rewrite mulr_sumr; apply: eq_bigr => t _; rewrite mulrCA.
rewrite square_of_the_empirical_error //.
have var_le := next_variance_at_most P_stochastic s span_le.
have e_gt0 := expected_gt0 s; have e_ge0 := ltW e_gt0.
apply: le_trans (ler_wpmul2l _ (ler_wpmul2l e_ge0 var_le)) _.
  exact: weight_ge0.
have e_neq0 : n%:R * mu s != 0 by rewrite gt_eqF.
rewrite le_eqVlt; apply/orP; left; apply/eqP; rewrite /weight.
by move: (n%:R * mu s) e_neq0 => e e_neq0; field.
Qed.

End Good.
