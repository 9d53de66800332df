(** a-priori-finite-sample: before the context is drawn, how near the true value
    L layers will be, with probability 1 - delta. *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra ring.
From mathcomp.analysis Require Import Rstruct.
From icrl Require Import transformer td entries softmax_td operator norm fixed_point contraction.
From icrl Require Import certainty_equivalence neu_bound visited.
From icrl Require Import real_functions paths mixing room typical.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** Coq's real numbers as an ordered field, and two of their functions. *)
Local Notation R := R_realFieldType.
Local Notation ln := (Rpower.ln : R -> R).
Local Notation sqrt := (R_sqrt.sqrt : R -> R).

(** A state that some transition leaves is visited. *)
Lemma source_visited N n (S : nat -> 'I_N) s : source n S s -> visited n S s.
Proof.
rewrite /source lt0n sum_nat_eq0 negb_forall => /existsP[k]; rewrite implyTb eqb0 negbK => /eqP <-.
exact/visited_at/ltnW.
Qed.

Section Floor.
Variables (N n : nat) (gamma sigma delta mu_min : R).

(** The floor F_n. *)
Definition F_n : R :=
  gamma * sigma / (1 - gamma) * sqrt (ln (6%:R * N%:R / delta) / (n%:R * mu_min)).

End Floor.

(** A typical context. *)
Section Context.
Variables (N n : nat) (mu : 'I_N -> R) (P : 'M[R]_N) (r vpi : 'cV[R]_N).
Variables (E : 'I_N -> 'I_N -> R) (gamma sigma delta c mu_min : R).
Variable t : n.+1.-tuple 'I_N.
Notation rewards := (fun k => r (walk t k) 0).
Notation v_CE := (v_CE n (walk t) rewards gamma).
Notation F_n := (F_n N n gamma sigma delta mu_min).

Hypotheses (mu_min_gt0 : 0 < mu_min) (mu_min_le : forall s, mu_min <= mu s).
Hypothesis E_gt0 : forall s u, 0 < E s u.
Hypotheses (gamma_ge0 : 0 <= gamma) (gamma_lt1 : gamma < 1).
Hypotheses (c_gt0 : 0 < c) (n_gt0 : (0 < n)%N).
Hypothesis span : span_at_most vpi sigma.
Hypothesis bellman : vpi = r + gamma *: (P *m vpi).
Hypothesis typical : typical mu P vpi E gamma sigma delta c mu_min t.

(** Every state is left. *)
Lemma typical_source s : source n (walk t) s.
Proof.
have /and3P[_ often _] := forallP typical s; rewrite /source -(ltr0n R_numDomainType).
apply: lt_le_trans often; rewrite divr_gt0 ?mulr_gt0 ?ltr0n //.
exact: lt_le_trans mu_min_gt0 _.
Qed.

(** v_CE errs by at most F_n. *)
Lemma typical_v_CE : norm (v_CE - vpi) <= F_n.
Proof.
pose tau : 'cV[R]_N := const_mx (tau_n N n sigma delta mu_min).
have sigma_ge0 : 0 <= sigma by rewrite -(subrr (vpi (walk t 0) 0)) span.
have q_ge0 : 0 <= gamma / (1 - gamma) by rewrite divr_ge0 // subr_ge0 ltW.
have tau_ge0 : 0 <= tau_n N n sigma delta mu_min by rewrite mulr_ge0 ?sqrt_ge0.
have -> : F_n = gamma / (1 - gamma) * tau_n N n sigma delta mu_min.
  by rewrite /a_priori.F_n /tau_n mulrA; congr (_ * _); rewrite mulrAC.
apply: col_norm_le => [|s]; first by rewrite mulr_ge0.
rewrite addmxE oppmxE; have Ws := source_visited (typical_source s).
apply: le_trans (le_max_visited (fun s => `|v_CE s 0 - vpi s 0|) Ws) _.
apply: (@le_trans _ _ (value_floor n (walk t) gamma tau)).
  apply: (v_CE_floor gamma_ge0 gamma_lt1 bellman) => u _; first exact: typical_source.
  by rewrite [tau _ _]mxE; have /and3P[_ _] := forallP typical u.
apply: le_trans (floor_at_most _ _ _ gamma_ge0 gamma_lt1) _; rewrite ler_wpmul2l //.
by apply: max_visited_le => // u _; rewrite mxE.
Qed.

(** L updates, whatever the step size up to 1, leave no more than the bound. *)
Lemma typical_depth alpha v0 L :
  0 <= alpha -> alpha <= 1 ->
  norm (weighted_td n (walk t) rewards gamma E (fun _ => alpha) v0 L - vpi) <=
  (1 - alpha * c) ^+ L * norm (v0 - vpi) + 2%:R * F_n.
Proof.
move=> alpha_ge0 alpha_le1; have m_le s : m_0 gamma c <= Mhat n E (walk t) s s.
  by have /and3P[] := forallP typical s.
have E_ge0 s u : 0 <= E s u by apply/ltW.
have q_le1 : 1 - alpha * c <= 1 by rewrite ler_subl_addl ler_addr mulr_ge0 // ltW.
have := depth_reaches_v_CE (gamma := gamma) rewards v0 L E_ge0 m_le alpha_ge0 alpha_le1.
have := operator_norm_bound gamma E_ge0 m_le alpha_ge0 alpha_le1.
rewrite margin_m_0 // => /(le_trans (norm_ge0 _)) q_ge0 /(_ c_gt0).
set vL := weighted_td _ _ _ _ _ _ _ _ => near; have err := typical_v_CE.
have F_ge0 := le_trans (norm_ge0 _) err.
have -> : vL - vpi = (vL - v_CE) + (v_CE - vpi) by rewrite addrA subrK.
apply: le_trans (norm_add _ _) _; rewrite [2%:R * _]mulr_natl mulr2n addrA; apply: (ler_add _ err).
apply: le_trans near _; apply: (@le_trans _ _ ((1 - alpha * c) ^+ L * (norm (v0 - vpi) + F_n))).
  rewrite ler_wpmul2l ?exprn_ge0 //; have -> : v0 - v_CE = (v0 - vpi) - (v_CE - vpi).
    by rewrite opprB addrA subrK.
  by apply: le_trans (norm_add _ _) _; rewrite norm_opp ler_add2l.
by rewrite mulrDr ler_add2l ler_pimull // exprn_ile1.
Qed.

End Context.

(** The bound. Of a chain with a positive stationary distribution, from any
    p0: if n is enough, then with probability at least 1 - delta a context of
    n transitions is typical. In every typical context each state is left, the
    diagonal entries of Mhat are as asked for, v_CE errs by at most F_n, and
    the value row of L layers by at most (1 - alpha c)^L times the first
    error, and twice F_n: at once for all alpha in [0, 1], v0 and L. *)
Theorem a_priori_finite_sample N n d (p0 mu : 'I_N -> R) (P : 'M[R]_N)
    (r vpi : 'cV[R]_N) (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d) (exp : R -> R)
    (gamma sigma delta zeta c mu_min : R) :
  let E := fun s u => exp (score x A s u) in
  let F_n := F_n N n gamma sigma delta mu_min in
  let typical := @typical N n mu P vpi E gamma sigma delta c mu_min in
  distribution p0 -> stochastic P -> vpi = r + gamma *: (P *m vpi) ->
  0 <= gamma -> gamma < 1 -> span_at_most vpi sigma ->
  distribution mu -> stationary P mu ->
  0 < mu_min -> (forall s, mu_min <= mu s) ->
  start_effect_at_most P n zeta -> (forall y, 0 < exp y) ->
  0 < c -> (forall s, c < margin (M_pi E mu s s) gamma) ->
  0 < delta -> delta <= 1 -> (0 < n)%N -> enough n mu E gamma delta zeta c ->
  1 - delta <= Pr p0 P typical
  /\ forall t, typical t ->
     [/\ forall s, source n (walk t) s,
         forall s, m_0 gamma c <= Mhat n E (walk t) s s,
         norm (v_CE n (walk t) (fun k => r (walk t k) 0) gamma - vpi) <= F_n
       & forall alpha v0 L (j : 'I_n.+1), 0 <= alpha -> alpha <= 1 ->
         `|transformer (shift R n) (softmax exp (@sources n)) A gamma
             (fun _ => alpha) L
             (prompt n (walk t) (fun k => r (walk t k) 0) x gamma v0)
             (value_row d) j - vpi (walk t j) 0| <=
         (1 - alpha * c) ^+ L * norm (v0 - vpi) + 2%:R * F_n].
Proof.
move=> E floor likely p0_d P_s bell g0 g1 span mu_d mu_s mm mm_le z_ge exp_gt0 c0 c_lt d0 d1 n0 en.
have E_gt0 s u : 0 < E s u by apply: exp_gt0.
split=> [|t typ]; first exact: typical_is_likely mm_le z_ge E_gt0 _ c0 c_lt d0 d1 n0 en span.
split=> [s|s||alpha v0 L j a0 a1].
- exact: (typical_source mm mm_le n0 typ).
- by have /and3P[] := forallP typ s.
- exact: (typical_v_CE mm mm_le g0 g1 n0 span bell typ).
have := typical_depth mm mm_le E_gt0 g0 g1 c0 n0 span bell typ v0 L a0 a1.
rewrite transformer_is_softmax_td prompt_value; apply: le_trans.
have := entry_le_norm (softmax_td n (walk t) (fun k => r (walk t k) 0) gamma x exp A (fun _ => alpha) v0 L - vpi) (walk t j) 0.
by rewrite addmxE oppmxE.
Qed.
