(** a-priori-finite-sample: before the context is drawn, how many transitions are enough
    for L layers to be near the true value, with probability 1 - delta. *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra ring.
From mathcomp.analysis Require Import Rstruct.
From icrl Require Import transformer td entries softmax_td operator norm fixed_point contraction.
From icrl Require Import certainty_equivalence neu_bound visited depth_visited.
From icrl Require Import real_functions paths finite_sample mixing mixing_tail.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** Coq's real numbers as an ordered field, and two of their functions. *)
Local Notation R := R_realFieldType.
Local Notation ln := (Rpower.ln : R -> R).
Local Notation sqrt := (R_sqrt.sqrt : R -> R).

(** Some transition leaves s: then s is visited. *)
Lemma source_visited N n (S : nat -> 'I_N) s : source n S s -> visited n S s.
Proof.
rewrite /source lt0n sum_nat_eq0 negb_forall => /existsP[k]; rewrite implyTb eqb0 negbK => /eqP <-.
exact/visited_at/ltnW.
Qed.

Section APriori.
Variables (N n : nat) (p0 mu : 'I_N -> R) (P : 'M[R]_N) (r vpi : 'cV[R]_N).
Variables (E : 'I_N -> 'I_N -> R) (gamma sigma delta D c mu_min : R).
Implicit Type t : n.+1.-tuple 'I_N.

(** The diagonal that is asked for. *)
Definition m_0 : R := (1 + gamma + c) / 2%:R.

(** The book's h_s: the span of m_0 E(s, u) - 1[u = s] E(s, s), a function of u,
    and its stationary mean in units of that, but for the sign. *)
Definition reach (s : 'I_N) : R :=
  (1 - m_0) * E s s + m_0 * \big[Num.max/0]_(u | u != s) E s u.
Definition room (s : 'I_N) : R :=
  population_sum E mu s * (M_pi E mu s s - m_0) / reach s.

(** The logarithm in the number of transitions that is asked for. *)
Definition log_tries : R := ln (3%:R * N%:R / delta).

(** How many transitions are enough. *)
Definition enough : Prop := forall s,
  [/\ 2%:R * D / room s <= n%:R, 2%:R * D ^+ 2 * log_tries / room s ^+ 2 <= n%:R,
      4%:R * D / mu s <= n%:R & 8%:R * D ^+ 2 * log_tries / mu s ^+ 2 <= n%:R].

(** The floor F_n. *)
Definition F_n : R :=
  gamma * sigma / (1 - gamma) * sqrt (ln (6%:R * N%:R * n%:R / delta) / (n%:R * mu_min)).

(** The event: a context whose diagonal is as asked for, that leaves each state at least half
    as often as is to be expected, and that is accurate. *)
Definition margin_met s t : bool := m_0 <= Mhat n E (walk t) s s.
Definition well_visited s t : bool := n%:R * mu s / 2%:R <= (visits n (walk t) s)%:R.
Definition typical t : bool :=
  [forall s, margin_met s t && well_visited s t] && accurate P vpi sigma (delta / 3%:R) t.

Hypotheses (p0_distribution : distribution p0) (P_stochastic : stochastic P).
Hypotheses (mu_distribution : distribution mu) (mu_stationary : stationary P mu).
Hypotheses (mu_min_gt0 : 0 < mu_min) (mu_min_le : forall s, mu_min <= mu s).
Hypothesis D_ge : mixes P n D.
Hypothesis E_gt0 : forall s u, 0 < E s u.
Hypotheses (gamma_ge0 : 0 <= gamma) (gamma_lt1 : gamma < 1).
Hypotheses (c_gt0 : 0 < c) (c_lt : forall s, c < margin (M_pi E mu s s) gamma).
Hypotheses (delta_gt0 : 0 < delta) (delta_le1 : delta <= 1).
Hypotheses (n_gt0 : (0 < n)%N) (n_enough : enough).

Lemma mu_gt0 s : 0 < mu s. Proof. exact: lt_le_trans mu_min_gt0 _. Qed.

Lemma Z_gt0 s : 0 < population_sum E mu s.
Proof.
rewrite /population_sum (bigD1 s) //= ltr_paddr ?mulr_gt0 ?mu_gt0 // sumr_ge0 // => u _.
by rewrite mulr_ge0 ?ltW ?mu_gt0.
Qed.

Lemma m_0_gt0 : 0 < m_0.
Proof. by rewrite divr_gt0 ?ltr0n // addr_gt0 // ltr_paddr ?ltr01. Qed.

Lemma m_0_lt s : m_0 < M_pi E mu s s.
Proof.
have := c_lt s; rewrite -subr_gt0 /margin ger0_norm // => lt; rewrite -subr_gt0.
have -> : M_pi E mu s s - m_0 = (2%:R * M_pi E mu s s - 1 - gamma - c) / 2%:R by rewrite /m_0; field.
by rewrite divr_gt0 ?ltr0n.
Qed.

Lemma m_0_lt1 (s : 'I_N) : m_0 < 1.
Proof.
apply: lt_le_trans (m_0_lt s) _; rewrite mxE ler_pdivr_mulr ?Z_gt0 // mul1r.
rewrite /population_sum (bigD1 s) //= ler_addl sumr_ge0 // => u _.
by rewrite mulr_ge0 ?ltW ?mu_gt0.
Qed.

Lemma margin_m_0 : margin m_0 gamma = c.
Proof. by rewrite /margin ger0_norm // /m_0; field. Qed.

Lemma log_tries_ge0 (s : 'I_N) : 0 <= log_tries.
Proof.
have N_gt0 := leq_ltn_trans (leq0n _) (ltn_ord s).
rewrite ln_ge0 // ler_pdivl_mulr // mul1r (le_trans delta_le1) // -natrM ler1n.
by rewrite muln_gt0 N_gt0.
Qed.

Lemma exp_log_tries (s : 'I_N) : Rtrigo_def.exp (- log_tries) = delta / (3%:R * N%:R).
Proof.
have N_gt0 := leq_ltn_trans (leq0n _) (ltn_ord s).
by rewrite exp_opp_ln ?invf_div // divr_gt0 // mulr_gt0 ?ltr0n.
Qed.

(** The function whose sum along the context is positive where the diagonal is too small. *)
Definition lack s : 'cV[R]_N := \col_u (m_0 * E s u - (u == s)%:R * E s s).

Lemma le_rivals s u : u != s -> E s u <= \big[Num.max/0]_(u | u != s) E s u.
Proof.
move=> ne; have := mem_index_enum u; elim: (index_enum _) => //= y e IH.
rewrite inE big_cons => /orP[/eqP<-|/IH le_e]; first by rewrite ne le_maxr lexx.
by case: ifP => // _; rewrite le_maxr le_e orbT.
Qed.

Lemma rivals_ge0 s : 0 <= \big[Num.max/0]_(u | u != s) E s u.
Proof. by elim/big_ind: _ => [//|a b a_ge0 b_ge0|u _]; [rewrite le_maxr a_ge0 | exact: ltW]. Qed.

Lemma reach_gt0 s : 0 < reach s.
Proof.
rewrite ltr_paddr ?mulr_gt0 ?subr_gt0 ?(m_0_lt1 s) //.
by rewrite mulr_ge0 ?rivals_ge0 // ltW ?m_0_gt0.
Qed.

Lemma lack_span s : span_at_most (lack s) (reach s).
Proof.
move=> a b; rewrite !mxE /reach [X in _ <= X]addrC; have m_0_ge0 := ltW m_0_gt0.
apply: ler_add; last first.
  rewrite ler_oppl mulrBl mul1r opprB; case:  eqP => [->|_]; first by rewrite mul1r.
  rewrite mul0r subr0; apply: (@le_trans _ _ 0); last by rewrite mulr_ge0 // ltW.
  by rewrite subr_le0 ler_pimull // ltW ?(m_0_lt1 s).
have [->|ne] := eqVneq a s; last by rewrite mul0r subr0 ler_wpmul2l // le_rivals.
apply: (@le_trans _ _ 0); last by rewrite mulr_ge0 // rivals_ge0.
by rewrite mul1r subr_le0 ler_pimull // ltW ?(m_0_lt1 s).
Qed.

Lemma lack_mean s : mean mu (lack s) = - (room s * reach s).
Proof.
have Z_neq0 := lt0r_neq0 (Z_gt0 s).
rewrite /room divfK ?gt_eqF ?reach_gt0 // [M_pi _ _ _ _]mxE mulrBr mulrC divfK //.
rewrite /mean; under eq_bigr do rewrite mxE mulrBr mulrCA.
rewrite sumrB -mulr_sumr -/(population_sum E mu s) opprB mulrC; congr (_ - _).
by rewrite (bigD1 s) //= eqxx mul1r big1 ?addr0 // => u /negbTE ->; rewrite mul0r mulr0.
Qed.

Lemma lack_sum s t :
  \sum_(k < n) lack s (walk t k) 0 =
  m_0 * (\sum_(k < n) E s (walk t k)) - (visits n (walk t) s)%:R * E s s.
Proof.
under eq_bigr do rewrite mxE; rewrite sumrB mulr_sumr -mulr_suml; congr (_ - _ * _).
by rewrite /visits natr_sum.
Qed.

Lemma room_gt0 s : 0 < room s.
Proof. by rewrite divr_gt0 ?reach_gt0 // mulr_gt0 ?Z_gt0 // subr_gt0 m_0_lt. Qed.

(** The margin of s fails with a probability of at most delta / (3 N). *)
Lemma margin_fails s :
  Pr p0 P (fun t => ~~ margin_met s t) <= delta / (3%:R * N%:R).
Proof.
have [n_D n_l _ _] := n_enough s; rewrite -(exp_log_tries s).
have l_ge0 := log_tries_ge0 s; have drift := lexx (mean mu (lack s)).
rewrite {2}lack_mean in drift.
apply: le_trans (negative_drift p0_distribution P_stochastic mu_distribution mu_stationary
  D_ge (@lack_span s) (reach_gt0 s) (room_gt0 s) l_ge0 drift n_D n_l n_gt0).
apply: Pr_le => // t; rewrite -ltNge Mhat_visits mulrA lack_sum subr_gt0 ltr_pdivr_mulr //.
rewrite (bigD1 (Ordinal n_gt0)) //= ltr_paddr // sumr_ge0 // => k _; exact: ltW.
Qed.

(** And s is left less than half as often as is to be expected, with no more than that. *)
Lemma visits_fail s :
  Pr p0 P (fun t => ~~ well_visited s t) <= delta / (3%:R * N%:R).
Proof.
have [_ _ n_D n_l] := n_enough s; rewrite -(exp_log_tries s); have mu_s := mu_gt0 s.
pose f : 'cV[R]_N := \col_u (mu s / 2%:R - (u == s)%:R).
have two : 2%:R != 0 :> R by rewrite pnatr_eq0.
have span : span_at_most f 1.
  move=> a b; rewrite !mxE opprB addrC addrA subrK ler_subl_addr.
  by rewrite ler_paddr ?ler0n // lern1 leq_b1.
have mean_f : mean mu f = - (mu s / 2%:R * 1).
  rewrite /mean; under eq_bigr do rewrite mxE mulrBr; have [_ mu_sum1] := mu_distribution.
  rewrite sumrB -mulr_suml mu_sum1 mul1r (bigD1 s) //= eqxx mulr1n !mulr1 big1 ?addr0 => [|u /negbTE ->]; last by rewrite mulr0.
  by field.
have half_gt0 : 0 < mu s / 2%:R by rewrite divr_gt0 ?ltr0n.
have n_D' : 2%:R * D / (mu s / 2%:R) <= n%:R.
  by have -> : 2%:R * D / (mu s / 2%:R) = 4%:R * D / mu s by field; rewrite gt_eqF.
have n_l' : 2%:R * D ^+ 2 * log_tries / (mu s / 2%:R) ^+ 2 <= n%:R.
  by have -> : 2%:R * D ^+ 2 * log_tries / (mu s / 2%:R) ^+ 2 = 8%:R * D ^+ 2 * log_tries / mu s ^+ 2 by field; rewrite gt_eqF.
have drift := lexx (mean mu f); rewrite {2}mean_f in drift.
apply: le_trans (negative_drift p0_distribution P_stochastic mu_distribution mu_stationary
  D_ge span ltr01 half_gt0 (log_tries_ge0 s) drift n_D' n_l' n_gt0).
apply: Pr_le => // t; rewrite -ltNge => few; under eq_bigr do rewrite mxE.
by rewrite sumrB sumr_const card_ord -[_ *+ n]mulr_natl mulrA -natr_sum subr_gt0.
Qed.

(** The values differ by at most sigma. *)
Hypothesis span_le : forall s u, vpi s 0 - vpi u 0 <= sigma.

(** A context is typical with a probability of at least 1 - delta. *)
Theorem typical_is_likely : 1 - delta <= Pr p0 P typical.
Proof.
pose bad (i : bool * 'I_N) t := if i.1 then ~~ margin_met i.2 t else ~~ well_visited i.2 t.
pose miss (b : bool) t := if b then ~~ accurate P vpi sigma (delta / 3%:R) t else [exists i, bad i t].
have missed t : ~~ typical t -> [exists b, miss b t].
  rewrite negb_and => /orP[/forallPn[s]|not]; last by apply/existsP; exists true.
  rewrite negb_and => /orP not; apply/existsP; exists false; apply/existsP.
  by case: not => not; [exists (true, s) | exists (false, s)].
have third_gt0 : 0 < delta / 3%:R by rewrite divr_gt0 ?ltr0n.
have third_le1 : delta / 3%:R <= 1.
  by rewrite ler_pdivr_mulr ?ltr0n // mul1r (le_trans delta_le1) // ler1n.
rewrite Pr_not // ler_add2l ler_opp2; apply: (le_trans (Pr_le p0_distribution P_stochastic missed)).
apply: le_trans (union_bound p0_distribution P_stochastic _) _; rewrite big_bool /=.
have -> : delta = delta / 3%:R + 2%:R * (delta / 3%:R) by field.
apply: ler_add.
  rewrite -ler_opp2 -(ler_add2l 1) -Pr_not //.
  exact: (accurate_is_likely n p0_distribution P_stochastic span_le third_gt0 third_le1).
apply: le_trans (union_bound p0_distribution P_stochastic _) _.
apply: (@le_trans _ _ (\sum_(i : bool * 'I_N) delta / (3%:R * N%:R))).
  by apply: ler_sum => -[[] s] _; [apply: margin_fails | apply: visits_fail].
rewrite sumr_const -[_ *+ _]mulr_natl card_prod card_bool card_ord natrM -mulrA.
rewrite ler_wpmul2l ?ler0n //; have [->|N_neq0] := eqVneq (N%:R : R) 0; first by rewrite mul0r ltW.
by rewrite le_eqVlt; apply/orP; left; apply/eqP; field.
Qed.

(** The radius of (F), at a state that is left often enough. *)
Lemma radius_le s t :
  well_visited s t ->
  radius N n sigma (delta / 3%:R) (visits n (walk t) s) <=
  sigma * sqrt (ln (6%:R * N%:R * n%:R / delta) / (n%:R * mu_min)).
Proof.
move=> often; have nR_gt0 : 0 < n%:R :> R by rewrite ltr0n.
have N_gt0 := leq_ltn_trans (leq0n _) (ltn_ord s).
have sigma_ge0 : 0 <= sigma by rewrite -(subrr (vpi s 0)) span_le.
rewrite ler_wpmul2l // le_sqrt //.
have -> : 2%:R * N%:R * n%:R / (delta / 3%:R) = 6%:R * N%:R * n%:R / delta.
  by field; rewrite gt_eqF.
have ln_ge : 0 <= ln (6%:R * N%:R * n%:R / delta).
  by rewrite ln_ge0 // ler_pdivl_mulr // mul1r (le_trans delta_le1) // -!natrM ler1n !muln_gt0 N_gt0.
have mean_le : n%:R * mu_min <= 2%:R * (visits n (walk t) s)%:R.
  apply: (@le_trans _ _ (n%:R * mu s)); first by rewrite ler_wpmul2l ?mu_min_le // ltW.
  by move: often; rewrite /well_visited ler_pdivr_mulr ?ltr0n // [_ * 2%:R]mulrC.
have mean_gt0 : 0 < n%:R * mu_min by rewrite mulr_gt0.
by rewrite ler_wpmul2l // lef_pinv ?posrE // (lt_le_trans mean_gt0).
Qed.

(** In a typical context every state is left, v_CE errs by at most F_n ... *)
Lemma typical_source s t : typical t -> source n (walk t) s.
Proof.
case/andP=> /forallP/(_ s)/andP[_ often] _; rewrite /source -(ltr0n R_numDomainType).
by apply: lt_le_trans often; rewrite divr_gt0 ?mulr_gt0 ?ltr0n ?mu_gt0.
Qed.

Hypothesis bellman : vpi = r + gamma *: (P *m vpi).
Notation v_CE t := (v_CE n (walk t) (fun k => r (walk t k) 0) gamma).

Lemma typical_v_CE t : typical t -> norm (v_CE t - vpi) <= F_n.
Proof.
move=> typ; have /andP[/forallP all acc] := typ; have covered s := typical_source s typ.
pose T := sigma * sqrt (ln (6%:R * N%:R * n%:R / delta) / (n%:R * mu_min)).
have sigma_ge0 : 0 <= sigma by rewrite -(subrr (vpi (walk t 0) 0)) span_le.
have q_ge0 : 0 <= gamma / (1 - gamma) by rewrite divr_ge0 // subr_ge0 ltW.
have T_ge0 : 0 <= T by rewrite mulr_ge0 ?sqrt_ge0.
have -> : F_n = gamma / (1 - gamma) * T by rewrite /F_n /T mulrA; congr (_ * _); rewrite mulrAC.
apply: col_norm_le => [|s]; first by rewrite mulr_ge0.
rewrite addmxE oppmxE; have Ws := source_visited (covered s).
apply: le_trans (le_max_visited (fun s => `|v_CE t s 0 - vpi s 0|) Ws) _.
apply: le_trans (accurate_floor gamma_ge0 gamma_lt1 bellman acc (fun s _ => covered s)) _.
apply: le_trans (floor_at_most _ _ _ gamma_ge0 gamma_lt1) _; rewrite ler_wpmul2l //.
apply: max_visited_le => // u _; rewrite mxE radius_le //; by case/andP: (all u).
Qed.

(** ... and L updates, whatever the step size up to 1, leave no more than the book's bound. *)
Theorem typical_depth t alpha v0 L :
  typical t -> 0 <= alpha -> alpha <= 1 ->
  norm (weighted_td n (walk t) (fun k => r (walk t k) 0) gamma E (fun _ => alpha) v0 L - vpi) <=
  (1 - alpha * c) ^+ L * norm (v0 - vpi) + 2%:R * F_n.
Proof.
move=> typ alpha_ge0 alpha_le1; have /andP[/forallP all _] := typ.
have m_le s : m_0 <= Mhat n E (walk t) s s by case/andP: (all s).
have E_ge0 s u : 0 <= E s u by apply/ltW.
have q_le1 : 1 - alpha * c <= 1 by rewrite ler_subl_addl ler_addr mulr_ge0 // ltW.
have q_ge0 : 0 <= 1 - alpha * c.
  by rewrite -margin_m_0; apply: le_trans (operator_norm_bound gamma E_ge0 m_le alpha_ge0 alpha_le1); exact: norm_ge0.
have err := typical_v_CE typ; have F_ge0 := le_trans (norm_ge0 _) err.
have := depth_reaches_v_CE (gamma := gamma) (fun k => r (walk t k) 0) v0 L E_ge0 m_le alpha_ge0 alpha_le1.
rewrite margin_m_0 => /(_ c_gt0); set vL := weighted_td _ _ _ _ _ _ _ _ => near.
have -> : vL - vpi = (vL - v_CE t) + (v_CE t - vpi) by rewrite addrA subrK.
apply: le_trans (norm_add _ _) _; rewrite [2%:R * _]mulr_natl mulr2n addrA; apply: (ler_add _ err).
apply: le_trans near _; apply: (@le_trans _ _ ((1 - alpha * c) ^+ L * (norm (v0 - vpi) + F_n))).
  rewrite ler_wpmul2l ?exprn_ge0 //; have -> : v0 - v_CE t = (v0 - vpi) - (v_CE t - vpi).
    by rewrite opprB addrA subrK.
  by apply: le_trans (norm_add _ _) _; rewrite norm_opp ler_add2l.
by rewrite mulrDr ler_add2l ler_pimull // exprn_ile1.
Qed.

End APriori.

(** Bound (G'). Of a chain with a positive stationary distribution mu, from any p0: if n is large
    enough, then with probability at least 1 - delta a context of n transitions is typical. In every
    typical context each state is left, the diagonal of Mhat is as asked for, and the value row
    of L layers errs by at most (1 - alpha c)^L times the first error, and twice F_n. *)
Theorem a_priori_finite_sample N n d (p0 mu : 'I_N -> R) (P : 'M[R]_N) (r vpi : 'cV[R]_N)
    (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d) (exp : R -> R) (gamma sigma delta D c mu_min : R) :
  let E := fun s u => exp (score x A s u) in
  let typical := @typical N n mu P vpi E gamma sigma delta c in
  let F_n := F_n N n gamma sigma delta mu_min in
  distribution p0 -> stochastic P -> vpi = r + gamma *: (P *m vpi) ->
  0 <= gamma -> gamma < 1 -> span_at_most vpi sigma ->
  distribution mu -> stationary P mu -> 0 < mu_min -> (forall s, mu_min <= mu s) ->
  mixes P n D -> (forall y, 0 < exp y) ->
  0 < c -> (forall s, c < margin (M_pi E mu s s) gamma) ->
  0 < delta -> delta <= 1 -> (0 < n)%N -> enough n mu E gamma delta D c ->
  1 - delta <= Pr p0 P typical
  /\ forall t, typical t ->
     [/\ forall s, source n (walk t) s,
         forall s, m_0 gamma c <= Mhat n E (walk t) s s,
         norm (v_CE n (walk t) (fun k => r (walk t k) 0) gamma - vpi) <= F_n
       & forall alpha v0 L (j : 'I_n.+1), 0 <= alpha -> alpha <= 1 ->
         `|transformer (shift R n) (softmax exp (@sources n)) A gamma (fun _ => alpha) L
             (prompt n (walk t) (fun k => r (walk t k) 0) x gamma v0) (value_row d) j
           - vpi (walk t j) 0| <=
         (1 - alpha * c) ^+ L * norm (v0 - vpi) + 2%:R * F_n].
Proof.
move=> E typ floor p0_d P_s bell g0 g1 span mu_d mu_s mm mm_le D_ge exp_gt0 c0 c_lt d0 d1 n0 en.
have E_gt0 s u : 0 < E s u by apply: exp_gt0.
split=> [|t typ_t]; first exact: (typical_is_likely p0_d P_s mu_d mu_s mm mm_le D_ge).
split=> [s|s||alpha v0 L j a0 a1].
- exact: (typical_source mm mm_le n0 s typ_t).
- by case/andP: typ_t => /forallP/(_ s)/andP[].
- exact: (typical_v_CE mm mm_le g0 g1 d0 d1 n0 span bell typ_t).
have := typical_depth mm mm_le E_gt0 g0 g1 c0 d0 d1 n0 span bell v0 L typ_t a0 a1.
rewrite transformer_is_softmax_td prompt_value; apply: le_trans.
have := entry_le_norm (softmax_td n (walk t) (fun k => r (walk t k) 0) gamma x exp A (fun _ => alpha) v0 L - vpi) (walk t j) 0.
by rewrite addmxE oppmxE.
Qed.
