r"""episodic-value: of several trajectories that terminate or are cut, depth makes the expected return of an episode in their model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Any, NamedTuple

from sympy import MatrixSymbol

from icrl import td
from icrl.arrays import np
from icrl.claims.convergence.certainty_equivalence import Limit, identity, moves, regular
from icrl.claims.convergence.contraction import NORM, a_layer, at_depth, norm, positive, residual, row_sums
from icrl.operator import Operator
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case
from icrl.verify.instances.episodic import (
    episodic_cases,
    episodic_float_cases,
    of_walks,
    sharp_episodic_cases,
)
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.parts import AT_LEAST, AT_MOST, UNLIKE, Part, asserting, entries, greatest, least, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Hypothesis, Mutant, Verdict
from icrl.verify.routes import grouping
from icrl.verify.routes.exact_algebra import invertible, solved, tree_distribution
from icrl.verify.routes.fixed_points import bellman_matrix, condition, fixed_point_system, other_values, suspects
from icrl.verify.routes.grouping import (
    ALPHA,
    GAMMA,
    KAPPA,
    SYMBOLS,
    VALUES,
    Transitions,
    by_state,
    inverse_counts,
    operator_of,
    td_update,
)

ONE, HALF = Fraction(1), Fraction(1, 2)

# The pieces


class Moves(NamedTuple):
    """C[k, s] = 1[S_k = s] and D[k, s] = 1[S'_k = s], (n, |W|); Q (n, n), diagonal, 1 where a transition goes on; the rewards R (n,)."""

    C: Any
    D: Any
    Q: Any
    R: Any


def goes_on(case: Case) -> list[bool]:
    """Of each transition whether anything follows: whether it did not terminate."""
    return [not ended for *_, ended in case.moves]


def moves_of(case: Case, going: Sequence[bool]) -> Moves:
    """The transitions of a case."""
    zero, one, W = 0 * case.gamma, 0 * case.gamma + 1, case.visited
    entered = [[one if after == u else zero for u in W] for _, _, after, _ in case.moves]
    gate = [[one if i == k and on else zero for i in range(case.n)] for k, on in enumerate(going)]
    C, _, R = grouping.transitions(case)
    return Moves(C, grouping.array(case, entered), grouping.array(case, gate), R)


def empirical_model(C: Any, D: Any, Q: Any, R: Any) -> tuple[Any, Any]:
    """P_e = (CᵀC)⁻¹CᵀQD, to which transitions that terminate add nothing, and r̂ = (CᵀC)⁻¹CᵀR."""
    return grouping.empirical_model(C, Q @ D, R)


def without_those_that_terminate(C: Any, D: Any, Q: Any, R: Any) -> tuple[Any, Any]:
    """The same, but that P_e is a mean over the transitions that go on alone."""
    return inverse_counts(Q @ C) @ (C.T @ (Q @ D)), inverse_counts(C) @ (C.T @ R)


def leads_to(case: Case, ends: Iterable[int]) -> set[int]:
    """The states of W from which transitions that go on lead to one of ``ends``, these among them."""
    found: set[int] = set()
    more = set(ends)
    while more - found:
        found |= more
        more = {before for before, _, after, ended in case.moves if not ended and after in found}
    return found


def terminate(case: Case) -> set[int]:
    """The states out of which a transition terminates."""
    return {before for before, *_, ended in case.moves if ended}


def reaches(case: Case) -> bool:
    """Whether from every state of W transitions lead to one that terminates."""
    return leads_to(case, terminate(case)).issuperset(case.visited)


def last_of_cuts(case: Case) -> set[int]:
    """The last state of each trajectory that was cut."""
    return {last for *_, last, ended in episodes(case) if not ended}


def unseen(case: Case) -> set[int]:
    """The states of the prompt that are not in W: entered only by transitions that terminate, and never left."""
    return set(case.states) - set(case.visited)


def covered(case: Case) -> bool:
    """Whether every state of W is left by a transition."""
    return set(case.sources).issuperset(case.visited)


def solvable(case: Case) -> bool:
    """Whether I − γP_e is invertible."""
    return invertible(bellman(case))


def undiscounted(gamma: Any) -> bool:
    """γ = 1."""
    return gamma == 1


def at_least_one(gamma: Any) -> bool:
    """|γ| ≥ 1."""
    return abs(gamma) >= 1


def at_most_two(gamma: Any) -> bool:
    """|γ| ≤ 2."""
    return abs(gamma) <= 2


def terminated(case: Case) -> bool:
    """Whether all trajectories terminated."""
    return all(ended for *_, ended in episodes(case))


def discounted_sum(rewards: Sequence, gamma: Any) -> Any:
    """Σ γ^t R_{t+1}, which is the return of a trajectory at γ = 1."""
    return sum((gamma**t * reward for t, reward in enumerate(rewards)), 0 * gamma)


@dataclass(frozen=True)
class Episodes:
    """The statement with its pieces.

    The model: which transitions go on, what is made of them; what G makes of 1. The contraction: c' of a state, from what of the weights goes on, over which
    states, the sums of |G|, the rate, the floor, when it holds, the most that c' can be, from which γ on it asks for terminations. The fixed point: for
    which contexts, α and M̂. γ = 1: for which contexts, who reaches a termination; the mean return: for which γ and contexts, what a trajectory
    is worth, what a cut adds. Coverage: which states must be left, which are read by none. Contexts let in.
    """

    goes_on: Callable[[Case], list[bool]] = goes_on
    model: Callable = empirical_model
    ones: Callable = lambda alpha, gamma, following: 1 - alpha + alpha * gamma * following
    margin: Callable = lambda m, gamma, following: 2 * m - 1 - abs(gamma) * following
    following: Callable[[Operator], Sequence] = lambda operator: operator.P.sum(axis=1)
    over: Callable[[Operator], Iterable[int]] = lambda operator: range(len(operator.b))
    sums: Callable[[np.ndarray], Iterable] = row_sums
    rate: Callable = lambda alpha, c: 1 - alpha * c
    floor: Callable = lambda residual, c: residual / c
    floor_holds: Callable[[Any], bool] = positive
    most: Callable = lambda gamma, following: 1 - abs(gamma) * following
    bounded: Callable[[Any], bool] = at_most_two
    asks: Callable[[Any], bool] = at_least_one
    solvable: Callable[[Case], bool] = solvable
    moves: Callable[[Any], bool] = moves
    regular: Callable[[Case, np.ndarray], bool] = regular
    covered: Callable[[Case], bool] = covered
    reaches: Callable[[Case], bool] = reaches
    undiscounted: Callable[[Any], bool] = undiscounted
    terminated: Callable[[Case], bool] = terminated
    worth: Callable = discounted_sum
    cut: Callable[[Any], Any] = lambda v: v
    needed: Callable[[Case], set[int]] = last_of_cuts
    unread: Callable[[Case], set[int]] = unseen
    beyond: tuple[Case, ...] = ()


# Routes


def episodes(case: Case) -> Iterator[tuple[int, list, int, bool]]:
    """Of each trajectory its first state, its rewards, its last state, and whether it terminated."""
    paid = iter(case.rewards)
    for states, ended in case.trajectories:
        yield states[0], list(islice(paid, len(states) - 1)), states[-1], ended


def kernel(case: Case) -> np.ndarray:
    """K(k|s), (|W|, n), by the loop."""
    table = td.softmax_kernel(case.states, case.score, case.exp, case.sources)
    return grouping.array(case, [table[s] for s in case.visited])


def updated(case: Case, v: np.ndarray) -> np.ndarray:
    """What one update of the TD loop makes of values on W."""
    here = dict.fromkeys(case.states, 0 * case.gamma) | dict(zip(case.visited, v))
    return grouping.loop(replace(case, v=here, alphas=case.alphas[:1]))[1]


def share(case: Case, s: int, counted: Callable[[int, bool], bool]) -> Fraction:
    """The share of the transitions out of s, of which the next state and the ending are counted; 0 if there are none."""
    mine = [counted(after, ended) for before, _, after, ended in case.moves if before == s]
    return Fraction(sum(mine), max(len(mine), 1))


def as_number(case: Case, q: Fraction) -> Any:
    """A rational in the numbers of the case."""
    return (0 * case.gamma + q.numerator) / q.denominator


def bellman(case: Case) -> np.ndarray:
    """I − γP_e, by counting."""
    P_e = [[share(case, s, lambda after, ended: not ended and after == u) for u in case.visited] for s in case.visited]
    return bellman_matrix(grouping.array(case, [[as_number(case, q) for q in row] for row in P_e]), case.gamma)


def expected_return(case: Case) -> np.ndarray:
    """The expected return of an episode from each state: the model begun anew at s whenever it terminates earns Σ μ r̂ a step, and terminates in Σ μ e of the steps.

    By renewal and the trees of :func:`~icrl.verify.routes.exact_algebra.tree_distribution`; no equation is solved.
    """
    W = case.visited
    ends = [share(case, s, lambda _, ended: ended) for s in W]
    earned = [sum((reward for before, reward, *_ in case.moves if before == s), 0 * case.gamma) for s in W]
    paid = [total / case.sources.count(s) for s, total in zip(W, earned)]
    found = []
    for start in W:
        onward = lambda s, e: [share(case, s, lambda a, ended: not ended and a == u) + e * (u == start) for u in W]
        mu = tree_distribution(np.array([onward(s, e) for s, e in zip(W, ends)], dtype=object))
        rate = sum((m * e for m, e in zip(mu, ends)), Fraction(0))
        found.append(sum((as_number(case, m / rate) * r for m, r in zip(mu, paid)), 0 * case.gamma))
    return grouping.array(case, found)


# The model: identities for numbers, and for symbols of any size

Identities = Iterator[tuple[str, Any, Any]]
"""Equations: (where, what the statement says, what is so)."""

MOVES = Moves(SYMBOLS.C, SYMBOLS.D, MatrixSymbol("Q", sy.n, sy.n), SYMBOLS.R)
"""Transitions at symbolic sizes, Q any n × n matrix."""


def gathered(given: Moves) -> Transitions:
    """The transitions as what attention gathers: those that terminate reach nothing."""
    return Transitions(given.C, given.Q @ given.D, given.R)


def of_the_model(claim: Episodes, K: Any, given: Moves, right: Moves) -> Identities:
    """P̂ and b̂ by the empirical model."""
    M, (P_e, r), (_, D, R) = K @ right.C, claim.model(*given), gathered(right)
    yield "M̂ P_e against the weights gathered by the state that follows", M @ P_e, K @ D
    yield "M̂ r̂ against the weighted rewards", M @ r, K @ R


def of_a_layer(claim: Episodes, K: Any, given: Moves, right: Moves, gamma: Any, alpha: Any, v: Any) -> Identities:
    """An update by the empirical model."""
    P_e, r = claim.model(*given)
    update = v + alpha * (K @ right.C @ (r + gamma * (P_e @ v) - v))
    yield "v + α M̂ (r̂ + γ P_e v − v)", update, td_update(K, gathered(right), gamma, alpha, v)


def of_the_value(claim: Episodes, kappa: Any, given: Moves, right: Moves, gamma: Any, alpha: Any, v: Any) -> Identities:
    """What a layer adds, by how far v is from v_CE."""
    sides = identity(Limit(), kappa, gathered(right), claim.model(*given), gamma, alpha, v)
    yield "α M̂ (I − γP_e)(v_CE − v)", *sides


def symbolic(claim: Episodes, budget: Budget) -> Verdict:
    """The equations as matrix expressions with symbolic n and |W|: the differences expand to 0. What does not is put to small instances."""
    K = by_state(KAPPA, MOVES.C)
    found = [
        *of_the_model(claim, K, MOVES, MOVES),
        *of_a_layer(claim, K, MOVES, MOVES, GAMMA, ALPHA, VALUES),
        *of_the_value(claim, KAPPA, MOVES, MOVES, GAMMA, ALPHA, VALUES),
    ]
    small = [*claim.beyond, *SMALLEST]
    return sy.derived(((got, right) for _, got, right in found), identity_parts, claim, small) or Verdict(
        True,
        f"{len(found)} matrix identities, with K = κCᵀ, CᵀC and I − γP_e invertible, for every n and every number of states",
    )


def identity_parts(claim: Episodes, case: Case) -> Iterator[Part]:
    """The equations at a case, from its first values."""
    given, right = moves_of(case, claim.goes_on(case)), moves_of(case, goes_on(case))
    v, alpha = grouping.values(replace(case, alphas=[]))[0], case.alphas[0]
    K, scale = kernel(case), size(v, case.rewards)
    equal = lambda found, scale: (part for where, got, right in found for part in entries(where, got, right, scale))
    yield from asserting("model", equal(of_the_model(claim, K, given, right), scale))
    yield from asserting("model", equal(of_a_layer(claim, K, given, right, case.gamma, alpha, v), scale))
    if claim.solvable(case) and solvable(case):
        kappa, far = grouping.normalised(case, right.C), scale * condition(bellman(case))
        yield from asserting("kept", equal(of_the_value(claim, kappa, given, right, case.gamma, alpha, v), far))


# The parts


def parts(claim: Episodes, case: Case) -> Iterator[Part]:
    """The assertions, in the order of the box."""
    operator = operator_of(case)
    yield from modelled(claim, case, operator)
    yield from asserting("row-sums", ones(claim, case, operator))
    yield from contracted(claim, case, operator)
    yield from coverage(claim, case, operator)
    yield from invertibility(claim, case)
    yield from alone(claim, case)
    if claim.solvable(case):
        yield from fixed(claim, case, operator)
        yield from returns(claim, case, operator)


def modelled(claim: Episodes, case: Case, operator: Operator) -> Iterator[Part]:
    """P_e, r̂ and what M̂ makes of them; the Transformer, the loop and the library after every layer."""
    P_e, r = claim.model(*moves_of(case, claim.goes_on(case)))
    yield Part("the least entry of P_e", least(P_e.ravel()), 0 * case.gamma, 1.0, AT_LEAST, "substochastic")
    sums = [as_number(case, share(case, s, lambda _, ended: not ended)) for s in case.visited]
    yield from asserting("substochastic", entries("the row sum of P_e", P_e.sum(axis=1), grouping.array(case, sums)))
    yield from identity_parts(claim, case)
    yield from asserting("model", layers(claim, case, operator, P_e, r))


def layers(claim: Episodes, case: Case, operator: Operator, P_e: np.ndarray, r: np.ndarray) -> Iterator[Part]:
    """The Transformer's values, the loop's and those of icrl.operator, one from another by the model; icrl.operator's matrices."""
    K, v = kernel(case), grouping.values(case)
    M, scale, gamma = K @ grouping.transitions(case).C, (1 + case.depth) * size(case.rewards, v), case.gamma
    for layer, (alpha, after) in enumerate(zip(case.alphas, v[1:]), 1):
        update = v[layer - 1] + alpha * (M @ (r + gamma * (P_e @ v[layer - 1]) - v[layer - 1]))
        yield from entries(f"v_{layer} of the Transformer", update, after, scale)
    for layer, values in enumerate(grouping.loop(case)):
        yield from entries(f"v_{layer} of the loop", v[layer], values, scale)
    far = scale * size(operator.norm(case.alphas[0])) ** case.depth
    yield from entries("Operator.iterate", operator.iterate(v[0], case.alphas[0], case.depth), v[-1], far)
    for name, ours in (("M", M), ("P", M @ P_e), ("b", M @ r), ("transition", P_e), ("reward", r)):
        yield from entries(f"Operator.{name}", getattr(operator, name), ours, size(case.rewards))


def ones(claim: Episodes, case: Case, operator: Operator) -> Iterator[Part]:
    """G·1 by what goes on, against what an update of the loop makes of 1 and of 0, and the library's G."""
    alpha, one = case.alphas[0], 0 * operator.b + 1
    following = operator.M @ claim.model(*moves_of(case, claim.goes_on(case)))[0].sum(axis=1)
    stated = grouping.array(case, [claim.ones(alpha, case.gamma, each) for each in following])
    moved = updated(case, one) - updated(case, 0 * one)
    yield from entries("G·1", stated, moved, size(case.rewards))
    yield from entries("G·1 of icrl.operator", operator.G(alpha) @ one, moved, size(case.rewards))


def coverage(claim: Episodes, case: Case, operator: Operator) -> Iterator[Part]:
    """Which states must be left for all of W to be; what is read by none."""
    zero = 0 * case.gamma
    left = zero + covered(case)
    yield Part(
        "every state of W is left: 1 if so",
        zero + set(case.sources).issuperset(claim.needed(case)),
        left,
        asserted="coverage",
    )
    yield Part("Operator.covered: 1 if so", zero + operator.covered, left, asserted="coverage")
    other = lambda s, x: x + 1 if s in claim.unread(case) else x
    v = {s: other(s, case.v[s]) for s in case.states}
    features = [[other(s, entry) for entry in x] for s, x in enumerate(case.features)]
    moved, values = grouping.values(replace(case, v=v, features=features)), grouping.values(case)
    scale = (1 + case.depth) * size(case.rewards, values)
    kept = [i for i, s in enumerate(case.visited) if s not in claim.unread(case)]
    for layer, (got, right) in enumerate(zip(moved, values, strict=True)):
        where = f"v_{layer} with other values and features where none reads"
        yield from asserting("unread", entries(where, got[kept], right[kept], scale))


def contracted(claim: Episodes, case: Case, operator: Operator) -> Iterator[Part]:
    """‖G‖; what c' > 0 asks for; the Transformer's distance to v_CE and to 0 after every layer; where ‖G‖ is the bound."""
    alpha, goes = case.alphas[0], claim.following(operator)
    each = [claim.margin(operator.M[i, i], case.gamma, goes[i]) for i in claim.over(operator)]
    c = least(each)
    rate = claim.rate(alpha, c)
    yield from asserting("norm", norm(claim.sums, operator, alpha, rate))
    v, zero = grouping.values(case), 0 * operator.b
    for name, star in ([("v_CE", grouping.certainty_equivalence(case))] if solvable(case) else []) + [("0", zero)]:
        distance, epsilon = [greatest(each - star) for each in v], residual(case, star)
        if name == "v_CE":
            yield from asserting("reached", reached(case, rate, distance))
        yield from asserting("layer", a_layer(case, rate, distance, epsilon, name))
        if claim.floor_holds(c):
            yield from asserting("depth", at_depth(claim.floor, case, rate, c, distance, epsilon, name))
    if len(operator.b) == 1 and case.gamma >= 0:  # where the bound is attained
        yield Part("‖G‖ of one state", operator.norm(alpha), rate, asserted="sharp")
    yield from margins(claim, case, operator, c)


def reached(case: Case, rate: Any, distance: list) -> Iterator[Part]:
    """The bound on the distances to v_CE from the first, whatever the sign of c'."""
    scale, left = (1 + case.depth) * size(distance, case.v, case.rewards), distance[0]
    for layer, after in enumerate(distance):
        yield Part(f"‖v_{layer} − v_CE‖", after, left, scale * size(left), AT_MOST)
        left = rate * left


def margins(claim: Episodes, case: Case, operator: Operator, c: Any) -> Iterator[Part]:
    """c' against the most that it can be, and the library's; which states are left, and terminate, where it is positive."""
    zero, W = 0 * case.gamma, set(case.visited)
    for s, onward in zip(case.visited, operator.transition.sum(axis=1)) if claim.bounded(case.gamma) else ():
        yield Part(f"c' by the state {s}", c, claim.most(case.gamma, onward), 1.0, AT_MOST, "most")
    plain = [2 * m - 1 - abs(case.gamma) * goes for m, goes in zip(operator.M.diagonal(), operator.P.sum(axis=1))]
    yield Part("Operator.margin", operator.margin, least(plain), asserted="norm")
    if claim.floor_holds(c):
        if claim.asks(case.gamma):
            never = zero + len(W - terminate(case))
            yield Part("states out of which no transition terminates, where c' > 0", never, zero, asserted="ends")
        never = zero + len(W - set(case.sources))
        yield Part("states that no transition leaves, where c' > 0", never, zero, asserted="covers")
        if isinstance(case.gamma, Fraction):
            yield Part("I − γP_e invertible, where c' > 0: 1 if so", Fraction(solvable(case)), ONE, asserted="solved")


def invertibility(claim: Episodes, case: Case) -> Iterator[Part]:
    """At γ = 1, whether I − P_e is invertible and the library gives its value, by who reaches a termination."""
    if undiscounted(case.gamma) and claim.covered(case):
        zero = 0 * case.gamma
        stated = zero + claim.reaches(case)
        yield Part("I − P_e invertible: 1 if so", stated, zero + solvable(case), asserted="undiscounted")
        if covered(case):  # the library refuses others
            yield Part("icrl.operator gives v_CE: 1 if so", stated, zero + accepted(case), asserted="undiscounted")


def accepted(case: Case) -> bool:
    """Whether the library does not refuse v_CE."""
    try:
        operator_of(case).certainty_equivalence()
    except ValueError:
        return False
    return True


def alone(claim: Episodes, case: Case) -> Iterator[Part]:
    """Where the layer has one fixed point only, it leaves no difference as it is, that of 1 among them."""
    M, one = operator_of(case).M, as_number(case, ONE)
    only = claim.moves(case.alphas[0]) and claim.regular(case, M) and claim.solvable(case)
    ones = grouping.array(case, [one for _ in M])
    if only:
        moved = updated(case, ones) - updated(case, 0 * ones) - ones
        yield Part(
            "how far a layer moves a difference of 1", greatest(moved), 0 * one, relation=UNLIKE, asserted="only"
        )
    if isinstance(one, Fraction):
        system, _ = fixed_point_system(lambda v: updated(case, v), case)
        unique = Fraction(int(invertible(system)))
        yield Part("one fixed point and no other: 1 if so", Fraction(int(only)), unique, asserted="only")


def fixed(claim: Episodes, case: Case, operator: Operator) -> Iterator[Part]:
    """v_CE of the model; a layer keeps it, and other values where M̂ does not see them; where depth goes; the library."""
    v_CE, X = grouping.certainty_equivalence(case), bellman(case)
    scale = (1 + case.depth) * size(v_CE, case.rewards) * condition(X)
    P_e, r = claim.model(*moves_of(case, claim.goes_on(case)))
    yield from asserting("kept", entries("v_CE", solved(bellman_matrix(P_e, case.gamma), r), v_CE, scale))
    here = dict.fromkeys(case.states, 0 * case.gamma) | dict(zip(case.visited, v_CE))
    image = grouping.values(replace(case, v=here, alphas=case.alphas[:1]))[1]
    yield from asserting("kept", entries("a Transformer layer's image of v_CE", image, v_CE, scale))
    layer = lambda v: updated(case, v)
    yield from asserting("kept", entries("an update of v_CE by the loop", layer(v_CE), v_CE, scale))
    others = ((v_CE + solved(X, w), operator.M @ w) for w in suspects(case))
    only = claim.moves(case.alphas[0]) and claim.regular(case, operator.M)
    moved = other_values(
        layer, case, others, only, lambda v: scale * size(v), "how far a layer moves {}, which is not v_CE"
    )
    yield from asserting("only", moved)
    if operator.covered:
        yield from asserting(
            "kept", entries("Operator.certainty_equivalence", operator.certainty_equivalence(), v_CE, scale)
        )
    alpha = case.alphas[0]
    if isinstance(case.gamma, float) and invertible(operator.M) and operator.spectral_radius(alpha) < 1 - 1e-6:
        far = scale * condition(alpha * operator.H)
        yield from asserting("kept", entries("v after 10⁹ layers", operator.iterate(0 * v_CE, alpha, 10**9), v_CE, far))


def returns(claim: Episodes, case: Case, operator: Operator) -> Iterator[Part]:
    """At γ = 1: v_CE against the expected return, and, over the first states, against the trajectories' returns."""
    v_CE, X = grouping.certainty_equivalence(case), bellman(case)
    scale = size(v_CE, case.rewards) * condition(X) * (1 + case.n)
    P_e, r = claim.model(*moves_of(case, claim.goes_on(case)))
    if undiscounted(case.gamma) and covered(case) and len(v_CE) <= 4:  # as many trees as can be listed
        value = solved(bellman_matrix(P_e, case.gamma), r)
        yield from asserting("return", entries("v_CE", value, expected_return(case), scale))
    if claim.undiscounted(case.gamma):
        walks = list(episodes(case))
        mean = lambda numbers: sum(numbers, 0 * case.gamma) / len(walks)
        first = lambda v: mean(v[case.visited.index(start)] for start, *_ in walks)
        worth = mean(claim.worth(rewards, case.gamma) for _, rewards, *_ in walks)
        added = [claim.cut(v_CE[case.visited.index(last)]) for *_, last, ended in walks if not ended]
        if claim.terminated(case):
            yield Part("the mean of v_CE over the first states", worth, first(v_CE), scale, asserted="mean-return")
        yield Part("the mean of v_CE, with cuts", worth + mean(added), first(v_CE), scale, asserted="cut-return")


# The instances

ONE_STEP = of_walks([([0, 0], True)], r=(1,), v=(0,), gamma=ONE, depth=2)
TWO_STEPS = of_walks([([0, 0, 0], True)], r=(1, 1), v=(0,), gamma=ONE, depth=3)
CUT = of_walks([([0, 0], False)], r=(1,), v=(0,))
TO_THE_END = of_walks([([0, 1], True)], r=(1,), v=(0, 0), x=((0,), (1,)))
NEVER_LEFT = of_walks([([0, 1], False)], r=(1,), v=(0, 0), x=((1,), (1,)))
BOTH = of_walks([([0, 0], True), ([0, 0], False)], r=(1, 1), v=(0,), gamma=ONE)
EQUAL = of_walks([([0, 1, 1], True)], r=(1, 1), v=(0, 0), x=((0,), (0,)), gamma=ONE)
APART = of_walks([([0, 0], True), ([1, 1], False)], r=(0, 0), v=(1, -1), x=((1,), (2,)), gamma=ONE)
LONE = replace(of_walks([([0, 0], False), ([1, 1], True)], r=(0, 0), v=(1, -1), x=((1,), (2,))), alphas=[ONE])
OWN = replace(of_walks([([1, 0, 0], True)], r=(0, 0), v=(1, -1), x=((1,), (2,)), gamma=ONE), alphas=[ONE])
HUB = of_walks([([s, s], True) for s in range(4)], r=[0] * 4, v=[1] * 4, x=((2,), (1,), (1,), (1,)), gamma=ONE)
ENDLESS, UNLEFT = replace(CUT, gamma=ONE), replace(NEVER_LEFT, gamma=ONE)
SMALLEST = (ONE_STEP, TWO_STEPS, CUT, TO_THE_END, NEVER_LEFT, BOTH, EQUAL, APART, LONE, OWN, HUB, ENDLESS, UNLEFT)
TURNED = replace(CUT, gamma=-HALF, alphas=[ONE])
STEP_BACK = replace(EQUAL, alphas=[-ONE])
LONG_STEP, NO_STEP = replace(ONE_STEP, alphas=[3 * HALF] * 2), replace(ONE_STEP, alphas=[0 * ONE] * 2)
GROWING, DISCOUNTED = replace(EQUAL, gamma=3 * ONE), replace(TWO_STEPS, gamma=HALF)
DRAWN = contexts.after(SMALLEST, episodic_cases, sharp_episodic_cases)
STATED = Statement(
    parts,
    "the model and what M̂ makes of it, G·1, coverage, the bounds on ‖G‖ and on the Transformer's distance to v_CE and to 0, what c' > 0 asks for, "
    "who reaches a termination, the fixed points, v_CE as expected and as mean return",
    Episodes(),
    exact=DRAWN,
    certified=DRAWN,
    small=contexts.after(SMALLEST),
    floats=episodic_float_cases,
    routes={"numeric": "through icrl.operator.layer_operator, and at 10⁹ layers where ρ(G) < 1"},
    scale="(1 + L) of the values', and 1/c'² of that beside 1/c', times the condition of what is solved",
    shows=(of_the_model, of_a_layer, ones, coverage, contracted, invertibility, alone, fixed, returns),
)

OPAQUE = {"symbolic": "which transitions go on is told by Q, which is opaque there"}
NOT_THERE = {"symbolic": "the identities are about one layer and its model"}
COUNTED = NOT_THERE | dict.fromkeys(("certified", "numeric"), "that no inverse exists is decided in rationals")


def without_last(case: Case) -> list[bool]:
    """Of each transition whether another of its trajectory follows, as if a cut were a termination."""
    return [k + 1 < len(rewards) for _, rewards, *_ in episodes(case) for k in range(len(rewards))]


def paid_going_on(C: Any, D: Any, Q: Any, R: Any) -> tuple[Any, Any]:
    """The model without the rewards of the transitions that terminate."""
    return empirical_model(C, D, Q, Q @ R)


MUTANTS = (
    Mutant("a termination goes on", Episodes(model=lambda C, D, Q, R: grouping.empirical_model(C, D, R))),
    Mutant("a cut counted as a termination", Episodes(goes_on=without_last), OPAQUE),
    Mutant("P_e a mean over the transitions that go on", Episodes(model=without_those_that_terminate)),
    Mutant("the reward of a termination left out", Episodes(model=paid_going_on)),
    Mutant(
        "G·1 where nothing terminates",
        Episodes(ones=lambda alpha, gamma, following: 1 - alpha * (1 - gamma) + 0 * following),
        NOT_THERE,
    ),
    Mutant(
        "3 in the place of 2",
        Episodes(margin=lambda m, gamma, following: 3 * m - 1 - abs(gamma) * following, beyond=(ENDLESS,)),
        NOT_THERE,
    ),
    Mutant(
        "γ in the place of its absolute value",
        Episodes(margin=lambda m, gamma, following: 2 * m - 1 - gamma * following, beyond=(TURNED,)),
        NOT_THERE,
    ),
    Mutant(
        "P̂1 replaced by its mean",
        Episodes(following=lambda operator: 0 * operator.b + operator.P.sum() / len(operator.b), beyond=(LONE,)),
        NOT_THERE,
    ),
    Mutant(
        "P̂1 replaced by its least entry",
        Episodes(following=lambda operator: 0 * operator.b + least(operator.P.sum(axis=1)), beyond=(LONE,)),
        NOT_THERE,
    ),
    Mutant(
        "P_e 1 in the place of P̂1",
        Episodes(following=lambda operator: operator.transition.sum(axis=1), beyond=(OWN,)),
        NOT_THERE,
    ),
    Mutant("column sums in the norm", Episodes(sums=lambda G: row_sums(G.T)), NOT_THERE),
    Mutant(
        "c' over the sources",
        Episodes(over=lambda operator: [i for i, count in enumerate(operator.counts) if count], beyond=(NEVER_LEFT,)),
        NOT_THERE,
    ),
    Mutant("rate 1 − c'", Episodes(rate=lambda alpha, c: 1 - c), NOT_THERE),
    Mutant("‖ε‖ in the place of ‖ε‖/c'", Episodes(floor=lambda residual, c: residual), NOT_THERE),
    Mutant("c' < 0 let in", Episodes(floor_holds=lambda c: c != 0, beyond=(EQUAL,)), NOT_THERE),
    Mutant("α = 3/2 let in", Episodes(beyond=(LONG_STEP,)), NOT_THERE),
    Mutant("α = −1 let in", Episodes(beyond=(STEP_BACK,)), NOT_THERE),
    Mutant("c' at most 1 − |γ|", Episodes(most=lambda gamma, following: 1 - abs(gamma) + 0 * following), NOT_THERE),
    Mutant("γ = 3 let in", Episodes(bounded=lambda gamma: True, beyond=(GROWING,)), NOT_THERE),
    Mutant("terminations asked for at every γ", Episodes(asks=lambda gamma: True, beyond=(CUT,)), NOT_THERE),
    Mutant(
        "the only fixed point whatever the weights", Episodes(regular=lambda case, M: True, beyond=(EQUAL,)), NOT_THERE
    ),
    Mutant(
        "γ = 1 where no termination is reached let in",
        Episodes(solvable=lambda case: True, beyond=(ENDLESS,)),
        NOT_THERE,
    ),
    Mutant("α = 0 let in", Episodes(moves=lambda alpha: True, beyond=(NO_STEP,)), NOT_THERE),
    Mutant(
        "a cut reached counted as a termination reached",
        Episodes(
            reaches=lambda case: leads_to(case, terminate(case) | last_of_cuts(case)).issuperset(case.visited),
            beyond=(ENDLESS,),
        ),
        NOT_THERE,
    ),
    Mutant(
        "one state reaches a termination",
        Episodes(reaches=lambda case: bool(terminate(case)), beyond=(APART,)),
        NOT_THERE,
    ),
    Mutant("a state never left let in", Episodes(covered=lambda case: True, beyond=(UNLEFT,)), NOT_THERE),
    Mutant("a state never left counted as one that goes nowhere", Episodes(needed=lambda case: set()), NOT_THERE),
    Mutant(
        "the last state of every trajectory must be left",
        Episodes(needed=lambda case: {last for *_, last, _ in episodes(case)}),
        NOT_THERE,
    ),
    Mutant(
        "states that are never left are read by none",
        Episodes(unread=lambda case: set(case.states) - set(case.sources)),
        NOT_THERE,
    ),
    Mutant(
        "γ < 1 let in for the mean return", Episodes(undiscounted=lambda gamma: True, beyond=(DISCOUNTED,)), NOT_THERE
    ),
    Mutant("a cut let in for the mean return", Episodes(terminated=lambda case: True, beyond=(BOTH,)), NOT_THERE),
    Mutant("a cut adds nothing", Episodes(cut=lambda v: 0 * v, beyond=(BOTH,)), NOT_THERE),
)


DIAGONAL, ONWARD, FOLLOWS = r"{\hat M(s, s)}", r"{(\hat P \mathbf 1)(s)}", r"{(P_e \mathbf 1)(s)}"
THROUGH = r"{(\hat M P_e \mathbf 1)(s)}"
"""M̂(s, s), (P̂1)(s), (P_e 1)(s) and (M̂P_e 1)(s) as symbols; the braces keep their letters as they are."""


def endless(claim: Episodes) -> Callable:
    """What G makes of 1 where nothing terminates."""
    return lambda alpha, gamma: claim.ones(alpha, gamma, 1)


def two(claim: Episodes) -> Any:
    """How often M̂(s, s) counts in c'."""
    return claim.margin(1, 0, 0) - claim.margin(0, 0, 0)


SETTING = r"""
Let the context consist of trajectories that terminated or were cut, and let $E(s, u) \ge 0$, with
$\sum_k E(s, S_k) > 0$ at every state $s$ of the context. $W$ is the set of the states that transitions leave, and of those that they enter without
terminating. Of the transitions out of $s$ let $P_e(s, u)$ be the share that goes on to $u$, $\hat r(s)$ the mean reward, and $e(s)$ the share that
terminates; $\hat M$ and $\hat b$ gather the weights of all transitions as in {prf:ref}`operator`, $\hat P$ those of the transitions that go on.
""".strip()


ASSERTIONS = (
    Assertion(
        "substochastic",
        r"**The model.** No entry of $P_e$ is negative, and its rows sum to $1 - e(s)$, or to 0 where no transition leaves $s$.",
        typed="equation",
    ),
    Assertion(
        "model",
        r"""
The model is inside the layer as before, $\hat P = \hat M P_e$ and $\hat b = \hat M \hat r$, so that

$$
v_{l+1} = v_l + \alpha \hat M\,(\hat r + \gamma P_e v_l - v_l) .
$$ (eq-episodic-richardson)
""",
        typed="equation",
    ),
    Assertion(
        "row-sums",
        lambda claim: (
            rf"""
With $G = I - \alpha \hat M + \alpha\gamma \hat P$ constants need not be eigenvectors:
$(G \mathbf 1)(s) = {letters(claim.ones, "alpha", "gamma", THROUGH)}$. Where nothing terminates they are, at
${letters(endless(claim), "alpha", "gamma")}$.
"""
        ),
    ),
    Assertion(
        "norm",
        lambda claim: (
            rf"""
**The margin.** Let $0 \le \alpha \le 1$ and

$$
c' = \min_{{s \in W}} \bigl[ {letters(claim.margin, DIAGONAL, "gamma", ONWARD)} \bigr] .
$$ (eq-episodic-margin)

Then $\lVert G \rVert_\infty \le {letters(claim.rate, "alpha", "c'")}$.
"""
        ),
    ),
    Assertion(
        "reached",
        lambda claim: (
            rf"""
So for a fixed point $v_{{\mathrm{{CE}}}}$ of the layer
$\lVert v_L - v_{{\mathrm{{CE}}}} \rVert_\infty \le ({letters(claim.rate, "alpha", "c'")})^L \lVert v_0 - v_{{\mathrm{{CE}}}} \rVert_\infty$.
"""
        ),
    ),
    Assertion(
        "layer",
        lambda claim: (
            rf"""
For any $v^*$, with $\varepsilon(s)$ its mean TD error under $K(\cdot \mid s)$,
$\lVert v_{{l+1}} - v^* \rVert_\infty \le ({letters(claim.rate, "alpha", "c'")}) \lVert v_l - v^* \rVert_\infty + \alpha \lVert\varepsilon\rVert_\infty$.
"""
        ),
    ),
    Assertion(
        "depth",
        lambda claim: (
            rf"""
If ${letters(claim.floor_holds, "c'")}$, then
$\lVert v_L - v^* \rVert_\infty \le ({letters(claim.rate, "alpha", "c'")})^L \lVert v_0 - v^* \rVert_\infty + {letters(claim.floor, NORM, "c'")}$.
"""
        ),
    ),
    Assertion("sharp", lambda claim: f"No number above {two(claim)} can take the place of the {two(claim)}."),
    Assertion(
        "most",
        lambda claim: (
            rf"If ${letters(claim.bounded, 'gamma')}$, then $c' \le {letters(claim.most, 'gamma', FOLLOWS)}$ for every $s \in W$."
        ),
    ),
    Assertion(
        "ends",
        lambda claim: (
            rf"""
So $c' > 0$ is possible where ${letters(claim.asks, "gamma")}$, which $c$ is not; but there it takes, out of **every** state of $W$, a transition that
terminates at once.
"""
        ),
    ),
    Assertion("covers", r"If $c' > 0$, then every state of $W$ is left by a transition.", typed="condition"),
    Assertion(
        "solved",
        r"Then also $I - \gamma P_e$ is invertible, whatever $\gamma$ is.",
        typed="condition",
    ),
    Assertion(
        "coverage",
        r"""
**What must be seen.** Every state of $W$ is left by a transition if, and only if, the last state of each trajectory that was **cut** is.
""",
        typed="condition",
    ),
    Assertion(
        "unread",
        r"""
Where a trajectory terminated, its last state needs no transition out of it: unless it is in $W$ for another reason, no
value on $W$ depends on its value or its features.
""",
        typed="names",
    ),
    Assertion(
        "kept",
        r"""
**Fixed points.** Let $I - \gamma P_e$ be invertible. Whatever the features, $v_{\mathrm{CE}} = (I - \gamma P_e)^{-1} \hat r$ is a fixed point
of the layer.
""",
        typed="equation",
    ),
    Assertion(
        "only",
        r"""
For $\alpha \ne 0$ the layer has exactly one fixed point if, and only if, both $I - \gamma P_e$ and $\hat M$ are
invertible.
""",
        typed="condition",
    ),
    Assertion(
        "undiscounted",
        r"""
**No discount.** Let every state of $W$ be left by a transition. Then $I - P_e$ is invertible, and $\gamma = 1$ allowed, if, and only if,
from every state of $W$ transitions of the context lead to one that **terminates**; to be cut is no termination.
""",
        typed="condition",
    ),
    Assertion(
        "return",
        r"""
At $\gamma = 1$, $v_{\mathrm{CE}}(s)$ is then the expected return of an episode that starts at $s$ in the empirical model.
""",
        typed="names",
    ),
    Assertion(
        "mean-return",
        r"""
If moreover **all** trajectories terminated, the mean of $v_{\mathrm{CE}}$ over their first states is the mean of their
returns. (Where $\hat M$ is singular there are other fixed points, and they need not have that mean.)
""",
        typed="names",
    ),
    Assertion(
        "cut-return",
        r"""
If some were cut, it is the mean of the returns, when to that of each that was cut $v_{\mathrm{CE}}$ of its last state is
added.
""",
        typed="names",
    ),
)


def named(file: str, *names: str) -> tuple[str, ...]:
    """Theorems and definitions of ``proofs/episodes_FILE.v``."""
    return tuple(f"episodes_{file}.{name}" for name in names)


CLAIM = Claim(
    id="episodic-value",
    title="What depth makes of episodes",
    chapter="episodes",
    environment="theorem",
    statement=lambda: SETTING,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$E(s, u) \ge 0$ for all states, with $\sum_k E(s, S_k) > 0$ at every state.",
            reason="one trajectory that is cut is the special case of {prf:ref}`contraction`, where a context shows that it is needed; "
            "where the sum is 0, $K$ is not defined",
        ),
        Hypothesis(r"For the bounds: $\alpha \ge 0$.", dropped="α = −1 let in"),
        Hypothesis(r"For the bounds: $\alpha \le 1$.", dropped="α = 3/2 let in"),
        Hypothesis(
            r"For the bounds: $\gamma \ge 0$.",
            reason=r"not needed: with $\lvert\gamma\rvert$ in $c'$ they hold for any $\gamma$, above 1 too",
        ),
        Hypothesis(
            r"The minimum $c'$ is over every state of $W$, the last states of cuts among them.",
            dropped="c' over the sources",
        ),
        Hypothesis(
            r"For the bound with $\varepsilon$ after $L$ layers: $c' > 0$.", dropped="c' < 0 let in", holds=positive
        ),
        Hypothesis(
            r"For the most that $c'$ can be: $\lvert\gamma\rvert \le 2$.", dropped="γ = 3 let in", holds=at_most_two
        ),
        Hypothesis(
            r"For the terminations that $c' > 0$ takes: $\lvert\gamma\rvert \ge 1$.",
            dropped="terminations asked for at every γ",
            holds=at_least_one,
        ),
        Hypothesis(r"For one fixed point only: $\alpha \ne 0$.", dropped="α = 0 let in", holds=moves),
        Hypothesis(
            r"For the same, $I - \gamma P_e$ invertible; $\lvert\gamma\rvert < 1$ is enough for that.",
            dropped="γ = 1 where no termination is reached let in",
            holds=solvable,
        ),
        Hypothesis(
            r"For the same, $\hat M$ invertible.", dropped="the only fixed point whatever the weights", holds=regular
        ),
        Hypothesis(
            r"For $v_{\mathrm{CE}}$ to be a fixed point: every state of $W$ is left by a transition.",
            reason=r"not needed: a state that is not has a row of 0 in $P_e$ and the value 0",
        ),
        Hypothesis(
            r"For $I - P_e$ to be singular where no termination is reached: every state of $W$ is left by a transition.",
            dropped="a state never left let in",
            holds=covered,
        ),
        Hypothesis(
            r"For the mean of the returns, discounted or not: $\gamma = 1$.",
            dropped="γ < 1 let in for the mean return",
            holds=undiscounted,
        ),
        Hypothesis(
            r"For the mean of the returns: all trajectories terminated. No more: every state of $W$ then reaches a termination.",
            dropped="a cut let in for the mean return",
            holds=terminated,
        ),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "episodic-value",
            "for every number of states, columns, d and depth, every table of weights that are not negative; a vector on W is one over all states, with 0 "
            "in the place of the others",
            stated=(
                *named(
                    "operator",
                    "ep_Pe_rows",
                    "ep_Phat_is_Mhat_Pe",
                    "ep_bhat_is_Mhat_rhat",
                    "ep_richardson",
                    "ep_G_one",
                    "ep_G_one_endless",
                    "one_trajectory_operator",
                ),
                *named(
                    "contraction",
                    "ep_operator_norm_bound",
                    "ep_error_recursion",
                    "ep_contraction",
                    "ep_depth",
                    "episodes_contraction",
                    "episodes_unread",
                ),
                *named(
                    "fixed_points",
                    "ep_v_CE_is_kept",
                    "ep_one_fixed_point",
                    "ep_certainty_equivalence",
                    "ep_positive_margin_covers",
                    "ep_margin_at_most",
                    "ep_positive_margin_ends",
                    "two_walks_have_a_positive_margin",
                    "two_walks_constants",
                    "ep_two_is_sharp",
                ),
            ),
            further=(
                *named("operator", "ep_update_is_operator", "ep_W_is_closed"),
                *named("fixed_points", "ep_fixed_is_bellman", "ep_invertible_on_W"),
            ),
            definitions=(
                *named(
                    "operator",
                    "reads",
                    "ep_W",
                    "ep_Mhat",
                    "ep_Phat",
                    "ep_bhat",
                    "ep_G",
                    "ep_visits",
                    "ep_Pe",
                    "ep_rhat",
                    "ep_ending",
                    "ep_v_CE",
                ),
                *named("contraction", "ep_margin", "ep_residual", "restrict", "invertible_on"),
                *named("fixed_points", "two_walks", "two_walks_next", "two_walks_visible", "near"),
            ),
            asserts=(
                "substochastic",
                "model",
                "row-sums",
                "norm",
                "reached",
                "layer",
                "depth",
                "sharp",
                "most",
                "ends",
                "covers",
                "solved",
                "unread",
                "kept",
                "only",
            ),
        ),
        Check(
            "symbolic",
            "every n and every number of states, all of them sources; the weights any function of query and key state, normalised or not; any Q in the place "
            "of the transitions that go on",
            symbolic,
            shows=(of_the_model, of_a_layer, of_the_value),
            asserts=("model", "kept"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("episodes", "operator", "contraction", "coverage-needed", "certainty-equivalence"),
    source="Found for this book",
    shared=(
        "The routes compared share the exponential, the contexts, their features and the list of their transitions. icrl.operator groups by counts, the "
        "Transformer of icrl.transformer knows no states, the loop of icrl.td no matrices; the expected return comes from spanning trees, and v_CE from "
        "counting and elimination; none of them calls another."
    ),
)
