(** Hoeffding's lemma for a number with two values, over Coq's reals. *)
From Coq Require Import Reals Lra.
From mathcomp Require Import ssreflect.
Open Scope R_scope.

(** The mean value theorem from 0: f u - f 0 is u times a slope of f between 0 and u. *)
Lemma slope_between (f f' : R -> R) (u : R) :
  (forall c, derivable_pt_lim f c (f' c)) ->
  exists c, f u - f 0 = f' c * u /\ 0 <= c * u.
Proof.
move=> df; have [neg|[->|pos]] := Rtotal_order u 0; last first.
- have [c [eq between]] := MVT_cor2 f f' 0 u pos (fun c _ => df c).
  by exists c; split; [lra | apply: Rmult_le_pos; lra].
- by exists 0; lra.
have [c [eq between]] := MVT_cor2 f f' u 0 neg (fun c _ => df c).
exists c; split; first by lra.
by rewrite -Rmult_opp_opp; apply: Rmult_le_pos; lra.
Qed.

(** exp lies below its chords. *)
Lemma exp_convex t y z :
  0 <= t <= 1 -> exp (y + t * (z - y)) <= (1 - t) * exp y + t * exp z.
Proof.
move=> t_01; set w := y + _.
have -> : (1 - t) * exp y + t * exp z = exp w * ((1 - t) * exp (y - w) + t * exp (z - w)).
  by rewrite -{1}(Rplus_minus w y) -{1}(Rplus_minus w z) !exp_plus; ring.
rewrite -{1}(Rmult_1_r (exp w)); apply: Rmult_le_compat_l; first by left; exact: exp_pos.
apply: (Rle_trans _ ((1 - t) * (1 + (y - w)) + t * (1 + (z - w)))); first by right; rewrite /w; ring.
by apply: Rplus_le_compat; apply: Rmult_le_compat_l; try exact: exp_ineq1_le; lra.
Qed.

Section TwoPoints.
Variable p : R.
Hypothesis p_01 : 0 <= p <= 1.

(** The mean of exp over the values 0 and u, of which u has the probability p. *)
Definition mean_exp (u : R) : R := 1 - p + p * exp u.

(** The share of u in that mean. *)
Definition tilted (u : R) : R := p * exp u / mean_exp u.

(** How far the logarithm of the mean is below its bound, and the derivative of that. *)
Definition slack (u : R) : R := / 8 * (u * u) + p * u - ln (mean_exp u).
Definition slack' (u : R) : R := / 4 * u + p - tilted u.

Lemma mean_exp_gt0 u : 0 < mean_exp u.
Proof.
have [lt|eq] := Rle_lt_or_eq_dec p 1 (proj2 p_01); have := exp_pos u => e_gt0; rewrite /mean_exp.
  by apply: Rplus_lt_le_0_compat; [lra | apply: Rmult_le_pos; lra].
by rewrite eq; lra.
Qed.

Lemma p_exp_slope u : derivable_pt_lim (fun t => p * exp t) u (p * exp u).
Proof. exact: (derivable_pt_lim_scal exp p u _ (derivable_pt_lim_exp u)). Qed.

Lemma mean_exp_slope u : derivable_pt_lim mean_exp u (p * exp u).
Proof.
rewrite -(Rplus_0_l (p * exp u)).
exact: (derivable_pt_lim_plus _ _ u _ _ (derivable_pt_lim_const (1 - p) u) (p_exp_slope u)).
Qed.

Lemma tilted_slope u : derivable_pt_lim tilted u (tilted u * (1 - tilted u)).
Proof.
have gt0 := mean_exp_gt0 u; have ne0 : mean_exp u <> 0 by lra.
have -> : tilted u * (1 - tilted u) =
  (p * exp u * mean_exp u - p * exp u * (p * exp u)) / Rsqr (mean_exp u).
  by rewrite /tilted /Rsqr; field.
exact: (derivable_pt_lim_div _ _ u _ _ (p_exp_slope u) (mean_exp_slope u) ne0).
Qed.

Lemma line_slope a u : derivable_pt_lim (fun t => a * t) u a.
Proof.
rewrite -{2}(Rmult_1_r a); exact: (derivable_pt_lim_scal id a u _ (derivable_pt_lim_id u)).
Qed.

Lemma slack_slope u : derivable_pt_lim slack u (slack' u).
Proof.
have gt0 := mean_exp_gt0 u.
have -> : slack' u = / 8 * (1 * u + u * 1) + p - / mean_exp u * (p * exp u).
  by rewrite /slack' /tilted; field; lra.
have sq := derivable_pt_lim_mult id id u _ _ (derivable_pt_lim_id u) (derivable_pt_lim_id u).
have upper := derivable_pt_lim_plus _ _ u _ _ (derivable_pt_lim_scal _ (/ 8) u _ sq) (line_slope p u).
have log := derivable_pt_lim_comp _ _ u _ _ (mean_exp_slope u) (derivable_pt_lim_ln _ gt0).
exact: (derivable_pt_lim_minus _ _ u _ _ upper log).
Qed.

Lemma slack'_slope u : derivable_pt_lim slack' u (/ 4 + 0 - tilted u * (1 - tilted u)).
Proof.
have upper := derivable_pt_lim_plus _ _ u _ _ (line_slope (/ 4) u) (derivable_pt_lim_const p u).
exact: (derivable_pt_lim_minus _ _ u _ _ upper (tilted_slope u)).
Qed.

Lemma slack_ge0 u : 0 <= slack u.
Proof.
have mean0 : mean_exp 0 = 1 by rewrite /mean_exp exp_0; lra.
have at0 : slack 0 = 0 by rewrite /slack mean0 ln_1; lra.
have at0' : slack' 0 = 0 by rewrite /slack' /tilted mean0 exp_0; lra.
have [c [eq cu]] := slope_between _ _ u slack_slope; have [b [eq' _]] := slope_between _ _ c slack'_slope.
have -> : slack u = (/ 4 + 0 - tilted b * (1 - tilted b)) * (c * u).
  by rewrite -Rmult_assoc -eq' at0' Rminus_0_r -eq at0 Rminus_0_r.
by apply: Rmult_le_pos cu; have := Rle_0_sqr (tilted b - / 2); rewrite /Rsqr; lra.
Qed.

(** Of a number that is 1 - p with probability p, else - p, so that its mean is 0:
    the mean of exp (u times it) is at most exp (u^2 / 8). *)
Lemma hoeffding_two_points u :
  (1 - p) * exp (u * - p) + p * exp (u * (1 - p)) <= exp (u * u / 8).
Proof.
have -> : u * (1 - p) = u * - p + u by ring.
have -> : (1 - p) * exp (u * - p) + p * exp (u * - p + u) = exp (u * - p) * mean_exp u.
  by rewrite exp_plus /mean_exp; ring.
rewrite -(exp_ln (mean_exp u)) -?exp_plus; last exact: mean_exp_gt0.
have := slack_ge0 u; rewrite /slack => -[lt|eq].
  by left; apply: exp_increasing; lra.
by right; f_equal; lra.
Qed.

End TwoPoints.
