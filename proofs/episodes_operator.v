(** The operator of several episodes: the empirical model is substochastic where
    transitions terminate, and the contraction sees it. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries episodes operator norm contraction coverage.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N C : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : 'I_C -> 'I_N) (r : 'I_C -> R) (next : 'I_C -> option 'I_C).
Variables (visible : pred 'I_C) (gamma : R).
Notation K := (ep_K S visible E).

(** Whether column k reads the state u. *)
Definition reads (k : 'I_C) (u : 'I_N) : bool := omap S (next k) == Some u.

(** The visible columns' weights at the state s, gathered by the state u
    they leave. *)
Definition ep_Mhat : 'M[R]_N :=
  \matrix_(s, u) \sum_(k | visible k && (S k == u)) K k s.

(** The same, gathered by the state u they read; those that terminate read none. *)
Definition ep_Phat : 'M[R]_N :=
  \matrix_(s, u) \sum_(k | visible k && reads k u) K k s.

(** The weighted reward at s. *)
Definition ep_bhat : 'cV[R]_N := \col_s \sum_(k | visible k) K k s * r k.

(** One update multiplies by G (and adds alpha bhat). *)
Definition ep_G (alpha : R) : 'M[R]_N :=
  1%:M - alpha *: ep_Mhat + (alpha * gamma) *: ep_Phat.

(** How many transitions leave s. *)
Definition ep_visits (s : 'I_N) : nat := \sum_(k | visible k) (S k == s).

(** The empirical model's transitions: how often those out of s read u,
    which those that terminate do not; 0 if none leaves s. *)
Definition ep_Pe : 'M[R]_N :=
  \matrix_(s, u)
    ((\sum_(k | visible k && (S k == s)) (reads k u)%:R) / (ep_visits s)%:R).

(** The empirical model's rewards: the mean over the transitions out of s;
    0 if none leaves s. *)
Definition ep_rhat : 'cV[R]_N :=
  \col_s ((\sum_(k | visible k && (S k == s)) r k) / (ep_visits s)%:R).

(** The certainty-equivalent value: the exact value of the empirical model. *)
Definition ep_v_CE : 'cV[R]_N := invmx (1%:M - gamma *: ep_Pe) *m ep_rhat.

(** The contraction margin of the row s; the book's c' is the least of them. *)
Definition ep_margin (s : 'I_N) : R :=
  2%:R * ep_Mhat s s - 1 - `|gamma| * \sum_u ep_Phat s u.

End Definitions.

(** Substochastic: no entry below 0, and no row sums to more than 1. *)
Definition substochastic (R : realFieldType) N (M : 'M[R]_N) :=
  (forall s u, 0 <= M s u) /\ (forall s, \sum_u M s u <= 1).

Section Operator.
Variables (R : realFieldType) (N C : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : 'I_C -> 'I_N) (r : 'I_C -> R) (next : 'I_C -> option 'I_C).
Variables (visible : pred 'I_C) (gamma : R).
Implicit Types (v vs : 'cV[R]_N) (s u : 'I_N) (alpha : R).
Notation K := (ep_K S visible E).
Notation Mhat := (ep_Mhat E S visible).
Notation Phat := (ep_Phat E S next visible).
Notation bhat := (ep_bhat E S r visible).
Notation G := (ep_G E S next visible gamma).
Notation Pe := (ep_Pe R S next visible).
Notation rhat := (ep_rhat S r visible).
Notation v_CE := (ep_v_CE S r next visible gamma).
Notation row_margin := (ep_margin E S next visible gamma).
Notation td_update := (ep_update S r next visible gamma E).
Notation weighted_td := (ep_weighted_td S r next visible gamma E).

(** A column reads one state, or none. *)
Lemma reads_value v k : \sum_u (reads S next k u)%:R * v u 0 = next_value S next v k.
Proof.
rewrite /reads /next_value; case: (next k) => [l|] /=; last by rewrite big1 // => u _; rewrite mul0r.
rewrite (bigD1 (S l)) //= eqxx mul1r big1 ?addr0 // => u /negbTE ne.
by rewrite (_ : Some (S l) == Some u = false) ?mul0r // -ne eq_sym.
Qed.

Lemma reads_sum_le1 k : \sum_u (reads S next k u)%:R <= 1 :> R.
Proof.
have -> : \sum_u (reads S next k u)%:R = next_value S next (const_mx 1 : 'cV[R]_N) k.
  by rewrite -reads_value; apply: eq_bigr => u _; rewrite mxE mulr1.
by rewrite /next_value; case: (next k) => [l|]; rewrite ?mxE ?ler01.
Qed.

Lemma Phat_reads s u : Phat s u = \sum_(k | visible k) K k s * (reads S next k u)%:R.
Proof. by rewrite mxE big_mkcondr; apply: eq_bigr => k _; case: ifP; rewrite ?mulr1 ?mulr0. Qed.

(** What the rows of Mhat and Phat make of v:
    its weighted means over the sources, and over the states they read. *)
Lemma ep_Mhat_mul v s : (Mhat *m v) s 0 = \sum_(k | visible k) K k s * v (S k) 0.
Proof.
rewrite mxE (partition_big S xpredT) //; apply: eq_bigr => u _.
by rewrite mxE mulr_suml; apply: eq_bigr => k /andP[_ /eqP ->].
Qed.

Lemma ep_Phat_mul v s : (Phat *m v) s 0 = \sum_(k | visible k) K k s * next_value S next v k.
Proof.
rewrite mxE; under eq_bigr do rewrite Phat_reads mulr_suml.
rewrite exchange_big; apply: eq_bigr => k _ /=; rewrite -reads_value mulr_sumr.
by apply: eq_bigr => u _; rewrite mulrA.
Qed.

(** Weighted sums over the visible columns are Mhat times the means over the transitions
    out of each state. *)
Lemma ep_sum_of_means s (f : 'I_C -> R) :
  \sum_(k | visible k) K k s * f k =
  \sum_u Mhat s u * ((\sum_(k | visible k && (S k == u)) f k) / (ep_visits S visible u)%:R).
Proof.
rewrite (gather visible S (fun u => E s u / \sum_(i | visible i) E s (S i))).
by apply: eq_bigr => u _; rewrite mxE.
Qed.

(** The weighted states that are read are the weighted sources,
    moved by the empirical model. *)
Theorem ep_Phat_is_Mhat_Pe : Phat = Mhat *m Pe.
Proof.
apply/matrixP => s u; rewrite Phat_reads ep_sum_of_means mxE.
by apply: eq_bigr => w _; rewrite [Pe _ _]mxE.
Qed.

(** The weighted rewards are the weighted mean rewards of the empirical model. *)
Theorem ep_bhat_is_Mhat_rhat : bhat = Mhat *m rhat.
Proof.
by apply/colP => s; rewrite mxE ep_sum_of_means mxE; apply: eq_bigr => w _; rewrite [rhat _ _]mxE.
Qed.

(** The empirical model is substochastic: what is missing from a row
    is the share of its transitions that terminate. *)
Theorem ep_Pe_substochastic : substochastic Pe.
Proof.
split=> [s u|s]; first by rewrite mxE divr_ge0 ?ler0n ?sumr_ge0 // => k _; apply: ler0n.
under eq_bigr do rewrite mxE; rewrite -mulr_suml exchange_big /=.
apply: (@le_trans _ _ ((ep_visits S visible s)%:R / (ep_visits S visible s)%:R)).
  rewrite ler_wpmul2r ?invr_ge0 ?ler0n // /ep_visits natr_sum.
  rewrite [X in _ <= X](bigID (fun k => S k == s)) /= [X in _ <= _ + X]big1 ?addr0 => [|k /andP[_ /negbTE ->//]].
  by apply: ler_sum => k /andP[_ ->]; apply: reads_sum_le1.
by case: (eqVneq (ep_visits S visible s) 0%N) => [->|some]; rewrite ?mul0r ?ler01 // divff ?pnatr_eq0.
Qed.

(** One update of weighted TD is affine: it applies G and adds alpha bhat. *)
Theorem ep_update_is_operator alpha v :
  td_update alpha v = G alpha *m v + alpha *: bhat.
Proof.
apply/colP => s; rewrite /ep_G !mulmxDl mulNmx -!scalemxAl mul1mx.
rewrite !(addmxE, oppmxE, scalemxE) ep_Mhat_mul ep_Phat_mul [LHS]mxE [bhat s 0]mxE.
rewrite -mulrA !mulr_sumr -!addrA; congr (_ + _).
rewrite -!sumrN -!big_split; apply: eq_bigr => k _ /=; rewrite /ep_error.
by move: (K k s) (next_value _ _ _ _) (v _ _) => *; ring.
Qed.

(** The same, as preconditioned Richardson iteration on the empirical equation
    v = rhat + gamma Pe v. *)
Theorem ep_richardson alpha v :
  td_update alpha v = v + alpha *: (Mhat *m (rhat + gamma *: (Pe *m v) - v)).
Proof.
rewrite ep_update_is_operator /ep_G ep_Phat_is_Mhat_Pe ep_bhat_is_Mhat_rhat !mulmxDl mulNmx -!scalemxAl mul1mx.
rewrite mulmxBr mulmxDr -scalemxAr -mulmxA; apply/colP => s; rewrite !(addmxE, oppmxE, scalemxE).
by move: (v s 0) ((Mhat *m v) s 0) ((Mhat *m rhat) s 0) ((Mhat *m (Pe *m v)) s 0) => *; ring.
Qed.

(** G moves the distance to a fixed point. *)
Lemma ep_error_step alpha v vs :
  vs = G alpha *m vs + alpha *: bhat -> td_update alpha v - vs = G alpha *m (v - vs).
Proof. by move=> {1}->; rewrite ep_update_is_operator mulmxBr opprD addrACA subrr addr0. Qed.

(** What G makes of the value function that is 1 everywhere:
    its multiple by 1 - alpha (1 - gamma) where no transition terminates, for there
    Mhat Pe 1 = 1. *)
Theorem ep_G_one alpha :
  (forall s u, 0 < E s u) -> (exists k, visible k) ->
  let one := const_mx 1 : 'cV[R]_N in
  G alpha *m one = (1 - alpha) *: one + (alpha * gamma) *: (Mhat *m (Pe *m one)).
Proof.
move=> E_gt0 [k vis_k] one; rewrite mulmxA -ep_Phat_is_Mhat_Pe /ep_G !mulmxDl mulNmx -!scalemxAl mul1mx.
suff -> : Mhat *m one = one by rewrite scalerBl scale1r.
apply/colP => s; rewrite ep_Mhat_mul [RHS]mxE.
under eq_bigr do rewrite mxE mulr1; rewrite -mulr_suml divff // lt0r_neq0 // (bigD1 k) //=.
by rewrite ltr_paddr // sumr_ge0 // => i _; apply: ltW.
Qed.

(** Weights that are not negative, at least one state,
    and c at most every row's margin. *)
Section Contraction.
Variables (alpha c : R).
Hypothesis E_ge0 : forall s u, 0 <= E s u.
Hypothesis N_gt0 : (0 < N)%N.
Hypothesis c_le : forall s, c <= row_margin s.
Hypotheses (alpha_ge0 : 0 <= alpha) (alpha_le1 : alpha <= 1).

Lemma ep_K_ge0 k s : 0 <= K k s.
Proof. by rewrite divr_ge0 // sumr_ge0. Qed.

Lemma ep_Mhat_row_le1 s : \sum_u Mhat s u <= 1.
Proof.
under eq_bigr do rewrite mxE; rewrite -(partition_big S xpredT) // -mulr_suml.
case: (eqVneq (\sum_(i | visible i) E s (S i)) 0) => [->|Z0]; first by rewrite mul0r ler01.
by rewrite divff.
Qed.

(** No row of |G| sums to more than 1 - alpha c. *)
Theorem ep_operator_norm_bound : norm (G alpha) <= 1 - alpha * c.
Proof.
have row s : \sum_u `|G alpha s u| <= 1 - alpha * c.
  apply: le_trans (row_1_M_P _ _ ep_Mhat_row_le1 _ alpha_ge0 alpha_le1 s) _.
  - by move=> *; rewrite mxE sumr_ge0 // => k _; apply: ep_K_ge0.
  - by move=> *; rewrite mxE sumr_ge0 // => k _; apply: ep_K_ge0.
  by rewrite ler_add2l ler_opp2 ler_wpmul2l //; exact: c_le.
by apply: norm_le => //; apply: le_trans (row (Ordinal N_gt0)); apply: sumr_ge0.
Qed.

(** So the distance to a fixed point shrinks geometrically in the depth. *)
Theorem ep_contraction v0 vs L :
  vs = G alpha *m vs + alpha *: bhat ->
  norm (weighted_td (fun _ => alpha) v0 L - vs) <=
  (1 - alpha * c) ^+ L * norm (v0 - vs).
Proof.
move=> fix_vs; elim: L => [|l IH] /=; first by rewrite mul1r.
rewrite ep_error_step // exprS -mulrA; apply: le_trans (norm_mul _ _) _.
have q_ge0 := le_trans (norm_ge0 _) ep_operator_norm_bound.
by rewrite ler_pmul ?norm_ge0 ?ep_operator_norm_bound.
Qed.

End Contraction.

(** A solution of the empirical equation is a fixed point of every layer,
    and where Mhat has an inverse there is no other. *)
Theorem ep_fixed_is_bellman alpha v :
  alpha != 0 -> Mhat \in unitmx ->
  td_update alpha v = v <-> v = rhat + gamma *: (Pe *m v).
Proof.
move=> alpha0 inv; rewrite ep_richardson; split=> [|vE]; last first.
  by rewrite -vE subrr mulmx0 scaler0 addr0.
rewrite -[RHS]addr0 => /addrI/eqP; rewrite scaler_eq0 (negbTE alpha0) /= => /eqP.
by rewrite -(mulmx0 _ Mhat) => /(can_inj (mulKmx inv))/subr0_eq.
Qed.

(** If every row's margin is at least c > 0, the empirical equation has one
    solution, v_CE, at gamma = 1 too, and every update whose step size alpha is in
    [0, 1] multiplies the distance to it by 1 - alpha c at most. *)
Theorem ep_certainty_equivalence c :
  (0 < N)%N -> (forall s u, 0 <= E s u) ->
  (forall s, c <= row_margin s) -> 0 < c ->
  1%:M - gamma *: Pe \in unitmx /\
  forall alpha v0 L, 0 <= alpha -> alpha <= 1 ->
    norm (weighted_td (fun _ => alpha) v0 L - v_CE) <=
    (1 - alpha * c) ^+ L * norm (v0 - v_CE).
Proof.
move=> N_gt0 E_ge0 c_le c_gt0.
have inv : 1%:M - gamma *: Pe \in unitmx.
  apply/negPn/negP => /singular_kernel[u u0]; rewrite mulmxBl mul1mx -scalemxAl => /subr0_eq uE.
  have Gu : G 1 *m u = u.
    rewrite /ep_G ep_Phat_is_Mhat_Pe !mulmxDl mulNmx mul1mx -!scalemxAl !mul1r scale1r -mulmxA.
    by rewrite scalemxAr -uE subrK.
  have u_gt0 : 0 < norm u by rewrite lt_neqAle norm_ge0 andbT eq_sym norm_eq0.
  have := ep_operator_norm_bound E_ge0 N_gt0 c_le ler01 (lexx _); rewrite mul1r => bound.
  suff: norm u < norm u by rewrite ltxx.
  rewrite -{1}Gu; apply: le_lt_trans (norm_mul _ _) _.
  apply: le_lt_trans (ler_wpmul2r (norm_ge0 _) bound) _.
  by rewrite gtr_pmull // ltr_subl_addr ltr_addl.
split=> // alpha v0 L alpha_ge0 alpha_le1; apply: ep_contraction => //.
have v_CE_bellman : rhat + gamma *: (Pe *m v_CE) - v_CE = 0.
  by rewrite -{1}[rhat](mulKVmx inv) mulmxBl mul1mx -scalemxAl subrK subrr.
by rewrite -ep_update_is_operator ep_richardson v_CE_bellman mulmx0 scaler0 addr0.
Qed.
End Operator.

Section Transformer.
Variables (R : realFieldType) (exp : R -> R) (N C d : nat).
Variables (S : 'I_C -> 'I_N) (r : 'I_C -> R) (next : 'I_C -> option 'I_C).
Variables (visible : pred 'I_C) (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d).
Variables (gamma alpha c : R).
Notation E := (fun s u => exp (score x A s u)).
Notation G := (ep_G E S next visible gamma).
Notation bhat := (ep_bhat E S r visible).

(** The L-layer softmax transformer's value in every column, hidden ones too,
    comes as near to a fixed point's. *)
Theorem episodes_contraction (v0 vs : 'cV[R]_N) L j :
  (forall t, 0 <= exp t) -> (forall s, c <= ep_margin E S next visible gamma s) ->
  0 <= alpha -> alpha <= 1 -> vs = G alpha *m vs + alpha *: bhat ->
  `|transformer (shift_of R next) (softmax exp visible) A gamma (fun _ => alpha) L
      (ep_prompt S r next gamma x v0) (value_row d) j - vs (S j) 0| <=
  (1 - alpha * c) ^+ L * norm (v0 - vs).
Proof.
move=> exp_ge0 c_le alpha_ge0 alpha_le1 fix_vs; rewrite episodes_transformer ep_prompt_value.
have E_ge0 s u : 0 <= E s u by [].
have N_gt0 : (0 < N)%N by case: (N) (S j) => [[]|].
apply: le_trans (ep_contraction E_ge0 N_gt0 c_le alpha_ge0 alpha_le1 v0 L fix_vs).
by have := entry_le_norm (ep_softmax_td S r next visible gamma x exp A (fun _ => alpha) v0 L - vs) (S j) 0; rewrite !mxE.
Qed.

End Transformer.

(** The context S_0, R_1, S_1, ..., R_n, S_n. *)
Section OneTrajectory.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Notation columns := (fun j : 'I_n.+1 => S j).
Notation rewards := (fun j : 'I_n.+1 => if (j < n)%N then r j else 0).
Notation next := (@following n).

Lemma sum_sources_if (P : pred 'I_n.+1) (F : 'I_n.+1 -> R) :
  \sum_(k | sources k && P k) F k =
  \sum_(k < n | P (widen_ord (leqnSn n) k)) F (widen_ord (leqnSn n) k).
Proof. by rewrite big_mkcondr sum_sources [RHS]big_mkcond. Qed.

Lemma reads_one (k : 'I_n) u : reads columns next (widen_ord (leqnSn n) k) u = (S k.+1 == u).
Proof. by rewrite /reads /following /= ltn_ord /= inordK // ltnS. Qed.

(** One trajectory without endings is the special case: the same operator,
    and the same empirical model. *)
Theorem one_trajectory_operator :
  [/\ forall alpha,
        ep_G E columns next (@sources n) gamma alpha = G n E S gamma alpha,
      ep_bhat E columns rewards (@sources n) = bhat n E S r,
      ep_Pe R columns next (@sources n) = Pe R n S
    & ep_rhat columns rewards (@sources n) = rhat n S r].
Proof.
have KE (k : 'I_n) s : ep_K columns (@sources n) E (widen_ord (leqnSn n) k) s = K n S E k s.
  by rewrite /ep_K sum_sources.
have visitsE s : (ep_visits columns (@sources n) s)%:R = (visits n S s)%:R :> R.
  by rewrite /ep_visits /visits !natr_sum sum_sources.
have MhatE : ep_Mhat E columns (@sources n) = Mhat n E S.
  by apply/matrixP => s u; rewrite !mxE sum_sources_if; apply: eq_bigr => k _; rewrite KE.
have PhatE : ep_Phat E columns next (@sources n) = Phat n E S.
  apply/matrixP => s u; rewrite !mxE sum_sources_if.
  by under eq_bigl do rewrite reads_one; apply: eq_bigr => k _; rewrite KE.
split=> [alpha|||]; first by rewrite /ep_G MhatE PhatE.
- by apply/colP => s; rewrite !mxE sum_sources; apply: eq_bigr => k _; rewrite KE /= ltn_ord.
- apply/matrixP => s u; rewrite !mxE visitsE sum_sources_if.
  by congr (_ / _); apply: eq_bigr => k _; rewrite reads_one.
apply/colP => s; rewrite !mxE visitsE sum_sources_if.
by congr (_ / _); apply: eq_bigr => k _; rewrite /= ltn_ord.
Qed.

End OneTrajectory.
