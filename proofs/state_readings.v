(** state-form: what one layer computes: softmax TD of another task;
    and what layers make of constants. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries operator certainty_equivalence state_form.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variable R : realFieldType.

(** The discount of the task whose update a layer is,
    and what its rewards are scaled by. *)
Definition gamma_of_layer (gamma w_t w_v : R) : R := gamma * w_t / - w_v.
Definition eta_of_layer (w_r w_v : R) : R := w_r / - w_v.

(** What L layers make of rewards of 1. *)
Definition gain (gamma w_r w_t w_v : R) (L : nat) : R :=
  w_r * \sum_(l < L) (1 + gamma * w_t + w_v) ^+ l.

End Definitions.

(** Where w_v < 0, one layer of the state form is one of softmax TD,
    with the step size - w_v, a discount of its own and rewards scaled. *)
Theorem state_form_of_another_task (R : realFieldType) N c P rho gamma E w_r w_t w_v
    (v : 'rV[R]_N) :
  w_v < 0 ->
  state_update c P rho gamma E w_r w_t w_v v =
  v + - w_v *: ((eta_of_layer w_r w_v *: rho
                 + gamma_of_layer gamma w_t w_v *: (v *m P^T) - v)
                *m state_attention c E).
Proof.
move=> wv_lt0; have wv0 : w_v != 0 by rewrite lt_eqF.
rewrite /state_update [- w_v *: _]scalemxAl; congr (_ + _ *m _); apply/rowP => u; rewrite !(addmxE, oppmxE, scalemxE).
by rewrite /eta_of_layer /gamma_of_layer; move: (rho 0 u) ((v *m _) 0 u) => *; field.
Qed.

Section Context.
Variables (R : realFieldType) (N n : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Implicit Type v : 'rV[R]_N.
Notation c := (fun u => (visits n S u)%:R : R).
Notation Pe := (Pe R n S).

(** The weights of the counts are those of the transitions. *)
Lemma count_weights (E : 'I_N -> 'I_N -> R) s : \sum_u c u * E s u = \sum_(k < n) E s (S k).
Proof.
rewrite (sum_by_state (fun k : 'I_n => S k)); apply: eq_bigr => u _.
rewrite /visits natr_sum mulr_suml [RHS]big_mkcond; apply: eq_bigr => k _.
by case: eqP => [->|_] /=; rewrite ?mul1r ?mul0r.
Qed.

(** So K of the state form is Mhat, with keys down and queries across. *)
Lemma state_attention_is_Mhat E : state_attention c E = (Mhat n E S)^T.
Proof. by apply/matrixP => u s; rewrite [RHS]mxE Mhat_visits mxE count_weights mulrA. Qed.

(** On a context: that layer is one update of weighted TD
    with that discount and those rewards. *)
Theorem layer_is_td_of_another_task E w_r w_t w_v v :
  w_v < 0 ->
  (state_update c Pe (rhat n S r)^T gamma E w_r w_t w_v v)^T =
  td_update n S (fun k => eta_of_layer w_r w_v * r k)
    (gamma_of_layer gamma w_t w_v) E (- w_v) v^T.
Proof.
move=> wv_lt0; rewrite state_form_of_another_task // richardson state_attention_is_Mhat.
have -> : rhat n S (fun k => eta_of_layer w_r w_v * r k) = eta_of_layer w_r w_v *: rhat n S r.
  by apply/colP => s; rewrite !mxE -mulr_sumr mulrA.
rewrite linearD linearZ /= trmx_mul trmxK; congr (_ + _ *: (_ *m _)).
by rewrite linearB linearD !linearZ /= trmx_mul !trmxK.
Qed.

(** Where w = alpha (1, 1, -1) in each layer and A is one: softmax TD
    of the context itself, at every depth. *)
Theorem layers_are_softmax_td d (x : 'I_N -> 'cV[R]_d) exp A
    (alpha : nat -> R) v0 L :
  (state_values c Pe (rhat n S r)^T gamma (fun _ s u => exp (score x A s u))
     alpha alpha (fun l => - alpha l) v0 L)^T =
  softmax_td n S r gamma x exp A alpha v0^T L.
Proof.
elim: L => [//|l /= <-]; set v := state_values _ _ _ _ _ _ _ _ _ l.
rewrite richardson /state_update state_attention_is_Mhat.
rewrite linearD /= trmx_mul trmxK [alpha l *: (_ *m _)]scalemxAr; congr (_ + _ *m _).
by rewrite !linearD !linearZ /= trmx_mul !trmxK scaleNr scalerN scalerA [gamma * _]mulrC.
Qed.

(** Every transition pays 1. Each layer carries the constant g
    to the constant w_r + (1 + gamma w_t + w_v) g. *)
Lemma constant_update E w_r w_t w_v (g : R) :
  (forall s, \sum_(k < n) E s (S k) != 0) ->
  state_update c Pe (rhat n S (fun _ => 1))^T gamma E w_r w_t w_v (const_mx g) =
  const_mx (w_r + (1 + gamma * w_t + w_v) * g).
Proof.
move=> Z0; apply/rowP => s; rewrite state_updateE state_attention_is_Mhat ![const_mx _ _ _]mxE.
have row1 : \sum_u (Mhat n E S)^T u s = 1.
  by under eq_bigr do rewrite mxE; rewrite Mhat_sum -mulr_suml divff.
transitivity (g + (\sum_u (Mhat n E S)^T u s) * (w_r + w_t * gamma * g + w_v * g)); last by rewrite row1; ring.
congr (_ + _); rewrite mulr_suml; apply: eq_bigr => u _.
have [some|none] := boolP (source n S u); last first.
  by move: none; rewrite [_^T u s]mxE Mhat_visits /source lt0n negbK => /eqP->; rewrite !mul0r.
have some0 : (visits n S u)%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have -> : (rhat n S (fun _ => 1 : R))^T 0 u = 1.
  rewrite !mxE -[RHS](divff some0) /visits natr_sum; congr (_ / _); rewrite big_mkcond.
  by apply: eq_bigr => k _; case: eqP.
have -> : (Pe *m (const_mx g : 'rV_N)^T) u 0 = g.
  rewrite mxE (eq_bigr (fun w => Pe u w * g)) => [|w _]; last by rewrite !mxE.
  by rewrite -mulr_suml Pe_row some mul1r.
by rewrite mulr1 [const_mx g 0 u]mxE.
Qed.

(** The same by states: from 0, L layers of one w leave the gain everywhere,
    whatever their weights E. *)
Theorem gain_of_layers E w_r w_t w_v L :
  (forall l s, \sum_(k < n) E l s (S k) != 0) ->
  state_values c Pe (rhat n S (fun _ => 1))^T gamma E
    (fun _ => w_r) (fun _ => w_t) (fun _ => w_v) 0 L =
  const_mx (gain gamma w_r w_t w_v L).
Proof.
move=> Z0; elim: L => [|l /= ->]; first by rewrite /gain big_ord0 mulr0; apply/rowP => s; rewrite !mxE.
rewrite constant_update //; congr const_mx.
rewrite /gain big_ord_recl /= expr0 mulrDr mulr1 mulrCA; congr (_ + _ * _).
by rewrite mulr_sumr; apply: eq_bigr => i _; rewrite exprS.
Qed.

(** Where every transition pays 1 and v0 = 0, L layers of one w leave the gain
    in every column of the prompt, whatever A they have in each. *)
Theorem gain_of_transformer d (x : 'I_N -> 'cV[R]_d) exp (A : nat -> 'M[R]_d)
    w_r w_t w_v L (j : 'I_n.+1) :
  (forall l s, \sum_(k < n) exp (score x (A l) s (S k)) != 0) ->
  untied_transformer exp (shift R n) (@sources n) gamma A
    (fun _ => w_r) (fun _ => w_t) (fun _ => w_v) L
    (prompt n S (fun _ => 1) x gamma 0) (value_row d) j =
  gain gamma w_r w_t w_v L.
Proof.
move=> Z0; rewrite -[0]trmx0 state_form prompt_value mxE.
by rewrite (gain_of_layers (E := fun l s u => exp (score x (A l) s u))) // mxE.
Qed.

End Context.
