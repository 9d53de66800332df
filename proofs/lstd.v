(** lstd: linear TD is w + alpha (b - A w), and what it keeps are the solutions
    of A w = b; with a feature for each state that is v_CE alone. *)
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import transformer td entries softmax_td linear_td operator norm coverage.
From icrl Require Import certainty_equivalence.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R) (x : 'I_N -> 'cV[R]_d).

(** X, X^+ and R: the features of the states that the transitions leave and reach,
    a column for each transition, and the row of their rewards. *)
Definition X : 'M[R]_(d, n) := \matrix_(i, k) x (S k) i 0.
Definition X_next : 'M[R]_(d, n) := \matrix_(i, k) x (S k.+1) i 0.
Definition reward_vector : 'rV[R]_n := \row_k r k.

(** The sum over the transitions of x_k (x_k - gamma x_{k+1})^T,
    and that of R_{k+1} x_k. *)
Definition A_lstd : 'M[R]_d :=
  \sum_(k < n) x (S k) *m (x (S k) - gamma *: x (S k.+1))^T.
Definition b_lstd : 'cV[R]_d := \sum_(k < n) r k *: x (S k).

(** One update of linear TD. *)
Definition linear_update (alpha : R) (w : 'cV[R]_d) : 'cV[R]_d :=
  linear_td n S r gamma x (fun _ => alpha) w 1.

End Definitions.

Section LSTD.
Variables (R : realFieldType) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R) (x : 'I_N -> 'cV[R]_d).
Implicit Type w : 'cV[R]_d.
Notation A := (A_lstd n S gamma x).
Notation b := (b_lstd n S r x).
Notation X := (X n S x).
Notation X_next := (X_next n S x).

(** A is the product X (X - gamma X^+)^T. *)
Theorem A_is_product : A = X *m (X - gamma *: X_next)^T.
Proof.
apply/matrixP => i j; rewrite summxE mxE; apply: eq_bigr => k _.
by rewrite !mxE big_ord1 !mxE.
Qed.

(** b is the product of X and the rewards. *)
Theorem b_is_product : b = X *m (reward_vector n r)^T.
Proof.
by apply/colP => i; rewrite summxE mxE; apply: eq_bigr => k _; rewrite !mxE mulrC.
Qed.

(** One update of linear TD is w + alpha (b - A w). *)
Theorem linear_update_is alpha w :
  linear_update n S r gamma x alpha w = w + alpha *: (b - A *m w).
Proof.
congr (_ + _ *: _); rewrite mulmx_suml -sumrB; apply: eq_bigr => k _.
rewrite -mulmxA [(_)^T *m w]mx11_scalar mul_mx_scalar -scalerBl; congr (_ *: _).
rewrite /td_error -addrA; congr (_ + _); rewrite linearB linearZ /= mulmxBl -scalemxAl.
by rewrite addmxE oppmxE scalemxE opprB ![linear_value _ _ _ _]mxE.
Qed.

(** So for alpha <> 0 its fixed points are exactly the solutions of A w = b. *)
Theorem fixed_iff_solves alpha w :
  alpha != 0 -> linear_update n S r gamma x alpha w = w <-> A *m w = b.
Proof.
move=> alpha0; rewrite linear_update_is; split=> [|->]; last by rewrite subrr scaler0 addr0.
rewrite -[RHS]addr0 => /addrI/eqP; rewrite scaler_eq0 (negbTE alpha0) /= subr_eq0.
by move=> /eqP ->.
Qed.

End LSTD.

(** One-hot features: component s of x s is 1, and the others are 0. *)
Section OneHot.
Variables (R : realFieldType) (N n : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Notation one_hot := (fun s => delta_mx s 0 : 'cV[R]_N).
Notation A := (A_lstd n S gamma one_hot).
Notation b := (b_lstd n S r one_hot).
Notation counts := (diag_mx (\row_s (visits n S s)%:R) : 'M[R]_N).

(** A and b then hold the empirical model, each state by the number of its visits. *)
Lemma one_hot_A : A = counts *m (1%:M - gamma *: Pe R n S).
Proof.
apply/matrixP => s u; rewrite mul_diag_mx summxE !mxE mulrBr mulrCA visits_mean.
rewrite /visits natr_sum mulr_suml mulr_sumr [X in _ - X]big_mkcond -sumrB; apply: eq_bigr => k _.
rewrite mxE big_ord1 !mxE !andbT [u == S k]eq_sym [s == S k]eq_sym [u == S k.+1]eq_sym.
by case: (eqVneq (S k) s) => [->|_]; rewrite ?mul1r ?mul0r ?subr0 // if_same ?mulr0.
Qed.

Lemma one_hot_b : b = counts *m rhat n S r.
Proof.
apply/colP => s; rewrite mul_diag_mx summxE !mxE visits_mean [RHS]big_mkcond; apply: eq_bigr => k _.
by rewrite !mxE andbT eq_sym; case: eqP; rewrite ?mulr1 ?mulr0.
Qed.

(** If every state is a source and |gamma| < 1, A has an inverse,
    and A w = b has the only solution w = v_CE. *)
Theorem one_hot_solution :
  (forall s, source n S s) -> `|gamma| < 1 ->
  A \in unitmx /\ forall w, A *m w = b <-> w = v_CE n S r gamma.
Proof.
move=> covered gamma_lt1; have counted : counts \in unitmx.
  rewrite unitmxE det_diag unitfE; apply/prodf_neq0 => s _.
  by rewrite mxE pnatr_eq0 -lt0n; apply: covered.
have [inv _] := certainty_equivalent_value n S r gamma_lt1; rewrite one_hot_A one_hot_b unitmx_mul counted inv; split=> // w.
rewrite -mulmxA; split=> [/(can_inj (mulKmx counted)) wE|->]; last by rewrite /v_CE mulKVmx.
by rewrite /v_CE -wE mulKmx.
Qed.

End OneHot.
