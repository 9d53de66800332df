(** The construction: prompt, softmax attention, target-memory step,
    layer, transformer. Nothing here knows of TD. *)
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Open Scope ring_scope.

(** The mask and the shift of one trajectory, whose columns are 0, ..., n. *)
Section OneTrajectory.
Variables (R : realFieldType) (n : nat).

(** The mask. Keys are rows k: those of the sources 0, ..., n - 1 are visible,
    that of the query column n is hidden. *)
Definition sources : pred 'I_n.+1 := fun k => (k < n)%N.

(** Column j of Y *m shift is column j + 1 of Y; its last column is 0. *)
Definition shift : 'M[R]_n.+1 := \matrix_(i, j) (i == j.+1 :> nat)%:R.

End OneTrajectory.

(** For any number C of columns, any visible keys and any Pi. *)
Section Construction.
Variables (R : realFieldType) (C d : nat).

(** The last three of the d + 3 rows; the first d hold the features. *)
Definition reward_row : 'I_(d + 3) := rshift d 0.
Definition target_row : 'I_(d + 3) := rshift d 1.
Definition value_row : 'I_(d + 3) := rshift d ord_max.

(** The softmax of each column over its visible keys, with any function for exp. *)
Definition softmax (exp : R -> R) (visible : pred 'I_C) (G : 'M[R]_C) : 'M[R]_C :=
  \matrix_(k, j)
    if visible k then exp (G k j) / \sum_(i | visible i) exp (G i j) else 0.

(** Linear attention: the scores themselves, hidden keys 0. *)
Definition linear (visible : pred 'I_C) (G : 'M[R]_C) : 'M[R]_C :=
  \matrix_(k, j) if visible k then G k j else 0.

Definition attention (normalise : 'M[R]_C -> 'M[R]_C)
    (A V : 'M[R]_(d + 3)) (Z : 'M[R]_(d + 3, C)) :=
  Z + V *m Z *m normalise (Z^T *m A *m Z).

Definition U : 'M[R]_(d + 3) := 1%:M - delta_mx target_row target_row.
Definition W (gamma : R) : 'M[R]_(d + 3) := gamma *: delta_mx target_row value_row.
Definition target_memory (Pi : 'M[R]_C) (gamma : R) (Y : 'M[R]_(d + 3, C)) :=
  U *m Y + W gamma *m Y *m Pi.

(** The parameters of softmax TD: A scores features alone;
    V's last row is (0, ..., 0, alpha, alpha, -alpha). *)
Definition score_matrix (A : 'M[R]_d) : 'M[R]_(d + 3) := block_mx A 0 0 0.
Definition value_matrix (alpha : R) : 'M[R]_(d + 3) :=
  alpha *: (delta_mx value_row reward_row
            + delta_mx value_row target_row
            - delta_mx value_row value_row).

Section Depth.
Variables (Pi : 'M[R]_C) (normalise : 'M[R]_C -> 'M[R]_C) (A : 'M[R]_d) (gamma : R).

Definition layer (alpha : R) (Z : 'M[R]_(d + 3, C)) :=
  target_memory Pi gamma
    (attention normalise (score_matrix A) (value_matrix alpha) Z).

(** L layers; layer l has the step size alpha l. *)
Fixpoint transformer (alpha : nat -> R) (L : nat) (Z : 'M[R]_(d + 3, C)) :=
  if L is l.+1 then layer (alpha l) (transformer alpha l Z) else Z.

End Depth.
End Construction.

Section Prompt.
Variables (R : realFieldType) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d) (gamma : R).

(** Rows: the features x(S_j), the reward R_{j+1} = r j,
    the target memory gamma v(S_{j+1}), the value v(S_j). *)
Definition prompt (v : 'cV[R]_N) : 'M[R]_(d + 3, n.+1) :=
  col_mx
    (\matrix_(i < d, j < n.+1) x (S j) i 0)
    (\matrix_(i < 3, j < n.+1)
      [:: if (j < n)%N then r j else 0;
          if (j < n)%N then gamma * v (S j.+1) 0 else 0;
          v (S j) 0]`_i).

End Prompt.
