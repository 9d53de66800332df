(** The layer as an operator on values: Mhat, Phat, bhat, G; and the context's empirical model Pe, rhat. *)
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import transformer td entries softmax_td.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R) (S : nat -> 'I_N) (r : nat -> R) (gamma : R).

(** The transitions' weights at the state s, gathered by the state they leave, by the state they reach, by reward. *)
Definition Mhat : 'M[R]_N := \matrix_(s, u) \sum_(k < n | S k == u) K n S E k s.
Definition Phat : 'M[R]_N := \matrix_(s, u) \sum_(k < n | S k.+1 == u) K n S E k s.
Definition bhat : 'cV[R]_N := \col_s \sum_(k < n) K n S E k s * r k.

Definition G (alpha : R) : 'M[R]_N := 1%:M - alpha *: Mhat + (alpha * gamma) *: Phat.

(** The empirical model: how often each transition was taken out of s, and the mean reward; 0 where s was never left. *)
Definition visits (s : 'I_N) : nat := \sum_(k < n) (S k == s).
Definition Pe : 'M[R]_N := \matrix_(s, u) ((\sum_(k < n | S k == s) (S k.+1 == u)%:R) / (visits s)%:R).
Definition rhat : 'cV[R]_N := \col_s ((\sum_(k < n | S k == s) r k) / (visits s)%:R).

Definition source (s : 'I_N) : bool := (0 < visits s)%N.

Definition stochastic (M : 'M[R]_N) := (forall s u, 0 <= M s u) /\ (forall s, \sum_u M s u = 1).

End Definitions.
