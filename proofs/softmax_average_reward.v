(** softmax-average-reward: with a second head, which subtracts the mean reward,
    softmax attention is average-reward TD; its values are those of Poisson's equation,
    a drift, and a power of G. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman coverage.
From icrl Require Import certainty_equivalence.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R).

(** The mean of the n rewards. *)
Definition mean_reward : R := (\sum_(k < n) r k) / n%:R.

(** One layer: gamma is 1, and the mean reward is subtracted. *)
Definition average_update (alpha : R) (v : 'cV[R]_N) : 'cV[R]_N :=
  \col_s (v s 0 + alpha * \sum_(k < n)
    K n S E k s * (r k - mean_reward + v (S k.+1) 0 - v (S k) 0)).

(** Poisson's equation of the context: h = rhat - pi rhat + Pe h. *)
Definition solves_poisson (pi : 'rV[R]_N) (h : 'cV[R]_N) :=
  h = rhat n S r - const_mx ((pi *m rhat n S r) 0 0) + Pe R n S *m h.

End Definitions.

Section Construction.
Variables (R : realFieldType) (exp : R -> R) (n d : nat) (A : 'M[R]_d) (alpha : R).

(** V of the second head: it reads the rewards, times -alpha. *)
Definition mean_values : 'M[R]_(d + 3) :=
  - alpha *: delta_mx (value_row d) (reward_row d).

(** Softmax TD with gamma = 1, and beside its head one whose scores are all 0. *)
Definition average_reward_layer (Z : 'M[R]_(d + 3, n.+1)) :=
  let weights := softmax exp (@sources n) in
  target_memory (shift R n) 1
    (attention weights (score_matrix A) (value_matrix d alpha) Z
     + mean_values *m Z *m weights (Z^T *m 0 *m Z)).

End Construction.

Section Layer.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d).
Notation prompt := (prompt n S r x 1).
Notation E := (fun s u => exp (score x A s u)).

(** With weights that sum to 1, a number less in each error is as much less
    in their mean. *)
Lemma less_a_number (w f : 'I_n -> R) c :
  \sum_k w k = 1 -> \sum_k w k * (f k - c) = \sum_k w k * f k - c.
Proof.
move=> sum1; rewrite -[X in _ - X]mul1r -sum1 mulr_suml -sumrB.
by apply: eq_bigr => k _; rewrite mulrBr.
Qed.

(** What the second head reads is the mean reward. *)
Lemma mean_head v (G : 'M[R]_n.+1) j :
  G = 0 -> exp 0 != 0 -> \sum_k prompt v (reward_row d) k * softmax exp (@sources n) G k j = mean_reward n r.
Proof.
move=> -> exp0; rewrite big_ord_recr [softmax _ _ _ ord_max j]mxE /= {2}/sources ltnn mulr0 addr0.
rewrite /mean_reward mulr_suml; apply: eq_bigr => k _.
rewrite prompt_reward [softmax _ _ _ _ _]mxE /sources /= ltn_ord sum_sources; congr (_ * _).
under eq_bigr => i _ do rewrite mxE.
by rewrite mxE sumr_const card_ord -(mulr_natr (exp 0)) invfM mulrA divff ?mul1r.
Qed.

(** L layers of two heads are L updates of average-reward TD. *)
Theorem transformer_is_average_reward_td alpha v0 L :
  (0 < n)%N -> (forall t, 0 < exp t) ->
  iter L (average_reward_layer exp A alpha) (prompt v0) =
  prompt (iter L (average_update n E S r alpha) v0).
Proof.
move=> n_gt0 exp_gt0; elim: L => [//|L /= ->]; move: (iter L _ v0) => v; set v' := average_update _ _ _ _ _ _.
have one_head := transformer_is_softmax_td exp n S r x A 1 (fun _ => alpha) v 1.
rewrite /average_reward_layer; set Y := attention _ _ _ (prompt v) + _.
have YE i j : Y i j = attention (softmax exp (@sources n)) (score_matrix A) (value_matrix d alpha) (prompt v) i j
    - (i == value_row d)%:R * (alpha * mean_reward n r).
  rewrite addmxE; congr (_ + _); rewrite -mulmxA /mean_values -scalemxAl scalemxE delta_mxE mxE mean_head ?mulmx0 ?mul0mx //.
    by move: (_%:R) (mean_reward n r) => *; ring.
  by rewrite gt_eqF.
have value j : Y (value_row d) j = v' (S j) 0.
  rewrite YE eqxx mul1r; have /matrixP/(_ (value_row d) j) := one_head.
  rewrite [LHS]target_memoryE row_neq prompt_value => ->; rewrite !mxE.
  have sum1 : \sum_(k < n) K n S E k (S j) = 1.
    have E_gt0 s u : 0 < E s u by apply: exp_gt0.
    exact: (K_sum (sum_E_neq0 S E_gt0 n_gt0)).
  rewrite -addrA -mulrBr; congr (_ + _ * _); rewrite -(less_a_number _ _ sum1); apply: eq_bigr => k _.
  by rewrite /td_error; congr (_ * _); rewrite mul1r; move: (r k) (v _ _) (v _ _) (mean_reward n r) => *; ring.
apply/matrixP => i j; rewrite target_memoryE; elim/row_case: i => [i|||]; rewrite ?eqxx ?row_neq ?value ?prompt_value //.
- by rewrite YE attentionE !eq_lrshift !mul0r subr0 addr0 !prompt_features.
- by rewrite YE attentionE row_neq !mul0r subr0 addr0 !prompt_reward.
- by rewrite shiftE prompt_target; case: ltnP => // lt_jn; rewrite ?mulr0 // value inordK.
Qed.

End Layer.

Section Drift.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R).
Implicit Types (v h : 'cV[R]_N) (pi : 'rV[R]_N) (alpha : R).
Notation update := (average_update n E S r).
Notation Mhat := (Mhat n E S).
Notation Pe := (Pe R n S).
Notation rhat := (rhat n S r).
Notation G := (G n E S 1).
Notation mean_reward := (mean_reward n r).

(** One layer is G v + alpha Mhat (rhat - mean reward). *)
Theorem average_layer_is_operator alpha v :
  update alpha v = G alpha *m v + alpha *: (Mhat *m (rhat - const_mx mean_reward)).
Proof.
transitivity (td_update n S (fun k => r k - mean_reward) 1 E alpha v).
  apply/colP => s; rewrite !mxE; congr (_ + _ * _); apply: eq_bigr => k _.
  by rewrite /td_error mul1r.
rewrite update_is_operator; congr (_ + _ *: _); rewrite mulmxBr -bhat_is_Mhat_rhat.
apply/colP => s; rewrite addmxE oppmxE ![_ s 0]mxE; under [X in _ - X]eq_bigr => u _ do rewrite [const_mx _ _ _]mxE.
by rewrite -mulr_suml Mhat_sum mulr_suml -sumrB; apply: eq_bigr => k _; rewrite mulrBr.
Qed.

(** G keeps constants. *)
Theorem average_G_keeps_constants alpha c :
  G alpha *m const_mx c = const_mx c :> 'cV_N.
Proof.
have same : Phat n E S *m const_mx c = Mhat *m const_mx c :> 'cV_N.
  by apply/colP => s; rewrite Mhat_mul Phat_mul; apply: eq_bigr => k _; rewrite !mxE.
by rewrite /operator.G !mulmxDl mulNmx mul1mx -!scalemxAl mulr1 same subrK.
Qed.

(** Weighed by the visits n_s, the mean rewards add up to the rewards; and in a closed
    context as often as a state is left it is reached. *)
Lemma visits_rewards : (\row_s (visits n S s)%:R *m rhat) 0 0 = \sum_(k < n) r k.
Proof.
rewrite mxE [RHS](sum_by_state (fun k : 'I_n => S k)); apply: eq_bigr => s _; rewrite !mxE.
have [none|some] := eqVneq (visits n S s) 0%N; last by rewrite mulrC divfK ?pnatr_eq0.
rewrite none mul0r big1 // => k /eqP ks; move/eqP: none.
by rewrite sum_nat_eq0 => /forall_inP/(_ k isT); rewrite ks eqxx.
Qed.

Lemma visits_stationary :
  S 0%N = S n -> \row_s (visits n S s)%:R *m Pe = \row_s (visits n S s)%:R.
Proof.
move=> closed; apply/rowP => u; rewrite !mxE.
transitivity (\sum_(k < n) (S k.+1 == u)%:R : R).
  rewrite [RHS](sum_by_state (fun k : 'I_n => S k)); apply: eq_bigr => s _; rewrite !mxE.
  have [none|some] := eqVneq (visits n S s) 0%N; last by rewrite mulrC divfK ?pnatr_eq0.
  rewrite none mul0r big1 // => k /eqP ks; move/eqP: none.
  by rewrite sum_nat_eq0 => /forall_inP/(_ k isT); rewrite ks eqxx.
rewrite /visits natr_sum; case: n closed => [|m] closed; first by rewrite !big_ord0.
by rewrite big_ord_recr [RHS]big_ord_recl addrC closed; congr (_ + _); apply: eq_bigr.
Qed.

Section Positive.
Hypotheses (E_gt0 : forall s u, 0 < E s u) (n_gt0 : (0 < n)%N).

(** From any solution h of Poisson's equation on, a layer adds the drift,
    and G applies to the distance. *)
Lemma layer_drifts alpha pi h c v :
  solves_poisson n S r pi h ->
  update alpha (h + const_mx c + v) =
  h + const_mx (c + alpha * ((pi *m rhat) 0 0 - mean_reward)) + G alpha *m v.
Proof.
rewrite average_layer_is_operator /solves_poisson; move: rhat (softmax_average_reward.mean_reward n r) => b m hE.
move: ((pi *m b) 0 0) hE => g hE.
have Mconst a : Mhat *m const_mx a = const_mx a :> 'cV_N.
  have -> : const_mx a = a *: const_mx 1 :> 'cV[R]_N by rewrite scalemx_const mulr1.
  rewrite -scalemxAr stochastic_const //.
  by apply: (Mhat_stochastic (sum_E_neq0 S E_gt0 n_gt0)) => s u; exact: ltW.
have Mh : Mhat *m h = Mhat *m b - const_mx g + Mhat *m (Pe *m h).
  by rewrite {1}hE mulmxDr mulmxBr Mconst.
have Gh : G alpha *m h = h - alpha *: (Mhat *m b) + const_mx (alpha * g).
  rewrite /operator.G Phat_is_Mhat_Pe !mulmxDl mulNmx mul1mx -!scalemxAl mulr1 -mulmxA Mh.
  apply/colP => s; rewrite !(addmxE, oppmxE, scalemxE) ![const_mx _ _ _]mxE.
  by move: (h s 0) ((Mhat *m b) s 0) ((Mhat *m (Pe *m h)) s 0) => *; ring.
rewrite mulmxBr Mconst !mulmxDr Gh average_G_keeps_constants.
apply/colP => s; rewrite !(addmxE, oppmxE, scalemxE) ![const_mx _ _ _]mxE.
by move: (h s 0) ((Mhat *m b) s 0) ((G alpha *m v) s 0) => *; ring.
Qed.

(** So after l layers the values are h, l times the drift, and G^l (v_0 - h). *)
Theorem average_reward_values alpha pi h v0 l :
  solves_poisson n S r pi h ->
  iter l (update alpha) v0 =
  h + const_mx (l%:R * (alpha * ((pi *m rhat) 0 0 - mean_reward)))
    + iter l (mulmx (G alpha)) (v0 - h).
Proof.
move=> hE; elim: l => [|l IH].
  have -> : const_mx (0%:R * _) = 0 :> 'cV[R]_N by move=> a; apply/colP => s; rewrite !mxE mul0r.
  by rewrite addr0 addrC subrK.
have next : l.+1%:R = l%:R + 1 :> R by rewrite -addn1 natrD.
by rewrite [LHS]iterS IH (layer_drifts _ _ _ hE) next mulrDl mul1r.
Qed.

End Positive.
End Drift.
