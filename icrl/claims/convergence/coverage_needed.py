r"""coverage-needed: a state of the context that no transition leaves keeps an error for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from icrl.arrays import np
from icrl.operator import Operator
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, smallest
from icrl.verify.judging.parts import (
    AT_LEAST,
    AT_MOST,
    UNLIKE,
    Part,
    entries,
    least,
    size,
)
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Claim, Mutant
from icrl.verify.routes import exact_algebra, grouping
from icrl.verify.routes.grouping import operator_of


def kept_vector(case: Case, s: int) -> np.ndarray:
    """u = (I − γP_e)⁻¹ e_s, the discounted visits to s in the empirical model: M̂(I − γP_e)u = M̂e_s, which is 0 if s is never left."""
    operator = operator_of(case)
    identity = np.array([grouping.unit_vector(case, i) for i in range(len(operator.b))])
    return exact_algebra.solved(identity - case.gamma * operator.transition, identity[s])


@dataclass(frozen=True)
class Coverage:
    """The statement with its pieces: whose diagonal entry is 0, what is kept, how long, the least diagonal, and the most that c can be."""

    empty: Callable[[Operator], list[int]] = lambda operator: np.flatnonzero(operator.counts == 0).tolist()
    kept: Callable[[Case, int], np.ndarray] = kept_vector
    after: Callable = lambda u, alpha, gamma, layer: u
    m: Callable[[Operator], Any] = lambda operator: least(operator.M.diagonal())
    most: Callable[[Any], Any] = lambda gamma: 1 - abs(gamma)


def parts(claim: Coverage, case: Case) -> Iterator[Part]:
    """What c implies; then, of each state never left, its diagonal entry and the difference that the Transformer keeps."""
    operator = operator_of(case)
    c, zero = 2 * claim.m(operator) - 1 - abs(case.gamma), 0 * case.gamma
    if c > 0:
        yield Part("states that no transition leaves, where c > 0", zero + int((operator.counts == 0).sum()), zero)
    yield Part("c", c, claim.most(case.gamma), relation=AT_MOST)
    for i in claim.empty(operator):
        yield Part(f"M̂(s, s) at s = {operator.states[i]}", zero, operator.M[i, i])
        yield from keeping(claim, case, operator, i)


def keeping(claim: Coverage, case: Case, operator: Operator, i: int) -> Iterator[Part]:
    """u ≠ 0; what becomes of u as the difference of two starts; G u = u at two step sizes; ‖G‖ ≥ 1."""
    u, alpha = claim.kept(case, i), case.alphas[0]
    yield Part(f"u at {operator.states[i]}", u[i], 0 * case.gamma, relation=UNLIKE)
    move = dict(zip(grouping.visited(case), u))
    moved = replace(case, v=[v + move.get(s, 0) for s, v in enumerate(case.v)])
    starts = grouping.values(case), grouping.values(moved)
    scale = (1 + case.depth) * size(u, *starts) / (1 - abs(float(case.gamma)))
    for layer, (one, other) in enumerate(zip(*starts)):
        left = claim.after(u, alpha, case.gamma, layer)
        yield from entries(f"what {layer} layers leave of the difference u of two starts", left, other - one, scale)
    for step in (alpha, 2 * alpha):
        yield from entries("G u", u, operator.G(step) @ u, scale)
    yield Part("‖G‖", operator.norm(alpha), 0 * alpha + 1, relation=AT_LEAST)


SMALLEST = (contexts.never_left(2), smallest((0, 0)), contexts.with_zeros())
DRAWN = contexts.after(SMALLEST, *contexts.DRAWN)
STATED = Statement(
    parts,
    "c > 0 only where all states are left, c ≤ 1 − |γ|; M̂(s, s) = 0 where s is not left, ‖G‖ ≥ 1, G u = u, "
    "and the Transformer keeps u at every layer",
    Coverage(),
    exact=DRAWN,
    certified=DRAWN,
    small=contexts.after(SMALLEST),
    floats=contexts.float_cases,
    scale="that of the largest value, times (1 + L)/(1 − |γ|)",
    shows=(parts, keeping),
)


MUTANTS = (
    Mutant("M̂(s, s) = 0 at any state", Coverage(empty=lambda operator: [0])),
    Mutant("u the indicator of the state", Coverage(kept=grouping.unit_vector)),
    Mutant(
        "the difference fades like the others",
        Coverage(after=lambda u, alpha, gamma, layer: (1 - alpha * (1 - gamma)) ** layer * u),
    ),
    Mutant(
        "m the minimum over the sources", Coverage(m=lambda operator: least(operator.M.diagonal()[operator.counts > 0]))
    ),
    Mutant("c at most (1 − |γ|)/2", Coverage(most=lambda gamma: (1 - abs(gamma)) / 2)),
)


STATEMENT = r"""
A state that no transition of the context leaves, such as a last state $S_n$ seen for the first time, has
$\hat M(s, s) = 0$. Then there is $u \ne 0$, one for all $\alpha$, with $G u = u$ (so two starts that differ by $u$
differ by $u$ at every depth), and $\lVert G \rVert_\infty \ge 1$.

So the margin asks for coverage: if $m \le \hat M(s, s)$ for every state with $c = 2m - 1 - \lvert\gamma\rvert > 0$,
then **every** state is left by some transition. And $c \le 1 - \lvert\gamma\rvert$ if $E \ge 0$.
""".strip()


CLAIM = Claim(
    id="coverage-needed",
    title="Every state must be left",
    chapter="depth",
    environment="proposition",
    statement=lambda: STATEMENT,
    hypotheses=(
        r"For the eigenvector, nothing but a state that no transition leaves.",
        r"For the second part, $c > 0$ with $m$ at most $\hat M(s, s)$ at every state of the context, $S_n$ included: a minimum over the sources alone would not do.",
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
