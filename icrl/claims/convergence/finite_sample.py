r"""finite-sample: the error falls geometrically in depth, down to a floor of the order of 1/√n."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, partial
from itertools import chain
from random import Random
from typing import Any, NamedTuple

from mpmath import betainc, findroot

from icrl.arrays import np
from icrl.claims.convergence import explicit_finite_sample as explicit
from icrl.claims.convergence.explicit_finite_sample import Needs, Pair, Task, ceiling, log, two_states
from icrl.mrp import MarkovRewardProcess
from icrl.tasks import boyan_chain, one_hot, random_mrp, ring
from icrl.verify.instances.cases import in_floats, shown
from icrl.verify.instances.chains import fractions, irreducible, rational_chain, rational_vector
from icrl.verify.instances.words import described
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.differences import BITS
from icrl.verify.judging.parts import AT_MOST, Part, Within, at_bits, first_failure, greatest, least, size
from icrl.verify.judging.statement import Statement
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes.exact_algebra import solved, tree_distribution

HALF, LAYERS = Fraction(1, 2), 4


def positive(C: Any) -> bool:
    """C > 0."""
    return C > 0


@dataclass(frozen=True)
class Published:
    """The statement with its pieces: the rate, for which C, the largest c that may stand for C, m of the diagonal, κ, the floor's power of n; and
    what is let in beyond the hypotheses."""

    rate: Callable[[Any], Any] = lambda alpha_C: 1 - alpha_C
    sharp: Callable[[Any], bool] = positive
    largest: Callable[[Any], Any] = lambda C: 2 * C
    m: Callable = least
    kappa: Callable = lambda second: (1 + second) / (1 - second)
    power: Fraction = -HALF
    kernels: tuple[Kernel, ...] = ()
    chains: tuple[Pair, ...] = ()
    tasks: tuple[Task, ...] = ()

    def length(self, needs: Needs, log_3S: Any, log_2: Any, log_inverse: Any) -> Any:
        """c₁ ln(1/δ), c₁ = κ max{1/(2h²), 2/μ²} (1 + ln(3|S|)/ln 2)."""
        return explicit.Bounds(kappa=self.kappa).asked(needs, log_inverse) * (1 + log_3S / log_2)

    def floor(self, needs: Needs, root: Any, n: Any) -> Any:
        """c₂√ln(c₃/δ) · n^power, c₂ = 2γσ/((1 − γ)√μ_min): given the square root of ln(c₃/δ)/μ_min."""
        return 2 * needs.spread * root * n**self.power


# Exactly: the rate, where the context is endless


class Kernel(NamedTuple):
    """A chain with rewards by state, γ, α, v_0, and the weights M_π that an endless context leaves of E."""

    P: np.ndarray
    r: np.ndarray
    gamma: Any
    alpha: Any
    v: np.ndarray
    M: np.ndarray

    def measures(self) -> dict[str, Any]:
        """Size, discount, step size, and whether the weights are sharp enough for the rate."""
        return {
            "|S|": len(self.r),
            "γ": self.gamma,
            "α": self.alpha,
            "C > 0": bool(least(self.M.diagonal()) > (1 + self.gamma) / 2),
        }

    def __str__(self) -> str:
        return f"P = {shown(self.P)}, r = {shown(self.r)}, γ = {shown(self.gamma)}, α = {shown(self.alpha)}, v_0 = {shown(self.v)}, M_π = {shown(self.M)}"


def decay(claim: Published, given: Kernel) -> Iterator[Part]:
    """‖v_L − v^π‖ ≤ (1 − αC)^L ‖v_0 − v^π‖ with the largest C > 0, and with 2C, for v ← v + αM_π(r + γPv − v)."""
    C = claim.m(given.M.diagonal()) - (1 + given.gamma) / 2
    one = np.eye(len(given.r), dtype=int) + 0 * given.P
    v_pi = solved(one - given.gamma * given.P, given.r)
    v, first = given.v, greatest(given.v - v_pi)
    for layer in range(LAYERS + 1 if claim.sharp(C) else 0):
        for id, c in {"bound": C, "rate": claim.largest(C)}.items():
            yield Part(
                f"‖v_{layer} − v^π‖ in an endless context, {'C' if id == 'bound' else 'c'} = {shown(c)}",
                greatest(v - v_pi),
                claim.rate(given.alpha * c) ** layer * first,
                size(v_pi, v),
                AT_MOST,
                id,
            )
        v = v + given.alpha * (given.M @ (given.r + given.gamma * (given.P @ v) - v))


def weighed(E: np.ndarray, mu: np.ndarray) -> np.ndarray:
    """M_π(s, u) = μ_u E(s, u) / Z_s."""
    return E * mu / (E @ mu)[:, None]


@cache
def kernels() -> tuple[Kernel, ...]:
    """Equal rewards under sharp weights, then random irreducible chains of 1 to 4 states, α in {1/2, 1}."""
    rng, found = Random(0), [EQUAL_REWARDS]
    while len(found) < 25:
        states = 1 + len(found) % 4
        P = rational_chain(rng, states)
        if irreducible(P):
            mu, sharp, S = tree_distribution(P), rng.randint(30, 299), range(states)
            E = fractions([[rng.randint(1, 3) + sharp * (s == u) for u in S] for s in S])
            draw = partial(rational_vector, rng, states)
            found.append(
                Kernel(
                    P,
                    draw(),
                    Fraction(rng.randint(0, 7), 10),
                    Fraction(rng.randint(1, 2), 2),
                    draw(),
                    weighed(E, mu),
                )
            )
    return tuple(found)


EVEN = explicit.EVEN_CHAIN
SHARP = weighed(fractions([[120, 1], [1, 120]]), fractions([HALF, HALF]))
EQUAL_REWARDS = Kernel(EVEN, fractions([1, 1]), HALF, Fraction(1), fractions([0, 0]), SHARP)
OPPOSED = EQUAL_REWARDS._replace(r=fractions([0, 0]), alpha=Fraction(2), v=fractions([1, -1]))
UNEVEN = Kernel(
    EVEN, fractions([0, 0]), Fraction(0), Fraction(1), fractions([1, -1]), fractions([[1, 0], [HALF, HALF]])
)


DULL = UNEVEN._replace(M=fractions([["1/4", "3/4"], ["3/4", "1/4"]]))


STATED = Statement(
    decay,
    f"within (1 − αC)^L at {LAYERS} layers, where C > 0",
    Published(),
    exact=lambda claim: [*claim.kernels, *kernels()],
    noun="chains with the weights M_π of an endless context",
)


# Certified: the constants, on chains of two states


def promised(claim: Published, pair: Pair) -> Counterexample | None:
    """At the n of c₁: where (G) asks for more, or the floor is below twice its own, or contexts fail with a probability above δ."""
    needs, inverse = explicit.needs_of(explicit.Bounds(), pair), log(1 / pair.delta)
    n = max(1, ceiling(claim.length(needs, log(Fraction(6)), log(Fraction(2)), inverse)))
    floor = claim.floor(needs, (log(12 / pair.delta) / needs.mu).sqrt(), explicit.to_ball(Fraction(n)))
    found = explicit.too_likely(pair, pair.mu, "the bound", n, explicit.beyond_G(n, floor / 2))
    return explicit.wrong_in("contexts", found)


WORKED = explicit.WORKED
PAIRS = (
    WORKED._replace(delta=HALF),
    WORKED._replace(delta=Fraction(1, 4)),
    WORKED._replace(delta=HALF, leave=(Fraction(9, 10),) * 2),
)
FASTER = WORKED._replace(delta=HALF, margin=Fraction(3, 10))
SLOW = explicit.SLOW
UNSEEN = WORKED._replace(delta=Fraction(99, 100))


def certified(claim: Published, budget: Budget) -> Verdict:
    """The exact probability that a context of the n that c₁ asks for is none of those the bound speaks of, against δ."""
    words = (
        f"{len(PAIRS)} chains of two states, δ in {{1/4, 1/2}}, and one with c = 3C/2 in the place of C, every context of the length that c₁ asks for: one that "
        "misses a state, has a margin below C or v_CE beyond half the floor has probability at most δ; "
        f"{BITS} bits"
    )
    found = chain(
        (promised(claim, pair) for pair in (*claim.chains, *PAIRS)),
        [explicit.wrong_in("rate", promised(claim, FASTER))],
    )
    verdict = at_bits(found, "more likely to fail than stated", lambda _: words)
    return replace(verdict, met={"contexts": len(PAIRS), "rate": 1})


def scope_of_pairs() -> str:
    """The chains whose contexts are all counted."""
    return f"every context of the n of c₁, with its exact probability; {described((*PAIRS, FASTER), 'chains of two states')}"


# Numeric: the slope of the floor


LENGTHS = (500, 1000, 2000, 4000, 8000)
SEEDS, CONTEXTS = 30, 10
LEVEL = 1e-3
"""One minus the confidence of the interval of a slope: so that the right one is missed once in a thousand tasks."""


def slope_tasks() -> list[tuple[str, MarkovRewardProcess]]:
    """The tasks in which the floor is measured."""
    return [
        ("Boyan's chain of 6 states", boyan_chain(6)),
        ("a ring of 5 states", ring(5)),
        ("a random MRP of 5 states", random_mrp(5, np.random.default_rng(0))),
    ]


def errors(mrp: MarkovRewardProcess, count: int, rng: np.random.Generator) -> np.ndarray:
    """‖v_CE − v^π‖ of the first n transitions of ``count`` trajectories, for the n of ``LENGTHS``; (count, lengths)."""
    states, _ = mrp.sample_batch(LENGTHS[-1], count, rng, mrp.stationary_distribution())
    identity, moves, found = np.eye(mrp.n_states), np.zeros((count, mrp.n_states, mrp.n_states)), []
    for start, n in zip((0, *LENGTHS), LENGTHS):
        np.add.at(moves, (np.arange(count)[:, None], states[:, start:n], states[:, start + 1 : n + 1]), 1)
        P_e = moves / np.maximum(moves.sum(axis=2, keepdims=True), 1)
        v_CE = np.linalg.solve(identity - mrp.discount * P_e, np.tile(mrp.reward[:, None], (count, 1, 1)))[..., 0]
        found.append(np.abs(v_CE - mrp.value()).max(axis=1))
    return np.array(found).T


@cache
def slopes(task: int, seed: int) -> tuple[float, float]:
    """The mean slope of log error against log n over ``SEEDS`` repetitions of ``CONTEXTS`` trajectories, and half its interval at 1 − ``LEVEL``."""
    found = (
        errors(slope_tasks()[task][1], SEEDS * CONTEXTS, np.random.default_rng([seed, task]))
        .reshape(SEEDS, CONTEXTS, -1)
        .mean(axis=1)
    )
    x = np.log(LENGTHS) - np.log(LENGTHS).mean()
    each = np.log(found) @ x / (x @ x)
    return float(each.mean()), student(SEEDS - 1) * float(each.std(ddof=1)) / math.sqrt(SEEDS)


def student(freedom: int) -> float:
    """The t that Student's distribution exceeds in absolute value with probability ``LEVEL``."""
    return float(
        findroot(lambda t: betainc(freedom / 2, 0.5, 0, freedom / (freedom + t * t), regularized=True) - LEVEL, 3.6)
    )


def falls(claim: Published, task: int, seed: int) -> Counterexample | None:
    """Where the interval of the slope does not hold the floor's power of n, or holds 0, −1/4 or −1 beside it."""
    mean, half = slopes(task, seed)
    measured = f"{mean:.2f} ± {half:.2f}"
    others = [other for other in (0.0, -0.25, -1.0) if abs(mean - other) <= half]
    if abs(mean - float(claim.power)) <= half and not others:
        return None
    return Counterexample(
        f"{slope_tasks()[task][0]}, n from {LENGTHS[0]} to {LENGTHS[-1]}, {SEEDS} seeds",
        "slope of ‖v_CE − v^π‖ against n on log-log axes",
        measured,
        shown(claim.power) if not others else f"an interval without {others[0]}",
        asserted=("order",),
    )


def bound_tasks() -> list[Task]:
    """Three chains in which the bound itself is put to the test, C in the place of G's margin."""
    few = {"deltas": (0.5, 0.1), "contexts": None}
    slow = WORKED._replace(leave=(Fraction(1, 20),) * 2)
    return [
        two_states(WORKED, "P = 1/2", **few),
        two_states(slow, "two states left with probability 1/20", **few),
        Task("a ring of 3 states", ring(3, 0.7, 0.3), one_hot(3, 4.0), margin=0.1, deltas=(0.5, 0.1)),
    ]


def kept(claim: Published, task: Task, count: int, rng: np.random.Generator) -> Iterator[Counterexample | None]:
    """Where the bound fails too often at the n of c₁."""
    needs = explicit.population(explicit.Bounds(), task)
    for delta in task.deltas:
        n = max(1, math.ceil(claim.length(needs, math.log(3 * needs.size), math.log(2), -math.log(delta))))
        floor = claim.floor(needs, math.sqrt(math.log(6 * needs.size / delta) / needs.mu), float(n))
        given = explicit.simulated(task, n, count, rng)
        failures = explicit.failures_of_G(task, given, floor / 2)
        yield explicit.wrong_in("contexts", explicit.too_often(task, delta, "the bound", n, failures, count))


TRIALS = 400
"""Contexts of a task in which the bound is put to the test."""


def scope_of_samples() -> str:
    """What the numeric check draws: for the rate, for the bound and for the slope."""
    slope = ", ".join(name for name, _ in slope_tasks())
    return (
        f"for the rate {described(map(in_floats, kernels()), STATED.noun)}, {LAYERS} layers; for the bound, at the n "
        f"of c₁, {explicit.simulations(bound_tasks(), TRIALS)}; for the slope of the floor {slope}: {SEEDS} seeds of "
        f"{CONTEXTS} trajectories each, n from {LENGTHS[0]} to {LENGTHS[-1]}"
    )


def numeric(claim: Published, budget: Budget) -> Verdict:
    """The rate in floats, then simulations of the bound at the n of c₁, then the slope of the floor."""
    count, rng = budget.trials or TRIALS, np.random.default_rng(budget.seed)
    met, given = Counter({"contexts": 1, "order": 1}), (*claim.kernels, *kernels())
    rates = (first_failure(str(each), decay(claim, in_floats(each)), Within(1e-12), met) for each in given)
    bounds = (
        found for task in (*claim.tasks, *bound_tasks()) for found in kept(claim, task, task.contexts or count, rng)
    )
    floors = (falls(claim, task, budget.seed) for task in range(len(slope_tasks())))
    if found := next(filter(None, chain(rates, bounds, floors)), None):
        return Verdict(False, f"fails (seed {budget.seed})", counterexample=found)
    measured = ", ".join(
        f"{mean:.3f} ± {half:.3f}" for mean, half in (slopes(task, budget.seed) for task in range(len(slope_tasks())))
    )
    return Verdict(
        True,
        f"the rate on {len(given)} chains; the bound at the n of c₁ on 3 tasks, two δ and {count} contexts each (seed "
        f"{budget.seed}), no oftener beyond it than the 1 − 10⁻⁶ quantile of a binomial; the slope of the floor on 3 "
        f"tasks, {SEEDS} seeds of {CONTEXTS} trajectories each, n from {LENGTHS[0]} to {LENGTHS[-1]}: the interval at "
        f"confidence 1 − {LEVEL:g} (Student) holds −1/2 and none of 0, −1/4, −1",
        f"slopes {measured}",
        met=met,
    )


def cited(claim: Published, budget: Budget) -> Verdict:
    """What is taken from the literature."""
    return Verdict(
        None,
        "that such constants exist is the published theorem (Xie et al. 2026, Theorem 2), which does not name them; "
        "the constants here come from (G), and with it from the inequality for Markov chains of Fan, Jiang and Sun 2021",
    )


NO_CHANCE = {"exact": "the exact part is about an endless context"}
DEPTH = {"certified": "the certified part is about the n and the floor, not about the depth"}
LARGER = {**NO_CHANCE, "certified": "a larger floor fails more rarely"}
INERT = Task(
    "P = 1/2, δ near 1", two_states(UNSEEN, "").mrp, one_hot(2, math.log(19)), deltas=(0.99,), margin=0.2, contexts=2000
)

MUTANTS = (
    Mutant("the floor falls like 1/n", Published(power=Fraction(-1)), NO_CHANCE, "numeric"),
    Mutant("the floor falls like the fourth root of 1/n", Published(power=Fraction(-1, 4)), LARGER, "numeric"),
    Mutant("a floor that does not depend on n", Published(power=Fraction(0)), LARGER, "numeric"),
    Mutant("rate (1 − αC)³", Published(rate=lambda alpha_C: (1 - alpha_C) ** 3), DEPTH),
    Mutant("c up to 3C", Published(largest=lambda C: 3 * C), DEPTH),
    Mutant("α = 2 let in", Published(kernels=(OPPOSED,)), DEPTH),
    Mutant(
        "C from the mean of the diagonal",
        Published(m=lambda diagonal: sum(diagonal) / len(diagonal), kernels=(UNEVEN,)),
        DEPTH,
    ),
    Mutant("C = −1/4 let in", Published(sharp=lambda C: True, kernels=(DULL,)), DEPTH),
    Mutant(
        "c₁ without κ",
        Published(
            kappa=lambda second: 1, chains=(SLOW,), tasks=(two_states(SLOW, "two states left with probability 1/100"),)
        ),
        NO_CHANCE,
        "certified",
    ),
    Mutant("δ = .99 let in", Published(chains=(UNSEEN,), tasks=(INERT,)), NO_CHANCE, "certified"),
)


STATEMENT = r"""
Let $P$ be ergodic, $S_0 \sim \mu$, $R_{k+1} = r(S_k)$, $0 \le \gamma < 1$, $0 < \alpha \le 1$, and suppose that
$\min_s M_\pi(s, s) \ge (1 + \gamma)/2 + C$ with $C > 0$. With $\sigma$ and $\kappa$ of
{prf:ref}`explicit-finite-sample`, and its $h_s$ for $c = C$, let

$$
c_1 = \kappa \Bigl(1 + \frac{\ln(3\lvert\mathcal S\rvert)}{\ln 2}\Bigr) \max_s \max\Bigl\{\frac{1}{2h_s^2}, \frac{2}{\mu_s^2}\Bigr\}, \qquad
c_2 = \frac{2\gamma\sigma}{(1 - \gamma)\sqrt{\mu_{\min}}}, \qquad c_3 = 6\lvert\mathcal S\rvert ,
$$ (eq-named-constants)

which depend on the process, the features and $C$ alone.
""".strip()


def power_of(claim: Published) -> str:
    """The floor's power of n, in the book's letters."""
    return letters(lambda n: n**claim.power, "n")


def rate_of(claim: Published, c: str) -> str:
    """The factor of a layer, in the book's letters, of which ``c`` is one."""
    return letters(claim.rate, rf"\alpha {c}")


ASSERTIONS = (
    Assertion(
        "contexts",
        lambda claim: (
            rf"""
For $0 < \delta \le 1/2$ and every $n \ge c_1 \ln(1/\delta)$, with probability at least $1 - \delta$ every state is left,
$\min_s \hat M(s, s) \ge (1 + \gamma + C)/2$, and $v_{{\mathrm{{CE}}}}$ is within
$\frac{{c_2}}{{2}} \sqrt{{\ln(c_3/\delta)}} \cdot {power_of(claim)}$ of $v^\pi$.
"""
        ),
    ),
    Assertion(
        "bound",
        lambda claim: (
            rf"""
Then for all $L$ and every $v_0$

$$
\lVert v_L - v^\pi \rVert_\infty \le \bigl({rate_of(claim, "C")}\bigr)^L\, \lVert v_0 - v^\pi \rVert_\infty
+ c_2 \sqrt{{\ln(c_3/\delta)}} \cdot {power_of(claim)} .
$$ (eq-finite-sample)
"""
        ),
    ),
    Assertion(
        "rate",
        lambda claim: (
            rf"""
Any rate ${rate_of(claim, "c")}$ with $0 < c < {letters(claim.largest, "C")}$ may stand in the place of
${rate_of(claim, "C")}$, with the $h_s$ of that $c$ in $c_1$.
"""
        ),
    ),
    Assertion(
        "order",
        lambda claim: (
            rf"""
The floor falls as it should: on Boyan's chain, a ring and a random process the measured mean of
$\lVert v_{{\mathrm{{CE}}}} - v^\pi \rVert_\infty$ falls like ${power_of(claim)}$, to the
precision of the measurement.
"""
        ),
    ),
)


CLAIM = Claim(
    id="finite-sample",
    title="A floor of the order of 1/√n",
    chapter="context",
    environment="corollary",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$P$ ergodic.",
            reason=r"for a reducible chain there is no one $\mu$ of which $M_\pi$ is made",
        ),
        Hypothesis(
            r"$S_0 \sim \mu$, and the reward a function of the state that is left.",
            reason="what goes wrong without either is shown at {prf:ref}`explicit-finite-sample`, which this rests on",
        ),
        Hypothesis(
            r"$M_\pi(s, s) \ge (1 + \gamma)/2 + C$ at every $s$ (so $C \le (1 - \gamma)/2$).",
            dropped="C from the mean of the diagonal",
        ),
        Hypothesis(r"$C > 0$.", dropped="C = −1/4 let in", holds=positive),
        Hypothesis(
            r"Softmax attention.", reason="with weights of both signs a sum of them may be 0, and $M_\\pi$ undefined"
        ),
        Hypothesis(r"$0 < \alpha \le 1$.", dropped="α = 2 let in"),
        Hypothesis(r"$n \ge c_1 \ln(1/\delta)$.", dropped="c₁ without κ"),
        Hypothesis(
            r"$0 < \delta \le 1/2$. Near $\delta = 1$ no constants will do for every "
            r"$v_0$: $n = 1$ is let in there, and a context of one transition adds the same to the values of all "
            r"states at every layer, so that they keep the differences of $v_0$.",
            dropped="δ = .99 let in",
        ),
    ),
    subject=STATED.subject,
    checks=(
        *STATED.checks(),
        Check("certified", scope_of_pairs, certified, shows=(promised,)),
        Check("numeric", scope_of_samples, numeric, shows=(decay, kept, falls)),
        Check(
            "cited",
            "that the constants exist, as published: Xie et al. 2026, Theorem 2; Fan, Jiang and Sun 2021",
            cited,
            asserts=("bound",),
        ),
    ),
    mutants=MUTANTS,
    rests_on=("explicit-finite-sample",),
    source="Xie et al. 2026, Theorem 2, there with α = 1 and constants that are not named; these constants follow from explicit-finite-sample",
    shared="The chains, and the counting and simulation of contexts of explicit-finite-sample; the slope is measured without its bounds.",
)
