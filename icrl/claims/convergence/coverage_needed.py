r"""coverage-needed: a state of the context that no transition leaves keeps an error for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from icrl.arrays import np
from icrl.operator import Operator
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, smallest
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.parts import (
    AT_LEAST,
    AT_MOST,
    UNLIKE,
    Part,
    asserting,
    entries,
    least,
    size,
)
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Claim, Hypothesis, Mutant
from icrl.verify.routes import exact_algebra, grouping
from icrl.verify.routes.grouping import operator_of


def kept_vector(case: Case, s: int) -> np.ndarray:
    """u = (I − γP_e)⁻¹ e_s, the discounted visits to s in the empirical model: M̂(I − γP_e)u = M̂e_s, which is 0 if s is never left."""
    operator = operator_of(case)
    identity = np.array([grouping.unit_vector(case, i) for i in range(len(operator.b))])
    return exact_algebra.solved(identity - case.gamma * operator.transition, identity[s])


def never_left(operator: Operator, i: int) -> bool:
    """Whether no transition leaves the i-th state of W."""
    return operator.counts[i] == 0


def positive_margin(c: Any) -> bool:
    """c > 0."""
    return c > 0


def positive_share(m: Any) -> bool:
    """m > 0."""
    return m > 0


@dataclass(frozen=True)
class Coverage:
    """The statement with its pieces.

    Whose diagonal entry is 0, what is kept, how long, the least norm, m, c, how large c and m must be, and the most that c can be.
    """

    empty: Callable[[Operator, int], bool] = never_left
    kept: Callable[[Case, int], np.ndarray] = kept_vector
    after: Callable = lambda u, alpha, gamma, layer: u
    norm: Callable[[Any], Any] = lambda gamma: 1 + 0 * gamma
    m: Callable[[Operator], Any] = lambda operator: least(operator.M.diagonal())
    margin: Callable[[Any, Any], Any] = lambda m, gamma: 2 * m - 1 - abs(gamma)
    asked: Callable[[Any], bool] = positive_margin
    enough: Callable[[Any], bool] = positive_share
    most: Callable[[Any], Any] = lambda gamma: 1 - abs(gamma)


def parts(claim: Coverage, case: Case) -> Iterator[Part]:
    """What c implies; then, of each state never left, its diagonal entry and the difference that the Transformer keeps."""
    operator = operator_of(case)
    c = claim.margin(claim.m(operator), case.gamma)
    yield from asserting("covered", all_left(operator, claim.asked(c), "c > 0"))
    yield from asserting("positive", all_left(operator, claim.enough(claim.m(operator)), "m > 0"))
    yield Part("c", c, claim.most(case.gamma), relation=AT_MOST, asserted="at-most")
    for i in (i for i in range(len(operator.b)) if claim.empty(operator, i)):
        yield Part(f"M̂(s, s) at s = {operator.states[i]}", 0 * case.gamma, operator.M[i, i], asserted="diagonal")
        yield from asserting("eigenvector", keeping(claim, case, operator, i))
        yield from asserting("norm", norms(claim, case, operator))


def all_left(operator: Operator, margin: bool, where: str) -> Iterator[Part]:
    """That no state is without a transition out of it, if there is a margin."""
    if margin:
        zero = 0 * operator.gamma
        never = zero + int((operator.counts == 0).sum())
        yield Part(f"states that no transition leaves, where {where}", never, zero)


def keeping(claim: Coverage, case: Case, operator: Operator, i: int) -> Iterator[Part]:
    """u ≠ 0; what becomes of u as the difference of two starts; G u = u at two step sizes."""
    u, alpha = claim.kept(case, i), case.alphas[0]
    yield Part(f"u at {operator.states[i]}", u[i], 0 * case.gamma, relation=UNLIKE)
    move = dict(zip(case.visited, u))
    moved = replace(case, v=[v + move.get(s, 0) for s, v in enumerate(case.v)])
    starts = grouping.values(case), grouping.values(moved)
    scale = (1 + case.depth) * size(u, *starts) / (1 - abs(float(case.gamma)))
    for layer, (one, other) in enumerate(zip(*starts)):
        left = claim.after(u, alpha, case.gamma, layer)
        yield from entries(f"what {layer} layers leave of the difference u of two starts", left, other - one, scale)
    for step in (alpha, 2 * alpha):
        yield from entries("G u", u, operator.G(step) @ u, scale)


def norms(claim: Coverage, case: Case, operator: Operator) -> Iterator[Part]:
    """‖G‖ at the context's step size, and at 0, where G = I."""
    alpha, bound = case.alphas[0], claim.norm(case.gamma)
    yield Part("‖G‖", operator.norm(alpha), bound, relation=AT_LEAST)
    yield Part("‖G‖ at α = 0", operator.norm(0 * alpha), bound)


SMALLEST = (contexts.never_left(2), smallest((0, 0)), contexts.with_zeros())
DRAWN = contexts.after(SMALLEST, *contexts.DRAWN)
STATED = Statement(
    parts,
    "c > 0, or m > 0, only where all states are left, c ≤ 1 − |γ|; M̂(s, s) = 0 where s is not left, ‖G‖ ≥ 1, G u = u, "
    "and the Transformer keeps u at every layer",
    Coverage(),
    exact=DRAWN,
    certified=DRAWN,
    small=contexts.after(SMALLEST),
    floats=contexts.float_cases,
    scale="that of the largest value, times (1 + L)/(1 − |γ|)",
    shows=(parts, all_left, keeping, norms),
)


MUTANTS = (
    Mutant("M̂(s, s) = 0 at any state", Coverage(empty=lambda operator, i: True)),
    Mutant("u the indicator of the state", Coverage(kept=grouping.unit_vector)),
    Mutant(
        "the difference fades like the others",
        Coverage(after=lambda u, alpha, gamma, layer: (1 - alpha * (1 - gamma)) ** layer * u),
    ),
    Mutant(
        "m the minimum over the sources", Coverage(m=lambda operator: least(operator.M.diagonal()[operator.counts > 0]))
    ),
    Mutant("any c let in", Coverage(asked=lambda c: True)),
    Mutant("any m let in", Coverage(enough=lambda m: True)),
    Mutant("c at most (1 − |γ|)/2", Coverage(most=lambda gamma: (1 - abs(gamma)) / 2)),
    Mutant("c without γ", Coverage(margin=lambda m, gamma: 2 * m - 1 + 0 * gamma)),
    Mutant("‖G‖ at least 11/10", Coverage(norm=lambda gamma: 11 * (1 + 0 * gamma) / 10)),
)


ASSERTIONS = (
    Assertion(
        "diagonal",
        r"""
A state $s$ that no transition of the context leaves, such as a last state $S_n$ seen for the first time, has
$\hat M(s, s) = 0$.
""",
        typed="names",
    ),
    Assertion(
        "eigenvector",
        r"""
Then there is $u \ne 0$, one for all $\alpha$, with $G u = u$, so that two starts that differ by $u$ differ by $u$ at
every depth.
""",
        typed="equation",
    ),
    Assertion(
        "norm",
        lambda claim: (
            rf"Then also $\lVert G \rVert_\infty \ge {letters(claim.norm, 'gamma')}$, with equality at $\alpha = 0$."
        ),
    ),
    Assertion(
        "covered",
        lambda claim: (
            rf"""
So the margin asks for coverage: if $m \le \hat M(s, s)$ for every state $s$, with
$c = {letters(claim.margin, "m", "gamma")} > 0$, then **every** state is left by some transition.
"""
        ),
    ),
    Assertion("positive", r"Already $m > 0$ asks for every state to be left.", typed="condition"),
    Assertion("at-most", lambda claim: rf"And $c \le {letters(claim.most, 'gamma')}$ if $E \ge 0$."),
)


CLAIM = Claim(
    id="coverage-needed",
    title="Every state must be left",
    chapter="depth",
    environment="proposition",
    statement=lambda: r"Let $\hat M$ and $G$ be those of a layer on a context.",
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"For the eigenvector, nothing but a state that no transition leaves.",
            dropped="M̂(s, s) = 0 at any state",
            holds=never_left,
        ),
        Hypothesis(
            r"For coverage: $c > 0$, though $m > 0$ is enough, and follows from it.",
            dropped="any c let in",
            holds=positive_margin,
        ),
        Hypothesis(r"For coverage from $m$ alone: $m > 0$.", dropped="any m let in", holds=positive_share),
        Hypothesis(
            r"For coverage: $m$ at most $\hat M(s, s)$ at every state of the context, $S_n$ included.",
            dropped="m the minimum over the sources",
        ),
        Hypothesis(
            r"For $c \le 1 - \lvert\gamma\rvert$, $E \ge 0$.",
            reason=r"weights of both signs are refused by `icrl.operator`; $T = (0, 1, 0)$ with the table of weights "
            r"$\begin{pmatrix} 2 & -1 \\ -1 & 2 \end{pmatrix}$ has $m = 2$ and $c = 3 - \lvert\gamma\rvert$",
        ),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "coverage-needed",
            "for every number of states and n, every table of weights, every α and γ (E ≥ 0 where stated)",
            stated=(
                "coverage.nonsource_diagonal",
                "coverage.nonsource_keeps_an_eigenvector",
                "coverage.nonsource_norm",
                "coverage.positive_margin_covers",
                "coverage.margin_at_most",
            ),
            definitions=("operator.source",),
            asserts=("diagonal", "eigenvector", "norm", "covered", "at-most"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=(
        "operator",
        "contraction",
    ),
    source="Found for this book; why the condition of Theorem 2 includes the last state",
    shared=(
        "The routes compared share the exponential, the contexts and their features. icrl.operator groups by counts, "
        "the Transformer of icrl.transformer knows no states, and u comes from solving with the empirical model; none "
        "of them calls another."
    ),
)
