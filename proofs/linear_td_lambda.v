(** linear-td-lambda: a triangle of powers between values and weights
    makes TD(lambda) of linear TD. *)
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import transformer entries transitions.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (n d : nat) (x : nat -> 'cV[R]_d).

(** The traces e_k = x_k + theta e_{k-1}, with e_{-1} = 0. *)
Fixpoint feature_trace (theta : R) (k : nat) : 'cV[R]_d :=
  x k + if k is k'.+1 then theta *: feature_trace theta k' else 0.

(** T: powers of theta from the diagonal down, and 0 in the row and the column
    of the query. *)
Definition trace_mask (theta : R) : 'M[R]_n.+1 :=
  \matrix_(k, i) if (i <= k < n)%N then theta ^+ (k - i) else 0.

End Definitions.

Section Lambda.
Variables (R : realFieldType) (n d : nat).
Variables (x x_next : nat -> 'cV[R]_d) (r : nat -> R).
Variables (query : 'cV[R]_d) (gamma theta : R).
Notation Z := (transition_prompt n x x_next r query gamma).
Notation td_along := (td_along n x x_next r gamma).

(** The trace is the sum of the features so far, each faded by its age. *)
Theorem trace_is_sum k :
  feature_trace x theta k = \sum_(i < k.+1) theta ^+ (k - i) *: x i.
Proof.
elim: k => [|k IH] /=; first by rewrite big_ord1 expr0 scale1r addr0.
rewrite big_ord_recr /= subnn expr0 scale1r addrC IH scaler_sumr; congr (_ + _).
by apply: eq_bigr => i _; rewrite scalerA -exprS subSn // -ltnS.
Qed.

(** With T it is linear TD(lambda), theta = gamma lambda:
    the errors move the weights along the traces. *)
Theorem transitions_are_linear_td_lambda alpha w0 L :
  scanned_transformer (@sources n) (trace_mask n theta) (td_scores R d)
    (fun l => last_row_values d (alpha l)) L (Z w0) =
  Z (td_along (feature_trace x theta) alpha w0 L).
Proof.
elim: L => [//|l IH] /=; rewrite IH; apply: layer_moves; first exact: td_scoresE.
set w := td_along _ _ _ _; set delta := transition_error x x_next r gamma w.
pose add k i := (if (i <= k)%N then (delta k * theta ^+ (k - i)) *: x i else 0).
transitivity (\sum_(i < n) \sum_(k < n) add k i).
  apply: eq_bigr => i _; rewrite before_col mxE scaler_suml big_ord_recr /= mxE.
  rewrite [trace_mask _ _ _ _]mxE ltnn andbF mulr0 scale0r addr0; apply: eq_bigr => k _.
  rewrite ![in LHS]mxE /= ltn_ord andbT /add; case: ifP => _; rewrite ?mulr0 ?scale0r //.
rewrite exchange_big; apply: eq_bigr => k _; rewrite trace_is_sum scaler_sumr.
rewrite (big_ord_widen n (fun i => delta k *: (theta ^+ (k - i) *: x i)) (ltn_ord k)) [RHS]big_mkcond.
by apply: eq_bigr => i _; rewrite /add ltnS; case: ifP => _; rewrite ?scalerA.
Qed.

(** With theta = 0 it is linear TD. *)
Theorem linear_td_lambda_at_zero alpha w0 l :
  td_along (feature_trace x 0) alpha w0 l = td_along x alpha w0 l.
Proof.
elim: l => [//|l /= ->]; congr (_ + _ *: _); apply: eq_bigr => k _; congr (_ *: _).
by case: (nat_of_ord k) => [|k'] /=; rewrite ?scale0r addr0.
Qed.

End Lambda.

(** T's row and column of the query are 0. *)
Theorem trace_mask_clears_query (R : realFieldType) n (theta : R) (k : 'I_n.+1) :
  trace_mask n theta ord_max k = 0 /\ trace_mask n theta k ord_max = 0.
Proof. by rewrite !mxE /= ltnn andbF leqNgt; case: ltnP. Qed.

(** So it needs no mask besides. *)
Theorem traces_need_no_mask (R : realFieldType) n m (theta : R) (A V : 'M[R]_m) Z :
  scanned_head xpredT (trace_mask n theta) A V Z =
  scanned_head (@sources n) (trace_mask n theta) A V Z.
Proof.
rewrite /scanned_head -!mulmxA; congr (_ *m (_ *m _)); apply/matrixP => i j; rewrite !mxE.
apply: eq_bigr => k _; rewrite [linear xpredT _ _ _]mxE [linear _ _ _ _ in RHS]mxE /=.
case: ifP => // hidden; suff -> : trace_mask n theta i k = 0 by rewrite !mul0r.
by rewrite mxE; case: ifP => // /andP[le_ki lt_in]; rewrite /sources (leq_ltn_trans le_ki) in hidden.
Qed.
