(** depth-against-context: the depth at which the layers' bound reaches a floor F,
    and what layers still do from there on. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm contraction.
From icrl Require Import counterexamples certainty_equivalence visited depth_visited.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Least.
Variable R : realFieldType.
Implicit Types rate F : R.

(** L is the least depth at which rate^L e0 is at most F. *)
Definition least_depth rate (e0 : R) F (L : nat) :=
  rate ^+ L * e0 <= F /\ forall k, rate ^+ k * e0 <= F -> (L <= k)%N.

(** Half of F asks for at most as many layers more as bring 2 to 1. *)
Theorem half_the_floor rate (e0 : R) F L L' h :
  0 <= rate -> 0 <= F ->
  least_depth rate e0 F L -> least_depth rate e0 (F / 2%:R) L' ->
  least_depth rate 2%:R 1 h ->
  (L' <= L + h)%N.
Proof.
move=> rate_ge0 F_ge0 [at_L _] [_ least] [at_h _]; apply: least.
rewrite addnC exprD -mulrA (le_trans (ler_wpmul2l _ at_L)) ?exprn_ge0 //.
by rewrite ler_pdivl_mulr ?ltr0n // mulrAC ler_pimull.
Qed.

End Least.

Section Layers.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma alpha m : R).
Implicit Types v : 'cV[R]_N.
Notation Mhat := (Mhat n E S).
Notation visited := (visited n S).
Notation max_visited := (@max_visited R N n S).
Notation v_CE := (v_CE n S r gamma).
Notation weighted_td := (weighted_td n S r gamma E (fun _ => alpha)).

(** The weights are not negative, m is at most the diagonal entry of Mhat
    at every visited state, and the margin c is positive. *)
Hypothesis E_ge0 : forall s u, 0 <= E s u.
Hypothesis m_le : forall s, visited s -> m <= Mhat s s.
Hypothesis c_gt0 : 0 < margin m gamma.
Hypotheses (alpha_gt0 : 0 < alpha) (alpha_le1 : alpha <= 1).

Lemma visited_margin_gamma : `|gamma| < 1.
Proof.
rewrite -subr_gt0 (lt_le_trans c_gt0) // /margin ler_add2r ler_subl_addr.
rewrite -mulr2n -[X in _ <= X]mulr1 ler_pmul2l ?ltr0n //.
exact: le_trans (m_le (visited_at S (leq0n n))) (Mhat_le1 n S E_ge0 _ _).
Qed.

Lemma rate_between : 0 <= 1 - alpha * margin m gamma <= 1.
Proof.
rewrite ler_subl_addr ler_addl (mulr_ge0 (ltW alpha_gt0) (ltW c_gt0)) andbT.
have row_le := row_G gamma E_ge0 (m_le (visited_at S (leq0n n))) (ltW alpha_gt0) alpha_le1.
by apply: le_trans row_le; apply: sumr_ge0.
Qed.

(** A layer moves the value of a visited state by at most alpha (1 + |gamma|) D,
    if no visited state's is farther than D from v_CE. *)
Lemma layer_move v D s :
  (forall u, visited u -> `|v u 0 - v_CE u 0| <= D) ->
  `|td_update n S r gamma E alpha v s 0 - v s 0| <= alpha * (1 + `|gamma|) * D.
Proof.
move=> near; have D_ge0 : 0 <= D := le_trans (normr_ge0 _) (near _ (visited_at S (leq0n n))).
have fix_CE : \sum_(k < n) K n S E k s * td_error S r gamma v_CE k = 0.
  by have := residual_v_CE n E S r visited_margin_gamma; move/colP/(_ s); rewrite !mxE.
rewrite mxE addrC addKr normrM gtr0_norm // -mulrA ler_pmul2l //.
have -> : \sum_(k < n) K n S E k s * td_error S r gamma v k =
    \sum_(k < n) K n S E k s * (td_error S r gamma v k - td_error S r gamma v_CE k).
  by under [RHS]eq_bigr do rewrite mulrBr; rewrite sumrB fix_CE subr0.
apply: le_trans (ler_norm_sum _ _ _) _.
have Q_ge0 : 0 <= (1 + `|gamma|) * D by rewrite mulr_ge0 ?addr_ge0.
apply: (@le_trans _ _ (\sum_(k < n) K n S E k s * ((1 + `|gamma|) * D))); last first.
  by rewrite -mulr_suml ler_pimull ?K_sum_le1.
apply: ler_sum => k _; rewrite normrM (ger0_norm (K_ge0 _ _ E_ge0 _ _)) ler_wpmul2l ?K_ge0 //.
have -> : td_error S r gamma v k - td_error S r gamma v_CE k =
    gamma * (v (S k.+1) 0 - v_CE (S k.+1) 0) - (v (S k) 0 - v_CE (S k) 0).
  by rewrite /td_error; move: (v_CE _ _) (v_CE _ _) => *; ring.
apply: le_trans (ler_norm_sub _ _) _; rewrite normrM mulrDl mul1r addrC.
by rewrite ler_add ?ler_wpmul2l ?near // visited_at // ltnW.
Qed.

Section From.
Variables (v0 : 'cV[R]_N) (F : R) (Lstar : nat).
Notation e0 := (max_visited (fun s => `|v0 s 0 - v_CE s 0|)).

(** L* is the least depth at which the bound (1 - alpha c)^L e0 is at most F. *)
Hypothesis F_gt0 : 0 < F.
Hypothesis least : least_depth (1 - alpha * margin m gamma) e0 F Lstar.

Lemma within_floor L s : (Lstar <= L)%N -> visited s -> `|weighted_td v0 L s 0 - v_CE s 0| <= F.
Proof.
move=> le_L Ws; have /andP[rate_ge0 rate_le1] := rate_between.
apply: le_trans (depth_on_visited r E_ge0 m_le visited_margin_gamma (ltW alpha_gt0) alpha_le1 v0 L Ws) _.
apply: le_trans (proj1 least); rewrite ler_wpmul2r ?max_visited_ge0 //.
by rewrite -(subnKC le_L) exprD ler_pimulr ?exprn_ge0 // exprn_ile1.
Qed.

(** From L* on, the values are within F of v_CE, and the next layer moves them
    by at most alpha (1 + |gamma|) F; if v_CE is within F of vpi,
    they are within 2 F of it. *)
Theorem from_there_on L :
  (Lstar <= L)%N ->
  [/\ max_visited (fun s => `|weighted_td v0 L s 0 - v_CE s 0|) <= F,
      max_visited (fun s => `|weighted_td v0 L.+1 s 0 - weighted_td v0 L s 0|) <=
        alpha * (1 + `|gamma|) * F
    & forall vpi : 'cV[R]_N,
      max_visited (fun s => `|v_CE s 0 - vpi s 0|) <= F ->
      max_visited (fun s => `|weighted_td v0 L s 0 - vpi s 0|) <= 2%:R * F].
Proof.
move=> le_L; have F_ge0 := ltW F_gt0; split=> [||vpi near_pi].
- by apply: max_visited_le => // s; apply: within_floor.
- apply: max_visited_le => [|s _]; first by rewrite !mulr_ge0 ?addr_ge0 // ltW.
  by apply: layer_move => u; apply: within_floor.
apply: max_visited_le => [|s Ws]; first by rewrite mulr_ge0 ?ler0n.
apply: le_trans (ler_dist_add (v_CE s 0) _ _) _; rewrite mulr_natl mulr2n ler_add ?within_floor //.
exact: le_trans (le_max_visited (fun s => `|v_CE s 0 - vpi s 0|) Ws) near_pi.
Qed.

(** The next layer moves no value by 2 F. *)
Theorem never_by_twice_the_floor L :
  (Lstar <= L)%N ->
  max_visited (fun s => `|weighted_td v0 L.+1 s 0 - weighted_td v0 L s 0|) <
  2%:R * F.
Proof.
move=> /from_there_on[_ moves _]; apply: le_lt_trans moves _; rewrite ltr_pmul2r //.
apply: (@le_lt_trans _ _ (1 + `|gamma|)); first by rewrite ler_pimull ?addr_ge0.
by rewrite ltr_add2l visited_margin_gamma.
Qed.

End From.
End Layers.

(** The same of the value row of the softmax transformer, in every column: from L*
    layers on it is within F of v_CE, the next layer moves it by at most
    alpha (1 + |gamma|) F; it is within 2 F of any vpi that is within F of v_CE. *)
Theorem transformer_from_there_on (R : realFieldType) (exp : R -> R) N n d
    (S : nat -> 'I_N) r (x : 'I_N -> 'cV[R]_d) A gamma alpha m v0 F Lstar L
    (j : 'I_n.+1) :
  let value l := transformer (shift R n) (softmax exp (@sources n)) A gamma
                   (fun _ => alpha) l (prompt n S r x gamma v0) (value_row d) j in
  let v_CE := v_CE n S r gamma in
  (forall t, 0 <= exp t) -> 0 < alpha -> alpha <= 1 -> 0 < F ->
  (forall s, visited n S s ->
     m <= Mhat n (fun s u => exp (score x A s u)) S s s) ->
  0 < margin m gamma ->
  least_depth (1 - alpha * margin m gamma)
    (max_visited n S (fun s => `|v0 s 0 - v_CE s 0|)) F Lstar ->
  (Lstar <= L)%N ->
  [/\ `|value L - v_CE (S j) 0| <= F,
      `|value L.+1 - value L| <= alpha * (1 + `|gamma|) * F
    & forall vpi : 'cV[R]_N,
      max_visited n S (fun s => `|v_CE s 0 - vpi s 0|) <= F ->
      `|value L - vpi (S j) 0| <= 2%:R * F].
Proof.
move=> value vCE exp_ge0 alpha_gt0 alpha_le1 F_gt0 m_le c_gt0 least le_L.
have E_ge0 s u : 0 <= exp (score x A s u) by [].
have [near moves to_pi] := from_there_on E_ge0 m_le c_gt0 alpha_gt0 alpha_le1 F_gt0 least le_L.
have Wj : visited n S (S j) by apply: visited_at; rewrite -ltnS.
rewrite /value !transformer_is_softmax_td !prompt_value; split=> [||vpi /to_pi to_vpi].
- exact: le_trans (le_max_visited _ Wj) near.
- exact: le_trans (le_max_visited _ Wj) moves.
exact: le_trans (le_max_visited _ Wj) to_vpi.
Qed.

(** From L* on a layer may still move the values by more than F: two states in turn,
    no rewards, Mhat = 1, gamma = 1/2, alpha = 1, and the values 1, -1 at first,
    with F = 1 and so L* = 0. *)
Theorem may_move_by_more_than_the_floor (R : realFieldType) :
  exists (N n : nat) (E : 'I_N -> 'I_N -> R) (S : nat -> 'I_N) (r : nat -> R),
  exists (gamma alpha m : R) (v0 : 'cV[R]_N) (F : R) (Lstar : nat),
  let v := weighted_td n S r gamma E (fun _ => alpha) v0 in
  [/\ forall s u, 0 <= E s u, forall s, visited n S s -> m <= Mhat n E S s s,
      [/\ 0 < margin m gamma, 0 < alpha, alpha <= 1 & 0 < F],
      least_depth (1 - alpha * margin m gamma)
        (max_visited n S (fun s => `|v0 s 0 - v_CE n S r gamma s 0|)) F Lstar
    & F < max_visited n S (fun s => `|v Lstar.+1 s 0 - v Lstar s 0|)].
Proof.
pose E (s u : 'I_2) : R := (s == u)%:R; pose v0 : 'cV[R]_2 := \col_s (-1) ^+ s.
exists 2%N, 2%N, E, turns, (fun _ => 0), 2%:R^-1, 1, 1, v0, 1, 0%N.
have Mhat_1 s : 1 <= Mhat 2 E turns s s.
  rewrite Mhat_turns; case: s => [[|[|//]] lt]; rewrite /E -!(inj_eq val_inj) /= ?addr0 ?add0r divr1 //.
have CE0 : v_CE 2 turns (fun _ => 0) 2%:R^-1 = 0 :> 'cV[R]_2.
  rewrite /v_CE (_ : rhat _ _ _ = 0) ?mulmx0 //; apply/colP => s; rewrite !mxE big1 ?mul0r //.
have half_gt0 : 0 < 2%:R^-1 :> R by rewrite invr_gt0 ltr0n.
split=> [s u|s _||| ]; rewrite ?ler0n //.
- split; rewrite ?ltr01 //; rewrite /margin mulr1 ger0_norm ?ltW //.
  by rewrite (_ : 2%:R - 1 - _ = 2%:R^-1) //; field.
- split=> [|//]; rewrite expr0 mul1r CE0; apply: max_visited_le => [|s _]; first exact: ler01.
  by rewrite !mxE subr0 normrX normrN1 expr1n.
apply: (@lt_le_trans _ _ (3%:R / 2%:R)).
  by rewrite ltr_pdivl_mulr ?ltr0n // mul1r ltr_nat.
apply: le_trans _ (le_max_visited (fun s => `|_ s 0 - _ s 0|) (visited_at turns (leq0n 2))).
rewrite /= mxE addrC addKr mul1r !big_ord_recl big_ord0 /K /td_error !big_ord_recl big_ord0 /E /turns /= !mxE /=.
rewrite [X in `|X|](_ : _ = - (3%:R / 2%:R)); last by rewrite (_ : 1 %% 2 = 1)%N // expr0 expr1; field.
by rewrite normrN ger0_norm // divr_ge0 ?ler0n.
Qed.
