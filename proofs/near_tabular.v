(** tabular: how far softmax TD with one-hot features goes from batch tabular TD. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm exponential.
From icrl Require Import visited batch_td tabular.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** A mean over some transitions lies between any bounds on them. *)
Section Means.
Variables (R : realFieldType) (n : nat) (P : pred 'I_n) (f : 'I_n -> R).
Hypothesis some : 0 < \sum_(k | P k) (1 : R).

Lemma mean_le c :
  (forall k, P k -> f k <= c) -> (\sum_(k | P k) f k) / (\sum_(k | P k) 1) <= c.
Proof.
by move=> f_le; rewrite ler_pdivr_mulr // mulr_sumr; apply: ler_sum => k Pk; rewrite mulr1 f_le.
Qed.

Lemma le_mean c :
  (forall k, P k -> c <= f k) -> c <= (\sum_(k | P k) f k) / (\sum_(k | P k) 1).
Proof.
by move=> le_f; rewrite ler_pdivl_mulr // mulr_sumr; apply: ler_sum => k Pk; rewrite mulr1 le_f.
Qed.

End Means.

Section Near.
Variables (R : realFieldType) (exp : R -> R) (N n : nat) (S : nat -> 'I_N).
Variables (b beta : R) (r : nat -> R) (gamma : R) (alpha : nat -> R).
Hypothesis exp_exponential : exponential exp.
Hypotheses (n_gt0 : (0 < n)%N) (root : b ^+ 2 = beta).
Hypothesis covered : forall s, visited n S s -> source n S s.
Implicit Type s : 'I_N.
Notation share := (foreign_share n S (exp beta)).
Notation td_error := (td_error S r gamma).
Notation softmax_td := (softmax_td n S r gamma (one_hot b) exp 1%:M alpha).
Notation tabular_td := (tabular_td n S r gamma alpha).
Notation visited := (visited n S).
Notation max_visited := (@max_visited R N n S).
Notation rhat := (rhat n S).
Notation Pe := (Pe R n S).

(** The own mean TD errors of v and of t differ by what the means
    of their next values do, less their values at s. *)
Lemma own_errors_differ (v t : 'cV[R]_N) s :
  source n S s ->
  rhat (td_error v) s 0 - rhat (td_error t) s 0 = gamma * (Pe *m (v - t)) s 0 - (v - t) s 0.
Proof.
move=> src; rewrite !mean_td_error // mulmxBr !(addmxE, oppmxE).
by move: (rhat _ _ _) ((Pe *m v) _ _) ((Pe *m t) _ _) => *; ring.
Qed.

(** The mean of the others differs from its own, by the share, by at most w D. *)
Lemma foreign_pull (delta : nat -> R) s w D :
  source n S s -> share s <= w -> 0 <= D ->
  (forall j k, (j < n)%N -> (k < n)%N -> delta j - delta k <= D) ->
  `|share s * (other_mean n S delta s - rhat delta s 0)| <= w * D.
Proof.
move=> src share_le D_ge0 D_le; have share_ge0 : 0 <= share s.
  by case/andP: (foreign_share_le exp_exponential n_gt0 root src).
have some : 0 < \sum_(k < n | S k == s) (1 : R) by rewrite count_own ltr0n.
have [o0|o_neq0] := eqVneq (n%:R - (visits n S s)%:R : R) 0.
  by rewrite /foreign_share o0 mul0r mul0r normr0 mulr_ge0 // (le_trans share_ge0).
have others : 0 < \sum_(k < n | S k != s) (1 : R).
  by rewrite count_other lt_neqAle eq_sym o_neq0 subr_ge0 visits_le.
rewrite normrM (ger0_norm share_ge0) ler_pmul // ler_norml [rhat _ _ _]mxE /other_mean -count_other -count_own.
rewrite ler_oppl opprB !ler_subl_addr; apply/andP; split; apply: mean_le => // j _;
  rewrite -ler_subl_addl; apply: le_mean => // k _; rewrite ler_subl_addl -ler_subl_addr.
  exact: D_le.
exact: D_le.
Qed.

(** Where every visited state is a source, the layers stay on these states near
    batch tabular TD from the same start: within w D / (1 - |gamma|) at every depth,
    with w at least every foreign share there and D every difference of two
    TD errors of one iterate. *)
Theorem near_tabular_td (v0 : 'cV[R]_N) w D L :
  `|gamma| < 1 -> (forall l, (l < L)%N -> 0 <= alpha l <= 1) ->
  (forall s, visited s -> share s <= w) -> 0 <= D ->
  (forall l j k, (l < L)%N -> (j < n)%N -> (k < n)%N ->
     td_error (softmax_td v0 l) j - td_error (softmax_td v0 l) k <= D) ->
  max_visited (fun s => `|softmax_td v0 L s 0 - tabular_td v0 L s 0|) <=
  w * D / (1 - `|gamma|).
Proof.
move=> gamma_lt1 alpha_le share_le D_ge0; have g_gt0 : 0 < 1 - `|gamma| by rewrite subr_gt0.
have W0 : visited (S 0%N) by apply: visited_at.
have w_ge0 : 0 <= w.
  apply: le_trans (share_le _ W0); by case/andP: (foreign_share_le exp_exponential n_gt0 root (covered W0)).
set bound := w * D / _; have bound_ge0 : 0 <= bound by rewrite divr_ge0 ?mulr_ge0 // ltW.
elim: L alpha_le => [|L IH] alpha_le D_le.
  by apply: max_visited_le => // s _; rewrite /= subrr normr0.
have {}IH s : visited s -> `|(softmax_td v0 L - tabular_td v0 L) s 0| <= bound.
  move=> Ws; rewrite addmxE oppmxE; apply: le_trans (le_max_visited (fun s => `|softmax_td v0 L s 0 - tabular_td v0 L s 0|) Ws) _.
  by apply: IH => [l lt_l|l j k lt_l]; [apply: alpha_le | apply: D_le]; apply: ltnW.
have /andP[a_ge0 a_le1] := alpha_le L (ltnSn L).
apply: max_visited_le => // s Ws; have src := covered Ws.
rewrite [softmax_td v0 L.+1 s 0](one_hot_update S exp_exponential n_gt0 root r gamma (alpha L) (softmax_td v0 L)).
rewrite [tabular_td v0 L.+1 s 0](addmxE (tabular_td v0 L) (alpha L *: rhat (td_error (tabular_td v0 L)))) scalemxE.
have pull := foreign_pull src (share_le s Ws) D_ge0 (fun j k => D_le L j k (ltnSn L)).
have differ := own_errors_differ (softmax_td v0 L) (tabular_td v0 L) src.
move: IH differ pull; set v := softmax_td v0 L; set t := tabular_td v0 L.
set own := rhat (td_error v) s 0; set other := other_mean _ _ (td_error v) s.
move=> IH differ pull.
have -> : v s 0 + alpha L * ((1 - share s) * own + share s * other) - (t s 0 + alpha L * rhat (td_error t) s 0) =
  (1 - alpha L) * (v - t) s 0
  + alpha L * (gamma * (Pe *m (v - t)) s 0 + share s * (other - own)).
  have -> : rhat (td_error t) s 0 = own - (gamma * (Pe *m (v - t)) s 0 - (v - t) s 0).
    by rewrite -differ opprB addrCA subrr addr0.
  by rewrite addmxE oppmxE; move: ((_ *m _) s 0) => mean; ring.
apply: le_trans (ler_norm_add _ _) _; rewrite !normrM (ger0_norm a_ge0) ger0_norm ?subr_ge0 //.
have -> : bound = (1 - alpha L) * bound + alpha L * (`|gamma| * bound + w * D).
  by rewrite /bound; field; rewrite gt_eqF.
apply: ler_add; first by rewrite ler_wpmul2l ?subr_ge0 // IH.
rewrite ler_wpmul2l // (le_trans (ler_norm_add _ _)) //; apply: ler_add => //.
by rewrite normrM ler_wpmul2l // Pe_mul_le.
Qed.

(** So does the value row of the L-layer softmax transformer, in every column. *)
Theorem transformer_near_tabular_td (v0 : 'cV[R]_N) w D L (j : 'I_n.+1) :
  `|gamma| < 1 -> (forall l, (l < L)%N -> 0 <= alpha l <= 1) ->
  (forall s, visited s -> share s <= w) -> 0 <= D ->
  (forall l i k, (l < L)%N -> (i < n)%N -> (k < n)%N ->
     td_error (softmax_td v0 l) i - td_error (softmax_td v0 l) k <= D) ->
  `|transformer (shift R n) (softmax exp (@sources n)) 1%:M gamma alpha L
      (prompt n S r (one_hot b) gamma v0) (value_row N) j
    - tabular_td v0 L (S j) 0| <=
  w * D / (1 - `|gamma|).
Proof.
move=> gamma_lt1 alpha_le share_le D_ge0 D_le; rewrite transformer_is_softmax_td prompt_value.
apply: le_trans (near_tabular_td gamma_lt1 alpha_le share_le D_ge0 D_le).
have Wj : visited (S j) by apply: visited_at; rewrite -ltnS.
exact: (le_max_visited (fun s => `|softmax_td v0 L s 0 - tabular_td v0 L s 0|)).
Qed.

End Near.
