(** linear: with linear attention in softmax's place,
    L layers are L updates of linear TD. *)
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import transformer td entries softmax_td.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Open Scope ring_scope.

Section LinearTD.
Variables (R : realFieldType) (N n d : nat).
Variables (S : nat -> 'I_N) (r : nat -> R) (x : 'I_N -> 'cV[R]_d) (gamma : R).
Implicit Types (w : 'cV[R]_d) (alpha : nat -> R).
Notation prompt := (prompt n S r x gamma).

(** The value of a state is linear in the weights. *)
Lemma linear_valueD w a (u : 'I_n -> 'cV[R]_d) (e : 'I_n -> R) s :
  linear_value x (w + a *: \sum_k e k *: u k) s 0 =
  linear_value x w s 0 + a * \sum_k e k * ((x s)^T *m u k) 0 0.
Proof.
rewrite mxE [linear_value x w s 0]mxE mulmxDr addmxE -scalemxAr scalemxE mulmx_sumr summxE.
congr (_ + a * _); by apply: eq_bigr => k _; rewrite -scalemxAr scalemxE.
Qed.

(** With A the identity the score is the inner product of the features. *)
Lemma score_id s u : score x 1%:M s u = ((x s)^T *m x u) 0 0.
Proof. by rewrite /score mulmx1 !mxE; apply: eq_bigr => i _; rewrite !mxE mulrC. Qed.

(** The L-layer linear transformer carries the prompt of the values of w0
    to that of the values of w_L. *)
Theorem transformer_is_linear_td alpha w0 L :
  transformer (shift R n) (linear (@sources n)) 1%:M gamma alpha L
    (prompt (linear_value x w0)) =
  prompt (linear_value x (linear_td n S r gamma x alpha w0 L)).
Proof.
elim: L => [//|l IH] /=; rewrite IH; apply: layer_prompt => j; rewrite linear_valueD; congr (_ + _ * _).
rewrite big_ord_recr /= mxE /sources ltnn mul0r addr0.
apply: eq_bigr => k _; rewrite [linear _ _ _ _]mxE /= ltn_ord.
by rewrite prompt_scores /column_error ltn_ord score_id mulrC.
Qed.

End LinearTD.
