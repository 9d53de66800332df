(** Contexts at random: the walks of n transitions of a Markov chain, as a finite distribution. *)
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import operator bellman neu_bound.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** The state S_k of a walk S_0, ..., S_n. *)
Definition walk N n (t : n.+1.-tuple 'I_N) (k : nat) : 'I_N := nth (thead t) t k.

Section Definitions.
Variables (R : realFieldType) (N : nat) (p0 : 'I_N -> R) (P : 'M[R]_N) (n : nat).

(** The probability of a walk: that of its first state,
    times those of its n transitions. *)
Definition path_weight (t : n.+1.-tuple 'I_N) : R :=
  p0 (walk t 0) * \prod_(k < n) P (walk t k) (walk t k.+1).

(** The expectation of what depends on the walk. *)
Definition expectation (F : n.+1.-tuple 'I_N -> R) : R :=
  \sum_t path_weight t * F t.

(** The probability of what a walk may do. *)
Definition Pr (B : pred (n.+1.-tuple 'I_N)) : R := \sum_(t | B t) path_weight t.

End Definitions.

(** A walk with one more state in front. *)
Section Front.
Variables (R : realFieldType) (N : nat).

Lemma walk_cons n (s : 'I_N) (t : n.+1.-tuple 'I_N) k :
  (k <= n)%N -> walk [tuple of s :: t] k.+1 = walk t k.
Proof. by move=> le_kn; apply: set_nth_default; rewrite size_tuple. Qed.

(** The walks from p0, by their first state: those that begin after one transition from it. *)
Lemma weights_front n (p0 : 'I_N -> R) (P : 'M[R]_N) :
  \sum_(t : n.+2.-tuple 'I_N) path_weight p0 P t =
  \sum_s p0 s * \sum_(t : n.+1.-tuple 'I_N) path_weight (P s) P t.
Proof.
rewrite sum_paths; apply: eq_bigr => s _; rewrite mulr_sumr; apply: eq_bigr => t _.
rewrite /path_weight big_ord_recl walk_cons //; congr (_ * (P _ _ * _)).
by apply: eq_bigr => k _; rewrite /= !walk_cons //; apply: ltnW.
Qed.

Lemma weights_single (p0 : 'I_N -> R) (P : 'M[R]_N) : \sum_(t : 1.-tuple 'I_N) path_weight p0 P t = \sum_s p0 s.
Proof.
rewrite sum_paths; apply: eq_bigr => s _; rewrite (big_pred1 [tuple]) => [|t]; last by rewrite (tuple0 t) /= eqxx.
by rewrite /path_weight big_ord0 mulr1.
Qed.

(** If the transitions out of no state weigh more than 1, all walks together weigh
    no more than their beginnings. *)
Lemma weights_le n (p0 : 'I_N -> R) (P : 'M[R]_N) :
  (forall s, 0 <= p0 s) -> (forall s u, 0 <= P s u) -> (forall s, \sum_u P s u <= 1) ->
  \sum_(t : n.+1.-tuple 'I_N) path_weight p0 P t <= \sum_s p0 s.
Proof.
move=> p0_ge0 P_ge0 P_le1; elim: n p0 p0_ge0 => [|n IH] p0 p0_ge0; first by rewrite weights_single.
rewrite weights_front; apply: ler_sum => s _; rewrite ler_pimulr //.
exact: le_trans (IH _ (P_ge0 s)) (P_le1 s).
Qed.

End Front.

Section Paths.
Variables (R : realFieldType) (N : nat) (p0 : 'I_N -> R) (P : 'M[R]_N) (n : nat).
Hypotheses (p0_distribution : distribution p0) (P_stochastic : stochastic P).
Implicit Types (t : n.+1.-tuple 'I_N) (B : pred (n.+1.-tuple 'I_N)).
Notation path_weight := (@path_weight R N p0 P n).
Notation Pr := (@Pr R N p0 P n).
Notation expectation := (@expectation R N p0 P n).

(** The walks are a finite distribution: no probability is negative. *)
Lemma path_weight_ge0 t : 0 <= path_weight t.
Proof.
have [p0_ge0 _] := p0_distribution; have [P_ge0 _] := P_stochastic.
by rewrite mulr_ge0 // prodr_ge0.
Qed.

(** The probabilities of all walks sum to 1. *)
Theorem path_weights_sum_to_1 : \sum_t path_weight t = 1.
Proof.
have [_ <-] := p0_distribution; have [_ P_sum1] := P_stochastic.
elim: n p0 => [|m IH] q; first exact: weights_single.
by rewrite weights_front; apply: eq_bigr => s _; rewrite IH P_sum1 mulr1.
Qed.

(** Markov's inequality: what is at least c where B holds, and negative nowhere. *)
Lemma markov B (F : n.+1.-tuple 'I_N -> R) c :
  (forall t, 0 <= F t) -> (forall t, B t -> c <= F t) -> c * Pr B <= expectation F.
Proof.
move=> F_ge0 F_ge; rewrite mulr_sumr /expectation [X in _ <= X](bigID B) /= -[X in X <= _]addr0.
rewrite ler_add ?sumr_ge0 // => [|t _]; last by rewrite mulr_ge0 ?path_weight_ge0.
by apply: ler_sum => t Bt; rewrite mulrC ler_wpmul2l ?path_weight_ge0 // F_ge.
Qed.

(** The union bound. *)
Lemma union_bound (I : finType) (B : I -> pred (n.+1.-tuple 'I_N)) :
  Pr (fun t => [exists i, B i t]) <= \sum_i Pr (B i).
Proof.
rewrite /Pr (exchange_big_dep xpredT) //= big_mkcond; apply: ler_sum => t _.
have w_ge0 := path_weight_ge0 t; case: existsP => [[i Bi]|_]; last by rewrite sumr_ge0.
by rewrite (bigD1 i) //= ler_addl sumr_ge0.
Qed.

Lemma Pr_le B B' : (forall t, B t -> B' t) -> Pr B <= Pr B'.
Proof.
move=> sub; rewrite /Pr [X in _ <= X](bigID B) /= (eq_bigl B) => [|t].
  by rewrite ler_addl sumr_ge0 // => t _; apply: path_weight_ge0.
by rewrite andb_idl //; apply: sub.
Qed.

(** What does not happen happens otherwise. *)
Lemma Pr_not B : Pr B = 1 - Pr (predC B).
Proof. by rewrite -path_weights_sum_to_1 (bigID B) /= addrK. Qed.

(** A supermartingale: factors of the transitions that are not negative, and whose mean
    out of each state is at most 1, have a product whose mean is at most 1. *)
Theorem supermartingale (w : 'I_N -> 'I_N -> R) :
  (forall s u, 0 <= w s u) -> (forall s, \sum_u P s u * w s u <= 1) ->
  expectation (fun t => \prod_(k < n) w (walk t k) (walk t k.+1)) <= 1.
Proof.
move=> w_ge0 w_le1; have [p0_ge0 p0_sum1] := p0_distribution; have [P_ge0 _] := P_stochastic.
pose Q : 'M_N := \matrix_(s, u) (P s u * w s u).
rewrite -[X in _ <= X]p0_sum1; apply: le_trans (weights_le n (P := Q) p0_ge0 _ _) => [|s u|s].
- rewrite le_eqVlt; apply/orP; left; apply/eqP; apply: eq_bigr => t _.
  rewrite /paths.path_weight -mulrA -big_split; congr (_ * _).
  by apply: eq_bigr => k _; rewrite mxE.
- by rewrite mxE mulr_ge0.
by under eq_bigr => u _ do rewrite mxE; apply: w_le1.
Qed.

End Paths.
