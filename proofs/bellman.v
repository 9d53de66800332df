(** bellman: v = r + gamma P v has exactly one solution,
    the expected discounted return, and value iteration reaches it. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator norm.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N : nat).
Variables (P : 'M[R]_N) (r : 'cV[R]_N) (gamma : R).

(** The Bellman operator T: the reward now, and gamma times the mean of v
    over the next state. *)
Definition bellman_operator (v : 'cV[R]_N) : 'cV[R]_N := r + gamma *: (P *m v).

(** The value, as the solution of the Bellman equation. *)
Definition v_pi : 'cV[R]_N := invmx (1%:M - gamma *: P) *m r.

(** The chance that the chain, at s, goes on to the states of p, in this order. *)
Fixpoint path_probability (s : 'I_N) (p : seq 'I_N) : R :=
  if p is u :: q then P s u * path_probability u q else 1.

(** The discounted rewards on that path, that of s first;
    the last state of the path is only reached, and pays nothing yet. *)
Fixpoint path_return (s : 'I_N) (p : seq 'I_N) : R :=
  if p is u :: q then r s 0 + gamma * path_return u q else 0.

(** The expected discounted return of k steps from s: a sum over all paths. *)
Definition expected_return (k : nat) (s : 'I_N) : R :=
  \sum_(p : k.-tuple 'I_N) path_probability s p * path_return s p.

End Definitions.

(** P^k: its row s is the distribution of the state k steps after s. *)
Definition power (R : realFieldType) N (P : 'M[R]_N) (k : nat) : 'M[R]_N :=
  iter k (mulmx P) 1%:M.

(** A sum over the paths of k + 1 states is a sum over the first of them
    and over the paths of the other k. *)
Lemma sum_paths (R : realFieldType) N k (F : k.+1.-tuple 'I_N -> R) :
  \sum_p F p = \sum_u \sum_(q : k.-tuple 'I_N) F [tuple of u :: q].
Proof.
rewrite pair_bigA /= (reindex (fun uq : 'I_N * k.-tuple 'I_N => [tuple of uq.1 :: uq.2])) //=.
exists (fun p : k.+1.-tuple 'I_N => (thead p, [tuple of behead p])) => [[u q] _|p _].
  by congr (_, _); apply: val_inj.
by rewrite -tuple_eta.
Qed.

(** A square matrix without an inverse takes some vector other than 0 to 0. *)
Lemma singular_kernel (R : realFieldType) N (M : 'M[R]_N) :
  M \notin unitmx -> exists2 u : 'cV[R]_N, u != 0 & M *m u = 0.
Proof.
rewrite unitmxE unitfE negbK -det_tr => /det0P[w w0 wM]; exists w^T; first by rewrite trmx_eq0.
by apply: trmx_inj; rewrite trmx_mul trmxK wM trmx0.
Qed.

(** A product with an invertible matrix takes nothing but 0 to 0 exactly if the other
    matrix has an inverse. *)
Lemma only_0_iff_unit (R : realFieldType) N (M X : 'M[R]_N) :
  X \in unitmx -> (forall u : 'cV_N, M *m (X *m u) = 0 -> u = 0) <-> M \in unitmx.
Proof.
move=> inv; split=> [only|M_inv u].
  apply/negPn/negP => /singular_kernel[u u0 Mu]; case/eqP: u0.
  by rewrite -[u](mulKVmx inv) (only (invmx X *m u)) ?mulmx0 // mulKVmx.
by rewrite mulmxA => Mu; rewrite -[u](mulKmx (_ : M *m X \in unitmx)) ?Mu ?mulmx0 // unitmx_mul M_inv.
Qed.

(** What takes every vector to a shorter one keeps none but 0. *)
Lemma shrinks_unit (R : realFieldType) N (M : 'M[R]_N) c :
  (forall u : 'cV_N, norm (M *m u) <= c * norm u) -> c < 1 -> 1%:M - M \in unitmx.
Proof.
move=> shrinks c_lt1; apply/negPn/negP => /singular_kernel[u u0].
rewrite mulmxBl mul1mx => /subr0_eq uE; have := shrinks u; rewrite -uE leNgt gtr_pmull ?c_lt1 //.
by rewrite lt_neqAle norm_ge0 andbT eq_sym norm_eq0.
Qed.

(** Where 1 - M has an inverse, v = b + M v has exactly one solution. *)
Lemma affine_solution (R : realFieldType) N (M : 'M[R]_N) (b v : 'cV[R]_N) :
  1%:M - M \in unitmx -> v = b + M *m v <-> v = invmx (1%:M - M) *m b.
Proof.
move=> inv; have vE w : w - M *m w = (1%:M - M) *m w by rewrite mulmxBl mul1mx.
split=> [v_eq|->]; last by apply/eqP; rewrite -subr_eq vE mulKVmx.
by rewrite -[b](addrK (M *m v)) -v_eq vE mulKmx.
Qed.

(** The step from v by alpha M (b + P v - v) then keeps nothing but that solution
    exactly if M has an inverse, for alpha other than 0. *)
Lemma richardson_only_iff (R : realFieldType) N (M P : 'M[R]_N) (b : 'cV[R]_N) alpha :
  1%:M - P \in unitmx -> alpha != 0 ->
  (forall v, v + alpha *: (M *m (b + P *m v - v)) = v -> v = invmx (1%:M - P) *m b) <-> M \in unitmx.
Proof.
move=> inv alpha0; rewrite -(only_0_iff_unit M inv); set vs := invmx _ *m b.
have kept u : vs + u + alpha *: (M *m (b + P *m (vs + u) - (vs + u))) = vs + u <-> M *m ((1%:M - P) *m u) = 0.
  have -> : b + P *m (vs + u) - (vs + u) = - ((1%:M - P) *m u).
    have {1}-> : b = (1%:M - P) *m vs by rewrite mulKVmx.
    rewrite !mulmxBl !mul1mx mulmxDr.
    by move: (P *m vs) (P *m u) => p q; apply/colP => s; rewrite !(addmxE, oppmxE); ring.
  rewrite mulmxN scalerN; split=> [/eqP|->]; last by rewrite scaler0 subr0.
  by rewrite -subr_eq0 addrC addKr oppr_eq0 scaler_eq0 (negbTE alpha0) => /eqP.
split=> [only u /kept/only same|only v]; first by apply: (addrI vs); rewrite same addr0.
have [u ->] : exists u, v = vs + u by exists (v - vs); rewrite addrC subrK.
by move=> /kept/only->; rewrite addr0.
Qed.

(** A stochastic matrix has norm at most 1. *)
Lemma stochastic_norm (R : realFieldType) N (P : 'M[R]_N) :
  stochastic P -> norm P <= 1.
Proof.
case=> P_ge0 P_sum1; apply: norm_le => [|s]; first exact: ler01.
by rewrite -(P_sum1 s) ler_sum // => u _; rewrite ger0_norm.
Qed.

(** All that is needed of P is that its norm is at most 1. *)
Section Contraction.
Variables (R : realFieldType) (N : nat).
Variables (P : 'M[R]_N) (r : 'cV[R]_N) (gamma : R).
Hypothesis P_norm : norm P <= 1.
Implicit Type v : 'cV[R]_N.
Notation T := (bellman_operator P r gamma).

Lemma discounted_le v : norm (gamma *: (P *m v)) <= `|gamma| * norm v.
Proof.
by rewrite norm_scale ler_wpmul2l // (le_trans (norm_mul _ _)) // ler_pimull ?norm_ge0.
Qed.

Lemma discounted_unit : `|gamma| < 1 -> 1%:M - gamma *: P \in unitmx.
Proof. by apply: shrinks_unit => u; rewrite -scalemxAl; apply: discounted_le. Qed.

Lemma only_solution : `|gamma| < 1 -> forall v, v = T v <-> v = v_pi P r gamma.
Proof. by move=> /discounted_unit inv v; rewrite /bellman_operator scalemxAl; apply: affine_solution. Qed.

Lemma operator_contracts u v : norm (T u - T v) <= `|gamma| * norm (u - v).
Proof.
have -> : T u - T v = gamma *: (P *m (u - v)).
  by rewrite /bellman_operator mulmxBr scalerBr opprD addrACA subrr add0r.
exact: discounted_le.
Qed.

End Contraction.

Section Bellman.
Variables (R : realFieldType) (N : nat).
Variables (P : 'M[R]_N) (r : 'cV[R]_N) (gamma : R).
Implicit Types (v : 'cV[R]_N) (s : 'I_N).
Notation T := (bellman_operator P r gamma).
Notation v_pi := (v_pi P r gamma).
Notation expected_return := (expected_return P r gamma).

(** The Bellman operator brings any two vectors closer, by the factor |gamma|. *)
Theorem bellman_contracts u v :
  stochastic P -> norm (T u - T v) <= `|gamma| * norm (u - v).
Proof. by move=> /stochastic_norm P_norm; apply: operator_contracts. Qed.

(** For |gamma| < 1 the matrix 1 - gamma P has an inverse,
    and the Bellman equation has exactly one solution. *)
Theorem bellman_has_one_solution :
  stochastic P -> `|gamma| < 1 ->
  1%:M - gamma *: P \in unitmx /\ forall v, v = T v <-> v = v_pi.
Proof.
move=> /stochastic_norm P_norm gamma_lt1; split; first exact: discounted_unit.
exact: only_solution.
Qed.

(** Value iteration reaches the value function: k steps from any v0 leave at most |gamma|^k
    of the distance. *)
Theorem value_iteration_converges v0 k :
  stochastic P -> `|gamma| < 1 ->
  norm (iter k T v0 - v_pi) <= `|gamma| ^+ k * norm (v0 - v_pi).
Proof.
move=> P_stochastic /(bellman_has_one_solution P_stochastic)[_ /(_ v_pi)[_ /(_ erefl) fix_v_pi]].
move: k; apply: geometric_decay => // k; rewrite iterS {1}fix_v_pi; exact: bellman_contracts.
Qed.

(** The chances of all paths of k steps sum to 1. *)
Lemma path_probability_sum k s :
  stochastic P -> \sum_(p : k.-tuple 'I_N) path_probability P s p = 1.
Proof.
case=> _ P_sum1; elim: k s => [|k IH] s.
  by rewrite (big_pred1 [tuple]) // => p; apply/esym/eqP/tuple0.
rewrite sum_paths -[RHS](P_sum1 s); apply: eq_bigr => u _ /=.
by rewrite -mulr_sumr IH mulr1.
Qed.

(** From v = 0 the operator adds up expected returns, of one step more each time. *)
Theorem iterates_are_expected_returns k s :
  stochastic P -> iter k T 0 s 0 = expected_return k s.
Proof.
move=> P_stochastic; elim: k s => [|k IH] s.
  by rewrite mxE /bellman.expected_return big1 // => p _; rewrite [p]tuple0 mulr0.
rewrite iterS /bellman_operator addmxE scalemxE mxE /bellman.expected_return.
rewrite sum_paths /=.
have [_ P_sum1] := P_stochastic; rewrite -[r s 0 in LHS]mulr1 -(P_sum1 s) !mulr_sumr -big_split.
apply: eq_bigr => u _; rewrite IH /bellman.expected_return /= !mulr_sumr.
rewrite -[r s 0 * P s u]mulr1 -(path_probability_sum k u P_stochastic) !mulr_sumr -big_split.
by apply: eq_bigr => q _ /=; move: (path_probability _ _ _) (path_return _ _ _ _) (P s u) => *; ring.
Qed.

(** So the solution is the expected discounted return: after k steps
    at most |gamma|^k |v_pi| of it is left out. *)
Theorem value_is_expected_return k s :
  stochastic P -> `|gamma| < 1 ->
  `|expected_return k s - v_pi s 0| <= `|gamma| ^+ k * norm v_pi.
Proof.
move=> P_stochastic gamma_lt1; rewrite -iterates_are_expected_returns //.
have := value_iteration_converges 0 k P_stochastic gamma_lt1; rewrite sub0r norm_opp.
by apply: le_trans; have := entry_le_norm (iter k T 0 - v_pi) s 0; rewrite addmxE oppmxE.
Qed.

End Bellman.
