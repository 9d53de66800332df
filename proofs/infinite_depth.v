(** identifiability: what infinite depth sees of the weights. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman.
From icrl Require Import counterexamples certainty_equivalence exponential.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** The columns f 0, f 1, ... tend to v:
    in the end they stay as near to it as asked. *)
Definition tends_to (R : realFieldType) N (f : nat -> 'cV[R]_N) (v : 'cV[R]_N) :=
  forall e, 0 < e -> exists m, forall l, (m <= l)%N -> norm (f l - v) < e.

Section InfiniteDepth.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma alpha : R).
Notation td_update := (td_update n S r gamma E alpha).
Notation weighted_td := (weighted_td n S r gamma E (fun _ => alpha)).

(** A limit of the layers is kept by the layer. *)
Lemma limit_is_fixed v0 v : tends_to (weighted_td v0) v -> td_update v = v.
Proof.
move=> lim; apply/eqP; rewrite -subr_eq0 -norm_eq0; apply/negPn/negP => far.
have c_gt0 : 0 < norm (G n E S gamma alpha) + 1 by rewrite ltr_paddl ?norm_ge0 ?ltr01.
have {}far : 0 < norm (td_update v - v) by rewrite lt_def far norm_ge0.
have [m near] := lim _ (divr_gt0 far c_gt0).
suff : norm (td_update v - v) < norm (td_update v - v) by rewrite ltxx.
have apart : td_update v - v = - (G n E S gamma alpha *m (weighted_td v0 m - v)) + (weighted_td v0 m.+1 - v).
  rewrite /= !update_is_operator mulmxBr; apply/colP => s; rewrite !(addmxE, oppmxE, scalemxE).
  by move: (v s 0) ((_ *m weighted_td v0 m) s 0) ((_ *m v) s 0) (bhat n E S r s 0) => *; ring.
rewrite {1}apart; apply: le_lt_trans (norm_add _ _) _; rewrite norm_opp.
rewrite -[X in _ < X](mulfVK (lt0r_neq0 c_gt0)) -[norm _ / _ * _]mulrC mulrDl mul1r.
apply: ler_lt_add (near _ (leqnSn m)); apply: le_trans (norm_mul _ _) _.
by rewrite ler_wpmul2l ?norm_ge0 ?ltW ?near.
Qed.

(** Where Mhat has an inverse, depth can tend to v_CE only:
    no weights are seen in the limit. *)
Theorem infinite_depth_is_v_CE v0 v :
  `|gamma| < 1 -> alpha != 0 -> Mhat n E S \in unitmx ->
  tends_to (weighted_td v0) v -> v = v_CE n S r gamma.
Proof.
move=> gamma_lt1 alpha0 inv /limit_is_fixed/(fixed_is_bellman _ _ _ alpha0 inv).
by move/(proj2 (certainty_equivalent_value n S r gamma_lt1)).
Qed.

End InfiniteDepth.

(** Where Mhat is singular, it may be: three A lead to three ends. *)
Section ThreeEnds.
Variables (R : realFieldType) (exp : R -> R).
Hypotheses (exp_exponential : exponential exp) (exp1 : exp 1 = 2%:R).

(** The rewards 1, 0. *)
Definition first_reward (k : nat) : R := (k == 0%N)%:R.

(** The values after L layers: states 0, 1, 0, gamma = 1/2, alpha = 1, v_0 = 0,
    and one-hot features. *)
Definition values_after (A : 'M[R]_2) (L : nat) : 'cV[R]_2 :=
  softmax_td 2 turns first_reward (1 / 2%:R) (fun s => delta_mx s 0)
    exp A (fun _ => 1) 0 L.

(** The values a of state 0 and b of state 1. *)
Definition two_values (a b : R) : 'cV[R]_2 := \col_s (if s == 0 then a else b).

Lemma one_hot_score (A : 'M[R]_2) s u : score (fun s => delta_mx s 0) A s u = A u s.
Proof. by rewrite /score trmx_delta -rowE -colE !mxE. Qed.

Lemma turns_update (E : 'I_2 -> 'I_2 -> R) v s :
  td_update 2 turns first_reward (1 / 2%:R) E 1 v s 0 =
  v s 0 + (E s 0 * (1 + v 1 0 / 2%:R - v 0 0) + E s 1 * (v 0 0 / 2%:R - v 1 0)) / (E s 0 + E s 1).
Proof.
rewrite mxE sum2 /K sum2 /td_error /first_reward /turns /= mul1r.
by move: (E s 0) (E s 1) (v 0 0) (v 1 0) (_^-1) => *; rewrite !div1r add0r; ring.
Qed.

(** Values that go half the way to their end in each layer. *)
Lemma halfway (A : 'M[R]_2) a b L :
  (forall c s, td_update 2 turns first_reward (1 / 2%:R) (fun s u => exp (A u s)) 1 (c *: two_values a b) s 0 =
               ((c + 1) / 2%:R) * two_values a b s 0) ->
  values_after A L = (1 - (1 / 2%:R) ^+ L) *: two_values a b.
Proof.
move=> half; elim: L => [|L IH]; first by rewrite expr0 subrr scale0r.
rewrite /values_after /softmax_td /= -/(softmax_td _ _ _ _ _ _ _ _ _ L) -/(values_after A L) IH.
apply/colP => s; rewrite -[RHS]/(((_ *: _) : 'cV_2) s 0) [RHS]scalemxE.
transitivity (((1 - (1 / 2%:R) ^+ L + 1) / 2%:R) * two_values a b s 0); last by congr (_ * _); rewrite exprS; field.
rewrite -half [LHS]mxE [RHS]mxE; congr (_ + _ * _); apply: eq_bigr => k _; congr (_ * _).
by rewrite /K !one_hot_score; congr (_ / _); apply: eq_bigr => i _; rewrite one_hot_score.
Qed.

(** With A = 1 depth goes to v_CE = (4/3, 2/3), with A = 0 to (1, 1),
    and with the skew A of entries 1, -1 to (4/3, 4/3):
    half the way in each layer. *)
Theorem three_A_lead_to_three_ends L :
  let ends A a b := values_after A L = (1 - (1 / 2%:R) ^+ L) *: two_values a b in
  [/\ v_CE 2 turns first_reward (1 / 2%:R) = two_values (4%:R / 3%:R) (2%:R / 3%:R),
      ends 1%:M (4%:R / 3%:R) (2%:R / 3%:R),
      ends 0 1 1
    & ends (delta_mx 0 1 - delta_mx 1 0) (4%:R / 3%:R) (4%:R / 3%:R)].
Proof.
have exp0 := exp0 exp_exponential.
have expN1 : exp (- 1) = 1 / 2%:R.
  have := expD exp_exponential 1 (- 1); rewrite subrr exp0 exp1 => e.
  by apply: (@mulfI _ 2%:R); rewrite ?pnatr_eq0 // -e; field.
have two : 2%:R != 0 :> R by rewrite pnatr_eq0.
split.
- apply/esym/(proj2 (certainty_equivalent_value _ _ _ _)).
    by rewrite ger0_norm ?divr_ge0 ?ler0n ?ler01 // ltr_pdivr_mulr ?ltr0n // mul1r ltr1n.
  apply/colP => s; rewrite addmxE scalemxE !mxE sum2 !mxE !(big_mkcond (fun k : 'I_2 => turns _ == _)).
  rewrite !sum2 /visits !big_ord_recl !big_ord0.
  by case: s => [[|[|//]] lt_s] /=; rewrite /first_reward /=; field.
all: apply: halfway => c s; rewrite turns_update !(scalemxE, mxE) /=.
all: by case: s => [[|[|//]] lt_s] /=; rewrite ?subr0 ?sub0r ?exp0 ?exp1 ?expN1; field.
Qed.

End ThreeEnds.
