(** mask-leak: what one layer does when its mask lets the query column through,
    in whole or in part. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).

(** A finite mask: the scores of key row n, the query column's, are lowered by c,
    and all are normalised. *)
Definition finite_mask (c : R) (G : 'M[R]_n.+1) : 'M[R]_n.+1 :=
  softmax exp xpredT (\matrix_(k, j) if (k < n)%N then G k j else G k j - c).

(** The leak: the weight that the query s gives to the key of the query column,
    when nothing is masked. *)
Definition kappa (S : nat -> 'I_N) (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d)
    (s : 'I_N) : R :=
  exp (score x A s (S n)) / \sum_(k < n.+1) exp (score x A s (S k)).

End Definitions.

Section Leak.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d).
Variables (A : 'M[R]_d) (gamma : R).
Hypothesis exp_gt0 : forall t, 0 < exp t.
Implicit Type v : 'cV[R]_N.
Notation prompt := (prompt n S r x gamma).
Notation td_error := (td_error S r gamma).
Notation E := (fun s u => exp (score x A s u)).
Notation kappa := (kappa exp n S x A).

(** kappa is that weight, in each column. *)
Lemma kappaE v j :
  softmax exp xpredT ((prompt v)^T *m score_matrix A *m prompt v) ord_max j = kappa (S j).
Proof. by rewrite mxE prompt_scores; congr (_ / _); apply: eq_bigr => k _; rewrite prompt_scores. Qed.

(** The other columns share the rest, 1 - kappa,
    in the proportions of softmax TD. *)
Lemma share (k : 'I_n) s :
  exp (score x A s (S k)) / (\sum_(i < n.+1) exp (score x A s (S i))) = (1 - kappa s) * K n S E k s.
Proof.
rewrite /kappa /K big_ord_recr /=; set sum := \sum_(i < n) _; set q := exp (score x A s (S n)).
have sum_gt0 : 0 < sum.
  by rewrite /sum (bigD1 k) //= ltr_paddr // sumr_ge0 // => i _; apply: ltW.
have all_neq0 : sum + q != 0 by rewrite lt0r_neq0 // addr_gt0 ?exp_gt0.
by field; rewrite all_neq0 lt0r_neq0.
Qed.

(** Without the mask: the exact increment shrinks by 1 - kappa,
    and alpha kappa v(S_n) is taken away. *)
Theorem mask_leak alpha v (j : 'I_n.+1) :
  layer (shift R n) (softmax exp xpredT) A gamma alpha (prompt v) (value_row d) j =
  v (S j) 0
  + (1 - kappa (S j)) * (alpha * \sum_(k < n) K n S E k (S j) * td_error v k)
  - alpha * kappa (S j) * v (S n) 0.
Proof.
pose u := \col_s (v s 0 + (1 - kappa s) * (alpha * \sum_(k < n) K n S E k s * td_error v k)
                        - alpha * kappa s * v (S n) 0).
rewrite (@layer_prompt _ _ _ _ _ _ _ _ _ _ _ _ u) => [|i]; first by rewrite prompt_value mxE.
rewrite mxE -addrA; congr (_ + _).
rewrite big_ord_recr /= kappaE /column_error ltnn mulrDr; congr (_ + _); last by rewrite !mulrN mulrA.
rewrite mulrCA; congr (_ * _); rewrite mulr_sumr; apply: eq_bigr => k _.
rewrite mulrA -share ltn_ord [softmax _ _ _ _ _]mxE prompt_scores; congr (_ / _ * _).
by apply: eq_bigr => m _; rewrite prompt_scores.
Qed.

End Leak.

(** The instance: one state, one transition, reward 1, values 0. *)
Section Instance.
Variables (R : realFieldType) (exp : R -> R) (d : nat).
Variables (x : 'I_1 -> 'cV[R]_d) (A : 'M[R]_d) (gamma alpha : R).
Hypothesis exp_gt0 : forall t, 0 < exp t.

(** Its prompt. *)
Definition instance : 'M[R]_(d + 3, 2) := prompt 1 (fun=> 0) (fun=> 1) x gamma 0.

(** One layer makes the value in column j alpha times
    the weight of the one transition there. *)
Lemma instanceE (normalise : 'M[R]_2 -> 'M[R]_2) j :
  layer (shift R 1) normalise A gamma alpha instance (value_row d) j =
  alpha * normalise (instance^T *m score_matrix A *m instance) 0 j.
Proof.
rewrite /layer target_memoryE row_neq attentionE eqxx prompt_value mxE add0r mul1r; congr (_ * _).
rewrite !big_ord_recl big_ord0 !prompt_reward !prompt_target !prompt_value !mxE /=.
by rewrite mulr0 !subr0 !addr0 mulr1 mulr0 addr0.
Qed.

(** All scores are equal. *)
Lemma instance_scores k j :
  (instance^T *m score_matrix A *m instance) k j = score x A 0 0.
Proof. exact: prompt_scores. Qed.

(** The exact layer makes every value alpha. *)
Lemma instance_exact j : layer (shift R 1) (softmax exp (@sources 1)) A gamma alpha instance (value_row d) j = alpha.
Proof.
rewrite instanceE mxE /= sum_sources big_ord_recl big_ord0 addr0 !instance_scores.
by rewrite divff ?mulr1 // lt0r_neq0.
Qed.

(** The value alpha / (1 + e), e > 0, is not alpha. *)
Lemma shrunk e : 0 < e -> alpha != 0 -> alpha / (1 + e) != alpha.
Proof.
move=> e_gt0 alpha_neq0; have e1_neq0 : 1 + e != 0 by rewrite lt0r_neq0 // addr_gt0.
rewrite -subr_eq0 (_ : _ - _ = - (alpha * e) / (1 + e)); last by field.
by rewrite mulf_neq0 ?invr_neq0 // oppr_eq0 mulf_neq0 // lt0r_neq0.
Qed.

(** A share of two is 1 / (1 + their ratio). *)
Lemma share_of_two (e f : R) : 0 < e -> 0 < f -> e / (e + f) = (1 + f / e)^-1.
Proof. by move=> e_gt0 f_gt0; field; rewrite !lt0r_neq0 ?addr_gt0. Qed.

(** Without the mask every value is alpha / 2 where it should be alpha. *)
Theorem no_mask_is_wrong j : alpha != 0 ->
  [/\ layer (shift R 1) (softmax exp (@sources 1)) A gamma alpha instance (value_row d) j =
        alpha,
      layer (shift R 1) (softmax exp xpredT) A gamma alpha instance (value_row d) j =
        alpha / 2%:R
    & alpha / 2%:R != alpha].
Proof.
move=> alpha_neq0; split; [exact: instance_exact | | by rewrite mulrS shrunk ?ltr0n].
rewrite instanceE mxE !big_ord_recl big_ord0 !instance_scores addr0; congr (_ * _).
by rewrite share_of_two // divff // lt0r_neq0.
Qed.

(** With a finite mask c, however large, every value is alpha / (1 + e) with e > 0,
    and not alpha. *)
Theorem finite_mask_is_wrong c j : alpha != 0 ->
  [/\ layer (shift R 1) (softmax exp (@sources 1)) A gamma alpha instance (value_row d) j =
        alpha,
      layer (shift R 1) (finite_mask exp c) A gamma alpha instance (value_row d) j =
        alpha / (1 + exp (score x A 0 0 - c) / exp (score x A 0 0))
    & alpha / (1 + exp (score x A 0 0 - c) / exp (score x A 0 0)) != alpha].
Proof.
move=> alpha_neq0; split; [exact: instance_exact | | by rewrite shrunk // divr_gt0].
rewrite instanceE; move: (_ *m _) instance_scores => G GE.
by rewrite mxE !big_ord_recl big_ord0 !mxE /= !GE addr0 share_of_two.
Qed.

End Instance.
