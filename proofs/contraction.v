(** contraction: how fast the layers approach any vs,
    and the transformer's error bound. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).

(** The contraction margin (the book's c);
    m is to be at most every diagonal entry of Mhat. *)
Definition margin (m gamma : R) : R := 2%:R * m - 1 - `|gamma|.

(** The weighted TD error of vs at each state (the book's epsilon):
    0 everywhere if vs is a fixed point. *)
Definition residual (vs : 'cV[R]_N) : 'cV[R]_N :=
  \col_s \sum_(k < n) K n S E k s * td_error S r gamma vs k.

End Definitions.

(** The sums of the rows of |1 - alpha M + alpha gamma P|, for M and P without negative entries. *)
Section Rows.
Variables (R : realFieldType) (N : nat) (M P : 'M[R]_N) (gamma alpha : R).
Hypotheses (M_ge0 : forall s u, 0 <= M s u) (M_le1 : forall s, \sum_u M s u <= 1).
Hypotheses (P_ge0 : forall s u, 0 <= P s u).
Hypotheses (alpha_ge0 : 0 <= alpha) (alpha_le1 : alpha <= 1).

(** Of |1 - alpha M|: the diagonal entry counts twice. *)
Lemma row_1_M s : \sum_u `|(s == u)%:R - alpha * M s u| <= 1 - alpha * (2%:R * M s s - 1).
Proof.
have off : \sum_(u | u != s) M s u <= 1 - M s s by have := M_le1 s; rewrite (bigD1 s) //= ler_subr_addl.
have Mss_le1 : M s s <= 1 by apply: le_trans (M_le1 s); rewrite (bigD1 s) //= ler_addl sumr_ge0.
rewrite (bigD1 s) //= eqxx mulr1n ger0_norm ?subr_ge0 ?mulr_ile1 //.
rewrite (eq_bigr (fun u => alpha * M s u)) => [|u ne]; last first.
  by rewrite eq_sym (negbTE ne) sub0r normrN ger0_norm ?mulr_ge0.
rewrite -mulr_sumr; apply: le_trans (ler_add (lexx _) (ler_wpmul2l alpha_ge0 off)) _.
by rewrite le_eqVlt; apply/orP; left; apply/eqP; move: (M s s) => *; ring.
Qed.

Lemma row_1_M_P s :
  \sum_u `|(1%:M - alpha *: M + (alpha * gamma) *: P) s u| <=
  1 - alpha * (2%:R * M s s - 1 - `|gamma| * \sum_u P s u).
Proof.
apply: (@le_trans _ _ (\sum_u (`|(s == u)%:R - alpha * M s u| + alpha * `|gamma| * P s u))).
  apply: ler_sum => u _; rewrite !(addmxE, oppmxE, scalemxE) [1%:M s u]mxE.
  by apply: le_trans (ler_norm_add _ _) _; rewrite ler_add2l !normrM (ger0_norm alpha_ge0) (ger0_norm (P_ge0 _ _)).
rewrite big_split /= -mulr_sumr; apply: le_trans (ler_add (row_1_M s) (lexx _)) _.
by rewrite le_eqVlt; apply/orP; left; apply/eqP; move: `|gamma| (M s s) (\sum_u _) => *; ring.
Qed.

End Rows.

Section Contraction.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma alpha m : R).
Implicit Types (v vs : 'cV[R]_N) (s u : 'I_N).
Notation Mhat := (Mhat n E S).
Notation Phat := (Phat n E S).
Notation G := (G n E S gamma).
Notation residual := (residual n E S r gamma).
Notation td_update := (td_update n S r gamma E alpha).
Notation weighted_td := (weighted_td n S r gamma E (fun _ => alpha)).

(** One update moves vs by alpha times its residual. *)
Lemma td_update_residual vs : td_update vs = vs + alpha *: residual vs.
Proof. by apply/colP => s; rewrite !mxE. Qed.

(** Against any vs, one update multiplies the error by G
    and adds alpha times the residual. *)
Lemma error_step v vs : td_update v - vs = G alpha *m (v - vs) + alpha *: residual vs.
Proof.
have := td_update_residual vs; rewrite !update_is_operator mulmxBr => fix_vs.
by rewrite -[alpha *: residual vs](addKr vs) -fix_vs; apply/colP => s; rewrite !(addmxE, oppmxE); ring.
Qed.

(** The weights are not negative. *)
Hypothesis E_ge0 : forall s u, 0 <= E s u.

(** The sum of a row of |G|. *)
Lemma row_G s :
  m <= Mhat s s -> 0 <= alpha -> alpha <= 1 -> \sum_u `|G alpha s u| <= 1 - alpha * margin m gamma.
Proof.
move=> m_le alpha_ge0 alpha_le1.
apply: le_trans (row_1_M_P _ _ (Mhat_row_le1 n E S) _ alpha_ge0 alpha_le1 s) _ => [*|*|]; first exact: Mhat_ge0.
  exact: Phat_ge0.
rewrite ler_add2l ler_opp2 ler_wpmul2l // ler_sub //.
  by rewrite ler_add2r ler_wpmul2l ?ler0n.
by rewrite -[X in _ <= X]mulr1 ler_wpmul2l ?Phat_row_le1.
Qed.

(** And m is at most every diagonal entry of Mhat. *)
Hypothesis m_le : forall s, m <= Mhat s s.

(** No row of |G| sums to more than 1 - alpha c. *)
Theorem operator_norm_bound :
  0 <= alpha -> alpha <= 1 ->
  norm (G alpha) <= 1 - alpha * margin m gamma.
Proof.
move=> alpha_ge0 alpha_le1; apply: norm_le => [|s]; last exact: row_G.
by apply: le_trans (row_G (m_le (S 0)) _ _) => //; apply: sumr_ge0.
Qed.

(** One update multiplies the distance to any vs by at most 1 - alpha c,
    and adds at most alpha |residual|. *)
Theorem error_recursion v vs :
  0 <= alpha -> alpha <= 1 ->
  norm (td_update v - vs) <=
  (1 - alpha * margin m gamma) * norm (v - vs) + alpha * norm (residual vs).
Proof.
move=> alpha_ge0 alpha_le1; rewrite error_step; apply: le_trans (norm_add _ _) _.
rewrite norm_scale (ger0_norm alpha_ge0) ler_add2r.
by apply: le_trans (norm_mul _ _) _; rewrite ler_wpmul2r ?norm_ge0 ?operator_norm_bound.
Qed.

(** If c > 0, the distance to any vs shrinks geometrically in L,
    down to |residual| / c. *)
Theorem contraction v0 vs L :
  0 <= alpha -> alpha <= 1 -> 0 < margin m gamma ->
  norm (weighted_td v0 L - vs) <=
  (1 - alpha * margin m gamma) ^+ L * norm (v0 - vs)
  + norm (residual vs) / margin m gamma.
Proof.
move=> alpha_ge0 alpha_le1 c_gt0; move: L.
apply: (decay_to_floor (a := fun L => norm (weighted_td v0 L - vs))) => [||L].
- exact: le_trans (norm_ge0 _) (operator_norm_bound alpha_ge0 alpha_le1).
- by rewrite divr_ge0 ?norm_ge0 // ltW.
apply: le_trans (error_recursion (weighted_td v0 L) vs alpha_ge0 alpha_le1) _.
have c_neq0 : margin m gamma != 0 by rewrite gt_eqF.
have floor :
  (1 - (1 - alpha * margin m gamma)) * (norm (residual vs) / margin m gamma) = alpha * norm (residual vs) by field.
by rewrite floor.
Qed.

End Contraction.

Section Transformer.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d).
Variables (A : 'M[R]_d) (gamma alpha m : R).
Implicit Types v vs : 'cV[R]_N.
Notation E := (fun s u => exp (score x A s u)).
Notation softmax := (softmax exp (@sources n)).
Notation prompt := (prompt n S r x gamma).
Notation residual := (residual n E S r gamma).

(** The L-layer softmax transformer's value in every column
    is within the bound of contraction of vs. *)
Theorem transformer_contraction v0 vs L (j : 'I_n.+1) :
  (forall t, 0 <= exp t) -> (forall s, m <= Mhat n E S s s) ->
  0 <= alpha -> alpha <= 1 -> 0 < margin m gamma ->
  `|transformer (shift R n) softmax A gamma (fun _ => alpha) L (prompt v0)
      (value_row d) j - vs (S j) 0| <=
  (1 - alpha * margin m gamma) ^+ L * norm (v0 - vs)
  + norm (residual vs) / margin m gamma.
Proof.
move=> exp_ge0 m_le alpha_ge0 alpha_le1 c_gt0; rewrite transformer_is_softmax_td prompt_value.
have E_ge0 s u : 0 <= E s u by [].
apply: le_trans (contraction r E_ge0 m_le v0 vs L alpha_ge0 alpha_le1 c_gt0).
by have := entry_le_norm (softmax_td n S r gamma x exp A (fun _ => alpha) v0 L - vs) (S j) 0; rewrite !mxE.
Qed.

End Transformer.
