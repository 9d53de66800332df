(** explicit-finite-sample, bound (F): how far L layers are from the true value,
    with probability 1 - delta, from the context alone. *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra ring.
From mathcomp.analysis Require Import Rstruct.
From icrl Require Import transformer td entries softmax_td operator norm contraction coverage.
From icrl Require Import certainty_equivalence neu_bound visited depth_visited.
From icrl Require Import real_functions paths deviation.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** Coq's real numbers as an ordered field, and two of their functions. *)
Local Notation R := R_realFieldType.
Local Notation ln := (Rpower.ln : R -> R).
Local Notation sqrt := (R_sqrt.sqrt : R -> R).

Section FiniteSample.
Variables (N n : nat) (p0 : 'I_N -> R) (P : 'M[R]_N) (r vpi : 'cV[R]_N).
Variables (gamma sigma delta : R).
Implicit Type t : n.+1.-tuple 'I_N.

(** The book's tau_sigma, at a state that m transitions leave. *)
Definition radius (m : nat) : R :=
  sigma * sqrt (ln (2%:R * N%:R * n%:R / delta) / (2%:R * m%:R)).
Definition tau_sigma (S : nat -> 'I_N) : 'cV[R]_N := \col_s radius (visits n S s).

(** The event: wherever some transition leaves s, the empirical mean of vpi
    over its successors errs by at most tau_sigma. It knows of no weights. *)
Definition accurate t : bool :=
  [forall s, source n (walk t) s ==>
    (`|((Pe R n (walk t) - P) *m vpi) s 0| <= tau_sigma (walk t) s 0)].

(** A Markov chain from any p0, a number sigma that is at least the span of vpi,
    and delta. *)
Hypotheses (p0_distribution : distribution p0) (P_stochastic : stochastic P).
Hypothesis span_le : forall s u, vpi s 0 - vpi u 0 <= sigma.
Hypotheses (delta_gt0 : 0 < delta) (delta_le1 : delta <= 1).

(** The number under the logarithm is at least 1, where there is a state and a transition. *)
Lemma tries_ge1 : (0 < N)%N -> (0 < n)%N -> 1 <= 2%:R * N%:R * n%:R / delta.
Proof.
move=> N_gt0 n_gt0; rewrite ler_pdivl_mulr // mul1r (le_trans delta_le1) // -!natrM ler1n.
by rewrite !muln_gt0 N_gt0.
Qed.

(** A way to miss: s is left m times, and vpi, or its negative, deviates too far. *)
Definition miss (sign : bool) (s : 'I_N) (m : nat) t : bool :=
  (visits n (walk t) s == m)
  && (m%:R * radius m < deviation n (walk t) P ((-1) ^+ sign *: vpi) s).

(** Each of the 2 N n ways has a probability of at most delta / (2 N n). *)
Lemma miss_is_rare sign s (m : 'I_n) :
  Pr p0 P (miss sign s m.+1) <= delta / (2%:R * N%:R * n%:R).
Proof.
have N_gt0 := leq_ltn_trans (leq0n _) (ltn_ord s); have n_gt0 := leq_ltn_trans (leq0n _) (ltn_ord m).
have x_ge1 := tries_ge1 N_gt0 n_gt0; have x_gt0 := lt_le_trans ltr01 x_ge1.
rewrite -[delta / _]invf_div -exp_opp_ln //; apply: deviation_tail; rewrite ?ln_ge0 // => u w.
by rewrite !scalemxE -mulrBr; case: sign; rewrite ?expr0 ?mul1r // expr1 mulN1r opprB.
Qed.

(** Where no state misses, the context is accurate. *)
Lemma no_miss t :
  ~~ accurate t -> [exists i : bool * 'I_N * 'I_n, miss i.1.1 i.1.2 i.2.+1 t].
Proof.
case/forallPn => s; rewrite negb_imply -ltNge mxE => /andP[src far].
have le_n : (visits n (walk t) s <= n)%N.
  rewrite -[X in (_ <= X)%N]muln1 -[X in (_ <= X * _)%N]card_ord -sum_nat_const.
  by apply: leq_sum => k _; apply: leq_b1.
have lt_n : ((visits n (walk t) s).-1 < n)%N by rewrite prednK.
apply/existsP; exists (((Pe R n (walk t) - P) *m vpi) s 0 < 0, s, Ordinal lt_n).
rewrite /miss /= prednK // eqxx deviation_is_gap // -scalemxAr scalemxE -normrEsign.
by rewrite ltr_pmul2l ?ltr0n.
Qed.

(** The event has a probability of at least 1 - delta. *)
Theorem accurate_is_likely : 1 - delta <= Pr p0 P accurate.
Proof.
rewrite Pr_not // ler_add2l ler_opp2; apply: (le_trans (Pr_le p0_distribution P_stochastic no_miss)).
apply: le_trans (union_bound p0_distribution P_stochastic _) _.
apply: le_trans (ler_sum _ (fun i _ => miss_is_rare i.1.1 i.1.2 i.2)) _.
rewrite sumr_const -[_ *+ _]mulr_natr !card_prod card_bool !card_ord !natrM.
have [->|c_neq0] := eqVneq (2%:R * N%:R * n%:R : R) 0; first by rewrite mulr0 ltW.
by rewrite divfK.
Qed.

(** The rewards are a function r of the state that is left,
    and vpi is the value that belongs to them. *)
Hypotheses (gamma_ge0 : 0 <= gamma) (gamma_lt1 : gamma < 1).
Hypothesis bellman : vpi = r + gamma *: (P *m vpi).
Notation W t := (visited n (walk t)).
Notation rewards t := (fun k => r (walk t k) 0).
Notation v_CE t := (v_CE n (walk t) (rewards t) gamma).

(** The floor F of a context. *)
Definition F t : R := value_floor n (walk t) gamma (tau_sigma (walk t)).

Lemma accurate_floor t :
  accurate t -> (forall s, W t s -> source n (walk t) s) ->
  max_visited n (walk t) (fun s => `|v_CE t s 0 - vpi s 0|) <= F t.
Proof.
move=> /forallP acc covered; apply: (v_CE_floor gamma_ge0 gamma_lt1 bellman covered) => s Ws.
exact: implyP (acc s) (covered s Ws).
Qed.

(** Bound (F). With probability at least 1 - delta, from any p0, a context
    of n transitions is accurate. In every accurate context, if some transition
    leaves each visited state, v_CE errs on them by at most F; and if c > 0 on them,
    the value row of L layers errs by at most (1 - alpha c)^L times the first error,
    and F: at once for all features, A, functions in the place of exp that are
    not negative, alpha in [0, 1], v0 and L. *)
Theorem explicit_finite_sample :
  1 - delta <= Pr p0 P accurate
  /\ forall t, accurate t ->
     ((forall s, W t s -> source n (walk t) s) ->
      max_visited n (walk t) (fun s => `|v_CE t s 0 - vpi s 0|) <= F t)
     /\ forall d (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d) (exp : R -> R) (alpha m : R),
        let E := fun s u => exp (score x A s u) in
        (forall y, 0 <= exp y) -> 0 <= alpha -> alpha <= 1 ->
        (forall s, W t s -> m <= Mhat n E (walk t) s s) -> 0 < margin m gamma ->
        forall v0 L (j : 'I_n.+1),
        `|transformer (shift R n) (softmax exp (@sources n)) A gamma
            (fun _ => alpha) L (prompt n (walk t) (rewards t) x gamma v0)
            (value_row d) j - vpi (walk t j) 0| <=
        (1 - alpha * margin m gamma) ^+ L
          * max_visited n (walk t) (fun s => `|v0 s 0 - v_CE t s 0|) + F t.
Proof.
split=> [|t acc]; first exact: accurate_is_likely.
split=> [|d x A exp alpha m E exp_ge0 alpha_ge0 alpha_le1 m_le c_gt0 v0 L j]; first exact: accurate_floor.
have covered s : W t s -> source n (walk t) s by apply: (visited_covered m_le c_gt0).
apply: (le_trans (ler_dist_add (v_CE t (walk t j) 0) _ _)); apply: ler_add.
  by apply: transformer_on_visited; rewrite ?ger0_norm.
apply: le_trans _ (accurate_floor acc covered).
by apply: (le_max_visited (fun s => `|v_CE t s 0 - vpi s 0|)); apply: visited_at; rewrite -ltnS.
Qed.

(** The floor, from the least number of visits to a visited state, or any number
    from 1 to that: F is at most gamma / (1 - gamma) times its radius. *)
Theorem floor_from_least_visits t (least : nat) :
  (0 < least)%N -> (forall s, W t s -> least <= visits n (walk t) s)%N ->
  F t <= gamma / (1 - gamma) * radius least.
Proof.
move=> least_gt0 least_le; have W0 : W t (walk t 0) by apply: visited_at.
have N_gt0 := leq_ltn_trans (leq0n _) (ltn_ord (walk t 0)).
have n_gt0 : (0 < n)%N.
  by case: n t least_le W0 => // t least_le W0; have := leq_trans least_gt0 (least_le _ W0); rewrite /visits big_ord0.
have sigma_ge0 : 0 <= sigma by rewrite -(subrr (vpi (walk t 0) 0)) span_le.
have q_ge0 : 0 <= gamma / (1 - gamma) by rewrite divr_ge0 // subr_ge0 ltW.
apply: le_trans (floor_at_most _ _ _ gamma_ge0 gamma_lt1) _; rewrite ler_wpmul2l //.
apply: max_visited_le => [|s Ws]; first by rewrite mulr_ge0 ?sqrt_ge0.
rewrite mxE ler_wpmul2l // le_sqrt // ler_wpmul2l ?ln_ge0 ?tries_ge1 //.
have le := least_le s Ws; rewrite lef_pinv ?posrE ?mulr_gt0 ?ltr0n ?(leq_trans least_gt0 le) //.
by rewrite ler_wpmul2l ?ler0n // ler_nat.
Qed.

End FiniteSample.
