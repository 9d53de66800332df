(** contraction, hypothesis by hypothesis:
    without any one of them the bound is false, by a small instance. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm contraction.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R) (S : nat -> 'I_N).

(** A proper setting: at least one transition, positive weights,
    and a discount in [0, 1). *)
Definition proper (gamma : R) :=
  [/\ (0 < n)%N, forall s u, 0 < E s u, 0 <= gamma & gamma < 1].

(** Every diagonal entry of Mhat is m: then m is at most each of them,
    and no greater m is. *)
Definition diagonal (m : R) := forall s, Mhat n E S s s = m.

End Definitions.

(** The context of one state: it stays there. *)
Definition stay (k : nat) : 'I_1 := 0.

(** The context of two states in turn: T = (0, 1, 0) in two transitions. *)
Definition turns (k : nat) : 'I_2 := if odd k then 1 else 0.

Section Counterexamples.
Variable R : realFieldType.

(** To show x < y, name the difference. *)
Lemma lt_by (x y e : R) : y - x = e -> 0 < e -> x < y.
Proof. by move=> <-; rewrite subr_gt0. Qed.

(** One state, one transition: Mhat = 1. *)
Lemma Mhat_stay s u : Mhat 1 (fun _ _ => 1 : R) stay s u = 1.
Proof.
by rewrite Mhat_visits /visits !big_ord1 [u]ord1 /stay eqxx divr1 mulr1.
Qed.

(** Two states in turn: Mhat, Phat, G, and a bound on |G| from below. *)
Lemma Mhat_turns (E : 'I_2 -> 'I_2 -> R) s u : Mhat 2 E turns s u = E s u / (E s 0 + E s 1).
Proof.
rewrite Mhat_visits /visits !big_ord_recl !big_ord0 /= /turns /= addr0.
by rewrite (_ : (_ + _)%N = 1%N) ?mul1r //; case: u => [[|[|]]].
Qed.

Lemma Phat_turns (E : 'I_2 -> 'I_2 -> R) s u : Phat 2 E turns s u = E s (1 - u) / (E s 0 + E s 1).
Proof.
rewrite mxE big_mkcond /K !big_ord_recl !big_ord0 /= /turns /= !addr0.
case: u => [[|[|//]] lt_u] /=; rewrite ?add0r ?addr0; congr (E s _ / _); exact: val_inj.
Qed.

Lemma norm_G_turns (E : 'I_2 -> 'I_2 -> R) (gamma alpha : R) :
  `|G 2 E turns gamma alpha 0 0| + `|G 2 E turns gamma alpha 0 1| <= norm (G 2 E turns gamma alpha).
Proof. by apply: le_trans (le_norm _ 0); rewrite sum2. Qed.

Lemma GE_turns (E : 'I_2 -> 'I_2 -> R) (gamma alpha : R) s u :
  G 2 E turns gamma alpha s u =
  (s == u)%:R - alpha * (E s u / (E s 0 + E s 1)) + alpha * gamma * (E s (1 - u) / (E s 0 + E s 1)).
Proof. by rewrite /G !(addmxE, oppmxE, scalemxE) Mhat_turns Phat_turns mxE. Qed.

(** One state is a proper setting. *)
Lemma proper_stay : proper 1 (fun _ _ : 'I_1 => 1 : R) 0.
Proof. by split=> // *; rewrite ltr01. Qed.

(** Without alpha <= 1: alpha = 3/2 with one state and gamma = 0 has the bound -1/2,
    below every norm. *)
Theorem needs_alpha_at_most_1 :
  exists (N n : nat) (E : 'I_N -> 'I_N -> R) (S : nat -> 'I_N) (gamma alpha m : R),
  [/\ proper n E gamma, diagonal n E S m, 0 < alpha, 0 < margin m gamma
    & 1 - alpha * margin m gamma < norm (G n E S gamma alpha)].
Proof.
exists 1%N, 1%N, (fun _ _ => 1), stay, 0, (3%:R / 2%:R), 1.
have c1 : margin 1 0 = 1 :> R by rewrite /margin normr0; ring.
split; rewrite ?c1 ?ltr01 ?divr_gt0 ?ltr0n //; first exact: proper_stay.
  by move=> s; exact: Mhat_stay.
apply: lt_le_trans (norm_ge0 _).
by apply: (@lt_by _ _ (1 / 2%:R)); [by field | rewrite divr_gt0 ?ltr0n ?ltr01].
Qed.

(** Without 0 <= alpha: alpha = -1 with two states, weights 2 and 1 and gamma = 0
    has |G| = 2, bound 4/3. *)
Theorem needs_alpha_positive :
  exists (N n : nat) (E : 'I_N -> 'I_N -> R) (S : nat -> 'I_N) (gamma alpha m : R),
  [/\ proper n E gamma, diagonal n E S m, alpha <= 1, 0 < margin m gamma
    & 1 - alpha * margin m gamma < norm (G n E S gamma alpha)].
Proof.
pose E (s u : 'I_2) : R := if s == u then 2%:R else 1.
have c : margin (2%:R / 3%:R) 0 = 1 / 3%:R :> R by rewrite /margin normr0; field.
exists 2%N, 2%N, E, turns, 0, (-1), (2%:R / 3%:R); split; rewrite ?c ?divr_gt0 ?ltr0n ?ltr01 //.
- by split; rewrite ?ltr01 // => s u; rewrite /E; case: eqP; rewrite ?ltr0n ?ltr01.
- by move=> s; rewrite Mhat_turns /E eqxx; case: s => [[|[|//]] lt_s] /=; field.
- exact: le_trans (lerN10 _) ler01.
apply: lt_le_trans (norm_G_turns _ _ _).
have -> : G 2 E turns 0 (-1) 0 0 = 5%:R / 3%:R by rewrite GE_turns /E /=; field.
have -> : G 2 E turns 0 (-1) 0 1 = 1 / 3%:R by rewrite GE_turns /E /=; field.
rewrite !ger0_norm ?divr_ge0 ?ler0n ?ler01 //.
by apply: (@lt_by _ _ (2%:R / 3%:R)); [by field | rewrite divr_gt0 ?ltr0n].
Qed.

(** Without c > 0: two states, equal weights, gamma = 1/2: c = -1/2,
    the bound is below 0 at every depth. *)
Theorem needs_positive_margin :
  exists (N n : nat) (E : 'I_N -> 'I_N -> R) (S : nat -> 'I_N),
  exists (r : nat -> R) (gamma alpha m : R) (v0 vs : 'cV[R]_N),
  [/\ proper n E gamma, diagonal n E S m, 0 < alpha, alpha <= 1
    & forall L,
      (1 - alpha * margin m gamma) ^+ L * norm (v0 - vs)
      + norm (residual n E S r gamma vs) / margin m gamma
      < norm (weighted_td n S r gamma E (fun _ => alpha) v0 L - vs)].
Proof.
have c : margin (1 / 2%:R) (1 / 2%:R) = - (1 / 2%:R) :> R.
  by rewrite /margin ger0_norm ?divr_ge0 ?ler0n ?ler01 //; field.
exists 2%N, 2%N, (fun _ _ => 1), turns, (fun _ => 1), (1 / 2%:R), 1, (1 / 2%:R), 0, 0.
split; rewrite ?ltr01 ?lexx //.
- by split; rewrite ?divr_ge0 ?ler0n ?ler01 ?ltr01 // ltr_pdivr_mulr ?ltr0n // mul1r ltr1n.
- by move=> s; rewrite Mhat_turns.
move=> L; apply: lt_le_trans (norm_ge0 _); rewrite subrr norm0 mulr0 add0r c.
have res_gt0 : 0 < norm (residual 2 (fun _ _ : 'I_2 => 1 : R) turns (fun _ => 1) (1 / 2%:R) 0).
  apply: lt_le_trans (entry_le_norm _ 0 0); rewrite normr_gt0 mxE.
  under eq_bigr => k _ do rewrite /td_error !mxE mulr0 addr0 subr0 mulr1.
  by rewrite (K_sum (sum_E_neq0 turns (fun _ _ => ltr01) _)) ?oner_neq0.
by rewrite invrN mulrN oppr_lt0 mulr_gt0 // invr_gt0 divr_gt0 ?ltr0n ?ltr01.
Qed.

(** With the mean of Mhat's diagonal as m: weights 1 + (x x')^2, x = 1, 2,
    have |G| = 23/14, bound 111/77. *)
Theorem needs_every_diagonal :
  exists (N n : nat) (E : 'I_N -> 'I_N -> R) (S : nat -> 'I_N) (gamma alpha m : R),
  [/\ proper n E gamma, m = (\sum_s Mhat n E S s s) / N%:R, 0 < alpha, alpha <= 1
    & 1 - alpha * margin m gamma < norm (G n E S gamma alpha)].
Proof.
pose x (s : 'I_2) : R := if s == 0 then 1 else 2%:R.
pose E s u : R := 1 + (x s * x u) ^+ 2.
have c : margin (163%:R / 308%:R) (1 / 2%:R) = - (34%:R / 77%:R) :> R.
  by rewrite /margin ger0_norm ?divr_ge0 ?ler0n ?ler01 //; field.
exists 2%N, 2%N, E, turns, (1 / 2%:R), 1, (163%:R / 308%:R); split; rewrite ?c ?ltr01 ?lexx //.
- split; rewrite ?divr_ge0 ?ler0n ?ler01 ?ltr01 //; last by rewrite ltr_pdivr_mulr ?ltr0n // mul1r ltr1n.
  by move=> s u; rewrite /E ltr_paddr ?sqr_ge0 ?ltr01.
- by rewrite sum2 !Mhat_turns /E /x /=; field.
apply: lt_le_trans (norm_G_turns _ _ _).
have -> : G 2 E turns (1 / 2%:R) 1 0 0 = 15%:R / 14%:R by rewrite GE_turns /E /x /=; field.
have -> : G 2 E turns (1 / 2%:R) 1 0 1 = - (8%:R / 14%:R) by rewrite GE_turns /E /x /=; field.
rewrite normrN !ger0_norm ?divr_ge0 ?ler0n ?ler01 //.
by apply: (@lt_by _ _ (31%:R / 154%:R)); [by field | rewrite divr_gt0 ?ltr0n].
Qed.

(** Without E >= 0: two states, weights 2 and -1, gamma = 0: the diagonal is 2,
    and the bound is below 0. *)
Theorem needs_positive_weights :
  exists (N n : nat) (E : 'I_N -> 'I_N -> R) (S : nat -> 'I_N) (gamma alpha m : R),
  [/\ (0 < n)%N /\ 0 <= gamma < 1, diagonal n E S m,
      0 < alpha <= 1, 0 < margin m gamma
    & 1 - alpha * margin m gamma < norm (G n E S gamma alpha)].
Proof.
pose E (s u : 'I_2) : R := if s == u then 2%:R else - 1.
have c : margin 2%:R 0 = 3%:R :> R by rewrite /margin normr0; ring.
exists 2%N, 2%N, E, turns, 0, 1, 2%:R; split; rewrite ?c ?ltr0n ?lexx ?ltr01 ?ler01 //.
  by move=> s; rewrite Mhat_turns /E eqxx; case: s => [[|[|//]] lt_s] /=; field.
apply: lt_le_trans (norm_ge0 _).
by apply: (@lt_by _ _ 2%:R); [ring | rewrite ltr0n].
Qed.

(** The 2 of 2 m - 1 - |gamma| cannot be greater: for any b above it,
    one state refutes the bound. *)
Theorem two_is_sharp (b : R) :
  2%:R < b ->
  exists (N n : nat) (E : 'I_N -> 'I_N -> R) (S : nat -> 'I_N) (gamma alpha m : R),
  [/\ proper n E gamma, diagonal n E S m, 0 < alpha, alpha <= 1
    & 1 - alpha * (b * m - 1 - `|gamma|) < norm (G n E S gamma alpha)].
Proof.
move=> b_gt2; exists 1%N, 1%N, (fun _ _ => 1), stay, 0, 1, 1; split; rewrite ?ltr01 ?lexx //.
- exact: proper_stay.
- by move=> s; exact: Mhat_stay.
apply: lt_le_trans (norm_ge0 _); apply: (@lt_by _ _ (b - 2%:R)); last by rewrite subr_gt0.
by rewrite normr0; ring.
Qed.

End Counterexamples.
