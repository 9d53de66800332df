(** a-priori-finite-sample: how much of its start a Markov chain's sums keep. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import entries operator bellman neu_bound.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N : nat) (P : 'M[R]_N).

(** The expected visits to each state among S_0, ..., S_{m-1}:
    the sum of P^j over j < m. *)
Definition expected_visits (m : nat) : 'M[R]_N := \sum_(j < m) power P j.

(** Half the absolute difference of two rows, summed over the states:
    for distributions, their total variation. *)
Definition total_variation (M : 'M[R]_N) (s u : 'I_N) : R :=
  (\sum_y `|M s y - M u y|) / 2%:R.

(** The book's zeta, or more: by how much the expected visits differ between
    two starts, to n states or fewer. *)
Definition start_effect_at_most (n : nat) (zeta : R) :=
  forall m s u, (m <= n)%N -> total_variation (expected_visits m) s u <= zeta.

(** A transition leaves the distribution mu as it is. *)
Definition stationary (mu : 'I_N -> R) := forall u, \sum_s mu s * P s u = mu u.

(** The mean of f over mu. *)
Definition mean (mu : 'I_N -> R) (f : 'cV[R]_N) : R := \sum_s mu s * f s 0.

(** The values of f differ by at most w. *)
Definition span_at_most (f : 'cV[R]_N) (w : R) := forall s u, f s 0 - f u 0 <= w.

End Definitions.

Section Spans.
Variables (R : realFieldType) (N : nat).
Implicit Types (f : 'cV[R]_N) (M : 'M[R]_N) (q : 'I_N -> R).

Lemma total_variation_ge0 M s u : 0 <= total_variation M s u.
Proof. by rewrite divr_ge0 ?ler0n // sumr_ge0. Qed.

(** Weights that sum to 0 make of f at most half their absolute sum, times the
    span of f. *)
Lemma balanced_sum q f w (s : 'I_N) :
  \sum_y q y = 0 -> span_at_most f w ->
  \sum_y q y * f y 0 <= (\sum_y `|q y|) / 2%:R * w.
Proof.
move=> q0 span; have two_neq0 : 2%:R != 0 :> R by rewrite pnatr_eq0.
pose low := [arg min_(u < s) f u 0]%O; pose c := f low 0 + w / 2%:R.
have -> : \sum_y q y * f y 0 = \sum_y q y * (f y 0 - c).
  by under [RHS]eq_bigr do rewrite mulrBr; rewrite sumrB -mulr_suml q0 mul0r subr0.
rewrite -mulrA mulr_suml; apply: ler_sum => y _; apply: le_trans (ler_norm _) _.
rewrite normrM ler_wpmul2l // [_^-1 * w]mulrC ler_norml.
have lower : f low 0 <= f y 0 by rewrite /low; case: arg_minP => // i _; apply.
have upper := span y low; apply/andP; split; rewrite -subr_ge0.
  have -> : f y 0 - c - - (w / 2%:R) = f y 0 - f low 0 by rewrite /c; ring.
  by rewrite subr_ge0.
have -> : w / 2%:R - (f y 0 - c) = w - (f y 0 - f low 0) by rewrite /c; field.
by rewrite subr_ge0.
Qed.

(** So a matrix of equal row sums brings the values of f together. *)
Lemma span_mul M f w c D s u :
  (forall s, \sum_y M s y = c) -> span_at_most f w ->
  total_variation M s u <= D -> (M *m f) s 0 - (M *m f) u 0 <= D * w.
Proof.
move=> rows span tv_le; have w_ge0 : 0 <= w by rewrite -(subrr (f s 0)) span.
apply: le_trans (ler_wpmul2r w_ge0 tv_le).
rewrite !mxE -sumrB; under eq_bigr do rewrite -mulrBl.
by apply: (balanced_sum (q := fun y => M s y - M u y)) => //; rewrite sumrB !rows subrr.
Qed.

End Spans.

Section Mixing.
Variables (R : realFieldType) (N : nat) (P : 'M[R]_N).
Hypothesis P_stochastic : stochastic P.
Implicit Types (f : 'cV[R]_N) (s u : 'I_N) (mu : 'I_N -> R).
Notation power := (power P).
Notation expected_visits := (expected_visits P).
Notation start_effect_at_most := (start_effect_at_most P).

(** One step first. *)
Lemma expected_visits0 : expected_visits 0 = 0. Proof. exact: big_ord0. Qed.

Lemma expected_visitsS m : expected_visits m.+1 = 1%:M + P *m expected_visits m.
Proof. by rewrite /mixing.expected_visits big_ord_recl mulmx_sumr. Qed.

Lemma row_mul (M : 'M[R]_N) c s : (forall u, \sum_y M u y = c) -> \sum_y (P *m M) s y = c.
Proof.
move=> rows; under eq_bigr do rewrite mxE; rewrite exchange_big /=.
by under eq_bigr do rewrite -mulr_sumr rows; rewrite -mulr_suml P_stochastic.2 mul1r.
Qed.

Lemma row_1 s : \sum_y (1%:M : 'M[R]_N) s y = 1.
Proof. by rewrite (bigD1 s) //= mxE eqxx big1 ?addr0 // => y /negbTE; rewrite mxE eq_sym => ->. Qed.

Lemma expected_visits_row m s : \sum_y expected_visits m s y = m%:R.
Proof.
elim: m s => [|m IH] s; first by rewrite expected_visits0 big1 // => y _; rewrite mxE.
rewrite expected_visitsS; under eq_bigr do rewrite addmxE.
by rewrite big_split /= row_1 (row_mul s IH) mulrS.
Qed.

(** The span lemma: the expected sum of f over m states differs between two starts
    by at most zeta times the span of f. *)
Theorem expected_sums_span n zeta f w :
  start_effect_at_most n zeta -> span_at_most f w ->
  forall m, (m <= n)%N -> span_at_most (expected_visits m *m f) (zeta * w).
Proof.
move=> zeta_ge span m le_mn s u; apply: (span_mul (expected_visits_row m) span).
exact: zeta_ge.
Qed.

(** From a stationary distribution the expected sum is m times the mean. *)
Lemma stationary_sum mu f m :
  stationary P mu -> mean mu (expected_visits m *m f) = m%:R * mean mu f.
Proof.
move=> stat; elim: m => [|m IH].
  by rewrite expected_visits0 mul0mx /mean big1 ?mul0r // => s _; rewrite mxE mulr0.
rewrite expected_visitsS mulmxDl mul1mx -mulmxA /mean; under eq_bigr do rewrite addmxE mulrDr.
rewrite big_split /= -/(mean mu f) mulrS mulrDl mul1r -IH; congr (_ + _).
under eq_bigr do rewrite mxE mulr_sumr; rewrite exchange_big; apply: eq_bigr => u _.
by under eq_bigr do rewrite mulrA; rewrite -mulr_suml stat.
Qed.

(** So from any start the expected sum of f is within zeta times the span of f
    of n times its mean. *)
Theorem expected_sum_near_mean n zeta mu f w s :
  start_effect_at_most n zeta ->
  distribution mu -> stationary P mu -> span_at_most f w ->
  `|(expected_visits n *m f) s 0 - n%:R * mean mu f| <= zeta * w.
Proof.
move=> zeta_ge [mu_ge0 mu_sum1] stat span; rewrite -stationary_sum //; set h := expected_visits n *m f.
have -> : h s 0 - mean mu h = \sum_u mu u * (h s 0 - h u 0).
  by under eq_bigr do rewrite mulrBr; rewrite sumrB -mulr_suml mu_sum1 mul1r.
rewrite -[X in _ <= X]mul1r -mu_sum1 mulr_suml; apply: le_trans (ler_norm_sum _ _ _) _.
apply: ler_sum => u _; rewrite normrM (ger0_norm (mu_ge0 u)) ler_wpmul2l //.
by rewrite ler_norml ler_oppl opprB !(expected_sums_span zeta_ge span (leqnn n)).
Qed.

End Mixing.
