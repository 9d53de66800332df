r"""certainty-equivalence: whatever the weights, the values that depth leaves alone are the batch TD values of the context."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from sympy.matrices.expressions.matexpr import MatrixExpr

from icrl.arrays import np
from icrl.operator import Operator
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, log_uniform, smallest
from icrl.verify.instances.contexts import BY_POSITION, POSITIONS, closing_float_walk
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.parts import AT_MOST, Part, asserting, entries, greatest, least, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Hypothesis, Mutant, Verdict
from icrl.verify.routes import grouping
from icrl.verify.routes.exact_algebra import invertible, solved
from icrl.verify.routes.fixed_points import (
    Layer,
    bellman_matrix,
    condition,
    fixed_point_system,
    inverted,
    only_fixed_point,
    other_values,
    suspects,
)
from icrl.verify.routes.grouping import (
    ALPHA,
    GAMMA,
    KAPPA,
    SYMBOLS,
    VALUES,
    Transitions,
    by_state,
    empirical_model,
    operator_of,
    td_update,
)

LINE = smallest((0, 1, 0), r=(1, 0), v=(0, 0), x=((0,), (1,)))
SLOW = contexts.two_states(gamma=Fraction(1, 4), rewards=[Fraction(0)] * 2, v=[Fraction(1), Fraction(-1)])
EQUAL = replace(LINE, features=[[Fraction(1)]] * 2)
NO_SCORE = replace(LINE, A=[[Fraction(0)]])
SIGNS = replace(LINE, features=[[Fraction(1)], [Fraction(-1)]])
CERTAIN = replace(LINE, gamma=Fraction(1))
LONG_STEP = replace(smallest((0, 0)), gamma=Fraction(-1, 2), alphas=[Fraction(5, 4)])
NO_STEP = contexts.two_states(alphas=[Fraction(0)])
SMALLEST = (LINE, POSITIONS, SLOW, EQUAL, NO_SCORE, SIGNS, contexts.never_left(2), contexts.with_zeros())


def moves(alpha: Any) -> bool:
    """α ≠ 0."""
    return alpha != 0


def regular(case: Case, M: np.ndarray) -> bool:
    """Whether M̂ is invertible."""
    return invertible(M)


@dataclass(frozen=True)
class Limit:
    """The statement with its pieces: keys, weights, layer, model, for which α and M̂ its value is the only fixed point, m, the rate, contexts let in."""

    transitions: Callable = grouping.transitions
    kernel: Callable = by_state
    layer: Callable = td_update
    model: Callable = empirical_model
    moves: Callable[[Any], bool] = moves
    regular: Callable[[Case, np.ndarray], bool] = regular
    m: Callable[[Operator], Any] = lambda operator: least(operator.M.diagonal())
    rate: Callable = lambda alpha, c, gamma: 1 - alpha * c
    beyond: tuple[Case, ...] = ()


def identity(
    claim: Limit, kappa: Any, given: Transitions, model: tuple, gamma: Any, alpha: Any, v: Any
) -> tuple[Any, Any]:
    """(α M̂ (I − γP_e)(v_CE − v), what a layer adds to v): 0 at v_CE, and nowhere else if α ≠ 0 and M̂ is invertible."""
    K, X = claim.kernel(kappa, given.C), bellman_matrix(model[0], gamma)
    there = X @ inverted(X, model[1])
    there = there.doit() if isinstance(there, MatrixExpr) else there  # X X⁻¹, before the product is expanded
    return alpha * (K @ given.C @ (there - X @ v)), claim.layer(K, given, gamma, alpha, v) - v


def symbolic(claim: Limit, budget: Budget) -> Verdict:
    """What a layer adds, as a matrix expression with symbolic n and |W|: the difference expands to 0. What does not is put to a small instance."""
    sides = identity(claim, KAPPA, SYMBOLS, claim.model(*SYMBOLS), GAMMA, ALPHA, VALUES)
    return sy.derived([sides], identity_parts, claim, [*claim.beyond, POSITIONS]) or Verdict(
        True,
        "from any v a layer adds αM̂(I − γP_e)(v_CE − v), with K = κCᵀ, CᵀC and I − γP_e invertible, for every n and every number of states",
    )


def identity_parts(claim: Limit, case: Case) -> Iterator[Part]:
    """The identity at a case, from its first values."""
    given, v = claim.transitions(case), grouping.values(replace(case, alphas=[]))[0]
    model = claim.model(*grouping.transitions(case))
    got, right = identity(claim, grouping.normalised(case, given.C), given, model, case.gamma, case.alphas[0], v)
    yield from entries("α M̂ (I − γP_e)(v_CE − v)", got, right, size(v, case.rewards) / (1 - abs(float(case.gamma))))


def parts(claim: Limit, case: Case) -> Iterator[Part]:
    """The layer's fixed points, against v_CE from the context alone; the identity; the Transformer's way there; the library."""
    X, zero = bellman_matrix(empirical_model(*grouping.transitions(case))[0], case.gamma), 0 * case.gamma
    yield Part("I − γP_e invertible: 1 if so", zero + int(invertible(X)), zero + 1, asserted="value")
    v_CE = grouping.certainty_equivalence(case)
    yield from fixed_points(claim, case, v_CE)
    yield from asserting("value", solution(claim, case, v_CE, X))
    yield from asserting("kept", identity_parts(claim, case))
    yield from at_depth(claim, case, v_CE)


def scale_of(case: Case, *values: Any) -> float:
    """The scale of values near a fixed point."""
    return size(*values, case.rewards) / (1 - abs(float(case.gamma)))


def equal(case: Case, C: np.ndarray) -> np.ndarray:
    """The weights of a table E that is 1 everywhere."""
    return 0 * grouping.normalised(case, C) + (1 + 0 * case.gamma) / len(C)


def layer_of(
    claim: Limit, case: Case, weights: Callable[[Case, np.ndarray], np.ndarray] = grouping.normalised
) -> tuple[Layer, np.ndarray]:
    """The layer of a context as a map, and its M̂."""
    given = claim.transitions(case)
    K = claim.kernel(weights(case, given.C), given.C)
    return lambda v: claim.layer(K, given, case.gamma, case.alphas[0], v), K @ given.C


def fixed_points(claim: Limit, case: Case, v_CE: np.ndarray) -> Iterator[Part]:
    """The fixed point, where the layer has one only; that v_CE is one; what equal weights make of it; and what becomes of others that M̂ might not see."""
    layer, M = layer_of(claim, case)
    found = only_fixed_point("the layer's fixed point", layer, case, v_CE, size(v_CE, layer(0 * v_CE)))
    yield from asserting("only", found)
    yield from asserting("kept", entries("a layer's image of v_CE", layer(v_CE), v_CE, scale_of(case, v_CE)))
    X = bellman_matrix(empirical_model(*grouping.transitions(case))[0], case.gamma)
    others = ((v_CE + solved(X, w), M @ w) for w in suspects(case))
    only = claim.moves(case.alphas[0]) and claim.regular(case, M)
    moved = "how far a layer moves {}, which is not v_CE"
    scale = lambda v: scale_of(case, v)
    yield from asserting("only" if only else "iff", other_values(layer, case, others, only, scale, moved))
    system, start = fixed_point_system(layer, case)
    if isinstance(case.gamma, Fraction):
        alone = Fraction(int(invertible(system)))
        yield Part("one fixed point and no other: 1 if so", alone, Fraction(int(only)), asserted="iff")
    if invertible(system):  # else there is no one fixed point to solve for
        kept = solved(system, start)
        image, most = layer_of(claim, case, equal)[0](kept), scale_of(case, kept) * condition(system)
        yield from asserting(
            "weights", entries("what equal weights make of the layer's fixed point", image, kept, most)
        )


def solution(claim: Limit, case: Case, v_CE: np.ndarray, X: np.ndarray) -> Iterator[Part]:
    """The value of the model, and the library's; 0 at a state that is never left."""
    P_e, r = claim.model(*grouping.transitions(case))
    yield from entries("v_CE", solved(bellman_matrix(P_e, case.gamma), r), v_CE, size(v_CE) * condition(X))
    operator = operator_of(case)
    for value in v_CE[operator.counts == 0]:
        yield Part("v_CE at a state that is never left", value, 0 * case.gamma)
    if operator.covered:  # the library refuses others
        scale = (1 + case.depth) * scale_of(case, v_CE)
        yield from entries("Operator.certainty_equivalence", operator.certainty_equivalence(), v_CE, scale)


def at_depth(claim: Limit, case: Case, v_CE: np.ndarray) -> Iterator[Part]:
    """The Transformer keeps v_CE, and stays within the bound; the library arrives where depth does."""
    operator, alpha, at = operator_of(case), case.alphas[0], case.visited
    kept = replace(case, v=[v_CE[at.index(s)] if s in at else v for s, v in enumerate(case.v)], alphas=[alpha])
    scale = (1 + case.depth) * scale_of(case, v_CE)
    image = grouping.values(kept)[1]
    yield from asserting("kept", entries("a Transformer layer's image of v_CE", image, v_CE, scale))
    c = margin(least(operator.M.diagonal()), case.gamma)
    yield Part("Operator.margin", operator.margin, c, asserted="reached")
    values, rate = grouping.values(case), claim.rate(alpha, margin(claim.m(operator), case.gamma), case.gamma)
    for layer, v in enumerate(values):
        most = rate**layer * greatest(values[0] - v_CE)
        yield Part(f"‖v_{layer} − v_CE‖", greatest(v - v_CE), most, scale, AT_MOST, "reached")
    # a route of its own, for floats that converge
    if isinstance(case.gamma, float) and invertible(operator.M) and operator.spectral_radius(alpha) < 1 - 1e-6:
        scale, far = size(values, v_CE) * condition(alpha * operator.H), operator.iterate(values[0], alpha, 10**9)
        yield from asserting("reached", entries("v after 10⁹ layers", far, v_CE, scale))
        yield from asserting("reached", entries("Operator.limit", operator.limit(alpha, values[0]), v_CE, scale))


def margin(m: Any, gamma: Any) -> Any:
    """c = 2m − 1 − |γ|."""
    return 2 * m - 1 - abs(gamma)


def two_maps() -> list[Case]:
    """The sharp contexts, then each with other features."""
    sharp = contexts.sharp_cases()
    flat = [replace(case, features=[[entry / 3 for entry in reversed(x)] for x in case.features]) for case in sharp]
    return [*sharp, *flat]


def six_maps(seed: int) -> Iterator[Case]:
    """Random contexts whose visited states are all left, each under six feature maps; the last gives two states the same features."""
    rng = np.random.default_rng(seed)
    while True:
        walk = closing_float_walk(rng, int(rng.integers(1, 7)), log_uniform(rng, 1, 64))
        states, gamma, alpha = len(set(walk)), float(rng.uniform(-0.95, 0.95)), float(rng.uniform(0.05, 1))
        rewards, v = rng.normal(size=len(walk) - 1).tolist(), rng.normal(size=states).tolist()
        for x in (
            2 * np.eye(states),
            *(rng.normal(size=(states, d)) for d in (1, 2, 4, 6)),
            rng.normal(size=(states, 3))[[*range(states - 1), 0]],
        ):
            A = np.eye(x.shape[1]) + (rng.normal(size=(x.shape[1],) * 2) / 2 if rng.random() < 0.5 else 0)
            yield Case(walk, rewards, x.tolist(), v, gamma, [alpha] * 4, A.tolist())


DRAWN = contexts.after(SMALLEST, contexts.rational_cases, two_maps)
STATED = Statement(
    parts,
    "the layer's fixed point, by solving for it, is v_CE of the context alone; no other value is kept if M̂ is "
    "invertible; the Transformer keeps v_CE, and nears it at 1 − αc",
    Limit(),
    exact=DRAWN,
    certified=DRAWN,
    small=contexts.after(SMALLEST),
    floats=six_maps,
    trials=600,
    routes={
        "numeric": "the random ones 100 contexts, each under six feature maps, and the same limit after 10⁹ layers where ρ(G) < 1"
    },
    scale="that of the values, times the condition of what is solved",
    shows=(fixed_points, solution, at_depth),
)

NORMALISER = {"symbolic": "the weights are opaque there, and so is what the mask leaves of them"}
ONLY = {"symbolic": "when M̂ is invertible is not a matter of the identity"}
SPEED = {"symbolic": "the identity is about one layer"}
COUNTED = {
    "symbolic": "when M̂ is invertible is not a matter of the identity",
    **dict.fromkeys(("certified", "numeric"), "that no inverse exists is decided in rationals"),
}


def contracting(case: Case, M: np.ndarray) -> bool:
    """Whether c > 0, which is more than is needed for one fixed point only."""
    return margin(least(M.diagonal()), case.gamma) > 0


MUTANTS = (
    Mutant(
        "an averager in the place of the layer",
        Limit(layer=lambda K, given, gamma, alpha, v: K @ (given.R + gamma * (given.D @ v))),
    ),
    Mutant("no mask", Limit(transitions=grouping.without_mask), NORMALISER),
    Mutant(
        "weights that depend on the position",
        Limit(kernel=grouping.by_position, beyond=(replace(POSITIONS, told=BY_POSITION),)),
    ),
    Mutant("r̂ a mean over all transitions", Limit(model=grouping.mean_over_all)),
    Mutant(
        "the only fixed point whatever the weights",
        Limit(regular=lambda case, M: True, beyond=(EQUAL,)),
        ONLY,
    ),
    Mutant(
        "the only fixed point if the features differ",
        Limit(regular=lambda case, M: len(set(map(str, case.features))) == len(M), beyond=(NO_SCORE,)),
        ONLY,
    ),
    Mutant("the only fixed point where c > 0 alone", Limit(regular=contracting), COUNTED),
    Mutant("γ = 1 let in", Limit(beyond=(CERTAIN,)), {"symbolic": "I − γP_e is taken to be invertible there"}),
    Mutant("α = 0 let in", Limit(moves=lambda alpha: True, beyond=(NO_STEP,)), ONLY),
    Mutant("the rate of batch TD", Limit(rate=lambda alpha, c, gamma: 1 - alpha * (1 - gamma), beyond=(SLOW,)), SPEED),
    Mutant("α = 5/4 let in", Limit(beyond=(LONG_STEP,)), SPEED),
    Mutant(
        "m the minimum over the sources",
        Limit(m=lambda operator: least(operator.M.diagonal()[operator.counts > 0])),
        SPEED,
    ),
)


ASSERTIONS = (
    Assertion(
        "kept",
        r"Any solution of the empirical Bellman equation $v = \hat r + \gamma P_e v$ is a fixed point of the layer.",
        typed="equation",
    ),
    Assertion(
        "only",
        r"""
If $\hat M$ is invertible and $\alpha \ne 0$, there are no others:

$$
v_{l+1} = v_l \iff v_l = \hat r + \gamma P_e v_l .
$$ (eq-empirical-bellman)
""",
        typed="condition",
    ),
    Assertion(
        "value",
        r"""
Let $\lvert\gamma\rvert < 1$. Then the equation has exactly one solution,
$v_{\mathrm{CE}} = (I - \gamma P_e)^{-1} \hat r$, which is 0 at a state that no transition leaves.
""",
        typed="equation",
    ),
    Assertion(
        "iff",
        r"""
If besides $\alpha \ne 0$, it is the only fixed point **if and only if** $\hat M$ is invertible.
""",
        typed="condition",
    ),
    Assertion(
        "weights",
        r"""
It does not depend on the weights: what is fixed under some weights with invertible $\hat M$ is fixed under all others.
""",
        typed="names",
    ),
    Assertion(
        "reached",
        lambda claim: (
            rf"""
Where depth contracts, under the hypotheses of {{prf:ref}}`contraction` with $c > 0$ and $\alpha > 0$, it leads there:

$$
\lVert v_L - v_{{\mathrm{{CE}}}} \rVert_\infty \le ({letters(claim.rate, "alpha", "c", "gamma")})^L\, \lVert v_0 - v_{{\mathrm{{CE}}}} \rVert_\infty .
$$ (eq-depth-reaches)
"""
        ),
    ),
)


CLAIM = Claim(
    id="certainty-equivalence",
    title="Depth leads to the certainty-equivalence value",
    chapter="layer-operator",
    environment="theorem",
    statement=lambda: r"Let $\hat M$, $P_e$ and $\hat r$ be those of a layer with step size $\alpha$ on a context.",
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"For the fixed points to solve the empirical Bellman equation: $\alpha \ne 0$.",
            dropped="α = 0 let in",
            holds=moves,
        ),
        Hypothesis(
            r"For the same, $\hat M$ invertible; for a solution to be a fixed point, nothing.",
            dropped="the only fixed point whatever the weights",
            holds=regular,
        ),
        Hypothesis(r"$\lvert\gamma\rvert < 1$, for the solution to be one.", dropped="γ = 1 let in"),
        Hypothesis(
            r"That every state is a source, for the value to be the only fixed point.",
            reason=r"not needed: with a state that is never left, $\hat M$ is singular",
        ),
        Hypothesis(
            r"For the bound: $E \ge 0$.",
            reason=r"weights of both signs are refused by `icrl.operator`; with $\gamma = 0$, $\alpha = \frac12$ and "
            r"$\hat M = \begin{pmatrix} 2 & -1 \\ -1 & 2 \end{pmatrix}$ the bound $1 - \alpha c$ is $-\frac12$",
        ),
        Hypothesis(r"For the bound: $0 \le \alpha \le 1$.", dropped="α = 5/4 let in"),
        Hypothesis(r"For the bound: $m \le \hat M(s, s)$ at every state.", dropped="m the minimum over the sources"),
        Hypothesis(
            r"For the bound: $c > 0$.",
            reason=r"not needed for the inequality where $\lvert\gamma\rvert < 1$; without it the right side does not fall, and "
            r"from $c > 0$ both $\lvert\gamma\rvert < 1$ and an invertible $\hat M$ follow",
        ),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "certainty-equivalence",
            "for every number of states, n, d, depth, every table of weights (E ≥ 0 where depth contracts)",
            stated=(
                "certainty_equivalence.bellman_is_fixed",
                "certainty_equivalence.fixed_is_bellman",
                "certainty_equivalence.certainty_equivalent_value",
                "certainty_equivalence.fixed_point_iff_invertible",
                "certainty_equivalence.limit_does_not_see_the_weights",
                "certainty_equivalence.depth_reaches_v_CE",
                "certainty_equivalence.transformer_reaches_v_CE",
            ),
            further=(
                "certainty_equivalence.v_CE_nonsource",
                "certainty_equivalence.positive_margin_gamma",
                "coverage.positive_margin_invertible",
                "coverage.nonsource_singular",
                "certainty_equivalence.needs_invertible_Mhat",
                "certainty_equivalence.needs_nonzero_alpha",
            ),
            definitions=(
                "certainty_equivalence.empirical_bellman",
                "certainty_equivalence.v_CE",
            ),
            asserts=("kept", "only", "value", "iff", "weights", "reached"),
        ),
        Check(
            "symbolic",
            "every n and every number of states, all of them sources; the weights any function of query and key state, normalised or not",
            symbolic,
            shows=(identity,),
            asserts=("kept",),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=(
        "operator",
        "contraction",
        "coverage-needed",
        "batch-td",
    ),
    source="Found for this book",
    shared=(
        "The routes compared share the exponential, the contexts and their features. icrl.operator groups by counts, "
        "the Transformer of icrl.transformer knows no states, and v_CE is counted and eliminated from the context "
        "alone; none of them calls another."
    ),
)
