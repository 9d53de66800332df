(** The algorithms, from their definitions: weighted softmax TD and linear TD.
    Nothing here knows of attention. *)
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Open Scope ring_scope.

Section TD.
(** A context of n transitions over N states: S_0, R_1, S_1, ..., R_n, S_n,
    with R_{k+1} = r k. *)
Variables (R : realFieldType) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).

Definition td_error (v : 'cV[R]_N) (k : nat) : R :=
  r k + gamma * v (S k.+1) 0 - v (S k) 0.

Section Weighted.
(** How much transition k counts at the state s: K k s,
    in proportion to E s (S k). *)
Variable E : 'I_N -> 'I_N -> R.

Definition K (k : nat) (s : 'I_N) : R := E s (S k) / \sum_(i < n) E s (S i).

Definition td_update (alpha : R) (v : 'cV[R]_N) : 'cV[R]_N :=
  \col_s (v s 0 + alpha * \sum_(k < n) K k s * td_error v k).

(** The iterate v_l of weighted TD from v0,
    with the step size alpha l in update l. *)
Fixpoint weighted_td (alpha : nat -> R) (v0 : 'cV[R]_N) (l : nat) : 'cV[R]_N :=
  if l is l'.+1 then td_update (alpha l') (weighted_td alpha v0 l') else v0.

End Weighted.

Variables (x : 'I_N -> 'cV[R]_d).

(** The score of the source u for the query s: x(u)^T A x(s). *)
Definition score (A : 'M[R]_d) (s u : 'I_N) : R := ((x u)^T *m A *m x s) 0 0.

(** Weighted softmax TD: weights exp (score). *)
Definition softmax_td (exp : R -> R) (A : 'M[R]_d) :=
  weighted_td (fun s u => exp (score A s u)).

(** Linear TD: values are linear in the features,
    and the weights w move along the features of each transition's source. *)
Definition linear_value (w : 'cV[R]_d) : 'cV[R]_N := \col_s ((x s)^T *m w) 0 0.

Fixpoint linear_td (alpha : nat -> R) (w0 : 'cV[R]_d) (l : nat) : 'cV[R]_d :=
  if l is l'.+1 then
    let w := linear_td alpha w0 l' in
    w + alpha l' *: \sum_(k < n) td_error (linear_value w) k *: x (S k)
  else w0.

End TD.
