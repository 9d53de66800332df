(** layer-steps: steps of 1 around a cycle of three states. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator.
From icrl Require Import certainty_equivalence layer_steps.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Cycle.
Variable R : realFieldType.

(** The states 0, 1, 2, 0, and the table of weights that makes Mhat = 1. *)
Definition around (k : nat) : 'I_3 := nth 0 [:: 0; 1; 2%:R; 0] k.
Definition own (s u : 'I_3) : R := (s == u)%:R.

(** One step around the cycle: state s has the value of state s + 1. *)
Definition turn : 'M[R]_3 := \matrix_(s, u) (u == s + 1)%:R.
Definition squares (e : 'cV[R]_3) : R := \sum_s e s 0 ^+ 2.

Lemma sum3 (V : zmodType) (F : 'I_3 -> V) : \sum_s F s = F 0 + F 1 + F 2%:R.
Proof. by rewrite !big_ord_recl big_ord0 addr0 addrA; congr (_ + F _ + F _); apply: val_inj. Qed.

Lemma turnE (e : 'cV[R]_3) s : (turn *m e) s 0 = e (s + 1) 0.
Proof.
rewrite mxE (bigD1 (s + 1)) //= big1 ?addr0 => [|u /negbTE ne]; rewrite mxE ?eqxx ?mul1r //.
by rewrite ne mul0r.
Qed.

Lemma three_cases (P : 'I_3 -> Prop) : P 0 -> P 1 -> P 2%:R -> forall s, P s.
Proof. by move=> P0 P1 P2 [[|[|[|//]]] lt_s]; [move: P0 | move: P1 | move: P2]; congr P; apply: val_inj. Qed.

(** The entries of a turned vector. *)
Lemma turn0 (e : 'cV[R]_3) : (turn *m e) 0 0 = e 1 0.
Proof. by rewrite turnE; congr (e _ _); apply: val_inj. Qed.
Lemma turn1 (e : 'cV[R]_3) : (turn *m e) 1 0 = e 2%:R 0.
Proof. by rewrite turnE; congr (e _ _); apply: val_inj. Qed.
Lemma turn2 (e : 'cV[R]_3) : (turn *m e) 2%:R 0 = e 0 0.
Proof. by rewrite turnE; congr (e _ _); apply: val_inj. Qed.

Lemma H_cycle (gamma : R) : H 3 own around gamma = 1%:M - gamma *: turn.
Proof.
apply/matrixP => s u; rewrite !(addmxE, oppmxE, scalemxE) ![turn _ _]mxE ![1%:M _ _]mxE.
rewrite [Mhat _ _ _ _ _]mxE [Phat _ _ _ _ _]mxE !(big_mkcond (fun k : 'I_3 => around _ == _)).
rewrite !sum3 /K !sum3 /own /around.
by elim/three_cases: s; elim/three_cases: u => /=; rewrite ?(addr0, add0r, invr1, mulr1, mul0r, mulr0).
Qed.

Lemma squares_scale c (e : 'cV[R]_3) : squares (c *: e) = c ^+ 2 * squares e.
Proof. by rewrite /squares mulr_sumr; apply: eq_bigr => s _; rewrite scalemxE exprMn. Qed.

(** Steps of 1 multiply the sum of squared errors by gamma^(2 L). *)
Theorem steps_of_1_around_the_cycle (r : nat -> R) gamma (v0 : 'cV[R]_3) L :
  `|gamma| < 1 ->
  let error l := weighted_td 3 around r gamma own (fun _ => 1) v0 l
                 - v_CE 3 around r gamma in
  squares (error L) = gamma ^+ (2 * L) * squares (error 0%N).
Proof.
move=> gamma_lt1 error; rewrite {1}/error error_is_product_of_factors // -/(error 0%N).
elim: L => [|L IH]; first by rewrite mul1r.
rewrite mulnS exprD -mulrA -IH /= H_cycle scale1r mulmxBl mul1mx opprB addrC subrK -scalemxAl squares_scale.
by congr (_ * _); rewrite /squares !sum3 turn0 turn1 turn2 addrC addrA.
Qed.

End Cycle.
