r"""two-heads: a second head does the work of the target-memory step, exactly when the target row is γ times the shifted values.

For every Z, every A and every V whose target row is 0, whatever the weights are,

    (dual-head layer) − (attention, then target-memory step) = e_t (t − γ v Π),

so the two agree if and only if the target row t of Z is γ times its shifted value row (0 last).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from random import Random
from typing import Any, NamedTuple

from sympy import BlockMatrix, MatrixSymbol, Symbol, ZeroMatrix, block_collapse

from icrl.algebra import Matrix, kind, place, scalar, softmax, stack, transpose
from icrl.arrays import np
from icrl.prompt import REWARD, TARGET, VALUE, Rows, row_sizes, rows
from icrl.transformer import Normaliser, Parameters, TargetMemory, in_two_heads, layer, softmax_td_parameters
from icrl.verify.instances.cases import Case, as_matrices, rational_case, small_fraction, stand_in, td_prompts, to_ball
from icrl.verify.instances.contexts import shapes_by_ten
from icrl.verify.instances.words import described
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.differences import TOLERANCE, told_apart
from icrl.verify.judging.parts import UNLIKE, AsBalls, Exactly, Part, asserting, entries, first_failure, in_balls
from icrl.verify.judging.prompts import entry_name
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes.edits import Machine
from icrl.verify.routes.induction import next_values

EXACT_GRID = list(product(range(1, 6), range(4)))
SYMBOL_GRID = [(1, 0), (1, 1), (2, 0)]
DEPTH_GRID = list(product(range(1, 5), range(3), (1, 2, 4)))
TRIALS = 2000


class Input(NamedTuple):
    """Any Z at all, any A, any V whose target row is 0 unless ``target_row`` is asked for, and γ."""

    Z: Matrix
    A: Matrix
    V: Matrix
    gamma: Any
    normalise: Normaliser = softmax

    @property
    def d(self) -> Any:
        """The number of features."""
        return self.Z.shape[-2] - 3

    @property
    def n(self) -> Any:
        """The number of transitions."""
        return self.Z.shape[-1] - 1

    def measures(self) -> dict[str, Any]:
        """Sizes, and γ where it is a number."""
        return {"n": self.n, "d": self.d} | ({} if isinstance(self.gamma, Symbol) else {"γ": self.gamma})

    def __str__(self) -> str:
        return f"Z = {_table(self.Z)}, V = {_table(self.V)}, A = {_table(self.A)}, γ = {self.gamma}"

    def parameters(self, target_row: bool) -> Parameters:
        """The construction's parameters with this A and this V in the place of its own."""
        d, n = self.d, self.n
        kept = self.V if target_row else clear_target_row(self.V)
        plain = softmax_td_parameters(d, n, self.gamma, 1, self.Z)
        return plain.with_head(A=self.A, V=kept, normalise=self.normalise)


def clear_target_row(V: Matrix) -> Matrix:
    """V with its target row set to 0."""
    if kind(V) == "blocks":
        blocks = V.blocks.tolist()
        blocks[TARGET] = [ZeroMatrix(*block.shape) for block in blocks[TARGET]]
        return BlockMatrix(blocks)
    kept = V.copy()
    kept[..., -2, :] = kept[..., -2, :] * 0
    return kept


def shifted_sources() -> Matrix:
    """The values at S_1, …, S_n of the symbolic input."""
    return next_values(sy.value_row("v"))


def shifted(v: Matrix) -> Matrix:
    """The value row one column to the left, 0 last: written out, and not by a product with Π."""
    if kind(v) == "blocks":
        return BlockMatrix([[next_values(v), ZeroMatrix(1, 1)]])
    return np.concatenate([v[..., 1:], 0 * v[..., :1]], axis=-1)


def zero_band(band: Matrix) -> Matrix:
    """Zeros in the place of a band, of its kind."""
    if kind(band) == "blocks":
        return BlockMatrix([[ZeroMatrix(*block.shape) for block in band.blocks.tolist()[0]]])
    return 0 * band


def true_gap(bands: Rows, gamma: Any) -> Matrix:
    """t − γ v Π."""
    return bands.target + -1 * scalar(gamma, bands.value) @ shifted(bands.value)


@dataclass(frozen=True)
class Lemma:
    """The statement with its pieces: how the layer is made one with two heads, what the target rows differ by, and whether V may have a target row."""

    dual: Callable[[Parameters], Parameters] = in_two_heads
    gap: Callable[[Rows, Any], Matrix] = true_gap
    target_row: bool = False

    def sides(self, given: Input) -> tuple[Matrix, Matrix]:
        """(what the two layers differ by, what the lemma says they differ by), both of the shape of Z."""
        p, bands = given.parameters(self.target_row), rows(given.Z)
        said = stack(
            zero_band(bands.features), zero_band(bands.reward), self.gap(bands, given.gamma), zero_band(bands.value)
        )
        return layer(given.Z, self.dual(p)) + -1 * layer(given.Z, p), said


def symbolic_input() -> Input:
    """Every block its own symbol, at every size: Z, V, and all four blocks of the weights, which may be anything."""
    sizes, names = row_sizes(sy.d), ("x", "r", "t", "v")
    Z = BlockMatrix(
        [[sy.X, sy.x_q], *([MatrixSymbol(name, 1, sy.n), MatrixSymbol(f"{name}^n", 1, 1)] for name in ("r", "t", "v"))]
    )
    V = BlockMatrix([[MatrixSymbol(f"V_{a}{b}", i, j) for b, j in zip(names, sizes)] for a, i in zip(names, sizes)])
    K = BlockMatrix(
        [
            [MatrixSymbol("K", sy.n, sy.n), MatrixSymbol("K_q", sy.n, 1)],
            [MatrixSymbol("k", 1, sy.n), MatrixSymbol("k_q", 1, 1)],
        ]
    )
    return Input(Z, place({}, sizes, sizes, Z), V, sy.gamma, lambda scores, visible: K)


def symbolic(lemma: Lemma, budget: Budget) -> Verdict:
    """The difference of the two layers, block by block, against the lemma."""
    given = symbolic_input()
    got, said = lemma.sides(given)
    if failure := sy.compare_blocks(got, said, two_heads_probe(given), "difference of the layers"):
        return failure
    return Verdict(
        True,
        "for every Z, every V with no target row and any weights at all: the layers differ by e_t (t − γ v Π), block by block",
    )


def two_heads_probe(given: Input) -> sy.Instance:
    """Small integers in every block."""
    symbols = sorted(
        {s for side in (given.Z, given.V, given.normalise(None, None)) for s in side.atoms(MatrixSymbol)}, key=str
    )
    size = lambda s: [int(side.subs(sy.Instance.sizes)) if side.free_symbols else int(side) for side in s.shape]
    tables = {
        s.name: [[(3 * a + 2 * b + c) % 7 - 3 or 4 for c in range(size(s)[1])] for b in range(size(s)[0])]
        for a, s in enumerate(symbols)
    }
    return sy.Instance(gamma=[[sy.Rational(1, 2)]], **tables)


def rational_inputs() -> Iterator[Input]:
    """Random ``Fraction``s, with a stand-in for exp."""
    rng = Random(0)
    draw = lambda r, c: np.array([[small_fraction(rng) for _ in range(c)] for _ in range(r)], object)
    for n, d in EXACT_GRID:
        Z, A, V = draw(d + 3, n + 1), draw(d + 3, d + 3), draw(d + 3, d + 3)
        yield Input(Z, A, V, abs(small_fraction(rng)) / 7, partial(softmax, exp=stand_in))


def symbol_inputs() -> Iterator[Input]:
    """Every entry its own symbol, with exp."""
    make = lambda name, r, c: np.array([[Symbol(f"{name}_{i}_{j}") for j in range(c)] for i in range(r)], object)
    for n, d in SYMBOL_GRID:
        yield Input(make("Z", d + 3, n + 1), make("A", d + 3, d + 3), make("V", d + 3, d + 3), Symbol("gamma"))


def contexts_for_depth() -> list[Case]:
    """Random rational contexts for Transformers of several layers."""
    rng = Random(1)
    return [rational_case(rng, *shape) for shape in DEPTH_GRID]


def _table(M: np.ndarray) -> str:
    return "(" + "; ".join(", ".join(map(str, row)) for row in M) + ")"


def difference(lemma: Lemma, given: Input, scale: float = 1.0) -> Iterator[Part]:
    """What the two layers differ by, entry by entry, against what the lemma says."""
    got, said = lemma.sides(given)
    for i, j in np.ndindex(said.shape):
        band = Rows._fields[max(0, i - given.Z.shape[0] + 4)]
        where = "difference of the layers, " + entry_name(band, i, j)
        yield Part(where, got[i, j], said[i, j], scale, asserted="difference")


def agreement(lemma: Lemma, given: Input) -> Iterator[Part]:
    """The layers agree where the lemma says so, and nowhere else: tried on Z, with the right target row, and with this but for Z's own last entry."""
    right = remembering(given)
    target = np.concatenate([rows(right.Z).target[:, :-1], rows(given.Z).target[:, -1:]], axis=-1)
    last = with_target(given, target)
    for each, told in ((given, "Z"), (right, "with the right target row"), (last, "but for its last entry")):
        asked, gap = lemma.gap(rows(each.Z), each.gamma), np.abs(lemma.sides(each)[0]).max()
        yield Part(f"largest difference of the layers, {told}", gap, 0 * gap, relation=UNLIKE if asked.any() else "")


def with_target(given: Input, target: np.ndarray) -> Input:
    """The input with this target row."""
    bands = rows(given.Z)
    return given._replace(Z=stack(bands.features, bands.reward, target, bands.value))


def remembering(given: Input) -> Input:
    """The input with the target row that a prompt has."""
    return with_target(given, given.gamma * shifted(rows(given.Z).value))


def stacked(lemma: Lemma, given: Input) -> Iterator[Part]:
    """From the right target row, two layers of the two Transformers with the same V and A."""
    p = given.parameters(lemma.target_row)
    two = one = remembering(given).Z
    for depth in (1, 2):
        two, one = layer(two, lemma.dual(p)), layer(one, p)
        gap = np.abs(two - one).max()
        yield Part(f"largest difference of the Transformers, {depth} layers", gap, 0 * gap)


def context_of(given: Input) -> Case:
    """The context whose states are the columns of Z, for two layers of the construction."""
    d, n, one = given.d, given.n, 0 * given.gamma + 1
    features, v = given.Z[:d].T.tolist(), given.Z[-1].tolist()
    A, rewards = given.A[:d, :d].tolist(), given.Z[d, :n].tolist()
    return Case(range(n + 1), rewards, features, v, given.gamma, [one, one / 2], A, stand_in)


def through_layers(lemma: Lemma, case: Case) -> Iterator[Part]:
    """The prompt after every dual-head layer of the construction against the TD loop's."""
    machine = Machine(edit=lambda p, site: lemma.dual(p))
    for depth, (Z, want) in enumerate(zip(machine.run(*as_matrices(case)), td_prompts(case), strict=True)):
        for band, got, right in zip(Rows._fields, rows(Z), want):
            yield from entries(f"layer {depth}, {band} rows", got, np.reshape(right, got.shape))


def parts(lemma: Lemma, given: Input) -> Iterator[Part]:
    """What the lemma says of rational matrices."""
    yield from difference(lemma, given)
    yield from asserting("agreement", agreement(lemma, given))
    yield from asserting("depth", stacked(lemma, given))
    yield from asserting("depth", through_layers(lemma, context_of(given)))


def exact(lemma: Lemma, budget: Budget) -> Verdict:
    """Equality of every entry, on ``Fraction``s and on SymPy symbols; then depth, against the TD loop."""
    rationals, explicit, cases = list(rational_inputs()), list(symbol_inputs()), contexts_for_depth()
    met = Counter[str]()
    said = [(f"{given}, E = 1 + t²", parts(lemma, given)) for given in rationals]
    said += [(f"symbols, n = {given.n}, d = {given.d}", difference(lemma, given)) for given in explicit]
    said += [(str(case), asserting("depth", through_layers(lemma, case))) for case in cases]
    for name, each in said:
        if found := first_failure(name, each, Exactly(), met):
            return Verdict(False, "a part of the statement fails", counterexample=found)
    return Verdict(
        True,
        f"{len(rationals)} rational inputs and {len(explicit)} inputs of explicit symbols, equal in every entry; "
        f"{len(cases)} rational contexts through dual-head layers, equal to the TD loop at every depth",
        met=met,
    )


def certified(lemma: Lemma, budget: Budget) -> Verdict:
    """The rational inputs as Arb balls with the true exponential."""

    def compared(given: Input) -> Counterexample | None:
        Z, A, V = (np.vectorize(to_ball, otypes=[object])(M) for M in given[:3])
        balls = Input(Z, A, V, to_ball(given.gamma))
        largest, weights = max(abs(float(z)) for z in balls.Z.flat), sum(abs(float(entry)) for entry in balls.V.flat)
        return first_failure(f"{given}, E = exp", difference(lemma, balls, 1 + largest * (1 + weights)), AsBalls())

    return in_balls(map(compared, rational_inputs()), "inputs", "every difference in a ball around 0")


def float_batches(seed: int, trials: int) -> Iterator[Input]:
    """Random float inputs, ten of one shape as one batch."""
    rng = np.random.default_rng(seed)
    for count, n, d in shapes_by_ten(rng, trials):
        yield Input(
            rng.normal(size=(count, d + 3, n + 1)),
            rng.normal(size=(count, d + 3, d + 3)),
            rng.normal(size=(count, d + 3, d + 3)),
            rng.uniform(0, 1, count),
        )


def one_by_one(batches: Iterable[Input]) -> Iterator[Input]:
    """The inputs of all batches."""
    for batch in batches:
        yield from (Input(Z, A, V, gamma) for Z, A, V, gamma in zip(*batch[:3], batch.gamma.tolist()))


def numeric(lemma: Lemma, budget: Budget) -> Verdict:
    """Random float inputs, a batch of one shape at a time."""
    trials, worst, done = budget.trials or TRIALS, 0.0, 0
    for given in float_batches(budget.seed, trials):
        got, said = lemma.sides(given)
        steep = 1 + np.abs(transpose(given.Z) @ given.A @ given.Z).max((-1, -2), keepdims=True)
        unit = (
            TOLERANCE
            * np.finfo(float).eps
            * steep
            * (np.abs(given.Z).max((-1, -2), keepdims=True) + np.abs(given.V @ given.Z).max((-1, -2), keepdims=True))
        )
        ratio = np.abs(got - said) / unit
        if not (np.isfinite(got).all() and np.isfinite(said).all()):
            return Verdict(False, "not finite")
        if ratio.max() > 1:
            b, i, j = map(int, np.unravel_index(np.argmax(ratio), ratio.shape))
            where = "difference of the layers, " + entry_name(Rows._fields[max(0, i - given.d + 1)], i, j)
            return Verdict(
                False,
                f"differs in trial {done + b + 1} (seed {budget.seed})",
                counterexample=Counterexample(
                    f"n = {given.n}, d = {given.d}", where, *told_apart(float(got[b, i, j]), float(said[b, i, j]))
                ),
            )
        worst = max(worst, float(ratio.max()))
        done += len(given.Z)
        budget.progress(done, trials)
    return Verdict(
        True,
        f"{trials} random inputs (seed {budget.seed}); tolerance {TOLERANCE} eps (1 + max |score|)(max |Z| + max |VZ|)",
        f"largest difference {worst:.3f} of the tolerance",
    )


# Mutants.


def second_head(change: Callable[[TargetMemory, Matrix], TargetMemory]) -> Callable[[Parameters], Parameters]:
    """Two heads whose second is made from another target-memory step than the layer's own."""
    return lambda p: in_two_heads(replace(p, memory=change(p.target_memory, p.head.V)))


def between_rows(V: Matrix, to: int, of: int) -> Matrix:
    """The matrix that copies band ``of`` into band ``to`` (bands of one row), of the size of V."""
    sizes = row_sizes(V.shape[-1] - 3)
    return place({(to, of): scalar(1, V)}, sizes, sizes, V)


def gap_but_last(bands: Rows, gamma: Any) -> Matrix:
    """t − γ v Π with its last entry forgotten."""
    gap = true_gap(bands, gamma)
    if kind(gap) == "blocks":
        return BlockMatrix([[block_collapse(gap).blocks[0, 0], ZeroMatrix(1, 1)]])
    return np.concatenate([gap[..., :-1], 0 * gap[..., -1:]], axis=-1)


MUTANTS = (
    Mutant("the layers agree whatever the target row", Lemma(gap=lambda bands, gamma: zero_band(bands.target))),
    Mutant("the last target entry is free", Lemma(gap=gap_but_last)),
    Mutant("V with a target row", Lemma(target_row=True)),
    Mutant(
        "γ missing in the second head",
        Lemma(second_head(lambda memory, V: replace(memory, W=between_rows(V, TARGET, VALUE)))),
    ),
    Mutant(
        "second head shifted the other way",
        Lemma(second_head(lambda memory, V: replace(memory, shift=transpose(memory.shift)))),
    ),
    Mutant(
        "second head into the reward row",
        Lemma(second_head(lambda memory, V: replace(memory, W=between_rows(V, REWARD, TARGET) @ memory.W))),
    ),
)


STATEMENT = r"""
Let $V$ have a zero target row; $Z$, $A$ and the attention weights $K$ may be anything. Write
$Z = [X \; x(S_n);\; r \; r_n;\; t \; t_n;\; v \; v(S_n)]$ in the bands of a prompt,
$v^{+} = (v(S_1), \dots, v(S_n))$, and $Y = Z + VZK$.
""".strip()


def shown_difference(lemma: Lemma) -> str:
    """What the two layers differ by, printed from the object that the symbolic check compares."""
    said = lemma.sides(symbolic_input())[1].xreplace({shifted_sources(): MatrixSymbol("v^+", 1, sy.n)})
    return sy.book_latex(block_collapse(said))


ASSERTIONS = (
    Assertion(
        "difference",
        lambda lemma: (
            rf"""
With two heads and no target-memory step one layer differs from attention followed by the target-memory step by

$$
\begin{{aligned}}
&\bigl(Z + VZK + W(VZK)\Pi\bigr) \\
&\quad - \bigl(U Y + W Y \Pi\bigr) = {shown_difference(lemma)} .
\end{{aligned}}
$$ (eq-two-heads)
"""
        ),
    ),
    Assertion(
        "agreement",
        r"""
So the two layers agree **if and only if** the target row of $Z$ is $\gamma$ times its shifted value row, with a last
entry of 0.
""",
        typed="condition",
    ),
    Assertion(
        "depth",
        """
Every prompt is so, and so is what either layer makes of it: the two Transformers agree at every depth, and with the
construction's parameters both compute weighted softmax TD ({prf:ref}`softmax-td`).
""",
    ),
)


HYPOTHESES = (
    Hypothesis(
        r"$Z$ is a $(d+3) \times (n+1)$ matrix, $n \ge 1$.",
        reason="nothing else is asked of $Z$, and nothing of $A$ and the weights; for $n = 0$ the mask leaves no key to see",
    ),
    Hypothesis(
        "The target row of $V$ is 0. (The construction's $V$ is zero off its value row, which is more than is needed.)",
        "V with a target row",
    ),
)


CLAIM = Claim(
    id="two-heads",
    title="Two heads, or one head and a shift",
    chapter="two-heads",
    environment="lemma",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=HYPOTHESES,
    subject=Lemma(),
    checks=(
        proof(
            "two-heads",
            "for every number of columns and every d, every Π, Z, V, A and any weights; for the Transformers, every depth",
            stated=(
                "two_heads.two_heads_difference",
                "two_heads.two_heads",
                "two_heads.target_row_needed",
                "two_heads.prompt_remembers",
                "two_heads.two_heads_transformer",
            ),
            definitions=("two_heads.dual_head_layer", "two_heads.remembers", "two_heads.dual_head_transformer"),
            asserts=("difference", "agreement", "depth"),
        ),
        Check(
            "symbolic",
            "every n and d; Z, V and the weights opaque",
            symbolic,
            shows=(Lemma.sides, true_gap),
            asserts=("difference",),
        ),
        Check(
            "exact",
            lambda: (
                f"{described(rational_inputs(), 'inputs in rationals, E = 1 + t²')}; "
                f"{described(symbol_inputs(), 'inputs of explicit symbols, with the true exp')}; "
                f"dual-head Transformers against the TD loop, {described(contexts_for_depth())}"
            ),
            exact,
            shows=(parts, difference, agreement, stacked, through_layers),
        ),
        Check(
            "certified",
            lambda: described(rational_inputs(), "inputs in Arb balls, with the true exp"),
            certified,
            shows=(difference,),
            asserts=("difference",),
        ),
        Check(
            "numeric",
            lambda: described(one_by_one(float_batches(0, TRIALS)), "inputs in floats"),
            numeric,
            shows=(numeric, Lemma.sides),
            asserts=("difference",),
        ),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td",),
    source="Xie et al. 2026, Lemma 1, there for a $V$ that is zero off its value row",
    shared=(
        "Both layers run the same attention, and at symbolic sizes the shift is the same two letters N and p on both "
        "sides; t − γ v Π is written independently, and so is the TD loop."
    ),
)
