(** a-priori-finite-sample: how many transitions are enough for a typical context:
    each state left often, the diagonal of Mhat large, the empirical means close. *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra ring.
From mathcomp.analysis Require Import Rstruct.
From icrl Require Import td entries operator fixed_point contraction neu_bound visited.
From icrl Require Import real_functions paths deviation mixing room mixing_tail successors_tail.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** Coq's real numbers as an ordered field, and two of their functions. *)
Local Notation R := R_realFieldType.
Local Notation ln := (Rpower.ln : R -> R).
Local Notation sqrt := (R_sqrt.sqrt : R -> R).

Section Typical.
Variables (N n : nat) (p0 mu : 'I_N -> R) (P : 'M[R]_N) (vpi : 'cV[R]_N).
Variables (E : 'I_N -> 'I_N -> R) (gamma sigma delta zeta c mu_min : R).
Implicit Type t : n.+1.-tuple 'I_N.
Notation m_0 := (m_0 gamma c).
Notation room := (room mu E gamma c).
Notation width := (width E gamma c).
Notation lack := (lack E gamma c).

(** The book's l. *)
Definition log_tries : R := ln (3%:R * N%:R / delta).

(** What n is to be at least: in one number, or in two rounder ones. *)
Definition long_enough (h : R) : Prop :=
  zeta ^+ 2 * log_tries / (2%:R * h ^+ 2) + 2%:R * zeta / h <= n%:R
  \/ (2%:R * zeta / h <= n%:R /\ 2%:R * zeta ^+ 2 * log_tries / h ^+ 2 <= n%:R).
Definition enough : Prop :=
  forall s, long_enough (room s) /\ long_enough (mu s / 2%:R).

(** How far an empirical mean of vpi may be off. *)
Definition tau_n : R := sigma * sqrt (ln (6%:R * N%:R / delta) / (n%:R * mu_min)).

(** The event, at each state: the diagonal entry is as asked for, at least
    half as many transitions leave as are to be expected, and the empirical
    mean of vpi is close. *)
Definition margin_met s t : bool := m_0 <= Mhat n E (walk t) s s.
Definition well_visited s t : bool :=
  n%:R * mu s / 2%:R <= (visits n (walk t) s)%:R.
Definition close s t : bool := `|((Pe R n (walk t) - P) *m vpi) s 0| <= tau_n.
Definition typical t : bool :=
  [forall s, [&& margin_met s t, well_visited s t & close s t]].

(** A chain from any p0; mu is stationary and positive. *)
Hypotheses (p0_distribution : distribution p0) (P_stochastic : stochastic P).
Hypotheses (mu_distribution : distribution mu) (mu_stationary : stationary P mu).
Hypotheses (mu_min_gt0 : 0 < mu_min) (mu_min_le : forall s, mu_min <= mu s).
Hypothesis zeta_ge : start_effect_at_most P n zeta.
Hypothesis E_gt0 : forall s u, 0 < E s u.
Hypothesis gamma_ge0 : 0 <= gamma.
Hypotheses (c_gt0 : 0 < c) (c_lt : forall s, c < margin (M_pi E mu s s) gamma).
Hypotheses (delta_gt0 : 0 < delta) (delta_le1 : delta <= 1).
Hypotheses (n_gt0 : (0 < n)%N) (n_enough : enough).
Hypothesis span : span_at_most vpi sigma.

Lemma mu_gt0 s : 0 < mu s. Proof. exact: lt_le_trans mu_min_gt0 _. Qed.

Lemma quotient_ge1 k (s : 'I_N) : (0 < k)%N -> 1 <= k%:R * N%:R / delta.
Proof.
move=> k_gt0; have N_gt0 := leq_ltn_trans (leq0n _) (ltn_ord s).
by rewrite ler_pdivl_mulr // mul1r (le_trans delta_le1) // -natrM ler1n muln_gt0 k_gt0.
Qed.

Lemma exp_log_tries k (s : 'I_N) : (0 < k)%N ->
  Rtrigo_def.exp (- ln (k%:R * N%:R / delta)) = delta / (k%:R * N%:R).
Proof.
by move=> /(quotient_ge1 s) x_ge1; rewrite exp_opp_ln ?invf_div // (lt_le_trans ltr01).
Qed.

(** What either way is for: the room that n steps give, less what the start
    can take of it. *)
Lemma long_enough_leaves (s : 'I_N) h :
  0 < h -> long_enough h ->
  zeta < n%:R * h /\ n%:R * log_tries * zeta ^+ 2 <= 2%:R * (n%:R * h - zeta) ^+ 2.
Proof.
have nR_gt0 : 0 < n%:R :> R by rewrite ltr0n.
have l_ge0 : 0 <= log_tries by apply: ln_ge0; apply: (@quotient_ge1 3 s).
move=> h_gt0; have nh_gt0 : 0 < n%:R * h by rewrite mulr_gt0.
have h2_gt0 : 0 < h ^+ 2 by rewrite exprn_gt0.
have far : 2%:R * zeta / h <= n%:R -> zeta < n%:R * h.
  rewrite ler_pdivr_mulr // => le; rewrite -(ltr_pmul2l (ltr0Sn R_numDomainType 1)).
  by apply: le_lt_trans le _; rewrite mulr_natl mulr2n ltr_addl.
case=> [le|[le_zeta le_l]]; split.
- apply/far/(le_trans _ le); rewrite ler_addr; apply: divr_ge0; apply: mulr_ge0 => //; try exact: sqr_ge0.
  exact: ler0n.
- rewrite -subr_ge0.
  have -> : 2%:R * (n%:R * h - zeta) ^+ 2 - n%:R * log_tries * zeta ^+ 2 =
      2%:R * n%:R * h ^+ 2 * (n%:R - (zeta ^+ 2 * log_tries / (2%:R * h ^+ 2) + 2%:R * zeta / h))
      + 2%:R * zeta ^+ 2 by field; rewrite gt_eqF.
  have c1 : 0 <= 2%:R * n%:R * h ^+ 2 by rewrite !mulr_ge0 ?ler0n ?sqr_ge0 // ltW.
  by rewrite addr_ge0 // mulr_ge0 ?subr_ge0 ?ler0n ?sqr_ge0.
- exact: far.
rewrite -subr_ge0.
have -> : 2%:R * (n%:R * h - zeta) ^+ 2 - n%:R * log_tries * zeta ^+ 2 =
    n%:R * h ^+ 2 / 2%:R * (n%:R - 2%:R * zeta ^+ 2 * log_tries / h ^+ 2)
    + n%:R * h * (n%:R * h - 2%:R * zeta) + (n%:R * h - 2%:R * zeta) ^+ 2 / 2%:R.
  by field; rewrite gt_eqF.
have half_left : 0 <= n%:R * h - 2%:R * zeta by rewrite subr_ge0 -ler_pdivr_mulr.
rewrite !addr_ge0 //; last by rewrite divr_ge0 ?sqr_ge0 ?ler0n.
  by rewrite mulr_ge0 ?subr_ge0 // divr_ge0 ?ler0n // mulr_ge0 ?ler0n // ltW.
by rewrite mulr_ge0 // ltW.
Qed.

(** At each state the diagonal entry is too small with a probability of at
    most delta / (3 N). *)
Lemma margin_fails s :
  Pr p0 P (fun t => ~~ margin_met s t) <= delta / (3%:R * N%:R).
Proof.
have room_s := room_gt0 mu_gt0 E_gt0 gamma_ge0 c_gt0 c_lt s.
have width_s := width_gt0 mu_gt0 E_gt0 gamma_ge0 c_gt0 c_lt s.
have [late enough_n] := long_enough_leaves s room_s (n_enough s).1.
have l_ge0 : 0 <= log_tries by apply: ln_ge0; apply: (@quotient_ge1 3 s).
have own S := own_weight_from_a_sum mu_gt0 E_gt0 gamma_ge0 c_gt0 c_lt S s n_gt0.
have [_ mean_s span_s _] := own (fun _ => s).
have drift : mean mu (lack s) <= - (room s * width s) by rewrite mean_s.
rewrite -(@exp_log_tries 3 s) //.
apply: le_trans (negative_drift p0_distribution P_stochastic mu_distribution mu_stationary
  zeta_ge span_s width_s room_s l_ge0 drift late enough_n).
by apply: Pr_le => // t; rewrite /margin_met; case: (own (walk t)) => -> _ _ _; rewrite -ltNge.
Qed.

(** Too few transitions leave s with probability at most delta / (3 N). *)
Lemma visits_fail s :
  Pr p0 P (fun t => ~~ well_visited s t) <= delta / (3%:R * N%:R).
Proof.
have half_gt0 : 0 < mu s / 2%:R by rewrite divr_gt0 ?ltr0n ?mu_gt0.
have [late enough_n] := long_enough_leaves s half_gt0 (n_enough s).2.
have l_ge0 : 0 <= log_tries by apply: ln_ge0; apply: (@quotient_ge1 3 s).
rewrite -(@exp_log_tries 3 s) //.
pose f : 'cV[R]_N := \col_u (mu s / 2%:R - (u == s)%:R).
have span_f : span_at_most f 1.
  move=> a b; rewrite !mxE opprB addrC addrA subrK ler_subl_addr.
  by rewrite ler_paddr ?ler0n // lern1 leq_b1.
have mean_f : mean mu f = - (mu s / 2%:R * 1).
  rewrite /mean; under eq_bigr do rewrite mxE mulrBr; have [_ mu_sum1] := mu_distribution.
  rewrite sumrB -mulr_suml mu_sum1 mul1r (bigD1 s) //= eqxx mulr1n !mulr1 big1 ?addr0 => [|u /negbTE ->]; last by rewrite mulr0.
  by field.
have drift := lexx (mean mu f); rewrite {2}mean_f in drift.
apply: le_trans (negative_drift p0_distribution P_stochastic mu_distribution mu_stationary
  zeta_ge span_f ltr01 half_gt0 l_ge0 drift late enough_n).
apply: Pr_le => // t; rewrite -ltNge => few; under eq_bigr do rewrite mxE.
by rewrite sumrB sumr_const card_ord -[_ *+ n]mulr_natl mulrA -natr_sum subr_gt0.
Qed.

(** The empirical mean at s is off, though enough transitions leave s,
    with probability at most delta / (3 N). *)
Lemma means_miss s :
  Pr p0 P (fun t => well_visited s t && ~~ close s t) <= delta / (3%:R * N%:R).
Proof.
have nR_gt0 : 0 < n%:R :> R by rewrite ltr0n.
pose m := n%:R * mu_min / 2%:R; have m_gt0 : 0 < m by rewrite divr_gt0 ?mulr_gt0 ?ltr0n.
have sigma_ge0 : 0 <= sigma by rewrite -(subrr (vpi s 0)) span.
have tau_ge0 : 0 <= tau_n by rewrite mulr_ge0 ?sqrt_ge0.
have m_le t : well_visited s t -> m <= (visits n (walk t) s)%:R.
  by apply: le_trans; rewrite ler_wpmul2r ?invr_ge0 ?ler0n // ler_wpmul2l ?mu_min_le // ltW.
have [sigma0|sigma_neq0] := eqVneq sigma 0.
  rewrite /Pr big_pred0 => [|t]; first by rewrite divr_ge0 ?mulr_ge0 ?ler0n // ltW.
  apply/negP => /andP[/m_le often /negP[]]; rewrite /close.
  have left_s : source n (walk t) s by rewrite /source -(ltr0n R_numDomainType) (lt_le_trans m_gt0).
  have := deviation_is_gap n (walk t) P vpi s; rewrite (deviation_0 P_stochastic span) ?sigma0 ?eqxx //.
  move/esym/eqP; rewrite mulf_eq0 pnatr_eq0 (gtn_eqF left_s) => /eqP ->.
  by rewrite normr0.
apply: le_trans (Pr_le p0_distribution P_stochastic _) _; last first.
  apply: le_trans (successors_tail n p0_distribution P_stochastic s span m_gt0 tau_ge0) _.
  have L_ge0 : 0 <= ln (6%:R * N%:R / delta) by apply: ln_ge0; apply: (@quotient_ge1 6 s).
  have -> : 2%:R * m * tau_n ^+ 2 / sigma ^+ 2 = ln (6%:R * N%:R / delta).
    rewrite /tau_n exprMn sqr_sqrt; last by rewrite divr_ge0 // mulr_ge0 // ltW.
    by rewrite /m; field; rewrite sigma_neq0 !gt_eqF.
  rewrite (@exp_log_tries 6 s) // le_eqVlt; apply/orP; left; apply/eqP.
  have N_neq0 : N%:R != 0 :> R by rewrite pnatr_eq0 -lt0n (leq_ltn_trans (leq0n _) (ltn_ord s)).
  by field.
by move=> t /= /andP[/m_le -> far]; rewrite ltW // ltNge.
Qed.

(** A context is typical with a probability of at least 1 - delta. *)
Theorem typical_is_likely : 1 - delta <= Pr p0 P typical.
Proof.
pose bad (i : option bool * 'I_N) t := match i.1 with
  | Some true => ~~ margin_met i.2 t
  | Some false => ~~ well_visited i.2 t
  | None => well_visited i.2 t && ~~ close i.2 t
  end.
have missed t : ~~ typical t -> [exists i, bad i t].
  case/forallPn=> s; have [met|not _] := boolP (margin_met s t); last first.
    by apply/existsP; exists (Some true, s).
  have [often|not _] := boolP (well_visited s t); last by apply/existsP; exists (Some false, s).
  by move=> far; apply/existsP; exists (None, s); rewrite /bad /= often.
rewrite Pr_not // ler_add2l ler_opp2; apply: (le_trans (Pr_le p0_distribution P_stochastic missed)).
apply: le_trans (union_bound p0_distribution P_stochastic _) _.
apply: (@le_trans _ _ (\sum_(i : option bool * 'I_N) delta / (3%:R * N%:R))).
  by apply: ler_sum => -[[[]|] s] _; [apply: margin_fails | apply: visits_fail | apply: means_miss].
rewrite sumr_const -[_ *+ _]mulr_natl card_prod card_option card_bool card_ord natrM.
have [->|N_neq0] := eqVneq (N%:R : R) 0; first by rewrite mulr0 mul0r ltW.
by rewrite le_eqVlt; apply/orP; left; apply/eqP; field.
Qed.

End Typical.
