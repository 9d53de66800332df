r"""episodes: softmax-td, two-heads and mask-leak of several trajectories, each of which terminates or is cut.

The last column of each trajectory is hidden as a key, and the shift has a gap where a transition terminates:

    δ_k = R_{k+1} + (1 − e_k) γ v(S'_k) − v(S_k),    e_k = 1 where transition k terminates, else 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, chain, product
from random import Random
from typing import Any

from sympy import MatrixSymbol, symbols

from icrl.algebra import Matrix, kind, place, scalar, shift, stack, transpose
from icrl.arrays import np
from icrl.claims.foundations import mask_leak
from icrl.claims.foundations.mask_leak import Leak, leak_by_column, paid_query, sides
from icrl.claims.theorem.softmax_td import (
    BLIND,
    also_writes,
    batch_difference,
    first_prompt,
    first_wrong_band,
    induction,
    is_large,
    late_rewards,
    more_in_scores,
    readable,
)
from icrl.claims.theorem.two_heads import between_rows, second_head
from icrl.mrp import Endings
from icrl.prompt import REWARD, TARGET, VALUE, prompt, rows
from icrl.transformer import Parameters, in_two_heads
from icrl.verify.instances.cases import (
    Case,
    as_batch,
    as_matrices,
    ball_case,
    float_case,
    rational_case,
    shapes,
    symbol_case,
    td_prompts,
)
from icrl.verify.instances.episodic import in_episodes, of_walks
from icrl.verify.instances.words import described
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.differences import TOLERANCE, one_thread
from icrl.verify.judging.parts import AsBalls, Exactly, Part, first_failure, in_balls, in_balls_name, size
from icrl.verify.judging.prompts import compared
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes.edits import Machine, Site, no_normaliser, target_not_cleared, unmasked, value_weights
from icrl.verify.routes.induction import td_errors, td_update, weights

OF_SEVERAL = sy.n, sy.m
"""n transitions of m trajectories, at symbolic sizes."""

CUT, TERMINATED = False, True


ALIKE = ((0,), (0,), (0,))
"""Equal features of three states."""

SMALLEST = (
    of_walks([((0, 1), CUT)], r=(0,), v=(0, 1), x=ALIKE[:2]),
    of_walks([((0, 1), TERMINATED)], r=(0,), v=(0, 1), x=ALIKE[:2]),
    of_walks([((0, 0), CUT), ((0, 0), CUT)], r=(0, 0), v=(1,)),
    of_walks([((0, 0), CUT), ((0, 0), CUT)], r=(0, 1), v=(0,)),
    of_walks([((0, 1), CUT), ((2, 2), CUT)], r=(0, 0), v=(0, 0, 1), x=ALIKE),
    of_walks([((0, 1), TERMINATED), ((1, 0), CUT)], r=(1, 0), v=(0, 1), x=((1,), (0,)), depth=2),
)
"""The smallest contexts at which some wrong variant is wrong; the checks of rationals begin with them."""

EXACT_GRID = list(product(range(2, 9), range(3), range(4)))
SYMBOL_GRID = [
    (((1, TERMINATED),), 1, 2),
    (((1, CUT), (1, CUT)), 0, 2),
    (((1, TERMINATED), (1, CUT)), 1, 1),
    (((2, TERMINATED), (1, CUT)), 0, 1),
]
BALL_GRID = list(product((2, 4, 6, 9), (0, 1, 3), (1, 3)))
TRIALS = 2000


def drawn_endings(columns: int, longest: int, below: Callable[[int], int]) -> Endings:
    """Trajectories in so many columns, 2 or more: lengths up to ``longest`` at random (that of the last up to 1 more), each terminated or cut.

    ``below(k)`` is a random integer in 0..k−1.
    """
    drawn = []
    while columns:
        wide = 2 + below(min(longest, columns - 1))
        wide += columns - wide == 1  # no trajectory has a single column
        drawn.append((wide - 1, bool(below(2))))
        columns -= wide
    return drawn


def rational_cases(grid: Iterable[tuple[int, int, int]]) -> list[Case]:
    """The smallest contexts, then a random rational one for each number of columns, d and depth; γ = 1 in every fifth."""
    rng = Random(0)
    drawn = [
        in_episodes(rational_case(rng, columns - 1, d, depth), drawn_endings(columns, 3, rng.randrange))
        for columns, d, depth in grid
    ]
    return [*SMALLEST, *(case if i % 5 else replace(case, gamma=Fraction(1)) for i, case in enumerate(drawn))]


def symbol_cases() -> list[Case]:
    """Contexts in which every entry is its own symbol; all states are distinct."""
    columns = lambda endings: sum(length + 1 for length, _ in endings)
    return [in_episodes(symbol_case(columns(ends) - 1, d, depth), ends) for ends, d, depth in SYMBOL_GRID]


def float_batches(seed: int, trials: int) -> Iterator[list[Case]]:
    """Random float contexts, those of one shape and of one set of endings together; γ = 1 in every fourth batch."""
    rng = np.random.default_rng(seed)
    for turn, (count, n, d, depth) in enumerate(shapes(rng, trials)):
        longest = int(rng.integers(1, n + 1))
        endings = drawn_endings(n + 1, longest, lambda k: int(rng.integers(k)))
        cases = [in_episodes(float_case(rng, n, d, depth), endings) for _ in range(count)]
        yield [replace(case, gamma=1.0) for case in cases] if turn % 4 == 0 else cases


# The statement.


@dataclass(frozen=True)
class Episodes:
    """The statement with its pieces: the construction, how its layers are made ones with two heads, and what the unmasked layer does."""

    machine: Machine = Machine()
    dual: Callable[[Parameters], Parameters] = in_two_heads
    leak: Leak = Leak()

    @property
    def in_two_heads(self) -> Machine:
        """The construction with two heads in each layer."""
        return replace(self.machine, edit=lambda p, site: self.dual(self.machine.edit(p, site)))


def symbolic(claim: Episodes, budget: Budget) -> Verdict:
    """The induction over depth with m columns that no transition leaves, by either layer; one column; and the unmasked layer."""
    met = Counter[str]()
    inductions = (
        ("rows", claim.machine, OF_SEVERAL, sy.probe_of_two("alpha_l")),
        ("two-heads", claim.in_two_heads, OF_SEVERAL, sy.probe_of_two("alpha_l")),
        ("one-trajectory", claim.machine, (sy.n, 1), sy.probe("alpha_l")),
    )
    said = [
        (id, pair, at, f"{part} of the induction")
        for id, machine, trajectories, at in inductions
        for part, pair in induction(machine, trajectories).items()
    ]
    leak = sides(claim.leak, sy.value_row("v_l", sy.m), OF_SEVERAL)
    failures: dict[str, Verdict] = {}
    for id, pair, at, where in [*said, ("leak", leak, sy.probe_of_two("alpha_l"), "one layer, unmasked")]:
        met[id] += 1
        if failure := sy.compare_blocks(*pair, at, where):
            failures.setdefault(id, failure)
    for failure in failures.values():
        found = failure.counterexample and replace(failure.counterexample, asserted=tuple(failures))
        return replace(failure, counterexample=found)
    return Verdict(
        True,
        "from any value row, whatever Π moves onto the sources: base, and step to the TD update, of either layer; for m = 1 "
        "those of one trajectory; without the mask v + (increment) Λ − α Σ_h v(S_h) κ_h",
        met=met,
    )


def parts(claim: Episodes, case: Case, scale: float = 1.0) -> Iterator[Part]:
    """What is said of a context: its prompts by either layer, one layer without the mask, and its first trajectory taken alone, cut."""
    of_prompts = lambda machine: compared(machine.run(*as_matrices(case)), td_prompts(case))
    sides = {
        "rows": of_prompts(claim.machine),
        "two-heads": of_prompts(claim.in_two_heads),
        "leak": leak_by_column(claim.leak, once(case)) if case.depth else (),
        "one-trajectory": beside_one(claim.machine, case),
    }
    for id, found in sides.items():
        yield from (Part(*each, scale, asserted=id) for each in found)


def once(case: Case) -> Case:
    """The case with its first layer alone."""
    return replace(case, alphas=case.alphas[:1])


def alone(case: Case, endings: Endings | None = None) -> Case:
    """The first trajectory of a case, with these endings."""
    states, _ = case.trajectories[0]
    return replace(case, states=states, rewards=case.rewards[: len(states) - 1], endings=endings)


def cut_alone(case: Case) -> Case:
    """The same as a list of one trajectory, cut."""
    return alone(case, [(len(case.trajectories[0][0]) - 1, CUT)])


def beside_one(machine: Machine, case: Case) -> Iterator[tuple[str, Any, Any]]:
    """The first trajectory of a case as a list of one, cut, beside the construction for one trajectory: prompts, Π and mask."""
    both = [matrices(machine, cut_alone(case)), matrices(Machine(), alone(case))]
    for (name, got), (_, right) in zip(*both, strict=True):
        for index in np.ndindex(right.shape):
            yield f"one trajectory, {name}, entry {', '.join(map(str, index))}", got[index], right[index]


def matrices(machine: Machine, case: Case) -> Iterator[tuple[str, Matrix]]:
    """The prompts of a case, and of each layer Π and the mask as ones and zeros, with their names."""
    features, rewards, _, gamma, alphas, A, exp, endings = given = as_matrices(case)
    for layer, Z in enumerate(machine.run(*given)):
        yield f"layer {layer}", Z
    for alpha in alphas[:1]:
        n = case.n if endings is None else endings
        p, one = machine.parameters(Z, case.d, n, gamma, alpha, A, exp), 0 * gamma + 1
        yield "Π", p.target_memory.shift
        yield "the mask", np.where(p.head.visible, one, 0 * one)


def exact(claim: Episodes, budget: Budget) -> Verdict:
    """Equality of every entry, on ``Fraction``s with a stand-in for exp and on SymPy symbols with exp."""
    rationals, explicit, met = rational_cases(EXACT_GRID), symbol_cases(), Counter[str]()
    named = [(str(case), case) for case in rationals]
    named += [(f"symbols, endings {case.endings}, d = {case.d}, depth {case.depth}", case) for case in explicit]
    for name, case in named:
        if found := first_failure(name, parts(claim, case), Exactly(), met):
            return Verdict(False, "a part of the statement fails", counterexample=found)
    return Verdict(
        True,
        f"{len(rationals)} rational contexts and {len(explicit)} contexts of explicit symbols, "
        "equal in every entry of every layer",
        met=met,
    )


def certified(claim: Episodes, budget: Budget) -> Verdict:
    """Arb balls at 256 bits: every difference encloses 0 in a ball far below the values' scale."""
    met = Counter[str]()

    def found(case: Case) -> Counterexample | None:
        ball = ball_case(case)
        scale = size(*(values for *_, values in td_prompts(ball)))
        return first_failure(in_balls_name(case), parts(claim, ball, scale), AsBalls(), met)

    verdict = in_balls(map(found, rational_cases(BALL_GRID)), "contexts", "every difference in a ball around 0")
    return replace(verdict, met=met)


def numeric(claim: Episodes, budget: Budget) -> Verdict:
    """Random float contexts, those of one shape run as one batch (NumPy and torch by turns), against the loop one by one."""
    import torch

    trials, worst, done, met = budget.trials or TRIALS, 0.0, 0, Counter[str]()
    with one_thread(torch):
        for turn, cases in enumerate(float_batches(budget.seed, trials)):
            for id, (ratio, found) in differences(claim, cases, np.asarray if turn % 2 else torch.as_tensor):
                if not ratio <= 1:
                    where = f"within trials {done + 1} to {done + len(cases)} (seed {budget.seed})"
                    shown = found and replace(found, asserted=(id,))
                    return Verdict(False, f"{id} differs, or is not finite, {where}", counterexample=shown)
                worst = max(worst, ratio)
                met[id] += len(cases)
            done += len(cases)
            budget.progress(done, trials)
    return Verdict(
        True,
        f"{trials} random contexts (seed {budget.seed}), all rows and columns of all layers; tolerance {TOLERANCE} eps "
        "(1 + max |score|)(1 + layer) max |v|, without the mask (max |v| + max |R|) in its place; one trajectory to the bit",
        f"largest difference {worst:.3f} of the tolerance",
        met=met,
    )


def differences(
    claim: Episodes, cases: list[Case], array: Callable
) -> Iterator[tuple[str, tuple[float, Counterexample | None]]]:
    """By assertion, the largest difference of a batch in units of its tolerance, and where it is above that."""
    batch = as_batch(cases, array)
    yield "rows", batch_difference(cases, claim.machine.run(*batch))
    yield "two-heads", batch_difference(cases, claim.in_two_heads.run(*batch))
    yield "leak", mask_leak.batch_difference(claim.leak, list(map(once, cases)))
    yield "one-trajectory", bits_that_differ(claim.machine, cases)


def bits_that_differ(machine: Machine, cases: list[Case]) -> tuple[float, Counterexample | None]:
    """0, or infinity where the first trajectories as lists of one, cut, are not to the bit those of the construction for one; and where."""
    cut, one = (as_batch(list(map(taken, cases))) for taken in (cut_alone, alone))
    for layer, (got, right) in enumerate(zip(machine.run(*cut), Machine().run(*one), strict=True)):
        for case, Z, want in zip(cases, got, right):
            if not np.array_equal(Z, want):
                return float("inf"), first_wrong_band(alone(case), layer, Z, rows(want), 0.0)
    return 0.0, None


# Mutants.


Shift = Callable[[Any, Matrix], Matrix]
"""What makes a shift of the number of transitions, or of endings, of the kind of a matrix."""


def at_sizes(n: Any, like: Matrix, name: str, block: tuple[int, int]) -> Matrix:
    """Π at symbolic sizes with a further opaque block; as it is for one column that no transition leaves."""
    if n[1] == 1:
        return shift(n, like)
    return shift(n, like) + place({block: MatrixSymbol(name, *(n[i] for i in block))}, n, n, like)


def bootstrapped(n: Any, like: Matrix) -> Matrix:
    """Π that keeps the 1 where a transition terminates."""
    if kind(like) == "blocks":
        return at_sizes(n, like, "B", (1, 0))
    return shift([(length, CUT) for length, _ in n], like)


def ended(n: Any, like: Matrix) -> Matrix:
    """Π with a gap at the end of every trajectory, cut or not."""
    if kind(like) == "blocks":
        return place({(0, 0): sy.N}, n, n, like)
    return shift([(length, TERMINATED) for length, _ in n], like)


def over_the_boundary(n: Any, like: Matrix) -> Matrix:
    """Π that moves the first state of the next trajectory, and not its own last, onto the last transition of a cut."""
    if kind(like) == "blocks":
        return at_sizes(n, like, "C", (0, 0))
    moved = shift(n, like)
    for last in lasts(n)[:-1]:
        moved[last + 1, last - 1] = moved[last, last - 1]
        moved[last, last - 1] = 0 * moved[last, last - 1]
    return moved


def reading_on(n: Any, like: Matrix) -> Matrix:
    """Π that moves the first state of the next trajectory onto a last column."""
    if kind(like) == "blocks":
        return at_sizes(n, like, "F", (0, 1))
    moved = shift(n, like)
    for last in lasts(n)[:-1]:
        moved[last + 1, last] = 0 * moved[last, last] + 1
    return moved


def lasts(endings: Endings) -> list[int]:
    """The last column of each trajectory."""
    return [wide - 1 for wide in accumulate(length + 1 for length, _ in endings)]


def in_layers(wrong: Shift) -> Callable[[Parameters, Site], Parameters]:
    """The wrong shift in the target-memory step."""
    return lambda p, site: p.with_memory(shift=wrong(site.n, site.like))


def with_shift(name: str, wrong: Shift) -> Mutant:
    """The construction with a wrong shift, in the first prompt and in every layer."""

    def made(features, rewards, value, gamma, endings=None):
        bands = rows(prompt(features, rewards, value, gamma, endings))
        target = scalar(gamma, value) @ value @ wrong(endings, value)
        return stack(bands.features, bands.reward, target, bands.value)

    return Mutant(name, Episodes(Machine(prompt=made, edit=in_layers(wrong))))


def first_rewards(features, rewards, value, gamma, endings=None):
    """A prompt whose first n columns hold the rewards, as if no last column stood between them."""
    bands, n = rows(prompt(features, rewards, value, gamma, endings)), rewards.shape[-1]
    paid = place({(0, 0): rewards}, (1,), (n, value.shape[-1] - n), rewards)
    return stack(bands.features, paid, bands.target, bands.value)


def one_left_visible(p: Parameters, site: Site) -> Parameters:
    """The last column of the first trajectory visible as a key; at symbolic sizes those of all."""
    if kind(site.like) == "blocks":
        return unmasked(p, site)
    [(length, _), *_] = site.n
    return p.with_head(visible=p.head.visible | (np.arange(len(p.head.visible))[:, None] == length))


def one_hidden(p: Parameters, site: Site) -> Parameters:
    """The last column of all hidden, and no other."""
    if kind(site.like) == "blocks":
        return p
    columns = len(p.head.visible)
    return p.with_head(visible=np.arange(columns)[:, None] < columns - 1)


def edited(name: str, edit: Callable[[Parameters, Site], Parameters], unseen: Mapping[str, str] = {}) -> Mutant:
    """The construction with one edit of its parameters."""
    return Mutant(name, Episodes(Machine(edit=edit)), unseen)


MUTANTS = (
    with_shift("no gap at an ending", bootstrapped),
    edited("an ending bootstrapped in the layers", in_layers(bootstrapped)),
    with_shift("a cut treated as an ending", ended),
    with_shift("the next trajectory's first state taken for the next state", over_the_boundary),
    with_shift("a last column reads the next trajectory's first state", reading_on),
    edited("the last column of a trajectory left visible", one_left_visible),
    edited("only the last column of all hidden", one_hidden, {"symbolic": "there the last columns are one block"}),
    Mutant(
        "the rewards in the first n columns",
        Episodes(Machine(prompt=first_rewards)),
        {"symbolic": "there the sources' columns stand first"},
    ),
    Mutant("reward off by one", Episodes(Machine(prompt=late_rewards))),
    edited("reward enters with a minus", value_weights(reward=-1)),
    edited("target enters with a minus", value_weights(target=-1)),
    edited("α missing on the value", value_weights(dropped=VALUE)),
    Mutant("no normaliser", Episodes(Machine(softmax=no_normaliser)), BLIND),
    edited("V writes into the reward row", also_writes({(REWARD, VALUE)})),
    edited("rewards and values enter the scores", more_in_scores),
    edited("target row not cleared", target_not_cleared),
    Mutant(
        "γ missing in the second head",
        Episodes(dual=second_head(lambda memory, V: replace(memory, W=between_rows(V, TARGET, VALUE)))),
    ),
    Mutant(
        "second head shifted the other way",
        Episodes(dual=second_head(lambda memory, V: replace(memory, shift=transpose(memory.shift)))),
    ),
    Mutant("the leak of the last trajectory alone", Episodes(leak=Leak(one_column=True))),
    Mutant("leak term dropped", Episodes(leak=Leak(leaks=False))),
    Mutant("(1 − κ) dropped", Episodes(leak=Leak(shrinks=False))),
    Mutant(
        "a reward in each last column",
        Episodes(leak=Leak(Machine(prompt=paid_query, edit=unmasked))),
        {"symbolic": "it starts from the stated prompt"},
    ),
)


# The box.


def shown(expression: Any) -> str:
    """An expression at symbolic sizes as the book prints it: v⁺ for the values that follow, K_h for the weights of the last columns."""
    v = sy.value_row("v_l", sy.m)
    _, K_h = weights("K", v)
    delta = readable(td_errors(v), sy.m)
    short = {K_h: MatrixSymbol("K_h", *K_h.shape), delta: MatrixSymbol("delta_l", 1, sy.n)}
    return sy.book_latex(readable(expression, sy.m).xreplace(short))


def statement() -> str:
    """What is given, the update printed from the objects that the symbolic check compares."""
    v = sy.value_row("v_l", sy.m)
    source_row, last_row = td_update(v).blocks.tolist()[0]
    return rf"""
Let a context hold $n \ge 1$ transitions $(S_k, R_{{k+1}}, S'_k)$ in $m \ge 1$ trajectories, each of which terminates or is
cut; $e_k$ is 1 if transition $k$ terminates and 0 if not. The prompt has a column for every state of every trajectory. No
transition leaves the last column $h$ of a trajectory: its key is hidden, and its reward is 0. $\Pi$ has a 1 in row $j + 1$ of
column $j$ where a transition leaves column $j$ and does not terminate; its other entries are 0. Take any features, any
$d \times d$ matrix $A$, any $v_0$ that is a function of the state, any step sizes $\alpha_l$ and any $\gamma$, and let the
layers be those of {{prf:ref}}`softmax-td` with this mask and this $\Pi$. Weighted softmax TD is

$$
\begin{{aligned}}
\delta_l &= {sy.book_latex(readable(td_errors(v), sy.m))}, \\
v_{{l+1}} &= {shown(source_row)}, \\
v_{{l+1}}^h &= {shown(last_row)},
\end{{aligned}}
$$ (eq-episodes)

where $v_l^{{+}}$ holds $(1 - e_k)\, v_l(S'_k)$, $v_l^h$ and $X_h$ hold the values and the features of the $m$ last columns,
and $[K \; K_h]$ are the weights of the $n$ sources, as there. In the matrices the columns of the sources are written first.
""".strip()


ASSERTIONS = (
    Assertion(
        "rows",
        lambda claim: (
            rf"""
Then after $l$ layers the prompt is that of $v_l$,

$$
Z_l = {shown(first_prompt(claim.machine, OF_SEVERAL))},
$$ (eq-prompt-of-episodes)

features and rewards unchanged, the target row $\gamma v_l(S'_k)$, but 0 where transition $k$ terminates and in each last
column, the value row $v_l$.
"""
        ),
    ),
    Assertion(
        "two-heads",
        """
The layer with two heads ({prf:ref}`two-heads`) makes the same prompts.
""",
    ),
    Assertion(
        "leak",
        lambda claim: (
            rf"""
Without the mask, let $\kappa_{{jh}}$ be the weight that column $j$ gives to the last column $h$, $\kappa_j$ the sum of these
over $h$, and $\Delta_j$ what one layer adds to the value of column $j$ with the mask. From the prompt of $v_l$ the layer
makes this value

$$
{sy.book_latex(claim.leak.value(*symbols("v_j Delta_j kappa_j alpha_l lost_j")))} .
$$ (eq-episodes-leak)
"""
        ),
    ),
    Assertion(
        "one-trajectory",
        r"""
For one trajectory that is cut, prompt, mask and $\Pi$ are those of {prf:ref}`softmax-td`.
""",
        typed="names",
    ),
)


HYPOTHESES = (
    Hypothesis(
        r"Every trajectory has a transition.",
        reason="a lone state would be one more hidden column, which changes no other; without any transition a query sees no key",
    ),
    Hypothesis(
        "$v_0$ is a function of the state.",
        reason="what makes $v_l(s)$ one number; not used for the rows: the symbolic check starts from any value row",
    ),
    Hypothesis(r"$\Pi$ has a gap where a transition terminates.", "no gap at an ending"),
    Hypothesis(r"$\Pi$ has no gap where a trajectory is cut.", "a cut treated as an ending"),
    Hypothesis(
        "The last column of every trajectory is hidden as a key.", "the last column of a trajectory left visible"
    ),
    Hypothesis("The last columns hold no reward and no target, as in the prompt.", "a reward in each last column"),
    Hypothesis("The weights are normalised over the keys that are seen.", "no normaliser"),
    Hypothesis("The rest of $V$ is 0.", "V writes into the reward row"),
    Hypothesis("The rest of the score matrix is 0.", "rewards and values enter the scores"),
    Hypothesis(
        "No column's exponentials add up to 0 over the keys that it sees.",
        reason="the softmax is undefined there; neither the positivity of the exponential nor a range of $\\gamma$ or of the $\\alpha_l$ is used",
    ),
)

TRAITS = {
    "γ = 1": lambda case: case.gamma == 1,
    "five trajectories or more": lambda case: len(case.endings) >= 5,
    "n ≥ 64 and 32 layers or more": is_large,
}

PROOF = proof(
    "episodes",
    "for every number of states and of columns, every d and depth, any Π whose columns are unit vectors or 0, any hidden "
    "columns, any ordered field and any function in the place of exp, for the leak a positive one, and hidden columns without a reward or a successor",
    stated=(
        "episodes.episodes_transformer",
        "episodes.episodes_rows",
        "episodes.episodes_two_heads",
        "episodes.episodes_two_heads_transformer",
        "episodes.episodes_leak",
        "episodes.one_trajectory",
    ),
    further=(
        "episodes.episodes_remember",
        "executable.executable_is_episodes",
        "executable.executable_is_ep_td",
        "computed.computed_is_episodes",
    ),
    definitions=tuple(
        f"episodes.{name}"
        for name in (
            "next_value",
            "ep_error",
            "ep_K",
            "ep_update",
            "ep_weighted_td",
            "ep_softmax_td",
            "shift_of",
            "ep_prompt",
            "ep_kappa",
            "following",
        )
    ),
    asserts=("rows", "two-heads", "leak", "one-trajectory"),
)

CLAIM = Claim(
    id="episodes",
    title="Several trajectories, endings and cuts",
    chapter="episodes",
    environment="theorem",
    statement=statement,
    assertions=ASSERTIONS,
    hypotheses=HYPOTHESES,
    subject=Episodes(),
    checks=(
        PROOF,
        Check(
            "symbolic",
            "every n, m and d, every depth by induction; the weights opaque, and what Π moves onto the sources; for the leak Λ = diag(1 − κ) is taken over, as in mask-leak",
            symbolic,
            shows=(induction, sides),
        ),
        Check(
            "exact",
            lambda: (
                f"{described(rational_cases(EXACT_GRID), 'contexts in rationals', TRAITS)}; "
                f"{described(symbol_cases(), 'contexts of explicit symbols, with the true exp')}"
            ),
            exact,
            shows=(parts, leak_by_column, matrices),
        ),
        Check(
            "certified",
            lambda: described(
                (replace(case, exp=None) for case in rational_cases(BALL_GRID)),
                "contexts in Arb balls, with the true exp",
                TRAITS,
            ),
            certified,
            shows=(parts, leak_by_column, matrices),
        ),
        Check(
            "numeric",
            lambda: described(
                chain.from_iterable(float_batches(0, TRIALS)), "contexts in floats, NumPy and torch by turns", TRAITS
            ),
            numeric,
            shows=(differences, batch_difference, bits_that_differ),
        ),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td", "two-heads", "mask-leak"),
    source="Found for this book",
    shared=(
        "The oracle is a loop over transitions. The two routes share the exponential of Python's, SymPy's or Arb's "
        "library, and the instances; at symbolic sizes also the letters N and p for the shift, of which only the last "
        "columns of Π are known, and K for the weights."
    ),
)
