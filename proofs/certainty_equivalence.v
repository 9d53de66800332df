(** certainty-equivalence: the layers' fixed point is the exact value
    of the context's empirical model. *)
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import transformer td entries softmax_td operator norm bellman contraction coverage.
From icrl Require Import counterexamples.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).

(** The Bellman equation of the context's empirical model. *)
Definition empirical_bellman (v : 'cV[R]_N) :=
  v = rhat n S r + gamma *: (Pe R n S *m v).

(** The certainty-equivalent value: the exact value of the empirical model,
    0 where no transition leaves. *)
Definition v_CE : 'cV[R]_N := invmx (1%:M - gamma *: Pe R n S) *m rhat n S r.

End Definitions.

(** What the context alone decides: nothing here knows of weights. *)
Section Context.
Variables (R : realFieldType) (N n : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Notation Pe := (Pe R n S).
Notation v_CE := (v_CE n S r gamma).

(** The rows of Pe sum to 1; those of the states that were never left, to 0. *)
Lemma Pe_row s : \sum_u Pe s u = (source n S s)%:R.
Proof.
under eq_bigr => u _ do rewrite mxE.
rewrite -mulr_suml exchange_big /= (eq_bigr (fun _ => 1)) => [|k _]; last first.
  by rewrite -[RHS](sum_delta (fun _ => 1) (S k.+1)); apply: eq_bigr => u _; rewrite mulr1.
rewrite sum_out mulr1 /source; case: posnP => [->|some]; first by rewrite mul0r.
by rewrite divff // pnatr_eq0 -lt0n.
Qed.

(** Pe has no negative entry, and norm at most 1. *)
Lemma Pe_ge0 s u : 0 <= Pe s u.
Proof. by rewrite mxE divr_ge0 ?ler0n // sumr_ge0 // => k _; rewrite ler0n. Qed.

Lemma Pe_norm : norm Pe <= 1.
Proof.
apply: norm_le => [|s]; first exact: ler01.
rewrite (eq_bigr (fun u => Pe s u)) => [|u _]; last exact/ger0_norm/Pe_ge0.
by rewrite Pe_row lern1 leq_b1.
Qed.

(** With |gamma| < 1 the empirical Bellman equation has exactly
    one solution, v_CE. *)
Theorem certainty_equivalent_value :
  `|gamma| < 1 ->
  1%:M - gamma *: Pe \in unitmx
  /\ forall v, empirical_bellman n S r gamma v <-> v = v_CE.
Proof. by split; [apply: discounted_unit Pe_norm _ | apply: only_solution Pe_norm _]. Qed.

(** The value v_CE is 0 at a state that no transition leaves. *)
Theorem v_CE_nonsource s :
  `|gamma| < 1 -> ~~ source n S s -> v_CE s 0 = 0.
Proof.
move=> /certainty_equivalent_value[_ only] /nonsource_visits none.
have [_ /(_ erefl)->] := only v_CE; rewrite addmxE scalemxE !mxE none invr0 mulr0 add0r.
by rewrite big1 ?mulr0 // => u _; rewrite mxE none invr0 mulr0 mul0r.
Qed.

End Context.

Section Fixed.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma alpha : R).
Implicit Type v : 'cV[R]_N.
Notation Mhat := (Mhat n E S).
Notation td_update := (td_update n S r gamma E alpha).
Notation bellman := (empirical_bellman n S r gamma).
Notation v_CE := (v_CE n S r gamma).

(** A solution of the empirical Bellman equation is a fixed point of the layer,
    whatever the weights. *)
Theorem bellman_is_fixed v : bellman v -> td_update v = v.
Proof. by move=> vE; rewrite richardson -vE subrr mulmx0 scaler0 addr0. Qed.

(** Where Mhat has an inverse, the layer's fixed points
    are the solutions of that equation and no others. *)
Theorem fixed_is_bellman v :
  alpha != 0 -> Mhat \in unitmx ->
  td_update v = v <-> bellman v.
Proof.
move=> alpha0 inv; split; last exact: bellman_is_fixed.
rewrite richardson -[RHS]addr0 => /addrI/eqP; rewrite scaler_eq0 (negbTE alpha0) /= => /eqP.
by rewrite -(mulmx0 _ Mhat) => /(can_inj (mulKmx inv))/subr0_eq.
Qed.

(** So v_CE is a fixed point of every layer,
    whatever the weights and the step size. *)
Lemma v_CE_fixed : `|gamma| < 1 -> td_update v_CE = v_CE.
Proof. by move=> /(certainty_equivalent_value n S r)[_ only]; apply/bellman_is_fixed/only. Qed.

(** v_CE is the layer's only fixed point exactly if Mhat has an inverse. *)
Theorem fixed_point_iff_invertible :
  `|gamma| < 1 -> alpha != 0 ->
  (forall v, td_update v = v -> v = v_CE) <-> Mhat \in unitmx.
Proof.
move=> gamma_lt1 alpha0; have [inv _] := certainty_equivalent_value n S r gamma_lt1.
rewrite -(richardson_only_iff Mhat (rhat n S r) inv alpha0).
by split=> only v; have := only v; rewrite richardson (scalemxAl gamma).
Qed.

End Fixed.

(** Where Mhat has an inverse, a fixed point under some weights
    is one under any others. *)
Theorem limit_does_not_see_the_weights (R : realFieldType) N n
    (E E' : 'I_N -> 'I_N -> R) S r gamma alpha alpha' (v : 'cV[R]_N) :
  alpha != 0 -> Mhat n E S \in unitmx ->
  td_update n S r gamma E alpha v = v -> td_update n S r gamma E' alpha' v = v.
Proof. by move=> alpha0 inv /(fixed_is_bellman _ _ _ alpha0 inv); apply: bellman_is_fixed. Qed.

(** What fixed_is_bellman asks for is needed. *)
Section Needed.
Variable R : realFieldType.

(** Without an inverse of Mhat: two states in turn, equal weights, rewards 1, -1.
    Some transition leaves each state, and every layer keeps the values 0, 0,
    but the empirical model's are 1, -1. *)
Theorem needs_invertible_Mhat :
  exists (N n : nat) (E : 'I_N -> 'I_N -> R) (S : nat -> 'I_N),
  exists (r : nat -> R) (gamma : R) (v : 'cV[R]_N),
  [/\ proper n E gamma, forall s, source n S s,
      forall alpha, td_update n S r gamma E alpha v = v
    & ~ empirical_bellman n S r gamma v].
Proof.
exists 2%N, 2%N, (fun _ _ => 1), turns, (fun k => if odd k then - 1 else 1), 0, 0.
split; first by split; rewrite ?lexx ?ltr01 // => *; rewrite ltr01.
- by case=> [[|[|//]] lt]; rewrite /source /visits !big_ord_recl big_ord0.
- move=> alpha; apply/colP => s; rewrite mxE !big_ord_recl big_ord0 /td_error /K /= !mxE.
  by rewrite !mulr0 !addr0 !subr0 mulr1 mulrN1 subrr mulr0 addr0.
rewrite /empirical_bellman scale0r addr0 => /colP/(_ 0)/eqP.
by rewrite !mxE big_mkcond /visits !big_ord_recl !big_ord0 /= !addr0 divr1 eq_sym oner_eq0.
Qed.

(** Without alpha <> 0: one state, reward 1, gamma = 0, and Mhat = 1.
    With alpha = 0 the layer keeps the value 0, but the empirical model's is 1. *)
Theorem needs_nonzero_alpha :
  exists (N n : nat) (E : 'I_N -> 'I_N -> R) (S : nat -> 'I_N),
  exists (r : nat -> R) (gamma : R) (v : 'cV[R]_N),
  [/\ proper n E gamma, Mhat n E S \in unitmx,
      td_update n S r gamma E 0 v = v
    & ~ empirical_bellman n S r gamma v].
Proof.
exists 1%N, 1%N, (fun _ _ => 1), stay, (fun _ => 1), 0, 0; split; first exact: proper_stay.
- rewrite (_ : Mhat _ _ _ = 1%:M) ?unitmx1 //.
  by apply/matrixP => s u; rewrite Mhat_stay mxE !ord1.
- by apply/colP => s; rewrite mxE mul0r addr0.
rewrite /empirical_bellman scale0r addr0 => /colP/(_ 0)/eqP.
by rewrite !mxE big_mkcond /visits !big_ord_recl !big_ord0 /= !addr0 divr1 eq_sym oner_eq0.
Qed.

End Needed.

Section Depth.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma alpha m : R).
Notation v_CE := (v_CE n S r gamma).
Notation weighted_td := (weighted_td n S r gamma E (fun _ => alpha)).

(** A positive margin bounds the discount: |gamma| < 1. *)
Theorem positive_margin_gamma :
  (forall s u, 0 <= E s u) ->
  (forall s, m <= Mhat n E S s s) -> 0 < margin m gamma ->
  `|gamma| < 1.
Proof.
by move=> E_ge0 m_le c_gt0; rewrite -subr_gt0 (lt_le_trans c_gt0) // (margin_at_most gamma E_ge0 m_le).
Qed.

(** v_CE leaves no residual. *)
Lemma residual_v_CE : `|gamma| < 1 -> residual n E S r gamma v_CE = 0.
Proof.
move=> gamma_lt1; apply: (@addrI _ v_CE); rewrite addr0 -[RHS](v_CE_fixed n E S r 1 gamma_lt1).
by rewrite td_update_residual scale1r.
Qed.

(** With a positive margin c, L updates take the values to v_CE
    at the rate 1 - alpha c, with no floor. *)
Theorem depth_reaches_v_CE v0 L :
  (forall s u, 0 <= E s u) -> (forall s, m <= Mhat n E S s s) ->
  0 <= alpha -> alpha <= 1 -> 0 < margin m gamma ->
  norm (weighted_td v0 L - v_CE) <=
  (1 - alpha * margin m gamma) ^+ L * norm (v0 - v_CE).
Proof.
move=> E_ge0 m_le alpha_ge0 alpha_le1 c_gt0.
have := contraction r E_ge0 m_le v0 v_CE L alpha_ge0 alpha_le1 c_gt0.
by rewrite residual_v_CE ?norm0 ?mul0r ?addr0 //; apply: positive_margin_gamma E_ge0 m_le c_gt0.
Qed.

End Depth.

Section Transformer.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d).
Variables (A : 'M[R]_d) (gamma alpha m : R).
Notation E := (fun s u => exp (score x A s u)).
Notation softmax := (softmax exp (@sources n)).
Notation prompt := (prompt n S r x gamma).
Notation v_CE := (v_CE n S r gamma).

(** The L-layer softmax transformer reaches v_CE at the same rate,
    in the value row of every column. *)
Theorem transformer_reaches_v_CE (v0 : 'cV[R]_N) L (j : 'I_n.+1) :
  (forall t, 0 <= exp t) -> (forall s, m <= Mhat n E S s s) ->
  0 <= alpha -> alpha <= 1 -> 0 < margin m gamma ->
  `|transformer (shift R n) softmax A gamma (fun _ => alpha) L (prompt v0)
      (value_row d) j - v_CE (S j) 0| <=
  (1 - alpha * margin m gamma) ^+ L * norm (v0 - v_CE).
Proof.
move=> exp_ge0 m_le alpha_ge0 alpha_le1 c_gt0; have E_ge0 s u : 0 <= E s u by [].
have := transformer_contraction r v0 v_CE L j exp_ge0 m_le alpha_ge0 alpha_le1 c_gt0.
by rewrite residual_v_CE ?norm0 ?mul0r ?addr0 //; apply: positive_margin_gamma E_ge0 m_le c_gt0.
Qed.

End Transformer.
