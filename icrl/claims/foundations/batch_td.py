r"""batch-td: batch tabular TD converges to the certainty-equivalence value, at a known rate, if every visited state is a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, product, repeat
from random import Random
from typing import Any, NamedTuple

from icrl import td
from icrl.arrays import np
from icrl.verify.instances.cases import shown, small_fraction
from icrl.verify.instances.contexts import closing_float_walk, closing_walk
from icrl.verify.instances.words import described
from icrl.verify.judging.differences import all_fractions, exceeds, taken
from icrl.verify.model import Budget, Check, Claim, Counterexample, Mutant, Verdict
from icrl.verify.routes.exact_algebra import solved_by_sympy
from icrl.verify.routes.fixed_points import bellman_matrix

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
    """The statement with its pieces: the algorithm, the model, the rate, and a context let in beyond the hypotheses."""

    algorithm: Callable = td.tabular_td
    model: Callable = lambda sample: counted_model(sample)
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


def certainty_equivalence(sample: Sample, P: np.ndarray, r: np.ndarray) -> np.ndarray:
    """(I − γP_e)⁻¹ r̂, in the numbers of the sample."""
    if isinstance(sample.gamma, float):
        return np.linalg.solve(np.eye(len(r)) - sample.gamma * P.astype(float), r.astype(float))
    return solved_by_sympy(bellman_matrix(P, sample.gamma), r)


def first_wrong(claim: BatchTD, sample: Sample, unit: Any = 0) -> Counterexample | None:
    """The first update at which the loop leaves the matrix route, or its distance to v_CE the bound; ``unit`` grows by layer."""
    P, r = claim.model(sample)
    v_ce = certainty_equivalence(sample, P, r)
    v, first = np.array(sample.v, dtype=object), np.abs(np.array(sample.v, dtype=object) - v_ce).max()
    updates = claim.algorithm(
        sample.states, sample.rewards, sample.gamma, repeat(sample.alpha), dict(enumerate(sample.v))
    )
    for layer, values in enumerate(taken(updates, LAYERS + 1)):
        got, allowed = np.array([values[s] for s in range(len(v))], dtype=object), unit * (1 + layer)
        bound = claim.rate(sample.alpha, sample.gamma) ** layer * first
        if exceeds(got, v_ce, bound + allowed):
            return Counterexample(
                str(sample),
                f"distance to v_CE after {layer} updates",
                shown(np.abs(got - v_ce).max()),
                f"at most {shown(bound)}",
            )
        if exceeds(got, v, allowed):
            s = int(np.argmax(np.abs(got - v)))
            return Counterexample(str(sample), f"v_{layer} at state {s}", shown(got[s]), shown(v[s]))
        v = v + sample.alpha * (r + sample.gamma * (P @ v) - v)
    return None


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
    """Loop against matrices, and the bound, in ``Fraction``s."""
    samples = [*claim.beyond, *exact_samples()]
    for sample in samples:
        all_fractions(np.array(sample.rewards + sample.v, dtype=object))
        if found := first_wrong(claim, sample):
            return Verdict(False, "a part of the statement fails", counterexample=found)
    return Verdict(
        True,
        f"{len(samples)} rational contexts whose visited states are all sources, {LAYERS} updates each: loop and matrices equal, every distance within the bound",
    )


def numeric(claim: BatchTD, budget: Budget) -> Verdict:
    """Random float contexts of random shapes."""
    trials = budget.trials or TRIALS
    beyond = [
        Sample(s.states, [*map(float, s.rewards)], float(s.gamma), float(s.alpha), [*map(float, s.v)])
        for s in claim.beyond
    ]
    for trial, sample in enumerate([*beyond, *islice(float_samples(budget.seed), trials)]):
        scale = max(map(abs, sample.v)) + max(map(abs, sample.rewards)) / (1 - sample.gamma)
        unit = TOLERANCE * np.finfo(float).eps * scale / (1 - sample.gamma)
        if found := first_wrong(claim, sample, unit):
            return Verdict(False, f"fails in trial {trial + 1} (seed {budget.seed})", counterexample=found)
        budget.progress(trial + 1, trials)
    return Verdict(
        True,
        f"{trials} random contexts (seed {budget.seed}), {LAYERS} updates each; "
        f"tolerance {TOLERANCE} eps (1 + l)(max |v_0| + max |R|/(1 − γ))/(1 − γ)",
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


HALF, TENTH = Fraction(1, 2), Fraction(1, 10)
UNCOVERED = Sample([0, 1], [Fraction(1)], 9 * TENTH, HALF, [Fraction(0), Fraction(10)])
LONG_STEP = Sample([0, 1, 0], [Fraction(0)] * 2, 9 * TENTH, 3 * HALF, [Fraction(1), Fraction(-1)])

MUTANTS = (
    Mutant("rate (1 − α)^l", BatchTD(rate=lambda alpha, gamma: 1 - alpha)),
    Mutant("divided by n instead of n_s", BatchTD(divided_by_n)),
    Mutant("reward off by one", BatchTD(model=lambda sample: counted_model(sample, lambda k: max(k - 1, 0)))),
    Mutant(
        "γ squared in the model",
        BatchTD(model=lambda sample: (sample.gamma * counted_model(sample)[0], counted_model(sample)[1])),
    ),
    Mutant("a state that is no source let in", BatchTD(beyond=(UNCOVERED,))),
    Mutant("α = 3/2 let in", BatchTD(beyond=(LONG_STEP,))),
)


def statement() -> str:
    """The statement, as Markdown."""
    return r"""
Suppose that every visited state is a source, $0 \le \gamma < 1$ and $0 < \alpha \le 1$. Then batch tabular TD is the
iteration $v_{l+1} = v_l + \alpha\,(\hat r + \gamma P_e v_l - v_l)$ on the visited states. From every $v_0$ it
converges to the **certainty-equivalence value**

$$
v_{\mathrm{CE}} = (I - \gamma P_e)^{-1} \hat r ,
$$

the value of the empirical model, and after $l$ updates

$$
\max_s \lvert v_l(s) - v_{\mathrm{CE}}(s) \rvert \;\le\; \bigl(1 - \alpha(1-\gamma)\bigr)^l \max_s \lvert v_0(s) - v_{\mathrm{CE}}(s) \rvert .
$$
""".strip()


CLAIM = Claim(
    id="batch-td",
    title="Batch TD computes the certainty-equivalence value",
    chapter="temporal-difference-learning",
    environment="theorem",
    statement=statement,
    hypotheses=(
        "every visited state is a source: at least one transition of the context leaves it",
        r"$0 \le \gamma < 1$",
        r"$0 < \alpha \le 1$",
    ),
    subject=BatchTD(),
    checks=(
        Check(
            "exact",
            lambda: f"{described(exact_samples(), 'contexts in rationals')}; {LAYERS} updates",
            exact,
            shows=(first_wrong,),
        ),
        Check(
            "numeric",
            lambda: f"{described(islice(float_samples(0), TRIALS), 'contexts in floats')}; {LAYERS} updates",
            numeric,
            shows=(first_wrong,),
        ),
    ),
    mutants=MUTANTS,
    rests_on=("bellman",),
    source="Sutton 1988; Sutton and Barto 2018, section 6.3",
    shared="the lists of states and rewards; the loop over transitions and the counted matrices share no code",
)
