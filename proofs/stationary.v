(** stationary: a chain has a stationary distribution, an irreducible one exactly one,
    which is positive; with a positive power of P it forgets its start. *)
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import entries operator norm bellman neu_bound.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (N : nat) (P : 'M[R]_N).

(** Every state reaches every other. *)
Definition irreducible := forall s u, exists k, 0 < power P k s u.

(** The norm of rows: the sum of the absolute entries. *)
Definition norm1 (w : 'rV[R]_N) : R := \sum_s `|w 0 s|.

End Definitions.

Section Stationary.
Variables (R : realFieldType) (N : nat) (P : 'M[R]_N).
Hypothesis P_stochastic : stochastic P.
Implicit Types (s u : 'I_N) (w d mu : 'rV[R]_N) (k m : nat).
Notation power := (power P).

(** Powers of a stochastic matrix are stochastic. *)
Lemma powerD k m : power (k + m) = power k *m power m.
Proof. by elim: k => [|k IH]; rewrite ?mul1mx // addSn /power !iterS -mulmxA -IH. Qed.

Lemma power_ge0 k s u : 0 <= power k s u.
Proof.
have [P_ge0 _] := P_stochastic; elim: k s => [|k IH] s; first by rewrite mxE ler0n.
by rewrite /power iterS mxE sumr_ge0 // => w _; rewrite mulr_ge0.
Qed.

Lemma power_sum1 k s : \sum_u power k s u = 1.
Proof.
have [_ P_sum1] := P_stochastic; elim: k s => [|k IH] s.
  by rewrite (bigD1 s) //= mxE eqxx big1 ?addr0 // => u; rewrite mxE eq_sym => /negbTE ->.
rewrite /power iterS; under eq_bigr do rewrite mxE.
by rewrite exchange_big -[RHS](P_sum1 s); apply: eq_bigr => w _; rewrite -mulr_sumr IH mulr1.
Qed.

(** A stochastic matrix keeps the sum of a row. *)
Lemma mass_kept w k : \sum_u (w *m power k) 0 u = \sum_s w 0 s.
Proof.
under eq_bigr do rewrite mxE.
by rewrite exchange_big; apply: eq_bigr => s _; rewrite -mulr_sumr power_sum1 mulr1.
Qed.

(** What P keeps, its powers keep. *)
Lemma kept_by_powers w k : w *m P = w -> w *m power k = w.
Proof. by move=> wP; elim: k => [|k IH]; rewrite ?mulmx1 // /power iterS mulmxA wP. Qed.

Lemma power1 : power 1 = P. Proof. exact: mulmx1. Qed.

(** If P keeps a row, it keeps its absolute entries: they are nowhere above what they become,
    and their sum stays the same. *)
Definition absolute_row w : 'rV[R]_N := \row_s `|w 0 s|.

Lemma absolute_kept w : w *m P = w -> absolute_row w *m P = absolute_row w.
Proof.
have [P_ge0 _] := P_stochastic; move=> wP; pose a := absolute_row w.
have gain u : 0 <= (a *m P) 0 u - a 0 u.
  rewrite subr_ge0 [a 0 u]mxE -[in `|w 0 u|]wP !mxE; apply: le_trans (ler_norm_sum _ _ _) _.
  by apply: ler_sum => s _; rewrite mxE normrM (ger0_norm (P_ge0 _ _)).
have := mass_kept a 1; rewrite power1 => /eqP; rewrite -subr_eq0 -sumrB psumr_eq0 // => /allP same.
by apply/rowP => u; apply/eqP; rewrite -subr_eq0; apply: same; rewrite mem_index_enum.
Qed.

(** A distribution is not 0. *)
Lemma row_with_mass mu : distribution (mu 0) -> mu != 0.
Proof.
case=> _ sum1; apply/eqP => mu0; move: sum1; rewrite mu0 big1 => [/eqP|s _]; last by rewrite mxE.
by rewrite eq_sym oner_eq0.
Qed.

(** Every chain has a stationary distribution. *)
Theorem a_stationary_distribution_exists :
  (0 < N)%N -> exists mu : 'rV[R]_N, distribution (mu 0) /\ mu *m P = mu.
Proof.
move=> N_gt0; have [_ P_sum1] := P_stochastic.
have /det0P[w w0 wP] : \det (1%:M - P) == 0.
  apply/negPn; rewrite -unitfE -unitmxE; apply/negP => inv.
  have : (const_mx 1 : 'cV[R]_N) = 0.
    rewrite -[LHS](mulKmx inv) (_ : _ *m const_mx 1 = 0) ?mulmx0 //; apply/colP => s.
    rewrite mulmxBl mul1mx !mxE; under eq_bigr do rewrite mxE mulr1.
    by rewrite P_sum1 subrr.
  by move/colP/(_ (Ordinal N_gt0)) => /eqP; rewrite !mxE oner_eq0.
move: wP; rewrite mulmxBr mulmx1 => /subr0_eq/esym wP.
pose c := norm1 w; have c_gt0 : 0 < c.
  rewrite lt_neqAle sumr_ge0 ?andbT // eq_sym; apply: contra w0.
  rewrite psumr_eq0 // => /allP zero; apply/eqP/rowP => s; apply/eqP.
  by rewrite mxE -normr_eq0; apply: zero; rewrite mem_index_enum.
exists (c^-1 *: absolute_row w); split; last by rewrite -scalemxAl absolute_kept.
split=> [s|]; first by rewrite !mxE mulr_ge0 // invr_ge0 ltW.
by under eq_bigr do rewrite !mxE; rewrite -mulr_sumr mulVf // gt_eqF.
Qed.

(** Irreducible chains. *)
Section Irreducible.
Hypothesis P_irreducible : irreducible P.

(** A row that P keeps, without negative entries and not 0, is positive. *)
Lemma kept_positive w : (forall s, 0 <= w 0 s) -> w *m P = w -> w != 0 -> forall u, 0 < w 0 u.
Proof.
move=> w_ge0 wP w0 u; have [s ws] : exists s, w 0 s != 0.
  by apply/existsP; apply: contraNT w0 => /existsPn none; apply/eqP/rowP => s; rewrite mxE; apply/eqP/negPn/none.
have [k Pk] := P_irreducible s u; rewrite -(kept_by_powers k wP) mxE (bigD1 s) //=.
rewrite ltr_paddr ?mulr_gt0 // ?lt_neqAle ?w_ge0 1?eq_sym ?ws //.
by rewrite sumr_ge0 // => v _; rewrite mulr_ge0 ?power_ge0.
Qed.

(** A row that P keeps and whose sum is 0 is 0. *)
Lemma kept_without_mass d : d *m P = d -> \sum_s d 0 s = 0 -> d = 0.
Proof.
move=> dP sum0; have all0 (e : 'rV[R]_N) : (forall s, 0 <= e 0 s) -> \sum_s e 0 s = 0 -> e = 0.
  move=> e_ge0 /eqP; rewrite psumr_eq0 // => /allP zero.
  by apply/rowP => s; rewrite mxE; apply/eqP/zero; rewrite mem_index_enum.
have [/forallP d_ge0|/forallPn[s]] := boolP [forall s, 0 <= d 0 s]; first exact: all0.
rewrite -ltNge => ds; pose w := absolute_row d + d.
have w_ge0 u : 0 <= w 0 u by rewrite !mxE -ler_subl_addr sub0r ler_normr lexx orbT.
have ws : w 0 s = 0 by rewrite !mxE ltr0_norm // addNr.
have /eqP w_0 : w == 0.
  have wP : w *m P = w by rewrite mulmxDl absolute_kept ?dP.
  by apply/negPn/negP => w0; have := kept_positive w_ge0 wP w0 s; rewrite ws ltxx.
apply/eqP; rewrite -oppr_eq0; apply/eqP/all0 => [u|].
  by have /rowP/(_ u) := w_0; rewrite !mxE => /eqP; rewrite addr_eq0 => /eqP <-.
by under eq_bigr do rewrite mxE; rewrite sumrN sum0 oppr0.
Qed.

(** Exactly one distribution is stationary, and it is positive. *)
Theorem irreducible_has_one_stationary_distribution :
  (0 < N)%N ->
  exists mu : 'rV[R]_N,
    [/\ distribution (mu 0), mu *m P = mu, forall s, 0 < mu 0 s
      & forall mu' : 'rV[R]_N, distribution (mu' 0) -> mu' *m P = mu' -> mu' = mu].
Proof.
move=> /a_stationary_distribution_exists[mu [mu_distribution muP]]; exists mu; split=> // [s|mu' [_ mu'1] mu'P].
  by apply: kept_positive; [case: mu_distribution | | exact: row_with_mass].
apply: subr0_eq; apply: kept_without_mass; first by rewrite mulmxBl mu'P muP.
by under eq_bigr do rewrite !mxE; rewrite sumrB mu'1 (proj2 mu_distribution) subrr.
Qed.

End Irreducible.

(** A row of sum 0 shrinks by 1 - N eps in m steps,
    where eps is at most every entry of P^m. *)
Lemma mass_0_shrinks d m eps :
  (forall s u, eps <= power m s u) -> \sum_s d 0 s = 0 ->
  norm1 (d *m power m) <= (1 - N%:R * eps) * norm1 d.
Proof.
move=> eps_le sum0; have shifted u : (d *m power m) 0 u = \sum_s d 0 s * (power m s u - eps).
  by rewrite mxE; under [RHS]eq_bigr do rewrite mulrBr; rewrite sumrB -mulr_suml sum0 mul0r subr0.
apply: (@le_trans _ _ (\sum_u \sum_s `|d 0 s| * (power m s u - eps))).
  apply: ler_sum => u _; rewrite shifted; apply: le_trans (ler_norm_sum _ _ _) _.
  by apply: ler_sum => s _; rewrite normrM ler_wpmul2l // ger0_norm // subr_ge0.
rewrite exchange_big mulr_sumr le_eqVlt; apply/orP; left; apply/eqP; apply: eq_bigr => s _ /=.
by rewrite -mulr_sumr sumrB power_sum1 sumr_const card_ord -[_ *+ _]mulr_natl mulrC.
Qed.

Lemma shrinking_factor_ge0 m eps : (forall s u, eps <= power m s u) -> 0 <= 1 - N%:R * eps.
Proof.
move=> eps_le; rewrite subr_ge0; have [N0|N_gt0] := posnP N; first by rewrite N0 mul0r ler01.
rewrite -[X in _ <= X](power_sum1 m (Ordinal N_gt0)) -[X in X%:R * _]card_ord mulr_natl -sumr_const.
exact: ler_sum.
Qed.

Lemma mass_0_shrinks_often d m eps k :
  (forall s u, eps <= power m s u) -> \sum_s d 0 s = 0 ->
  norm1 (d *m power (k * m)) <= (1 - N%:R * eps) ^+ k * norm1 d.
Proof.
move=> eps_le sum0; have q_ge0 := shrinking_factor_ge0 eps_le.
elim: k => [|k IH]; first by rewrite mulmx1 mul1r.
rewrite mulSn addnC powerD mulmxA exprS -mulrA; apply: le_trans (ler_wpmul2l q_ge0 IH).
by apply: mass_0_shrinks; rewrite ?mass_kept.
Qed.

(** How a chain forgets its start: every distribution is drawn towards a stationary one. *)
Section Forgets.
Variables (mu mu0 : 'rV[R]_N) (m : nat) (eps : R).
Hypotheses (mu_distribution : distribution (mu 0)) (muP : mu *m P = mu).
Hypothesis mu0_distribution : distribution (mu0 0).
Hypothesis eps_le : forall s u, eps <= power m s u.

Lemma differ_without_mass : \sum_s (mu0 - mu) 0 s = 0.
Proof.
case: mu_distribution mu0_distribution => [_ mu1] [_ mu01].
by under eq_bigr do rewrite !mxE; rewrite sumrB mu1 mu01 subrr.
Qed.

(** In m steps by the factor 1 - N eps, where eps is at most every entry of P^m. *)
Theorem start_is_forgotten :
  norm1 (mu0 *m power m - mu) <= (1 - N%:R * eps) * norm1 (mu0 - mu).
Proof.
rewrite -{1}(kept_by_powers m muP) -mulmxBl.
by apply: mass_0_shrinks; rewrite ?differ_without_mass.
Qed.

(** So the distance falls geometrically in the number t of steps. *)
Theorem start_is_forgotten_geometrically t :
  norm1 (mu0 *m power t - mu) <= (1 - N%:R * eps) ^+ (t %/ m) * norm1 (mu0 - mu).
Proof.
rewrite -{1}(kept_by_powers t muP) -mulmxBl {1}(divn_eq t m) powerD mulmxA.
apply: le_trans (mass_0_shrinks_often _ eps_le differ_without_mass).
rewrite -[X in _ <= X]mul1r -[1 in X in _ <= X]subr0 -(mulr0 N%:R).
by apply: mass_0_shrinks; [exact: power_ge0 | rewrite mass_kept differ_without_mass].
Qed.

End Forgets.
End Stationary.
