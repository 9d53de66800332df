(** linear-td, linear-residual-gradient: in linear attention on a prompt
    of transitions, the errors move the weights along what the keys hold. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From icrl Require Import transformer td entries softmax_td linear_td.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Open Scope ring_scope.

(** Any prompt: m rows, and n + 1 columns of which the last is the query. *)
Section Layer.
Variables (R : realFieldType) (n m : nat).

(** What one head adds: V Z, read through T, times linear attention. *)
Definition scanned_head (visible : pred 'I_n.+1) (T : 'M[R]_n.+1) (A V : 'M[R]_m)
    (Z : 'M[R]_(m, n.+1)) :=
  V *m Z *m T *m linear visible (Z^T *m A *m Z).

(** L layers of one head; layer l has the value matrix V l. *)
Fixpoint scanned_transformer visible T A (V : nat -> 'M[R]_m) (L : nat)
    (Z : 'M[R]_(m, n.+1)) :=
  if L is l.+1 then
    let Z' := scanned_transformer visible T A V l Z in
    Z' + scanned_head visible T A (V l) Z'
  else Z.

End Layer.

Section Definitions.
Variables (R : realFieldType) (n d : nat).
(** The transitions k < n: features x k and x_next k, with the reward R_{k+1} = r k.
    They need not follow one another. *)
Variables (x x_next : nat -> 'cV[R]_d) (r : nat -> R).
Variables (query : 'cV[R]_d) (gamma : R).

Definition transition_error (w : 'cV[R]_d) (k : nat) : R :=
  r k + gamma * ((x_next k)^T *m w) 0 0 - ((x k)^T *m w) 0 0.

(** The bands: the features before, those after times gamma, and the last row. *)
Definition before_band : 'M[R]_(d, n.+1) :=
  \matrix_(i, j) if (j < n)%N then x j i 0 else query i 0.
Definition after_band : 'M[R]_(d, n.+1) :=
  \matrix_(i, j) if (j < n)%N then gamma * x_next j i 0 else 0.
Definition last_band (w : 'cV[R]_d) : 'rV[R]_n.+1 :=
  \row_j if (j < n)%N then transition_error w j else - (query^T *m w) 0 0.
Definition transition_prompt (w : 'cV[R]_d) : 'M[R]_(d + d + 1, n.+1) :=
  col_mx (col_mx before_band after_band) (last_band w).

(** A of linear TD, that of the residual gradient, and V. *)
Definition td_scores : 'M[R]_(d + d + 1) :=
  block_mx (block_mx (- 1%:M) 1%:M 0 0) 0 0 0.
Definition residual_scores : 'M[R]_(d + d + 1) :=
  block_mx (block_mx (- 1%:M) 1%:M 1%:M (- 1%:M)) 0 0 0.
Definition last_row_values (alpha : R) : 'M[R]_(d + d + 1) :=
  block_mx 0 0 0 alpha%:M.

(** The iterates from w0 if each error moves the weights along a vector of its own:
    linear TD has x k for it. *)
Fixpoint td_along (along : nat -> 'cV[R]_d) (alpha : nat -> R) (w0 : 'cV[R]_d) l :=
  if l is l'.+1 then
    let w := td_along along alpha w0 l' in
    w + alpha l' *: \sum_(k < n) transition_error w k *: along k
  else w0.

(** Half the sum of the squared errors, and its gradient. *)
Definition half_squares (w : 'cV[R]_d) : R :=
  (\sum_(k < n) transition_error w k ^+ 2) / 2%:R.
Definition squares_gradient (w : 'cV[R]_d) : 'cV[R]_d :=
  \sum_(k < n) transition_error w k *: (gamma *: x_next k - x k).

End Definitions.

Section Layers.
Variables (R : realFieldType) (n d : nat).
Variables (x x_next : nat -> 'cV[R]_d) (r : nat -> R).
Variables (query : 'cV[R]_d) (gamma : R).
Implicit Types w u : 'cV[R]_d.
Notation prompt := (transition_prompt n x x_next r query gamma).
Notation X := (before_band n x query).
Notation Y := (after_band n x_next gamma).

(** The last row is the rewards, and what the weights make of the columns of Y - X. *)
Lemma last_bandE w j : last_band n x x_next r query gamma w 0 j =
  (if (j < n)%N then r j else 0) + ((Y - X)^T *m w) j 0.
Proof.
rewrite !mxE; case: ltnP => lt_jn; rewrite ?add0r.
  rewrite /transition_error -addrA; congr (_ + _); rewrite !mxE mulr_sumr -sumrB.
  by apply: eq_bigr => i _; rewrite !mxE lt_jn mulrBl mulrA.
rewrite -sumrN; apply: eq_bigr => i _.
by rewrite !mxE ltnNge lt_jn /= sub0r mulNr.
Qed.

(** Linear attention reads a row by its keys: the read vectors add up to what
    the columns of Y - X are scored against. *)
Lemma linear_reads (row : 'rV[R]_n.+1) (keys : 'M[R]_(d, n.+1)) u j :
  \sum_(k < n) row 0 (widen_ord (leqnSn n) k) *: col (widen_ord (leqnSn n) k) keys = u ->
  (row *m linear (@sources n) (keys^T *m (Y - X))) 0 j = ((Y - X)^T *m u) j 0.
Proof.
move=> <-; rewrite mulmx_sumr summxE mxE big_ord_recr [linear _ _ ord_max j]mxE /= {2}/sources ltnn mulr0 addr0.
apply: eq_bigr => k _; rewrite [linear _ _ _ _]mxE /sources /= ltn_ord -scalemxAr scalemxE; congr (_ * _).
by rewrite !mxE; apply: eq_bigr => i _; rewrite !mxE mulrC.
Qed.

(** A layer adds a u to the weights, where u is the sum of what is read,
    times the keys. *)
Lemma layer_moves T A (keys : 'M[R]_(d, n.+1)) a w u :
  (prompt w)^T *m A *m prompt w = keys^T *m (Y - X) ->
  \sum_(k < n) (last_band n x x_next r query gamma w *m T) 0 (widen_ord (leqnSn n) k) *:
    col (widen_ord (leqnSn n) k) keys = u ->
  prompt w + scanned_head (@sources n) T A (last_row_values d a) (prompt w) = prompt (w + a *: u).
Proof.
move=> scores read; rewrite /scanned_head scores /last_row_values.
rewrite {1 2}/transition_prompt mul_block_col !mul0mx !addr0 add0r !mul_col_mx !mul0mx add_col_mx addr0.
congr (col_mx _ _); apply/rowP => j; rewrite addmxE !last_bandE (mulmxDr (Y - X)^T) -addrA; congr (_ + _).
rewrite addmxE; congr (_ + _); rewrite -scalemxAr mul_scalar_mx -!scalemxAl !scalemxE; congr (_ * _).
exact: linear_reads.
Qed.

(** A of linear TD scores the features of a key against the columns of Y - X. *)
Lemma td_scoresE w : (prompt w)^T *m td_scores R d *m prompt w = X^T *m (Y - X).
Proof.
rewrite /transition_prompt /td_scores !tr_col_mx mul_row_block mul_row_col !(mulmx0, addr0, mul0mx).
by rewrite mul_row_block mul_row_col !mulmx0 !addr0 mulmxN !mulmx1 mulNmx addrC -mulmxBr.
Qed.

(** The score matrix of the residual gradient scores the columns of X - Y. *)
Lemma residual_scoresE w : (prompt w)^T *m residual_scores R d *m prompt w = (X - Y)^T *m (Y - X).
Proof.
rewrite /transition_prompt /residual_scores !tr_col_mx mul_row_block mul_row_col !(mulmx0, addr0, mul0mx).
rewrite mul_row_block mul_row_col !mulmxN !mulmx1.
by rewrite [(X - Y)^T]linearB /= mulmxBr [- X^T + _]addrC -(opprB X^T) mulNmx addrC.
Qed.

Lemma before_col (k : 'I_n) : col (widen_ord (leqnSn n) k) X = x k.
Proof. by apply/colP => i; rewrite !mxE /= ltn_ord. Qed.

Lemma after_col (k : 'I_n) : col (widen_ord (leqnSn n) k) Y = gamma *: x_next k.
Proof. by apply/colP => i; rewrite !mxE /= ltn_ord. Qed.

End Layers.

Section Transitions.
Variables (R : realFieldType) (n d : nat).
Variables (x x_next : nat -> 'cV[R]_d) (r : nat -> R).
Variables (query : 'cV[R]_d) (gamma : R).
Implicit Types alpha : nat -> R.
Notation Z := (transition_prompt n x x_next r query gamma).
Notation td_along := (td_along n x x_next r gamma).

(** Linear attention on transitions is linear TD. *)
Theorem transitions_are_linear_td alpha w0 L :
  scanned_transformer (@sources n) 1%:M (td_scores R d)
    (fun l => last_row_values d (alpha l)) L (Z w0) =
  Z (td_along x alpha w0 L).
Proof.
elim: L => [//|l IH] /=; rewrite IH; apply: layer_moves; first exact: td_scoresE.
rewrite mulmx1; apply: eq_bigr => k _.
by rewrite before_col mxE /= ltn_ord.
Qed.

End Transitions.

Section Residual.
Variables (R : realFieldType) (n d : nat).
Variables (x x_next : nat -> 'cV[R]_d) (r : nat -> R).
Variables (query : 'cV[R]_d) (gamma : R).
Implicit Types (w h : 'cV[R]_d) (alpha : nat -> R).
Notation Z := (transition_prompt n x x_next r query gamma).
Notation td_along := (td_along n x x_next r gamma).
Notation half_squares := (half_squares n x x_next r gamma).
Notation squares_gradient := (squares_gradient n x x_next r gamma).

(** With two more blocks in A it is the residual gradient. *)
Theorem transitions_are_residual_gradient alpha w0 L :
  scanned_transformer (@sources n) 1%:M (residual_scores R d)
    (fun l => last_row_values d (alpha l)) L (Z w0) =
  Z (td_along (fun k => x k - gamma *: x_next k) alpha w0 L).
Proof.
elim: L => [//|l IH] /=; rewrite IH; apply: layer_moves; first exact: residual_scoresE.
rewrite mulmx1; apply: eq_bigr => k _.
by rewrite linearB /= before_col after_col mxE /= ltn_ord.
Qed.

(** The gradient of half the squares is one: from w to w + h they change
    by its product with h, and by half a square. *)
Theorem squares_gradient_is_derivative w h :
  half_squares (w + h) = half_squares w + ((squares_gradient w)^T *m h) 0 0 +
  (\sum_(k < n) ((gamma *: x_next k - x k)^T *m h) 0 0 ^+ 2) / 2%:R.
Proof.
rewrite linear_sum mulmx_suml summxE /transitions.half_squares.
have two0 : 2%:R != 0 :> R by rewrite pnatr_eq0.
apply: (mulIf two0); rewrite !mulrDl !divfK // mulr_suml -!big_split; apply: eq_bigr => k _ /=.
rewrite linearZ /= -scalemxAl scalemxE.
have -> : transition_error x x_next r gamma (w + h) k =
    transition_error x x_next r gamma w k + ((gamma *: x_next k - x k)^T *m h) 0 0.
  rewrite /transition_error !mulmxDr linearB linearZ mulmxBl /= -scalemxAl !(addmxE, oppmxE, scalemxE).
  by move: (r k) (_ 0 0) (_ 0 0) (_ 0 0) (_ 0 0) => *; ring.
by move: (transition_error _ _ _ _ w k) (_ 0 0) => *; ring.
Qed.

(** The residual gradient goes down it, with the steps alpha l. *)
Theorem residual_gradient_descends alpha w0 l :
  let w := td_along (fun k => x k - gamma *: x_next k) alpha w0 in
  w l.+1 = w l - alpha l *: squares_gradient (w l).
Proof.
rewrite /= -scalerN -sumrN; congr (_ + _ *: _); apply: eq_bigr => k _.
by rewrite -scalerN opprB.
Qed.

End Residual.

(** If the transitions are those of a context, and the query is its last state,
    the prediction is that state's value after as many layers of linear attention
    on the prompt of values. *)
Theorem prediction_is_value (R : realFieldType) N n d (S : nat -> 'I_N)
    (r : nat -> R) (x : 'I_N -> 'cV[R]_d) gamma alpha w0 L :
  let before k := x (S k) in let after k := x (S k.+1) in
  let Z := scanned_transformer (@sources n) 1%:M (td_scores R d)
    (fun l => last_row_values d (alpha l)) L
    (transition_prompt n before after r (x (S n)) gamma w0) in
  - Z (rshift (d + d) 0) ord_max =
  transformer (shift R n) (linear (@sources n)) 1%:M gamma alpha L
    (prompt n S r x gamma (linear_value x w0)) (value_row d) ord_max.
Proof.
rewrite /= transitions_are_linear_td col_mxEd mxE ltnn opprK transformer_is_linear_td prompt_value [RHS]mxE.
congr ((_ *m _) 0 0); elim: L => [//|l /= ->]; congr (_ + _ *: _); apply: eq_bigr => k _; congr (_ *: _).
by rewrite /td_error ![linear_value _ _ _ _]mxE.
Qed.
