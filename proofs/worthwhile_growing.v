(** depth-against-context: a context that grows may ask for more layers
    than half of F asks for. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries operator norm contraction.
From icrl Require Import certainty_equivalence state_readings visited worthwhile_depth.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** Five visits to state 1, then 0, 1 again and again. *)
Definition grown (k : nat) : 'I_2 := if (k < 5)%N || ~~ odd k then 1 else 0.

(** How often u follows s among the first n transitions. *)
Definition moves (n : nat) (s u : 'I_2) : nat :=
  (\sum_(k < n | grown k == s) (grown k.+1 == u))%N.

Lemma counted (F : nat -> nat) n : (\sum_(k < n) F k)%N = sumn (map F (iota 0 n)).
Proof. by rewrite -(big_mkord xpredT F) sumnE big_map /index_iota subn0. Qed.

Lemma visits4 s : visits 4 grown s = (if s == 0%R then 0 else 4)%N.
Proof. by rewrite /visits (counted (fun k => (grown k == s) : nat)); case: s => [[|[|//]] lt]; vm_compute. Qed.

Lemma visits16 s : visits 16 grown s = (if s == 0%R then 6 else 10)%N.
Proof. by rewrite /visits (counted (fun k => (grown k == s) : nat)); case: s => [[|[|//]] lt]; vm_compute. Qed.

Lemma moves16 s u :
  moves 16 s u =
  (if s == 0%R then if u == 0%R then 0 else 6 else if u == 0%R then 6 else 4)%N.
Proof.
rewrite /moves big_mkcond /= (counted (fun k => if grown k == s then (grown k.+1 == u) : nat else 0%N)).
by case: s => [[|[|//]] lt]; case: u => [[|[|//]] lt']; vm_compute.
Qed.

Section Growing.
Variables (R : realFieldType) (w : R).

(** Every transition out of state 0 pays 1. *)
Definition grown_reward (k : nat) : R := (grown k == 0)%:R.

(** The weights of one-hot features: w for a state's own key, 1 for the other's. *)
Definition own_weight (s u : 'I_2) : R := if s == u then w else 1.

(** m is the least diagonal entry of Mhat at the states that n transitions visit. *)
Definition least_diagonal (n : nat) (m : R) :=
  (forall s, visited n grown s -> m <= Mhat n own_weight grown s s)
  /\ exists2 s, visited n grown s & Mhat n own_weight grown s s = m.

(** A key of one's own weighs enough; exp 8 does. *)
Hypothesis w_ge : 256%:R <= w.

Lemma Mhat16 s : Mhat 16 own_weight grown s s =
  if s == 0 then 6%:R * w / (6%:R * w + 10%:R) else 10%:R * w / (10%:R * w + 6%:R).
Proof.
rewrite Mhat_visits -count_weights sum2 !visits16 /own_weight eqxx.
by case: s => [[|[|//]] lt] /=; rewrite ?mulr1 mulrA // [6%:R + _]addrC.
Qed.

Lemma v_CE16 : v_CE 16 grown grown_reward 2%:R^-1 =
  \col_s (if s == 0 then 16%:R / 13%:R else 6%:R / 13%:R).
Proof.
have half : `|2%:R^-1 : R| < 1 by rewrite ger0_norm ?invr_ge0 ?ler0n // invf_lt1 ?ltr0n // ltr1n.
apply/esym/(proj2 (certainty_equivalent_value 16 grown grown_reward half)).
have rhatE s : rhat 16 grown grown_reward s 0 = (s == 0)%:R.
  rewrite mxE (eq_bigr (fun _ => (s == 0)%:R)) => [|k /eqP Sk]; last by rewrite /grown_reward Sk.
  rewrite sum_out mulrC mulKf // visits16; by case: ifP; rewrite pnatr_eq0.
have PeE s u : Pe R 16 grown s u = (moves 16 s u)%:R / (visits 16 grown s)%:R.
  by rewrite mxE -natr_sum.
apply/colP => s; rewrite mxE addmxE scalemxE rhatE mxE sum2 !PeE !visits16 !moves16 !mxE.
by case: s => [[|[|//]] lt] /=; field.
Qed.

Lemma v_CE4 : v_CE 4 grown grown_reward 2%:R^-1 = 0 :> 'cV[R]_2.
Proof.
rewrite /v_CE (_ : rhat _ _ _ = 0) ?mulmx0 //; apply/colP => s; rewrite !mxE big1 ?mul0r // => k _.
by rewrite /grown_reward /grown (leq_trans (ltn_ord k)).
Qed.

Lemma not_visited4 : visited 4 grown 0 = false.
Proof. by apply/existsP => -[k]; rewrite /grown (ltn_ord k). Qed.

Lemma least4 m : least_diagonal 4 m -> m = 1.
Proof.
have w_gt0 : 0 < w by apply: lt_le_trans w_ge; rewrite ltr0n.
case=> _ [s]; have [->|s1] := eqVneq s 0; first by rewrite not_visited4.
move=> _ <-; rewrite Mhat_visits -count_weights sum2 !visits4 (negbTE s1) /own_weight eqxx (negbTE s1).
have -> : s == 1 by case: s s1 => [[|[|//]] lt].
by rewrite mul0r add0r mulrA divff // mulf_neq0 ?pnatr_eq0 // gt_eqF.
Qed.

Lemma least16 m : least_diagonal 16 m -> 99%:R / 100%:R <= m /\ m < 1.
Proof.
have w_gt0 : 0 < w by apply: lt_le_trans w_ge; rewrite ltr0n.
have d0 : 0 < 6%:R * w + 10%:R by rewrite addr_gt0 ?mulr_gt0 ?ltr0n.
have d1 : 0 < 10%:R * w + 6%:R by rewrite addr_gt0 ?mulr_gt0 ?ltr0n.
case=> m_le [s _ mE]; split.
  have w165 : 165%:R <= w by apply: le_trans w_ge; rewrite ler_nat.
  rewrite -mE Mhat16; case: ifP => _; rewrite ler_pdivl_mulr // -subr_ge0.
    rewrite (_ : _ - _ = 6%:R / 100%:R * (w - 165%:R)); last by field.
    by rewrite mulr_ge0 ?divr_ge0 ?ler0n ?subr_ge0.
  rewrite (_ : _ - _ = 10%:R^-1 * (w - 297%:R / 5%:R)); last by field.
  rewrite mulr_ge0 ?invr_ge0 ?ler0n // subr_ge0 (le_trans _ w165) // ler_pdivr_mulr ?ltr0n //.
  by rewrite -natrM ler_nat.
apply: le_lt_trans (m_le 0 _) _; first exact: (visited_at grown (isT : 5 <= 16)%N).
by rewrite Mhat16 ltr_pdivr_mulr // mul1r ltr_addl ltr0n.
Qed.

Lemma first_error16 : max_visited 16 grown
  (fun s => `|v_CE 16 grown grown_reward 2%:R^-1 s 0|) = 16%:R / 13%:R.
Proof.
have big_ge0 : 0 <= 16%:R / 13%:R :> R by rewrite divr_ge0 ?ler0n.
apply/le_anti/andP; split.
  apply: max_visited_le => // s _; rewrite v_CE16 mxE; case: ifP => _; rewrite ger0_norm ?divr_ge0 ?ler0n //.
  by rewrite ler_pmul2r ?invr_gt0 ?ltr0n // ler_nat.
have W0 : visited 16 grown 0 := visited_at grown (isT : 5 <= 16)%N.
by apply: le_trans (le_max_visited (fun s => `|v_CE 16 grown grown_reward 2%:R^-1 s 0|) W0); rewrite v_CE16 mxE ger0_norm.
Qed.

(** The same for every weight w of a state's own key from 256 on. *)
Theorem growing_asks_for_more m m' :
  let e0 n := max_visited n grown
                (fun s => `|v_CE n grown grown_reward 2%:R^-1 s 0|) in
  let rate a := 1 - margin a 2%:R^-1 in
  least_diagonal 4 m -> least_diagonal 16 m' ->
  [/\ least_depth (rate m) (e0 4%N) (2%:R / 5%:R / 2%:R) 0%N,
      least_depth (rate m') (e0 16%N) (2%:R / 5%:R / 4%:R) 4%N,
      least_depth (rate m) 2%:R 1 1%N & least_depth (rate m') 2%:R 1 2%N].
Proof.
move=> e0 rate /least4-> /least16[m_ge m_lt]; set q := rate m'.
have half_gt0 : 0 < 2%:R^-1 :> R by rewrite invr_gt0 ltr0n.
have rateE a : rate a = 5%:R / 2%:R - 2%:R * a.
  by rewrite /rate /margin ger0_norm ?ltW //; field.
have q_gt : 2%:R^-1 < q.
  by rewrite /q rateE -subr_gt0 (_ : _ - _ = 2%:R * (1 - m')); [rewrite mulr_gt0 ?ltr0n ?subr_gt0 | field].
have q_gt0 : 0 < q := lt_trans half_gt0 q_gt; have q_ge0 := ltW q_gt0.
have q_le : q <= 13%:R / 25%:R.
  rewrite /q rateE -subr_ge0 (_ : _ - _ = 2%:R * (m' - 99%:R / 100%:R)); last by field.
  by rewrite mulr_ge0 ?ler0n ?subr_ge0.
have q2_le : q ^+ 2 <= 3%:R / 11%:R.
  apply: (@le_trans _ _ ((13%:R / 25%:R) ^+ 2)); first by rewrite ler_expn2r ?nnegrE ?divr_ge0 ?ler0n.
  rewrite -subr_ge0 (_ : _ - _ = 16%:R / (625%:R * 11%:R)); last by field.
  by rewrite divr_ge0 ?mulr_ge0 ?ler0n.
split.
- split=> [|//]; rewrite expr0 mul1r; apply: (@le_trans _ _ 0); last by rewrite !divr_ge0 ?ler0n.
  by apply: max_visited_le => // s _; rewrite v_CE4 mxE normr0.
- rewrite /e0 first_error16; split=> [|k]; last first.
    apply: contraTT; rewrite -ltnNge -ltNge ltnS => k_le3.
    apply: (@lt_le_trans _ _ (2%:R^-1 ^+ 3 * (16%:R / 13%:R))).
      by rewrite -subr_gt0 (_ : _ - _ = 7%:R / 130%:R); [rewrite divr_gt0 ?ltr0n | field].
    rewrite ler_wpmul2r ?divr_ge0 ?ler0n //; apply: (@le_trans _ _ (2%:R^-1 ^+ k)).
      by apply: ler_wiexpn2l; rewrite ?(ltW half_gt0) // invf_le1 ?ltr0n // ler1n.
    by apply: ler_expn2r; rewrite ?nnegrE ?(ltW half_gt0) ?(ltW q_gt).
  apply: (@le_trans _ _ ((3%:R / 11%:R) ^+ 2 * (16%:R / 13%:R))).
    by rewrite ler_wpmul2r ?divr_ge0 ?ler0n // (exprM q 2 2) ler_expn2r ?nnegrE ?exprn_ge0 ?divr_ge0 ?ler0n.
  rewrite -subr_ge0 (_ : _ - _ = 133%:R / (1573%:R * 10%:R)); last by field.
  by rewrite divr_ge0 ?mulr_ge0 ?ler0n.
- rewrite rateE; split=> [|[|//]].
    by rewrite (_ : _ * _ = 1) //; field.
  by rewrite expr0 mul1r lern1.
split=> [|[|[|//]]].
- apply: le_trans (ler_wpmul2r _ q2_le) _; first by rewrite ler0n.
  by rewrite -subr_ge0 (_ : _ - _ = 5%:R / 11%:R); [rewrite divr_ge0 ?ler0n | field].
- by rewrite expr0 mul1r lern1.
by rewrite expr1 leNgt -ltr_pdivr_mulr ?ltr0n // mul1r q_gt.
Qed.

End Growing.
