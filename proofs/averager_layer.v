(** averagers: the kernel averager is a Transformer too,
    with other numbers in V, U and W. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman.
From icrl Require Import averagers.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (C d : nat).
Variables (Pi : 'M[R]_C) (normalise : 'M[R]_C -> 'M[R]_C) (A : 'M[R]_d).
Variables (gamma alpha : R).

(** V's last row is (0, ..., 0, a, a, 0) with a = alpha / (1 - alpha):
    no value is read. *)
Definition average_V : 'M[R]_(d + 3) :=
  (alpha / (1 - alpha)) *: (delta_mx (value_row d) (reward_row d)
                            + delta_mx (value_row d) (target_row d)).

(** The value entries of U and of W are multiplied by 1 - alpha. *)
Definition average_U : 'M[R]_(d + 3) :=
  U R d - alpha *: delta_mx (value_row d) (value_row d).
Definition average_W : 'M[R]_(d + 3) := (1 - alpha) *: W d gamma.

Definition average_layer (Z : 'M[R]_(d + 3, C)) : 'M[R]_(d + 3, C) :=
  let Y := attention normalise (score_matrix A) average_V Z in
  average_U *m Y + average_W *m Y *m Pi.

End Definitions.

Section Transformer.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d).
Variables (A : 'M[R]_d) (gamma alpha : R).
Notation prompt := (prompt n S r x gamma).
Notation E := (fun s u => exp (score x A s u)).
Notation average := (average n E S r gamma alpha).
Notation attended v :=
  (attention (softmax exp (@sources n)) (score_matrix A) (average_V d alpha)
     (prompt v)).

(** What attention leaves in each row: the value row gains
    alpha / (1 - alpha) times the mean of the targets. *)
Lemma attendedE (v : 'cV[R]_N) i j :
  attended v i j = prompt v i j
    + (i == value_row d)%:R * (alpha / (1 - alpha) *
       \sum_(k < n) K n S E k (S j) * (r k + gamma * v (S k.+1) 0)).
Proof.
rewrite addmxE [X in _ + X]mxE big_ord_recr /= [softmax _ _ _ ord_max _]mxE /sources ltnn mulr0 addr0 !mulr_sumr.
congr (_ + _); apply: eq_bigr => k _; rewrite [softmax _ _ _ _ _]mxE /= ltn_ord prompt_scores.
rewrite /average_V -scalemxAl mulmxDl !(addmxE, scalemxE) !delta_mxE prompt_reward prompt_target /= ltn_ord.
rewrite /K sum_sources (eq_bigr (fun m : 'I_n => E (S j) (S m))) => [|m _]; last by rewrite prompt_scores.
by move: (i == _)%:R (alpha / (1 - alpha)) (exp _ / _) (r k) (v _ 0) => *; ring.
Qed.

(** One layer makes of the prompt of v the prompt of its average. *)
Lemma average_layer_prompt (v : 'cV[R]_N) :
  alpha != 1 ->
  average_layer (shift R n) (softmax exp (@sources n)) A gamma alpha (prompt v) =
  prompt (average v).
Proof.
move=> alpha1; have one_alpha : 1 - alpha != 0 by rewrite subr_eq0 eq_sym.
have value k : (1 - alpha) * attended v (value_row d) k = average v (S k) 0.
  by rewrite attendedE eqxx mul1r prompt_value mxE; move: (\sum_(_ < _) _) => sum; field.
have other i j : i == value_row d = false -> attended v i j = prompt v i j.
  by move=> ne; rewrite attendedE ne mul0r addr0.
apply/matrixP => i j; rewrite /average_layer /average_U /average_W /U /W; move: (attended v) value other.
move=> Y value other; rewrite !mulmxBl mul1mx -!scalemxAl -!mulmxA.
rewrite !(addmxE, oppmxE, scalemxE) !delta_mxE shiftE.
elim/row_case: i => [i|||]; rewrite ?eqxx ?row_neq ?eq_lrshift ?mul1r ?mul0r ?mulr0 ?subr0 ?addr0.
- by rewrite other ?eq_lrshift // !prompt_features.
- by rewrite other ?row_neq // !prompt_reward.
- rewrite subrr add0r prompt_target; case: ltnP => lt_jn; last by rewrite !mulr0.
  by rewrite mulrCA value inordK.
by rewrite prompt_value -value mulrBl mul1r.
Qed.

(** L such layers carry the prompt of v0 to that of its L-th average. *)
Theorem averager_is_transformer (v0 : 'cV[R]_N) L :
  alpha != 1 ->
  iter L (average_layer (shift R n) (softmax exp (@sources n)) A gamma alpha)
    (prompt v0) =
  prompt (iter L average v0).
Proof. by move=> alpha1; elim: L => [//|L IH]; rewrite !iterS IH average_layer_prompt. Qed.

End Transformer.
