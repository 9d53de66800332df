r"""layer-steps: steps that differ by layer make a polynomial of the error, and Chebyshev's is the best for a reversible context."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, reduce
from itertools import product
from math import isqrt, pi, sqrt
from random import Random
from typing import Any

from sympy import QQ, Expr, Identity, MatrixSymbol, Poly, Rational, Symbol, cyclotomic_poly, ring
from sympy import sqrt as symbolic_root

from icrl.arrays import np
from icrl.operator import Operator, chebyshev_steps
from icrl.verify.instances import contexts, frozen_lake
from icrl.verify.instances.cases import Case, as_it_is, float_case, log_uniform, rational_case, small_fraction, smallest
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import AT_LEAST, AT_MOST, UNLIKE, Part, asserting, entries, making, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes import grouping
from icrl.verify.routes.edits import Machine, unmasked
from icrl.verify.routes.grouping import STATES, operator_of

ONE, RATIO = Fraction(1), Fraction(3, 5)
RING, ROOT, GAMMA, LAMBDA = ring("z, gamma, lambda", QQ)
AT = [(ROOT, QQ(0)), (GAMMA, QQ(3, 5)), (LAMBDA, QQ(1, 5))]
DEPTHS = range(1, 7)
"""The numbers of layers tried on each reversible context in exact numbers."""


def closed_walk(states: Sequence[int], gamma: Fraction, v: Sequence[int], scale: Fraction = ONE) -> Case:
    """A context without reward and with one-hot features, times ``scale``; so v_CE = 0, and v_0 is the error."""
    here = [[Fraction(s == u) for u in range(len(v))] for s in range(len(v))]
    case = smallest(states, 2, r=(0,) * (len(states) - 1), v=v, x=here, A=here)
    return replace(
        case, gamma=gamma, features=[[scale * entry for entry in x] for x in case.features], alphas=[ONE / 2, ONE / 3]
    )


SWAP = closed_walk((0, 1, 0), RATIO, (1, -1))
STAR = closed_walk((0, 1, 0, 2, 0), RATIO, (1, 0, 0))
NOT_BACK = closed_walk((0, 1, 0, 1, 1), RATIO, (1, 2))
SOFT = closed_walk((0, 1, 0), RATIO, (1, -1), ONE / 2)
CYCLE = closed_walk((0, 1, 2, 0), RATIO, (1, -1, 0))
GROWING = replace(CYCLE, gamma=Fraction(3, 4))
LATER = replace(CYCLE, gamma=Fraction(93, 128))
JUMP = closed_walk((0, 1, 2, 1, 0, 2), RATIO, (1, -1, 0))
TURNED = replace(closed_walk((0, 1, 0), -RATIO, (1, -1)), alphas=[ONE])
ABSORBED = closed_walk((0, 1, 1), RATIO, (-1, 1))
ONE_WAY = closed_walk((1, 0, 0), RATIO, (-1, 1))
SMALLEST = (SWAP, STAR, NOT_BACK, CYCLE, GROWING, LATER, ABSORBED)


# The pieces


def tabular(case: Case) -> Case:
    """The same context with M̂ = I: weights on a state's own transitions only; of floats, to rounding."""
    here = [[0 * case.gamma + (s == u) for u in range(len(case.v))] for s in range(len(case.v))]
    if isinstance(case.gamma, float):
        return replace(case, features=[[10 * entry for entry in row] for row in here], A=here)
    return replace(case, features=here, A=here, exp=as_it_is)


def balance(case: Case) -> list[Fraction] | None:
    """ν > 0 with ν(s)P_e(s, u) = ν(u)P_e(u, s), by following the transitions from the first state; None where there is none."""
    W, P = case.visited, shares(case)
    found, frontier = {W[0]: ONE}, [W[0]]
    while frontier:
        s = frontier.pop()
        for u in W:
            if P[s, u] and P[u, s] and u not in found:
                found[u] = found[s] * P[s, u] / P[u, s]
                frontier.append(u)
    balanced = len(found) == len(W) and all(found[s] * P[s, u] == found[u] * P[u, s] for s, u in P)
    return [found[s] for s in W] if balanced and all(visits(case)) else None


def shares(case: Case) -> dict[tuple[int, int], Fraction]:
    """P_e by pairs of states, 0 out of one that is never left: by counting."""
    moves = list(zip(case.states[:-1], case.states[1:]))
    left = [s for s, _ in moves]
    return {(s, u): Fraction(moves.count((s, u)), max(left.count(s), 1)) for s, u in product(case.visited, repeat=2)}


def on_a_line(case: Case) -> list[Fraction]:
    """ν(s + 1) = ν(s)P_e(s, s + 1)/P_e(s + 1, s) from each state to the next, for a context that crosses both ways between them."""
    P, found = shares(case), [ONE]
    for s, u in zip(W := case.visited, W[1:]):
        found.append(found[-1] * P[s, u] / P[u, s])
    return found


def to_neighbours(case: Case) -> bool:
    """Whether every transition stays or moves by 1."""
    return all(abs(u - s) <= 1 for s, u in zip(case.states, case.states[1:]))


def both_ways(case: Case) -> bool:
    """Whether it crosses in both directions between each state that it visits and the next."""
    P, W = shares(case), case.visited
    return all(P[s, u] and P[u, s] for s, u in zip(W, W[1:]))


def crossed_equally(case: Case) -> bool:
    """Whether each pair of states is crossed equally often in both directions."""
    moves = list(zip(case.states[:-1], case.states[1:]))
    return all(moves.count((s, u)) == moves.count((u, s)) for s, u in moves)


def returns(case: Case) -> bool:
    """Whether it ends where it began."""
    return case.states[0] == case.states[-1]


def visits(case: Case) -> list[Fraction]:
    """n_s."""
    return [Fraction(case.states[:-1].count(s)) for s in case.visited]


def reversible(case: Case) -> bool:
    """Whether there is a ν > 0 with detailed balance, and every state is left."""
    return balance(case) is not None


def discounting(gamma: Any) -> bool:
    """γ > 0."""
    return gamma > 0


def late(gamma: Any) -> bool:
    """γ ≥ 3/4."""
    return gamma >= (0 * gamma + 3) / 4


def root(x: Any) -> Any:
    """√x; of a rational whose root is none, None."""
    if isinstance(x, Expr):
        return symbolic_root(x)
    if not isinstance(x, Fraction):
        return x.sqrt() if hasattr(x, "rad") else sqrt(x)
    exact = Fraction(isqrt(x.numerator), isqrt(x.denominator))
    return exact if exact**2 == x else None


def ratio(gamma: Any) -> Any:
    """q = γ/(1 + √(1 − γ²)); None where it is not rational."""
    other = root(1 - gamma * gamma)
    return None if other is None else gamma / (1 + other)


def least_maximum(q: Any, depth: Any) -> Any:
    """2q^L/(1 + q^{2L}), which is 1/T_L(1/γ)."""
    return 2 * q**depth / (1 + q ** (2 * depth))


def factors(H: np.ndarray, alphas: Sequence, error: np.ndarray) -> np.ndarray:
    """Π(I − α_l H) times the error."""
    return reduce(lambda e, alpha: e - alpha * (H @ e), alphas, error)


@dataclass(frozen=True)
class Steps:
    """The statement with its pieces: the factors, which steps may take the place of others, and Chebyshev's part.

    ``angle``: the k of layer l in the cosines cos(πk/2L). ``node``: 1/α_l from γ and a cosine. ``discounting``, ``reversible``: for which γ and
    contexts the bound is claimed, and ``weights``: the ν of its norm. ``bound``: that, from q and L. ``neighbours``, ``both_ways``: which contexts
    are on a line, and ``line``: ν there; ``crossed``: which have equal crossings. ``least``: the maximum that no L steps go below, from q and L.
    ``harmful``: for which γ the three-cycle is said to do harm at every L ≥ 2, ``begins``: the γ at which it begins at L = 2; ``plain``: what L
    steps of 1 make of the sum of squared errors there.
    """

    error: Callable[[Operator, Sequence, np.ndarray], np.ndarray] = lambda operator, alphas, e: factors(
        operator.H, alphas, e
    )
    instead: Callable[[Sequence], Sequence] = lambda alphas: alphas[::-1]
    machine: Machine = Machine()
    angle: Callable[[Any, Any], Any] = lambda l, depth: 2 * l + 1
    node: Callable[[Any, Any], Any] = lambda gamma, c: 1 + gamma * c
    bound: Callable[[Any, int], Any] = least_maximum
    least: Callable[[Any, int], Any] = least_maximum
    tabular: Callable[[Case], Case] = tabular
    discounting: Callable[[Any], bool] = discounting
    reversible: Callable[[Case], bool] = reversible
    weights: Callable[[Case], list[Fraction] | None] = balance
    neighbours: Callable[[Case], bool] = to_neighbours
    both_ways: Callable[[Case], bool] = both_ways
    line: Callable[[Case], list[Fraction]] = on_a_line
    crossed: Callable[[Case], bool] = crossed_equally
    harmful: Callable[[Any], bool] = late
    begins: Expr = symbolic_root(2 / (1 + symbolic_root(7)))
    plain: Callable[[Any, Any], Any] = lambda gamma, depth: gamma ** (2 * depth)
    beyond: tuple[Case, ...] = ()

    def angles(self, depth: int) -> list[int]:
        """The k of all layers."""
        return [self.angle(l, depth) for l in range(depth)]


# The polynomial, in exact numbers of a cyclotomic field


@cache
def polynomial(angles: tuple[int, ...], node: Callable) -> tuple[Any, Any]:
    """Π(λ_l − λ) and Πλ_l in γ and λ, for the nodes λ_l of the cosines cos(πk/2L) = (z^k + z^−k)/2, z a primitive 4L-th root of 1.

    ``ValueError`` when a power of z is left: the product would not be rational.
    """
    order = 4 * len(angles)
    whole = RING.from_dict(
        {(power, 0, 0): QQ(int(c)) for (power,), c in Poly(cyclotomic_poly(order, Symbol("z"))).terms()}
    )
    nodes = [node(GAMMA, (ROOT ** (k % order) + ROOT ** (-k % order)) / 2) for k in angles]
    over, under = (
        reduce(lambda f, g: (f * g).rem(whole), [x - shift for x in nodes], RING.one) for shift in (LAMBDA, RING.zero)
    )
    if over.degree(ROOT) > 0 or under.degree(ROOT) > 0:
        raise ValueError(f"the product of the nodes at angles {angles} is not rational")
    return over, under


def symbolic(claim: Steps, budget: Budget) -> Verdict:
    """T_L(1/γ)Π(1 − α_l λ) = T_L((1 − λ)/γ) in the letters γ and λ, L = 1..12; and that two factors commute, at every size."""
    H, a, b, one = MatrixSymbol("H", STATES, STATES), Symbol("a"), Symbol("b"), Identity(STATES)
    if not sy.same((one - a * H) @ (one - b * H), (one - b * H) @ (one - a * H)):
        return Verdict(False, "two factors do not commute")
    for depth in range(1, 13):
        over, under = polynomial(tuple(claim.angles(depth)), claim.node)
        top, bottom = (first_kind(lambda t: y * t, RING.one, depth, GAMMA**2) for y in (1 - LAMBDA, RING.one))
        if over * bottom != under * top:
            got, right = (f.evaluate(AT) / g.evaluate(AT) for f, g in ((over, under), (top, bottom)))
            found = Counterexample(
                f"L = {depth}, γ = 3/5, λ = 1/5",
                "the product of the factors 1 − α_l λ",
                str(got),
                str(right),
                asserted=("product",),
            )
            return Verdict(False, "another polynomial", counterexample=found)
    told = "the product of the factors is the Chebyshev polynomial, in the letters γ and λ, for L = 1..12"
    return Verdict(True, f"{told}; two factors I − aH, I − bH commute, for every number of states")


def coefficients(claim: Steps, gamma: Fraction, depth: int) -> list[Fraction]:
    """Those of p(λ) = Π(1 − α_l λ), the constant first."""
    at = [(ROOT, QQ(0)), (GAMMA, QQ(gamma.numerator, gamma.denominator))]
    over, under = (f.compose(at) for f in polynomial(tuple(claim.angles(depth)), claim.node))
    found = [over.coeff(LAMBDA**i if i else 1) / under.coeff(1) for i in range(depth + 1)]
    return [Fraction(int(c.numerator), int(c.denominator)) for c in found]


def cosine(k: int, depth: int, like: Any) -> Any:
    """cos(πk/2L), a ball or a float."""
    return ((0 * like + k) / (2 * depth)).cos_pi() if hasattr(like, "rad") else float(np.cos(pi * k / (2 * depth)))


def steps(claim: Steps, gamma: Any, depth: int) -> list:
    """α_l = 1/λ_l in balls or floats; of the statement's own, in floats, those of the library, which has none of γ < 0."""
    if isinstance(gamma, float) and gamma >= 0 and (claim.angle, claim.node) == (Steps.angle, Steps.node):
        return chebyshev_steps(gamma, depth).tolist()
    return [1 / claim.node(gamma, cosine(k, depth, gamma)) for k in claim.angles(depth)]


# Parts

IDENTITY, CHEBYSHEV = "M̂ = I in the place of E", "Chebyshev's steps in the place of α"
"""What a context is given, as its counterexamples tell it."""


def parts(claim: Steps, case: Case) -> Iterator[Part]:
    """The assertions: the factors, in any order; detailed balance; Chebyshev's steps, where the context is reversible; the cycle."""
    yield from asserting("factors", by_layers(claim, case))
    if claim.neighbours(case) and claim.both_ways(case):
        yield from asserting("line", balanced(claim.line(case), case, "on a line"))
    if claim.crossed(case):
        yield from asserting("crossed", balanced(visits(case), case, "of equal crossings"))
    if to_neighbours(case) and returns(case):
        one = 0 * case.gamma + 1
        same = Part("equal crossings on a line and back: 1 if so", one * int(claim.crossed(case)), one)
        yield from asserting("crossed", [same])
    exact, nu = isinstance(case.gamma, Fraction), claim.weights(case)
    # of rationals those whose q is one
    if claim.discounting(case.gamma) and claim.reversible(case) and nu and ratio(case.gamma) is not None:
        for depth in DEPTHS if exact or hasattr(case.gamma, "rad") else (case.depth,):
            made = claim.tabular(case)
            words = CHEBYSHEV if made is case else f"{IDENTITY}, {CHEBYSHEV}"
            yield from making(words, chebyshev(claim, made, like(case, nu), depth))
    if goes_round(case):
        made = tabular(case)
        yield from asserting("plain", making(f"{IDENTITY}, steps of 1 in the place of α", around(claim, made)))
        yield from asserting("harm", making(f"{IDENTITY}, {CHEBYSHEV}", beginning(claim, made)))
        if claim.harmful(case.gamma):
            yield from asserting("harm", making(f"{IDENTITY}, {CHEBYSHEV}", growth(claim, made)))


def like(case: Case, nu: Sequence[Fraction]) -> list:
    """Rationals in the numbers of the case."""
    return [0 * case.gamma + q.numerator / (q.denominator + 0 * case.gamma) for q in nu]


def balanced(nu: Sequence[Fraction], case: Case, name: str) -> Iterator[Part]:
    """ν(s)P_e(s, u) against ν(u)P_e(u, s); and that no ν(s), which is a share or a product of such, is 0."""
    found = np.array(like(case, nu))
    flow = found[:, None] * operator_of(case).transition
    yield from entries(f"ν(s)P_e(s, u), ν {name}", flow.ravel(), flow.T.ravel(), size(nu))
    for s, weight in zip(case.visited, found):
        yield Part(f"ν at {s}, {name}", weight, 0 * weight, relation=UNLIKE)


def by_layers(claim: Steps, case: Case) -> Iterator[Part]:
    """v_l − v_CE of the Transformer against the factors, and its last values against those of other steps."""
    operator, v_CE, v = operator_of(case), grouping.certainty_equivalence(case), grouping.values(case, claim.machine)
    scale = (1 + case.depth) * size(v, v_CE, case.rewards) * size(case.alphas) / (1 - abs(float(case.gamma)))
    for layer in range(case.depth + 1):
        error = claim.error(operator, case.alphas[:layer], v[0] - v_CE)
        yield from entries(f"v_{layer} − v_CE", v[layer] - v_CE, error, scale)
    other = grouping.values(replace(case, alphas=claim.instead(case.alphas)), claim.machine)
    yield from entries("the last values, the steps in another order", other[-1], v[-1], scale * size(other))


def chebyshev(claim: Steps, case: Case, nu: Sequence, depth: int) -> Iterator[Part]:
    """The assertions about L of Chebyshev's steps."""
    operator = operator_of(case)
    error = grouping.values(replace(case, alphas=[]))[0] - grouping.certainty_equivalence(case)
    end, scale = ending(claim, case, operator, error, depth)
    most, T = claim.bound(ratio(case.gamma), depth), first_kind(lambda x: x / case.gamma, 0 * case.gamma + 1, depth)
    yield Part(f"1/T_{depth}(1/γ)", most, 1 / T, scale, asserted="product")
    yield from asserting("least", no_better(claim, case.gamma, depth))
    right = first_kind(lambda x: operator.transition @ x, error, depth) / T
    yield from asserting("product", entries(f"v_{depth} − v_CE, by T_{depth} of P_e", end, right, scale))
    norm = lambda e: sum(weight * x * x for weight, x in zip(nu, e))
    within = Part(f"‖v_{depth} − v_CE‖²", norm(end), most * most * norm(error), size(nu) * scale**2, AT_MOST)
    yield from asserting("bound", [within])
    yield from asserting("extrema", extrema(claim, case.gamma, depth, most, scale))


def extrema(claim: Steps, gamma: Any, depth: int, most: Any, scale: float) -> Iterator[Part]:
    """p at the ends of the interval, and in balls and floats at its extrema between them."""
    for j in (0, depth) if isinstance(gamma, Fraction) else range(depth + 1):
        place = 1 - gamma * (0 * gamma + (1 if j == 0 else -1) if j in (0, depth) else cosine(2 * j, depth, gamma))
        yield Part(f"p at its extremum {j}", polynomial_at(claim, gamma, depth, place), (-1) ** j * most, scale)


def no_better(claim: Steps, gamma: Any, depth: int) -> Iterator[Part]:
    """The least maximum is 1/Σ_j |ℓ_j(0)|, ℓ_j(0) = Π_{i≠j} λ_i/(λ_i − λ_j), at the L + 1 extrema λ_j: 1 = p(0) = Σ_j ℓ_j(0)p(λ_j), so no p stays below it."""
    if isinstance(gamma, Fraction):
        if depth > 3:  # cos(πj/L) is rational for L = 1, 2, 3 alone
            return
        cosines = [Fraction(round(2 * cosine(2 * j, depth, 0.0)), 2) for j in range(depth + 1)]
    else:
        cosines = [cosine(2 * j, depth, gamma) for j in range(depth + 1)]
    places = [1 - gamma * c for c in cosines]
    one = 0 * gamma + 1
    at_zero = [
        reduce(lambda w, other: w * other / (other - x), places[:j] + places[j + 1 :], one)
        for j, x in enumerate(places)
    ]
    total, least = sum(abs(w) for w in at_zero), claim.least(ratio(gamma), depth)
    yield Part(
        f"the least maximum of {depth} steps times Σ|ℓ_j(0)|", least * total, one, (1 + depth) ** 2 / abs(float(gamma))
    )


def ending(claim: Steps, case: Case, operator: Operator, error: np.ndarray, depth: int) -> tuple[np.ndarray, float]:
    """The error after L layers with Chebyshev's steps, and its scale: by the Transformer, or in rationals by p(H)."""
    if isinstance(case.gamma, Fraction):
        powers = [error]
        for _ in range(depth):
            powers.append(operator.H @ powers[-1])
        return sum(c * power for c, power in zip(coefficients(claim, case.gamma, depth), powers, strict=True)), 1.0
    alphas, v_CE = steps(claim, case.gamma, depth), grouping.certainty_equivalence(case)
    v = grouping.values(replace(case, alphas=alphas))
    return v[-1] - v_CE, (1 + depth) ** 2 * size(v, v_CE, case.rewards) * size(alphas)


def polynomial_at(claim: Steps, gamma: Any, depth: int, place: Any) -> Any:
    """p(λ)."""
    if isinstance(gamma, Fraction):
        return sum(c * place**i for i, c in enumerate(coefficients(claim, gamma, depth)))
    return reduce(lambda p, alpha: p * (1 - alpha * place), steps(claim, gamma, depth), 0 * gamma + 1)


def first_kind(times: Callable[[Any], Any], start: Any, depth: int, square: Any = 1) -> Any:
    """T_L(X) applied to the start, by T_{l+1} = 2X T_l − T_{l−1}; ``times`` multiplies by X. With ``square`` = c², c^L T_L(X/c)."""
    before, now = start, times(start)
    for _ in range(depth - 1):
        before, now = now, 2 * times(now) - square * before
    return now


def goes_round(case: Case) -> bool:
    """Whether the context goes once around three states, without reward, from values that sum to 0."""
    return list(case.states) == [0, 1, 2, 0] and all(r == 0 for r in case.rewards) and sum(case.v, 0 * case.gamma) == 0


def around(claim: Steps, case: Case) -> Iterator[Part]:
    """Steps of 1 multiply the sum of squared errors by γ^{2L}: every layer turns the error on and shrinks it by γ."""
    one, error = 0 * case.gamma + 1, grouping.values(replace(case, alphas=[]))[0]
    for depth, v in enumerate(grouping.values(replace(case, alphas=[one] * 6), claim.machine)):
        right = claim.plain(case.gamma, depth) * sum(error * error)
        yield Part(f"‖v_{depth} − v_CE‖² after steps of 1, around the cycle", sum(v * v), right, size(error) ** 2)


def beginning(claim: Steps, case: Case) -> Iterator[Part]:
    """Whether two layers make the sum of squares larger, against γ at or above where that begins: irrational, so that no rational γ is it."""
    error, zero = grouping.values(replace(case, alphas=[]))[0], 0 * case.gamma
    end, _ = ending(claim, case, operator_of(case), error, 2)
    larger, said = sum(end * end) > sum(error * error), float(case.gamma) >= float(claim.begins)
    yield Part(
        "whether two layers make the error around the cycle larger: 1 if so", zero + int(larger), zero + int(said)
    )


def growth(claim: Steps, case: Case) -> Iterator[Part]:
    """From the second layer on the error is no smaller than at the start."""
    error = grouping.values(replace(case, alphas=[]))[0]
    for depth in range(2, 9):
        end, scale = ending(claim, case, operator_of(case), error, depth)
        yield Part(f"‖v_{depth} − v_CE‖², around the cycle", sum(end * end), sum(error * error), scale**2, AT_LEAST)


# Contexts


def there_and_back(whole: Callable[[int, int], int], states: int, length: int) -> list[int]:
    """A random walk and its way back; each pair is crossed equally often in both directions."""
    return and_back([whole(0, states - 1) for _ in range(length)])


def and_back(walk: list[int]) -> list[int]:
    """The walk and its way back, states numbered as they come."""
    order = {s: i for i, s in enumerate(dict.fromkeys(walk))}
    return [order[s] for s in walk + walk[-2::-1]]


def along_a_line(whole: Callable[[int, int], int], states: int, length: int) -> list[int]:
    """Up a line and down again, then on at random to a neighbour or not at all; it rarely crosses equally often in both directions."""
    walk = [*range(states), *range(states - 1)[::-1]]
    for _ in range(length):
        walk.append(min(max(walk[-1] + whole(-1, 1), 0), states - 1))
    return walk


def reversible_case(walk: list[int], gamma: Any, draw: Callable[[], Any], depth: int) -> Case:
    """The walk with rewards, values and steps as drawn."""
    W = range(max(walk) + 1)
    here = [[0 * gamma + (s == u) for u in W] for s in W]
    alphas = [(1 + abs(draw())) / 4 for _ in range(depth)]
    return Case(walk, [draw() for _ in walk[1:]], here, [draw() for _ in W], gamma, alphas, here)


def rational_contexts() -> list[Case]:
    """Random reversible ones of 2 to 4 states, there and back and on a line, and any contexts at all."""
    rng = Random(0)
    gammas = (Fraction(3, 5), Fraction(4, 5), Fraction(5, 13))
    walks = product((there_and_back, along_a_line), (2, 3, 4), (3, 6), gammas)
    reversible = [
        reversible_case(walk(rng.randint, states, length), gamma, lambda: small_fraction(rng), 2)
        for walk, states, length, gamma in walks
    ]
    any_at_all = [rational_case(rng, n, d, 3) for n, d in product(range(1, 6), (0, 1, 2))]
    return [*(replace(case, exp=SWAP.exp) for case in reversible), *any_at_all]


def lake(n: int = 12) -> Case:
    """Transitions of FrozenLake-v1 under the uniform policy, there and back; γ = 4/5."""
    states = and_back(frozen_lake.walk(n)[0])
    return closed_walk(states, Fraction(4, 5), [(-1) ** s * (1 + s) for s in range(max(states) + 1)])


def float_cases(seed: int) -> Iterator[Case]:
    """By turns reversible contexts of up to 6 states, there and back and on a line, and any contexts; a step size a layer, up to 20 layers."""
    rng = np.random.default_rng(seed)
    whole = lambda low, high: int(rng.integers(low, high + 1))
    while True:
        for walk in (there_and_back, along_a_line):
            gamma, steps = float(rng.uniform(0.05, 0.95)), walk(whole, whole(2, 6), log_uniform(rng, 2, 32))
            yield reversible_case(steps, gamma, lambda: float(rng.uniform(-3, 3)), int(rng.integers(1, 21)))
        yield float_case(rng, log_uniform(rng, 1, 64), log_uniform(rng, 1, 9) - 1, log_uniform(rng, 1, 8))


STATED = Statement(
    parts,
    "the Transformer's errors by the factors, layer by layer and in another order; detailed balance on lines and of "
    "equal crossings; with Chebyshev's steps, where M̂ = I and detailed balance holds, the polynomial and the bound, "
    "and that no L steps have a smaller maximum; the cycle of three, with these steps and with steps of 1",
    Steps(),
    exact=contexts.after(SMALLEST, rational_contexts),
    certified=contexts.after(SMALLEST, rational_contexts, lambda: [lake()]),
    small=contexts.after(SMALLEST),
    floats=float_cases,
    routes={
        "exact": "Chebyshev's steps through the coefficients of the polynomial, where E = 0 off the diagonal; that no L steps "
        "have a smaller maximum for L = 1, 2, 3",
        "certified": "the last of FrozenLake-v1; Chebyshev's steps in the Transformer's layers, E = 0 off the diagonal",
        "numeric": "Chebyshev's steps by icrl.operator, with one-hot features so sharp that M̂ = I to rounding",
    },
    scale="that of the values, times that of the steps, (1 + L)² and 1/(1 − |γ|)",
    traits={
        "detailed balance": reversible,
        "steps along a line, each crossed in both directions": lambda case: to_neighbours(case) and both_ways(case),
        "each pair crossed equally often in both directions": crossed_equally,
    },
    shows=(by_layers, balanced, chebyshev, extrema, no_better, around, beginning, growth),
)


FACTORS = {"symbolic": "that identity is about the polynomial, not about the matrix in it"}

MUTANTS = (
    Mutant("M̂ in the place of H", Steps(error=lambda operator, alphas, e: factors(operator.M, alphas, e)), FACTORS),
    Mutant(
        "one factor with the sum of the steps",
        Steps(error=lambda operator, alphas, e: e - sum(alphas) * (operator.H @ e)),
        FACTORS,
    ),
    Mutant(
        "only the mean of the steps matters",
        Steps(instead=lambda alphas: [sum(alphas) / len(alphas)] * len(alphas)),
        FACTORS,
    ),
    Mutant("no mask", Steps(machine=Machine(edit=unmasked)), FACTORS),
    Mutant("the angles of 2l in the place of 2l + 1", Steps(angle=lambda l, depth: 2 * l)),
    Mutant("all steps 1 do as well", Steps(angle=lambda l, depth: depth)),
    Mutant("γ missing in the steps", Steps(node=lambda gamma, c: 1 + c)),
    Mutant(
        "q^L in the place of 1/T_L(1/γ)",
        Steps(bound=lambda q, depth: q**depth),
        FACTORS,
    ),
    Mutant(
        "any context whose states are left",
        Steps(reversible=lambda case: True, weights=visits, beyond=(CYCLE,)),
        FACTORS,
    ),
    Mutant("ν = n_s on every line", Steps(line=visits, beyond=(NOT_BACK,)), FACTORS),
    Mutant("jumps let in on a line", Steps(neighbours=lambda case: True, beyond=(JUMP,)), FACTORS),
    Mutant("γ = −3/5 let in", Steps(discounting=lambda gamma: gamma != 0, beyond=(TURNED,)), FACTORS),
    Mutant(
        "a step of a line crossed in one direction only",
        Steps(both_ways=lambda case: True, beyond=(ONE_WAY,)),
        FACTORS,
    ),
    Mutant(
        "as many arrivals as departures in the place of equal crossings",
        Steps(crossed=returns, beyond=(CYCLE,)),
        FACTORS,
    ),
    Mutant(
        "the norm without weights",
        Steps(weights=lambda case: balance(case) and [ONE] * len(set(case.states)), beyond=(STAR,)),
        FACTORS,
    ),
    Mutant("M̂ = I not asked", Steps(tabular=lambda case: case, beyond=(SOFT,)), FACTORS),
    Mutant(
        "some L steps have a maximum smaller by a tenth",
        Steps(least=lambda q, depth: 9 * least_maximum(q, depth) / 10),
        FACTORS,
    ),
    Mutant("steps of 1 multiply by γ^L around the cycle", Steps(plain=lambda gamma, depth: gamma**depth), FACTORS),
    Mutant("two layers do harm around the cycle from γ = 29/40 on", Steps(begins=Rational(29, 40)), FACTORS),
    Mutant(
        "the cycle does harm at γ = 29/40 too", Steps(harmful=lambda gamma: gamma >= (0 * gamma + 29) / 40), FACTORS
    ),
    Mutant(
        "the cycle does harm at γ = 3/5 too",
        Steps(harmful=lambda gamma: gamma >= (0 * gamma + 3) / 5, beyond=(CYCLE,)),
        FACTORS,
    ),
)


SETTING = r"""
Let the step sizes differ by layer, $\alpha_0, \dots, \alpha_{L-1}$, $L \ge 1$, and $\lvert\gamma\rvert < 1$.
""".strip()


COSINE = r"{{\cos\bigl(\pi ({}) / 2L\bigr)}}"
"""The cosine of a layer, as a symbol; the outer braces keep its letters as they are."""


ASSERTIONS = (
    Assertion(
        "factors",
        r"""
With
$H = \hat M - \gamma \hat P$ and $v_{\mathrm{CE}} = (I - \gamma P_e)^{-1} \hat r$ of {prf:ref}`certainty-equivalence`,

$$
v_L - v_{\mathrm{CE}} = \prod_{l < L} (I - \alpha_l H)\, (v_0 - v_{\mathrm{CE}}) ,
$$ (eq-layer-steps)

and the factors commute: the order of the steps does not matter to $v_L$.
""",
        typed="equation",
    ),
    Assertion(
        "product",
        lambda claim: (
            rf"""
Now let $0 < \gamma < 1$ and take **Chebyshev's steps**

$$
\alpha_l = \frac{{1}}{{{sy.letters(claim.node, "gamma", COSINE.format(sy.letters(claim.angle, "l", "L")))}}} .
$$ (eq-chebyshev-steps)

With the Chebyshev polynomial $T_L(\cos\theta) = \cos L\theta$, and $q = {sy.letters(ratio, "gamma")}$,

$$
\prod_{{l<L}} (1 - \alpha_l \lambda) = \frac{{T_L\bigl((1 - \lambda)/\gamma\bigr)}}{{T_L(1/\gamma)}} , \qquad \frac{{1}}{{T_L(1/\gamma)}} = {sy.letters(claim.bound, "q", "L")} .
$$ (eq-chebyshev-product)
"""
        ),
    ),
    Assertion(
        "extrema",
        r"""
On $[1 - \gamma, 1 + \gamma]$ this polynomial is at most $1/T_L(1/\gamma)$ in absolute value, and is that with
alternating signs at the $L + 1$ points $\lambda_j = 1 - \gamma\cos(\pi j / L)$.
""",
        typed="equation",
    ),
    Assertion(
        "least",
        r"""
No other $L$ steps make the greatest absolute value on the interval
smaller: the $\ell_j = \prod_{i \ne j} \lambda_i / (\lambda_i - \lambda_j)$ make
$\sum_j \ell_j\, p(\lambda_j) = p(0) = 1$ of every such product $p$, and $\sum_j \lvert \ell_j \rvert = T_L(1/\gamma)$.
""",
        typed="equation",
    ),
    Assertion(
        "bound",
        r"""
Suppose that $\hat M = I$ (the tabular limit), and that $P_e$ is **reversible**: $\nu(s) P_e(s, u) = \nu(u) P_e(u, s)$
for some positive $\nu$. Then in the norm $\lVert u \rVert_\nu^2 = \sum_s \nu(s) u(s)^2$

$$
\lVert v_L - v_{\mathrm{CE}} \rVert_\nu \;\le\; \frac{1}{T_L(1/\gamma)}\, \lVert v_0 - v_{\mathrm{CE}} \rVert_\nu .
$$ (eq-chebyshev-bound)
""",
        typed="condition",
    ),
    Assertion(
        "line",
        r"""
A context on a line, which only stays or moves to a neighbour, is reversible as soon as it has crossed in both
directions between each two neighbours that it visits: $\nu(s + 1) = \nu(s) P_e(s, s + 1) / P_e(s + 1, s)$.
""",
        typed="condition",
    ),
    Assertion(
        "crossed",
        r"""
Any context that
crosses each pair of states equally often in both directions is reversible with $\nu(s) = n_s$: such as one on a line
that ends where it began.
""",
        typed="condition",
    ),
    Assertion(
        "harm",
        lambda claim: (
            rf"""
Off reversibility the same steps can do harm. Around the cycle $0, 1, 2, 0$ with
${sy.letters(claim.harmful, "gamma")}$, $\hat M = I$
and an error $v_0 - v_{{\mathrm{{CE}}}} \ne 0$ whose entries sum to 0, every depth $L \ge 2$ with its own Chebyshev's steps
makes the sum of squared errors larger. (It is
$L = 2$ that asks for the largest $\gamma$: there the harm begins at
$\gamma = {sy.book_latex(claim.begins)} \approx {float(claim.begins):.4f}$, so that the number above is not the least, but
${sy.book_latex(Rational(LATER.gamma))}$ is too small.)
"""
        ),
    ),
    Assertion(
        "plain",
        lambda claim: (
            f"Around that cycle steps of 1 multiply the sum of squared errors by ${sy.letters(claim.plain, 'gamma', 'L')}$, whatever $\\gamma$ is."
        ),
    ),
)


CLAIM = Claim(
    id="layer-steps",
    title="Steps that differ by layer",
    chapter="depth",
    environment="theorem",
    statement=lambda: SETTING,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$\lvert\gamma\rvert < 1$; any step sizes.",
            reason=r"else $I - \gamma P_e$ need not be invertible, and $v_{\mathrm{CE}}$ is then undefined",
        ),
        Hypothesis(
            "The same weights in every layer (softmax attention: the same features), for the product.",
            reason="where they differ each layer has its own $H$, and the order of two layers can matter",
        ),
        Hypothesis(
            r"$\gamma > 0$, for Chebyshev's polynomial: at $\gamma = 0$ the interval is a point and $1/\gamma$ is undefined, and $\gamma < 0$ gives the "
            r"same steps as its absolute value, in another order, with $\lvert T_L(1/\gamma) \rvert$ in the place of $T_L(1/\gamma)$.",
            dropped="γ = −3/5 let in",
            holds=discounting,
        ),
        Hypothesis(
            r"$\hat M = I$, for the bound: it makes the error a polynomial of $P_e$. Where that fails, as in what is shown, the bound fails too.",
            dropped="M̂ = I not asked",
        ),
        Hypothesis(
            r"There is a positive $\nu$ with detailed balance for $P_e$ (every state is then left), for the bound.",
            dropped="any context whose states are left",
            holds=reversible,
        ),
        Hypothesis(
            "A context on a line only stays or moves to a neighbour.",
            dropped="jumps let in on a line",
            holds=to_neighbours,
        ),
        Hypothesis(
            r"Each step of a line is crossed in both directions, for its $\nu$.",
            dropped="a step of a line crossed in one direction only",
            holds=both_ways,
        ),
        Hypothesis(
            r"Each pair of states is crossed equally often in both directions, for $\nu(s) = n_s$.",
            dropped="as many arrivals as departures in the place of equal crossings",
            holds=crossed_equally,
        ),
        Hypothesis(
            r"$\gamma \ge \tfrac34$, for the harm around the cycle.",
            dropped="the cycle does harm at γ = 29/40 too",
            holds=late,
        ),
        Hypothesis(
            r"$L \ge 2$ and errors that sum to 0, for the harm around the cycle.",
            reason=r"one layer's step is 1 and shrinks the sum of squares by $\gamma^2$, and errors that are all equal shrink at any depth",
        ),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "layer-steps",
            "for every number of states, n and depth, any table of weights and any steps, |γ| < 1; "
            "of the orders of the steps, that two neighbours can change places; around the cycle, weights for which M̂ = I, and steps with the product of Chebyshev's",
            stated=(
                "layer_steps.error_is_product_of_factors",
                "layer_steps.factors_commute",
                "layer_steps.equal_crossings_are_reversible",
                "cycle.steps_of_1_around_the_cycle",
                "harmful_cycle.chebyshev_harms_the_cycle",
            ),
            definitions=(
                "layer_steps.H",
                "layer_steps.factors",
                "layer_steps.reversible",
                "layer_steps.crossings",
                "cycle.around",
                "cycle.own",
                "cycle.squares",
                "harmful_cycle.chebyshev",
                "harmful_cycle.chebyshev_steps",
            ),
            asserts=("factors", "plain"),
        ),
        Check(
            "symbolic",
            "Chebyshev's product in the letters γ and λ for L = 1..12; that two factors commute, for every "
            "number of states",
            symbolic,
            shows=(polynomial, symbolic),
            asserts=("factors", "product"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("operator", "certainty-equivalence"),
    source="Chebyshev's semi-iteration is standard (Richardson's method with variable steps); its use for layers was found for this book",
    shared=(
        "The routes compared share the contexts. The Transformer of icrl.transformer knows no states, H comes from "
        "icrl.operator, v_CE from counting; the coefficients of the polynomial are computed in a cyclotomic field, and "
        "Chebyshev's polynomial by its recurrence."
    ),
)
