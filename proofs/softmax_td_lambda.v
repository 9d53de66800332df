(** softmax-td-lambda: with a scan of the TD errors, softmax attention
    is TD(lambda), and what it keeps is LSTD(lambda), whatever the weights. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm contraction bellman coverage.
From icrl Require Import certainty_equivalence.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma lambda : R).

(** A recursion from the right over the transitions k, ..., n - 1:
    z k = step k (z (k + 1)), and z n = last. *)
Fixpoint from_right (step : nat -> R -> R) (last : R) (k m : nat) : R :=
  if m is m'.+1 then step k (from_right step last k.+1 m') else last.

(** The scanned errors: d_k = delta_k + theta d_{k+1}, and d_n = 0. *)
Definition scanned (theta : R) (v : 'cV[R]_N) (k : nat) : R :=
  from_right (fun k d => td_error S r gamma v k + theta * d) 0 k (n - k).

(** The lambda-return, cut off where the context ends: its value G_k is
    R_{k+1} + gamma ((1 - lambda) v(S_{k+1}) + lambda G_{k+1}), and G_n = v(S_n). *)
Definition lambda_return (v : 'cV[R]_N) (k : nat) : R :=
  from_right
    (fun k g => r k + gamma * ((1 - lambda) * v (S k.+1) 0 + lambda * g))
    (v (S n) 0) k (n - k).

(** One layer: attention reads the scanned errors. *)
Definition scanned_update (theta alpha : R) (v : 'cV[R]_N) : 'cV[R]_N :=
  \col_s (v s 0 + alpha * \sum_(k < n) K n S E k s * scanned theta v k).

(** The mean of the lambda-return over the visits to each state;
    0 at a state that no transition leaves. *)
Definition mean_return (v : 'cV[R]_N) : 'cV[R]_N :=
  \col_s ((\sum_(k < n | S k == s) lambda_return v k) / (visits n S s)%:R).

(** The traces: e_k = theta e_{k-1} + 1[S_k = s], and e_{-1} = 0. *)
Fixpoint trace (theta : R) (s : 'I_N) (k : nat) : R :=
  (S k == s)%:R + (if k is k'.+1 then theta * trace theta s k' else 0).

(** Tabular LSTD(lambda): the errors, each times its trace, add up to 0. *)
Definition solves_lstd_lambda (v : 'cV[R]_N) :=
  forall s, \sum_(k < n) td_error S r gamma v k * trace (gamma * lambda) s k = 0.

End Definitions.

(** The part of the mean returns that the rewards make, and the matrix of what the
    values add to it. *)
Section Affine.
Variables (R : realFieldType) (N n : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma lambda : R).

Definition r_lambda : 'cV[R]_N := mean_return n S r gamma lambda 0.
Definition P_lambda : 'M[R]_N :=
  \matrix_(s, u) mean_return n S (fun _ => 0) gamma lambda (delta_mx u 0) s 0.

End Affine.

Section Lambda.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma lambda : R).
Implicit Types (v w : 'cV[R]_N) (s u : 'I_N).
Notation theta := (gamma * lambda).
Notation target := (lambda_return n S r gamma lambda).
Notation mean_return := (mean_return n S r gamma lambda).
Notation scanned := (scanned n S r gamma theta).
Notation update := (scanned_update n E S r gamma theta).
Notation r_lambda := (r_lambda n S r gamma lambda).
Notation P_lambda := (P_lambda n S gamma lambda).
Notation Mhat := (Mhat n E S).

(** A scanned error is the lambda-return less the value. *)
Theorem scanned_is_return v k : (k <= n)%N -> scanned v k = target v k - v (S k) 0.
Proof.
move=> le_kn; rewrite /scanned /lambda_return; move: (n - k)%N (subnKC le_kn) => m.
elim: m k {le_kn} => [|m IH] k /=; first by rewrite addn0 => ->; rewrite subrr.
rewrite addnS -addSn => /IH ->; rewrite /td_error; set g := from_right _ _ _ _.
by move: (r k) (v _ _) (v _ _) => *; ring.
Qed.

(** One layer moves the values towards the mean returns. *)
Theorem layer_moves_to_mean_returns alpha v :
  update alpha v = v + alpha *: (Mhat *m (mean_return v - v)).
Proof.
apply/colP => s; rewrite mxE addmxE scalemxE; congr (_ + _ * _).
rewrite mulmxBr addmxE oppmxE [(Mhat *m v) s 0]Mhat_mul [(_ *m _) s 0]mxE.
under [X in X - _]eq_bigr => u _ do rewrite [mean_return _ _ _]mxE.
rewrite -sum_of_means -sumrB; apply: eq_bigr => k _.
by rewrite scanned_is_return ?mulrBr // ltnW.
Qed.

(** The mean returns are r_lambda + P_lambda v. *)
Theorem mean_return_is_affine v : mean_return v = r_lambda + P_lambda *m v.
Proof.
have value (w : 'I_N) : \sum_u (delta_mx u 0 : 'cV[R]_N) w 0 * v u 0 = v w 0.
  by rewrite -[RHS](sum_delta (fun u => v u 0)); apply: eq_bigr => u _; rewrite mxE andbT eq_sym.
have combined (a b c : 'I_N -> R) : \sum_u (0 + gamma * ((1 - lambda) * a u + lambda * b u)) * c u =
    gamma * ((1 - lambda) * (\sum_u a u * c u) + lambda * \sum_u b u * c u).
  by rewrite !mulr_sumr -big_split mulr_sumr; apply: eq_bigr => u _ /=; ring.
apply/colP => s; rewrite addmxE [(_ *m _) s 0]mxE.
under eq_bigr => u _ do rewrite mxE mxE mulrAC mulr_suml.
rewrite -mulr_suml exchange_big /= ![_ s 0]mxE -mulrDl -big_split /=; congr (_ / _).
apply: eq_bigr => k _; rewrite /lambda_return; move: (n - k)%N => m; move: (nat_of_ord k) => i.
elim: m i => [|m IH] i /=; first by rewrite mxE add0r value.
rewrite IH (_ : (0 : 'cV[R]_N) (S i.+1) 0 = 0) ?mxE // mulr0 add0r -(value (S i.+1)).
rewrite (combined (fun u => (delta_mx u 0 : 'cV[R]_N) (S i.+1) 0) _ (fun u => v u 0)) /=.
by move: (\sum_u _) (from_right _ _ _ _) (\sum_u _) (r i) => *; ring.
Qed.

(** One layer is v + alpha Mhat (r_lambda + P_lambda v - v). *)
Theorem lambda_layer alpha v :
  update alpha v = v + alpha *: (Mhat *m (r_lambda + P_lambda *m v - v)).
Proof. by rewrite -mean_return_is_affine layer_moves_to_mean_returns. Qed.

(** At a state that no transition leaves, the mean return is 0. *)
Lemma mean_return_nonsource v s : ~~ source n S s -> mean_return v s 0 = 0.
Proof. by move=> /nonsource_visits none; rewrite mxE none invr0 mulr0. Qed.

(** The errors times their traces, from transition k on: the scanned errors of the visits
    to s from there on, and what the trace held before times the scanned error at k. *)
Lemma traces_and_scans v s k m :
  (k + m)%N = n ->
  \sum_(k <= i < k + m) td_error S r gamma v i * trace S theta s i =
  \sum_(k <= i < k + m) (S i == s)%:R * scanned v i +
  (if k is k'.+1 then theta * trace S theta s k' else 0) * scanned v k.
Proof.
elim: m k => [|m IH] k kmn.
  by rewrite addn0 !big_geq // /scanned (_ : (n - k)%N = 0%N) ?mulr0 ?addr0 // -kmn addn0 subnn.
have kmn' : (k.+1 + m)%N = n by rewrite addSnnS.
rewrite -addSnnS !(@big_ltn _ _ _ k) ?leq_addr // IH //.
have nk : (n - k)%N = m.+1 by rewrite -kmn addKn.
have nk' : (n - k.+1)%N = m by rewrite -kmn' addKn.
have -> : scanned v k = td_error S r gamma v k + theta * scanned v k.+1 by rewrite /scanned nk nk'.
move: (\sum_(_ <= i < _) _) (scanned v k.+1) (td_error _ _ _ _ _) => rest d delta.
case: k {IH kmn kmn' nk nk'} => [|k] /=; first by move: (_%:R) => c; ring.
by move: (_%:R) (trace _ _ _ _) => c e; ring.
Qed.

(** The values equal the means of the lambda-return exactly if they solve
    LSTD(lambda), and are 0 at the states that no transition leaves. *)
Theorem equal_to_mean_return_iff_lstd_lambda v :
  v = r_lambda + P_lambda *m v <->
  solves_lstd_lambda n S r gamma lambda v /\
  forall s, ~~ source n S s -> v s 0 = 0.
Proof.
have lhs s : \sum_(k < n) td_error S r gamma v k * trace S theta s k =
    (visits n S s)%:R * (mean_return v s 0 - v s 0).
  have /= := traces_and_scans v s (add0n n); rewrite add0n mul0r addr0 !big_mkord => ->.
  have -> : \sum_(k < n) (S k == s)%:R * scanned v k = \sum_(k < n | S k == s) (target v k - v s 0).
    rewrite [RHS]big_mkcond; apply: eq_bigr => k _.
    by case: eqP => [<-|_]; rewrite ?mul0r // mul1r scanned_is_return // ltnW.
  by rewrite sumrB mulrBr mxE visits_mean sum_out.
rewrite -mean_return_is_affine; split=> [vE|[solves none]].
  split=> s; first by rewrite lhs -vE subrr mulr0.
  by rewrite {1}vE; apply: mean_return_nonsource.
apply/colP => s; case src: (source n S s); last by rewrite none ?mean_return_nonsource ?src.
have /eqP := solves s; rewrite lhs mulf_eq0 pnatr_eq0 -[_ == 0%N]negbK -lt0n -/(source n S s) src /=.
by rewrite subr_eq0 => /eqP.
Qed.

End Lambda.

(** The value that equals its mean returns. *)
Definition v_lambda (R : realFieldType) N n (S : nat -> 'I_N) (r : nat -> R)
    (gamma lambda : R) : 'cV[R]_N :=
  invmx (1%:M - P_lambda n S gamma lambda) *m r_lambda n S r gamma lambda.

Section Value.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma lambda : R).
Implicit Types (v : 'cV[R]_N) (s : 'I_N).
Notation update := (scanned_update n E S r gamma (gamma * lambda)).
Notation r_lambda := (r_lambda n S r gamma lambda).
Notation P_lambda := (P_lambda n S gamma lambda).
Notation v_lambda := (v_lambda n S r gamma lambda).
Notation Mhat := (Mhat n E S).
Notation unrewarded v := (mean_return n S (fun _ => 0) gamma lambda v).

(** A discount below 1, and a lambda in [0, 1]. *)
Hypothesis gamma_lt1 : `|gamma| < 1.
Hypotheses (lambda_ge0 : 0 <= lambda) (lambda_le1 : lambda <= 1).

(** P_lambda v is the mean return of v without rewards. *)
Lemma P_lambda_mul v : P_lambda *m v = unrewarded v.
Proof.
rewrite mean_return_is_affine (_ : softmax_td_lambda.r_lambda _ _ _ _ _ = 0) ?add0r //.
apply/colP => s; rewrite mxE [RHS]mxE big1 ?mul0r // => k _; rewrite /lambda_return.
have zero (u : 'I_N) : (0 : 'cV[R]_N) u 0 = 0 by rewrite mxE.
move: (n - k)%N => m; move: (nat_of_ord k) => i; elim: m i => [|m IH] i /=; first exact: zero.
by rewrite IH zero !mulr0 addr0 mulr0 addr0.
Qed.

(** What P_lambda makes of v is at most |gamma| times its greatest value. *)
Lemma P_lambda_small v : norm (P_lambda *m v) <= `|gamma| * norm v.
Proof.
have c_ge0 := norm_ge0 v; have b_ge0 : 0 <= `|gamma| * norm v by rewrite mulr_ge0.
have b_le : `|gamma| * norm v <= norm v by rewrite ler_pimull // ltW.
set back := from_right (fun k g => 0 + gamma * ((1 - lambda) * v (S k.+1) 0 + lambda * g)) (v (S n) 0).
have below i m : `|back i m| <= if m is 0%N then norm v else `|gamma| * norm v.
  elim: m i => [|m IH] i /=; first exact: entry_le_norm.
  have -> : back i m.+1 = gamma * ((1 - lambda) * v (S i.+1) 0 + lambda * back i.+1 m) by rewrite /back /= add0r.
  rewrite normrM ler_wpmul2l //; apply: le_trans (ler_norm_add _ _) _.
  rewrite !normrM (ger0_norm lambda_ge0) ger0_norm ?subr_ge0 //.
  have -> : norm v = (1 - lambda) * norm v + lambda * norm v by rewrite -mulrDl subrK mul1r.
  rewrite ler_add ?ler_wpmul2l ?subr_ge0 ?entry_le_norm //.
  by apply: le_trans (IH _) _; case: (m).
rewrite P_lambda_mul; apply: col_norm_le => // s; rewrite mxE normrM normfV normr_nat.
have [->|some] := eqVneq (visits n S s) 0%N; first by rewrite invr0 mulr0.
rewrite ler_pdivr_mulr ?ltr0n ?lt0n // mulrC; apply: le_trans (ler_norm_sum _ _ _) _.
rewrite -sum_out; apply: ler_sum => k _; apply: le_trans (below k (n - k)%N) _.
by case: (n - k)%N (subn_gt0 k n); rewrite ?ltn_ord.
Qed.

Lemma lambda_unit : 1%:M - P_lambda \in unitmx.
Proof. exact: shrinks_unit P_lambda_small gamma_lt1. Qed.

(** Exactly one v equals its mean returns r_lambda + P_lambda v: v_lambda,
    which knows no weights. *)
Theorem one_lambda_value v : v = r_lambda + P_lambda *m v <-> v = v_lambda.
Proof. exact: affine_solution lambda_unit. Qed.

(** So v_lambda is what tabular LSTD(lambda) has for a solution,
    with 0 at the states that no transition leaves. *)
Theorem lstd_lambda_solution v :
  solves_lstd_lambda n S r gamma lambda v /\ (forall s, ~~ source n S s -> v s 0 = 0) <->
  v = v_lambda.
Proof. by rewrite -equal_to_mean_return_iff_lstd_lambda; apply: one_lambda_value. Qed.

(** Every layer keeps v_lambda. *)
Theorem layer_keeps_v_lambda alpha : update alpha v_lambda = v_lambda.
Proof.
have [_ /(_ erefl) vE] := one_lambda_value v_lambda.
by rewrite lambda_layer -vE subrr mulmx0 scaler0 addr0.
Qed.

(** Where a layer takes v: its distance to v_lambda. *)
Lemma layer_moved alpha v :
  update alpha (v_lambda + v) = v_lambda + v - alpha *: (Mhat *m ((1%:M - P_lambda) *m v)).
Proof.
rewrite lambda_layer; congr (_ + _); rewrite -scalerN -mulmxN; congr (_ *: (_ *m _)).
have [_ /(_ erefl) vE] := one_lambda_value v_lambda.
by rewrite mulmxDr addrA -vE mulmxBl mul1mx opprB opprD addrACA subrr add0r.
Qed.

(** With alpha <> 0 it keeps nothing else exactly if Mhat has an inverse. *)
Theorem v_lambda_alone_iff_invertible alpha :
  alpha != 0 ->
  (forall v, update alpha v = v -> v = v_lambda) <-> Mhat \in unitmx.
Proof.
move=> alpha0; rewrite -(richardson_only_iff Mhat r_lambda lambda_unit alpha0).
by split=> only v; have := only v; rewrite lambda_layer.
Qed.

(** With a margin c the layers go to v_lambda at the rate 1 - alpha c. *)
Theorem lambda_rate alpha m v0 L :
  (forall s u, 0 <= E s u) -> (forall s, m <= Mhat s s) ->
  0 <= alpha -> alpha <= 1 ->
  norm (iter L (update alpha) v0 - v_lambda) <=
  (1 - alpha * margin m gamma) ^+ L * norm (v0 - v_lambda).
Proof.
move=> E_ge0 m_le alpha_ge0 alpha_le1.
have margin_le1 : margin m gamma <= 1.
  by apply: le_trans (margin_at_most gamma E_ge0 m_le) _; rewrite ger_addl oppr_le0.
have rate_ge0 : 0 <= 1 - alpha * margin m gamma.
  by rewrite subr_ge0 (le_trans (ler_wpmul2l alpha_ge0 margin_le1)) ?mulr1.
move: L; apply: geometric_decay => // L; rewrite iterS.
move: (iter L _ v0) => v; have [e ->] : exists e : 'cV[R]_N, v = v_lambda + e by exists (v - v_lambda); rewrite addrC subrK.
rewrite (addrAC v_lambda e) subrr add0r.
have -> : update alpha (v_lambda + e) - v_lambda = (1%:M - alpha *: Mhat) *m e + alpha *: (Mhat *m (P_lambda *m e)).
  rewrite layer_moved !mulmxBl !mul1mx mulmxBr scalerBr -scalemxAl.
  move: (alpha *: _) (alpha *: _) => a b; apply/colP => s; rewrite !(addmxE, oppmxE).
  by move: (v_lambda s 0) (e s 0) (a s 0) (b s 0) => *; ring.
apply: col_norm_le => [|s]; first by rewrite mulr_ge0 ?norm_ge0.
rewrite addmxE scalemxE; apply: le_trans (ler_norm_add _ _) _.
have -> : 1 - alpha * margin m gamma = 1 - alpha * (2%:R * m - 1) + alpha * `|gamma|.
  by rewrite /margin; ring.
have product (M : 'M[R]_N) (w : 'cV[R]_N) : `|(M *m w) s 0| <= (\sum_u `|M s u|) * norm w.
  rewrite mxE; apply: le_trans (ler_norm_sum _ _ _) _; rewrite mulr_suml; apply: ler_sum => u _.
  by rewrite normrM ler_wpmul2l ?entry_le_norm.
have M_ge0 := Mhat_ge0 n S E_ge0; have M_le1 := Mhat_row_le1 n E S.
rewrite mulrDl ler_add //.
  apply: le_trans (product _ _) _; rewrite ler_wpmul2r ?norm_ge0 //.
  under eq_bigr => u _ do rewrite addmxE oppmxE scalemxE mxE.
  apply: le_trans (row_1_M M_ge0 M_le1 alpha_ge0 alpha_le1 s) _.
  by rewrite ler_add2l ler_opp2 ler_wpmul2l // ler_add2r ler_wpmul2l ?ler0n.
rewrite normrM (ger0_norm alpha_ge0) -mulrA ler_wpmul2l //; apply: le_trans (product _ _) _.
apply: le_trans (P_lambda_small e); rewrite ler_pimull ?norm_ge0 //.
by under eq_bigr => u _ do rewrite ger0_norm //.
Qed.

End Value.

(** At lambda = 0 the value is that of certainty equivalence. *)
Theorem v_lambda_at_zero (R : realFieldType) N n (S : nat -> 'I_N) r (gamma : R) :
  `|gamma| < 1 -> v_lambda n S r gamma 0 = v_CE n S r gamma.
Proof.
move=> gamma_lt1; apply/esym/one_lambda_value; rewrite ?lexx ?ler01 // -mean_return_is_affine.
have [_ only] := certainty_equivalent_value n S r gamma_lt1.
rewrite {1}(proj2 (only _) erefl); apply/colP => s; rewrite addmxE scalemxE Pe_mul !mxE mulrA -mulrDl.
congr (_ / _); rewrite mulr_sumr -big_split; apply: eq_bigr => k _ /=; rewrite /lambda_return.
by case: (n - k)%N (subn_gt0 k n); rewrite ltn_ord //= => m _; rewrite subr0 mul1r mul0r addr0.
Qed.

(** At lambda = 1 it is at a source the mean over the visits of
    R_{k+1} + gamma R_{k+2} + ... + gamma^(n-k-1) R_n + gamma^(n-k) v(S_n). *)
Theorem v_lambda_at_one (R : realFieldType) N n (S : nat -> 'I_N) r (gamma : R) s :
  `|gamma| < 1 ->
  let v := v_lambda n S r gamma 1 in
  v s 0 = (\sum_(k < n | S k == s)
    (\sum_(i < n - k) gamma ^+ i * r (k + i)%N + gamma ^+ (n - k) * v (S n) 0))
    / (visits n S s)%:R.
Proof.
move=> gamma_lt1 v; have /one_lambda_value := erefl v; rewrite ?ler01 ?lexx // -mean_return_is_affine => vE.
have -> : v s 0 = mean_return n S r gamma 1 v s 0 by rewrite -(vE gamma_lt1 isT isT).
rewrite mxE; congr (_ / _); apply: eq_bigr => k _; rewrite /lambda_return.
move: (n - k)%N => m; move: (nat_of_ord k) => i; elim: m i => [|m IH] i /=.
  by rewrite big_ord0 add0r mul1r.
rewrite IH subrr mul0r add0r mul1r mulrDr mulrA -exprS big_ord_recl expr0 mul1r addn0 -addrA mulr_sumr.
by congr (_ + (_ + _)); apply: eq_bigr => j _; rewrite mulrA -exprS /bump /= addnA addn1.
Qed.

(** So with 0 < alpha <= 1 and c > 0 they go to v_lambda:
    in the end the distance stays below every e > 0. *)
Theorem lambda_converges (R : archiFieldType) N n (E : 'I_N -> 'I_N -> R)
    (S : nat -> 'I_N) r (gamma lambda alpha m : R) (v0 : 'cV_N) e :
  `|gamma| < 1 -> 0 <= lambda -> lambda <= 1 ->
  (forall s u, 0 <= E s u) -> (forall s, m <= Mhat n E S s s) ->
  0 <= alpha -> alpha <= 1 -> 0 < alpha * margin m gamma -> 0 < e ->
  exists first, forall L, (first <= L)%N ->
    norm (iter L (scanned_update n E S r gamma (gamma * lambda) alpha) v0
          - v_lambda n S r gamma lambda) < e.
Proof.
move=> gamma_lt1 lambda_ge0 lambda_le1 E_ge0 m_le alpha_ge0 alpha_le1 ac_gt0 e_gt0.
set q := 1 - alpha * margin m gamma; set b := norm (v0 - v_lambda n S r gamma lambda).
have [|| first small] := @powers_vanish _ q b e _ _ e_gt0.
- rewrite subr_ge0 (le_trans (ler_wpmul2l alpha_ge0 (_ : _ <= 1))) ?mulr1 //.
  by apply: le_trans (margin_at_most gamma E_ge0 m_le) _; rewrite ger_addl oppr_le0.
- by rewrite ltr_subl_addr ltr_addl.
by exists first => L /small; apply: le_lt_trans; apply: lambda_rate.
Qed.
