(** a-priori-finite-sample: how far the mean of a function over the successors
    of a state can be from its expectation, where the state is left often. *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra ring.
From mathcomp.analysis Require Import Rstruct.
From icrl Require Import entries operator neu_bound visited real_functions paths deviation mixing.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Local Notation R := R_realFieldType.
Local Notation exp := (Rtrigo_def.exp : R -> R).

Section Successors.
Variables (N : nat) (p0 : 'I_N -> R) (P : 'M[R]_N) (n : nat) (sigma : R).
Hypotheses (p0_distribution : distribution p0) (P_stochastic : stochastic P).
Implicit Types (t : n.+1.-tuple 'I_N) (f : 'cV[R]_N).
Notation Pr := (Pr p0 P (n := n)).
Notation visits t s := ((visits n (walk t) s)%:R : R).

(** One sign: by Markov's inequality for the supermartingale of (F), at a lambda
    that does not depend on how often s is left. *)
Lemma one_sided f s m tau :
  span_at_most f sigma -> 0 <= tau ->
  Pr (fun t => (m <= visits t s) && (visits t s * tau <= deviation n (walk t) P f s)) <=
  exp (- (2%:R * m * tau ^+ 2 / sigma ^+ 2)).
Proof.
move=> span tau_ge0; have [sigma0|sigma_neq0] := eqVneq sigma 0.
  rewrite sigma0 expr0n invr0 mulr0 oppr0 expR0 -(path_weights_sum_to_1 n p0_distribution P_stochastic).
  exact: Pr_le.
have q_gt0 : 0 < sigma ^+ 2 by rewrite lt0r sqrf_eq0 sigma_neq0 sqr_ge0.
pose lambda := 4%:R * tau / sigma ^+ 2.
have lambda_ge0 : 0 <= lambda by apply: divr_ge0; [rewrite mulr_ge0 ?ler0n | exact: ltW].
rewrite -[exp _]mul1r expN -ler_pdivr_mulr ?invr_gt0 ?real_exp_gt0 // invrK mulrC.
apply: le_trans (exponential_supermartingale n p0_distribution P_stochastic span lambda s).
apply: markov => // t; first exact: exp_ge0.
case/andP=> m_le far; apply: le_exp; rewrite -subr_ge0.
have -> : lambda * deviation n (walk t) P f s - visits t s * (lambda ^+ 2 * sigma ^+ 2 / 8%:R)
    - 2%:R * m * tau ^+ 2 / sigma ^+ 2 =
    lambda * (deviation n (walk t) P f s - visits t s * tau)
    + 2%:R * tau ^+ 2 / sigma ^+ 2 * (visits t s - m).
  by rewrite /lambda; field.
by rewrite addr_ge0 // mulr_ge0 ?subr_ge0 // divr_ge0 ?sqr_ge0 // mulr_ge0 ?ler0n ?sqr_ge0.
Qed.

(** That at least m transitions leave s, and that the mean of f over their
    successors is off by tau or more, has a probability of at most
    2 exp (- 2 m tau^2 / sigma^2). *)
Theorem successors_tail f s m tau :
  span_at_most f sigma -> 0 < m -> 0 <= tau ->
  Pr (fun t => (m <= visits t s) && (tau <= `|((Pe R n (walk t) - P) *m f) s 0|)) <=
  2%:R * exp (- (2%:R * m * tau ^+ 2 / sigma ^+ 2)).
Proof.
move=> span m_gt0 tau_ge0.
pose far (sign : bool) t := (m <= visits t s)
  && (visits t s * tau <= deviation n (walk t) P ((-1) ^+ sign *: f) s).
have one_far t : (m <= visits t s) && (tau <= `|((Pe R n (walk t) - P) *m f) s 0|) ->
    [exists sign, far sign t].
  case/andP=> m_le off; apply/existsP; exists (((Pe R n (walk t) - P) *m f) s 0 < 0).
  have n_gt0 := lt_le_trans m_gt0 m_le.
  rewrite /far m_le deviation_is_gap /source -?(ltr0n R_numDomainType) //= -scalemxAr scalemxE -normrEsign.
  by rewrite ler_pmul2l.
apply: (le_trans (Pr_le p0_distribution P_stochastic one_far)).
apply: le_trans (union_bound p0_distribution P_stochastic _) _; rewrite big_bool mulr_natl mulr2n.
apply: ler_add; apply: one_sided => // a b; rewrite !scalemxE -mulrBr.
  by rewrite expr1 mulN1r opprB.
by rewrite expr0 mul1r.
Qed.

End Successors.
