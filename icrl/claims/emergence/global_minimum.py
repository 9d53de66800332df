r"""global-minimum: the constructed parameters drive the pretraining loss to its least value, in depth and context together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, cached_property
from itertools import chain, product
from random import Random
from typing import Any, NamedTuple

from icrl import state_form
from icrl.algebra import identity
from icrl.arrays import np
from icrl.operator import affine_power
from icrl.pretrain.batches import TaskBatch, sample_tasks
from icrl.pretrain.losses import expected_update
from icrl.tasks import from_gymnasium, one_hot
from icrl.verify.instances.cases import shown
from icrl.verify.instances.chains import fractions, irreducible, rational_chain, rational_vector
from icrl.verify.instances.words import described
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.parts import (
    AT_LEAST,
    AT_MOST,
    Exactly,
    Part,
    Within,
    asserting,
    entries,
    failing,
    first_failure,
    greatest,
)
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Hypothesis, Mutant, Verdict
from icrl.verify.routes.exact_algebra import solved, tree_distribution

HALF, TENTH = Fraction(1, 2), Fraction(1, 10)
ENDLESS = None
"""The length of a context whose frequencies are the probabilities: n = ∞."""


# A task, and all the contexts of one length


@dataclass(frozen=True, eq=False)
class Task:
    """A chain with rewards by state, γ, α, features (S, d), the base B of the scores' exponential B^t, and the margin c asked of a good context."""

    name: str
    P: np.ndarray
    r: np.ndarray
    gamma: Any
    alpha: Any
    x: np.ndarray
    base: float
    c: Any
    lengths: tuple = (ENDLESS,)
    depths: tuple[int, ...] = (0, 1, 3, 30)
    stationary: np.ndarray | None = None

    @cached_property
    def mu(self) -> np.ndarray:
        """μ, by the Markov chain tree theorem unless given."""
        return tree_distribution(self.P) if self.stationary is None else self.stationary

    @cached_property
    def v_pi(self) -> np.ndarray:
        """v^π."""
        return solved(np.eye(len(self.r), dtype=int) - self.gamma * self.P, self.r)

    @cached_property
    def E(self) -> np.ndarray:
        """E(s, u) = B^⟨x(s), x(u)⟩."""
        scores = self.x @ self.x.T
        return (
            np.exp(math.log(self.base) * scores)
            if scores.dtype == float
            else np.vectorize(lambda t: Fraction(self.base) ** int(t), otypes=[object])(scores)
        )

    @property
    def features(self) -> Any:
        """X², the largest squared length of the features."""
        return max((self.x**2).sum(axis=1))

    def model(self, moves: np.ndarray) -> state_form.Model:
        """What a context with these transitions holds, each state paying its reward."""
        return state_form.model(moves, moves.sum(axis=-1) * self.r)

    def contexts(self, n: int | None) -> list[tuple[Any, state_form.Model]]:
        """Every context of n transitions from S_0 ∼ μ, by its counts, with its probability; for n = ∞ the one of the frequencies μP."""
        one = 0 * self.gamma + 1
        if n is ENDLESS:
            return [(one, self.model(self.mu[:, None] * self.P))]
        moves = lambda counts: np.array(counts, dtype=self.P.dtype).reshape(self.P.shape) * one
        return [(p, self.model(moves(counts))) for counts, p in tables(self, n).items()]

    @cached_property
    def evenly_paid(self) -> Task:
        """The same with reward 1 everywhere."""
        return replace(self, r=0 * self.r + 1)

    @property
    def settings(self) -> list[Setting]:
        """Every length of a context with every depth."""
        return [Setting(self, n, L) for n, L in product(self.lengths, self.depths)]

    def __str__(self) -> str:
        return self.name


class Setting(NamedTuple):
    """A task, the length of its contexts, and a depth."""

    task: Task
    n: int | None
    L: int

    def measures(self) -> dict[str, Any]:
        """Sizes, discount and step size."""
        task = self.task
        endless = self.n is ENDLESS
        sizes = {"states": len(task.r), "d": task.x.shape[1]} | ({} if endless else {"n": self.n})
        return sizes | {"L": self.L, "γ": task.gamma, "α": task.alpha, "n = ∞": endless}


def settings(tasks: Iterable[Task]) -> Iterator[Setting]:
    """Those of all the tasks."""
    return chain.from_iterable(task.settings for task in tasks)


def tables(task: Task, n: int) -> Counter:
    """The probability of every table of transition counts, row by row, over all walks of n transitions from S_0 ∼ μ."""
    S = range(len(task.r))
    found: Counter[tuple[int, ...]] = Counter()
    for walk in product(S, repeat=n + 1):
        p = math.prod((task.P[s, u] for s, u in zip(walk, walk[1:])), start=task.mu[walk[0]])
        if p:
            counts = Counter(zip(walk, walk[1:]))
            found[tuple(counts[pair] for pair in product(S, S))] += p
    return found


# What the layers make of it


def layer(task: Task, given: state_form.Model, target: int) -> tuple[np.ndarray, np.ndarray]:
    """A layer as v ↦ vG + b on rows; ``target`` is the sign of the target entry of V."""
    A, exp = identity(task.x.shape[1], task.x), None
    if task.P.dtype == object:
        exp = lambda t: Fraction(task.base) ** int(t)
    else:
        A = math.log(task.base) * A
    K = state_form.attention_weights(task.x, given.counts, A, exp)
    return state_form.layer_map(
        K, given, state_form.Weights(task.alpha, target * task.alpha, -task.alpha, A), task.gamma
    )


def at_depth(G: np.ndarray, b: np.ndarray, depth: int) -> tuple[np.ndarray, Any]:
    """b(I + G + … + G^{L−1}), (S,), as numerators and one denominator: of ``Fraction``s none has to be reduced on the way."""
    if G.dtype != object:
        return affine_power(G.T, b.T, depth)[1][:, 0], 1.0
    q = math.lcm(*(entry.denominator for entry in (*G.flat, *b.flat)))
    step, start = (np.vectorize(lambda entry: int(entry * q), otypes=[object])(array) for array in (G, b[0]))
    v, scale = 0 * start, 1
    for _ in range(depth):
        v, scale = v @ step + scale * start, scale * q
    return v, scale


class Loss(NamedTuple):
    """Of one context: its probability, NEU(v_L)², the least M̂(s, s) over all states, and the least n_s/(nμ_s)."""

    probability: Any
    squared: Any
    own: Any
    visits: Any


@cache
def losses(task: Task, n: int | None, depth: int, target: int) -> list[Loss]:
    """One :class:`Loss` a context."""
    return [
        Loss(p, squared(task, *at_depth(*layer(task, given, target), depth)), *coverage(task, given.counts[:, 0]))
        for p, given in task.contexts(n)
    ]


def squared(task: Task, v: np.ndarray, scale: Any) -> Any:
    """NEU(v/scale)², Euclidean."""
    update = (task.mu * (scale * task.r + task.gamma * (task.P @ v) - v)) @ task.x
    return update @ update / scale**2


def coverage(task: Task, counts: np.ndarray) -> tuple[Any, Any]:
    """The least M̂(s, s) over all states of the process, from the counts, and the least n_s/(nμ_s)."""
    return min(task.E.diagonal() * counts / (task.E @ counts)), min(counts / (counts.sum() * task.mu))


# The statement


def with_margin(own: Any, least: Any) -> bool:
    """Whether the least M̂(s, s) is (1 + γ + c)/2 or more."""
    return own >= least


def often_left(visits: Any) -> bool:
    """Whether n_s ≥ ½nμ(s) at every state, from the least n_s/(nμ(s))."""
    return 2 * visits >= 1


@dataclass(frozen=True)
class Minimum:
    """The statement with its pieces: the construction's target entry, the margin, depth's and context's share; the good contexts'
    factor, X² and r_max²; which have the margin and the visits that are good, how bad ones grow, reward 1, the power of n; how far the bound is from sharp, J after the
    blow-up; and the tasks let in beyond the hypotheses."""

    target: int = 1
    margin: Callable[[Any, Any], Any] = lambda own, gamma: 2 * own - 1 - gamma
    depth: Callable[[Any, Any, int], Any] = lambda alpha, c, L: (1 - alpha * c) ** (2 * L)
    context: Callable[[Any], Any] = lambda share: share
    factor: Any = 2
    longest: Callable[[Any], Any] = lambda squared: squared
    paid: Callable[[Any], Any] = lambda r_max: r_max**2
    sharp: Callable[[Any, Any], bool] = with_margin
    visited: Callable[[Any], bool] = often_left
    growth: Callable[[Any, Any], Any] = lambda alpha, gamma: 1 + alpha * (1 + gamma)
    even: Callable[[Any, Any], Any] = lambda alpha, gamma: 1 - alpha * (1 - gamma)
    slope: int = -1
    room: Fraction = Fraction(1, 5)
    blown_up: Fraction = Fraction(29 * 10**28)
    beyond: tuple[Task, ...] = ()


def parts(claim: Minimum, task: Task) -> Iterator[Part]:
    """Every part of the statement, for every length and depth of the task."""
    for _, n, L in task.settings:
        found, where = losses(task, n, L, claim.target), f"n = {'∞' if n is ENDLESS else n}, L = {L}"
        if n is ENDLESS:
            yield from asserting("endless", in_an_endless_context(claim, task, L, found[0].squared, where))
        yield from asserting("good", of_good_ones(claim, task, n, L, found, where))
        yield from asserting("bad", of_any(claim, task, L, found, where))
        yield from asserting("even", evenly_paid(claim, task, n, L, where))


def mean(found: list[Loss]) -> Any:
    """E[NEU²; the contexts found]."""
    return sum(each.probability * each.squared for each in found)


def at_most(where: str, got: Any, most: Any) -> Part:
    """An inequality, to be met up to rounding relative to its sides."""
    return Part(where, got, most, 1e-9 + float(abs(got)) + float(abs(most)) if isinstance(got, float) else 1.0, AT_MOST)


def in_an_endless_context(claim: Minimum, task: Task, L: int, J: Any, where: str) -> Iterator[Part]:
    """J_{L,∞} ≤ ((1 + γ)X)²(1 − αc)^{2L} ‖v^π‖², where c = 2 min M_π(s, s) − 1 − γ."""
    c = claim.margin(losses(task, ENDLESS, 0, 1)[0].own, task.gamma)
    most = (1 + task.gamma) ** 2 * task.features * greatest(task.v_pi) ** 2
    yield at_most(f"J, {where}", J, most * claim.depth(task.alpha, c, L))


def of_good_ones(claim: Minimum, task: Task, n: int | None, L: int, found: list[Loss], where: str) -> Iterator[Part]:
    """E[NEU²; good] within its bound."""
    good = mean(good_ones(claim, task, found)) + 0 * task.gamma
    yield at_most(f"J of the good contexts, {where}", good, of_the_good(claim, task, n, L))


def of_any(claim: Minimum, task: Task, L: int, found: list[Loss], where: str) -> Iterator[Part]:
    """NEU² in every context within X²r_max²(1 + α(1 + γ))^{2L}, bad ones among them."""
    grown = task.features * greatest(task.r) ** 2 * claim.growth(task.alpha, task.gamma) ** (2 * L)
    yield at_most(f"NEU² in any context, {where}", max(each.squared for each in found), grown)


def good_ones(claim: Minimum, task: Task, found: list[Loss]) -> list[Loss]:
    """The good contexts."""
    least = (1 + task.gamma + task.c) / 2
    return [each for each in found if claim.sharp(each.own, least) and claim.visited(each.visits)]


def of_the_good(claim: Minimum, task: Task, n: int | None, L: int) -> Any:
    """2X²((1 + γ)/(1 − γ))² ((1 − αc)^{2L} r_max² + γ²σ² Σ_s 1/(nμ(s)))."""
    sigma, share = max(task.v_pi) - min(task.v_pi), 0 * task.gamma if n is ENDLESS else sum(1 / task.mu) / n
    most = claim.depth(task.alpha, task.c, L) * claim.paid(greatest(task.r)) + (
        task.gamma * sigma
    ) ** 2 * claim.context(share)
    return claim.factor * ((1 + task.gamma) / (1 - task.gamma)) ** 2 * claim.longest(task.features) * most


def steps(claim: Minimum, task: Task) -> Iterator[Part]:
    """The steps of the proof, for every length of a context that ends."""
    for n in filter(None, task.lengths):
        yield from asserting("constants", steps_of_the_proof(claim, task, n))


def loose(claim: Minimum, task: Task) -> Iterator[Part]:
    """E[NEU²; good] is half of its bound with one state and no layers, and at most a fifth elsewhere; without n_s ≥ ½nμ(s) it is within it too."""
    own = replace(claim, visited=lambda visits: True)
    for n, L in product(filter(None, task.lengths), task.depths):
        found, most, where = losses(task, n, L, claim.target), of_the_good(claim, task, n, L), f"n = {n}, L = {L}"
        good, zero = mean(good_ones(claim, task, found)), 0 * task.gamma
        if len(task.r) == 1 and L == 0:
            yield Part(f"J of the good contexts, by its bound, {where}", good / most, HALF + zero, asserted="loose")
        else:
            near = at_most(f"J of the good contexts, by its bound, {where}", good / most, claim.room + zero)
            yield near._replace(asserted="loose")
        rarely = mean(good_ones(own, task, found)) + zero
        yield at_most(f"J of those with the margin alone, {where}", rarely, most)._replace(asserted="loose")


def steps_of_the_proof(claim: Minimum, task: Task, n: int) -> Iterator[Part]:
    """Where the constants of the good contexts come from: E[(n_s(P_e − P)v^π(s))²] is nμ(s) times a variance, at most σ²/4;
    what n_s ≥ ½nμ(s) makes of it; (a + b)² ≤ 2(a² + b²)."""
    sigma, mean_next, where = max(task.v_pi) - min(task.v_pi), task.P @ task.v_pi, f"n = {n}"
    variance = (task.P * (task.v_pi - mean_next[:, None]) ** 2).sum(axis=1)
    off = 0 * task.mu
    for counts, p in tables(task, n).items():
        moves = np.array(counts, dtype=task.P.dtype).reshape(task.P.shape)
        off = off + p * (moves @ task.v_pi - moves.sum(axis=1) * mean_next) ** 2
    scale = 1.0 + float(n * greatest(task.v_pi) ** 2)
    yield from entries(f"E[(n_s (P_e − P)v^π(s))²], {where}", off, n * task.mu * variance, scale)
    yield Part(f"the variance of v^π(S'), {where}", greatest(variance), sigma**2 / 4, scale, AT_MOST)
    one = 0 * task.gamma + 1
    visits = [each.visits for each in good_ones(claim, task, losses(task, n, 0, claim.target))]
    if visits:
        yield Part(f"the least n_s/(nμ(s)) of a good context, {where}", 2 * min(visits), one, relation=AT_LEAST)
    most = sigma**2 * claim.context(sum(1 / task.mu) / n)
    yield Part(f"Σ_s nμ(s)Var_s / (½nμ(s))², {where}", sum(4 * variance / (n * task.mu)), most, scale, AT_MOST)
    for a, b in ((one, one), (one, 2 * one), (3 * one, one)):
        yield Part(f"(a + b)², a = {a}, b = {b}", (a + b) ** 2, claim.factor * (a * a + b * b), relation=AT_MOST)


def evenly_paid(claim: Minimum, task: Task, n: int | None, L: int, where: str) -> Iterator[Part]:
    """With reward 1 everywhere, NEU(v_L)² = (1 − α(1 − γ))^{2L} ‖Σ_s μ(s)x(s)‖² in every context: above 0 at every finite depth."""
    centre, factor = task.mu @ task.x, claim.even(task.alpha, task.gamma)
    if L <= 12:  # beyond, rounding errors of a diverging context may have outgrown it
        for each in losses(task.evenly_paid, n, L, claim.target):
            scale = float(task.features) * (2 + float(task.gamma)) ** L
            yield Part(f"NEU² with reward 1, {where}", each.squared, factor ** (2 * L) * (centre @ centre), scale)


# Tasks


def numbered(rows: Any) -> np.ndarray:
    """Features of ``Fraction``s."""
    return fractions(np.array(rows, dtype=int))


COIN, UNIT, EYE = fractions([[HALF, HALF], [HALF, HALF]]), fractions([1, 0]), numbered(np.eye(2))
ALIKE = Task(
    "P = 1/2, r = (1, 0), γ = 0, α = 1, x = (0, 1), E = 2^t, c = 1/2",
    COIN,
    UNIT,
    0 * HALF,
    Fraction(1),
    numbered([[0], [1]]),
    2,
    HALF,
    (ENDLESS,),
    (0, 20),
)
PAIR = Task(
    "P = 1/2, r = (1, 0), γ = 1/2, α = 1, one-hot, E = 19^t, c = 1/5",
    COIN,
    UNIT,
    HALF,
    Fraction(1),
    EYE,
    19,
    Fraction(1, 5),
    (1, 8, ENDLESS),
    (0, 1, 2, 5, 60),
)
HALF_STEP = replace(
    PAIR,
    name="P = 1/2, r = (1, 0), γ = α = 1/2, one-hot, E = 1000^t, c = 2/5",
    alpha=HALF,
    base=1000,
    c=Fraction(2, 5),
    lengths=(4, ENDLESS),
    depths=(0, 3, 30),
)
TWICE = replace(
    PAIR,
    name="P = 1/2, r = (1, 0), γ = 1/2, α = 2, one-hot, E = 19^t, c = 1/5",
    alpha=Fraction(2),
    lengths=(ENDLESS,),
)
UNEVEN = Task(
    "P = 1/2, r = (1, 0), γ = 0, α = 1, one-hot, E = 2^t, c = 3/10",
    COIN,
    UNIT,
    0 * HALF,
    Fraction(1),
    EYE,
    2,
    Fraction(3, 10),
    (4, ENDLESS),
    (0, 1, 60),
)
ALONE = Task(
    "one state, r = x = 1, γ = 0, α = 1, c = 1/2",
    fractions([[1]]),
    fractions([1]),
    0 * HALF,
    Fraction(1),
    numbered([[1]]),
    2,
    HALF,
    (1, ENDLESS),
    (0, 1),
)
LARGE = replace(ALONE, name="one state, r = x = 3, γ = 0, α = 1, c = 1/2", r=fractions([3]), x=numbered([[3]]))
APART = numbered([[1], [-1]])
SHARP = Task(
    "P = 1/2, r = (1, 0), γ = 1/20, α = 1, x = (1, -1), E = 1000^t, c = 9/10",
    COIN,
    UNIT,
    Fraction(1, 20),
    Fraction(1),
    APART,
    1000,
    Fraction(9, 10),
    (4, 8, ENDLESS),
    (0, 1, 60),
)
TURNS = fractions([["1/10", "9/10"], ["9/10", "1/10"]])
SHARPER = (
    replace(
        SHARP,
        name="P = 1/2, r = (1, 0), γ = 4/5, α = 1, x = (1, -1), E = 1000^t, c = 1/10",
        gamma=Fraction(4, 5),
        c=TENTH,
    ),
    replace(
        SHARP,
        name="P = ((1/10, 9/10), (9/10, 1/10)), r = (1, 0), γ = 0, α = 1, x = (1, -1), E = 1000^t, c = 9/10",
        P=TURNS,
        gamma=0 * HALF,
        lengths=(4, ENDLESS),
    ),
    replace(
        SHARP,
        name="P = ((1/2, 1/2), (1, 0)), r = (1, 0), γ = 1/20, α = 1, x = (1, -1), E = 1000^t, c = 9/10",
        P=fractions([["1/2", "1/2"], [1, 0]]),
        lengths=(6, ENDLESS),
    ),
)
RARE = fractions(["16/1000000000000", Fraction(98, 100) - Fraction(16, 10**12), "2/100"])
LINE = numbered([[-3], [0], [-2]])
BLOW_UP = Task(
    "x = (-3, 0, -2), E = 5000^t, r = (0, 0, 1), γ = 9/10, α = 1, the next state 1 with probability .98, 2 with .02, 0 with 1.6e-11",
    np.array([RARE] * 3),
    fractions([0, 0, 1]),
    Fraction(9, 10),
    Fraction(1),
    LINE,
    5000,
    Fraction(1, 25),
    (3, ENDLESS),
    (0, 10, 50, 200),
)


NAMED = (PAIR, HALF_STEP, UNEVEN, ALIKE, BLOW_UP, ALONE, LARGE, SHARP, *SHARPER)


@cache
def tasks() -> tuple[Task, ...]:
    """The named ones, and random irreducible chains of 2 and 3 states with integer features, E = 2^t."""
    rng, found = Random(0), list(NAMED)
    while len(found) < len(NAMED) + 8:
        size = 2 + len(found) % 2
        P, x = rational_chain(rng, size), numbered([[rng.randint(-2, 3) for _ in range(2)] for _ in range(size)])
        if irreducible(P):
            gamma, alpha = Fraction(rng.randint(0, 9), 10), Fraction(rng.randint(1, 4), 4)
            found.append(
                Task(
                    f"chain {len(found)}, P = {shown(P)}, x = {shown(x)}, γ = {gamma}, α = {alpha}",
                    P,
                    rational_vector(rng, size),
                    gamma,
                    alpha,
                    x,
                    2,
                    TENTH,
                    (1, 3, ENDLESS),
                    (0, 1, 4, 12),
                )
            )
    return tuple(found)


def in_floats(task: Task) -> Task:
    """The same in floats."""
    given = {"P": task.P, "r": task.r, "gamma": task.gamma, "alpha": task.alpha, "x": task.x, "c": task.c}
    floats = lambda entry: np.array(entry, float) if np.ndim(entry) else float(entry)
    numbers: dict[str, Any] = {name: floats(entry) for name, entry in (given | {"stationary": task.mu}).items()}
    return replace(task, **numbers)


@cache
def float_tasks() -> tuple[Task, ...]:
    """The same in floats, and FrozenLake-v1 in an endless context."""
    lake = from_gymnasium("FrozenLake-v1")
    return (
        *map(in_floats, tasks()),
        Task(
            "FrozenLake-v1, one-hot, β = 12",
            lake.transition,
            lake.reward,
            lake.discount,
            1.0,
            one_hot(lake.n_states, 12.0),
            math.e,
            0.01,
            stationary=lake.stationary_distribution(),
        ),
    )


# The checks


def exact(claim: Minimum, budget: Budget) -> Verdict:
    """Every part in ``Fraction``s, over all contexts of each length; and what becomes of J at n = 3 in the task that blows up."""
    met = Counter[str]()
    stated = [(task, made(claim, task)) for made in (parts, steps, loose) for task in (*claim.beyond, *tasks())]
    for task, numbers in [*stated, (BLOW_UP, asserting("blow-up", blow_up(claim)))]:
        for part in numbers:
            met[part.asserted] += 1
            if Exactly().fails(part):
                found = first_failure(str(task), [in_short(part)], Within(0.0))
                asserted = failing(part, numbers, Exactly())
                return Verdict(
                    False, "a part of the statement fails", counterexample=found and replace(found, asserted=asserted)
                )
    return Verdict(
        True,
        f"{len(tasks())} rational tasks, every context of 1 to 8 transitions, and n = ∞: {TOLD}; {how_near(claim)}; at "
        f"n = 3, J = .0016, .0015, .0015, 2.9e29 at L = 0, 10, 50, 200 where J falls to 0 at n = ∞",
        met=met,
    )


def how_near(claim: Minimum) -> str:
    """In how many tasks finite contexts are good, and how near E[NEU²; good] comes to its bound without layers and after 60."""
    shares: dict[Task, Any] = {}
    nearest = {0: 0.0, 60: 0.0}
    for task in tasks():
        for n, L in product(filter(None, task.lengths), nearest.keys() & set(task.depths)):
            good = good_ones(claim, task, losses(task, n, L, claim.target))
            shares[task] = max(shares.get(task, 0), sum(each.probability for each in good))
            nearest[L] = max(nearest[L], float(mean(good) / of_the_good(claim, task, n, L)))
    some, most = (sum(share > least for share in shares.values()) for least in (0, HALF))
    near = " and ".join(f"{share:.3f} at L = {L}" for L, share in nearest.items())
    return f"finite contexts are good in {some} of the tasks, with a probability above 1/2 in {most}, and J comes to at most {near}, in parts of their bound"


def in_short(part: Part) -> Part:
    """The same with its two numbers as floats, where they are too long to be read as fractions."""
    long = max(part.got.denominator, part.right.denominator) > 10**12
    return part._replace(got=float(part.got), right=float(part.right)) if long else part


def blow_up(claim: Minimum) -> Iterator[Part]:
    """J_{L,3} at L = 0, 10, 50, 200, to two digits, and J_{200,∞}. Each NEU² is cut off after 40 decimals, so that the sum stays short."""
    last = Fraction(1, 10**40)
    for L, least, most in (
        (0, "1/625", "1/625"),
        (10, "150/100000", "152/100000"),
        (50, "150/100000", "155/100000"),
        (200, claim.blown_up, claim.blown_up + 10**28),
    ):
        J = sum(
            (each.probability * (each.squared // last * last) for each in losses(BLOW_UP, 3, L, claim.target)),
            Fraction(0),
        )
        yield Part(f"J, n = 3, L = {L}", J, Fraction(least), relation=AT_LEAST)
        yield Part(f"J, n = 3, L = {L}", J + (last if L else 0), Fraction(most), relation=AT_MOST)
    yield Part(
        "J, n = ∞, L = 200",
        losses(BLOW_UP, ENDLESS, 200, claim.target)[0].squared,
        Fraction(1, 10**12),
        relation=AT_MOST,
    )


LENGTHS, DEPTHS = (30, 100, 300, 1000, ENDLESS), (0, 3, 10, 30, 100)
SHARPNESS, STATES, DISCOUNT, TASKS = 12.0, 10, 0.9, 600


@cache
def table(seed: int, count: int, target: int) -> dict[tuple[int | None, int], float]:
    """J_{L,n}/J_{0,n} over ``count`` random tasks, the same for all n, a context each: dense rows, one-hot features, α = 1."""
    found: dict[tuple[int | None, int], float] = {}
    for n in LENGTHS:
        batch = sample_tasks(np.random.default_rng(seed), count, "dense", "one-hot", STATES, STATES, DISCOUNT, n)
        batch = batch._replace(features=math.sqrt(SHARPNESS) * batch.features)
        J = {
            L: float((expected_update(v, batch) ** 2).sum(axis=-1).mean())
            for L, v in zip(DEPTHS, batch_values(batch, target))
        }
        found |= {(n, L): J[L] / J[0] for L in DEPTHS}
    return found


def batch_values(batch: TaskBatch, target: int) -> Iterator[np.ndarray]:
    """v_L of every task, (B, S), for the L of ``DEPTHS``: the layer as v ↦ vG + b, and its powers."""
    given, A = state_form.model(batch.moves, batch.paid), np.eye(STATES)
    K, w = (
        state_form.attention_weights(batch.features, given.counts, A),
        state_form.Weights(1.0, float(target), -1.0, A),
    )
    G, b = state_form.layer_map(K, given, w, batch.discount)
    for L in DEPTHS:
        yield affine_power(G.swapaxes(-1, -2), b.swapaxes(-1, -2), L)[1][..., 0]


def trends(claim: Minimum, J: dict[tuple[int | None, int], float]) -> Iterator[Part]:
    """The rate in depth at n = ∞, the power of n at L = 100, that neither limit alone will do, and that both together do."""
    for first, last in ((10, 30), (30, 100)):
        rate = (J[ENDLESS, last] / J[ENDLESS, first]) ** (1 / (2 * (last - first)))
        yield from between(f"rate at n = ∞ from L = {first} to {last}", rate, DISCOUNT - 0.01, DISCOUNT + 0.01)
    slope = math.log(J[1000, 100] / J[100, 100]) / math.log(10)
    yield from between(
        "slope of log J against log n at L = 100, n = 100 to 1000", slope, claim.slope - 0.3, claim.slope + 0.3
    )
    yield Part("J/J(0) at L = 3, n = ∞", J[ENDLESS, 3], 0.05, relation=AT_LEAST)
    yield from between("J/J(0) at L = 3, n = 1000, against n = ∞", J[1000, 3] / J[ENDLESS, 3], 0.8, 1.25)
    yield Part("J/J(0) at L = 100, n = 30", J[30, 100], 0.1, relation=AT_LEAST)
    together = [J[n, L] for n, L in zip((30, 100, 300, 1000), (3, 10, 30, 100))]
    for n, before, after in zip((100, 300, 1000), together, together[1:]):
        yield Part(f"J/J(0) at L = n/10, n = {n}", after, before / 2, relation=AT_MOST)


def between(where: str, got: float, least: float, most: float) -> Iterator[Part]:
    """A number within an interval."""
    yield Part(where, got, least, relation=AT_LEAST)
    yield Part(where, got, most, relation=AT_MOST)


def numeric(claim: Minimum, budget: Budget) -> Verdict:
    """The parts in floats, with FrozenLake-v1 beside them; then the table of J over n and L."""
    count = budget.trials or TASKS
    met = Counter[str]()
    for made, task in product((parts, steps, loose), (*map(in_floats, claim.beyond), *float_tasks())):
        if found := first_failure(str(task), made(claim, task), Within(1e-9), met):
            return Verdict(False, "a part of the statement fails", counterexample=found)
    J = table(budget.seed, count, claim.target)
    if found := first_failure(
        f"{count} dense tasks (seed {budget.seed}), one-hot features",
        asserting("measured", trends(claim, J)),
        Within(0.0),
        met,
    ):
        return Verdict(False, "not the trends that are stated", counterexample=found)
    measured = "; ".join(f"L = {L}: " + ", ".join(f"{J[n, L]:.2g}" for n in LENGTHS) for L in DEPTHS[1:])
    return Verdict(
        True,
        f"{len(float_tasks())} tasks, FrozenLake-v1 at n = ∞ among them: {TOLD}. {count} random dense tasks of "
        f"{STATES} states (seed {budget.seed}), γ = {DISCOUNT}, one-hot features of sharpness {SHARPNESS:g}, α = 1: "
        f"from L = 10 on J falls at n = ∞ by γ² a layer to within .01 of γ; at L = 100 like 1/n, its power −1 ± .3; "
        f"not below .05 J(0) at L = 3, nor .1 J(0) at n = 30; along L = n/10 it more than halves from each n to the "
        f"next",
        f"J/J(0) at n = 30, 100, 300, 1000, ∞: {measured}",
        met=met,
    )


def cited(claim: Minimum, budget: Budget) -> Verdict:
    """What is taken from the literature."""
    return Verdict(
        None,
        "that the construction minimises the loss in the limit is the published theorem (Xie et al. 2026, Theorem 3); "
        "that bad contexts are exponentially rare in n rests, for successive states that are not independent, on the "
        "inequality for Markov chains of Fan, Jiang and Sun 2021, as (G) of explicit-finite-sample does",
    )


TOLD = "at n = ∞ J within the rate; the good contexts and every single one within their bounds; with reward 1 as stated in every context, up to 12 layers"

INSTANCE = {"numeric": "the instance is computed in rationals alone"}
CONSTANTS = {"exact": "in contexts short enough to be listed the constants hide the power of n"}

MUTANTS = (
    Mutant("the target entry of V with a minus", Minimum(target=-1)),
    Mutant("L fixed and n → ∞ said to give 0", Minimum(depth=lambda alpha, c, L: 0 * c)),
    Mutant("n fixed and L → ∞ said to give 0", Minimum(context=lambda share: 0 * share)),
    Mutant(
        "the limits exchanged: bad contexts said not to grow with depth",
        Minimum(growth=lambda alpha, gamma: 1 + 0 * gamma),
    ),
    Mutant("a context said to be good whatever its margin", Minimum(sharp=lambda own, least: True)),
    Mutant("2 → 1/2 in the bound of the good contexts", Minimum(factor=HALF)),
    Mutant("2 → 1 in the bound of the good contexts", Minimum(factor=1)),
    Mutant("n_s ≥ ½nμ(s) not asked of a good context", Minimum(visited=lambda visits: True)),
    Mutant("a tenth of Σ γ²σ²/(nμ(s))", Minimum(context=lambda share: share / 10)),
    Mutant("X left out of the bound of the good contexts", Minimum(longest=lambda squared: squared**0)),
    Mutant("r_max in the place of its square", Minimum(paid=lambda r_max: r_max)),
    Mutant("a fiftieth of Σ γ²σ²/(nμ(s))", Minimum(context=lambda share: share / 50)),
    Mutant("c left out: the rate 1 − α(1 − γ) whatever the features", Minimum(margin=lambda own, gamma: 1 - gamma)),
    Mutant("rate 1 − c, whatever α is", Minimum(depth=lambda alpha, c, L: (1 - c) ** (2 * L))),
    Mutant("reward 1: factor γ, whatever α is", Minimum(even=lambda alpha, gamma: gamma)),
    Mutant("the floor falls like 1/n²", Minimum(slope=-2), CONSTANTS, "numeric"),
    Mutant("α = 2 let in", Minimum(beyond=(TWICE,))),
    Mutant("less than a tenth of the bound", Minimum(room=TENTH)),
    Mutant("J = 3.0e29 after the blow-up", Minimum(blown_up=Fraction(3 * 10**29)), INSTANCE),
)


STATEMENT = r"""
A task is a finite Markov reward process with irreducible $P$, stationary distribution $\mu$, rewards
$R_{k+1} = r(S_k)$, and features $x$. For a distribution over tasks with one $\gamma \in [0, 1)$ and bounded $r$ and
$x$, and for parameters $\theta$ with which $L$ layers make the values $v_\theta$ of a context of $n$ transitions,
$S_0 \sim \mu$, let

$$
J_{L,n}(\theta) = \mathbb E\bigl[\mathrm{NEU}(v_\theta)^2\bigr] \ge 0 ,
$$ (eq-loss)

over tasks and contexts, Euclidean. In a context that has no end, $n = \infty$, counts are $\mu$ and frequencies $P$.
Let $\theta$ be **the construction** ($A = \beta I$ with any $\beta > 0$, which enters the weights $\hat M$ and
$M_\pi$; step size $0 < \alpha \le 1$, $v_0 = 0$), $X = \max_s \lVert x(s) \rVert$,
$r_{\max} = \max \lvert r \rvert$, $\sigma = \max v^\pi - \min v^\pi$, and
$c_\infty = 2 \min_s M_\pi(s, s) - 1 - \gamma$. By {prf:ref}`neu-bound`,
$J_{L,n} \le \mathbb E\bigl[(1 + \gamma)^2 X^2 \lVert v_L - v^\pi \rVert_\infty^2\bigr]$.
""".strip()


def depth_of(claim: Minimum, c: str) -> str:
    """What depth leaves of a squared error, in the book's letters."""
    return letters(claim.depth, "alpha", c, "L")


def of_the_good_in_letters(claim: Minimum) -> str:
    """The bound of the good contexts, in the book's letters."""
    lengths = letters(lambda X: claim.factor * claim.longest(X**2), "X")
    paid = letters(claim.paid, r"r_{\max}")
    share = letters(claim.context, r"\sum_s \frac{\gamma^2 \sigma^2}{n \mu(s)}")
    start = rf"{depth_of(claim, 'c')}\, {paid}"
    return rf"{lengths} \Bigl(\frac{{1 + \gamma}}{{1 - \gamma}}\Bigr)^2 \Bigl( {start} + {share} \Bigr)"


PROOF, MARGIN = "proof-global-minimum", r"c_\infty"
"""The label of the proof in the chapter, and how the book writes the margin in an endless context."""

ASSERTIONS = (
    Assertion(
        "minimum",
        r"""
Where the margins are positive, the loss of the construction falls to 0, the least value that any parameters could have,
as depth and context grow together, the depth not too fast; alone neither need be enough.
""",
        basis="argued",
        where=PROOF,
    ),
    Assertion(
        "endless",
        lambda claim: (
            rf"""
**Depth, in a context that has no end.** Task by task,

$$
\mathrm{{NEU}}(v_L)^2 \le (1 + \gamma)^2 X^2\, {depth_of(claim, MARGIN)}\, \lVert v^\pi \rVert_\infty^2 ,
$$ (eq-endless-loss)

which falls to 0 with depth if $c_\infty > 0$.
"""
        ),
    ),
    Assertion(
        "good",
        lambda claim: (
            rf"""
**Both, in a context of $n$ transitions.** Let $0 < c < c_\infty$, and call a context *good* if
$2\hat M(s, s) - 1 - \gamma \ge c$ and $n_s \ge \tfrac12 n \mu(s)$ at every state $s$ of the process. Then

$$
\mathbb E\bigl[\mathrm{{NEU}}(v_L)^2;\, \text{{good}}\bigr] \le {of_the_good_in_letters(claim)} .
$$ (eq-good-contexts)
"""
        ),
    ),
    Assertion(
        "constants",
        lambda claim: (
            rf"""
The constants are those of the proof: $\mathbb E[(n_s (P_e - P)v^\pi(s))^2]$ is $n\mu(s)$ times a variance of at
most $\sigma^2/4$, leaving out the $n_s^2$ multiplies it by at most $4/(n\mu(s))^2$ where $n_s \ge \tfrac12 n\mu(s)$, and
$(a + b)^2 \le {claim.factor}(a^2 + b^2)$.
"""
        ),
    ),
    Assertion(
        "loose",
        lambda claim: (
            rf"""
The bound is not sharp: in the tasks counted here the left side comes to half of it with one state, $\gamma = 0$ and no
layers, and to at most ${claim.room}$ of it in all others; and none of them shows that $n_s \ge \tfrac12 n\mu(s)$ is needed.
"""
        ),
    ),
    Assertion(
        "bad",
        lambda claim: (
            rf"""
Call the other contexts *bad*. Since $\mathrm{{NEU}}(v_L) \le X r_{{\max}} \bigl({letters(claim.growth, "alpha", "gamma")}\bigr)^L$ in every context
whatever,

$$
\mathbb E\bigl[\mathrm{{NEU}}(v_L)^2;\, \text{{bad}}\bigr]
\le \Pr(\text{{bad}})\; X^2 r_{{\max}}^2\, \bigl({letters(claim.growth, "alpha", "gamma")}\bigr)^{{2L}} .
$$ (eq-bad-contexts)
"""
        ),
    ),
    Assertion(
        "rare",
        r"""
If $P$ is ergodic, with $\kappa$ and $h_s$ of {prf:ref}`explicit-finite-sample`,
$\Pr(\text{bad}) \le \sum_s \bigl(e^{-2 n h_s^2 / \kappa} + e^{-n \mu(s)^2 / 2\kappa}\bigr)$.
""",
        basis="cited",
        where="Fan, Jiang and Sun 2021",
    ),
    Assertion(
        "order-of-limits",
        r"""
**The order of limits.** At each $L$, $J_{L,n} \to J_{L,\infty}$ as $n \to \infty$. So where $c_\infty > c > 0$ in all tasks, with one $c$,

$$
\lim_{L \to \infty}\, \lim_{n \to \infty} J_{L,n} = 0 .
$$ (eq-order-of-limits)
""",
        basis="argued",
        where=PROOF,
    ),
    Assertion(
        "together",
        r"""
If also $P$ is ergodic in all tasks, and their $\mu(s)$, $1/\kappa$ and $h_s$ (for this $c$)
are bounded away from 0, then $J_{L,n} \to 0$ as $L, n \to \infty$ together with $L \le \kappa' n$, for any small
enough $\kappa'$.
""",
        basis="argued",
        where=PROOF,
    ),
    Assertion(
        "measured",
        lambda claim: (
            rf"""
Over {TASKS} random dense tasks of {STATES} states with one-hot features, $\beta = {SHARPNESS:g}$, $\gamma = {DISCOUNT}$ and $\alpha = 1$, a
context each, a layer beyond the tenth multiplies $J_{{L,\infty}}$ by the square of a number within $.01$ of $\gamma$. $J$
at $L = 100$ falls from $n = 100$ to 1000 like ${letters(lambda n: n**claim.slope, "n")}$, its power
measured to $\pm .3$; it more than halves from each of $n = 30, 100, 300, 1000$ to the next along $L = n/10$, and stays
above $.05\, J_{{0,n}}$ at $L = 3$ with $n = \infty$, and above $.1\, J_{{0,n}}$ at $L = 100$ with $n = 30$.
"""
        ),
    ),
    Assertion(
        "even",
        lambda claim: (
            rf"""
**Neither limit alone.** At every $L$ and $n$, $n = \infty$ included, a task that pays 1 everywhere has

$$
\mathrm{{NEU}}(v_L)^2 = \bigl({letters(claim.even, "alpha", "gamma")}\bigr)^{{2L}}\, \Bigl\lVert \sum_s \mu(s)\, x(s) \Bigr\rVert^2
$$ (eq-loss-at-finite-depth)

in every context, above 0 unless $\alpha = 1$, $\gamma = 0$ and $L \ge 1$, or the mean features are 0.
"""
        ),
    ),
    Assertion(
        "one-transition",
        r"""
And at fixed $n$, depth alone need not bring $J_{L,n}$ to 0. For $n = 1$ it tends to a number that is positive as a
rule.
""",
        basis="argued",
        where="one-transition-for-ever",
    ),
    Assertion(
        "blow-up",
        lambda claim: (
            rf"""
Or it grows: with $x = (-3, 0, -2)$, $\beta = \ln 5000$ (so that the weights are made of
$5000^{{\langle x(s), x(u) \rangle}}$), $r = (0, 0, 1)$, $\gamma = \tfrac{{9}}{{10}}$, $\alpha = 1$, and states drawn
independently with probabilities $1.6 \cdot 10^{{-11}}$, the rest, and $.02$, $c_\infty > 0$, but
$J_{{L,3}} = .0016,\ .0015,\ .0015,\ {float(claim.blown_up / 10**29):.1f} \cdot 10^{{29}}$ at $L = 0, 10, 50, 200$. These four are
exact, to the digits shown. That it goes on to infinity rests on a spectral radius above 1 found in floating point.
"""
        ),
    ),
)


CLAIM = Claim(
    id="global-minimum",
    title="The construction reaches the least loss, in the limit",
    chapter="why-a-loss-would-want-them",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"The construction's row of $V$, $\alpha (1, 1, -1)$, the same in all layers.",
            dropped="the target entry of V with a minus",
        ),
        Hypothesis(
            r"$A = \beta I$ with $\beta > 0$.",
            reason="the bounds ask of $A$ no more than what it makes of the margins; any other $A$ with the margins will do",
        ),
        Hypothesis(r"$0 < \alpha \le 1$.", dropped="α = 2 let in"),
        Hypothesis(
            r"$v_0 = 0$.",
            reason=r"another $v_0$ changes what depth shrinks, $\lVert v^\pi \rVert$ to $\lVert v_0 - v^\pi \rVert$, and not the limits",
        ),
        Hypothesis(
            r"$R_{k+1} = r(S_k)$, $S_0 \sim \mu$, $0 \le \gamma < 1$.",
            reason="what goes wrong without the first two is shown at {prf:ref}`explicit-finite-sample`, which this rests "
            r"on; where $\gamma = 1$ there is no one $v^\pi$",
        ),
        Hypothesis(
            "A state that a context does not visit has the value that a query column with its features would get.",
            reason="a convention: without it $v_L$ is not defined there",
        ),
        Hypothesis(
            r"For the limits a margin, $c_\infty > c > 0$ in every task, with one $c$.",
            dropped="c left out: the rate 1 − α(1 − γ) whatever the features",
        ),
        Hypothesis(
            r"For the bound of the good contexts the margin $2\hat M(s, s) - 1 - \gamma \ge c$ in each of them.",
            dropped="a context said to be good whatever its margin",
            holds=with_margin,
        ),
        Hypothesis(
            r"For the constants of the proof $n_s \ge \tfrac12 n \mu(s)$ at every state of a good context; that the bound itself needs it is not shown.",
            dropped="n_s ≥ ½nμ(s) not asked of a good context",
            holds=often_left,
        ),
        Hypothesis(
            "Bounded rewards and features; for both limits together also bounds that hold for all tasks, as stated.",
            reason="without bounds the mean over tasks need not be finite, nor its limit the mean of the limits",
        ),
        Hypothesis(r"$n \to \infty$.", dropped="n fixed and L → ∞ said to give 0"),
        Hypothesis(
            r"$L \to \infty$. At finite $L$ and $n$ the construction need not be a minimum, and other parameters may have the "
            "same limit.",
            dropped="L fixed and n → ∞ said to give 0",
        ),
    ),
    subject=Minimum(),
    checks=(
        proof(
            "global-minimum",
            "task by task, for every number of states, n > 0, L and d, any weights E ≥ 0 (E > 0 where all rewards are 1) and any "
            "seminorm; the values are those of weighted TD, which softmax-td finds in the value row, and means over contexts "
            "are finite sums over walks",
            stated=(
                "loss_bounds.endless_loss",
                "good_contexts.loss_of_good_contexts",
                "loss_bounds.loss_grows_at_most",
                "loss_bounds.loss_of_bad_contexts",
                "even_rewards.even_loss_without_end",
                "even_rewards.even_loss_in_a_context",
            ),
            further=(
                "loss_bounds.population_contracts",
                "second_moment.square_of_the_empirical_error",
                "second_moment.next_variance_at_most",
                "good_contexts.square_of_a_sum",
                "good_contexts.visits_left_out",
                "even_rewards.even_loss_is_0_iff",
            ),
            definitions=(
                "loss_bounds.endless_values",
                "loss_bounds.context_values",
                "good_contexts.good",
                "second_moment.next_variance",
            ),
            asserts=("endless", "good", "constants", "bad", "even"),
        ),
        Check(
            "exact",
            lambda: (
                f"J over all contexts of {len(tasks())} tasks, "
                f"{described(settings(tasks()), 'triples (task, n, L) in rationals')}: the bounds and the instances; "
                "of the limits, what the bounds give. The bound of the good contexts holds with room to spare: "
                "no instance here tells (1 + γ)/(1 − γ) from 1, or the sum of 1/μ(s) from 1; the steps that its constants "
                "come from are checked by themselves"
            ),
            exact,
            shows=(
                parts,
                in_an_endless_context,
                of_good_ones,
                of_any,
                steps_of_the_proof,
                loose,
                evenly_paid,
                blow_up,
            ),
        ),
        Check(
            "numeric",
            lambda: (
                f"the same of {len(float_tasks())} tasks, FrozenLake-v1 at n = ∞ the last, "
                f"{described(settings(float_tasks()), 'triples (task, n, L) in floats')}; "
                f"J over n in {LENGTHS[0]}..{max(filter(None, LENGTHS))} and ∞, L in {DEPTHS[0]}..{DEPTHS[-1]}, "
                f"one context each in {TASKS} random tasks of {STATES} states"
            ),
            numeric,
            shows=(parts, in_an_endless_context, of_good_ones, of_any, evenly_paid, trends),
        ),
        Check(
            "cited",
            "the published theorem, and how rare bad contexts are: Xie et al. 2026, Theorem 3; Fan, Jiang and Sun 2021",
            cited,
        ),
    ),
    mutants=MUTANTS,
    rests_on=(
        "neu-bound",
        "state-form",
        "contraction",
        "rate-floor",
        "certainty-equivalence",
        "fixed-point",
        "explicit-finite-sample",
    ),
    source="Xie et al. 2026, Theorem 3; the bounds for finite n, the lower bound and the instance were found for this book",
    shared=(
        "The layers are those of icrl.state_form, which the claim state-form compares with the Transformer's. The "
        "probabilities of contexts are summed, not sampled, in the exact check."
    ),
)
