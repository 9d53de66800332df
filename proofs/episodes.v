(** episodes: several trajectories in one prompt, which end or are cut.
    The shift has gaps, and any columns are hidden. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td two_heads.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** C columns, those of all trajectories one after the other. Column j holds the
    state S j and the reward r j; next j is the column of the state that it reads:
    the one after it, and None where its transition terminates or it has none.
    A key is visible if its column has a transition. No theorem assumes more of next
    and visible than it says: a column may read any column, and any may be hidden. *)
Section TD.
Variables (R : realFieldType) (N C d : nat).
Variables (S : 'I_C -> 'I_N) (r : 'I_C -> R) (next : 'I_C -> option 'I_C).
Variables (visible : pred 'I_C) (gamma : R).

(** The value of the state that column j reads; 0 where nothing follows. *)
Definition next_value (v : 'cV[R]_N) (j : 'I_C) : R :=
  if next j is Some k then v (S k) 0 else 0.

Definition ep_error (v : 'cV[R]_N) (k : 'I_C) : R :=
  r k + gamma * next_value v k - v (S k) 0.

Section Weighted.
Variable E : 'I_N -> 'I_N -> R.

Definition ep_K (k : 'I_C) (s : 'I_N) : R :=
  E s (S k) / \sum_(i | visible i) E s (S i).

Definition ep_update (alpha : R) (v : 'cV[R]_N) : 'cV[R]_N :=
  \col_s (v s 0 + alpha * \sum_(k | visible k) ep_K k s * ep_error v k).

(** The iterate v_l of weighted TD from v0,
    with the step size alpha l in update l. *)
Fixpoint ep_weighted_td (alpha : nat -> R) (v0 : 'cV[R]_N) (l : nat) : 'cV[R]_N :=
  if l is l'.+1 then ep_update (alpha l') (ep_weighted_td alpha v0 l') else v0.

End Weighted.

Variables (x : 'I_N -> 'cV[R]_d).

(** Weighted softmax TD: weights exp (score). *)
Definition ep_softmax_td (exp : R -> R) (A : 'M[R]_d) :=
  ep_weighted_td (fun s u => exp (score x A s u)).

(** Pi with gaps: column j of Y *m shift_of is column next j of Y;
    0 where nothing follows. *)
Definition shift_of : 'M[R]_C := \matrix_(i, j) (next j == Some i)%:R.

(** Rows: the features x(S_j), the reward r j,
    the target memory gamma v(S_(next j)) or 0, the value v(S_j). *)
Definition ep_prompt (v : 'cV[R]_N) : 'M[R]_(d + 3, C) :=
  col_mx
    (\matrix_(i < d, j < C) x (S j) i 0)
    (\matrix_(i < 3, j < C) [:: r j; gamma * next_value v j; v (S j) 0]`_i).

(** The weight that the query s gives to the key of column h,
    when the columns in seen are not masked. *)
Definition ep_kappa (exp : R -> R) (A : 'M[R]_d) (seen : pred 'I_C)
    (h : 'I_C) (s : 'I_N) : R :=
  exp (score x A s (S h)) / \sum_(k | seen k) exp (score x A s (S k)).

End TD.

Lemma shift_ofE (R : realFieldType) C p (next : 'I_C -> option 'I_C) (Y : 'M[R]_(p, C)) i j :
  (Y *m shift_of R next) i j = if next j is Some k then Y i k else 0.
Proof.
rewrite mxE; case nextE: (next j) => [k|].
  rewrite (bigD1 k) //= big1 ?addr0 => [|m ne]; rewrite mxE nextE ?eqxx ?mulr1 //.
  rewrite (_ : Some k == Some m = false) ?mulr0 //.
  by apply: contraNF ne => /eqP[->].
by rewrite big1 // => k _; rewrite mxE nextE mulr0.
Qed.

Section Transformer.
Variables (R : realFieldType) (exp : R -> R) (N C d : nat).
Variables (S : 'I_C -> 'I_N) (r : 'I_C -> R) (next : 'I_C -> option 'I_C).
Variables (visible : pred 'I_C) (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d) (gamma : R).
Implicit Types (v : 'cV[R]_N) (alpha : nat -> R).
Notation Pi := (shift_of R next).
Notation prompt := (ep_prompt S r next gamma x).
Notation td_error := (ep_error S r next gamma).
Notation softmax_td := (ep_softmax_td S r next visible gamma x exp A).
Notation E := (fun s u => exp (score x A s u)).

(** What the prompt holds, row by row. *)
Lemma ep_prompt_features v i j : prompt v (lshift 3 i) j = x (S j) i 0.
Proof. by rewrite /ep_prompt col_mxEu mxE. Qed.

Lemma ep_prompt_reward v j : prompt v (reward_row d) j = r j.
Proof. by rewrite /ep_prompt col_mxEd mxE. Qed.

Lemma ep_prompt_target v j : prompt v (target_row d) j = gamma * next_value S next v j.
Proof. by rewrite /ep_prompt col_mxEd mxE. Qed.

Lemma ep_prompt_value v j : prompt v (value_row d) j = v (S j) 0.
Proof. by rewrite /ep_prompt col_mxEd mxE. Qed.

(** Attention's scores are those of softmax TD. *)
Lemma ep_prompt_scores v k j :
  ((prompt v)^T *m score_matrix A *m prompt v) k j = score x A (S j) (S k).
Proof.
rewrite /ep_prompt /score_matrix /score tr_col_mx mul_row_block mul_row_col !(mulmx0, addr0, mul0mx).
rewrite !mxE; apply: eq_bigr => i _; rewrite !mxE; congr (_ * _).
by apply: eq_bigr => a _; rewrite !mxE.
Qed.

(** The prompt's target row is gamma times the value row of Z Pi. *)
Theorem episodes_remember v : remembers Pi gamma (prompt v).
Proof.
move=> j; rewrite shift_ofE ep_prompt_target /next_value.
by case: (next j) => [k|] //; rewrite ep_prompt_value.
Qed.

(** One layer makes of the prompt of v that of v',
    if v' is v plus the attention-weighted errors. *)
Lemma ep_layer_prompt (normalise : 'M[R]_C -> 'M[R]_C) a v v' :
  let weights := normalise ((prompt v)^T *m score_matrix A *m prompt v) in
  (forall j, v' (S j) 0 = v (S j) 0 + a * \sum_k weights k j * td_error v k) ->
  layer Pi normalise A gamma a (prompt v) = prompt v'.
Proof.
move=> weights step; apply: layer_is => [i j|j|j|j].
- by rewrite !ep_prompt_features.
- by rewrite !ep_prompt_reward.
- exact: episodes_remember.
rewrite !ep_prompt_value step; congr (_ + a * _); apply: eq_bigr => k _; congr (_ * _).
by rewrite ep_prompt_reward ep_prompt_target ep_prompt_value.
Qed.

(** The L-layer softmax transformer carries the prompt of v0
    to the prompt of the iterate v_L. *)
Theorem episodes_transformer alpha v0 L :
  transformer Pi (softmax exp visible) A gamma alpha L (prompt v0) =
  prompt (softmax_td alpha v0 L).
Proof.
elim: L => [//|l IH] /=; rewrite IH; apply: ep_layer_prompt => j; rewrite [LHS]mxE; congr (_ + _ * _).
rewrite big_mkcond; apply: eq_bigr => k _; rewrite mxE.
case: (visible k); last by rewrite mul0r.
rewrite ep_prompt_scores /ep_K; congr (_ / _ * _).
by apply: eq_bigr => i _; rewrite ep_prompt_scores.
Qed.

(** The same, row by row. *)
Theorem episodes_rows alpha v0 L j :
  let Z := transformer Pi (softmax exp visible) A gamma alpha L (prompt v0) in
  let v := softmax_td alpha v0 L in
  [/\ forall i : 'I_d, Z (lshift 3 i) j = x (S j) i 0,
      Z (reward_row d) j = r j,
      Z (target_row d) j = if next j is Some k then gamma * v (S k) 0 else 0
    & Z (value_row d) j = v (S j) 0].
Proof.
move=> Z v; rewrite /Z episodes_transformer; split=> [i|||].
- exact: ep_prompt_features.
- exact: ep_prompt_reward.
- by rewrite ep_prompt_target /next_value; case: (next j) => // ; rewrite mulr0.
- exact: ep_prompt_value.
Qed.

(** Where V's target row is 0: two heads do what attention and the target-memory
    step do iff each column's target is gamma times the value that it reads. *)
Theorem episodes_two_heads (normalise : 'M[R]_C -> 'M[R]_C)
    (B V : 'M[R]_(d + 3)) Z :
  (forall k, V (target_row d) k = 0) ->
  (dual_head_layer Pi normalise B V gamma Z =
   target_memory Pi gamma (attention normalise B V Z)
   <-> forall j, Z (target_row d) j =
         if next j is Some k then gamma * Z (value_row d) k else 0).
Proof.
move=> V0; rewrite two_heads //; split=> mem j; have := mem j; rewrite shift_ofE.
  by case: (next j) => [//|]; rewrite mulr0.
by case: (next j) => [//|]; rewrite mulr0.
Qed.

(** So L dual-head layers carry the prompt of v0
    to the prompt of the iterate v_L. *)
Theorem episodes_two_heads_transformer alpha v0 L :
  dual_head_transformer Pi (softmax exp visible) A gamma alpha L (prompt v0) =
  prompt (softmax_td alpha v0 L).
Proof.
rewrite -episodes_transformer; elim: L => [//|l IH] /=; rewrite IH /layer.
apply/two_heads => [k|]; first exact: value_matrix_target.
by rewrite episodes_transformer; apply: episodes_remember.
Qed.

(** What a mask does that lets some hidden columns through, or all. *)
Section Leak.
Variable seen : pred 'I_C.
Hypothesis exp_gt0 : forall t, 0 < exp t.
Hypothesis visible_seen : forall k, visible k -> seen k.

(** Columns without a transition have the reward 0, and nothing follows them. *)
Hypothesis hidden_reward : forall h, ~~ visible h -> r h = 0.
Hypothesis hidden_next : forall h, ~~ visible h -> next h = None.
Notation kappa := (ep_kappa S x exp A seen).
Notation K := (ep_K S visible E).

Lemma seen_visible k : seen k && visible k = visible k.
Proof. by case: (boolP (visible k)) => [/visible_seen ->|_]; rewrite ?andbF. Qed.

(** The visible columns share what the others leave,
    in the proportions of softmax TD. *)
Lemma ep_share k s : visible k ->
  E s (S k) / (\sum_(i | seen i) E s (S i)) = (1 - \sum_(h | seen h && ~~ visible h) kappa h s) * K k s.
Proof.
move=> vis_k; rewrite -mulr_suml (bigID visible) /= (eq_bigl _ _ seen_visible) /ep_K.
set sum := \sum_(i | visible i) _; set rest := \sum_(i | _ && _) _.
have sum_gt0 : 0 < sum.
  by rewrite /sum (bigD1 k) //= ltr_paddr // sumr_ge0 // => i _; apply: ltW.
have all_neq0 : sum + rest != 0.
  by rewrite lt0r_neq0 // ltr_paddr // sumr_ge0 // => i _; apply: ltW.
by field; rewrite all_neq0 lt0r_neq0.
Qed.

(** The exact increment is multiplied by 1 minus the weight of all hidden columns
    that are seen, and each of these takes away alpha times its weight times
    its value. *)
Theorem episodes_leak (alpha : R) v j :
  layer Pi (softmax exp seen) A gamma alpha (prompt v) (value_row d) j =
  v (S j) 0
  + (1 - \sum_(h | seen h && ~~ visible h) kappa h (S j))
    * (alpha * \sum_(k | visible k) K k (S j) * td_error v k)
  - alpha * \sum_(h | seen h && ~~ visible h) kappa h (S j) * v (S h) 0.
Proof.
pose u := \col_s (v s 0 + (1 - \sum_(h | seen h && ~~ visible h) kappa h s)
                          * (alpha * \sum_(k | visible k) K k s * td_error v k)
                        - alpha * \sum_(h | seen h && ~~ visible h) kappa h s * v (S h) 0).
rewrite (@ep_layer_prompt _ _ _ u) => [|i]; first by rewrite ep_prompt_value mxE.
rewrite mxE -addrA mulrCA -mulrBr; congr (_ + _ * _).
transitivity (\sum_(k | seen k) kappa k (S i) * td_error v k).
  rewrite [RHS](bigID visible) /= (eq_bigl _ _ seen_visible); congr (_ + _);
    [rewrite mulr_sumr | rewrite -sumrN]; apply: eq_bigr => k.
    by move=> vis_k; rewrite mulrA -ep_share.
  by case/andP=> _ hid_k; rewrite /ep_error /next_value hidden_reward ?hidden_next // mulr0 !add0r mulrN.
rewrite big_mkcond; apply: eq_bigr => k _; rewrite [softmax _ _ _ _ _]mxE ep_prompt_scores.
case: (seen k); last by rewrite mul0r.
by congr (_ / _ * _); apply: eq_bigr => m _; rewrite ep_prompt_scores.
Qed.

End Leak.
End Transformer.

(** The context S_0, R_1, S_1, ..., R_n, S_n. *)
Section OneTrajectory.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d).
Variables (A : 'M[R]_d) (gamma : R).
Implicit Type v : 'cV[R]_N.

(** Each column but the last reads the one after it. *)
Definition following (j : 'I_n.+1) : option 'I_n.+1 :=
  if (j < n)%N then Some (inord j.+1) else None.

Notation columns := (fun j : 'I_n.+1 => S j).
Notation rewards := (fun j : 'I_n.+1 => if (j < n)%N then r j else 0).

Lemma following_value v (j : 'I_n.+1) :
  next_value columns following v j = if (j < n)%N then v (S j.+1) 0 else 0.
Proof. by rewrite /next_value /following; case: ltnP => // lt_jn; rewrite inordK. Qed.

(** One trajectory without endings is the special case: the shift, the prompt
    and the iterates of softmax-td. *)
Theorem one_trajectory :
  [/\ shift_of R following = shift R n,
      forall v, ep_prompt columns rewards following gamma x v =
                prompt n S r x gamma v
    & forall alpha v0 l,
        ep_softmax_td columns rewards following (@sources n) gamma x
          exp A alpha v0 l =
        softmax_td n S r gamma x exp A alpha v0 l].
Proof.
split=> [|v|alpha v0 l].
- apply/matrixP => i j; rewrite !mxE /following; case: ltnP => [lt_jn|le_nj].
    congr (nat_of_bool _)%:R; apply/eqP/eqP => [[<-]|ij]; first by rewrite inordK.
    by congr Some; apply: val_inj; rewrite /= inordK.
  by rewrite (ltn_eqF (leq_trans (ltn_ord i) _)).
- apply/matrixP => i j; elim/row_case: i => [i|||].
  + by rewrite ep_prompt_features prompt_features.
  + by rewrite ep_prompt_reward prompt_reward.
  + by rewrite ep_prompt_target prompt_target following_value; case: ifP; rewrite ?mulr0.
  + by rewrite ep_prompt_value prompt_value.
- elim: l => [//|l]; rewrite /ep_softmax_td /softmax_td /= => ->; apply/colP => s.
  rewrite !mxE; congr (_ + _ * _); rewrite sum_sources; apply: eq_bigr => k _.
  by rewrite /ep_K sum_sources /ep_error following_value /= ltn_ord.
Qed.

End OneTrajectory.
