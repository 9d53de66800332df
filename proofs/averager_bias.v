(** averagers: where the limit of the kernel averager misses the value
    of the empirical model, and by how much. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman.
From icrl Require Import coverage certainty_equivalence averagers.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Bias.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Implicit Types (v w : 'cV[R]_N) (s u : 'I_N).
Notation Mhat := (Mhat n E S).
Notation Phat := (Phat n E S).
Notation bhat := (bhat n E S r).
Notation Pe := (Pe R n S).
Notation rhat := (rhat n S r).
Notation v_A := (v_A n E S r gamma).
Notation v_CE := (v_CE n S r gamma).
Hypothesis E_ge0 : forall s u, 0 <= E s u.

Lemma v_AE : v_A = invmx (1%:M - gamma *: Phat) *m bhat.
Proof. by rewrite Phat_is_Mhat_Pe bhat_is_Mhat_rhat. Qed.

(** Where an averager errs: by how much v_A misses v_CE. *)
Theorem average_bias :
  `|gamma| < 1 ->
  v_A - v_CE = invmx (1%:M - gamma *: Phat) *m (Mhat *m v_CE - v_CE).
Proof.
move=> gamma_lt1; have inv := discounted_unit (Phat_norm n S E_ge0) gamma_lt1.
have [_ /(_ v_CE)[_ /(_ erefl) fix_v_CE]] := certainty_equivalent_value n S r gamma_lt1.
rewrite -[v_A - v_CE](mulKmx inv); congr (_ *m _); rewrite mulmxBr.
rewrite v_AE mulKVmx // mulmxBl mul1mx -scalemxAl.
have -> : Mhat *m v_CE = bhat + gamma *: (Phat *m v_CE).
  by rewrite {1}fix_v_CE mulmxDr -scalemxAr mulmxA -Phat_is_Mhat_Pe -bhat_is_Mhat_rhat.
by rewrite opprB addrA addrAC.
Qed.

(** The two values agree exactly if Mhat keeps v_CE. *)
Theorem average_unbiased_iff :
  `|gamma| < 1 -> v_A = v_CE <-> Mhat *m v_CE = v_CE.
Proof.
move=> gamma_lt1; have inv := discounted_unit (Phat_norm n S E_ge0) gamma_lt1.
split=> [same|kept]; apply/eqP; rewrite -subr_eq0; last by rewrite average_bias // kept subrr mulmx0.
have /(congr1 (mulmx (1%:M - gamma *: Phat))) := average_bias gamma_lt1.
by rewrite same subrr mulmx0 mulKVmx // => <-.
Qed.

(** From here on every row of Mhat sums to 1, m is at most every entry on its
    diagonal, and e at most every other. *)
Section Bounds.
Hypothesis Z_neq0 : forall s, \sum_(k < n) E s (S k) != 0.
Variables (m : R) (e : R).
Hypothesis m_le : forall s, m <= Mhat s s.
Hypotheses (e_ge0 : 0 <= e) (e_le : forall s u, s != u -> e <= Mhat s u).

(** What smoothing makes of v at s. *)
Lemma smoothing_at v s : (Mhat *m v - v) s 0 = \sum_u Mhat s u * (v u 0 - v s 0).
Proof.
have [_ stoch] := Mhat_stochastic Z_neq0 E_ge0.
rewrite addmxE oppmxE mxE -[v s 0 in LHS]mul1r -(stoch s) mulr_suml -sumrB.
by apply: eq_bigr => u _; rewrite mulrBr.
Qed.

(** The error v_A - v_CE is at most (1 - m) / (1 - |gamma|) times any bound
    on the differences of v_CE. *)
Theorem average_bias_at_most span :
  `|gamma| < 1 ->
  (forall s u, v_CE s 0 - v_CE u 0 <= span) ->
  norm (v_A - v_CE) <= (1 - m) * span / (1 - `|gamma|).
Proof.
move=> gamma_lt1 span_le; have inv := discounted_unit (Phat_norm n S E_ge0) gamma_lt1.
have [_ stoch] := Mhat_stochastic Z_neq0 E_ge0; have g_gt0 : 0 < 1 - `|gamma| by rewrite subr_gt0.
have span_abs s u : `|v_CE s 0 - v_CE u 0| <= span.
  by rewrite ler_norml span_le andbT ler_oppl opprB span_le.
have smoothing_le : norm (Mhat *m v_CE - v_CE) <= (1 - m) * span.
  have bound s : `|(Mhat *m v_CE - v_CE) s 0| <= (1 - m) * span.
    have span_ge0 := le_trans (normr_ge0 _) (span_abs s s).
    rewrite smoothing_at (bigD1 s) //= subrr mulr0 add0r.
    apply: le_trans (ler_norm_sum _ _ _) _.
    apply: (@le_trans _ _ (\sum_(u | u != s) Mhat s u * span)).
      by apply: ler_sum => u _; rewrite normrM (ger0_norm (Mhat_ge0 _ _ E_ge0 _ _)) ler_wpmul2l ?Mhat_ge0.
    rewrite -mulr_suml ler_wpmul2r // ler_subr_addl -(stoch s) [X in _ <= X](bigD1 s) //=.
    by rewrite ler_add2r.
  by apply: col_norm_le => //; apply: le_trans (bound (S 0%N)).
rewrite ler_pdivl_mulr // mulrC mulrBl mul1r ler_subl_addr.
have stepE : v_A - v_CE = (Mhat *m v_CE - v_CE) + gamma *: (Phat *m (v_A - v_CE)).
  have /(congr1 (mulmx (1%:M - gamma *: Phat))) := average_bias gamma_lt1.
  by rewrite mulKVmx // mulmxBl mul1mx -scalemxAl => <-; rewrite subrK.
rewrite {1}stepE; apply: le_trans (norm_add _ _) _; apply: ler_add => //.
by apply: discounted_le (Phat_norm n S E_ge0) _.
Qed.

(** And it is at least e / (1 + |gamma|) times each of these differences. *)
Theorem average_bias_at_least s u :
  `|gamma| < 1 ->
  e * (v_CE s 0 - v_CE u 0) / (1 + `|gamma|) <= norm (v_A - v_CE).
Proof.
move=> gamma_lt1; have inv := discounted_unit (Phat_norm n S E_ge0) gamma_lt1.
have g_gt0 : 0 < 1 + `|gamma| by rewrite (lt_le_trans ltr01) // ler_addl.
rewrite ler_pdivr_mulr // [X in _ <= X]mulrC mulrDl mul1r.
have stepE : Mhat *m v_CE - v_CE = (v_A - v_CE) - gamma *: (Phat *m (v_A - v_CE)).
  have /(congr1 (mulmx (1%:M - gamma *: Phat))) := average_bias gamma_lt1.
  by rewrite mulKVmx // mulmxBl mul1mx -scalemxAl => <-.
apply: (@le_trans _ _ (norm (Mhat *m v_CE - v_CE))); last first.
  rewrite stepE; apply: le_trans (norm_add _ _) _.
  by rewrite norm_opp ler_add2l; apply: discounted_le (Phat_norm n S E_ge0) _.
pose low := [arg min_(t < u) v_CE t 0]%O.
have low_le t : v_CE low 0 <= v_CE t 0 by rewrite /low; case: arg_minP => // i _; apply.
have away_ge0 t : 0 <= v_CE t 0 - v_CE low 0 by rewrite subr_ge0.
apply: le_trans (entry_le_norm _ low 0); apply: le_trans (ler_norm _).
rewrite smoothing_at; apply: (@le_trans _ _ (e * (v_CE s 0 - v_CE low 0))).
  by rewrite ler_wpmul2l // ler_add2l ler_opp2.
have [->|ne] := eqVneq s low.
  by rewrite subrr mulr0 sumr_ge0 // => w _; rewrite mulr_ge0 ?Mhat_ge0.
rewrite (bigD1 s) //= ler_paddr ?sumr_ge0 // => [t _|]; first by rewrite mulr_ge0 ?Mhat_ge0.
by rewrite ler_wpmul2r // e_le // eq_sym.
Qed.

End Bounds.

End Bias.

(** With positive weights, where each state is left, the two values agree
    only by accident. *)
Section Apart.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Hypothesis E_gt0 : forall s u, 0 < E s u.
Hypothesis covered : forall s, source n S s.
Notation Mhat := (Mhat n E S).
Notation Pe := (Pe R n S).
Notation rhat := (rhat n S r).
Notation v_A := (v_A n E S r gamma).
Notation v_CE := (v_CE n S r gamma).

(** Rewards differ by at most 1 + |gamma| times a bound
    on the differences of v_CE. *)
Theorem rewards_differ_less span s u :
  `|gamma| < 1 ->
  (forall s u, v_CE s 0 - v_CE u 0 <= span) ->
  rhat s 0 - rhat u 0 <= (1 + `|gamma|) * span.
Proof.
move=> gamma_lt1 span_le.
have [_ /(_ v_CE)[_ /(_ erefl) fix_v_CE]] := certainty_equivalent_value n S r gamma_lt1.
have rE t : rhat t 0 = v_CE t 0 - gamma * (Pe *m v_CE) t 0.
  by rewrite {1}fix_v_CE addmxE scalemxE addrK.
have sum1 t : \sum_w Pe t w = 1 by rewrite Pe_row covered.
have mean_le t c : (forall w, v_CE w 0 <= c) -> (Pe *m v_CE) t 0 <= c.
  move=> v_le; rewrite mxE -[c]mul1r -(sum1 t) mulr_suml.
  by apply: ler_sum => w _; rewrite ler_wpmul2l ?Pe_ge0.
have le_mean t c : (forall w, c <= v_CE w 0) -> c <= (Pe *m v_CE) t 0.
  move=> le_v; rewrite mxE -[c]mul1r -(sum1 t) mulr_suml.
  by apply: ler_sum => w _; rewrite ler_wpmul2l ?Pe_ge0.
have one_way t t' : (Pe *m v_CE) t 0 - (Pe *m v_CE) t' 0 <= span.
  rewrite ler_subl_addr -ler_subl_addl; apply: le_mean => w; rewrite ler_subl_addl.
  by apply: mean_le => w'; rewrite -ler_subl_addr.
have both : `|(Pe *m v_CE) s 0 - (Pe *m v_CE) u 0| <= span.
  by rewrite ler_norml one_way andbT ler_oppl opprB one_way.
rewrite !rE (_ : _ - _ = (v_CE s 0 - v_CE u 0) + gamma * ((Pe *m v_CE) u 0 - (Pe *m v_CE) s 0)).
  rewrite mulrDl mul1r ler_add // (le_trans (ler_norm _)) // normrM distrC.
  by rewrite ler_wpmul2l.
by move: (v_CE s 0) (v_CE u 0) ((Pe *m v_CE) s 0) ((Pe *m v_CE) u 0) => *; ring.
Qed.

(** So they agree only if v_CE is constant, and then so are the mean rewards. *)
Theorem average_agrees_only_if_constant :
  `|gamma| < 1 -> v_A = v_CE ->
  (forall s u, v_CE s 0 = v_CE u 0) /\ (forall s u, rhat s 0 = rhat u 0).
Proof.
move=> gamma_lt1; have E_ge0 s u : 0 <= E s u by exact: ltW.
move/(average_unbiased_iff n S r E_ge0 gamma_lt1) => kept.
have v_le s u : v_CE s 0 <= v_CE u 0.
  pose low := [arg min_(t < u) v_CE t 0]%O.
  have low_le t : v_CE low 0 <= v_CE t 0 by rewrite /low; case: arg_minP => // i _; apply.
  have Z_neq0 t : \sum_(k < n) E t (S k) != 0 by apply: (sum_E_neq0 S E_gt0 (source_n_gt0 (covered t))).
  have := smoothing_at E_ge0 Z_neq0 v_CE low; rewrite kept subrr mxE => /esym/eqP.
  rewrite psumr_eq0 => [|t _]; last by rewrite mulr_ge0 ?Mhat_ge0 ?subr_ge0.
  move/allP/(_ s (mem_index_enum s)); rewrite mulf_eq0 gt_eqF ?Mhat_gt0 //= subr_eq0 => /eqP->.
  exact: low_le.
have constant s u : v_CE s 0 = v_CE u 0 by apply/le_anti; rewrite !v_le.
split=> // s u; have r_le a b : rhat a 0 <= rhat b 0.
  rewrite -subr_le0 -(mulr0 (1 + `|gamma|)); apply: rewards_differ_less => // t t'.
  by rewrite (constant t t') subrr.
by apply/le_anti; rewrite !r_le.
Qed.

End Apart.
