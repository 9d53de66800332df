(** neu-bound: the norm of the expected update is at most
    (1 + gamma) max |x| times the error of v. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N d : nat).
Variables (P : 'M[R]_N) (r : 'cV[R]_N) (gamma : R).
Variables (mu : 'I_N -> R) (x : 'I_N -> 'cV[R]_d).

(** By how much v fails the Bellman equation, at each state. *)
Definition bellman_error (v : 'cV[R]_N) : 'cV[R]_N := r + gamma *: (P *m v) - v.

(** A distribution over the states. *)
Definition distribution := (forall s, 0 <= mu s) /\ \sum_s mu s = 1.

(** A seminorm on feature vectors:
    all that the bound asks of the way they are measured. *)
Definition seminorm (Nrm : 'cV[R]_d -> R) :=
  (forall u v, Nrm (u + v) <= Nrm u + Nrm v)
  /\ (forall c u, Nrm (c *: u) = `|c| * Nrm u).

(** The norm of the expected update:
    of the mean over mu of the error at s times the features of s. *)
Definition NEU (Nrm : 'cV[R]_d -> R) (v : 'cV[R]_N) : R :=
  Nrm (\sum_s (mu s * bellman_error v s 0) *: x s).

End Definitions.

(** The bound, for any finite Markov reward process, any distribution
    over its states and any seminorm. *)
Section Bound.
Variables (R : realFieldType) (N d : nat).
Variables (P : 'M[R]_N) (r vpi : 'cV[R]_N) (gamma : R).
Variables (mu : 'I_N -> R) (x : 'I_N -> 'cV[R]_d).
Variables (Nrm : 'cV[R]_d -> R) (B : R).
Hypothesis P_stochastic : stochastic P.
Hypothesis bellman : vpi = r + gamma *: (P *m vpi).
Hypothesis mu_distribution : distribution mu.
Hypothesis Nrm_seminorm : seminorm Nrm.
Implicit Type v : 'cV[R]_N.
Notation bellman_error := (bellman_error P r gamma).

(** A seminorm is 0 at 0, is nowhere negative, and is subadditive over sums. *)
Lemma Nrm0 : Nrm 0 = 0.
Proof. by have := Nrm_seminorm.2 0 0; rewrite scale0r normr0 mul0r. Qed.

Lemma Nrm_ge0 u : 0 <= Nrm u.
Proof.
have := Nrm_seminorm.1 u (- u); rewrite -scaleN1r Nrm_seminorm.2 normrN1 mul1r scaleN1r subrr Nrm0.
by rewrite -mulr2n pmulrn_lge0.
Qed.

Lemma Nrm_sum (I : finType) (F : I -> 'cV[R]_d) : Nrm (\sum_i F i) <= \sum_i Nrm (F i).
Proof.
elim/big_ind2: _ => [|a u b w le_a le_b|//]; first by rewrite Nrm0.
exact: le_trans (Nrm_seminorm.1 _ _) (ler_add le_a le_b).
Qed.

(** The error in the Bellman equation is at most 1 + |gamma| times
    the error in the value. *)
Lemma bellman_error_le v : norm (bellman_error v) <= (1 + `|gamma|) * norm (v - vpi).
Proof.
have r_is : r = vpi - gamma *: (P *m vpi) by rewrite {1}bellman addrK.
have -> : bellman_error v = gamma *: (P *m (v - vpi)) - (v - vpi).
  rewrite /bellman_error r_is mulmxBr; apply/colP => s; rewrite !(addmxE, oppmxE, scalemxE).
  by move: ((P *m v) s 0) ((P *m vpi) s 0) (v s 0) (vpi s 0) => *; ring.
apply: le_trans (norm_add _ _) _; rewrite norm_opp norm_scale addrC mulrDl mul1r ler_add2l ler_wpmul2l //.
by apply: le_trans (norm_mul _ _) _; rewrite ler_pimull ?norm_ge0 // stochastic_norm.
Qed.

(** The norm of the expected update is at most a bound on the features
    times the error in the Bellman equation. *)
Lemma NEU_le v :
  (forall s, Nrm (x s) <= B) -> NEU P r gamma mu x Nrm v <= B * norm (bellman_error v).
Proof.
move=> x_le; have [mu_ge0 mu_sum1] := mu_distribution.
apply: le_trans (Nrm_sum _) _; apply: (@le_trans _ _ (\sum_s mu s * (norm (bellman_error v) * B))).
  apply: ler_sum => s _; rewrite Nrm_seminorm.2 normrM (ger0_norm (mu_ge0 s)) -mulrA ler_wpmul2l //.
  by rewrite ler_pmul ?Nrm_ge0 ?entry_le_norm.
by rewrite -mulr_suml mu_sum1 mul1r mulrC.
Qed.

Lemma features_ge0 : (forall s, Nrm (x s) <= B) -> 0 <= B.
Proof.
move=> x_le; have [mu_ge0 mu_sum1] := mu_distribution.
rewrite -[B]mul1r -mu_sum1 mulr_suml sumr_ge0 // => s _; rewrite mulr_ge0 //.
exact: le_trans (Nrm_ge0 _) (x_le s).
Qed.

(** The norm of the expected update is at most 1 + |gamma|,
    times a bound on the features, times the error. *)
Theorem neu_bound v :
  (forall s, Nrm (x s) <= B) ->
  NEU P r gamma mu x Nrm v <= (1 + `|gamma|) * B * norm (v - vpi).
Proof.
move=> x_le; apply: le_trans (NEU_le v x_le) _.
by rewrite -mulrA mulrCA ler_wpmul2l ?bellman_error_le ?features_ge0.
Qed.

End Bound.

(** The instances: two states, rewards and true values 0, estimates 1 and -1. *)
Section Instances.
Variable R : realFieldType.
Implicit Types (eps gamma c : R).

(** The chain: it stays with probability eps. *)
Definition flip eps : 'M[R]_2 := \matrix_(s, u) if s == u then eps else 1 - eps.

(** The vector that is c at state 0 and -c at state 1. *)
Definition pm c : 'cV[R]_2 := \col_s if s == 0 then c else - c.

(** The same as features in one dimension. *)
Definition pm_features c (s : 'I_2) : 'cV[R]_1 := const_mx (pm c s 0).

(** How they are measured. *)
Definition absolute (u : 'cV[R]_1) : R := `|u 0 0|.

(** Each state with probability 1/2. *)
Definition uniform (s : 'I_2) : R := 2%:R^-1.

(** The hypotheses of neu_bound on the process, the distribution and the seminorm;
    and mu is stationary. *)
Definition setting N d (P : 'M[R]_N) (r vpi : 'cV[R]_N) gamma
    (mu : 'I_N -> R) (Nrm : 'cV[R]_d -> R) :=
  [/\ stochastic P, vpi = r + gamma *: (P *m vpi), distribution mu, seminorm Nrm
    & forall u, \sum_s mu s * P s u = mu u].

(** Cases over two states. *)
Lemma case2 (Q : 'I_2 -> Prop) : Q 0 -> Q 1 -> forall s, Q s.
Proof.
move=> Q0 Q1 [[|[|//]] lt]; first by rewrite (_ : Ordinal lt = 0) //; apply: val_inj.
by rewrite (_ : Ordinal lt = 1) //; apply: val_inj.
Qed.

(** The instances satisfy the hypotheses. *)
Lemma flip_setting eps gamma : 0 <= eps <= 1 -> setting (flip eps) 0 0 gamma uniform absolute.
Proof.
move=> /andP[eps_ge0 eps_le1]; have neq0 : 2%:R != 0 :> R by rewrite pnatr_eq0.
split; last by apply: case2; rewrite sum2 !mxE /uniform /=; field.
- split=> s => [u|]; first by rewrite mxE; case: eqP; rewrite ?subr_ge0.
  by rewrite sum2 !mxE; elim/case2: s => /=; ring.
- by rewrite mulmx0 scaler0 addr0.
- by split=> [s|]; [rewrite invr_ge0 ler0n | rewrite sum2 /uniform; field].
- by split=> [u v|c u]; rewrite /absolute mxE ?ler_norm_add ?normrM.
Qed.

(** Their size is |c| at both states. *)
Lemma pm_size c s : absolute (pm_features c s) = `|c|.
Proof. by rewrite /absolute !mxE; case: eqP; rewrite ?normrN. Qed.

(** The norm of the expected update at the estimates 1, -1. *)
Lemma flip_NEU eps gamma c :
  NEU (flip eps) 0 gamma uniform (pm_features c) absolute (pm 1) = `|c * (1 + gamma * (1 - 2%:R * eps))|.
Proof.
have neq0 : 2%:R != 0 :> R by rewrite pnatr_eq0.
rewrite /NEU /absolute sum2 /bellman_error !(addmxE, oppmxE, scalemxE) !mxE !sum2 !mxE /uniform /=.
by rewrite -normrN; congr `|_|; field.
Qed.

Lemma pm_norm c : norm (pm c - 0) = `|c|.
Proof.
rewrite subr0; apply/le_anti.
rewrite col_norm_le //= => [|s]; last by rewrite mxE; case: eqP; rewrite ?normrN.
by have := entry_le_norm (pm c) 0 0; rewrite mxE.
Qed.

(** At eps = 1/10 and gamma = 1/2 the factor is 7/5. *)
Lemma tenth_setting : setting (flip 10%:R^-1) 0 0 2%:R^-1 uniform absolute.
Proof. by apply: flip_setting; rewrite invr_ge0 ler0n invf_le1 ?ltr0n // ler1n. Qed.

Lemma tenth : 1 + 2%:R^-1 * (1 - 2%:R * 10%:R^-1) = 7%:R / 5%:R :> R.
Proof. by field. Qed.

(** The bound is attained, for every gamma that is not negative. *)
Theorem neu_bound_is_sharp gamma : 0 <= gamma ->
  [/\ setting (flip 0) 0 0 gamma uniform absolute,
      forall s, absolute (pm_features 1 s) <= 1
    & NEU (flip 0) 0 gamma uniform (pm_features 1) absolute (pm 1) =
      (1 + `|gamma|) * 1 * norm (pm 1 - 0)].
Proof.
move=> g_ge0; split; first by apply: flip_setting; rewrite lexx ler01.
  by move=> s; rewrite pm_size normr1.
by rewrite flip_NEU pm_norm mulr0 subr0 !mul1r !mulr1 normr1 mulr1 !ger0_norm ?addr_ge0 ?ler01.
Qed.

(** With the factor 1 in place of 1 + gamma the bound is false. *)
Theorem neu_needs_gamma :
  [/\ setting (flip 10%:R^-1) 0 0 2%:R^-1 uniform absolute,
      forall s, absolute (pm_features 1 s) <= 1,
      NEU (flip 10%:R^-1) 0 2%:R^-1 uniform (pm_features 1) absolute (pm 1) =
      7%:R / 5%:R
    & 1 * norm (pm 1 - 0) < 7%:R / 5%:R].
Proof.
split; first exact: tenth_setting.
- by move=> s; rewrite pm_size normr1.
- by rewrite flip_NEU tenth mul1r ger0_norm // divr_ge0 ?ler0n.
- by rewrite pm_norm normr1 mulr1 ltr_pdivl_mulr ?ltr0n // mul1r ltr_nat.
Qed.

(** Without the size of the features the bound is false. *)
Theorem neu_needs_features :
  [/\ setting (flip 10%:R^-1) 0 0 2%:R^-1 uniform absolute,
      forall s, absolute (pm_features 2%:R s) <= 2%:R,
      NEU (flip 10%:R^-1) 0 2%:R^-1 uniform (pm_features 2%:R) absolute (pm 1) =
      14%:R / 5%:R
    & (1 + 2%:R^-1) * norm (pm 1 - 0) < 14%:R / 5%:R].
Proof.
split; first exact: tenth_setting.
- by move=> s; rewrite pm_size ger0_norm ?ler0n.
- by rewrite flip_NEU tenth mulrA -natrM ger0_norm // divr_ge0 ?ler0n.
- rewrite pm_norm normr1 mulr1 -subr_gt0 (_ : _ - _ = 13%:R / 10%:R); last by field.
  by rewrite divr_gt0 ?ltr0n.
Qed.

End Instances.

(** The Euclidean norm. *)
Section Euclid.
Variables (R : rcfType) (d : nat).
Implicit Types (u v : 'cV[R]_d).

(** The root of the sum of the squares. *)
Definition euclid (u : 'cV[R]_d) : R := Num.sqrt (\sum_i u i 0 ^+ 2).

Lemma sum_sqr_ge0 u : 0 <= \sum_i u i 0 ^+ 2.
Proof. by rewrite sumr_ge0 // => i _; rewrite sqr_ge0. Qed.

(** The Cauchy-Schwarz inequality. *)
Lemma cauchy_schwarz u v : \sum_i u i 0 * v i 0 <= euclid u * euclid v.
Proof.
have [a_ge0 c_ge0] := (sum_sqr_ge0 u, sum_sqr_ge0 v); rewrite /euclid -sqrtrM //.
set a := \sum_i _ in a_ge0 *; set c := \sum_i _ in c_ge0 *; set b := \sum_i _.
have bE : \sum_i u i 0 * v i 0 = b by [].
suff le_b2 : b ^+ 2 <= a * c by apply: le_trans (ler_norm b) _; rewrite -sqrtr_sqr ler_wsqrtr.
have [a0|a_neq0] := eqVneq a 0.
  rewrite [b]big1 ?expr0n ?mulr_ge0 // => i _.
  move/eqP: a0; rewrite psumr_eq0 => [|k _]; last exact: sqr_ge0.
  by move/allP/(_ i (mem_index_enum i)); rewrite /= sqrf_eq0 => /eqP ->; rewrite mul0r.
have := sum_sqr_ge0 (\col_i (a * v i 0 - b * u i 0)).
rewrite (_ : \sum_i _ = a * (a * c - b ^+ 2)).
  by rewrite pmulr_rge0 ?subr_ge0 // lt_neqAle eq_sym a_neq0.
under eq_bigr do rewrite mxE sqrrB !exprMn.
rewrite big_split sumrB /= -!mulr_sumr -/a -/c.
have -> : \sum_i a * v i 0 * (b * u i 0) *+ 2 = a * b * b *+ 2.
  rewrite -[X in _ = _ * X *+ 2]bE mulr_sumr -sumrMnl; apply: eq_bigr => i _; congr (_ *+ 2).
  by clear bE; move: b (u i 0) (v i 0) => *; ring.
by clear bE a_ge0 c_ge0 a_neq0; move: a b c => *; ring.
Qed.

(** euclid is a seminorm. *)
Lemma euclid_seminorm : seminorm euclid.
Proof.
split=> [u v|c u].
  rewrite -[X in _ <= X]ger0_norm ?addr_ge0 ?sqrtr_ge0 // -sqrtr_sqr ler_wsqrtr //.
  rewrite sqrrD !sqr_sqrtr ?sum_sqr_ge0 //.
  under eq_bigr do rewrite mxE sqrrD.
  by rewrite 2!big_split /= ler_add2r ler_add2l sumrMnl ler_muln2r cauchy_schwarz.
rewrite /euclid; under eq_bigr do rewrite mxE exprMn.
by rewrite -mulr_sumr sqrtrM ?sqr_ge0 // sqrtr_sqr.
Qed.

(** neu-bound for the Euclidean norm. *)
Theorem neu_bound_euclid N (P : 'M[R]_N) (r vpi v : 'cV[R]_N) (gamma : R)
    (mu : 'I_N -> R) (x : 'I_N -> 'cV[R]_d) (B : R) :
  stochastic P ->
  vpi = r + gamma *: (P *m vpi) ->
  distribution mu ->
  (forall s, euclid (x s) <= B) ->
  NEU P r gamma mu x euclid v <= (1 + `|gamma|) * B * norm (v - vpi).
Proof. by move=> Pst bellman mud; apply: neu_bound => //; apply: euclid_seminorm. Qed.

End Euclid.
