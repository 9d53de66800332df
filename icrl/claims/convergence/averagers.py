r"""averagers: averaging targets in the place of errors always contracts, to the value of a smoothed model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from icrl.arrays import np
from icrl.transformer import Parameters
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, smallest
from icrl.verify.instances.contexts import POSITIONS, lake
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import (
    AT_LEAST,
    AT_MOST,
    UNLIKE,
    Part,
    entries,
    greatest,
    least,
    size,
)
from icrl.verify.judging.statement import Statement
from icrl.verify.model import Budget, Check, Claim, Mutant, Verdict
from icrl.verify.routes import exact_algebra, grouping
from icrl.verify.routes.edits import Machine, Site
from icrl.verify.routes.exact_algebra import solved
from icrl.verify.routes.fixed_points import bellman_matrix, condition, fixed_point_system
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

ONE, HALF = Fraction(1), Fraction(1, 2)
LINE = smallest((0, 1, 0), 2, r=(1, 0), v=(0, 0), x=((0,), (1,)))
LONGER = replace(LINE, states=[0, 1] * 3 + [0], rewards=[*LINE.rewards] * 3)
SWAP = contexts.two_states(2)
CONTRAST = contexts.two_states(gamma=0 * ONE, rewards=[ONE, -ONE])
NEGATIVE_GAMMA = contexts.two_states(gamma=-HALF, v=[ONE, -ONE])
ALONE = smallest((0, 0), 2, r=(1,), v=(0,), x=((1,),))
WORTH_ALIKE = replace(LINE, rewards=[ONE, ONE])
LONG_STEP = contexts.two_states(alphas=[3 * HALF], gamma=0 * ONE, v=[ONE, -ONE])
STEP_BACK = contexts.two_states(alphas=[-ONE], v=[ONE, -ONE])
EITHER_SIGN = contexts.two_states(alphas=[ONE], v=[ONE, -ONE])
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


def with_last(matrix: np.ndarray, entry: Any) -> np.ndarray:
    """A matrix with another last entry, the one from the value row to itself."""
    matrix = matrix.copy()
    matrix[-1, -1] = entry
    return matrix


def averager_parameters(p: Parameters, site: Site) -> Parameters:
    """The construction's parameters with α/(1 − α) for α, no value read by V, and 1 − α of the value kept; for α ≠ 1."""
    keep = 1 - site.alpha
    V, U, W = p.head.V, p.target_memory.U, p.target_memory.W
    return p.with_head(V=with_last(V / keep, 0 * keep)).with_memory(U=with_last(U, keep), W=keep * W)


def subtracting(p: Parameters, site: Site) -> Parameters:
    """The same with −α/(1 − α) in V's value entry."""
    return averager_parameters(p, site).with_head(V=p.head.V / (1 - site.alpha))


def residual_kept(p: Parameters, site: Site) -> Parameters:
    """The same with all of the residual stream kept."""
    return replace(averager_parameters(p, site), memory=p.memory)


def smoothed(M: Any, P_e: Any, r: Any) -> tuple[Any, Any]:
    """M̂P_e and M̂r̂."""
    return M @ P_e, M @ r


@dataclass(frozen=True)
class Averager:
    """The statement with its pieces: keys, weights, the update, the model, the rate, the bounds on the bias, when e > 0, r̂'s span, the layer, contexts let in."""

    transitions: Callable = grouping.transitions
    kernel: Callable = by_state
    layer: Callable = average
    model: Callable = smoothed
    rate: Callable = lambda alpha, gamma: 1 - alpha * (1 - abs(gamma))
    most: Callable = lambda away, span, gamma: away * span / (1 - abs(gamma))
    least: Callable = lambda mixed, span, gamma: mixed * span / (1 + abs(gamma))
    mixes: Callable[[Case, int], bool] = lambda case, states: (
        states > 1 and all(E > 0 for E in table(case).flat) and set(case.states) <= set(case.states[:-1])
    )
    paid: Callable = lambda span, gamma: (1 + abs(gamma)) * span
    agree: Callable[[np.ndarray, np.ndarray], bool] = lambda M, v_CE: all(x == y for x, y in zip(M @ v_CE, v_CE))
    edit: Callable[[Parameters, Site], Parameters] = averager_parameters
    beyond: tuple[Case, ...] = ()


def table(case: Case) -> np.ndarray:
    """E on W, for rationals and balls."""
    return grouping.powers(case, grouping.transitions(case).C)


def no_state_unleft(case: Case, states: int) -> bool:
    """The hypotheses of e > 0 without E > 0."""
    return states > 1 and set(case.states) <= set(case.states[:-1])


# The identities, at every size


def identities(
    claim: Averager, kappa: Any, given: Transitions, gamma: Any, alpha: Any, v: Any
) -> Iterator[tuple[str, Any, Any]]:
    """The update of the averager, three ways: (where, what it says, what is so), for numbers and for symbols of any size."""
    K, right = claim.kernel(kappa, given.C), average(claim.kernel(kappa, given.C), given, gamma, alpha, v)
    M = K @ given.C
    P, r = claim.model(M, *empirical_model(*given))
    yield "the update", claim.layer(K, given, gamma, alpha, v), right
    yield "a layer of softmax TD, and α(M̂v − v)", td_update(K, given, gamma, alpha, v) + alpha * (M @ v - v), right
    yield "the smoothed model's update", (1 - alpha) * v + alpha * (r + gamma * (P @ v)), right


def symbolic(claim: Averager, budget: Budget) -> Verdict:
    """The update, three ways, with symbolic n and |W|: the differences expand to 0. What does not is put to a small instance."""
    found = list(identities(claim, KAPPA, SYMBOLS, GAMMA, ALPHA, VALUES))
    return sy.derived(((got, right) for _, got, right in found), identity_parts, claim, [POSITIONS]) or Verdict(
        True, f"{len(found)} matrix identities, with K = κCᵀ and CᵀC invertible, for every n and every number of states"
    )


def identity_parts(claim: Averager, case: Case) -> Iterator[Part]:
    """The identities at a case, from its first values."""
    given, v = claim.transitions(case), grouping.values(replace(case, alphas=[]))[0]
    for where, got, right in identities(
        claim, grouping.normalised(case, given.C), given, case.gamma, case.alphas[0], v
    ):
        yield from entries(where, got, right, size(v, case.rewards))


# Contraction, the fixed point, the bias


def parts(claim: Averager, case: Case) -> Iterator[Part]:
    """The identities; how the update contracts, and to what; the Transformer's layers; by how much the limit misses v_CE."""
    yield from identity_parts(claim, case)
    given, operator, alpha = claim.transitions(case), operator_of(case), case.alphas[0]
    K = claim.kernel(grouping.normalised(case, given.C), given.C)
    M = K @ given.C
    layer = lambda v: claim.layer(K, given, case.gamma, alpha, v)
    moves, start = fixed_point_system(layer, case)
    yield from contraction(claim, case, identity_of(case) - moves)
    P, r = claim.model(M, *empirical_model(*given))
    limit = solved(bellman_matrix(P, case.gamma), r)
    if alpha != 0:
        yield from entries("the fixed point", solved(moves, start), limit, size(limit, start) * condition(moves))
    yield from at_depth(claim, case, layer, limit)
    yield from bias(claim, case, M, limit)
    for name, ours in (("M", M), ("P", K @ given.D), ("b", K @ given.R)):
        yield from entries(f"Operator.{name}", getattr(operator, name), ours, size(case.rewards))


def identity_of(case: Case) -> np.ndarray:
    """I on W."""
    return np.array([grouping.unit_vector(case, i) for i in range(len(grouping.visited(case)))])


def contraction(claim: Averager, case: Case, linear: np.ndarray) -> Iterator[Part]:
    """The norm of the update's linear part against the rate, which constants attain if γ ≥ 0 (and α ≤ 1)."""
    rate, ones = claim.rate(case.alphas[0], case.gamma), grouping.array(case, [0 * case.gamma + 1 for _ in linear])
    yield Part("the norm of the update's linear part", greatest(np.abs(linear).sum(axis=1)), rate, relation=AT_MOST)
    if case.gamma >= 0:
        yield from entries("the linear part of the update, at constants", linear @ ones, rate * ones)


def at_depth(claim: Averager, case: Case, layer: Callable, limit: np.ndarray) -> Iterator[Part]:
    """The values of the Transformer with other parameters, if α ≠ 1, against the update; the distance to the limit, layer by layer."""
    path, rate = [grouping.values(replace(case, alphas=[]))[0]], claim.rate(case.alphas[0], case.gamma)
    for _ in case.alphas:
        path.append(layer(path[-1]))
    scale = (1 + case.depth) * size(limit, path, case.rewards) / (1 - abs(float(case.gamma)))
    for l, (before, after) in enumerate(zip(path, path[1:])):
        most = rate * greatest(before - limit)
        yield Part(f"the distance to the limit after {l + 1} updates", greatest(after - limit), most, scale, AT_MOST)
    if case.alphas[0] != 1:
        steps = size(1 / (1 - case.alphas[0]))
        for l, (got, v) in enumerate(zip(grouping.values(case, Machine(edit=claim.edit)), path, strict=True)):
            yield from entries(f"v_{l} of the Transformer", got, v, scale * steps)


def bias(claim: Averager, case: Case, M: np.ndarray, limit: np.ndarray) -> Iterator[Part]:
    """v_A − v_CE: what it is, when it is 0, and between which bounds it lies."""
    v_CE, P = grouping.certainty_equivalence(case), M @ empirical_model(*grouping.transitions(case))[0]
    gap, scale = limit - v_CE, size(limit, v_CE) / (1 - abs(float(case.gamma))) ** 2
    yield from entries("v_A − v_CE", solved(bellman_matrix(P, case.gamma), M @ v_CE - v_CE), gap, scale)
    if claim.agree(M, v_CE):
        yield from entries("v_A where it should be v_CE", limit, v_CE, scale)
    away, mixed, span = 1 - least(M.diagonal()), least_other(M), spread(v_CE)
    yield Part("‖v_A − v_CE‖", greatest(gap), claim.most(away, span, case.gamma), scale, AT_MOST)
    yield Part("‖v_A − v_CE‖", greatest(gap), claim.least(mixed, span, case.gamma), scale, AT_LEAST)
    rewards = empirical_model(*grouping.transitions(case))[1]
    yield Part("span r̂", spread(rewards), claim.paid(span, case.gamma), size(v_CE, rewards), AT_MOST)
    if not isinstance(case.gamma, float) and claim.mixes(case, len(M)):  # in floats a small weight may be 0
        yield Part("e", mixed, 0 * case.gamma, relation=UNLIKE)


def spread(v: np.ndarray) -> Any:
    """span v = max v − min v."""
    return greatest((v[:, None] - v).ravel())


def least_other(M: np.ndarray) -> Any:
    """The least entry of M̂ off its diagonal; 0 for one state."""
    others = [M[i, j] for i, j in np.ndindex(M.shape) if i != j]
    return least(others) if others else 0 * M[0, 0]


STATED = Statement(
    parts,
    "the update three ways, the norm of its linear part, its fixed point, the Transformer's layers, the bias and its "
    "two bounds; the matrices of icrl.operator",
    Averager(),
    exact=contexts.after(SMALLEST, *contexts.DRAWN),
    certified=contexts.after(SMALLEST, *contexts.DRAWN, lambda: [lake()]),
    small=contexts.after(SMALLEST),
    floats=contexts.float_cases,
    routes={"certified": "the last of FrozenLake-v1"},
    scale="that of the values, times the condition of what is solved, (1 + L), 1/(1 − α) and 1/(1 − |γ|)²",
    shows=(identities, parts, contraction, at_depth, bias),
)


OF_MODEL = {"symbolic": "the identities say how one update averages, not how far it contracts or to what"}
MIXING = OF_MODEL | {"numeric": "in floats a small weight may be 0, so e > 0 is not asked"}
NORMALISER = {"symbolic": "the weights are opaque there, and so is what the mask leaves of them"}

MUTANTS = (
    Mutant("softmax TD in the place of the averager", Averager(layer=td_update)),
    Mutant("the limit is v_CE", Averager(model=lambda M, P_e, r: (P_e, r))),
    Mutant("rewards smoothed, transitions not", Averager(model=lambda M, P_e, r: (P_e, M @ r))),
    Mutant("transitions smoothed, rewards not", Averager(model=lambda M, P_e, r: (M @ P_e, r))),
    Mutant("weights that depend on the position", Averager(kernel=grouping.by_position, beyond=(POSITIONS,))),
    Mutant("no mask", Averager(transitions=grouping.without_mask), NORMALISER),
    Mutant(
        "γ in the place of its absolute value",
        Averager(rate=lambda alpha, gamma: 1 - alpha * (1 - gamma), beyond=(NEGATIVE_GAMMA,)),
        OF_MODEL,
    ),
    Mutant("rate |γ| whatever α is", Averager(rate=lambda alpha, gamma: abs(gamma)), OF_MODEL),
    Mutant("α = 3/2 let in", Averager(beyond=(LONG_STEP,)), OF_MODEL),
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
        Averager(mixes=lambda case, states: states == 1),
        MIXING,
    ),
    Mutant(
        "e > 0 with a weight of 0",
        Averager(mixes=no_state_unleft),
        MIXING | {"certified": "the exponential is never 0"},
    ),
    Mutant(
        "e > 0 with a state that is never left",
        Averager(mixes=lambda case, states: states > 1),
        MIXING,
    ),
    Mutant("span r̂ at most span v_CE", Averager(paid=lambda span, gamma: span), OF_MODEL),
    Mutant("V reads the values as well", Averager(edit=subtracting), OF_MODEL),
    Mutant("all of the residual stream kept", Averager(edit=residual_kept), OF_MODEL),
)


STATEMENT = r"""
Let $E(s, u) \ge 0$, with a positive weight for some source in every row, and $\lvert\gamma\rvert < 1$. Average targets in the place of errors: the **kernel averager** is

$$
v_{l+1}(s) = (1 - \alpha)\, v_l(s) + \alpha \sum_{k<n} K(k \mid s) \bigl(R_{k+1} + \gamma v_l(S_{k+1})\bigr) .
$$ (eq-averager)

With $\hat M$, $\hat P$, $\hat b$, $P_e$, $\hat r$ as in {prf:ref}`operator` it is
$v_{l+1} = (1 - \alpha) v_l + \alpha(\hat b + \gamma \hat P v_l)$, one layer of softmax TD plus
$\alpha (\hat M v_l - v_l)$.

**It always contracts.** For $0 \le \alpha \le 1$ any two starts satisfy, in every context,

$$
\lVert v_{l+1} - w_{l+1} \rVert_\infty \le \bigl(1 - \alpha(1 - \lvert\gamma\rvert)\bigr)\, \lVert v_l - w_l \rVert_\infty ,
$$ (eq-averager-contracts)

whether or not all states are left, features differ, or $\hat M$ is invertible; for $\gamma \ge 0$, starts that differ
by a constant attain it. For $\alpha > 0$ the limit is the certainty-equivalence value of the **smoothed model**
$(\hat M P_e, \hat M \hat r)$, another Markov reward process on the visited states:

$$
v_{\mathrm A} = (I - \gamma \hat M P_e)^{-1} \hat M \hat r .
$$ (eq-averager-limit)

**Where it errs.** With $v_{\mathrm{CE}} = (I - \gamma P_e)^{-1} \hat r$,

$$
v_{\mathrm A} - v_{\mathrm{CE}} = (I - \gamma \hat P)^{-1} (\hat M v_{\mathrm{CE}} - v_{\mathrm{CE}}) ,
$$ (eq-averager-bias)

so $v_{\mathrm A} = v_{\mathrm{CE}}$ **if and only if** $\hat M v_{\mathrm{CE}} = v_{\mathrm{CE}}$. Let $m$ be the
least entry on the diagonal of $\hat M$, $e$ the least off it (0 for one state), and
$\operatorname{span} v = \max v - \min v$. Then

$$
\frac{e}{1 + \lvert\gamma\rvert} \operatorname{span} v_{\mathrm{CE}} \;\le\; \lVert v_{\mathrm A} - v_{\mathrm{CE}}
\rVert_\infty \;\le\; \frac{1 - m}{1 - \lvert\gamma\rvert} \operatorname{span} v_{\mathrm{CE}} .
$$ (eq-averager-bias-bounds)

If $E > 0$, every state is left and there are at least two, then $e > 0$, so the two values agree only if
$v_{\mathrm{CE}}$ is constant; and since
$\operatorname{span} \hat r \le (1 + \lvert\gamma\rvert) \operatorname{span} v_{\mathrm{CE}}$, it is constant only if
$\hat r$ is. (With one state both are, and $v_{\mathrm A} = v_{\mathrm{CE}}$.)

**It is a Transformer too.** For $0 < \alpha < 1$ one layer does it, with the last row of $V$ equal to
$(0, \dots, 0, \tfrac{\alpha}{1-\alpha}, \tfrac{\alpha}{1-\alpha}, 0)$, and $1 - \alpha$ times the value entries of $U$
and of $W$.
""".strip()


CLAIM = Claim(
    id="averagers",
    title="An average of targets always contracts",
    chapter="kernel-averagers",
    environment="theorem",
    statement=lambda: STATEMENT,
    hypotheses=(
        (
            r"$E(s, u) \ge 0$, and every row of $E$ gives some source a positive weight (softmax attention: always). "
            r"That every state is left is not asked; $P_e$, $\hat r$ and $v_{\mathrm{CE}}$ are 0 at a state that is "
            r"not."
        ),
        r"$\lvert\gamma\rvert < 1$; $0 \le \alpha \le 1$ for the contraction, $\alpha \ne 0$ for the only fixed point, $\alpha \ne 1$ for the Transformer's layer.",
        (
            r"For $v_{\mathrm A} = v_{\mathrm{CE}}$ to mean that $\hat r$ is constant: $E > 0$, and every state is left. For "
            r"$e > 0$ two states at least, too: $e$ is 0 for one, as on $T = (0, 0)$."
        ),
    ),
    subject=STATED.subject,
    checks=(
        Check(
            "symbolic",
            "the update as softmax TD plus smoothing, and as that of the smoothed model: every n and every number of "
            "states, all of them sources; "
            "the weights any function of query and key state",
            symbolic,
            shows=(identities,),
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
