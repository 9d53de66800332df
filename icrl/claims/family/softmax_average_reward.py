r"""softmax-average-reward: with a second head that subtracts the mean reward, depth solves Poisson's equation of the context, up to a drift."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from icrl import td
from icrl.arrays import np
from icrl.operator import Operator, affine_power
from icrl.siblings import with_average_reward
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
from icrl.verify.routes.fixed_points import condition
from icrl.verify.routes.grouping import on_visited, operator_of
from icrl.verify.routes.spectra import contracts, eigenvalues, radius

DEPTH = 10**4
"""Layers of the numeric check."""
NEAR = 0.99
"""Of floats, the modulus below which an eigenvalue counts as one in the disc; its power DEPTH is below 10⁻⁴³."""
EDGE = 1e-3
"""Of floats, how near to NEAR and to 1 rounding may decide, so that nothing is asked there and between."""

ONE = smallest((0, 0), r=(1,), v=(0,))
PASSED = smallest((0, 1, 1), 2, r=(1, 0), v=(0, 0), x=((1, 0), (0, 1)), A=((1, 0), (0, 1)))
COIN = smallest((0, 0, 1, 0), 2, r=(1, 0, 2), v=(3, -2), x=((1, 0), (0, 1)), A=((1, 0), (0, 1)))
EQUAL = replace(contexts.two_states(2), features=[[Fraction(1)]] * 2, A=[[Fraction(1)]])
SMALLEST = (ONE, PASSED, COIN, contexts.two_states(2), EQUAL, contexts.never_left(2))


def construction(p: Parameters) -> Parameters:
    """Two heads: TD with γ = 1, and a uniform one that subtracts the mean reward."""
    return with_average_reward(p)


def in_the_disc(case: Case, G: np.ndarray) -> bool:
    """Whether all eigenvalues of G but one, a 1, are in the open unit disc."""
    sizes = sorted((abs(each) for each in eigenvalues(G)), key=lambda x: float(abs(x - 1)))
    return all(bool(x < (NEAR if isinstance(x, float) else 1)) for x in sizes[1:])


def stationary(case: Case, P_e: np.ndarray) -> np.ndarray:
    """π_e with π_e P_e = π_e and sum 1, by elimination; of a context whose last state was left before there is one only."""
    system = np.eye(len(P_e), dtype=int) - P_e.T + 0 * case.gamma
    system[-1] = 1 + 0 * case.gamma
    return solved(system, grouping.unit_vector(case, len(P_e) - 1))


def all_left(case: Case) -> bool:
    """Whether every visited state is left."""
    return operator_of(case).covered


def closes(case: Case) -> bool:
    """S_0 = S_n."""
    return case.states[0] == case.states[-1]


@dataclass(frozen=True)
class Average:
    """The statement with its pieces: the heads, when depth converges up to constants, the weights of the gain, the drift of a layer,
    of which contexts it speaks, and in which of these there is no drift."""

    heads: Callable[[Parameters], Parameters] = construction
    converges: Callable[[Case, np.ndarray], bool] = in_the_disc
    weights: Callable[[Case, np.ndarray], np.ndarray] = stationary
    drift: Callable[[Any, Any, Any], Any] = lambda alpha, gain, mean: alpha * (gain - mean)
    left: Callable[[Case], bool] = all_left
    stays: Callable[[Case], bool] = closes


# The routes


def at_one(case: Case) -> Case:
    """The case with γ = 1."""
    return replace(case, gamma=0 * case.gamma + 1)


def loop(case: Case) -> Iterator[dict]:
    """The loop of average-reward TD."""
    return td.softmax_average_reward(case.states, case.rewards, case.score, case.alphas, case.v, case.exp)


def modulo_constants(G: np.ndarray) -> np.ndarray:
    """What G does to the differences v(s) − v(s_0): G(s, u) − G(s_0, u), without s_0."""
    return (G - G[0])[1:, 1:]


def last(case: Case) -> int:
    """Where S_n stands in W. Every state leads to it, so that π_e(S_n) > 0."""
    return case.visited.index(case.states[-1])


def without(matrix: np.ndarray, i: int) -> np.ndarray:
    """A matrix or a vector without what belongs to the i-th state."""
    return np.delete(np.delete(matrix, i, 0), i, 1) if matrix.ndim == 2 else np.delete(matrix, i)


def bias(case: Case, P_e: np.ndarray, reward: np.ndarray, gain: Any) -> np.ndarray:
    """The h with h = r̂ − gain + P_e h that is 0 at S_n, by elimination."""
    system = np.eye(len(P_e), dtype=int) - P_e + 0 * case.gamma
    return np.insert(
        solved(without(system, last(case)), without(reward - gain, last(case))), last(case), 0 * case.gamma
    )


# The parts of the statement


def parts(claim: Average, case: Case) -> Iterator[Part]:
    """The Transformer against the loop; when depth converges; where it leads, and how it drifts, where every state is left."""
    case = at_one(case)
    operator, alpha = operator_of(case), case.alphas[0]
    values = grouping.values(case, Machine(edit=lambda p, site: claim.heads(p)))
    yield from asserting("layer", layers(case, operator, values))
    G = operator.G(alpha)
    inside = claim.converges(case, G)
    yield from asserting("converges", whether(case, G, inside))
    if claim.left(case):
        yield from where_to(claim, case, G, values, inside)
    else:
        never = Part("whether depth converges with a state never left: 1 if so", 0 * alpha + int(inside), 0 * alpha)
        yield from asserting("limits", [never])


def layers(case: Case, operator: Operator, values: list[np.ndarray]) -> Iterator[Part]:
    """The Transformer against the loop, and each of its layers against Gv + αM̂(r̂ − r̄); G·1 = 1."""
    updates, alpha = on_visited(case, loop(case)), case.alphas[0]
    scale = (1 + case.depth) * size(updates, case.rewards)
    for l, (got, right) in enumerate(zip(values, updates, strict=True)):
        yield from entries(f"v_{l}", got, right, scale)
    G, added = operator.G(alpha), alpha * operator.M @ (operator.reward - sum(case.rewards) / case.n)
    for l, (before, after) in enumerate(zip(values, values[1:])):
        yield from entries(f"G v_{l} + αM̂(r̂ − r̄)", G @ before + added, after, scale)
    ones = 0 * added + 1
    yield from entries("G·1", G @ ones, ones)


def whether(case: Case, G: np.ndarray, inside: bool) -> Iterator[Part]:
    """The criterion against the powers of what G does to differences; of floats, where these clearly vanish or grow: not from NEAR to 1."""
    zero, there = 0 * case.gamma, modulo_constants(G)
    if len(there) and not (isinstance(zero, float) and NEAR - EDGE < radius(there) < 1 + EDGE):
        yield Part("whether depth converges up to constants: 1 if so", zero + int(inside), zero + int(contracts(there)))


def where_to(claim: Average, case: Case, G: np.ndarray, values: list[np.ndarray], inside: bool) -> Iterator[Part]:
    """π_e stands still; h solves Poisson's equation; v_l = h + lα(π_e·r̂ − r̄) + G^l(v_0 − h); of floats in the disc, the end."""
    operator, alpha, mean = operator_of(case), case.alphas[0], sum(case.rewards) / case.n
    P_e, reward = operator.transition, operator.reward
    pi = claim.weights(case, P_e)
    gain, steep = sum(pi * reward), poisson_condition(case, P_e)
    h, drift = bias(case, P_e, reward, gain), claim.drift(alpha, gain, mean)
    scale = (1 + case.depth) * size(values, h, case.rewards) * steep
    yield from asserting("limits", entries("π_e P_e", pi @ P_e, pi, steep))
    yield from asserting("limits", entries("r̂ − π_e·r̂ + P_e h", reward - gain + P_e @ h, h, scale))
    left = values[0] - h
    for l, v in enumerate(values):
        stated = entries(f"h + {l} times the drift + G^{l}(v_0 − h)", h + l * drift + left, v, scale)
        yield from asserting("values", stated)
        left = G @ left
    if claim.stays(case):
        yield from asserting("no-drift", [Part("the drift, as S_0 = S_n", drift, 0 * alpha, scale)])
    if isinstance(alpha, float) and inside:
        yield from deep(G, alpha * operator.M @ (reward - mean), values[0], h, drift, steep, last(case))


def deep(
    G: np.ndarray, added: np.ndarray, v: np.ndarray, h: np.ndarray, drift: float, steep: float, i: int
) -> Iterator[Part]:
    """After 10⁴ layers the differences of values are those of h, and a further layer adds the drift."""
    power, total = affine_power(G, added, DEPTH)
    end, left = power @ v + total, np.eye(len(G) - 1) - modulo_constants(G)
    scale = DEPTH * size(v, h, added) * steep * (condition(left) if len(left) and invertible(left) else 1)
    yield from asserting("limits", entries("v − v(S_n) after 10⁴ layers", end - end[i], h, scale))
    further = entries("what a further layer adds", G @ end + added - end, 0 * h + drift, scale)
    yield from asserting("drift", further)


def poisson_condition(case: Case, P_e: np.ndarray) -> float:
    """What solving for π_e and h makes of rounding errors."""
    return condition(np.eye(len(P_e) - 1) - without(P_e.astype(float), last(case))) ** 2 if len(P_e) > 1 else 1.0


STATED = Statement(
    parts,
    "the Transformer is the loop, and Gv + αM̂(r̂ − r̄); differences have a limit if and only if the other eigenvalues of G lie in the disc; "
    "v_l = h + lα(π_e·r̂ − r̄) + G^l(v_0 − h)",
    Average(),
    exact=lambda claim: [*SMALLEST, *contexts.rational_cases(), *contexts.sharp_cases()],
    small=lambda claim: SMALLEST,
    floats=contexts.float_cases,
    trials=200,
    scale="that of the values times (1 + L) and the condition of what is solved",
    routes={
        "exact": "γ = 1 in the place of each context's own; eigenvalues as balls, against Lyapunov's form",
        "numeric": f"γ = 1 in the place of each context's own; {DEPTH:,} layers where the moduli are below {NEAR}; nothing "
        f"of the limit where the largest is in {NEAR - EDGE:g}..{1 + EDGE:g}",
    },
    shows=(parts, layers, whether, where_to, deep),
)


# Wrong variants


def one_head(p: Parameters) -> Parameters:
    """Nothing is subtracted."""
    return p


def weighted_mean(p: Parameters) -> Parameters:
    """The second head attends as the first does: every state subtracts a mean of its own."""
    return with_average_reward(p).with_head(1, A=p.head.A)


def discounted(p: Parameters) -> Parameters:
    """γ = 1/2 in the target-memory step."""
    return with_average_reward(p.with_memory(W=p.target_memory.W / 2))


def visits(case: Case, P_e: np.ndarray) -> np.ndarray:
    """n_s/n, in the place of π_e."""
    return grouping.transitions(case).C.sum(axis=0) / case.n


def on_the_circle_too(case: Case, G: np.ndarray) -> bool:
    """The criterion with the circle let in."""
    return all(not bool(abs(each) > (1 + 1e-9 if isinstance(case.gamma, float) else 1)) for each in eigenvalues(G))


def well_inside(case: Case, G: np.ndarray) -> bool:
    """The criterion with a smaller disc, of radius 9/10."""
    sizes = sorted((abs(each) for each in eigenvalues(G)), key=lambda x: float(abs(x - 1)))
    return all(bool(10 * x < 9) for x in sizes[1:])


def one_too(case: Case, G: np.ndarray) -> bool:
    """The criterion with the eigenvalue 1 counted as well."""
    return all(bool(abs(each) < 1 - 1e-9) for each in eigenvalues(G))


MUTANTS = (
    Mutant("no second head", Average(one_head)),
    Mutant("a second head that attends by features", Average(weighted_mean)),
    Mutant("a discount in the target-memory step", Average(discounted)),
    Mutant("no drift", Average(drift=lambda alpha, gain, mean: 0 * alpha)),
    Mutant("the drift the other way", Average(drift=lambda alpha, gain, mean: alpha * (mean - gain))),
    Mutant("the visits in the place of π_e", Average(weights=visits)),
    Mutant("eigenvalues on the circle let in", Average(converges=on_the_circle_too)),
    Mutant("moduli below 9/10 asked for", Average(converges=well_inside)),
    Mutant("a state that is never left let in", Average(left=lambda case: True)),
    Mutant("no drift though S_0 ≠ S_n", Average(stays=lambda case: True)),
    Mutant("the eigenvalue 1 asked to lie in the disc", Average(converges=one_too)),
)


STATEMENT = r"""
Let $\gamma = 1$, and let a second head, whose scores are all 0, subtract $\alpha$ times the mean $\bar r$ of the $n$ rewards.
""".strip()


def drift_of(claim: Average) -> str:
    """What a layer adds in the end, as the book prints it."""
    return letters(claim.drift, "alpha", r"\pi_e^\top \hat{r}", r"\bar{r}")


ASSERTIONS = (
    Assertion(
        "layer",
        r"""
Then a layer is

$$
v_{l+1}(S_j) = v_l(S_j) + \alpha \sum_{k<n} K(k \mid S_j) \bigl( R_{k+1} - \bar r + v_l(S_{k+1}) - v_l(S_k) \bigr) ,
$$ (eq-softmax-average)

that is, $v_{l+1} = G v_l + \alpha \hat M (\hat r - \bar r)$ with $G = I - \alpha\hat M + \alpha\hat P$ and
$G \mathbf 1 = \mathbf 1$: constants stay.
""",
        typed="equation",
    ),
    Assertion(
        "converges",
        r"""
The differences $v_l(s) - v_l(s')$ converge from every $v_0$, to limits that
do not depend on it, **if and only if** all eigenvalues of $G$ but one, a 1, lie in the open unit disc.
""",
        typed="condition",
    ),
    Assertion(
        "limits",
        r"""
If they do, every visited state is left, and so $P_e$ has exactly one stationary distribution $\pi_e$. The limits do
not depend on the weights: they are the differences of any solution $h$ of **Poisson's equation** of the context,

$$
h = \hat r - \pi_e^\top \hat r + P_e h .
$$ (eq-poisson)
""",
        typed="equation",
    ),
    Assertion(
        "drift",
        lambda claim: (
            rf"Then the values themselves move on: $v_{{l+1}} - v_l$ tends to ${drift_of(claim)}$ at every state that is visited."
        ),
    ),
    Assertion(
        "values",
        lambda claim: (
            rf"""
In every context whose visited states are all left,

$$
v_l = h + l\, {drift_of(claim)}\, \mathbf 1 + G^l (v_0 - h) .
$$ (eq-drift)
"""
        ),
    ),
    Assertion("no-drift", r"There is no drift in such a context if $S_0 = S_n$.", typed="condition"),
)


CLAIM = Claim(
    id="softmax-average-reward",
    title="With a second head, softmax attention is average-reward TD",
    chapter="siblings",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$\gamma = 1$, in the prompt and in the target-memory step.",
            dropped="a discount in the target-memory step",
        ),
        Hypothesis(
            r"One $\alpha > 0$ in all layers and both heads.",
            reason=r"at $\alpha = 0$ all values stay, and two step sizes subtract another multiple of $\bar r$",
        ),
        Hypothesis(
            r"For the limits, the eigenvalues of $G$ other than one 1 in the open unit disc. Equal features of two "
            r"visited states put another 1 there, and so does a state that no transition leaves.",
            dropped="eigenvalues on the circle let in",
            holds=in_the_disc,
        ),
        Hypothesis(
            r"For {eq}`eq-drift`, only that every visited state is left: then every state leads to $S_n$, and $\pi_e$ is the only one of its kind.",
            dropped="a state that is never left let in",
            holds=all_left,
        ),
        Hypothesis(r"For no drift, $S_0 = S_n$.", dropped="no drift though S_0 ≠ S_n", holds=closes),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "softmax-average-reward",
            "every context, of the states that it visits; the layer and the values at all positive weights and step sizes of any ordered field; "
            "of the limits all but when there are any, which asks for eigenvalues",
            stated=(
                "softmax_average_reward.transformer_is_average_reward_td",
                "softmax_average_reward.average_layer_is_operator",
                "softmax_average_reward.average_G_keeps_constants",
                "softmax_average_reward.average_reward_values",
                "poisson.one_stationary_distribution",
                "poisson.poisson_has_a_solution",
                "poisson.no_drift_if_closed",
                "average_reward_limits.limits_only_if_left",
                "average_reward_limits.limits_are_poisson",
                "average_reward_limits.layers_drift",
            ),
            further=("poisson.poisson_up_to_constants", "average_reward_limits.differences_have_limits"),
            definitions=(
                "softmax_average_reward.mean_reward",
                "softmax_average_reward.average_update",
                "softmax_average_reward.solves_poisson",
                "softmax_average_reward.mean_values",
                "softmax_average_reward.average_reward_layer",
                "average_reward_limits.differences_tend_to",
            ),
            asserts=("layer", "limits", "drift", "values", "no-drift"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td", "operator", "coverage-needed"),
    under={"softmax-td": "γ = 1, rewards less their mean"},
    source="Tsitsiklis and Van Roy 1999 for average-reward TD; in linear attention, Wang et al. 2025; for softmax worked out for this book",
    shared=(
        "The routes compared share the exponential, the contexts and their features. The Transformer subtracts the "
        "mean by a head, the loop of icrl.td before it starts; h and π_e come from counting and elimination; the "
        "eigenvalues are FLINT's or NumPy's, the powers are decided without them."
    ),
)
