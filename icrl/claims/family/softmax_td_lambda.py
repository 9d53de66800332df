r"""softmax-td-lambda: with a scan before attention reads the TD errors, a layer is TD(λ), and depth solves for λ-returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

from icrl import td
from icrl.algebra import Matrix, transpose
from icrl.arrays import np
from icrl.claims.convergence.contraction import margin
from icrl.siblings import with_traces
from icrl.transformer import Parameters
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, as_it_is, smallest
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.parts import AT_MOST, Part, asserting, entries, greatest, least, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Claim, Hypothesis, Mutant
from icrl.verify.routes import grouping
from icrl.verify.routes.edits import Machine
from icrl.verify.routes.exact_algebra import invertible, solved
from icrl.verify.routes.fixed_points import condition, fixed_point_system, only_fixed_point, other_values, suspects
from icrl.verify.routes.grouping import array, by_state, normalised, on_visited, one_update

ONE = smallest((0, 0, 0), r=(1, 0))
COIN = smallest((0, 0, 1, 0), 2, r=(1, 0, 2), v=(3, -2), x=((1, 0), (0, 1)), A=((1, 0), (0, 1)))
EQUAL = replace(contexts.two_states(), features=[[Fraction(1)]] * 2, A=[[Fraction(1)]])
UNPAID = replace(ONE, rewards=[Fraction(0)] * 2)
CERTAIN = replace(smallest((0, 0)), gamma=Fraction(1))
NO_STEP = contexts.two_states(alphas=[Fraction(0)])
LONG_STEP = replace(smallest((0, 0)), gamma=Fraction(-1, 2), alphas=[Fraction(3, 2)])
SIGNED = contexts.two_states(A=[[Fraction(2), Fraction(-1)], [Fraction(-1), Fraction(2)]], exp=as_it_is)
SMALLEST = (
    *(ONE, COIN, contexts.two_states(2), EQUAL, contexts.never_left(2), contexts.with_zeros()),
    *(CERTAIN, NO_STEP, LONG_STEP, SIGNED),
)


@dataclass(frozen=True)
class Ratio:
    """λ as p/q, in whatever numbers a case has."""

    p: int
    q: int = 1

    def __str__(self) -> str:
        return str(Fraction(self.p, self.q))

    def of(self, case: Case) -> Any:
        """p/q."""
        return (0 * case.gamma + self.p) / self.q


ZERO, HALF, WHOLE, NEGATIVE, FAR = Ratio(0), Ratio(1, 2), Ratio(1), Ratio(-1), Ratio(-4)


def drawn(case: Case) -> Ratio:
    """One of 1/24, 3/24, …, 23/24, the same for the same walk."""
    return Ratio(2 * Random(str(case.states)).randint(0, 11) + 1, 24)


def scan(p: Parameters, decay: Any) -> Parameters:
    """The construction: attention reads the TD errors through the scan."""
    return with_traces(p, decay)


def returns(case: Case, lam: Any, v: dict) -> list:
    """G_0, …, G_{n−1}, with G_k = R_{k+1} + γ((1 − λ)v(S_{k+1}) + λG_{k+1}) and G_n = v(S_n)."""
    found = [v[case.states[-1]]]
    for after, reward in zip(reversed(case.states), reversed(case.rewards)):
        found.append(reward + case.gamma * ((1 - lam) * v[after] + lam * found[-1]))
    return found[:0:-1]


def one_step_targets(case: Case, lam: Any, v: dict) -> list:
    """R_{k+1} + γv(S_{k+1}), whatever λ is."""
    return returns(case, 0 * lam, v)


def returns_that_end(case: Case, lam: Any, v: dict) -> list:
    """The λ-returns with 0 in the place of G_n."""
    tail = [(case.gamma * lam) ** (case.n - k) * v[case.states[-1]] for k in range(case.n)]
    return [G - rest for G, rest in zip(returns(case, lam, v), tail)]


def discounted(case: Case) -> bool:
    """|γ| < 1."""
    return abs(case.gamma) < 1


def within(lam: Any) -> bool:
    """0 ≤ λ ≤ 1."""
    return 0 <= lam <= 1


def moving(case: Case) -> bool:
    """α ≠ 0."""
    return case.alphas[0] != 0


def short_steps(case: Case) -> bool:
    """0 ≤ α ≤ 1."""
    return 0 <= case.alphas[0] <= 1


def unsigned(case: Case) -> bool:
    """E ≥ 0, as of the exponential."""
    return case.exp is None or all(case.exp(g) >= 0 for row in case.scores for g in row)


@dataclass(frozen=True)
class Traces:
    """The statement with its pieces: the edit of the layer, ϑ, the returns, the rate, the λ that are tried; for which γ and λ there
    is one value, with which steps and M̂ it alone is kept, for which steps and weights the rate is said; and contexts let in."""

    edit: Callable[[Parameters, Any], Parameters] = scan
    decay: Callable[[Any, Any], Any] = lambda gamma, lam: gamma * lam
    target: Callable[[Case, Any, dict], list] = returns
    rate: Callable = lambda alpha, c, gamma, lam: 1 - alpha * c
    lambdas: Callable[[Case], tuple[Ratio, ...]] = lambda case: (HALF, ZERO, WHOLE, drawn(case), NEGATIVE)
    discounted: Callable[[Case], bool] = discounted
    within: Callable[[Any], bool] = within
    moving: Callable[[Case], bool] = moving
    inverts: Callable[[np.ndarray], bool] = invertible
    short: Callable[[Case], bool] = short_steps
    unsigned: Callable[[Case], bool] = unsigned
    beyond: tuple[Case, ...] = ()


def td_lambda(case: Case, lam: Any) -> Iterator[dict]:
    """The loop of TD(λ)."""
    return td.softmax_td_lambda(
        case.states, case.rewards, case.score, case.gamma, case.gamma * lam, case.alphas, case.v, case.exp
    )


def machine(claim: Traces, case: Case, lam: Any) -> Machine:
    """The Transformer of TD(λ)."""
    return Machine(edit=lambda p, site: claim.edit(p, claim.decay(case.gamma, lam)))


def mean_returns(claim: Traces, case: Case, lam: Any) -> Callable[[np.ndarray], np.ndarray]:
    """v ↦ r_λ + P_λv: for each state the mean over its visits of the return; 0 where no transition leaves."""

    def mean(v: np.ndarray) -> np.ndarray:
        targets = claim.target(case, lam, dict(zip(case.visited, v)))
        return array(case, [mean_at(case, s, targets) for s in case.visited])

    return mean


def mean_at(case: Case, s: int, numbers: list) -> Any:
    """The mean of those of n numbers that belong to transitions out of s; 0 if there are none."""
    mine = [number for number, before in zip(numbers, case.states) if before == s]
    return sum(mine, 0 * case.gamma) / max(len(mine), 1)


def eligibility(case: Case, lam: Any, v: np.ndarray) -> np.ndarray:
    """Σ_k δ_k e_k, with the traces e_k = c(S_k) + γλe_{k−1} of one-hot c: it is 0 at the solution of LSTD(λ)."""
    delta = td.td_errors(case.states, case.rewards, dict(zip(case.visited, v)), case.gamma)
    trace, total = 0 * v, 0 * v
    for k, error in enumerate(delta):
        trace = case.gamma * lam * trace + grouping.unit_vector(case, case.visited.index(case.states[k]))
        total = total + error * trace
    return total


def operator(case: Case) -> np.ndarray:
    """M̂, (|W|, |W|), of weights of any sign."""
    C = grouping.transitions(case).C
    return by_state(normalised(case, C), C) @ C


# The parts of the statement


def parts(claim: Traces, case: Case) -> Iterator[Part]:
    """Everything that is said of one context, for each λ."""
    for ratio in claim.lambdas(case):
        yield from at_lambda(claim, case, ratio.of(case), f"λ = {ratio}: ")


def at_lambda(claim: Traces, case: Case, lam: Any, name: str) -> Iterator[Part]:
    """The Transformer against the loop; the loop against the mean returns; where it stands still; how it gets there."""
    layer, mean, M = one_update(case, partial(td_lambda, lam=lam)), mean_returns(claim, case, lam), operator(case)
    loop, values = on_visited(case, td_lambda(case, lam)), grouping.values(case, machine(claim, case, lam))
    yield from asserting("layer", layers(case, values, loop, layer(loop[0]), M, mean, name))
    yield from asserting("returns", scanned(claim, case, lam, name))
    if claim.discounted(case) and claim.within(lam):
        X, r = fixed_point_system(mean, case)
        one = 0 * case.gamma + 1
        yield Part(
            f"{name}one value equals its mean returns: 1 if so", int(invertible(X)) * one, one, asserted="one-value"
        )
        value, steep = solved(X, r), condition(X)
        yield from asserting("kept", stands_still(claim, case, layer, M, X, value, name))
        yield from asserting("one-value", lstd(case, lam, value, name, steep))
        yield from asserting("limits", limits(case, lam, value, name, steep))
        if claim.short(case) and claim.unsigned(case):
            yield from asserting("rate", on_the_way(claim, case, lam, M, values, value, name, steep))


def horizon(case: Case) -> float:
    """Σ_{k ≤ n} |γ|^k: how much larger than rewards and values a return can be."""
    return sum(abs(float(case.gamma)) ** k for k in range(case.n + 1))


def layers(
    case: Case,
    values: list[np.ndarray],
    loop: list[np.ndarray],
    after: np.ndarray,
    M: np.ndarray,
    mean: Callable,
    name: str,
) -> Iterator[Part]:
    """The Transformer is the loop; an update of the loop is v + αM̂(r_λ + P_λv − v)."""
    scale = (1 + case.depth) * size(loop, case.rewards) * horizon(case) ** 2
    for l, (got, right) in enumerate(zip(values, loop, strict=True)):
        yield from entries(f"{name}v_{l}", got, right, scale)
    v = loop[0]
    yield from entries(f"{name}v_0 + αM̂(r_λ + P_λv_0 − v_0)", v + case.alphas[0] * (M @ (mean(v) - v)), after, scale)


def scanned(claim: Traces, case: Case, lam: Any, name: str) -> Iterator[Part]:
    """The scan of the TD errors of v_0 against its λ-returns less v_0."""
    v, theta, d = dict(enumerate(case.v)), claim.decay(case.gamma, lam), 0 * case.gamma
    scale = size(case.v, case.rewards) * horizon(case) ** 2
    delta, G = td.td_errors(case.states, case.rewards, v, case.gamma), claim.target(case, lam, v)
    for k in reversed(range(case.n)):
        d = delta[k] + theta * d
        yield Part(f"{name}d_{k}", d, G[k] - v[case.states[k]], scale)


def lstd(case: Case, lam: Any, value: np.ndarray, name: str, steep: float) -> Iterator[Part]:
    """The equations of LSTD(λ) at v_λ."""
    scale = case.n * size(value, case.rewards) * steep
    yield from entries(f"{name}Σ_k δ_k e_k at v_λ", eligibility(case, lam, value), 0 * value, scale)


def stands_still(
    claim: Traces, case: Case, layer: Callable, M: np.ndarray, X: np.ndarray, value: np.ndarray, name: str
) -> Iterator[Part]:
    """v_λ is kept; where the layer keeps one value only it is that; what is kept besides if M̂ takes something to 0."""
    scale = size(value, case.rewards) * condition(X) / (1 - abs(float(case.gamma)))
    yield from only_fixed_point(f"{name}the layer's fixed point", layer, case, value, scale)
    yield from entries(f"{name}a layer's image of v_λ", layer(value), value, scale)
    others = ((value + solved(X, w), M @ w) for w in suspects(case))
    only = claim.moving(case) and claim.inverts(M)
    for part in other_values(layer, case, others, only, lambda v: scale * size(v)):
        yield part._replace(where=f"{name}{part.where}")
    if isinstance(case.gamma, Fraction):
        alone = Fraction(int(invertible(fixed_point_system(layer, case)[0])))
        yield Part(f"{name}one fixed point and no other: 1 if so", alone, Fraction(int(only)))


def limits(case: Case, lam: Any, value: np.ndarray, name: str, steep: float) -> Iterator[Part]:
    """At λ = 0 it is v_CE; at λ = 1 the mean of R_{k+1} + … + γ^{n−k−1}R_n + γ^{n−k}v(S_n)."""
    scale = size(value, case.rewards) * steep / (1 - abs(float(case.gamma)))
    if lam == 0:
        yield from entries(f"{name}v_λ", value, grouping.certainty_equivalence(case), scale)
    if lam == 1:
        W, last = case.visited, value[case.visited.index(case.states[-1])]
        ends = [truncated(case, k) + case.gamma ** (case.n - k) * last for k in range(case.n)]
        for i, s in enumerate(W):
            yield Part(f"{name}v_λ at {s}", value[i], mean_at(case, s, ends), scale)


def truncated(case: Case, k: int) -> Any:
    """R_{k+1} + γR_{k+2} + … + γ^{n−k−1}R_n."""
    return sum((case.gamma ** (i - k) * case.rewards[i] for i in range(k, case.n)), 0 * case.gamma)


def on_the_way(
    claim: Traces,
    case: Case,
    lam: Any,
    M: np.ndarray,
    values: list[np.ndarray],
    value: np.ndarray,
    name: str,
    steep: float,
) -> Iterator[Part]:
    """Every layer multiplies the Transformer's distance by 1 − αc at most, which is below 1 if αc > 0."""
    c = margin(least(M.diagonal()), case.gamma)
    rate = claim.rate(case.alphas[0], c, case.gamma, lam)
    scale = (1 + case.depth) * size(values, value) * steep
    for l, v in enumerate(values):
        yield Part(
            f"{name}‖v_{l} − v_λ‖",
            greatest(v - value),
            rate**l * greatest(values[0] - value),
            scale,
            AT_MOST,
        )


STATED = Statement(
    parts,
    "the Transformer is the loop; the loop is v + αM̂(r_λ + P_λv − v); the scan is the returns less v; what stands still, by solving for it, is the "
    "mean of the returns, and LSTD(λ); the rate 1 − αc",
    Traces(),
    exact=contexts.after(SMALLEST, *contexts.DRAWN),
    certified=contexts.after(SMALLEST, contexts.sharp_cases),
    small=contexts.after(SMALLEST),
    floats=contexts.float_cases,
    trials=100,
    noun="contexts with λ = 1/2, 0, 1, one drawn from 1/24, 3/24, …, 23/24, and for the layer −1",
    scale="that of the values, times (1 + L)(Σ_{k ≤ n} |γ|^k)², or 1/(1 − |γ|) and the condition of what is solved",
    shows=(at_lambda, layers, scanned, stands_still, lstd, limits, on_the_way),
)


# Wrong variants


def scan_from_the_left(p: Parameters, decay: Any) -> Parameters:
    """d_k = δ_k + ϑd_{k−1}: of the errors before k, not of those after."""
    scanned = with_traces(p, decay)
    return scanned.with_head(scan=transpose(scanned.head.scan))


def scan_of_scores(p: Parameters, decay: Any) -> Parameters:
    """The scan inside the softmax: the weights are softmax(T · scores)."""
    T = with_traces(p, decay).head.scan
    return p.with_head(normalise=lambda scores, visible: p.head.normalise(T @ scores, visible))


def decay_mask(p: Parameters, decay: Any) -> Parameters:
    """A decay mask inside the softmax: ϑ^{n−1−k}E in the place of E."""

    def weights(scores: Matrix, visible: Any) -> Matrix:
        K = p.head.normalise(scores, visible)
        n = K.shape[-2] - 1
        faded = np.array([[(0 * decay + decay) ** (n - 1 - k)] for k in range(n)] + [[0 * decay]], K.dtype) * K
        return faded / faded.sum(axis=-2, keepdims=True)

    return p.with_head(normalise=weights)


def never_ending(alpha: Any, c: Any, gamma: Any, lam: Any) -> Any:
    """The rate with γ(1 − λ)/(1 − γλ), by which returns that never end contract, in the place of |γ|."""
    return 1 - alpha * (c + abs(gamma) - abs(gamma * (1 - lam) / (1 - gamma * lam)))


MUTANTS = (
    Mutant("the scan from the left", Traces(scan_from_the_left)),
    Mutant("ϑ = λ in the place of γλ", Traces(decay=lambda gamma, lam: lam)),
    Mutant(
        "ϑ = γλ at λ = 0, 1/2, 1 alone",
        Traces(decay=lambda gamma, lam: gamma * lam * (1 + (2 * lam - 1) * (lam - 1))),
    ),
    Mutant("the scan inside the softmax", Traces(scan_of_scores)),
    Mutant("a decay mask inside the softmax", Traces(decay_mask)),
    Mutant("no bootstrap at the end", Traces(target=returns_that_end)),
    Mutant("v_CE whatever λ", Traces(target=one_step_targets)),
    Mutant("the only fixed point whatever the weights", Traces(inverts=lambda M: True, beyond=(EQUAL,))),
    Mutant("γ = 1 let in", Traces(discounted=lambda case: True)),
    Mutant("α = 0 let in", Traces(moving=lambda case: True)),
    Mutant("α = 3/2 let in for the rate", Traces(short=lambda case: True)),
    Mutant(
        "negative weights let in",
        Traces(unsigned=lambda case: True),
        dict.fromkeys(("certified", "numeric"), "there E is the exponential, which is positive"),
    ),
    Mutant("the rate of returns that never end", Traces(rate=never_ending)),
    Mutant("λ = −1 let in", Traces(within=lambda lam: True, beyond=(UNPAID,))),
    Mutant("λ = −4 let in", Traces(within=lambda lam: True, lambdas=lambda case: (FAR,), beyond=(UNPAID,))),
)


STATEMENT = r"""
Let the weights $K(k \mid s)$ be in proportion to $E(s, S_k)$, as in {prf:ref}`operator`, which defines $\hat M$ too.
Let attention read, in the place of the TD errors, their scan from the right by a factor $\vartheta$,

$$
d_k = \delta_k + \vartheta d_{k+1}, \quad d_n = 0, \qquad v_{l+1}(S_j) = v_l(S_j) + \alpha \sum_{k<n} K(k \mid S_j)\, d_k .
$$ (eq-scanned-errors)
""".strip()

ASSERTIONS = (
    Assertion(
        "returns",
        lambda claim: (
            rf"""
With $\vartheta = {letters(claim.decay, "gamma", "lambda")}$ it is $d_k = \mathcal G_k - v_l(S_k)$ with the **λ-return**,
cut off where the context ends,

$$
\mathcal G_k = R_{{k+1}} + \gamma \bigl( (1 - \lambda)\, v_l(S_{{k+1}}) + \lambda \mathcal G_{{k+1}} \bigr), \qquad \mathcal G_n = v_l(S_n) .
$$ (eq-lambda-return)
"""
        ),
    ),
    Assertion(
        "layer",
        r"""
With $r_\lambda + P_\lambda v$ for the mean of the λ-return over the visits to each state (0 at a state that no transition
leaves) a layer is

$$
v_{l+1} = v_l + \alpha \hat M ( r_\lambda + P_\lambda v_l - v_l ) .
$$ (eq-lambda-layer)
""",
        typed="equation",
    ),
    Assertion(
        "one-value",
        r"""
Let $\lvert\gamma\rvert < 1$ and $0 \le \lambda \le 1$. Then exactly one $v_\lambda$ equals its mean returns,
$v_\lambda = r_\lambda + P_\lambda v_\lambda$. It is the solution of tabular LSTD(λ), $\sum_k \delta_k e_k = 0$ with
the traces $e_k = \vartheta e_{k-1} + \mathbf 1[S_k = \cdot\,]$, $e_{-1} = 0$ (and 0 at a state that no transition leaves, of
which these equations say nothing), and does not depend on the weights.
""",
        typed="equation",
    ),
    Assertion(
        "limits",
        r"""
At $\lambda = 0$ this $v_\lambda$ is $v_{\mathrm{CE}}$; at $\lambda = 1$ it is at each state that some transition leaves the mean over
the visits $k < n$ of

$$
R_{k+1} + \gamma R_{k+2} + \dots + \gamma^{n-k-1} R_n + \gamma^{n-k}\, v_\lambda(S_n) .
$$ (eq-truncated-return)
""",
        typed="equation",
    ),
    Assertion(
        "kept",
        r"The layer keeps $v_\lambda$, and if $\alpha \ne 0$ nothing else **if and only if** $\hat M$ is invertible.",
        typed="condition",
    ),
    Assertion(
        "rate",
        lambda claim: (
            rf"""
If $0 \le \alpha \le 1$ and $E \ge 0$, then with the margin $c$ of {{prf:ref}}`contraction`
$\lVert v_L - v_\lambda \rVert_\infty \le ({letters(claim.rate, "alpha", "c", "gamma", "lambda")})^L \lVert v_0 - v_\lambda \rVert_\infty$,
which goes to 0 if $\alpha c > 0$.
"""
        ),
    ),
)


CLAIM = Claim(
    id="softmax-td-lambda",
    title="With a scan, softmax attention is TD(λ)",
    chapter="siblings",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"The scan stands outside the softmax; for the layer, any λ and γ.", dropped="the scan inside the softmax"
        ),
        Hypothesis(r"The scan runs from the last transition to the first.", dropped="the scan from the left"),
        Hypothesis(
            r"$\lvert\gamma\rvert < 1$, for one $v_\lambda$ only.",
            dropped="γ = 1 let in",
            holds=discounted,
        ),
        Hypothesis(
            r"$\lvert\gamma\rvert < 1$, for the rate.",
            reason=r"the rate is at which one $v_\lambda$ is approached, and without it there need not be one",
        ),
        Hypothesis(r"$0 \le \lambda \le 1$, for one $v_\lambda$ only.", dropped="λ = −4 let in", holds=within),
        Hypothesis(r"$0 \le \lambda \le 1$, for the rate.", dropped="λ = −1 let in", holds=within),
        Hypothesis(
            r"$\hat M$ invertible, for $v_\lambda$ to be all that the layer keeps; a state that no transition leaves makes $\hat M$ singular.",
            dropped="the only fixed point whatever the weights",
            holds=invertible,
        ),
        Hypothesis(
            r"$\alpha \ne 0$, for $v_\lambda$ to be all that the layer keeps.",
            dropped="α = 0 let in",
            holds=moving,
        ),
        Hypothesis(r"For the rate: $0 \le \alpha \le 1$.", dropped="α = 3/2 let in for the rate", holds=short_steps),
        Hypothesis(r"For the rate: $E \ge 0$.", dropped="negative weights let in", holds=unsigned),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "softmax-td-lambda",
            "every context and depth, all weights, discounts and λ that are asked for; over any ordered field, the limit over any Archimedean one",
            stated=(
                "softmax_td_lambda.scanned_is_return",
                "softmax_td_lambda.lambda_layer",
                "softmax_td_lambda.one_lambda_value",
                "softmax_td_lambda.equal_to_mean_return_iff_lstd_lambda",
                "softmax_td_lambda.v_lambda_at_zero",
                "softmax_td_lambda.v_lambda_at_one",
                "softmax_td_lambda.v_lambda_alone_iff_invertible",
                "softmax_td_lambda.lambda_rate",
            ),
            further=(
                "softmax_td_lambda.layer_moves_to_mean_returns",
                "softmax_td_lambda.mean_return_is_affine",
                "softmax_td_lambda.lstd_lambda_solution",
                "softmax_td_lambda.layer_keeps_v_lambda",
                "softmax_td_lambda.lambda_converges",
            ),
            definitions=(
                "softmax_td_lambda.from_right",
                "softmax_td_lambda.scanned",
                "softmax_td_lambda.lambda_return",
                "softmax_td_lambda.scanned_update",
                "softmax_td_lambda.mean_return",
                "softmax_td_lambda.trace",
                "softmax_td_lambda.solves_lstd_lambda",
                "softmax_td_lambda.r_lambda",
                "softmax_td_lambda.P_lambda",
                "softmax_td_lambda.v_lambda",
            ),
            asserts=("returns", "layer", "one-value", "limits", "kept", "rate"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td", "certainty-equivalence", "contraction"),
    under={"softmax-td": "λ = 0"},
    source="Sutton 1988 and Boyan 1999 for TD(λ) and LSTD(λ); that softmax attention solves it whatever the weights was worked out for this book",
    shared=(
        "The routes compared share the exponential, the contexts and their features. The Transformer scans a row, the "
        "loop of icrl.td goes backwards through a list, the returns are their own recursion, and LSTD(λ) carries "
        "traces forwards; none of them calls another."
    ),
)
