(** depth-against-context: L* from logarithms, and how it grows with the context. *)
From Coq Require Import Reals Lra Lia.
From mathcomp Require Import all_ssreflect all_algebra ring.
From mathcomp.analysis Require Import Rstruct.
From icrl Require Import norm contraction certainty_equivalence visited.
From icrl Require Import worthwhile_depth worthwhile_growing real_functions.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** Coq's real numbers as an ordered field, and three of their functions. *)
Local Notation R := R_realFieldType.
Local Notation exp := (Rtrigo_def.exp : R -> R).
Local Notation ln := (Rpower.ln : R -> R).
Local Notation sqrt := (R_sqrt.sqrt : R -> R).

(** The least natural number that is at least x; up y is the integer
    above y with up y - 1 <= y. *)
Definition natural_ceiling (x : R) : nat := Z.to_nat (1 - up (- x)).

(** The depth worth using (the book's L_star), at the product ac of alpha and c. *)
Definition worthwhile (ac e0 F : R) : nat :=
  if ac == 1 then (if F < e0 then 1%N else 0%N)
  else if e0 == 0 then 0%N
  else natural_ceiling (ln (e0 / F) / ln (1 / (1 - ac))).

Lemma natural_ceiling_le (x : R) k : (x <= k%:R) = (natural_ceiling x <= k)%N.
Proof.
have [above near] := archimed (Ropp x); rewrite -INRE INR_IZR_INZ /natural_ceiling.
set u := up _ in above near; rewrite (_ : up (- x) = u) //; apply/RleP/ssrnat.leP => [le|le].
  have lt : Rlt (IZR (- Z.of_nat k)) (IZR u) by rewrite opp_IZR; lra.
  by move/lt_IZR: lt; lia.
have ge : Rle (IZR (1 - Z.of_nat k)) (IZR u) by apply: IZR_le; lia.
by rewrite minus_IZR in ge; lra.
Qed.

Lemma lt_ln (x y : R) : 0 < x -> x < y -> ln x < ln y.
Proof. by move=> /RltP x_gt0 /RltP lt; apply/RltP/ln_increasing. Qed.

Lemma le_ln (x y : R) : 0 < x -> 0 < y -> (x <= y) = (ln x <= ln y).
Proof.
move=> x_gt0 y_gt0; apply/idP/idP; last by apply: contraTT; rewrite -!ltNge; apply: lt_ln.
by rewrite le_eqVlt => /orP[/eqP->|/(lt_ln x_gt0)/ltW //]; apply: lexx.
Qed.

Lemma ln1 : ln 1 = 0. Proof. exact: ln_1. Qed.

Lemma lnM (x y : R) : 0 < x -> 0 < y -> ln (x * y) = ln x + ln y.
Proof. by move=> /RltP x_gt0 /RltP y_gt0; apply: ln_mult. Qed.

Lemma lnX (x : R) k : 0 < x -> ln (x ^+ k) = k%:R * ln x.
Proof.
move=> x_gt0; elim: k => [|k IH]; first by rewrite expr0 ln1 mul0r.
by rewrite exprS lnM ?exprn_gt0 // IH mulrS mulrDl mul1r.
Qed.

Lemma ln_gt0 (x : R) : 1 < x -> 0 < ln x.
Proof. by move=> x_gt1; rewrite -ln1; apply: lt_ln; rewrite ?ltr01. Qed.

(** The bound is at most F exactly from the quotient of the logarithms on. *)
Lemma bound_by_ln (q e0 F : R) k :
  0 < q -> q < 1 -> 0 < e0 -> 0 < F ->
  (q ^+ k * e0 <= F) = (ln (e0 / F) / ln (1 / q) <= k%:R).
Proof.
move=> q_gt0 q_lt1 e0_gt0 F_gt0; have iq_gt1 : 1 < 1 / q by rewrite ltr_pdivl_mulr // mul1r.
have ip_gt0 : 0 < 1 / q := lt_trans ltr01 iq_gt1.
rewrite ler_pdivr_mulr ?ln_gt0 // -lnX // -(le_ln (divr_gt0 e0_gt0 F_gt0) (exprn_gt0 k ip_gt0)).
rewrite ler_pdivr_mulr // expr_div_n expr1n mul1r [_^-1 * F]mulrC ler_pdivl_mulr ?exprn_gt0 //.
by rewrite mulrC.
Qed.

(** The worthwhile depth is the least at which (1 - alpha c)^L e0 is at most F. *)
Theorem worthwhile_is_least (ac e0 F : R) :
  0 < ac -> ac <= 1 -> 0 <= e0 -> 0 < F ->
  least_depth (1 - ac) e0 F (worthwhile ac e0 F).
Proof.
move=> ac_gt0 ac_le1 e0_ge0 F_gt0; rewrite /worthwhile; case: eqVneq => [->|ac1].
  rewrite subrr; case: ltP => [lt|le]; last by split=> //; rewrite expr0 mul1r.
  split=> [|[|k]//]; first by rewrite expr1 mul0r ltW.
  by rewrite expr0 mul1r leNgt lt.
case: eqVneq => [->|e0_neq0]; first by split=> //; rewrite mulr0 ltW.
have e0_gt0 : 0 < e0 by rewrite lt_neqAle eq_sym e0_neq0.
have q_gt0 : 0 < 1 - ac by rewrite subr_gt0 lt_neqAle ac1.
have q_lt1 : 1 - ac < 1 by rewrite ltr_subl_addr ltr_addl.
by split=> [|k]; rewrite bound_by_ln // natural_ceiling_le.
Qed.

(** Half of F asks for at most worthwhile ac 2 1 layers more: that is the ceiling
    of ln 2 / ln (1 / (1 - alpha c)), and 1 where alpha c = 1. *)
Theorem half_the_worthwhile (ac e0 F : R) :
  0 < ac -> ac <= 1 -> 0 <= e0 -> 0 < F ->
  (worthwhile ac e0 (F / 2%:R) <= worthwhile ac e0 F + worthwhile ac 2%:R 1%R)%N.
Proof.
move=> ac_gt0 ac_le1 e0_ge0 F_gt0; have half_gt0 : 0 < F / 2%:R by rewrite divr_gt0 ?ltr0n.
apply: (half_the_floor (rate := 1 - ac) (e0 := e0) (F := F)); rewrite ?subr_ge0 ?(ltW F_gt0) //;
  by apply: worthwhile_is_least; rewrite ?ler0n ?ltr01.
Qed.

(** If e0 stays bounded, alpha c away from 0 and F is at least f / sqrt n,
    then L_star = O(ln n). *)
Theorem worthwhile_is_O_ln (ac e0 F : nat -> R) (a B f : R) :
  0 < a -> (forall n, a <= ac n <= 1) -> (forall n, 0 <= e0 n <= B) ->
  0 < f -> (forall n, f / sqrt n%:R <= F n) ->
  exists b : R, forall n, (2 <= n)%N ->
    (worthwhile (ac n) (e0 n) (F n))%:R <= b * ln n%:R.
Proof.
move=> a_gt0 ac_le e0_le f_gt0 F_ge; pose b := Num.min a 2%:R^-1; pose D := Num.max B 1.
have half : 0 < 2%:R^-1 :> R by rewrite invr_gt0 ltr0n.
have half_lt1 : 2%:R^-1 < 1 :> R by rewrite invf_lt1 ?ltr0n // ltr1n.
have b_gt0 : 0 < b by rewrite lt_minr a_gt0.
have q_gt0 : 0 < 1 - b by rewrite subr_gt0 lt_minl half_lt1 orbT.
have q_lt1 : 1 - b < 1 by rewrite ltr_subl_addr ltr_addl.
have D_gt0 : 0 < D by rewrite lt_maxr ltr01 orbT.
pose l := ln (1 / (1 - b)); have l_gt0 : 0 < l by rewrite ln_gt0 // ltr_pdivl_mulr // mul1r.
have ln2_gt0 : 0 < ln 2%:R by rewrite ln_gt0 // ltr1n.
exists ((1 + `|ln (D / f)| / l) / ln 2%:R + 2%:R^-1 / l) => n n_ge2.
have n_gt0 : 0 < n%:R :> R by rewrite ltr0n (leq_trans _ n_ge2).
have ln_n : ln 2%:R <= ln n%:R by rewrite -le_ln ?ltr0n ?ler_nat // (leq_trans _ n_ge2).
have s_gt0 : 0 < sqrt n%:R.
  rewrite lt_neqAle sqrt_ge0 andbT; apply: contraTneq (n_gt0) => s0.
  by rewrite -(sqr_sqrt (ltW n_gt0)) -s0 expr0n ltxx.
have F_gt0 : 0 < F n by apply: lt_le_trans (F_ge n); rewrite divr_gt0.
have /andP[ac_ge ac_le1] := ac_le n; have /andP[e0_ge0 e0_leB] := e0_le n.
have [_ least] := worthwhile_is_least (lt_le_trans a_gt0 ac_ge) ac_le1 e0_ge0 F_gt0.
have C_le : 1 + (`|ln (D / f)| + 2%:R^-1 * ln n%:R) / l <= ((1 + `|ln (D / f)| / l) / ln 2%:R + 2%:R^-1 / l) * ln n%:R.
  rewrite [(_ + _) / l]mulrDl addrA [X in _ <= X]mulrDl; apply: ler_add; last by rewrite mulrAC.
  rewrite -mulrA; apply: ler_pemulr; last by rewrite ler_pdivl_mull // mulr1.
  by rewrite addr_ge0 ?ler01 // divr_ge0 // ltW.
case: (worthwhile _ _ _) least => [|L] least.
  by apply: le_trans C_le; rewrite addr_ge0 // divr_ge0 ?addr_ge0 ?mulr_ge0 // ltW // (lt_le_trans ln2_gt0).
apply: le_trans C_le; rewrite mulrS ler_add2l.
suff: L%:R < (ln (D / f) + 2%:R^-1 * ln n%:R) / l.
  by move/ltW/le_trans; apply; rewrite ler_pmul2r ?invr_gt0 // ler_add2r ler_norm.
have -> : ln (D / f) + 2%:R^-1 * ln n%:R = ln (D / (f / sqrt n%:R)).
  have -> : D / (f / sqrt n%:R) = D / f * sqrt n%:R by field; rewrite !gt_eqF.
  rewrite [RHS]lnM ?divr_gt0 //; congr (_ + _).
  by rewrite -{1}(sqr_sqrt (ltW n_gt0)) lnX // mulKf ?pnatr_eq0.
rewrite ltNge /l -(bound_by_ln L q_gt0 q_lt1 D_gt0 (divr_gt0 f_gt0 s_gt0)); apply/negP => at_L.
have: (1 - ac n) ^+ L * e0 n <= F n; last by move/least; rewrite ltnn.
apply: le_trans (F_ge n); apply: le_trans at_L; apply: ler_pmul => //.
- by rewrite exprn_ge0 // subr_ge0.
- apply: ler_expn2r; rewrite ?nnegrE ?(ltW q_gt0) ?subr_ge0 // ler_add2l ler_opp2.
  by apply: le_trans ac_ge; rewrite /b le_minl lexx.
by rewrite /D le_maxr e0_leB.
Qed.

Lemma exp8_ge256 : 256%:R <= exp 8%:R.
Proof.
have exp_nat k : exp k%:R = exp 1 ^+ k.
  elim: k => [|k IH]; first exact: exp_0.
  by rewrite mulrS exprS -IH; exact: exp_plus.
have exp1_ge2 : 2%:R <= exp 1.
  by rewrite (mulrS 1 1); apply/ltW/RltP/exp_ineq1/eqP; rewrite oner_neq0.
rewrite exp_nat (_ : 256%:R = 2%:R ^+ 8); last by rewrite -natrX.
by apply: ler_expn2r; rewrite ?nnegrE ?ler0n ?exp_ge0.
Qed.

(** The context that grows, with gamma = 1/2, alpha = 1, own scores of 8, v0 = 0 and
    F = 2/5 over the square root of n: no layer is worth using at n = 4, and four
    are at n = 16, where F is half of that; half of F asks for one layer more
    at the first rate, for two at the second. *)
Theorem growing_asks_for_four (m m' : R) :
  let e0 n := max_visited n grown
                (fun s => `|v_CE n grown (grown_reward R) 2%:R^-1 s 0|) in
  let c a := margin a 2%:R^-1 in
  least_diagonal (exp 8%:R) 4 m -> least_diagonal (exp 8%:R) 16 m' ->
  [/\ worthwhile (c m) (e0 4%N) (2%:R / 5%:R / 2%:R) = 0%N,
      worthwhile (c m') (e0 16%N) (2%:R / 5%:R / 4%:R) = 4%N,
      worthwhile (c m) 2%:R 1 = 1%N & worthwhile (c m') 2%:R 1 = 2%N].
Proof.
move=> e0 c least least'; have [at4 at16 half half'] := growing_asks_for_more exp8_ge256 least least'.
have same q (e F : R) L L' : least_depth q e F L -> least_depth q e F L' -> L = L'.
  by move=> [at_L lo] [at_L' lo']; apply/eqP; rewrite eqn_leq lo ?lo'.
have cE a : c a = 2%:R * a - 3%:R / 2%:R.
  by rewrite /c /margin ger0_norm ?invr_ge0 ?ler0n //; field.
have c_bounds a : 99%:R / 100%:R <= a -> a <= 1 -> 0 < c a /\ c a <= 1.
  move=> a_ge a_le; rewrite cE; split.
    rewrite subr_gt0 (@lt_le_trans _ _ (2%:R * (99%:R / 100%:R))) ?ler_wpmul2l ?ler0n //.
    by rewrite -subr_gt0 (_ : _ - _ = 12%:R / 25%:R); [rewrite divr_gt0 ?ltr0n | field].
  rewrite ler_subl_addr (@le_trans _ _ (2%:R * 1)) ?ler_wpmul2l ?ler0n //.
  by rewrite -subr_ge0 (_ : _ - _ = 2%:R^-1); [rewrite invr_ge0 ler0n | field].
have [m_ge /ltW m_le] := least16 exp8_ge256 least'; have m1 := least4 exp8_ge256 least.
have [c_gt0 c_le1] : 0 < c m /\ c m <= 1.
  by apply: c_bounds; rewrite m1 // ler_pdivr_mulr ?ltr0n // mul1r ler_nat.
have [c_gt0' c_le1'] := c_bounds _ m_ge m_le.
split; [apply: same at4|apply: same at16|apply: same half|apply: same half']; apply: worthwhile_is_least;
  by rewrite ?max_visited_ge0 ?ler0n ?ltr01 ?divr_gt0 ?ltr0n.
Qed.
