(** a-priori-finite-sample: how far the diagonal of Mhat is, in an endless context,
    from what is asked for. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import td entries operator fixed_point contraction neu_bound mixing.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Room.
Variables (R : realFieldType) (N : nat) (mu : 'I_N -> R) (E : 'I_N -> 'I_N -> R).
Variables (gamma c : R).

(** The diagonal entry of Mhat that is asked for. *)
Definition m_0 : R := (1 + gamma + c) / 2%:R.

(** By how much what a transition adds to the sum below can vary. *)
Definition width (s : 'I_N) : R :=
  (1 - m_0) * E s s + m_0 * \big[Num.max/0]_(u | u != s) E s u.

(** The book's h_s: how much more than m_0 the state s weighs at itself
    in an endless context, in that unit. *)
Definition room (s : 'I_N) : R :=
  population_sum E mu s * (M_pi E mu s s - m_0) / width s.

(** The function whose sum along the context is positive
    where the diagonal entry is too small. *)
Definition lack s : 'cV[R]_N := \col_u (m_0 * E s u - (u == s)%:R * E s s).

(** The weights and mu are positive; in an endless context the margin is above c. *)
Hypotheses (mu_gt0 : forall s, 0 < mu s) (E_gt0 : forall s u, 0 < E s u).
Hypotheses (gamma_ge0 : 0 <= gamma) (c_gt0 : 0 < c).
Hypothesis c_lt : forall s, c < margin (M_pi E mu s s) gamma.

Lemma Z_gt0 s : 0 < population_sum E mu s.
Proof.
rewrite /population_sum (bigD1 s) //= ltr_paddr ?mulr_gt0 ?mu_gt0 // sumr_ge0 // => u _.
by rewrite mulr_ge0 ?ltW ?mu_gt0.
Qed.

Lemma m_0_gt0 : 0 < m_0.
Proof. by rewrite divr_gt0 ?ltr0n // addr_gt0 // ltr_paddr ?ltr01. Qed.

Lemma m_0_lt s : m_0 < M_pi E mu s s.
Proof.
have := c_lt s; rewrite -subr_gt0 /margin ger0_norm // => lt; rewrite -subr_gt0.
have -> : M_pi E mu s s - m_0 = (2%:R * M_pi E mu s s - 1 - gamma - c) / 2%:R.
  by rewrite /m_0; field.
by rewrite divr_gt0 ?ltr0n.
Qed.

Lemma m_0_lt1 (s : 'I_N) : m_0 < 1.
Proof.
apply: lt_le_trans (m_0_lt s) _; rewrite mxE ler_pdivr_mulr ?Z_gt0 // mul1r.
rewrite /population_sum (bigD1 s) //= ler_addl sumr_ge0 // => u _.
by rewrite mulr_ge0 ?ltW ?mu_gt0.
Qed.

Lemma margin_m_0 : margin m_0 gamma = c.
Proof. by rewrite /margin ger0_norm // /m_0; field. Qed.

Lemma le_rivals s u : u != s -> E s u <= \big[Num.max/0]_(u | u != s) E s u.
Proof.
move=> ne; have := mem_index_enum u; elim: (index_enum _) => //= y e IH.
rewrite inE big_cons => /orP[/eqP<-|/IH le_e]; first by rewrite ne le_maxr lexx.
by case: ifP => // _; rewrite le_maxr le_e orbT.
Qed.

Lemma rivals_ge0 s : 0 <= \big[Num.max/0]_(u | u != s) E s u.
Proof. by elim/big_ind: _ => [//|a b a_ge0 b_ge0|u _]; [rewrite le_maxr a_ge0 | exact: ltW]. Qed.

Lemma width_gt0 s : 0 < width s.
Proof.
rewrite ltr_paddr ?mulr_gt0 ?subr_gt0 ?(m_0_lt1 s) //.
by rewrite mulr_ge0 ?rivals_ge0 // ltW ?m_0_gt0.
Qed.

Lemma lack_span s : span_at_most (lack s) (width s).
Proof.
move=> a b; rewrite !mxE /width [X in _ <= X]addrC; have m_0_ge0 := ltW m_0_gt0.
apply: ler_add; last first.
  rewrite ler_oppl mulrBl mul1r opprB; case:  eqP => [->|_]; first by rewrite mul1r.
  rewrite mul0r subr0; apply: (@le_trans _ _ 0); last by rewrite mulr_ge0 // ltW.
  by rewrite subr_le0 ler_pimull // ltW ?(m_0_lt1 s).
have [->|ne] := eqVneq a s; last by rewrite mul0r subr0 ler_wpmul2l // le_rivals.
apply: (@le_trans _ _ 0); last by rewrite mulr_ge0 // rivals_ge0.
by rewrite mul1r subr_le0 ler_pimull // ltW ?(m_0_lt1 s).
Qed.

Lemma lack_mean s : mean mu (lack s) = - (room s * width s).
Proof.
have Z_neq0 := lt0r_neq0 (Z_gt0 s).
rewrite /room divfK ?gt_eqF ?width_gt0 // [M_pi _ _ _ _]mxE mulrBr mulrC divfK //.
rewrite /mean; under eq_bigr do rewrite mxE mulrBr mulrCA.
rewrite sumrB -mulr_sumr -/(population_sum E mu s) opprB mulrC; congr (_ - _).
by rewrite (bigD1 s) //= eqxx mul1r big1 ?addr0 // => u /negbTE ->; rewrite mul0r mulr0.
Qed.

Lemma room_gt0 s : 0 < room s.
Proof. by rewrite divr_gt0 ?width_gt0 // mulr_gt0 ?Z_gt0 // subr_gt0 m_0_lt. Qed.

(** The unit is exactly the span, where there is another state. *)
Lemma width_attained s :
  (exists u, u != s) -> exists a b, lack s a 0 - lack s b 0 = width s.
Proof.
case=> u ne; pose best := [arg max_(v > u | v != s) E s v]%O; exists best, s.
have [best_ne max_le] : best != s /\ forall v, v != s -> E s v <= E s best.
  by rewrite /best; case: arg_maxP.
have -> : width s = (1 - m_0) * E s s + m_0 * E s best; last first.
  by rewrite !mxE (negbTE best_ne) eqxx mul0r mul1r subr0; ring.
congr (_ + _ * _); apply/le_anti; rewrite le_rivals // andbT.
by elim/big_ind: _ => [|a b|v]; [exact: ltW | rewrite le_maxl => -> -> | exact: max_le].
Qed.

(** The diagonal entry is as asked for exactly if the sum is not positive;
    and the mean of what is summed is - h_s times its span. *)
Theorem own_weight_from_a_sum n (S : nat -> 'I_N) s :
  (0 < n)%N ->
  [/\ (m_0 <= Mhat n E S s s) = (\sum_(k < n) lack s (S k) 0 <= 0),
      mean mu (lack s) = - (room s * width s), span_at_most (lack s) (width s)
    & (exists u, u != s) -> exists a b, lack s a 0 - lack s b 0 = width s].
Proof.
move=> n_gt0; split; [|exact: lack_mean|exact: lack_span|exact: width_attained].
under [X in _ = (X <= _)]eq_bigr do rewrite mxE; rewrite sumrB -mulr_sumr -mulr_suml subr_le0.
rewrite Mhat_visits mulrA ler_pdivl_mulr; first by rewrite /visits natr_sum.
by rewrite (bigD1 (Ordinal n_gt0)) //= ltr_paddr // sumr_ge0 // => k _; exact: ltW.
Qed.

End Room.
