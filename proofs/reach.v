(** Which states a chain can reach from which, in how many steps: lemmas for wielandt.v. *)
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import operator bellman stationary.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** Sets that grow under a map until they are everything gain an element in every step. *)
Lemma growing_sets (T : finType) (f : {set T} -> {set T}) (X : {set T}) j :
  (forall i, iter i f X \subset iter i.+1 f X) -> (forall u, exists i, u \in iter i f X) ->
  (#|T| <= #|X| + j)%N -> iter j f X = setT.
Proof.
move=> grows covers; have sub i k : iter i f X \subset iter (i + k) f X.
  by elim: k => [|k IH]; rewrite ?addn0 // addnS; apply: subset_trans IH (grows _).
have [//|le_j] : iter j f X = setT \/ (#|X| + j <= #|iter j f X|)%N.
  elim: j => [|j [full|le_j]]; first by right; rewrite addn0.
    by left; apply/eqP; rewrite eqEsubset subsetT -full grows.
  have [same|/negbTE differ] := eqVneq (iter j f X) (iter j.+1 f X).
    have stays k : iter (j + k) f X = iter j f X.
      by elim: k => [|k IH]; rewrite ?addn0 // addnS iterS IH -iterS.
    left; apply/setP => u; rewrite inE; have [i ui] := covers u; rewrite -same.
    by rewrite -(stays i) addnC (subsetP (sub i j)).
  right; rewrite addnS; apply: leq_ltn_trans le_j _.
  by apply: proper_card; rewrite properEneq grows differ.
move=> le_T; apply/eqP; rewrite eqEcard subsetT cardsT /=.
exact: leq_trans le_T le_j.
Qed.

(** A set of numbers with an element has a least one, for what is to be decided. *)
Lemma classical_least (Q : nat -> Prop) (b : bool) t :
  Q t -> (forall t, Q t -> (forall t', Q t' -> (t <= t')%N) -> b) -> b.
Proof.
move=> Qt goal; elim/ltn_ind: t Qt => t IH Qt.
apply: (@classic_EM (exists2 t', (t' < t)%N & Q t') b) => [[[t' lt Qt']|least]]; first exact: IH lt Qt'.
by apply: goal Qt _ => t' Qt'; rewrite leqNgt; apply/negP => lt; case: least; exists t'.
Qed.

Section Reach.
Variables (R : realFieldType) (N : nat) (P : 'M[R]_N).
Hypothesis P_stochastic : stochastic P.
Implicit Types (s u w c : 'I_N) (i j k m : nat).

(** Whether k steps can lead from s to u. *)
Definition reach k s u := 0 < power P k s u.

Lemma reach0 s : reach 0 s s.
Proof. by rewrite /reach mxE eqxx ltr01. Qed.

Lemma reach_trans k m s w u : reach k s w -> reach m w u -> reach (k + m) s u.
Proof.
move=> sw wu; rewrite /reach powerD mxE (bigD1 w) //= ltr_paddr ?mulr_gt0 // sumr_ge0 // => v _.
by rewrite mulr_ge0 ?power_ge0.
Qed.

Lemma reach_split k m s u : reach (k + m) s u -> exists2 w, reach k s w & reach m w u.
Proof.
rewrite /reach powerD mxE => gt0.
have [w] : exists w, power P k s w * power P m w u != 0.
  apply/existsP; apply: contraLR gt0 => /existsPn none.
  by rewrite big1 ?ltxx // => w _; apply/eqP/negPn/none.
by rewrite mulf_eq0 negb_or => /andP[k0 m0]; exists w; rewrite lt_neqAle eq_sym power_ge0 ?k0 ?m0.
Qed.

Lemma reach_next s : exists w, reach 1 s w.
Proof.
have [w] : exists w, power P 1 s w != 0.
  apply/existsP; apply: contraT => /existsPn none; have := power_sum1 P_stochastic 1 s.
  by rewrite big1 => [/eqP|w _]; [rewrite eq_sym oner_eq0 | apply/eqP/negPn/none].
by exists w; rewrite /reach lt_neqAle eq_sym power_ge0 ?andbT.
Qed.

Lemma reach_many k j c : reach k c c -> reach (j * k) c c.
Proof. by move=> loop; elim: j => [|j IH]; [apply: reach0 | rewrite mulSn; apply: reach_trans IH]. Qed.

(** The states on the way. *)
Lemma reach_way k s u :
  reach k s u -> exists x : nat -> 'I_N, [/\ x 0%N = s, x k = u & forall i, (i < k)%N -> reach 1 (x i) (x i.+1)].
Proof.
elim: k s => [|k IH] s.
  move=> s_u; exists (fun _ => s); split=> //; apply/eqP; apply: contraLR s_u => /negbTE ne.
  by rewrite /reach mxE ne ltxx.
rewrite -add1n => /reach_split[w sw /IH[x [x0 xk steps]]].
by exists (fun i => if i is i'.+1 then x i' else s); split=> // [] [|i]; rewrite ?x0 //= ltnS; apply: steps.
Qed.

Lemma way_reach (x : nat -> 'I_N) k i j :
  (forall i, (i < k)%N -> reach 1 (x i) (x i.+1)) -> (i <= j <= k)%N -> reach (j - i) (x i) (x j).
Proof.
move=> steps /andP[le_ij]; rewrite -{1 3}(subnKC le_ij); elim: (j - i)%N => [|m IH] le; first by rewrite addn0; apply: reach0.
by rewrite addnS -addn1; apply: reach_trans (steps _ _); [apply: IH; apply: ltnW; rewrite -addnS | rewrite -addnS].
Qed.

(** Once all states reach all others in k steps, they do in more. *)
Lemma reach_longer k m s u : (forall s u, reach k s u) -> (k <= m)%N -> reach m s u.
Proof.
move=> all /subnKC<-; rewrite addnC; elim: (m - k)%N s => [|j IH] s; first exact: all.
by have [w sw] := reach_next s; rewrite -add1n -addnA; apply: reach_trans sw (IH w).
Qed.

End Reach.
