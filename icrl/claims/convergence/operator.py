r"""operator: grouped by states, a layer is an affine map of the values, with the empirical model inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from sympy import Identity, MatrixSymbol, ZeroMatrix

from icrl.arrays import np
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, smallest
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import AT_LEAST, Part, asserting, entries, least, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Hypothesis, Mutant, Verdict
from icrl.verify.routes import grouping
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

PROBE = smallest((0, 0, 1, 0), r=(1, 2, 1), v=(3, -2), x=((1, 0), (0, 1)), A=((1, 0), (0, 1)))


@dataclass(frozen=True)
class Grouping:
    """The statement with its pieces: the keys, their weights, what is gathered, the model and what M̂ makes of it, the layer's two forms, G's powers, and contexts let in."""

    transitions: Callable = grouping.transitions
    kernel: Callable = by_state
    gathered: Callable = lambda K, C, D, R: (K @ C, K @ D, K @ R)
    model: Callable = empirical_model
    smoothed: Callable = lambda M, P_e, r: (M @ P_e, M @ r)
    layer: Callable = lambda M, P, b, gamma, alpha, v: v - alpha * (M @ v) + alpha * gamma * (P @ v) + alpha * b
    richardson: Callable = lambda M, P_e, r, gamma, alpha, v: v + alpha * (M @ (r + gamma * (P_e @ v) - v))
    power: Callable = lambda operator, alpha, depth: operator.power(alpha, depth)[0]
    beyond: tuple[Case, ...] = ()


Identities = Iterator[tuple[str, Any, Any]]
"""Equations: (where, what the statement says, what is so), for numbers and for symbols of any size alike."""


def of_the_model(claim: Grouping, kappa: Any, given: Transitions) -> Identities:
    """P̂ and b̂ by the empirical model."""
    K = claim.kernel(kappa, given.C)
    P, b = claim.smoothed(claim.gathered(K, *given)[0], *claim.model(*given))
    yield "M̂ P_e against the weights gathered by successor", P, K @ given.D
    yield "M̂ r̂ against the weighted rewards", b, K @ given.R


def of_a_layer(claim: Grouping, kappa: Any, given: Transitions, gamma: Any, alpha: Any, v: Any) -> Identities:
    """The two forms of an update."""
    K = claim.kernel(kappa, given.C)
    M, P, b = claim.gathered(K, *given)
    right = td_update(K, given, gamma, alpha, v)
    yield "v_{l+1} = G v_l + α b̂", claim.layer(M, P, b, gamma, alpha, v), right
    richardson = claim.richardson(M, *claim.model(*given), gamma, alpha, v)
    yield "v_{l+1} = v_l + α M̂ (r̂ + γ P_e v_l − v_l)", richardson, right


def symbolic(claim: Grouping, budget: Budget) -> Verdict:
    """The equations as matrix expressions with symbolic n and |W|: the differences expand to 0. What does not is put to a small instance."""
    found = [
        *of_the_model(claim, KAPPA, SYMBOLS),
        *of_a_layer(claim, KAPPA, SYMBOLS, GAMMA, ALPHA, VALUES),
    ]
    return sy.derived(
        ((got, right) for _, got, right in found), identity_parts, claim, [*claim.beyond, PROBE]
    ) or Verdict(
        True, f"{len(found)} matrix identities, with K = κCᵀ and CᵀC invertible, for every n and every number of states"
    )


def identity_parts(claim: Grouping, case: Case) -> Iterator[Part]:
    """The equations at a case, from its first values."""
    given, v = claim.transitions(case), grouping.values(replace(case, alphas=[]))[0]
    kappa, scale = grouping.normalised(case, given.C), size(v, case.rewards)
    equal = lambda found: (part for where, got, right in found for part in entries(where, got, right, scale))
    yield from asserting("model", equal(of_the_model(claim, kappa, given)))
    yield from asserting("layer", equal(of_a_layer(claim, kappa, given, case.gamma, case.alphas[0], v)))


def parts(claim: Grouping, case: Case) -> Iterator[Part]:
    """The assertions: the equations; stochastic rows; the Transformer's values at every layer and the library's operator; the powers of G."""
    yield from identity_parts(claim, case)
    given = claim.transitions(case)
    M, P, b = claim.gathered(claim.kernel(grouping.normalised(case, given.C), given.C), *given)
    yield from asserting("stochastic", stochastic(case, M, P))
    v = grouping.values(case)
    yield from asserting("layer", layers(claim, case, v, M, P, b))
    yield from asserting("powers", powers(claim, case, v))


def stochastic(case: Case, M: np.ndarray, P: np.ndarray) -> Iterator[Part]:
    """No entry is negative, and every row sums to 1."""
    for name, rows in (("M̂", M), ("P̂", P)):
        yield Part(f"the least entry of {name}", least(rows.ravel()), 0 * case.gamma, relation=AT_LEAST)
        sums = rows.sum(axis=1)
        yield from entries(f"the row sum of {name}", sums, 0 * sums + 1 + 0 * case.gamma)


def layers(
    claim: Grouping, case: Case, v: Sequence[np.ndarray], M: np.ndarray, P: np.ndarray, b: np.ndarray
) -> Iterator[Part]:
    """G v + α b̂ against the Transformer's values after every layer; the operator of icrl.operator."""
    operator, scale = operator_of(case), size(case.rewards)
    for layer, alpha in enumerate(case.alphas):
        scale = max(scale, size(v[layer : layer + 2]))
        yield from entries(
            f"v_{layer + 1} of the Transformer",
            claim.layer(M, P, b, case.gamma, alpha, v[layer]),
            v[layer + 1],
            (1 + layer) * scale,
        )
        yield from entries(
            f"v_{layer + 1} by Operator.update", operator.update(v[layer], alpha), v[layer + 1], (1 + layer) * scale
        )
    for name, ours in zip(("M", "P", "b"), (M, P, b)):
        yield from entries(f"Operator.{name}", getattr(operator, name), ours, size(case.rewards))


def powers(claim: Grouping, case: Case, v: Sequence[np.ndarray]) -> Iterator[Part]:
    """By how much the Transformer's last values miss v*."""
    operator, star, alpha, depth = operator_of(case), grouping.certainty_equivalence(case), case.alphas[0], case.depth
    scale = size(case.rewards, v) * (1 + depth) * size(star) * size(operator.norm(alpha)) ** depth
    yield from entries(
        f"G^{depth} (v_0 − v*)", claim.power(operator, alpha, depth) @ (v[0] - star), v[-1] - star, scale
    )


DRAWN = contexts.after((PROBE, contexts.never_left(2), contexts.with_zeros()), *contexts.DRAWN)
STATED = Statement(
    parts,
    "the identities, stochastic rows, the Transformer's values at every layer, icrl.operator's matrices, "
    "the powers of G",
    Grouping(),
    exact=DRAWN,
    certified=DRAWN,
    small=contexts.after((PROBE,)),
    floats=contexts.float_cases,
    routes={"numeric": "through icrl.operator.layer_operator"},
    scale="that of the values, and for powers of G also max(1, ‖G‖)^L",
    shows=(of_the_model, of_a_layer, stochastic, layers, powers),
)


WEIGHTS = {"symbolic": "the identities hold for any keys; it is the weights of P̂ that no longer sum to 1"}
ANY_SIGN = {"symbolic": "the identities hold for weights of any sign"}
INDUCTION = {"symbolic": "the powers follow from one layer by induction, and are left to the other kinds"}

MUTANTS = (
    Mutant("P̂ gathered by the state that is left", Grouping(gathered=lambda K, C, D, R: (K @ C, K @ C, K @ R))),
    Mutant(
        "M̂ enters G with a plus",
        Grouping(layer=lambda M, P, b, gamma, alpha, v: v + alpha * (M @ v) + alpha * gamma * (P @ v) + alpha * b),
    ),
    Mutant(
        "γ missing in G",
        Grouping(layer=lambda M, P, b, gamma, alpha, v: v - alpha * (M @ v) + alpha * (P @ v) + alpha * b),
    ),
    Mutant(
        "α missing on b̂",
        Grouping(layer=lambda M, P, b, gamma, alpha, v: v - alpha * (M @ v) + alpha * gamma * (P @ v) + b),
    ),
    Mutant(
        "M̂ missing before the TD errors of the model",
        Grouping(richardson=lambda M, P_e, r, gamma, alpha, v: v + alpha * (r + gamma * (P_e @ v) - v)),
    ),
    Mutant("r̂ a mean over all transitions", Grouping(model=grouping.mean_over_all)),
    Mutant(
        "weights that depend on the position",
        Grouping(kernel=grouping.by_position, beyond=(replace(PROBE, told=contexts.BY_POSITION),)),
    ),
    Mutant("no mask", Grouping(transitions=grouping.without_mask), WEIGHTS),
    Mutant("P_e M̂ in the place of M̂ P_e", Grouping(smoothed=lambda M, P_e, r: (P_e @ M, M @ r))),
    Mutant(
        "weights of either sign let in",
        Grouping(kernel=grouping.of_either_sign, beyond=(contexts.of_either_sign(),)),
        ANY_SIGN,
    ),
    Mutant(
        "step sizes that differ let in",
        Grouping(beyond=(contexts.two_states(2, alphas=[Fraction(1, 2), Fraction(1, 3)]),)),
        INDUCTION,
    ),
    Mutant(
        "one power of G too few",
        Grouping(power=lambda operator, alpha, depth: operator.power(alpha, depth - 1)[0]),
        INDUCTION,
    ),
)


SETTING = r"""
Number the states that occur in the context $0, \dots, N-1$, and take weights $K(k \mid s)$ in proportion to
$E(s, S_k)$, with $\sum_{k<n} E(s, S_k) \ne 0$ at every state $s$ of the context. Gather them by the state
a transition leaves, by the state it reaches, and by its reward:

$$
\begin{aligned}
\hat M(s, u) &= \sum_{k<n} K(k \mid s)\, \mathbf 1[S_k = u], \\
\hat P(s, u) &= \sum_{k<n} K(k \mid s)\, \mathbf 1[S_{k+1} = u], \\
\hat b(s) &= \sum_{k<n} K(k \mid s)\, R_{k+1} .
\end{aligned}
$$ (eq-operator-definitions)
""".strip()


HATS = [MatrixSymbol(name, STATES, STATES) for name in ("Mhat", "Phat", "P_e")]
COLUMNS = [MatrixSymbol(name, STATES, 1) for name in ("bhat", "rhat", "v_l")]
"""M̂, P̂, P_e, and b̂, r̂, v_l, to print what the pieces make of them."""


def model_in_letters(claim: Grouping) -> str:
    """P̂ and b̂ by the model."""
    (M, _, P_e), (_, r, _) = HATS, COLUMNS
    P, b = map(sy.book_latex, claim.smoothed(M, P_e, r))
    return rf"""
With the empirical transition matrix $P_e$ and the mean rewards $\hat r$ of the context, 0 in the row of a state that
no transition leaves, $\hat P = {P}$ and $\hat b = {b}$.
"""


def layer_in_letters(claim: Grouping) -> str:
    """The layer: what it makes of b̂ alone, of I alone, and its other form."""
    (M, P, P_e), (b, r, v) = HATS, COLUMNS
    none, nothing = ZeroMatrix(STATES, STATES), ZeroMatrix(STATES, 1)
    alone = sy.book_latex(claim.layer(none, none, b, GAMMA, ALPHA, nothing))
    G = sy.book_latex(claim.layer(M, P, none, GAMMA, ALPHA, Identity(STATES)))
    richardson = sy.book_latex(claim.richardson(M, P_e, r, GAMMA, ALPHA, v))
    return rf"""
One update of weighted TD is

$$
\begin{{aligned}}
v_{{l+1}} &= G v_l + {alone} = {richardson}, \\
G &= {G} .
\end{{aligned}}
$$ (eq-operator)
"""


ASSERTIONS = (
    Assertion("model", model_in_letters),
    Assertion("layer", layer_in_letters),
    Assertion(
        "stochastic",
        r"If $E \ge 0$ and $n \ge 1$, then $\hat M$ and $\hat P$ are row-stochastic.",
        typed="condition",
    ),
    Assertion(
        "powers",
        r"If $v^* = G v^* + \alpha \hat b$, and $\alpha$ is the same in all layers, then "
        r"$v_L - v^* = G^L (v_0 - v^*)$; and this is by how much the value row of the softmax Transformer misses $v^*$ "
        r"after $L$ layers.",
        typed="equation",
    ),
)


CLAIM = Claim(
    id="operator",
    title="A layer is an operator on values",
    chapter="layer-operator",
    environment="theorem",
    statement=lambda: SETTING,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$K(k \mid s)$ is in proportion to $E(s, S_k)$, for a table $E$ of states; softmax attention has "
            r"$E = \exp g > 0$.",
            dropped="weights that depend on the position",
        ),
        Hypothesis(
            r"$\sum_{i<n} E(s, S_i) \ne 0$ at every state $s$ of the context.",
            reason="where it is 0, $K$ is not defined",
        ),
        Hypothesis(
            r"$E \ge 0$ for the matrices to be row-stochastic; for the identities $E$ may have any signs.",
            dropped="weights of either sign let in",
        ),
        Hypothesis(r"$n \ge 1$.", reason="without a transition there are no weights, and $K$ is not defined"),
        Hypothesis(
            r"One step size $\alpha$ for all layers, for the powers of $G$.", dropped="step sizes that differ let in"
        ),
        Hypothesis(
            r"All the states that are numbered occur in the context.",
            reason=r"the identities hold without it; it is asked by the claims that rest on this one, since a state "
            r"that does not occur would have $\hat M(s, s) = 0$",
        ),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "operator",
            "for every number of states, n, d, depth, every table of weights, every γ and α; row-stochastic where E ≥ 0 and the weights of no state sum to 0",
            stated=(
                "operator.Phat_is_Mhat_Pe",
                "operator.bhat_is_Mhat_rhat",
                "operator.Mhat_stochastic",
                "operator.Phat_stochastic",
                "operator.update_is_operator",
                "operator.richardson",
                "operator.error_is_power_of_G",
                "operator.transformer_error",
            ),
            definitions=(
                "operator.Mhat",
                "operator.Phat",
                "operator.bhat",
                "operator.G",
                "operator.visits",
                "operator.Pe",
                "operator.rhat",
                "operator.stochastic",
                "td.K",
                "td.td_update",
            ),
            asserts=tuple(each.id for each in ASSERTIONS),
        ),
        Check(
            "symbolic",
            "every n and every number of states, all of them sources; the weights any function of query and key state, normalised or not",
            symbolic,
            shows=(of_the_model, of_a_layer),
            asserts=("model", "layer"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td",),
    source="Xie et al. 2026, where it is used in the proof of Theorem 2; the factorisation through the empirical model was found for this book",
    shared=(
        "The routes compared share the exponential, the contexts and their features. icrl.operator groups by counts, "
        "the Transformer of icrl.transformer knows no states, and the symbols are the definitions as matrices; none of "
        "them calls another."
    ),
)
