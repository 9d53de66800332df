(** batch-td: batch tabular TD goes to the certainty-equivalent value,
    at the rate 1 - alpha (1 - gamma). *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm coverage.
From icrl Require Import certainty_equivalence visited.
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
  v + alpha *: rhat n S (td_error S r gamma v).

(** With the step size alpha l in update l. *)
Fixpoint tabular_td (alpha : nat -> R) (v0 : 'cV[R]_N) (l : nat) : 'cV[R]_N :=
  if l is l'.+1 then tabular_update (alpha l') (tabular_td alpha v0 l') else v0.

End Definitions.

Section BatchTD.
Variables (R : realFieldType) (N n : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma alpha : R).
Implicit Types (v : 'cV[R]_N) (s : 'I_N).
Notation Pe := (Pe R n S).
Notation rhat := (rhat n S r).
Notation v_CE := (v_CE n S r gamma).
Notation tabular_update := (tabular_update n S r gamma alpha).
Notation tabular_td := (tabular_td n S r gamma (fun _ => alpha)).
Notation visited := (visited n S).
Notation max_visited := (@max_visited R N n S).

(** The mean TD error of a source. *)
Lemma mean_td_error v s :
  source n S s ->
  (operator.rhat n S (td_error S r gamma v)) s 0 = rhat s 0 + gamma * (Pe *m v) s 0 - v s 0.
Proof.
rewrite /source -(ltr0n R) => /lt0r_neq0 some; rewrite Pe_mul !mxE mulrA -mulrDl.
rewrite /td_error sumrB big_split -mulr_sumr mulrBl; congr (_ - _).
rewrite (eq_bigr (fun _ => v s 0)) => [|k /eqP->//]; by rewrite sum_out mulrC mulKf.
Qed.

(** On the sources, an update makes of v the values
    (1 - alpha) v + alpha (rhat + gamma Pe v). *)
Theorem tabular_update_is_iteration v s :
  source n S s ->
  tabular_update v s 0 =
  ((1 - alpha) *: v + alpha *: (rhat + gamma *: (Pe *m v))) s 0.
Proof.
move=> src; rewrite !(addmxE, scalemxE) mean_td_error //.
by move: (v s 0) (rhat s 0) ((Pe *m v) s 0) => *; ring.
Qed.

(** Every visited state is a source. *)
Hypothesis covered : forall s, visited s -> source n S s.

(** One update takes the values nearer to v_CE. *)
Lemma tabular_update_contracts v :
  0 <= gamma -> gamma < 1 -> 0 <= alpha -> alpha <= 1 ->
  max_visited (fun s => `|tabular_update v s 0 - v_CE s 0|) <=
  (1 - alpha * (1 - gamma)) * max_visited (fun s => `|v s 0 - v_CE s 0|).
Proof.
move=> gamma_ge0 gamma_lt1 alpha_ge0 alpha_le1; set b := (X in _ <= _ * X).
have b_ge0 : 0 <= b by apply: max_visited_ge0.
have near s : visited s -> `|(v - v_CE) s 0| <= b.
  by move=> Ws; rewrite addmxE oppmxE; apply: (le_max_visited (fun s => `|v s 0 - v_CE s 0|)).
have rate_ge0 : 0 <= 1 - alpha * (1 - gamma).
  by rewrite subr_ge0 mulr_ile1 ?subr_ge0 ?ger_addl ?oppr_le0 // ltW.
apply: max_visited_le => [|s Ws]; first by rewrite mulr_ge0.
have ce : v_CE = rhat + gamma *: (Pe *m v_CE).
  by have [|_ /(_ v_CE)[_ /(_ erefl)]] := certainty_equivalent_value n S r (gamma := gamma); rewrite ?ger0_norm.
have -> : tabular_update v s 0 - v_CE s 0 =
    (1 - alpha) * (v - v_CE) s 0 + alpha * (gamma * (Pe *m (v - v_CE)) s 0).
  rewrite tabular_update_is_iteration ?covered // {1}ce mulmxBr !(addmxE, oppmxE, scalemxE).
  have /colP/(_ s) := ce; rewrite addmxE scalemxE => ->.
  by move: (v _ _) (rhat _ _) ((Pe *m v) _ _) ((Pe *m v_CE) _ _) => *; ring.
rewrite (_ : 1 - alpha * (1 - gamma) = (1 - alpha) + alpha * gamma); last by ring.
rewrite [X in _ <= X]mulrDl; apply: le_trans (ler_norm_add _ _) (ler_add _ _).
  by rewrite normrM ger0_norm ?subr_ge0 // ler_wpmul2l ?subr_ge0 // near.
rewrite !normrM (ger0_norm alpha_ge0) (ger0_norm gamma_ge0) -mulrA !ler_wpmul2l //.
exact: Pe_mul_le.
Qed.

(** After l updates the greatest distance to v_CE on the visited states is at most
    (1 - alpha (1 - gamma))^l times what it was. *)
Theorem tabular_td_rate v0 l :
  0 <= gamma -> gamma < 1 -> 0 <= alpha -> alpha <= 1 ->
  max_visited (fun s => `|tabular_td v0 l s 0 - v_CE s 0|) <=
  (1 - alpha * (1 - gamma)) ^+ l * max_visited (fun s => `|v0 s 0 - v_CE s 0|).
Proof.
move=> gamma_ge0 gamma_lt1 alpha_ge0 alpha_le1; move: l.
apply: (geometric_decay (a := fun l => max_visited (fun s => `|tabular_td v0 l s 0 - v_CE s 0|))) => [|l].
  by rewrite subr_ge0 mulr_ile1 ?subr_ge0 ?ger_addl ?oppr_le0 // ltW.
exact: tabular_update_contracts.
Qed.

End BatchTD.

(** From all values, batch tabular TD converges to v_CE on the visited states:
    in the end the greatest distance stays below every e > 0. *)
Theorem tabular_td_converges (R : archiFieldType) N n S r
    (gamma alpha : R) (v0 : 'cV_N) e :
  (forall s, visited n S s -> source n S s) ->
  0 <= gamma -> gamma < 1 -> 0 < alpha -> alpha <= 1 -> 0 < e ->
  exists m, forall l, (m <= l)%N ->
    max_visited n S (fun s =>
      `|tabular_td n S r gamma (fun _ => alpha) v0 l s 0
        - v_CE n S r gamma s 0|) < e.
Proof.
move=> covered gamma_ge0 gamma_lt1 alpha_gt0 alpha_le1 e_gt0.
have [|| m small] := @powers_vanish _ (1 - alpha * (1 - gamma))
    (max_visited n S (fun s => `|v0 s 0 - v_CE n S r gamma s 0|)) e _ _ e_gt0.
- by rewrite subr_ge0 mulr_ile1 ?subr_ge0 ?ger_addl ?oppr_le0 // ltW.
- by rewrite ltr_subl_addr ltr_addl mulr_gt0 ?subr_gt0.
exists m => l /small; apply: le_lt_trans; apply: tabular_td_rate => //; exact: ltW.
Qed.
