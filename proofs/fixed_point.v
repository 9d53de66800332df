(** fixed-point: averaged over the states, a layer keeps the value of the process,
    and nothing else exactly if the table of weights has an inverse. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman.
From icrl Require Import exponential.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** The table of the weights E s u. *)
Definition table (R : realFieldType) N (E : 'I_N -> 'I_N -> R) : 'M[R]_N :=
  \matrix_(s, u) E s u.

Section Definitions.
Variables (R : realFieldType) (N : nat) (E : 'I_N -> 'I_N -> R) (mu : 'I_N -> R).
Variables (P : 'M[R]_N) (r : 'cV[R]_N) (gamma : R).

(** Z s, the sum that normalises the weights of the states at s. *)
Definition population_sum (s : 'I_N) : R := \sum_u mu u * E s u.

(** How much the state u counts at s. *)
Definition M_pi : 'M[R]_N := \matrix_(s, u) (mu u * E s u / population_sum s).

(** The average layer: weighted TD with the mean transition out of each state. *)
Definition population_update (alpha : R) (v : 'cV[R]_N) : 'cV[R]_N :=
  v + alpha *: (M_pi *m (r + gamma *: (P *m v) - v)).

End Definitions.

Section FixedPoint.
Variables (R : realFieldType) (N : nat) (E : 'I_N -> 'I_N -> R) (mu : 'I_N -> R).
Variables (P : 'M[R]_N) (r : 'cV[R]_N) (gamma alpha : R).
Implicit Type v : 'cV[R]_N.
Notation M_pi := (M_pi E mu).
Notation update := (population_update E mu P r gamma alpha).
Notation v_pi := (v_pi P r gamma).

(** What the average layer adds to any v: alpha M_pi (1 - gamma P) (v_pi - v). *)
Theorem population_update_adds v :
  1%:M - gamma *: P \in unitmx ->
  update v - v = alpha *: (M_pi *m ((1%:M - gamma *: P) *m (v_pi - v))).
Proof.
move=> inv; rewrite /population_update addrC addKr; congr (_ *: (_ *m _)).
by rewrite [RHS]mulmxBr mulKVmx // mulmxBl mul1mx -scalemxAl opprB addrA addrAC.
Qed.

(** So an update keeps v_pi, whatever the weights. *)
Theorem population_keeps_v_pi : 1%:M - gamma *: P \in unitmx -> update v_pi = v_pi.
Proof.
by move=> inv; apply/eqP; rewrite -subr_eq0 population_update_adds // subrr !mulmx0 scaler0.
Qed.

(** A diagonal matrix without a 0 on its diagonal has an inverse. *)
Lemma diag_unit (f : 'I_N -> R) :
  (forall s, f s != 0) -> diag_mx (\row_s f s) \in unitmx.
Proof.
by move=> f_neq0; rewrite unitmxE unitfE det_diag; apply/prodf_neq0 => s _; rewrite mxE.
Qed.

(** The table has an inverse exactly if M_pi has one. *)
Lemma M_pi_unit :
  (forall s, population_sum E mu s != 0) -> (forall u, mu u != 0) ->
  (M_pi \in unitmx) = (table E \in unitmx).
Proof.
move=> Z_neq0 mu_neq0.
have -> : M_pi = diag_mx (\row_s (population_sum E mu s)^-1) *m table E *m diag_mx (\row_u mu u).
  by apply/matrixP => s u; rewrite mul_mx_diag mul_diag_mx !mxE; ring.
by rewrite !unitmx_mul !diag_unit ?andbT // => s; rewrite invr_neq0.
Qed.

(** v_pi is the only fixed point exactly if M_pi has an inverse. *)
Lemma population_only_iff :
  1%:M - gamma *: P \in unitmx -> alpha != 0 ->
  (forall v, update v = v -> v = v_pi) <-> M_pi \in unitmx.
Proof.
move=> inv alpha0; rewrite -(richardson_only_iff M_pi r inv alpha0).
by split=> only v; have := only v; rewrite /population_update (scalemxAl gamma).
Qed.

(** So it is exactly if the table of weights has an inverse:
    the weights mu of the states have no part in this. *)
Theorem population_fixed_point_iff_invertible :
  1%:M - gamma *: P \in unitmx -> alpha != 0 ->
  (forall s, population_sum E mu s != 0) -> (forall u, mu u != 0) ->
  (forall v, update v = v -> v = v_pi) <-> table E \in unitmx.
Proof. by move=> inv alpha0 Z_neq0 mu_neq0; rewrite -M_pi_unit //; apply: population_only_iff. Qed.

End FixedPoint.

(** When the table has an inverse. *)
Section Table.
Variables (R : realFieldType) (N d : nat) (x : 'I_N -> 'cV[R]_d).

(** A table with two equal rows has none. *)
Lemma equal_rows_singular (E : 'I_N -> 'I_N -> R) s u :
  s != u -> (forall w, E s w = E u w) -> table E \notin unitmx.
Proof.
move=> su same; rewrite unitmxE unitfE negbK; apply/eqP.
by apply: (determinant_alternate su) => w; rewrite !mxE.
Qed.

(** The table of a score of the features is singular where two states have
    the same features. *)
Theorem equal_features_are_singular (exp : R -> R) (A : 'M[R]_d) s u :
  s != u -> x s = x u -> table (fun s u => exp (score x A s u)) \notin unitmx.
Proof. by move=> su same; apply: (equal_rows_singular su) => w; rewrite /score same. Qed.

(** Distinct features are not enough for every score: with 1 + t^2 the features
    c and - c give two equal rows. *)
Theorem opposite_features_are_singular s u :
  s != u -> x s = - x u ->
  table (fun s u => 1 + score x 1%:M s u ^+ 2) \notin unitmx.
Proof.
by move=> su opposite; apply: (equal_rows_singular su) => w; rewrite /score opposite mulmxN mxE sqrrN.
Qed.

End Table.

(** The form of A at a difference of features, by the scores. *)
Lemma score_form (R : realFieldType) N d (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d) s u :
  ((x s - x u)^T *m A *m (x s - x u)) 0 0 =
  score x A s s + score x A u u - (score x A s u + score x A u s).
Proof.
have -> : (x s - x u)^T = (x s)^T - (x u)^T by apply/matrixP => i j; rewrite !mxE.
rewrite /score !mulmxBl !mulmxBr !(addmxE, oppmxE).
by move: (_ 0 0) (_ 0 0) (_ 0 0) (_ 0 0) => *; ring.
Qed.

(** With an exponential, and any matrix A: the table of two states is singular
    exactly if the difference of their features is taken to 0 by the form of A. *)
Theorem two_states_are_singular_iff (R : realFieldType) d (exp : R -> R)
    (x : 'I_2 -> 'cV[R]_d) (A : 'M[R]_d) :
  exponential exp ->
  table (fun s u => exp (score x A s u)) \notin unitmx <->
  ((x 0 - x 1)^T *m A *m (x 0 - x 1)) 0 0 = 0.
Proof.
move=> exp_exponential; rewrite score_form unit2E negbK /det2 !mxE -!expD // subr_eq0.
split=> [/eqP/(exp_inj exp_exponential)->|/subr0_eq->]; first by rewrite subrr.
exact: eqxx.
Qed.

(** The form y^T A y is 0 for every skew matrix A. *)
Theorem skew_form_is_0 (R : realFieldType) d (A : 'M[R]_d) (y : 'cV[R]_d) :
  A^T = - A -> (y^T *m A *m y) 0 0 = 0.
Proof.
move=> skew; set q := _ *m y; have opposite : q^T = - q.
  by rewrite /q !trmx_mul trmxK skew mulNmx mulmxN mulmxA.
have /eqP := congr1 (fun M : 'M_1 => M 0 0) opposite.
by rewrite mxE oppmxE -subr_eq0 opprK -mulr2n mulrn_eq0 => /eqP.
Qed.
