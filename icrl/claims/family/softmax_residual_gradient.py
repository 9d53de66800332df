r"""softmax-residual-gradient: with one softmax over two keys a transition, a layer is a gradient step for the squared TD errors of the context."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from icrl import td
from icrl.algebra import Matrix, scalar, transpose
from icrl.arrays import np
from icrl.siblings import with_both_ends
from icrl.transformer import Parameters
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, smallest
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.parts import Part, asserting, entries, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Claim, Hypothesis, Mutant
from icrl.verify.routes import grouping
from icrl.verify.routes.edits import Machine
from icrl.verify.routes.exact_algebra import invertible, solved
from icrl.verify.routes.fixed_points import condition, fixed_point_system, only_fixed_point, other_values, units
from icrl.verify.routes.grouping import array, on_visited, one_update

ONE = smallest((0, 0), r=(1,), v=(0,))
COIN = smallest((0, 0, 1, 0), 2, r=(1, 0, 0), v=(0, 0), x=((1, 0), (0, 1)), A=((1, 0), (0, 1)))
OPEN = smallest((0, 0, 1, 1), r=(0, 1, 0), v=(0, 0), x=((1, 0), (0, 1)), A=((1, 0), (0, 1)))
EQUAL = replace(contexts.two_states(), features=[[Fraction(1)]] * 2, A=[[Fraction(1)]])
LEFT_TWICE = smallest((0, 0, 1), r=(1, 0), v=(0, 0), x=((1, 0), (0, 1)), A=((1, 0), (0, 1)))
NO_DISCOUNT = replace(LEFT_TWICE, gamma=Fraction(0))
CERTAIN, NO_STEP = contexts.two_states(gamma=Fraction(1)), contexts.two_states(alphas=[Fraction(0)])
SMALLEST = (
    *(ONE, COIN, OPEN, contexts.two_states(2), EQUAL, contexts.never_left(2), LEFT_TWICE, NO_DISCOUNT),
    *(CERTAIN, NO_STEP),
)


def table(case: Case) -> np.ndarray:
    """E(s, u) on W; of floats, divided by the largest of each row."""
    return grouping.powers(case, array(case, [[0 * case.gamma + 1] * len(case.visited)]))


def keys_of(case: Case) -> np.ndarray:
    """κ(s, u) = E(s, u)/Z(s), Z the sum over the 2n keys S_k and S_{k+1}."""
    C, D, _ = grouping.transitions(case)
    return table(case) / (table(case) @ (C.sum(axis=0) + D.sum(axis=0)))[:, None]


def once_over(case: Case) -> bool:
    """Whether the loss has one least point only: for γ ≠ 0 if some state occurs twice, for γ = 0 if every state is left."""
    return len(set(case.states)) <= case.n if case.gamma != 0 else case.states[-1] in case.states[:-1]


def discounted(case: Case) -> bool:
    """|γ| < 1."""
    return abs(case.gamma) < 1


def moving(case: Case) -> bool:
    """α ≠ 0."""
    return case.alphas[0] != 0


def table_inverts(case: Case) -> bool:
    """Whether E has an inverse on the visited states."""
    return invertible(table(case))


def closes(case: Case) -> bool:
    """S_0 = S_n."""
    return case.states[0] == case.states[-1]


@dataclass(frozen=True)
class Residual:
    """The statement with its pieces: the layer, the discount in the loss, the step, for which discounts and when the minimiser is one, with
    which steps and tables it alone is kept, when two softmaxes will do."""

    edit: Callable[[Parameters, Any], Parameters] = with_both_ends
    loss_discount: Callable[[Any], Any] = lambda gamma: gamma
    half: Callable[[Any], Any] = lambda alpha: alpha / 2
    discounted: Callable[[Case], bool] = discounted
    unique: Callable[[Case], bool] = once_over
    moving: Callable[[Case], bool] = moving
    inverts: Callable[[Case], bool] = table_inverts
    two_will_do: Callable[[Case], bool] = closes
    minimiser: Callable[[Case, np.ndarray, np.ndarray], np.ndarray] = lambda case, H, g: solved(H, -g)
    beyond: tuple[Case, ...] = ()


# The routes


def loop(case: Case) -> Iterator[dict]:
    """The loop of the residual gradient."""
    return td.softmax_residual_gradient(
        case.states, case.rewards, case.score, case.gamma, case.alphas, case.v, case.exp
    )


def loss(case: Case, gamma: Any, v: np.ndarray) -> Any:
    """Σ_k δ_k²."""
    return sum(error * error for error in td.td_errors(case.states, case.rewards, dict(zip(case.visited, v)), gamma))


def gradient(case: Case, gamma: Any, v: np.ndarray) -> np.ndarray:
    """The gradient of the loss, by differences of the loss, which are exact for a quadratic."""
    return array(case, [(loss(case, gamma, v + e) - loss(case, gamma, v - e)) / 2 for e in units(case)])


def two_softmaxes(claim: Residual, case: Case) -> Callable[[np.ndarray], np.ndarray]:
    """v + (α/2)(K − γK')δ, where K and K' are normalised each by itself."""
    C, D, R = grouping.transitions(case)
    own = table(case) @ C.T, table(case) @ D.T
    K, K_after = (weights / weights.sum(axis=1)[:, None] for weights in own)
    return lambda v: v + claim.half(case.alphas[0]) * ((K - case.gamma * K_after) @ (R + case.gamma * (D @ v) - C @ v))


# The parts of the statement


def parts(claim: Residual, case: Case) -> Iterator[Part]:
    """The Transformer against the loop; the loop against the gradient of the loss; what it keeps; two softmaxes."""
    values, updates = (
        grouping.values(case, Machine(edit=lambda p, site: claim.edit(p, case.gamma))),
        on_visited(case, loop(case)),
    )
    scale = (1 + case.depth) * size(updates, case.rewards)
    for l, (got, right) in enumerate(zip(values, updates, strict=True)):
        yield from asserting("layer", entries(f"v_{l}", got, right, scale))
    layer, gamma, v = one_update(case, loop), claim.loss_discount(case.gamma), updates[0]
    H, g = fixed_point_system(lambda v: v - gradient(case, gamma, v), case)[0], gradient(case, gamma, 0 * v)
    down = v - claim.half(case.alphas[0]) * (keys_of(case) @ (H @ v + g))
    scale = case.n * size(v, case.rewards)
    yield from asserting("gradient", entries("v_0 − (α/2)κ∇", down, layer(v), scale))
    yield from asserting("one", how_many(claim, case, H))
    if invertible(H):
        yield from stands_still(claim, case, layer, H, claim.minimiser(case, H, g))
    else:
        yield from many_minimisers(case, layer)


def how_many(claim: Residual, case: Case, H: np.ndarray) -> Iterator[Part]:
    """Whether the loss has one least point; not of floats, where only a wide margin can be told."""
    if claim.discounted(case) and not isinstance(case.gamma, float):
        zero = 0 * case.gamma
        yield Part(
            "whether the loss has one least point only: 1 if so",
            zero + int(claim.unique(case)),
            zero + int(invertible(H)),
        )


def stands_still(claim: Residual, case: Case, layer: Callable, H: np.ndarray, value: np.ndarray) -> Iterator[Part]:
    """The minimiser is kept; nothing else if E is invertible; other values if E takes something to 0; two softmaxes keep it if they will do."""
    scale = case.n * size(value, case.rewards) * condition(H)
    yield from asserting("only", only_fixed_point("the layer's fixed point", layer, case, value, scale))
    yield from asserting("kept", entries("a layer's image of the minimiser", layer(value), value, scale))
    e, only = units(case), claim.moving(case) and claim.inverts(case)
    suspects = [e[s] - e[u] for s, u in pairwise(range(len(e)))] or e
    others = ((value + solved(H, w), table(case) @ w) for w in suspects)
    found = other_values(layer, case, others, only, lambda v: scale * size(v))
    yield from asserting("only" if only else "iff", found)
    if isinstance(case.gamma, Fraction):
        alone = Fraction(int(invertible(fixed_point_system(layer, case)[0])))
        yield Part("one fixed point and no other: 1 if so", alone, Fraction(int(only)), asserted="iff")
    if claim.two_will_do(case):
        yield from asserting("two", twice(claim, case, layer, value, scale))


def twice(claim: Residual, case: Case, layer: Callable, value: np.ndarray, scale: float) -> Iterator[Part]:
    """Two softmaxes keep the minimiser, and are the same layer from 0, at half the step."""
    yield from entries("what two softmaxes make of the minimiser", two_softmaxes(claim, case)(value), value, scale)
    yield from entries(
        "a layer of two softmaxes at α/2", two_softmaxes(claim, case)(0 * value), layer(0 * value), scale
    )


def many_minimisers(case: Case, layer: Callable) -> Iterator[Part]:
    """Where no state occurs twice, every v(S_n) continues backwards to values without TD errors, and the layer keeps them all."""
    if len(set(case.states)) > case.n:
        for end in (0 * case.gamma, 0 * case.gamma + 1):
            found = {case.states[-1]: end}
            for (before, after), reward in zip(reversed([*pairwise(case.states)]), reversed(case.rewards)):
                found[before] = reward + case.gamma * found[after]
            value = array(case, [found[s] for s in case.visited])
            scale = case.n * size(value, case.rewards)
            yield Part(
                f"J of the values that end in {end}", loss(case, case.gamma, value), 0 * end, scale**2, "", "one"
            )
            where = f"a layer's image of the values that end in {end}"
            yield from asserting("kept", entries(where, layer(value), value, scale))


def short_float_cases(seed: int) -> Iterator[Case]:
    """The random float contexts, up to 8 layers of each."""
    return (replace(case, alphas=case.alphas[:8]) for case in contexts.float_cases(seed))


STATED = Statement(
    parts,
    "the Transformer is the loop; the loop is v − (α/2)κ∇ of the squared TD errors; what it keeps, by solving for it, "
    "is their least point; two softmaxes at half the step are the same where S_0 = S_n; how many least points there "
    "are, but of floats",
    Residual(),
    exact=contexts.after(SMALLEST, *contexts.DRAWN),
    certified=contexts.after(SMALLEST, *contexts.DRAWN),
    small=contexts.after(SMALLEST),
    floats=short_float_cases,
    trials=100,
    scale="that of the values, times 1 + L, or n times the condition of what is solved",
    shows=(parts, how_many, stands_still, twice, many_minimisers),
)


# Wrong variants


def semi_gradient(p: Parameters, gamma: Any) -> Parameters:
    """Softmax TD itself: the keys S_{k+1} left out."""
    return p


def undiscounted_keys(p: Parameters, gamma: Any) -> Parameters:
    """K − K' in the place of K − γK'."""
    return with_both_ends(p, 1 + 0 * gamma)


def every_key(p: Parameters, gamma: Any) -> Parameters:
    """Without the mask."""
    return with_both_ends(p, gamma).with_head(visible=np.ones_like(p.head.visible))


def two_normalisers(p: Parameters, gamma: Any) -> Parameters:
    """A softmax for the keys S_k and another for the keys S_{k+1}, at half the step."""

    def weights(scores: Matrix, visible: Any) -> Matrix:
        K, K_after = (p.head.normalise(each, visible) for each in (scores, transpose(p.target_memory.shift) @ scores))
        return (K - scalar(gamma, scores) * K_after) / 2

    return p.with_head(normalise=weights)


def v_CE(case: Case, H: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The certainty-equivalence value."""
    return grouping.certainty_equivalence(case)


BY_MARGIN = {"numeric": "of floats it can be told only by a wide margin whether the loss has one least point"}

MUTANTS = (
    Mutant("the keys S_{k+1} left out", Residual(semi_gradient)),
    Mutant("γ missing on their weights", Residual(undiscounted_keys)),
    Mutant("no mask", Residual(every_key)),
    Mutant("two softmaxes in the place of one", Residual(two_normalisers)),
    Mutant("the least point is v_CE", Residual(minimiser=v_CE)),
    Mutant("a loss without discount", Residual(loss_discount=lambda gamma: 1 + 0 * gamma)),
    Mutant("α in the place of α/2", Residual(half=lambda alpha: alpha)),
    Mutant("two softmaxes end alike in every context", Residual(two_will_do=lambda case: True, beyond=(OPEN,))),
    Mutant("the only fixed point whatever the features", Residual(inverts=lambda case: True, beyond=(EQUAL,))),
    Mutant(
        "one least point only if every state is left",
        Residual(unique=lambda case: case.states[-1] in case.states[:-1], beyond=(LEFT_TWICE,)),
        BY_MARGIN,
    ),
    Mutant(
        "one least point whatever the context",
        Residual(unique=lambda case: True, beyond=(contexts.never_left(),)),
        BY_MARGIN,
    ),
    Mutant(
        "a state that occurs twice is enough for γ = 0",
        Residual(unique=lambda case: len(set(case.states)) <= case.n, beyond=(NO_DISCOUNT,)),
        BY_MARGIN,
    ),
    Mutant("γ = 1 let in", Residual(discounted=lambda case: True), BY_MARGIN),
    Mutant("α = 0 let in", Residual(moving=lambda case: True)),
)


STATEMENT = r"""
Give every transition two keys under one softmax: $S_k$, through which attention reads $\delta_k$, and $S_{k+1}$,
through which it reads $-\gamma \delta_k$.
""".strip()

ASSERTIONS = (
    Assertion(
        "layer",
        r"""
With $Z(s) = \sum_{k<n} \bigl( E(s, S_k) + E(s, S_{k+1}) \bigr)$ a layer is

$$
v_{l+1}(s) = v_l(s) + \frac{\alpha}{Z(s)} \sum_{k<n} \bigl( E(s, S_k) - \gamma E(s, S_{k+1}) \bigr) \delta_k .
$$ (eq-softmax-residual)
""",
        typed="equation",
    ),
    Assertion(
        "gradient",
        lambda claim: (
            rf"""
This is a gradient step for the squared TD errors of the context, preconditioned by the weights $\kappa(s, u) = E(s, u) / Z(s)$:

$$
v_{{l+1}} = v_l - {letters(claim.half, "alpha")}\, \kappa\, \nabla J(v_l), \qquad
J(v) = \sum_{{k<n}} \bigl( R_{{k+1}} + {letters(claim.loss_discount, "gamma")} v(S_{{k+1}}) - v(S_k) \bigr)^2 .
$$ (eq-squared-residual)
"""
        ),
    ),
    Assertion("kept", r"So it keeps every least point of $J$.", typed="names"),
    Assertion(
        "only",
        r"""
If $\alpha \ne 0$ and the table $E$ is invertible on the visited states, it keeps nothing else: whatever the weights, a
fixed point is then a **least-squares solution of the Bellman residual of the observed transitions**.
""",
        typed="condition",
    ),
    Assertion(
        "one",
        r"""
For $0 < \lvert\gamma\rvert < 1$ there is exactly one least point if some state occurs twice in $S_0, \dots, S_n$, and
for $\gamma = 0$ if every visited state is left; if no state occurs twice there are many, with $J = 0$.
""",
        typed="condition",
    ),
    Assertion(
        "iff",
        r"""
If there is one, and $\alpha \ne 0$, then the layer keeps it alone **if and only if** $E$ is invertible.
""",
        typed="condition",
    ),
    Assertion(
        "two",
        lambda claim: (
            rf"""
Two softmaxes, one over the keys $S_k$ and one over the keys $S_{{k+1}}$, at the step ${letters(claim.half, "alpha")}$ are
the same layer if $S_0 = S_n$. If not, their fixed point is another one in general.
"""
        ),
    ),
)


CLAIM = Claim(
    id="softmax-residual-gradient",
    title="The residual gradient, with two keys a transition",
    chapter="siblings",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(r"One softmax over all $2n$ keys.", dropped="two softmaxes in the place of one"),
        Hypothesis(r"The keys of the query column hidden.", dropped="no mask"),
        Hypothesis(r"Every $Z(s) \ne 0$, as for the exponential.", reason="where $Z(s) = 0$ a layer is undefined"),
        Hypothesis(r"For least points to be all that is kept: $\alpha \ne 0$.", dropped="α = 0 let in", holds=moving),
        Hypothesis(
            r"For the same, $E$ invertible on the visited states, the last one included. With $A = I$ and the exponential: "
            r"the features are distinct.",
            dropped="the only fixed point whatever the features",
            holds=table_inverts,
        ),
        Hypothesis(r"For one least point only: $\lvert\gamma\rvert < 1$.", dropped="γ = 1 let in", holds=discounted),
        Hypothesis(
            r"For the same, a state that occurs twice.", dropped="one least point whatever the context", holds=once_over
        ),
        Hypothesis(
            r"For the same where $\gamma = 0$, every state left.",
            dropped="a state that occurs twice is enough for γ = 0",
            holds=once_over,
        ),
        Hypothesis(
            r"For two softmaxes: $S_0 = S_n$.", dropped="two softmaxes end alike in every context", holds=closes
        ),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "softmax-residual-gradient",
            "every context that visits all numbered states, all weights, discounts and step sizes that are asked for; any ordered field; "
            "two softmaxes only where the context ends in the state where it began",
            stated=(
                "softmax_residual_gradient.residual_layer",
                "softmax_residual_gradient.gradient_is_derivative",
                "softmax_residual_gradient.layer_is_gradient_step",
                "softmax_residual_gradient.layer_keeps_least_points",
                "softmax_residual_gradient.kept_is_least_point",
                "least_points.one_least_point_if_a_state_recurs",
                "least_points.one_least_point_without_discount",
                "least_points.many_least_points",
                "least_points.least_point_alone_iff_invertible",
            ),
            further=(
                "softmax_residual_gradient.least_iff_no_gradient",
                "least_points.two_softmaxes_are_one_if_closed",
            ),
            definitions=(
                "softmax_residual_gradient.key",
                "softmax_residual_gradient.reading",
                "softmax_residual_gradient.residual_update",
                "softmax_residual_gradient.both_normaliser",
                "softmax_residual_gradient.preconditioner",
                "softmax_residual_gradient.squared_errors",
                "softmax_residual_gradient.least_point",
                "softmax_residual_gradient.gradient",
                "fixed_point.table",
            ),
            asserts=("layer", "gradient", "kept", "only", "one", "iff"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td",),
    under={"softmax-td": "without the keys of the next states"},
    source="Baird 1995 for the residual gradient; in linear attention, Wang et al. 2025; for softmax worked out for this book",
    shared=(
        "The routes compared share the exponential, the contexts and their features. The Transformer shifts rows of "
        "its scores, the loop of icrl.td lists 2n keys, and the gradient is made of differences of the loss, which "
        "knows no keys; none of them calls another."
    ),
)
