(** linear-average-reward: with a second head, which reads the rewards
    less their running mean, linear attention is average-reward TD. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries transitions.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Open Scope ring_scope.

Section Definitions.
Variables (R : realFieldType) (n d : nat).
Variables (x x_next : nat -> 'cV[R]_d) (r : nat -> R) (query : 'cV[R]_d).

(** The mean of the rewards so far, that of transition k included. *)
Definition running_mean (k : nat) : R := (\sum_(i < k.+1) r i) / k.+1%:R.

(** C: what a column k < n makes of a row is its entry there
    less the mean of the entries so far; in the query column it is 0. *)
Definition centring : 'M[R]_n.+1 :=
  \matrix_(i, k)
    if (k < n)%N then (i == k)%:R - (i <= k)%:R / k.+1%:R else 0.

(** The rewards, and 0 in the query column. *)
Definition reward_band : 'rV[R]_n.+1 := \row_j if (j < n)%N then r j else 0.

(** The prompt of transitions for weights of 0, and below it a band
    of what w makes of the features alone; gamma = 1. *)
Definition average_prompt (w : 'cV[R]_d) : 'M[R]_(d + d + 1 + 1, n.+1) :=
  col_mx (transition_prompt n x x_next r query 1 0)
         (\row_j if (j < n)%N then ((x_next j)^T *m w) 0 0 - ((x j)^T *m w) 0 0
                 else - (query^T *m w) 0 0).

(** A of linear TD with a zero band more; V_1 reads the fourth band,
    V_2 the rewards, and both write into the fourth. *)
Definition average_scores : 'M[R]_(d + d + 1 + 1) := block_mx (td_scores R d) 0 0 0.
Definition V_1 (alpha : R) : 'M[R]_(d + d + 1 + 1) := block_mx 0 0 0 alpha%:M.
Definition V_2 (alpha : R) : 'M[R]_(d + d + 1 + 1) :=
  block_mx 0 0 (row_mx 0 alpha%:M) 0.

(** L layers of two heads; the second reads through C. *)
Fixpoint average_transformer (alpha : nat -> R) (L : nat)
    (Z : 'M[R]_(d + d + 1 + 1, n.+1)) :=
  if L is l.+1 then
    let Z' := average_transformer alpha l Z in
    Z' + scanned_head (@sources n) 1%:M average_scores (V_1 (alpha l)) Z'
       + scanned_head (@sources n) centring average_scores (V_2 (alpha l)) Z'
  else Z.

End Definitions.

(** C subtracts from each reward the mean of the rewards so far,
    and is 0 in the query column. *)
Theorem centring_subtracts_running_mean (R : realFieldType) n (r : nat -> R)
    (k : 'I_n.+1) :
  (reward_band n r *m centring R n) 0 k =
  if (k < n)%N then r k - running_mean r k else 0.
Proof.
rewrite mxE; case: ltnP => lt_kn; last by rewrite big1 // => i _; rewrite !mxE [(k < n)%N]ltnNge lt_kn mulr0.
under eq_bigr => i _ do rewrite [centring _ _ _ _]mxE lt_kn mulrBr mulrA.
rewrite sumrB; congr (_ - _).
  rewrite (bigD1 k) //= eqxx mulr1 mxE lt_kn big1 ?addr0 // => i /negbTE ne.
  by rewrite ne mulr0.
rewrite -mulr_suml; congr (_ / _).
rewrite (big_ord_widen n.+1 (fun i => r i) (ltn_ord k)) [RHS]big_mkcond; apply: eq_bigr => i _.
rewrite mxE ltnS; case: (leqP i k) => le_ik /=; rewrite ?mulr0 // mulr1.
by rewrite (leq_ltn_trans le_ik lt_kn).
Qed.

(** So L layers are L updates of average-reward TD, whose errors
    have the rewards less their running means. *)
Theorem transitions_are_average_reward_td (R : realFieldType) n d
    (x x_next : nat -> 'cV[R]_d) r query alpha w0 L :
  average_transformer alpha L (average_prompt n x x_next r query w0) =
  average_prompt n x x_next r query
    (td_along n x x_next (fun k => r k - running_mean r k) 1 x alpha w0 L).
Proof.
have bandE w : (\row_j if (j < n)%N then ((x_next j)^T *m w) 0 0 - ((x j)^T *m w) 0 0
                 else - (query^T *m w) 0 0) = last_band n x x_next (fun=> 0) query 1 w.
  by apply/rowP => j; rewrite [LHS]mxE [RHS]mxE /transition_error add0r mul1r.
have rewardsE : last_band n x x_next r query 1 0 = reward_band n r.
  by apply/rowP => j; rewrite [LHS]mxE [RHS]mxE /transition_error !mulmx0 mxE mulr0 subr0 addr0 oppr0.
elim: L => [//|l /= ->]; set w := td_along _ _ _ _ _ _ _ _ l.
rewrite /scanned_head /average_prompt !bandE.
have -> : (col_mx (transition_prompt n x x_next r query 1 0) (last_band n x x_next (fun=> 0) query 1 w))^T
    *m average_scores R d *m col_mx (transition_prompt n x x_next r query 1 0)
        (last_band n x x_next (fun=> 0) query 1 w) =
    (before_band n x query)^T *m (after_band n x_next 1 - before_band n x query).
  by rewrite /average_scores tr_col_mx mul_row_block mul_row_col !(mulmx0, addr0, mul0mx) td_scoresE.
set K := linear _ _; rewrite /V_1 /V_2 !mul_block_col !mul0mx !addr0 !add0r.
rewrite /transition_prompt mul_row_col mul0mx add0r rewardsE !mul_col_mx !mul0mx !add_col_mx !addr0.
congr (col_mx _ _); apply/rowP => j; rewrite !addmxE !last_bandE (mulmxDr (_ - _)^T) addmxE -!addrA.
congr (_ + (_ + _)); rewrite !mul_scalar_mx -!scalemxAl -scalemxAr !scalemxE -mulrDr; congr (_ * _).
rewrite -addmxE -mulmxDl; apply: linear_reads.
apply: eq_bigr => k _; rewrite before_col addmxE centring_subtracts_running_mean /= ltn_ord mulmx1.
rewrite mxE /= ltn_ord /transition_error; congr (_ *: _).
by move: (r k) (running_mean r k) (_ 0 0) (_ 0 0) => *; ring.
Qed.
