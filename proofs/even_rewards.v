(** global-minimum: where every reward is 1, the loss at each depth is known,
    and above 0. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman fixed_point neu_bound loss_bounds.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Even.
Variables (R : realFieldType) (N d : nat) (E : 'I_N -> 'I_N -> R).
Variables (P : 'M[R]_N) (gamma alpha : R).
Variables (mu : 'I_N -> R) (x : 'I_N -> 'cV[R]_d) (Nrm : 'cV[R]_d -> R).
Hypotheses (P_stochastic : stochastic P) (mu_distribution : distribution mu).
Hypothesis Nrm_seminorm : seminorm Nrm.
Hypothesis E_gt0 : forall s u, 0 < E s u.
Notation one := (const_mx 1 : 'cV[R]_N).

(** The values stay the same at all states. *)
Lemma even_update (W : 'M[R]_N) (c : R) :
  (forall s, \sum_u W s u = 1) -> W *m const_mx c = const_mx c :> 'cV[R]_N.
Proof.
by move=> W1; apply/colP => s; rewrite !mxE; under eq_bigr do rewrite mxE; rewrite -mulr_suml W1 mul1r.
Qed.

Lemma even_error (c : R) : bellman_error P one gamma (const_mx c) = const_mx (1 - (1 - gamma) * c).
Proof.
rewrite /bellman_error even_update; last by case: P_stochastic.
by apply/colP => s; rewrite !mxE; ring.
Qed.

Lemma even_NEU (c : R) L :
  1 - (1 - gamma) * c = (1 - alpha * (1 - gamma)) ^+ L ->
  NEU P one gamma mu x Nrm (const_mx c) ^+ 2 = (1 - alpha * (1 - gamma)) ^+ (2 * L) * Nrm (\sum_s mu s *: x s) ^+ 2.
Proof.
move=> cE; rewrite /NEU even_error cE.
under eq_bigr do rewrite mxE mulrC -scalerA.
by rewrite -scaler_sumr Nrm_seminorm.2 exprMn real_normK ?num_real // -exprM mulnC.
Qed.

(** In a context that has no end. *)
Theorem even_loss_without_end L :
  NEU P one gamma mu x Nrm (endless_values E P one gamma alpha mu L) ^+ 2 =
  (1 - alpha * (1 - gamma)) ^+ (2 * L) * Nrm (\sum_s mu s *: x s) ^+ 2.
Proof.
have [mu_ge0 mu_sum1] := mu_distribution.
have M1 s : \sum_u M_pi E mu s u = 1.
  rewrite M_pi_row; suff -> : population_sum E mu s != 0 by [].
  rewrite /population_sum psumr_eq0 => [|u _]; last by rewrite mulr_ge0 // ltW.
  apply/negP => /allP zero; suff /eqP : \sum_s mu s = 0 by rewrite mu_sum1 oner_eq0.
  apply: big1 => u _; have := zero u (mem_index_enum u).
  by rewrite /= mulf_eq0 (gt_eqF (E_gt0 s u)) orbF => /eqP.
have [c -> cE] : exists2 c, endless_values E P one gamma alpha mu L = const_mx c
    & 1 - (1 - gamma) * c = (1 - alpha * (1 - gamma)) ^+ L; last exact: even_NEU.
elim: L => [|l [c IH cE]]; first by exists 0; rewrite ?mulr0 ?subr0.
exists (c + alpha * (1 - (1 - gamma) * c)); last by rewrite exprS -cE; ring.
rewrite /endless_values iterS -/(endless_values _ _ _ _ _ _ _) IH /population_update.
rewrite -/(bellman_error P one gamma (const_mx c)) even_error even_update //.
by apply/colP => s; rewrite !mxE.
Qed.

(** In every context of n transitions. *)
Theorem even_loss_in_a_context n (S : nat -> 'I_N) L :
  (0 < n)%N ->
  NEU P one gamma mu x Nrm (context_values E one gamma alpha n S L) ^+ 2 =
  (1 - alpha * (1 - gamma)) ^+ (2 * L) * Nrm (\sum_s mu s *: x s) ^+ 2.
Proof.
move=> n_gt0; have [c -> cE] : exists2 c, context_values E one gamma alpha n S L = const_mx c
    & 1 - (1 - gamma) * c = (1 - alpha * (1 - gamma)) ^+ L; last exact: even_NEU.
elim: L => [|l [c IH cE]]; first by exists 0; rewrite ?mulr0 ?subr0.
exists (c + alpha * (1 - (1 - gamma) * c)); last by rewrite exprS -cE; ring.
rewrite /context_values /= -/(context_values _ _ _ _ _ _ _) IH.
apply/colP => s; rewrite !mxE; congr (_ + _ * _).
under eq_bigr => k _ do rewrite /td_error !mxE.
by rewrite -mulr_suml (K_sum (sum_E_neq0 S E_gt0 n_gt0)) mul1r; ring.
Qed.

(** The factor is above 0 at every finite depth, but where one layer is enough:
    it is 0 exactly if alpha = 1, gamma = 0 and L >= 1. *)
Theorem even_loss_is_0_iff L :
  0 < alpha -> alpha <= 1 -> 0 <= gamma -> gamma < 1 ->
  ((1 - alpha * (1 - gamma)) ^+ (2 * L) == 0) = [&& alpha == 1, gamma == 0 & (0 < L)%N].
Proof.
move=> alpha_gt0 alpha_le1 gamma_ge0 gamma_lt1.
rewrite expf_eq0 muln_gt0 /= andbC andbA; congr (_ && _).
have le : alpha * (1 - gamma) <= 1 - gamma by rewrite ler_pimull // subr_ge0 ltW.
apply/eqP/andP => [/subr0_eq q0|[/eqP-> /eqP->]]; last by rewrite subr0 mulr1 subrr.
have gamma0 : gamma = 0.
  by apply/le_anti; rewrite gamma_ge0 andbT; move: le; rewrite -q0 ler_subr_addl ger_addr.
by rewrite gamma0 eqxx; move: q0; rewrite gamma0 subr0 mulr1 => <-.
Qed.

End Even.
