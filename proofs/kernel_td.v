(** kernel-td: softmax TD is linear TD in the space of the kernel,
    with features psi = phi / Z and transition weights Z. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td linear_td operator counterexamples.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n d : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).

(** The inner product of two feature vectors. *)
Definition inner (a b : 'cV[R]_d) : R := (a^T *m b) 0 0.

(** The normaliser of the weights at s. *)
Definition normaliser (s : 'I_N) : R := \sum_(k < n) E s (S k).

(** The features over the normaliser: psi. *)
Definition over_normaliser (phi : 'I_N -> 'cV[R]_d) (s : 'I_N) : 'cV[R]_d :=
  (normaliser s)^-1 *: phi s.

(** Linear TD in which a transition out of s has the weight c s. *)
Fixpoint reweighted_td (c : 'I_N -> R) (x : 'I_N -> 'cV[R]_d)
    (alpha : nat -> R) (w0 : 'cV[R]_d) (l : nat) : 'cV[R]_d :=
  if l is l'.+1 then
    let w := reweighted_td c x alpha w0 l' in
    w + alpha l' *: \sum_(k < n)
      (c (S k) * td_error S r gamma (linear_value x w) k) *: x (S k)
  else w0.

(** The weight of all transitions out of s together. *)
Definition nu (s : 'I_N) : R := (visits n S s)%:R * normaliser s.

(** Weighted TD with a step for each state: step l s in update l. *)
Fixpoint stepwise_td (step : nat -> 'I_N -> R)
    (v0 : 'cV[R]_N) (l : nat) : 'cV[R]_N :=
  if l is l'.+1 then
    let v := stepwise_td step v0 l' in
    \col_s (v s 0 + step l' s * \sum_(k < n) K n S E k s * td_error S r gamma v k)
  else v0.

End Definitions.

Lemma innerC (R : realFieldType) d (a b : 'cV[R]_d) : inner a b = inner b a.
Proof. by rewrite /inner !mxE; apply: eq_bigr => i _; rewrite !mxE mulrC. Qed.

(** Values that agree on the visited states have the same TD errors. *)
Lemma same_td_errors (R : realFieldType) N n (S : nat -> 'I_N) r (gamma : R) (v v' : 'cV[R]_N) (k : 'I_n) :
  (forall j : 'I_n.+1, v (S j) 0 = v' (S j) 0) -> td_error S r gamma v k = td_error S r gamma v' k.
Proof.
move=> same; have := same (lift ord0 k); have := same (widen_ord (leqnSn n) k).
by rewrite /td_error /= /bump add1n => -> ->.
Qed.

Section KernelSpace.
Variables (R : realFieldType) (N n m : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Variables (phi : 'I_N -> 'cV[R]_m).
Implicit Types (alpha : nat -> R) (w : 'cV[R]_m) (s u : 'I_N).
Notation Z := (normaliser n E S).
Notation psi := (over_normaliser n E S phi).
Notation nu := (nu n E S).
Notation Mhat := (Mhat n E S).

(** E is an inner product of features on the visited states. *)
Hypothesis E_inner :
  forall j k : 'I_n.+1, E (S j) (S k) = inner (phi (S j)) (phi (S k)).

(** No source has the normaliser 0. *)
Hypothesis Z_neq0 : forall k : 'I_n, Z (S k) != 0.

(** From values that are linear in psi, softmax TD is on the visited states
    linear TD with the features psi, in which transition k weighs Z (S k). *)
Theorem td_is_linear_in_kernel_space alpha (v0 : 'cV[R]_N) w0 l :
  (forall j : 'I_n.+1, v0 (S j) 0 = linear_value psi w0 (S j) 0) ->
  forall j : 'I_n.+1,
    weighted_td n S r gamma E alpha v0 l (S j) 0 =
    linear_value psi (reweighted_td n S r gamma Z psi alpha w0 l) (S j) 0.
Proof.
move=> start; elim: l => [//|l IH] j /=; rewrite mxE IH linear_valueD; congr (_ + _ * _).
apply: eq_bigr => k _; rewrite (same_td_errors _ _ _ IH) [RHS]mulrAC; congr (_ * _).
rewrite /K (E_inner j (widen_ord (leqnSn n) k)) /= -/(Z _) /inner /over_normaliser.
rewrite -scalemxAr scalemxE mulVKf // (_ : (_ *: phi (S j))^T = (Z (S j))^-1 *: (phi (S j))^T) ?linearZ //.
by rewrite -scalemxAl scalemxE mulrC.
Qed.

(** So it is from 0. *)
Theorem td_from_zero_is_linear_in_kernel_space alpha l (j : 'I_n.+1) :
  weighted_td n S r gamma E alpha 0 l (S j) 0 =
  linear_value psi (reweighted_td n S r gamma Z psi alpha 0 l) (S j) 0.
Proof. by apply: td_is_linear_in_kernel_space => i; rewrite [RHS]mxE mulmx0 !mxE. Qed.

(** The normaliser is not 0 at a source. *)
Lemma normaliser_of_source s : (0 < visits n S s)%N -> exists2 k : 'I_n, S k = s & Z s != 0.
Proof.
by case/source_left => k ks; exists k; rewrite -?ks.
Qed.

(** The flow of nu from s to u is that from u to s. *)
Theorem nu_is_balanced s u : nu s * Mhat s u = nu u * Mhat u s.
Proof.
rewrite !Mhat_visits -/(Z s) -/(Z u) /kernel_td.nu.
have [->|/normaliser_of_source[k ks Zs]] := posnP (visits n S s); first by rewrite !mul0r mulr0.
have [->|/normaliser_of_source[i iu Zu]] := posnP (visits n S u); first by rewrite !mul0r mulr0.
have -> : E s u = E u s.
  have ends (j : 'I_n) : S (widen_ord (leqnSn n) j) = S j by [].
  by rewrite -ks -iu -!ends !E_inner innerC.
by move: (E u s) (Z s) (Z u) Zs Zu => e a b a0 b0; field; rewrite a0 b0.
Qed.

(** So Mhat keeps nu. *)
Theorem nu_is_kept u : \sum_s nu s * Mhat s u = nu u.
Proof.
under eq_bigr => s _ do rewrite nu_is_balanced.
rewrite -mulr_sumr Mhat_sum /kernel_td.nu.
have [->|/normaliser_of_source[_ _ Zu]] := posnP (visits n S u); first by rewrite !mul0r.
by rewrite -mulr_suml -/(Z u) divff ?mulr1.
Qed.

(** Where no normaliser is negative, neither is nu: it is a measure. *)
Theorem nu_is_a_measure s : (forall k : 'I_n, 0 <= Z (S k)) -> 0 <= nu s.
Proof.
move=> Z_ge0; rewrite /kernel_td.nu.
have [->|/normaliser_of_source[k <- _]] := posnP (visits n S s); first by rewrite mul0r.
by rewrite mulr_ge0 ?ler0n.
Qed.

End KernelSpace.

(** Some entry of nu may be negative: two states in turn, with phi = 1 and -2,
    so that the first has the normaliser -1. *)
Theorem nu_may_be_negative (R : realFieldType) :
  exists (N n m : nat) (phi : 'I_N -> 'cV[R]_m) (S : nat -> 'I_N),
  let E s u := inner (phi s) (phi u) in
  (forall k : 'I_n, normaliser n E S (S k) != 0) /\ exists s, nu n E S s < 0.
Proof.
exists 2%N, 2%N, 1%N, (fun s => const_mx (if s == 0 then 1 else - 2%:R)), turns.
have Z s : normaliser 2 (fun s u => inner (const_mx (if s == 0 then 1 else - 2%:R) : 'cV[R]_1)
    (const_mx (if u == 0 then 1 else - 2%:R))) turns s = - (if s == 0 then 1 else - 2%:R).
  rewrite /normaliser !big_ord_recl big_ord0 /inner !mxE !big_ord1 !mxE /=.
  by case: (s == 0); ring.
split=> [k|]; first by rewrite Z oppr_eq0; case: ifP; rewrite ?oppr_eq0 ?pnatr_eq0 ?oner_eq0.
by exists 0; rewrite /nu Z /visits !big_ord_recl big_ord0 /= mul1r ltrN10.
Qed.

(** Mhat may keep other weights too: with the table E s u = 1 where s = u, else 0,
    and every state a source, it keeps all of them. *)
Theorem table_keeps_every_weight (R : realFieldType) N n (S : nat -> 'I_N) (w : 'rV[R]_N) :
  (forall s, source n S s) -> w *m Mhat n (fun s u => (s == u)%:R) S = w.
Proof.
move=> covered; rewrite (_ : Mhat _ _ _ = 1%:M) ?mulmx1 //; apply/matrixP => s u.
rewrite Mhat_visits mxE (_ : \sum_(i < n) _ = (visits n S s)%:R); last first.
  by rewrite /visits natr_sum; apply: eq_bigr => i _; rewrite eq_sym.
have [->|_] := eqVneq s u; last by rewrite mul0r mulr0.
by rewrite mul1r divff // pnatr_eq0 -lt0n; apply: covered.
Qed.

(** Plain linear TD: E is the inner product of the features themselves. *)
Section Plain.
Variables (R : realFieldType) (N n d : nat) (x : 'I_N -> 'cV[R]_d).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Notation E := (fun s u => inner (x s) (x u)).
Notation Z := (normaliser n E S).

(** No visited state has the normaliser 0. *)
Hypothesis Z_neq0 : forall j : 'I_n.+1, Z (S j) != 0.

(** With the step alpha l times Z s at the state s, weighted TD is
    on the visited states linear TD with the step alpha l. *)
Theorem step_in_proportion_to_normaliser_is_linear_td
    (alpha : nat -> R) (v0 : 'cV[R]_N) w0 l :
  (forall j : 'I_n.+1, v0 (S j) 0 = linear_value x w0 (S j) 0) ->
  forall j : 'I_n.+1,
    stepwise_td n E S r gamma (fun l s => alpha l * Z s) v0 l (S j) 0 =
    linear_value x (linear_td n S r gamma x alpha w0 l) (S j) 0.
Proof.
move=> start; elim: l => [//|l IH] j /=; rewrite mxE IH linear_valueD -mulrA; congr (_ + _ * _).
rewrite mulr_sumr; apply: eq_bigr => k _; rewrite (same_td_errors _ _ _ IH) /K -/(Z _) mulrA.
by rewrite mulrCA divff ?mulr1 // mulrC.
Qed.

(** Where Z is the same at all visited states, a constant step does. *)
Theorem same_normaliser_is_linear_td
    (alpha : nat -> R) (v0 : 'cV[R]_N) w0 l c :
  (forall j : 'I_n.+1, Z (S j) = c) ->
  (forall j : 'I_n.+1, v0 (S j) 0 = linear_value x w0 (S j) 0) ->
  forall j : 'I_n.+1,
    weighted_td n S r gamma E (fun l => alpha l * c) v0 l (S j) 0 =
    linear_value x (linear_td n S r gamma x alpha w0 l) (S j) 0.
Proof.
move=> same start j; rewrite -(step_in_proportion_to_normaliser_is_linear_td alpha l start).
elim: l j => [//|l IH] j /=; rewrite !mxE IH same; congr (_ + _ * _).
by apply: eq_bigr => k _; rewrite (same_td_errors _ _ _ IH).
Qed.

End Plain.

(** Of one transition, between two states whose normalisers differ,
    no constant step makes linear TD, if it has an error and the step is not 0. *)
Theorem no_constant_step_is_linear_td (R : realFieldType) N d
    (x : 'I_N -> 'cV[R]_d) (S : nat -> 'I_N) (r : nat -> R) (gamma : R)
    (alpha beta : R) (w : 'cV[R]_d) :
  let E s u := inner (x s) (x u) in
  let v := linear_value x w in
  normaliser 1 E S (S 0%N) != 0 -> normaliser 1 E S (S 1%N) != 0 ->
  normaliser 1 E S (S 0%N) != normaliser 1 E S (S 1%N) ->
  alpha != 0 -> td_error S r gamma v 0 != 0 ->
  exists j : 'I_2,
    td_update 1 S r gamma E beta v (S j) 0 !=
    linear_value x (linear_td 1 S r gamma x (fun _ => alpha) w 1) (S j) 0.
Proof.
move=> E v Z0 Z1 differ alpha0 error; set Z := normaliser 1 E S.
set moved := td_update _ _ _ _ _ _ _; set wanted := linear_value _ _.
have step j : Z (S j) != 0 -> moved (S j) 0 = wanted (S j) 0 -> beta = alpha * Z (S j).
  move=> Zj; rewrite [LHS]mxE /wanted /= linear_valueD !big_ord1 => /addrI.
  rewrite /K -/(Z _) (_ : E (S j) (S 0%N) = Z (S j)) ?divff // ?mul1r; last by rewrite /Z /normaliser big_ord1.
  rewrite (_ : ((x (S j))^T *m x (S 0%N)) 0 0 = Z (S j)); last by rewrite /Z /normaliser big_ord1.
  by move=> same; apply: (mulfI error); rewrite mulrC same mulrCA.
have [/step E0|] := eqVneq (moved (S 0%N) 0) (wanted (S 0%N) 0); last by exists 0.
have [/step E1|] := eqVneq (moved (S 1%N) 0) (wanted (S 1%N) 0); last by exists 1.
by case/eqP: differ; apply: (mulfI alpha0); rewrite -E0 // -E1.
Qed.

(** The Transformer, whose E is the exponential of its scores. *)
Section Transformer.
Variables (R : realFieldType) (exp : R -> R) (N n d m : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d).
Variables (A : 'M[R]_d) (gamma : R) (phi : 'I_N -> 'cV[R]_m).
Notation E := (fun s u => exp (score x A s u)).
Notation Z := (normaliser n E S).
Notation psi := (over_normaliser n E S phi).

(** The values that L layers hold are those of linear TD in the space of the kernel. *)
Theorem transformer_is_linear_in_kernel_space
    (alpha : nat -> R) (v0 : 'cV[R]_N) w0 L :
  (forall j k : 'I_n.+1, E (S j) (S k) = inner (phi (S j)) (phi (S k))) ->
  (forall k : 'I_n, Z (S k) != 0) ->
  (forall j : 'I_n.+1, v0 (S j) 0 = linear_value psi w0 (S j) 0) ->
  forall j : 'I_n.+1,
    transformer (shift R n) (softmax exp (@sources n)) A gamma alpha L
      (prompt n S r x gamma v0) (value_row d) j =
    linear_value psi (reweighted_td n S r gamma Z psi alpha w0 L) (S j) 0.
Proof.
move=> E_inner Z_neq0 start j; rewrite transformer_is_softmax_td prompt_value.
exact: td_is_linear_in_kernel_space.
Qed.

End Transformer.
