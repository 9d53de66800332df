(** softmax-average-reward: where every state is left, the model of the context
    has one stationary distribution, and Poisson's equation a solution. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman coverage.
From icrl Require Import certainty_equivalence softmax_average_reward stationary.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Left.
Variables (R : realFieldType) (N n : nat) (S : nat -> 'I_N) (r : nat -> R).
Implicit Types (v h : 'cV[R]_N) (pi : 'rV[R]_N).
Notation Pe := (Pe R n S).
Notation rhat := (rhat n S r).
Notation solves_poisson := (solves_poisson n S r).

(** Every state is left. *)
Hypothesis all_left : forall s, source n S s.

Lemma Pe_sum1 s : \sum_u Pe s u = 1.
Proof. by rewrite Pe_row all_left. Qed.

Lemma Pe_stochastic : stochastic Pe.
Proof. by split=> [s u|s]; [apply: Pe_ge0 | apply: Pe_sum1]. Qed.

Lemma left_at s : exists2 k, (k < n)%N & S k = s.
Proof.
have := all_left s; rewrite /source lt0n /visits sum_nat_eq0 negb_forall_in => /exists_inP[k _].
by rewrite eqb0 negbK => /eqP kE; exists k; rewrite ?ltn_ord.
Qed.

Lemma Pe_step k : (k < n)%N -> Pe (S k) (S k.+1) != 0.
Proof.
move=> lt_kn; rewrite mxE; apply: mulf_neq0; last by rewrite invr_eq0 pnatr_eq0 -lt0n; exact: all_left.
rewrite gt_eqF // (bigD1 (Ordinal lt_kn)) //= eqxx ltr_paddr ?ltr01 // sumr_ge0 // => i _; exact: ler0n.
Qed.

(** Where v = c + Pe v is greatest, c is not negative; and if it is 0,
    the greatest value is handed on from transition to transition, to S_n. *)
Lemma greatest v c top :
  v = const_mx c + Pe *m v -> (forall s, v s 0 <= v top 0) ->
  0 <= c /\ (c <= 0 -> v (S n) 0 = v top 0).
Proof.
move=> vE le_top; have at_state s : v s 0 = c + \sum_u Pe s u * v u 0 by rewrite {1}vE !mxE.
have below s : \sum_u Pe s u * v u 0 <= v top 0.
  rewrite -[X in _ <= X]mul1r -(Pe_sum1 s) mulr_suml; apply: ler_sum => u _.
  by rewrite ler_wpmul2l // Pe_ge0.
split=> [|c_le0]; first by rewrite -(ler_add2r (\sum_u Pe top u * v u 0)) -at_state add0r below.
have handed k : (k < n)%N -> v (S k) 0 = v top 0 -> v (S k.+1) 0 = v top 0.
  move=> lt_kn at_top; set gap := fun u => Pe (S k) u * (v top 0 - v u 0).
  have gap_ge0 u : 0 <= gap u by rewrite mulr_ge0 ?Pe_ge0 // subr_ge0.
  have : \sum_u gap u <= 0.
    under eq_bigr => u _ do rewrite /gap mulrBr.
    by rewrite sumrB -mulr_suml Pe_sum1 mul1r -at_top at_state addrK.
  move=> sum_le0; have /eqP sum0 : \sum_u gap u == 0 by rewrite eq_le sum_le0 sumr_ge0.
  have /eqP : gap (S k.+1) = 0 by apply: (psumr_eq0P (fun u _ => gap_ge0 u) sum0).
  by rewrite /gap mulf_eq0 (negbTE (Pe_step lt_kn)) subr_eq0 eq_sym => /eqP.
have [k lt_kn kE] := left_at top.
have chain m : (k + m <= n)%N -> v (S (k + m)%N) 0 = v top 0.
  elim: m => [|m IH]; first by rewrite addn0 kE.
  by rewrite addnS => lt_n; apply: handed => //; apply/IH/ltnW.
by rewrite -(subnKC (ltnW lt_kn)) chain // subnKC // ltnW.
Qed.

(** So v = c + Pe v only for constants, and c = 0. *)
Lemma only_constants v c :
  v = const_mx c + Pe *m v -> c = 0 /\ forall s, v s 0 = v (S n) 0.
Proof.
have top_of (w : 'cV[R]_N) : exists top, forall s, w s 0 <= w top 0.
  by exists [arg max_(s > S 0%N) w s 0]%O; case: arg_maxP => // top _ le_top s; apply: le_top.
move=> vE; have oppE : - v = const_mx (- c) + Pe *m (- v).
  rewrite {1}vE opprD mulmxN; congr (_ + _); by apply/colP => s; rewrite !mxE.
have [top le_top] := top_of v; have [bottom le_bottom] := top_of (- v).
have [c_ge0 end_top] := greatest vE le_top.
have [Nc_ge0 end_bottom] := greatest oppE le_bottom.
have c0 : c = 0 by apply/le_anti; rewrite c_ge0 andbT -oppr_ge0.
split=> // s; apply/le_anti; rewrite end_top ?c0 // le_top /= -end_top ?c0 //.
have := le_bottom s; rewrite -end_bottom ?c0 ?oppr0 // !mxE ler_opp2.
by [].
Qed.

Notation one := (const_mx 1 : 'cV[R]_N).
Notation at_end := (delta_mx 0 (S n) : 'rV[R]_N).

(** I - Pe, and at S_n one more: it has an inverse. *)
Definition pinned : 'M[R]_N := 1%:M - Pe + one *m at_end.

Lemma pinnedE v : pinned *m v = v - Pe *m v + const_mx (v (S n) 0).
Proof.
rewrite /pinned mulmxDl mulmxBl mul1mx -mulmxA -rowE; congr (_ + _).
by apply/colP => s; rewrite !mxE big_ord1 !mxE mul1r.
Qed.

Lemma pinned_unit : pinned \in unitmx.
Proof.
apply/negPn/negP => /singular_kernel[u u0]; rewrite pinnedE => none.
have [] := @only_constants u (- u (S n) 0).
  apply/colP => s; move/colP/(_ s): none; rewrite !(addmxE, oppmxE) ![const_mx _ _ _]mxE.
  by move: (u s 0) ((Pe *m u) s 0) (u (S n) 0) => a b c abc; rewrite -[LHS]subr0 -abc; ring.
move/eqP; rewrite oppr_eq0 => /eqP end0 same; case/eqP: u0.
by apply/colP => s; rewrite same end0 mxE.
Qed.

Lemma row_sum pi : \sum_s pi 0 s = 1 <-> pi *m one = 1%:M.
Proof.
have sumE : (pi *m one) 0 0 = \sum_s pi 0 s by rewrite mxE; apply: eq_bigr => s _; rewrite mxE mulr1.
split=> [sum1|one1]; last by rewrite -sumE one1 mxE.
by apply/matrixP => i j; rewrite !ord1 sumE sum1 mxE.
Qed.

(** The row of the inverse that belongs to S_n. *)
Definition pi_e : 'rV[R]_N := at_end *m invmx pinned.

Lemma pi_e_sum : pi_e *m one = 1%:M.
Proof.
have kept : pinned *m one = one.
  by rewrite pinnedE (stochastic_const Pe_stochastic) subrr add0r; apply/colP => s; rewrite !mxE.
rewrite /pi_e -mulmxA -[X in invmx _ *m X]kept mulKmx ?pinned_unit //.
by apply/matrixP => i j; rewrite !ord1 -rowE !mxE.
Qed.

Lemma pi_e_kept : pi_e *m Pe = pi_e.
Proof.
have := mulmxKV pinned_unit at_end; rewrite -/pi_e {1}/pinned mulmxDr mulmxBr mulmx1 mulmxA pi_e_sum mul1mx.
by move/(canRL (addrK _)); rewrite subrr => /subr0_eq.
Qed.

Lemma pi_e_only pi : \sum_s pi 0 s = 1 -> pi *m Pe = pi -> pi = pi_e.
Proof.
move=> /row_sum sum1 kept; rewrite -[LHS](mulmxK pinned_unit); congr (_ *m _).
by rewrite /pinned mulmxDr mulmxBr mulmx1 kept subrr add0r mulmxA sum1 mul1mx.
Qed.

(** The model has exactly one stationary distribution. *)
Theorem one_stationary_distribution :
  exists pi, [/\ forall s, 0 <= pi 0 s, \sum_s pi 0 s = 1, pi *m Pe = pi
    & forall pi', \sum_s pi' 0 s = 1 -> pi' *m Pe = pi' -> pi' = pi].
Proof.
exists pi_e; split; [| by apply/row_sum/pi_e_sum | exact: pi_e_kept | exact: pi_e_only].
pose a := absolute_row pi_e; set total := \sum_s `|pi_e 0 s|.
have total_gt0 : 0 < total.
  apply: lt_le_trans (ler_norm_sum _ _ _); rewrite (_ : \sum_s _ = 1) ?normr1 ?ltr01 //.
  by apply/row_sum/pi_e_sum.
have a_kept : a *m Pe = a by apply: (absolute_kept Pe_stochastic); exact: pi_e_kept.
have aE : total^-1 *: a = pi_e.
  apply: pi_e_only; last by rewrite -scalemxAl a_kept.
  by under eq_bigr => s _ do rewrite scalemxE [a _ _]mxE; rewrite -mulr_sumr -/total mulVf // gt_eqF.
by move=> s; rewrite -aE scalemxE [a _ _]mxE mulr_ge0 // invr_ge0 ltW.
Qed.

(** For it Poisson's equation has a solution. *)
Theorem poisson_has_a_solution pi :
  \sum_s pi 0 s = 1 -> pi *m Pe = pi -> exists h, solves_poisson pi h.
Proof.
move=> sum1 kept; exists (invmx pinned *m rhat); set h := invmx _ *m _.
have hE : rhat = h - Pe *m h + const_mx (h (S n) 0) by rewrite -pinnedE mulKVmx ?pinned_unit.
have gain : (pi *m rhat) 0 0 = h (S n) 0.
  rewrite hE mulmxDr mulmxBr mulmxA kept subrr add0r mxE; under eq_bigr => s _ do rewrite [const_mx _ _ _]mxE.
  by rewrite -mulr_suml sum1 mul1r.
by rewrite /softmax_average_reward.solves_poisson gain {1}hE addrK subrK.
Qed.

(** Its solutions differ by constants. *)
Theorem poisson_up_to_constants pi h h' s u :
  solves_poisson pi h -> solves_poisson pi h' -> h s 0 - h u 0 = h' s 0 - h' u 0.
Proof.
move=> hE hE'; have [] := @only_constants (h - h') 0.
  rewrite {1}hE {1}hE' mulmxBr; apply/colP => t; rewrite !(addmxE, oppmxE) ![const_mx _ _ _]mxE.
  by move: (rhat t 0) ((_ *m rhat) 0 0) ((Pe *m h) t 0) ((Pe *m h') t 0) => *; ring.
move=> _ same; have := same s; have := same u; rewrite !(addmxE, oppmxE) => <- /eqP.
by rewrite -subr_eq0 => /eqP e; apply/eqP; rewrite -subr_eq0 -e; apply/eqP; ring.
Qed.

(** In a closed context there is no drift: the gain is the mean reward. *)
Theorem no_drift_if_closed pi :
  S 0%N = S n -> \sum_s pi 0 s = 1 -> pi *m Pe = pi ->
  (pi *m rhat) 0 0 = mean_reward n r.
Proof.
move=> closed sum1 kept; have [k lt_kn _] := left_at (S 0%N).
have n0 : n%:R != 0 :> R by rewrite pnatr_eq0 -lt0n (leq_ltn_trans _ lt_kn).
have -> : pi = n%:R^-1 *: \row_s (visits n S s)%:R.
  rewrite (pi_e_only sum1 kept); apply/esym/pi_e_only; last by rewrite -scalemxAl visits_stationary.
  under eq_bigr => s _ do rewrite !mxE; rewrite -mulr_sumr -natr_sum (_ : (\sum_s _)%N = n) ?mulVf //.
  rewrite /visits exchange_big (eq_bigr (fun _ => 1%N)) => [|i _]; first by rewrite sum_nat_const card_ord muln1.
  by rewrite (bigD1 (S i)) //= eqxx big1 // => s /negbTE; rewrite eq_sym => ->.
by rewrite -scalemxAl scalemxE visits_rewards mulrC.
Qed.

End Left.
