(** state-form: where attention reads features alone and V writes values alone,
    equal states carry equal values, and a layer acts on one number a state. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries episodes operator episodes_operator.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** The Transformer, with parameters of its own in each layer. *)
Section Untied.
Variables (R : realFieldType) (C d : nat) (exp : R -> R).

(** V's last row is (0, ..., 0, w_r, w_t, w_v); its other rows are 0. *)
Definition value_entries (w_r w_t w_v : R) : 'M[R]_(d + 3) :=
  w_r *: delta_mx (value_row d) (reward_row d)
  + w_t *: delta_mx (value_row d) (target_row d)
  + w_v *: delta_mx (value_row d) (value_row d).

(** L layers; layer l has the block A l on the features,
    and w_r l, w_t l, w_v l in V. *)
Fixpoint untied_transformer (Pi : 'M[R]_C) (visible : pred 'I_C) (gamma : R)
    (A : nat -> 'M[R]_d) (w_r w_t w_v : nat -> R) L (Z : 'M[R]_(d + 3, C)) :=
  if L is l.+1 then
    target_memory Pi gamma
      (attention (softmax exp visible) (score_matrix (A l))
        (value_entries (w_r l) (w_t l) (w_v l))
        (untied_transformer Pi visible gamma A w_r w_t w_v l Z))
  else Z.

(** What attention adds to the value row. *)
Lemma value_entriesE (normalise : 'M[R]_C -> 'M[R]_C) A w_r w_t w_v (Z : 'M[R]_(d + 3, C)) i j :
  attention normalise A (value_entries w_r w_t w_v) Z i j =
  Z i j + (i == value_row d)%:R * \sum_k normalise (Z^T *m A *m Z) k j *
    (w_r * Z (reward_row d) k + w_t * Z (target_row d) k + w_v * Z (value_row d) k).
Proof.
rewrite addmxE mxE mulr_sumr; congr (_ + _); apply: eq_bigr => k _.
rewrite /value_entries !mulmxDl -!scalemxAl !(addmxE, scalemxE) !delta_mxE.
by move: (i == _)%:R (Z _ k) (Z _ k) (Z _ k) (normalise _ k j) => *; ring.
Qed.

End Untied.

(** The state form. Values are a row, v 0 s is the value of the state s. The model:
    c u transitions out of u, their frequencies P, their mean rewards rho. *)
Section StateForm.
Variables (R : realFieldType) (N : nat).
Variables (c : 'I_N -> R) (P : 'M[R]_N) (rho : 'rV[R]_N) (gamma : R).

(** The share of its attention that the state s gives to all the columns of u. *)
Definition state_attention (E : 'I_N -> 'I_N -> R) : 'M[R]_N :=
  \matrix_(u, s) (c u * E s u / \sum_u' c u' * E s u').

(** One layer. *)
Definition state_update E (w_r w_t w_v : R) (v : 'rV[R]_N) : 'rV[R]_N :=
  v + (w_r *: rho + (w_t * gamma) *: (v *m P^T) + w_v *: v) *m state_attention E.

(** L layers; layer l has the weights E l, before they are normalised. *)
Fixpoint state_values (E : nat -> 'I_N -> 'I_N -> R) (w_r w_t w_v : nat -> R)
    (v0 : 'rV[R]_N) L : 'rV[R]_N :=
  if L is l.+1 then
    state_update (E l) (w_r l) (w_t l) (w_v l) (state_values E w_r w_t w_v v0 l)
  else v0.

(** One layer, at the state s. *)
Lemma state_updateE E w_r w_t w_v v s :
  state_update E w_r w_t w_v v 0 s =
  v 0 s + \sum_u state_attention E u s *
    (w_r * rho 0 u + w_t * gamma * (P *m v^T) u 0 + w_v * v 0 u).
Proof.
rewrite addmxE mxE; congr (_ + _); apply: eq_bigr => u _; rewrite mulrC !(addmxE, scalemxE).
by rewrite (_ : (v *m P^T) 0 u = (P *m v^T) u 0) // -[P *m _]trmxK trmx_mul trmxK [RHS]mxE.
Qed.

End StateForm.

(** Only the proportions of the counts matter,
    and no row of a state whose count is 0. *)
Theorem state_form_sees_frequencies (R : realFieldType) N (a : R) (c c' : 'I_N -> R)
    (P P' : 'M[R]_N) (rho rho' : 'rV[R]_N) gamma E w_r w_t w_v v0 L :
  a != 0 -> (forall u, c' u = a * c u) ->
  (forall u, c u != 0 -> row u P' = row u P /\ rho' 0 u = rho 0 u) ->
  state_values c' P' rho' gamma E w_r w_t w_v v0 L =
  state_values c P rho gamma E w_r w_t w_v v0 L.
Proof.
move=> a0 cE same; elim: L => [//|l /= ->]; apply/rowP => s; rewrite !state_updateE; congr (_ + _).
have ZE : \sum_u c' u * E l s u = a * \sum_u c u * E l s u.
  by rewrite mulr_sumr; apply: eq_bigr => u _; rewrite cE mulrA.
apply: eq_bigr => u _; rewrite !mxE ZE cE -(mulrA a) -mulf_div divff // mul1r.
have [->|/same[/rowP rowE ->]] := eqVneq (c u) 0; first by rewrite !mul0r.
congr (_ * (_ + _ * _ + _)); apply: eq_bigr => w _; congr (_ * _).
by have := rowE w; rewrite !mxE.
Qed.

(** Any columns, any keys that are visible, whatever each column reads next. *)
Section Columns.
Variables (R : realFieldType) (exp : R -> R) (N C d : nat).
Variables (S : 'I_C -> 'I_N) (r : 'I_C -> R) (next : 'I_C -> option 'I_C).
Variables (visible : pred 'I_C) (x : 'I_N -> 'cV[R]_d) (gamma : R).
Variables (A : nat -> 'M[R]_d) (w_r w_t w_v : nat -> R).
Notation c := (fun u => (ep_visits S visible u)%:R : R).
Notation P := (ep_Pe R S next visible).
Notation rho := (ep_rhat S r visible)^T.
Notation prompt := (ep_prompt S r next gamma x).

(** K of the state form is Mhat of the columns, keys down and queries across. *)
Lemma state_attention_Mhat E u s : state_attention c E u s = ep_Mhat E S visible s u.
Proof.
rewrite !mxE -mulrA (_ : \sum_u' _ = \sum_(k | visible k) E s (S k)); last first.
  rewrite (partition_big S xpredT) //; apply: eq_bigr => w _; rewrite ep_visits_sum mulr_suml.
  by apply: eq_bigr => k /andP[_ /eqP->]; rewrite mul1r.
rewrite ep_visits_sum mulr_suml; apply: eq_bigr => k /andP[_ /eqP <-].
by rewrite mul1r.
Qed.

(** One layer adds to the value of each state what its columns attend to. *)
Lemma state_update_columns E a b e v s :
  state_update c P rho gamma E a b e v 0 s =
  v 0 s + \sum_(k | visible k) ep_K S visible E k s *
    (a * r k + b * (gamma * next_value S next v^T k) + e * v 0 (S k)).
Proof.
have vE u : v 0 u = v^T u 0 by rewrite mxE.
rewrite state_updateE; congr (_ + _); under eq_bigr do rewrite state_attention_Mhat.
transitivity ((ep_Mhat E S visible *m
    (a *: ep_rhat S r visible + (b * gamma) *: (P *m v^T) + e *: v^T)) s 0).
  by rewrite mxE; apply: eq_bigr => u _; rewrite !(addmxE, scalemxE) -vE [rho 0 u]mxE.
rewrite !mulmxDr -!scalemxAr mulmxA -ep_bhat_is_Mhat_rhat -ep_Phat_is_Mhat_Pe !(addmxE, scalemxE) ep_Phat_mul ep_Mhat_mul mxE.
rewrite !mulr_sumr -!big_split; apply: eq_bigr => k _ /=; rewrite -vE.
by move: (ep_K _ _ _ k s) (next_value _ _ _ k) => *; ring.
Qed.

(** The L-layer softmax transformer carries the prompt of v0 to the prompt of v_L,
    the state form with what the visible columns hold: for any columns,
    visible keys and next columns, so for episodes too. *)
Theorem state_form_of_columns (v0 : 'rV[R]_N) L :
  untied_transformer exp (shift_of R next) visible gamma A w_r w_t w_v L
    (prompt v0^T) =
  prompt (state_values c P rho gamma (fun l s u => exp (score x (A l) s u))
            w_r w_t w_v v0 L)^T.
Proof.
elim: L => [//|l IH] /=; rewrite IH; set v := state_values _ _ _ _ _ _ _ _ _ l.
set v' := state_update _ _ _ _ _ _ _ _ _; apply/matrixP => i j; rewrite target_memoryE.
have value k : attention (softmax exp visible) (score_matrix (A l)) (value_entries d (w_r l) (w_t l) (w_v l))
    (prompt v^T) (value_row d) k = v'^T (S k) 0.
  rewrite value_entriesE eqxx mul1r ep_prompt_value [v'^T _ _]mxE state_update_columns [v^T _ _]mxE; congr (_ + _).
  rewrite [RHS]big_mkcond; apply: eq_bigr => m _; rewrite mxE; case: (visible m); last by rewrite mul0r.
  rewrite ep_prompt_scores ep_prompt_reward ep_prompt_target ep_prompt_value [v^T _ _]mxE /ep_K.
  by congr (_ / _ * _); apply: eq_bigr => o _; rewrite ep_prompt_scores.
elim/row_case: i => [i|||]; rewrite ?eqxx ?row_neq.
- by rewrite value_entriesE /value_row /target_row !eq_lrshift mul0r addr0 !ep_prompt_features.
- by rewrite value_entriesE row_neq mul0r addr0 !ep_prompt_reward.
- by rewrite shift_ofE ep_prompt_target /next_value; case: (next j) => [k|]; rewrite ?value.
- by rewrite value ep_prompt_value.
Qed.

End Columns.

(** The context S_0, R_1, S_1, ..., R_n, S_n: columns 0, ..., n. Columns after them,
    if any, are further query columns, whose states S j may be any. *)
Section Context.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d) (gamma : R).
Variables (A : nat -> 'M[R]_d) (w_r w_t w_v : nat -> R).
Notation c := (fun u => (visits n S u)%:R : R).
Notation E := (fun l s u => exp (score x (A l) s u)).
Notation values := (state_values c (Pe R n S) (rhat n S r)^T gamma E w_r w_t w_v).

(** Each of the columns 0, ..., n - 1 reads the one after it. *)
Definition next_column C (j : 'I_C) : option 'I_C :=
  if (j < n)%N then insub j.+1 else None.

Section Counts.
Variables (C : nat) (next : 'I_C -> option 'I_C).
Hypothesis n_lt : (n < C)%N.
Hypothesis next_is : forall j, omap val (next j) = if (j < n)%N then Some j.+1 else None.
Notation columns := (fun j : 'I_C => S j).
Notation visible := (fun j : 'I_C => j < n)%N.

(** What the columns hold is the empirical model of the context. *)
Lemma visible_sum (V : zmodType) (B : pred nat) (F : nat -> V) :
  \sum_(j < C | (j < n)%N && B j) F j = \sum_(k < n | B k) F k.
Proof. by rewrite (big_ord_widen_cond C) ?(ltnW n_lt) //; apply: eq_bigl => j; rewrite andbC. Qed.

Lemma columns_visits s : ep_visits columns visible s = visits n S s.
Proof.
by rewrite /visits (big_ord_widen C (fun k => (S k == s) : nat)) ?(ltnW n_lt).
Qed.

Lemma columns_Pe : ep_Pe R columns next visible = Pe R n S.
Proof.
apply/matrixP => s u; rewrite !mxE columns_visits; congr (_ / _).
rewrite -(visible_sum (fun k => S k == s) (fun k => (S k.+1 == u)%:R)).
apply: eq_bigr => j /andP[lt_jn _]; have := next_is j; rewrite lt_jn /reads.
by case: (next j) => //= k [->].
Qed.

Lemma columns_rhat (q : 'I_C -> R) :
  (forall j : 'I_C, (j < n)%N -> q j = r j) -> ep_rhat columns q visible = rhat n S r.
Proof.
move=> qE; apply/colP => s; rewrite !mxE columns_visits; congr (_ / _).
rewrite -(visible_sum (fun k => S k == s) r).
by apply: eq_bigr => j /andP[lt_jn _]; apply: qE.
Qed.

End Counts.

(** The prompt's columns carry the values of the state form, in every layer. *)
Theorem state_form (v0 : 'rV[R]_N) L :
  untied_transformer exp (shift R n) (@sources n) gamma A w_r w_t w_v L
    (prompt n S r x gamma v0^T) =
  prompt n S r x gamma (values v0 L)^T.
Proof.
have [<- promptE _] := one_trajectory exp n S r x 0 gamma; rewrite -!promptE state_form_of_columns.
have next_is (j : 'I_n.+1) : omap val (following j) = if (j < n)%N then Some j.+1 else None.
  by rewrite /following; case: ltnP => //= lt_jn; rewrite inordK.
rewrite (columns_Pe (ltnSn n) next_is) (columns_rhat (ltnSn n)) => [|j ->//].
congr (ep_prompt _ _ _ _ _ _^T); apply: (state_form_sees_frequencies (a := 1)) => [|u|//]; first exact: oner_neq0.
by rewrite mul1r columns_visits.
Qed.

(** With further query columns too: in every column, of a visited state or not,
    the value is that of its state. *)
Theorem state_form_of_queries C (v0 : 'rV[R]_N) L (j : 'I_C) :
  (n < C)%N ->
  let rewards := fun i : 'I_C => if (i < n)%N then r i else 0 in
  let Z := ep_prompt (fun i : 'I_C => S i) rewards (@next_column C) gamma x v0^T in
  untied_transformer exp (shift_of R (@next_column C)) (fun i : 'I_C => i < n)%N
    gamma A w_r w_t w_v L Z (value_row d) j =
  values v0 L 0 (S j).
Proof.
move=> n_lt rewards Z; rewrite state_form_of_columns ep_prompt_value mxE.
have next_is (i : 'I_C) : omap val (next_column i) = if (i < n)%N then Some i.+1 else None.
  by rewrite /next_column; case: ltnP => // lt_in; rewrite insubT ?(leq_ltn_trans lt_in).
rewrite (columns_Pe n_lt next_is) (columns_rhat n_lt) => [|i lt_in]; last by rewrite /rewards lt_in.
congr (fun_of_matrix _ 0 _); apply: (state_form_sees_frequencies (a := 1)) => [|u|//]; first exact: oner_neq0.
by rewrite mul1r columns_visits.
Qed.

End Context.
