(** What the program computes at Coq's rationals is what the transformer gives at every real field. *)
From Coq Require Import QArith.
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import transformer td episodes executable.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Open Scope ring_scope.

(** A map h from one arithmetic to another that respects its numbers and operations respects the program. *)
Section Morphism.
Variables (T T' : Type) (o : operations T) (o' : operations T') (h : T -> T').
Hypotheses (h0 : h (zero o) = zero o') (h1 : h (one o) = one o').
Hypotheses (hadd : forall x y, h (add o x y) = add o' (h x) (h y)).
Hypotheses (hopp : forall x, h (opp o x) = opp o' (h x)).
Hypotheses (hmul : forall x y, h (mul o x y) = mul o' (h x) (h y)).
Hypotheses (hdiv : forall x y, h (div o x y) = div o' (h x) (h y)).
Notation hh := (map (map h)).

Lemma tab_morphism m p f f' : (forall i j, h (f i j) = f' i j) -> hh (tab m p f) = tab m p f'.
Proof.
by move=> e; rewrite -map_comp; apply: eq_map => i /=; rewrite -map_comp; apply: eq_map => j /=.
Qed.

Lemma nth_morphism s i : nth (zero o') (map h s) i = h (nth (zero o) s i).
Proof. by elim: s i => [|x s IH] [|i] //=. Qed.

Lemma get_morphism X i j : get o' (hh X) i j = h (get o X i j).
Proof. by rewrite /get -nth_morphism; congr nth; elim: X i => [|x s IH] [|i] //=. Qed.

Lemma sum_morphism p f f' : (forall k, h (f k) = f' k) -> h (exec_sum o p f) = exec_sum o' p f'.
Proof. by move=> e; rewrite /exec_sum; elim: (iota 0 p) => //= k s IH; rewrite hadd e IH. Qed.

Lemma mul_morphism m p q X Y : hh (exec_mul o m p q X Y) = exec_mul o' m p q (hh X) (hh Y).
Proof. by apply: tab_morphism => i j; apply: sum_morphism => k; rewrite hmul !get_morphism. Qed.
Lemma add_morphism m p X Y : hh (exec_add o m p X Y) = exec_add o' m p (hh X) (hh Y).
Proof. by apply: tab_morphism => i j; rewrite hadd !get_morphism. Qed.
Lemma sub_morphism m p X Y : hh (exec_sub o m p X Y) = exec_sub o' m p (hh X) (hh Y).
Proof. by apply: tab_morphism => i j; rewrite hadd hopp !get_morphism. Qed.
Lemma scale_morphism m p c X : hh (exec_scale o m p c X) = exec_scale o' m p (h c) (hh X).
Proof. by apply: tab_morphism => i j; rewrite hmul !get_morphism. Qed.
Lemma tr_morphism m p X : hh (exec_tr o m p X) = exec_tr o' m p (hh X).
Proof. by apply: tab_morphism => i j; rewrite get_morphism. Qed.
Lemma identity_morphism m : hh (exec_identity o m) = exec_identity o' m.
Proof. by apply: tab_morphism => i j; case: ifP. Qed.
Lemma delta_morphism m a b : hh (exec_delta o m a b) = exec_delta o' m a b.
Proof. by apply: tab_morphism => i j; case: ifP. Qed.
Lemma shift_morphism n : hh (exec_shift o n) = exec_shift o' n.
Proof. by apply: tab_morphism => i j; case: ifP. Qed.
Lemma shift_of_morphism C next : hh (exec_shift_of o C next) = exec_shift_of o' C next.
Proof. by apply: tab_morphism => i j; case: ifP. Qed.

Lemma stand_in_morphism t : h (stand_in o t) = stand_in o' (h t).
Proof. by rewrite /stand_in !hadd h1 hmul. Qed.

Lemma softmax_morphism C (e : T -> T) (e' : T' -> T') (visible : pred nat) G :
  (forall t, h (e t) = e' (h t)) ->
  hh (exec_softmax o C e visible G) = exec_softmax o' C e' visible (hh G).
Proof.
move=> he; rewrite /exec_softmax; apply: tab_morphism => k j; case: ifP => // _; rewrite hdiv.
set P := tab _ _ _; set P' := tab _ _ (fun k j => if _ then e' _ else _).
have PP i l : h (get o P i l) = get o' P' i l.
  rewrite -get_morphism; congr get; apply: tab_morphism => a b; case: ifP => // _.
  by rewrite he get_morphism.
rewrite PP -nth_morphism; congr (div _ _ (nth _ _ _)).
by rewrite -map_comp; apply: eq_map => b /=; apply: sum_morphism => a; rewrite PP.
Qed.

Lemma layer_morphism C d Pi N N' A g a Z : (forall X, hh (N X) = N' (hh X)) ->
  hh (exec_layer o C d Pi N A g a Z) = exec_layer o' C d (hh Pi) N' (hh A) (h g) (h a) (hh Z).
Proof.
move=> hN; rewrite /exec_layer /exec_target_memory /exec_attention /exec_U /exec_W /exec_value_matrix.
rewrite !(add_morphism, mul_morphism, sub_morphism, scale_morphism, delta_morphism, identity_morphism,
  hN, tr_morphism).
suff -> : hh (exec_score_matrix o d A) = exec_score_matrix o' d (hh A) by [].
by apply: tab_morphism => i j; case: ifP => // _; rewrite get_morphism.
Qed.

Lemma prompt_morphism n d states rewards features g v :
  hh (exec_prompt o n d states rewards features g v) =
  exec_prompt o' n d states (map h rewards) (hh features) (h g) (map h v).
Proof.
apply: tab_morphism => i j; case: ifP => _; first by rewrite get_morphism.
rewrite -nth_morphism /=; congr nth; rewrite !nth_morphism.
by case: ifP => _; rewrite ?h0 ?hmul ?nth_morphism.
Qed.

Lemma ep_prompt_morphism C d states rewards features g next v :
  hh (exec_ep_prompt o C d states rewards features g next v) =
  exec_ep_prompt o' C d states (map h rewards) (hh features) (h g) next (map h v).
Proof.
apply: tab_morphism => i j; case: ifP => _; first by rewrite get_morphism.
rewrite -nth_morphism /=; congr nth; rewrite hmul !nth_morphism /exec_next_value.
by case: ifP => _; rewrite ?h0 ?nth_morphism.
Qed.

Lemma transformer_morphism C d Pi N N' A g alphas L Z : (forall X, hh (N X) = N' (hh X)) ->
  hh (exec_transformer o C d Pi N A g alphas L Z) =
  exec_transformer o' C d (hh Pi) N' (hh A) (h g) (map h alphas) L (hh Z).
Proof. by move=> hN; elim: L => //= l IH; rewrite (layer_morphism _ _ _ _ _ _ _ hN) IH nth_morphism. Qed.

End Morphism.

Section Rationals.
Variable F : realFieldType.

(** A rational number of Coq in the field F. *)
Definition posF (p : positive) : F := (Pos.to_nat p)%:R.
Definition intF (z : Z) : F := match z with Z0 => 0 | Zpos p => posF p | Zneg p => - posF p end.
Definition ratF (q : Q) : F := intF (Qnum q) / posF (Qden q).

Lemma posF_gt0 p : 0 < posF p.
Proof. by rewrite ltr0n; apply/ssrnat.ltP/Pos2Nat.is_pos. Qed.
Lemma posF_neq0 p : posF p != 0. Proof. by rewrite gt_eqF ?posF_gt0. Qed.
Lemma posF_add p q : posF (Pos.add p q) = posF p + posF q.
Proof. by rewrite /posF Pos2Nat.inj_add natrD. Qed.
Lemma posF_mul p q : posF (Pos.mul p q) = posF p * posF q.
Proof. by rewrite /posF Pos2Nat.inj_mul natrM. Qed.

Lemma intF_sub p q : intF (Z.pos_sub p q) = posF p - posF q.
Proof.
rewrite Z.pos_sub_spec; case: Pos.compare_spec => [->|lt|lt] /=; first by rewrite subrr.
- by move: (congr1 posF (Pos.sub_add _ _ lt)); rewrite posF_add => <-; rewrite opprD addrCA subrr addr0.
- by move: (congr1 posF (Pos.sub_add _ _ lt)); rewrite posF_add => <-; rewrite addrK.
Qed.

Lemma intF_add a b : intF (Z.add a b) = intF a + intF b.
Proof.
by case: a b => [|p|p] [|q|q] /=; rewrite ?add0r ?addr0 ?intF_sub ?posF_add ?opprD // addrC.
Qed.

Lemma intF_mul a b : intF (Z.mul a b) = intF a * intF b.
Proof. by case: a b => [|p|p] [|q|q] /=; rewrite ?mul0r ?mulr0 ?posF_mul ?mulrNN ?mulrN ?mulNr. Qed.

Lemma ratF_eq p q : Qeq p q -> ratF p = ratF q.
Proof.
rewrite /Qeq /ratF => /(congr1 intF); rewrite !intF_mul /= => e.
by apply/eqP; rewrite eqr_div ?posF_neq0 //; apply/eqP.
Qed.

Lemma ratF_red q : ratF (Qred q) = ratF q. Proof. exact/ratF_eq/Qred_correct. Qed.

Lemma ratF_add p q : ratF (Qplus p q) = ratF p + ratF q.
Proof. by rewrite /ratF /= intF_add !intF_mul posF_mul /= addf_div ?posF_neq0. Qed.

Lemma ratF_mul p q : ratF (Qmult p q) = ratF p * ratF q.
Proof. by rewrite /ratF /= intF_mul posF_mul mulf_div. Qed.

Lemma ratF_opp p : ratF (Qopp p) = - ratF p.
Proof. by rewrite /ratF -mulNr; case: p => [[|p|p] d] /=; rewrite ?oppr0 ?opprK. Qed.

Lemma ratF_inv p : ratF (Qinv p) = (ratF p)^-1.
Proof. by rewrite /ratF; case: p => [[|p|p] d] /=; rewrite ?mul0r ?invr0 // ?mulNr ?invrN ?invf_div. Qed.

End Rationals.

(** The program's layers, computed at Coq's rationals with 1 + t + t^2 for exp. *)
Definition computed_transformer C d Pi visible :=
  exec_transformer rationals C d Pi (exec_softmax rationals C (stand_in rationals) visible).

Section Computed.
Variable F : realFieldType.
Notation o := (operations_of F).
Notation rows := (map (map (@ratF F))).
Notation t2 := (fun t : F => 1 + t + t * t).

(** Reading rationals in F respects the operations. *)
Lemma ratF_morphism :
  [/\ [/\ ratF F (zero rationals) = zero o & ratF F (one rationals) = one o],
      forall x y, ratF F (add rationals x y) = add o (ratF F x) (ratF F y),
      forall x, ratF F (opp rationals x) = opp o (ratF F x),
      forall x y, ratF F (mul rationals x y) = mul o (ratF F x) (ratF F y)
    & forall x y, ratF F (div rationals x y) = div o (ratF F x) (ratF F y)].
Proof.
split=> [|x y|x|x y|x y].
- by split; rewrite /ratF ?mul0r // divff ?posF_neq0.
- exact: etrans (ratF_red _ _) (ratF_add _ _ _).
- exact: ratF_opp.
- exact: etrans (ratF_red _ _) (ratF_mul _ _ _).
- by apply: etrans (ratF_red _ _) _; rewrite /Qdiv ratF_mul ratF_inv.
Qed.

Lemma computed_transformerE C d Pi visible A g alphas L Z :
  rows (computed_transformer C d Pi visible A g alphas L Z) =
  exec_transformer o C d (rows Pi) (exec_softmax o C t2 visible)
    (rows A) (ratF F g) (map (@ratF F) alphas) L (rows Z).
Proof.
case: ratF_morphism => -[h0 h1] hadd hopp hmul hdiv.
apply: (transformer_morphism (o' := o) h0 h1 hadd hopp hmul) => X.
by apply: softmax_morphism => // t; apply: (stand_in_morphism (o' := o)).
Qed.

End Computed.

Section OneTrajectory.
Variables (F : realFieldType) (N n d : nat).
Variables (states : seq nat) (rewards v alphas : seq Q).
Variables (features A : seq (seq Q)) (gamma : Q).
Notation numbers := (map (@ratF F)).
Notation rows := (map (map (@ratF F))).
Notation t2 := (fun t : F => 1 + t + t * t).

(** Computed at Coq's rationals and read in F, the program's result is the
    transformer's, with 1 + t + t^2 for exp. *)
Theorem computed_is_transformer L : all (fun s => s < N.+1)%N states ->
  read (d + 3) n.+1 (rows
    (computed_transformer n.+1 d (exec_shift rationals n) (exec_sources n)
       A gamma alphas L
       (exec_prompt rationals n d states rewards features gamma v))) =
  transformer (shift F n) (softmax t2 (@sources n)) (read d d (rows A)) (ratF F gamma)
    (fun l => (numbers alphas)`_l) L
    (prompt n (read_states N states) (fun k => (numbers rewards)`_k)
       (read_features d (rows features)) (ratF F gamma)
       (read_values N.+1 (numbers v))).
Proof.
move=> small; rewrite -executable_is_transformer // computed_transformerE.
case: (ratF_morphism F) => -[h0 h1] hadd hopp hmul hdiv.
by rewrite (shift_morphism h0 h1) (prompt_morphism (o' := operations_of F) h0 hmul).
Qed.

End OneTrajectory.

Section Episodes.
Variables (F : realFieldType) (N C d : nat).
Variables (states next : seq nat) (visible : pred nat) (rewards v alphas : seq Q).
Variables (features A : seq (seq Q)) (gamma : Q).
Notation numbers := (map (@ratF F)).
Notation rows := (map (map (@ratF F))).
Notation t2 := (fun t : F => 1 + t + t * t).

(** Computed at Coq's rationals on several trajectories and read in F, the program's
    result is the transformer's, with 1 + t + t^2 for exp. *)
Theorem computed_is_episodes L : all (fun s => s < N.+1)%N states ->
  read (d + 3) C (rows
    (computed_transformer C d (exec_shift_of rationals C next) visible A gamma alphas L
       (exec_ep_prompt rationals C d states rewards features gamma next v))) =
  transformer (shift_of F (read_next next)) (softmax t2 (fun k => visible k))
    (read d d (rows A)) (ratF F gamma) (fun l => (numbers alphas)`_l) L
    (ep_prompt (fun j => read_states N states j) (fun j => (numbers rewards)`_j)
       (read_next next) (ratF F gamma) (read_features d (rows features))
       (read_values N.+1 (numbers v))).
Proof.
move=> small; rewrite -executable_is_episodes // computed_transformerE.
case: (ratF_morphism F) => -[h0 h1] hadd hopp hmul hdiv.
by rewrite (shift_of_morphism h0 h1) (ep_prompt_morphism (o' := operations_of F) h0 hmul).
Qed.

End Episodes.
