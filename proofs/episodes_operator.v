(** The operator of several episodes: the empirical model is substochastic where
    transitions terminate, and knows nothing outside W. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries episodes operator.
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

(** W: the states that visible columns leave, and those that they read. A terminal
    state that is never left is not in it. *)
Definition ep_W (s : 'I_N) : bool :=
  [exists k, visible k && ((S k == s) || reads k s)].

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

(** Of the transitions out of s, the share that terminates (the book's e);
    0 if none leaves s. *)
Definition ep_ending (s : 'I_N) : R :=
  (\sum_(k | visible k && (S k == s)) (next k == None)%:R) / (ep_visits s)%:R.

(** The certainty-equivalent value: the exact value of the empirical model. *)
Definition ep_v_CE : 'cV[R]_N := invmx (1%:M - gamma *: ep_Pe) *m ep_rhat.

End Definitions.

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
Notation W := (ep_W S next visible).
Notation visits := (ep_visits S visible).
Notation ending := (ep_ending R S next visible).
Notation one := (const_mx 1 : 'cV[R]_N).
Notation td_update := (ep_update S r next visible gamma E).
Notation weighted_td := (ep_weighted_td S r next visible gamma E).

(** A column reads one state, or none. *)
Lemma reads_value v k : \sum_u (reads S next k u)%:R * v u 0 = next_value S next v k.
Proof.
rewrite /reads /next_value; case: (next k) => [l|] /=; last by rewrite big1 // => u _; rewrite mul0r.
exact: sum_delta.
Qed.

Lemma reads_sum k : \sum_u (reads S next k u)%:R = (next k != None)%:R :> R.
Proof.
have -> : \sum_u (reads S next k u)%:R = next_value S next one k.
  by rewrite -reads_value; apply: eq_bigr => u _; rewrite mxE mulr1.
by rewrite /next_value; case: (next k) => [l|]; rewrite ?mxE.
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

Lemma ep_visits_sum s : (visits s)%:R = \sum_(k | visible k && (S k == s)) 1 :> R.
Proof. by rewrite natr_sum big_mkcondr; apply: eq_bigr => k _; case: eqP. Qed.

(** A row of the empirical model sums to the share of its transitions that go on. *)
Lemma ep_Pe_row s :
  \sum_u Pe s u = (\sum_(k | visible k && (S k == s)) (next k != None)%:R) / (visits s)%:R.
Proof.
under eq_bigr do rewrite mxE; rewrite -mulr_suml exchange_big; congr (_ / _).
by apply: eq_bigr => k _; exact: reads_sum.
Qed.

(** The empirical model is substochastic: no entry is negative, and what is missing
    from a row is the share of its transitions that terminate; the row is 0 where no
    transition leaves the state. *)
Theorem ep_Pe_rows s :
  [/\ forall u, 0 <= Pe s u,
      (0 < visits s)%N -> \sum_u Pe s u = 1 - ending s
    & visits s = 0%N -> \sum_u Pe s u = 0].
Proof.
split=> [u|some|none]; first by rewrite mxE divr_ge0 ?ler0n ?sumr_ge0 // => k _; apply: ler0n.
  have <- : (visits s)%:R / (visits s)%:R = 1 :> R by rewrite divff // pnatr_eq0 -lt0n.
  rewrite ep_Pe_row /ep_ending -mulrBl; congr (_ / _); rewrite ep_visits_sum -sumrB.
  by apply: eq_bigr => k _; case: (next k) => [l|]; rewrite /= ?subr0 ?subrr.
by rewrite ep_Pe_row none invr0 mulr0.
Qed.

(** Nothing leads from any state to one outside W, and nothing is known
    of the states outside. *)
Theorem ep_W_is_closed s u :
  ~~ W u ->
  [/\ Mhat s u = 0, Phat s u = 0, Pe s u = 0, Pe u s = 0 & rhat u 0 = 0].
Proof.
rewrite negb_exists => /forallP out.
have left k : visible k && (S k == u) = false by apply: contraNF (out k) => /andP[-> ->].
have read k : visible k && reads S next k u = false by apply: contraNF (out k) => /andP[-> ->]; rewrite orbT.
rewrite !mxE !(big_pred0 _ _ _ _ left) (big_pred0 _ _ _ _ read) !mul0r; split=> //.
by rewrite big1 ?mul0r // => k /andP[vis _]; move: (read k); rewrite vis /= => ->.
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

(** A row of Mhat sums to 1 where the visible weights do not sum to 0. *)
Lemma ep_Mhat_row s : \sum_(i | visible i) E s (S i) != 0 -> \sum_u Mhat s u = 1.
Proof. by move=> Z0; under eq_bigr do rewrite mxE; rewrite -(partition_big S xpredT) // -mulr_suml divff. Qed.

(** What G makes of the value function that is 1 everywhere. *)
Theorem ep_G_one alpha s :
  \sum_(i | visible i) E s (S i) != 0 ->
  (G alpha *m one) s 0 = 1 + alpha * gamma * (Mhat *m (Pe *m one)) s 0 - alpha.
Proof.
move=> /ep_Mhat_row row; rewrite mulmxA -ep_Phat_is_Mhat_Pe /ep_G !mulmxDl mulNmx -!scalemxAl mul1mx.
have Mhat1 : (Mhat *m one) s 0 = 1 by rewrite mxE -[RHS]row; apply: eq_bigr => u _; rewrite [one _ _]mxE mulr1.
by rewrite !(addmxE, oppmxE, scalemxE) Mhat1 [one _ _]mxE; move: ((Phat *m one) s 0) => *; ring.
Qed.

(** Where nothing terminates, G multiplies 1 by 1 + alpha gamma - alpha. *)
Theorem ep_G_one_endless alpha s :
  (forall k, visible k -> next k != None) ->
  \sum_(i | visible i) E s (S i) != 0 ->
  (G alpha *m one) s 0 = 1 + alpha * gamma - alpha.
Proof.
move=> endless Z0; rewrite ep_G_one // mulmxA -ep_Phat_is_Mhat_Pe ep_Phat_mul.
rewrite (eq_bigr (fun k => K k s)) => [|k /endless]; last first.
  by rewrite /next_value; case: (next k) => [l|//] _; rewrite mxE mulr1.
by rewrite -mulr_suml divff // mulr1.
Qed.

End Operator.

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
