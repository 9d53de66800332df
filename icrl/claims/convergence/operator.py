r"""operator: grouped by states, a layer is an affine map of the values, with the empirical model inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from sympy import MatrixSymbol

from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, smallest
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import AT_LEAST, Part, entries, least, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Budget, Check, Claim, Mutant, Verdict
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
    """The statement with its pieces: the keys, their weights, what is gathered, the model, the layer's two forms, and G's powers."""

    transitions: Callable = grouping.transitions
    kernel: Callable = by_state
    gathered: Callable = lambda K, C, D, R: (K @ C, K @ D, K @ R)
    model: Callable = empirical_model
    layer: Callable = lambda M, P, b, gamma, alpha, v: v - alpha * (M @ v) + alpha * gamma * (P @ v) + alpha * b
    richardson: Callable = lambda M, P_e, r, gamma, alpha, v: v + alpha * (M @ (r + gamma * (P_e @ v) - v))
    power: Callable = lambda operator, alpha, depth: operator.power(alpha, depth)[0]


def identities(
    claim: Grouping, kappa: Any, given: Transitions, gamma: Any, alpha: Any, v: Any
) -> Iterator[tuple[str, Any, Any]]:
    """The statement's equations, (where, what it says, what is so), for numbers and for symbols of any size alike."""
    K = claim.kernel(kappa, given.C)
    M, P, b = claim.gathered(K, *given)
    P_e, r = claim.model(*given)
    right = td_update(K, given, gamma, alpha, v)
    yield "M̂ P_e against the weights gathered by successor", M @ P_e, K @ given.D
    yield "M̂ r̂ against the weighted rewards", M @ r, K @ given.R
    yield "v_{l+1} = G v_l + α b̂", claim.layer(M, P, b, gamma, alpha, v), right
    yield "v_{l+1} = v_l + α M̂ (r̂ + γ P_e v_l − v_l)", claim.richardson(M, P_e, r, gamma, alpha, v), right


def symbolic(claim: Grouping, budget: Budget) -> Verdict:
    """The equations as matrix expressions with symbolic n and |W|: the differences expand to 0. What does not is put to a small instance."""
    found = list(identities(claim, KAPPA, SYMBOLS, GAMMA, ALPHA, VALUES))
    return sy.derived(((got, right) for _, got, right in found), instance_parts, claim, [PROBE]) or Verdict(
        True, f"{len(found)} matrix identities, with K = κCᵀ and CᵀC invertible, for every n and every number of states"
    )


def instance_parts(claim: Grouping, case: Case) -> Iterator[Part]:
    """The equations at a case, from its first values."""
    given, v = claim.transitions(case), grouping.values(replace(case, alphas=[]))[0]
    scale = size(v, case.rewards)
    for where, got, right in identities(
        claim, grouping.normalised(case, given.C), given, case.gamma, case.alphas[0], v
    ):
        yield from entries(where, got, right, scale)


def parts(claim: Grouping, case: Case) -> Iterator[Part]:
    """The equations; stochastic rows; the Transformer's values at every layer; the library's operator; the powers of G."""
    yield from instance_parts(claim, case)
    given = claim.transitions(case)
    M, P, b = claim.gathered(claim.kernel(grouping.normalised(case, given.C), given.C), *given)
    for name, rows in (("M̂", M), ("P̂", P)):
        yield Part(f"the least entry of {name}", least(rows.ravel()), 0 * case.gamma, relation=AT_LEAST)
        yield from entries(f"the row sum of {name}", rows.sum(axis=1), 0 * b + 1 + 0 * case.gamma)
    v, operator, scale = grouping.values(case), operator_of(case), size(case.rewards)
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
    star, (alpha, depth) = grouping.certainty_equivalence(case), (case.alphas[0], case.depth)
    scale *= (1 + depth) * size(star) * size(operator.norm(alpha)) ** depth
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
    shows=(identities, parts),
)


WEIGHTS = {"symbolic": "the identities hold for any keys; it is the weights of P̂ that no longer sum to 1"}
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
    Mutant("weights that depend on the position", Grouping(kernel=grouping.by_position)),
    Mutant("no mask", Grouping(transitions=grouping.without_mask), WEIGHTS),
    Mutant(
        "one power of G too few",
        Grouping(power=lambda operator, alpha, depth: operator.power(alpha, depth - 1)[0]),
        INDUCTION,
    ),
)


STATEMENT = r"""
Number the states that occur in the context $0, \dots, N-1$, and take weights $K(k \mid s)$ in proportion to
$E(s, S_k)$, with $\sum_{k<n} E(s, S_k) \ne 0$ at every state $s$ of the context. Gather them by the state
a transition leaves, by the state it reaches, and by its reward:

$$
\begin{aligned}
\hat M(s, u) &= \sum_{k<n} K(k \mid s)\, 1[S_k = u], \\
\hat P(s, u) &= \sum_{k<n} K(k \mid s)\, 1[S_{k+1} = u], \\
\hat b(s) &= \sum_{k<n} K(k \mid s)\, R_{k+1} .
\end{aligned}
$$ (eq-operator-definitions)

With the empirical transition matrix $P_e$ and the mean rewards $\hat r$ of the context, 0 in the row of a state that
no transition leaves, $\hat P = \hat M P_e$ and $\hat b = \hat M \hat r$, and one update of weighted TD is

$$
\begin{aligned}
v_{l+1} &= G v_l + \alpha \hat b = RICHARDSON, \\
G &= I - \alpha \hat M + \alpha\gamma \hat P .
\end{aligned}
$$ (eq-operator)

If $E \ge 0$ and $n \ge 1$, then $\hat M$ and $\hat P$ are row-stochastic. If $v^* = G v^* + \alpha \hat b$, and $\alpha$
is the same in all layers, then $v_L - v^* = G^L (v_0 - v^*)$; and this is by how much the value row of the softmax
Transformer misses $v^*$ after $L$ layers.
""".strip()


def statement() -> str:
    """The theorem, its iteration printed from the formula that the checks use."""
    M, P_e = MatrixSymbol("Mhat", STATES, STATES), MatrixSymbol("P_e", STATES, STATES)
    r, v = MatrixSymbol("rhat", STATES, 1), MatrixSymbol("v_l", STATES, 1)
    return STATEMENT.replace("RICHARDSON", sy.book_latex(Grouping().richardson(M, P_e, r, GAMMA, ALPHA, v)))


CLAIM = Claim(
    id="operator",
    title="A layer is an operator on values",
    chapter="layer-operator",
    environment="theorem",
    statement=statement,
    hypotheses=(
        (
            r"The weights are $K(k \mid s) = E(s, S_k) / \sum_{i<n} E(s, S_i)$ for any table $E$ of states whose sums "
            r"$\sum_{i<n} E(s, S_i)$ are not 0, or $K$ is not defined; softmax attention has $E = \exp g > 0$."
        ),
        r"$E \ge 0$ and $n \ge 1$ for the matrices to be row-stochastic; for the identities $E$ may have any signs.",
        r"One step size $\alpha$ for all layers, for the powers of $G$.",
        (
            r"The identities hold for any numbering of states; that all of them occur in the context matters for the "
            r"claims that rest on this one, where a state that does not would have $\hat M(s, s) = 0$."
        ),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "operator",
            "for every number of states, n, d, depth, every table of weights, every γ and α (E > 0 where row-stochastic)",
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
        ),
        Check(
            "symbolic",
            "every n and every number of states, all of them sources; the weights any function of query and key state, normalised or not",
            symbolic,
            shows=(identities,),
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
