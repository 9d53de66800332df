(** a-priori-finite-sample: the expectation of a sum along the chain,
    and a bound on what the chain keeps of its start. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import entries operator bellman neu_bound stationary paths mixing.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Sums.
Variables (R : realFieldType) (N : nat) (P : 'M[R]_N).
Hypothesis P_stochastic : stochastic P.
Implicit Types (f : 'cV[R]_N) (s u : 'I_N).
Notation power := (power P).
Notation expected_visits := (expected_visits P).

Lemma path_weight_cons n (p0 : 'I_N -> R) s (t : n.+1.-tuple 'I_N) :
  path_weight p0 P [tuple of s :: t] = p0 s * path_weight (P s) P t.
Proof.
rewrite /path_weight big_ord_recl walk_cons //; congr (_ * (P _ _ * _)).
by apply: eq_bigr => k _; rewrite /= !walk_cons //; apply: ltnW.
Qed.

(** The expectation of the sum of f over the first n states: the mean over p0
    of the expected visits times f. *)
Theorem expectation_of_sum n (p0 : 'I_N -> R) f :
  expectation p0 P (fun t : n.+1.-tuple 'I_N => \sum_(k < n) f (walk t k) 0) =
  mean p0 (expected_visits n *m f).
Proof.
have [P_ge0 P_sum1] := P_stochastic; rewrite /expectation; elim: n p0 => [|n IH] p0.
  rewrite big1 => [|t _]; last by rewrite big_ord0 mulr0.
  by rewrite expected_visits0 mul0mx /mean big1 // => s _; rewrite mxE mulr0.
rewrite sum_paths expected_visitsS mulmxDl mul1mx -mulmxA /mean; apply: eq_bigr => s _.
have -> : (f + P *m (expected_visits n *m f)) s 0 = f s 0 + mean (P s) (expected_visits n *m f).
  by rewrite addmxE [(P *m _) s 0]mxE.
have <- := IH (P s); have sum1 : \sum_(t : n.+1.-tuple 'I_N) path_weight (P s) P t = 1.
  by apply: path_weights_sum_to_1 => //; split.
rewrite -[f s 0]mulr1 -sum1 mulr_sumr -big_split mulr_sumr; apply: eq_bigr => t _ /=.
rewrite path_weight_cons big_ord_recl; under [X in _ * (_ + X)]eq_bigr => k _ do rewrite walk_cons 1?ltnW //.
by rewrite -mulrA [f s 0 * _]mulrC -mulrDr.
Qed.

(** Powers of P, and sums of them. *)
Lemma power_apart j s u : total_variation (power j) s u <= 1.
Proof.
rewrite /total_variation ler_pdivr_mulr ?ltr0n // mul1r.
have -> : 2%:R = \sum_y (power j s y + power j u y) by rewrite big_split /= !(power_sum1 P_stochastic).
apply: ler_sum => y _; apply: le_trans (ler_norm_sub _ _) _.
by rewrite !ger0_norm ?(power_ge0 P_stochastic).
Qed.

Lemma expected_visits_add j k :
  expected_visits (j + k) = expected_visits j + power j *m expected_visits k.
Proof.
rewrite /mixing.expected_visits big_split_ord mulmx_sumr; congr (_ + _).
by apply: eq_bigr => i _; rewrite -powerD.
Qed.

(** The total variation is what functions of span 1 see of it. *)
Lemma total_variation_le (M : 'M[R]_N) zeta s u :
  \sum_y M s y = \sum_y M u y ->
  (forall f, span_at_most f 1 -> (M *m f) s 0 - (M *m f) u 0 <= zeta) ->
  total_variation M s u <= zeta.
Proof.
move=> rows all_f; pose f : 'cV[R]_N := \col_y (0 <= M s y - M u y)%R%:R.
have span : span_at_most f 1.
  by move=> a b; rewrite !mxE ler_subl_addr ler_paddr ?ler0n // lern1 leq_b1.
apply: le_trans (all_f f span); rewrite le_eqVlt; apply/orP; left; apply/eqP.
rewrite !mxE -sumrB /total_variation.
have -> : \sum_y `|M s y - M u y| = \sum_y (2%:R * ((M s y - M u y) * f y 0) - (M s y - M u y)).
  apply: eq_bigr => y _; rewrite mxE; case: ger0P => _; first by rewrite mulr1 mulr_natl mulr2n addrK.
  by rewrite !mulr0 sub0r.
have q0 : \sum_y (M s y - M u y) = 0 by rewrite sumrB rows subrr.
rewrite [X in X / _]sumrB q0 subr0 -mulr_sumr mulrAC divff ?pnatr_eq0 // mul1r.
by apply: eq_bigr => y _; rewrite mulrBl.
Qed.

(** Dobrushin's coefficient chi of k steps, where it is below 1, bounds what
    any number of steps keeps of its start: by k / (1 - chi). *)
Theorem start_effect_from_dobrushin k chi n :
  (0 < k)%N -> chi < 1 -> (forall s u, total_variation (power k) s u <= chi) ->
  start_effect_at_most P n (k%:R / (1 - chi)).
Proof.
move=> k_gt0 chi_lt1 tv_le m s u _; apply: total_variation_le; first by rewrite !expected_visits_row.
move=> f span; have gap_gt0 : 0 < 1 - chi by rewrite subr_gt0.
have chi_ge0 : 0 <= chi by apply: le_trans (tv_le s s); apply: total_variation_ge0.
set zeta := k%:R / (1 - chi); have zetaE : k%:R + chi * zeta = zeta.
  by rewrite /zeta; field; rewrite gt_eqF.
have k_le : k%:R <= zeta by rewrite -[X in _ <= X]zetaE ler_addl mulr_ge0 // divr_ge0 ?ler0n // ltW.
have short j : span_at_most (expected_visits j *m f) j%:R.
  elim: j => [|j IH] a b; first by rewrite expected_visits0 mul0mx !mxE subrr.
  have one : expected_visits 1 = 1%:M by rewrite expected_visitsS expected_visits0 mulmx0 addr0.
  rewrite -[j.+1]addn1 expected_visits_add one mulmx1 mulmxDl !addmxE opprD addrACA natrD ler_add ?IH //.
  by have := span_mul (power_sum1 P_stochastic j) span (power_apart j a b); rewrite mul1r.
suff all_m : span_at_most (expected_visits m *m f) zeta by exact: all_m.
elim/ltn_ind: m => m IH; have [le_mk|lt_km] := leqP m k.
  by move=> a b; apply: le_trans (short m a b) (le_trans _ k_le); rewrite ler_nat.
have IHm := IH (m - k)%N; rewrite -(subnKC (ltnW lt_km)) => a b.
rewrite expected_visits_add mulmxDl !addmxE opprD addrACA -mulmxA -zetaE ler_add ?short //.
by apply: (span_mul (power_sum1 P_stochastic k) (IHm _) (tv_le a b)); rewrite ltn_subrL k_gt0 (ltn_trans k_gt0).
Qed.

End Sums.
