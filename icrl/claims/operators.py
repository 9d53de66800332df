r"""What the claims about the layer as an operator share: the transitions as matrices, contexts, comparisons, and the runs over them.

A context's n transitions are three matrices: C marks the state that each leaves, D the state that it reaches, R holds its
reward. Each claim states itself as parts, an equality or an inequality between two numbers; the runs put rationals, Arb
balls and floats into the same parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from itertools import islice, product
from typing import Any, NamedTuple

import numpy as np
from sympy import MatrixSymbol, Symbol
from sympy.matrices.expressions.matexpr import MatrixExpr

from icrl import td
from icrl.claims.batch_td import closing_walk
from icrl.claims.cases import (
    Case,
    as_matrices,
    ball_case,
    float_case,
    log_uniform,
    rational_case,
    shown,
    small_fraction,
    smallest,
    stand_in,
)
from icrl.claims.compare import BITS, RADIUS, TOLERANCE, Undecided, balls_differ, entries_differ
from icrl.claims.compare import shown as told_apart
from icrl.claims.machine import Machine
from icrl.claims.model import Budget, Counterexample, Verdict
from icrl.mrp import Context
from icrl.operator import Operator, layer_operator, operator_from_kernel
from icrl.prompt import rows

# The transitions of a context as matrices


class Transitions(NamedTuple):
    """C[k, s] = 1[S_k = s] and D[k, s] = 1[S_{k+1} = s], (n, |W|), and the rewards R (n,); or symbols of any size."""

    C: Any
    D: Any
    R: Any


def array(case: Case, entries: Any) -> np.ndarray:
    """An array of the case's kind of number."""
    return np.array(entries, float if isinstance(case.gamma, float) else object)


def visited(case: Case) -> list[int]:
    """W, ascending."""
    return sorted(set(case.states))


def transitions(case: Case) -> Transitions:
    """The n transitions."""
    one, zero = 0 * case.gamma + 1, 0 * case.gamma
    mark = lambda states: array(case, [[one if s == u else zero for u in visited(case)] for s in states])
    return Transitions(mark(case.states[:-1]), mark(case.states[1:]), array(case, case.rewards))


def without_mask(case: Case) -> Transitions:
    """The same with the query column among the keys: a transition out of S_n that reaches no state and has no reward."""
    C, D, R = transitions(
        replace(case, states=[*case.states, case.states[-1]], rewards=[*case.rewards, 0 * case.gamma])
    )
    D[-1] = 0 * D[-1]
    return Transitions(C, D, R)


def powers(case: Case, C: np.ndarray) -> np.ndarray:
    """E(s, u) on W; for floats divided by the largest of the row among the keys, so that it cannot overflow."""
    g = array(case, [[case.scores[s][u] for u in visited(case)] for s in visited(case)])
    if case.exp is None:
        return np.exp(np.minimum(g - np.where(C.sum(axis=0) > 0, g, -np.inf).max(axis=1, keepdims=True), 0))
    return array(case, np.vectorize(case.exp, otypes=[object])(g))


def normalised(case: Case, C: np.ndarray) -> np.ndarray:
    """κ(s, u) = E(s, u) / Σ_k E(s, S_k), (|W|, |W|): the weight that s gives to each key at u."""
    E = powers(case, C)
    return E / (E @ C.sum(axis=0))[:, None]


def by_state(kappa: Any, C: Any) -> Any:
    """K = κCᵀ, (|W|, keys): the weight of a key depends on its state alone."""
    return kappa @ C.T


def by_position(kappa: Any, C: Any) -> Any:
    """K(k|s) in proportion to κ(s, S_k), doubled where k + s = 1: keys of one state weigh differently. Opaque at symbolic sizes."""
    if isinstance(C, MatrixExpr):
        return MatrixSymbol("K", C.shape[1], C.shape[0])
    table = by_state(kappa, C) * [[1 + (k + s == 1) for k in range(len(C))] for s in range(len(kappa))]
    return table / table.sum(axis=1)[:, None]


def inverse_counts(C: Any) -> Any:
    """(CᵀC)⁻¹ = diag(1/n_s), with 0 for a state that is never left; at symbolic sizes every state is left."""
    if isinstance(C, MatrixExpr):
        return (C.T @ C).inv()
    return np.diag([1 / count if count > 0 else 0 * count for count in C.sum(axis=0)])


def empirical_model(C: Any, D: Any, R: Any) -> tuple[Any, Any]:
    """P_e = (CᵀC)⁻¹CᵀD and r̂ = (CᵀC)⁻¹CᵀR."""
    return inverse_counts(C) @ (C.T @ D), inverse_counts(C) @ (C.T @ R)


def mean_over_all(C: Any, D: Any, R: Any) -> tuple[Any, Any]:
    """P_e, and CᵀR/n in the place of r̂: the sum of the rewards out of s over all transitions, not over those out of s."""
    return empirical_model(C, D, R)[0], C.T @ R / C.shape[0]


n, N = Symbol("n", integer=True, positive=True), Symbol("N", integer=True, positive=True)
SYMBOLS = Transitions(MatrixSymbol("C", n, N), MatrixSymbol("D", n, N), MatrixSymbol("R", n, 1))
KAPPA, VALUE, GAMMA, ALPHA = MatrixSymbol("kappa", N, N), MatrixSymbol("v", N, 1), Symbol("gamma"), Symbol("alpha")


def td_update(K: Any, given: Transitions, gamma: Any, alpha: Any, v: Any) -> Any:
    """v + αK(R + γDv − Cv), from the definition of weighted TD."""
    return v + alpha * (K @ (given.R + gamma * (given.D @ v) - given.C @ v))


# The routes


def operator_of(case: Case) -> Operator:
    """The library's operator: of the features for floats with the true exponential, else of the table E."""
    if case.exp is None:
        return layer_operator(
            Context(case.states, case.rewards), case.features, case.gamma, np.reshape(case.A, (case.d, case.d))
        )
    return operator_from_kernel(case.states, case.rewards, powers(case, transitions(case).C), case.gamma)


def values(case: Case, machine: Machine = Machine()) -> list[np.ndarray]:
    """v_0, v_1, … on W: the Transformer's value row after every layer, each state read off its first column."""
    first = [case.states.index(s) for s in visited(case)]
    return [np.asarray(rows(Z).value)[0, first] for Z in machine.run(*as_matrices(case))]


def loop(case: Case) -> list[np.ndarray]:
    """v_0, v_1, … on W by the TD loop."""
    updates = td.softmax_td(case.states, case.rewards, case.score, case.gamma, case.alphas, case.v, case.exp)
    return [array(case, [v[s] for s in visited(case)]) for v in updates]


def certainty_equivalence(case: Case) -> np.ndarray:
    """v_CE on W, by counting and elimination: what is left of the context when its weights are forgotten."""
    W, out = visited(case), list(zip(case.states[:-1], case.rewards, case.states[1:]))
    one, zero, lines, paid = 0 * case.gamma + 1, 0 * case.gamma, [], []
    for s in W:
        mine = [(reward, after) for before, reward, after in out if before == s]
        share = one / max(len(mine), 1)
        lines.append([(one if u == s else zero) - case.gamma * share * sum(after == u for _, after in mine) for u in W])
        paid.append(share * sum((reward for reward, _ in mine), zero))
    return solved(array(case, lines), array(case, paid))


def solved(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The x with matrix · x = vector, by elimination; ``ZeroDivisionError`` (a ball: not finite) where there is not one."""
    table = [[*row, right] for row, right in zip(matrix.tolist(), vector.tolist())]
    for i in range(len(table)):
        best = max(range(i, len(table)), key=lambda k: abs(float(table[k][i])))
        table[i], table[best] = table[best], table[i]
        table[i] = [entry / table[i][i] for entry in table[i]]
        for k in set(range(len(table))) - {i}:
            table[k] = [entry - table[k][i] * pivot for entry, pivot in zip(table[k], table[i])]
    return np.array([row[-1] for row in table], dtype=matrix.dtype)


def invertible(matrix: np.ndarray) -> bool:
    """Whether a matrix surely has an inverse; of floats, one with a condition below 10⁴."""
    if matrix.dtype == float:
        return bool(np.linalg.cond(matrix) < 1e4)
    try:
        column = solved(matrix, matrix[:, 0])
    except ZeroDivisionError:
        return False
    return all(not hasattr(x, "rad") or x.is_finite() for x in column)


def tied(case: Case) -> Case:
    """The same step size in every layer."""
    return replace(case, alphas=[case.alphas[0]] * case.depth)


def unit_vector(case: Case, s: int) -> np.ndarray:
    """1 at the s-th state of W, 0 elsewhere."""
    return array(case, [0 * case.gamma + (i == s) for i in range(len(visited(case)))])


def least(numbers: Iterable) -> Any:
    """The smallest; of balls, a ball that holds it."""
    return reduce(lambda x, y: x.min(y) if hasattr(x, "rad") else min(x, y), numbers)


def greatest(numbers: Iterable) -> Any:
    """The largest absolute value; of balls, a ball that holds it."""
    return reduce(lambda x, y: x.max(y) if hasattr(x, "rad") else max(x, y), [abs(x) for x in numbers])


def size(*numbers: Any) -> float:
    """1, or the largest absolute value of what is given, if that is more: as a float."""
    return max(1.0, *(abs(float(x)) for each in numbers for x in np.ravel(each)))


# Parts of a statement, and what is wrong with them


AT_MOST, AT_LEAST, UNLIKE = "at most ", "at least ", "a number other than "
"""What a number may be asked to be, other than equal; ``UNLIKE`` is asked with 0."""


class Part(NamedTuple):
    """One number of a statement against what it must be. ``scale``: the size, as a float, that its rounding errors have by eps.

    ``relation``: ``""`` for an equality, or what ``got`` must be.
    """

    where: str
    got: Any
    right: Any
    scale: float = 1.0
    relation: str = ""


def entries(where: str, got: Any, right: Any, scale: float = 1.0) -> Iterator[Part]:
    """An equality of two arrays, entry by entry."""
    for index in np.ndindex(np.shape(right)):
        yield Part(f"{where}, entry {', '.join(map(str, index))}", got[index], right[index], scale)


@dataclass(frozen=True)
class Exactly:
    """Rationals; a number of another type is an error."""

    def fails(self, part: Part) -> bool:
        """Whether the part does not hold."""
        differ = entries_differ(part.got, part.right)
        return {"": differ, AT_MOST: part.got > part.right, AT_LEAST: part.got < part.right}.get(
            part.relation, not differ
        )


@dataclass(frozen=True)
class AsBalls:
    """Balls: disjoint balls differ; balls that overlap are equal if they are small, and decide nothing if not."""

    def fails(self, part: Part) -> bool:
        """Whether the part does not hold; ``Undecided`` where the balls are too wide."""
        differ = balls_differ(part.scale)(part.got, part.right)
        return {"": differ, AT_MOST: differ and part.got > part.right, AT_LEAST: differ and part.got < part.right}.get(
            part.relation, not differ
        )


@dataclass(frozen=True)
class Within:
    """Floats; ``unit`` times the part's scale is the tolerance."""

    unit: float

    def fails(self, part: Part) -> bool:
        """Whether the part does not hold; what is NaN does not."""
        gap, allowed = part.got - part.right, self.unit * part.scale
        holds = {"": abs(gap) <= allowed, AT_MOST: gap <= allowed, AT_LEAST: -gap <= allowed}
        return not holds.get(part.relation, abs(gap) > allowed)


Parts = Callable[[Any, Case], Iterator[Part]]


def first_failure(name: str, parts: Iterable[Part], numbers: Any) -> Counterexample | None:
    """The first part that does not hold."""
    for part in parts:
        if numbers.fails(part):
            got, right = told_apart(part.got, part.right)
            zero = part.relation == UNLIKE and math.isfinite(float(part.got))  # as far as can be told
            return Counterexample(name, part.where, "0" if zero else got, part.relation + right)
    return None


# The runs


def on_rationals(parts: Parts, subject: Any, cases: Iterable[Case], told: str) -> Verdict:
    """The parts in ``Fraction``s."""
    count = 0
    for count, case in enumerate(cases, 1):
        if found := first_failure(str(case), parts(subject, case), Exactly()):
            return Verdict(False, "a part of the statement fails", counterexample=found)
    return Verdict(True, f"{count} rational contexts: {told}")


def on_balls(parts: Parts, subject: Any, cases: Iterable[Case], told: str) -> Verdict:
    """The parts in Arb balls, with the true exponential in the place of 1 + t²."""
    from flint import ctx

    count = 0
    with ctx.workprec(BITS):
        for count, case in enumerate(cases, 1):
            try:
                found = first_failure(f"{replace(case, exp=None)}, E = exp", parts(subject, ball_case(case)), AsBalls())
            except Undecided as undecided:
                return Verdict(False, str(undecided))
            if found:
                return Verdict(False, "the balls do not stand as stated", counterexample=found)
    return Verdict(
        True,
        f"{count} contexts at {BITS} bits: {told}; what is equal, to a ball of radius below 2^-{RADIUS} of the scale",
    )


def on_floats(
    parts: Parts, subject: Any, small: Sequence[Case], drawn: Iterator[Case], budget: Budget, trials: int, told: str
) -> Verdict:
    """The parts in floats: the small rational cases, then as many as asked of those drawn."""
    trials = budget.trials or trials
    for trial, case in enumerate([*as_floats(small), *islice(drawn, trials)], 1 - len(small)):
        steep = 1 + max(abs(g) for row in case.scores for g in row)
        if found := first_failure(
            float_name(case), parts(subject, case), Within(TOLERANCE * np.finfo(float).eps * steep)
        ):
            where = f"trial {trial} (seed {budget.seed})" if trial > 0 else "a small context"
            return Verdict(False, f"fails in {where}", counterexample=found)
        budget.progress(max(trial, 0), trials)
    return Verdict(
        True,
        f"{len(small)} small and {trials} random contexts (seed {budget.seed}): {told}; tolerance {TOLERANCE} eps (1 + max |score|) of each part's scale",
    )


def float_name(case: Case) -> str:
    """A case of floats: all of it when it is small."""
    small = case.n <= 3 and case.d <= 2
    return (
        str(case)
        if small
        else f"n = {case.n}, d = {case.d}, {len(set(case.states))} states visited, γ = {shown(case.gamma)}, α = {shown(case.alphas[0])}"
    )


# Contexts


def two_states(depth: int = 1, **changes: Any) -> Case:
    """T = (0, 1, 0) with one-hot features: E is 2 where key and query are one state, and 1 where they are not."""
    return replace(smallest((0, 1, 0), depth, r=(1, 0), v=(0, 0), x=((1, 0), (0, 1)), A=((1, 0), (0, 1))), **changes)


def never_left(depth: int = 1) -> Case:
    """T = (0, 1) with equal features: state 1 is reached, and never left."""
    return smallest((0, 1), depth, r=(1,), v=(0, 0), x=((1,), (1,)))


def rational_cases(seed: int = 0) -> list[Case]:
    """Random rational contexts over n in 1..6, d in 0..3, of 2 layers; some end in a state never left, some have repeated features."""
    rng = np.random.default_rng(seed)
    return [tied(rational_case(rng, *shape, 2)) for shape in product(range(1, 7), range(4))]


def sharp_cases(seed: int = 0) -> list[Case]:
    """Random rational contexts whose visited states are all left, features near 3 times one-hot, 3 layers; γ of either sign."""
    rng = np.random.default_rng(seed)
    return [sharp_case(rng, *shape) for shape in product((1, 2, 3), (2, 3, 5), (-1, 1))]


def sharp_case(rng: np.random.Generator, states: int, length: int, sign: int) -> Case:
    """One of them."""
    walk = closing_walk(rng, states, length)
    W = range(len(set(walk)))
    features = [[Fraction(3 * (s == u)) + Fraction(int(rng.integers(-1, 2)), 4) for u in W] for s in W]
    draw = lambda numbers: [small_fraction(rng) for _ in numbers]
    gamma, alpha = Fraction(sign * int(rng.integers(1, 8)), 10), Fraction(int(rng.integers(1, 5)), 4)
    identity = [[Fraction(s == u) for u in W] for s in W]
    return Case(walk, draw(range(length)), features, draw(W), gamma, [alpha] * 3, identity, stand_in)


def float_cases(seed: int) -> Iterator[Case]:
    """Random float contexts, by turns of any features and of sharp ones: n in 1..64, up to 8 layers of one step size."""
    rng = np.random.default_rng(seed)
    while True:
        yield tied(float_case(rng, log_uniform(rng, 1, 64), log_uniform(rng, 1, 9) - 1, log_uniform(rng, 1, 8)))
        yield sharp_float_case(rng)


def as_floats(cases: Iterable[Case]) -> Iterator[Case]:
    """Rational cases in floats, with the true exponential."""
    floats = lambda table: [list(map(float, row)) for row in table]
    for case in cases:
        rewards, v, alphas = floats([case.rewards, case.v, case.alphas])
        yield Case(case.states, rewards, floats(case.features), v, float(case.gamma), alphas, floats(case.A))


def sharp_float_case(rng: np.random.Generator) -> Case:
    """Features near a multiple of one-hot, up to 6 states, all but at times the last of which are left; γ of either sign."""
    walk = closing_walk(rng, int(rng.integers(1, 7)), log_uniform(rng, 1, 64))
    if rng.random() < 0.25:
        walk[-1] = max(walk) + 1
    W = len(set(walk))
    features = rng.uniform(1, 4) * np.eye(W) + rng.normal(scale=0.1, size=(W, W))
    gamma, alphas = float(rng.uniform(-0.95, 0.95)), [float(1 - rng.uniform(0, 1))] * log_uniform(rng, 1, 32)
    rewards, v = rng.normal(size=len(walk) - 1), rng.normal(size=W)
    return Case(walk, rewards.tolist(), features.tolist(), v.tolist(), gamma, alphas, np.eye(W).tolist())
