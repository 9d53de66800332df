(** state-form: the limit of long contexts, wherever the frequencies converge. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries operator state_form.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Section Tends.
Variable R : realFieldType.
Implicit Types (f g : nat -> R) (y z : R).

(** The numbers f n tend to y. *)
Definition tends f y := forall e, 0 < e ->
  exists n0, forall n, (n0 <= n)%N -> `|f n - y| <= e.

Lemma tends_const y : tends (fun _ => y) y.
Proof. by move=> e e_gt0; exists 0%N => n _; rewrite subrr normr0 ltW. Qed.

Lemma tends_later f g y n0 : (forall n, (n0 <= n)%N -> f n = g n) -> tends f y -> tends g y.
Proof.
move=> fg f_y e /f_y[n1 near]; exists (maxn n0 n1) => n; rewrite geq_max => /andP[le0 le1].
by rewrite -fg ?near.
Qed.

Lemma tends_add f g y z : tends f y -> tends g z -> tends (fun n => f n + g n) (y + z).
Proof.
move=> f_y g_z e e_gt0; have h_gt0 : 0 < e / 2%:R by rewrite divr_gt0 // ltr0n.
have [n0 near0] := f_y _ h_gt0; have [n1 near1] := g_z _ h_gt0.
exists (maxn n0 n1) => n; rewrite geq_max => /andP[/near0 le0 /near1 le1].
rewrite opprD addrACA (le_trans (ler_norm_add _ _)) // (le_trans (ler_add le0 le1)) //.
by rewrite -splitr.
Qed.

Lemma tends_mul f g y z : tends f y -> tends g z -> tends (fun n => f n * g n) (y * z).
Proof.
move=> f_y g_z e e_gt0; pose c := 1 + `|y| + `|z|; pose h := Num.min 1 (e / c).
have c_gt0 : 0 < c by rewrite /c -addrA ltr_spaddl ?addr_ge0.
have h_gt0 : 0 < h by rewrite lt_minr ltr01 divr_gt0.
have h_le1 : h <= 1 by rewrite le_minl lexx.
have [n0 near0] := f_y _ h_gt0; have [n1 near1] := g_z _ h_gt0.
exists (maxn n0 n1) => n; rewrite geq_max => /andP[/near0 le0 /near1 le1].
have -> : f n * g n - y * z = (f n - y) * (g n - z) + y * (g n - z) + (f n - y) * z by ring.
apply: (@le_trans _ _ (h * c)); last by rewrite -ler_pdivl_mulr // le_minl lexx orbT.
rewrite (_ : h * c = h + h * `|y| + h * `|z|); last by rewrite /c; ring.
apply: le_trans (ler_norm_add _ _) _.
apply: ler_add; last by rewrite normrM ler_wpmul2r.
apply: le_trans (ler_norm_add _ _) _; apply: ler_add; rewrite normrM; last by rewrite mulrC ler_wpmul2r.
by rewrite -[X in _ <= X]mulr1 ler_pmul // (le_trans le1).
Qed.

Lemma tends_inv f y : y != 0 -> tends f y -> tends (fun n => (f n)^-1) y^-1.
Proof.
move=> y0 f_y e e_gt0; have y_gt0 : 0 < `|y| by rewrite normr_gt0.
pose h := Num.min (`|y| / 2%:R) (e * (`|y| * (`|y| / 2%:R))).
have y2_gt0 : 0 < `|y| / 2%:R by rewrite divr_gt0 // ltr0n.
have h_gt0 : 0 < h by rewrite lt_minr y2_gt0 mulr_gt0 // mulr_gt0.
have [n0 near] := f_y _ h_gt0; exists n0 => n /near le_h.
have f_ge : `|y| / 2%:R <= `|f n|.
  have: `|y| - `|f n| <= `|y| / 2%:R.
    by apply: le_trans (ler_sub_dist _ _) _; rewrite distrC (le_trans le_h) // le_minl lexx.
  by rewrite ler_subl_addr {1}[`|y|]splitr ler_add2l.
have f_gt0 : 0 < `|f n| := lt_le_trans y2_gt0 f_ge; have f0 : f n != 0 by rewrite -normr_gt0.
have -> : (f n)^-1 - y^-1 = (y - f n) / (f n * y) by field; rewrite y0.
rewrite normrM normfV normrM ler_pdivr_mulr ?mulr_gt0 // distrC (le_trans le_h) //.
by rewrite le_minl; apply/orP; right; rewrite ler_pmul2l // mulrC ler_wpmul2r.
Qed.

Lemma tends_sum (I : finType) (F : I -> nat -> R) (A : I -> R) :
  (forall i, tends (F i) (A i)) -> tends (fun n => \sum_i F i n) (\sum_i A i).
Proof.
move=> F_A; elim: (index_enum I) => [|i e IH].
  by apply: (@tends_later (fun _ => 0) _ _ 0) => [n _|]; rewrite big_nil; last exact: tends_const.
apply: (@tends_later (fun n => F i n + \sum_(j <- e) F j n) _ _ 0) => [n _|]; first by rewrite big_cons.
by rewrite big_cons; apply: tends_add.
Qed.

End Tends.

Section Limit.
Variables (R : realFieldType) (N : nat) (gamma : R).
Variables (E : nat -> 'I_N -> 'I_N -> R) (w_r w_t w_v : nat -> R).

(** One layer, from the products c P and c rho. *)
Lemma state_update_joint c (P : 'M[R]_N) (rho : 'rV[R]_N) e a b g v s :
  state_update c P rho gamma e a b g v 0 s =
  v 0 s + \sum_u (e s u / (\sum_w c w * e s w) *
    (a * (c u * rho 0 u) + b * gamma * (\sum_w c u * P u w * v 0 w) + g * (c u * v 0 u))).
Proof.
rewrite state_updateE; congr (_ + _); apply: eq_bigr => u _; rewrite [state_attention _ _ _ _]mxE.
have -> : \sum_w c u * P u w * v 0 w = c u * (P *m v^T) u 0.
  by rewrite mxE mulr_sumr; apply: eq_bigr => w _; rewrite mxE mulrA.
by move: (\sum_w _) ((P *m _) u 0) => *; ring.
Qed.

(** Models whose counts, transitions and rewards converge, rows of c P and c rho. *)
Lemma state_values_tend (c : nat -> 'I_N -> R) (P : nat -> 'M[R]_N) (rho : nat -> 'rV[R]_N)
    (mu : 'I_N -> R) (P' : 'M[R]_N) (rho' v0 : 'rV[R]_N) L s :
  (forall l s, \sum_u mu u * E l s u != 0) ->
  (forall u, tends (fun n => c n u) (mu u)) ->
  (forall u w, tends (fun n => c n u * P n u w) (mu u * P' u w)) ->
  (forall u, tends (fun n => c n u * rho n 0 u) (mu u * rho' 0 u)) ->
  tends (fun n => state_values (c n) (P n) (rho n) gamma E w_r w_t w_v v0 L 0 s)
    (state_values mu P' rho' gamma E w_r w_t w_v v0 L 0 s).
Proof.
move=> Z0 c_mu P_P rho_rho; elim: L s => [|l IH] s /=; first exact: tends_const.
rewrite state_update_joint; apply: (@tends_later _ _ _ _ 0) => [n _|]; first by rewrite state_update_joint.
apply: tends_add => //; apply: tends_sum => u; apply: tends_mul.
  apply: tends_mul; first exact: tends_const.
  by apply: tends_inv => //; apply: tends_sum => w; apply: tends_mul => //; exact: tends_const.
apply: tends_add; last by apply: tends_mul; [exact: tends_const | apply: tends_mul].
apply: tends_add; first by apply: tends_mul => //; exact: tends_const.
by apply: tends_mul; [exact: tends_const | apply: tends_sum => w; apply: tends_mul].
Qed.

(** A context that goes on. Of its first n transitions let the share out of u
    tend to mu u, the share from u to w to mu u P u w, and what is paid out of u,
    divided by n, to mu u rho u. Then at every depth the values tend to those
    of the state form with mu, P and rho. *)
Theorem state_form_limit (S : nat -> 'I_N) (r : nat -> R)
    (mu : 'I_N -> R) (P : 'M[R]_N) (rho v0 : 'rV[R]_N) L s :
  (forall l s, \sum_u mu u * E l s u != 0) ->
  (forall u, tends (fun n => (visits n S u)%:R / n%:R) (mu u)) ->
  (forall u w, tends
     (fun n => (\sum_(k < n | S k == u) (S k.+1 == w)%:R) / n%:R) (mu u * P u w)) ->
  (forall u, tends
     (fun n => (\sum_(k < n | S k == u) r k) / n%:R) (mu u * rho 0 u)) ->
  tends (fun n => state_values (fun u => (visits n S u)%:R) (Pe R n S)
           (rhat n S r)^T gamma E w_r w_t w_v v0 L 0 s)
    (state_values mu P rho gamma E w_r w_t w_v v0 L 0 s).
Proof.
move=> Z0 c_mu P_P rho_rho; pose c n u := (visits n S u)%:R / n%:R : R.
have none n u (F : 'I_n -> R) : visits n S u = 0%N -> \sum_(k < n | S k == u) F k = 0.
  move/eqP; rewrite sum_nat_eq0 => /forall_inP no; apply: big1 => k Sk.
  by have := no k isT; rewrite Sk.
have mean n u (F : 'I_n -> R) :
    (\sum_(k < n | S k == u) F k) / n%:R = c n u * ((\sum_(k < n | S k == u) F k) / (visits n S u)%:R).
  rewrite /c; case: (eqVneq (visits n S u) 0%N) => [/none->|some]; first by rewrite !mul0r mulr0.
  have: (visits n S u)%:R != 0 :> R by rewrite pnatr_eq0.
  by move: (_%:R : R) (n%:R^-1) (\sum_(k < n | _) _) => q t f q0; field.
apply: (@tends_later _ (fun n => state_values (c n) (Pe R n S) (rhat n S r)^T gamma E w_r w_t w_v v0 L 0 s) _ _ 1).
  move=> n n_gt0; congr (fun_of_matrix _ 0 s).
  apply: (state_form_sees_frequencies (a := n%:R^-1)) => [|u|//]; last exact: mulrC.
  by rewrite invr_eq0 pnatr_eq0 -lt0n.
apply: state_values_tend => // [u w|u].
  by apply: (@tends_later _ _ _ _ 0) (P_P u w) => n _; rewrite mean mxE.
by apply: (@tends_later _ _ _ _ 0) (rho_rho u) => n _; rewrite mean !mxE.
Qed.

End Limit.
