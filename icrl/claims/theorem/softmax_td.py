r"""softmax-td: l layers of the construction are l updates of weighted softmax TD, at every size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, product

from sympy import BlockMatrix, MatrixSymbol, block_collapse

from icrl.algebra import identity, kind, place, scalar, shift, softmax, stack, transpose
from icrl.arrays import np
from icrl.prompt import FEATURES, REWARD, TARGET, VALUE, Rows, prompt, row_sizes, rows
from icrl.transformer import Parameters
from icrl.transformer import layer as one_layer
from icrl.verify.instances.cases import (
    Case,
    as_batch,
    ball_case,
    float_case,
    shapes,
    smallest,
    td_prompts,
)
from icrl.verify.instances.contexts import cases_of_shapes, symbol_cases
from icrl.verify.instances.words import described
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.differences import (
    TOLERANCE,
    balls_differ,
    entries_differ,
    one_thread,
    told_apart,
)
from icrl.verify.judging.parts import in_balls, in_balls_name
from icrl.verify.judging.prompts import first_difference, place_name
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes.edits import (
    Machine,
    Site,
    compare_case,
    mask_first,
    no_normaliser,
    target_not_cleared,
    unmasked,
    value_weights,
)
from icrl.verify.routes.induction import alpha, next_values, stated_prompt, td_errors, td_update

SMALLEST = (
    smallest((0, 0), r=(1,), v=(0,)),
    smallest((0, 0), r=(0,), v=(1,)),
    smallest((0, 0), depth=2),
    smallest((0, 1), depth=2, v=(1, 0), x=((0,), (0,))),
    smallest((0, 0), r=(1,), v=(0,), x=((1,),)),
    smallest((0, 1, 0), r=(1, 0), v=(0, 0), x=((1, 0), (0, 2)), A=((1, 1), (0, 1))),
)
"""The smallest contexts at which some wrong variant is wrong; the exact check begins with them."""

EXACT_GRID = list(product(range(1, 7), range(4), range(5)))
SYMBOL_GRID = list(product(range(1, 4), range(3), range(1, 3)))
BALL_GRID = list(product((1, 2, 3, 5, 8), (0, 1, 3), (1, 2, 4)))
TRIALS = 2000


def first_prompt(machine: Machine, trajectories: tuple | None = None) -> BlockMatrix:
    """The prompt of an opaque value row, as the machine makes it.

    ``trajectories``: n and the number of columns that no transition leaves; those of one trajectory, cut, unless given.
    """
    hidden = trajectories[1] if trajectories else 1
    v = sy.value_row("v_l", hidden)
    return block_collapse(machine.prompt(sy.all_features(hidden), sy.R, v, sy.gamma, trajectories))


def derived_layer(machine: Machine, v: BlockMatrix, trajectories: tuple | None = None) -> BlockMatrix:
    """The stated prompt of v after one layer of the machine, as block matrices say."""
    Z = stated_prompt(v)
    return block_collapse(one_layer(Z, machine.parameters(Z, sy.d, trajectories or sy.n, sy.gamma, alpha, sy.A)))


def induction(machine: Machine, trajectories: tuple | None = None) -> dict[str, tuple[BlockMatrix, BlockMatrix]]:
    """Base and step of the induction over depth, each as (what the machine does, what the theorem says)."""
    v = sy.value_row("v_l", trajectories[1] if trajectories else 1)
    return {
        "base": (first_prompt(machine, trajectories), stated_prompt(v)),
        "step": (derived_layer(machine, v, trajectories), stated_prompt(td_update(v))),
    }


def symbolic(machine: Machine, budget: Budget) -> Verdict:
    """Base, then step; the step starts from an opaque value row, so it may be repeated: that is the conclusion."""
    for part, (got, right) in induction(machine).items():
        if failure := sy.compare_blocks(got, right, sy.probe("alpha_l"), f"{part} of the induction"):
            return failure
    return Verdict(
        True,
        "base: the prompt of v_0; step: from any value row v to its TD update, all four rows; conclusion: by induction, every depth",
    )


def readable(expression, hidden=1):
    """The expression with v⁺ written for the values at S_1, …, S_n."""
    return expression.xreplace({next_values(sy.value_row("v_l", hidden)): MatrixSymbol("v_l^+", 1, sy.n)})


def statement() -> str:
    """What is given, the update printed from the objects that the symbolic check compares."""
    v = sy.value_row("v_l")
    delta = td_errors(v)
    short = {delta: MatrixSymbol("delta_l", 1, sy.n)}
    sources, query = (sy.book_latex(block.xreplace(short)) for block in td_update(v).blocks.tolist()[0])
    return rf"""
Let $n \ge 1$ and $d \ge 0$, and take any context, any features, any $d \times d$ matrix $A$, any $v_0$ that is a
function of the state, and any step sizes $\alpha_0, \alpha_1, \dots$ Let $Z_0$ be the prompt of
$v_0$ ({{prf:ref}}`prompt-matrix`), and let layer $l$ be that of {{prf:ref}}`transformer-layer` with the query column's
key hidden, the block $A$ on the features, and $V$'s last row $(0, \dots, 0, \alpha_l, \alpha_l, -\alpha_l)$, the rest
of $A$ and $V$ being 0. Let $v_0, v_1, \dots$ be the iterates of weighted softmax TD with the score
$g(s, u) = x(u)^\top A\, x(s)$,

$$
\begin{{aligned}}
\delta_l &= {sy.book_latex(readable(delta))}, \\
v_{{l+1}} &= {sources}, \\
v_{{l+1}}(S_n) &= {query},
\end{{aligned}}
$$ (eq-softmax-td)

where $R$, $v_l$ and $v_l^{{+}}$ hold $R_{{k+1}}$, $v_l(S_k)$ and $v_l(S_{{k+1}})$ for $k < n$, and column $j$ of
$[K \; K_n]$ is the softmax, over the sources $k < n$, of $g(S_j, S_k)$.
""".strip()


ROWS = Assertion(
    "rows",
    lambda machine: (
        rf"""
Then after $l$ layers the prompt is that of $v_l$,

$$
Z_l = {sy.book_latex(readable(first_prompt(machine)))},
$$ (eq-prompt-of-iterate)

where $X$ holds $x(S_k)$ for $k < n$: features and rewards unchanged, target row $\gamma v_l(S_{{j+1}})$, and 0 in the
query column, value row $v_l(S_j)$.
"""
    ),
)


HYPOTHESES = (
    Hypothesis(
        r"A context of $n \ge 1$ transitions.",
        reason="without a source there is no key that the query column may see, and the layer is undefined",
    ),
    Hypothesis(
        "$v_0$ is a function of the state.",
        reason="what makes $v_l(s)$ one number; not used for the rows: the symbolic check starts from any value row",
    ),
    Hypothesis("The query column's key is hidden exactly.", "no mask"),
    Hypothesis("The weights are normalised over the keys that are seen.", "no normaliser"),
    Hypothesis("The rest of $V$ is 0.", "V writes into the reward row"),
    Hypothesis("The rest of the score matrix is 0.", "rewards and values enter the scores"),
    Hypothesis(
        "No column's exponentials add up to 0 over the sources.",
        reason="the softmax is undefined there; neither the positivity of the exponential nor a range of $\\gamma$ or of the $\\alpha_l$ is used",
    ),
)


# Exact, certified, numeric: the machine against the loop.


def exact(machine: Machine, budget: Budget) -> Verdict:
    """Equality of every entry of every layer, on ``Fraction``s with a stand-in for exp and on SymPy symbols with exp."""
    rationals, explicit = (
        [(str(case), case) for case in cases_of_shapes(SMALLEST, EXACT_GRID)],
        symbol_cases(SYMBOL_GRID),
    )
    named = [(f"symbols, n = {case.n}, d = {case.d}, depth {case.depth}", case) for case in explicit]
    for name, case in [*rationals, *named]:
        if found := compare_case(machine, case, name, entries_differ):
            return Verdict(False, "an entry differs", counterexample=found)
    return Verdict(
        True,
        f"{len(rationals)} rational contexts and {len(explicit)} contexts of explicit symbols, "
        "equal in every entry of every layer",
    )


def certified(machine: Machine, budget: Budget) -> Verdict:
    """Arb balls at 256 bits: every difference encloses 0 in a ball far below the values' scale."""

    def compared(case: Case) -> Counterexample | None:
        ball = ball_case(case)
        scale = max(1.0, *(abs(float(entry)) for bands in td_prompts(ball) for entry in bands[3]))
        return compare_case(machine, ball, in_balls_name(case), balls_differ(scale))

    return in_balls(
        map(compared, cases_of_shapes(SMALLEST, BALL_GRID)), "contexts", "every difference in a ball around 0"
    )


def float_batches(seed: int, trials: int) -> Iterator[list[Case]]:
    """Random float contexts, those of one shape together."""
    rng = np.random.default_rng(seed)
    for count, n, d, depth in shapes(rng, trials):
        yield [float_case(rng, n, d, depth) for _ in range(count)]


def is_large(case: Case) -> bool:
    """Whether many columns meet many layers."""
    return case.n >= 64 and case.depth >= 32


TRAITS = {
    "n ≥ 64 and 32 layers or more": is_large,
    "an |x|² past 709, where exp overflows": lambda case: max(sum(q * q for q in x) for x in case.features) > 709,
}


def numeric(machine: Machine, budget: Budget) -> Verdict:
    """Random float contexts, those of one shape run as one batch (NumPy and torch by turns), against the loop one by one."""
    import torch

    trials, worst, large, done = budget.trials or TRIALS, 0.0, 0, 0
    with one_thread(torch):
        for turn, cases in enumerate(float_batches(budget.seed, trials)):
            prompts = machine.run(*as_batch(cases, np.asarray if turn % 2 else torch.as_tensor))
            ratio, found = batch_difference(cases, prompts)
            if ratio > 1:
                return Verdict(
                    False,
                    f"differs, or is not finite, within trials {done + 1} to {done + len(cases)} (seed {budget.seed})",
                    counterexample=found,
                )
            worst = max(worst, ratio)
            done += len(cases)
            large += sum(map(is_large, cases))
            budget.progress(done, trials)
    return Verdict(
        True,
        f"{trials} random contexts (seed {budget.seed}), {large} of them with n ≥ 64 and depth ≥ 32, all rows and columns of all layers; "
        f"tolerance {TOLERANCE} eps (1 + max |score|)(1 + layer) max |v|",
        f"largest difference {worst:.3f} of the tolerance",
    )


def batch_difference(cases: list[Case], prompts: Iterable) -> tuple[float, Counterexample | None]:
    """The largest difference between a batch of prompts and the loop, in units of the tolerance, layer by layer.

    Features and rewards must be equal. Stops at the first difference above the tolerance; one that is not finite is no
    counterexample.
    """
    worst, oracles = 0.0, [td_prompts(case) for case in cases]
    given = [np.array([*features, rewards]) for features, rewards, *_ in map(next, map(td_prompts, cases))]
    steep = [1 + max(abs(g) for row in case.scores for g in row) for case in cases]
    scale = [max(map(abs, case.rewards)) for case in cases]
    for layer, (Z, wanted) in enumerate(zip(prompts, zip(*oracles, strict=True), strict=True)):
        Z = np.asarray(Z)
        for b, (case, want) in enumerate(zip(cases, wanted)):
            scale[b] = max(scale[b], *map(abs, want[3]))
            unit = TOLERANCE * np.finfo(float).eps * steep[b] * (1 + layer) * scale[b]
            gap = float(np.abs(Z[b, -2:] - want[2:]).max())
            if not (gap <= unit and np.array_equal(Z[b, :-2], given[b])):
                return float("inf"), first_wrong_band(case, layer, Z[b], want, unit)
            worst = max(worst, gap / unit)
    return worst, None


def first_wrong_band(case: Case, layer: int, Z: np.ndarray, want: tuple, unit: float) -> Counterexample | None:
    """The band of a prompt, from the value row up, that differs: its most wrong entry."""
    for band, got, right in reversed(list(zip(Rows._fields, rows(Z), want))):  # the value row says most
        right = np.reshape(right, got.shape)
        if not np.abs(got - right).max(initial=0.0) <= (unit if band in ("target", "value") else 0.0):
            return largest_gap(case, layer, band, got, right)
    return None


def largest_gap(case: Case, layer: int, band: str, got: np.ndarray, right: np.ndarray) -> Counterexample | None:
    """Where a band is most wrong; None when it is not finite."""
    if not np.isfinite(got).all():
        return None
    i, j = map(int, np.unravel_index(np.argmax(np.abs(got - right)), got.shape))
    sizes = f"n = {case.n}, d = {case.d}, depth {case.depth}, {len(case.features)} states"
    sizes += f", {len(case.endings)} trajectories" if case.endings else ""
    return Counterexample(sizes, place_name(layer, band, i, j), *told_apart(float(got[i, j]), float(right[i, j])))


def also_writes(bands: set[tuple[int, int]]):
    """V with a further block, the identity, that reads one band and writes into another."""

    def edit(p: Parameters, site: Site) -> Parameters:
        sizes = row_sizes(site.d)
        return p.with_head(V=p.head.V + site.on_rows({(to, of): identity(sizes[of], site.like) for to, of in bands}))

    return edit


def more_in_scores(p: Parameters, site: Site) -> Parameters:
    """The products of their rewards and of their values added to the score of two columns."""
    return p.with_head(A=p.head.A + site.on_rows({(band, band): scalar(1, site.like) for band in (REWARD, VALUE)}))


def keep_last_column(p: Parameters, site: Site) -> Parameters:
    """Π with a 1 in its last corner."""
    return p.with_memory(
        shift=p.target_memory.shift + place({(1, 1): scalar(1, site.like)}, (site.n, 1), (site.n, 1), site.like)
    )


def no_shift(p: Parameters, site: Site) -> Parameters:
    """The identity in the place of Π."""
    blocks = {(0, 0): identity(site.n, site.like), (1, 1): scalar(1, site.like)}
    return p.with_memory(shift=place(blocks, (site.n, 1), (site.n, 1), site.like))


def late_rewards(features, rewards, value, gamma, endings=None):
    """A prompt whose column j holds R_j, the reward on arrival, where R_{j+1} belongs."""
    bands, n = rows(prompt(features, rewards, value, gamma, endings)), endings or rewards.shape[-1]
    return stack(bands.features, bands.reward @ transpose(shift(n, rewards)), bands.target, bands.value)


def no_initial_value(features, rewards, value, gamma, endings=None):
    """A prompt that starts from v = 0 whatever v_0 is."""
    bands, n = rows(prompt(features, rewards, value, gamma, endings)), rewards.shape[-1]
    zero = place({}, (1,), (n, value.shape[-1] - n), value)
    return stack(bands.features, bands.reward, zero, zero)


def softmax_over_rows(scores, visible, exp=None):
    """The weights normalised over the queries of each key instead of the keys of each query."""
    return (
        softmax(scores, visible)
        if kind(scores) == "blocks"
        else transpose(softmax(transpose(scores), visible.swapaxes(-1, -2), exp))
    )


OPAQUE = "softmax is opaque at symbolic sizes"
BLIND = {"symbolic": OPAQUE}


def edited(name: str, edit, unseen=()) -> Mutant:
    """The construction with one edit of its parameters."""
    return Mutant(name, Machine(edit=edit), dict(unseen))


MUTANTS = (
    edited("reward enters with a minus", value_weights(reward=-1)),
    edited("target enters with a minus", value_weights(target=-1)),
    edited("value enters with a plus", value_weights(value=1)),
    edited("α missing on the reward", value_weights(dropped=REWARD)),
    edited("α missing on the target", value_weights(dropped=TARGET)),
    edited("α missing on the value", value_weights(dropped=VALUE)),
    Mutant("reward off by one", Machine(prompt=late_rewards)),
    Mutant("v₀ ignored", Machine(prompt=no_initial_value)),
    edited("no mask", unmasked),
    edited("mask on key 0", mask_first, {"symbolic": "a block matrix does not tell one source from another"}),
    Mutant("softmax over rows", Machine(softmax=softmax_over_rows), BLIND),
    Mutant("no normaliser", Machine(softmax=no_normaliser), BLIND),
    edited("V writes into the reward row", also_writes({(REWARD, VALUE)})),
    edited("V writes into the features", also_writes({(FEATURES, FEATURES)})),
    edited("A transposed", lambda p, site: p.with_head(A=transpose(p.head.A))),
    edited("rewards and values enter the scores", more_in_scores),
    edited("shift reversed", lambda p, site: p.with_memory(shift=transpose(p.target_memory.shift))),
    edited("no shift", no_shift),
    edited("shift keeps the last column", keep_last_column),
    edited("target row not cleared", target_not_cleared),
    edited(
        "γ missing in the target-memory step",
        lambda p, site: p.with_memory(W=site.on_rows({(TARGET, VALUE): scalar(1, site.like)})),
    ),
    edited("no target-memory step", lambda p, site: replace(p, memory=None)),
)

PROOF = proof(
    "softmax-td",
    "for every number of states, n, d and depth, any ordered field and any function in the place of exp",
    stated=("softmax_td.transformer_is_softmax_td", "softmax_td.transformer_rows"),
    further=(
        "executable.executable_is_transformer",
        "executable.executable_is_td",
        "computed.computed_is_transformer",
        "example.example_values",
        "reals.softmax_td_real",
    ),
    definitions=(
        *(
            f"transformer.{name}"
            for name in (
                "reward_row",
                "target_row",
                "value_row",
                "sources",
                "softmax",
                "attention",
                "shift",
                "U",
                "W",
                "target_memory",
            )
        ),
        *(f"transformer.{name}" for name in ("score_matrix", "value_matrix", "layer", "transformer", "prompt")),
        *(f"td.{name}" for name in ("td_error", "K", "td_update", "weighted_td", "score", "softmax_td")),
    ),
    asserts=("rows",),
)

CLAIM = Claim(
    id="softmax-td",
    title="Softmax attention is weighted softmax TD",
    chapter="softmax-td",
    environment="theorem",
    statement=statement,
    assertions=(ROWS,),
    hypotheses=HYPOTHESES,
    subject=Machine(),
    checks=(
        PROOF,
        Check(
            "symbolic",
            "every n and d, every depth by induction; the weights opaque",
            symbolic,
            shows=(induction,),
            asserts=("rows",),
        ),
        Check(
            "exact",
            lambda: (
                f"{described(cases_of_shapes(SMALLEST, EXACT_GRID), 'contexts in rationals')}; "
                f"{described(symbol_cases(SYMBOL_GRID), 'contexts of explicit symbols, with the true exp')}"
            ),
            exact,
            shows=(compare_case, first_difference),
            asserts=("rows",),
        ),
        Check(
            "certified",
            lambda: described(
                (replace(case, exp=None) for case in cases_of_shapes(SMALLEST, BALL_GRID)),
                "contexts in Arb balls, with the true exp",
            ),
            certified,
            shows=(compare_case, first_difference),
            asserts=("rows",),
        ),
        Check(
            "numeric",
            lambda: described(
                chain.from_iterable(float_batches(0, TRIALS)), "contexts in floats, NumPy and torch by turns", TRAITS
            ),
            numeric,
            shows=(batch_difference,),
            asserts=("rows",),
        ),
    ),
    mutants=MUTANTS,
    source="Xie et al. 2026, Theorem 1",
    shared=(
        "The oracle is a loop over transitions. The two routes share the exponential of Python's, SymPy's or Arb's "
        "library, and the instances; at symbolic sizes also the letters N and p for the shift, of which only the last "
        "column of Π is known, and K for the weights."
    ),
)
