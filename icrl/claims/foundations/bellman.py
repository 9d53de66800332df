r"""bellman: v = r + γPv has exactly one solution, the expected discounted return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice, product
from random import Random
from typing import Any, NamedTuple

from sympy import MatrixSymbol

from icrl.arrays import np
from icrl.mrp import MarkovRewardProcess
from icrl.verify.instances.cases import shown
from icrl.verify.instances.chains import float_chain, fractions, rational_chain, rational_vector
from icrl.verify.instances.words import described
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import AT_MOST, UNLIKE, Part, Within, asserting, first_failure, on_rationals
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Hypothesis, Mutant, Verdict
from icrl.verify.routes.exact_algebra import rational, solved_by_sympy
from icrl.verify.routes.fixed_points import bellman_matrix, inverted

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
    """The statement with its pieces: the operator, the modulus of its contraction, what is left after k steps, and processes let in beyond the hypotheses."""

    operator: Callable = bellman
    modulus: Callable[[Any], Any] = lambda gamma: gamma
    tail: Callable[[Any, Any], Any] = lambda gamma, k: gamma**k
    beyond: tuple[Process, ...] = ()

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


def only_one(process: Process) -> Iterator[Part]:
    """I − γP is invertible."""
    X = bellman_matrix(process.P, process.gamma)
    yield Part("det(I − γP)", Fraction(rational(X).det()), Fraction(0), relation=UNLIKE)


def returns(equation: Equation, process: Process, value: np.ndarray) -> Iterator[Part]:
    """The iterates of 0 against the expected returns of few steps, and how far these may be from the value."""
    iterates = [equation.iterate(process, k) for k in range(STEPS + 1)]
    for k, s in product(range(STEPS + 1), range(len(process.r))):
        right, most = expected_return(process, s, k), equation.tail(process.gamma, k) * np.abs(value).max()
        where = f"T^{k} 0 at state {s}, the expected return of {k} steps"
        yield Part(where, iterates[k][s], right, asserted="return")
        where = f"distance of v to the return of {k} steps at state {s}"
        yield Part(where, abs(value[s] - right), most, relation=AT_MOST, asserted="tail")


def solution(equation: Equation, process: Process, value: np.ndarray) -> Iterator[Part]:
    """The value is a fixed point."""
    for s, gap in enumerate(equation.operator(*process[:3], value) - value):
        yield Part(f"T v − v at v = (I − γP)⁻¹ r, state {s}", gap, 0 * process.gamma)


def contraction(equation: Equation, process: Process) -> Iterator[Part]:
    """How far apart the operator leaves the two vectors."""
    P, r, gamma, u, v = process
    moved = np.abs(equation.operator(P, r, gamma, u) - equation.operator(P, r, gamma, v)).max()
    where = "max |T u − T v|" + ("" if isinstance(gamma, float) else f" at u = {shown(u)}, v = {shown(v)}")
    yield Part(where, moved, equation.modulus(gamma) * np.abs(u - v).max(), relation=AT_MOST)


def parts(equation: Equation, process: Process, value: np.ndarray) -> Iterator[Part]:
    """What the theorem says of a process and its value."""
    yield from returns(equation, process, value)
    yield from asserting("solution", solution(equation, process, value))
    yield from asserting("contraction", contraction(equation, process))


def exact_parts(equation: Equation, process: Process) -> Iterator[Part]:
    """The same where the value is solved for in ``Fraction``s, by SymPy, once I − γP is seen to be invertible."""
    yield from asserting("solution", only_one(process))
    value = solved_by_sympy(bellman_matrix(process.P, process.gamma), process.r)
    yield from parts(equation, process, value)


def library_parts(equation: Equation, process: Process, mrp: MarkovRewardProcess) -> Iterator[Part]:
    """``MarkovRewardProcess.bellman_update`` is the operator."""
    for v in (process.u, process.v):
        for s, (got, right) in enumerate(zip(mrp.bellman_update(v), equation.operator(*process[:3], v))):
            yield Part(f"MarkovRewardProcess.bellman_update at state {s}", got, right)


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
    """Every part of the statement in ``Fraction``s."""
    return on_rationals(
        exact_parts,
        equation,
        [*equation.beyond, *exact_processes()],
        f"I − γP invertible, T^k 0 the expected return of k = 0…{STEPS} steps, "
        "tail at most γ^k max |v|, T v = v, contraction",
        "processes",
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
    trials, worst, met = budget.trials or TRIALS, 0.0, Counter[str]()
    for trial, process in enumerate(islice(float_processes(budget.seed), trials)):
        size, gamma = len(process.r), process.gamma
        mrp = MarkovRewardProcess(process.P, process.r, gamma)
        value = mrp.value()
        unit = TOLERANCE * np.finfo(float).eps * size * max(1.0, np.abs(process.r).max()) / (1 - gamma) ** 2
        for said in (parts(equation, process, value), library_parts(equation, process, mrp)):
            if found := first_failure(str(process), said, Within(unit), met):
                return Verdict(False, f"fails in trial {trial + 1} (seed {budget.seed})", counterexample=found)
        worst = max(worst, float(np.abs(equation.operator(*process[:3], value) - value).max() / unit))
        budget.progress(trial + 1, trials)
    return Verdict(
        True,
        f"{trials} random processes (seed {budget.seed}); tolerance {TOLERANCE} eps |S| max(1, max |r|) / (1 − γ)²",
        f"largest residual {worst:.3f} of the tolerance",
        met=met,
    )


def one_state(stays: int, reward: int, gamma: Any) -> Process:
    """A single state with this number for P, tried at u = 1 and v = 0."""
    zero = fractions([0])
    return Process(fractions([[stays]]), zero + reward, Fraction(gamma), zero + 1, zero)


def beyond(name: str, process: Process, why: str) -> Mutant:
    """The statement with a process let in that a hypothesis keeps out."""
    return Mutant(name, Equation(beyond=(process,)), {"numeric": why})


HALF = Fraction(1, 2)
NEGATIVE = Process(fractions([[2, -1], [0, 1]]), fractions([0, 0]), HALF, fractions([1, 1]), fractions([0, 0]))
NO_PROCESS = "what is no Markov reward process has no value in the library"

MUTANTS = (
    Mutant("reward on arrival", Equation(lambda P, r, gamma, v: P @ (r + gamma * v))),
    Mutant("P transposed", Equation(lambda P, r, gamma, v: r + gamma * (P.T @ v))),
    Mutant("γ forgotten", Equation(lambda P, r, gamma, v: r + P @ v)),
    Mutant("first reward discounted too", Equation(lambda P, r, gamma, v: gamma * (r + P @ v))),
    Mutant("contraction at γ²", Equation(modulus=lambda gamma: gamma * gamma)),
    beyond("γ = 1 let in", one_state(1, 0, 1), "in floats a determinant is hardly ever exactly 0"),
    beyond("γ = −1/2 let in", one_state(1, 1, -HALF), NO_PROCESS),
    beyond("a row that sums to 2 let in", one_state(2, 0, HALF), NO_PROCESS),
    beyond("a negative entry let in", NEGATIVE, NO_PROCESS),
    Mutant("one step more of discount on the tail", Equation(tail=lambda gamma, k: gamma ** (k + 1))),
)


P, R, V = MatrixSymbol("P", sy.n, sy.n), MatrixSymbol("r", sy.n, 1), MatrixSymbol("v", sy.n, 1)
"""A process at symbolic size."""


def operator_of(equation: Equation) -> str:
    """The operator at v, as the book prints it."""
    return sy.book_latex(equation.operator(P, R, sy.gamma, V))


STATEMENT = rf"""
Let $P$ be a transition matrix on finitely many states, $r$ any rewards and $0 \le \gamma < 1$. Write
$T v = {operator_of(Equation())}$ for the **Bellman operator**.
""".strip()


ASSERTIONS = (
    Assertion(
        "contraction",
        lambda equation: (
            rf"""
In the maximum norm $T$ is a ${sy.letters(equation.modulus, "gamma")}$-contraction,

$$
\max_s \lvert (Tu)(s) - (Tv)(s) \rvert \;\le\; {sy.letters(equation.modulus, "gamma")} \max_s \lvert u(s) - v(s) \rvert
$$

for all $u, v \in \R^{{\mathcal S}}$.
"""
        ),
    ),
    Assertion(
        "solution",
        lambda equation: (
            rf"""
The equation $v = {operator_of(equation)}$ has exactly one solution,

$$
v^\pi = {sy.book_latex(inverted(bellman_matrix(P, sy.gamma), R))} .
$$
"""
        ),
    ),
    Assertion(
        "return",
        r"""
From $v = 0$ the operator adds up expected returns, of one step more each time:
$(T^k 0)(s) = \E\big[\sum_{t<k} \gamma^t R_{t+1} \mid S_0 = s\big]$ for every $k$.
""",
        typed="equation",
    ),
    Assertion(
        "tail",
        lambda equation: (
            rf"""
$(T^k 0)(s)$ is within ${sy.letters(equation.tail, "gamma", "k")} \max_u \lvert v^\pi(u) \rvert$ of $v^\pi(s)$, so the
solution is the expected discounted return.
"""
        ),
    ),
)


HYPOTHESES = (
    Hypothesis(
        "Finitely many states.",
        reason="a matrix here has finitely many rows; with infinitely many states and bounded rewards the same proof goes through, which is not checked",
    ),
    Hypothesis("$P$ has no negative entry.", "a negative entry let in"),
    Hypothesis("The rows of $P$ sum to 1.", "a row that sums to 2 let in"),
    Hypothesis(r"$\gamma \ge 0$.", "γ = −1/2 let in"),
    Hypothesis(r"$\gamma < 1$.", "γ = 1 let in"),
)


CLAIM = Claim(
    id="bellman",
    title="The Bellman equation and its only solution",
    chapter="markov-reward-processes",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=HYPOTHESES,
    subject=Equation(),
    checks=(
        proof(
            "bellman",
            "for every number of states and every number of steps, every stochastic P and r, every |γ| < 1",
            stated=(
                "bellman.bellman_contracts",
                "bellman.bellman_has_one_solution",
                "bellman.iterates_are_expected_returns",
                "bellman.value_is_expected_return",
            ),
            further=("bellman.value_iteration_converges",),
            definitions=(
                "bellman.bellman_operator",
                "bellman.v_pi",
                "bellman.path_probability",
                "bellman.path_return",
                "bellman.expected_return",
                "operator.stochastic",
            ),
            asserts=("contraction", "solution", "return", "tail"),
        ),
        Check(
            "exact",
            lambda: f"{described(exact_processes(), 'processes in rationals')}; returns of up to {STEPS} steps",
            exact,
            shows=(exact_parts, returns, solution, contraction),
        ),
        Check(
            "numeric",
            lambda: (
                f"{described(islice(float_processes(0), TRIALS), 'processes in floats')}; "
                "against MarkovRewardProcess.value and bellman_update"
            ),
            numeric,
            shows=(parts, library_parts, numeric),
        ),
    ),
    mutants=MUTANTS,
    source="Sutton and Barto 2018, section 3.5",
    shared="P, r and γ as given; the expected return is summed state by state and shares nothing with the operator",
)
