(** weights: a feature that holds log rho makes attention weigh the transitions
    by rho; what a layer keeps is the value of the weighted model. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman.
From icrl Require Import certainty_equivalence exponential fixed_point score_functions.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R) (rho : nat -> R).

(** The weight of transition k at s, in proportion to rho k and E s (S k). *)
Definition rho_K (k : nat) (s : 'I_N) : R :=
  rho k * E s (S k) / \sum_(i < n) rho i * E s (S i).

(** Weighted TD with these weights. *)
Fixpoint rho_td (alpha : nat -> R) (v0 : 'cV[R]_N) (l : nat) : 'cV[R]_N :=
  if l is l'.+1 then
    let v := rho_td alpha v0 l' in
    \col_s (v s 0 + alpha l' * \sum_(k < n) rho_K k s * td_error S r gamma v k)
  else v0.

(** The weights at s, gathered by the state u that the transitions leave. *)
Definition M_rho : 'M[R]_N := \matrix_(s, u) \sum_(k < n | S k == u) rho_K k s.

(** How much the transitions out of s count, and the weighted model: their
    frequencies and mean rewards, transition k counted rho k times;
    0 if none leaves s. *)
Definition rho_count (s : 'I_N) : R := \sum_(k < n | S k == s) rho k.
Definition P_rho : 'M[R]_N :=
  \matrix_(s, u) ((\sum_(k < n | S k == s) rho k * (S k.+1 == u)%:R) / rho_count s).
Definition r_rho : 'cV[R]_N :=
  \col_s ((\sum_(k < n | S k == s) rho k * r k) / rho_count s).

End Definitions.

Section Weights.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R) (rho : nat -> R).
Hypothesis rho_gt0 : forall k, 0 < rho k.
Notation K := (rho_K n E S rho).
Notation M_rho := (M_rho n E S rho).
Notation P_rho := (P_rho n S rho).
Notation r_rho := (r_rho n S r rho).
Notation count := (rho_count n S rho).
Notation v_rho := (v_pi P_rho r_rho gamma).
Notation rho_td := (rho_td n E S r gamma rho).

(** Where the count is 0 no transition leaves. *)
Lemma count0 u (F : 'I_n -> R) : count u = 0 -> \sum_(k < n | S k == u) F k = 0.
Proof.
move=> /psumr_eq0P none; apply: big1 => k ku; have := rho_gt0 k.
by rewrite none ?ltxx // => i _; apply: ltW.
Qed.

Lemma count_source u : source n S u -> count u != 0.
Proof.
apply: contraTneq => /(count0 (fun _ => 1)); rewrite sum_out mulr1 => /eqP.
by rewrite pnatr_eq0 /source lt0n negbK.
Qed.

(** A weighted sum over the transitions is M_rho times the weighted means
    out of each state. *)
Lemma rho_means s (f : nat -> R) :
  \sum_(k < n) K k s * f k =
  \sum_u M_rho s u * ((\sum_(k < n | S k == u) rho k * f k) / count u).
Proof.
rewrite (partition_big (fun k : 'I_n => S k) xpredT) //; apply: eq_bigr => u _; rewrite mxE.
set Z := \sum_(i < n) rho i * E s (S i).
have -> : \sum_(k < n | S k == u) K k s * f k = E s u / Z * \sum_(k < n | S k == u) rho k * f k.
  by rewrite mulr_sumr; apply: eq_bigr => k /eqP ku; rewrite /rho_K ku -/Z; ring.
have -> : \sum_(k < n | S k == u) K k s = E s u / Z * count u.
  by rewrite mulr_sumr; apply: eq_bigr => k /eqP ku; rewrite /rho_K ku -/Z; ring.
have [none|some] := eqVneq (count u) 0; last by move: (E s u / Z) => *; field.
by rewrite (count0 _ none) none mulr0 mul0r.
Qed.

(** A layer is v + alpha M_rho (r_rho + gamma P_rho v - v). *)
Theorem weighted_layer alpha v0 l :
  let v := rho_td alpha v0 l in
  rho_td alpha v0 l.+1 =
  v + alpha l *: (M_rho *m (r_rho + gamma *: (P_rho *m v) - v)).
Proof.
move=> v; apply/colP => s; rewrite /= -/v mxE addmxE scalemxE; congr (_ + _ * _).
rewrite rho_means [RHS]mxE; apply: eq_bigr => u _.
have [none|some] := eqVneq (count u) 0; first by rewrite [M_rho s u]mxE count0 ?mul0r.
congr (_ * _); rewrite !(addmxE, oppmxE, scalemxE) [r_rho u 0]mxE.
have -> : (P_rho *m v) u 0 = (\sum_(k < n | S k == u) rho k * v (S k.+1) 0) / count u.
  rewrite mxE; under eq_bigr => w _ do rewrite mxE mulrAC mulr_suml.
  rewrite -mulr_suml exchange_big /=; congr (_ / _); apply: eq_bigr => k _.
  by rewrite -(sum_delta (fun w => v w 0) (S k.+1)) mulr_sumr; apply: eq_bigr => w _; rewrite mulrA.
have -> : v u 0 = (\sum_(k < n | S k == u) rho k * v u 0) / count u by rewrite -mulr_suml mulrAC divff ?mul1r.
rewrite mulrA mulr_sumr -mulrDl -big_split -mulrBl -sumrB; congr (_ / _).
by apply: eq_bigr => k /eqP ku; rewrite /td_error ku /=; ring.
Qed.

(** M_rho is M_pi for the counts in the place of mu, and a layer the average
    layer of the weighted model. *)
Lemma M_rhoE : M_rho = M_pi E count.
Proof.
apply/matrixP => s u; rewrite !mxE /population_sum /rho_K.
have -> : \sum_(i < n) rho i * E s (S i) = \sum_w count w * E s w.
  rewrite (partition_big (fun k : 'I_n => S k) xpredT) //; apply: eq_bigr => w _.
  by rewrite mulr_suml; apply: eq_bigr => k /eqP ->.
by rewrite -mulrA [RHS]mulr_suml; apply: eq_bigr => k /eqP ->; rewrite mulrA.
Qed.

Lemma layerE alpha v :
  rho_td (fun _ => alpha) v 1 = population_update E count P_rho r_rho gamma alpha v.
Proof. by rewrite (weighted_layer (fun _ => alpha) v 0) M_rhoE. Qed.

Lemma P_rho_norm : norm P_rho <= 1.
Proof.
have count_ge0 s : 0 <= count s by rewrite sumr_ge0 // => k _; exact: ltW.
apply: norm_le => [|s]; first exact: ler01.
have P_ge0 u : 0 <= P_rho s u.
  by rewrite mxE divr_ge0 // sumr_ge0 // => k _; rewrite mulr_ge0 ?ler0n ?ltW.
under eq_bigr => u _ do rewrite ger0_norm // mxE.
rewrite -mulr_suml exchange_big /= (eq_bigr (fun k : 'I_n => rho k)) => [|k _]; last first.
  by rewrite -[RHS](sum_delta (fun _ => rho k) (S k.+1)); apply: eq_bigr => u _; rewrite mulrC.
have [none|some] := eqVneq (count s) 0; first by rewrite none invr0 mulr0 ler01.
by rewrite divff.
Qed.

(** For |gamma| < 1 every layer keeps v_rho, the value of the weighted model,
    whatever the weights E. *)
Theorem weighted_layer_keeps_v_rho alpha :
  `|gamma| < 1 -> rho_td (fun _ => alpha) v_rho 1 = v_rho.
Proof.
by move=> gamma_lt1; rewrite layerE population_keeps_v_pi // discounted_unit ?P_rho_norm.
Qed.

(** The value v_rho is 0 at a state that no transition leaves. *)
Theorem v_rho_nonsource s : `|gamma| < 1 -> ~~ source n S s -> v_rho s 0 = 0.
Proof.
move=> gamma_lt1 /nonsource_visits none.
have [_ /(_ erefl)->] := only_solution r_rho P_rho_norm gamma_lt1 v_rho.
rewrite addmxE scalemxE !mxE visits0 // mul0r add0r big1 ?mulr0 // => u _.
by rewrite mxE visits0 ?mul0r.
Qed.

(** It keeps nothing else exactly if M_rho has an inverse. *)
Theorem weighted_layer_keeps_only_v_rho_iff alpha :
  `|gamma| < 1 -> alpha != 0 ->
  (forall v, rho_td (fun _ => alpha) v 1 = v -> v = v_rho) <-> M_rho \in unitmx.
Proof.
move=> gamma_lt1 alpha0; rewrite M_rhoE.
rewrite -(population_only_iff E count r_rho (discounted_unit P_rho_norm gamma_lt1) alpha0).
by split=> only v; have := only v; rewrite layerE.
Qed.

(** Where each state is left, M_rho has an inverse exactly if E has one. *)
Theorem M_rho_unit :
  (forall s, source n S s) -> (forall s, \sum_(k < n) rho k * E s (S k) != 0) ->
  (M_rho \in unitmx) = (table E \in unitmx).
Proof.
move=> covered Z_neq0; rewrite M_rhoE M_pi_unit // => [s|u].
  have := Z_neq0 s; rewrite (partition_big (fun k : 'I_n => S k) xpredT) //; congr (_ != 0).
  by apply: eq_bigr => w _; rewrite mulr_suml; apply: eq_bigr => k /eqP ->.
exact: count_source.
Qed.

End Weights.

(** The construction: two more features in column j, log rho_j and 1,
    and one more entry of A, 1 from the key's log rho to the query's 1. *)
Section Transformer.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d).
Variables (gamma : R) (rho log_rho : nat -> R).
Hypothesis exp_exponential : exponential exp.
Hypothesis exp_log_rho : forall k, (k < n)%N -> exp (log_rho k) = rho k.

(** Each column is a state of its own. *)
Definition column (j : nat) : 'I_n.+1 := inord j.
Definition column_features (j : 'I_n.+1) : 'cV[R]_(d + 2) :=
  col_mx (x (S j)) (\matrix_(i < 2, k < 1) [:: log_rho j; 1]`_i).
Definition joined_A : 'M[R]_(d + 2) := block_mx A 0 0 (delta_mx 0 1).
Definition column_values (v : 'cV[R]_N) : 'cV[R]_n.+1 := \col_j v (S j) 0.

(** The L-layer softmax transformer of these features and this matrix performs
    weighted TD with the weights rho_k e^(x(S_k)^T A x(s)), in every column. *)
Theorem attention_weighs_by_rho alpha (v0 : 'cV[R]_N) L :
  transformer (shift R n) (softmax exp (@sources n)) joined_A gamma alpha L
    (prompt n column r column_features gamma (column_values v0)) =
  prompt n column r column_features gamma
    (column_values (rho_td n (fun s u => exp (score x A s u)) S r gamma rho
                      alpha v0 L)).
Proof.
rewrite transformer_is_softmax_td; congr (prompt n column r column_features gamma _).
have columnK k : (k <= n)%N -> column k = k :> nat by move=> le_kn; rewrite inordK.
have weightE (j : 'I_n.+1) k : (k < n)%N ->
    exp (score column_features joined_A j (column k)) = rho k * exp (score x A (S j) (S k)).
  move=> lt_kn; rewrite -exp_log_rho // mulrC -(expD exp_exponential); congr (exp _).
  rewrite /score /column_features /joined_A tr_col_mx mul_row_block mul_row_col.
  by rewrite !mulmx0 addr0 add0r addmxE delta_form !mxE /= mulr1 !columnK // ltnW.
elim: L => [//|L]; rewrite /softmax_td /= => ->; apply/colP => j; rewrite !mxE.
congr (_ + _ * _); apply: eq_bigr => k _; congr (_ * _).
  rewrite /K weightE // /rho_K; congr (_ / _).
  by apply: eq_bigr => i _; rewrite weightE.
by rewrite /td_error !mxE !columnK // ltnW.
Qed.

End Transformer.
