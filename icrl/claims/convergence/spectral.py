r"""spectral: for one context, the eigenvalues of H = M̂ − γP̂ say whether depth converges, and for which step sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import Any

from sympy import Integer

from icrl.arrays import np
from icrl.operator import Operator
from icrl.verify.instances import contexts
from icrl.verify.instances import frozen_lake as lake
from icrl.verify.instances.cases import Case, as_it_is, log_uniform, power_of_two, smallest, stand_in, to_ball
from icrl.verify.instances.contexts import closing_float_walk, closing_walk
from icrl.verify.judging.blocks import book_latex, letters
from icrl.verify.judging.parts import (
    AT_LEAST,
    AT_MOST,
    UNLIKE,
    Exactly,
    Part,
    asserting,
    entries,
    first_failure,
    greatest,
    least,
    size,
)
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Hypothesis, Mutant, Verdict
from icrl.verify.routes import grouping
from icrl.verify.routes.edits import Machine, no_normaliser, unmasked
from icrl.verify.routes.exact_algebra import invertible, pivots
from icrl.verify.routes.fixed_points import bellman_matrix
from icrl.verify.routes.grouping import operator_of
from icrl.verify.routes.spectra import contracts, eigenvalues, falling_form

DEPTH = 128
"""Layers of the Transformer in the numeric check."""


def context(states: tuple, x: tuple, gamma: Any, A: Sequence | None = None, alpha: Any = Fraction(1, 2)) -> Case:
    """A context in ``Fraction``s with E = 2^t and 2 layers; A = I unless given."""
    score = A or np.eye(len(x[0]), dtype=int).tolist()
    plain = smallest(states, 2, r=[k == 0 for k in range(len(states) - 1)], v=range(len(x)), x=x, A=score)
    return replace(plain, gamma=Fraction(gamma), alphas=[Fraction(alpha)] * 2, exp=power_of_two)


def positive_parts(matrix: np.ndarray) -> list[tuple[str, Any]]:
    """Numbers that are all positive if and only if every eigenvalue has a positive real part: these, or Routh's of rationals."""
    if not isinstance(matrix[0, 0], Fraction):
        return [("real part of an eigenvalue", each.real) for each in eigenvalues(matrix)]
    return [(f"Routh's number {k} of det(λ + H)", each) for k, each in enumerate(routh(characteristic(-matrix)))]


def characteristic(matrix: np.ndarray) -> list:
    """1, c_1, …, c_N with det(λ − X) = λ^N + c_1 λ^(N−1) + … + c_N, by Faddeev and LeVerrier."""
    found, Y = [0 * matrix[0, 0] + 1], np.eye(len(matrix), dtype=int) + 0 * matrix
    for k in range(1, len(matrix) + 1):
        Y = matrix @ Y
        found.append(-sum(Y.diagonal()) / k)
        Y = Y + found[-1] * np.eye(len(matrix), dtype=int)
    return found


def routh(polynomial: list) -> list:
    """The first column of Routh's array, up to the first number that is not positive: all are, if and only if all roots are left of the axis."""
    upper, lower, column = polynomial[::2], polynomial[1::2], polynomial[:1]
    while lower and column[-1] > 0:
        column.append(lower[0])
        if lower[0] > 0:
            below = [*lower[1:], *[0 * lower[0]] * (len(upper) - len(lower))]
            upper, lower = lower, [u - upper[0] / lower[0] * b for u, b in zip(upper[1:], below)]
    return column


# The statement


def squared(z: Any) -> Any:
    """|z|²."""
    return z.real * z.real + z.imag * z.imag


def own_limit(real: Any, squared: Any) -> Any:
    """2 Re λ/|λ|², of Re λ and |λ|²."""
    return 2 * real / squared


def step_limit(found: list, own: Callable[[Any, Any], Any] = own_limit) -> Any:
    """The least of the eigenvalues' limits, which is positive if and only if every Re λ is."""
    return least(own(each.real, squared(each)) for each in found)


def two_states_gap(case: Case) -> Any:
    """(x_0 − x_1)ᵀA(x_0 − x_1), for the two states of W."""
    s, u = case.visited
    g = case.scores
    return g[s][s] + g[u][u] - g[s][u] - g[u][s]


def table(case: Case) -> np.ndarray:
    """E on W; for floats divided by the largest power, so that it stays symmetric if it is."""
    if case.exp is not None:
        return grouping.powers(case, grouping.transitions(case).C)
    g = np.array([[case.scores[s][u] for u in case.visited] for s in case.visited])
    return np.exp(g - g.max())


def symmetric(case: Case) -> bool:
    """Whether A, and so E, is symmetric."""
    return all(str(a) == str(case.A[j][i]) for i, row in enumerate(case.A) for j, a in enumerate(row))


def positive_definite(E: np.ndarray) -> bool:
    """Whether E + Eᵀ surely is, by its pivots; of floats by a margin, once its diagonal is scaled to 1."""
    if E.dtype != float:
        return all(pivot > 0 for pivot in pivots(E + E.T))
    scale = np.sqrt(E.diagonal())
    return bool(np.linalg.eigvalsh((E + E.T) / np.outer(scale, scale)).min() > 1e-4)


def all_left(operator: Operator) -> bool:
    """Whether every state is left."""
    return operator.covered


def discounting(gamma: Any) -> bool:
    """|γ| < 1."""
    return abs(gamma) < 1


def exponential(case: Case) -> bool:
    """Whether E is the exponential of the score, to whatever base above 1."""
    return case.exp not in (stand_in, as_it_is)


def nearly_balanced(nu: np.ndarray, after: np.ndarray, gamma: Any) -> bool:
    """γ² max_u (νP_e)(u)/ν(u) < 1."""
    return gamma**2 * greatest(after / nu) < 1


def left_often(n: Any, gamma: Any, enough: Any) -> bool:
    """n(1 − |γ|) ≥ what is enough, from |γ|."""
    return n * (1 - gamma) >= enough


@dataclass(frozen=True)
class Spectral:
    """The statement with its pieces: the limit of the step sizes, and which are below it; what (a), (b) and (c) ask, of the symmetry of E ``symmetric``
    (b) and ``even`` (c); the Transformer, and what its layers tend to; γ in the examples; contexts let in."""

    own: Callable[[Any, Any], Any] = own_limit
    limit: Callable[[list, Callable], Any] = step_limit
    below: Callable[[Any, Any], bool] = lambda alpha, limit: alpha < limit
    covered: Callable[[Operator], bool] = all_left
    discount: Callable[[Any], bool] = discounting
    exponential: Callable[[Case], bool] = exponential
    two: Callable[[Any], bool] = lambda gap: gap > 0
    symmetric: Callable[[Case], bool] = symmetric
    even: Callable[[Case], bool] = symmetric
    definite: Callable[[np.ndarray], bool] = positive_definite
    balanced: Callable[[np.ndarray, np.ndarray, Any], bool] = nearly_balanced
    often: Callable[[Any, Any, Any], bool] = left_often
    enough: Callable[[Any], Any] = lambda gamma: gamma / 2
    without: Callable[[Operator, np.ndarray], np.ndarray] = lambda operator, E: E @ weighted(operator)
    machine: Machine = Machine()
    tends: Callable[[Case], np.ndarray] = grouping.certainty_equivalence
    discounts: tuple[Fraction, ...] = (Fraction(99, 100), Fraction(9, 10), Fraction(19, 20))
    beyond: tuple[Case, ...] = ()

    def count(self, n: Any, gamma: Any) -> bool:
        """Whether S_n is left often enough for (c), from |γ|."""
        return self.often(n, gamma, self.enough(gamma))


def weighted(operator: Operator) -> np.ndarray:
    """diag(n)(I − γP_e)."""
    return operator.counts[:, None] * bellman_matrix(operator.transition, operator.gamma)


def parts(claim: Spectral, case: Case) -> Iterator[Part]:
    """The assertions: the three sufficient conditions; the step sizes that work; the Transformer's layers."""
    operator = operator_of(case)
    if claim.covered(operator) and claim.discount(case.gamma):
        yield from sufficient(claim, case, operator)
    yield from asserting("limit", steps(claim, case, operator))
    yield from layers(claim, case, operator)


def sufficient(claim: Spectral, case: Case, operator: Operator) -> Iterator[Part]:
    """What follows from (a), which is necessary too, (b) and (c)."""
    E, gamma = table(case), abs(case.gamma)
    if len(E) == 2 and claim.exponential(case):
        yield from asserting("a", two_states(claim.two(two_states_gap(case)), case, operator))
    if claim.definite(E):
        nu = operator.counts * (E @ operator.counts)
        if claim.symmetric(case) and claim.balanced(nu, nu @ operator.transition, gamma):
            yield from asserting("b", stands("(b)", operator.H))
        if not claim.even(case):
            return
        if case.states[0] == case.states[-1] or claim.count(operator.counts[last(case)], gamma):
            yield from asserting("c", stands("(c)", claim.without(operator, E)))


def near_the_half(claim: Spectral, share: Fraction, m: int = 100, stays: int = 10**5) -> Iterator[Part]:
    """Walks 0, …, m, m, …, m for which n_m(1 − γ) = γ · share: if the trace is not positive, no step size works.

    It is Σ_k (E(S_k, S_k) − γE(S_k, S_{k+1})), for the E of :func:`path` nearly n_m(1 − γ) − m/(2m + 2).
    """
    gamma, ridge = stays / (stays + share), Fraction(1, 10**6)
    x = [Fraction(s + 1, m + 1) for s in range(m + 1)]
    trace = sum(a * a + ridge - gamma * a * b for a, b in zip(x, x[1:])) + stays * (1 - gamma) * (1 + ridge)
    where = f"whether m = {m} and {stays} stays, n_m(1 − γ) = {share} γ, are enough, 1 if so"
    yield Part(where, int(claim.count(stays, gamma)), int(trace > 0), relation=AT_MOST)


def of_any_sign(claim: Spectral, case: Case) -> Iterator[Part]:
    """(c) for a table with negative entries, which icrl.operator refuses: diag(n)(I − γP_e) = Cᵀ(C − γD)."""
    C, D, _ = grouping.transitions(case)
    if claim.even(case) and claim.definite(table(case)):
        yield from stands("(c)", table(case) @ (C.T @ (C - case.gamma * D)))


def last(case: Case) -> int:
    """The place of S_n in W."""
    return case.visited.index(case.states[-1])


def two_states(holds: bool, case: Case, operator: Operator) -> Iterator[Part]:
    """(a): the eigenvalue of H other than 1 − γ is positive if the condition holds, and no step is too long up to 1; else it is not positive."""
    zero, other = 0 * abs(case.gamma), sum(operator.H.diagonal()) - (1 - case.gamma)
    yield Part("(a), the eigenvalue of H other than 1 − γ", other, zero, relation=AT_LEAST if holds else AT_MOST)
    if holds:
        yield Part("(a), the eigenvalue of H other than 1 − γ", other, zero, relation=UNLIKE)
        yield Part(
            "(a), whether the layers converge at α = 1: 1 if so", zero + int(contracts(operator.G(zero + 1))), zero + 1
        )


def stands(name: str, H: np.ndarray) -> Iterator[Part]:
    """Every eigenvalue has a positive real part."""
    for where, got in positive_parts(H):
        for relation in (AT_LEAST, UNLIKE):
            yield Part(f"{name}, {where}", got, 0 * abs(H[0, 0]), relation=relation)


def steps(claim: Spectral, case: Case, operator: Operator) -> Iterator[Part]:
    """Whether the layers converge at step sizes on both sides of the limit, or at any if it is not positive; and the library's limit."""
    found, zero = eigenvalues(operator.H), 0 * case.gamma
    limit = claim.limit(found, claim.own)
    for alpha in (*probes(case, float(step_limit(found))), case.alphas[0]):
        works = claim.below(as_ball(alpha), limit)
        yield Part(
            f"whether the layers converge at α = {float(alpha):.7g}, 1 if so",
            zero + int(works),
            zero + int(contracts(operator.G(alpha))),
        )
    if isinstance(zero, float):
        yield Part(
            "Operator.step_limit",
            operator.step_limit,
            max(limit, 0.0),
            condition_of_eigenvectors(operator.H) * size(limit) ** 2,
        )


def probes(case: Case, limit: float) -> list:
    """Positive step sizes around the limit, in the numbers of the case; small and large ones if it is not positive."""
    near = 1e-3 if isinstance(case.gamma, float) else 1e-6
    top = limit if limit > 0 else 1.0
    return [like(case, Fraction(f"{top * each:.10g}")) for each in (1e-3, 0.5, 1 - near, 1 + near, 2)]


def like(case: Case, number: Fraction) -> Any:
    """A rational in the numbers of the case."""
    if isinstance(case.gamma, float):
        return float(number)
    return number if isinstance(case.gamma, Fraction) else to_ball(number)


def as_ball(alpha: Any) -> Any:
    """A rational as a ball, for comparisons with balls."""
    return to_ball(alpha) if isinstance(alpha, Fraction) else alpha


def condition_of_eigenvectors(matrix: np.ndarray) -> float:
    """‖V‖‖V⁻¹‖ for unit eigenvectors V: by how much eigenvalues magnify rounding."""
    return float(np.linalg.cond(np.linalg.eig(matrix)[1]))


def layers(claim: Spectral, case: Case, operator: Operator) -> Iterator[Part]:
    """The Transformer itself: in rationals eᵀQe falls by eᵀe in every layer; in floats the error after many is as the eigenvalues say."""
    if isinstance(case.gamma, Fraction):
        yield from asserting("radius", falling(claim, case, falling_form(operator.G(case.alphas[0]))))
        yield from asserting("c", without_normaliser(case, operator))
    elif isinstance(case.gamma, float):
        yield from asserting("radius", at_depth(claim, case, operator))


def falling(claim: Spectral, case: Case, Q: np.ndarray | None) -> Iterator[Part]:
    """eᵀQe before and after each layer, e = v_l − v_CE."""
    v_CE = claim.tends(case)
    errors = [v - v_CE for v in grouping.values(case, claim.machine)] if Q is not None else []
    for layer, (e, after) in enumerate(zip(errors, errors[1:])):
        yield Part(f"what layer {layer + 1} takes from eᵀQe", e @ Q @ e - after @ Q @ after, e @ e)


def without_normaliser(case: Case, operator: Operator) -> Iterator[Part]:
    """What a Transformer layer without the normaliser adds, if every state is left: αH'(v_CE − v), H' = E diag(n)(I − γP_e)."""
    v = grouping.values(case, Machine(softmax=no_normaliser))
    ahead = case.alphas[0] * table(case) @ weighted(operator) @ (grouping.certainty_equivalence(case) - v[0])
    yield from entries("what a layer without the normaliser adds", ahead, v[1] - v[0])


def at_depth(claim: Spectral, case: Case, operator: Operator) -> Iterator[Part]:
    """At most κ ρ^L of the error is left after L layers; along the left eigenvector of the largest |λ|, λ^L of it."""
    found, V = np.linalg.eig(operator.G(case.alphas[0]))
    if np.linalg.cond(V) > 1e3:  # its eigenvectors would magnify rounding too much
        return
    values, v_CE = grouping.values(case, claim.machine), claim.tends(case)
    first, end, top = values[0] - v_CE, values[-1] - v_CE, np.abs(found).argmax()
    scale = (1 + case.depth) * size(v_CE, *values) * np.linalg.cond(V) * size(1 / (1 - abs(case.gamma)))
    rho, left = operator.spectral_radius(case.alphas[0]), np.linalg.inv(V)[top]
    most = np.linalg.cond(V) * rho**case.depth * np.linalg.norm(first)
    yield Part(f"the error after {case.depth} layers", float(np.linalg.norm(end)), float(most), scale, AT_MOST)
    along = abs(found[top]) ** case.depth * abs(left @ first)
    yield Part(
        f"its part along an eigenvector, after {case.depth} layers",
        float(abs(left @ end)),
        float(along),
        scale * size(np.abs(left).sum()),
    )


# Contexts

IDENTITY, AXES = ((1, 0), (0, 1)), ((1, 0, 0), (0, 1, 0), (0, 0, 1))
STUCK = context((0, 2, 1, 1), ((-3,), (0,), (-2,)), "99/100")
CULPRIT = context((0, 1, 2, 0), ((4,), (3,), (1,)), "9/10")
OPEN = context((0, 1, 1), ((1,), (2,)), "19/20")
TRACE = context((0, 0, 2, 1, 1), ((-3,), (0,), (-1,)), "17/20")
TURN = context((0, 1, 2, 0), AXES, "9/10")
SWAP = context((0, 1, 0), IDENTITY, 0, A=((0, 1), (1, 0)))
ONE = context((0, 0), ((0,),), 0, alpha=2)
BACK = context((0, 1, 0), IDENTITY, "-3/2")
NEVER = context((0, 1), ((0,), (1,)), 0)
SIGNS = replace(context((0, 1, 0), ((1,), (-1,)), "1/2"), exp=stand_in)
LOPSIDED = context((0, 1, 2, 0), AXES, "1/2", A=((1, 1, 0), (-3, 0, 1), (2, 0, 2)))
TURNING = context(
    (0, 1, 2, 3, 0),
    tuple(map(tuple, np.eye(4, dtype=int).tolist())),
    "99/100",
    A=((2, 2, 2, -2), (-3, 2, 2, 2), (1, -3, 2, 2), (2, -2, -1, 2)),
)
EITHER_SIGN = (
    replace(context((0, 1, 0), IDENTITY, "99/100", A=((2, -1), (-1, 2))), exp=as_it_is),
    replace(context((0, 1, 2, 2, 1, 0), AXES, "-99/100", A=((3, -2, 1), (-2, 2, -1), (1, -1, 4))), exp=as_it_is),
)
"""Tables with negative entries, for (c)."""
LONG_STAY = replace(
    smallest(
        (0, *[1] * 11),
        2,
        [1] + [0] * 10,
        (0, 1),
        IDENTITY,
        ((Fraction(7, 20), Fraction(4, 5)), (Fraction(4, 5), Fraction(3, 2))),
    ),
    gamma=Fraction(987, 1000),
)
SMALLEST = (STUCK, CULPRIT, OPEN, TRACE, TURN, SWAP, ONE, LONG_STAY)


def path(m: int, stays: int, gamma: Fraction) -> Case:
    """0, 1, …, m, then m as often as said; E = xxᵀ + I/1000 with x(s) = (s + 1)/(m + 1), which is near the worst for (c)."""
    x = [Fraction(s + 1, m + 1) for s in range(m + 1)]
    one_hot = np.eye(m + 1, dtype=int).tolist()
    E = [[a * b + Fraction(s == u, 1000) for u, b in enumerate(x)] for s, a in enumerate(x)]
    states = (*range(m + 1), *[m] * stays)
    case = smallest(states, 1, [0] * (len(states) - 1), range(m + 1), one_hot, E)
    return replace(case, gamma=gamma, exp=as_it_is)


SLOW_PATH = path(6, 100, Fraction(9959, 10000))


def rational_contexts(seed: int = 125) -> list[Case]:
    """Random ones with E = 2^t: 2 to 4 states, all of them left, E invertible; features integers up to 2, A = I or any, γ of either sign."""
    found: list[Case] = []
    rng = Random(seed)  # of few seeds are there several contexts of every sort
    while len(found) < 24:
        walk, d = closing_walk(rng, rng.randint(2, 4), rng.randint(2, 7)), rng.randint(1, 2)
        x = [[rng.randint(-2, 2) for _ in range(d)] for _ in set(walk)]
        gamma = Fraction(rng.choice([-18, -10, 0, 10, 16, 18, 19]), 20)
        A = None if rng.random() < 0.6 else [[rng.randint(-1, 1) for _ in range(d)] for _ in range(d)]
        case = context(tuple(walk), tuple(x), gamma, A, Fraction(rng.randint(1, 6), 4))
        found += [case] if len(x) > 1 and invertible(table(case)) else []
    return found


def frozen_lakes() -> list[Case]:
    """Two contexts of FrozenLake-v1, all of whose states are left, each with two features: row and column, halved; and one-hot, doubled."""
    places = [(Fraction(s // 4, 2), Fraction(s % 4, 2)) for s in range(16)]
    doubled = (2 * np.eye(16, dtype=int)).tolist()
    walks = lake.walk(), lake.walk(squares=lake.OTHER_WALK)
    return [frozen_lake(*walk, x) for walk in walks for x in (places, doubled)]


def frozen_lake(states: list[int], rewards: list[Fraction], x: list) -> Case:
    """One of them, γ = 99/100 and α = 1/2."""
    identity, zero = np.eye(len(x[0]), dtype=int).tolist(), Fraction(0)
    rational = lambda rows: [[Fraction(entry) for entry in row] for row in rows]
    v, gamma, alpha = [zero] * len(x), Fraction(99, 100), Fraction(1, 2)
    return Case(states, rewards, rational(x), v, gamma, [alpha], rational(identity))


def float_contexts(seed: int) -> Iterator[Case]:
    """Random ones of up to 6 states, all of them left, E invertible by a margin, n in 1..32, A = I or any, γ of either sign, DEPTH layers."""
    rng = np.random.default_rng(seed)
    while True:
        walk, d = closing_float_walk(rng, int(rng.integers(1, 7)), log_uniform(rng, 1, 32)), int(rng.integers(1, 5))
        states, gamma, alpha = len(set(walk)), float(rng.uniform(-0.99, 0.99)), float(rng.uniform(0.05, 2))
        rewards, v, x = (
            rng.normal(size=len(walk) - 1),
            rng.normal(size=states),
            rng.normal(size=(states, d)) * rng.uniform(0.5, 1.5),
        )
        A = np.eye(d) if rng.random() < 0.5 else rng.normal(size=(d, d))
        case = Case(walk, rewards.tolist(), x.tolist(), v.tolist(), gamma, [alpha] * DEPTH, A.tolist())
        if invertible(table(case)):  # eigenvalues of H as small as rounding would leave nothing to compare
            yield case


# The checks


def no_step(claim: Spectral, case: Case) -> Iterator[Part]:
    """H has an eigenvalue that is not to the right: no step size works."""
    yield from not_all_positive(operator_of(case).H)


def no_step_without(claim: Spectral, case: Case) -> Iterator[Part]:
    """Nor has the matrix without the normaliser."""
    yield from not_all_positive(table(case) @ weighted(operator_of(case)))


def not_all_positive(H: np.ndarray) -> Iterator[Part]:
    """Some eigenvalue has no positive real part."""
    yield Part(
        "the least of the numbers of which one is not positive",
        least(got for _, got in positive_parts(H)),
        0 * abs(H[0, 0]),
        relation=AT_MOST,
    )


def of_examples(parts: Callable, examples: Callable[[Spectral], tuple[Case, ...]]) -> Statement:
    """What the examples of the statement, or one whose trace is positive, show: in rationals, balls and floats."""
    those = lambda claim, case: asserting("examples", parts(claim, case))
    return Statement(
        those,
        TOLD,
        Spectral(),
        exact=examples,
        certified=examples,
        small=examples,
        floats=lambda seed: iter(()),
        trials=1,
    )


def with_normaliser(claim: Spectral) -> tuple[Case, ...]:
    """Those that no step size helps."""
    stuck, culprit, _ = claim.discounts
    return replace(STUCK, gamma=stuck), replace(CULPRIT, gamma=culprit), TRACE


def normaliser_left_out(claim: Spectral) -> tuple[Case, ...]:
    """The one that no step size helps without the normaliser."""
    return (replace(OPEN, gamma=claim.discounts[2]),)


TOLD = (
    "convergence at step sizes on both sides of the limit, and at none if there is no limit; (a), (b) and (c) where "
    "they hold; the Transformer's layers; the examples"
)
EXAMPLES = (of_examples(no_step, with_normaliser), of_examples(no_step_without, normaliser_left_out))
STATED = Statement(
    parts,
    TOLD,
    Spectral(),
    exact=contexts.after((*SMALLEST, SLOW_PATH), rational_contexts),
    certified=contexts.after(SMALLEST, rational_contexts, frozen_lakes),
    small=contexts.after(SMALLEST),
    floats=float_contexts,
    trials=100,
    routes={
        "exact": "step sizes 10⁻⁶ from the limit on both sides; the eigenvalues enclosed, convergence by Lyapunov's "
        "equation, (b) and (c) by Routh's criterion, and the fall of eᵀQe in layers of the Transformer",
        "certified": "the last four of FrozenLake-v1, with coordinates and with one-hot features; the eigenvalues "
        "enclosed, convergence by the powers of G",
        "numeric": "step sizes 10⁻³ from the limit on both sides; eigenvalues by NumPy, convergence by Gelfand's "
        "formula, (b) and (c) where E is positive definite by a margin",
    },
    scale="that of the values after many layers, times 1 + L and the condition of the eigenvectors",
    traits={"A = I": lambda case: np.array_equal(case.A, np.eye(case.d))},
    shows=(sufficient, of_any_sign, near_the_half, steps, layers, no_step),
)


def exact(claim: Spectral, budget: Budget) -> Verdict:
    """The statement in rationals; then (c) for tables of either sign, and how near walks that stay at their end come to its half."""
    verdict, met = STATED.run_exact(claim, budget), Counter[str]()
    near = asserting("half", near_the_half(claim, Fraction(49, 100)))
    if not verdict.passed:
        return verdict
    for case in EITHER_SIGN:
        if found := first_failure(str(case), asserting("c", of_any_sign(claim, case)), Exactly(), met):
            return Verdict(False, "(c) for a table of either sign", counterexample=found)
    if found := first_failure("a walk 0, …, m, m, …, m, E nearly xxᵀ", near, Exactly(), met):
        return Verdict(False, "what (c) asks of S_n", counterexample=found)
    detail = (
        f"{verdict.detail}; (c) for {len(EITHER_SIGN)} tables of either sign; that its half is needed, to within 1/100"
    )
    return replace(verdict, detail=detail, met=Counter(verdict.met) + met)


def all_checks() -> Iterator[Check]:
    """Those of the examples and of the statement, by kind."""
    for checks in zip(*(statement.checks() for statement in (*EXAMPLES, STATED)), strict=True):
        *before, stated = checks
        yield in_turn(*before, replace(stated, run=exact) if stated.kind == "exact" else stated)


def in_turn(*checks: Check) -> Check:
    """Checks of one kind as one: the first failure, or what the last of them found; the last one's scope."""

    def run(claim: Spectral, budget: Budget) -> Verdict:
        """Every check in turn, up to one that fails."""
        met = Counter[str]()
        for check in checks:
            verdict = check.run(claim, budget)
            if not verdict.passed:
                return verdict
            met.update(verdict.met)
        return replace(verdict, met=met)

    return replace(checks[-1], run=run)


LAYERS = {"certified": "the Transformer's layers are run in rationals and in floats"}

MUTANTS = (
    Mutant(
        "the smallest eigenvalue alone",
        Spectral(limit=lambda found, own: step_limit([min(found, key=lambda z: float(abs(z)))]), beyond=(STUCK,)),
    ),
    Mutant(
        "a positive trace suffices",
        Spectral(limit=lambda found, own: 2 * sum(z.real for z in found) / sum(map(squared, found)), beyond=(TRACE,)),
    ),
    Mutant(
        "2/|λ| in the place of 2 Re λ/|λ|²",
        Spectral(limit=lambda found, own: least(2 / abs(each) for each in found), beyond=(TURN,)),
    ),
    Mutant(
        "the largest of the limits",
        Spectral(limit=lambda found, own: greatest(2 * each.real / squared(each) for each in found)),
    ),
    Mutant("1 in the place of 2 in the limit", Spectral(own=lambda real, squared: real / squared)),
    Mutant("α equal to the limit let in", Spectral(below=lambda alpha, limit: alpha <= limit, beyond=(ONE,))),
    Mutant("γ = −3/2 let in", Spectral(discount=lambda gamma: True, beyond=(BACK,))),
    Mutant("a state that is never left let in", Spectral(covered=lambda operator: True, beyond=(NEVER,))),
    Mutant(
        "(a) with 1 + t² in the place of the exponential",
        Spectral(exponential=lambda case: True, beyond=(SIGNS,)),
        dict.fromkeys(("certified", "numeric"), "there E is the exponential"),
    ),
    Mutant("(a) if the features differ", Spectral(two=lambda gap: gap != 0, beyond=(SWAP,))),
    Mutant("(b), (c) with E symmetric", Spectral(definite=lambda E: True, beyond=(SWAP,))),
    Mutant(
        "(b) with E + Eᵀ positive definite",
        Spectral(symmetric=lambda case: True, beyond=(LOPSIDED,)),
    ),
    Mutant(
        "(c) with E + Eᵀ positive definite",
        Spectral(even=lambda case: True, beyond=(TURNING,)),
    ),
    Mutant(
        "(b) with a mean in the place of the maximum",
        Spectral(balanced=lambda nu, after, gamma: gamma**2 * sum(after) < sum(nu), beyond=(STUCK,)),
    ),
    Mutant("(c) whatever S_n", Spectral(often=lambda n, gamma, enough: True, beyond=(OPEN,))),
    Mutant(
        "(c) with an eighth of |γ| in the place of half",
        Spectral(enough=lambda gamma: gamma / 8),
    ),
    Mutant(
        "(c) with 2/5 of |γ| in the place of half",
        Spectral(enough=lambda gamma: 2 * gamma / 5),
        dict.fromkeys(("certified", "numeric"), "the E that shows it is a table of rationals, no exponential"),
    ),
    Mutant(
        "(c) with 12/25 of |γ| in the place of half",
        Spectral(enough=lambda gamma: 12 * gamma / 25),
        dict.fromkeys(("certified", "numeric"), "the E that shows it is a table of rationals, no exponential"),
    ),
    Mutant(
        "no mask",
        Spectral(machine=Machine(edit=unmasked)),
        LAYERS,
    ),
    Mutant(
        "γ² in the limit",
        Spectral(tends=lambda case: grouping.certainty_equivalence(replace(case, gamma=case.gamma**2))),
        LAYERS,
    ),
    Mutant("γ = 0.5 in the first example", Spectral(discounts=(Fraction(1, 2), *Spectral.discounts[1:]))),
    Mutant("γ = 0.85 in the last example", Spectral(discounts=(*Spectral.discounts[:2], Fraction(17, 20)))),
    Mutant("(c) with the normaliser", Spectral(without=lambda operator, E: operator.H, beyond=(CULPRIT,))),
)


MODULUS = r"{\lvert \gamma \rvert}"
"""|γ|, as a symbol; the braces keep its letters as they are."""
REAL, SQUARED = r"{\operatorname{Re} \lambda}", r"{\lvert \lambda \rvert^2}"
"""Re λ and |λ|² likewise."""

SETTING = r"""
Let $H = \hat M - \gamma \hat P$ and $G = I - \alpha H$ be those of one context ({prf:ref}`operator`), with one step
size $\alpha$ for all layers.
""".strip()


def examples_in_words(claim: Spectral) -> str:
    """The three examples, each with its γ."""
    stuck, culprit, other = (f"{float(gamma):g}" for gamma in claim.discounts)
    return rf"""
Distinct features and a context that leaves every state are not enough: with $E = 2^{{x x'}}$, $x = (-3, 0, -2)$, states
$0, 2, 1, 1$ and $\gamma = {stuck}$, no step size works. Nor does one with $x = (4, 3, 1)$, states $0, 1, 2, 0$ and
$\gamma = {culprit}$, where by (c) some would if the normaliser were left out. It can be the other way round: with
$x = (1, 2)$, states $0, 1, 1$ and $\gamma = {other}$ every $\alpha \in (0, 1]$ works by (a), and without the normaliser
no $\alpha > 0$ does.
"""


ASSERTIONS = (
    Assertion(
        "radius",
        r"The values converge from every $v_0$, and to one limit, if and only if $\rho(G) < 1$; the "
        r"limit is $v_{\mathrm{CE}}$.",
        typed="condition",
    ),
    Assertion(
        "limit",
        lambda claim: (
            rf"""
Among the $\alpha > 0$ this is so for those with

$$
\alpha < \min_\lambda {letters(claim.own, REAL, SQUARED)}, \qquad \lambda \text{{ the eigenvalues of }} H ,
$$ (eq-step-limit)

and no others; an eigenvalue 0 makes the bound 0. So some $\alpha > 0$ works if and only if every eigenvalue of $H$ has a positive real part.
"""
        ),
    ),
    Assertion(
        "a",
        r"""
Let $\lvert\gamma\rvert < 1$, and let every state of the context be left by some transition. Some $\alpha > 0$ works in each of these cases:

(a) The context has two states, $E(s, u) = e^{x(u)^\top A x(s)}$, and $(x_0 - x_1)^\top A (x_0 - x_1) > 0$. This is necessary too, and then every $\alpha \in (0, 1]$ works.
""",
        typed="condition",
    ),
    Assertion(
        "b",
        r"""
(b) $E \ge 0$ is symmetric and positive definite, and arrivals and departures nearly balance once each state $s$ counts
$Z(s) = \sum_u n_u E(s, u)$ times: with $\nu(s) = n_s Z(s)$, what arrives at $u$ is
$(\nu P_e)(u) = \sum_s \nu(s) P_e(s, u)$, what leaves it is $\nu(u)$, and

$$
\gamma^2 \max_{u} \frac{(\nu P_e)(u)}{\nu(u)} < 1 .
$$ (eq-reweighted)
""",
        typed="condition",
    ),
    Assertion(
        "c",
        lambda claim: (
            rf"""
(c) $E$ is symmetric and positive definite, and either $S_n = S_0$ or
$n_{{S_n}} (1 - \lvert\gamma\rvert) \ge {letters(claim.enough, MODULUS)}$; but here the iteration is another one, with the
normaliser **left out** ($E$ may then have entries of any sign): the step of state $s$ is $\alpha Z(s)$, so that $E \operatorname{{diag}}(n) (I - \gamma P_e)$
stands in the place of $H$.
"""
        ),
    ),
    Assertion(
        "half",
        lambda claim: (
            rf"""
No number below the ${book_latex(claim.enough(Integer(1)))}$ does for all contexts: those that go $0, 1, \dots, m$ and then
stay long at $m$ come as near to it as one likes.
"""
        ),
    ),
    Assertion("examples", examples_in_words),
)


CLAIM = Claim(
    id="spectral",
    title="When some step size makes depth converge",
    chapter="when-it-fails",
    environment="theorem",
    statement=lambda: SETTING,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"One step size $\alpha$ for all layers. For the first two sentences nothing else: any table of weights, any "
            r"$\gamma$. (If $H$ has the eigenvalue 0, as with a state that is never left, no $\alpha$ works.)",
            reason="where the steps differ a product of factors decides, {prf:ref}`layer-steps`",
        ),
        Hypothesis(
            r"$\lvert\gamma\rvert < 1$, for (a) and (c). Of (b) {eq}`eq-reweighted` says so already: what arrives and what "
            r"leaves have the same sum over all states, so the maximum is 1 at least.",
            dropped="γ = −3/2 let in",
            holds=discounting,
        ),
        Hypothesis(
            r"Every state of the context is a source, $S_n$ included, for (a), (b) and (c).",
            dropped="a state that is never left let in",
            holds=all_left,
        ),
        Hypothesis(
            r"$E$ is the exponential of the score, to whatever base above 1, for (a); for another positive table "
            r"$E(0, 0) E(1, 1) > E(0, 1) E(1, 0)$ takes the place of the condition, which says this of exponentials.",
            dropped="(a) with 1 + t² in the place of the exponential",
            holds=exponential,
        ),
        Hypothesis(
            r"$E$ is symmetric, such as with $A = I$, for (b).",
            dropped="(b) with E + Eᵀ positive definite",
            holds=symmetric,
        ),
        Hypothesis(r"$E$ is symmetric, for (c).", dropped="(c) with E + Eᵀ positive definite", holds=symmetric),
        Hypothesis(
            r"$E$ is positive definite, such as with $A = I$ and distinct features ({prf:ref}`fixed-point`), for (b) and (c).",
            dropped="(b), (c) with E symmetric",
            holds=positive_definite,
        ),
        Hypothesis(
            r"Arrivals and departures nearly balance at every state, for (b).",
            dropped="(b) with a mean in the place of the maximum",
            holds=nearly_balanced,
        ),
        Hypothesis(
            r"$S_n = S_0$, or $S_n$ is left often enough, for (c).", dropped="(c) whatever S_n", holds=left_often
        ),
        Hypothesis("The normaliser is left out, for (c).", dropped="(c) with the normaliser"),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "spectral",
            "two states left any number of times, any positive table of weights, |γ| < 1; convergence at an Archimedean field, "
            "with any exponential to a base above 1",
            stated=(
                "spectral.two_states_need_the_condition",
                "spectral.two_states_converge",
                "spectral.two_states_converge_iff",
            ),
            definitions=(
                "infinite_depth.tends_to",
                "spectral.converges_to_one_limit",
                "exponential.exponential",
            ),
            asserts=("a",),
        ),
        *all_checks(),
    ),
    mutants=MUTANTS,
    rests_on=("operator", "rate-floor", "certainty-equivalence", "fixed-point"),
    source="Found for this book; the first part is the theory of Richardson's iteration",
    shared=(
        "The routes compared share the exponential, the contexts and the matrix H of icrl.operator; that it is what "
        "the Transformer does is checked by its layers in rationals and in floats. Convergence is decided without "
        "eigenvalues, and the eigenvalues know nothing of powers."
    ),
)
