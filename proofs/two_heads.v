(** two-heads: a second head, moved into the target row,
    does what the target-memory step does. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section TwoHeads.
Variables (R : realFieldType) (C d : nat) (Pi : 'M[R]_C).
Variables (normalise : 'M[R]_C -> 'M[R]_C).

(** Two heads, one K: V Z K, and in the target row gamma times
    the value row of V Z K Pi. *)
Definition dual_head_layer (A V : 'M[R]_(d + 3)) (gamma : R) (Z : 'M[R]_(d + 3, C)) :=
  Z + V *m Z *m normalise (Z^T *m A *m Z) +
  W d gamma *m (V *m Z *m normalise (Z^T *m A *m Z)) *m Pi.

(** The target row is gamma times the value row of Z Pi. *)
Definition remembers (gamma : R) (Z : 'M[R]_(d + 3, C)) :=
  forall j, Z (target_row d) j = gamma * (Z *m Pi) (value_row d) j.

(** L such layers, with the parameters of softmax TD. *)
Fixpoint dual_head_transformer (A : 'M[R]_d) gamma (alpha : nat -> R) L
    (Z : 'M[R]_(d + 3, C)) :=
  if L is l.+1 then
    dual_head_layer (score_matrix A) (value_matrix d (alpha l)) gamma
      (dual_head_transformer A gamma alpha l Z)
  else Z.

Implicit Types (A V : 'M[R]_(d + 3)) (Z : 'M[R]_(d + 3, C)) (gamma : R).

(** The dual-head layer, entry by entry: what attention gives,
    and more in the target row. *)
Lemma dual_headE A V gamma Z i j :
  dual_head_layer A V gamma Z i j = attention normalise A V Z i j +
  if i == target_row d then gamma * (V *m Z *m normalise (Z^T *m A *m Z) *m Pi) (value_row d) j else 0.
Proof.
rewrite /dual_head_layer /attention addmxE; congr (_ + _).
rewrite /W -!scalemxAl -mulmxA scalemxE delta_mxE.
by case: eqP => _ /=; rewrite ?mul1r // mul0r mulr0.
Qed.

(** A row where V is 0 adds nothing. *)
Lemma zero_row m p (V : 'M[R]_m) (X : 'M[R]_(m, p)) i j : (forall k, V i k = 0) -> (V *m X) i j = 0.
Proof. by move=> V0; rewrite mxE big1 // => k _; rewrite V0 mul0r. Qed.

(** Where V's target row is 0: two heads minus attention and the target-memory
    step is, in the target row, Z's target row minus gamma times the value row
    of Z Pi; and 0 in every other row. *)
Theorem two_heads_difference A V gamma Z :
  (forall k, V (target_row d) k = 0) ->
  forall i j,
  (dual_head_layer A V gamma Z
   - target_memory Pi gamma (attention normalise A V Z)) i j =
  if i == target_row d then
    Z (target_row d) j - gamma * (Z *m Pi) (value_row d) j
  else 0.
Proof.
move=> V0 i j; rewrite addmxE oppmxE dual_headE target_memoryE.
case: eqP => [->|_]; last by rewrite addr0 subrr.
have -> : attention normalise A V Z (target_row d) j = Z (target_row d) j.
  by rewrite /attention addmxE -mulmxA zero_row ?addr0.
by rewrite /attention mulmxDl addmxE; move: (Z _ _) ((Z *m _) _ _) ((_ *m Pi) _ _) => *; ring.
Qed.

(** Where V's target row is 0: two heads do what attention
    and the target-memory step do iff Z remembers. *)
Theorem two_heads A V gamma Z :
  (forall k, V (target_row d) k = 0) ->
  (dual_head_layer A V gamma Z = target_memory Pi gamma (attention normalise A V Z)
   <-> remembers gamma Z).
Proof.
move=> V0; split=> [eqZ j | mem].
  by have := two_heads_difference A gamma Z V0 (target_row d) j; rewrite eqZ subrr mxE eqxx => /esym/subr0_eq.
apply/subr0_eq/matrixP => i j; rewrite two_heads_difference // [RHS]mxE mem subrr.
by rewrite if_same.
Qed.

End TwoHeads.

(** The weights of softmax attention sum to 1 in each column. *)
Lemma softmax_column (R : realFieldType) n (exp : R -> R) (G : 'M[R]_n.+1) j :
  (0 < n)%N -> (forall t, 0 < exp t) -> \sum_k softmax exp (@sources n) G k j = 1.
Proof.
case: n G j => // n G j _ exp_gt0; under eq_bigr do rewrite mxE.
rewrite -big_mkcond -mulr_suml mulfV // sum_sources lt0r_neq0 // big_ord_recl.
by rewrite ltr_paddr // sumr_ge0 // => i _; apply: ltW.
Qed.

(** V's target row must be 0: otherwise two heads can differ
    from the step on a Z that remembers. *)
Theorem target_row_needed (R : realFieldType) (n d : nat) (exp : R -> R)
    (A : 'M[R]_(d + 3)) (gamma : R) :
  (0 < n)%N -> (forall t, 0 < exp t) ->
  exists (V : 'M[R]_(d + 3)) (Z : 'M[R]_(d + 3, n.+1)),
    remembers (shift R n) gamma Z /\
    dual_head_layer (shift R n) (softmax exp (@sources n)) A V gamma Z <>
    target_memory (shift R n) gamma (attention (softmax exp (@sources n)) A V Z).
Proof.
move=> n_gt0 exp_gt0; exists (delta_mx (target_row d) (reward_row d)).
exists (\matrix_(i, j) (i == reward_row d)%:R).
split=> [j|]; first by rewrite shiftE !mxE !row_neq if_same mulr0.
move/matrixP/(_ (target_row d) ord_max); rewrite dual_headE target_memoryE eqxx !shiftE ltnn mulr0 addr0 /attention addmxE.
rewrite -mulmxA delta_mxE mxE row_neq eqxx add0r mul1r mxE => /eqP.
by under eq_bigr do rewrite mxE eqxx mul1r; rewrite softmax_column // oner_eq0.
Qed.

Section Prompt.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d).
Variables (A : 'M[R]_d) (gamma : R).
Implicit Types (v : 'cV[R]_N) (alpha : nat -> R).
Notation prompt := (prompt n S r x gamma).

(** Every prompt remembers: its target row is gamma times its value row, shifted. *)
Theorem prompt_remembers v : remembers (shift R n) gamma (prompt v).
Proof. by move=> j; rewrite shiftE prompt_target; case: ltnP => // lt_jn; rewrite ?mulr0 // prompt_value inordK. Qed.

(** The target row of softmax TD's value matrix is 0. *)
Lemma value_matrix_target a k : value_matrix d a (target_row d) k = 0 :> R.
Proof. by rewrite !mxE row_neq /= addr0 subr0 mulr0. Qed.

(** So L dual-head layers carry the prompt of v0
    to the prompt of the iterate v_L of softmax TD. *)
Theorem two_heads_transformer alpha v0 L :
  dual_head_transformer (shift R n) (softmax exp (@sources n)) A gamma alpha L (prompt v0) =
  prompt (softmax_td n S r gamma x exp A alpha v0 L).
Proof.
rewrite -transformer_is_softmax_td; elim: L => [//|l IH] /=; rewrite IH /layer.
apply/two_heads => [k|]; first exact: value_matrix_target.
by rewrite transformer_is_softmax_td; apply: prompt_remembers.
Qed.

End Prompt.
