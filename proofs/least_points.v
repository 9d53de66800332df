(** softmax-residual-gradient: when there is one least point of the squared TD errors,
    when a layer keeps it alone, and what two softmaxes do. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman coverage.
From icrl Require Import fixed_point softmax_residual_gradient.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section OneLeastPoint.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Implicit Types (v w h vs : 'cV[R]_N) (s u : 'I_N).
Notation update := (residual_update n E S r gamma).
Notation gradient := (gradient n S r gamma).
Notation least_point := (least_point n S r gamma).

(** What a change of the values does to the TD errors: a row for each transition. *)
Definition slopes : 'M[R]_(n, N) :=
  \matrix_(k, s) (gamma * (S k.+1 == s)%:R - (S k == s)%:R).

Lemma slopes_mul h (k : 'I_n) : (slopes *m h) k 0 = gamma * h (S k.+1) 0 - h (S k) 0.
Proof.
have at_state := sum_delta (fun s => h s 0).
rewrite mxE -(at_state (S k)) -(at_state (S k.+1)) mulr_sumr -sumrB; apply: eq_bigr => s _.
by rewrite mxE mulrBl mulrA.
Qed.

(** The gradient is affine. *)
Lemma gradientD v h : gradient (v + h) = gradient v + 2%:R *: (slopes^T *m slopes *m h).
Proof.
apply/colP => s; rewrite addmxE scalemxE -mulmxA ![gradient _ s 0]mxE [(_ *m _) s 0]mxE -mulrDr -big_split.
congr (_ * _); apply: eq_bigr => k _ /=; rewrite slopes_mul !mxE /td_error !mxE.
by move: (r k) (v _ _) (v _ _) (h _ _) (h _ _) (_ - _) => *; ring.
Qed.

(** The table of second derivatives has an inverse where no other change than 0
    leaves all TD errors as they are. *)
Lemma second_derivatives_unit :
  (forall h, slopes *m h = 0 -> h = 0) -> slopes^T *m slopes \in unitmx.
Proof.
move=> only; apply/negPn/negP => /singular_kernel[h h0 Hh]; case/eqP: h0; apply: only.
have: \sum_k (slopes *m h) k 0 * (slopes *m h) k 0 = 0.
  have : (h^T *m (slopes^T *m slopes *m h)) 0 0 = 0 by rewrite Hh mulmx0 mxE.
  rewrite -mulmxA mulmxA -trmx_mul mxE => sumE; rewrite -[RHS]sumE.
  by apply: eq_bigr => k _; rewrite [_^T _ _]mxE.
move=> sum0; apply/colP => k; rewrite [RHS]mxE; apply/eqP; rewrite -sqrf_eq0 expr2; apply/eqP.
by apply: (psumr_eq0P (P := xpredT) (F := fun k => (slopes *m h) k 0 * (slopes *m h) k 0)) => // i _; rewrite -expr2 sqr_ge0.
Qed.

(** There is exactly one least point where only 0 leaves all TD errors as they are. *)
Lemma one_least_point :
  (forall h, slopes *m h = 0 -> h = 0) ->
  exists vs, forall v, least_point v <-> v = vs.
Proof.
move=> /second_derivatives_unit inv; set H := slopes^T *m slopes in inv.
exists (- (2%:R^-1 *: (invmx H *m gradient 0))) => v; rewrite least_iff_no_gradient -[v]add0r gradientD -/H add0r.
have two0 : 2%:R != 0 :> R by rewrite pnatr_eq0.
split=> [|->].
  move=> /eqP; rewrite addrC addr_eq0 => /eqP none.
  by rewrite -scalerN -mulmxN -none -scalemxAr scalerA mulVf // scale1r mulKmx.
by rewrite mulmxN -scalemxAr scalerN scalerA divff // scale1r mulKVmx // subrr.
Qed.

(** If there is one least point, and alpha <> 0, a layer keeps it alone exactly if
    the table of the weights has an inverse. *)
Theorem least_point_alone_iff_invertible alpha vs :
  (forall s, both_normaliser n E S s != 0) -> alpha != 0 ->
  (forall v, least_point v <-> v = vs) ->
  (forall v, update alpha v = v <-> v = vs) <-> table E \in unitmx.
Proof.
move=> Z_neq0 alpha0 one; split=> [alone|inv v]; last first.
  by rewrite -one; apply: kept_is_least_point.
have none : gradient vs = 0 by apply/least_iff_no_gradient/one.
have gradE h : gradient (vs + h) = 2%:R *: (slopes^T *m slopes *m h) by rewrite gradientD none add0r.
have inv : slopes^T *m slopes \in unitmx.
  apply: second_derivatives_unit => h Bh; apply: (@addrI _ vs); rewrite addr0; apply/one.
  by apply/least_iff_no_gradient; rewrite gradE -mulmxA Bh mulmx0 scaler0.
apply/(only_0_iff_unit _ inv) => h Th; apply: (@addrI _ vs); rewrite addr0; apply/alone/(kept_iff _ _ Z_neq0 _ alpha0).
by rewrite gradE -scalemxAr Th scaler0.
Qed.

End OneLeastPoint.

(** When there is one: every state is visited. *)
Section Visits.
Variables (R : realFieldType) (N n : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Implicit Types (v vs h : 'cV[R]_N).
Notation least_point := (least_point n S r gamma).
Hypothesis visited : forall s, exists j : 'I_n.+1, S j = s.

(** A change that leaves all TD errors as they are shrinks by gamma along the context. *)
Lemma kept_errors h (i m : nat) :
  slopes n S gamma *m h = 0 -> (i + m <= n)%N -> h (S i) 0 = gamma ^+ m * h (S (i + m)%N) 0.
Proof.
move=> Bh; elim: m => [|m IH] le_n; first by rewrite addn0 mul1r.
have lt_n : (i + m < n)%N by rewrite -addnS.
rewrite (IH (ltnW lt_n)).
have := slopes_mul S gamma h (Ordinal lt_n); rewrite Bh mxE /= => /esym/eqP.
by rewrite subr_eq0 => /eqP <-; rewrite mulrA -exprSr addnS.
Qed.

(** For 0 < |gamma| < 1 there is exactly one least point
    if some state occurs twice. *)
Theorem one_least_point_if_a_state_recurs (i j : nat) :
  0 < `|gamma| -> `|gamma| < 1 -> (i < j)%N -> (j <= n)%N -> S i = S j ->
  exists vs, forall v, least_point v <-> v = vs.
Proof.
rewrite normr_gt0 => gamma0 gamma_lt1 lt_ij le_jn same; apply: one_least_point => h Bh.
have last0 : h (S n) 0 = 0.
  have := kept_errors (i := i) (m := j - i) Bh; rewrite subnKC ?(ltnW lt_ij) // same => /(_ le_jn)/eqP.
  rewrite -subr_eq0 -{1}[h _ _]mul1r -mulrBl mulf_eq0 subr_eq0 => /orP[/eqP power|/eqP].
    have : `|gamma ^+ (j - i)| < 1 by rewrite normrX exprn_ilt1 // -lt0n subn_gt0.
    by rewrite -power normr1 ltxx.
  rewrite (kept_errors (i := j) (m := n - j) Bh) ?subnKC // => /eqP.
  by rewrite mulf_eq0 expf_eq0 (negbTE gamma0) andbF /= => /eqP.
apply/colP => s; rewrite [RHS]mxE; have [k <-] := visited s.
by rewrite (kept_errors (i := k) (m := n - k) Bh) subnKC -1?ltnS ?ltn_ord // last0 mulr0.
Qed.

(** For gamma = 0 there is exactly one if every state is left. *)
Theorem one_least_point_without_discount :
  gamma = 0 -> (forall s, source n S s) ->
  exists vs, forall v, least_point v <-> v = vs.
Proof.
move=> gamma0 covered; apply: one_least_point => h Bh; apply/colP => s; rewrite [RHS]mxE.
have [k <-] := source_left (covered s).
by rewrite (kept_errors (i := k) (m := 1) Bh) ?addn1 ?ltn_ord // gamma0 expr1 mul0r.
Qed.

(** If no state occurs twice, every value of S_n is that of a least point,
    without a TD error. *)
Theorem many_least_points (c : R) :
  (forall i j, (i <= n)%N -> (j <= n)%N -> S i = S j -> i = j) ->
  exists v, [/\ least_point v, squared_errors n S r gamma v = 0 & v (S n) 0 = c].
Proof.
move=> once.
have [value [last step]] : exists value : nat -> R, value n = c /\
    forall k, (k < n)%N -> value k = r k + gamma * value k.+1.
  exists (fun k => iteri (n - k) (fun i z => r (n - i.+1)%N + gamma * z) c); split; first by rewrite subnn.
  by move=> k lt_kn; rewrite -(subnSK lt_kn) /= subnSK // subKn // ltnW.
set v : 'cV[R]_N := \col_s \sum_(i < n.+1 | S i == s) value i.
have at_column k : (k <= n)%N -> v (S k) 0 = value k.
  move=> le_kn; rewrite mxE (bigD1 (Ordinal (le_kn : k < n.+1)%N)) //= big1 ?addr0 // => i /andP[/eqP Si ne].
  by case/eqP: ne; apply/val_inj/(once _ _ _ le_kn Si); rewrite -ltnS ltn_ord.
have none : squared_errors n S r gamma v = 0.
  apply: big1 => k _; have lt_kn := ltn_ord k.
  by rewrite /td_error (at_column _ lt_kn) (at_column _ (ltnW lt_kn)) (step _ lt_kn) subrr expr2 mulr0.
exists v; split=> //; last by rewrite at_column.
by move=> w; rewrite none; apply: sumr_ge0 => k _; apply: sqr_ge0.
Qed.

End Visits.

(** Two softmaxes, over the states left and over those reached, at the step alpha / 2
    are the same layer if S_0 = S_n. *)
Theorem two_softmaxes_are_one_if_closed (R : realFieldType) N n (E : 'I_N -> 'I_N -> R)
    (S : nat -> 'I_N) r (gamma alpha : R) (v : 'cV_N) :
  S 0%N = S n ->
  two_softmax_update n E S r gamma (alpha / 2%:R) v =
  residual_update n E S r gamma alpha v.
Proof.
move=> closed; apply/colP => s; rewrite residual_layer mxE; congr (_ + _).
have same : \sum_(i < n) E s (S i.+1) = \sum_(i < n) E s (S i).
  case: n closed => [|m] closed; first by rewrite !big_ord0.
  by rewrite big_ord_recr [RHS]big_ord_recl /= -closed addrC.
set Z := \sum_(i < n) E s (S i); have -> : both_normaliser n E S s = 2%:R * Z.
  by rewrite /both_normaliser big_split /= same -/Z; ring.
rewrite same -/Z -big_split /= invfM [alpha * (_ * _)]mulrA -[RHS]mulrA; congr (_ * _).
by rewrite mulr_sumr; apply: eq_bigr => k _; move: Z^-1 (td_error _ _ _ _ _) => *; ring.
Qed.
