(** identifiability: which changes of A no layer sees. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator exponential.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** The score is linear in A. *)
Section Linear.
Variables (R : realFieldType) (N d : nat) (x : 'I_N -> 'cV[R]_d).

Lemma scoreD (A D : 'M[R]_d) s u : score x (A + D) s u = score x A s u + score x D s u.
Proof. by rewrite /score mulmxDr mulmxDl addmxE. Qed.

Lemma scoreZ c (A : 'M[R]_d) s u : score x (c *: A) s u = c * score x A s u.
Proof. by rewrite /score -scalemxAr -scalemxAl scalemxE. Qed.

End Linear.

Section Identifiability.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (x : 'I_N -> 'cV[R]_d) (gamma alpha : R).
Hypotheses (exp_exponential : exponential exp) (alpha_neq0 : alpha != 0).
Implicit Types (A B D : 'M[R]_d) (v : 'cV[R]_N) (r : nat -> R) (s : 'I_N).
Notation E A := (fun s u => exp (score x A s u)).
Notation weight A := (K n S (E A)).
Notation layer A :=
  (layer (shift R n) (softmax exp (@sources n)) A gamma alpha).
Notation prompt r := (prompt n S r x gamma).
Notation update A r := (td_update n S r gamma (E A) alpha).

(** No layer sees the change from A to B: on the prompt of this context,
    for all rewards and values, both layers do the same. *)
Definition same_layers A B :=
  forall r v, layer B (prompt r v) = layer A (prompt r v).

(** The same weights, at each state that is visited. *)
Definition same_weights A B :=
  forall (k : 'I_n) (j : 'I_n.+1), weight B k (S j) = weight A k (S j).

(** At each visited state D adds the same number to the scores of all sources. *)
Definition invisible D :=
  forall (k i : 'I_n) (j : 'I_n.+1),
  ((x (S k) - x (S i))^T *m D *m x (S j)) 0 0 = 0.

Lemma layer_update A r v : layer A (prompt r v) = prompt r (update A r v).
Proof. exact: (@transformer_is_softmax_td R exp N n d S r x A gamma (fun _ => alpha) v 1). Qed.

(** A prompt holds the values of the visited states only. *)
Lemma same_prompt r v v' :
  (forall j : 'I_n.+1, v (S j) 0 = v' (S j) 0) -> prompt r v = prompt r v'.
Proof.
move=> same; apply/matrixP => i j; elim/row_case: i => [i|||].
- by rewrite !prompt_features.
- by rewrite !prompt_reward.
- rewrite !prompt_target; case: ltnP => // lt_jn; congr (_ * _).
  exact: (same (Ordinal (lt_jn : (j.+1 < n.+1)%N))).
- by rewrite !prompt_value.
Qed.

(** A and B do the same in every layer exactly if they give the same weights. *)
Theorem same_layers_iff_same_weights A B : same_layers A B <-> same_weights A B.
Proof.
split=> [same k j|same r v]; last first.
  rewrite !layer_update; apply: same_prompt => j; rewrite [LHS]mxE [RHS]mxE.
  by congr (_ + _ * _); apply: eq_bigr => k _; rewrite same.
pose r i : R := (i == k :> nat)%:R.
have picked C : update C r 0 (S j) 0 = alpha * weight C k (S j).
  rewrite [LHS]mxE [X in X + _]mxE add0r; congr (_ * _).
  rewrite (bigD1 k) //= big1 => [|i /negbTE ne]; rewrite /td_error ![(0 : 'cV_N) _ _]mxE mulr0 addr0 subr0 /r.
    by rewrite addr0 eqxx mulr1.
  by rewrite (ne : (i == k :> nat) = false) mulr0.
have := congr1 (fun Z : 'M_(d + 3, n.+1) => Z (value_row d) j) (same r 0).
by rewrite !layer_update !prompt_value !picked => /(mulfI alpha_neq0).
Qed.

Lemma invisibleP D k i s :
  ((x (S k) - x (S i))^T *m D *m x s) 0 0 = score x D s (S k) - score x D s (S i).
Proof.
have -> : (x (S k) - x (S i))^T = (x (S k))^T - (x (S i))^T by apply/matrixP => a b; rewrite !mxE.
by rewrite /score !mulmxBl addmxE oppmxE.
Qed.

(** A and A + D give the same weights exactly if D is taken to 0 between
    the differences of the sources' features and the features of visited states. *)
Theorem same_weights_iff_invisible A D : same_weights A (A + D) <-> invisible D.
Proof.
have e_neq0 t : exp t != 0 by rewrite gt_eqF ?(exp_gt0 exp_exponential).
have sum_neq0 B (k : 'I_n) s : \sum_(i < n) exp (score x B s (S i)) != 0.
  by rewrite gt_eqF // (bigD1 k) //= ltr_paddr ?(exp_gt0 exp_exponential) // sumr_ge0 // => i _; exact/ltW/exp_gt0.
have expD := expD exp_exponential.
split=> [same k i j|inv k j].
  have moved (l : 'I_n) : exp (score x D (S j) (S l)) =
      (\sum_(i < n) exp (score x (A + D) (S j) (S i))) / \sum_(i < n) exp (score x A (S j) (S i)).
    apply: (mulfI (e_neq0 (score x A (S j) (S l)))); rewrite -expD -scoreD.
    by have /eqP := same l j; rewrite /K eqr_div ?sum_neq0 // => /eqP e; apply: (mulIf (sum_neq0 A k (S j))); rewrite e -mulrA mulfVK ?sum_neq0.
  by apply/eqP; rewrite invisibleP subr_eq0; apply/eqP/(exp_inj exp_exponential); rewrite !moved.
have moved (i : 'I_n) : exp (score x (A + D) (S j) (S i)) = exp (score x D (S j) (S k)) * exp (score x A (S j) (S i)).
  rewrite scoreD expD mulrC; congr (exp _ * _).
  by apply/eqP; rewrite -subr_eq0; apply/eqP; rewrite -(invisibleP D i k).
rewrite /K moved; under eq_bigr => i _ do rewrite moved.
by rewrite -mulr_sumr -mulf_div divff // mul1r.
Qed.

(** So D is invisible exactly if it adds to the scores a query bias. *)
Theorem invisible_iff_query_bias D :
  invisible D <->
  exists b : 'I_N -> R, forall (k : 'I_n) (j : 'I_n.+1),
  score x D (S j) (S k) = b (S j).
Proof.
split=> [inv|[b bias] k i j]; last by rewrite invisibleP !bias subrr.
case: (posnP n) => [n0|n_gt0]; first by exists (fun _ => 0) => k; have := ltn_ord k; rewrite {2}n0.
exists (fun s => score x D s (S 0%N)) => k j; apply/eqP; rewrite -subr_eq0 -invisibleP.
exact/eqP/(inv k (Ordinal n_gt0) j).
Qed.

(** The scale of A is seen, unless A itself is invisible. *)
Theorem scale_is_seen c A : c != 1 -> same_layers A (c *: A) <-> invisible A.
Proof.
move=> c1; have -> : c *: A = A + (c - 1) *: A by rewrite scalerBl scale1r addrC subrK.
rewrite same_layers_iff_same_weights same_weights_iff_invisible.
split=> inv k i j; last by rewrite -scalemxAr -scalemxAl scalemxE inv mulr0.
have /eqP := inv k i j; rewrite -scalemxAr -scalemxAl scalemxE mulf_eq0 subr_eq0 (negbTE c1).
by move/eqP.
Qed.

(** The first layer tells alpha: rewards of 1 and values of 0 make
    the value alpha in every column. *)
Theorem first_layer_tells_alpha A (j : 'I_n.+1) :
  (0 < n)%N -> layer A (prompt (fun _ => 1) 0) (value_row d) j = alpha.
Proof.
move=> n_gt0; rewrite layer_update prompt_value mxE [X in X + _]mxE add0r.
under eq_bigr => k _ do rewrite /td_error ![(0 : 'cV_N) _ _]mxE mulr0 addr0 subr0 mulr1.
by rewrite (K_sum (sum_E_neq0 (E := fun s u => exp (score x A s u)) S _ n_gt0)) ?mulr1 // => *; exact: exp_gt0.
Qed.

End Identifiability.
