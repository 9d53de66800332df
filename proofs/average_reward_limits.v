(** softmax-average-reward: where depth leads, if differences of values have limits. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm coverage.
From icrl Require Import softmax_average_reward.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Limits.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (alpha : R).
Implicit Types (v h : 'cV[R]_N) (pi : 'rV[R]_N).
Notation G := (G n E S 1 alpha).
Notation rhat := (rhat n S r).
Notation solves_poisson := (solves_poisson n S r).
Notation values v0 l := (iter l (average_update n E S r alpha) v0).

(** Depth converges up to constants: the differences of values tend to limits
    that do not depend on v_0. *)
Definition differences_tend_to (limit : 'I_N -> 'I_N -> R) :=
  forall v0 e, 0 < e -> exists first, forall L, (first <= L)%N ->
    forall s u, `|values v0 L s 0 - values v0 L u 0 - limit s u| < e.

Hypotheses (E_gt0 : forall s u, 0 < E s u) (n_gt0 : (0 < n)%N).
Variable limit : 'I_N -> 'I_N -> R.
Hypothesis tends : differences_tend_to limit.

(** Two starts are told apart by a power of G. *)
Lemma starts_differ v w l : values v l - values w l = iter l (mulmx G) (v - w).
Proof.
by elim: l => [//|l IH] /=; rewrite -IH !average_layer_is_operator opprD addrACA subrr addr0 mulmxBr.
Qed.

(** Then every state is left. *)
Theorem limits_only_if_left s : source n S s.
Proof.
apply/negPn/negP => unleft.
have /det0P[y y0 yM] : \det (Mhat n E S) == 0.
  rewrite -[_ == 0]negbK -unitfE -unitmxE; apply/negP => inv.
  have : delta_mx s 0 = 0 :> 'cV[R]_N.
    apply: (can_inj (mulKmx inv)); rewrite mulmx0 -colE; apply/colP => u.
    by rewrite !mxE -[RHS](nonsource_column E u unleft) mxE.
  by move/colP/(_ s)/eqP; rewrite !mxE !eqxx oner_eq0.
have kept l v : y *m iter l (mulmx G) v = y *m v.
  elim: l v => [//|l IH] v; rewrite iterSr IH mulmxA; congr (_ *m _).
  by rewrite /operator.G Phat_is_Mhat_Pe mulmxDr mulmxBr mulmx1 -!scalemxAr mulmxA yM mul0mx !scaler0 subr0 addr0.
have sum0 : \sum_u y 0 u = 0.
  transitivity ((y *m (const_mx 1 : 'cV[R]_N)) 0 0).
    by rewrite mxE; apply: eq_bigr => u _; rewrite mxE mulr1.
  by rewrite -(stochastic_const (Mhat_stochastic (sum_E_neq0 S E_gt0 n_gt0) (fun s u => ltW (E_gt0 s u)))) mulmxA yM mul0mx mxE.
set size := \sum_u `|y 0 u|; set square := (y *m y^T) 0 0.
have squareE : square = \sum_u y 0 u ^+ 2 by rewrite /square mxE; apply: eq_bigr => u _; rewrite mxE.
have [u yu] : exists u, y 0 u != 0 by apply/rV0Pn.
have size_gt0 : 0 < size by rewrite /size (bigD1 u) //= ltr_paddr ?normr_gt0 ?sumr_ge0.
have square_gt0 : 0 < square.
  by rewrite squareE (bigD1 u) //= ltr_paddr ?exprn_even_gt0 ?sumr_ge0 // => w _; apply: sqr_ge0.
have e_gt0 : 0 < square / (2%:R * size) by rewrite divr_gt0 ?mulr_gt0 ?ltr0n.
have [k near] := tends y^T e_gt0; have [m near0] := tends 0 e_gt0.
set L := maxn k m; set D := iter L (mulmx G) y^T.
have DE : D = values y^T L - values 0 L by rewrite starts_differ subr0.
have close w : `|D w 0 - D s 0| < square / size.
  have := ltr_add (near L (leq_maxl _ _) w s) (near0 L (leq_maxr _ _) w s).
  have -> : square / (2%:R * size) + square / (2%:R * size) = square / size.
    by field; rewrite gt_eqF.
  apply: le_lt_trans; rewrite DE !(addmxE, oppmxE); apply: le_trans (ler_norm_sub _ _).
  by rewrite le_eqVlt; apply/orP; left; apply/eqP; congr `|_|; ring.
suff: square < square by rewrite ltxx.
have {1}-> : square = \sum_w y 0 w * (D w 0 - D s 0).
  under eq_bigr => w _ do rewrite mulrBr.
  by rewrite sumrB -mulr_suml sum0 mul0r subr0 /square -(kept L) mxE.
apply: le_lt_trans (ler_norm _) _; apply: le_lt_trans (ler_norm_sum _ _ _) _.
have size0 : size != 0 by rewrite gt_eqF.
rewrite [X in _ < X](_ : square = \sum_w square / size * `|y 0 w|); last by rewrite -mulr_sumr -/size divfK.
rewrite (bigD1 u) //= [X in _ < X](bigD1 u) //=.
rewrite ltr_le_add //.
  by rewrite normrM mulrC ltr_pmul2r ?normr_gt0 ?close.
by apply: ler_sum => w _; rewrite normrM mulrC ler_wpmul2r // ltW ?close.
Qed.

(** And the limits are the differences of any solution of Poisson's equation. *)
Theorem limits_are_poisson pi h s u :
  solves_poisson pi h -> limit s u = h s 0 - h u 0.
Proof.
move=> hE; apply/eqP; rewrite eq_sym -subr_eq0 -normr_eq0 eq_le normr_ge0 andbT leNgt.
apply/negP => far; have [first near] := tends h far; have := near first (leqnn _) s u.
have zero l : iter l (mulmx G) 0 = 0 :> 'cV[R]_N by elim: l => [//|l /= ->]; rewrite mulmx0.
rewrite (average_reward_values E_gt0 n_gt0 _ _ _ hE) subrr zero addr0 !addmxE ![const_mx _ _ _]mxE.
by rewrite opprD addrACA subrr addr0 ltxx.
Qed.

(** In the end a layer adds the drift to the value of every state. *)
Theorem layers_drift pi h v0 e :
  solves_poisson pi h -> 0 < e ->
  exists first, forall L, (first <= L)%N -> forall s,
    `|values v0 L.+1 s 0 - values v0 L s 0
      - alpha * ((pi *m rhat) 0 0 - mean_reward n r)| < e.
Proof.
move=> hE e_gt0; set drift := alpha * _.
have norm_gt0 : 0 < norm G + 1 by rewrite ltr_paddl ?norm_ge0 ?ltr01.
have [first near] := tends v0 (divr_gt0 e_gt0 norm_gt0); exists first => L /near {}near s.
set D := iter L (mulmx G) (v0 - h).
have valuesE l : values v0 l = h + const_mx (l%:R * drift) + iter l (mulmx G) (v0 - h).
  exact: average_reward_values.
have close u : `|D u 0 - D s 0| <= e / (norm G + 1).
  apply: ltW; have := near u s; rewrite (limits_are_poisson _ _ hE) valuesE !addmxE ![const_mx _ _ _]mxE.
  rewrite -[iter _ _ _]/D; move: (h u 0) (h s 0) (L%:R * drift) (D u 0) (D s 0) => a b c p q.
  by rewrite (_ : a + c + p - (b + c + q) - (a - b) = p - q) //; ring.
have row1 : \sum_u G s u = 1.
  transitivity ((G *m (const_mx 1 : 'cV[R]_N)) s 0); last by rewrite average_G_keeps_constants mxE.
  by rewrite mxE; apply: eq_bigr => u _; rewrite [const_mx _ _ _]mxE mulr1.
have -> : values v0 L.+1 s 0 - values v0 L s 0 - drift = \sum_u G s u * (D u 0 - D s 0).
  under [RHS]eq_bigr => u _ do rewrite mulrBr.
  rewrite sumrB -mulr_suml row1 mul1r !valuesE !addmxE ![const_mx _ _ _]mxE iterS -/D [(G *m D) s 0]mxE.
  have -> : L.+1%:R = L%:R + 1 :> R by rewrite -addn1 natrD.
  by move: (\sum_u _) (h s 0) (D s 0) => *; ring.
apply: le_lt_trans (ler_norm_sum _ _ _) _; apply: (@le_lt_trans _ _ (norm G * (e / (norm G + 1)))).
  apply: le_trans (_ : _ <= (\sum_u `|G s u|) * (e / (norm G + 1))) _.
    by rewrite mulr_suml; apply: ler_sum => u _; rewrite normrM ler_wpmul2l.
  by rewrite ler_wpmul2r ?le_norm // ltW // divr_gt0.
by rewrite mulrCA -[X in _ < X]mulr1 ltr_pmul2l // ltr_pdivr_mulr // mul1r ltr_addl ltr01.
Qed.

End Limits.

(** There are such contexts: two states in turn, each with the weight 3 for itself
    and 1 for the other, and alpha = 1. *)
Theorem differences_have_limits (R : realFieldType) (r : nat -> R) :
  let S k : 'I_2 := if odd k then 1 else 0 in
  let E s u : R := if s == u then 3%:R else 1 in
  let limit s u := ((s == 0)%:R - (u == 0)%:R) * (r 0%N - r 1%N) / 2%:R in
  differences_tend_to 2 E S r 1 limit.
Proof.
move=> S E limit v0 e e_gt0; exists 1%N => -[//|L] _ s u; rewrite iterS; move: (iter L _ v0) => v.
have entry t : average_update 2 E S r 1 v t 0 = v t 0 +
    (E t 0 * (r 0%N - mean_reward 2 r + v 1 0 - v 0 0) +
     E t 1 * (r 1%N - mean_reward 2 r + v 0 0 - v 1 0)) / (E t 0 + E t 1).
  by rewrite mxE mul1r /K !big_ord_recl !big_ord0 /= !addr0; congr (_ + _); rewrite mulrDl !(mulrAC _ _^-1).
have zero_or_one t : t = 0 \/ t = 1 :> 'I_2 by case: t => [[|[|//]] lt]; [left | right]; apply: val_inj.
have is0 (a : R) : a = 0 -> `|a| < e by move=> ->; rewrite normr0.
apply: is0; rewrite !entry; move: (mean_reward 2 r) => m.
by case: (zero_or_one s) => ->; case: (zero_or_one u) => ->; rewrite /limit /E /=; field.
Qed.
