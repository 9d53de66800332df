(** layer-steps: steps that differ by layer, and detailed balance. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman.
From icrl Require Import coverage certainty_equivalence.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Factors.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Implicit Types (e : 'cV[R]_N) (alpha : nat -> R).
Notation v_CE := (v_CE n S r gamma).
Notation weighted_td := (weighted_td n S r gamma E).

(** H = Mhat - gamma Phat. *)
Definition H : 'M[R]_N := Mhat n E S - gamma *: Phat n E S.

(** The factors 1 - alpha_l H of L layers, applied to e one after another. *)
Fixpoint factors (alpha : nat -> R) (L : nat) (e : 'cV[R]_N) : 'cV[R]_N :=
  if L is l.+1 then
    let u := factors alpha l e in u - alpha l *: (H *m u)
  else e.

Lemma G_H a (u : 'cV[R]_N) : G n E S gamma a *m u = u - a *: (H *m u).
Proof.
rewrite /G /H !mulmxDl !mulNmx mul1mx -!scalemxAl; apply/colP => s.
rewrite !(addmxE, oppmxE, scalemxE).
by move: (u s 0) ((Mhat n E S *m u) s 0) ((Phat n E S *m u) s 0) => *; ring.
Qed.

(** The error of layer L is the product of the factors,
    applied to the first error. *)
Theorem error_is_product_of_factors alpha v0 L :
  `|gamma| < 1 ->
  weighted_td alpha v0 L - v_CE = factors alpha L (v0 - v_CE).
Proof.
move=> gamma_lt1; elim: L => [//|L IH] /=; rewrite -IH -G_H mulmxBr.
rewrite -{1}(v_CE_fixed n E S r (alpha L) gamma_lt1) !update_is_operator.
by rewrite opprD addrACA subrr addr0.
Qed.

(** The factors commute: two steps can change places. *)
Theorem factors_commute a b e :
  (e - a *: (H *m e)) - b *: (H *m (e - a *: (H *m e))) =
  (e - b *: (H *m e)) - a *: (H *m (e - b *: (H *m e))).
Proof.
rewrite !mulmxBr -!scalemxAr; apply/colP => s; rewrite !(addmxE, oppmxE, scalemxE).
by move: (e s 0) ((H *m e) s 0) ((H *m (H *m e)) s 0) => *; ring.
Qed.

End Factors.

(** Detailed balance. *)
Section Reversible.
Variables (R : realFieldType) (N n : nat) (S : nat -> 'I_N).

(** Pe is reversible, by the weights nu. *)
Definition reversible (nu : 'I_N -> R) :=
  (forall s, 0 < nu s) /\ forall s u, nu s * Pe R n S s u = nu u * Pe R n S u s.

(** How often the context goes from s to u. *)
Definition crossings (s u : 'I_N) : nat :=
  \sum_(k < n) ((S k == s) && (S k.+1 == u)).

Lemma Pe_crossings s u : Pe R n S s u = (crossings s u)%:R / (visits n S s)%:R.
Proof.
rewrite [LHS]mxE; congr (_ / _); rewrite /crossings natr_sum [LHS]big_mkcond /=.
by apply: eq_bigr => k _; case: (S k == s).
Qed.

(** A context that leaves every state, and crosses each pair of states equally often
    in both directions, is reversible with nu = n_s. *)
Theorem equal_crossings_are_reversible :
  (forall s, source n S s) -> (forall s u, crossings s u = crossings u s) ->
  reversible (fun s => (visits n S s)%:R).
Proof.
move=> covered equal; split=> [s|s u]; first by rewrite ltr0n; apply: covered.
have n_neq0 w : (visits n S w)%:R != 0 :> R by rewrite pnatr_eq0 -lt0n; apply: covered.
by rewrite !Pe_crossings equal [LHS]mulrC [RHS]mulrC !mulfVK.
Qed.

End Reversible.
