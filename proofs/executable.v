(** The construction as a program on lists over any arithmetic, and the proof that it is the construction. *)
From Coq Require Import QArith.
From mathcomp Require Import all_ssreflect all_algebra.
From icrl Require Import transformer td entries softmax_td episodes.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Open Scope ring_scope.

(** An arithmetic: two numbers and four operations. The program below uses nothing else of its numbers. *)
Record operations (T : Type) := Operations {
  zero : T; one : T; add : T -> T -> T; opp : T -> T; mul : T -> T -> T; div : T -> T -> T
}.

(** The arithmetic of a real field, for the proofs. *)
Definition operations_of (R : realFieldType) : operations R :=
  Operations 0 1 +%R -%R *%R (fun x y => x / y).

(** The arithmetic of Coq's binary rationals, in lowest terms after every step, for computing. *)
Definition rationals : operations Q :=
  let reduced op x y := Qred (op x y) in
  Operations (Qmake Z0 xH) (Qmake (Zpos xH) xH) (reduced Qplus) Qopp
    (reduced Qmult) (reduced Qdiv).

Section Program.
Variables (T : Type) (o : operations T).
Local Notation "0" := (zero o).
Local Notation "1" := (one o).
Local Notation "x + y" := (add o x y).
Local Notation "- x" := (opp o x).
Local Notation "x - y" := (add o x (opp o y)).
Local Notation "x * y" := (mul o x y).
Local Notation "x / y" := (div o x y).

(** A matrix is the list of its rows; tab m p f has the entries f i j, and get reads them, 0 outside. *)
Definition tab (m p : nat) (f : nat -> nat -> T) : seq (seq T) := mkseq (fun i => mkseq (f i) p) m.
Definition get (X : seq (seq T)) (i j : nat) : T := nth 0 (nth [::] X i) j.

(** f 0 + ... + f (p - 1). *)
Definition exec_sum (p : nat) (f : nat -> T) : T := foldr (fun k rest => f k + rest) 0 (iota 0 p).

(** Sum, difference, multiple, product and transpose of matrices, of the sizes named. *)
Definition exec_add m p X Y := tab m p (fun i j => get X i j + get Y i j).
Definition exec_sub m p X Y := tab m p (fun i j => get X i j - get Y i j).
Definition exec_scale m p c X := tab m p (fun i j => c * get X i j).
Definition exec_mul m p q X Y := tab m q (fun i j => exec_sum p (fun k => get X i k * get Y k j)).
Definition exec_tr m p X := tab p m (fun i j => get X j i).

(** The identity, and the matrix whose one entry other than 0 is the 1 in row a, column b. *)
Definition exec_identity m := tab m m (fun i j => if i == j then 1 else 0).
Definition exec_delta m a b := tab m m (fun i j => if (i == a) && (j == b) then 1 else 0).

(** In the place of exp: 1 + t + t^2, positive and not even. *)
Definition stand_in (t : T) : T := 1 + t + t * t.

(** The mask of one trajectory: the keys of the sources 0, ..., n - 1 are visible. *)
Definition exec_sources (n k : nat) := (k < n)%N.

(** The shift of one trajectory, and that of several: none of the C columns is read
    by column j where the list next has a number that is no column's. *)
Definition exec_shift n := tab n.+1 n.+1 (fun i j => if i == j.+1 then 1 else 0).
Definition exec_shift_of C (next : seq nat) := tab C C (fun i j => if nth C next j == i then 1 else 0).

Section Construction.
Variables C d : nat.

(** The last three of the d + 3 rows. *)
Definition exec_reward_row := d.
Definition exec_target_row := d.+1.
Definition exec_value_row := d.+2.

(** The softmax of each column over its visible keys. *)
Definition exec_softmax (exp : T -> T) (visible : pred nat) (G : seq (seq T)) :=
  let powers := tab C C (fun k j => if visible k then exp (get G k j) else 0) in
  let total := mkseq (fun j => exec_sum C (fun i => get powers i j)) C in
  tab C C (fun k j => if visible k then get powers k j / nth 0 total j else 0).

(** Attention with its residual connection: Z + V Z normalise (Z^T A Z). *)
Definition exec_attention (normalise : seq (seq T) -> seq (seq T)) (A V Z : seq (seq T)) :=
  exec_add (d + 3) C Z
    (exec_mul (d + 3) C C (exec_mul (d + 3) (d + 3) C V Z)
       (normalise (exec_mul C (d + 3) C (exec_mul C (d + 3) (d + 3) (exec_tr (d + 3) C Z) A) Z))).

(** The target-memory step: U Y + W Y Pi. *)
Definition exec_U :=
  exec_sub (d + 3) (d + 3) (exec_identity (d + 3)) (exec_delta (d + 3) exec_target_row exec_target_row).
Definition exec_W (gamma : T) :=
  exec_scale (d + 3) (d + 3) gamma (exec_delta (d + 3) exec_target_row exec_value_row).
Definition exec_target_memory (Pi : seq (seq T)) (gamma : T) (Y : seq (seq T)) :=
  exec_add (d + 3) C (exec_mul (d + 3) (d + 3) C exec_U Y)
    (exec_mul (d + 3) C C (exec_mul (d + 3) (d + 3) C (exec_W gamma) Y) Pi).

(** The parameters of softmax TD. *)
Definition exec_score_matrix (A : seq (seq T)) :=
  tab (d + 3) (d + 3) (fun i j => if (i < d)%N && (j < d)%N then get A i j else 0).
Definition exec_value_matrix (alpha : T) :=
  exec_scale (d + 3) (d + 3) alpha
    (exec_sub (d + 3) (d + 3)
       (exec_add (d + 3) (d + 3) (exec_delta (d + 3) exec_value_row exec_reward_row)
          (exec_delta (d + 3) exec_value_row exec_target_row))
       (exec_delta (d + 3) exec_value_row exec_value_row)).

Section Depth.
Variables (Pi : seq (seq T)) (normalise : seq (seq T) -> seq (seq T)) (A : seq (seq T)) (gamma : T).

(** One layer: attention, then the target-memory step. *)
Definition exec_layer (alpha : T) (Z : seq (seq T)) :=
  exec_target_memory Pi gamma (exec_attention normalise (exec_score_matrix A) (exec_value_matrix alpha) Z).

(** L layers; layer l has the step size number l of the list. *)
Fixpoint exec_transformer (alphas : seq T) (L : nat) (Z : seq (seq T)) :=
  if L is l.+1 then exec_layer (nth 0 alphas l) (exec_transformer alphas l Z) else Z.

End Depth.
End Construction.

Section Prompts.
Variables n C d : nat.

(** A context: states by number, rewards, one row of features and one value for each state. *)
Variables (states : seq nat) (rewards : seq T) (features : seq (seq T)) (gamma : T).

(** Rows: features, rewards, target memory, values, as in the prompt of the construction. *)
Definition exec_prompt (v : seq T) :=
  tab (d + 3) n.+1 (fun i j =>
    if (i < d)%N then get features (nth 0%N states j) i
    else nth 0 [:: if (j < n)%N then nth 0 rewards j else 0;
                   if (j < n)%N then gamma * nth 0 v (nth 0%N states j.+1) else 0;
                   nth 0 v (nth 0%N states j)] (i - d)).

(** The value of the state that column j reads; 0 where it reads none. *)
Definition exec_next_value (next : seq nat) (v : seq T) (j : nat) : T :=
  if (nth C next j < C)%N then nth 0 v (nth 0%N states (nth C next j)) else 0.

(** The prompt of several trajectories, with a reward for each of the C columns. *)
Definition exec_ep_prompt (next : seq nat) (v : seq T) :=
  tab (d + 3) C (fun i j =>
    if (i < d)%N then get features (nth 0%N states j) i
    else nth 0 [:: nth 0 rewards j; gamma * exec_next_value next v j; nth 0 v (nth 0%N states j)] (i - d)).

End Prompts.

Section TD.
Variables (N n d : nat) (states : seq nat) (rewards : seq T) (features : seq (seq T)) (gamma : T).
Local Notation S k := (nth 0%N states k).

(** Softmax TD in the same way, on lists of values, one for each of N states: the TD error of transition k. *)
Definition exec_td_error (v : seq T) (k : nat) := nth 0 rewards k + gamma * nth 0 v (S k.+1) - nth 0 v (S k).

(** The score of the source u for the query s. *)
Definition exec_score (A : seq (seq T)) (s u : nat) :=
  exec_sum d (fun j => exec_sum d (fun i => get features u i * get A i j) * get features s j).

(** One update; row s of weights holds what each transition counts at the state s. *)
Definition exec_td_update (weights : seq (seq T)) (alpha : T) (v : seq T) :=
  let errors := mkseq (exec_td_error v) n in
  mkseq (fun s => nth 0 v s + alpha * exec_sum n (fun k => get weights s k * nth 0 errors k)) N.

(** How much transition k counts at the state s: row s, column k. *)
Definition exec_K (exp : T -> T) (A : seq (seq T)) :=
  tab N n (fun s k => exp (exec_score A s (S k)) / exec_sum n (fun i => exp (exec_score A s (S i)))).

(** The iterate v_l from v0; update l has the step size number l of the list. *)
Fixpoint exec_softmax_td (exp : T -> T) (A : seq (seq T)) (alphas v0 : seq T) (l : nat) :=
  if l is l'.+1 then exec_td_update (exec_K exp A) (nth 0 alphas l') (exec_softmax_td exp A alphas v0 l')
  else v0.

End TD.

(** Softmax TD on several trajectories, over the visible ones of the C columns. *)
Section EpisodicTD.
Variables (N C d : nat) (states next : seq nat) (visible : pred nat).
Variables (rewards : seq T) (features : seq (seq T)) (gamma : T).
Local Notation S k := (nth 0%N states k).

Definition exec_ep_error (v : seq T) (k : nat) :=
  nth 0 rewards k + gamma * exec_next_value C states next v k - nth 0 v (S k).

(** A sum over the visible columns. *)
Definition exec_visible_sum (f : nat -> T) := exec_sum C (fun k => if visible k then f k else 0).

Definition exec_ep_update (weights : seq (seq T)) (alpha : T) (v : seq T) :=
  let errors := mkseq (exec_ep_error v) C in
  mkseq (fun s => nth 0 v s + alpha * exec_visible_sum (fun k => get weights s k * nth 0 errors k)) N.

Definition exec_ep_K (exp : T -> T) (A : seq (seq T)) :=
  tab N C (fun s k =>
    exp (exec_score d features A s (S k)) / exec_visible_sum (fun i => exp (exec_score d features A s (S i)))).

Fixpoint exec_ep_softmax_td (exp : T -> T) (A : seq (seq T)) (alphas v0 : seq T) (l : nat) :=
  if l is l'.+1 then
    exec_ep_update (exec_ep_K exp A) (nth 0 alphas l') (exec_ep_softmax_td exp A alphas v0 l')
  else v0.

End EpisodicTD.
End Program.

(** The matrices, vectors and contexts that lists stand for. *)
Section Read.
Variable R : realFieldType.

Definition read m p (X : seq (seq R)) : 'M[R]_(m, p) := \matrix_(i, j) get (operations_of R) X i j.
Definition read_values N (v : seq R) : 'cV[R]_N := \col_s v`_s.
Definition read_features N d (X : seq (seq R)) (s : 'I_N) : 'cV[R]_d := \col_i get (operations_of R) X s i.
Definition read_states N (states : seq nat) (j : nat) : 'I_N.+1 := inord (nth 0%N states j).
Definition read_next C (next : seq nat) (j : 'I_C) : option 'I_C := insub (nth C next j).

End Read.

(** Each step of the program reads as the step of the construction. *)
Section Steps.
Variable R : realFieldType.
Notation o := (operations_of R).
Implicit Types (X Y : seq (seq R)) (f : nat -> nat -> R).

Lemma get_tab m p f i j : (i < m)%N -> (j < p)%N -> get o (tab m p f) i j = f i j.
Proof. by move=> lt_im lt_jp; rewrite /get /tab !nth_mkseq. Qed.

Lemma read_tab m p f : read m p (tab m p f) = \matrix_(i, j) f i j.
Proof. by apply/matrixP => i j; rewrite !mxE get_tab. Qed.

Lemma exec_sumE p (h : nat -> R) : exec_sum o p h = \sum_(i < p) h i.
Proof.
rewrite -(big_mkord xpredT h) /index_iota subn0 /exec_sum.
by elim: (iota 0 p) => [|k s IH]; rewrite ?big_nil ?big_cons //= IH.
Qed.

Lemma read_add m p X Y : read m p (exec_add o m p X Y) = read m p X + read m p Y.
Proof. by rewrite read_tab; apply/matrixP => i j; rewrite !mxE. Qed.

Lemma read_sub m p X Y : read m p (exec_sub o m p X Y) = read m p X - read m p Y.
Proof. by rewrite read_tab; apply/matrixP => i j; rewrite !mxE. Qed.

Lemma read_scale m p c X : read m p (exec_scale o m p c X) = c *: read m p X.
Proof. by rewrite read_tab; apply/matrixP => i j; rewrite !mxE. Qed.

Lemma read_mul m p q X Y : read m q (exec_mul o m p q X Y) = read m p X *m read p q Y.
Proof.
rewrite read_tab; apply/matrixP => i j; rewrite !mxE exec_sumE.
by apply: eq_bigr => k _; rewrite !mxE.
Qed.

Lemma read_tr m p X : read p m (exec_tr o m p X) = (read m p X)^T.
Proof. by rewrite read_tab; apply/matrixP => i j; rewrite !mxE. Qed.

Lemma read_identity m : read m m (exec_identity o m) = 1%:M.
Proof. by rewrite read_tab; apply/matrixP => i j; rewrite !mxE -val_eqE; case: eqP. Qed.

Lemma read_delta m (a b : 'I_m) : read m m (exec_delta o m a b) = delta_mx a b.
Proof. by rewrite read_tab; apply/matrixP => i j; rewrite !mxE -!val_eqE; case: (_ && _). Qed.

Lemma read_shift n : read n.+1 n.+1 (exec_shift o n) = shift R n.
Proof. by rewrite read_tab; apply/matrixP => i j; rewrite !mxE; case: eqP. Qed.

Lemma read_shift_of C next : read C C (exec_shift_of o C next) = shift_of R (read_next next).
Proof.
rewrite read_tab; apply/matrixP => i j; rewrite !mxE /read_next.
case: insubP => [k _ <-|]; first by rewrite -[_ == Some i]/(k == i) -val_eqE; case: eqP.
by case: eqP => // -> /negP[]; apply: ltn_ord.
Qed.

(** The three named rows have the same numbers in both. *)
Lemma rowsE d :
  (exec_reward_row d = reward_row d :> nat) * (exec_target_row d = target_row d :> nat) *
  (exec_value_row d = value_row d :> nat).
Proof. by rewrite /= addn0 addn1 addn2. Qed.

Lemma read_U d : read (d + 3) (d + 3) (exec_U o d) = U R d.
Proof. by rewrite read_sub read_identity !rowsE read_delta. Qed.

Lemma read_W d gamma : read (d + 3) (d + 3) (exec_W o d gamma) = W d gamma.
Proof. by rewrite read_scale !rowsE read_delta. Qed.

Lemma read_value_matrix d a : read (d + 3) (d + 3) (exec_value_matrix o d a) = value_matrix d a.
Proof. by rewrite read_scale read_sub read_add !rowsE !read_delta. Qed.

Lemma read_score_matrix d X : read (d + 3) (d + 3) (exec_score_matrix o d X) = score_matrix (read d d X).
Proof.
rewrite read_tab; apply/matrixP => i j; rewrite mxE.
case: (split_ordP i) => k ->; case: (split_ordP j) => l -> /=.
- by rewrite block_mxEul mxE.
- by rewrite block_mxEur mxE.
- by rewrite block_mxEdl mxE.
- by rewrite block_mxEdr mxE.
Qed.

Lemma read_softmax C (visible : pred nat) exp X :
  read C C (exec_softmax o C exp visible X) = softmax exp (fun k => visible k) (read C C X).
Proof.
rewrite read_tab; apply/matrixP => k j; rewrite !mxE; case vis_k: (visible k) => //.
rewrite get_tab // vis_k nth_mkseq // exec_sumE [in RHS]big_mkcond; congr (_ / _).
by apply: eq_bigr => i _; rewrite get_tab // mxE.
Qed.

Lemma read_layer C d Pi normalise normalise' A gamma a Z :
  (forall X, read C C (normalise X) = normalise' (read C C X)) ->
  read (d + 3) C (exec_layer o C d Pi normalise A gamma a Z) =
  layer (read C C Pi) normalise' (read d d A) gamma a (read (d + 3) C Z).
Proof.
move=> same; rewrite /layer /target_memory /attention.
rewrite !(read_add, read_mul, read_tr, same) read_U read_W.
by rewrite read_value_matrix read_score_matrix.
Qed.

Lemma read_transformer C d Pi normalise normalise' A gamma alphas L Z :
  (forall X, read C C (normalise X) = normalise' (read C C X)) ->
  read (d + 3) C (exec_transformer o C d Pi normalise A gamma alphas L Z) =
  transformer (read C C Pi) normalise' (read d d A) gamma (fun l => alphas`_l) L (read (d + 3) C Z).
Proof. by move=> same; elim: L => [//|l IH] /=; rewrite (read_layer _ _ _ _ _ _ same) IH. Qed.

(** States below N.+1 are read as themselves. *)
Lemma read_statesE N states j : all (fun s => s < N.+1)%N states ->
  read_states N states j = nth 0%N states j :> nat.
Proof.
move=> small; rewrite inordK //; case: (ltnP j (size states)) => [lt|ge]; last by rewrite nth_default.
by apply: (allP small (nth _ _ _)); rewrite mem_nth.
Qed.

Lemma read_prompt N n d states rewards features gamma v : all (fun s => s < N.+1)%N states ->
  read (d + 3) n.+1 (exec_prompt o n d states rewards features gamma v) =
  prompt n (read_states N states) (fun k => rewards`_k) (read_features d features) gamma (read_values N.+1 v).
Proof.
move=> small; rewrite read_tab; apply/matrixP => i j; rewrite mxE.
elim/row_case: i => [i|||].
- by rewrite prompt_features mxE /= ltn_ord read_statesE.
- by rewrite prompt_reward /= ltnNge leq_addr addKn.
- by rewrite prompt_target /= ltnNge leq_addr addKn mxE read_statesE.
- by rewrite prompt_value /= ltnNge leq_addr addKn mxE read_statesE.
Qed.

Lemma read_next_value N C states next v (j : 'I_C) : all (fun s => s < N.+1)%N states ->
  exec_next_value o C states next v j =
  next_value (fun k => read_states N states k) (read_next next) (read_values N.+1 v) j.
Proof.
move=> small; rewrite /exec_next_value /next_value /read_next.
by case: insubP => [k -> <-|/negbTE ->//]; rewrite mxE read_statesE.
Qed.

Lemma read_ep_prompt N C d states next rewards features gamma v : all (fun s => s < N.+1)%N states ->
  read (d + 3) C (exec_ep_prompt o C d states rewards features gamma next v) =
  ep_prompt (fun k => read_states N states k) (fun k => rewards`_k) (read_next next) gamma
    (read_features d features) (read_values N.+1 v).
Proof.
move=> small; rewrite read_tab; apply/matrixP => i j; rewrite mxE.
elim/row_case: i => [i|||].
- by rewrite ep_prompt_features mxE /= ltn_ord read_statesE.
- by rewrite ep_prompt_reward /= ltnNge leq_addr addKn.
- by rewrite ep_prompt_target /= ltnNge leq_addr addKn (read_next_value _ _ _ small).
- by rewrite ep_prompt_value /= ltnNge leq_addr addKn mxE read_statesE.
Qed.

Lemma read_visible_sum C (visible : pred nat) (f : nat -> R) :
  exec_visible_sum o C visible f = \sum_(k < C | visible k) f k.
Proof. by rewrite /exec_visible_sum exec_sumE -big_mkcond. Qed.

Lemma read_score N d states features A (s : 'I_N.+1) k : all (fun s => s < N.+1)%N states ->
  exec_score o d features A s (nth 0%N states k) =
  score (read_features d features) (read d d A) s (read_states N states k).
Proof.
move=> small; rewrite /exec_score /score mxE exec_sumE; apply: eq_bigr => j _.
rewrite !mxE exec_sumE; congr (_ * _); apply: eq_bigr => i _.
by rewrite !mxE read_statesE.
Qed.

Lemma read_td_error N states rewards gamma v k : all (fun s => s < N.+1)%N states ->
  exec_td_error o states rewards gamma v k =
  td_error (read_states N states) (fun k => rewards`_k) gamma (read_values N.+1 v) k.
Proof. by move=> small; rewrite /td_error !mxE !read_statesE. Qed.

End Steps.

Section Program.
Variables (R : realFieldType) (exp : R -> R) (N n d : nat).
Variables (states : seq nat) (rewards : seq R).
Variables (features A : seq (seq R)) (gamma : R) (alphas v : seq R).
Notation o := (operations_of R).
Notation S := (read_states N states).
Notation r := (fun k => rewards`_k).
Notation x := (read_features d features).
Notation alpha := (fun l => alphas`_l).

(** Run at any ordered field, the program's result is the transformer's,
    for states 0, ..., N. *)
Theorem executable_is_transformer L : all (fun s => s < N.+1)%N states ->
  read (d + 3) n.+1
    (exec_transformer o n.+1 d (exec_shift o n) (exec_softmax o n.+1 exp (exec_sources n))
       A gamma alphas L (exec_prompt o n d states rewards features gamma v)) =
  transformer (shift R n) (softmax exp (@sources n)) (read d d A) gamma alpha L
    (prompt n S r x gamma (read_values N.+1 v)).
Proof.
by move=> small; rewrite (read_transformer _ _ _ _ _ _ _ (@read_softmax R n.+1 _ exp)) read_shift (read_prompt _ _ _ _ _ _ small).
Qed.

(** And the program for softmax TD gives the iterates of softmax TD. *)
Theorem executable_is_td L : all (fun s => s < N.+1)%N states ->
  read_values N.+1
    (exec_softmax_td o N.+1 n d states rewards features gamma exp A alphas v L) =
  softmax_td n S r gamma x exp (read d d A) alpha (read_values N.+1 v) L.
Proof.
move=> small; elim: L => [//|l IH]; rewrite /softmax_td /= -/(softmax_td _ _ _ _ _ _ _ _ _ _) -IH.
apply/colP => s; rewrite !mxE nth_mkseq // exec_sumE; congr (_ + _ * _); apply: eq_bigr => k _.
rewrite get_tab // nth_mkseq // (read_td_error _ _ _ _ small) /K exec_sumE (read_score _ _ _ _ _ small).
by congr (exp _ / _ * _); apply: eq_bigr => i _; rewrite (read_score _ _ _ _ _ small).
Qed.

End Program.

(** Several trajectories, in C columns. *)
Section Episodes.
Variables (R : realFieldType) (exp : R -> R) (N C d : nat).
Variables (states next : seq nat) (visible : pred nat) (rewards : seq R).
Variables (features A : seq (seq R)) (gamma : R) (alphas v : seq R).
Notation o := (operations_of R).
Notation S := (fun j : 'I_C => read_states N states j).
Notation r := (fun j : 'I_C => rewards`_j).
Notation x := (read_features d features).
Notation alpha := (fun l => alphas`_l).

(** Run at any ordered field on several trajectories, the program's result is the
    transformer's, for states 0, ..., N. *)
Theorem executable_is_episodes L : all (fun s => s < N.+1)%N states ->
  read (d + 3) C
    (exec_transformer o C d (exec_shift_of o C next) (exec_softmax o C exp visible)
       A gamma alphas L (exec_ep_prompt o C d states rewards features gamma next v)) =
  transformer (shift_of R (read_next next)) (softmax exp (fun k => visible k))
    (read d d A) gamma alpha L
    (ep_prompt S r (read_next next) gamma x (read_values N.+1 v)).
Proof.
move=> small; rewrite (read_transformer _ _ _ _ _ _ _ (@read_softmax R C visible exp)).
by rewrite read_shift_of (read_ep_prompt _ _ _ _ _ _ _ small).
Qed.

(** And the program for softmax TD on several trajectories gives its iterates. *)
Theorem executable_is_ep_td L : all (fun s => s < N.+1)%N states ->
  read_values N.+1
    (exec_ep_softmax_td o N.+1 C d states next visible rewards features gamma
       exp A alphas v L) =
  ep_softmax_td S r (read_next next) (fun k => visible k) gamma x
    exp (read d d A) alpha (read_values N.+1 v) L.
Proof.
move=> small; elim: L => [//|l IH]; rewrite /ep_softmax_td /= -/(ep_softmax_td _ _ _ _ _ _ _ _ _ _) -IH.
apply/colP => s; rewrite !mxE nth_mkseq // read_visible_sum; congr (_ + _ * _); apply: eq_bigr => k _.
rewrite get_tab // nth_mkseq // /exec_ep_error /ep_error (read_next_value _ _ _ small) /ep_K read_visible_sum.
rewrite (read_score _ _ _ _ _ small) mxE read_statesE //; congr (exp _ / _ * _).
by apply: eq_bigr => i _; rewrite (read_score _ _ _ _ _ small).
Qed.

End Episodes.
