r"""depth-against-context: how many layers are worth their while, given how much the context can say."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from icrl.arrays import np
from icrl.claims.convergence.contraction import margin
from icrl.mrp import MarkovRewardProcess
from icrl.operator import Operator, operator_from_kernel, values_at_depth, worthwhile_depth
from icrl.tasks import one_hot
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, smallest
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.parts import AT_LEAST, AT_MOST, Part, Within, asserting, first_failure, greatest, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes import grouping
from icrl.verify.routes.grouping import operator_of

ONE = Fraction(1)
LEAST, DEEPEST = Fraction(1, 64), 64
"""Contexts with a smaller αc are left out; where it is larger, no depth asked for here comes near the deepest that is tried."""


def least_depth(first: Any, floor: Any, rate: Any) -> int:
    """The least L ≥ 0 with rate^L · first ≤ floor, by trying them one after another; ``ValueError`` when none up to 64 will do."""
    for depth in range(DEEPEST):
        if rate**depth * first <= floor:
            return depth
    raise ValueError(f"no depth below {DEEPEST} reaches the floor")


def rounded_down(first: Any, floor: Any, rate: Any) -> int:
    """The largest L ≥ 0 with rate^L · first ≥ floor, 0 if there is none: the logarithms' quotient rounded down."""
    return max(
        0, least_depth(first, floor, rate) - (0 if rate ** least_depth(first, floor, rate) * first == floor else 1)
    )


@dataclass(frozen=True)
class Depth:
    """The statement with its pieces.

    L*, the rate, how far a layer may still move, and how far at any γ and α, the error against a v^π as far as F from v_CE, the layers that half
    of F asks for, L* of a context before and after it grew, whether three layers beat the limit at each n; contexts let in.
    """

    depth: Callable[[Any, Any, Any], int] = least_depth
    rate: Callable = lambda alpha, c: 1 - alpha * c
    move: Callable = lambda alpha, gamma: alpha * (1 + abs(gamma))
    furthest: Callable = lambda floor: 2 * floor
    total: Callable = lambda floor: 2 * floor
    halved: Callable[[Any], int] = lambda rate: least_depth(2, 1, rate)
    grown: tuple[int, int] = (0, 4)
    early_wins: tuple[tuple[int, bool], ...] = ((20, True), (200, False))
    beyond: tuple[Case, ...] = ()


def parts(claim: Depth, case: Case) -> Iterator[Part]:
    """At every floor: L* layers of the Transformer reach it and the bound says so no sooner; icrl.operator's L*; what the next layers move."""
    operator, alpha = operator_of(case), case.alphas[0]
    v, v_CE, true = grouping.values(case), grouping.certainty_equivalence(case), 1 - alpha * operator.margin
    first, zero, rate = greatest(v[0] - v_CE), 0 * case.gamma, claim.rate(alpha, operator.margin)
    scale = (1 + case.depth) * size(v, v_CE, case.rewards)
    for told, floor in floors(first, true, exact=isinstance(case.gamma, Fraction)):
        depth = claim.depth(first, floor, rate)
        yield from asserting("reaches", reaches(claim, case, v, v_CE, depth, told, floor))
        for layer in range(depth, len(v) - 1):
            moved, most = greatest(v[layer + 1] - v[layer]), claim.furthest(floor)
            where = f"‖v_{layer + 1} − v_{layer}‖, at any γ and α, L* = {depth}, F = {told}"
            yield Part(where, moved, most, scale, AT_MOST, "moves")
        if depth:
            where = f"the bound after L* − 1 = {depth - 1} layers, F = {told}"
            yield Part(where, true ** (depth - 1) * first, floor, scale, AT_LEAST, "least")
        deeper, more = claim.depth(first, floor / 2, rate), claim.halved(rate)
        yield Part(f"L* at F/2, F = {told}", zero + deeper, zero + depth + more, relation=AT_MOST, asserted="half")
        if "tie" not in told:  # at a tie logarithms decide by their rounding
            ours = worthwhile_depth(float(first), float(floor), float(true))
            yield Part(f"worthwhile_depth, F = {told}", zero + ours, zero + depth, asserted="least")


def reaches(
    claim: Depth, case: Case, v: list[np.ndarray], v_CE: np.ndarray, depth: int, told: str, floor: Any
) -> Iterator[Part]:
    """From L* on the values are within F, and the next layer moves them by no more than that allows."""
    scale = (1 + case.depth) * size(v, v_CE, case.rewards)
    for layer in range(depth, len(v)):
        error = greatest(v[layer] - v_CE)
        yield Part(f"‖v_{layer} − v_CE‖, L* = {depth}, F = {told}", error, floor, scale, AT_MOST)
        where = f"‖v_{layer} − v^π‖ for the v^π farthest from it of those within F of v_CE, L* = {depth}, F = {told}"
        yield Part(where, error + floor, claim.total(floor), scale, AT_MOST)
    for layer in range(depth, len(v) - 1):
        moved, most = greatest(v[layer + 1] - v[layer]), claim.move(case.alphas[0], case.gamma) * floor
        yield Part(f"‖v_{layer + 1} − v_{layer}‖, L* = {depth}, F = {told}", moved, most, scale, AT_MOST)


def floors(first: Any, rate: Any, exact: bool) -> Iterator[tuple[str, Any]]:
    """F above ‖v_0 − v_CE‖, between the bounds after k and k + 1 layers, and in rationals at the bound after k layers: a tie."""
    yield "9/8 of the first error", 9 * first / 8
    for k in range(3):
        yield f"half-way between the bounds after {k} and {k + 1} layers", rate**k * (1 + rate) / 2 * first
        if exact and rate > 0:
            yield f"the bound after {k} layers, a tie", rate**k * first


def contracting(drawn: Iterable[Case]) -> Iterator[Case]:
    """Those of the cases with αc > 1/64, with 4 layers of their first step size."""
    return (
        replace(case, alphas=[case.alphas[0]] * 4)
        for case in drawn
        if case.alphas[0] * operator_of(case).margin > LEAST
    )


STAY = smallest((0, 0), depth=4, r=(1,), v=(0,))
AT_ONCE = replace(smallest((0, 0), r=(1,), v=(0,)), gamma=0 * ONE, alphas=[ONE] * 4)
SWAP = replace(smallest((0, 1, 0), r=(0, 0), v=(1, -1), x=((3, 0), (0, 3)), A=((1, 0), (0, 1))), alphas=[ONE] * 4)
TURNING = replace(SWAP, gamma=Fraction(9, 10))
SMALLEST = (STAY, AT_ONCE, SWAP, contexts.with_zeros(4))
DRAWN = contexts.after(SMALLEST, lambda: contracting(contexts.sharp_cases()))
STATED = Statement(
    parts,
    "L* layers of the Transformer reach the floor and stay below it, the bound says so no sooner, a layer moves by at "
    "most α(1 + |γ|)F, half of F asks for at most ⌈ln 2/ln(1/(1 − αc))⌉ layers more; worthwhile_depth of "
    "icrl.operator is L*",
    Depth(),
    exact=DRAWN,
    certified=DRAWN,
    small=contexts.after(SMALLEST),
    floats=lambda seed: contracting(contexts.float_cases(seed)),
    routes={
        "exact": f"αc > {LEAST}; floors between the bounds of two depths, and at the bound of one",
        "certified": "floors between the bounds of two depths",
        "numeric": f"αc > {LEAST}; floors between the bounds of two depths",
    },
)


def numeric(claim: Depth, budget: Budget) -> Verdict:
    """The statement in floats; then a context that grows; then whether three layers beat the limit on a noisy walk."""
    verdict = STATED.run_numeric(claim, budget)
    if not verdict.passed:
        return verdict
    grows = "the context that grows from 4 transitions to 16"
    if found := first_failure(grows, asserting("growing", growing(claim)), Within(0.0)):
        return Verdict(False, "L* is another as the context grows", counterexample=found)
    found, means = stopping_early(claim, budget.seed)
    if found:
        return Verdict(False, "depth does not pay as stated", counterexample=found)
    told = (
        "three layers beat the limit at n = 20 and the limit beats three layers at n = 200, each by more than 5 "
        "standard errors"
    )
    detail = f"{verdict.detail}; L* of {grows}; the walk of {WALK} states, {CONTEXTS} contexts drawn at each n: {told}"
    return replace(verdict, detail=detail, measured=means, met={**verdict.met, "growing": len(claim.grown) + 1})


VISITS, TIMES, OWN_SCORE, GAMMA, ALPHA, FLOOR = 5, 6, 8, 0.5, 1.0, 0.4
"""The context that grows: visits to state 1, how often 0, 1 follow them, what a state's key scores with itself, γ, α, and F√n."""
GROWN = ([1] * VISITS, [1] * VISITS + [0, 1] * TIMES)


def of_the_grown(states: list[int]) -> tuple[int, float, Operator]:
    """n, e_0 and the operator of the context that grows, before or after; every transition out of state 0 pays 1."""
    rewards = [float(s == 0) for s in states[:-1]]
    operator = operator_from_kernel(states, rewards, np.exp(OWN_SCORE * np.eye(len(set(states)))), GAMMA)
    return len(rewards), float(np.abs(operator.certainty_equivalence()).max()), operator


def growing(claim: Depth) -> Iterator[Part]:
    """L* before and after the context grew, for F of the order of 1/√n; and that it grew by more than half of F is said to ask for, at either αc."""
    for states, depth in zip(GROWN, claim.grown):
        n, first, operator = of_the_grown(states)
        yield Part(
            f"L* at n = {n}", claim.depth(first, FLOOR / math.sqrt(n), claim.rate(ALPHA, operator.margin)), depth
        )
    before, after = claim.grown
    yield Part("L* after less before", after - before, allowed(claim) + 1, relation=AT_LEAST)


def allowed(claim: Depth) -> int:
    """How many layers more half of F is said to ask for in the context that grows, at the αc before or after, whichever allows more."""
    return max(claim.halved(claim.rate(ALPHA, of_the_grown(states)[-1].margin)) for states in GROWN)


WALK, CONTEXTS, NOISE = 12, 1000, 2.0


def stopping_early(claim: Depth, seed: int) -> tuple[Counterexample | None, str]:
    """The mean error at L = 3 against that of the limit, on a walk between two walls with noisy rewards; both means at each n."""
    P = (np.eye(WALK, k=1) + np.eye(WALK, k=-1)) / 2
    P[0, 0] = P[-1, -1] = 0.5
    mrp, rng, means = MarkovRewardProcess(P, np.linspace(-1, 1, WALK), 0.9), np.random.default_rng(seed), []
    for n, early_wins in claim.early_wins:
        states, rewards = mrp.sample_batch(n, CONTEXTS, rng)
        rewards = rewards + NOISE * rng.normal(size=rewards.shape)
        covered = (states[:, :-1] == states[:, -1:]).any(axis=1)
        early, late = (visited_error(mrp, states[covered], rewards[covered], depth) for depth in (3, 10**6))
        gain = late - early
        sure = gain.mean() / (gain.std(ddof=1) / math.sqrt(len(gain)))
        means.append(f"n = {n}: {early.mean():.2f} at L = 3, {late.mean():.2f} in the limit")
        if not (sure > 5 if early_wins else sure < -5):
            other = "below" if sure > 5 else "not surely below"
            stated = "below" if early_wins else "above"
            return Counterexample(
                f"the walk of {WALK} states, noise {NOISE:g}, n = {n}",
                "the mean error at L = 3, against the limit's",
                other,
                stated,
            ), ""
    return None, "; ".join(means)


def visited_error(mrp: MarkovRewardProcess, states: np.ndarray, rewards: np.ndarray, depth: int) -> np.ndarray:
    """The root mean square of v_L − v^π over the states that a context visits, of each context."""
    visited = np.zeros((len(states), mrp.n_states), bool)
    visited[np.arange(len(states))[:, None], states] = True
    v = values_at_depth(states, rewards, one_hot(mrp.n_states, 6.0), mrp.discount, 1.0, depth)
    return np.sqrt(((v - mrp.value()) ** 2 * visited).sum(axis=1) / visited.sum(axis=1))


def scope() -> str:
    """What the numeric check draws: the contexts of the statement, and those of the noisy walk."""
    lengths = " and ".join(str(n) for n, _ in Depth.early_wins)
    walk = f"{CONTEXTS} contexts of a walk of {WALK} states with noisy rewards drawn at each n, those kept whose last state is left, n = {lengths}"
    return f"{STATED.scope('numeric')()}; a context that grows; beside the statement, {walk}: the mean error of 3 layers against the limit's"


SAMPLED = {kind: "what early stopping gains is measured, on noisy rewards" for kind in ("exact", "certified")}

MUTANTS = (
    Mutant("rounded down", Depth(depth=rounded_down)),
    Mutant("one layer less", Depth(depth=lambda first, floor, rate: max(0, least_depth(first, floor, rate) - 1))),
    Mutant("F and the first error swapped", Depth(depth=lambda first, floor, rate: least_depth(floor, first, rate))),
    Mutant(
        "no layer where αc = 1, as 1/ln(1/0) would have it",
        Depth(depth=lambda first, floor, rate: 0 if rate == 0 else least_depth(first, floor, rate), beyond=(AT_ONCE,)),
    ),
    Mutant("the error against v^π at most 3/2 of F", Depth(total=lambda floor: 3 * floor / 2)),
    Mutant("half of F asks for one layer less than stated", Depth(halved=lambda rate: least_depth(2, 1, rate) - 1)),
    Mutant("rate 1 − c", Depth(rate=lambda alpha, c: 1 - c)),
    Mutant("from L* on no layer moves by more than F", Depth(move=lambda alpha, gamma: 1, beyond=(SWAP,))),
    Mutant("a layer never moves by more than 8/5 of F", Depth(furthest=lambda floor: 8 * floor / 5, beyond=(TURNING,))),
    Mutant(
        "what half of F asks for bounds a context that grows too",
        Depth(grown=(0, 2)),
        dict.fromkeys(("exact", "certified"), "the context that grows is computed in floats"),
        "numeric",
    ),
    Mutant(
        "the limit beats three layers at every n", Depth(early_wins=((20, False), (200, False))), SAMPLED, "numeric"
    ),
)


ASSERTIONS = (
    Assertion(
        "least",
        lambda claim: (
            rf"""
If $\alpha c < 1$, let

$$
L^* = \max\Bigl(0, \Bigl\lceil \frac{{\ln(e_0 / F)}}{{\ln(1/({letters(claim.rate, "alpha", "c")}))}} \Bigr\rceil\Bigr)
$$ (eq-worthwhile-depth)

(0 if $e_0 = 0$); if $\alpha c = 1$, let $L^*$ be 1, or 0 where $e_0 \le F$. This is the least $L \ge 0$ with
$({letters(claim.rate, "alpha", "c")})^L e_0 \le F$.
"""
        ),
    ),
    Assertion(
        "reaches",
        lambda claim: (
            rf"""
From there on

$$
\lVert v_L - v_{{\mathrm{{CE}}}} \rVert_\infty \le F, \qquad \lVert v_{{L+1}} - v_L \rVert_\infty \le {letters(claim.move, "alpha", "gamma")} F \qquad (L \ge L^*) .
$$ (eq-worth-no-more)

Where $\lVert v_{{\mathrm{{CE}}}} - v^\pi \rVert \le F$, the error $\lVert v_L - v^\pi \rVert$ is then at most ${letters(claim.total, "F")}$.
"""
        ),
    ),
    Assertion(
        "half",
        lambda claim: (
            rf"""
For
the same $e_0$ and $\alpha c$, half of $F$ asks for at most $\lceil \ln 2 / \ln(1/({letters(claim.rate, "alpha", "c")})) \rceil$ layers more (1
where $\alpha c = 1$). If $e_0$ stays bounded, $\alpha c$ away from 0 and $F$ falls like $1/\sqrt n$, then
$L^* = O(\ln n)$.
"""
        ),
    ),
    Assertion(
        "growing",
        lambda claim: (
            rf"""
That is no bound for a context that grows, whose $e_0$ and $c$ change with it: with $\gamma = {GAMMA:g}$,
$\alpha = {ALPHA:g}$, one-hot features, own scores of {OWN_SCORE}, $v_0 = 0$, rewards of 1 in state 0 and $F = {FLOOR:g}/\sqrt n$, the context of
{VISITS} visits to state 1 has $L^* = {claim.grown[0]}$, and $L^* = {claim.grown[1]}$ once $0, 1$ has followed {TIMES} times, though $F$ is just
half and the bound would allow {allowed(claim)} layers more at most, at the $\alpha c$ of either.
"""
        ),
    ),
    Assertion(
        "moves",
        lambda claim: (
            f"From $L^*$ on a single layer may still move by more than $F$, though never by ${letters(claim.furthest, 'F')}$."
        ),
    ),
)


def setting() -> str:
    """What is assumed, with the margin of {prf:ref}`contraction` as it is printed there."""
    return rf"""
Let $E \ge 0$, with $\sum_{{k<n}} E(s, S_k) > 0$ at every state of the context, $0 < \alpha \le 1$,
$m \le \hat M(s, s)$ at every state of the context,
$c = {letters(margin, "m", "gamma")} > 0$, and let $F > 0$ be what the context leaves uncertain, such as the bound of
{{prf:ref}}`explicit-finite-sample`. Write $e_0 = \lVert v_0 - v_{{\mathrm{{CE}}}} \rVert_\infty$.
""".strip()


CLAIM = Claim(
    id="depth-against-context",
    title="The depth worth using",
    chapter="context",
    environment="proposition",
    statement=setting,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"The hypotheses of {prf:ref}`contraction`, with one step size.",
            reason="they are those of the bound that is solved for $L$ here, and what goes wrong without them is told there",
        ),
        Hypothesis(
            r"$c > 0$ and $\alpha > 0$.",
            reason=r"where $\alpha c \le 0$ the bound $(1 - \alpha c)^L e_0$ does not fall, and no $L$ need bring it to $F$",
        ),
        Hypothesis(
            r"$F > 0$ is any number.", reason=r"at $F = 0 < e_0$ no depth brings the bound to it, unless $\alpha c = 1$"
        ),
        Hypothesis(
            r"$\lVert v_{\mathrm{CE}} - v^\pi \rVert \le F$, only for what is said of $v^\pi$.",
            reason="without it nothing ties the context to $v^\\pi$",
        ),
        Hypothesis(
            r"The same $e_0$ and $\alpha c$, for what half of $F$ asks.",
            dropped="what half of F asks for bounds a context that grows too",
        ),
        Hypothesis(
            r"$e_0$ bounded, $\alpha c$ bounded away from 0, $F$ of the order of $1/\sqrt n$, for $L^* = O(\ln n)$.",
            reason=r"without any one of the three the quotient of logarithms can grow faster, such as where $F$ falls like $e^{-n}$",
        ),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "depth-against-context",
            "for every number of states, n, d, γ, v_0, F and weights, c > 0 asked of the visited states; "
            "L* and what is said of logarithms over the reals",
            stated=(
                "worthwhile_reals.worthwhile_is_least",
                "worthwhile_depth.from_there_on",
                "worthwhile_reals.half_the_worthwhile",
                "worthwhile_reals.worthwhile_is_O_ln",
                "worthwhile_reals.growing_asks_for_four",
                "worthwhile_depth.may_move_by_more_than_the_floor",
                "worthwhile_depth.never_by_twice_the_floor",
            ),
            further=(
                "worthwhile_depth.transformer_from_there_on",
                "worthwhile_depth.half_the_floor",
                "worthwhile_growing.growing_asks_for_more",
            ),
            definitions=(
                "worthwhile_depth.least_depth",
                "worthwhile_reals.natural_ceiling",
                "worthwhile_reals.worthwhile",
                "worthwhile_growing.grown",
                "worthwhile_growing.grown_reward",
                "worthwhile_growing.own_weight",
                "worthwhile_growing.least_diagonal",
                "visited.visited",
                "visited.max_visited",
                "contraction.margin",
            ),
            asserts=("least", "reaches", "half", "growing", "moves"),
        ),
        *STATED.checks()[:-1],
        Check("numeric", scope, numeric, shows=(parts, stopping_early)),
    ),
    mutants=MUTANTS,
    rests_on=("contraction", "certainty-equivalence", "explicit-finite-sample"),
    source="Found for this book",
    shared="The contexts and their features. L* is found by trying depths one after another, in icrl.operator by logarithms; the distances are the Transformer's.",
)
