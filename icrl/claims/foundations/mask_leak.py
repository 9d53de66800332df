r"""mask-leak: what attention computes when the query column's key is not hidden.

With κ_j the weight that column j then gives to the query column,

    new value of column j = v(S_j) + (1 − κ_j) · [the exact increment of softmax TD] − α κ_j v(S_n).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice, product
from typing import Any

from sympy import BlockMatrix, MatrixSymbol, block_collapse, symbols

from icrl import td
from icrl.algebra import kind, scalar, softmax, sources_visible, stack
from icrl.arrays import np
from icrl.prompt import VALUE, prompt, rows
from icrl.transformer import layer as one_layer
from icrl.verify.instances.cases import (
    Case,
    as_batch,
    as_matrices,
    ball_case,
    float_case,
    iterates,
    smallest,
    stand_in,
)
from icrl.verify.instances.contexts import cases_of_shapes, shapes_by_ten, symbol_cases
from icrl.verify.instances.words import described
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.differences import TOLERANCE, balls_differ, entries_differ, told_apart
from icrl.verify.judging.parts import in_balls, in_balls_name
from icrl.verify.judging.prompts import place_name
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes.edits import Machine, no_normaliser, unmasked
from icrl.verify.routes.induction import alpha, increments, stated_prompt, weights

SMALLEST = (smallest((0, 0), r=(1,), v=(0,)), smallest((0, 0), r=(0,), v=(1,)))
EXACT_GRID = list(product(range(1, 7), range(4), (1,)))
SYMBOL_GRID = [(1, 0, 1), (1, 1, 1), (2, 0, 1), (2, 1, 1), (3, 0, 1)]
TRIALS = 2000


@dataclass(frozen=True)
class Leak:
    """The statement with its pieces: the layer it is about, whether the increment shrinks, whether v(S_n) leaks in.

    Of several trajectories each has such a last column; ``one_column``: whether that of the last one alone is counted.
    """

    machine: Machine = Machine(edit=unmasked)
    shrinks: bool = True
    leaks: bool = True
    one_column: bool = False

    def value(self, v: Any, increment: Any, kappa: Any, step: Any, lost: Any) -> Any:
        """The new value of one column; ``lost``: Σ κ_h v(S_h) over the columns h that no transition leaves."""
        shrunk = (1 - kappa) * increment if self.shrinks else increment
        return v + shrunk - step * lost if self.leaks else v + shrunk


def leaked_values(leak: Leak, case: Case) -> list:
    """The right side, column by column, from the loop: its increment, and the κ from one more sum of exponentials."""
    before, after = islice(iterates(case), 2)
    lasts = [states[-1] for states, _ in case.trajectories]
    open_kernel = td.softmax_kernel(case.states, case.score, case.exp, [*case.sources, *lasts])
    counted = len(lasts) - 1 if leak.one_column else 0

    def value(s: int) -> Any:
        kappas = open_kernel[s][case.n + counted :]
        lost = sum(kappa * before[h] for kappa, h in zip(kappas, lasts[counted:], strict=True))
        return leak.value(before[s], after[s] - before[s], sum(kappas), case.alphas[0], lost)

    return [value(s) for s in case.states]


def leak_by_column(leak: Leak, case: Case) -> Iterator[tuple[str, Any, Any]]:
    """The new value of each column, by the layer and as the statement says, with its place."""
    got = rows(list(leak.machine.run(*as_matrices(case)))[1]).value[0]
    for j, right in enumerate(leaked_values(leak, case)):
        yield place_name(1, "value", 0, j), got[j], right


def first_leak(leak: Leak, case: Case, name: str, differ) -> Counterexample | None:
    """The first column whose new value is not what the statement says."""
    for place, got, right in leak_by_column(leak, case):
        if differ(got, right):
            return Counterexample(name, place, *told_apart(got, right))
    return None


def symbolic(leak: Leak, budget: Budget) -> Verdict:
    """The unmasked layer from an opaque prompt, with the weights K Λ of the sources, Λ = diag(1 − κ), and κ of the query's key."""
    got, said = sides(leak, sy.value_row("v_l"), sy.n)
    if failure := sy.compare_blocks(got, said, sy.probe("alpha_l"), "one layer"):
        return failure
    return Verdict(True, "every n and d, from any value row: v + (increment) Λ − α v(S_n) κ")


def sides(leak: Leak, v: BlockMatrix, n: Any) -> tuple[Any, BlockMatrix]:
    """The layer from the prompt of an opaque value row, and what the statement says it is; n: as for :func:`icrl.algebra.shift`."""
    got = one_layer(stated_prompt(v), leak.machine.parameters(v, sy.d, n, sy.gamma, alpha, sy.A))
    return got, BlockMatrix([*block_collapse(got).blocks.tolist()[:VALUE], said_row(leak, v)])


def said_row(leak: Leak, v: BlockMatrix) -> list:
    """The statement at symbolic sizes: sources and the other columns."""
    said, query = [], v.blocks[0, 1]
    if leak.one_column:
        e = MatrixSymbol("e", query.shape[1], 1)  # the column that alone is counted
        query = query * e * e.T
    blocks = (v.blocks.tolist()[0], increments(v), weights("Lambda", v), weights("kappa", v))
    for old, added, left, kappa in zip(*blocks, strict=True):
        new = old + (added * left if leak.shrinks else added)
        said.append(new - alpha * query * kappa if leak.leaks else new)
    return said


def exact(leak: Leak, budget: Budget) -> Verdict:
    """Equality of the value row, on ``Fraction``s with a stand-in for exp and on SymPy symbols with exp."""
    rationals, explicit = (
        [(str(case), case) for case in cases_of_shapes(SMALLEST, EXACT_GRID)],
        symbol_cases(SYMBOL_GRID),
    )
    for name, case in [*rationals, *((f"symbols, n = {case.n}, d = {case.d}", case) for case in explicit)]:
        if found := first_leak(leak, case, name, entries_differ):
            return Verdict(False, "an entry differs", counterexample=found)
    return Verdict(
        True,
        f"{len(rationals)} rational contexts and {len(explicit)} contexts of explicit symbols, equal in every column",
    )


def certified(leak: Leak, budget: Budget) -> Verdict:
    """The rational contexts as Arb balls with the true exponential."""

    def compared(case: Case) -> Counterexample | None:
        ball = ball_case(case)
        scale = max(1.0, *(abs(float(x)) for x in leaked_values(Leak(), ball)))
        return first_leak(leak, ball, in_balls_name(case), balls_differ(scale))

    return in_balls(
        map(compared, cases_of_shapes(SMALLEST, EXACT_GRID)), "contexts", "every difference in a ball around 0"
    )


def float_batches(seed: int, trials: int) -> Iterator[list[Case]]:
    """Random float contexts of one layer, ten of one shape at a time."""
    rng = np.random.default_rng(seed)
    for count, n, d in shapes_by_ten(rng, trials):
        yield [float_case(rng, n, d, 1) for _ in range(count)]


def numeric(leak: Leak, budget: Budget) -> Verdict:
    """Random float contexts of one layer, a batch of one shape at a time."""
    trials, worst, done = budget.trials or TRIALS, 0.0, 0
    for cases in float_batches(budget.seed, trials):
        ratio, found = batch_difference(leak, cases)
        if not ratio <= 1:
            where = f"within trials {done + 1} to {done + len(cases)} (seed {budget.seed})"
            return Verdict(False, f"differs, or is not finite, {where}", counterexample=found)
        worst = max(worst, ratio)
        done += len(cases)
        budget.progress(done, trials)
    return Verdict(
        True,
        f"{trials} random contexts (seed {budget.seed}), one layer; "
        f"tolerance {TOLERANCE} eps (1 + max |score|)(max |v| + max |R|)",
        f"largest difference {worst:.3f} of the tolerance",
    )


def batch_difference(leak: Leak, cases: list[Case]) -> tuple[float, Counterexample | None]:
    """The largest difference between one layer of a batch and the statement, in units of the tolerance.

    Stops at the first case above the tolerance; a difference that is not finite is no counterexample.
    """
    worst = 0.0
    values = rows(list(leak.machine.run(*as_batch(cases)))[1]).value[:, 0]
    for case, got in zip(cases, values, strict=True):
        right = np.array(leaked_values(leak, case))
        steep = 1 + max(abs(g) for row in case.scores for g in row)
        unit = TOLERANCE * np.finfo(float).eps * steep * (max(map(abs, case.v)) + max(map(abs, case.rewards)))
        j = int(np.argmax(np.abs(got - right)))
        ratio = float(abs(got[j] - right[j]) / unit)
        if not np.isfinite(got).all():
            return float("inf"), None
        if not ratio <= 1:
            sizes = f"n = {case.n}, d = {case.d}, {len(case.features)} states"
            sizes += f", {len(case.endings)} trajectories" if case.endings else ""
            place = place_name(1, "value", 0, j)
            return ratio, Counterexample(sizes, place, *told_apart(float(got[j]), float(right[j])))
        worst = max(worst, ratio)
    return worst, None


def finite_mask(scores_, visible, exp=None):
    """The usual shortcut: −100 added to the scores of the hidden keys, which stay visible."""
    if kind(scores_) == "blocks" or exp is stand_in:  # −100 means nothing to the stand-in, which is not monotone
        return softmax(scores_, visible, exp)
    hidden = np.broadcast_to(~np.asarray(visible), np.asarray(scores_).shape)
    return softmax(np.where(hidden, scores_ - 100, scores_), np.ones_like(hidden), exp)


def paid_query(features, rewards, value, gamma, endings=None):
    """A prompt with a reward of 1 in each column that no transition leaves."""
    bands, n = rows(prompt(features, rewards, value, gamma, endings)), endings or rewards.shape[-1]
    one = scalar(1, value)
    paid = bands.reward + np.where(sources_visible(n, value).swapaxes(0, 1), 0 * one, one)
    return stack(bands.features, paid, bands.target, bands.value)


MUTANTS = (
    Mutant("unmasked passed off as exact", Leak(shrinks=False, leaks=False)),
    Mutant("leak term dropped", Leak(leaks=False)),
    Mutant("(1 − κ) dropped", Leak(shrinks=False)),
    Mutant(
        "mask of −100 passed off as exact",
        Leak(Machine(softmax=finite_mask), False, False),
        {"symbolic": "softmax is opaque at symbolic sizes"},
        shown_by="certified",
    ),
    Mutant(
        "a reward in the query column",
        Leak(Machine(prompt=paid_query, edit=unmasked)),
        {"symbolic": "it starts from the stated prompt"},
    ),
    Mutant(
        "no normaliser",
        Leak(Machine(softmax=no_normaliser, edit=unmasked)),
        {"symbolic": "softmax is opaque at symbolic sizes"},
    ),
)


def printed(leak: Leak) -> str:
    """The new value of column j, as the book prints it."""
    v, increment, kappa, step, query = symbols("v_j Delta_j kappa_j alpha_l v_l^n")
    return sy.book_latex(leak.value(v, increment, kappa, step, kappa * query))


LEAK = Assertion(
    "leak",
    lambda leak: (
        rf"""
Then the unmasked layer makes the value of column $j$

$$
{printed(leak)} .
$$ (eq-mask-leak)

The increment shrinks by the factor $1 - \kappa_j$, and $\alpha_l \kappa_j v_l(S_n)$ is subtracted.
"""
    ),
)


STATEMENT = r"""
Take the prompt of any value function $v_l$, $n \ge 1$, and any $A$. Let $\Delta_j$ be what one layer of step size
$\alpha_l$ adds to the value of column $j$ **with** the query column's key hidden. **Without** the mask, let $\kappa_j$
be the weight that column $j$ gives to that key.
""".strip()


HYPOTHESES = (
    Hypothesis(
        "The prompt is that of a value function.",
        reason="not needed: the symbolic check starts from any value row, with the target row that belongs to it",
    ),
    Hypothesis(
        "The query column holds no reward and no target, as in the prompt.",
        "a reward in the query column",
    ),
    Hypothesis("The weights are normalised over the visible keys.", "no normaliser"),
    Hypothesis(
        r"$n \ge 1$, and the exponential, or another positive function in its place.",
        reason="otherwise the weights of a column may add up to 0, where the layer is undefined",
    ),
)


CLAIM = Claim(
    id="mask-leak",
    title="What leaks without the mask",
    chapter="attention-prompts-masks",
    environment="lemma",
    statement=lambda: STATEMENT,
    assertions=(LEAK,),
    hypotheses=HYPOTHESES,
    subject=Leak(),
    checks=(
        proof(
            "mask-leak",
            "for every number of states, n and d, any ordered field and any positive function in the place of exp",
            stated=("mask_leak.mask_leak", "mask_leak.no_mask_is_wrong", "mask_leak.finite_mask_is_wrong"),
            definitions=("mask_leak.kappa", "mask_leak.finite_mask", "mask_leak.instance"),
            asserts=("leak",),
        ),
        Check(
            "symbolic",
            "every n and d, from any value row; that one more visible key scales the other weights by Λ = diag(1 − κ) is taken over, and seen by the other kinds",
            symbolic,
            shows=(symbolic, said_row),
            asserts=("leak",),
        ),
        Check(
            "exact",
            lambda: (
                f"{described(cases_of_shapes(SMALLEST, EXACT_GRID), 'contexts in rationals')}; "
                f"{described(symbol_cases(SYMBOL_GRID), 'contexts of explicit symbols, with the true exp')}"
            ),
            exact,
            shows=(first_leak, leaked_values),
            asserts=("leak",),
        ),
        Check(
            "certified",
            lambda: described(
                (replace(case, exp=None) for case in cases_of_shapes(SMALLEST, EXACT_GRID)),
                "contexts in Arb balls, with the true exp",
            ),
            certified,
            shows=(first_leak, leaked_values),
            asserts=("leak",),
        ),
        Check(
            "numeric",
            lambda: described(chain.from_iterable(float_batches(0, TRIALS)), "contexts in floats"),
            numeric,
            shows=(batch_difference, leaked_values),
            asserts=("leak",),
        ),
    ),
    mutants=MUTANTS,
    source="Found for this book; why the published construction masks the query column",
    shared="The right side is a loop over transitions; the exponential of the library is common to both sides.",
)
