(** rate-floor, coverage-needed: how fast layers can be,
    and what a state that no transition leaves does. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman contraction.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** A stochastic matrix keeps the constant vector. *)
Lemma stochastic_const (R : realFieldType) N (M : 'M[R]_N) :
  stochastic M -> M *m const_mx 1 = const_mx 1 :> 'cV_N.
Proof.
case=> _ sum1; apply/colP => s; rewrite !mxE -[RHS](sum1 s).
by apply: eq_bigr => u _; rewrite mxE mulr1.
Qed.

Section Coverage.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (gamma : R).
Implicit Type alpha : R.
Notation Mhat := (Mhat n E S).
Notation G := (G n E S gamma).
Notation Pe := (Pe R n S).
Notation one := (const_mx 1 : 'cV[R]_N).

(** Every layer multiplies the constant vector by 1 - alpha (1 - gamma),
    whatever the weights. *)
Theorem rate_floor alpha :
  (0 < n)%N ->
  (forall s u, 0 < E s u) ->
  G alpha *m one = (1 - alpha * (1 - gamma)) *: one.
Proof.
move=> n_gt0 E_gt0; rewrite mulmxDl mulmxBl mul1mx -!scalemxAl !stochastic_const; first last.
- by apply: Mhat_stochastic (sum_E_neq0 S E_gt0 n_gt0) _ => s u; apply: ltW.
- by apply: Phat_stochastic (sum_E_neq0 S E_gt0 n_gt0) _ => s u; apply: ltW.
by apply/colP => s; rewrite !mxE; ring.
Qed.

(** With every reward 1, the weighted rewards are 1. *)
Lemma bhat_one : (0 < n)%N -> (forall s u, 0 < E s u) -> bhat n E S (fun _ => 1) = one.
Proof.
move=> n_gt0 E_gt0; apply/colP => s; rewrite !mxE -[RHS](K_sum (E := E) (S := S) (sum_E_neq0 S E_gt0 n_gt0) s).
by apply: eq_bigr => k _; rewrite mulr1.
Qed.

(** That rate is attained in every context:
    all rewards 1 and all values 0 at first, after L layers. *)
Theorem rate_floor_attained alpha L :
  (0 < n)%N -> (forall s u, 0 < E s u) -> gamma != 1 ->
  weighted_td n S (fun _ => 1) gamma E (fun _ => alpha) 0 L
    - const_mx (1 / (1 - gamma)) =
  - (1 - alpha * (1 - gamma)) ^+ L *: const_mx (1 / (1 - gamma)).
Proof.
move=> n_gt0 E_gt0 gamma1; set c := const_mx _.
have cE : c = (1 / (1 - gamma)) *: one by rewrite scalemx_const mulr1.
suff -> : weighted_td n S (fun _ => 1) gamma E (fun _ => alpha) 0 L =
          ((1 - (1 - alpha * (1 - gamma)) ^+ L) / (1 - gamma)) *: one.
  by rewrite cE; apply/colP => s; rewrite !mxE; ring.
elim: L => [|L IH] /=; first by rewrite expr0 subrr mul0r scale0r.
rewrite update_is_operator IH -scalemxAr rate_floor // bhat_one //; apply/colP => s; rewrite !mxE exprS.
by field; rewrite subr_eq0 eq_sym.
Qed.

(** A state that is left makes for a transition. *)
Lemma source_n_gt0 s : source n S s -> (0 < n)%N.
Proof. by rewrite /source /visits; case: (n) => [|//]; rewrite big_ord0. Qed.

(** With positive weights, where each state is left, no entry of Mhat is 0. *)
Theorem Mhat_gt0 :
  (forall s u, 0 < E s u) -> (forall s, source n S s) ->
  forall s u, 0 < Mhat s u.
Proof.
move=> E_gt0 covered s u; rewrite Mhat_visits mulr_gt0 ?ltr0n ?divr_gt0 //; first exact: covered.
by rewrite lt_def (sum_E_neq0 S E_gt0 (source_n_gt0 (covered s))) sumr_ge0 // => k _; apply: ltW.
Qed.

(** If no transition leaves the state s, the whole column of s in Mhat is 0. *)
Lemma nonsource_column s u : ~~ source n S s -> Mhat u s = 0.
Proof. by move=> /nonsource_visits none; rewrite Mhat_visits none mul0r. Qed.

(** If no transition leaves the state s, its diagonal entry of Mhat is 0. *)
Theorem nonsource_diagonal s : ~~ source n S s -> Mhat s s = 0.
Proof. exact: nonsource_column. Qed.

(** If no transition leaves some state, Mhat has no inverse. *)
Theorem nonsource_singular s : ~~ source n S s -> Mhat \notin unitmx.
Proof.
move=> out; apply/negP => inv; have: Mhat *m delta_mx s (0 : 'I_1) = 0.
  by apply/colP => i; rewrite -colE !mxE; move: (nonsource_column i out); rewrite mxE.
move/(congr1 (mulmx (invmx Mhat))); rewrite mulKmx // mulmx0 => /colP/(_ s)/eqP.
by rewrite !mxE !eqxx oner_eq0.
Qed.

(** The layer's operator, with the empirical model in it. *)
Lemma G_Mhat alpha : G alpha = 1%:M - alpha *: (Mhat *m (1%:M - gamma *: Pe)).
Proof.
by rewrite /operator.G Phat_is_Mhat_Pe mulmxBr mulmx1 -scalemxAr scalerBr opprB scalerA addrA addrAC.
Qed.

(** If Mhat has no inverse, a vector u other than 0 is kept by the layer
    of every step size. *)
Lemma singular_keeps_an_eigenvector :
  Mhat \notin unitmx -> exists2 u : 'cV[R]_N, u != 0 & forall alpha, G alpha *m u = u.
Proof.
move=> sing; case: (@singular_kernel _ _ (Mhat *m (1%:M - gamma *: Pe))) => [|u u0 Mu].
  by rewrite unitmx_mul negb_and sing.
by exists u => // alpha; rewrite G_Mhat mulmxBl mul1mx -scalemxAl Mu scaler0 subr0.
Qed.

(** If no transition leaves some state, a vector u other than 0
    is kept by the layer of every step size. *)
Theorem nonsource_keeps_an_eigenvector s :
  ~~ source n S s -> exists2 u : 'cV[R]_N, u != 0 & forall alpha, G alpha *m u = u.
Proof. by move/nonsource_singular/singular_keeps_an_eigenvector. Qed.

(** If no transition leaves some state, no layer is a contraction. *)
Theorem nonsource_norm s alpha : ~~ source n S s -> 1 <= norm (G alpha).
Proof.
case/nonsource_keeps_an_eigenvector => u u0 /(_ alpha) Gu.
have u_gt0 : 0 < norm u by rewrite lt_neqAle norm_ge0 andbT eq_sym norm_eq0.
by rewrite -(ler_pmul2r u_gt0) mul1r -{1}Gu norm_mul.
Qed.

(** A positive margin asks for coverage: some transition leaves each state. *)
Theorem positive_margin_covers m :
  (forall s, m <= Mhat s s) -> 0 < margin m gamma -> forall s, source n S s.
Proof.
move=> m_le c_gt0 s; apply: contraTT c_gt0 => out; rewrite -leNgt.
have := m_le s; rewrite nonsource_diagonal // => m_le0.
rewrite /margin subr_le0 (le_trans _ (normr_ge0 _)) // subr_le0 (le_trans _ ler01) //.
by rewrite pmulr_rle0 // ltr0n.
Qed.

(** With weights E >= 0, a positive margin gives Mhat an inverse. *)
Theorem positive_margin_invertible m :
  (forall s u, 0 <= E s u) ->
  (forall s, m <= Mhat s s) -> 0 < margin m gamma ->
  Mhat \in unitmx.
Proof.
move=> E_ge0 m_le c_gt0.
have c0_gt0 : 0 < margin m 0 by apply: lt_le_trans c_gt0 _; rewrite /margin normr0 ler_add2l ler_opp2.
have := operator_norm_bound 0 E_ge0 m_le ler01 (lexx 1); rewrite mul1r => G_le.
have -> : Mhat = 1%:M - operator.G n E S 0 1.
  by rewrite /operator.G mulr0 scale0r addr0 scale1r opprB addrCA subrr addr0.
apply: (shrinks_unit (c := 1 - margin m 0)) => [u|]; last by rewrite ltr_subl_addr ltr_addl.
by apply: le_trans (norm_mul _ _) _; rewrite ler_wpmul2r ?norm_ge0.
Qed.

(** The margin is at most 1 - |gamma|: no bound from it undercuts the rate floor. *)
Theorem margin_at_most m :
  (forall s u, 0 <= E s u) ->
  (forall s, m <= Mhat s s) ->
  margin m gamma <= 1 - `|gamma|.
Proof.
move=> E_ge0 m_le; rewrite ler_add2r ler_subl_addr -mulr2n -[X in _ <= X]mulr1 ler_pmul2l ?ltr0n //.
exact: le_trans (m_le (S 0%N)) (Mhat_le1 _ _ E_ge0 _ _).
Qed.

End Coverage.
