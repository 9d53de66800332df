(** averagers: the average of targets in the place of errors contracts
    in every context, to the value of a smoothed model. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm bellman.
From icrl Require Import coverage.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).

(** The kernel averager: a weighted mean of the targets r_k + gamma v(S_{k+1}). *)
Definition average (alpha : R) (v : 'cV[R]_N) : 'cV[R]_N :=
  \col_s ((1 - alpha) * v s 0
          + alpha * \sum_(k < n) K n S E k s * (r k + gamma * v (S k.+1) 0)).

(** The value of the smoothed model, whose transitions are Mhat Pe
    and whose rewards are Mhat rhat. *)
Definition v_A : 'cV[R]_N :=
  v_pi (Mhat n E S *m Pe R n S) (Mhat n E S *m rhat n S r) gamma.

End Definitions.

Section Averager.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma alpha : R).
Implicit Types (v w : 'cV[R]_N) (s u : 'I_N).
Notation Mhat := (Mhat n E S).
Notation Phat := (Phat n E S).
Notation bhat := (bhat n E S r).
Notation Pe := (Pe R n S).
Notation rhat := (rhat n S r).
Notation td_update := (td_update n S r gamma E).
Notation average := (average n E S r gamma).
Notation v_A := (v_A n E S r gamma).

(** With a layer's matrices an averager makes
    (1 - alpha) v + alpha (bhat + gamma Phat v). *)
Theorem average_by_operator v :
  average alpha v = (1 - alpha) *: v + alpha *: (bhat + gamma *: (Phat *m v)).
Proof.
apply/colP => s; rewrite !(addmxE, scalemxE) Phat_mul mxE [bhat s 0]mxE; congr (_ + _ * _).
by rewrite mulr_sumr -big_split; apply: eq_bigr => k _ /=; ring.
Qed.

(** It is one update of softmax TD plus alpha (Mhat v - v). *)
Theorem average_by_td v :
  average alpha v = td_update alpha v + alpha *: (Mhat *m v - v).
Proof.
rewrite average_by_operator update_is_operator /operator.G !mulmxDl mulNmx -!scalemxAl mul1mx.
apply/colP => s; rewrite !(addmxE, oppmxE, scalemxE).
by move: (v s 0) ((Mhat *m v) s 0) ((Phat *m v) s 0) (bhat s 0) => *; ring.
Qed.

(** An averager is the mixture, by alpha, of v and the Bellman operator
    of the smoothed model. *)
Lemma average_smoothed v :
  average alpha v =
  (1 - alpha) *: v + alpha *: bellman_operator (Mhat *m Pe) (Mhat *m rhat) gamma v.
Proof. by rewrite average_by_operator bhat_is_Mhat_rhat Phat_is_Mhat_Pe. Qed.

(** The weights are not negative. *)
Hypothesis E_ge0 : forall s u, 0 <= E s u.

Lemma Phat_norm : norm Phat <= 1.
Proof.
apply: norm_le => [|s]; first exact: ler01.
by under eq_bigr => u _ do rewrite ger0_norm ?Phat_ge0 //; apply: Phat_row_le1.
Qed.

(** An averager brings any two vectors closer by the factor 1 - alpha (1 - |gamma|),
    in every context. *)
Theorem average_contracts v w :
  0 <= alpha -> alpha <= 1 ->
  norm (average alpha v - average alpha w) <=
  (1 - alpha * (1 - `|gamma|)) * norm (v - w).
Proof.
move=> alpha_ge0 alpha_le1; rewrite !average_by_operator opprD addrACA -!scalerBr.
rewrite opprD addrACA subrr add0r -scalerBr -mulmxBr.
apply: le_trans (norm_add _ _) _; rewrite !norm_scale (ger0_norm alpha_ge0).
rewrite (ger0_norm (_ : 0 <= 1 - alpha)) ?subr_ge0 //.
have -> : 1 - alpha * (1 - `|gamma|) = (1 - alpha) + alpha * `|gamma| by ring.
rewrite mulrDl ler_add2l -mulrA !ler_wpmul2l // (le_trans (norm_mul _ _)) //.
by rewrite ler_pimull ?norm_ge0 ?Phat_norm.
Qed.

(** For alpha <> 0 and |gamma| < 1 an averager's only fixed point is v_A. *)
Theorem average_fixed_point v :
  `|gamma| < 1 -> alpha != 0 -> average alpha v = v <-> v = v_A.
Proof.
move=> gamma_lt1 alpha0; rewrite average_smoothed -only_solution -?Phat_is_Mhat_Pe ?Phat_norm //.
set T := bellman_operator _ _ _ _; have stepE : (1 - alpha) *: v + alpha *: T = v + alpha *: (T - v).
  by apply/colP => s; rewrite !(addmxE, oppmxE, scalemxE); ring.
rewrite stepE; split=> [/eqP|<-]; last by rewrite subrr scaler0 addr0.
by rewrite -subr_eq0 addrAC subrr add0r scaler_eq0 (negbTE alpha0) subr_eq0 => /eqP.
Qed.

(** It reaches v_A: L steps from any v0 leave (1 - alpha (1 - |gamma|))^L
    of the distance at most. *)
Theorem average_reaches_v_A v0 L :
  `|gamma| < 1 -> 0 < alpha -> alpha <= 1 ->
  norm (iter L (average alpha) v0 - v_A) <=
  (1 - alpha * (1 - `|gamma|)) ^+ L * norm (v0 - v_A).
Proof.
move=> gamma_lt1 alpha_gt0 alpha_le1; have alpha_ge0 := ltW alpha_gt0.
have fix_v_A : average alpha v_A = v_A by apply/average_fixed_point; rewrite ?gt_eqF.
move: L; apply: geometric_decay => [|L]; last by rewrite iterS -{1}fix_v_A average_contracts.
by rewrite subr_ge0 mulr_ile1 ?subr_ge0 ?(ltW gamma_lt1) // ler_subl_addr ler_addl.
Qed.

(** The rows of Mhat and of Phat sum to 1 where the weights in no row
    add up to 0. *)
Section Normalised.
Hypothesis Z_neq0 : forall s, \sum_(k < n) E s (S k) != 0.

(** The smoothed model is a Markov reward process:
    its transitions Mhat Pe are Phat, and stochastic. *)
Theorem smoothed_model_is_stochastic : Mhat *m Pe = Phat /\ stochastic Phat.
Proof. by split; [rewrite Phat_is_Mhat_Pe | exact: Phat_stochastic]. Qed.

(** Two starts that differ by a constant stay so, by 1 - alpha (1 - gamma)
    times as much: if gamma is not negative, they attain the rate. *)
Theorem average_rate_attained v c :
  average alpha (v + const_mx c) - average alpha v =
  (1 - alpha * (1 - gamma)) *: const_mx c.
Proof.
rewrite !average_by_operator mulmxDr.
have -> : Phat *m const_mx c = const_mx c :> 'cV_N.
  have [_ stoch] := smoothed_model_is_stochastic.
  by rewrite -[c]mulr1 -!scalemx_const -scalemxAr stochastic_const.
apply/colP => s; rewrite !(addmxE, oppmxE, scalemxE) [const_mx c s 0]mxE.
by move: (v s 0) (bhat s 0) ((Phat *m v) s 0) => *; ring.
Qed.

End Normalised.

End Averager.
