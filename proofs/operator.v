(** The layer as an operator on values: Mhat, Phat, bhat, G;
    and the context's empirical model Pe, rhat. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).

(** The transitions' weights at the state s, gathered by the state u they leave. *)
Definition Mhat : 'M[R]_N := \matrix_(s, u) \sum_(k < n | S k == u) K n S E k s.

(** The same, gathered by the state u they reach. *)
Definition Phat : 'M[R]_N := \matrix_(s, u) \sum_(k < n | S k.+1 == u) K n S E k s.

(** The weighted reward at s. *)
Definition bhat : 'cV[R]_N := \col_s \sum_(k < n) K n S E k s * r k.

(** One update multiplies by G (and adds alpha bhat). *)
Definition G (alpha : R) : 'M[R]_N :=
  1%:M - alpha *: Mhat + (alpha * gamma) *: Phat.

(** How many transitions leave s. *)
Definition visits (s : 'I_N) : nat := \sum_(k < n) (S k == s).

(** The empirical model's transitions: how often those out of s reach u;
    0 if none leaves s. *)
Definition Pe : 'M[R]_N :=
  \matrix_(s, u) ((\sum_(k < n | S k == s) (S k.+1 == u)%:R) / (visits s)%:R).

(** The empirical model's rewards: the mean of r over the transitions out of s,
    as it is of any other numbers in the place of r; 0 if none leaves s. *)
Definition rhat : 'cV[R]_N :=
  \col_s ((\sum_(k < n | S k == s) r k) / (visits s)%:R).

(** A state is a source if some transition leaves it. *)
Definition source (s : 'I_N) : bool := (0 < visits s)%N.

(** Row-stochastic: no entry below 0, and every row sums to 1. *)
Definition stochastic (M : 'M[R]_N) :=
  (forall s u, 0 <= M s u) /\ (forall s, \sum_u M s u = 1).

End Definitions.

(** If the weight of k depends on its state f k alone, a weighted sum is a sum over states
    of the weight there times the mean there; x / 0 = 0. *)
Lemma gather (R : realFieldType) N (I : finType) (P : pred I) (f : I -> 'I_N) (w : 'I_N -> R) (F : I -> R) :
  \sum_(k | P k) w (f k) * F k =
  \sum_u (\sum_(k | P k && (f k == u)) w (f k)) *
         ((\sum_(k | P k && (f k == u)) F k) / (\sum_(k | P k) (f k == u))%:R).
Proof.
rewrite (partition_big f xpredT) //; apply: eq_bigr => u _.
have -> : \sum_(k | P k && (f k == u)) w (f k) * F k = w u * \sum_(k | P k && (f k == u)) F k.
  by rewrite mulr_sumr; apply: eq_bigr => k /andP[_ /eqP->].
have -> : \sum_(k | P k && (f k == u)) w (f k) = w u * (\sum_(k | P k) (f k == u))%:R.
  rewrite natr_sum mulr_sumr big_mkcondr; apply: eq_bigr => k _.
  by case: eqP => [->|_] /=; rewrite ?mulr1 ?mulr0.
case: (eqVneq (\sum_(k | P k) (f k == u)) 0)%N => [/eqP none|some].
  rewrite (_ : \sum_(k | P k && _) _ = 0) ?mul0r ?mulr0 //; apply: big1 => k /andP[Pk fk].
  by move: none; rewrite sum_nat_eq0 => /forall_inP/(_ k Pk); rewrite fk.
have some' : (\sum_(k | P k) (f k == u))%:R != 0 :> R by rewrite pnatr_eq0.
by move: (w u) (\sum_(k | P k && _) F k) (_%:R) some' => e S c c0; field.
Qed.

Section Operator.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Implicit Types (v vs : 'cV[R]_N) (s u : 'I_N) (alpha : R).
Notation K := (K n S E).
Notation Mhat := (Mhat n E S).
Notation Phat := (Phat n E S).
Notation bhat := (bhat n E S r).
Notation G := (G n E S gamma).
Notation Pe := (Pe R n S).
Notation rhat := (rhat n S r).
Notation td_update := (td_update n S r gamma E).
Notation weighted_td := (weighted_td n S r gamma E).

(** A sum over the transitions is a sum over states u
    of the sums over the transitions out of u. *)
Lemma sum_by_state (f : 'I_n -> 'I_N) (F : 'I_n -> R) : \sum_k F k = \sum_u \sum_(k | f k == u) F k.
Proof. exact: (partition_big f xpredT). Qed.

(** Sums over the transitions out of s: of a constant, of anything if there are none,
    and from their mean; a source has one. *)
Lemma sum_out s (c : R) : \sum_(k < n | S k == s) c = (visits n S s)%:R * c.
Proof.
rewrite /visits natr_sum mulr_suml big_mkcond; apply: eq_bigr => k _.
by case: eqP; rewrite ?mul1r ?mul0r.
Qed.

Lemma visits0 s (F : 'I_n -> R) : visits n S s = 0%N -> \sum_(k < n | S k == s) F k = 0.
Proof.
move/eqP; rewrite sum_nat_eq0 => /forallP none; apply: big1 => k ks.
by have := none k; rewrite ks.
Qed.

Lemma visits_mean s (F : 'I_n -> R) :
  (visits n S s)%:R * ((\sum_(k < n | S k == s) F k) / (visits n S s)%:R) = \sum_(k < n | S k == s) F k.
Proof.
have [none|some] := eqVneq (visits n S s) 0%N; first by rewrite visits0 // mul0r mulr0.
by rewrite mulrC divfK // pnatr_eq0.
Qed.

Lemma source_left s : source n S s -> exists k : 'I_n, S k = s.
Proof.
rewrite /source lt0n sum_nat_eq0 negb_forall => /existsP[k]; rewrite negb_imply eqb0 negbK => /= /eqP ks.
by exists k.
Qed.

Lemma nonsource_visits s : ~~ source n S s -> visits n S s = 0%N.
Proof. by rewrite /source lt0n negbK => /eqP. Qed.

(** The empirical model's next values: means over the transitions out of a state. *)
Lemma Pe_mul v s : (Pe *m v) s 0 = (\sum_(k < n | S k == s) v (S k.+1) 0) / (visits n S s)%:R.
Proof.
rewrite mxE; under eq_bigr => u _ do rewrite mxE mulrAC mulr_suml.
rewrite -mulr_suml exchange_big /=; congr (_ / _); apply: eq_bigr => k _; exact: sum_delta.
Qed.

(** What the rows of Mhat and Phat make of v:
    its weighted means over the sources, and over the successors. *)
Lemma Mhat_mul v s : (Mhat *m v) s 0 = \sum_(k < n) K k s * v (S k) 0.
Proof.
rewrite mxE (sum_by_state (fun k => S k)); apply: eq_bigr => u _.
by rewrite mxE mulr_suml; apply: eq_bigr => k /eqP ->.
Qed.

Lemma Phat_mul v s : (Phat *m v) s 0 = \sum_(k < n) K k s * v (S k.+1) 0.
Proof.
rewrite mxE (sum_by_state (fun k => S k.+1)); apply: eq_bigr => u _.
by rewrite mxE mulr_suml; apply: eq_bigr => k /eqP ->.
Qed.

(** Each row of Mhat and of Phat sums to the sum of the weights K. *)
Lemma Mhat_sum s : \sum_u Mhat s u = \sum_(k < n) K k s.
Proof. by rewrite (sum_by_state (fun k => S k)); apply: eq_bigr => u _; rewrite mxE. Qed.

Lemma Phat_sum s : \sum_u Phat s u = \sum_(k < n) K k s.
Proof. by rewrite (sum_by_state (fun k => S k.+1)); apply: eq_bigr => u _; rewrite mxE. Qed.

(** The transitions out of u have equal weights,
    so Mhat s u is in proportion to n_u E s u. *)
Lemma Mhat_visits s u : Mhat s u = (visits n S u)%:R * (E s u / \sum_(i < n) E s (S i)).
Proof.
by rewrite mxE -sum_out; apply: eq_bigr => k /eqP ku; rewrite /td.K ku.
Qed.

(** Weighted sums over transitions are Mhat times the means over the transitions
    out of each state. *)
Lemma sum_of_means s (f : 'I_n -> R) :
  \sum_(k < n) K k s * f k = \sum_u Mhat s u * ((\sum_(k < n | S k == u) f k) / (visits n S u)%:R).
Proof.
rewrite (gather xpredT (fun k : 'I_n => S k) (fun u => E s u / \sum_(i < n) E s (S i))).
by apply: eq_bigr => u _; rewrite mxE.
Qed.

(** The weighted successors are the weighted sources,
    moved by the empirical model. *)
Theorem Phat_is_Mhat_Pe : Phat = Mhat *m Pe.
Proof.
apply/matrixP => s u; rewrite !mxE big_mkcond.
under eq_bigr => k _ do rewrite -mulrb -mulr_natr.
by rewrite sum_of_means; apply: eq_bigr => w _; rewrite [Pe _ _]mxE.
Qed.

(** The weighted rewards are the weighted mean rewards of the empirical model. *)
Theorem bhat_is_Mhat_rhat : bhat = Mhat *m rhat.
Proof.
by apply/colP => s; rewrite !mxE sum_of_means; apply: eq_bigr => w _; rewrite [rhat _ _]mxE.
Qed.

(** One update of weighted TD is affine: it applies G and adds alpha bhat. *)
Theorem update_is_operator alpha v :
  td_update alpha v = G alpha *m v + alpha *: bhat.
Proof.
apply/colP => s; rewrite /operator.G !mulmxDl mulNmx -!scalemxAl mul1mx.
rewrite !(addmxE, oppmxE, scalemxE) Mhat_mul Phat_mul [LHS]mxE [bhat s 0]mxE.
rewrite -mulrA !mulr_sumr -!addrA; congr (_ + _).
rewrite -!sumrN -!big_split; apply: eq_bigr => k _ /=; rewrite /td_error.
by move: (K k s) (v _ _) (v _ _) => *; ring.
Qed.

(** The same, as preconditioned Richardson iteration on the empirical equation
    v = rhat + gamma Pe v. *)
Theorem richardson alpha v :
  td_update alpha v = v + alpha *: (Mhat *m (rhat + gamma *: (Pe *m v) - v)).
Proof.
rewrite update_is_operator /operator.G Phat_is_Mhat_Pe bhat_is_Mhat_rhat !mulmxDl mulNmx -!scalemxAl mul1mx.
rewrite mulmxBr mulmxDr -scalemxAr -mulmxA; apply/colP => s; rewrite !(addmxE, oppmxE, scalemxE).
by move: (v s 0) ((Mhat *m v) s 0) ((Mhat *m rhat) s 0) ((Mhat *m (Pe *m v)) s 0) => *; ring.
Qed.

(** The distance to a fixed point is multiplied by G in every update. *)
Theorem error_is_power_of_G alpha v0 vs l :
  vs = G alpha *m vs + alpha *: bhat ->
  weighted_td (fun _ => alpha) v0 l - vs = iter l (mulmx (G alpha)) (v0 - vs).
Proof.
move=> fix_vs; elim: l => [//|l IH] /=; rewrite -IH mulmxBr update_is_operator.
by rewrite {1}fix_vs opprD addrACA subrr addr0.
Qed.

(** The weights sum to 1, or to 0 where all of them are 0. *)
Lemma K_sum_le1 s : \sum_(k < n) K k s <= 1.
Proof.
rewrite -mulr_suml; case: (eqVneq (\sum_(i < n) E s (S i)) 0) => [->|Z0]; first by rewrite mul0r ler01.
by rewrite divff.
Qed.

Lemma Mhat_row_le1 s : \sum_u Mhat s u <= 1. Proof. by rewrite Mhat_sum K_sum_le1. Qed.
Lemma Phat_row_le1 s : \sum_u Phat s u <= 1. Proof. by rewrite Phat_sum K_sum_le1. Qed.

(** Nonnegative weights. *)
Section Nonnegative.
Hypothesis E_ge0 : forall s u, 0 <= E s u.

Lemma K_ge0 k s : 0 <= K k s.
Proof. by rewrite divr_ge0 // sumr_ge0. Qed.

Lemma Mhat_ge0 s u : 0 <= Mhat s u.
Proof. by rewrite mxE sumr_ge0 // => k _; apply: K_ge0. Qed.

Lemma Phat_ge0 s u : 0 <= Phat s u.
Proof. by rewrite mxE sumr_ge0 // => k _; apply: K_ge0. Qed.

Lemma Mhat_le1 s u : Mhat s u <= 1.
Proof.
apply: le_trans (Mhat_row_le1 s); rewrite (bigD1 u) //= ler_addl sumr_ge0 // => w _; exact: Mhat_ge0.
Qed.

End Nonnegative.

(** Weights whose sums are not 0. *)
Section Normalised.
Hypothesis Z_neq0 : forall s, \sum_(k < n) E s (S k) != 0.

Lemma K_sum s : \sum_(k < n) K k s = 1. Proof. by rewrite -mulr_suml divff. Qed.

(** Mhat is row-stochastic: no entry is negative, and each row sums to 1. *)
Theorem Mhat_stochastic : (forall s u, 0 <= E s u) -> stochastic Mhat.
Proof. by split=> [s u|s]; [exact: Mhat_ge0 | rewrite Mhat_sum K_sum]. Qed.

(** Phat is row-stochastic: no entry is negative, and each row sums to 1. *)
Theorem Phat_stochastic : (forall s u, 0 <= E s u) -> stochastic Phat.
Proof. by split=> [s u|s]; [exact: Phat_ge0 | rewrite Phat_sum K_sum]. Qed.

End Normalised.

(** As are positive weights, where there is a transition. *)
Lemma sum_E_neq0 :
  (forall s u, 0 < E s u) -> (0 < n)%N -> forall s, \sum_(k < n) E s (S k) != 0.
Proof.
move=> E_gt0 n_gt0 s; rewrite gt_eqF // (bigD1 (Ordinal n_gt0)) //= ltr_paddr //.
by rewrite sumr_ge0 // => k _; apply: ltW.
Qed.

End Operator.

Section Transformer.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d).
Variables (A : 'M[R]_d) (gamma : R).
Notation E := (fun s u => exp (score x A s u)).
Notation G := (G n E S gamma).
Notation bhat := (bhat n E S r).

(** The L-layer transformer's error in column j, against any fixed point vs,
    is an entry of G^L (v0 - vs). *)
Theorem transformer_error alpha v0 vs L (j : 'I_n.+1) :
  vs = G alpha *m vs + alpha *: bhat ->
  transformer (shift R n) (softmax exp (@sources n)) A gamma (fun _ => alpha) L
    (prompt n S r x gamma v0) (value_row d) j - vs (S j) 0
  = iter L (mulmx (G alpha)) (v0 - vs) (S j) 0.
Proof.
by move=> fix_vs; rewrite transformer_is_softmax_td prompt_value -(error_is_power_of_G _ _ fix_vs) !mxE.
Qed.

End Transformer.
