(** stationary: a power of an irreducible aperiodic chain is positive, that of Wielandt's
    exponent (N - 1)^2 + 1, and so the chain converges. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import operator bellman neu_bound stationary reach.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** The lengths of all round trips have no common divisor but 1. *)
Definition aperiodic (R : realFieldType) N (P : 'M[R]_N) :=
  forall d : nat, (forall s k, 0 < power P k s s -> (d %| k)%N) -> d = 1%N.

Lemma steps_enough n g :
  (0 < g)%N -> (g <= n)%N -> ((1 < n)%N -> (g < n)%N) -> (n - g + n.-1 * g <= (n.-1 ^ 2).+1)%N.
Proof.
case: n => [|[|n]] g_gt0 le_g below; first by rewrite leqNgt g_gt0 in le_g.
  by rewrite mul0n addn0 (leq_trans (leq_subr _ _)).
have le_gn : (g <= n.+1)%N by rewrite -ltnS below.
rewrite subSn //= addSn ltnS -mulnn; move: n.+1 le_gn => m /subnKC <-; rewrite addKn.
by rewrite mulnDr addnC leq_add2l leq_pmull // addn_gt0 g_gt0.
Qed.

Section Wielandt.
Variables (R : realFieldType) (N : nat) (P : 'M[R]_N).
Hypotheses (P_stochastic : stochastic P) (P_irreducible : irreducible P).
Hypothesis P_aperiodic : aperiodic P.
Implicit Types (s u w c : 'I_N) (i j k m : nat).
Notation reach := (reach P).

(** Let g be the length of the shortest round trip. *)
Section Girth.
Variables (g : nat) (c0 : 'I_N).
Hypotheses (g_gt0 : (0 < g)%N) (c0_loop : reach g c0 c0).
Hypothesis g_least : forall k s, (0 < k)%N -> reach k s s -> (g <= k)%N.

(** A walk comes back to a state after g steps at the earliest. *)
Lemma no_sooner (x : nat -> 'I_N) k i j :
  (forall i, (i < k)%N -> reach 1 (x i) (x i.+1)) -> (i < j <= k)%N -> x i = x j -> (g <= j - i)%N.
Proof.
move=> steps /andP[lt_ij le_jk] same; apply: (@g_least _ (x i)); first by rewrite subn_gt0.
by rewrite {2}same; apply: (way_reach P_stochastic steps); rewrite ltnW.
Qed.

(** The states with a round trip of length g are at least g. *)
Notation C := [set s | reach g s s].

Lemma C_size : (g <= #|C|)%N.
Proof.
have [x [x0 xg steps]] := reach_way P_stochastic c0_loop; pose h (i : 'I_g) := x i.
have h_inj : injective h.
  have apart (i j : 'I_g) : (i < j)%N -> h i <> h j.
    move=> lt_ij same; have := no_sooner steps _ same; rewrite lt_ij ltnW // => /(_ isT).
    by rewrite leqNgt (leq_ltn_trans (leq_subr _ _)).
  move=> i j same; apply: val_inj; case: (ltngtP i j) => // lt; first by case: (apart i j).
  by case: (apart j i).
rewrite -{1}[g]card_ord -(card_imset _ h_inj) subset_leq_card //.
apply/subsetP => _ /imsetP[i _ ->]; rewrite inE -{1}(subnK (ltnW (ltn_ord i))).
apply: (@reach_trans _ _ _ P_stochastic _ _ _ c0).
  by rewrite -xg; apply: (way_reach P_stochastic steps); rewrite leqnn ltnW.
by rewrite -x0 -{1}[val i]subn0; apply: (way_reach P_stochastic steps); rewrite /= ltnW.
Qed.

Lemma g_le : (g <= N)%N.
Proof. by have := leq_trans C_size (max_card _); rewrite card_ord. Qed.

(** From every state one of them can be reached in N - g steps. *)
Lemma to_cycle u : exists2 c, reach g c c & reach (N - g) u c.
Proof.
pose pre (X : {set 'I_N}) := [set s | [exists w in X, reach 1 s w]].
have preE j s : (s \in iter j pre C) = [exists c in C, reach j s c].
  elim: j s => [|j IH] s.
    apply/idP/existsP => [sC|[c /andP[cC]]]; first by exists s; rewrite sC reach0.
    by move/(reach_way P_stochastic)=> [x [<- xc _]]; rewrite xc.
  rewrite iterS inE; apply/existsP/existsP => [[w]|[c /andP[cC]]].
    rewrite IH => /andP[/existsP[c /andP[cC wc]] sw]; exists c; rewrite cC /=.
    by rewrite -add1n; apply: (reach_trans P_stochastic sw wc).
  rewrite -add1n => /(reach_split P_stochastic)[w sw wc]; exists w; rewrite IH sw andbT.
  by apply/existsP; exists c; rewrite cC.
have : u \in iter (N - g) pre C.
  rewrite growing_sets ?inE // => [i|s|]; last by rewrite card_ord -leq_subLR leq_sub2l ?C_size.
    apply/subsetP => s; rewrite !preE => /existsP[c /andP[]]; rewrite inE => c_loop sc.
    move: (c_loop); rewrite -{1}(prednK g_gt0) -add1n => /(reach_split P_stochastic)[w cw wc].
    apply/existsP; exists w; rewrite inE -addn1 (reach_trans P_stochastic sc cw) andbT.
    by rewrite -(prednK g_gt0) -addn1; apply: (reach_trans P_stochastic wc cw).
  have [k sc] := P_irreducible s c0; exists k; rewrite preE; apply/existsP; exists c0.
  by rewrite inE c0_loop.
by rewrite preE => /existsP[c /andP[]]; rewrite inE => c_loop uc; exists c.
Qed.

(** From one of them every state can be reached in N - 1 rounds of g steps,
    if it can in any number of them. *)
Lemma from_cycle c u :
  reach g c c -> (forall u, exists j, reach (j * g) c u) -> reach (N.-1 * g) c u.
Proof.
move=> c_loop covers; pose next (X : {set 'I_N}) := [set w | [exists s in X, reach g s w]].
have nextE j w : (w \in iter j next [set c]) = reach (j * g) c w.
  elim: j w => [|j IH] w.
    by rewrite inE; apply/eqP/idP => [->|/(reach_way P_stochastic)[x [<- xc _]] //]; apply: reach0.
  rewrite iterS inE mulSn addnC; apply/existsP/idP => [[s /andP[]]|/(reach_split P_stochastic)[s cs sw]].
    by rewrite IH => cs; apply: (reach_trans P_stochastic).
  by exists s; rewrite IH cs.
rewrite -nextE growing_sets ?inE // => [i|w|].
- by apply/subsetP => w; rewrite !nextE mulSn; apply: (reach_trans P_stochastic).
- by have [j cw] := covers w; exists j; rewrite nextE.
by rewrite card_ord cards1 add1n (ltn_predK (ltn_ord c)).
Qed.

(** Some round trip of c has length 1 modulo g. *)
Lemma coprime_trip c (b : bool) :
  reach g c c -> (forall x, reach x c c -> x = 1 %[mod g] -> b) -> b.
Proof.
move=> c_loop goal; pose Q t := (0 < t)%N /\ exists2 x, reach x c c & x = t %[mod g].
apply: (@classical_least Q b g) => [|t [t_gt0 [x x_loop xt]] least].
  by split=> //; exists 0%N; rewrite ?reach0 // mod0n modnn.
suff t1 : t = 1%N by apply: goal x_loop _; rewrite xt t1.
have divides k : reach k c c -> (t %| k)%N.
  move=> k_loop; rewrite /dvdn; apply: contraT; rewrite -lt0n => r_gt0.
  suff /least : Q (k %% t)%N by rewrite leqNgt ltn_mod t_gt0.
  split=> //; exists (k + k %/ t * g.-1 * x)%N.
    by apply: (reach_trans P_stochastic k_loop _); apply: (reach_many P_stochastic).
  rewrite -modnDmr -modnMmr xt modnMmr modnDmr {1}(divn_eq k t) mulnAC [(_ * g.-1)%N]mulnC.
  by rewrite addnAC -mulSn prednK // mulnC modnMDl.
apply: P_aperiodic => w k w_loop.
have [[i cw] [j wc]] := (P_irreducible c w, P_irreducible w c).
have ij : (t %| i + j)%N by apply/divides/(reach_trans P_stochastic cw wc).
rewrite -(dvdn_addr k ij) addnAC; apply: divides.
by apply: (reach_trans P_stochastic _ wc); apply: (reach_trans P_stochastic _ w_loop).
Qed.

(** So all states reach all others in N - g + (N - 1) g steps. *)
Lemma reach_all s u : reach (N - g + N.-1 * g) s u.
Proof.
have [c c_loop sc] := to_cycle s; apply: (reach_trans P_stochastic sc); apply: (coprime_trip c_loop) => x x_loop x1.
apply: from_cycle => // w; have [k cw] := P_irreducible c w.
exists ((k * g.-1 * x + k) %/ g)%N; rewrite divnK; first by apply: (reach_trans P_stochastic _ cw); apply: (reach_many P_stochastic).
rewrite /dvdn -modnDml -modnMmr x1 modnMmr modnDml muln1 addnC -mulnS prednK //.
by rewrite modnMl.
Qed.

(** If g were N, every walk of N steps would be a round trip, and P would have the period N. *)
Lemma girth_below : (1 < N)%N -> (g < N)%N.
Proof.
move=> N_gt1; rewrite ltn_neqAle g_le andbT; apply/eqP => gN.
have back s u : reach N s u -> u = s.
  move=> /(reach_way P_stochastic)[x [<- <- steps]].
  have /injectivePn[i [j ne same]] : ~~ injectiveb (fun i : 'I_N.+1 => x i).
    apply/negP => /injectiveP/leq_card; by rewrite !card_ord ltnn.
  have here (a b : 'I_N.+1) : (a < b)%N -> x a = x b -> x N = x 0%N.
    move=> lt_ab xab; have le_b : (b <= N)%N by rewrite -ltnS.
    have := no_sooner steps _ xab; rewrite lt_ab le_b => /(_ isT); rewrite gN => le.
    have bN : b = N :> nat by apply/anti_leq; rewrite le_b (leq_trans le (leq_subr _ _)).
    have a0 : a = 0%N :> nat.
      by move: le; rewrite bN leqNgt ltn_subrL (ltnW N_gt1) andbT -leqNgt leqn0 => /eqP.
    by rewrite -[x 0%N](congr1 x a0) xab bN.
  case: (ltngtP i j) => lt; [exact: here lt _ | exact: here lt _ | ].
  by case/eqP: ne; apply: val_inj.
have rounds q s w : reach (q * N) s w -> w = s.
  elim: q s => [|q IH] s; first by move=> /(reach_way P_stochastic)[x [<- <- _]].
  by rewrite mulSn => /(reach_split P_stochastic)[v /back -> /IH].
suff N1 : N = 1%N by rewrite N1 in N_gt1.
apply: P_aperiodic => s k; rewrite -/(reach k s s) {1}(divn_eq k N) => /(reach_split P_stochastic)[w /rounds -> rest].
rewrite /dvdn; apply: contraT; rewrite -lt0n => /g_least/(_ rest).
by rewrite gN leqNgt ltn_mod ltnW.
Qed.

End Girth.

(** Some round trip is the shortest. *)
Lemma girth_exists s :
  exists g c, [/\ (0 < g)%N, reach g c c & forall k w, (0 < k)%N -> reach k w w -> (g <= k)%N].
Proof.
pose trip k := (0 < k)%N && [exists w, reach k w w].
have some : exists k, trip k.
  have [w sw] := reach_next P_stochastic s; have [k ws] := P_irreducible w s; exists k.+1.
  by apply/andP; split=> //; apply/existsP; exists s; rewrite -add1n; apply: (reach_trans P_stochastic sw ws).
have [g /andP[g_gt0 /existsP[c loop]] least] := ex_minnP some.
exists g, c; split=> // k w k_gt0 w_loop; apply: least.
by rewrite /trip k_gt0; apply/existsP; exists w.
Qed.

End Wielandt.

(** P^m has no entry that is 0, for m = (N - 1)^2 + 1. *)
Theorem power_of_an_aperiodic_chain_is_positive (R : realFieldType) N
    (P : 'M[R]_N) s u :
  stochastic P -> irreducible P -> aperiodic P -> 0 < power P (N.-1 ^ 2).+1 s u.
Proof.
move=> P_stochastic P_irreducible P_aperiodic.
have [g [c [g_gt0 loop least]]] := girth_exists P_stochastic P_irreducible s.
apply: (reach_longer P_stochastic (k := N - g + N.-1 * g)).
  exact: (reach_all P_stochastic P_irreducible P_aperiodic g_gt0 loop least).
apply: steps_enough; [exact: g_gt0 | exact: (g_le P_stochastic loop least) |].
exact: (girth_below P_stochastic P_aperiodic loop least).
Qed.

(** Where no number is above all naturals: what shrinks by a fixed factor becomes small. *)
Lemma geometric_small (R : archiFieldType) (q x D e : R) :
  0 <= q -> 0 < x -> q + x <= 1 -> 0 < e -> exists K : nat, forall k, (K <= k)%N -> q ^+ k * D < e.
Proof.
move=> q_ge0 x_gt0 qx_le1 e_gt0; pose K := Num.bound (`|D| / (e * x)); exists K => k le_Kk.
have power_le j : q ^+ j * (1 + j%:R * x) <= 1.
  elim: j => [|j IH]; first by rewrite mul0r addr0 mul1r.
  apply: le_trans IH; rewrite exprSr -mulrA ler_wpmul2l ?exprn_ge0 //.
  have jx_ge0 : 0 <= 1 + j.+1%:R * x by rewrite addr_ge0 ?ler01 // mulr_ge0 ?ler0n // ltW.
  have q_le : q <= 1 - x by rewrite ler_subr_addr.
  apply: le_trans (ler_wpmul2r jx_ge0 q_le) _; rewrite -subr_ge0 (_ : _ - _ = (1 + j%:R) * x ^+ 2).
    by rewrite mulr_ge0 ?sqr_ge0 // addr_ge0 ?ler01 ?ler0n.
  by rewrite (mulrS 1 j); ring.
have small : `|D| < e * (1 + k%:R * x).
  have D_ge0 : 0 <= `|D| / (e * x) by rewrite divr_ge0 // ltW // mulr_gt0.
  have := lt_le_trans (archi_boundP D_ge0) (_ : K%:R <= k%:R); rewrite ler_nat => /(_ le_Kk).
  rewrite ltr_pdivr_mulr ?mulr_gt0 // => /lt_trans; apply.
  by rewrite mulrCA ltr_pmul2l // ltr_addr ltr01.
have qk_ge0 : 0 <= q ^+ k by rewrite exprn_ge0.
apply: le_lt_trans (ler_wpmul2l qk_ge0 (ler_norm D)) _.
have [->|qk_neq0] := eqVneq (q ^+ k) 0; first by rewrite mul0r.
apply: (@lt_le_trans _ _ (q ^+ k * (e * (1 + k%:R * x)))).
  by rewrite ltr_pmul2l // lt_neqAle eq_sym qk_neq0.
by rewrite mulrCA ler_pimulr ?power_le // ltW.
Qed.

(** From every initial distribution the distribution of S_t tends
    to the stationary one. *)
Theorem aperiodic_chain_converges (R : archiFieldType) N (P : 'M[R]_N)
    (mu mu0 : 'rV[R]_N) (e : R) :
  stochastic P -> irreducible P -> aperiodic P ->
  distribution (mu 0) -> mu *m P = mu -> distribution (mu0 0) -> 0 < e ->
  exists T : nat, forall t, (T <= t)%N -> norm1 (mu0 *m power P t - mu) < e.
Proof.
move=> P_stochastic P_irreducible P_aperiodic mu_distribution muP mu0_distribution e_gt0.
have [s|none] := pickP (fun _ : 'I_N => true); last first.
  by case: mu_distribution => _; rewrite big_pred0 // => /eqP; rewrite eq_sym oner_eq0.
move=> _; pose m := (N.-1 ^ 2).+1.
pose low := [arg min_(p < (s, s)) power P m p.1 p.2]%O; pose eps := power P m low.1 low.2.
have eps_gt0 : 0 < eps by apply: power_of_an_aperiodic_chain_is_positive.
have eps_le w u : eps <= power P m w u.
  by rewrite /eps /low; case: arg_minP => // p _ /(_ (w, u)); apply.
have Neps : eps <= N%:R * eps by rewrite ler_pemull ?(ltW eps_gt0) // ler1n (leq_ltn_trans _ (ltn_ord s)).
have q_ge0 := shrinking_factor_ge0 P_stochastic eps_le.
have qx : (1 - N%:R * eps) + eps <= 1 by rewrite -addrA ger_addl addrC subr_le0.
have [K small] := geometric_small (norm1 (mu0 - mu)) q_ge0 eps_gt0 qx e_gt0.
exists (K * m)%N => t le_t; apply: le_lt_trans (small (t %/ m)%N _); last by rewrite leq_divRL.
exact: start_is_forgotten_geometrically.
Qed.
