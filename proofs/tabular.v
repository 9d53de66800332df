(** tabular: with one-hot features softmax TD is batch tabular TD but for a share
    of foreign transitions, which sharpness takes to 0. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator exponential batch_td.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat) (S : nat -> 'I_N).

(** The one-hot features b e_s. *)
Definition one_hot (b : R) (s : 'I_N) : 'cV[R]_N := b *: delta_mx s 0.

(** The foreign share at s, with q for e^beta: what the state gives
    to the transitions that do not leave it. *)
Definition foreign_share (q : R) (s : 'I_N) : R :=
  (n%:R - (visits n S s)%:R) / ((visits n S s)%:R * q + (n%:R - (visits n S s)%:R)).

(** The mean of f over the transitions that do not leave s; x / 0 = 0. *)
Definition other_mean (f : nat -> R) (s : 'I_N) : R :=
  (\sum_(k < n | S k != s) f k) / (n%:R - (visits n S s)%:R).

End Definitions.

Section Weights.
Variables (R : realFieldType) (exp : R -> R) (N n : nat) (S : nat -> 'I_N).
Variables (b beta : R).
Hypothesis exp_exponential : exponential exp.
Hypotheses (n_gt0 : (0 < n)%N) (root : b ^+ 2 = beta).
Implicit Type s : 'I_N.
Notation E := (fun s u => exp (score (one_hot b) 1%:M s u)).
Notation K := (K n S E).
Notation visits := (visits n S).
Notation share := (foreign_share n S (exp beta)).

(** The score is beta between equal states, and 0 between different ones. *)
Lemma one_hot_weight s u : E s u = if u == s then exp beta else 1.
Proof.
rewrite /score /one_hot mulmx1 -scalemxAr [(_ *: _)^T]linearZ -scalemxAl scalerA -expr2 root /= trmx_delta.
rewrite mul_delta_mx_cond scalemxE.
by case: (u == s); rewrite ?mulr0n !mxE ?eqxx ?mulr1 // mulr0 exp0.
Qed.

(** How many transitions leave s, and how many do not. *)
Lemma visits_le s : (visits s)%:R <= n%:R :> R.
Proof.
by rewrite ler_nat -[X in (_ <= X)%N]card_ord -sum1_card leq_sum // => k _; case: (_ == _).
Qed.

Lemma count_own s : \sum_(k < n | S k == s) 1 = (visits s)%:R :> R.
Proof. by rewrite sum_out mulr1. Qed.

Lemma count_other s : \sum_(k < n | S k != s) 1 = n%:R - (visits s)%:R :> R.
Proof.
apply/eqP; rewrite eq_sym subr_eq -count_own addrC -(bigID (fun k : 'I_n => S k == s) xpredT) /=.
by rewrite sumr_const card_ord.
Qed.

Lemma normaliserE s :
  \sum_(k < n) E s (S k) = (visits s)%:R * exp beta + (n%:R - (visits s)%:R).
Proof.
rewrite (bigID (fun k : 'I_n => S k == s)) /= -count_other -count_own mulr_suml.
by congr (_ + _); apply: eq_bigr => k; rewrite one_hot_weight; [move=> ->; rewrite mul1r | move/negbTE=> ->].
Qed.

Lemma normaliser_gt0 s : 0 < (visits s)%:R * exp beta + (n%:R - (visits s)%:R).
Proof.
rewrite -normaliserE (bigD1 (Ordinal n_gt0)) //= ltr_paddr ?exp_gt0 //.
by rewrite sumr_ge0 // => k _; rewrite ltW ?exp_gt0.
Qed.

(** A transition weighs e^beta at the state it leaves and 1 at any other,
    over n_s e^beta + n - n_s. *)
Theorem one_hot_weights k s :
  K k s = (if S k == s then exp beta else 1)
          / ((visits s)%:R * exp beta + (n%:R - (visits s)%:R)).
Proof. by rewrite /td.K normaliserE one_hot_weight. Qed.

(** The transitions that do not leave s get, together, the foreign share. *)
Theorem foreign_weights_sum s : \sum_(k < n | S k != s) K k s = share s.
Proof.
rewrite /foreign_share -[X in X / _]count_other mulr_suml.
by apply: eq_bigr => k /negbTE foreign; rewrite one_hot_weights foreign.
Qed.

(** The foreign share is 1 where no transition leaves s. *)
Theorem foreign_share_at_nonsource s : ~~ source n S s -> share s = 1.
Proof.
move=> /nonsource_visits none.
by rewrite /foreign_share none mul0r add0r subr0 divff // pnatr_eq0 -lt0n.
Qed.

(** At a source the foreign share is at most e^(- beta) (n - n_s) / n_s. *)
Theorem foreign_share_le s :
  source n S s ->
  0 <= share s <= (n%:R - (visits s)%:R) / ((visits s)%:R * exp beta).
Proof.
move=> src; have own_gt0 : 0 < (visits s)%:R * exp beta by rewrite mulr_gt0 ?(exp_gt0 exp_exponential) // ltr0n.
have others_ge0 : 0 <= n%:R - (visits s)%:R :> R by rewrite subr_ge0 visits_le.
rewrite divr_ge0 ?(ltW (normaliser_gt0 s)) //= ler_wpmul2l //.
by rewrite lef_pinv ?posrE ?normaliser_gt0 // ler_addl.
Qed.

(** What beta -> infinity leaves at a source s, with a bound at every beta:
    1 / n_s for the transitions out of s, 0 for others; n / n_s e^(- beta) at most
    is missing. *)
Theorem sharp_weights k s :
  source n S s ->
  `|K k s - (S k == s)%:R / (visits s)%:R| <= n%:R / (visits s)%:R / exp beta.
Proof.
move=> src; have m_gt0 : 0 < (visits s)%:R :> R by rewrite ltr0n.
have q_gt0 : 0 < exp beta by exact: exp_gt0.
have o_ge0 : 0 <= n%:R - (visits s)%:R :> R by rewrite subr_ge0 visits_le.
have D_gt0 := normaliser_gt0 s; rewrite one_hot_weights; set D := _ + _ in D_gt0 *.
have q_le_D : exp beta <= D.
  by rewrite -[exp beta]mul1r ler_paddr // ler_wpmul2r ?(ltW q_gt0) // ler1n.
suff [y /andP[y_ge0 y_le] ->] : exists2 y, 0 <= y <= n%:R / (visits s)%:R
    & `|(if S k == s then exp beta else 1) / D - (S k == s)%:R / (visits s)%:R| = y / D.
  apply: le_trans (ler_wpmul2r _ y_le) _; first by rewrite invr_ge0 ltW.
  by rewrite ler_wpmul2l ?divr_ge0 ?ler0n // lef_pinv ?posrE.
case: eqP => _; last first.
  exists 1; first by rewrite ler01 ler_pdivl_mulr // mul1r visits_le.
  by rewrite mul0r subr0 ger0_norm ?divr_ge0 ?ler01 ?ltW.
exists ((n%:R - (visits s)%:R) / (visits s)%:R).
  by rewrite divr_ge0 ?ler0n //= ler_wpmul2r ?invr_ge0 ?ler0n // ler_subl_addr ler_addl ler0n.
rewrite -normrN -[RHS]ger0_norm ?divr_ge0 ?ler0n ?(ltW D_gt0) //; congr `|_|.
by rewrite mulr1n /D; field; rewrite !gt_eqF.
Qed.

(** At a state that no transition leaves each weight is 1 / n, whatever beta is. *)
Theorem nonsource_weights k s : (k < n)%N -> ~~ source n S s -> K k s = 1 / n%:R.
Proof.
move=> lt_kn /nonsource_visits none; rewrite one_hot_weights none mul0r add0r subr0.
case: eqP => // kE; move: none; rewrite /visits (bigD1 (Ordinal lt_kn)) //= kE eqxx.
by [].
Qed.

(** The weighted mean of any f over the transitions: its own mean and that
    of the others, with the foreign share for the others. *)
Lemma mean_of_means (f : nat -> R) s :
  \sum_(k < n) K k s * f k =
  (1 - share s) * rhat n S f s 0 + share s * other_mean n S f s.
Proof.
have D_neq0 : (visits s)%:R * exp beta + (n%:R - (visits s)%:R) != 0 by rewrite gt_eqF ?normaliser_gt0.
rewrite (bigID (fun k : 'I_n => S k == s)) /= [rhat _ _ _ _ _]mxE /other_mean /foreign_share.
have -> : \sum_(k < n | S k == s) K k s * f k =
          exp beta / ((visits s)%:R * exp beta + (n%:R - (visits s)%:R)) * \sum_(k < n | S k == s) f k.
  by rewrite mulr_sumr; apply: eq_bigr => k own; rewrite one_hot_weights own.
have -> : \sum_(k < n | S k != s) K k s * f k =
          1 / ((visits s)%:R * exp beta + (n%:R - (visits s)%:R)) * \sum_(k < n | S k != s) f k.
  by rewrite mulr_sumr; apply: eq_bigr => k /negbTE foreign; rewrite one_hot_weights foreign.
have none (P : pred 'I_n) : \sum_(k < n | P k) 1 = 0 :> R -> \sum_(k < n | P k) f k = 0.
  move/psumr_eq0P => empty; rewrite big1 // => k Pk; have /eqP := empty (fun _ _ => ler01) k Pk.
  by rewrite oner_eq0.
congr (_ + _).
  have [m0|m_neq0] := eqVneq ((visits s)%:R : R) 0.
    by rewrite none ?mul0r ?mulr0 // count_own.
  by field; rewrite m_neq0 D_neq0.
have [o0|o_neq0] := eqVneq (n%:R - (visits s)%:R : R) 0.
  by rewrite none ?mul0r ?mulr0 // count_other.
by field; rewrite o_neq0 D_neq0.
Qed.

(** A layer moves the value of s by alpha times its own mean TD error
    and the mean of all others, mixed by the foreign share. *)
Theorem one_hot_update (r : nat -> R) gamma alpha v s :
  let delta := td_error S r gamma v in
  td_update n S r gamma E alpha v s 0 =
  v s 0 + alpha * ((1 - share s) * rhat n S delta s 0
                   + share s * other_mean n S delta s).
Proof. by rewrite /= mxE mean_of_means. Qed.

(** Where no transition leaves s, it moves the value of s by alpha times the mean
    of all TD errors; batch tabular TD leaves it alone. *)
Theorem nonsource_moves (r : nat -> R) gamma alpha v s :
  ~~ source n S s ->
  td_update n S r gamma E alpha v s 0 =
    v s 0 + alpha * ((\sum_(k < n) td_error S r gamma v k) / n%:R)
  /\ forall l, tabular_td n S r gamma (fun _ => alpha) v l s 0 = v s 0.
Proof.
move=> out; split; first rewrite mxE mulr_suml; last elim=> [//|l IH].
  by congr (_ + _ * _); apply: eq_bigr => k _; rewrite nonsource_weights // mul1r mulrC.
by rewrite /= addmxE scalemxE IH mxE (nonsource_visits out) invr0 !mulr0 addr0.
Qed.

(** Where every state's own mean TD error is 0, neither moves a value. *)
Theorem no_own_error_no_move (r : nat -> R) gamma alpha v :
  rhat n S (td_error S r gamma v) = 0 ->
  td_update n S r gamma E alpha v = v
  /\ forall l, tabular_td n S r gamma (fun _ => alpha) v l = v.
Proof.
move=> none; split; last by elim=> [//|l IH]; rewrite /= IH /tabular_update none scaler0 addr0.
apply/colP => s; rewrite mxE sum_of_means big1 ?mulr0 ?addr0 // => u _.
by have /colP/(_ u) := none; rewrite !mxE => ->; rewrite mulr0.
Qed.

End Weights.
