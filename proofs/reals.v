(** Instances at the real numbers with the true exp. *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra ring.
From mathcomp.analysis Require Import Rstruct.
From icrl Require Import transformer td entries softmax_td operator norm contraction exponential.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** Coq's real numbers as an ordered field, and their exponential function. *)
Local Notation R := R_realFieldType.
Local Notation exp := (Rtrigo_def.exp : R -> R).

Section SoftmaxTD.
Variables (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R).
Variables (x : 'I_N -> 'cV[R]_d) (A : 'M[R]_d) (gamma : R).

(** softmax-td with the true exp: L layers carry the prompt of v0 to that of v_L. *)
Theorem softmax_td_real (alpha : nat -> R) (v0 : 'cV[R]_N) L :
  transformer (shift R n) (softmax exp (@sources n)) A gamma alpha L
    (prompt n S r x gamma v0) =
  prompt n S r x gamma (softmax_td n S r gamma x exp A alpha v0 L).
Proof. exact: transformer_is_softmax_td. Qed.

End SoftmaxTD.

(** The true exp is an exponential in the sense of exponential.v. *)
Theorem exp_is_exponential : exponential exp.
Proof. by split=> [a b|a b /RltP ab]; [exact: exp_plus | exact/RltP/exp_increasing]. Qed.

(** A context for contraction: the states 0, 1, 0, one-hot features, A twice the identity, gamma 1/2. *)
Definition real_S (k : nat) : 'I_2 := if odd k then 1 else 0.
Definition real_x (s : 'I_2) : 'cV[R]_2 := delta_mx s 0.
Definition real_A : 'M[R]_2 := 2%:R%:M.
Definition real_gamma : R := 2%:R^-1.
Definition real_E (s u : 'I_2) : R := exp (score real_x real_A s u).

(** What every diagonal entry of Mhat is there: e^2 / (e^2 + 1). *)
Definition real_m : R := exp 2%:R / (exp 2%:R + 1).

(** The contraction margin there. *)
Definition real_c : R := margin real_m real_gamma.

Lemma exp2_gt3 : 3%:R < exp 2%:R.
Proof. by rewrite (mulrS 1 2); apply/RltP/exp_ineq1/eqP; rewrite pnatr_eq0. Qed.

(** The margin at gamma = 1/2 is positive if m = e / (e + 1) with e > 3, for then m > 3/4. *)
Lemma margin_gt0 (F : realFieldType) (e : F) : 3%:R < e -> 0 < margin (e / (e + 1)) 2%:R^-1.
Proof.
move=> e_gt3; have e_gt0 : 0 < e by apply: lt_trans e_gt3; rewrite ltr0n.
have d_gt0 : 0 < e + 1 by rewrite addr_gt0 ?ltr01.
rewrite /margin ger0_norm ?invr_ge0 ?ler0n //.
have -> : 2%:R * (e / (e + 1)) - 1 - 2%:R^-1 = (e - 3%:R) / (2%:R * (e + 1)).
  by field; rewrite ?gt_eqF.
by rewrite divr_gt0 ?mulr_gt0 ?subr_gt0 ?ltr0n.
Qed.

Lemma real_c_gt0 : 0 < real_c.
Proof. exact: (margin_gt0 (F := R) exp2_gt3). Qed.

(** The score is 2 between equal states and 0 between different ones. *)
Lemma real_score s u : score real_x real_A s u = if s == u then 2%:R else 0.
Proof.
rewrite /score /real_x /real_A mul_mx_scalar -scalemxAl trmx_delta mul_delta_mx_cond eq_sym.
by case: eqP => _; rewrite ?mulr1n ?mulr0n ?scaler0 !mxE ?eqxx ?mulr1.
Qed.

Lemma real_EE s u : real_E s u = if s == u then exp 2%:R else 1.
Proof. by rewrite /real_E real_score; case: eqP => _ //; exact: exp_0. Qed.

Lemma real_Mhat s : Mhat 2 real_E real_S s s = real_m.
Proof.
rewrite mxE /K big_mkcond !big_ord_recl !big_ord0 /= !real_EE /real_m !addr0.
by case: s => [[|[|//]] lt] /=; rewrite ?addr0 ?add0r // addrC.
Qed.

(** contraction with the true exp: here the margin is positive,
    and the bound holds at every depth. *)
Theorem contraction_real (r : nat -> R) (v0 vs : 'cV[R]_2) L (j : 'I_3) :
  0 < real_c /\
  `|transformer (shift R 2) (softmax exp (@sources 2)) real_A real_gamma (fun _ => 1) L
      (prompt 2 real_S r real_x real_gamma v0) (value_row 2) j - vs (real_S j) 0| <=
  (1 - real_c) ^+ L * norm (v0 - vs) +
  norm (residual 2 real_E real_S r real_gamma vs) / real_c.
Proof.
split; first exact: real_c_gt0.
rewrite -[X in (1 - X) ^+ L]mul1r.
by apply: transformer_contraction; rewrite ?ler01 ?real_c_gt0 // => s; rewrite ?real_Mhat // ltW ?(exp_gt0 exp_is_exponential).
Qed.
