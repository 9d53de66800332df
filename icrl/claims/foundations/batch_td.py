r"""batch-td: batch tabular TD converges to the certainty-equivalence value, at a known rate, if every visited state is a source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product, repeat
from random import Random
from typing import Any, NamedTuple

from sympy import MatrixSymbol, Symbol

from icrl import td
from icrl.arrays import np
from icrl.verify.instances.cases import shown, small_fraction
from icrl.verify.instances.contexts import closing_float_walk, closing_walk
from icrl.verify.instances.words import described
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.differences import taken
from icrl.verify.judging.parts import (
    AT_LEAST,
    AT_MOST,
    UNLIKE,
    Part,
    Within,
    asserting,
    first_failure,
    on_rationals,
)
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Hypothesis, Mutant, Verdict
from icrl.verify.routes.exact_algebra import solved_by_sympy
from icrl.verify.routes.fixed_points import bellman_matrix, inverted

LAYERS, TRIALS = 6, 300
GRID = list(
    product((1, 2, 3), (1, 2, 4, 7), (Fraction(0), Fraction(1, 2), Fraction(9, 10)), (Fraction(1, 3), Fraction(1)))
)
TOLERANCE = 64
"""Float tolerance, in units of eps · (1 + l) · scale/(1 − γ): each update adds a rounding error of the values' size, and
errors stay bounded by 1/(1 − γ) of the largest; ``scale`` is max|v_0| + max|R|/(1 − γ)."""


class Sample(NamedTuple):
    """A context over the states 0, 1, …, γ, one step size, and v_0 by state."""

    states: list[int]
    rewards: list
    gamma: Any
    alpha: Any
    v: list

    def measures(self) -> dict[str, Any]:
        """Sizes, discount and step size."""
        return {"n": len(self.rewards), "states visited": len(self.v), "γ": self.gamma, "α": self.alpha}

    def __str__(self) -> str:
        if isinstance(self.gamma, float) and len(self.rewards) > 3:
            return f"n = {len(self.rewards)}, {len(self.v)} states, γ = {shown(self.gamma)}, α = {shown(self.alpha)}"
        return f"T = {shown(self.states)}, r = {shown(self.rewards)}, v_0 = {shown(self.v)}, γ = {shown(self.gamma)}, α = {shown(self.alpha)}"


@dataclass(frozen=True)
class BatchTD:
    """The statement with its pieces: the algorithm, one update as matrices, the model, the matrix of v_CE, the rate, and contexts let in beyond the hypotheses."""

    algorithm: Callable = td.tabular_td
    update: Callable = lambda v, P, r, gamma, alpha: v + alpha * (r + gamma * (P @ v) - v)
    model: Callable = lambda sample: counted_model(sample)
    system: Callable[[Any, Any], Any] = bellman_matrix
    rate: Callable[[Any, Any], Any] = lambda alpha, gamma: 1 - alpha * (1 - gamma)
    beyond: tuple[Sample, ...] = ()


def counted_model(sample: Sample, reward_of: Callable[[int], int] = lambda k: k) -> tuple[np.ndarray, np.ndarray]:
    """P_e and r̂ by counting; ``reward_of(k)`` is the number of the reward that transition k is given."""
    size, zero = len(sample.v), 0 * sample.gamma
    P = np.full((size, size), zero, dtype=object)
    r = np.full(size, zero, dtype=object)
    counts = [sample.states[:-1].count(s) for s in range(size)]
    for k, (s, after) in enumerate(zip(sample.states[:-1], sample.states[1:])):
        P[s, after] += (zero + 1) / counts[s]
        r[s] += sample.rewards[reward_of(k)] / counts[s]
    return P, r


def certainty_equivalence(claim: BatchTD, sample: Sample, P: np.ndarray, r: np.ndarray) -> np.ndarray:
    """(I − γP_e)⁻¹ r̂, in the numbers of the sample."""
    X = claim.system(P, sample.gamma)
    if isinstance(sample.gamma, float):
        return np.linalg.solve(X.astype(float), r.astype(float))
    return solved_by_sympy(X, r)


def loop(claim: BatchTD, sample: Sample, v: np.ndarray, count: int) -> list[np.ndarray]:
    """v and the algorithm's first updates of it, by state."""
    updates = claim.algorithm(sample.states, sample.rewards, sample.gamma, repeat(sample.alpha), dict(enumerate(v)))
    return [np.array([values[s] for s in range(len(v))], dtype=object) for values in taken(updates, count + 1)]


def parts(claim: BatchTD, sample: Sample) -> Iterator[Part]:
    """The loop's distance to v_CE against the bound, and the loop against the matrix route; then what makes v_CE the limit."""
    P, r = claim.model(sample)
    v_ce = certainty_equivalence(claim, sample, P, r)
    v, first = np.array(sample.v, dtype=object), np.abs(np.array(sample.v, dtype=object) - v_ce).max()
    for layer, got in enumerate(loop(claim, sample, v, LAYERS)):
        bound, scale = claim.rate(sample.alpha, sample.gamma) ** layer * first, 1 + layer
        where = f"distance to v_CE after {layer} updates"
        yield Part(where, np.abs(got - v_ce).max(), bound, scale, AT_MOST, "rate")
        for s, right in enumerate(v):
            yield Part(f"v_{layer} at state {s}", got[s], right, scale, asserted="iteration")
        v = claim.update(v, P, r, sample.gamma, sample.alpha)
    yield from asserting("limit", limit(claim, sample, v_ce))


def limit(claim: BatchTD, sample: Sample, v_ce: np.ndarray) -> Iterator[Part]:
    """An update leaves v_CE where it is, and the factor of the rate is below 1."""
    for s, (got, right) in enumerate(zip(loop(claim, sample, v_ce, 1)[1], v_ce)):
        yield Part(f"v_1 from v_CE at state {s}", got, right)
    shrinks = 1 - claim.rate(sample.alpha, sample.gamma)
    yield Part("1 − the factor", shrinks, 0 * sample.gamma, relation=AT_LEAST)
    yield Part("1 − the factor", shrinks, 0 * sample.gamma, relation=UNLIKE)


def exact_samples() -> Iterator[Sample]:
    """The smallest contexts at which a wrong variant is wrong, then random ones, all of whose states are sources."""
    F = Fraction
    yield Sample([0, 0], [F(0)], F(1, 2), F(1, 2), [F(1)])
    yield Sample([0, 1, 0], [F(1), F(0)], F(1, 2), F(1, 2), [F(0), F(0)])
    rng = Random(0)
    for size, n, gamma, alpha in GRID:
        states = closing_walk(rng, size, n)
        yield Sample(
            states, [small_fraction(rng) for _ in range(n)], gamma, alpha, [small_fraction(rng) for _ in set(states)]
        )


def exact(claim: BatchTD, budget: Budget) -> Verdict:
    """Every part in ``Fraction``s."""
    return on_rationals(
        parts,
        claim,
        [*claim.beyond, *exact_samples()],
        "loop and matrices equal, every distance within the bound",
        f"contexts whose visited states are all sources, {LAYERS} updates each",
    )


def numeric(claim: BatchTD, budget: Budget) -> Verdict:
    """Random float contexts of random shapes."""
    trials, met = budget.trials or TRIALS, Counter[str]()
    beyond = [
        Sample(s.states, [*map(float, s.rewards)], float(s.gamma), float(s.alpha), [*map(float, s.v)])
        for s in claim.beyond
    ]
    for trial, sample in enumerate([*beyond, *islice(float_samples(budget.seed), trials)]):
        left = abs(1 - sample.gamma)
        scale = max(map(abs, sample.v)) + max(map(abs, sample.rewards)) / left
        unit = TOLERANCE * np.finfo(float).eps * scale / left
        if found := first_failure(str(sample), parts(claim, sample), Within(unit), met):
            return Verdict(False, f"fails in trial {trial + 1} (seed {budget.seed})", counterexample=found)
        budget.progress(trial + 1, trials)
    return Verdict(
        True,
        f"{trials} random contexts (seed {budget.seed}), {LAYERS} updates each; "
        f"tolerance {TOLERANCE} eps (1 + l)(max |v_0| + max |R|/(1 − γ))/(1 − γ)",
        met=met,
    )


def float_samples(seed: int) -> Iterator[Sample]:
    """Random contexts in floats whose visited states are all sources."""
    rng = np.random.default_rng(seed)
    while True:
        n = int(rng.integers(1, 41))
        states = closing_float_walk(rng, int(rng.integers(1, 9)), n)
        v = rng.normal(size=len(set(states))).tolist()
        rewards, gamma, alpha = rng.normal(size=n).tolist(), float(rng.uniform(0, 0.95)), float(1 - rng.uniform(0, 1))
        yield Sample(states, rewards, gamma, alpha, v)


def divided_by_n(states: list, rewards: list, gamma: Any, alphas: Any, v: dict) -> Iterator[dict]:
    """Batch TD that divides each state's sum of TD errors by n: the same fixed point, approached more slowly."""
    yield v
    for alpha in alphas:
        delta, before = td.td_errors(states, rewards, v, gamma), v
        v = {s: before[s] + alpha * sum(d for u, d in zip(states[:-1], delta) if u == s) / len(delta) for s in before}
        yield v


def beyond(name: str, *given: Any) -> Mutant:
    """The statement with a context let in that a hypothesis keeps out."""
    return Mutant(name, BatchTD(beyond=(Sample(*given),)))


HALF, TENTH = Fraction(1, 2), Fraction(1, 10)
ZERO, ONE = Fraction(0), Fraction(1)
MUTANTS = (
    Mutant("rate (1 − α)^l", BatchTD(rate=lambda alpha, gamma: 1 - alpha)),
    Mutant("divided by n instead of n_s", BatchTD(divided_by_n)),
    Mutant("reward off by one", BatchTD(model=lambda sample: counted_model(sample, lambda k: max(k - 1, 0)))),
    Mutant(
        "γ squared in the model",
        BatchTD(model=lambda sample: (sample.gamma * counted_model(sample)[0], counted_model(sample)[1])),
    ),
    Mutant("γ² in v_CE", BatchTD(system=lambda P, gamma: bellman_matrix(P, gamma * gamma))),
    beyond("a state that is no source let in", [0, 1], [ONE], 9 * TENTH, HALF, [ZERO, 10 * ONE]),
    beyond("α = 3/2 let in", [0, 1, 0], [ZERO] * 2, 9 * TENTH, 3 * HALF, [ONE, -ONE]),
    beyond("α = 0 let in", [0, 0], [ZERO], HALF, ZERO, [ONE]),
    beyond("γ = −1/2 let in", [0, 1, 0], [ZERO] * 2, -HALF, HALF, [ONE, -ONE]),
    beyond("γ = 3/2 let in", [0, 0], [ZERO], 3 * HALF, HALF, [ONE]),
    Mutant("a rate that is a tenth better", BatchTD(rate=lambda alpha, gamma: 1 - alpha * (1 - gamma) * 11 / 10)),
    Mutant("the old value is kept", BatchTD(update=lambda v, P, r, gamma, alpha: v + alpha * (r + gamma * (P @ v)))),
)


P_E, R_HAT = MatrixSymbol("P_e", sy.n, sy.n), MatrixSymbol(r"\hat{r}", sy.n, 1)
V = MatrixSymbol("v_l", sy.n, 1)
"""The model and the values at symbolic size."""


ASSERTIONS = (
    Assertion(
        "iteration",
        lambda claim: (
            rf"""
Then batch tabular TD is, on the visited states, the iteration

$$
v_{{l+1}} = {sy.book_latex(claim.update(V, P_E, R_HAT, sy.gamma, Symbol("alpha")))} .
$$
"""
        ),
    ),
    Assertion(
        "limit",
        lambda claim: (
            rf"""
From every $v_0$ it converges to the **certainty-equivalence value**

$$
v_{{\mathrm{{CE}}}} = {sy.book_latex(inverted(claim.system(P_E, sy.gamma), R_HAT))} ,
$$

the value of the empirical model.
"""
        ),
    ),
    Assertion(
        "rate",
        lambda claim: (
            rf"""
After $l$ updates

$$
\max_s \lvert v_l(s) - v_{{\mathrm{{CE}}}}(s) \rvert \;\le\; \bigl({sy.letters(claim.rate, "alpha", "gamma")}\bigr)^l \max_s \lvert v_0(s) - v_{{\mathrm{{CE}}}}(s) \rvert .
$$
"""
        ),
    ),
)


HYPOTHESES = (
    Hypothesis(
        "Every visited state is a source: at least one transition of the context leaves it.",
        "a state that is no source let in",
    ),
    Hypothesis(r"$\gamma \ge 0$.", "γ = −1/2 let in"),
    Hypothesis(r"$\gamma < 1$.", "γ = 3/2 let in"),
    Hypothesis(r"$\alpha > 0$.", "α = 0 let in"),
    Hypothesis(r"$\alpha \le 1$.", "α = 3/2 let in"),
)


CLAIM = Claim(
    id="batch-td",
    title="Batch TD computes the certainty-equivalence value",
    chapter="temporal-difference-learning",
    environment="theorem",
    statement=lambda: r"Suppose that every visited state is a source, $0 \le \gamma < 1$ and $0 < \alpha \le 1$.",
    assertions=ASSERTIONS,
    hypotheses=HYPOTHESES,
    subject=BatchTD(),
    checks=(
        proof(
            "batch-td",
            "every context, discount and step size that are asked for; the rate over any ordered field, the limit over any Archimedean one",
            stated=(
                "batch_td.tabular_update_is_iteration",
                "batch_td.tabular_td_rate",
                "batch_td.tabular_td_converges",
            ),
            definitions=("visited.visited", "visited.max_visited", "batch_td.tabular_update", "batch_td.tabular_td"),
            asserts=("iteration", "limit", "rate"),
        ),
        Check(
            "exact",
            lambda: f"{described(exact_samples(), 'contexts in rationals')}; {LAYERS} updates",
            exact,
            shows=(parts, limit),
        ),
        Check(
            "numeric",
            lambda: f"{described(islice(float_samples(0), TRIALS), 'contexts in floats')}; {LAYERS} updates",
            numeric,
            shows=(parts, limit),
        ),
    ),
    mutants=MUTANTS,
    rests_on=("bellman",),
    source="Sutton 1988; Sutton and Barto 2018, section 6.3",
    shared="the lists of states and rewards; the loop over transitions and the counted matrices share no code",
)
