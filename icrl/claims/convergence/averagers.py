r"""averagers: averaging targets in the place of errors always contracts, to the value of a smoothed model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

from sympy import MatrixSymbol, Symbol

from icrl.arrays import np
from icrl.transformer import Parameters
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, smallest
from icrl.verify.instances.contexts import BY_POSITION, POSITIONS, lake
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import (
    AT_LEAST,
    AT_MOST,
    UNLIKE,
    Part,
    asserting,
    entries,
    greatest,
    least,
    size,
)
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Hypothesis, Mutant, Verdict
from icrl.verify.routes import exact_algebra, grouping
from icrl.verify.routes.edits import Machine, Site
from icrl.verify.routes.exact_algebra import solved
from icrl.verify.routes.fixed_points import bellman_matrix, condition, fixed_point_system
from icrl.verify.routes.grouping import (
    ALPHA,
    GAMMA,
    KAPPA,
    STATES,
    SYMBOLS,
    VALUES,
    Transitions,
    by_state,
    empirical_model,
    operator_of,
    td_update,
)

ONE, HALF = Fraction(1), Fraction(1, 2)
LINE = smallest((0, 1, 0), 2, r=(1, 0), v=(0, 0), x=((0,), (1,)))
LONGER = replace(LINE, states=[0, 1] * 3 + [0], rewards=[*LINE.rewards] * 3)
SWAP = contexts.two_states(2)
CONTRAST = contexts.two_states(gamma=0 * ONE, rewards=[ONE, -ONE])
NEGATIVE_GAMMA = contexts.two_states(gamma=-HALF, v=[ONE, -ONE])
ALONE = smallest((0, 0), 2, r=(1,), v=(0,), x=((1,),))
WORTH_ALIKE = replace(LINE, rewards=[ONE, ONE])
LONG_STEP = contexts.two_states(alphas=[3 * HALF], gamma=0 * ONE, v=[ONE, -ONE])
LARGE_GAMMA = contexts.two_states(gamma=-3 * HALF)
STEP_BACK = contexts.two_states(alphas=[-ONE], v=[ONE, -ONE])
EITHER_SIGN = contexts.of_either_sign(alphas=[ONE], v=[ONE, -ONE])
SMALLEST = (
    LINE,
    LONGER,
    SWAP,
    CONTRAST,
    NEGATIVE_GAMMA,
    WORTH_ALIKE,
    POSITIONS,
    ALONE,
    contexts.never_left(2),
    contexts.with_zeros(),
)


def average(K: Any, given: Transitions, gamma: Any, alpha: Any, v: Any) -> Any:
    """(1 − α)v + αK(R + γDv), from the definition of a kernel averager."""
    return (1 - alpha) * v + alpha * (K @ (given.R + gamma * (given.D @ v)))


def moves(alpha: Any) -> bool:
    """α ≠ 0."""
    return alpha != 0


def not_negative(gamma: Any) -> bool:
    """γ ≥ 0."""
    return gamma >= 0


def several(states: int) -> bool:
    """Whether there are two states at least."""
    return states > 1


def positive(case: Case) -> bool:
    """E > 0."""
    return all(E > 0 for E in table(case).flat)


def all_left(case: Case) -> bool:
    """Whether every state is left."""
    return set(case.states) <= set(case.states[:-1])


def with_last(matrix: np.ndarray, entry: Any) -> np.ndarray:
    """A matrix with another last entry, the one from the value row to itself."""
    matrix = matrix.copy()
    matrix[-1, -1] = entry
    return matrix


def averager_parameters(p: Parameters, site: Site, kept: Callable[[Any], Any]) -> Parameters:
    """The construction's parameters with α over what is ``kept`` of the value for α, and no value read by V; for α ≠ 1."""
    keep = kept(site.alpha)
    V, U, W = p.head.V, p.target_memory.U, p.target_memory.W
    return p.with_head(V=with_last(V / keep, 0 * keep)).with_memory(U=with_last(U, keep), W=keep * W)


def subtracting(p: Parameters, site: Site, kept: Callable[[Any], Any]) -> Parameters:
    """The same with −α/(1 − α) in V's value entry."""
    return averager_parameters(p, site, kept).with_head(V=p.head.V / kept(site.alpha))


def residual_kept(p: Parameters, site: Site, kept: Callable[[Any], Any]) -> Parameters:
    """The same with all of the residual stream kept."""
    return replace(averager_parameters(p, site, kept), memory=p.memory)


def smoothed(M: Any, P_e: Any, r: Any) -> tuple[Any, Any]:
    """M̂P_e and M̂r̂."""
    return M @ P_e, M @ r


@dataclass(frozen=True)
class Averager:
    """The statement with its pieces: keys, weights, the update and its form, the model, the rate and when constants attain it, the bounds on the
    bias, when e > 0, r̂'s span, the layer and what it keeps of the value, for which α it moves, contexts let in."""

    transitions: Callable = grouping.transitions
    kernel: Callable = by_state
    layer: Callable = average
    form: Callable = lambda P, b, gamma, alpha, v: (1 - alpha) * v + alpha * (b + gamma * (P @ v))
    model: Callable = smoothed
    rate: Callable = lambda alpha, gamma: 1 - alpha * (1 - abs(gamma))
    most: Callable = lambda away, span, gamma: away * span / (1 - abs(gamma))
    least: Callable = lambda mixed, span, gamma: mixed * span / (1 + abs(gamma))
    moves: Callable[[Any], bool] = moves
    attained: Callable[[Any], bool] = not_negative
    several: Callable[[int], bool] = several
    positive: Callable[[Case], bool] = positive
    covered: Callable[[Case], bool] = all_left
    paid: Callable = lambda span, gamma: (1 + abs(gamma)) * span
    agree: Callable[[np.ndarray, np.ndarray], bool] = lambda M, v_CE: all(x == y for x, y in zip(M @ v_CE, v_CE))
    kept: Callable[[Any], Any] = lambda alpha: 1 - alpha
    edit: Callable[..., Parameters] = averager_parameters
    beyond: tuple[Case, ...] = ()


def table(case: Case) -> np.ndarray:
    """E on W, for rationals and balls."""
    return grouping.powers(case, grouping.transitions(case).C)


# The identities, at every size


SMOOTHED = "the smoothed model's update"
"""The identity of which the sentence on the limit speaks."""


def identities(
    claim: Averager, kappa: Any, given: Transitions, gamma: Any, alpha: Any, v: Any
) -> Iterator[tuple[str, Any, Any]]:
    """The update of the averager, four ways: (where, what it says, what is so), for numbers and for symbols of any size.

    The last is that of the smoothed model, of which the sentence on the limit speaks.
    """
    K, right = claim.kernel(kappa, given.C), average(claim.kernel(kappa, given.C), given, gamma, alpha, v)
    M = K @ given.C
    yield "the update", claim.layer(K, given, gamma, alpha, v), right
    yield "a layer of softmax TD, and α(M̂v − v)", td_update(K, given, gamma, alpha, v) + alpha * (M @ v - v), right
    yield "the update by P̂ and b̂", claim.form(K @ given.D, K @ given.R, gamma, alpha, v), right
    yield SMOOTHED, claim.form(*claim.model(M, *empirical_model(*given)), gamma, alpha, v), right


def symbolic(claim: Averager, budget: Budget) -> Verdict:
    """The update, four ways, with symbolic n and |W|: the differences expand to 0. What does not is put to a small instance."""
    found = list(identities(claim, KAPPA, SYMBOLS, GAMMA, ALPHA, VALUES))
    return sy.derived(
        ((got, right) for _, got, right in found), identity_parts, claim, [*claim.beyond, POSITIONS]
    ) or Verdict(
        True, f"{len(found)} matrix identities, with K = κCᵀ and CᵀC invertible, for every n and every number of states"
    )


def identity_parts(claim: Averager, case: Case) -> Iterator[Part]:
    """The identities at a case, from its first values."""
    given, v = claim.transitions(case), grouping.values(replace(case, alphas=[]))[0]
    for where, got, right in identities(
        claim, grouping.normalised(case, given.C), given, case.gamma, case.alphas[0], v
    ):
        said = entries(where, got, right, size(v, case.rewards))
        yield from asserting("limit" if where == SMOOTHED else "update", said)


# Contraction, the fixed point, the bias


def parts(claim: Averager, case: Case) -> Iterator[Part]:
    """The assertions: the identities; how the update contracts, and to what; the Transformer's layers; by how much the limit misses v_CE."""
    yield from identity_parts(claim, case)
    given, operator = claim.transitions(case), operator_of(case)
    K = claim.kernel(grouping.normalised(case, given.C), given.C)
    M = K @ given.C
    layer = lambda v: claim.layer(K, given, case.gamma, case.alphas[0], v)
    moves, start = fixed_point_system(layer, case)
    yield from asserting("contracts", contraction(claim, case, identity_of(case) - moves))
    P, r = claim.model(M, *empirical_model(*given))
    limit, path = solved(bellman_matrix(P, case.gamma), r), updates(case, layer)
    yield from asserting("limit", the_limit(claim, case, moves, start, path, limit))
    if case.alphas[0] != 1:  # else the layer's α/(1 − α) is undefined
        yield from asserting("transformer", transformer(claim, case, path, limit))
    v_CE = grouping.certainty_equivalence(case)
    yield from asserting("bias", bias(claim, case, M, limit, v_CE))
    yield from asserting("bounds", bounds(claim, case, M, limit, v_CE))
    yield from asserting("apart", apart(claim, case, M, v_CE))
    for name, ours in (("M", M), ("P", K @ given.D), ("b", K @ given.R)):
        of_operator = entries(f"Operator.{name}", getattr(operator, name), ours, size(case.rewards))
        yield from asserting("update", of_operator)


def identity_of(case: Case) -> np.ndarray:
    """I on W."""
    return np.array([grouping.unit_vector(case, i) for i in range(len(case.visited))])


def contraction(claim: Averager, case: Case, linear: np.ndarray) -> Iterator[Part]:
    """The norm of the update's linear part against the rate, which constants attain if γ ≥ 0 (and α ≤ 1)."""
    rate, ones = claim.rate(case.alphas[0], case.gamma), grouping.array(case, [0 * case.gamma + 1 for _ in linear])
    yield Part("the norm of the update's linear part", greatest(np.abs(linear).sum(axis=1)), rate, relation=AT_MOST)
    if claim.attained(case.gamma):
        yield from entries("the linear part of the update, at constants", linear @ ones, rate * ones)


def updates(case: Case, layer: Callable) -> list[np.ndarray]:
    """v_0, …, v_L by the update."""
    path = [grouping.values(replace(case, alphas=[]))[0]]
    for _ in case.alphas:
        path.append(layer(path[-1]))
    return path


def scale_of(case: Case, path: list[np.ndarray], limit: np.ndarray) -> float:
    """The size that rounding errors have after all updates."""
    return (1 + case.depth) * size(limit, path, case.rewards) / abs(1 - abs(float(case.gamma)))


def the_limit(
    claim: Averager, case: Case, moves: np.ndarray, start: np.ndarray, path: list[np.ndarray], limit: np.ndarray
) -> Iterator[Part]:
    """The only fixed point, if α ≠ 0, and the distance to it, update by update."""
    alpha, scale = case.alphas[0], scale_of(case, path, limit)
    if claim.moves(alpha):
        yield from entries("the fixed point", solved(moves, start), limit, size(limit, start) * condition(moves))
    for l, (before, after) in enumerate(zip(path, path[1:])):
        most = claim.rate(alpha, case.gamma) * greatest(before - limit)
        yield Part(f"the distance to the limit after {l + 1} updates", greatest(after - limit), most, scale, AT_MOST)


def transformer(claim: Averager, case: Case, path: list[np.ndarray], limit: np.ndarray) -> Iterator[Part]:
    """The values of the Transformer with other parameters against the update, for α ≠ 1."""
    scale = scale_of(case, path, limit) * size(1 / (1 - case.alphas[0]))
    for l, (got, v) in enumerate(
        zip(grouping.values(case, Machine(edit=partial(claim.edit, kept=claim.kept))), path, strict=True)
    ):
        yield from entries(f"v_{l} of the Transformer", got, v, scale)


def of_gap(case: Case, limit: np.ndarray, v_CE: np.ndarray) -> float:
    """The size that rounding errors have in v_A − v_CE."""
    return size(limit, v_CE) / (1 - abs(float(case.gamma))) ** 2


def bias(claim: Averager, case: Case, M: np.ndarray, limit: np.ndarray, v_CE: np.ndarray) -> Iterator[Part]:
    """v_A − v_CE: what it is, and when it is 0."""
    P, scale = M @ empirical_model(*grouping.transitions(case))[0], of_gap(case, limit, v_CE)
    smoothing = solved(bellman_matrix(P, case.gamma), M @ v_CE - v_CE)
    yield from entries("v_A − v_CE", smoothing, limit - v_CE, scale)
    if claim.agree(M, v_CE):
        yield from entries("v_A where it should be v_CE", limit, v_CE, scale)


def bounds(claim: Averager, case: Case, M: np.ndarray, limit: np.ndarray, v_CE: np.ndarray) -> Iterator[Part]:
    """‖v_A − v_CE‖ between multiples of the span of v_CE."""
    away, mixed, span = 1 - least(M.diagonal()), least_other(M), spread(v_CE)
    far, scale = greatest(limit - v_CE), of_gap(case, limit, v_CE)
    yield Part("‖v_A − v_CE‖", far, claim.most(away, span, case.gamma), scale, AT_MOST)
    yield Part("‖v_A − v_CE‖", far, claim.least(mixed, span, case.gamma), scale, AT_LEAST)


def apart(claim: Averager, case: Case, M: np.ndarray, v_CE: np.ndarray) -> Iterator[Part]:
    """The span of r̂ by that of v_CE; e > 0."""
    rewards = empirical_model(*grouping.transitions(case))[1]
    yield Part("span r̂", spread(rewards), claim.paid(spread(v_CE), case.gamma), size(v_CE, rewards), AT_MOST)
    if isinstance(case.gamma, float):  # there a small weight may be 0
        return
    if claim.several(len(M)) and claim.positive(case) and claim.covered(case):
        yield Part("e", least_other(M), 0 * case.gamma, relation=UNLIKE)


def spread(v: np.ndarray) -> Any:
    """span v = max v − min v."""
    return greatest((v[:, None] - v).ravel())


def least_other(M: np.ndarray) -> Any:
    """The least entry of M̂ off its diagonal; 0 for one state."""
    others = [M[i, j] for i, j in np.ndindex(M.shape) if i != j]
    return least(others) if others else 0 * M[0, 0]


STATED = Statement(
    parts,
    "the update four ways, the norm of its linear part, its fixed point, the Transformer's layers, the bias and its "
    "two bounds; the matrices of icrl.operator",
    Averager(),
    exact=contexts.after(SMALLEST, *contexts.DRAWN),
    certified=contexts.after(SMALLEST, *contexts.DRAWN, lambda: [lake()]),
    small=contexts.after(SMALLEST),
    floats=contexts.float_cases,
    routes={"certified": "the last of FrozenLake-v1"},
    scale="that of the values, times the condition of what is solved, (1 + L), 1/(1 − α) and 1/(1 − |γ|)²",
    shows=(identities, contraction, the_limit, transformer, bias, bounds, apart),
)


OF_MODEL = {"symbolic": "the identities say how one update averages, not how far it contracts or to what"}
MIXING = OF_MODEL | {"numeric": "in floats a small weight may be 0, so e > 0 is not asked"}
NORMALISER = {"symbolic": "the weights are opaque there, and so is what the mask leaves of them"}

MUTANTS = (
    Mutant("softmax TD in the place of the averager", Averager(layer=td_update)),
    Mutant("the limit is v_CE", Averager(model=lambda M, P_e, r: (P_e, r))),
    Mutant("rewards smoothed, transitions not", Averager(model=lambda M, P_e, r: (P_e, M @ r))),
    Mutant("transitions smoothed, rewards not", Averager(model=lambda M, P_e, r: (M @ P_e, r))),
    Mutant(
        "γ missing in the form by P̂ and b̂",
        Averager(form=lambda P, b, gamma, alpha, v: (1 - alpha) * v + alpha * (b + P @ v), beyond=(NEGATIVE_GAMMA,)),
    ),
    Mutant(
        "weights that depend on the position",
        Averager(kernel=grouping.by_position, beyond=(replace(POSITIONS, told=BY_POSITION),)),
    ),
    Mutant("no mask", Averager(transitions=grouping.without_mask), NORMALISER),
    Mutant(
        "γ in the place of its absolute value",
        Averager(rate=lambda alpha, gamma: 1 - alpha * (1 - gamma), beyond=(NEGATIVE_GAMMA,)),
        OF_MODEL,
    ),
    Mutant("constants attain it whatever γ is", Averager(attained=lambda gamma: True), OF_MODEL),
    Mutant("rate |γ| whatever α is", Averager(rate=lambda alpha, gamma: abs(gamma)), OF_MODEL),
    Mutant("α = 3/2 let in", Averager(beyond=(LONG_STEP,)), OF_MODEL),
    Mutant("γ = −3/2 let in", Averager(beyond=(LARGE_GAMMA,)), OF_MODEL),
    Mutant("α = −1 let in", Averager(beyond=(STEP_BACK,)), OF_MODEL),
    Mutant("weights of either sign let in", Averager(kernel=grouping.of_either_sign, beyond=(EITHER_SIGN,)), OF_MODEL),
    Mutant("v_A = v_CE if M̂ is invertible", Averager(agree=lambda M, v: exact_algebra.invertible(M)), OF_MODEL),
    Mutant(
        "half the span above",
        Averager(most=lambda away, span, gamma: away * span / 2 / (1 - abs(gamma)), beyond=(CONTRAST,)),
        OF_MODEL,
    ),
    Mutant("1/(1 − |γ|) missing above", Averager(most=lambda away, span, gamma: away * span), OF_MODEL),
    Mutant("1/(1 + |γ|) missing below", Averager(least=lambda mixed, span, gamma: mixed * span), OF_MODEL),
    Mutant(
        "e > 0 for one state too",
        Averager(several=lambda states: True),
        MIXING,
    ),
    Mutant(
        "e > 0 with a weight of 0",
        Averager(positive=lambda case: True),
        MIXING | {"certified": "the exponential is never 0"},
    ),
    Mutant(
        "e > 0 with a state that is never left",
        Averager(covered=lambda case: True),
        MIXING,
    ),
    Mutant("span r̂ at most span v_CE", Averager(paid=lambda span, gamma: span), OF_MODEL),
    Mutant("V reads the values as well", Averager(edit=subtracting), OF_MODEL),
    Mutant("the square of 1 − α kept", Averager(kept=lambda alpha: (1 - alpha) ** 2), OF_MODEL),
    Mutant("all of the residual stream kept", Averager(edit=residual_kept), OF_MODEL),
)


SETTING = r"""
Let $E(s, u) \ge 0$, with a positive weight for some source in every row, and $\lvert\gamma\rvert < 1$. Average targets in the place of errors: the **kernel averager** is

$$
v_{l+1}(s) = (1 - \alpha)\, v_l(s) + \alpha \sum_{k<n} K(k \mid s) \bigl(R_{k+1} + \gamma v_l(S_{k+1})\bigr) .
$$ (eq-averager)
""".strip()


def form_in_letters(claim: Averager) -> str:
    """The update by P̂ and b̂."""
    P, b, v = MatrixSymbol("Phat", STATES, STATES), MatrixSymbol("bhat", STATES, 1), MatrixSymbol("v_l", STATES, 1)
    return sy.book_latex(claim.form(P, b, GAMMA, ALPHA, v))


def entry_in_letters(claim: Averager) -> str:
    """What V multiplies rewards and targets by."""
    return sy.letters(lambda alpha: alpha / claim.kept(alpha), "alpha")


ASSERTIONS = (
    Assertion(
        "update",
        lambda claim: (
            rf"""
With $\hat M$, $\hat P$, $\hat b$, $P_e$, $\hat r$ as in {{prf:ref}}`operator` it is
$v_{{l+1}} = {form_in_letters(claim)}$, one layer of softmax TD plus
$\alpha (\hat M v_l - v_l)$.
"""
        ),
    ),
    Assertion(
        "contracts",
        lambda claim: (
            rf"""
**It contracts, whatever the context.** For $0 \le \alpha \le 1$ any two starts satisfy, in every context,

$$
\lVert v_{{l+1}} - w_{{l+1}} \rVert_\infty \le \bigl({sy.letters(claim.rate, "alpha", "gamma")}\bigr)\, \lVert v_l - w_l \rVert_\infty ,
$$ (eq-averager-contracts)

whether or not all states are left, features differ, or $\hat M$ is invertible; for $\gamma \ge 0$, starts that differ
by a constant attain it.
"""
        ),
    ),
    Assertion(
        "limit",
        r"""
For $0 < \alpha \le 1$ the limit is the certainty-equivalence value of the **smoothed model**
$(\hat M P_e, \hat M \hat r)$, another Markov reward process on the visited states:

$$
v_{\mathrm A} = (I - \gamma \hat M P_e)^{-1} \hat M \hat r .
$$ (eq-averager-limit)
""",
        typed="equation",
    ),
    Assertion(
        "bias",
        r"""
**Where it errs.** With $v_{\mathrm{CE}} = (I - \gamma P_e)^{-1} \hat r$,

$$
v_{\mathrm A} - v_{\mathrm{CE}} = (I - \gamma \hat P)^{-1} (\hat M v_{\mathrm{CE}} - v_{\mathrm{CE}}) ,
$$ (eq-averager-bias)

so $v_{\mathrm A} = v_{\mathrm{CE}}$ **if and only if** $\hat M v_{\mathrm{CE}} = v_{\mathrm{CE}}$.
""",
        typed="equation",
    ),
    Assertion(
        "bounds",
        lambda claim: (
            rf"""
Let $m$ be the
least entry on the diagonal of $\hat M$, $e$ the least off it (0 for one state), and
$\operatorname{{span}} v = \max v - \min v$. Then

$$
{sy.book_latex(claim.least(Symbol("e"), 1, GAMMA))} \operatorname{{span}} v_{{\mathrm{{CE}}}} \;\le\; \lVert v_{{\mathrm A}} - v_{{\mathrm{{CE}}}}
\rVert_\infty \;\le\; {sy.book_latex(claim.most(1 - Symbol("m"), 1, GAMMA))} \operatorname{{span}} v_{{\mathrm{{CE}}}} .
$$ (eq-averager-bias-bounds)
"""
        ),
    ),
    Assertion(
        "apart",
        lambda claim: (
            rf"""
If $E > 0$, every state is left and there are at least two, then $e > 0$, so the two values agree only if
$v_{{\mathrm{{CE}}}}$ is constant; and since
$\operatorname{{span}} \hat r \le ({sy.book_latex(claim.paid(1, GAMMA))}) \operatorname{{span}} v_{{\mathrm{{CE}}}}$, it is constant only if
$\hat r$ is. (With one state both are, and $v_{{\mathrm A}} = v_{{\mathrm{{CE}}}}$.)
"""
        ),
    ),
    Assertion(
        "transformer",
        lambda claim: (
            rf"""
**It is a Transformer too.** For $0 < \alpha < 1$ and $E(s, u) = e^{{x(u)^\top A x(s)}}$ one layer does it, with the last row of $V$ equal to
$\bigl(0, \dots, 0, {entry_in_letters(claim)}, {entry_in_letters(claim)}, 0\bigr)$, and ${sy.letters(claim.kept, "alpha")}$ times the
value entries of $U$ and of $W$.
"""
        ),
    ),
)


CLAIM = Claim(
    id="averagers",
    title="An average of targets always contracts",
    chapter="kernel-averagers",
    environment="theorem",
    statement=lambda: SETTING,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(r"$E(s, u) \ge 0$.", dropped="weights of either sign let in"),
        Hypothesis(
            r"Every row of $E$ gives some source a positive weight (softmax attention: always). That every state is "
            r"left is not asked; $P_e$, $\hat r$ and $v_{\mathrm{CE}}$ are 0 at a state that is not.",
            reason="where a row has none, $K$ is not defined",
        ),
        Hypothesis(r"$\lvert\gamma\rvert < 1$.", dropped="γ = −3/2 let in"),
        Hypothesis(r"$\alpha \ge 0$ for the contraction.", dropped="α = −1 let in"),
        Hypothesis(r"$\alpha \le 1$ for the contraction.", dropped="α = 3/2 let in"),
        Hypothesis(
            r"$\gamma \ge 0$, for starts that differ by a constant to attain the rate.",
            dropped="constants attain it whatever γ is",
            holds=not_negative,
        ),
        Hypothesis(
            r"$\alpha \ne 0$ for the only fixed point.",
            holds=moves,
            reason=r"at $\alpha = 0$ nothing moves, and every value function is a fixed point",
        ),
        Hypothesis(
            r"$\alpha \ne 1$ for the Transformer's layer.",
            reason=r"at $\alpha = 1$ its $\alpha/(1 - \alpha)$ is undefined",
        ),
        Hypothesis(r"$E > 0$, for $e > 0$.", dropped="e > 0 with a weight of 0", holds=positive),
        Hypothesis(
            r"Every state is left, for $e > 0$.", dropped="e > 0 with a state that is never left", holds=all_left
        ),
        Hypothesis(r"There are two states at least, for $e > 0$.", dropped="e > 0 for one state too", holds=several),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "averagers",
            "for every number of states, n, depth and γ with |γ| < 1, every table E ≥ 0 whose sums are not 0; the layer for any function in the place of exp",
            stated=(
                "averagers.average_by_operator",
                "averagers.average_contracts",
                "averagers.average_fixed_point",
                "averagers.average_reaches_v_A",
                "averager_bias.average_bias",
                "averager_bias.average_bias_at_most",
                "averager_bias.average_bias_at_least",
                "averager_bias.average_agrees_only_if_constant",
                "averager_layer.averager_is_transformer",
            ),
            further=(
                "averagers.average_by_td",
                "averagers.average_rate_attained",
                "averagers.smoothed_model_is_stochastic",
                "averager_bias.average_unbiased_iff",
                "coverage.Mhat_gt0",
                "averager_bias.rewards_differ_less",
            ),
            definitions=(
                "averagers.average",
                "averagers.v_A",
                "averager_layer.average_V",
                "averager_layer.average_U",
                "averager_layer.average_W",
                "averager_layer.average_layer",
                "bellman.v_pi",
            ),
            asserts=("update", "contracts", "limit", "bias", "bounds", "apart", "transformer"),
        ),
        Check(
            "symbolic",
            "the update as softmax TD plus smoothing, and as that of the smoothed model: every n and every number of "
            "states, all of them sources; "
            "the weights any function of query and key state",
            symbolic,
            shows=(identities,),
            asserts=("update",),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("operator", "certainty-equivalence"),
    source="Ormoneit and Sen 2002, Gordon 1995 for the contraction; the bias and its bounds were found for this book",
    shared=(
        "The routes compared share the exponential, the contexts and their features. The update comes from the "
        "definition, the limit from the model of a context by counting, icrl.operator groups by counts, and the "
        "Transformer of icrl.transformer knows no states; none of them calls another."
    ),
)
