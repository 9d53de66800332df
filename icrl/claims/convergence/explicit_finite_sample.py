r"""explicit-finite-sample: how far the limit of depth is from the true value, in numbers; from the context (F), and before it (G)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, partial
from itertools import chain, product, starmap
from math import comb
from random import Random
from typing import Any, NamedTuple

from icrl.arrays import np
from icrl.mrp import Context, Endings, MarkovRewardProcess
from icrl.operator import (
    Operator,
    context_needed,
    layer_maps,
    layer_operator,
    operator_from_kernel,
    target_floor,
    value_floor,
    values_at_depth,
)
from icrl.tasks import boyan_chain, from_gymnasium, one_hot, random_mrp, ring
from icrl.verify.instances.cases import shown, to_ball
from icrl.verify.instances.chains import fractions, rational_chain, rational_vector
from icrl.verify.instances.outcomes import Process, Tally, process, random_process
from icrl.verify.instances.words import between, described
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.differences import BITS, Undecided
from icrl.verify.judging.parts import (
    AT_LEAST,
    AT_MOST,
    AsBalls,
    Exactly,
    Part,
    Within,
    asserting,
    at_bits,
    entries,
    first_failure,
    greatest,
)
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes.exact_algebra import invertible, solved

HALF, TENTH = Fraction(1, 2), Fraction(1, 10)


def carried(P_e: np.ndarray, gamma: Any, tau: np.ndarray) -> np.ndarray:
    """(I − γP_e)⁻¹τ, for one context in numbers of any kind, or for a batch of floats."""
    system = np.eye(P_e.shape[-1], dtype=int) - gamma * P_e
    return solved(system, tau) if P_e.dtype == object else np.linalg.solve(system, tau[..., None])[..., 0]


def with_0(values: Sequence) -> list:
    """The values, and the 0 that is the value where a transition has terminated."""
    return [*values, 0]


def whatever_it_pays(reward: Any) -> bool:
    """Whether a transition that was drawn is part of the context, from its reward."""
    return True


def as_it_ended(terminated: bool) -> bool:
    """Whether a trajectory counts as one that terminated."""
    return terminated


def room(E: np.ndarray, mu: np.ndarray, s: int, m_0: Any) -> Any:
    """h_s = Z_s (m_s − m_0) / ((1 − m_0) E_ss + m_0 max_{u≠s} E_su), Z_s = Σ_u μ_u E_su, m_s = μ_s E_ss / Z_s."""
    others = [E[s, u] for u in range(len(mu)) if u != s] or [0 * E[s, s]]
    return (mu[s] * E[s, s] - m_0 * (E[s] @ mu)) / ((1 - m_0) * E[s, s] + m_0 * max(others))


def total_variation(one: np.ndarray, other: np.ndarray) -> Any:
    """Half the sum of the absolute differences."""
    return sum(abs(one - other)) / 2


def left(visits: Any) -> Any:
    """Whether a state is left, from how often it is; of many contexts at once too."""
    return visits > 0


class Needs(NamedTuple):
    """What G's n and floor depend on: |S|, λ, the least h_s, the least μ_s, γσ/(1 − γ)."""

    size: int
    second: Any
    h: Any
    mu: Any
    spread: Any


@dataclass(frozen=True)
class Bounds:
    """The statement with its pieces, and what is let in beyond the hypotheses: rational contexts, chains of two states, tasks to simulate, processes to count and simulate."""

    carried: Callable = carried
    target: Callable = lambda reward, gamma, following: reward + gamma * following
    following: Callable[[Sequence], Sequence] = with_0
    kept: Callable[[Any], bool] = whatever_it_pays
    terminated: Callable[[bool], bool] = as_it_ended
    whole: Callable[[Iterable[int]], int] = sum
    tries: Callable = lambda size, n, delta: 2 * size * n / delta
    unplanned: Callable = lambda size, count, delta: 2 * size * count * (count + 1) / delta
    visits: Callable = lambda n, count: 2 * count
    span: Callable = lambda sigma: sigma
    kappa: Callable = lambda second: (1 + second) / (1 - second)
    room: Callable = room
    distance: Callable = total_variation
    tail: Callable = lambda n, h, kappa: 2 * n * h**2 / kappa
    share: Callable = lambda delta: delta / 3
    few: Callable = lambda mu: mu / 2
    covered: Callable[[Any], Any] = left
    within: Callable = lambda h: 1 / (2 * h**2)
    half_seen: Callable = lambda mu: 2 / mu**2
    logarithm: Callable = lambda log: log
    least_visited: Callable = lambda mu: mu
    off: Callable = lambda floor: floor
    start: Callable = lambda mu: mu
    horizon: Callable = lambda gamma: gamma / (1 - gamma)
    margin: Callable = lambda own, gamma, going_on: 2 * own - 1 - gamma * going_on
    rate: Callable = lambda alpha, c: 1 - alpha * c
    worked: Fraction = Fraction(13, 10**4)
    steps: tuple[Any, ...] = (HALF, Fraction(1))
    contexts: tuple[Instance, ...] = ()
    chains: tuple[Pair, ...] = ()
    tasks: tuple[Task, ...] = ()
    trials: tuple[Trial, ...] = ()

    def asked(self, needs: Needs, log: Any) -> Any:
        """κ · ln(3|S|/δ) · max{1/(2h²), 2/μ²}, of the least h_s and the least μ_s: what G asks n to be at least."""
        return self.kappa(needs.second) * self.logarithm(log) * max(self.within(needs.h), self.half_seen(needs.mu))

    def floor(self, needs: Needs, log: Any, n: Any, root: Callable) -> Any:
        """F_n = γσ/(1 − γ) · √(ln(6|S|/δ)/(n μ_min))."""
        return self.off(needs.spread * root(log / (n * self.least_visited(needs.mu))))


# Exactly: what holds of every context


class Instance(NamedTuple):
    """A rational chain with rewards by state, γ, a table E, m_0, a distribution μ, and a context; rewards other than r(S_k) if given."""

    P: np.ndarray
    r: np.ndarray
    gamma: Fraction
    E: np.ndarray
    m_0: Fraction
    mu: np.ndarray
    states: Sequence[int]
    rewards: Sequence | None = None

    def measures(self) -> dict[str, Any]:
        """Sizes and discount."""
        return {
            "|S|": len(self.r),
            "n": len(self.states) - 1,
            "γ": self.gamma,
            "every state visited": len(set(self.states)) == len(self.r),
        }

    def __str__(self) -> str:
        paid = "" if self.rewards is None else f", R = {shown(self.rewards)}"
        return f"P = {shown(self.P)}, r = {shown(self.r)}, γ = {self.gamma}, E = {shown(self.E)}, μ = {shown(self.mu)}, m_0 = {self.m_0}, T = {shown(self.states)}{paid}"


def identity(size: int) -> np.ndarray:
    """I in ``Fraction``s."""
    return fractions(np.eye(size, dtype=int))


def of_walk(claim: Bounds, given: Instance) -> Iterator[Part]:
    """Where R_{k+1} = r(S_k): the identity behind F, and |v_CE − v^π| within the discounted sum of what the transitions are off; then the room behind G."""
    rewards = [given.r[s] for s in given.states[:-1]] if given.rewards is None else given.rewards
    W = sorted(set(given.states))
    layer = operator_from_kernel(given.states, rewards, given.E[np.ix_(W, W)], given.gamma)
    if not claim.covered(min(layer.counts)):
        return
    v = solved(identity(len(given.r)) - given.gamma * given.P, given.r)
    system = identity(len(W)) - given.gamma * layer.transition
    v_CE, off = solved(system, layer.reward), layer.transition @ v[W] - (given.P @ v)[W]
    yield from asserting("gap", entries("(I − γP_e)(v_CE − v^π)", system @ (v_CE - v[W]), given.gamma * off))
    bound = given.gamma * claim.carried(layer.transition, given.gamma, np.abs(off))
    for i, s in enumerate(W):
        yield Part(f"|v_CE − v^π| at {s}", abs(v_CE[i] - v[s]), bound[i], relation=AT_MOST, asserted="F")
    most = claim.horizon(given.gamma) * greatest(off)
    yield Part("max γ(I − γP_e)⁻¹τ", max(bound), most, relation=AT_MOST, asserted="shorter")
    if W == list(range(len(given.r))):
        yield from asserting("room", within_the_room(claim, given, layer))
    yield from asserting("depth", deeper(claim, layer, system))


def deeper(claim: Bounds, layer: Operator, system: np.ndarray) -> Iterator[Part]:
    """‖v_L − v_CE‖ ≤ (1 − αc')^L ‖v_0 − v_CE‖, from errors of one sign and of alternating ones, by v − v_CE ← (I − αM̂(I − γP_e))(v − v_CE)."""
    going_on = layer.M @ layer.transition.sum(axis=1)
    c = min(claim.margin(layer.M.diagonal(), layer.gamma, going_on))
    for alpha, sign in product(claim.steps, (1, -1)):
        error = fractions([sign**i for i in range(len(system))])
        for L in (1, 2):
            error = error - alpha * (layer.M @ (system @ error))
            where = f"‖v_{L} − v_CE‖ by ‖v_0 − v_CE‖, α = {alpha}"
            yield Part(where, greatest(error), claim.rate(alpha, c) ** L, relation=AT_MOST)


def within_the_room(claim: Bounds, given: Instance, layer: Any) -> Iterator[Part]:
    """M̂(s, s) ≥ m_0 while the frequencies are within h_s of μ; and M̂(s, s) = m_0 when h_s moves from s to its heaviest rival."""
    mu, E = given.mu, given.E
    frequencies = fractions([Fraction(int(count), len(given.states) - 1) for count in layer.counts])
    for s in range(len(mu)):
        h = claim.room(E, mu, s, given.m_0)
        if claim.distance(frequencies, mu) <= h:
            yield Part(f"M̂(s, s) at s = {s}", layer.M[s, s], given.m_0, relation=AT_LEAST)
        if len(mu) > 1:
            rival = max((u for u in range(len(mu)) if u != s), key=lambda u: E[s, u])
            there = (mu[s] - h) * E[s, s] / (E[s] @ mu + h * (E[s, rival] - E[s, s]))
            yield Part(f"M(s, s) at s = {s} after h_s has moved from s to {rival}", there, given.m_0)


class Episodes(NamedTuple):
    """A rational process, weights E of every state for every other, and a context of several trajectories."""

    process: Process
    E: np.ndarray
    states: Sequence[int]
    rewards: Sequence[Fraction]
    endings: Endings

    def measures(self) -> dict[str, Any]:
        """Sizes and discount."""
        given = self.process
        return {
            "|S|": given.size,
            "n": len(self.rewards),
            "γ": given.gamma,
            "trajectories": len(self.endings),
            "a termination": any(terminated for _, terminated in self.endings),
        }

    def __str__(self) -> str:
        context = f"T = {shown(self.states)}, R = {shown(self.rewards)}, (length, terminated) {self.endings}"
        return f"{self.process}, {context}"


@cache
def true_value(given: Process) -> np.ndarray:
    """v^π = (I − γP)⁻¹r."""
    return solved(identity(given.size) - given.gamma * given.P, given.r)


def extent(numbers: Iterable) -> Any:
    """The largest less the smallest."""
    listed = list(numbers)
    return max(listed) - min(listed)


def ranges(claim: Bounds, given: Process) -> list:
    """ω(s), of each state: the range of R_{k+1} + (1 − e_k)γv^π(S'_k) over what can happen there."""
    v = true_value(given)
    after = lambda each: 0 if each.follows is None else v[each.follows]
    return [extent(claim.target(each.reward, given.gamma, after(each)) for each in here) for here in given.outcomes]


def span_of(claim: Bounds, given: Process, numbers: list) -> Any:
    """The span of numbers of the states, and of 0 where a transition may terminate."""
    return extent(claim.following(numbers) if given.terminates else numbers)


def span_that_follows(claim: Bounds, given: Process) -> Any:
    """σ, the span of v^π, and of 0 where a transition may terminate."""
    return span_of(claim, given, true_value(given).tolist())


def of_episodes(claim: Bounds, given: Episodes) -> Iterator[Part]:
    """The identity behind the bound, what carries it over, that a mean of targets is off by ω at most, and how δ is shared among states and counts."""
    ends = [(length, claim.terminated(terminated)) for length, terminated in given.endings]
    context = Context(given.states, np.zeros(len(given.rewards)), given.endings)
    W = Context(given.states, np.zeros(len(given.rewards)), ends).visited
    layer = operator_from_kernel(given.states, given.rewards, given.E[np.ix_(W, W)], given.process.gamma, ends)
    system, n = identity(len(W)) - layer.gamma * layer.transition, len(given.rewards)
    if not claim.covered(min(layer.counts)) or not invertible(system):
        return
    v = true_value(given.process)
    targets: dict[int, list] = {s: [] for s in W}
    for s, reward, after, e in zip(context.before, given.rewards, context.after, context.terminated):
        targets[s].append(reward + (0 if e else layer.gamma * v[after]))
    off = np.array([sum(targets[s]) / len(targets[s]) - v[s] for s in W], dtype=object)
    v_CE, omega = solved(system, layer.reward), ranges(claim, given.process)
    yield from asserting("targets", entries("(I − γP_e)(v_CE − v^π)", system @ (v_CE - v[W]), off))
    bound = claim.carried(layer.transition, layer.gamma, np.abs(off))
    for i, s in enumerate(W):
        yield Part(f"|v_CE − v^π| at {s}", abs(v_CE[i] - v[s]), bound[i], relation=AT_MOST, asserted="entrywise")
        yield Part(f"what targets are off at {s}", abs(off[i]), omega[s], relation=AT_MOST, asserted="entrywise")
        if given.process.paid_by_state:
            sigma = layer.gamma * span_that_follows(claim, given.process)
            yield Part(f"ω at {s}", omega[s], sigma, relation=AT_MOST, asserted="span")
            most = layer.gamma * span_of(claim, given.process, given.process.r.tolist())
            yield Part("(1 − γ)γσ", (1 - layer.gamma) * sigma, most, relation=AT_MOST, asserted="span")
    size, whole = given.process.size, claim.whole([length for length, _ in ends])
    each = [size * 2 / claim.tries(size, whole, TENTH) for _ in range(n)]
    yield Part("Σ of δ's shares, n fixed", sum(each), TENTH, relation=AT_MOST, asserted="entrywise")
    each = [size * 2 / claim.unplanned(size, m, TENTH) for m in range(1, n + 1)]
    yield Part("Σ of δ's shares, n unplanned", sum(each), TENTH, relation=AT_MOST, asserted="stopping")
    yield from asserting("episodic-depth", deeper(claim, layer, system))


def parts(claim: Bounds, given: Instance | Episodes) -> Iterator[Part]:
    """What the instance is for."""
    return of_episodes(claim, given) if isinstance(given, Episodes) else of_walk(claim, given)


def nearly_diagonal(rng: Random, size: int) -> np.ndarray:
    """A table of weights, (size, size): 60 to 99 on the diagonal, 1 to 4 off it."""
    return fractions([[rng.randint(60, 99) if s == u else rng.randint(1, 4) for u in range(size)] for s in range(size)])


def episodes(given: Process, n: int, rng: Random) -> Episodes:
    """A context of n transitions of a process, drawn, and weights."""
    return Episodes(given, nearly_diagonal(rng, given.size), *given.drawn(n, rng))


def episodic_instances() -> list[Episodes]:
    """A context of each process of which all are counted, and of random ones with 1 to 4 states; γ = 1 in every third of these, R_{k+1} = r(S_k) in every other."""
    rng = Random(0)
    found = [episodes(trial.process, trial.n, rng) for trial in PROCESSES]
    for number, size in enumerate((1, 2, 3, 4) * 6):
        gamma = Fraction(1) if number % 3 == 0 else Fraction(rng.randint(0, 9), 10)
        found.append(episodes(random_process(rng, size, gamma, number % 2 == 0), rng.randint(4, 6) * size, rng))
    return found


def rational_instances() -> list[Instance]:
    """Random chains of 1 to 4 states, contexts of 4 to 24 transitions along them whose visited states are all left, μ near their frequencies."""
    rng, found = Random(0), []
    for size in (1, 2, 3, 4) * 6:
        P, gamma = rational_chain(rng, size), Fraction(rng.randint(0, 9), 10)
        states = [0]
        while len(states) < 4 * size or states[-1] not in states[:-1]:
            states.append(rng.choice([u for u in range(size) if P[states[-1], u] > 0]))
        *left, _ = states
        mu = fractions([Fraction(9 * left.count(s), 10 * len(left)) + Fraction(1, 10 * size) for s in range(size)])
        E = nearly_diagonal(rng, size)
        found.append(Instance(P, rational_vector(rng, size), gamma, E, HALF + gamma / 4, mu, states))
    return found


EVEN_CHAIN, PLAIN = fractions([[HALF, HALF], [HALF, HALF]]), fractions([[2, 1], [1, 2]])
EVENLY = fractions([HALF, HALF])
NOISE = Instance(EVEN_CHAIN, fractions([0, 0]), HALF, PLAIN, HALF, EVENLY, (0, 0), (Fraction(1),))
NEVER_LEFT = Instance(EVEN_CHAIN, fractions([0, 1]), HALF, PLAIN, HALF, EVENLY, (0, 1))
ALONE = NEVER_LEFT._replace(states=(0, 0))
RIVALS = fractions([[21, ".1", 1, 1], [".1", 21, 1, 1], [1, 1, 21, ".1"], [1, 1, ".1", 21]])
QUARTERS = fractions(["1/4"] * 4)
FOUR = Instance(
    np.array([QUARTERS] * 4),
    fractions([0, 1, 0, 1]),
    HALF,
    RIVALS,
    Fraction(4, 5),
    QUARTERS,
    (0, 1, 2, 2, 2, 3, 3, 3, 0),
)


STATED = Statement(
    parts,
    "(I − γP_e)(v_CE − v^π) = r̂ + γP_e v^π − v^π, which is γ(P_e − P)v^π where R_{k+1} = r(S_k), the bounds that follow, "
    "and M̂(s, s) ≥ m_0 within the room h_s, which is the whole of it",
    Bounds(),
    exact=lambda claim: [*claim.contexts, ALONE, FOUR, *rational_instances(), *episodic_instances()],
    noun="contexts of known chains",
    shows=(of_episodes, of_walk, within_the_room, deeper),
)


# Certified: the probability itself, on chains of two states


class Pair(NamedTuple):
    """Two states that are left for each other with probabilities ``leave``; F's n if given, or else G's E(s, s) = e beside E(s, u) = 1, and c."""

    leave: tuple[Fraction, Fraction]
    r: tuple[Fraction, Fraction]
    gamma: Fraction
    delta: Fraction
    n: int | None = None
    e: Fraction = Fraction(19)
    margin: Fraction = Fraction(1, 5)
    paid_by_successor: bool = False

    @property
    def mu(self) -> np.ndarray:
        """μ."""
        return fractions([self.leave[1] / sum(self.leave), self.leave[0] / sum(self.leave)])

    @property
    def second(self) -> Fraction:
        """λ, the second eigenvalue of P, or 0."""
        return max(Fraction(0), Fraction(1) - sum(self.leave))

    @property
    def P(self) -> np.ndarray:
        """P."""
        return fractions([[1 - self.leave[0], self.leave[0]], [self.leave[1], 1 - self.leave[1]]])

    @property
    def value(self) -> np.ndarray:
        """v^π."""
        return value_of(self)

    @property
    def span(self) -> Any:
        """max v^π − min v^π."""
        return abs(self.value[0] - self.value[1])

    def measures(self) -> dict[str, Any]:
        """Discount, δ, and F's n, or the c asked of G."""
        asked = {"n": self.n} if self.n else {"E(s, s)": self.e, "c": self.margin}
        return {"γ": self.gamma, "δ": self.delta} | asked

    def __str__(self) -> str:
        asked = f"E = {self.e} and 1, c = {self.margin}" if self.n is None else f"n = {self.n}"
        return f"P = {shown(self.P)}, r = {shown(self.r)}, γ = {self.gamma}, δ = {self.delta}, {asked}" + (
            ", R = r(S_k) + S_{k+1}" if self.paid_by_successor else ""
        )


@cache
def value_of(pair: Pair) -> np.ndarray:
    """v^π."""
    return solved(identity(2) - pair.gamma * pair.P, fractions(pair.r))


class Counted(NamedTuple):
    """How often each state is followed by each, (2, 2), in which state the context ends, and the probability of all that."""

    moves: np.ndarray
    last: int
    probability: Fraction


@cache
def counted(leave: tuple[Fraction, Fraction], start: tuple[Fraction, Fraction], n: int) -> tuple[Counted, ...]:
    """Every table of transition counts that n transitions between two states can have, with its probability: runs are stars and bars."""
    found = []
    for first, switches in product([s for s in (0, 1) if start[s]], range(n + 1)):
        runs = (switches // 2 + 1, (switches + 1) // 2)  # in the first state, in the other
        for here in range(n - switches + 1):
            stays = (here, n - switches - here)
            if runs[1] or not stays[1]:
                ways = comb(stays[0] + runs[0] - 1, here) * (comb(stays[1] + runs[1] - 1, stays[1]) if runs[1] else 1)
                out = ((switches + 1) // 2, switches // 2)
                lines = [(stays[0], out[0]), (out[1], stays[1])]
                moves = np.array(lines if first == 0 else [line[::-1] for line in lines[::-1]])
                p = (
                    start[first]
                    * ways
                    * math.prod((1 - leave[s]) ** int(moves[s, s]) * leave[s] ** int(moves[s, 1 - s]) for s in (0, 1))
                )
                found.append(Counted(moves, first ^ switches % 2, p))
    return tuple(found)


def probability_of_failure(pair: Pair, start: np.ndarray, n: int, fails: Callable[[Pair, Counted], bool]) -> Fraction:
    """The probability of the contexts of n transitions that fail."""
    return sum(
        (each.probability for each in counted(pair.leave, tuple(start), n) if each.probability and fails(pair, each)),
        Fraction(0),
    )


def model(pair: Pair, each: Counted) -> tuple[list[int], np.ndarray, np.ndarray]:
    """W, and on it P_e and |v_CE − v^π|; a state that is never left has a row of 0 and no reward."""
    W = [s for s in (0, 1) if each.moves[s].sum() or s == each.last]
    P_e = np.array([[Fraction(int(each.moves[s, u]), max(1, int(each.moves[s].sum()))) for u in W] for s in W])
    left = [int(each.moves[s].sum() > 0) for s in W]
    reward = [
        left[i] * pair.r[s] + pair.paid_by_successor * sum(P_e[i, j] * u for j, u in enumerate(W))
        for i, s in enumerate(W)
    ]
    v_CE = solved(identity(len(W)) - pair.gamma * P_e, np.array(reward, object))
    return W, P_e, np.abs(v_CE - pair.value[W])


def in_balls(matrix: np.ndarray) -> np.ndarray:
    """A matrix of rationals as balls."""
    return np.array([[to_ball(entry) for entry in line] for line in matrix])


def above(number: Fraction, ball: Any) -> bool:
    """Whether a rational is above a ball; ``Undecided`` when the ball holds it."""
    gap = to_ball(number) - ball
    if not (gap > 0 or gap <= 0):
        raise Undecided(f"cannot tell {number} from {ball}")
    return bool(gap > 0)


def beyond_F(claim: Bounds, n: int) -> Callable[[Pair, Counted], bool]:
    """Whether a context fails F: every visited state is left, and v_CE is off by more than F."""

    def fails(pair: Pair, each: Counted) -> bool:
        counts = each.moves.sum(axis=1)
        if not claim.covered(counts[each.last]):
            return False
        W, P_e, error = model(pair, each)
        root = log(claim.tries(2, n, pair.delta))
        tau = np.array(
            [to_ball(claim.span(pair.span)) * (root / claim.visits(n, max(int(counts[s]), 1))).sqrt() for s in W]
        )
        floor = to_ball(pair.gamma) * claim.carried(in_balls(P_e), to_ball(pair.gamma), tau)
        return above(max(error), floor[0].max(floor[-1]))

    return fails


def needs_of(claim: Bounds, pair: Pair) -> Needs:
    """What G's n and floor depend on, in balls."""
    E, m_0 = fractions([[pair.e, 1], [1, pair.e]]), (1 + pair.gamma + pair.margin) / 2
    h = min(claim.room(E, pair.mu, s, m_0) for s in (0, 1))
    return Needs(2, *map(to_ball, (pair.second, h, min(pair.mu), pair.gamma * pair.span / (1 - pair.gamma))))


def ceiling(ball: Any) -> int:
    """The least integer that is not below what the ball holds."""
    return int(ball.ceil().unique_fmpz())


def log(number: Fraction) -> Any:
    """ln of a rational, a ball."""
    return to_ball(number).log()


def beyond_G(n: int, floor: Any) -> Callable[[Pair, Counted], bool]:
    """Whether a context fails G: a state is never left, or M̂(s, s) < m_0, or v_CE is off by more than the floor."""

    def fails(pair: Pair, each: Counted) -> bool:
        counts, m_0 = each.moves.sum(axis=1), (1 + pair.gamma + pair.margin) / 2
        if not all(counts) or any(
            int(count) * pair.e < m_0 * (int(count) * pair.e + n - int(count)) for count in counts
        ):
            return True
        return above(max(model(pair, each)[2]), floor)

    return fails


def unlikely(claim: Bounds, pair: Pair) -> Counterexample | None:
    """Where the probability that F or G fails is above δ."""
    if pair.n:
        found = (too_likely(pair, start, "F", pair.n, beyond_F(claim, pair.n)) for start in starts(pair))
        return wrong_in("F", next(filter(None, found), None))
    n, fails = asked_of(claim, pair)
    return wrong_in("G", too_likely(pair, pair.mu, "G", n, fails))


def asked_of(claim: Bounds, pair: Pair) -> tuple[int, Callable[[Pair, Counted], bool]]:
    """The n that G asks for, and whether a context of so many transitions fails it."""
    needs = needs_of(claim, pair)
    n = ceiling(claim.asked(needs, log(6 / pair.delta)))
    return n, beyond_G(n, claim.floor(needs, log(12 / pair.delta), n, square_root))


def wrong_in(id: str, found: Counterexample | None) -> Counterexample | None:
    """What was found, as what is wrong with an assertion."""
    return replace(found, asserted=(id,)) if found else None


def of_the_worked(claim: Bounds) -> Iterator[Part]:
    """That G asks for n = 33 on the worked chain, and with which probability it fails, to four decimals."""
    n, fails = asked_of(claim, WORKED)
    p, half = probability_of_failure(WORKED, WORKED.mu, n, fails), Fraction(1, 20000)
    yield Part("n that G asks for", Fraction(n), Fraction(33))
    yield Part(f"probability that G fails at n = {n}", p, claim.worked - half, relation=AT_LEAST)
    yield Part(f"probability that G fails at n = {n}", p, claim.worked + half, relation=AT_MOST)


def square_root(ball: Any) -> Any:
    """√ of a ball."""
    return ball.sqrt()


def too_likely(
    pair: Pair, start: np.ndarray, name: str, n: int, fails: Callable[[Pair, Counted], bool]
) -> Counterexample | None:
    """Where more contexts fail than a probability of δ allows."""
    p = probability_of_failure(pair, start, n, fails)
    if p <= pair.delta:
        return None
    return Counterexample(
        f"{pair}, S_0 distributed as {shown(start)}",
        f"probability that {name} fails at n = {n}",
        f"{float(p):.4g}",
        f"at most {pair.delta}",
    )


def starts(pair: Pair) -> list[np.ndarray]:
    """The distributions of S_0 that F is put to: μ, and either state alone."""
    return [pair.mu, *identity(2)]


def thirds(claim: Bounds, pair: Pair) -> Iterator[Part]:
    """G's constants, in balls: by its inequality each of the three ways to fail has probability δ/3 at most, and no smaller n or F_n would do."""
    needs, third = needs_of(claim, pair), to_ball(claim.share(pair.delta))
    n = claim.asked(needs, log(3 * len(pair.mu) / pair.delta))
    most = lambda h: len(pair.mu) * (-claim.tail(n, h, claim.kappa(needs.second))).exp()
    uneven, unseen = most(needs.h), most(claim.few(needs.mu))
    tau = claim.floor(needs, log(6 * len(pair.mu) / pair.delta), n, square_root) / needs.spread
    wrong = 2 * len(pair.mu) * (-(n * needs.mu) * tau**2).exp()
    yield Part("the bound on P(some M̂(s, s) below m_0)", uneven, third, relation=AT_MOST)
    yield Part("the bound on P(some n_s below nμ(s)/2)", unseen, third, relation=AT_MOST)
    yield Part("the larger of the two", uneven.max(unseen), third)
    yield Part("the bound on P(v_CE off by F_n or more, each state left nμ(s)/2 times)", wrong, third)


def rarely_high(claim: Bounds, pair: Pair, n: int) -> Counterexample | None:
    """Where P(n_s ≥ n(μ_s + h)) is above exp(−2nh²/κ), for s = 0 and every h at which the probability jumps: the cited inequality."""
    start, mu, kappa = claim.start(pair.mu), pair.mu[0], claim.kappa(pair.second)
    for k in range(math.floor(n * mu) + 1, n + 1):
        p = probability_of_failure(pair, start, n, lambda _, each: each.moves[0].sum() >= k)
        most = (-to_ball(claim.tail(n, Fraction(k, n) - mu, kappa))).exp()
        if above(p, most):
            where = f"probability that state 0 is left {k} of {n} times or more"
            return Counterexample(
                f"P = {shown(pair.P)}, S_0 distributed as {shown(start)}",
                where,
                f"{float(p):.4g}",
                f"at most {most.mid().str(6, radius=False)}",
                asserted=("visits",),
            )
    return None


class Trial(NamedTuple):
    """A process, the number n of transitions to draw from it, and δ."""

    name: str
    process: Process
    n: int
    delta: Fraction = TENTH

    def measures(self) -> dict[str, Any]:
        """Sizes, discount, and how trajectories end."""
        given = self.process
        return {
            "|S|": given.size,
            "n": self.n,
            "γ": given.gamma,
            "δ": self.delta,
            "endings": given.terminates,
            "cuts before the last": given.horizon is not None,
            "rewards by state": given.paid_by_state,
        }

    def __str__(self) -> str:
        return f"{self.process}, δ = {self.delta}"


class Counts(NamedTuple):
    """What a context holds, on its W: how often each state is left, P_e, and |v_CE − v^π|."""

    W: list[int]
    left: list[int]
    P_e: np.ndarray
    error: np.ndarray


def of_tally(claim: Bounds, given: Process, tally: Tally) -> Counts | None:
    """The model that a context holds; None where a state of W is never left, or I − γP_e is singular."""
    held = [(s, each, k, cut) for (s, each), k, cut in zip(given.pairs, tally.seen, tally.cut) if k]
    on = [(s, each.follows, k - cut * claim.terminated(False)) for s, each, k, cut in held if each.follows is not None]
    W = sorted({s for s, *_ in held}.union(u for _, u, k in on if k))
    left = [sum(k for s, _, k, _ in held if s == w) for w in W]
    if not W or not claim.covered(min(left)):
        return None
    P_e, reward = fractions([[0] * len(W) for _ in W]), fractions([0] * len(W))
    for s, each, k, _ in held:
        reward[W.index(s)] += k * each.reward / left[W.index(s)]
    for s, u, k in on:
        if k:
            P_e[W.index(s), W.index(u)] += Fraction(k, left[W.index(s)])
    system = identity(len(W)) - given.gamma * P_e
    return Counts(W, left, P_e, np.abs(solved(system, reward) - true_value(given)[W])) if invertible(system) else None


def beyond_targets(
    claim: Bounds, given: Process, omega: Sequence, n: int, tries: Callable[[int], Fraction]
) -> Callable[[Tally], bool]:
    """Whether v_CE is off by more than (I − γP_e)⁻¹τ in some state, with 2|S|n/δ, or whatever is in its place, by n_s."""

    def fails(tally: Tally) -> bool:
        counts = of_tally(claim, given, tally)
        if counts is None:
            return False
        tau = [to_ball(omega[s]) * (log(tries(k)) / claim.visits(n, k)).sqrt() for s, k in zip(counts.W, counts.left)]
        bound = claim.carried(in_balls(counts.P_e), to_ball(given.gamma), np.array(tau))
        return any(error > 0 and above(error, most) for error, most in zip(counts.error, bound))

    return fails


def seldom(claim: Bounds, trial: Trial) -> Counterexample | None:
    """Where the bound from ω fails with a probability above δ, or the one from σ, or the one for any stopping rule, of which one stops where it fails."""
    given, n, delta = trial.process, trial.n, trial.delta
    tallies, _ = given.tallied(n, claim.kept)

    def likely(id: str, what: str, p: Fraction) -> Counterexample | None:
        where = f"probability that {what} fails at n = {n}"
        told = f"{float(p):.4g}", f"at most {delta}"
        return Counterexample(str(trial), where, *told, asserted=(id,)) if p > delta else None

    def probability(omega: Sequence) -> Fraction:
        fails = beyond_targets(claim, given, omega, n, lambda _: claim.tries(given.size, n, delta))
        return sum((p for tally, p in tallies.items() if fails(tally)), Fraction(0))

    sigma = [given.gamma * claim.span(span_that_follows(claim, given))] * given.size
    omega = ranges(claim, given)
    found = likely("entrywise", "the bound by ω", probability(omega))
    if not found and given.paid_by_state:
        found = likely("span", "the bound by σ", probability(sigma))
    if found:
        return found
    ever = beyond_targets(claim, given, omega, n, lambda count: claim.unplanned(given.size, count, delta))
    return likely("stopping", "the bound for any stopping rule, up to that", given.tallied(n, claim.kept, ever)[1])


GOING_ON = Trial(
    "one state that goes on with probability 1/2", process([(HALF, 1, 0), (HALF, 1, None)], gamma=HALF), 10
)
COIN = Trial("a coin that pays 0 or 1", process([(HALF, 0, None), (HALF, 1, None)], gamma=HALF), 31)
EXCHANGE = Trial(
    "a reward of 1, or a state that is worth 1",
    process([(HALF, 1, None), (HALF, 0, 1)], [(1, 1, None)], gamma=HALF),
    4,
)
CUT = Trial("one state, cut after each transition", process([(1, 1, 0)], gamma=HALF, horizon=1), 4)
UNDISCOUNTED = Trial(
    "two states, undiscounted",
    process([(HALF, 1, 1), (HALF, 1, 0)], [(HALF, 0, 0), (HALF, 2, None)], gamma=1, start=[HALF, HALF], horizon=3),
    8,
)
NOISILY = Trial(
    "two states with noisy rewards",
    process(
        [(HALF, 3, 1), ("1/4", 0, 0), ("1/4", -1, None)],
        [("3/4", 1, 0), ("1/4", -2, 1)],
        gamma="9/10",
        start=["1/3", "2/3"],
        horizon=4,
    ),
    6,
    HALF,
)
PROCESSES = (EXCHANGE, COIN, GOING_ON, CUT, UNDISCOUNTED, NOISILY)
"""Processes of which every context of a length is counted."""


UNIT = (Fraction(1), Fraction(0))
WORKED = Pair((HALF, HALF), UNIT, HALF, TENTH)
PAIRS = (
    *(WORKED._replace(n=n, delta=delta) for n in (1, 4, 12) for delta in (HALF, TENTH)),
    *(Pair((TENTH, Fraction(3, 10)), UNIT, Fraction(9, 10), TENTH, n) for n in (2, 9, 20)),
    WORKED,
    WORKED._replace(leave=(Fraction(2, 5),) * 2, delta=HALF),
)
LEAVES = ((HALF, HALF), (TENTH, TENTH), (TENTH, Fraction(3, 10)), (Fraction(9, 10), HALF))
STEPS = tuple((WORKED._replace(leave=leave), n) for leave in LEAVES for n in (1, 2, 5, 12))
MADE = (
    *PAIRS[-2:],
    WORKED._replace(margin=Fraction(3, 10)),
    Pair((TENTH, Fraction(3, 10)), UNIT, TENTH, TENTH, e=Fraction(99)),
)
"""Chains on whose n the largest h_s decides, and on whose n the rarest state does."""
SLOW = Pair((Fraction(1, 100),) * 2, UNIT, Fraction(1, 5), TENTH)
LUCKY = Pair((Fraction(7, 10),) * 2, UNIT, HALF, TENTH, 1)
RARE = Pair((Fraction(1, 40), HALF), UNIT, TENTH, Fraction(1, 50), 24, e=Fraction(10**6))
FAR = WORKED._replace(gamma=Fraction(9, 10), n=1)
NOISY = WORKED._replace(r=(Fraction(0), Fraction(0)), n=1, paid_by_successor=True)
LEFT_OUT = WORKED._replace(r=(Fraction(100), Fraction(101)), n=1)
WIDE = WORKED._replace(r=(Fraction(100), Fraction(0)), n=4)


def certified(claim: Bounds, budget: Budget) -> Verdict:
    """Every context of a length, with its exact probability: the total of those that fail against δ, the bounds in Arb balls."""
    likely, high, rare = partial(unlikely, claim), partial(rarely_high, claim), partial(seldom, claim)
    made = lambda pair: first_failure(str(pair), asserting("thirds", thirds(claim, pair)), AsBalls())
    worked = partial(first_failure, str(WORKED), numbers=Exactly())
    told = (
        f"{len(PAIRS)} chains of two states with every context of a length (9 for F, n up to 20, from μ and from either "
        f"state; 2 for G, at the n it asks for): F and G fail with probability at most δ; the cited inequality on "
        f"{len(STEPS)} chains and lengths; on {len(MADE)} chains G's constants give δ/3 to each way to fail; the bounds from "
        f"ω, from σ, and for any stopping rule on {len(PROCESSES)} processes with endings, cuts and noise; {BITS} bits"
    )
    found = chain(
        map(likely, claim.chains),
        map(rare, claim.trials),
        starmap(high, STEPS),
        map(likely, PAIRS),
        map(made, MADE),
        map(worked, [asserting("loose", of_the_worked(claim))]),
        map(rare, PROCESSES),
    )
    verdict, F = at_bits(found, "more likely to fail than stated", lambda _: told), sum(bool(pair.n) for pair in PAIRS)
    by_state = sum(trial.process.paid_by_state for trial in PROCESSES)
    episodic = {"entrywise": len(PROCESSES), "span": by_state, "stopping": len(PROCESSES)}
    met = {"F": F, "G": len(PAIRS) - F, "visits": len(STEPS), "thirds": len(MADE), "loose": 1}
    return replace(verdict, met=episodic | met)


def scope_of_pairs() -> str:
    """The chains and lengths whose contexts are all counted."""
    F, G = ([pair for pair in PAIRS if bool(pair.n) == given] for given in (True, False))
    steps = (
        between("n", [n for _, n in STEPS]),
        between("a state left with probabilities", [p for pair, _ in STEPS for p in pair.leave]),
    )
    return (
        f"every context of a length, with its exact probability; {described(F, 'chains of two states for F')}; "
        f"{described(G, 'for G, at the n that it asks for')}; {len(STEPS)} for the cited inequality: {', '.join(steps)}; "
        f"{described(MADE, 'for the constants of G')}; {described(PROCESSES, 'processes for the bounds from ω and σ')}"
    )


# Numeric: simulated contexts


class Task(NamedTuple):
    """Contexts to simulate: n of each for F, or a margin c for G, the other 0; a fixed number of contexts, or the budget's; and what is let in."""

    name: str
    mrp: MarkovRewardProcess
    x: np.ndarray
    n: int = 0
    deltas: tuple[float, ...] = (0.5, 0.1, 0.01)
    alpha: float = 1.0
    margin: float = 0.0
    contexts: int | None = None
    paid_by_successor: bool = False


class Contexts(NamedTuple):
    """A batch of contexts with what F and G read off them; a state that is not visited has a row of 0 in P_e."""

    states: np.ndarray
    rewards: np.ndarray
    counts: np.ndarray
    visited: np.ndarray
    P_e: np.ndarray
    v_CE: np.ndarray
    least: np.ndarray

    @property
    def last(self) -> np.ndarray:
        """How often the last state was left before, of each context."""
        return self.counts[np.arange(len(self.states)), self.states[:, -1]]


def simulated(task: Task, n: int, count: int, rng: np.random.Generator, start: np.ndarray | None = None) -> Contexts:
    """A batch of contexts, S_0 ∼ μ unless given, with its empirical models and min_s M̂(s, s) over the states visited."""
    size = task.mrp.n_states
    start = task.mrp.stationary_distribution() if start is None else start
    states, rewards = task.mrp.sample_batch(n, count, rng, start)
    rewards = rewards + task.paid_by_successor * states[:, 1:]
    moves, paid, every = np.zeros((count, size, size)), np.zeros((count, size)), np.arange(count)[:, None]
    np.add.at(moves, (every, states[:, :-1], states[:, 1:]), 1)
    np.add.at(paid, (every, states[:, :-1]), rewards)
    counts, visited = moves.sum(axis=2), np.zeros((count, size), bool)
    visited[every, states] = True
    P_e = moves / np.maximum(counts, 1)[..., None]
    v_CE = np.linalg.solve(np.eye(size) - task.mrp.discount * P_e, (paid / np.maximum(counts, 1))[..., None])[..., 0]
    kept = 1 - layer_maps(states, rewards, task.x, 0.0, 1.0)[0].diagonal(axis1=1, axis2=2)
    return Contexts(states, rewards, counts, visited, P_e, v_CE, np.where(visited, kept, 1).min(axis=1))


def farthest(difference: np.ndarray, visited: np.ndarray) -> np.ndarray:
    """The largest absolute value over the states visited, of each context."""
    return np.where(visited, np.abs(difference), 0).max(axis=1)


DEPTHS = (0, 1, 10, 100, 10**6)
ROUNDING = 1e-9
"""What rounding may add, relative to the values: after 10⁶ layers each of which errs by eps the sum is below 3·10⁻¹⁰ of them."""


def floors(claim: Bounds, task: Task, given: Contexts, delta: float) -> np.ndarray:
    """F of each context."""
    size, n, sigma = task.mrp.n_states, given.rewards.shape[1], np.ptp(task.mrp.value())
    tau = claim.span(sigma) * np.sqrt(
        math.log(claim.tries(size, n, delta)) / claim.visits(n, np.maximum(given.counts, 1))
    )
    return finite(
        np.where(
            given.visited, task.mrp.discount * claim.carried(given.P_e, task.mrp.discount, tau * given.visited), 0
        ).max(axis=1)
    )


def finite(bound: np.ndarray) -> np.ndarray:
    """``bound`` itself; ``ValueError`` when some of it is no number, and could not be exceeded."""
    if not np.isfinite(bound).all():
        raise ValueError("a bound is not finite")
    return bound


def failures_of_F(claim: Bounds, task: Task, given: Contexts, floor: np.ndarray) -> int:
    """Contexts with every visited state left where some depth is beyond the bound: any that c > 0 allows, without layers where it is not."""
    margin = 2 * given.least - 1 - task.mrp.discount
    sound = claim.covered(given.last)
    chosen = Contexts(*(array[sound] for array in given))
    if not sound.any():
        return 0
    v, first, failed = task.mrp.value(), farthest(chosen.v_CE, chosen.visited), np.zeros(sound.sum(), bool)
    for depth in DEPTHS:
        values = values_at_depth(chosen.states, chosen.rewards, task.x, task.mrp.discount, task.alpha, depth)
        bound = claim.rate(task.alpha, np.maximum(margin[sound], 0)) ** depth * first + floor[sound]
        beyond = farthest(values - v, chosen.visited) > bound + ROUNDING * greatest(v)
        failed |= beyond & ((margin[sound] > 0) | (depth == 0))
    return int(failed.sum())


def population(claim: Bounds, task: Task) -> Needs:
    """What G's n and floor depend on, from the definitions: μ by powers of P, λ from (P + P*)/2 as it stands."""
    P, gamma, size = task.mrp.transition, task.mrp.discount, task.mrp.n_states
    mu = np.linalg.matrix_power((P + np.eye(size)) / 2, 2**20)[0]
    E, m_0 = np.exp(task.x @ task.x.T), (1 + gamma + task.margin) / 2
    reversal = P.T * mu / mu[:, None]
    second = max([0.0, *np.sort(np.linalg.eigvals((P + reversal) / 2).real)[:-1]])
    h = min(claim.room(E, mu, s, m_0) for s in range(size))
    return Needs(size, second, h, mu.min(), gamma * np.ptp(task.mrp.value()) / (1 - gamma))


def failures_of_G(task: Task, given: Contexts, floor: float) -> int:
    """Contexts that do not visit all states and leave them, or have M̂(s, s) < m_0 or v_CE beyond F_n, or some v_L beyond the bound."""
    v, m_0 = task.mrp.value(), (1 + task.mrp.discount + task.margin) / 2
    failed = (given.counts == 0).any(axis=1) | (given.least < m_0) | (np.abs(given.v_CE - v).max(axis=1) > floor)
    sound = ~failed
    for depth in DEPTHS if sound.any() else ():
        values = values_at_depth(
            given.states[sound], given.rewards[sound], task.x, task.mrp.discount, task.alpha, depth
        )
        bound = (1 - task.alpha * task.margin) ** depth * greatest(v) + 2 * floor
        failed[sound] |= np.abs(values - v).max(axis=1) > bound + ROUNDING * greatest(v)
    return int(failed.sum())


@cache
def most(count: int, delta: float) -> int:
    """The 1 − 10⁻⁶ quantile of the binomial distribution of ``count`` trials of probability δ."""
    tail, k = 1.0, -1
    while tail > 1e-6:
        k += 1
        ways = math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        tail -= math.exp(ways + k * math.log(delta) + (count - k) * math.log1p(-delta))
    return k


def too_often(
    task: Task | Sampled, delta: float, name: str, n: int, failures: int, count: int
) -> Counterexample | None:
    """A task in which a bound fails more often than a probability of δ would let it but once in a million."""
    if failures <= most(count, delta):
        return None
    told = f"{task.name}, γ = {task.mrp.discount:g}, δ = {delta:g}, n = {n}"
    return Counterexample(
        told, f"contexts of {count} in which {name} fails", str(failures), f"at most {most(count, delta)}"
    )


TRIALS = 600
"""Contexts of a task that has no number of its own."""


def simulate(
    claim: Bounds, task: Task | Sampled, budget: Budget, rng: np.random.Generator
) -> tuple[Counterexample | None, list[str]]:
    """The first bound that fails too often, or a library that computes another; and how loose the bounds were."""
    if isinstance(task, Sampled):
        return simulate_targets(claim, task, task.contexts or budget.trials or TRIALS, rng)
    of_its_kind = simulate_F if not task.margin else simulate_G
    return of_its_kind(claim, task, task.contexts or budget.trials or TRIALS, rng)


def simulate_F(
    claim: Bounds, task: Task, count: int, rng: np.random.Generator
) -> tuple[Counterexample | None, list[str]]:
    """F on ``count`` contexts from μ, and on as many from the rarest state, for each δ; icrl.operator's on the first 20 of those from μ."""
    given, told = simulated(task, task.n, count, rng), []
    rarest = np.eye(task.mrp.n_states)[task.mrp.stationary_distribution().argmin()]
    from_one = simulated(task, task.n, count, rng.spawn(1)[0], rarest)
    error = farthest(given.v_CE - task.mrp.value(), given.visited)[left(given.last)]
    for delta in task.deltas:
        floor = floors(claim, task, given, delta)
        found = too_often(task, delta, "F", task.n, failures_of_F(claim, task, given, floor), count)
        failures = failures_of_F(claim, task, from_one, floors(claim, task, from_one, delta))
        found = wrong_in("F", found or too_often(task, delta, "F, from one state,", task.n, failures, count))
        found = found or first_failure(task.name, library_F(task, given, floor, delta), Within(ROUNDING))
        if found:
            return found, []
        told.append(f"{np.median(floor[left(given.last)]) / np.quantile(error, 1 - delta):.1f}")
    return None, [
        f"{task.name}: F is {', '.join(told)} times the 1 − δ quantile of the error at δ = {', '.join(f'{delta:g}' for delta in task.deltas)}"
    ]


def library_F(task: Task, given: Contexts, floor: np.ndarray, delta: float) -> Iterator[Part]:
    """icrl.operator.value_floor."""
    for i in np.flatnonzero(left(given.last))[:20]:
        layer = layer_operator(Context(given.states[i], given.rewards[i]), task.x, task.mrp.discount)
        got = value_floor(layer, float(np.ptp(task.mrp.value())), delta, task.mrp.n_states, task.n)
        yield Part(f"value_floor of context {i + 1}", got, float(floor[i]), max(1.0, float(floor[i])))


def simulate_G(
    claim: Bounds, task: Task, count: int, rng: np.random.Generator
) -> tuple[Counterexample | None, list[str]]:
    """G on ``count`` contexts as long as it asks, and icrl.operator's."""
    needs = population(claim, task)
    for delta in task.deltas:
        n = math.ceil(claim.asked(needs, math.log(3 * needs.size / delta)))
        floor = claim.floor(needs, math.log(6 * needs.size / delta), n, math.sqrt)
        given = simulated(task, n, count, rng)
        found = wrong_in("G", too_often(task, delta, "G", n, failures_of_G(task, given, floor), count))
        needed = context_needed(task.mrp, task.x, task.margin, delta)
        same = [Part("context_needed", float(needed.n), float(n)), Part("F_n", needed.floor, floor)]
        found = found or first_failure(task.name, same, Within(ROUNDING))
        if found:
            return found, []
    error = np.quantile(np.abs(given.v_CE - task.mrp.value()).max(axis=1), 1 - delta)
    return None, [
        f"{task.name}: G at n = {n}, δ = {delta:g}: F_n = {floor:.3f}, {floor / error:.1f} times the 1 − δ quantile of the error"
    ]


class Sampled(NamedTuple):
    """Contexts of n transitions of a process with endings, cuts or noise, to simulate; a fixed number of them, or the budget's."""

    name: str
    mrp: MarkovRewardProcess
    n: int
    deltas: tuple[float, ...] = (0.5, 0.1)
    horizon: int | None = None
    contexts: int | None = None
    margin: float = 0.0

    @property
    def size(self) -> int:
        """|S|, without the terminal states."""
        return self.mrp.n_states - self.mrp.terminal.size


def in_floats(trial: Trial) -> Sampled:
    """What is counted, to be simulated."""
    return Sampled(trial.name, trial.process.mrp(), trial.n, (float(trial.delta),), trial.process.horizon, contexts=300)


def ranges_of(claim: Bounds, mrp: MarkovRewardProcess) -> np.ndarray:
    """ω(s), of each state, in floats; v^π is 0 where an episode ends."""
    v, omega = mrp.value(), np.zeros(mrp.n_states)
    for s in range(mrp.n_states):
        reward, following = mrp.reward[s], v[mrp.transition[s] > 0]
        if mrp.outcomes:
            here = mrp.outcomes[s]
            reward, following = here.reward[here.probability > 0], v[here.next_state[here.probability > 0]]
        omega[s] = np.ptp(claim.target(reward, mrp.discount, following)) if following.size else 0
    return omega


def as_read(claim: Bounds, context: Context) -> Context:
    """The context of the draws that were kept, its trajectories ended as they count."""
    kept = np.array([claim.kept(reward) for reward in context.rewards])
    if not kept.all():
        fields = (context.before, context.rewards, context.after, context.terminated, ~context.terminated)
        context = Context.of_transitions(*(field[kept] for field in fields))
    endings = [(length, claim.terminated(terminated)) for length, terminated in context.endings]
    return Context(context.states, context.rewards, endings)


class Seen(NamedTuple):
    """A context's layer, with one-hot features, v_CE, c', and v_L for the depths L that c' > 0 allows."""

    layer: Operator
    v_CE: np.ndarray
    margin: float
    values: dict[int, np.ndarray]


def seen(claim: Bounds, layer: Operator) -> Seen:
    """What is compared of a context, from the definitions."""
    v_CE = carried(layer.transition, layer.gamma, layer.reward)
    c = claim.margin(layer.M.diagonal(), layer.gamma, layer.P.sum(axis=1)).min()
    depths = DEPTHS if c > 0 else ()
    return Seen(layer, v_CE, c, {depth: layer.iterate(0 * v_CE, 1.0, depth) for depth in depths})


def sampled(claim: Bounds, task: Sampled, count: int, rng: np.random.Generator) -> list[Seen]:
    """Those of ``count`` contexts whose every state is left, and whose I − γP_e is invertible."""
    mrp, x, found = task.mrp, one_hot(task.mrp.n_states, 9.0), []
    for _ in range(count):
        context = mrp.sample_context(task.n, rng, mrp.outcomes is not None, task.horizon)
        layer = layer_operator(as_read(claim, context), x, mrp.discount)
        system = np.eye(len(layer.states)) - mrp.discount * layer.transition
        if claim.covered(layer.counts.min()) and invertible(system):
            found.append(seen(claim, layer))
    return found


def entrywise(claim: Bounds, task: Sampled, layer: Operator, omega: np.ndarray, delta: float) -> np.ndarray:
    """(I − γP_e)⁻¹τ of a context."""
    log = math.log(claim.tries(task.size, task.n, delta))
    tau = omega[layer.states] * np.sqrt(log / claim.visits(task.n, layer.counts))
    return finite(claim.carried(layer.transition, task.mrp.discount, tau))


def beyond_bound(claim: Bounds, v: np.ndarray, given: Seen, bound: np.ndarray) -> bool:
    """Whether v_CE is beyond the bound at some state, or v_L beyond its own at some depth."""
    here, allowed = v[given.layer.states], ROUNDING * greatest(v)
    rate = lambda depth: claim.rate(1.0, given.margin) ** depth * greatest(given.v_CE) + bound.max()
    return (np.abs(given.v_CE - here) > bound + allowed).any() or any(
        greatest(values - here) > rate(depth) + allowed for depth, values in given.values.items()
    )


def widths(claim: Bounds, mrp: MarkovRewardProcess) -> Iterator[tuple[str, str, np.ndarray]]:
    """The two bounds, each with its assertion's id and the width of the targets at each state: ω, and γσ where R_{k+1} = r(S_k)."""
    yield "entrywise", "ω", ranges_of(claim, mrp)
    if mrp.outcomes is None:
        values = np.delete(mrp.value(), mrp.terminal).tolist()
        sigma = np.ptp(claim.following(values) if mrp.terminal.size else values)
        yield "span", "σ", np.full(mrp.n_states, mrp.discount * claim.span(sigma))


def simulate_targets(
    claim: Bounds, task: Sampled, count: int, rng: np.random.Generator
) -> tuple[Counterexample | None, list[str]]:
    """The bounds from ω and σ on ``count`` contexts, for each δ; icrl.operator's on the first 20."""
    contexts, v, told = sampled(claim, task, count, rng), task.mrp.value(), []
    for (id, name, width), delta in product(widths(claim, task.mrp), task.deltas):
        bounds = [entrywise(claim, task, given.layer, width, delta) for given in contexts]
        failures = sum(beyond_bound(claim, v, given, bound) for given, bound in zip(contexts, bounds))
        found = wrong_in(id, too_often(task, delta, f"the bound by {name}", task.n, failures, count))
        same = library_targets(task, contexts, bounds, width, delta)
        found = found or first_failure(task.name, same, Within(ROUNDING))
        if found:
            return found, []
        error = np.quantile([np.abs(given.v_CE - v[given.layer.states]).max() for given in contexts], 1 - delta)
        middle = np.median([bound.max() for bound in bounds])
        told.append(f"by {name} {middle:.2g} for {error:.2g} at δ = {delta:g}")
    return None, [f"{task.name}: the median bound for the 1 − δ quantile of the error, {', '.join(told)}"]


def library_targets(
    task: Sampled, contexts: list[Seen], bounds: list[np.ndarray], width: np.ndarray, delta: float
) -> Iterator[Part]:
    """icrl.operator.target_floor."""
    for i, (given, bound) in enumerate(zip(contexts[:20], bounds), 1):
        got = target_floor(given.layer, width[given.layer.states], delta, task.size, task.n)
        yield Part(f"target_floor of context {i}", got, float(bound.max()), max(1.0, float(bound.max())))


def two_states(pair: Pair, name: str, **changes: Any) -> Task:
    """A chain of two states as a task."""
    mrp = MarkovRewardProcess(pair.P.astype(float), [float(x) for x in pair.r], float(pair.gamma))
    known = {
        "n": pair.n,
        "deltas": (float(pair.delta),),
        "margin": None if pair.n else float(pair.margin),
        "contexts": 1000,
    }
    more = {"paid_by_successor": pair.paid_by_successor}
    return Task(name, mrp, one_hot(2, math.log(pair.e)), **{**known, **more, **changes})


def hopping_ring(size: int, hop: float) -> MarkovRewardProcess:
    """A ring whose states pay 0 and 1 by turns: on to the next state, but over it with probability ``hop``."""
    here = np.eye(size)
    return MarkovRewardProcess(
        (1 - hop) * np.roll(here, 1, axis=1) + hop * np.roll(here, 2, axis=1), np.arange(size) % 2, 0.01
    )


def tasks() -> list[Task]:
    """Four tasks for F and five for G, on whose n the rarest state decides, but on the last one's the least h_s."""
    rng = np.random.default_rng(0)
    frozen_lake, slow = from_gymnasium("FrozenLake-v1"), WORKED._replace(leave=(Fraction(1, 20),) * 2)
    skewed = WORKED._replace(leave=(TENTH, Fraction(3, 10)), e=Fraction(60))
    few = {"deltas": (0.1,), "contexts": None}
    return [
        Task("Boyan's chain of 6 states", boyan_chain(6), one_hot(6, 9.0), 60),
        Task("a ring of 5 states", ring(5), one_hot(5, 9.0), 200, alpha=0.5),
        Task("a random MRP of 5 states", random_mrp(5, rng), one_hot(5, 9.0), 100),
        Task("FrozenLake-v1", frozen_lake, one_hot(frozen_lake.n_states, 9.0), 200),
        two_states(WORKED, "P = 1/2", **few),
        two_states(slow, "two states left with probability 1/20", **few),
        two_states(skewed, "two states left with probabilities 1/10 and 3/10", alpha=0.5, **few),
        Task("a ring of 3 states", ring(3, 0.7, 0.3), one_hot(3, 4.0), margin=0.1, deltas=(0.1,)),
        two_states(WORKED._replace(margin=Fraction(3, 10)), "P = 1/2, a larger margin", **few),
    ]


def sampled_tasks() -> list[Sampled]:
    """Three processes with endings: undiscounted with noise, rewards by state, and short trajectories of a drawn one."""
    drawn = random_process(Random(0), 5, Fraction(1)).mrp()
    return [
        Sampled("FrozenLake-v1, undiscounted", from_gymnasium("FrozenLake-v1", discount=1, endings="terminal"), 300),
        Sampled("Boyan's chain of 6 states, cut after 4", boyan_chain(6, endings="terminal"), 60, horizon=4),
        Sampled("a random process of 5 states with noisy rewards", drawn, 100),
    ]


def simulations(tasks: Sequence[Task | Sampled], trials: int) -> str:
    """The tasks by their names, and the range of what they are simulated with."""
    each: dict[str, list] = {
        "|S|": [task.mrp.n_states for task in tasks],
        "γ": [task.mrp.discount for task in tasks],
        "δ": [delta for task in tasks for delta in task.deltas],
        "n": [task.n for task in tasks if task.n],
        "c": [task.margin for task in tasks if task.margin],
        "contexts of each": [task.contexts or trials for task in tasks],
    }
    ranges = ", ".join(between(name, values) for name, values in each.items() if values)
    return f"{len(tasks)} tasks simulated ({'; '.join(task.name for task in tasks)}): {ranges}"


def scope_of_tasks() -> str:
    """What the numeric check simulates."""
    F, G = ([task for task in tasks() if (not task.margin) == given] for given in (True, False))
    depths = between("depths", DEPTHS)
    endings = simulations(sampled_tasks(), TRIALS)
    return f"for F {simulations(F, TRIALS)}; for G {simulations(G, TRIALS)}; with endings {endings}; {depths}"


def numeric(claim: Bounds, budget: Budget) -> Verdict:
    """F and G on simulated contexts: fails when a bound fails oftener than the 1 − 10⁻⁶ quantile of Binomial(contexts, δ)."""
    rng, measured = np.random.default_rng(budget.seed), []
    all_tasks: list[Task | Sampled] = [*claim.tasks, *map(in_floats, claim.trials), *tasks(), *sampled_tasks()]
    for done, task in enumerate(all_tasks, 1):
        found, told = simulate(claim, task, budget, rng)
        if found:
            return Verdict(False, f"fails in task {done} (seed {budget.seed})", counterexample=found)
        measured += told
        budget.progress(done, len(all_tasks))
    count, depths = budget.trials or TRIALS, ", ".join(map(str, DEPTHS))
    return Verdict(
        True,
        "4 tasks for F, each at three δ, from μ and from the rarest state, and 5 for G, 3 processes with endings for the bounds "
        f"from ω and σ, {count} contexts each (seed {budget.seed}), v_0 = 0, depths {depths}: no bound fails oftener than the "
        f"1 − 10⁻⁶ quantile of Binomial({count}, δ); value_floor, target_floor and "
        "context_needed of icrl.operator are these",
        "; ".join(measured),
        met={"F": 4, "depth": 4, "G": 5, "entrywise": 3, "episodic-depth": 2, "span": 1},
    )


def cited(claim: Bounds, budget: Budget) -> Verdict:
    """What G takes from the literature."""
    return Verdict(
        None,
        "for a stationary chain with S_0 ∼ μ and f with values in an interval of length w, the mean of f over n steps "
        "is h or more above its expectation with probability at most exp(−2nh²/(κw²)), κ = (1 + λ)/(1 − λ), λ the "
        "larger of 0 and the second eigenvalue of (P + P*)/2 (Fan, Jiang and Sun 2021); F takes nothing from there",
    )


NO_CHANCE = {"exact": "the exact part holds of every context, and counts none"}
SEEN_BY_COUNTING = {**NO_CHANCE, "numeric": "a probability is counted, not simulated"}
NO_SUM = {
    kind: "F and G are counted as they stand, the steps between them checked in rationals"
    for kind in ("certified", "numeric")
}
NO_ROOM = {
    "certified": "G's n is the same or smaller there, and still enough",
    "numeric": "G's n is the same or smaller there, and still enough",
}
RARELY = MarkovRewardProcess([[0.475, 0.475, 0.05], [0.475, 0.475, 0.05], [0.5, 0.5, 0.0]], [1, 0, 0.5], 0.1)
HOPPING = Task(
    "a ring of 40 states that hops with probability .08",
    hopping_ring(40, 0.08),
    one_hot(40, 9.0),
    40,
    (0.4,),
    contexts=1000,
)
ONE_RARE = Task("three states, one of them rare", RARELY, one_hot(3, 9.0), deltas=(0.1,), margin=0.1, contexts=300)
TOO_FEW = {"certified": "two states are too few for it to show"}
ONLY_SUMMED = {
    kind: "a factor under the logarithm of a bound that is wide: it shows where the shares of δ are added up"
    for kind in ("certified", "numeric")
}
NO_MATTER = {**NO_CHANCE, "numeric": "after as many transitions as G asks for the start hardly matters"}

MUTANTS = (
    Mutant(
        "κ = 1",
        Bounds(
            kappa=lambda second: 1, chains=(SLOW,), tasks=(two_states(SLOW, "two states left with probability 1/100"),)
        ),
        NO_CHANCE,
        "certified",
    ),
    Mutant(
        "no union over states and visits",
        Bounds(tries=lambda size, n, delta: 2 / delta, tasks=(HOPPING,)),
        TOO_FEW,
        "numeric",
    ),
    Mutant(
        "n in the place of n_s",
        Bounds(
            visits=lambda n, count: 2 * n + 0 * count,
            chains=(RARE,),
            tasks=(two_states(RARE, "P = ((.975, .025), (.5, .5))"),),
        ),
        NO_CHANCE,
        "certified",
    ),
    Mutant(
        "half the span",
        Bounds(
            span=lambda sigma: sigma / 2,
            chains=(LUCKY,),
            tasks=(two_states(LUCKY, "two states left with probability 7/10"),),
        ),
        NO_CHANCE,
        "certified",
    ),
    Mutant(
        "no span",
        Bounds(span=lambda sigma: 1 + 0 * sigma, chains=(WIDE,), tasks=(two_states(WIDE, "P = 1/2, r = (100, 0)"),)),
        NO_CHANCE,
        "certified",
    ),
    Mutant(
        "no discounted sum",
        Bounds(carried=lambda P_e, gamma, tau: tau, chains=(FAR,), tasks=(two_states(FAR, "P = 1/2"),)),
    ),
    Mutant(
        "rewards that depend on the successor let in",
        Bounds(contexts=(NOISE,), chains=(NOISY,), tasks=(two_states(NOISY, "P = 1/2, R = S_{k+1}"),)),
    ),
    Mutant(
        "a state that no transition leaves let in",
        Bounds(
            covered=lambda visits: visits >= 0,
            contexts=(NEVER_LEFT,),
            chains=(LEFT_OUT,),
            tasks=(two_states(LEFT_OUT, "P = 1/2, r = (100, 101)"),),
        ),
        shown_by="certified",
    ),
    Mutant("S_0 = 0 in the cited inequality", Bounds(start=lambda mu: fractions([1, 0])), NO_MATTER, "certified"),
    Mutant("μ_min left out of F_n", Bounds(least_visited=lambda mu: 1, tasks=(ONE_RARE,)), NO_CHANCE, "certified"),
    Mutant(
        "3 in the place of 2 in the cited inequality",
        Bounds(tail=lambda n, h, kappa: 3 * n * h**2 / kappa),
        SEEN_BY_COUNTING,
        "certified",
    ),
    Mutant("a quarter of δ to each way to fail", Bounds(share=lambda delta: delta / 4), SEEN_BY_COUNTING, "certified"),
    Mutant("1/(2μ²) in the place of 2/μ²", Bounds(half_seen=lambda mu: 1 / (2 * mu**2)), NO_CHANCE, "certified"),
    Mutant("1/(8h²) in the place of 1/(2h²)", Bounds(within=lambda h: 1 / (8 * h**2)), NO_CHANCE, "certified"),
    Mutant("half the logarithm in n", Bounds(logarithm=lambda log: log / 2), NO_CHANCE, "certified"),
    Mutant("half of F_n", Bounds(off=lambda floor: floor / 2), NO_CHANCE, "certified"),
    Mutant("γ in the place of γ/(1 − γ)", Bounds(horizon=lambda gamma: gamma), NO_SUM),
    Mutant("rate (1 − αc)²", Bounds(rate=lambda alpha, c: (1 - alpha * c) ** 2), NO_SUM),
    Mutant(
        "the noise of the rewards ignored",
        Bounds(target=lambda reward, gamma, following: gamma * following, trials=(COIN,)),
    ),
    Mutant(
        "γ left out of the target",
        Bounds(target=lambda reward, gamma, following: reward + following, trials=(EXCHANGE,)),
    ),
    Mutant(
        "σ without the 0 of an ending",
        Bounds(following=lambda values: values, trials=(GOING_ON,)),
        shown_by="certified",
    ),
    Mutant("a cut counted as a termination", Bounds(terminated=lambda terminated: True, trials=(CUT,))),
    Mutant(
        "transitions thrown away for their reward",
        Bounds(kept=lambda reward: reward > 0, trials=(COIN,)),
        NO_CHANCE,
        "certified",
    ),
    Mutant("n of the longest trajectory in the place of n", Bounds(whole=max), ONLY_SUMMED),
    Mutant(
        "n_s² in the place of n_s(n_s + 1)",
        Bounds(unplanned=lambda size, count, delta: 2 * size * count**2 / delta),
        ONLY_SUMMED,
    ),
    Mutant(
        "(P̂1)² in the place of P̂1 in c'",
        Bounds(margin=lambda own, gamma, going_on: 2 * own - 1 - gamma * going_on**2),
        NO_SUM,
    ),
    Mutant("α = 2 let in", Bounds(steps=(Fraction(2),)), NO_SUM),
    Mutant("(G) said to fail with probability δ", Bounds(worked=TENTH), SEEN_BY_COUNTING, "certified"),
    Mutant(
        "h_s a bound on each frequency by itself",
        Bounds(distance=lambda one, other: greatest(one - other), contexts=(FOUR,)),
        NO_ROOM,
    ),
    Mutant(
        "h_s without the rival's weight",
        Bounds(room=lambda E, mu, s, m_0: (mu[s] * E[s, s] - m_0 * (E[s] @ mu)) / ((1 - m_0) * E[s, s])),
        {"certified": NO_ROOM["certified"]},
    ),
)


STATEMENT = r"""
Let a finite Markov reward process draw, on leaving $s$, what it pays and what follows together: a state, or a termination, after which nothing is
earned. Let the rewards be bounded, $0 \le \gamma < 1$, or $\gamma = 1$ where a termination can be reached from every state, $0 < \delta < 1$,
$0 < \alpha \le 1$, $E > 0$. A context holds $n$ transitions $(S_k, R_{k+1}, S'_k, e_k)$ of one trajectory or of several, $e_k = 1$ where
one terminates and else 0. Its $\mathcal W$ are the states that they leave, and those that they enter without terminating;
$P_e(s, s')$ is the share of those out of $s$ that enter $s'$ without terminating. Norms without an index are maxima.
""".strip()

PROOF, SIZE, SMALLEST = "proof-explicit-finite-sample", r"\lvert\mathcal{S}\rvert", r"\mu_{\min}"
"""The label of the proof in the chapter, and how the book writes the number of states and the least of their frequencies."""


TARGET = ("R_{k+1}", "gamma", r"{(1 - e_k)\, v^\pi(S'_k)}")
"""Of what a target is made, in the book's letters; a brace sorts behind γ."""
OF_MARGIN = (r"\hat{M}(s, s)", "gamma", r"{\sum_u \hat P(s, u)}")
"""And a margin."""


def root_in_letters(claim: Bounds) -> str:
    """τ(s)/ω(s), in the book's letters."""
    tries, visits = letters(claim.tries, SIZE, "n", "delta"), letters(claim.visits, "n", "n_s")
    return rf"\sqrt{{\frac{{1}}{{{visits}}} \ln {tries}}}"


def asked_in_letters(claim: Bounds) -> str:
    """What G asks n to be at least, in the book's letters."""
    logarithm = letters(claim.logarithm, rf"\ln\frac{{3{SIZE}}}{{\delta}}")
    most = f"{letters(claim.within, 'h_s')}, {letters(claim.half_seen, 'mu_s')}"
    return rf"\kappa\, {logarithm}\, \max_s \max\Bigl\{{{most}\Bigr\}}"


def floor_in_letters(claim: Bounds) -> str:
    """F_n, in the book's letters."""
    root = rf"\sqrt{{\frac{{\ln(6{SIZE}/\delta)}}{{n\, {letters(claim.least_visited, SMALLEST)}}}}}"
    return letters(claim.off, rf"\frac{{\gamma\sigma}}{{1 - \gamma}} {root}")


ASSERTIONS = (
    Assertion(
        "floors",
        r"""
With probability at least $1 - \delta$ the context's own error is no more than a floor, which can be read off the context (F), or named before
it (G); and where a margin is positive, (F), or is asked for, (G), $L$ layers leave of the first error what falls geometrically with $L$.
""",
        basis="argued",
        where=PROOF,
    ),
    Assertion(
        "targets",
        lambda claim: (
            rf"""
**From the context: bound (F).** On the states $\mathcal W$ of a context each of which some transition leaves,

$$
(I - \gamma P_e)(v_{{\mathrm{{CE}}}} - v^\pi) = \hat r + \gamma P_e v^\pi - v^\pi :
$$ (eq-target-gap)

in row $s$ the mean of the targets ${letters(claim.target, *TARGET)}$ of the transitions out of $s$, less their expectation.
"""
        ),
    ),
    Assertion(
        "entrywise",
        lambda claim: (
            rf"""
Let $\omega(s)$ be the length of an interval that holds the targets at $s$, and let $n$ be a number fixed in advance that the transitions of all trajectories
together do not exceed (their number itself, if that was fixed). Whatever $p_0$ is, with probability at least $1 - \delta$: if every state of $\mathcal W$ is left,
and $I - \gamma P_e$ is invertible, then in every entry

$$
\lvert v_{{\mathrm{{CE}}}} - v^\pi \rvert \le (I - \gamma P_e)^{{-1}} \tau, \qquad \tau(s) = \omega(s)\, {root_in_letters(claim)} .
$$ (eq-target-floor)
"""
        ),
    ),
    Assertion(
        "stopping",
        lambda claim: (
            rf"""
With ${letters(claim.unplanned, SIZE, "n_s", "delta")}$ in the place of what stands under the logarithm, the same holds where $n$ is decided on the way, by any rule that looks
at nothing but what has been drawn.
"""
        ),
    ),
    Assertion(
        "episodic-depth",
        lambda claim: (
            rf"""
In either event, if moreover $c' = \min_{{\mathcal W}} \bigl[{letters(claim.margin, *OF_MARGIN)}\bigr] > 0$,
for all $L$ and every $v_0$

$$
\max_{{\mathcal W}} \lvert v_L - v^\pi \rvert \le \bigl({letters(claim.rate, "alpha", "c'")}\bigr)^L \max_{{\mathcal W}} \lvert v_0 - v_{{\mathrm{{CE}}}} \rvert
+ \max_{{\mathcal W}}\, (I - \gamma P_e)^{{-1}} \tau .
$$ (eq-episodic-context)
"""
        ),
    ),
    Assertion(
        "weights",
        r"""
The event does not involve the weights: it holds for every kernel at once, even one fitted to this context.
""",
        basis="argued",
        where=PROOF,
    ),
    Assertion(
        "span",
        r"""
**Where the reward is a function of the state,** $R_{k+1} = r(S_k)$, every $\omega(s)$ is at most $\gamma\sigma$, if $\sigma \ge \max v^\pi - \min v^\pi$, where the value
0 of what follows a termination counts if there is one. For $\gamma < 1$ such a $\sigma$ is $(r_{\max} - r_{\min})/(1 - \gamma)$, with 0 counted among the
rewards in the same way.
""",
        typed="condition",
    ),
    Assertion(
        "gap",
        r"""
If moreover there are no terminations, and the context is one trajectory whose every visited state is left, {eq}`eq-target-gap` becomes

$$
(I - \gamma P_e)(v_{\mathrm{CE}} - v^\pi) = \gamma (P_e - P) v^\pi .
$$ (eq-certainty-gap)
""",
        typed="equation",
    ),
    Assertion(
        "F",
        lambda claim: (
            rf"""
Then, whatever $S_0$ is, with probability at least $1 - \delta$: if every state of $\mathcal W$ is left, then
$\max_{{\mathcal W}} \lvert v_{{\mathrm{{CE}}}} - v^\pi\rvert \le F$, where

$$
F = \max_{{\mathcal W}}\, \gamma (I - \gamma P_e)^{{-1}} \tau_\sigma, \qquad \tau_\sigma(s) = {letters(claim.span, "sigma")}\, {root_in_letters(claim)} .
$$ (eq-value-floor)
"""
        ),
    ),
    Assertion(
        "shorter",
        lambda claim: (
            rf"""
$F$ is at most ${letters(claim.horizon, "gamma")}\, \max_{{\mathcal W}} \tau_\sigma$, and so at most
$\frac{{\gamma\sigma}}{{1 - \gamma}}\sqrt{{\ln(2{SIZE} n/\delta) / (2 \min_{{\mathcal W}} n_s)}}$.
"""
        ),
    ),
    Assertion(
        "depth",
        lambda claim: (
            rf"""
In that event, if moreover every state of $\mathcal W$ is left and $c = 2 \min_{{\mathcal W}} \hat M(s, s) - 1 - \gamma > 0$,
for all $L$ and every $v_0$

$$
\max_{{\mathcal W}} \lvert v_L - v^\pi \rvert \le \bigl({letters(claim.rate, "alpha", "c")}\bigr)^L \max_{{\mathcal W}} \lvert v_0 - v_{{\mathrm{{CE}}}} \rvert + F .
$$ (eq-finite-context)
"""
        ),
    ),
    Assertion(
        "room",
        lambda claim: (
            rf"""
**Before the context: bound (G).** Let the reward still be a function of the state, and the context one trajectory of a process without terminations,
$\gamma < 1$, $P$ ergodic, $S_0 \sim \mu$, $M_\pi(s, u) = \mu(u) E(s, u)/Z_s$ with
$Z_s = \sum_u \mu(u) E(s, u)$. Let $c$ now be the margin that is asked for, any number with
$0 < c < 2 \min_s M_\pi(s, s) - 1 - \gamma$. Let $\lambda$ be the larger of 0 and the second largest eigenvalue
of $(P + P^*)/2$ (0 for one state), with $P^*$ the reversed chain, $\kappa = {letters(claim.kappa, "lambda")}$,
$m_0 = (1 + \gamma + c)/2$ and

$$
h_s = \frac{{Z_s\, (M_\pi(s, s) - m_0)}}{{(1 - m_0) E(s, s) + m_0 \max_{{u \ne s}} E(s, u)}} ,
$$ (eq-room)

which is how far, in total variation (half the sum of $\lvert n_u/n - \mu_u \rvert$ over all $u$), the frequencies can be
from $\mu$ before $\hat M(s, s)$ can fall to $m_0$. (With one state the maximum over no other state is 0.)
"""
        ),
    ),
    Assertion(
        "visits",
        lambda claim: (
            rf"""
(G) rests on an inequality from the literature, of which the case of visits is counted here: for $h > 0$,
$\Pr\bigl(n_s \ge n(\mu_s + h)\bigr) \le \exp\bigl(-{letters(claim.tail, "n", "h", "kappa")}\bigr)$.
"""
        ),
    ),
    Assertion(
        "G",
        lambda claim: (
            rf"""
If

$$
n \ge {asked_in_letters(claim)} ,
$$ (eq-context-needed)

then with probability at least $1 - \delta$ every state is left, $\min_s \hat M(s, s) \ge m_0$ and
$\lVert v_{{\mathrm{{CE}}}} - v^\pi\rVert \le F_n$, and so for all $L$ and every $v_0$

$$
\lVert v_L - v^\pi \rVert \le \bigl({letters(claim.rate, "alpha", "c")}\bigr)^L \lVert v_0 - v^\pi \rVert + 2 F_n, \qquad
F_n = {floor_in_letters(claim)} .
$$ (eq-context-bound)
"""
        ),
    ),
    Assertion(
        "thirds",
        lambda claim: (
            rf"""
The constants of (G) give ${letters(claim.share, "delta")}$ to each way to fail: some $\hat M(s, s) < m_0$, some state left fewer than
$n\, {letters(claim.few, "mu_s")}$ times, and $v_{{\mathrm{{CE}}}}$ off by more than $F_n$ though none is. With these shares the inequalities
used allow no smaller ones.
"""
        ),
    ),
    Assertion(
        "loose",
        lambda claim: (
            rf"""
They are not sharp: where the entries of $P$ are $\tfrac12$, $r = (1, 0)$, $\gamma = \tfrac12$, $\delta = \tfrac1{{10}}$,
$E(s, s) = 19 E(s, u)$ and $c = \tfrac15$, (G) asks for $n = 33$, and fails with probability
${float(claim.worked):.4f}$.
"""
        ),
    ),
)


CLAIM = Claim(
    id="explicit-finite-sample",
    title="How far the limit is from the truth",
    chapter="context",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"Finitely many states, bounded rewards, $0 \le \gamma < 1$, or $\gamma = 1$ where a termination can be reached from every state.",
            reason=r"where $\gamma = 1$ and no termination can be reached there need be no $v^\pi$; an unbounded reward has no finite $\omega(s)$",
        ),
        Hypothesis(
            "What is drawn on leaving a state does not depend on what was drawn before, and no transition is left out of the context for what it drew.",
            dropped="transitions thrown away for their reward",
        ),
        Hypothesis(
            "A trajectory that was cut counts as cut, and not as terminated.", dropped="a cut counted as a termination"
        ),
        Hypothesis(
            r"For {eq}`eq-target-floor` with $n$: $n$ is fixed in advance, or stands for a number fixed in advance that the transitions do not exceed.",
            reason="where it is decided on the way, the box has another bound",
        ),
        Hypothesis(
            r"For the same: $\omega(s)$ is the length of an interval in which the targets at $s$ lie with certainty, the noise of their rewards included.",
            dropped="the noise of the rewards ignored",
        ),
        Hypothesis(
            r"For {eq}`eq-target-gap` and the bound after it with $\gamma = 1$: $I - P_e$ is invertible, which is to say that in the context too a termination is "
            r"reached from every state of $\mathcal W$; for $\gamma < 1$ it is invertible.",
            reason=r"without it there is no $v_{\mathrm{CE}}$ to speak of",
        ),
        Hypothesis(
            r"From {eq}`eq-certainty-gap` on, and for $\omega \le \gamma\sigma$: the reward is a function of the state that is left, $R_{k+1} = r(S_k)$.",
            dropped="rewards that depend on the successor let in",
        ),
        Hypothesis(
            r"For $\omega \le \gamma\sigma$: the value 0 counts in $\sigma$ where transitions terminate.",
            dropped="σ without the 0 of an ending",
        ),
        Hypothesis(
            r"From {eq}`eq-certainty-gap` on: one trajectory without terminations, $\gamma < 1$.",
            reason=r"not needed for (F) where $\sigma$ counts the 0; (G) is about how often one endless walk visits its states",
        ),
        Hypothesis(r"$0 < \alpha \le 1$.", dropped="α = 2 let in"),
        Hypothesis(
            "Softmax attention (weights $E > 0$).",
            reason=r"with weights of both signs a sum of them may be 0, and $\hat M$ undefined",
        ),
        Hypothesis(
            r"For {eq}`eq-target-gap`, {eq}`eq-certainty-gap` and the bounds after them: every state of $\mathcal W$ is left by some transition, which can be read off "
            r"the context. Of the chain, $F$ takes $\sigma$ and $\lvert\mathcal S\rvert$, and asks nothing else.",
            dropped="a state that no transition leaves let in",
            holds=left,
        ),
        Hypothesis(
            r"For the bounds after $L$ layers $c' > 0$ and $c > 0$, which can be read off the context.",
            reason="not needed for the inequalities where every state is left and $I - \\gamma P_e$ is invertible; where the margin is 0 or less the "
            "factor is 1 or more, and they say nothing of depth",
        ),
        Hypothesis(
            r"For (G): $P$ ergodic.", reason=r"for a reducible chain there is no one $\mu$ of which $M_\pi$ is made"
        ),
        Hypothesis(
            r"For (G): $S_0 \sim \mu$, which the inequality asks that (G) rests on; it is this inequality that fails without.",
            dropped="S_0 = 0 in the cited inequality",
        ),
        Hypothesis(
            r"For (G): $0 < c < 2\min_s M_\pi(s, s) - 1 - \gamma$; with one state, $\max_{u \ne s} E(s, u) = 0$.",
            reason="for a larger $c$ some $h_s$ is 0 or less, and no number of transitions is shown to be enough",
        ),
        Hypothesis(r"For (G): $n$ as large as {eq}`eq-context-needed` asks.", dropped="κ = 1"),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "explicit-finite-sample",
            "for every finite chain, every distribution of S_0, every n, d and depth, and every function in the place of exp that is not negative; "
            "bound (F) on one trajectory, no more",
            stated=(
                "visited.certainty_gap",
                "finite_sample.explicit_finite_sample",
                "visited.floor_at_most",
                "finite_sample.floor_from_least_visits",
            ),
            further=(
                "hoeffding.hoeffding_lemma",
                "paths.path_weights_sum_to_1",
                "paths.supermartingale",
                "deviation.exponential_supermartingale",
                "deviation.deviation_tail",
                "finite_sample.accurate_is_likely",
                "visited.v_CE_error",
                "depth_visited.depth_on_visited",
                "depth_visited.transformer_on_visited",
            ),
            definitions=(
                "neu_bound.distribution",
                "paths.walk",
                "paths.path_weight",
                "paths.Pr",
                "visited.visited",
                "visited.max_visited",
                "visited.value_floor",
                "finite_sample.radius",
                "finite_sample.tau_sigma",
                "finite_sample.accurate",
                "finite_sample.F",
            ),
            asserts=("gap", "F", "shorter", "depth"),
        ),
        *STATED.checks(),
        Check(
            "certified",
            scope_of_pairs,
            certified,
            shows=(unlikely, too_likely, beyond_F, beyond_G, rarely_high, thirds, of_the_worked),
        ),
        Check("numeric", scope_of_tasks, numeric, shows=(simulate_F, failures_of_F, simulate_G, failures_of_G)),
        Check(
            "cited",
            "Hoeffding's inequality for Markov chains, which G uses for the visits: Fan, Jiang and Sun 2021",
            cited,
        ),
    ),
    mutants=MUTANTS,
    rests_on=("bellman", "stationary", "contraction", "certainty-equivalence"),
    source="Found for this book; (G) rests on Fan, Jiang and Sun 2021",
    shared=(
        "The chains and their rewards. The probabilities are counted, not sampled, in the certified check; in the "
        "numeric one the values come from icrl.operator, the bounds from the definitions, and both are compared."
    ),
)
