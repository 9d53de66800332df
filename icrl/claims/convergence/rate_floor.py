r"""rate-floor: constant errors shrink by 1 − α(1 − γ) a layer, whatever the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from icrl.operator import Operator
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, smallest
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.parts import AT_LEAST, Part, asserting, entries, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Claim, Hypothesis, Mutant
from icrl.verify.routes import grouping
from icrl.verify.routes.edits import Machine, no_normaliser, unmasked
from icrl.verify.routes.grouping import operator_of


def short(alpha: Any) -> bool:
    """α ≤ 1."""
    return alpha <= 1


def discounting(gamma: Any) -> bool:
    """γ ≤ 1."""
    return gamma <= 1


@dataclass(frozen=True)
class Rate:
    """The statement with its pieces: the factor of constants, below what it never falls and for which α and γ, the value that reward 1 is
    worth, the Transformer, and contexts let in."""

    factor: Callable[[Any, Any], Any] = lambda alpha, gamma: 1 - alpha * (1 - gamma)
    worth: Callable[[Any], Any] = lambda gamma: 1 / (1 - gamma)
    least: Callable[[Any], Any] = lambda gamma: gamma
    short: Callable[[Any], bool] = short
    discounting: Callable[[Any], bool] = discounting
    machine: Machine = Machine()
    beyond: tuple[Case, ...] = ()


def rewarded(case: Case) -> Case:
    """The same context with every reward 1 and v_0 = 0."""
    one = 0 * case.gamma + 1
    return replace(case, rewards=[one] * case.n, v=[0 * one] * len(case.v))


def parts(rate: Rate, case: Case) -> Iterator[Part]:
    """The three assertions, under reward 1."""
    case, operator = rewarded(case), operator_of(rewarded(case))
    yield from asserting("attained", attained(rate, case))
    yield from asserting("eigenvector", eigenvector(rate, case, operator))
    yield from asserting("floor", floor(rate, case, operator))


def attained(rate: Rate, case: Case) -> Iterator[Part]:
    """The stated values and the Transformer's against the TD loop's, after every layer."""
    factor, worth = rate.factor(case.alphas[0], case.gamma), rate.worth(case.gamma)
    scale = (1 + case.depth) * size(worth)
    for layer, (v, right) in enumerate(zip(grouping.values(case, rate.machine), grouping.loop(case), strict=True)):
        yield from entries(f"v_{layer} as stated", worth - factor**layer * worth + 0 * right, right, scale)
        yield from entries(f"v_{layer} of the Transformer", v, right, scale)


def eigenvector(rate: Rate, case: Case, operator: Operator) -> Iterator[Part]:
    """G·1 against the factor."""
    ones = grouping.array(case, [0 * case.gamma + 1 for _ in operator.b])
    yield from entries("G·1", rate.factor(case.alphas[0], case.gamma) * ones, operator.G(case.alphas[0]) @ ones)


def floor(rate: Rate, case: Case, operator: Operator) -> Iterator[Part]:
    """‖G‖ is no smaller than the factor, and this at least γ where α ≤ 1 and γ ≤ 1."""
    alpha, gamma = case.alphas[0], case.gamma
    yield Part("‖G‖", operator.norm(alpha), abs(rate.factor(alpha, gamma)), relation=AT_LEAST)
    if rate.short(alpha) and rate.discounting(gamma):
        yield Part("the factor", rate.factor(alpha, gamma), rate.least(gamma), relation=AT_LEAST)


STAY = smallest((0, 0), r=(1,), v=(0,))
LONG_STEP, GROWING = replace(STAY, alphas=[Fraction(3, 2)]), replace(STAY, gamma=Fraction(3, 2))
SMALLEST = (STAY, smallest((0, 0), r=(1,), v=(0,), x=((1,),)), contexts.never_left(2))
DRAWN = contexts.after(SMALLEST, *contexts.DRAWN)
STATED = Statement(
    parts,
    "1/(1 − γ) approached at (1 − α(1 − γ))^L exactly, in every state; G·1; ‖G‖ no smaller, the factor at least γ",
    Rate(),
    exact=DRAWN,
    certified=DRAWN,
    small=contexts.after(SMALLEST),
    floats=contexts.float_cases,
    routes=dict.fromkeys(("exact", "certified", "numeric"), "each with reward 1 and v_0 = 0"),
    scale="(1 + L) max(1, 1/(1 − γ)) for values",
    shows=(eigenvector, attained, floor),
)


MUTANTS = (
    Mutant("factor 1 − α(1 + γ)", Rate(lambda alpha, gamma: 1 - alpha * (1 + gamma))),
    Mutant("factor γ, whatever α is", Rate(lambda alpha, gamma: gamma)),
    Mutant("worth 1, as if nothing came after", Rate(worth=lambda gamma: 1 + 0 * gamma)),
    Mutant("at least (1 + γ)/2", Rate(least=lambda gamma: (1 + gamma) / 2)),
    Mutant("at least γ, whatever α is", Rate(short=lambda alpha: True, beyond=(LONG_STEP,))),
    Mutant("at least γ, whatever γ is", Rate(discounting=lambda gamma: True, beyond=(GROWING,))),
    Mutant("no mask", Rate(machine=Machine(edit=unmasked))),
    Mutant("no normaliser", Rate(machine=Machine(softmax=no_normaliser))),
)


ASSERTIONS = (
    Assertion(
        "eigenvector",
        lambda rate: (
            rf"""
Constant value functions are eigenvectors of $G$:

$$
G\, \mathbf 1 = \bigl({letters(rate.factor, "alpha", "gamma")}\bigr)\, \mathbf 1 .
$$ (eq-rate-floor)
"""
        ),
    ),
    Assertion(
        "attained",
        lambda rate: (
            rf"""
So with reward 1 everywhere, $v_0 = 0$ and $\gamma \ne 1$, **every** context has

$$
v_L - {letters(rate.worth, "gamma")} = - {letters(rate.worth, "gamma")} \bigl({letters(rate.factor, "alpha", "gamma")}\bigr)^L
$$ (eq-rate-floor-attained)

at every state, whatever the features.
"""
        ),
    ),
    Assertion(
        "floor",
        lambda rate: (
            rf"""
For ${letters(rate.discounting, "gamma")}$ and ${letters(rate.short, "alpha")}$ the factor is at least ${letters(rate.least, "gamma")}$, and no bound that
holds for all starts can promise a smaller one: $\lVert G \rVert_\infty \ge \lvert {letters(rate.factor, "alpha", "gamma")} \rvert$.
"""
        ),
    ),
)


CLAIM = Claim(
    id="rate-floor",
    title="A rate that no features change",
    chapter="depth",
    environment="proposition",
    statement=lambda: r"Let $E > 0$ and $n \ge 1$.",
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$E(s, u) > 0$ for all states, $n \ge 1$.",
            reason="where the weights of a column add up to 0 the layer itself is undefined, and so is $K$",
        ),
        Hypothesis(
            r"$\gamma \ne 1$, for the values under reward 1; any $\alpha$.",
            reason="at $\\gamma = 1$ the value $1/(1 - \\gamma)$ is undefined; $G \\mathbf 1 = \\mathbf 1$ holds there too",
        ),
        Hypothesis(
            r"For the factor to be at least $\gamma$: $\alpha \le 1$. Neither $\alpha \ge 0$ nor $\gamma \ge 0$ is needed.",
            dropped="at least γ, whatever α is",
            holds=short,
        ),
        Hypothesis(r"For the same, $\gamma \le 1$.", dropped="at least γ, whatever γ is", holds=discounting),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "rate-floor",
            "for every number of states, n, depth, every table E > 0, every α and γ",
            stated=(
                "coverage.rate_floor",
                "coverage.rate_floor_attained",
            ),
            asserts=("eigenvector", "attained"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("operator",),
    source="Found for this book",
    shared=(
        "The routes compared share the exponential, the contexts and their features. icrl.operator groups by counts, "
        "the Transformer of icrl.transformer knows no states, and the values are those of the loop of icrl.td; none of "
        "them calls another."
    ),
)
