(** score-functions: in a context of two states the matrix A decides
    whether depth can reach v_CE. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman.
From icrl Require Import coverage counterexamples certainty_equivalence exponential.
From icrl Require Import fixed_point score_functions.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** A 2 x 2 matrix whose rows both sum to c has the eigenvalue c and one other. *)
Lemma other_eigenvalue (R : realFieldType) (M : 'M[R]_2) c :
  (forall s, M s 0 + M s 1 = c) ->
  \det (1%:M - M) = (1 - c) * (1 - (M 0 0 - M 1 0))
  /\ \det (M - (M 0 0 - M 1 0)%:M) = 0.
Proof.
move=> row; have m01 : M 0 1 = c - M 0 0 by rewrite -(row 0) addrAC subrr add0r.
have m11 : M 1 1 = c - M 1 0 by rewrite -(row 1) addrAC subrr add0r.
rewrite !det2E /det2 !(addmxE, oppmxE) m01 m11 ![_%:M _ _]mxE /= !mulr1n.
by move: (M 0 0) (M 1 0) => *; split; ring.
Qed.

Section TwoStates.
Variables (R : realFieldType) (exp : R -> R) (n d : nat).
Variables (S : nat -> 'I_2) (r : nat -> R) (x : 'I_2 -> 'cV[R]_d) (A : 'M[R]_d).
Variables (a b : 'I_2 -> R) (gamma alpha : R).
Hypothesis exp_exponential : exponential exp.
Hypothesis covered : forall s, source n S s.
Notation E := (fun s u => exp (biased_score x A a b s u)).
Notation Mhat := (Mhat n E S).
Notation G := (G n E S gamma alpha).
Notation Pe := (Pe R n S).
Notation v_CE := (v_CE n S r gamma).
Notation weighted_td := (weighted_td n S r gamma E (fun _ => alpha)).

(** The form of A at the difference of the features of the two states. *)
Notation q := (((x 0 - x 1)^T *m A *m (x 0 - x 1)) 0 0).

(** det Mhat = Mhat(0, 1) Mhat(1, 0) (e^q - 1), whatever the biases are. *)
Theorem two_state_determinant : \det Mhat = Mhat 0 1 * Mhat 1 0 * (exp q - 1).
Proof.
have crossed : E 0 0 * E 1 1 = E 0 1 * E 1 0 * exp q.
  rewrite -!(expD exp_exponential) score_form /biased_score; congr (exp _).
  by move: (score _ _ _ _) (score _ _ _ _) (score _ _ _ _) (score _ _ _ _) => *; ring.
rewrite det2E /det2 !Mhat_visits.
move: crossed; move: (E 0 0) (E 0 1) (E 1 0) (E 1 1) (exp q) => e00 e01 e10 e11 eq crossed.
move: (_%:R) (_%:R) (_^-1) (_^-1) => n1 n0 z1 z0.
have -> : n0 * (e00 * z0) * (n1 * (e11 * z1)) = e00 * e11 * (n0 * n1 * z0 * z1) by ring.
by rewrite crossed; ring.
Qed.

(** det(1 - G) = alpha^2 det Mhat det(1 - gamma Pe). *)
Theorem two_state_operator_determinant :
  \det (1%:M - G) = alpha ^+ 2 * \det Mhat * \det (1%:M - gamma *: Pe).
Proof. by rewrite G_Mhat opprB addrCA subrr addr0 detZ det_mulmx mulrA. Qed.

(** If q = 0, Mhat is singular, and v_CE is not the only fixed point. *)
Theorem two_states_singular :
  `|gamma| < 1 -> q = 0 ->
  Mhat \notin unitmx
  /\ ~ (forall v, td_update n S r gamma E alpha v = v -> v = v_CE).
Proof.
move=> gamma_lt1 q0; have sing : Mhat \notin unitmx.
  by rewrite unitmxE unitfE two_state_determinant q0 (exp0 exp_exponential) subrr mulr0 eqxx.
split=> // only; have [u u0 keeps] := singular_keeps_an_eigenvector gamma sing; case/eqP: u0.
apply: (addrI v_CE); rewrite addr0; apply: only.
by rewrite update_is_operator mulmxDr keeps addrAC -update_is_operator v_CE_fixed.
Qed.

(** It is 0 for every skew A. *)
Theorem skew_two_states_singular :
  `|gamma| < 1 -> A^T = - A ->
  Mhat \notin unitmx
  /\ ~ (forall v, td_update n S r gamma E alpha v = v -> v = v_CE).
Proof. by move=> gamma_lt1 /skew_form_is_0 skew; apply: two_states_singular. Qed.

(** The determinant of 1 - gamma Pe is positive. *)
Lemma det_bellman_gt0 : `|gamma| < 1 -> 0 < \det (1%:M - gamma *: Pe).
Proof.
move=> gamma_lt1; have row s : Pe s 0 + Pe s 1 = 1 by rewrite -sum2 Pe_row covered.
have p_ge0 s u : 0 <= Pe s u by exact: Pe_ge0.
have -> : \det (1%:M - gamma *: Pe) = (1 - gamma) * (1 - gamma * (Pe 0 0 - Pe 1 0)).
  have p01 : Pe 0 1 = 1 - Pe 0 0 by rewrite -(row 0) addrAC subrr add0r.
  have p11 : Pe 1 1 = 1 - Pe 1 0 by rewrite -(row 1) addrAC subrr add0r.
  rewrite det2E /det2 !(addmxE, oppmxE, scalemxE) p01 p11 ![1%:M _ _]mxE /= mulr1n.
  by move: (Pe 0 0) (Pe 1 0) => *; ring.
have le1 s : Pe s 0 <= 1 by rewrite -(row s) ler_addl.
have apart : `|Pe 0 0 - Pe 1 0| <= 1.
  rewrite ler_norml ler_subl_addr (le_trans (le1 0)) ?ler_addl // andbT.
  by rewrite ler_oppl opprB ler_subl_addr (le_trans (le1 1)) ?ler_addl.
rewrite mulr_gt0 ?subr_gt0 //; first exact: le_lt_trans (ler_norm _) gamma_lt1.
by rewrite (le_lt_trans (ler_norm _)) // normrM (le_lt_trans _ gamma_lt1) // ler_pimulr.
Qed.

(** For A = -1 and distinct features it is negative. *)
Theorem opposite_form_lt0 : A = - 1%:M -> x 0 != x 1 -> q < 0.
Proof.
move=> ->; rewrite -subr_eq0 mulmxN mulmx1 mulNmx oppmxE oppr_lt0; move: (_ - _) => y y0.
rewrite mxE lt_neqAle eq_sym sumr_ge0 ?andbT => [|i _]; last by rewrite mxE -expr2 sqr_ge0.
apply: contraNneq y0; move=> /psumr_eq0P none; apply/eqP/colP => i; rewrite [RHS]mxE; apply/eqP.
by rewrite -sqrf_eq0 expr2; have := none _ i isT; rewrite mxE => -> // k _; rewrite mxE -expr2 sqr_ge0.
Qed.

(** If q < 0: an eigenvalue lambda of G is
    above 1, and along its left eigenvector w the distance to v_CE grows by lambda
    in each layer. *)
Theorem two_states_diverge :
  `|gamma| < 1 -> 0 < alpha -> q < 0 ->
  exists2 lambda, 1 < lambda & exists2 w : 'rV[R]_2, w != 0 &
  forall v0 L, w *m (weighted_td v0 L - v_CE) = lambda ^+ L *: (w *m (v0 - v_CE)).
Proof.
move=> gamma_lt1 alpha_gt0 q_lt0; pose lambda := G 0 0 - G 1 0.
have E_gt0 s u : 0 < E s u by exact: exp_gt0.
have n_gt0 := source_n_gt0 (covered 0).
have row s : G s 0 + G s 1 = 1 - alpha * (1 - gamma).
  have /colP/(_ s) := rate_floor S gamma alpha n_gt0 E_gt0.
  by rewrite scalemxE !mxE sum2 !mxE !mulr1.
have [split /eqP/det0P[w w0 wG]] := other_eigenvalue row.
have lambda_gt1 : 1 < lambda.
  have : \det (1%:M - G) < 0.
    rewrite two_state_operator_determinant pmulr_llt0 ?det_bellman_gt0 // pmulr_rlt0 ?exprn_gt0 //.
    rewrite two_state_determinant pmulr_rlt0 ?mulr_gt0 ?Mhat_gt0 // subr_lt0.
    by rewrite -(exp0 exp_exponential); apply: exp_lt.
  rewrite split (_ : 1 - (1 - _) = alpha * (1 - gamma)); last by ring.
  rewrite pmulr_rlt0 ?subr_lt0 // mulr_gt0 // subr_gt0.
  exact: le_lt_trans (ler_norm _) gamma_lt1.
exists lambda => //; exists w => // v0 L; have {}wG : w *m G = lambda *: w.
  by apply/eqP; rewrite -subr_eq0 -mul_mx_scalar -mulmxBr wG.
rewrite (error_is_power_of_G v0 L (_ : v_CE = G *m v_CE + alpha *: bhat n E S r)); last first.
  by rewrite -update_is_operator v_CE_fixed.
elim: L => [|L IH]; first by rewrite expr0 scale1r.
by rewrite iterS mulmxA wG -scalemxAl IH scalerA exprS.
Qed.

End TwoStates.
