(** On the states that a context visits: how far v_CE is from the true value. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import entries operator norm certainty_equivalence.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat) (S : nat -> 'I_N) (gamma : R).

(** The states S_0, ..., S_n: the book's W. *)
Definition visited (s : 'I_N) : bool := [exists k : 'I_n.+1, S k == s].

(** The greatest of the numbers f s over them; 0 if none is above 0. *)
Definition max_visited (f : 'I_N -> R) : R := \big[Num.max/0]_(s | visited s) f s.

(** By how much f, summed over the successors of the state s,
    exceeds its expectation under P. *)
Definition deviation (P : 'M[R]_N) (f : 'cV[R]_N) (s : 'I_N) : R :=
  \sum_(k < n | S k == s) (f (S k.+1) 0 - (P *m f) s 0).

(** The floor that the errors tau leave: the greatest entry
    of gamma (1 - gamma Pe)^-1 tau. *)
Definition value_floor (tau : 'cV[R]_N) : R :=
  max_visited (fun s => gamma * (invmx (1%:M - gamma *: Pe R n S) *m tau) s 0).

End Definitions.

Section Visited.
Variables (R : realFieldType) (N n : nat) (S : nat -> 'I_N) (gamma : R).
Implicit Types (s u : 'I_N) (f : 'I_N -> R) (v : 'cV[R]_N).
Notation visited := (visited n S).
Notation max_visited := (@max_visited R N n S).
Notation Pe := (Pe R n S).

Lemma visited_at k : (k <= n)%N -> visited (S k).
Proof. by move=> le_kn; apply/existsP; exists (Ordinal (le_kn : (k < n.+1)%N)). Qed.

Lemma max_visited_le f c : 0 <= c -> (forall s, visited s -> f s <= c) -> max_visited f <= c.
Proof.
by move=> c_ge0 le_c; rewrite /visited.max_visited; elim/big_ind: _ => // a b; rewrite le_maxl => -> ->.
Qed.

Lemma max_visited_ge0 f : 0 <= max_visited f.
Proof.
rewrite /visited.max_visited; elim: (index_enum _) => [|s e IH]; first by rewrite big_nil.
by rewrite big_cons; case: ifP => // _; rewrite le_maxr IH orbT.
Qed.

Lemma le_max_visited f s : visited s -> f s <= max_visited f.
Proof.
move=> Ws; rewrite /visited.max_visited; have := mem_index_enum s; elim: (index_enum _) => //= u e IH.
rewrite inE big_cons => /orP[/eqP<-|/IH le_e]; first by rewrite Ws le_maxr lexx.
by case: ifP => // _; rewrite le_maxr le_e orbT.
Qed.

(** A transition leads to a visited state. *)
Lemma Pe_unvisited s u : ~~ visited u -> Pe s u = 0.
Proof.
move=> out; rewrite mxE big1 ?mul0r // => k _; case: eqP => // Sk.
by case/negP: out; rewrite -Sk visited_at.
Qed.

(** A mean over successors is at most what none of them exceeds. *)
Lemma Pe_mul_le v c s :
  0 <= c -> (forall u, visited u -> `|v u 0| <= c) -> `|(Pe *m v) s 0| <= c.
Proof.
move=> c_ge0 v_le; rewrite mxE; apply: le_trans (ler_norm_sum _ _ _) _.
apply: (@le_trans _ _ (\sum_u Pe s u * c)); last by rewrite -mulr_suml Pe_row ler_pimull // lern1 leq_b1.
apply: ler_sum => u _; rewrite normrM (ger0_norm (Pe_ge0 _ _ _ _ _)).
by have [Wu|out] := boolP (visited u); [rewrite ler_wpmul2l ?Pe_ge0 ?v_le | rewrite Pe_unvisited ?mul0r].
Qed.

(** The deviation is the visits times the error of the empirical mean. *)
Lemma deviation_is_gap (P : 'M[R]_N) v s :
  deviation n S P v s = (visits n S s)%:R * ((Pe - P) *m v) s 0.
Proof. by rewrite /deviation sumrB sum_out mulmxBl addmxE oppmxE Pe_mul mulrBr visits_mean. Qed.

(** A maximum principle: what is at most gamma times its own mean over the successors
    is not positive. *)
Lemma maximum_principle v :
  0 <= gamma -> gamma < 1 -> (forall s, visited s -> v s 0 <= gamma * (Pe *m v) s 0) ->
  forall s, visited s -> v s 0 <= 0.
Proof.
move=> gamma_ge0 gamma_lt1 v_le s Ws; pose M := max_visited (fun s => v s 0).
have M_ge0 : 0 <= M by apply: max_visited_ge0.
suff M_le0 : M <= 0 by apply: le_trans M_le0; apply: (le_max_visited (fun s => v s 0)).
have: M <= gamma * M.
  apply: max_visited_le => [|u Wu]; first by rewrite mulr_ge0.
  apply: le_trans (v_le u Wu) _; rewrite ler_wpmul2l // mxE.
  apply: (@le_trans _ _ (\sum_w Pe u w * M)).
    apply: ler_sum => w _; have [Ww|out] := boolP (visited w); last by rewrite Pe_unvisited ?mul0r.
    by rewrite ler_wpmul2l ?Pe_ge0 // (le_max_visited (fun s => v s 0)).
  by rewrite -mulr_suml Pe_row ler_pimull // lern1 leq_b1.
by rewrite -subr_ge0 -{2}[M]mul1r -mulrBl nmulr_rge0 // subr_lt0.
Qed.

End Visited.

Section TrueValue.
Variables (R : realFieldType) (N n : nat) (S : nat -> 'I_N) (gamma : R).
Variables (P : 'M[R]_N) (r vpi tau : 'cV[R]_N).
Notation Pe := (Pe R n S).
Notation visited := (visited n S).
Notation v_CE := (v_CE n S (fun k => r (S k) 0) gamma).
Notation spread := (invmx (1%:M - gamma *: Pe) *m tau).

(** The reward is a function of the state that is left,
    and vpi solves the Bellman equation. *)
Hypotheses (gamma_ge0 : 0 <= gamma) (gamma_lt1 : gamma < 1).
Hypothesis bellman : vpi = r + gamma *: (P *m vpi).

Lemma model_unit : 1%:M - gamma *: Pe \in unitmx.
Proof.
by case: (certainty_equivalent_value (gamma := gamma) n S (fun _ => 0)); rewrite ?ger0_norm.
Qed.

(** Where some transition leaves s, (1 - gamma Pe)(v_CE - vpi) is
    gamma (Pe - P) vpi. *)
Theorem certainty_gap s :
  source n S s ->
  ((1%:M - gamma *: Pe) *m (v_CE - vpi)) s 0 = gamma * ((Pe - P) *m vpi) s 0.
Proof.
rewrite /source lt0n => some; have rhat_r : rhat n S (fun k => r (S k) 0) s 0 = r s 0.
  rewrite mxE (eq_bigr (fun k => r s 0)) => [|k /eqP->//].
  by rewrite sum_out mulrC mulKf // pnatr_eq0.
rewrite mulmxBr /v_CE mulKVmx ?model_unit // mulmxBl mul1mx -scalemxAl mulmxBl.
rewrite !(addmxE, oppmxE, scalemxE) rhat_r {1}bellman addmxE scalemxE.
by move: (r s 0) ((P *m vpi) s 0) ((Pe *m vpi) s 0) => *; ring.
Qed.

(** What the floor's vector is: gamma tau, and gamma times its mean over the successors. *)
Lemma spread_is s :
  (gamma *: spread) s 0 = gamma * (Pe *m (gamma *: spread)) s 0 + gamma * tau s 0.
Proof.
have := mulKVmx model_unit tau.
rewrite {1}mulmxBl mul1mx -scalemxAl => /colP/(_ s); rewrite !(addmxE, oppmxE, scalemxE) => <-.
by rewrite -scalemxAr scalemxE; move: (spread s 0) ((Pe *m spread) s 0) => *; ring.
Qed.

(** Where the empirical means of vpi err by at most tau on every visited state,
    and some transition leaves each: v_CE errs by at most gamma (1 - gamma Pe)^-1 tau,
    entry by entry. *)
Theorem v_CE_error :
  (forall s, visited s -> source n S s) ->
  (forall s, visited s -> `|((Pe - P) *m vpi) s 0| <= tau s 0) ->
  forall s, visited s -> `|v_CE s 0 - vpi s 0| <= gamma * spread s 0.
Proof.
move=> covered err.
have one_sided (sign : bool) s : visited s -> (-1) ^+ sign * (v_CE s 0 - vpi s 0) <= gamma * spread s 0.
  pose z := (-1) ^+ sign *: (v_CE - vpi) - gamma *: spread.
  have zE w : z w 0 = (-1) ^+ sign * (v_CE w 0 - vpi w 0) - gamma * spread w 0.
    by rewrite !(addmxE, oppmxE, scalemxE).
  move=> Ws; rewrite -subr_le0 -zE.
  apply: (maximum_principle (v := z) gamma_ge0 gamma_lt1 _ Ws) => w Ww.
  have := certainty_gap (covered w Ww); rewrite mulmxBl mul1mx -scalemxAl !(addmxE, oppmxE, scalemxE).
  move/(canRL (subrK _)) => dE; rewrite dE -[gamma * spread w 0]scalemxE spread_is.
  rewrite [Pe *m z]mulmxBr -(scalemxAr ((-1) ^+ sign)) addmxE oppmxE scalemxE.
  have: (-1) ^+ sign * ((Pe - P) *m vpi) w 0 <= tau w 0.
    by apply: le_trans (ler_norm _) _; rewrite normrM normr_sign mul1r err.
  move/(ler_wpmul2l gamma_ge0) => le_tau; rewrite -subr_ge0; move: le_tau; rewrite -subr_ge0.
  by congr (0 <= _); move: (_ ^+ sign) (((Pe - P) *m _) w 0) ((Pe *m _) w 0) ((Pe *m _) w 0) => *; ring.
move=> s Ws; rewrite ler_norml ler_oppl.
by have := one_sided true s Ws; have := one_sided false s Ws; rewrite expr0 expr1 mul1r mulN1r => -> ->.
Qed.

(** So its greatest error on the visited states is at most the floor. *)
Lemma v_CE_floor :
  (forall s, visited s -> source n S s) ->
  (forall s, visited s -> `|((Pe - P) *m vpi) s 0| <= tau s 0) ->
  max_visited n S (fun s => `|v_CE s 0 - vpi s 0|) <= value_floor n S gamma tau.
Proof.
move=> covered err; apply: max_visited_le => [|s Ws]; first exact: max_visited_ge0.
apply: le_trans (v_CE_error covered err Ws) _.
exact: (le_max_visited (fun s => gamma * spread s 0)).
Qed.

(** The floor is at most gamma / (1 - gamma) times the greatest tau. *)
Theorem floor_at_most :
  value_floor n S gamma tau <=
  gamma / (1 - gamma) * max_visited n S (fun s => tau s 0).
Proof.
have gap_gt0 : 0 < 1 - gamma by rewrite subr_gt0.
set T := max_visited _ _ _; have T_ge0 : 0 <= T by apply: max_visited_ge0.
set c := gamma / (1 - gamma) * T; have c_ge0 : 0 <= c by rewrite mulr_ge0 // divr_ge0 // ltW.
have cE : c = gamma * c + gamma * T.
  by rewrite /c; field; rewrite gt_eqF.
apply: max_visited_le => // s Ws; rewrite -subr_le0.
pose z := gamma *: spread - const_mx c : 'cV_N.
have -> : gamma * spread s 0 - c = z s 0 by rewrite !(addmxE, oppmxE, scalemxE) [const_mx c s 0]mxE.
apply: (maximum_principle gamma_ge0 gamma_lt1) Ws => w Ww.
rewrite /z addmxE oppmxE spread_is mulmxBr addmxE oppmxE [const_mx c w 0]mxE mulrBr.
have -> : (Pe *m (const_mx c : 'cV_N)) w 0 = (source n S w)%:R * c.
  by rewrite mxE -[in RHS]Pe_row mulr_suml; apply: eq_bigr => u _; congr (_ * _); rewrite mxE.
rewrite -addrA ler_add2l; apply: (@le_trans _ _ (- (gamma * c))); last first.
  by rewrite ler_opp2 ler_wpmul2l // ler_pimull // lern1 leq_b1.
have -> : - (gamma * c) = gamma * T - c by rewrite {2}cE; ring.
by rewrite ler_add2r ler_wpmul2l // (le_max_visited (fun s => tau s 0)).
Qed.

End TrueValue.
