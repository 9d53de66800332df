(** spectral: in a context of two states, when some step size works. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman.
From icrl Require Import coverage counterexamples certainty_equivalence exponential.
From icrl Require Import fixed_point batch_td infinite_depth.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** The values converge from every v_0, and to one limit. *)
Definition converges_to_one_limit (R : realFieldType) N
    (layers : 'cV[R]_N -> nat -> 'cV[R]_N) :=
  exists v, forall v0, tends_to (layers v0) v.

Lemma two_cases (P : 'I_2 -> Prop) : P 0 -> P 1 -> forall s, P s.
Proof. by move=> P0 P1 [[|[|//]] lt_s]; [move: P0 | move: P1]; congr P; apply: val_inj. Qed.

(** A 2 x 2 matrix whose rows have the same sum. *)
Section EqualSums.
Variables (R : realFieldType) (M : 'M[R]_2) (c : R).
Hypothesis row : forall s, M s 0 + M s 1 = c.
Implicit Type w : 'cV[R]_2.

(** The difference of the two entries is multiplied by the other eigenvalue. *)
Definition gap w : R := w 0 0 - w 1 0.
Definition other : R := M 0 0 - M 1 0.

Lemma mul2E w s : (M *m w) s 0 = M s 0 * gap w + c * w 1 0.
Proof.
rewrite mxE sum2 -(row s) /gap.
by move: (M s 0) (M s 1) (w 0 0) (w 1 0) => *; ring.
Qed.

Lemma gap_mul w : gap (M *m w) = other * gap w.
Proof. by rewrite {1}/gap !mul2E /other; ring. Qed.

Lemma gap_iter w l : gap (iter l (mulmx M) w) = other ^+ l * gap w.
Proof. by elim: l => [|l IH]; rewrite ?expr0 ?mul1r // iterS gap_mul IH mulrA exprS. Qed.

Lemma gap_le w : `|gap w| <= 2%:R * norm w.
Proof.
rewrite mulr_natl mulr2n; apply: le_trans (ler_norm_sub _ _) _.
by rewrite ler_add ?entry_le_norm.
Qed.

End EqualSums.

(** Powers of such a matrix vanish if both eigenvalues are between -1 and 1. *)
Lemma powers2_vanish (R : archiFieldType) (M : 'M[R]_2) c w :
  (forall s, M s 0 + M s 1 = c) -> `|c| < 1 -> `|other M| < 1 ->
  tends_to (fun l => iter l (mulmx M) w) 0.
Proof.
move=> row c_lt1 o_lt1; pose rho := Num.max `|c| `|other M|; pose q := (1 + rho) / 2%:R.
have rho_lt1 : rho < 1 by rewrite /rho lt_maxl c_lt1.
have rho_ge0 : 0 <= rho by rewrite /rho le_maxr normr_ge0.
have q_rho : 0 < q - rho.
  have -> : q - rho = (1 - rho) / 2%:R by rewrite /q; field.
  by rewrite divr_gt0 ?subr_gt0 ?ltr0n.
have q_lt1 : q < 1 by rewrite /q ltr_pdivr_mulr ?ltr0n // mul1r (_ : 2%:R = 1 + 1) // ltr_add2l.
have q_ge0 : 0 <= q by rewrite ltW // (le_lt_trans rho_ge0) // -subr_gt0.
pose T := 1 + `|M 1 0| / (q - rho); pose V (u : 'cV[R]_2) := `|u 1 0| + T * `|gap u|.
have T_ge1 : 1 <= T by rewrite ler_addl divr_ge0 // ltW.
have T_ge0 : 0 <= T by apply: le_trans T_ge1.
have V_step u : V (M *m u) <= q * V u.
  rewrite /V (mul2E row) (gap_mul row); apply: (@le_trans _ _ (`|M 1 0| * `|gap u| + rho * `|u 1 0| + T * (rho * `|gap u|))).
    rewrite ler_add //; last by rewrite ler_wpmul2l // normrM ler_wpmul2r // le_maxr lexx orbT.
    by apply: le_trans (ler_norm_add _ _) _; rewrite !normrM ler_add // ler_wpmul2r // le_maxr lexx.
  have m : `|M 1 0| <= T * (q - rho) by rewrite /T mulrDl mul1r mulfVK ?gt_eqF // ler_addr ltW.
  rewrite -subr_ge0; have -> : q * (`|u 1 0| + T * `|gap u|) - (`|M 1 0| * `|gap u| + rho * `|u 1 0| + T * (rho * `|gap u|))
    = (q - rho) * `|u 1 0| + (T * (q - rho) - `|M 1 0|) * `|gap u| by ring.
  by apply: addr_ge0; apply: mulr_ge0; rewrite ?(ltW q_rho) ?subr_ge0.
have V_ge u : norm u <= V u.
  have V_ge0 : 0 <= V u by rewrite addr_ge0 ?mulr_ge0.
  have gap_V : `|gap u| <= T * `|gap u| by rewrite ler_pemull.
  apply: col_norm_le => // s; elim/two_cases: s; last by rewrite ler_addl mulr_ge0.
  apply: (@le_trans _ _ (`|gap u| + `|u 1 0|)); last by rewrite addrC ler_add2l.
  by apply: le_trans (ler_norm_add _ _); rewrite /gap subrK.
have V_iter l : V (iter l (mulmx M) w) <= q ^+ l * V w.
  elim: l => [|l IH]; first by rewrite expr0 mul1r.
  by rewrite iterS exprS -mulrA; apply: le_trans (V_step _) _; rewrite ler_wpmul2l.
move=> e e_gt0; have [m small] := powers_vanish (V w) q_ge0 q_lt1 e_gt0.
by exists m => l /small; apply: le_lt_trans; rewrite subr0; apply: le_trans (V_ge _) (V_iter l).
Qed.

Section Layers.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma alpha : R).
Notation G := (G n E S gamma alpha).
Notation weighted_td := (weighted_td n S r gamma E (fun _ => alpha)).

(** Where depth converges, the powers of G vanish. *)
Lemma powers_of_G_vanish w :
  converges_to_one_limit weighted_td -> tends_to (fun l => iter l (mulmx G) w) 0.
Proof.
case=> v lim e e_gt0; have e2_gt0 : 0 < e / 2%:R by rewrite divr_gt0 ?ltr0n.
have [m near] := lim w _ e2_gt0; have [m' near'] := lim 0 _ e2_gt0.
exists (maxn m m') => l; rewrite geq_max => /andP[/near lt_e /near' lt_e'].
have diff k : weighted_td w k - weighted_td 0 k = iter k (mulmx G) w.
  elim: k => [|k IH] /=; first by rewrite subr0.
  by rewrite !update_is_operator -IH mulmxBr opprD addrACA subrr addr0.
rewrite subr0 -diff (splitr e).
have -> : weighted_td w l - weighted_td 0 l = (weighted_td w l - v) - (weighted_td 0 l - v).
  by rewrite opprB addrA subrK.
by apply: le_lt_trans (norm_add _ _) _; rewrite norm_opp ltr_add.
Qed.

(** And where the powers of G vanish, the depth iteration converges to v_CE. *)
Lemma vanishing_powers_of_G :
  `|gamma| < 1 -> (forall w, tends_to (fun l => iter l (mulmx G) w) 0) ->
  forall v0, tends_to (weighted_td v0) (v_CE n S r gamma).
Proof.
move=> gamma_lt1 vanish v0 e e_gt0; have [m small] := vanish (v0 - v_CE n S r gamma) e e_gt0.
exists m => l /small; rewrite subr0 error_is_power_of_G //.
by rewrite -update_is_operator v_CE_fixed.
Qed.

End Layers.

Lemma step_lt1 (R : realFieldType) (alpha c : R) :
  0 < alpha -> alpha <= 1 -> 0 < c -> c < 2%:R -> -1 < 1 - alpha * c < 1.
Proof.
move=> alpha_gt0 alpha_le1 c_gt0 c_lt2; have ac_gt0 : 0 < alpha * c by apply: mulr_gt0.
rewrite ltr_subr_addl ltr_subl_addr ltr_subl_addl ltr_addr ac_gt0 andbT.
by apply: le_lt_trans c_lt2; rewrite ler_pimull // ltW.
Qed.

(** Two states, both left, and any positive table of weights. *)
Section TwoStates.
Variables (n : nat) (S : nat -> 'I_2).
Hypothesis covered : forall s, source n S s.

Section Field.
Variables (R : realFieldType) (E : 'I_2 -> 'I_2 -> R) (gamma : R).
Hypotheses (E_gt0 : forall s u, 0 < E s u) (gamma_lt1 : `|gamma| < 1).
Notation Mhat := (Mhat n E S).
Notation Pe := (Pe R n S).
Notation G alpha := (G n E S gamma alpha).

(** What multiplies the difference of the errors: 1 - alpha m p. *)
Definition m : R := Mhat 0 0 - Mhat 1 0.
Definition p : R := 1 - gamma * (Pe 0 0 - Pe 1 0).

Lemma n_gt0 : (0 < n)%N.
Proof. by have := covered 0; rewrite /source /visits; case: (n) => [|//]; rewrite big_ord0. Qed.

Lemma G_row alpha s : G alpha s 0 + G alpha s 1 = 1 - alpha * (1 - gamma).
Proof.
have /colP/(_ s) := rate_floor S gamma alpha n_gt0 E_gt0.
by rewrite scalemxE !mxE sum2 !mxE !mulr1.
Qed.

Lemma Mhat_row s : \sum_u Mhat s u = 1.
Proof. by rewrite Mhat_sum (K_sum (sum_E_neq0 S E_gt0 n_gt0)). Qed.

Lemma other_G alpha : other (G alpha) = 1 - alpha * (m * p).
Proof.
rewrite /other G_Mhat !(addmxE, oppmxE, scalemxE) ![(Mhat *m _) _ _]mxE !sum2.
rewrite !(addmxE, oppmxE, scalemxE) ![1%:M _ _]mxE /m /p /=.
have M1 s : Mhat s 1 = 1 - Mhat s 0.
  by rewrite -(Mhat_row s) sum2 addrAC subrr add0r.
rewrite !M1 !mulr1n; move: (Mhat 0 0) (Mhat 1 0) (Pe 0 0) (Pe 1 0) => *; ring.
Qed.

(** The sign of m. *)
Lemma m_sign : (0 < m) = (E 0 1 * E 1 0 < E 0 0 * E 1 1).
Proof.
have Z_gt0 s : 0 < \sum_(i < n) E s (S i).
  by rewrite (bigD1 (Ordinal n_gt0)) //= ltr_paddr // sumr_ge0 // => k _; exact: ltW.
have M1 s : Mhat s 1 = 1 - Mhat s 0.
  by rewrite -(Mhat_row s) sum2 addrAC subrr add0r.
have -> : m = Mhat 0 0 * Mhat 1 1 - Mhat 0 1 * Mhat 1 0.
  by rewrite !M1 /m; move: (Mhat 0 0) (Mhat 1 0) => *; ring.
rewrite !Mhat_visits; move: (Z_gt0 0) (Z_gt0 1) (covered 0) (covered 1).
move: (\sum_i _) (\sum_i _) => z1 z0 z0_gt0 z1_gt0; rewrite /source -!(ltr0n R).
move: (_%:R) (_%:R) => n1 n0 n0_gt0 n1_gt0.
have -> : n0 * (E 0 0 / z0) * (n1 * (E 1 1 / z1)) - n1 * (E 0 1 / z0) * (n0 * (E 1 0 / z1)) =
          n0 * n1 / (z0 * z1) * (E 0 0 * E 1 1 - E 0 1 * E 1 0).
  by field; rewrite !gt_eqF.
by rewrite pmulr_rgt0 ?subr_gt0 // divr_gt0 ?mulr_gt0.
Qed.

(** Both factors stay below 2, and the second is positive. *)
Lemma p_bounds : 0 < p /\ p < 2%:R.
Proof.
have row s : Pe s 0 + Pe s 1 = 1 by rewrite -sum2 Pe_row covered.
have p_ge0 s u : 0 <= Pe s u by exact: Pe_ge0.
have le1 s : Pe s 0 <= 1 by rewrite -(row s) ler_addl.
have apart : `|Pe 0 0 - Pe 1 0| <= 1.
  rewrite ler_norml ler_subl_addr (le_trans (le1 0)) ?ler_addl // andbT.
  by rewrite ler_oppl opprB ler_subl_addr (le_trans (le1 1)) ?ler_addl.
have : `|gamma * (Pe 0 0 - Pe 1 0)| < 1.
  by rewrite normrM (le_lt_trans _ gamma_lt1) // ler_pimulr.
rewrite ltr_norml /p => /andP[lo hi]; split; first by rewrite subr_gt0.
by rewrite ltr_subl_addl -ltr_subl_addr (_ : 1 - 2%:R = -1) //; ring.
Qed.

Lemma m_lt1 : m < 1.
Proof.
have M_gt0 s u : 0 < Mhat s u.
  rewrite Mhat_visits mulr_gt0 ?ltr0n ?divr_gt0 //; first exact: covered.
  by rewrite (bigD1 (Ordinal n_gt0)) //= ltr_paddr // sumr_ge0 // => k _; exact: ltW.
rewrite /m ltr_subl_addl; have M_le1 : Mhat 0 0 <= 1 by apply: Mhat_le1 => *; exact: ltW.
by apply: le_lt_trans M_le1 _; rewrite ltr_addr.
Qed.

Lemma G_row_lt1 alpha : 0 < alpha -> alpha <= 1 -> `|1 - alpha * (1 - gamma)| < 1.
Proof.
move=> alpha_gt0 alpha_le1; have := gamma_lt1; rewrite !ltr_norml => /andP[lo hi].
apply: step_lt1; rewrite // ?subr_gt0 // ltr_subl_addr -ltr_subl_addl.
by rewrite (_ : 1 - 2%:R = -1) //; ring.
Qed.

(** No alpha > 0 works unless the condition holds. *)
Theorem two_states_need_the_condition r :
  (exists2 alpha, 0 < alpha
     & converges_to_one_limit (weighted_td n S r gamma E (fun _ => alpha))) ->
  E 0 1 * E 1 0 < E 0 0 * E 1 1.
Proof.
case=> alpha alpha_gt0 /(powers_of_G_vanish (delta_mx 0 0)) vanish.
rewrite -m_sign ltNge; apply/negP => m_le0.
have [k near] := vanish (1 / 2%:R) (divr_gt0 ltr01 (ltr0n _ 2)).
have := near k (leqnn k); rewrite subr0 ltNge => /negP; apply.
rewrite ler_pdivr_mulr ?ltr0n // mulrC; apply: le_trans (gap_le _).
rewrite (gap_iter (G_row alpha)) /gap !mxE subr0 mulr1 normrX exprn_ege1 //.
rewrite other_G; apply: le_trans (ler_norm _).
by rewrite ler_addl oppr_ge0 pmulr_rle0 // pmulr_lle0 //; case: p_bounds.
Qed.

End Field.

(** With the condition every alpha in (0, 1] works, and the limit is v_CE. *)
Theorem two_states_converge (R : archiFieldType) (E : 'I_2 -> 'I_2 -> R)
    r gamma alpha v0 :
  (forall s u, 0 < E s u) -> `|gamma| < 1 ->
  E 0 1 * E 1 0 < E 0 0 * E 1 1 -> 0 < alpha -> alpha <= 1 ->
  tends_to (weighted_td n S r gamma E (fun _ => alpha) v0) (v_CE n S r gamma).
Proof.
move=> E_gt0 gamma_lt1 condition alpha_gt0 alpha_le1.
apply: vanishing_powers_of_G => // w; apply: (powers2_vanish w (G_row gamma E_gt0 alpha)).
  exact: G_row_lt1.
have [p_gt0 p_lt2] := p_bounds gamma_lt1; have m_gt0 : 0 < m E by rewrite m_sign.
rewrite other_G // ltr_norml step_lt1 ?mulr_gt0 //.
by apply: le_lt_trans p_lt2; rewrite ler_pimull ?ltW ?m_lt1.
Qed.

(** In words of scores, with an exponential: some alpha works exactly if
    (x_0 - x_1)^T A (x_0 - x_1) > 0. *)
Theorem two_states_converge_iff (R : archiFieldType) (exp : R -> R) d
    (x : 'I_2 -> 'cV[R]_d) (A : 'M[R]_d) r gamma :
  exponential exp -> `|gamma| < 1 ->
  let E s u := exp (score x A s u) in
  (exists2 alpha, 0 < alpha
     & converges_to_one_limit (weighted_td n S r gamma E (fun _ => alpha)))
  <-> 0 < ((x 0 - x 1)^T *m A *m (x 0 - x 1)) 0 0.
Proof.
move=> exp_exponential gamma_lt1 E; have E_gt0 s u : 0 < E s u by exact: exp_gt0.
have exp_mono a b : (exp a < exp b) = (a < b).
  by apply: (leW_mono (f := exp)); apply: le_mono; apply: exp_lt.
have -> : (0 < ((x 0 - x 1)^T *m A *m (x 0 - x 1)) 0 0) = (E 0 1 * E 1 0 < E 0 0 * E 1 1).
  by rewrite score_form subr_gt0 -!(expD exp_exponential) exp_mono.
split=> [|condition]; first exact: two_states_need_the_condition.
by exists 1 => //; exists (v_CE n S r gamma) => v0; apply: two_states_converge.
Qed.

End TwoStates.
