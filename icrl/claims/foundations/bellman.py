r"""bellman: v = r + γPv has exactly one solution, the expected discounted return."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice, product
from random import Random
from typing import Any, NamedTuple

from icrl.arrays import np
from icrl.mrp import MarkovRewardProcess
from icrl.verify.instances.cases import shown
from icrl.verify.instances.chains import float_chain, fractions, rational_chain, rational_vector
from icrl.verify.instances.words import described
from icrl.verify.judging.differences import all_fractions, exceeds
from icrl.verify.model import Budget, Check, Claim, Counterexample, Mutant, Verdict
from icrl.verify.routes.exact_algebra import rational, solved_by_sympy
from icrl.verify.routes.fixed_points import bellman_matrix

GRID = list(product(range(1, 5), (Fraction(0), Fraction(1, 2), Fraction(9, 10)), range(4)))
STEPS, TRIALS = 5, 300
TOLERANCE = 64
"""Float tolerance, in units of eps · |S| · max|r| / (1 − γ)²: values are as large as max|r|/(1 − γ), and solving for them
multiplies the rounding by the condition of I − γP, at most 2/(1 − γ)."""


class Process(NamedTuple):
    """P, r and γ, and two vectors at which the operator is tried."""

    P: np.ndarray
    r: np.ndarray
    gamma: Any
    u: np.ndarray
    v: np.ndarray

    def measures(self) -> dict[str, Any]:
        """Size and discount, and whether u − v is constant."""
        return {
            "|S|": len(self.r),
            "γ": self.gamma,
            "u − v constant": bool(np.ptp((self.u - self.v).astype(float)) < 1e-9),
        }

    def __str__(self) -> str:
        if isinstance(self.gamma, float):
            return f"|S| = {len(self.r)}, γ = {shown(self.gamma)}"
        return f"P = {shown(self.P)}, r = {shown(self.r)}, γ = {shown(self.gamma)}"


def bellman(P: np.ndarray, r: np.ndarray, gamma: Any, v: np.ndarray) -> np.ndarray:
    """T v = r + γPv."""
    return r + gamma * (P @ v)


@dataclass(frozen=True)
class Equation:
    """The statement with its pieces: the operator, the modulus of its contraction, and whether γ = 1 is let in."""

    operator: Callable = bellman
    modulus: Callable[[Any], Any] = lambda gamma: gamma
    undiscounted: bool = False

    def iterate(self, process: Process, k: int) -> np.ndarray:
        """T^k 0."""
        v = 0 * process.r
        for _ in range(k):
            v = self.operator(process.P, process.r, process.gamma, v)
        return v


def expected_return(process: Process, start: int, k: int) -> Any:
    """E[R_1 + γR_2 + … + γ^{k−1}R_k | S_0 = start], by sending the distribution of S_t along the chain, state by state."""
    P, r, gamma = process[:3]
    here = [0 * gamma] * len(r)
    here[start] = here[start] + 1
    total, weight = 0 * gamma, gamma**0
    for _ in range(k):
        total += weight * sum(p * reward for p, reward in zip(here, r))
        there = [0 * gamma] * len(r)
        for s, p in enumerate(here):
            for u in range(len(r)):
                there[u] += p * P[s][u]
        here, weight = there, weight * gamma
    return total


def solved(process: Process) -> np.ndarray:
    """(I − γP)⁻¹ r in ``Fraction``s, by SymPy."""
    return solved_by_sympy(bellman_matrix(process.P, process.gamma), process.r)


def first_wrong(equation: Equation, process: Process, value: np.ndarray, allowed: Any) -> Counterexample | None:
    """The first part of the statement that does not hold, by more than ``allowed``: iterates, fixed point, tail, contraction."""
    P, r, gamma, u, v = process
    iterates = [equation.iterate(process, k) for k in range(STEPS + 1)]
    for k, s in product(range(STEPS + 1), range(len(r))):
        right = expected_return(process, s, k)
        if not abs(iterates[k][s] - right) <= allowed:
            return Counterexample(
                str(process),
                f"T^{k} 0 at state {s}, the expected return of {k} steps",
                shown(iterates[k][s]),
                shown(right),
            )
        if not abs(value[s] - right) <= gamma**k * np.abs(value).max() + allowed:
            return Counterexample(
                str(process),
                f"distance of v to the return of {k} steps at state {s}",
                shown(abs(value[s] - right)),
                f"at most {shown(gamma**k * max(abs(value)))}",
            )
    gap = equation.operator(P, r, gamma, value) - value
    if exceeds(gap, 0 * gap, allowed):
        s = int(np.argmax(abs(gap)))
        return Counterexample(str(process), f"T v − v at v = (I − γP)⁻¹ r, state {s}", shown(gap[s]), "0")
    moved = np.abs(equation.operator(P, r, gamma, u) - equation.operator(P, r, gamma, v)).max()
    most = equation.modulus(gamma) * np.abs(u - v).max()
    if not moved <= most + allowed:
        return Counterexample(
            str(process),
            "max |T u − T v|" + ("" if isinstance(gamma, float) else f" at u = {shown(u)}, v = {shown(v)}"),
            shown(moved),
            f"at most {shown(most)}",
        )
    return None


def other_update(
    equation: Equation, process: Process, mrp: MarkovRewardProcess, allowed: float
) -> Counterexample | None:
    """Where ``MarkovRewardProcess.bellman_update`` is not the operator, by more than ``allowed``."""
    for v in (process.u, process.v):
        got, right = mrp.bellman_update(v), equation.operator(*process[:3], v)
        if exceeds(got, right, allowed):
            s = int(np.argmax(abs(got - right)))
            return Counterexample(
                str(process), f"MarkovRewardProcess.bellman_update at state {s}", shown(got[s]), shown(right[s])
            )
    return None


def exact_processes() -> Iterator[Process]:
    """A two-state chain that no wrong variant survives, then random rational processes; u − v constant in every second."""
    half, one = Fraction(1, 2), fractions([1, 1])
    yield Process(fractions([[0, 1], ["1/2", "1/2"]]), fractions([1, 0]), half, one, 0 * one)
    rng = Random(0)
    for size, gamma, turn in GRID:
        v = rational_vector(rng, size)
        u = v + 1 if turn % 2 else rational_vector(rng, size)
        yield Process(rational_chain(rng, size), rational_vector(rng, size), gamma, u, v)


def exact(equation: Equation, budget: Budget) -> Verdict:
    """Every part of the statement in ``Fraction``s, where I − γP is first seen to be invertible."""
    zero = fractions([0])
    undiscounted = [Process(fractions([[1]]), zero, Fraction(1), zero + 1, zero)] if equation.undiscounted else []
    processes = undiscounted + list(exact_processes())
    for process in processes:
        determinant = rational(bellman_matrix(process.P, process.gamma)).det()
        if determinant == 0:
            return Verdict(
                False,
                "more than one solution",
                counterexample=Counterexample(str(process), "det(I − γP)", "0", "a number other than 0"),
            )
        all_fractions(equation.iterate(process, STEPS))
        found = first_wrong(equation, process, all_fractions(solved(process)), 0)
        if found:
            return Verdict(False, "a part of the statement fails", counterexample=found)
    return Verdict(
        True,
        f"{len(processes)} rational processes: I − γP invertible, T^k 0 the expected return of k = 0…{STEPS} steps, "
        "tail at most γ^k max |v|, T v = v, contraction",
    )


def float_processes(seed: int) -> Iterator[Process]:
    """Random processes of 1 to 8 states, γ below .99; u − v constant in every second."""
    rng = np.random.default_rng(seed)
    for turn in cycle((0, 1)):
        size, gamma = int(rng.integers(1, 9)), float(rng.uniform(0, 0.99))
        v = rng.normal(size=size)
        u = v + 1 if turn else rng.normal(size=size)
        yield Process(float_chain(rng, size), rng.normal(size=size), gamma, u, v)


def numeric(equation: Equation, budget: Budget) -> Verdict:
    """Random float processes against ``MarkovRewardProcess.value`` and ``bellman_update``."""
    trials, worst = budget.trials or TRIALS, 0.0
    for trial, process in enumerate(islice(float_processes(budget.seed), trials)):
        size, gamma = len(process.r), process.gamma
        mrp = MarkovRewardProcess(process.P, process.r, gamma)
        value = mrp.value()
        unit = TOLERANCE * np.finfo(float).eps * size * max(1.0, np.abs(process.r).max()) / (1 - gamma) ** 2
        found = first_wrong(equation, process, value, unit) or other_update(equation, process, mrp, unit)
        if found:
            return Verdict(False, f"fails in trial {trial + 1} (seed {budget.seed})", counterexample=found)
        worst = max(worst, float(np.abs(equation.operator(*process[:3], value) - value).max() / unit))
        budget.progress(trial + 1, trials)
    return Verdict(
        True,
        f"{trials} random processes (seed {budget.seed}); tolerance {TOLERANCE} eps |S| max(1, max |r|) / (1 − γ)²",
        f"largest residual {worst:.3f} of the tolerance",
    )


MUTANTS = (
    Mutant("reward on arrival", Equation(lambda P, r, gamma, v: P @ (r + gamma * v))),
    Mutant("P transposed", Equation(lambda P, r, gamma, v: r + gamma * (P.T @ v))),
    Mutant("γ forgotten", Equation(lambda P, r, gamma, v: r + P @ v)),
    Mutant("first reward discounted too", Equation(lambda P, r, gamma, v: gamma * (r + P @ v))),
    Mutant("contraction at γ²", Equation(modulus=lambda gamma: gamma * gamma)),
    Mutant(
        "γ = 1 let in", Equation(undiscounted=True), {"numeric": "in floats a determinant is hardly ever exactly 0"}
    ),
)


def statement() -> str:
    """The statement, as Markdown."""
    return r"""
Let $P$ be a transition matrix on finitely many states and $0 \le \gamma < 1$. The Bellman operator $T v = r + \gamma P v$ is a $\gamma$-contraction in the maximum norm,

$$
\max_s \lvert (Tu)(s) - (Tv)(s) \rvert \;\le\; \gamma \max_s \lvert u(s) - v(s) \rvert \qquad\text{for all } u, v \in \R^{\mathcal S},
$$

and the equation $v = r + \gamma P v$ has exactly one solution,

$$
v^\pi = (I - \gamma P)^{-1} r .
$$

The solution is the expected discounted return: $(T^k 0)(s) = \E\big[\sum_{t<k} \gamma^t R_{t+1} \mid S_0 = s\big]$ for
every $k$, and this is within $\gamma^k \max_u \lvert v^\pi(u) \rvert$ of $v^\pi(s)$.
""".strip()


CLAIM = Claim(
    id="bellman",
    title="The Bellman equation and its only solution",
    chapter="markov-reward-processes",
    environment="theorem",
    statement=statement,
    hypotheses=(r"finitely many states, and $P$ with nonnegative rows that sum to 1", r"$0 \le \gamma < 1$"),
    subject=Equation(),
    checks=(
        Check(
            "exact",
            lambda: f"{described(exact_processes(), 'processes in rationals')}; returns of up to {STEPS} steps",
            exact,
            shows=(first_wrong, exact),
        ),
        Check(
            "numeric",
            lambda: (
                f"{described(islice(float_processes(0), TRIALS), 'processes in floats')}; "
                "against MarkovRewardProcess.value and bellman_update"
            ),
            numeric,
            shows=(first_wrong, numeric),
        ),
    ),
    mutants=MUTANTS,
    source="Sutton and Barto 2018, section 3.5",
    shared="P, r and γ as given; the expected return is summed state by state and shares nothing with the operator",
)
