(** On the states that a context visits: how fast the layers reach v_CE. *)
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import transformer td entries softmax_td operator norm contraction coverage.
From icrl Require Import certainty_equivalence visited.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Depth.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma alpha m : R).
Notation Mhat := (Mhat n E S).
Notation Phat := (Phat n E S).
Notation G := (G n E S gamma).
Notation visited := (visited n S).
Notation max_visited := (@max_visited R N n S).
Notation v_CE := (v_CE n S r gamma).
Notation weighted_td := (weighted_td n S r gamma E (fun _ => alpha)).

(** The weights are not negative, and m is at most the diagonal entry of Mhat
    at every visited state. *)
Hypothesis E_ge0 : forall s u, 0 <= E s u.
Hypothesis m_le : forall s, visited s -> m <= Mhat s s.
Hypothesis gamma_lt1 : `|gamma| < 1.
Hypotheses (alpha_ge0 : 0 <= alpha) (alpha_le1 : alpha <= 1).

(** With a positive margin, some transition leaves every visited state. *)
Lemma visited_covered s : 0 < margin m gamma -> visited s -> source n S s.
Proof.
move=> c_gt0 Ws; apply: contraTT c_gt0 => out; rewrite -leNgt.
have := m_le Ws; rewrite nonsource_diagonal // => m_le0.
rewrite /margin subr_le0 (le_trans _ (normr_ge0 _)) // subr_le0 (le_trans _ ler01) //.
by rewrite pmulr_rle0 // ltr0n.
Qed.

(** A visited state's row of G is 0 outside the visited states. *)
Lemma G_unvisited s u : visited s -> ~~ visited u -> G alpha s u = 0.
Proof.
move=> Ws out; have neq k : (k <= n)%N -> S k == u = false.
  by move=> le_kn; apply: contraNF out => /eqP<-; apply: visited_at.
have su : s == u = false by apply: contraNF out => /eqP<-.
rewrite !(addmxE, oppmxE, scalemxE) [1%:M s u]mxE su [Mhat _ _]mxE [Phat _ _]mxE.
by rewrite !big_pred0 ?mulr0 ?subr0 ?addr0 // => k; rewrite neq // ltnW.
Qed.

(** L updates leave at most (1 - alpha c)^L of the first error against v_CE,
    measured on the visited states; no other state counts. *)
Theorem depth_on_visited v0 L s :
  visited s ->
  `|weighted_td v0 L s 0 - v_CE s 0| <=
  (1 - alpha * margin m gamma) ^+ L * max_visited (fun u => `|v0 u 0 - v_CE u 0|).
Proof.
move=> Ws; apply: le_trans (le_max_visited (fun s => `|weighted_td v0 L s 0 - v_CE s 0|) Ws) _.
have q_ge0 : 0 <= 1 - alpha * margin m gamma.
  by apply: le_trans (row_G gamma E_ge0 (m_le Ws) alpha_ge0 alpha_le1); apply: sumr_ge0.
move: L {s Ws}; apply: (geometric_decay (a := fun L => max_visited (fun s => `|weighted_td v0 L s 0 - v_CE s 0|)) q_ge0) => L.
set D := (X in _ <= _ * X); have D_ge0 : 0 <= D by apply: max_visited_ge0.
apply: max_visited_le => [|s Ws]; first by rewrite mulr_ge0.
have := error_step n E S r gamma alpha (weighted_td v0 L) v_CE.
rewrite residual_v_CE // scaler0 addr0 => /colP/(_ s); rewrite addmxE oppmxE => ->.
rewrite mxE; apply: le_trans (ler_norm_sum _ _ _) _.
apply: le_trans (ler_wpmul2r D_ge0 (row_G gamma E_ge0 (m_le Ws) alpha_ge0 alpha_le1)).
rewrite mulr_suml; apply: ler_sum => u _; rewrite normrM.
have [Wu|out] := boolP (visited u); last by rewrite G_unvisited // normr0 !mul0r.
by rewrite ler_wpmul2l // addmxE oppmxE; apply: (le_max_visited (fun s => `|weighted_td v0 L s 0 - v_CE s 0|)).
Qed.

End Depth.

Section Transformer.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d).
Variables (A : 'M[R]_d) (gamma alpha m : R).
Notation E := (fun s u => exp (score x A s u)).
Notation v_CE := (v_CE n S r gamma).

(** The L-layer softmax transformer's value row is as near to v_CE, if c > 0
    is asked of the visited states only. *)
Theorem transformer_on_visited (v0 : 'cV[R]_N) L (j : 'I_n.+1) :
  (forall t, 0 <= exp t) ->
  (forall s, visited n S s -> m <= Mhat n E S s s) ->
  `|gamma| < 1 -> 0 <= alpha -> alpha <= 1 ->
  `|transformer (shift R n) (softmax exp (@sources n)) A gamma (fun _ => alpha) L
      (prompt n S r x gamma v0) (value_row d) j - v_CE (S j) 0| <=
  (1 - alpha * margin m gamma) ^+ L
    * max_visited n S (fun s => `|v0 s 0 - v_CE s 0|).
Proof.
move=> exp_ge0 m_le gamma_lt1 alpha_ge0 alpha_le1; rewrite transformer_is_softmax_td prompt_value.
by apply: depth_on_visited => //; apply: visited_at; rewrite -ltnS.
Qed.

End Transformer.
