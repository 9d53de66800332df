r"""a-priori-finite-sample: a length that suffices from any start, with nothing cited: what a chain remembers in the place of how fast it mixes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import chain, product
from random import Random
from typing import Any, NamedTuple

import sympy as sp

from icrl.arrays import np
from icrl.claims.convergence import explicit_finite_sample as explicit
from icrl.claims.convergence.explicit_finite_sample import (
    Contexts,
    Instance,
    Pair,
    Task,
    identity,
    two_states,
    wrong_in,
)
from icrl.claims.foundations.stationary import is_aperiodic
from icrl.mrp import MarkovRewardProcess
from icrl.operator import context_needed_from_any_start, operator_from_kernel
from icrl.prompt import prompt, rows
from icrl.tasks import one_hot, random_mrp, ring
from icrl.transformer import softmax_td_parameters, transformer
from icrl.verify.instances.cases import shown, to_ball
from icrl.verify.instances.chains import fractions, irreducible, rational_chain
from icrl.verify.instances.words import described
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.differences import BITS
from icrl.verify.judging.parts import (
    AT_LEAST,
    AT_MOST,
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
from icrl.verify.routes.exact_algebra import solved, tree_distribution

HALF, TENTH = Fraction(1, 2), Fraction(1, 10)


def powers(P: np.ndarray, count: int) -> list[np.ndarray]:
    """P⁰, …, P^(count − 1)."""
    found = [identity(len(P))]
    while len(found) < count:
        found.append(found[-1] @ P)
    return found


def apart(M: np.ndarray) -> Any:
    """max_{s,u} ½ Σ_y |M(s, y) − M(u, y)|."""
    return max(sum(abs(row - other)) / 2 for row in M for other in M)


def visits(P: np.ndarray, n: int) -> list[np.ndarray]:
    """Σ_{j<m} P^j, for m = 1, …, n: the expected visits to each state from each."""
    found: list[np.ndarray] = []
    for power in powers(P, n):
        found.append(found[-1] + power if found else power)
    return found


def effect(P: np.ndarray, n: int) -> Any:
    """ζ as far as n transitions know it: the largest of ``apart(Σ_{j<m} P^j)`` for m up to n."""
    return max(map(apart, visits(P, n)))


def scores(E: np.ndarray, m_0: Any, s: int) -> np.ndarray:
    """f_s(u) = m_0 E(s, u), less E(s, s) at u = s."""
    return np.array([m_0 * E[s, u] - int(u == s) * E[s, s] for u in range(len(E))], dtype=object)


@dataclass(frozen=True)
class Anywhere:
    """The statement with its pieces: ζ, what bounds it, what a start adds, the exponents, what n must be, how δ is shared, F_n, the rate; and what
    is let in beyond the hypotheses: sums along walks, contexts, chains of two states, tasks to simulate."""

    effect: Callable = effect
    forgotten: Callable = lambda k, chi: k / (1 - chi)
    late: Callable = lambda zeta: zeta
    tail: Callable = lambda n, t, zeta: 2 * t**2 / (n * zeta**2)
    start: Callable = lambda mu: mu
    scores: Callable = scores
    needed: Callable = lambda zeta, ell, h: zeta**2 * ell / (2 * h**2) + 2 * zeta / h
    from_mu: Callable = lambda zeta, ell, h: zeta**2 * ell / (2 * h**2)
    for_the_start: Callable = lambda zeta, h: 2 * zeta / h
    for_the_tail: Callable = lambda zeta, ell, h: 2 * zeta**2 * ell / h**2
    few: Callable = lambda mu: mu / 2
    margins: Callable = lambda size, delta: 3 * size / delta
    misses: Callable = lambda size, delta: 6 * size / delta
    missed: Callable = lambda m, tau: 2 * m * tau**2
    least_visited: Callable = lambda mu: mu
    off: Callable = lambda floor: floor
    rate: Callable = lambda alpha, c: 1 - alpha * c
    steps: tuple = (HALF, Fraction(1))
    worked: Fraction = Fraction(4, 10**4)
    sums: tuple[Sums, ...] = ()
    chains: tuple[Pair, ...] = ()
    tasks: tuple[Task, ...] = ()

    def length(self, zeta: Any, ell: Any, h: Any, mu: Any) -> Any:
        """What n must be at least, of the least h_s and the least μ_s."""
        return max(self.needed(zeta, ell, room) for room in self.rooms(h, mu))

    def rooms(self, h: Any, mu: Any) -> tuple[Any, Any]:
        """By how much the mean of f_s, and the share of s, may be off for M̂(s, s) ≥ m_0, and for as many visits as are asked for."""
        return h, mu - self.few(mu)

    def floor(self, spread: Any, log: Any, n: Any, mu: Any, root: Callable) -> Any:
        """F_n = γσ/(1 − γ) · √(ln(6|S|/δ)/(n μ_min)); ``spread``: γσ/(1 − γ)."""
        return self.off(spread * root(log / (n * self.least_visited(mu))))


# Exactly: sums along walks, and how often they are far from what is expected


class Sums(NamedTuple):
    """A rational chain, a function of its states, and a number of transitions."""

    P: np.ndarray
    f: np.ndarray
    n: int

    def measures(self) -> dict[str, Any]:
        """Sizes, and whether the chain is periodic."""
        return {"|S|": len(self.P), "n": self.n, "a period above 1": not is_aperiodic(self.P)}

    def __str__(self) -> str:
        return f"P = {shown(self.P)}, f = {shown(self.f)}, n = {self.n}"


def by_walks(P: np.ndarray, f: np.ndarray, n: int, s: int) -> Counter:
    """The distribution of f(S_0) + … + f(S_{n−1}) from S_0 = s, walk by walk."""
    found: Any = Counter()  # of probabilities
    for walk in product(range(len(P)), repeat=n - 1):
        states = (s, *walk)
        found[sum(f[u] for u in states)] += math.prod((P[u, w] for u, w in zip(states, walk)), start=Fraction(1))
    return +found  # without the walks that cannot be


def by_sums(P: np.ndarray, f: np.ndarray, n: int, start: np.ndarray) -> Counter:
    """The same from S_0 as ``start`` says, transition by transition: of the walks only their sum and where they are is kept."""
    now: Counter = Counter({(s, f[s]): p for s, p in enumerate(start) if p})
    for _ in range(n - 1):
        after: Counter = Counter()
        for ((s, total), p), u in product(now.items(), range(len(P))):
            if P[s, u]:
                after[u, total + f[u]] += p * P[s, u]
        now = after
    found: Counter = Counter()
    for (_, total), p in now.items():
        found[total] += p
    return found


def below_exp(x: Any) -> Fraction:
    """A rational that is below e^{−x}, by little: (1 − x/256)^256 to 16 binary digits, or 0 where x is too large for that."""
    power = max(1 - Fraction(x) / 256, Fraction(0)) ** 256
    scale = 2 ** max(0, 16 + power.denominator.bit_length() - power.numerator.bit_length())
    return Fraction(int(power * scale), scale)


def tails(claim: Anywhere, law: Counter, mean: Any, n: int, zeta: Any, late: Any) -> Iterator[Part]:
    """The probability of each sum that is by late·span + t·span or more above, or below, what is expected."""
    for sign in (1, -1):
        p = Fraction(0)
        for total in sorted(law, key=lambda total: -sign * total):
            p += law[total]
            t = sign * (total - mean) - late
            if t > 0:
                told = f"probability that the sum is {total} or {'more' if sign > 0 else 'less'}"
                yield Part(told, p, below_exp(claim.tail(n, t, zeta)), relation=AT_MOST)


def of_sums(claim: Anywhere, given: Sums) -> Iterator[Part]:
    """Two starts apart by ζ at most; what bounds ζ; the probabilities of all sums from every start, and from μ."""
    P, n, S = given.P, given.n, range(len(given.P))
    width = max(given.f) - min(given.f)
    f, mu, zeta = given.f / width, tree_distribution(P), claim.effect(P, n)
    mean, expected = n * (mu @ f), visits(P, n)
    for m, V in enumerate(expected, 1):
        h = V @ f
        yield Part(f"span of h_{m}", max(h) - min(h), zeta, relation=AT_MOST, asserted="effect")
    yield from asserting(
        "effect", (Part(f"|E Σ f − nμf| from {s}", abs((V @ f)[s] - mean), zeta, relation=AT_MOST) for s in S)
    )
    yield from asserting("finite", bounded(claim, P, mu, zeta, expected))
    for s in S:
        law = by_sums(P, f, n, identity(len(P))[s])
        if len(P) ** n < 300:
            one_by_one = by_walks(P, f, n, s)
            yield from (
                Part(f"probability of {total} from {s}", law[total], one_by_one[total], asserted="tail")
                for total in one_by_one
            )
        yield from asserting("tail", tails(claim, law, mean, n, zeta, claim.late(zeta)))
    law = by_sums(P, f, n, claim.start(mu))
    yield from asserting("from-mu", tails(claim, law, mean, n, zeta, 0))


def bounded(claim: Anywhere, P: np.ndarray, mu: np.ndarray, zeta: Any, expected: list[np.ndarray]) -> Iterator[Part]:
    """Σ_{j<m} P^j by one inverse, and what χ_k says of ζ."""
    n, one = len(expected), identity(len(P))
    each, Q = powers(P, n + 1), one - P + mu
    for m, V in enumerate(expected, 1):
        yield from entries(f"(I − P + 1μ)(Σ_{{j<{m}}} P^j − m1μ)", Q @ (V - m * mu), one - each[m])
        yield Part(f"the visits of {m} steps apart", apart(V), zeta, relation=AT_MOST)
    for k in range(1, n + 1):
        if (chi := apart(each[k])) < 1:
            yield Part(f"ζ by χ_{k}", zeta, claim.forgotten(k, chi), relation=AT_MOST)
    if len(P) > 1:
        yield Part("ζ", zeta, Fraction(1), relation=AT_LEAST)


# Exactly: the own weight as a sum, and depth


def of_walk(claim: Anywhere, given: Instance) -> Iterator[Part]:
    """Σ f_s(S_k) ≤ 0 where M̂(s, s) ≥ m_0, its mean and span; and, where all states are left and c > 0, ‖v_L − v^π‖ from far away."""
    size, before = len(given.r), given.states[:-1]
    for s in range(size):
        f, E = claim.scores(given.E, given.m_0, s), given.E[s]
        own, total = before.count(s) * E[s], sum(E[u] for u in before)
        yield Part(f"Σ f_s(S_k), s = {s}", sum(f[u] for u in before), given.m_0 * total - own, asserted="own-weight")
        h = explicit.room(given.E, given.mu, s, given.m_0)
        yield Part(
            f"μf_s, s = {s}",
            given.mu @ f,
            -h * (max(f) - min(f)) if size > 1 else given.m_0 * E[s] - E[s],
            asserted="own-weight",
        )
    if len(set(given.states)) == size:
        layer = operator_from_kernel(given.states, [given.r[s] for s in before], given.E, given.gamma)
        if (c := layer.margin) > 0:
            yield from asserting("bound", deeper(claim, given, layer, c))


def deeper(claim: Anywhere, given: Instance, layer: Any, c: Any) -> Iterator[Part]:
    """‖v_L − v^π‖ ≤ (1 − αc)^L ‖v_0 − v^π‖ + 2‖v_CE − v^π‖, from v_0 far from v^π by numbers of one sign, and of alternating ones."""
    one = identity(len(given.r))
    v_pi = solved(one - given.gamma * given.P, given.r)
    v_CE = solved(one - given.gamma * layer.transition, layer.reward)
    for alpha, sign in product(claim.steps, (1, -1)):
        v = v_pi + fractions([10**6 * sign**i for i in range(len(v_pi))])
        first = greatest(v - v_pi)
        for L in (1, 2):
            v = v + alpha * (layer.M @ (layer.reward + given.gamma * (layer.transition @ v) - v))
            most = claim.rate(alpha, c) ** L * first + 2 * greatest(v_CE - v_pi)
            yield Part(f"‖v_{L} − v^π‖, α = {alpha}", greatest(v - v_pi), most, relation=AT_MOST)


# Exactly: means over the visits


class Misses(NamedTuple):
    """Two states that are left with probabilities ``leave``, and a number of transitions: how far the share that enters state 0 can be off."""

    leave: tuple[Fraction, Fraction]
    n: int

    def measures(self) -> dict[str, Any]:
        """Sizes."""
        return {"|S|": 2, "n": self.n}

    def __str__(self) -> str:
        return f"two states left with probabilities {shown(self.leave)}, n = {self.n}"


def of_misses(claim: Anywhere, given: Misses) -> Iterator[Part]:
    """For each m: that s is left m times or more and the share of these that enters state 0 is off by τ or more."""
    a, b = given.leave
    expected = (1 - a, b)
    for start, s in product(identity(2), (0, 1)):
        table = explicit.counted(given.leave, tuple(start), given.n)
        rows_of = [(int(each.moves[s].sum()), Fraction(int(each.moves[s, 0])), each.probability) for each in table]
        seen = [(count, abs(entered / count - expected[s]), p) for count, entered, p in rows_of if count and p]
        for m, tau in product(range(1, given.n + 1), {tau for _, tau, _ in seen if tau}):
            p = sum((p for count, off, p in seen if count >= m and off >= tau), Fraction(0))
            told = f"probability that {s} is left {m} times or more and off by {tau} or more"
            yield Part(told, p, 2 * below_exp(claim.missed(m, tau)), relation=AT_MOST, asserted="miss")
    for m, V in enumerate(visits(fractions([[1 - a, a], [b, 1 - b]]), given.n), 1):
        yield Part(f"the visits of {m} steps apart", apart(V), abs(1 - (1 - a - b) ** m) / (a + b), asserted="finite")


def parts(claim: Anywhere, given: Sums | Instance | Misses) -> Iterator[Part]:
    """What the instance is for."""
    if isinstance(given, Sums):
        return of_sums(claim, given)
    return of_misses(claim, given) if isinstance(given, Misses) else of_walk(claim, given)


FLIP, CYCLE = fractions([[0, 1], [1, 0]]), fractions([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
STAYS = fractions([["9/10", "1/10"], ["1/10", "9/10"]])
FIRST = fractions([1, 0])
LONG = Sums(STAYS, FIRST, 24)
DRAWN = 20


def drawn_sums() -> list[Sums]:
    """The flip, the cycle and a chain that seldom moves, then random irreducible chains of 2 to 4 states, f integers."""
    rng = Random(0)
    found = [Sums(FLIP, FIRST, 5), Sums(CYCLE, fractions([2, 1, 0]), 5), Sums(STAYS, FIRST, 7), LONG]
    while len(found) < DRAWN:
        size = 2 + len(found) % 3
        P, f = rational_chain(rng, size), fractions([rng.randint(0, 3) for _ in range(size)])
        if irreducible(P) and max(f) > min(f):
            found.append(Sums(P, f, (4, 9, 14)[len(found) % 3]))
    return found


LEAVES = ((HALF, HALF), (TENTH, Fraction(3, 10)), (Fraction(9, 10), HALF))
MISSES = tuple(Misses(leave, n) for leave in LEAVES for n in (2, 9))

STATED = Statement(
    parts,
    "the probability of every sum against the tail, two starts against ζ, ζ against χ_k, M̂(s, s) ≥ m_0 as a sum, means over visits, and depth",
    Anywhere(),
    exact=lambda claim: [*claim.sums, *drawn_sums(), *MISSES, *explicit.rational_instances()],
    noun="chains, and contexts of known chains",
    shows=(of_sums, tails, bounded, of_walk, deeper, of_misses),
)


# Symbolically: how long is long enough


ZETA, ELL, H, N, DELTA, SIZE = sp.symbols("zeta ell h n delta S", positive=True)
MU = sp.Symbol("mu", positive=True)


def gap(claim: Anywhere, zeta: Any, ell: Any, h: Any, n: Any) -> Any:
    """nh − ζ − t, with the t whose tail is e^{−ℓ}: what must not be negative."""
    return n * h - claim.late(zeta) - zeta * sp.sqrt(n * ell / 2)


def equations(claim: Anywhere) -> Iterator[tuple[str, str, Any, Any]]:
    """By the id of an assertion: words, and two sides that are the same for all positive ζ, ℓ, h, n, δ, |S| and μ."""
    t, root = ZETA * sp.sqrt(N * ELL / 2), ZETA * sp.sqrt(ELL / 2) / H
    yield "tail", "the exponent at t = ζ√(nℓ/2)", claim.tail(N, t, ZETA), ELL
    square = H / 2 * (N - claim.needed(ZETA, ELL, H)) + H / 2 * (sp.sqrt(N) - root) ** 2
    yield "bound", "nh − ζ − t, a square apart", gap(claim, ZETA, ELL, H, N), square
    n = claim.from_mu(ZETA, ELL, H)
    yield "from-mu", "nh against t at the least n", n * H, ZETA * sp.sqrt(n * ELL / 2)
    n = claim.for_the_start(ZETA, H)
    yield "rounded", "nh/2 against ζ at the least n", n * H / 2, claim.late(ZETA)
    n = claim.for_the_tail(ZETA, ELL, H)
    yield "rounded", "nh/2 against t at the least n", n * H / 2, ZETA * sp.sqrt(n * ELL / 2)
    share = DELTA / 3
    yield "bound", "|S| margins, each e^{−ℓ}", SIZE * sp.exp(-sp.log(claim.margins(SIZE, DELTA))), share
    log = sp.log(claim.misses(SIZE, DELTA))
    tau = claim.floor(1, log, N, MU, sp.sqrt)
    yield (
        "bound",
        "2|S| misses of F_n after nμ_s/2 visits",
        2 * SIZE * sp.exp(-claim.missed(N * claim.few(MU), tau)),
        share,
    )
    yield from of_scores(claim)


def of_scores(claim: Anywhere) -> Iterator[tuple[str, str, Any, Any]]:
    """The mean and the span of f_s, of three states, s the first and u its heaviest rival."""
    E, m_0 = np.array([sp.symbols("E_ss E_su E_sw", positive=True)] * 3, dtype=object), sp.Symbol("m_0", positive=True)
    mu = np.array(sp.symbols("mu_s mu_u mu_w", positive=True), dtype=object)
    f = claim.scores(E, m_0, 0)
    Z = (E @ mu)[0]
    h = (mu[0] * E[0, 0] - m_0 * Z) / ((1 - m_0) * E[0, 0] + m_0 * E[0, 1])
    yield "own-weight", "μf_s against −h_s times the span of f_s", mu @ f, -h * (f[1] - f[0])


POINT = dict(zip((ZETA, ELL, H, N, DELTA, SIZE, MU), map(sp.Rational, ("2", "3", "1/5", "500", "1/10", "3", "1/4"))))
GRID = [
    dict(zip((ZETA, ELL, H), map(sp.Rational, point))) for point in product(("1", "5"), ("1", "4"), ("1/20", "1/4"))
]


def not_enough(claim: Anywhere) -> Counterexample | None:
    """A ζ, ℓ and h for which nh − ζ − t is negative at the n that is asked for."""
    for point in GRID:
        zeta, ell, h = point.values()
        n = claim.needed(zeta, ell, h)
        left = float(gap(claim, zeta, ell, h, n))
        if left < 0:
            told = f"ζ = {zeta}, ℓ = {ell}, h = {h}, n = {float(n):.4g}"
            return Counterexample(told, "nh − ζ − t", f"{left:.4g}", "at least 0", asserted=("bound",))
    return None


def symbolic(claim: Anywhere, budget: Budget) -> Verdict:
    """Every equation by SymPy, for all values of its symbols; where one does not hold, a point at which its sides differ."""
    met: Counter = Counter()
    if found := not_enough(claim):
        return Verdict(False, "n is too small", counterexample=found)
    for id, told, got, right in equations(claim):
        met[id] += 1
        if sp.simplify(sp.expand(got - right)) != 0:
            at = {
                x: POINT.get(x, sp.Rational(1, 2 + i))
                for i, x in enumerate(sorted((got - right).free_symbols, key=str))
            }
            sides = [f"{float(side.subs(at)):.6g}" for side in map(sp.sympify, (got, right))]
            if sides[0] == sides[1]:
                return Verdict(False, f"not derived: {told}")
            point = ", ".join(f"{x} = {value}" for x, value in at.items())
            return Verdict(
                False, "an equation fails", counterexample=Counterexample(point, told, *sides, asserted=(id,))
            )
    return Verdict(True, f"{sum(met.values())} equations for all ζ, ℓ, h, n, δ, |S|, μ and E above 0", met=met)


# Certified: the probability itself, on chains of two states


STEPS = 60
"""In so many steps the chains below forget their start but for less than 2^−100."""


class Asked(NamedTuple):
    """What is promised: by which assertion, of how many transitions, with which F_n, from which distributions of S_0."""

    id: str
    n: int
    floor: Any
    starts: list[np.ndarray]


def asked_of(claim: Anywhere, pair: Pair) -> Iterator[Asked]:
    """The three lengths, in balls, and what each promises."""
    needs, zeta = explicit.needs_of(explicit.Bounds(), pair), to_ball(Fraction(claim.effect(pair.P, STEPS)))
    ell, log = explicit.log(claim.margins(2, pair.delta)), explicit.log(claim.misses(2, pair.delta))
    rooms = claim.rooms(needs.h, needs.mu)
    floor = lambda n: claim.floor(needs.spread, log, n, needs.mu, explicit.square_root)
    n = explicit.ceiling(claim.length(zeta, ell, needs.h, needs.mu))
    yield Asked("bound", n, floor(n), explicit.starts(pair))
    n = explicit.ceiling(max(claim.from_mu(zeta, ell, h) for h in rooms))
    yield Asked("from-mu", n, floor(n), [claim.start(pair.mu)])
    n = explicit.ceiling(max(max(claim.for_the_start(zeta, h), claim.for_the_tail(zeta, ell, h)) for h in rooms))
    yield Asked("rounded", n, floor(n), [identity(2)[0]])


def unlikely(claim: Anywhere, pair: Pair) -> Counterexample | None:
    """Where a promise fails with a probability above δ."""
    found = (
        wrong_in(each.id, explicit.too_likely(pair, start, "the bound", each.n, explicit.beyond_G(each.n, each.floor)))
        for each in asked_of(claim, pair)
        for start in each.starts
    )
    return next(filter(None, found), None)


def of_the_worked(claim: Anywhere) -> Iterator[Part]:
    """That n = 41 is asked for on the worked chain, and with which probability it is not enough, to four decimals."""
    first = next(asked_of(claim, WORKED))
    fails, half = explicit.beyond_G(first.n, first.floor), Fraction(1, 20000)
    p = max(explicit.probability_of_failure(WORKED, start, first.n, fails) for start in first.starts)
    yield Part("n that is asked for", Fraction(first.n), Fraction(41))
    yield Part(f"probability of failure at n = {first.n}", p, claim.worked - half, relation=AT_LEAST)
    yield Part(f"probability of failure at n = {first.n}", p, claim.worked + half, relation=AT_MOST)


WORKED = explicit.WORKED
PAIRS = (
    WORKED._replace(delta=HALF),
    WORKED._replace(leave=(Fraction(2, 5),) * 2, delta=HALF),
    WORKED._replace(leave=(Fraction(9, 10),) * 2, delta=HALF),
)
SLOW, NOISY = explicit.SLOW, explicit.NOISY._replace(n=None)


def certified(claim: Anywhere, budget: Budget) -> Verdict:
    """The exact probability that a context of a length that is asked for is none of those the bound speaks of, against δ."""
    told = (
        f"{len(PAIRS)} chains of two states, every context of the lengths that are asked for, from μ and from either state: "
        f"one that misses a state, has a margin below c or v_CE beyond F_n has probability at most δ; {BITS} bits"
    )
    likely, worked = partial(unlikely, claim), partial(first_failure, str(WORKED), numbers=Exactly())
    counted = map(worked, [asserting("worked", of_the_worked(claim))])
    found = chain(map(likely, claim.chains), counted, map(likely, PAIRS))
    verdict = at_bits(found, "more likely to fail than stated", lambda _: told)
    return replace(verdict, met=dict.fromkeys(("bound", "from-mu", "rounded"), len(PAIRS)) | {"worked": 1})


def scope_of_pairs() -> str:
    """The chains whose contexts are all counted."""
    return f"every context of a length that is asked for, with its exact probability; {described(PAIRS, 'chains of two states')}"


# Numeric: simulated contexts, through the Transformer


DEPTH, AT_ONCE = 8, 25
"""Layers of the Transformer, and contexts that go through it at once."""


def layers(task: Task, given: Contexts) -> Iterator[np.ndarray]:
    """The value row, (contexts, n + 1), after 0, 1, …, ``DEPTH`` layers of the Transformer, from v_0 = 0."""
    x, zeros = np.swapaxes(task.x[given.states], 1, 2), np.zeros((len(given.states), 1, given.states.shape[1]))
    Z = prompt(x, given.rewards[:, None], zeros, task.mrp.discount)
    one = softmax_td_parameters(x.shape[1], given.rewards.shape[1], task.mrp.discount, task.alpha, Z)
    return (rows(Y).value[:, 0] for Y in transformer(Z, [one] * DEPTH))


def failures(claim: Anywhere, task: Task, given: Contexts, floor: float) -> int:
    """Contexts in which a state is never left, or M̂(s, s) < m_0, or v_CE is beyond F_n, or the Transformer's values are beyond the bound."""
    v, m_0 = task.mrp.value(), (1 + task.mrp.discount + task.margin) / 2
    failed = (given.counts == 0).any(axis=1) | (given.least < m_0) | (np.abs(given.v_CE - v).max(axis=1) > floor)
    for L, values in enumerate(layers(task, given)):
        bound = claim.rate(task.alpha, task.margin) ** L * greatest(v) + 2 * floor
        failed |= np.abs(values - v[given.states]).max(axis=1) > bound + explicit.ROUNDING * greatest(v)
    return int(failed.sum())


def simulate(claim: Anywhere, task: Task, count: int, rng: np.random.Generator) -> tuple[Counterexample | None, str]:
    """``count`` contexts as long as is asked for, from the rarest state; and the library's ζ, n and F_n."""
    needs, P = explicit.population(explicit.Bounds(), task), task.mrp.transition
    zeta, rarest = float(claim.effect(P, 300)), np.eye(task.mrp.n_states)[task.mrp.stationary_distribution().argmin()]
    for delta in task.deltas:
        ell, log = (math.log(tries(needs.size, delta)) for tries in (claim.margins, claim.misses))
        n = max(1, math.ceil(claim.length(zeta, ell, needs.h, needs.mu)))
        floor = claim.floor(needs.spread, log, n, needs.mu, math.sqrt)
        batches = [min(AT_ONCE, count - done) for done in range(0, count, AT_ONCE)]
        failed = sum(failures(claim, task, explicit.simulated(task, n, batch, rng, rarest), floor) for batch in batches)
        found = wrong_in("bound", explicit.too_often(task, delta, "the bound", n, failed, count))
        needed = context_needed_from_any_start(task.mrp, task.x, task.margin, delta)
        same = [
            Part("start_effect", task.mrp.start_effect(), zeta, asserted="finite"),
            Part("context_needed_from_any_start", float(needed.n), float(n), asserted="bound"),
            Part("F_n", needed.floor, floor, asserted="bound"),
        ]
        if found := found or first_failure(task.name, same, Within(explicit.ROUNDING)):
            return found, ""
    return None, f"{task.name}: n = {n}, F_n = {floor:.3f} at δ = {delta:g}, {failed} of {count} beyond"


def cyclic() -> MarkovRewardProcess:
    """Three states, one after the other for ever."""
    return MarkovRewardProcess(np.roll(np.eye(3), 1, axis=1), [1, 0, 0], 0.3)


def tasks() -> list[Task]:
    """Chains of two, three and four states, a periodic one among them."""
    few = {"deltas": (0.1,), "contexts": None}
    return [
        two_states(WORKED, "P = 1/2", **few),
        two_states(
            WORKED._replace(leave=(Fraction(2, 5),) * 2), "two states left with probability 2/5", alpha=0.5, **few
        ),
        Task("a ring of 3 states", ring(3, 0.7, 0.3), one_hot(3, 4.0), margin=0.3, deltas=(0.1,)),
        Task("a cycle of 3 states", cyclic(), one_hot(3, 4.0), margin=0.3, deltas=(0.1,)),
        Task(
            "a random MRP of 3 states",
            random_mrp(3, np.random.default_rng(0), 0.3, 5.0),
            one_hot(3, 5.0),
            margin=0.3,
            deltas=(0.1,),
        ),
    ]


TRIALS = 100
"""Contexts of a task that has no number of its own."""


def scope_of_tasks() -> str:
    """What the numeric check simulates."""
    return f"{explicit.simulations(tasks(), TRIALS)}, each from its rarest state, through {DEPTH} layers of the Transformer"


def numeric(claim: Anywhere, budget: Budget) -> Verdict:
    """Simulated contexts: fails when the bound fails oftener than the 1 − 10⁻⁶ quantile of Binomial(contexts, δ)."""
    count, rng, measured = budget.trials or TRIALS, np.random.default_rng(budget.seed), []
    every = [*claim.tasks, *tasks()]
    for done, task in enumerate(every, 1):
        found, told = simulate(claim, task, task.contexts or count, rng)
        if found:
            return Verdict(False, f"fails in task {done} (seed {budget.seed})", counterexample=found)
        measured.append(told)
        budget.progress(done, len(every))
    return Verdict(
        True,
        f"{len(every)} tasks, {count} contexts each (seed {budget.seed}), from the rarest state, {DEPTH} layers of the Transformer from "
        f"v_0 = 0: the bound fails no oftener than the 1 − 10⁻⁶ quantile of Binomial({count}, δ); start_effect and "
        "context_needed_from_any_start of the library are these",
        "; ".join(measured),
        met={"bound": len(every), "finite": len(every)},
    )


# What is wrong, and is refuted


NO_LENGTH = {"exact": "in rationals no n is asked for"}
NO_CHANCE = {kind: "there the bound is counted as it stands, and is wide" for kind in ("certified", "numeric")}
STILL_ENOUGH = {"certified": "the n is still enough there"}
NO_STEP = {"symbolic": "the equations are about numbers, not about chains or layers"}
ALONE = {**NO_LENGTH, **NO_CHANCE}

MUTANTS = (
    Mutant(
        "ζ = 1",
        Anywhere(
            effect=lambda P, n: Fraction(1),
            sums=(LONG,),
            chains=(SLOW,),
            tasks=(two_states(SLOW, "two states left with probability 1/100"),),
        ),
        NO_STEP,
        "certified",
    ),
    Mutant(
        "ζ of all n transitions alone",
        Anywhere(effect=lambda P, n: apart(visits(P, n)[-1]), sums=(Sums(CYCLE, fractions([2, 1, 0]), 3),)),
        {**NO_STEP, "certified": "for the chains counted it is the largest"},
    ),
    Mutant("k left out of k/(1 − χ_k)", Anywhere(forgotten=lambda k, chi: 1 / (1 - chi)), {**NO_STEP, **NO_CHANCE}),
    Mutant("the start forgotten", Anywhere(late=lambda zeta: 0 * zeta), NO_CHANCE),
    Mutant(
        "ζ in the place of ζ² in the tail",
        Anywhere(tail=lambda n, t, zeta: 2 * t**2 / (n * zeta)),
        {**NO_CHANCE, "exact": "the tails that are computed are not so near to their bound"},
        "symbolic",
    ),
    Mutant("8 in the place of 2 in the tail", Anywhere(tail=lambda n, t, zeta: 8 * t**2 / (n * zeta**2)), NO_CHANCE),
    Mutant("S_0 = 0 in the tail from μ", Anywhere(start=lambda mu: identity(len(mu))[0]), {**NO_STEP, **NO_CHANCE}),
    Mutant(
        "f_s without 1[u = s]",
        Anywhere(scores=lambda E, m_0, s: np.array([m_0 * E[s, u] for u in range(len(E))], dtype=object)),
        NO_CHANCE,
    ),
    Mutant(
        "nothing in n for the start",
        Anywhere(needed=lambda zeta, ell, h: zeta**2 * ell / (2 * h**2)),
        NO_LENGTH,
        "symbolic",
    ),
    Mutant(
        "ζ in the place of ζ² in n",
        Anywhere(needed=lambda zeta, ell, h: zeta * ell / (2 * h**2) + 2 * zeta / h),
        {**NO_LENGTH, **STILL_ENOUGH},
        "symbolic",
    ),
    Mutant(
        "1/(4h²) in the place of 1/(2h²) from μ",
        Anywhere(from_mu=lambda zeta, ell, h: zeta**2 * ell / (4 * h**2)),
        ALONE,
        "symbolic",
    ),
    Mutant(
        "1/h in the place of 2/h where n is rounded",
        Anywhere(for_the_start=lambda zeta, h: zeta / h),
        ALONE,
        "symbolic",
    ),
    Mutant(
        "1/h² in the place of 2/h² where n is rounded",
        Anywhere(for_the_tail=lambda zeta, ell, h: zeta**2 * ell / h**2),
        ALONE,
        "symbolic",
    ),
    Mutant("μ/4 in the place of μ/2", Anywhere(few=lambda mu: mu / 4), NO_LENGTH, "symbolic"),
    Mutant("no union over states", Anywhere(margins=lambda size, delta: 3 / delta), NO_LENGTH, "symbolic"),
    Mutant(
        "one sign of two",
        Anywhere(misses=lambda size, delta: 3 * size / delta),
        {**NO_LENGTH, **STILL_ENOUGH},
        "symbolic",
    ),
    Mutant("8 in the place of 2 in the tail of a mean", Anywhere(missed=lambda m, tau: 8 * m * tau**2), NO_CHANCE),
    Mutant("μ_min left out of F_n", Anywhere(least_visited=lambda mu: 1), NO_LENGTH, "symbolic"),
    Mutant("half of F_n", Anywhere(off=lambda floor: floor / 2), NO_LENGTH, "symbolic"),
    Mutant("rate (1 − αc)²", Anywhere(rate=lambda alpha, c: (1 - alpha * c) ** 2), {**NO_STEP, **NO_CHANCE}),
    Mutant("α = 2 let in", Anywhere(steps=(Fraction(2),)), {**NO_STEP, **NO_CHANCE}),
    Mutant(
        "rewards that depend on the successor let in",
        Anywhere(chains=(NOISY,), tasks=(two_states(NOISY, "P = 1/2, R = S_{k+1}"),)),
        {**NO_STEP, "exact": "there the rewards are given by the state"},
        "certified",
    ),
    Mutant(
        "said to fail with probability δ",
        Anywhere(worked=TENTH),
        {**NO_STEP, **NO_LENGTH, "numeric": "a probability is counted, not simulated"},
        "certified",
    ),
)


STATEMENT = r"""
Let $P$ be irreducible, $\mu$ its stationary distribution, $R_{k+1} = r(S_k)$, $0 \le \gamma < 1$, $0 < \alpha \le 1$, $E > 0$, $0 < \delta < 1$. The context is
one trajectory without terminations, and its first state has **any** distribution. For
$0 < c < 2 \min_s M_\pi(s, s) - 1 - \gamma$ let $m_0$, $h_s$ and $\sigma$ be those of bound (G) in {prf:ref}`explicit-finite-sample`. Let
$\mu f = \sum_s \mu_s f(s)$.
""".strip()

SIZES, SMALLEST, PROOF = r"\lvert\mathcal{S}\rvert", r"\mu_{\min}", "proof-a-priori-finite-sample"


def asked_in_letters(needed: Callable, few: Callable) -> str:
    """What n must be at least, in the book's letters."""
    rooms = (
        letters(needed, "zeta", "ell", "h_s"),
        letters(lambda zeta, ell, mu: needed(zeta, ell, mu - few(mu)), "zeta", "ell", "mu_s"),
    )
    return rf"\max_s \max\Bigl\{{{rooms[0]},\; {rooms[1]}\Bigr\}}"


def floor_in_letters(claim: Anywhere) -> str:
    """F_n, in the book's letters."""
    log = letters(claim.misses, SIZES, "delta")
    root = rf"\sqrt{{\frac{{1}}{{n\, {letters(claim.least_visited, SMALLEST)}}} \ln {log}}}"
    return letters(claim.off, rf"\frac{{\gamma\sigma}}{{1 - \gamma}} {root}")


def rounded_in_letters(claim: Anywhere) -> str:
    """The four numbers of the rounded form, in the book's letters."""
    of_mu = lambda function: lambda *given: function(*given[:-1], given[-1] - claim.few(given[-1]))
    each = (
        letters(claim.for_the_start, "zeta", "h_s"),
        letters(claim.for_the_tail, "zeta", "ell", "h_s"),
        letters(of_mu(claim.for_the_start), "zeta", "mu_s"),
        letters(of_mu(claim.for_the_tail), "zeta", "ell", "mu_s"),
    )
    return rf"\max_s \max\Bigl\{{{', '.join(each)}\Bigr\}}"


ASSERTIONS = (
    Assertion(
        "finite",
        lambda claim: (
            rf"""
**What a chain keeps of its start.** Let $\zeta$ be the least number such that for all $m$, $s$ and $u$

$$
\frac12 \sum_y \Bigl\lvert \sum_{{j < m}} \bigl(P^j(s, y) - P^j(u, y)\bigr) \Bigr\rvert \le \zeta .
$$ (eq-start-effect)

It is finite, of a periodic chain too, as $(I - P + \mathbf 1 \mu) \bigl( \sum_{{j<m}} P^j - m \mathbf 1 \mu \bigr) = I - P^m$. With one state it is 0 (and every
sum below is $n\, \mu f$), and else at least 1. Two states that are left with
probabilities $a$ and $b$ have $\zeta = \max\{{1, 1/(a+b)\}}$. With Dobrushin's coefficient
$\chi_k = \max_{{s,u}} \frac12 \sum_y \lvert P^k(s, y) - P^k(u, y) \rvert$ it is at most
${letters(claim.forgotten, "k", "chi_k")}$, for every $k$ with $\chi_k < 1$.
"""
        ),
    ),
    Assertion(
        "effect",
        r"""
For every function $f$ of the states with $\max f - \min f \le 1$ and every $n$, the expectation of $\sum_{k<n} f(S_k)$ from one start is within $\zeta$ of that
from any other, and of $n\, \mu f$.
""",
        typed="condition",
    ),
    Assertion(
        "tail",
        lambda claim: (
            rf"""
For such an $f$, every $n$ and $t \ge 0$

$$
\Pr\Bigl( \sum_{{k<n}} f(S_k) - n\, \mu f \ge {letters(claim.late, "zeta")} + t \Bigr) \le \exp\Bigl( - {letters(claim.tail, "n", "t", "zeta")} \Bigr) ,
$$ (eq-start-tail)

and the same for $-f$, whose sums fall short.
"""
        ),
    ),
    Assertion(
        "own-weight",
        r"""
**How long is long enough.** $\hat M(s, s) \ge m_0$ if and only if $\sum_{k<n} f_s(S_k) \le 0$, where $f_s(u) = m_0 E(s, u)$ for $u \ne s$ and
$f_s(s) = (m_0 - 1) E(s, s)$; and of two states or more $\mu f_s = -h_s \left(\max f_s - \min f_s\right)$.
""",
        typed="condition",
    ),
    Assertion(
        "miss",
        lambda claim: (
            rf"""
For every $f$ with $\max f - \min f \le 1$, state $s$, $m > 0$ and $\tau \ge 0$, the probability that $n_s \ge m$ and
$\lvert \sum_u (P_e(s, u) - P(s, u)) f(u) \rvert \ge \tau$ is at most $2 \exp({letters(lambda m, tau: -claim.missed(m, tau), "m", "tau")})$.
"""
        ),
    ),
    Assertion(
        "bound",
        lambda claim: (
            rf"""
Let $\ell = \ln \bigl({letters(claim.margins, SIZES, "delta")}\bigr)$. If

$$
n \ge {asked_in_letters(claim.needed, claim.few)} ,
$$ (eq-any-start-needed)

then with probability at least $1 - \delta$ every state is left, $\min_s \hat M(s, s) \ge m_0$ and $\lVert v_{{\mathrm{{CE}}}} - v^\pi \rVert \le F_n$,
and so for all $L$ and every $v_0$

$$
\lVert v_L - v^\pi \rVert \le \bigl({letters(claim.rate, "alpha", "c")}\bigr)^L \lVert v_0 - v^\pi \rVert + 2 F_n, \qquad F_n = {floor_in_letters(claim)} .
$$ (eq-any-start-bound)
"""
        ),
    ),
    Assertion(
        "from-mu",
        lambda claim: (
            rf"""
If $S_0 \sim \mu$, then $t$ may stand in the place of $\zeta + t$ in {{eq}}`eq-start-tail`, and

$$
n \ge {asked_in_letters(claim.from_mu, claim.few)}
$$ (eq-from-mu-needed)

is enough: bound (G), with $\zeta^2$ in the place of $\kappa$.
"""
        ),
    ),
    Assertion(
        "rounded",
        lambda claim: (
            rf"""
In rounder numbers, the same holds from any start for $n \ge {rounded_in_letters(claim)}$.
"""
        ),
    ),
    Assertion(
        "worked",
        lambda claim: (
            rf"""
Where the entries of $P$ are $\tfrac12$, $r = (1, 0)$, $\gamma = \tfrac12$, $\delta = \tfrac1{{10}}$, $E(s, s) = 19 E(s, u)$ and $c = \tfrac15$, so that $\zeta = 1$,
{{eq}}`eq-any-start-needed` asks for $n = 41$, where (G) asks for 33; of the contexts of this length a share of
{float(claim.worked):.4f} is not as promised.
"""
        ),
    ),
)


CLAIM = Claim(
    id="a-priori-finite-sample",
    title="How long a context suffices, from any start",
    chapter="context",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$P$ irreducible; it may be periodic.",
            reason=r"with two closed classes there is no one $\mu$, $\zeta$ is infinite, and no $n$ is enough; with a state that the walk does not come back to, "
            r"$\mu_{\min} = 0$",
        ),
        Hypothesis(
            "The reward is a function of the state that is left, $R_{k+1} = r(S_k)$.",
            dropped="rewards that depend on the successor let in",
        ),
        Hypothesis(
            r"One trajectory without terminations, $\gamma < 1$.",
            reason="it is about how often one endless walk visits its states",
        ),
        Hypothesis(r"$0 < \alpha \le 1$.", dropped="α = 2 let in"),
        Hypothesis(
            "Softmax attention (weights $E > 0$).",
            reason=r"with weights of both signs a sum of them may be 0, and $\hat M$ undefined",
        ),
        Hypothesis(
            r"$0 < c < 2\min_s M_\pi(s, s) - 1 - \gamma$.",
            reason="for a larger $c$ some $h_s$ is 0 or less, and no number of transitions is shown to be enough",
        ),
        Hypothesis(r"$n$ as large as {eq}`eq-any-start-needed` asks, with the $\zeta$ of the chain.", dropped="ζ = 1"),
        Hypothesis(r"For {eq}`eq-from-mu-needed`: $S_0 \sim \mu$.", dropped="S_0 = 0 in the tail from μ"),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "a-priori-finite-sample",
            "for every finite chain with a positive stationary distribution, every distribution of $S_0$, every $n > 0$, $d$ and depth, "
            r"every $\alpha \in [0, 1]$ and $\delta \in (0, 1]$, any number that is at least $\zeta$ in the place of it, "
            "and every positive function in the place of exp; one trajectory",
            stated=(
                "expected_sums.expectation_of_sum",
                "mixing.expected_sum_near_mean",
                "mixing_tail.sum_tail",
                "room.own_weight_from_a_sum",
                "successors_tail.successors_tail",
                "a_priori.a_priori_finite_sample",
            ),
            further=(
                "mixing.expected_sums_span",
                "expected_sums.start_effect_from_dobrushin",
                "mixing_tail.exponential_moment",
                "mixing_tail.negative_drift",
                "typical.typical_is_likely",
            ),
            definitions=(
                "bellman.power",
                "mixing.expected_visits",
                "mixing.total_variation",
                "mixing.start_effect_at_most",
                "mixing.stationary",
                "mixing.mean",
                "mixing.span_at_most",
                "mixing_tail.excess",
                "room.m_0",
                "room.width",
                "room.room",
                "room.lack",
                "typical.log_tries",
                "typical.long_enough",
                "typical.enough",
                "typical.tau_n",
                "typical.margin_met",
                "typical.well_visited",
                "typical.close",
                "typical.typical",
                "a_priori.F_n",
            ),
            asserts=("effect", "tail", "own-weight", "miss", "bound", "rounded"),
        ),
        Check(
            "symbolic",
            "how long is long enough, how δ is shared and the mean of f_s, for all ζ, ℓ, h, n, δ, |S| and μ above 0, of f_s at three states",
            symbolic,
            shows=(equations, of_scores, not_enough),
        ),
        *STATED.checks(),
        Check("certified", scope_of_pairs, certified, shows=(asked_of, unlikely, of_the_worked)),
        Check("numeric", scope_of_tasks, numeric, shows=(simulate, failures, layers)),
    ),
    mutants=MUTANTS,
    rests_on=("stationary", "contraction", "certainty-equivalence", "explicit-finite-sample"),
    source="Found for this book, from Doob's martingale and Hoeffding's lemma; nothing is cited",
    shared=(
        "The chains; the counting of contexts of explicit-finite-sample. Probabilities are computed sum by sum and walk by walk; in the numeric check the "
        "values come from icrl.transformer, n and F_n from the definitions and from icrl.operator, and both are compared."
    ),
)
