(** batch-td: batch tabular TD goes to the certainty-equivalent value,
    at the rate 1 - alpha (1 - gamma). *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm coverage.
From icrl Require Import certainty_equivalence.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).

(** Batch tabular TD: every source moves by alpha times its own mean TD error;
    x / 0 = 0, so that other states keep their values. *)
Definition tabular_update (alpha : R) (v : 'cV[R]_N) : 'cV[R]_N :=
  \col_s (v s 0 + alpha *
    ((\sum_(k < n | S k == s) td_error S r gamma v k) / (visits n S s)%:R)).

Definition batch_tabular_td (alpha : R) (v0 : 'cV[R]_N) (l : nat) : 'cV[R]_N :=
  iter l (tabular_update alpha) v0.

(** The greatest absolute value on the visited states S_0, ..., S_n. *)
Definition visited_norm (v : 'cV[R]_N) : R := norm (\col_(j < n.+1) v (S j) 0).

End Definitions.

Section BatchTD.
Variables (R : realFieldType) (N n : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma alpha : R).
Implicit Types (v : 'cV[R]_N) (s : 'I_N).
Notation Pe := (Pe R n S).
Notation rhat := (rhat n S r).
Notation v_CE := (v_CE n S r gamma).
Notation tabular_update := (tabular_update n S r gamma alpha).
Notation batch_tabular_td := (batch_tabular_td n S r gamma alpha).
Notation visited_norm := (visited_norm n S).

(** The empirical model's next values: means over the transitions out of a state. *)
Lemma Pe_mul v s : (Pe *m v) s 0 = (\sum_(k < n | S k == s) v (S k.+1) 0) / (visits n S s)%:R.
Proof.
rewrite mxE; under eq_bigr => u _ do rewrite mxE mulrAC mulr_suml.
rewrite -mulr_suml exchange_big /=; congr (_ / _); apply: eq_bigr => k _.
rewrite (bigD1 (S k.+1)) //= eqxx mul1r big1 ?addr0 // => u /negbTE ne.
by rewrite eq_sym ne mul0r.
Qed.

(** On the sources, an update makes of v the values
    (1 - alpha) v + alpha (rhat + gamma Pe v). *)
Theorem tabular_update_is_iteration v s :
  source n S s ->
  tabular_update v s 0 =
  ((1 - alpha) *: v + alpha *: (rhat + gamma *: (Pe *m v))) s 0.
Proof.
rewrite /source -(ltr0n R) => /lt0r_neq0 some; rewrite [LHS]mxE !(addmxE, scalemxE) Pe_mul [rhat s 0]mxE.
have -> : \sum_(k < n | S k == s) td_error S r gamma v k =
    \sum_(k < n | S k == s) r k + gamma * (\sum_(k < n | S k == s) v (S k.+1) 0) - (visits n S s)%:R * v s 0.
  rewrite /td_error sumrB big_split -mulr_sumr; congr (_ - _).
  rewrite /visits natr_sum mulr_suml big_mkcond; apply: eq_bigr => k _.
  by case: eqP => [->|_] /=; rewrite ?mul1r ?mul0r.
move: (\sum_(k < n | S k == s) r k) (\sum_(k < n | S k == s) v (S k.+1) 0) (v s 0) (_%:R) some => a b c m m0.
by field.
Qed.

(** Every visited state is a source. *)
Hypothesis covered : forall j : 'I_n.+1, source n S (S j).

(** The greatest value is at most c exactly if none is above c. *)
Lemma visited_norm_leP v c :
  0 <= c -> reflect (forall j : 'I_n.+1, `|v (S j) 0| <= c) (visited_norm v <= c).
Proof.
by move=> c_ge0; apply: (iffP (col_norm_leP _ c_ge0)) => le_c j; have := le_c j; rewrite mxE.
Qed.

(** One update takes the values nearer to v_CE. *)
Lemma tabular_update_contracts v :
  0 <= gamma -> gamma < 1 -> 0 <= alpha -> alpha <= 1 ->
  visited_norm (tabular_update v - v_CE) <= (1 - alpha * (1 - gamma)) * visited_norm (v - v_CE).
Proof.
move=> gamma_ge0 gamma_lt1 alpha_ge0 alpha_le1; set b := visited_norm (v - v_CE).
have b_ge0 : 0 <= b by apply: norm_ge0.
have near (j : 'I_n.+1) : `|(v - v_CE) (S j) 0| <= b by move: j; apply/visited_norm_leP.
have rate_ge0 : 0 <= 1 - alpha * (1 - gamma).
  by rewrite subr_ge0 mulr_ile1 ?subr_ge0 ?ger_addl ?oppr_le0 // ltW.
apply/visited_norm_leP => [|j]; first by rewrite mulr_ge0.
have ce : v_CE = (1 - alpha) *: v_CE + alpha *: (rhat + gamma *: (Pe *m v_CE)).
  have gamma_small : `|gamma| < 1 by rewrite ger0_norm.
  have [_ only] := certainty_equivalent_value n S r gamma_small.
  by rewrite -(proj2 (only v_CE) erefl) -scalerDl subrK scale1r.
have -> : (tabular_update v - v_CE) (S j) 0 =
    (1 - alpha) * (v - v_CE) (S j) 0 + alpha * (gamma * (Pe *m (v - v_CE)) (S j) 0).
  rewrite addmxE tabular_update_is_iteration // {1}ce mulmxBr !(addmxE, oppmxE, scalemxE).
  by move: (v _ _) (rhat _ _) (v_CE _ _) ((Pe *m v) _ _) ((Pe *m v_CE) _ _) => *; ring.
rewrite (_ : 1 - alpha * (1 - gamma) = (1 - alpha) + alpha * gamma); last by ring.
rewrite [X in _ <= X]mulrDl; apply: le_trans (ler_norm_add _ _) (ler_add _ _).
  by rewrite normrM ger0_norm ?subr_ge0 // ler_wpmul2l ?subr_ge0.
rewrite !normrM (ger0_norm alpha_ge0) (ger0_norm gamma_ge0) -mulrA !ler_wpmul2l // Pe_mul normrM normfV normr_nat.
have := covered j; rewrite /source -(ltr0n R) => some; rewrite ler_pdivr_mulr // mulrC.
apply: le_trans (ler_norm_sum _ _ _) _; rewrite /visits natr_sum mulr_suml big_mkcond.
apply: ler_sum => k _; case: eqP => _ /=; rewrite ?mul0r ?mul1r //; exact: (near (lift ord0 k)).
Qed.

(** After l updates the greatest distance to v_CE on the visited states is at most
    (1 - alpha (1 - gamma))^l times what it was. *)
Theorem tabular_td_rate v0 l :
  0 <= gamma -> gamma < 1 -> 0 <= alpha -> alpha <= 1 ->
  visited_norm (batch_tabular_td v0 l - v_CE) <=
  (1 - alpha * (1 - gamma)) ^+ l * visited_norm (v0 - v_CE).
Proof.
move=> gamma_ge0 gamma_lt1 alpha_ge0 alpha_le1; elim: l => [|l IH]; first by rewrite mul1r.
rewrite exprS -mulrA /=; apply: le_trans (tabular_update_contracts _ _ _ _ _) _ => //.
by rewrite ler_wpmul2l // subr_ge0 mulr_ile1 ?subr_ge0 ?ger_addl ?oppr_le0 // ltW.
Qed.

End BatchTD.

(** From all values, batch tabular TD converges to v_CE on the visited states:
    in the end the greatest distance stays below every e > 0. *)
Theorem tabular_td_converges (R : archiFieldType) N n S r
    (gamma alpha : R) (v0 : 'cV_N) e :
  (forall j : 'I_n.+1, source n S (S j)) ->
  0 <= gamma -> gamma < 1 -> 0 < alpha -> alpha <= 1 -> 0 < e ->
  exists m, forall l, (m <= l)%N ->
    visited_norm n S
      (batch_tabular_td n S r gamma alpha v0 l - v_CE n S r gamma) < e.
Proof.
move=> covered gamma_ge0 gamma_lt1 alpha_gt0 alpha_le1 e_gt0.
set q := 1 - alpha * (1 - gamma); set b := visited_norm n S (v0 - v_CE n S r gamma).
have [|| m small] := @powers_vanish _ q b e _ _ e_gt0.
- by rewrite subr_ge0 mulr_ile1 ?subr_ge0 ?ger_addl ?oppr_le0 // ltW.
- by rewrite ltr_subl_addr ltr_addl mulr_gt0 ?subr_gt0.
exists m => l /small; apply: le_lt_trans; apply: tabular_td_rate => //; exact: ltW.
Qed.
