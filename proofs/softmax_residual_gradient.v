(** softmax-residual-gradient: with two keys a transition, a layer is a gradient step
    for the squared TD errors, preconditioned by the weights. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm coverage fixed_point.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Notation td_error := (td_error S r gamma).

(** Two keys a transition: the states that it leaves (inl) and reaches (inr),
    through which attention reads delta_k and - gamma delta_k. *)
Definition key (q : 'I_n + 'I_n) : 'I_N :=
  match q with inl k => S k | inr k => S k.+1 end.
Definition reading (v : 'cV[R]_N) (q : 'I_n + 'I_n) : R :=
  match q with inl k => td_error v k | inr k => - gamma * td_error v k end.

(** One layer: one softmax over all 2n keys. *)
Definition residual_update (alpha : R) (v : 'cV[R]_N) : 'cV[R]_N :=
  \col_s (v s 0 + alpha *
    \sum_q (E s (key q) / \sum_p E s (key p)) * reading v q).

(** The normaliser, and the weights E s u over it. *)
Definition both_normaliser (s : 'I_N) : R :=
  \sum_(k < n) (E s (S k) + E s (S k.+1)).
Definition preconditioner : 'M[R]_N := \matrix_(s, u) (E s u / both_normaliser s).

(** The squared TD errors of the context, and a value function at which
    there is no less of them. *)
Definition squared_errors (v : 'cV[R]_N) : R := \sum_(k < n) td_error v k ^+ 2.
Definition least_point (v : 'cV[R]_N) :=
  forall w, squared_errors v <= squared_errors w.

(** Their gradient: the derivative at s. *)
Definition gradient (v : 'cV[R]_N) : 'cV[R]_N :=
  \col_s (2%:R * \sum_(k < n)
    (gamma * (S k.+1 == s)%:R - (S k == s)%:R) * td_error v k).

(** One layer with two softmaxes, over the states left and over those reached. *)
Definition two_softmax_update (alpha : R) (v : 'cV[R]_N) : 'cV[R]_N :=
  \col_s (v s 0 + alpha * (
    \sum_(k < n) (E s (S k) / \sum_(i < n) E s (S i)) * td_error v k +
    \sum_(k < n) (E s (S k.+1) / \sum_(i < n) E s (S i.+1)) * (- gamma * td_error v k))).

End Definitions.

Section Residual.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Implicit Types (v w h : 'cV[R]_N) (s u : 'I_N).
Notation td_error := (td_error S r gamma).
Notation update := (residual_update n E S r gamma).
Notation Z := (both_normaliser n E S).
Notation preconditioner := (preconditioner n E S).
Notation J := (squared_errors n S r gamma).
Notation gradient := (gradient n S r gamma).
Notation least_point := (least_point n S r gamma).

Lemma both_normaliserE s : \sum_p E s (@key N n S p) = Z s.
Proof. by rewrite big_sumType /= -big_split. Qed.

(** One layer adds alpha / Z(s) times the sum of
    (E(s, S_k) - gamma E(s, S_{k+1})) delta_k. *)
Theorem residual_layer alpha v s :
  update alpha v s 0 = v s 0 + alpha / Z s *
    \sum_(k < n) (E s (S k) - gamma * E s (S k.+1)) * td_error v k.
Proof.
rewrite mxE both_normaliserE big_sumType -big_split -mulrA /=; congr (_ + _ * _).
by rewrite mulr_sumr; apply: eq_bigr => k _; move: (Z s)^-1 (td_error v k) => *; ring.
Qed.

(** The gradient is the derivative: from v to v + h the squared errors change
    by its product with h, and a square. *)
Theorem gradient_is_derivative v h :
  J (v + h) = J v + \sum_s gradient v s 0 * h s 0 +
              \sum_(k < n) (gamma * h (S k.+1) 0 - h (S k) 0) ^+ 2.
Proof.
have -> : \sum_s gradient v s 0 * h s 0 =
    \sum_(k < n) 2%:R * (gamma * h (S k.+1) 0 - h (S k) 0) * td_error v k.
  have at_state := sum_delta (fun s => h s 0).
  under eq_bigr => s _ do rewrite mxE mulr_sumr mulr_suml.
  rewrite exchange_big; apply: eq_bigr => k _ /=; rewrite -(at_state (S k)) -(at_state (S k.+1)).
  rewrite !mulr_sumr -sumrB mulr_sumr mulr_suml; apply: eq_bigr => s _.
  by move: (_ == _)%:R (_ == _)%:R (h s 0) (td_error v k) => *; ring.
rewrite -!big_split; apply: eq_bigr => k _ /=; rewrite /td.td_error !mxE.
by move: (r k) (v _ _) (v _ _) (h _ _) (h _ _) => *; ring.
Qed.

(** One layer is a gradient step of size alpha / 2, preconditioned by E over Z. *)
Theorem layer_is_gradient_step alpha v :
  update alpha v = v - (alpha / 2%:R) *: (preconditioner *m gradient v).
Proof.
apply/colP => s; rewrite residual_layer addmxE oppmxE scalemxE [(_ *m _) s 0]mxE.
have -> : \sum_u preconditioner s u * gradient v u 0 =
    - (2%:R / Z s * \sum_(k < n) (E s (S k) - gamma * E s (S k.+1)) * td_error v k).
  have at_state := sum_delta (E s).
  under eq_bigr => u _ do rewrite !mxE !mulr_sumr.
  rewrite exchange_big mulr_sumr -sumrN; apply: eq_bigr => k _ /=.
  rewrite -(at_state (S k)) -(at_state (S k.+1)) !mulr_sumr -sumrB mulr_suml mulr_sumr -sumrN.
  apply: eq_bigr => u _; move: (_ == _)%:R (_ == _)%:R (E s u) (Z s)^-1 (td_error v k) => *; ring.
rewrite mulrN opprK; congr (_ + _); move: (\sum_(k < n) _) (Z s)^-1 => sum z.
by field.
Qed.

(** Where the gradient is 0 the squared errors are least, and only there. *)
Theorem least_iff_no_gradient v : least_point v <-> gradient v = 0.
Proof.
split=> [least|none w]; last first.
  rewrite -[w](subrK v) addrC gradient_is_derivative none -addrA ler_addl big1 ?add0r => [|s _]; last by rewrite mxE mul0r.
  by apply: sumr_ge0 => k _; apply: sqr_ge0.
set g := gradient v; set size := \sum_s g s 0 * g s 0.
have size_ge0 : 0 <= size by apply: sumr_ge0 => s _; rewrite -expr2 sqr_ge0.
suff size0 : size = 0.
  apply/colP => s; rewrite [RHS]mxE; apply/eqP; rewrite -sqrf_eq0 expr2; apply/eqP.
  by apply: (psumr_eq0P (P := xpredT) (F := fun u => g u 0 * g u 0)) => // u _; rewrite -expr2 sqr_ge0.
apply/le_anti; rewrite size_ge0 andbT leNgt; apply/negP => size_gt0.
set q := \sum_(k < n) (gamma * g (S k.+1) 0 - g (S k) 0) ^+ 2.
have q_ge0 : 0 <= q by apply: sumr_ge0 => k _; apply: sqr_ge0.
have sum_gt0 : 0 < q + size by rewrite ltr_paddl.
set t := - (size / (q + size)).
have := least (v + t *: g); rewrite gradient_is_derivative -addrA ler_addl.
have -> : \sum_s gradient v s 0 * (t *: g) s 0 = t * size.
  by rewrite mulr_sumr; apply: eq_bigr => s _; rewrite scalemxE mulrCA.
have -> : \sum_(k < n) (gamma * (t *: g) (S k.+1) 0 - (t *: g) (S k) 0) ^+ 2 = t ^+ 2 * q.
  rewrite mulr_sumr; apply: eq_bigr => k _; rewrite !scalemxE.
  by move: (g _ _) (g _ _) => *; ring.
rewrite -[X in X <= _]/(0 : R) (_ : _ + _ = - (size ^+ 3 / (q + size) ^+ 2)); last first.
  have identity (a b : R) : a + b != 0 -> - (b / (a + b)) * b + (- (b / (a + b))) ^+ 2 * a = - (b ^+ 3 / (a + b) ^+ 2).
    by move=> ab; field.
  by apply: identity; rewrite gt_eqF.
by rewrite oppr_ge0 leNgt divr_gt0 ?exprn_gt0.
Qed.

(** So every layer keeps every least point. *)
Theorem layer_keeps_least_points alpha v : least_point v -> update alpha v = v.
Proof. by move=> /least_iff_no_gradient none; rewrite layer_is_gradient_step none mulmx0 scaler0 subr0. Qed.

(** No state has the normaliser 0. *)
Hypothesis Z_neq0 : forall s, Z s != 0.

(** With alpha <> 0, what a layer keeps is what the table takes the gradient of to 0. *)
Lemma kept_iff alpha v : alpha != 0 -> update alpha v = v <-> table E *m gradient v = 0.
Proof.
move=> alpha0; rewrite layer_is_gradient_step.
have half0 : alpha / 2%:R != 0 by rewrite mulf_neq0 // invr_eq0 pnatr_eq0.
have entry s : (table E *m gradient v) s 0 = Z s * (preconditioner *m gradient v) s 0.
  rewrite !mxE mulr_sumr; apply: eq_bigr => u _.
  by rewrite [table E s u]mxE [preconditioner s u]mxE mulrA mulrCA divff ?mulr1.
split=> [/eqP|none].
  rewrite -subr_eq0 addrC addKr oppr_eq0 scaler_eq0 (negbTE half0) /= => /eqP none.
  by apply/colP => s; rewrite entry none !mxE mulr0.
rewrite (_ : preconditioner *m _ = 0) ?scaler0 ?subr0 //; apply/colP => s; rewrite [RHS]mxE.
by apply: (mulfI (Z_neq0 s)); rewrite -entry none mxE mulr0.
Qed.

(** Where the table has an inverse, a layer keeps nothing but least points. *)
Theorem kept_is_least_point alpha v :
  alpha != 0 -> table E \in unitmx -> update alpha v = v <-> least_point v.
Proof.
move=> alpha0 inv; rewrite least_iff_no_gradient kept_iff //.
by split=> [g0|->]; rewrite ?mulmx0 //; apply: (can_inj (mulKmx inv)); rewrite g0 mulmx0.
Qed.

End Residual.
