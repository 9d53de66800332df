(** layer-steps: around a cycle of three states Chebyshev's steps do harm. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator.
From icrl Require Import certainty_equivalence layer_steps cycle.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Harm.
Variable R : realFieldType.
Notation own := (@own R).
Notation turn := (@turn R).

(** Chebyshev's polynomials. *)
Fixpoint chebyshev (L : nat) : {poly R} :=
  if L is l.+1 then
    if l is k.+1 then 2%:R *: ('X * chebyshev l) - chebyshev k else 'X
  else 1.

(** Chebyshev's steps: the product of 1 - alpha_l lambda at lambda = 1 - gamma X
    is T_L(X) / T_L(1 / gamma). *)
Definition chebyshev_steps (gamma : R) (alpha : nat -> R) (L : nat) :=
  \prod_(l < L) (1 - alpha l *: (1 - gamma *: 'X)) =
  (chebyshev L).[gamma^-1]^-1 *: chebyshev L.

(** What L layers make of the errors, as a polynomial in the turn. *)
Lemma factors_horner (gamma : R) alpha L e :
  factors 3 own around gamma alpha L e =
  horner_mx turn (\prod_(l < L) (1 - alpha l *: (1 - gamma *: 'X))) *m e.
Proof.
elim: L => [|L IH]; first by rewrite big_ord0 rmorph1 mul1mx.
rewrite big_ord_recr /= mulrC rmorphM /= -mulmxE -mulmxA -IH H_cycle.
rewrite -!mul_polyC !(rmorphB, rmorphM, rmorph1) /= !horner_mx_C horner_mx_X -!mulmxE !mul_scalar_mx.
by rewrite [RHS]mulmxBl mul1mx -scalemxAl.
Qed.

(** On errors that sum to 0 the polynomial T_l is a_l + b_l turn. *)
Fixpoint coefficients (l : nat) : (R * R) * (R * R) :=
  if l is k.+1 then
    let: (p, q) := coefficients k in
    (q, (- (2%:R * q.2) - p.1, 2%:R * (q.1 - q.2) - p.2))
  else ((1, 0), (0, 1)).
Definition form (p : R * R) : R := p.1 ^+ 2 - p.1 * p.2 + p.2 ^+ 2.

Section SumZero.
Variable e : 'cV[R]_3.
Hypothesis sum0 : \sum_s e s 0 = 0.

Lemma last_entry : e 2%:R 0 = - e 0 0 - e 1 0.
Proof.
apply/eqP; rewrite -subr_eq0 -[X in _ == X]sum0 sum3; apply/eqP.
by move: (e 0 0) (e 1 0) (e 2%:R 0) => a b c; ring.
Qed.

Lemma turn_turn : turn *m (turn *m e) = - e - turn *m e.
Proof.
apply/colP => s; rewrite !(addmxE, oppmxE); have e2 := last_entry.
elim/three_cases: s.
- by rewrite turn0 turn1 turn0 e2; move: (e 0 0) (e 1 0) => a b; ring.
- by rewrite turn1 turn2 turn1 e2; move: (e 0 0) (e 1 0) => a b; ring.
by rewrite turn2 turn0 turn2 e2; move: (e 0 0) (e 1 0) => a b; ring.
Qed.

Lemma chebyshev_on l :
  let: (p, q) := coefficients l in
  horner_mx turn (chebyshev l) *m e = p.1 *: e + p.2 *: (turn *m e)
  /\ horner_mx turn (chebyshev l.+1) *m e = q.1 *: e + q.2 *: (turn *m e).
Proof.
elim: l => [|l /=]; first by rewrite /= rmorph1 horner_mx_X mul1mx !scale1r !scale0r addr0 add0r.
case: (coefficients l) => p q [IHp IHq]; split=> //.
rewrite -mul_polyC !(rmorphB, rmorphM) /= horner_mx_C horner_mx_X -!mulmxE mul_scalar_mx.
rewrite mulmxBl -scalemxAl -mulmxA IHp IHq.
rewrite mulmxDr -!scalemxAr turn_turn; apply/colP => s; rewrite !(addmxE, oppmxE, scalemxE).
by move: (e s 0) ((turn *m e) s 0) p.1 p.2 q.1 q.2 => *; ring.
Qed.

Lemma squares_form p : squares (p.1 *: e + p.2 *: (turn *m e)) = form p * squares e.
Proof.
rewrite /squares /form !sum3 !(addmxE, scalemxE) turn0 turn1 turn2 last_entry.
by move: (e 0 0) (e 1 0) p.1 p.2 => a b c d; ring.
Qed.

End SumZero.

(** How |T_l|^2 grows on such errors: by at least 5.2 from l = 2 on. *)
Definition squared_size (l : nat) : R := form (coefficients l).1.

Lemma size_recurrence l :
  squared_size l.+4 = 4%:R * squared_size l.+3 + 6%:R * squared_size l.+2 + 4%:R * squared_size l.+1 - squared_size l.
Proof.
rewrite /squared_size /=; case: (coefficients l) => [[a b] [c d]] /=; rewrite /form /=.
by ring.
Qed.

Definition in_ratio (a b : R) := [&& 0 < a, 52%:R * a <= 10%:R * b & 10%:R * b <= 53%:R * a].

Lemma next_ratio (a b c d : R) :
  in_ratio a b -> in_ratio b c -> in_ratio c d ->
  in_ratio d (4%:R * d + 6%:R * c + 4%:R * b - a).
Proof.
case/and3P=> a_gt0; rewrite -subr_ge0 => w; rewrite -subr_ge0 => w'.
case/and3P=> b_gt0; rewrite -subr_ge0 => v'; rewrite -subr_ge0 => v.
case/and3P=> c_gt0; rewrite -subr_ge0 => u'; rewrite -subr_ge0 => u.
have pos (s t : nat) (z : R) : 0 <= z -> 0 <= s%:R / t%:R * z.
  by move=> z_ge0; rewrite mulr_ge0 ?divr_ge0 ?ler0n.
apply/and3P; split.
- rewrite (_ : d = 1 / 10%:R * (10%:R * d - 52%:R * c) + 26%:R / 5%:R * c); last by field.
  by rewrite ltr_paddl ?(pos 1%N) // mulr_gt0 ?divr_gt0 ?ltr0n.
- rewrite -subr_ge0 (_ : _ - _ = 6%:R / 5%:R * (53%:R * c - 10%:R * d) + 9%:R / 25%:R * (53%:R * b - 10%:R * c)
    + 5%:R / 26%:R * (10%:R * b - 52%:R * a) + 6174%:R / 325%:R * b); last by field.
  by rewrite !addr_ge0 ?pos // ltW.
rewrite -subr_ge0 (_ : _ - _ = 13%:R / 10%:R * (10%:R * d - 52%:R * c) + 19%:R / 25%:R * (10%:R * c - 52%:R * b)
    + 10%:R / 53%:R * (53%:R * a - 10%:R * b) + 1864%:R / 1325%:R * b); last by field.
by rewrite !addr_ge0 ?pos // ltW.
Qed.

Lemma size_grows l : in_ratio (squared_size l.+2) (squared_size l.+3).
Proof.
suff: [/\ in_ratio (squared_size l.+2) (squared_size l.+3), in_ratio (squared_size l.+3) (squared_size l.+4)
  & in_ratio (squared_size l.+4) (squared_size l.+4.+1)] by case.
elim: l => [|l [one two three]]; last first.
  by split=> //; rewrite (size_recurrence l.+2); apply: next_ratio.
have s2 : squared_size 2 = 7%:R by rewrite /squared_size /form /=; ring.
have s3 : squared_size 3 = 37%:R by rewrite /squared_size /form /=; ring.
have s0 : squared_size 0 = 1 by rewrite /squared_size /form /=; ring.
have s1 : squared_size 1 = 1 by rewrite /squared_size /form /=; ring.
have s4 : squared_size 4 = 193%:R by rewrite (size_recurrence 0) s0 s1 s2 s3; ring.
have s5 : squared_size 5 = 1021%:R by rewrite (size_recurrence 1) s1 s2 s3 s4; ring.
have in_between (a b : R) (u w : nat) :
    0 < a -> 10%:R * b - 52%:R * a = u%:R -> 53%:R * a - 10%:R * b = w%:R -> in_ratio a b.
  by move=> a_gt0 lo hi; rewrite /in_ratio a_gt0 -subr_ge0 lo ler0n -subr_ge0 hi ler0n.
rewrite s2 s3 s4 s5; split.
- by apply: (in_between _ _ 6%N 1%N); [rewrite ltr0n | ring | ring].
- by apply: (in_between _ _ 6%N 31%N); [rewrite ltr0n | ring | ring].
by apply: (in_between _ _ 174%N 19%N); [rewrite ltr0n | ring | ring].
Qed.

(** How fast T_l(x) can grow: by at most 20/9 for x in [1, 4/3]. *)
Lemma chebyshev_grows (x : R) l : 1 <= x -> x <= 4%:R / 3%:R ->
  let t l := (chebyshev l).[x] in
  [/\ 0 < t l, t l <= t l.+1 & 9%:R * t l.+1 <= 20%:R * t l].
Proof.
rewrite -subr_ge0 => x_ge1; rewrite -subr_ge0 => x_le t; elim: l => [|l [t_gt0 le_t]].
  rewrite /t /= !hornerE; split; [exact: ltr01 | by rewrite -subr_ge0 | rewrite -subr_ge0].
  rewrite (_ : _ - _ = 9%:R * (4%:R / 3%:R - x) + 8%:R); last by field.
  by rewrite addr_ge0 ?mulr_ge0 ?ler0n.
rewrite -subr_ge0 => ratio; have t'_gt0 : 0 < t l.+1 by apply: lt_le_trans le_t.
have next : t l.+2 = 2%:R * x * t l.+1 - t l.
  rewrite /t -[chebyshev l.+2]/(2%:R *: ('X * chebyshev l.+1) - chebyshev l).
  by rewrite hornerD hornerN hornerZ hornerM hornerX mulrA.
move: le_t; rewrite -subr_ge0 => le_t.
move: (t l.+2) (t l.+1) (t l) next t'_gt0 le_t ratio t_gt0 => a b c -> b_gt0 le_c ratio c_gt0.
split=> //; rewrite -subr_ge0.
  rewrite (_ : 2%:R * x * b - c - b = 2%:R * ((x - 1) * b) + (b - c)); last by ring.
  by rewrite addr_ge0 // mulr_ge0 ?ler0n // mulr_ge0 // ltW.
rewrite (_ : 20%:R * b - 9%:R * (2%:R * x * b - c) = 18%:R * ((4%:R / 3%:R - x) * b) + 9%:R / 20%:R * (20%:R * c - 9%:R * b)
  + 1 / 20%:R * b); last by field.
by rewrite !addr_ge0 // mulr_ge0 ?divr_ge0 ?ler0n ?ler01 // ?mulr_ge0 // ltW.
Qed.

Lemma chebyshev_below_size (x : R) l :
  1 <= x -> x <= 4%:R / 3%:R -> (chebyshev l.+2).[x] ^+ 2 < squared_size l.+2.
Proof.
move=> x_ge1 x_le; have grows k := chebyshev_grows k x_ge1 x_le; elim: l => [|l IH].
  have t2 : (chebyshev 2).[x] = 2%:R * (x * x) - 1.
    rewrite -[chebyshev 2]/(2%:R *: ('X * 'X) - 1) hornerD hornerN hornerZ hornerM hornerX.
    by rewrite -[1 : {poly R}]/(1%:P) hornerC.
  have s2 : squared_size 2 = 7%:R by rewrite /squared_size /form /=; ring.
  rewrite t2 s2 -subr_gt0 (_ : 7%:R - _ = 4%:R * ((16%:R / 9%:R - x ^+ 2) * (x ^+ 2 + 7%:R / 9%:R)) + 38%:R / 81%:R); last by field.
  have x2 : 0 <= 16%:R / 9%:R - x ^+ 2.
    rewrite (_ : _ - _ = (4%:R / 3%:R - x) * (4%:R / 3%:R + x)); last by field.
    by rewrite mulr_ge0 ?subr_ge0 // addr_ge0 ?divr_ge0 ?ler0n // (le_trans ler01).
  have x2' : 0 <= x ^+ 2 + 7%:R / 9%:R by rewrite addr_ge0 ?sqr_ge0 ?divr_ge0 ?ler0n.
  by rewrite ltr_paddl ?divr_gt0 ?ltr0n // mulr_ge0 ?ler0n // mulr_ge0.
have [t_gt0 le_t] := grows l.+2; rewrite -subr_ge0 => ratio.
have /and3P[_ ] := size_grows l; rewrite -subr_ge0 => size_ratio _.
move: IH; rewrite -subr_gt0 => IH; rewrite -subr_gt0; set t := (chebyshev l.+2).[x]; set t' := (chebyshev l.+3).[x].
rewrite (_ : _ - _ = 1 / 10%:R * (10%:R * squared_size l.+3 - 52%:R * squared_size l.+2) + 26%:R / 5%:R * (squared_size l.+2 - t ^+ 2)
  + 13%:R / 1000%:R * ((20%:R * t - 9%:R * t') * (20%:R * t + 9%:R * t')) + 53%:R / 1000%:R * t' ^+ 2); last by field.
have t'_ge0 : 0 <= t' by apply: le_trans le_t; apply: ltW.
apply: ltr_paddr; first by rewrite mulr_ge0 ?divr_ge0 ?ler0n ?sqr_ge0.
apply: ltr_paddr.
  by rewrite mulr_ge0 ?divr_ge0 ?ler0n // mulr_ge0 // addr_ge0 // mulr_ge0 ?ler0n // ltW.
apply: ltr_paddl; first by rewrite mulr_ge0 ?divr_ge0 ?ler0n ?ler01.
by rewrite mulr_gt0 ?divr_gt0 ?ltr0n.
Qed.

Lemma squares_gt0 (e : 'cV[R]_3) : e != 0 -> 0 < squares e.
Proof.
move=> e0; rewrite lt_def sumr_ge0 => [|s _]; last exact: sqr_ge0.
rewrite andbT; apply: contra e0; rewrite psumr_eq0 => [/allP zero|s _]; last exact: sqr_ge0.
by apply/eqP/colP => s; have := zero s (mem_index_enum s); rewrite sqrf_eq0 mxE => /eqP.
Qed.

(** Around the cycle, with gamma in [3/4, 1), at every depth L >= 2
    Chebyshev's steps make the sum of squared errors larger,
    if the errors sum to 0. *)
Theorem chebyshev_harms_the_cycle (r : nat -> R) gamma alpha (v0 : 'cV[R]_3) L :
  3%:R / 4%:R <= gamma -> gamma < 1 ->
  chebyshev_steps gamma alpha L -> (2 <= L)%N ->
  let error l := weighted_td 3 around r gamma own alpha v0 l
                 - v_CE 3 around r gamma in
  \sum_s error 0%N s 0 = 0 -> error 0%N != 0 ->
  squares (error 0%N) < squares (error L).
Proof.
move=> gamma_ge gamma_lt1 steps; case: L steps => [|[|L]] // steps _ error sum0 e0.
have gamma_gt0 : 0 < gamma by apply: lt_le_trans gamma_ge; rewrite divr_gt0 ?ltr0n.
have below1 : `|gamma| < 1 by rewrite ger0_norm // ltW.
have x_ge1 : 1 <= gamma^-1 by rewrite invf_ge1 // ltW.
have x_le : gamma^-1 <= 4%:R / 3%:R.
  by rewrite -[4%:R / _]invrK invf_div lef_pinv ?posrE ?divr_gt0 ?ltr0n.
have [t_gt0 _ _] := chebyshev_grows L.+2 x_ge1 x_le; have bound := chebyshev_below_size L x_ge1 x_le.
have -> : squares (error L.+2) = ((chebyshev L.+2).[gamma^-1]^-1) ^+ 2 * (squared_size L.+2 * squares (error 0%N)).
  rewrite {1}/error error_is_product_of_factors // factors_horner steps.
  rewrite -mul_polyC rmorphM /= horner_mx_C -mulmxE mul_scalar_mx -scalemxAl squares_scale; congr (_ * _).
  have := chebyshev_on sum0 L.+2; rewrite /squared_size; case: (coefficients L.+2) => p q [-> _].
  exact: squares_form.
rewrite mulrA exprVn ltr_pmull ?squares_gt0 // mulrC ltr_pdivl_mulr ?mul1r // exprn_gt0 //.
Qed.

End Harm.
