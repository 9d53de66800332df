(** How fast depth reaches the value of several episodes on W, the states that
    transitions leave or enter without terminating. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries episodes operator norm contraction episodes_operator.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N C : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : 'I_C -> 'I_N) (r : 'I_C -> R) (next : 'I_C -> option 'I_C).
Variables (visible : pred 'I_C) (gamma : R).

(** The contraction margin of the row s; the book's c' is the least of them on W. *)
Definition ep_margin (s : 'I_N) : R :=
  2%:R * ep_Mhat E S visible s s - 1
  - `|gamma| * \sum_u ep_Phat E S next visible s u.

(** The weighted TD error of vs at each state (the book's epsilon). *)
Definition ep_residual (vs : 'cV[R]_N) : 'cV[R]_N :=
  \col_s \sum_(k | visible k)
    ep_K S visible E k s * ep_error S r next gamma vs k.

End Definitions.

Section Restriction.
Variables (R : realFieldType) (N : nat) (W : pred 'I_N).

(** The rows of the states in W; 0 in the place of the others. *)
Definition restrict p (M : 'M[R]_(N, p)) : 'M[R]_(N, p) :=
  \matrix_(s, u) if W s then M s u else 0.

(** Only a vector that is 0 on W is taken to 0 there. Where the rows of W have no
    entry outside W, this says that their square block on W has an inverse. *)
Definition invertible_on (M : 'M[R]_N) :=
  forall v : 'cV[R]_N, restrict (M *m v) = 0 -> restrict v = 0.

Lemma restrictP (v w : 'cV[R]_N) :
  restrict v = restrict w <-> forall s, W s -> v s 0 = w s 0.
Proof.
split=> [/colP eq s Ws|eq]; first by have := eq s; rewrite !mxE Ws.
by apply/colP => s; rewrite !mxE; case: ifP => // Ws; rewrite eq.
Qed.

Lemma restrict0 p : restrict 0 = 0 :> 'M[R]_(N, p).
Proof. by apply/matrixP => s u; rewrite !mxE if_same. Qed.

Lemma restrictD p (M P : 'M[R]_(N, p)) : restrict (M + P) = restrict M + restrict P.
Proof. by apply/matrixP => s u; rewrite !mxE; case: ifP; rewrite ?addr0. Qed.

Lemma restrictN p (M : 'M[R]_(N, p)) : restrict (- M) = - restrict M.
Proof. by apply/matrixP => s u; rewrite !mxE; case: ifP; rewrite ?oppr0. Qed.

Lemma restrictB p (M P : 'M[R]_(N, p)) : restrict (M - P) = restrict M - restrict P.
Proof. by rewrite restrictD restrictN. Qed.

Lemma restrictZ p a (M : 'M[R]_(N, p)) : restrict (a *: M) = a *: restrict M.
Proof. by apply/matrixP => s u; rewrite !mxE; case: ifP; rewrite ?mulr0. Qed.

Lemma restrictK p (M : 'M[R]_(N, p)) : restrict (restrict M) = restrict M.
Proof. by apply/matrixP => s u; rewrite !mxE; case: (W s). Qed.

Lemma restrict_mul p (M : 'M[R]_N) (P : 'M[R]_(N, p)) : restrict (M *m P) = restrict M *m P.
Proof.
apply/matrixP => s u; rewrite !mxE; case: ifP => Ws; first by apply: eq_bigr => i _; rewrite mxE Ws.
by rewrite big1 // => i _; rewrite mxE Ws mul0r.
Qed.

(** Columns outside W that are 0 see nothing of a vector outside W. *)
Lemma mul_restrict (M : 'M[R]_N) (v : 'cV[R]_N) :
  (forall s u, ~~ W u -> M s u = 0) -> M *m restrict v = M *m v.
Proof.
move=> out; apply/colP => s; rewrite !mxE; apply: eq_bigr => u _; rewrite mxE.
by case: ifP => // /negbT Wu; rewrite out // !mul0r.
Qed.

Lemma norm_restrict_none p (M : 'M[R]_(N, p)) : W =1 xpred0 -> norm (restrict M) = 0.
Proof.
by move=> none; rewrite (_ : restrict M = 0) ?norm0 //; apply/matrixP => s u; rewrite !mxE none.
Qed.

End Restriction.

Section OnW.
Variables (R : realFieldType) (N C : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : 'I_C -> 'I_N) (r : 'I_C -> R) (next : 'I_C -> option 'I_C).
Variables (visible : pred 'I_C) (gamma : R).
Implicit Types (v w vs : 'cV[R]_N) (s u : 'I_N) (alpha : R).
Notation W := (ep_W S next visible).
Notation on_W := (restrict W).
Notation K := (ep_K S visible E).
Notation Mhat := (ep_Mhat E S visible).
Notation Phat := (ep_Phat E S next visible).
Notation G := (ep_G E S next visible gamma).
Notation Pe := (ep_Pe R S next visible).
Notation row_margin := (ep_margin E S next visible gamma).
Notation residual := (ep_residual E S r next visible gamma).
Notation td_update := (ep_update S r next visible gamma E).
Notation weighted_td := (ep_weighted_td S r next visible gamma E).

Lemma source_in_W k : visible k -> W (S k).
Proof. by move=> vis; apply/existsP; exists k; rewrite vis eqxx. Qed.

Lemma read_in_W k l : visible k -> next k = Some l -> W (S l).
Proof. by move=> vis kl; apply/existsP; exists k; rewrite vis /reads kl eqxx orbT. Qed.

(** What the layer makes of values on W depends on these alone. *)
Lemma Mhat_on_W v : Mhat *m on_W v = Mhat *m v.
Proof. by apply: mul_restrict => s u /(ep_W_is_closed E (fun _ => 0) s)[]. Qed.

Lemma Phat_on_W v : Phat *m on_W v = Phat *m v.
Proof. by apply: mul_restrict => s u /(ep_W_is_closed E (fun _ => 0) s)[]. Qed.

Lemma Pe_on_W v : Pe *m on_W v = Pe *m v.
Proof. by apply: mul_restrict => s u /(ep_W_is_closed (fun _ _ => 0 : R) (fun _ => 0 : R) s)[]. Qed.

Lemma G_on_W alpha v : on_W (G alpha *m v) = on_W (G alpha) *m on_W v.
Proof.
rewrite -restrict_mul /ep_G !mulmxDl !mulNmx -!scalemxAl !mul1mx Mhat_on_W Phat_on_W.
by rewrite !restrictD restrictK.
Qed.

(** The layer's operator, with the empirical model in it. *)
Lemma ep_G_Mhat alpha : G alpha = 1%:M - alpha *: (Mhat *m (1%:M - gamma *: Pe)).
Proof.
by rewrite /ep_G (ep_Phat_is_Mhat_Pe E S next visible) mulmxBr mulmx1 -scalemxAr scalerBr opprB scalerA addrA addrAC.
Qed.

Lemma ep_Mhat_row_le1 s : \sum_u Mhat s u <= 1.
Proof.
case: (eqVneq (\sum_(i | visible i) E s (S i)) 0) => [Z0|Z0]; last by rewrite ep_Mhat_row.
by rewrite big1 ?ler01 // => u _; rewrite mxE big1 // => k _; rewrite /ep_K Z0 invr0 mulr0.
Qed.

(** One update moves vs by alpha times its residual. *)
Lemma ep_update_residual alpha vs : td_update alpha vs = vs + alpha *: residual vs.
Proof. by apply/colP => s; rewrite !mxE. Qed.

(** Against any vs, one update multiplies the error by G
    and adds alpha times the residual. *)
Lemma ep_error_step alpha v vs :
  td_update alpha v - vs = G alpha *m (v - vs) + alpha *: residual vs.
Proof.
have := ep_update_residual alpha vs; rewrite !ep_update_is_operator mulmxBr => fix_vs.
by rewrite -[alpha *: residual vs](addKr vs) -fix_vs; apply/colP => s; rewrite !(addmxE, oppmxE); ring.
Qed.

(** Weights that are not negative, and c at most the margin of every row of W. *)
Section Contraction.
Variables (alpha c : R).
Hypothesis E_ge0 : forall s u, 0 <= E s u.
Hypothesis c_le : forall s, W s -> c <= row_margin s.
Hypotheses (alpha_ge0 : 0 <= alpha) (alpha_le1 : alpha <= 1).

Lemma ep_K_ge0 k s : 0 <= K k s.
Proof. by rewrite divr_ge0 // sumr_ge0. Qed.

Lemma ep_Mhat_ge0 s u : 0 <= Mhat s u.
Proof. by rewrite mxE sumr_ge0 // => k _; apply: ep_K_ge0. Qed.

Lemma ep_Phat_ge0 s u : 0 <= Phat s u.
Proof. by rewrite mxE sumr_ge0 // => k _; apply: ep_K_ge0. Qed.

(** Of the rows of |G| on W, none sums to more than 1 - alpha c. *)
Theorem ep_operator_norm_bound :
  (exists k, visible k) -> norm (on_W (G alpha)) <= 1 - alpha * c.
Proof.
case=> k /source_in_W Wk.
have row s : W s -> \sum_u `|G alpha s u| <= 1 - alpha * c.
  move=> Ws; apply: le_trans (row_1_M_P _ _ ep_Mhat_row_le1 _ alpha_ge0 alpha_le1 s) _.
  - exact: ep_Mhat_ge0.
  - exact: ep_Phat_ge0.
  by rewrite ler_add2l ler_opp2 ler_wpmul2l //; exact: c_le.
have q_ge0 : 0 <= 1 - alpha * c by apply: le_trans (row _ Wk); apply: sumr_ge0.
apply: norm_le => // s; under eq_bigr do rewrite mxE.
by case Ws: (W s); [exact: row | rewrite big1 // => u _; rewrite normr0].
Qed.

Lemma ep_G_shrinks v : norm (on_W (G alpha *m v)) <= (1 - alpha * c) * norm (on_W v).
Proof.
case: (pickP visible) => [k vis|none]; last first.
  have out : W =1 xpred0 by move=> s; apply/existsP => -[k]; rewrite none.
  by rewrite !norm_restrict_none // mulr0.
rewrite G_on_W; apply: le_trans (norm_mul _ _) _.
by rewrite ler_wpmul2r ?norm_ge0 // ep_operator_norm_bound //; exists k.
Qed.

(** One update multiplies the distance to any vs by at most 1 - alpha c,
    and adds at most alpha |residual|. *)
Theorem ep_error_recursion v vs :
  norm (on_W (td_update alpha v - vs)) <=
  (1 - alpha * c) * norm (on_W (v - vs)) + alpha * norm (on_W (residual vs)).
Proof.
rewrite ep_error_step (restrictD _ (_ *m _)); apply: le_trans (norm_add _ _) _.
by rewrite restrictZ norm_scale (ger0_norm alpha_ge0) ler_add2r ep_G_shrinks.
Qed.

Lemma ep_rate v : 1 - alpha * c < 0 -> norm (on_W v) = 0.
Proof.
move=> q_lt0; case: (pickP visible) => [k vis|none].
  suff: 0 <= 1 - alpha * c by rewrite leNgt q_lt0.
  by apply: le_trans (norm_ge0 (on_W (G alpha))) _; apply: ep_operator_norm_bound; exists k.
by apply: norm_restrict_none => s; apply/existsP => -[k]; rewrite none.
Qed.

(** So the distance to a fixed point on W shrinks geometrically in the depth. *)
Theorem ep_contraction v0 vs L :
  on_W (td_update alpha vs) = on_W vs ->
  norm (on_W (weighted_td (fun _ => alpha) v0 L - vs)) <=
  (1 - alpha * c) ^+ L * norm (on_W (v0 - vs)).
Proof.
move=> fix_vs; have fixed : alpha * norm (on_W (residual vs)) = 0.
  rewrite -(ger0_norm alpha_ge0) -norm_scale -restrictZ (_ : on_W _ = 0) ?norm0 //.
  by apply: (addrI (on_W vs)); rewrite -restrictD -ep_update_residual fix_vs addr0.
case: (leP 0 (1 - alpha * c)) => [q_ge0|q_lt0]; last by rewrite !ep_rate // mulr0.
move: L; apply: geometric_decay => // L; apply: le_trans (ep_error_recursion (weighted_td (fun _ => alpha) v0 L) vs) _.
by rewrite fixed addr0.
Qed.

(** If c > 0, the distance to any vs shrinks geometrically in L,
    down to |residual| / c. *)
Theorem ep_depth v0 vs L :
  0 < c ->
  norm (on_W (weighted_td (fun _ => alpha) v0 L - vs)) <=
  (1 - alpha * c) ^+ L * norm (on_W (v0 - vs)) + norm (on_W (residual vs)) / c.
Proof.
move=> c_gt0; case: (leP 0 (1 - alpha * c)) => [q_ge0|q_lt0]; last by rewrite !ep_rate // mulr0 mul0r addr0.
move: L; apply: decay_to_floor => [//||L]; first by rewrite divr_ge0 ?norm_ge0 // ltW.
apply: le_trans (ep_error_recursion (weighted_td (fun _ => alpha) v0 L) vs) _.
have c_neq0 : c != 0 by rewrite gt_eqF.
have floor : (1 - (1 - alpha * c)) * (norm (on_W (residual vs)) / c) = alpha * norm (on_W (residual vs)) by field.
by rewrite floor.
Qed.

End Contraction.
(** On W, values depend on the values and the weights of W alone,
    whatever a state outside W holds. *)
Lemma ep_alone (F : 'I_N -> 'I_N -> R) (steps : nat -> R) v0 w0 L :
  (forall s u, W s -> W u -> E s u = F s u) -> on_W v0 = on_W w0 ->
  on_W (weighted_td steps v0 L) =
  on_W (ep_weighted_td S r next visible gamma F steps w0 L).
Proof.
move=> EF vw0; elim: L => [//|l /restrictP IH]; apply/restrictP => s Ws; rewrite /= !mxE (IH s Ws).
congr (_ + _ * _); apply: eq_bigr => k vis; congr (_ * _).
  rewrite /ep_K (EF _ _ Ws (source_in_W vis)); congr (_ / _).
  by apply: eq_bigr => i vis_i; rewrite (EF _ _ Ws (source_in_W vis_i)).
rewrite /ep_error (IH _ (source_in_W vis)); congr (_ + _ * _ - _); rewrite /next_value.
by case kl: (next k) => [l'|//]; rewrite (IH _ (read_in_W vis kl)).
Qed.

End OnW.

Section Transformer.
Variables (R : realFieldType) (exp : R -> R) (N C d : nat).
Variables (S : 'I_C -> 'I_N) (r : 'I_C -> R) (next : 'I_C -> option 'I_C).
Variables (visible : pred 'I_C) (A : 'M[R]_d) (gamma : R).
Implicit Types (x y : 'I_N -> 'cV[R]_d) (v w vs : 'cV[R]_N).
Notation W := (ep_W S next visible).
Notation Pi := (shift_of R next).
Notation softmax := (softmax exp visible).

(** The L-layer softmax transformer's value in every column whose state is in W,
    hidden ones too, comes as near to a fixed point's. *)
Theorem episodes_contraction x (alpha c : R) v0 vs L j :
  let E s u := exp (score x A s u) in
  (forall t, 0 <= exp t) ->
  (forall s, W s -> c <= ep_margin E S next visible gamma s) ->
  0 <= alpha -> alpha <= 1 ->
  restrict W (ep_update S r next visible gamma E alpha vs) = restrict W vs ->
  W (S j) ->
  `|transformer Pi softmax A gamma (fun _ => alpha) L
      (ep_prompt S r next gamma x v0) (value_row d) j - vs (S j) 0| <=
  (1 - alpha * c) ^+ L * norm (restrict W (v0 - vs)).
Proof.
move=> E exp_ge0 c_le alpha_ge0 alpha_le1 fix_vs Wj; rewrite episodes_transformer ep_prompt_value.
have E_ge0 s u : 0 <= E s u by apply: exp_ge0.
apply: le_trans (ep_contraction E_ge0 c_le alpha_ge0 alpha_le1 v0 L fix_vs).
have := entry_le_norm (restrict W (ep_softmax_td S r next visible gamma x exp A (fun _ => alpha) v0 L - vs)) (S j) 0.
by rewrite !mxE Wj.
Qed.

(** No such value depends on the features or the initial value of a state outside W,
    as a terminal state that is never left. *)
Theorem episodes_unread x y (alpha : nat -> R) v0 w0 L j :
  (forall s, W s -> x s = y s /\ v0 s 0 = w0 s 0) -> W (S j) ->
  transformer Pi softmax A gamma alpha L
    (ep_prompt S r next gamma x v0) (value_row d) j =
  transformer Pi softmax A gamma alpha L
    (ep_prompt S r next gamma y w0) (value_row d) j.
Proof.
move=> same Wj; rewrite !episodes_transformer !ep_prompt_value; move: (S j) Wj; apply/restrictP/ep_alone.
  by move=> s u /same[xs _] /same[xu _]; rewrite /score xs xu.
by apply/restrictP => s /same[].
Qed.

End Transformer.
