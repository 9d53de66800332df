(** Hoeffding's lemma for any finite distribution, over Coq's reals. *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra ring.
From mathcomp.analysis Require Import Rstruct.
From icrl Require Import operator neu_bound two_points.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

Local Notation R := R_realFieldType.
Local Notation exp := (Rtrigo_def.exp : R -> R).

Section Hoeffding.
Variables (N : nat) (mu : 'I_N -> R) (f : 'I_N -> R) (a b : R).
Hypothesis mu_distribution : distribution mu.
Hypothesis f_between : forall s, a <= f s <= b.

(** The two values, in the notation of fields. *)
Lemma two_valued (p u : R) :
  0 <= p <= 1 ->
  (1 - p) * exp (u * - p) + p * exp (u * (1 - p)) <= exp (u ^+ 2 / 8%:R).
Proof.
move=> /andP[/RleP p_ge0 /RleP p_le1].
have eight : IZR 8 = 8%:R by rewrite -INRE INR_IZR_INZ.
have -> : u ^+ 2 / 8%:R = Rdiv (Rmult u u) (IZR 8) by rewrite RdivE ?eight ?pnatr_eq0.
by apply/RleP/hoeffding_two_points.
Qed.

(** A number between a and b, less its mean: the mean of exp (lambda times it)
    is at most exp (lambda^2 (b - a)^2 / 8). *)
Theorem hoeffding_lemma (lambda : R) :
  \sum_s mu s * exp (lambda * (f s - \sum_u mu u * f u)) <=
  exp (lambda ^+ 2 * (b - a) ^+ 2 / 8%:R).
Proof.
have [mu_ge0 mu_sum1] := mu_distribution; set mean := \sum_u mu u * f u.
have mean_between : a <= mean <= b.
  rewrite -[a]mul1r -[b]mul1r -mu_sum1 !mulr_suml /mean.
  by apply/andP; split; apply: ler_sum => s _; rewrite ler_wpmul2l //; case/andP: (f_between s).
have [ab|h_neq0] := eqVneq (b - a) 0.
  have const s : f s = mean.
    have ba : b = a by apply/subr0_eq.
    by move: (f_between s) mean_between; rewrite ba => /le_anti <- /le_anti.
  rewrite ab expr0n mulr0 mul0r; under eq_bigr => s _ do rewrite const subrr mulr0.
  by rewrite -mulr_suml mu_sum1 mul1r.
have h_gt0 : 0 < b - a.
  by rewrite lt_neqAle eq_sym h_neq0 subr_ge0; case/andP: mean_between => /le_trans; apply.
pose t x := (x - a) / (b - a).
have t_01 x : a <= x <= b -> 0 <= t x <= 1.
  case/andP=> le_ax le_xb; rewrite /t ler_pdivr_mulr // mul1r ler_add2r le_xb /= andbT.
  by rewrite divr_ge0 ?(ltW h_gt0) // subr_ge0.
pose u := lambda * (b - a); pose p := t mean.
apply: (@le_trans _ _ (\sum_s mu s * ((1 - t (f s)) * exp (u * - p) + t (f s) * exp (u * (1 - p))))).
  apply: ler_sum => s _; rewrite ler_wpmul2l //.
  have -> : lambda * (f s - mean) = u * - p + t (f s) * (u * (1 - p) - u * - p).
    by rewrite /u /p /t; field.
  by have /andP[/RleP t_ge0 /RleP t_le1] := t_01 _ (f_between s); apply/RleP/exp_convex.
have tE : \sum_s mu s * t (f s) = p.
  have -> : p = \sum_s (mu s * f s - mu s * a) / (b - a).
    by rewrite -mulr_suml sumrB -[in X in _ - X]mulr_suml mu_sum1 mul1r.
  by apply: eq_bigr => s _; rewrite /t mulrA mulrBr.
rewrite -exprMn -/u; apply: le_trans (two_valued u (t_01 _ mean_between)).
rewrite -/p; move: (exp (u * - p)) (exp (u * (1 - p))) => e0 e1.
rewrite -[X in _ <= (X - _) * _ + _]mu_sum1 -tE -sumrB !mulr_suml -big_split /=.
by apply: ler_sum => s _; rewrite mulrDr mulrA [mu s * (t _ * _)]mulrA mulrBr mulr1.
Qed.

End Hoeffding.
