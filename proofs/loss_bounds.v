(** global-minimum: the loss of a context that has no end falls with depth,
    and in any context whatever it grows at most geometrically. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman fixed_point contraction neu_bound paths.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Loss.
Variables (R : realFieldType) (N d : nat) (E : 'I_N -> 'I_N -> R).
Variables (P : 'M[R]_N) (r : 'cV[R]_N) (gamma alpha : R).
Variables (mu : 'I_N -> R) (x : 'I_N -> 'cV[R]_d) (Nrm : 'cV[R]_d -> R).
Implicit Types (v : 'cV[R]_N) (L : nat).

(** The values after L layers, from v_0 = 0, in a context that has no end. *)
Definition endless_values L : 'cV[R]_N :=
  iter L (population_update E mu P r gamma alpha) 0.

(** The same in a context of n transitions between the states S. *)
Definition context_values n (S : nat -> 'I_N) L : 'cV[R]_N :=
  weighted_td n S (fun k => r (S k) 0) gamma E (fun _ => alpha) 0 L.

Notation NEU := (NEU P r gamma mu x Nrm).
Notation M_pi := (M_pi E mu).
Notation v_pi := (v_pi P r gamma).

Hypotheses (P_stochastic : stochastic P) (mu_distribution : distribution mu).
Hypothesis Nrm_seminorm : seminorm Nrm.
Hypothesis E_ge0 : forall s u, 0 <= E s u.

Lemma NEU_ge0 v : 0 <= NEU v.
Proof. exact: Nrm_ge0 Nrm_seminorm _. Qed.

(** M_pi has no negative entry, and its rows sum to 1, or to 0 where all weights are 0. *)
Lemma M_pi_ge0 s u : 0 <= M_pi s u.
Proof. by case: mu_distribution => mu_ge0 _; rewrite mxE divr_ge0 ?sumr_ge0 ?mulr_ge0 // => w _; rewrite mulr_ge0. Qed.

Lemma M_pi_row s : \sum_u M_pi s u = (population_sum E mu s != 0)%:R.
Proof.
under eq_bigr do rewrite mxE.
rewrite -mulr_suml -/(population_sum E mu s); case: eqP => [->|/eqP Z0]; first by rewrite mul0r.
by rewrite divff.
Qed.

Lemma M_pi_row_le1 s : \sum_u M_pi s u <= 1.
Proof. by rewrite M_pi_row lern1 leq_b1. Qed.

(** Depth, in a context that has no end. *)
Section Endless.
Variables (m B : R).
Hypotheses (alpha_ge0 : 0 <= alpha) (alpha_le1 : alpha <= 1).
Hypothesis gamma_lt1 : `|gamma| < 1.
Hypothesis m_le : forall s, m <= M_pi s s.

(** A layer multiplies the error by a matrix of norm at most 1 - alpha c. *)
Lemma population_norm :
  norm (1%:M - alpha *: M_pi + (alpha * gamma) *: (M_pi *m P)) <= 1 - alpha * margin m gamma.
Proof.
have [P_ge0 P_sum1] := P_stochastic; have [mu_ge0 mu_sum1] := mu_distribution.
have MP_ge0 s u : 0 <= (M_pi *m P) s u by rewrite mxE sumr_ge0 // => w _; rewrite mulr_ge0 ?M_pi_ge0.
have MP_sum s : \sum_u (M_pi *m P) s u <= 1.
  under eq_bigr do rewrite mxE.
  rewrite exchange_big; under eq_bigr do rewrite -mulr_sumr P_sum1 mulr1.
  exact: M_pi_row_le1.
have row s : \sum_u `|(1%:M - alpha *: M_pi + (alpha * gamma) *: (M_pi *m P)) s u| <= 1 - alpha * margin m gamma.
  apply: le_trans (row_1_M_P gamma M_pi_ge0 M_pi_row_le1 MP_ge0 alpha_ge0 alpha_le1 s) _.
  rewrite ler_add2l ler_opp2 ler_wpmul2l // ler_sub //; first by rewrite ler_add2r ler_wpmul2l ?ler0n.
  by rewrite -[X in _ <= X]mulr1 ler_wpmul2l.
apply: norm_le => //; have [N0|N_gt0] := posnP N.
  by case: N mu mu_sum1 N0 => // mu' /eqP; rewrite big_ord0 eq_sym oner_eq0.
by apply: le_trans (row (Ordinal N_gt0)); rewrite sumr_ge0.
Qed.

(** So L layers bring any values closer to v_pi by the factor (1 - alpha c)^L. *)
Theorem population_contracts v L :
  norm (iter L (population_update E mu P r gamma alpha) v - v_pi) <=
  (1 - alpha * margin m gamma) ^+ L * norm (v - v_pi).
Proof.
have inv := discounted_unit (stochastic_norm P_stochastic) gamma_lt1.
have q_ge0 := le_trans (norm_ge0 _) population_norm.
elim: L => [|l IH]; first by rewrite mul1r.
rewrite iterS; set w := iter l _ v in IH *.
have -> : population_update E mu P r gamma alpha w - v_pi =
          (1%:M - alpha *: M_pi + (alpha * gamma) *: (M_pi *m P)) *m (w - v_pi).
  have := population_update_adds E mu r alpha w inv; move/(canRL (subrK _)) => ->.
  rewrite -[v_pi - w]opprB; set e := w - v_pi.
  rewrite !mulmxN mulmxBl mul1mx -scalemxAl mulmxBr -scalemxAr !mulmxDl mulNmx mul1mx -!scalemxAl mulmxA.
  rewrite -addrA -/e; apply/colP => s; rewrite !(addmxE, oppmxE, scalemxE).
  by move: (e s 0) ((M_pi *m e) s 0) ((M_pi *m P *m e) s 0) => *; ring.
apply: le_trans (norm_mul _ _) _; rewrite exprS -mulrA.
exact: le_trans (ler_wpmul2r (norm_ge0 _) population_norm) (ler_wpmul2l q_ge0 IH).
Qed.

(** The loss of a context that has no end. *)
Theorem endless_loss L :
  (forall s, Nrm (x s) <= B) ->
  NEU (endless_values L) ^+ 2 <=
  (1 + `|gamma|) ^+ 2 * B ^+ 2 * (1 - alpha * margin m gamma) ^+ (2 * L)
  * norm v_pi ^+ 2.
Proof.
move=> x_le; have bellman : v_pi = r + gamma *: (P *m v_pi).
  by have [_ /(_ v_pi)[_ /(_ erefl)]] := bellman_has_one_solution r P_stochastic gamma_lt1.
have close := population_contracts 0 L; rewrite sub0r norm_opp in close.
have B_ge0 := features_ge0 mu_distribution Nrm_seminorm x_le.
have bound : NEU (endless_values L) <=
    (1 + `|gamma|) * B * ((1 - alpha * margin m gamma) ^+ L * norm v_pi).
  apply: le_trans (neu_bound P_stochastic bellman mu_distribution Nrm_seminorm _ x_le) _.
  by rewrite ler_wpmul2l // mulr_ge0 // addr_ge0.
by rewrite mulnC exprM -!exprMn -mulrA ler_sqr ?nnegrE ?NEU_ge0 // (le_trans (NEU_ge0 _) bound).
Qed.

End Endless.
(** In any context whatever, the loss grows by no more than the square
    of 1 + alpha (1 + |gamma|) in a layer. *)
Section AnyContext.
Variables (n : nat) (B : R).
Hypotheses (alpha_ge0 : 0 <= alpha) (x_le : forall s, Nrm (x s) <= B).

Lemma values_grow S L :
  norm r + (1 + `|gamma|) * norm (context_values n S L) <=
  (1 + alpha * (1 + `|gamma|)) ^+ L * norm r.
Proof.
have g_ge0 : 0 <= 1 + `|gamma| by rewrite addr_ge0.
elim: L => [|l IH]; first by rewrite norm0 mulr0 addr0 mul1r.
set v := context_values n S l in IH *.
have td_le k : `|td_error S (fun k => r (S k) 0) gamma v k| <= norm r + (1 + `|gamma|) * norm v.
  rewrite /td_error (_ : _ + _ * norm v = norm r + `|gamma| * norm v + norm v); last by ring.
  apply: le_trans (ler_norm_sub _ _) _; rewrite ler_add ?entry_le_norm //.
  by apply: le_trans (ler_norm_add _ _) _; rewrite ler_add ?entry_le_norm // normrM ler_wpmul2l ?entry_le_norm.
have step : norm (context_values n S l.+1) <= norm v + alpha * (norm r + (1 + `|gamma|) * norm v).
  apply: col_norm_le => [|s].
    by rewrite addr_ge0 ?norm_ge0 // mulr_ge0 // addr_ge0 ?norm_ge0 // mulr_ge0 ?norm_ge0.
  rewrite mxE; apply: le_trans (ler_norm_add _ _) _; rewrite ler_add ?entry_le_norm //.
  rewrite normrM (ger0_norm alpha_ge0) ler_wpmul2l //; apply: le_trans (ler_norm_sum _ _ _) _.
  apply: (@le_trans _ _ (\sum_(k < n) K n S E k s * (norm r + (1 + `|gamma|) * norm v))).
    by apply: ler_sum => k _; rewrite normrM (ger0_norm (K_ge0 _ _ E_ge0 _ _)) ler_wpmul2l ?K_ge0.
  rewrite -mulr_suml ler_pimull ?K_sum_le1 //.
  by rewrite addr_ge0 ?norm_ge0 // mulr_ge0 ?norm_ge0.
rewrite exprS -mulrA; apply: (@le_trans _ _ ((1 + alpha * (1 + `|gamma|)) * (norm r + (1 + `|gamma|) * norm v))).
  apply: le_trans (ler_add (lexx _) (ler_wpmul2l g_ge0 step)) _.
  rewrite le_eqVlt; apply/orP; left; apply/eqP.
  by move: (norm r) (norm v) `|gamma| => *; ring.
by rewrite ler_wpmul2l // addr_ge0 ?ler01 // mulr_ge0.
Qed.

(** The norm of the expected update in any context. *)
Theorem loss_grows_at_most S L :
  NEU (context_values n S L) <=
  B * norm r * (1 + alpha * (1 + `|gamma|)) ^+ L.
Proof.
have B_ge0 := features_ge0 mu_distribution Nrm_seminorm x_le.
apply: le_trans (NEU_le P r gamma mu_distribution Nrm_seminorm _ x_le) _.
rewrite -mulrA ler_wpmul2l // [norm r * _]mulrC; apply: le_trans (values_grow S L).
rewrite /bellman_error -addrA; apply: le_trans (norm_add _ _) _; rewrite ler_add2l.
apply: le_trans (norm_add _ _) _; rewrite norm_opp mulrDl mul1r addrC ler_add2l.
exact: discounted_le (stochastic_norm P_stochastic) _.
Qed.

(** Of the contexts of n transitions that do what bad says, from S_0 at random:
    their share of the expected loss. *)
Theorem loss_of_bad_contexts (bad : pred (n.+1.-tuple 'I_N)) L :
  expectation mu P (fun t : n.+1.-tuple 'I_N =>
    (bad t)%:R * NEU (context_values n (walk t) L) ^+ 2) <=
  Pr mu P bad * (B ^+ 2 * norm r ^+ 2 * (1 + alpha * (1 + `|gamma|)) ^+ (2 * L)).
Proof.
rewrite /Pr mulr_suml /expectation [X in _ <= X]big_mkcond; apply: ler_sum => t _.
case: (bad t); last by rewrite mul0r mulr0.
rewrite mul1r ler_wpmul2l ?path_weight_ge0 // mulnC exprM -!exprMn.
have grown := loss_grows_at_most (walk t) L.
by rewrite ler_sqr ?nnegrE ?NEU_ge0 // (le_trans (NEU_ge0 _) grown).
Qed.

End AnyContext.
End Loss.
