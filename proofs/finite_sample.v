(** explicit-finite-sample, bound (F): how far L layers are from the true value,
    with probability 1 - delta, from the context alone. *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra ring.
From mathcomp.analysis Require Import Rstruct.
From icrl Require Import transformer td entries softmax_td operator norm contraction coverage.
From icrl Require Import certainty_equivalence neu_bound visited hoeffding paths deviation.
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

(** The book's tau_sigma: after n_s transitions out of s. *)
Definition tau_sigma (S : nat -> 'I_N) : 'cV[R]_N :=
  \col_s (sigma * sqrt (ln (2%:R * N%:R * n%:R / delta)
                        / (2%:R * (visits n S s)%:R))).

(** The event: wherever some transition leaves s, the empirical mean of vpi
    over its successors errs by at most tau_sigma. It knows of no weights. *)
Definition accurate t : bool :=
  [forall s, source n (walk t) s ==>
    (`|((Pe R n (walk t) - P) *m vpi) s 0| <= tau_sigma (walk t) s 0)].

(** A Markov chain from any p0, rewards that are a function of the state, the true value,
    and a number that is at least its span. *)
Hypotheses (p0_distribution : distribution p0) (P_stochastic : stochastic P).
Hypothesis span_le : forall s u, vpi s 0 - vpi u 0 <= sigma.
Hypotheses (delta_gt0 : 0 < delta) (delta_le1 : delta <= 1).

(** The event has a probability of at least 1 - delta. *)
Theorem accurate_is_likely : 1 - delta <= Pr p0 P accurate.
Proof.
pose l := ln (2%:R * N%:R * n%:R / delta).
pose B (i : bool * 'I_N * 'I_n) t :=
  (visits n (walk t) i.1.2 == i.2.+1)
  && (i.2.+1%:R * (sigma * sqrt (l / (2%:R * i.2.+1%:R)))
      < deviation n (walk t) P ((-1) ^+ i.1.1 *: vpi) i.1.2).
have sub t : ~~ accurate t -> [exists i, B i t].
  case/forallPn => s; rewrite negb_imply -ltNge mxE => /andP[src far].
  have le_n : (visits n (walk t) s <= n)%N.
    rewrite -[X in (_ <= X)%N]muln1 -[X in (_ <= X * _)%N]card_ord -sum_nat_const.
    by apply: leq_sum => k _; apply: leq_b1.
  have lt_n : ((visits n (walk t) s).-1 < n)%N by rewrite prednK.
  apply/existsP; exists (((Pe R n (walk t) - P) *m vpi) s 0 < 0, s, Ordinal lt_n).
  rewrite /B /= prednK // eqxx deviation_is_gap // -scalemxAr scalemxE -normrEsign.
  by rewrite ltr_pmul2l ?ltr0n.
have B_le i : Pr p0 P (B i) <= delta / (2%:R * N%:R * n%:R).
  have N_gt0 := leq_ltn_trans (leq0n _) (ltn_ord i.1.2); have n_gt0 := leq_ltn_trans (leq0n _) (ltn_ord i.2).
  have c_gt0 : 0 < 2%:R * N%:R * n%:R :> R by rewrite !mulr_gt0 ?ltr0n.
  have x_gt0 : 0 < 2%:R * N%:R * n%:R / delta by rewrite divr_gt0.
  rewrite -[delta / _]invf_div -exp_opp_ln //; apply: deviation_tail => // [u w|].
    rewrite !scalemxE -mulrBr; case: i.1.1 => /=; last by rewrite expr0 mul1r.
    by rewrite expr1 mulN1r opprB.
  apply: ln_ge0; rewrite ler_pdivl_mulr // mul1r (le_trans delta_le1) // -!natrM ler1n.
  by rewrite !muln_gt0 N_gt0 n_gt0.
rewrite Pr_not // ler_add2l ler_opp2; apply: (le_trans (Pr_le p0_distribution P_stochastic sub)).
apply: le_trans (union_bound p0_distribution P_stochastic B) _.
apply: le_trans (ler_sum _ (fun i _ => B_le i)) _.
rewrite sumr_const -[_ *+ _]mulr_natr
  !card_prod card_bool !card_ord !natrM.
have [->|c_neq0] := eqVneq (2%:R * N%:R * n%:R : R) 0; first by rewrite mulr0 ltW.
by rewrite divfK.
Qed.

(** In that event. *)
Hypotheses (gamma_ge0 : 0 <= gamma) (gamma_lt1 : gamma < 1).
Hypothesis bellman : vpi = r + gamma *: (P *m vpi).
Notation v_CE t := (v_CE n (walk t) (fun k => r (walk t k) 0) gamma).
Notation F t := (value_floor n (walk t) gamma (tau_sigma (walk t))).

(** The floor, from the least number of visits. *)
Lemma accurate_floor t :
  accurate t -> (forall s, visited n (walk t) s -> source n (walk t) s) ->
  max_visited n (walk t) (fun s => `|v_CE t s 0 - vpi s 0|) <= F t.
Proof.
move=> /forallP acc covered; apply: (v_CE_floor gamma_ge0 gamma_lt1 bellman covered) => s Ws.
exact: implyP (acc s) (covered s Ws).
Qed.

(** Bound (F): with probability at least 1 - delta over the contexts of n transitions,
    whatever is the first state: if some transition leaves every visited state,
    v_CE errs there by at most F; and the L-layer softmax transformer's value row
    errs by at most F and (1 - alpha c)^L times the first error, at once
    for every L, v0, A, alpha in [0, 1], features, and nonnegative function
    in the place of exp, if c > 0 on the visited states. *)
Theorem explicit_finite_sample :
  1 - delta <= Pr p0 P accurate
  /\ forall t, accurate t ->
     let S := walk t in
     ((forall s, visited n S s -> source n S s) ->
      max_visited n S (fun s => `|v_CE t s 0 - vpi s 0|) <= F t)
     /\ forall (exp : R -> R) d (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d) (alpha m : R),
        let E := fun s u => exp (score x A s u) in
        (forall y, 0 <= exp y) ->
        (forall s, visited n S s -> m <= Mhat n E S s s) -> 0 < margin m gamma ->
        0 <= alpha -> alpha <= 1 ->
        forall v0 L (j : 'I_n.+1),
        `|transformer (shift R n) (softmax exp (@sources n)) A gamma (fun _ => alpha) L
            (prompt n S (fun k => r (S k) 0) x gamma v0) (value_row d) j
          - vpi (S j) 0| <=
        (1 - alpha * margin m gamma) ^+ L
          * max_visited n S (fun s => `|v0 s 0 - v_CE t s 0|) + F t.
Proof.
split=> [|t acc S]; first exact: accurate_is_likely.
split=> [|exp d x A alpha m E exp_ge0 m_le c_gt0 alpha_ge0 alpha_le1 v0 L j]; first exact: accurate_floor.
have Wj : visited n S (S j) by apply: visited_at; rewrite -ltnS.
have covered s : visited n S s -> source n S s by apply: (visited_covered m_le c_gt0).
apply: (le_trans (ler_dist_add (v_CE t (S j) 0) _ _)); apply: ler_add.
  by apply: transformer_on_visited; rewrite ?ger0_norm.
apply: le_trans (accurate_floor acc covered).
exact: (le_max_visited (fun s => `|v_CE t s 0 - vpi s 0|)).
Qed.

End FiniteSample.
