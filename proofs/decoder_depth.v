(** causal-mask: a layer of the decoder is a triangular map,
    and the first TD error grows with depth. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td operator causal_mask.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N n : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).

(** A layer as a map of the n + 1 values: v to G v + c. *)
Definition decoder_G (alpha : R) : 'M[R]_n.+1 :=
  \matrix_(j, i) ((j == i)%:R + alpha * \sum_(k < j)
    K j S E k (S j) * (gamma * (k.+1 == i)%:R - (k == i :> nat)%:R)).
Definition decoder_c (alpha : R) : 'cV[R]_n.+1 :=
  \col_j (alpha * \sum_(k < j) K j S E k (S j) * r k).

End Definitions.

Section Depth.
Variables (R : realFieldType) (N : nat) (E : 'I_N -> 'I_N -> R).
Variables (S : nat -> 'I_N) (r : nat -> R) (gamma : R).
Implicit Type v : nat -> R.
Notation update := (decoder_update E S r gamma).
Notation error := (column_td_error r gamma).

(** A layer is v to G v + c. *)
Theorem decoder_is_affine n alpha v (j : 'I_n.+1) :
  update alpha v j =
  (decoder_G n E S gamma alpha *m (\col_i v (i : nat))
   + decoder_c n E S r alpha) j 0.
Proof.
rewrite addmxE [(_ *m _) j 0]mxE [decoder_c _ _ _ _ _ j 0]mxE.
have at_column k : (k <= n)%N -> \sum_(i < n.+1) (k == i :> nat)%:R * v i = v k.
  move=> le_kn; rewrite (bigD1 (Ordinal (le_kn : k < n.+1)%N)) //= eqxx mul1r big1 ?addr0 // => i ne.
  by rewrite (_ : _ == _ = false) ?mul0r //; apply: contraNF ne => /eqP ki; apply/eqP/val_inj.
have le_jn : (j <= n)%N by rewrite -ltnS ltn_ord.
have row : \sum_(i < n.+1) decoder_G n E S gamma alpha j i * (\col_i v (nat_of_ord i) : 'cV_n.+1) i 0 =
    v j + alpha * \sum_(k < j) K j S E k (S j) * (gamma * v k.+1 - v k).
  transitivity (\sum_(i < n.+1) ((nat_of_ord j == i)%:R * v i + alpha * \sum_(k < j)
      K j S E k (S j) * ((gamma * (k.+1 == i)%:R - (nat_of_ord k == i)%:R) * v i))).
    apply: eq_bigr => i _; rewrite !mxE mulrDl -mulrA mulr_suml -val_eqE.
    by congr (_ + _ * _); apply: eq_bigr => k _; rewrite mulrA.
  rewrite big_split /= at_column // -mulr_sumr exchange_big; congr (_ + _ * _); apply: eq_bigr => k _ /=.
  have lt_kn : (k < n)%N := leq_trans (ltn_ord k) le_jn.
  rewrite -mulr_sumr; congr (_ * _); rewrite -(at_column k (ltnW lt_kn)) -(at_column k.+1 lt_kn) mulr_sumr -sumrB.
  by apply: eq_bigr => i _; rewrite mulrBl mulrA.
rewrite row -addrA -mulrDr -big_split /decoder_update; congr (_ + _ * _); apply: eq_bigr => k _ /=.
by rewrite /column_td_error; move: (K _ _ _ _ _) (r k) (v _) (v _) => *; ring.
Qed.

(** G is lower triangular. *)
Theorem decoder_G_is_triangular n alpha (j i : 'I_n.+1) :
  (j < i)%N -> decoder_G n E S gamma alpha j i = 0.
Proof.
move=> lt_ji; rewrite mxE (_ : j == i = false) ?add0r; last by apply/negbTE; rewrite neq_ltn lt_ji.
rewrite big1 ?mulr0 // => k _; have lt_ki : (k.+1 < i)%N := leq_ltn_trans (ltn_ord k) lt_ji.
by rewrite (ltn_eqF lt_ki) (ltn_eqF (ltnW lt_ki)) mulr0 subrr mulr0.
Qed.

(** The diagonal of the decoder's G is 1 and 1 + alpha gamma K_j(j - 1). *)
Theorem decoder_G_diagonal n alpha :
  decoder_G n E S gamma alpha 0 0 = 1 /\
  forall j (lt : (j.+1 < n.+1)%N),
    let J := Ordinal lt in
    decoder_G n E S gamma alpha J J = 1 + alpha * gamma * K j.+1 S E j (S j.+1).
Proof.
split=> [|j lt J]; rewrite mxE eqxx ?big_ord0 ?mulr0 ?addr0 //; congr (_ + _).
rewrite big_ord_recr /= eqxx (ltn_eqF (ltnSn j)) big1 => [|k _]; last first.
  have lt_kj : (k.+1 < j.+1)%N by rewrite ltnS ltn_ord.
  by rewrite (ltn_eqF lt_kj) (ltn_eqF (ltnW lt_kj)) mulr0 subrr mulr0.
by rewrite add0r mulr1 subr0 mulrA mulrAC.
Qed.

(** The diagonal entry of column 1 is 1 + alpha gamma. *)
Theorem decoder_G_column_one n alpha (lt : (1 < n.+1)%N) :
  E (S 1%N) (S 0%N) != 0 ->
  decoder_G n E S gamma alpha (Ordinal lt) (Ordinal lt) = 1 + alpha * gamma.
Proof.
by move=> E10; have [_ ->] := decoder_G_diagonal n alpha; rewrite /K big_ord1 divff ?mulr1.
Qed.

(** So the eigenvalues of G are the diagonal, all between 1 and 1 + alpha gamma,
    which is one of them: the radius, for alpha gamma >= 0 and weights E >= 0. *)
Theorem decoder_radius n alpha :
  (0 < n)%N -> (forall s u, 0 <= E s u) -> E (S 1%N) (S 0%N) != 0 ->
  0 <= alpha * gamma ->
  let G := decoder_G n E S gamma alpha in
  [/\ forall z, root (char_poly G) z -> 1 <= z <= 1 + alpha * gamma,
      root (char_poly G) (1 + alpha * gamma)
    & char_poly G = \prod_j ('X - (G j j)%:P)].
Proof.
move=> n_gt0 E_ge0 E10 ag_ge0 G; have product : char_poly G = \prod_j ('X - (G j j)%:P).
  by apply/char_poly_trig/is_trig_mxP => j i; apply: decoder_G_is_triangular.
have K_le1 j : K j.+1 S E j (S j.+1) <= 1.
  apply: le_trans (K_sum_le1 j.+1 E S (S j.+1)); rewrite big_ord_recr /= ler_addr sumr_ge0 // => k _.
  exact: K_ge0.
split=> // [z|]; rewrite product rootE horner_prod.
  move=> /prodf_eq0[[[|j] lt] _]; rewrite hornerXsubC subr_eq0 => /eqP ->.
    by rewrite (_ : Ordinal lt = 0) ?(decoder_G_diagonal n alpha).1 ?lexx ?ler_addl //; apply: val_inj.
  by rewrite (decoder_G_diagonal n alpha).2 ler_addl mulr_ge0 ?K_ge0 //= ler_add2l ler_pimulr.
apply/prodf_eq0; exists (Ordinal (n_gt0 : 1 < n.+1)%N) => //.
by rewrite hornerXsubC subr_eq0 decoder_G_column_one.
Qed.

(** If the errors before column j are all 0, no layer changes a value up to j. *)
Lemma still_up_to alpha v j :
  (forall k, (k < j)%N -> error v k = 0) ->
  forall l i, (i <= j)%N -> decoder E S r gamma alpha v l i = v i.
Proof.
move=> none; elim=> [//|l IH] i le_ij /=; rewrite /decoder_update IH // big1 ?mulr0 ?addr0 // => k _.
have lt_kj := leq_trans (ltn_ord k) le_ij.
by rewrite /column_td_error !IH ?(ltnW lt_kj) // -/(error v k) none ?mulr0.
Qed.

(** If all n TD errors are 0, no layer changes any value. *)
Theorem no_error_no_change n alpha v :
  (forall k, (k < n)%N -> error v k = 0) ->
  forall l j, (j <= n)%N -> decoder E S r gamma alpha v l j = v j.
Proof. exact: still_up_to. Qed.

(** If not, and j - 1 = i is the first transition with an error delta, the value of
    column j has after L layers grown by delta times the sum over l < L of
    alpha kappa (1 + alpha gamma kappa)^l, kappa = K_j(j - 1). *)
Theorem first_error_grows alpha v i L :
  (forall k, (k < i)%N -> error v k = 0) ->
  let kappa := K i.+1 S E i (S i.+1) in
  decoder E S r gamma (fun _ => alpha) v L i.+1 =
  v i.+1 +
  (\sum_(l < L) alpha * kappa * (1 + alpha * gamma * kappa) ^+ l) * error v i.
Proof.
move=> none kappa; have still := still_up_to (fun _ => alpha) none.
elim: L => [|L IH]; first by rewrite big_ord0 mul0r addr0.
rewrite [LHS]/= /decoder_update big_ord_recr /= big1 => [|k _]; last first.
  by rewrite /column_td_error !still ?(ltnW (ltn_ord k)) // -/(error v k) none ?mulr0.
rewrite add0r -/kappa {1}/column_td_error IH still //.
have geometric m : gamma * (\sum_(l < m) alpha * kappa * (1 + alpha * gamma * kappa) ^+ l) = (1 + alpha * gamma * kappa) ^+ m - 1.
  elim: m => [|m IHm]; first by rewrite big_ord0 mulr0 subrr.
  by rewrite big_ord_recr /= mulrDr IHm exprS; move: (_ ^+ m) => p; ring.
rewrite big_ord_recr /= mulrDl addrA; congr (_ + _).
have -> : r i + gamma * (v i.+1 + (\sum_(l < L) alpha * kappa * (1 + alpha * gamma * kappa) ^+ l) * error v i) - v i =
    error v i + gamma * (\sum_(l < L) alpha * kappa * (1 + alpha * gamma * kappa) ^+ l) * error v i.
  by rewrite /column_td_error; move: (\sum_(l < L) _) (r i) (v i) (v i.+1) => *; ring.
by rewrite geometric; move: (_ ^+ L) (error v i) => *; ring.
Qed.

(** If the first transition has an error, kappa = 1. *)
Theorem first_weight_is_one : E (S 1%N) (S 0%N) != 0 -> K 1 S E 0 (S 1%N) = 1.
Proof. by move=> E10; rewrite /K big_ord1 divff. Qed.

(** In closed form: ((1 + alpha gamma kappa)^L - 1) / gamma times delta,
    or, for gamma = 0, alpha kappa L times delta. *)
Theorem growth_in_closed_form alpha kappa L :
  \sum_(l < L) alpha * kappa * (1 + alpha * gamma * kappa) ^+ l =
  if gamma == 0 then alpha * kappa * L%:R
  else ((1 + alpha * gamma * kappa) ^+ L - 1) / gamma.
Proof.
case: eqP => [->|/eqP gamma0].
  under eq_bigr => l _ do rewrite mulr0 mul0r addr0 expr1n mulr1.
  by rewrite sumr_const card_ord mulr_natr.
apply: (mulfI gamma0); rewrite mulrCA divff // mulr1.
elim: L => [|L IH]; first by rewrite big_ord0 mulr0 subrr.
by rewrite big_ord_recr /= mulrDr IH exprS; move: (_ ^+ L) => p; ring.
Qed.

End Depth.

(** With E > 0, alpha > 0 and gamma >= 0, depth diverges from every v0
    that has an error: the value of some column leaves every bound. *)
Theorem depth_diverges (R : archiFieldType) N (E : 'I_N -> 'I_N -> R)
    (S : nat -> 'I_N) (r : nat -> R) (gamma alpha : R) (v : nat -> R) n :
  (forall s u, 0 < E s u) -> 0 < alpha -> 0 <= gamma ->
  (exists2 k, (k < n)%N & column_td_error r gamma v k != 0) ->
  exists2 j, (j <= n)%N & forall b, exists first, forall L, (first <= L)%N ->
    b < `|decoder E S r gamma (fun _ => alpha) v L j|.
Proof.
move=> E_gt0 alpha_gt0 gamma_ge0 [k0 lt_k0n error0].
have some : exists k, (k < n)%N && (column_td_error r gamma v k != 0) by exists k0; rewrite lt_k0n.
case: (ex_minnP some) => i /andP[lt_in error_i] least {k0 lt_k0n error0 some}.
have none k : (k < i)%N -> column_td_error r gamma v k = 0.
  move=> lt_ki; apply/eqP/negPn/negP => ne; have := least k.
  by rewrite (ltn_trans lt_ki lt_in) ne => /(_ isT); rewrite leqNgt lt_ki.
exists i.+1 => // b; set kappa := K i.+1 S E i (S i.+1); set delta := column_td_error r gamma v i.
have kappa_gt0 : 0 < kappa.
  by rewrite divr_gt0 // big_ord_recr /= ltr_paddl // sumr_ge0 // => k _; apply: ltW.
have step_gt0 : 0 < alpha * kappa * `|delta| by apply: mulr_gt0; [apply: mulr_gt0 | rewrite normr_gt0; apply: error_i].
exists (Num.bound ((`|b| + `|v i.+1|) / (alpha * kappa * `|delta|))) => L le_L.
rewrite (first_error_grows E S alpha L none) -/kappa -/delta addrC.
apply: lt_le_trans (ler_sub_norm_add _ _); rewrite ltr_subr_addr.
set grown := \sum_(l < L) _; have grown_ge : alpha * kappa * L%:R <= grown.
  rewrite mulr_natr -[L in _ *+ L]card_ord -sumr_const; apply: ler_sum => l _.
  have ak_gt0 : 0 < alpha * kappa by apply: mulr_gt0.
  by rewrite (ler_pmulr _ ak_gt0); apply: exprn_ege1; rewrite ler_addl mulr_ge0 ?(ltW kappa_gt0) // mulr_ge0 // ltW.
rewrite normrM; apply: (@lt_le_trans _ _ (L%:R * (alpha * kappa * `|delta|))); last first.
  by rewrite mulrA [L%:R * _]mulrC ler_wpmul2r // (le_trans grown_ge) // ler_norm.
rewrite -ltr_pdivr_mulr //; apply: (@lt_le_trans _ _ (Num.bound ((`|b| + `|v i.+1|) / (alpha * kappa * `|delta|)))%:R).
  apply: le_lt_trans (archi_boundP _); last by rewrite divr_ge0 ?addr_ge0 // ltW.
  by rewrite ler_pmul2r ?invr_gt0 // ler_add2r ler_norm.
by rewrite ler_nat.
Qed.
