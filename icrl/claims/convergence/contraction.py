r"""contraction: when every state weighs itself heavily enough, each layer shrinks the error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from operator import mul
from typing import Any

from icrl import td
from icrl.arrays import np
from icrl.operator import Operator
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, smallest
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.parts import AT_MOST, Part, asserting, greatest, least, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Claim, Hypothesis, Mutant
from icrl.verify.routes import grouping
from icrl.verify.routes.grouping import operator_of

ONE, HALF = Fraction(1), Fraction(1, 2)
STAY = smallest((0, 0), depth=3, r=(1,), v=(0,))
NEGATIVE_GAMMA = replace(STAY, gamma=-HALF, alphas=[ONE])
UNEVEN = replace(smallest((0, 1, 0), r=(0, 0), v=(1, -1), x=((1,), (2,))), alphas=[ONE])
AXES = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
STAR = replace(
    smallest((0, 1, 2, 3, 0), r=[0] * 4, v=[1] * 4, x=((1, 1, 1), *AXES), A=AXES), gamma=0 * ONE, alphas=[ONE]
)
EQUAL_WEIGHTS = replace(smallest((0, 1, 0), r=(1, 1), v=(0, 0), x=((0,), (0,))), alphas=[ONE])
SMALLEST = (STAY, NEGATIVE_GAMMA, UNEVEN, EQUAL_WEIGHTS, STAR, contexts.never_left(2), contexts.with_zeros())
LONG_STEP = replace(smallest((0, 0), r=(0,), v=(1,)), gamma=0 * ONE, alphas=[3 * HALF])
STEP_BACK = contexts.two_states(gamma=0 * ONE, alphas=[-ONE])


def row_sums(G: np.ndarray) -> np.ndarray:
    """Σ_u |G(s, u)| for each s."""
    return np.abs(G).sum(axis=1)


def margin(m: Any, gamma: Any) -> Any:
    """c = 2m − 1 − |γ|."""
    return 2 * m - 1 - abs(gamma)


def positive(c: Any) -> bool:
    """c > 0."""
    return c > 0


@dataclass(frozen=True)
class Bound:
    """The statement with its pieces: m, the margin c, the sums of |G|, the rate, the floor, when the floor holds, and a context let in."""

    operator: Callable[[Case], Operator] = operator_of
    m: Callable[[Operator], Any] = lambda operator: least(operator.M.diagonal())
    margin: Callable = margin
    sums: Callable[[np.ndarray], Iterable] = row_sums
    rate: Callable = lambda alpha, c: 1 - alpha * c
    floor: Callable = lambda residual, c: residual / c
    floor_holds: Callable[[Any], bool] = positive
    beyond: tuple[Case, ...] = ()


def residual(case: Case, star: np.ndarray) -> Any:
    """‖ε‖, the greatest mean TD error of v* under the weights of a state, from the definition."""
    zero, W = 0 * case.gamma, case.visited
    values = dict.fromkeys(case.states, zero) | dict(zip(W, star))
    errors = td.td_errors(case.states, case.rewards, values, case.gamma, case.endings)
    kernel = td.softmax_kernel(case.states, case.score, case.exp, case.sources)
    return greatest(sum(map(mul, kernel[s], errors), zero) for s in W)


def parts(bound: Bound, case: Case) -> Iterator[Part]:
    """The assertions: ‖G‖; then, for v* = v_CE and v* = 0, the Transformer's distance to v* after every layer; where ‖G‖ is the bound."""
    operator, alpha = bound.operator(case), case.alphas[0]
    c = bound.margin(bound.m(operator), case.gamma)
    rate = bound.rate(alpha, c)
    yield from asserting("norm", norm(bound.sums, operator, alpha, rate))
    v, v_CE = grouping.values(case), grouping.certainty_equivalence(case)
    for name, star in (("v_CE", v_CE), ("0", 0 * v_CE)):
        distance, epsilon = [greatest(each - star) for each in v], residual(case, star)
        yield from asserting("layer", a_layer(case, rate, distance, epsilon, name))
        if bound.floor_holds(c):
            yield from asserting("depth", at_depth(bound.floor, case, rate, c, distance, epsilon, name))
    if bound.operator is operator_of:  # the library has no weights of either sign
        yield from asserting("norm", of_the_library(case, operator))
    if len(operator.M) == 1 and case.gamma >= 0:  # where the bound is attained
        yield from asserting("sharp", sharp(operator, alpha, rate))


def norm(sums: Callable, operator: Operator, alpha: Any, rate: Any) -> Iterator[Part]:
    """‖G‖, by the sums of |G|."""
    yield Part("‖G‖", greatest(sums(operator.G(alpha))), rate, relation=AT_MOST)


def a_layer(case: Case, rate: Any, distance: list, epsilon: Any, name: str) -> Iterator[Part]:
    """The bound on each distance to v* from the one before."""
    scale = (1 + case.depth) * size(distance, case.v, case.rewards)
    for layer, (before, after) in enumerate(zip(distance, distance[1:])):
        most = rate * before + case.alphas[0] * epsilon
        yield Part(f"‖v_{layer + 1} − v*‖ for v* = {name}, from ‖v_{layer} − v*‖", after, most, scale, AT_MOST)


def at_depth(floor: Callable, case: Case, rate: Any, c: Any, distance: list, epsilon: Any, name: str) -> Iterator[Part]:
    """The bound on the distances to v* from the first, for c > 0."""
    scale = (1 + case.depth) * size(distance, case.v, case.rewards) * size(1 / c) ** 2
    left = distance[0]  # times the rate again and again: a ball that holds 0 has no power
    for layer, after in enumerate(distance):
        yield Part(f"‖v_{layer} − v*‖ for v* = {name}", after, left + floor(epsilon, c), scale, AT_MOST)
        left = rate * left


def of_the_library(case: Case, operator: Operator) -> Iterator[Part]:
    """The margin and the norm that icrl.operator computes."""
    yield Part("Operator.margin", operator.margin, margin(least(operator.M.diagonal()), case.gamma))
    alpha = case.alphas[0]
    yield Part("Operator.norm", operator.norm(alpha), greatest(row_sums(operator.G(alpha))))


def sharp(operator: Operator, alpha: Any, rate: Any) -> Iterator[Part]:
    """One state, γ ≥ 0: m = 1, and the norm is the bound, so that no smaller one holds."""
    yield Part("‖G‖ of one state", operator.norm(alpha), rate)


STATED = Statement(
    parts,
    "‖G‖ and the Transformer's distance to v_CE and to 0 after every layer within the bounds; the margin and the norm of icrl.operator",
    Bound(),
    exact=contexts.after(SMALLEST, *contexts.DRAWN),
    certified=contexts.after(SMALLEST, *contexts.DRAWN),
    small=contexts.after(SMALLEST),
    floats=contexts.float_cases,
    scale="(1 + L) of the values', and 1/c² of that beside 1/c",
    shows=(norm, a_layer, at_depth, sharp),
)


def of_either_sign(case: Case) -> Operator:
    """The operator of weights whose sign is turned wherever key and query are two states."""
    operator, given = operator_of(case), grouping.transitions(case)
    E = grouping.powers(case, given.C) * np.where(np.eye(len(operator.M), dtype=bool), 1, -1)
    K = (E / (E @ given.C.sum(axis=0))[:, None]) @ given.C.T
    return replace(operator, M=K @ given.C, P=K @ given.D, b=K @ given.R)


MUTANTS = (
    Mutant("3 in the place of 2", Bound(margin=lambda m, gamma: 3 * m - 1 - abs(gamma))),
    Mutant(
        "γ in the place of its absolute value",
        Bound(margin=lambda m, gamma: 2 * m - 1 - gamma, beyond=(NEGATIVE_GAMMA,)),
    ),
    Mutant(
        "m the mean of the diagonal",
        Bound(m=lambda operator: sum(operator.M.diagonal()) / len(operator.M), beyond=(UNEVEN,)),
    ),
    Mutant(
        "m the minimum over the sources",
        Bound(m=lambda operator: least(operator.M.diagonal()[operator.counts > 0]), beyond=(contexts.never_left(),)),
    ),
    Mutant("column sums in the norm", Bound(sums=lambda G: row_sums(G.T))),
    Mutant("rate 1 − c", Bound(rate=lambda alpha, c: 1 - c)),
    Mutant("‖ε‖ in the place of ‖ε‖/c", Bound(floor=lambda residual, c: residual)),
    Mutant("c < 0 let in", Bound(floor_holds=lambda c: c != 0, beyond=(EQUAL_WEIGHTS,))),
    Mutant("α = 3/2 let in", Bound(beyond=(LONG_STEP,))),
    Mutant("α = −1 let in", Bound(beyond=(STEP_BACK,))),
    Mutant(
        "weights of either sign let in",
        Bound(operator=of_either_sign, beyond=(contexts.of_either_sign(gamma=0 * ONE, alphas=[ONE]),)),
    ),
)


NORM = r"{\lVert \varepsilon \rVert_\infty}"
"""‖ε‖, as a symbol; the braces keep its letters as they are."""


def two(bound: Bound) -> Any:
    """How often m counts in the margin."""
    return bound.margin(1, 0) - bound.margin(0, 0)


SETTING = r"""
Let $E(s, u) \ge 0$ for all states, with $\sum_{k<n} E(s, S_k) > 0$ at every state of the context, $0 \le \alpha \le 1$, and let
$m$ be a number with $m \le \hat M(s, s)$
for **every** state $s$ of the context, the states being numbered as in {prf:ref}`operator`.
""".strip()


ASSERTIONS = (
    Assertion(
        "norm",
        lambda bound: (
            rf"""
Write $c = {letters(bound.margin, "m", "gamma")}$. Then

$$
\lVert G \rVert_\infty \le {letters(bound.rate, "alpha", "c")} .
$$ (eq-operator-norm)
"""
        ),
    ),
    Assertion(
        "layer",
        lambda bound: (
            rf"""
For **any** value function $v^*$ let $\varepsilon$ be its weighted TD errors,

$$
\varepsilon(s) = \sum_{{k<n}} K(k \mid s)\bigl(R_{{k+1}} + \gamma v^*(S_{{k+1}}) - v^*(S_k)\bigr).
$$ (eq-residual)

Then $\lVert v_{{l+1}} - v^* \rVert_\infty \le
({letters(bound.rate, "alpha", "c")}) \lVert v_l - v^* \rVert_\infty + \alpha \lVert\varepsilon\rVert_\infty$.
"""
        ),
    ),
    Assertion(
        "depth",
        lambda bound: (
            rf"""
If moreover $c > 0$, then

$$
\lVert v_L - v^* \rVert_\infty \le ({letters(bound.rate, "alpha", "c")})^L \lVert v_0 - v^* \rVert_\infty + {letters(bound.floor, NORM, "c")} .
$$ (eq-contraction)

So every entry of the value row of the $L$-layer softmax Transformer is within this of $v^*$ at its state.
"""
        ),
    ),
    Assertion(
        "needed",
        r"Each of $\alpha \ge 0$, $\alpha \le 1$, $E \ge 0$, $c > 0$ and *every* state is needed: five small contexts show it.",
        typed="condition",
    ),
    Assertion("sharp", lambda bound: f"And no number above {two(bound)} can take the place of the {two(bound)}."),
)


CLAIM = Claim(
    id="contraction",
    title="Depth contracts the error",
    chapter="depth",
    environment="theorem",
    statement=lambda: SETTING,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(r"$\alpha \ge 0$.", dropped="α = −1 let in"),
        Hypothesis(r"$\alpha \le 1$.", dropped="α = 3/2 let in"),
        Hypothesis(
            r"$\alpha$ is the same in all layers, for the bound after $L$ of them.",
            reason=r"where it is not, the product of the factors $1 - \alpha_l c$ takes the place of the power",
        ),
        Hypothesis(
            r"$E(s, u) \ge 0$ for all states $s$, $u$ (softmax attention: the exponential is not negative).",
            dropped="weights of either sign let in",
        ),
        Hypothesis(
            r"$\sum_{k<n} E(s, S_k) > 0$ at every state of the context.", reason="where it is 0, $K$ is not defined"
        ),
        Hypothesis(
            r"$m \le \hat M(s, s)$ at every state of the context, $S_n$ included.",
            dropped="m the minimum over the sources",
        ),
        Hypothesis(
            r"$c > 0$, for the bound after $L$ layers (then $\lvert\gamma\rvert < 1$).",
            dropped="c < 0 let in",
            holds=positive,
        ),
        Hypothesis(r"$v^*$ is any value function, γ any number.", reason="this asks for nothing"),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "contraction",
            "for every number of states, n, d, depth, every table E ≥ 0",
            stated=(
                "contraction.operator_norm_bound",
                "contraction.error_recursion",
                "contraction.contraction",
                "contraction.transformer_contraction",
                "counterexamples.needs_alpha_at_most_1",
                "counterexamples.needs_alpha_positive",
                "counterexamples.needs_positive_margin",
                "counterexamples.needs_every_diagonal",
                "counterexamples.needs_positive_weights",
                "counterexamples.two_is_sharp",
            ),
            further=("reals.contraction_real",),
            asserts=tuple(each.id for each in ASSERTIONS),
            definitions=(
                "contraction.margin",
                "contraction.residual",
                "norm.norm",
                "counterexamples.proper",
                "counterexamples.diagonal",
            ),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("operator",),
    source="Xie et al. 2026, Theorem 2, its deterministic part",
    shared=(
        "The routes compared share the exponential, the contexts and their features. icrl.operator groups by counts, "
        "the Transformer of icrl.transformer knows no states, and the loop of icrl.td supplies ε; none of them calls "
        "another."
    ),
)
