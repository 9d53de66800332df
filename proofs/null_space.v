(** identifiability: the space of the invisible changes of A. *)
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import transformer td entries operator identifiability.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** The D with Y D X = 0 are a space of dimension d^2 - (rank Y) (rank X). *)
Section Sandwich.
Variables (F : fieldType) (m d q : nat) (Y : 'M[F]_(m, d)) (X : 'M[F]_(d, q)).

Definition sandwich (D : 'M[F]_d) : 'M[F]_(m, q) := Y *m D *m X.
Definition inner_part (D : 'M[F]_d) : 'M[F]_(\rank Y, \rank X) := row_base Y *m D *m col_base X.
Definition outer_part (B : 'M[F]_(\rank Y, \rank X)) : 'M[F]_(m, q) := col_base Y *m B *m row_base X.

Lemma sandwich_linear : linear_for *:%R sandwich.
Proof. by move=> c D D'; rewrite /sandwich mulmxDr mulmxDl -scalemxAr -scalemxAl. Qed.
Lemma inner_linear : linear_for *:%R inner_part.
Proof. by move=> c D D'; rewrite /inner_part mulmxDr mulmxDl -scalemxAr -scalemxAl. Qed.
Notation sandwich_map := (Linear sandwich_linear).
Notation inner_map := (Linear inner_linear).

Lemma sandwich0 D : (sandwich D == 0) = (inner_part D == 0).
Proof.
have -> : sandwich D = outer_part (inner_part D).
  by rewrite /sandwich -{1}(mulmx_base Y) -{1}(mulmx_base X) /outer_part /inner_part !mulmxA.
apply/eqP/eqP => [gone|->]; last by rewrite /outer_part mulmx0 mul0mx.
move: (inner_part D) gone => B gone.
have [X' X'1] := row_freeP (row_base_free X); have [Y' Y'1] := row_fullP (col_base_full Y).
suff -> : B = Y' *m outer_part B *m X' by rewrite gone mulmx0 mul0mx.
rewrite /outer_part; move: (col_base Y) (row_base X) Y'1 X'1 => a b a1 b1.
by rewrite !mulmxA a1 mul1mx -mulmxA b1 mulmx1.
Qed.

Lemma inner_onto B : exists D, inner_part D = B.
Proof.
have [Y' Y'1] := row_freeP (row_base_free Y); have [X' X'1] := row_fullP (col_base_full X).
exists (Y' *m B *m X'); rewrite /inner_part; move: (row_base Y) (col_base X) Y'1 X'1 => a b a1 b1.
by rewrite !mulmxA a1 mul1mx -mulmxA b1 mulmx1.
Qed.

Lemma sandwich_dim : \dim (lker (linfun sandwich_map)) = (d * d - \rank Y * \rank X)%N.
Proof.
have -> : lker (linfun sandwich_map) = lker (linfun inner_map).
  by apply/vspaceP => D; rewrite !memv_ker !lfunE /= sandwich0.
have full : limg (linfun inner_map) = fullv.
  apply/vspaceP => B; rewrite memvf; have [D <-] := inner_onto B.
  by rewrite -[inner_part D]/(inner_map D) -lfunE memv_img ?memvf.
have := limg_ker_dim (linfun inner_map) fullv; rewrite capfv full !dimvf /=.
by rewrite /Vector.dim /= => <-; rewrite addnK.
Qed.

End Sandwich.

Section NullSpace.
Variables (R : realFieldType) (N n d : nat).
Variables (S : nat -> 'I_N) (x : 'I_N -> 'cV[R]_d).
Implicit Types (D : 'M[R]_d).
Notation invisible := (invisible n S x).

(** The rows of these span the differences of the sources' features,
    and the features of all visited states. *)
Definition source_differences : 'M[R]_d :=
  (\sum_(k < n) \sum_(i < n) <<(x (S k) - x (S i))^T>>)%MS.
Definition visited_features : 'M[R]_d := (\sum_(j < n.+1) <<(x (S j))^T>>)%MS.

Lemma invisible_sandwich D :
  invisible D <-> sandwich source_differences visited_features^T D = 0.
Proof.
have -> : sandwich source_differences visited_features^T D = 0 <-> (visited_features <= kermx (source_differences *m D)^T)%MS.
  have -> : sandwich source_differences visited_features^T D = (visited_features *m (source_differences *m D)^T)^T.
    by rewrite trmx_mul trmxK.
  by split=> [/(congr1 trmx)|/sub_kermxP->]; rewrite ?trmx0 // trmxK => /sub_kermxP.
have -> : (visited_features <= kermx (source_differences *m D)^T)%MS <->
    forall j : 'I_n.+1, (source_differences <= kermx (D *m x (S j)))%MS.
  have each (j : 'I_n.+1) : (<<(x (S j))^T>> <= kermx (source_differences *m D)^T)%MS = (source_differences <= kermx (D *m x (S j)))%MS.
    rewrite genmxE; apply/sub_kermxP/sub_kermxP => gone; apply: trmx_inj;
    by rewrite trmx0 -gone !trmx_mul ?trmxK ?mulmxA.
  split=> [/sumsmx_subP sub j|sub]; first by rewrite -each sub.
  by apply/sumsmx_subP => j _; rewrite each sub.
split=> [inv j|sub k i j].
  apply/sumsmx_subP => k _; apply/sumsmx_subP => i _; rewrite genmxE; apply/sub_kermxP/matrixP => a b.
  by rewrite !ord1 mulmxA inv mxE.
have /sumsmx_subP/(_ k isT)/sumsmx_subP/(_ i isT) := sub j; rewrite genmxE => /sub_kermxP.
by rewrite mulmxA => /matrixP/(_ 0 0); rewrite [RHS]mxE.
Qed.

(** The invisible D are a space of dimension d^2 - p r: p is the rank of
    the differences of the sources' features, and r the rank of the features
    of all visited states. *)
Theorem dimension_of_the_invisible :
  exists2 V : {vspace 'M[R]_d}, forall D, D \in V <-> invisible D
  & \dim V = (d ^ 2 - \rank source_differences * \rank visited_features)%N.
Proof.
exists (lker (linfun (Linear (sandwich_linear source_differences visited_features^T)))) => [D|].
  rewrite memv_ker lfunE /= invisible_sandwich; split=> [/eqP //|->]; exact: eqxx.
by rewrite sandwich_dim mxrank_tr -mulnn.
Qed.

(** If the features of the visited states span R^d, the invisible D are the sums
    of matrices u c^T, c any vector and <x(s), u> the same number
    at all sources s. *)
Theorem invisible_if_the_features_span D :
  \rank visited_features = d ->
  invisible D <->
  exists (m : nat) (u c : 'I_m -> 'cV[R]_d), D = \sum_i u i *m (c i)^T
    /\ forall i (k l : 'I_n), (x (S k))^T *m u i = (x (S l))^T *m u i.
Proof.
move=> span; split=> [/invisible_sandwich gone|[m [u [c [-> level]]]] k i j]; last first.
  rewrite mulmx_sumr mulmx_suml summxE big1 // => a _.
  have -> : (x (S k) - x (S i))^T = (x (S k))^T - (x (S i))^T by apply/matrixP => b e; rewrite !mxE.
  by rewrite mulmxA mulmxBl (level a k i) subrr !mul0mx mxE.
have flat (k l : 'I_n) : (x (S k))^T *m D = (x (S l))^T *m D.
  have /row_freeP[X' X'1] : row_free visited_features^T by rewrite /row_free mxrank_tr span.
  have : source_differences *m D = 0.
    by rewrite -[LHS]mulmx1 -X'1 mulmxA (gone : source_differences *m D *m _ = 0) mul0mx.
  move/sub_kermxP/sumsmx_subP/(_ k isT)/sumsmx_subP/(_ l isT); rewrite genmxE => /sub_kermxP.
  have -> : (x (S k) - x (S l))^T = (x (S k))^T - (x (S l))^T by apply/matrixP => b e; rewrite !mxE.
  by rewrite mulmxBl => /subr0_eq.
exists d, (fun i => col i D), (fun i => delta_mx i 0); split=> [|i k l].
  apply/matrixP => a b; rewrite summxE (bigD1 b) //= big1 => [|i /negbTE ne];
  by rewrite mxE big_ord1 !mxE ?eqxx ?mulr1 ?addr0 // eq_sym ne mulr0.
by rewrite !colE !mulmxA (flat k l).
Qed.

End NullSpace.

(** For one-hot features of as many states, all of them sources,
    they are the matrices 1 c^T. *)
Theorem invisible_if_one_hot (R : realFieldType) N n (S : nat -> 'I_N)
    (D : 'M[R]_N) :
  (forall s, source n S s) ->
  invisible n S (fun s => delta_mx s 0) D <->
  exists c : 'cV[R]_N, D = const_mx 1 *m c^T.
Proof.
move=> covered; have at_state s : exists k : 'I_n, S k = s.
  have := covered s; rewrite /source /visits lt0n sum_nat_eq0 negb_forall => /existsP[k].
  by rewrite eqb0 negbK => /eqP; exists k.
have entry s u w : ((delta_mx s 0 - delta_mx u 0 : 'cV[R]_N)^T *m D *m (delta_mx w 0 : 'cV_N)) 0 0 = D s w - D u w.
  have -> : (delta_mx s 0 - delta_mx u 0 : 'cV[R]_N)^T = delta_mx 0 s - delta_mx 0 u.
    by rewrite linearB /= !trmx_delta.
  by rewrite -mulmxA -colE mulmxBl -!rowE !mxE.
split=> [inv|[c Dc] k i j]; last by rewrite /= entry Dc !mxE !big_ord1 !mxE subrr.
case: (posnP N) => [N0|N_gt0]; first by exists 0; apply/matrixP => s; have := ltn_ord s; rewrite {2}N0.
pose s0 := Ordinal N_gt0; exists (row s0 D)^T; apply/matrixP => s w; rewrite trmxK mxE big_ord1 !mxE mul1r.
have [[k <-] [i <-]] := (at_state s, at_state s0); have [j <-] := at_state w.
by have := inv k i (widen_ord (leqnSn n) j); rewrite /= entry => /subr0_eq.
Qed.
