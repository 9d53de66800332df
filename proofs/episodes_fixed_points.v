(** The fixed points of several episodes' layers on W, what a positive margin asks
    for, and a context that has one. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries episodes operator norm bellman coverage episodes_operator
  episodes_contraction.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section FixedPoints.
Variables (R : realFieldType) (N C : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : 'I_C -> 'I_N) (r : 'I_C -> R) (next : 'I_C -> option 'I_C).
Variables (visible : pred 'I_C) (gamma : R).
Implicit Types (v w vs : 'cV[R]_N) (s u : 'I_N) (alpha : R).
Notation W := (ep_W S next visible).
Notation on_W := (restrict W).
Notation Mhat := (ep_Mhat E S visible).
Notation Phat := (ep_Phat E S next visible).
Notation Pe := (ep_Pe R S next visible).
Notation rhat := (ep_rhat S r visible).
Notation v_CE := (ep_v_CE S r next visible gamma).
Notation visits := (ep_visits S visible).
Notation row_margin := (ep_margin E S next visible gamma).
Notation td_update := (ep_update S r next visible gamma E).
Notation weighted_td := (ep_weighted_td S r next visible gamma E).

(** What the update moves is what is missing in the empirical equation. *)
Lemma ep_update_bellman alpha v :
  td_update alpha v = v + alpha *: (Mhat *m on_W (rhat + gamma *: (Pe *m v) - v)).
Proof. by rewrite Mhat_on_W; apply: ep_richardson. Qed.

(** A solution of the empirical equation on W is a fixed point there of every layer,
    and where Mhat has an inverse on W there is no other. *)
Theorem ep_fixed_is_bellman alpha v :
  alpha != 0 -> invertible_on W Mhat ->
  on_W (td_update alpha v) = on_W v <->
  on_W v = on_W (rhat + gamma *: (Pe *m v)).
Proof.
move=> alpha0 inv; rewrite ep_update_bellman; split=> [|vE]; last first.
  by rewrite restrictB -vE subrr mulmx0 scaler0 addr0.
rewrite restrictD -[RHS]addr0 => /addrI/eqP; rewrite restrictZ scaler_eq0 (negbTE alpha0) /= => /eqP/inv.
by rewrite restrictK restrictB => /subr0_eq.
Qed.

(** Outside W, 1 - gamma Pe changes nothing:
    it has an inverse if and only if it has one on W. *)
Theorem ep_invertible_on_W :
  1%:M - gamma *: Pe \in unitmx <-> invertible_on W (1%:M - gamma *: Pe).
Proof.
have act v : (1%:M - gamma *: Pe) *m v = v - gamma *: (Pe *m v) by rewrite mulmxBl mul1mx -scalemxAl.
have out v s : ~~ W s -> ((1%:M - gamma *: Pe) *m v) s 0 = v s 0.
  move=> Ws; rewrite act !(addmxE, oppmxE, scalemxE) mxE big1 ?mulr0 ?subr0 // => u _.
  by case: (ep_W_is_closed (fun _ _ => 0 : R) (fun _ => 0 : R) u Ws) => _ _ _ -> _; rewrite mul0r.
split=> [inv v Xv0|inv].
  rewrite -[LHS](mulKmx inv) (_ : _ *m on_W v = 0) ?mulmx0 //; apply/colP => s; rewrite [RHS]mxE.
  case Ws: (W s); last by rewrite out ?Ws // mxE Ws.
  by have /colP/(_ s) := Xv0; rewrite !act Pe_on_W !mxE Ws.
apply/negPn/negP => /singular_kernel[v v0 Xv0]; case/negP: v0; apply/eqP/colP => s; rewrite [RHS]mxE.
case Ws: (W s); last by rewrite -(out v s (negbT Ws)) Xv0 mxE.
have := inv v; rewrite Xv0 restrict0 => /(_ erefl)/colP/(_ s); by rewrite !mxE Ws.
Qed.

(** Where 1 - gamma Pe has an inverse, v_CE solves the empirical equation, and every
    layer keeps it. *)
Theorem ep_v_CE_is_kept :
  1%:M - gamma *: Pe \in unitmx ->
  v_CE = rhat + gamma *: (Pe *m v_CE) /\
  forall alpha, td_update alpha v_CE = v_CE.
Proof.
move=> inv; have bellman : v_CE = rhat + gamma *: (Pe *m v_CE).
  by rewrite -{1}[rhat](mulKVmx inv) mulmxBl mul1mx -scalemxAl subrK.
by split=> // alpha; rewrite ep_update_bellman -bellman subrr restrict0 mulmx0 scaler0 addr0.
Qed.

(** Where 1 - gamma Pe has an inverse on W, v_CE is the one solution of the empirical equation there. *)
Lemma ep_one_solution v :
  invertible_on W (1%:M - gamma *: Pe) ->
  on_W v = on_W (rhat + gamma *: (Pe *m v)) <-> on_W v = on_W v_CE.
Proof.
move=> inv_W; have [bellman _] := ep_v_CE_is_kept ((ep_invertible_on_W).2 inv_W).
split=> vE; last by rewrite restrictD -Pe_on_W vE restrictZ Pe_on_W -restrictZ -restrictD -bellman.
apply/subr0_eq; rewrite -restrictB; apply: inv_W; rewrite mulmxBr !mulmxBl !mul1mx -!scalemxAl.
rewrite !restrictB vE {1}bellman -!restrictB; apply/colP => s; rewrite !mxE; case: (W s) => //.
by move: (rhat s 0) => *; ring.
Qed.

(** A layer with alpha other than 0 has exactly one fixed point on W if and only if
    both 1 - gamma Pe and Mhat have an inverse on W. *)
Theorem ep_one_fixed_point alpha :
  alpha != 0 ->
  (exists vs, forall v, on_W (td_update alpha v) = on_W v <-> on_W v = on_W vs) <->
  invertible_on W (1%:M - gamma *: Pe) /\ invertible_on W Mhat.
Proof.
move=> alpha0; split=> [[vs only]|[inv_X inv_M]]; last first.
  by exists v_CE => v; rewrite ep_fixed_is_bellman //; apply: ep_one_solution.
have inv_H w : on_W (Mhat *m ((1%:M - gamma *: Pe) *m w)) = 0 -> on_W w = 0.
  move=> Hw; apply: (addrI (on_W vs)); rewrite -restrictD addr0; apply/only.
  have := (only vs).2 erefl; rewrite !ep_update_is_operator mulmxDr addrAC !(restrictD _ (_ + _)) => ->.
  by rewrite restrictD ep_G_Mhat mulmxBl mul1mx -scalemxAl -mulmxA restrictB restrictZ Hw scaler0 subr0.
have inv_X : invertible_on W (1%:M - gamma *: Pe).
  by move=> w Xw; apply: inv_H; rewrite -(@Mhat_on_W _ _ _ E S next) Xw mulmx0 restrict0.
split=> // w Mw; have inv := (ep_invertible_on_W).2 inv_X.
have := inv_H (invmx (1%:M - gamma *: Pe) *m w); rewrite mulKVmx // => /(_ Mw) u0.
rewrite -[w](mulKVmx inv) mulmxBl mul1mx -scalemxAl restrictB restrictZ u0 sub0r.
by rewrite -Pe_on_W u0 mulmx0 restrict0 scaler0 oppr0.
Qed.

(** If the margin of every row of W is at least c > 0, the empirical equation has
    one solution on W, v_CE, at gamma = 1 too, and every update whose step size
    alpha is in [0, 1] multiplies the distance to it by 1 - alpha c at most. *)
Theorem ep_certainty_equivalence c :
  (forall s u, 0 <= E s u) ->
  (forall s, W s -> c <= row_margin s) -> 0 < c ->
  [/\ 1%:M - gamma *: Pe \in unitmx,
      forall v, on_W v = on_W (rhat + gamma *: (Pe *m v)) <-> on_W v = on_W v_CE
    & forall alpha v0 L, 0 <= alpha -> alpha <= 1 ->
        norm (on_W (weighted_td (fun _ => alpha) v0 L - v_CE)) <=
        (1 - alpha * c) ^+ L * norm (on_W (v0 - v_CE))].
Proof.
move=> E_ge0 c_le c_gt0.
have inv_W : invertible_on W (1%:M - gamma *: Pe).
  move=> v Xv0; apply/eqP; rewrite -norm_eq0 eq_le norm_ge0 andbT.
  have := ep_G_shrinks E_ge0 c_le ler01 (lexx 1) v.
  rewrite ep_G_Mhat mulmxBl mul1mx scale1r -mulmxA -(@Mhat_on_W _ _ _ E S next) Xv0 mulmx0 subr0 mul1r mulrBl mul1r.
  by rewrite ler_subr_addl ger_addr pmulr_rle0.
have inv := (ep_invertible_on_W).2 inv_W; have [_ kept] := ep_v_CE_is_kept inv.
split=> // [v|alpha v0 L alpha_ge0 alpha_le1]; first exact: ep_one_solution.
by apply: ep_contraction => //; rewrite kept.
Qed.

(** Weights that are not negative. *)
Section Margin.
Hypothesis E_ge0 : forall s u, 0 <= E s u.

Lemma ep_Mhat_le1 s : Mhat s s <= 1.
Proof.
apply: le_trans (ep_Mhat_row_le1 E S visible s); rewrite (bigD1 s) //= ler_addl sumr_ge0 // => u _.
exact: ep_Mhat_ge0.
Qed.

Lemma ep_margin_le s : row_margin s <= Mhat s s * (2%:R - `|gamma| * \sum_u Pe s u) - 1.
Proof.
have Phat_ge : Mhat s s * (\sum_u Pe s u) <= \sum_u Phat s u.
  rewrite mulr_sumr (ep_Phat_is_Mhat_Pe E S next visible); apply: ler_sum => u _.
  rewrite [X in _ <= X]mxE (bigD1 s) //= ler_addl sumr_ge0 // => w _.
  by rewrite mulr_ge0 ?ep_Mhat_ge0 //; case: (ep_Pe_rows R S next visible w).
rewrite /ep_margin mulrBr [Mhat s s * 2%:R]mulrC addrAC ler_add2r ler_add2l ler_opp2 mulrCA.
by rewrite ler_wpmul2l.
Qed.

(** A positive margin asks for coverage: some transition leaves the state. *)
Theorem ep_positive_margin_covers s : 0 < row_margin s -> (0 < visits s)%N.
Proof.
apply: contraTT; rewrite lt0n negbK => /eqP none; rewrite -leNgt; apply: le_trans (ep_margin_le s) _.
have [_ _ /(_ none) ->] := ep_Pe_rows R S next visible s.
suff -> : Mhat s s = 0 by rewrite mul0r sub0r oppr_le0 ler01.
rewrite mxE big1 // => k /andP[vis ks]; move/eqP: none.
by rewrite /ep_visits sum_nat_eq0 => /forall_inP/(_ k vis); rewrite ks.
Qed.

(** The margin is at most 1 - |gamma| (Pe 1)(s). *)
Theorem ep_margin_at_most s :
  `|gamma| <= 2%:R -> row_margin s <= 1 - `|gamma| * \sum_u Pe s u.
Proof.
move=> gamma_le2; apply: le_trans (ep_margin_le s) _.
have Pe_le1 : \sum_u Pe s u <= 1.
  rewrite ep_Pe_row; case: (eqVneq (visits s) 0%N) => [->|some]; first by rewrite invr0 mulr0 ler01.
  rewrite ler_pdivr_mulr ?ltr0n ?lt0n // mul1r (ep_visits_sum R S visible s).
  by apply: ler_sum => k _; case: (next k) => [l|]; rewrite /= ?lexx ?ler01.
have two (p : R) : 1 - p = (2%:R - p) - 1 by ring.
rewrite two ler_add2r ler_pimull ?ep_Mhat_le1 // subr_ge0; apply: le_trans gamma_le2.
by rewrite ler_pimulr.
Qed.

(** Where |gamma| is 1 or more, a positive margin takes a transition
    out of the state that terminates. *)
Theorem ep_positive_margin_ends s :
  1 <= `|gamma| -> 0 < row_margin s ->
  exists k, [/\ visible k, S k = s & next k = None].
Proof.
move=> gamma_ge1 c_gt0; have some := ep_positive_margin_covers c_gt0.
have [|all] := boolP [exists k, [&& visible k, S k == s & next k == None]].
  by case/existsP => k /and3P[vis /eqP ks /eqP ends]; exists k.
move: c_gt0; rewrite ltNge => /negP[]; apply: le_trans (ep_margin_le s) _.
have [_ /(_ some) -> _] := ep_Pe_rows R S next visible s; rewrite /ep_ending big1 ?mul0r ?subr0 => [|k /andP[vis ks]].
  rewrite mulr1 subr_le0; apply: le_trans (ep_Mhat_le1 s); rewrite ler_pimulr ?ep_Mhat_ge0 //.
  by rewrite ler_subl_addl (_ : 2%:R = 1 + 1) ?ler_add2r //; ring.
move: all; rewrite negb_exists => /forallP/(_ k); rewrite vis ks /=.
by case: (next k).
Qed.

End Margin.
End FixedPoints.

(** Two trajectories that terminate, with the states 0, 2 and 0, 1, 2:
    the state of each column, the column that it reads, and whether it is visible.
    The state 2 is terminal, and never left. *)
Definition two_walks (j : 'I_5) : 'I_3 :=
  nth ord0 [:: ord0; ord_max; ord0; @Ordinal 3 1 isT; ord_max] j.
Definition two_walks_next (j : 'I_5) : option 'I_5 :=
  if j == 2%N :> nat then Some (@Ordinal 5 3 isT) else None.
Definition two_walks_visible (j : 'I_5) : bool :=
  nth false [:: true; false; true; true; false] j.

Section Examples.
Variable R : realFieldType.

(** A state weighs itself four times as much as another. *)
Definition near (s u : 'I_3) : R := if s == u then 4%:R else 1.

Notation S := two_walks.
Notation W := (ep_W S two_walks_next two_walks_visible).
Notation Phat := (ep_Phat near S two_walks_next two_walks_visible).
Notation row_margin := (ep_margin near S two_walks_next two_walks_visible).

Lemma sum5 (F : 'I_5 -> R) :
  \sum_k F k = F (@Ordinal 5 0 isT) + F (@Ordinal 5 1 isT) + F (@Ordinal 5 2 isT)
               + F (@Ordinal 5 3 isT) + F (@Ordinal 5 4 isT).
Proof.
rewrite !big_ord_recl big_ord0 addr0 !addrA.
by congr (F _ + F _ + F _ + F _ + F _); apply: val_inj.
Qed.

Lemma two_walks_Phat s :
  \sum_u Phat s u = ep_K S two_walks_visible near (@Ordinal 5 2 isT) s.
Proof.
transitivity ((Phat *m (const_mx 1 : 'cV_3)) s 0).
  by rewrite mxE; apply: eq_bigr => u _; rewrite [const_mx _ _ _]mxE mulr1.
by rewrite ep_Phat_mul big_mkcond sum5 /next_value /= !mxE !mulr0 mulr1 !add0r !addr0.
Qed.

Lemma two_walks_sum s :
  \sum_(i | two_walks_visible i) near s (S i) =
  near s ord0 + near s ord0 + near s (@Ordinal 3 1 isT).
Proof. by rewrite big_mkcond sum5 /= !addr0. Qed.

(** There G takes the value function 1 to two values on W, which differ unless
    alpha gamma = 0: constants are then no eigenvectors. *)
Theorem two_walks_constants (gamma alpha : R) :
  let G1 := ep_G near S two_walks_next two_walks_visible gamma alpha
            *m (const_mx 1 : 'cV_3) in
  G1 ord0 0 = 1 + alpha * gamma * (4%:R / 9%:R) - alpha
  /\ G1 (@Ordinal 3 1 isT) 0 = 1 + alpha * gamma * (1 / 6%:R) - alpha.
Proof.
have G1 s : near s ord0 + near s ord0 + near s (@Ordinal 3 1 isT) != 0 ->
    (ep_G near S two_walks_next two_walks_visible gamma alpha *m (const_mx 1 : 'cV_3)) s 0 =
    1 + alpha * gamma * ep_K S two_walks_visible near (@Ordinal 5 2 isT) s - alpha.
  move=> Z0; rewrite ep_G_one ?two_walks_sum // mulmxA -ep_Phat_is_Mhat_Pe mxE -two_walks_Phat.
  by congr (1 + _ * _ - _); apply: eq_bigr => u _; rewrite [const_mx _ _ _]mxE mulr1.
by split; rewrite G1 /ep_K ?two_walks_sum /near /=; first [by field | by rewrite gt_eqF // !addr_gt0 ?ltr0n ?ltr01].
Qed.

Lemma two_walks_margin (gamma : R) s :
  row_margin gamma s =
  2%:R * (\sum_(k | two_walks_visible k && (S k == s)) ep_K S two_walks_visible near k s) - 1
  - `|gamma| * ep_K S two_walks_visible near (@Ordinal 5 2 isT) s.
Proof. by rewrite /ep_margin mxE two_walks_Phat. Qed.

(** A margin can be positive on W with a terminal state, at gamma = 1 too:
    W is the states 0 and 1, whose margins are at least 1/6;
    that of the state 2 is below 0. *)
Theorem two_walks_have_a_positive_margin :
  [/\ forall s u, 0 < near s u,
      forall s, W s = (s != ord_max),
      forall s, W s -> 1 / 6%:R <= row_margin 1 s
    & row_margin 1 ord_max = - (4%:R / 3%:R)].
Proof.
have Z := two_walks_sum; split=> [s u|s|s Ws|].
- by rewrite /near; case: ifP; rewrite ?ltr0n ?ltr01.
- case: s => [[|[|[|//]]] lt_s]; apply/existsP.
  + by exists (@Ordinal 5 0 isT).
  + by exists (@Ordinal 5 3 isT).
  by case=> -[[|[|[|[|[|//]]]]] lt_k].
- rewrite two_walks_margin big_mkcond sum5 /ep_K !Z normr1 mul1r -subr_ge0.
  case: s Ws => [[|[|[|//]]] lt_s].
  + move=> _; rewrite /near /= (_ : _ - _ = 1 / 6%:R); last by field.
    by rewrite divr_ge0 ?ler0n ?ler01.
  + by move=> _; rewrite /near /= (_ : _ - _ = 0); last by field.
  by case/existsP => -[[|[|[|[|[|//]]]]] lt_k].
by rewrite two_walks_margin big_mkcond sum5 /ep_K !Z normr1 /near /=; field.
Qed.

(** The 2 of the margin cannot be greater: for any b above it, one transition, which
    terminates, refutes the bound, for there Mhat = 1 and Phat = 0. *)
Theorem ep_two_is_sharp (b : R) :
  2%:R < b ->
  exists (N C : nat) (E : 'I_N -> 'I_N -> R) (S : 'I_C -> 'I_N),
  exists (next : 'I_C -> option 'I_C) (visible : pred 'I_C) (gamma alpha c : R),
  [/\ forall s u, 0 < E s u, exists k, visible k, 0 <= alpha /\ alpha <= 1,
      forall s, c = b * ep_Mhat E S visible s s - 1
                    - `|gamma| * \sum_u ep_Phat E S next visible s u
    & 1 - alpha * c <
      norm (restrict (ep_W S next visible) (ep_G E S next visible gamma alpha))].
Proof.
move=> b_gt2; exists 1%N, 1%N, (fun _ _ => 1), (fun _ => 0), (fun _ => None), xpredT, 0, 1, (b - 1).
split; rewrite ?ltr01 ?ler01 ?lexx //; first by exists 0.
  by move=> s; rewrite normr0 mul0r subr0 mxE [s]ord1 big_mkcond big_ord1 /= /ep_K big_ord1 divr1 mulr1.
apply: lt_le_trans (norm_ge0 _); rewrite mul1r opprB addrA subr_lt0.
by rewrite (_ : 1 + 1 = 2%:R) //; ring.
Qed.

End Examples.
