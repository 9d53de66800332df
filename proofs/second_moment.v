(** global-minimum: how far an empirical mean is off, in the mean of its square. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import operator bellman neu_bound paths visited.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** The variance of f over the successors of s. *)
Definition next_variance (R : realFieldType) N
    (P : 'M[R]_N) (f : 'cV[R]_N) (s : 'I_N) : R :=
  \sum_u P s u * (f u 0 - (P *m f) s 0) ^+ 2.

Section Expectation.
Variables (R : realFieldType) (N : nat) (P : 'M[R]_N).
Implicit Types (p q : 'I_N -> R) (s w : 'I_N).

(** Expectations, by the first state and what follows it. *)
Lemma expectation_front n p (F : n.+2.-tuple 'I_N -> R) :
  expectation p P F = \sum_w p w * expectation (P w) P (fun t => F [tuple of w :: t]).
Proof.
rewrite /expectation sum_paths; apply: eq_bigr => w _; rewrite mulr_sumr; apply: eq_bigr => t _.
rewrite mulrA; congr (_ * _); rewrite /path_weight big_ord_recl walk_cons //; congr (_ * (P _ _ * _)).
by apply: eq_bigr => k _; rewrite /= !walk_cons //; apply: ltnW.
Qed.

Lemma expectation_add n p (F F' : n.+1.-tuple 'I_N -> R) :
  expectation p P (fun t => F t + F' t) = expectation p P F + expectation p P F'.
Proof. by rewrite /expectation -big_split; apply: eq_bigr => t _; rewrite mulrDr. Qed.

Lemma expectation_scale n p c (F : n.+1.-tuple 'I_N -> R) :
  expectation p P (fun t => c * F t) = c * expectation p P F.
Proof. by rewrite /expectation mulr_sumr; apply: eq_bigr => t _; rewrite mulrCA. Qed.

Lemma eq_expectation n p (F F' : n.+1.-tuple 'I_N -> R) : F =1 F' -> expectation p P F = expectation p P F'.
Proof. by move=> same; apply: eq_bigr => t _; rewrite same. Qed.

(** A mixture of first distributions. *)
Lemma expectation_mixture n p q (F : n.+1.-tuple 'I_N -> R) :
  (forall u, \sum_w p w * P w u = q u) ->
  \sum_w p w * expectation (P w) P F = expectation q P F.
Proof.
move=> pP; under eq_bigr do rewrite mulr_sumr.
rewrite exchange_big; apply: eq_bigr => t _; rewrite /path_weight -pP !mulr_suml.
by apply: eq_bigr => w _; rewrite !mulrA.
Qed.

Hypothesis P_stochastic : stochastic P.

Lemma P_distribution s : distribution (P s).
Proof. by case: P_stochastic. Qed.

Lemma expectation_const n p c : distribution p -> expectation p P (fun _ : n.+1.-tuple 'I_N => c) = c.
Proof. by move=> p_distribution; rewrite /expectation -mulr_suml path_weights_sum_to_1 ?mul1r. Qed.

(** The expectation of what depends on S_0 alone. *)
Lemma expectation_first n p (h : 'I_N -> R) :
  expectation p P (fun t : n.+1.-tuple 'I_N => h (walk t 0)) = \sum_w p w * h w.
Proof.
case: n => [|n]; last first.
  by rewrite expectation_front; apply: eq_bigr => w _; congr (_ * _); exact: expectation_const (h w) (P_distribution w).
rewrite /expectation sum_paths; apply: eq_bigr => w _; rewrite (big_pred1 [tuple]) => [|t]; last first.
  by rewrite (tuple0 t) /= eqxx.
by rewrite /path_weight big_ord0 mulr1.
Qed.

Section Deviation.
Variables (f : 'cV[R]_N) (s : 'I_N).
Notation D n t := (deviation n (walk t) P f s).
Notation gap u := (f u 0 - (P *m f) s 0).

Lemma deviation_front n w (t : n.+1.-tuple 'I_N) :
  D n.+1 [tuple of w :: t] = (w == s)%:R * gap (walk t 0) + D n t.
Proof.
rewrite /deviation [LHS]big_mkcond [in RHS]big_mkcond big_ord_recl /= walk_cons //.
congr (_ + _); first by rewrite -[walk _ 0]/w; case: eqP; rewrite ?mul1r ?mul0r.
apply: eq_bigr => k _; rewrite !walk_cons //; exact: ltnW.
Qed.

Lemma gap_mean : \sum_u P s u * gap u = 0.
Proof.
have [_ P_sum1] := P_stochastic; under eq_bigr do rewrite mulrBr.
by rewrite sumrB -mulr_suml P_sum1 mul1r mxE subrr.
Qed.

(** Whatever S_0 is, the deviation is 0 in the mean. *)
Lemma deviation_mean n p (h : 'I_N -> R) :
  expectation p P (fun t : n.+1.-tuple 'I_N => h (walk t 0) * D n t) = 0.
Proof.
elim: n p h => [|n IH] p h.
  by rewrite /expectation big1 // => t _; rewrite /deviation big_ord0 !mulr0.
rewrite expectation_front big1 // => w _.
have D0 : expectation (P w) P (fun t : n.+1.-tuple 'I_N => D n t) = 0.
  by rewrite -[RHS](IH (P w) (fun _ => 1)); apply: eq_expectation => t; rewrite mul1r.
rewrite (eq_expectation _ (F' := fun t => h w * (w == s)%:R * gap (walk t 0) + h w * D n t)); last first.
  by move=> t; rewrite deviation_front mulrDr mulrA.
rewrite expectation_add !expectation_scale D0 (expectation_first _ _ (fun u => gap u)).
by case: eqP => [->|_]; rewrite ?gap_mean ?(mulr0, mul0r) ?addr0 ?mulr0.
Qed.

Lemma deviation_square n (mu : 'I_N -> R) :
  (forall u, \sum_w mu w * P w u = mu u) ->
  expectation mu P (fun t : n.+1.-tuple 'I_N => D n t ^+ 2) = n%:R * mu s * next_variance P f s.
Proof.
move=> muP; elim: n => [|n IH].
  by rewrite /expectation big1 ?mul0r // => t _; rewrite /deviation big_ord0 expr0n mulr0.
rewrite expectation_front.
rewrite (eq_bigr (fun w => mu w * ((w == s)%:R * next_variance P f s)
                           + mu w * expectation (P w) P (fun t : n.+1.-tuple 'I_N => D n t ^+ 2))).
  rewrite big_split /= (expectation_mixture _ muP) IH (bigD1 s) //= eqxx big1 => [|w /negbTE->]; last first.
    by rewrite mul0r mulr0.
  by rewrite addr0 mul1r (mulrS 1 n); ring.
move=> w _; rewrite -mulrDr; congr (_ * _).
rewrite (eq_expectation _ (F' := fun t => ((w == s)%:R * gap (walk t 0) ^+ 2
    + (w == s)%:R * 2%:R * (gap (walk t 0) * D n t)) + D n t ^+ 2)).
  rewrite !expectation_add !expectation_scale (expectation_first _ _ (fun u => gap u ^+ 2)).
  rewrite (deviation_mean _ _ (fun u => gap u)) mulr0 addr0.
  by congr (_ + _); case: eqP => [->|_]; rewrite ?mul0r.
by move=> t; rewrite deviation_front; case: eqP => _ /=; move: (gap _) (D n t) => *; ring.
Qed.

(** In a context of n transitions from a stationary distribution mu: the mean square
    of n_s times the error of the empirical mean of f at s. *)
Theorem square_of_the_empirical_error n (mu : 'I_N -> R) :
  (forall u, \sum_w mu w * P w u = mu u) ->
  expectation mu P (fun t : n.+1.-tuple 'I_N =>
    ((visits n (walk t) s)%:R * ((Pe R n (walk t) - P) *m f) s 0) ^+ 2) =
  n%:R * mu s * next_variance P f s.
Proof.
by move=> muP; rewrite -deviation_square //; apply: eq_expectation => t; rewrite deviation_is_gap.
Qed.

(** The variance of f at the next state is at most a quarter of the square of the span of f. *)
Theorem next_variance_at_most sigma :
  (forall u w, f u 0 - f w 0 <= sigma) -> next_variance P f s <= sigma ^+ 2 / 4%:R.
Proof.
move=> span_le; have [P_ge0 P_sum1] := P_stochastic.
pose low := [arg min_(u < s) f u 0]%O; pose c := f low 0 + sigma / 2%:R.
have near u : (f u 0 - c) ^+ 2 <= sigma ^+ 2 / 4%:R.
  have low_le : f low 0 <= f u 0 by rewrite /low; case: arg_minP => // i _; apply.
  have := span_le u low; rewrite ler_subl_addr => up.
  rewrite -subr_ge0 (_ : _ - _ = (f low 0 + sigma - f u 0) * (f u 0 - f low 0)); last by rewrite /c; field.
  by rewrite mulr_ge0 // subr_ge0 // addrC.
rewrite /next_variance; set mean := (P *m f) s 0.
apply: (@le_trans _ _ (\sum_u P s u * (f u 0 - c) ^+ 2)).
  rewrite -subr_ge0 (_ : _ - _ = (mean - c) ^+ 2) ?sqr_ge0 //.
  rewrite -sumrB (eq_bigr (fun u => 2%:R * (mean - c) * (P s u * f u 0) - (mean ^+ 2 - c ^+ 2) * P s u)).
    rewrite sumrB -!mulr_sumr P_sum1 -[\sum_u _](_ : mean = _); first by ring.
    by rewrite /mean mxE.
  by move=> u _; ring.
apply: (@le_trans _ _ (\sum_u P s u * (sigma ^+ 2 / 4%:R))); last by rewrite -mulr_suml P_sum1 mul1r.
by apply: ler_sum => u _; rewrite ler_wpmul2l.
Qed.

End Deviation.
End Expectation.
