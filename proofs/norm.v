(** The greatest absolute row sum of a matrix: of a column vector, its greatest absolute entry. *)
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Norm.
Variable R : realFieldType.

Definition norm m n (M : 'M[R]_(m, n)) : R := \big[Num.max/0]_i \sum_j `|M i j|.

End Norm.
