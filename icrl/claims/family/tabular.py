r"""tabular: with one-hot features, softmax TD is batch tabular TD but for a share of foreign transitions, which sharpness takes to 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import product
from random import Random
from typing import Any

from sympy import Expr, Integer, Rational, Sum, Symbol, exp, limit, oo, simplify, symbols

from icrl import td
from icrl.arrays import np
from icrl.transformer import weights
from icrl.verify.instances import contexts, frozen_lake
from icrl.verify.instances.cases import Case, as_matrices, small_fraction, stand_in
from icrl.verify.instances.contexts import closing_walk
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.parts import AT_MOST, Part, asserting, greatest, least, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes import grouping
from icrl.verify.routes.edits import Machine, unmasked


def foreign_share(n_s: Any, n: Any, power: Any) -> Any:
    """ω = (n − n_s) / (n_s e^β + n − n_s), with ``power`` = e^β: what a state gives to the transitions that do not leave it."""
    return (n - n_s) / (n_s * power + n - n_s)


def share_bound(n_s: Any, n: Any, power: Any) -> Any:
    """e^{−β} (n − n_s) / n_s, for a source."""
    return (n - n_s) / (n_s * power)


def one_weight(own: bool, n_s: Any, n: Any, power: Any) -> Any:
    """K(k|s) = e^{β1[S_k = s]} / (n_s e^β + n − n_s)."""
    return (power if own else 0 * power + 1) / (n_s * power + n - n_s)


HALF = Fraction(1, 2)


def source_last(case: Case) -> bool:
    """Whether S_n is a source."""
    return case.states[-1] in case.states[:-1]


def short_steps(case: Case) -> bool:
    """0 < α_l ≤ 1."""
    return all(0 < alpha <= 1 for alpha in case.alphas)


def discounted(case: Case) -> bool:
    """|γ| < 1."""
    return abs(case.gamma) < 1


@dataclass(frozen=True)
class Tabular:
    """The statement with its pieces: the features' scale from √β, the machine, a weight and what it tends to, the foreign
    share and its bound; of the distance its factor and the contexts, steps and discounts it speaks of."""

    scale: Callable = lambda root: root
    machine: Machine = Machine()
    weight: Callable = one_weight
    sharp: Callable[[Any, Any], Any] = lambda n_s, n: 1 / n_s
    share: Callable = foreign_share
    most: Callable = share_bound
    factor: Callable = lambda gamma: 1 / (1 - abs(gamma))
    near: Callable[[Case], bool] = source_last
    short: Callable[[Case], bool] = short_steps
    discounted: Callable[[Case], bool] = discounted


# The formula and its limit, for every n, n_s and β


M, OTHERS, BETA = symbols("m o beta", positive=True)
POINT = {M: 1, OTHERS: 2, BETA: 4}
N = M + OTHERS


def score_sum(own: Expr, others: Expr, power: Expr) -> Expr:
    """Z(s) = Σ_k e^{β1[S_k = s]}, summed: the first ``own`` transitions leave s, the ``others`` after them do not."""
    k, m = Symbol("k", integer=True, positive=True), Symbol("m", integer=True, nonnegative=True)
    o = Symbol("o", integer=True, nonnegative=True)
    total = Sum(power, (k, 1, m)).doit() + Sum(Integer(1), (k, m + 1, m + o)).doit()
    return total.subs({m: own, o: others}, simultaneous=True)


def formulas(claim: Tabular) -> Iterator[tuple[str, str, Expr, Expr]]:
    """(assertion, what, as stated, as derived): both weights and the share, at a source and at a state never left; what becomes of them as β → ∞."""
    power = exp(claim.scale(BETA ** Rational(1, 2)) ** 2)
    Z, none, stated = score_sum(M, OTHERS, power), score_sum(Integer(0), N, power), exp(BETA)
    own, foreign = (claim.weight(of, M, N, stated) for of in (True, False))
    unleft, share = claim.weight(False, Integer(0), N, stated), claim.share(M, N, stated)
    yield "weights", "the weight of a transition of its own", own, power / Z
    yield "weights", "the weight of a foreign transition", foreign, 1 / Z
    yield "share", "the share of foreign transitions", share, OTHERS / Z
    yield "weights", "a weight at a state that is never left", unleft, 1 / none
    yield "share", "the share at a state that is never left", claim.share(Integer(0), N, stated), N / none
    sharp = "the limit of the weight of a transition of its own"
    yield "limit", sharp, limit(own, BETA, oo), claim.sharp(M, N)
    yield "limit", "the limit of the weight of a foreign transition", limit(foreign, BETA, oo), Integer(0)
    yield "limit", "a weight at a state that is never left, whatever β", unleft, 1 / N
    yield "share", "the limit of e^β times the share", limit(stated * share, BETA, oo), OTHERS / M
    ratio = limit(claim.most(M, N, stated) / share, BETA, oo)
    yield "share", "the limit of the bound over the share", ratio, Integer(1)


def symbolic(claim: Tabular, budget: Budget) -> Verdict:
    """Every formula: the difference simplifies to 0."""
    found = [*formulas(claim)]
    wrong = [each for each in found if simplify(each[2] - each[3]) != 0]
    for _, where, got, right in wrong:
        told, ids = (
            [str(side.subs(POINT).evalf(12)) for side in (got, right)],
            tuple(dict.fromkeys(e[0] for e in wrong)),
        )
        first = Counterexample("n = 3, n_s = 1, β = 4", where, *told, asserted=ids)
        return Verdict(False, "not derived", counterexample=first)
    return Verdict(
        True, f"{len(found)} formulas and limits, for every n_s ≥ 1, every number of other transitions and every β > 0"
    )


# Exact, certified, numeric


def root(case: Case) -> Any:
    """√β, which a case holds as its first feature."""
    return case.features[0][0]


def one_hot(claim: Tabular, case: Case) -> Case:
    """The case with the features scale(√β) e_s and A = I."""
    zero, scale = 0 * case.gamma, claim.scale(root(case))
    table = lambda entry: [[entry if s == u else zero for u in range(len(case.v))] for s in range(len(case.v))]
    return replace(case, features=table(scale), A=table(zero + 1))


def power_of(case: Case) -> Any:
    """e^β, or what stands in its place."""
    beta = root(case) ** 2
    return np.exp(beta) if case.exp is None else case.exp(beta)


def parts(claim: Tabular, case: Case) -> Iterator[Part]:
    """The weights of the Transformer; its layers as means of own and foreign TD errors; the distance to batch tabular TD."""
    drawn = one_hot(claim, case)
    n_s, power = grouping.transitions(case).C.sum(axis=0), power_of(case)
    omega = [claim.share(count, case.n, power) for count in n_s]
    K = attention_weights(claim, drawn)
    for i, s in enumerate(case.visited):
        for k, u in enumerate(case.states[:-1]):
            weight = claim.weight(s == u, n_s[i], case.n, power)
            yield Part(f"K({k}|{s})", weight, K[i, k], asserted="weights")
        if n_s[i] > 0:
            most = claim.most(n_s[i], case.n, power)
            yield Part(f"the foreign share at {s}", omega[i], most, relation=AT_MOST, asserted="share")
        else:
            yield Part(f"the foreign share at {s}, which is never left", omega[i], 0 * power + 1, asserted="share")
    path = grouping.values(drawn, claim.machine)
    yield from means(case, omega, path)
    if claim.near(case) and claim.short(case) and claim.discounted(case):
        yield from asserting("near", near_tabular(claim, case, omega, path))


def attention_weights(claim: Tabular, case: Case) -> np.ndarray:
    """K(k|s), (|W|, n), out of the Transformer: each state's first column."""
    features, rewards, value, gamma, alphas, A, power, _ = as_matrices(case)
    Z = claim.machine.prompt(features, rewards, value, gamma)
    K = weights(Z, claim.machine.parameters(Z, case.d, case.n, gamma, alphas[0], A, power).head)
    return K[: case.n, [case.states.index(s) for s in case.visited]].T


def td_errors(case: Case, v: np.ndarray) -> np.ndarray:
    """δ_k under the values v on W."""
    return grouping.array(case, td.td_errors(case.states, case.rewards, dict(zip(case.visited, v)), case.gamma))


def means(case: Case, omega: list, path: list[np.ndarray]) -> Iterator[Part]:
    """v_{l+1}(s) = v_l(s) + α((1 − ω) × the mean of the own TD errors + ω × the mean of the others)."""
    for layer, (before, after) in enumerate(zip(path, path[1:])):
        delta = td_errors(case, before)
        for i, s in enumerate(case.visited):
            own = [d for d, u in zip(delta, case.states) if u == s]
            others = [d for d, u in zip(delta, case.states) if u != s]
            mean = (1 - omega[i]) * sum(own) / max(len(own), 1) + omega[i] * sum(others) / max(len(others), 1)
            said, id = before[i] + case.alphas[layer] * mean, "means" if own else "unleft"
            yield Part(f"v_{layer + 1}({s})", said, after[i], size(before, delta), asserted=id)


def near_tabular(claim: Tabular, case: Case, omega: list, path: list[np.ndarray]) -> Iterator[Part]:
    """‖v_L − t_L‖ ≤ max ω · max_{l<L} (max δ_l − min δ_l) / (1 − |γ|), where t is batch tabular TD from the same start."""
    sources = [w for w, s in zip(omega, case.visited) if s in case.states[:-1]]
    spread = 0 * case.gamma
    tabular = td.tabular_td(case.states, case.rewards, case.gamma, case.alphas, dict(zip(case.visited, path[0])))
    for layer, (v, t) in enumerate(zip(path, tabular, strict=True)):
        far = greatest(v - grouping.array(case, [t[s] for s in case.visited]))
        bound = greatest(sources) * spread * claim.factor(case.gamma)
        scale = (1 + layer) * size(v, spread) / abs(1 - abs(float(case.gamma)))
        yield Part(f"the distance to tabular TD after {layer} layers", far, bound, scale, AT_MOST)
        delta = td_errors(case, v)
        spread = greatest([spread, least(delta) + least(-delta)])  # its absolute value is max − min


# The contexts


@dataclass(frozen=True)
class OneHot(Case):
    """A case whose features are √β e_s."""

    def measures(self) -> dict[str, Any]:
        """A case's, and β."""
        return super().measures() | {"β": root(self) ** 2}


def hot_case(
    states: Sequence[int], rewards: Sequence, v: Any, gamma: Any, alphas: list, side: Any, power: Callable | None
) -> OneHot:
    """A context whose features are side · e_s, side² = β, with A = I."""
    diagonal = lambda entry: [[entry if s == u else 0 * entry for u in range(len(v))] for s in range(len(v))]
    return OneHot(states, rewards, diagonal(side), v, gamma, alphas, diagonal(0 * side + 1), power)


def small(
    states: tuple[int, ...],
    r: tuple[int, ...],
    v: tuple[int, ...],
    depth: int = 1,
    gamma: Fraction = HALF,
    alpha: Fraction = HALF,
) -> Case:
    """A context of small integers with β = 4, e^β standing for 17."""
    whole = lambda numbers: [Fraction(number) for number in numbers]
    return hot_case(list(states), whole(r), whole(v), gamma, [alpha] * depth, Fraction(2), stand_in)


ALONE = small((0, 0), (1,), (0,))
LINE = small((0, 1, 0), (1, 0), (0, 0), 2)
NEVER_LEFT = small((0, 1), (1,), (0, 0), 2)
BACK = small((0, 1, 0), (0, 0), (1, -1), 2, Fraction(-9, 10), Fraction(1))
LONG_STEP = small((0, 1, 0), (0, 0), (1, -1), 2, HALF, Fraction(3, 2))
GROWING = small((0, 1, 0), (1, 0), (0, 0), gamma=3 * HALF)
SMALLEST = (ALONE, LINE, NEVER_LEFT, BACK, LONG_STEP, GROWING)


def rational_cases(seed: int = 0) -> Iterator[Case]:
    """Walks of up to 8 transitions over up to 4 states, by turns ending where they have been and at a new state; β from 0 to 9."""
    rng = Random(seed)
    number = lambda: small_fraction(rng)
    for side, length, states, new in product(
        (Fraction(0), HALF, Fraction(1), Fraction(3)), (1, 3, 8), (1, 4), (False, True)
    ):
        walk = closing_walk(rng, states, length)
        walk[-1] = max(walk) + 1 if new else walk[-1]
        gamma, alphas = (
            Fraction(rng.randint(-9, 9), 10),
            [Fraction(rng.randint(1, 4), 4) for _ in range(3)],
        )
        yield hot_case(
            walk, [number() for _ in range(length)], [number() for _ in set(walk)], gamma, alphas, side, stand_in
        )


def lake(n: int = 30) -> Case:
    """Transitions of FrozenLake-v1 under the uniform policy, one-hot features of the squares at β = 4, γ = 9/10, two layers."""
    v = [Fraction(s, 16) for s in range(16)]
    return hot_case(*frozen_lake.walk(n), v, Fraction(9, 10), [HALF] * 2, Fraction(2), stand_in)


def float_cases(seed: int) -> Iterator[Case]:
    """Random walks of up to 64 transitions over up to 8 states, one in four ending at a new state; β from 0.01 to 36, up to 32 layers."""
    rng = np.random.default_rng(seed)
    while True:
        case = contexts.sharp_float_case(rng)
        side = float(np.exp(rng.uniform(np.log(0.1), np.log(6))))
        alphas = [float(alpha * rng.uniform(0.5, 1)) for alpha in case.alphas]
        yield hot_case(case.states, case.rewards, case.v, case.gamma, alphas, side, None)


STATED = Statement(
    parts,
    "the Transformer's weights, its layers as means of own and foreign TD errors, the bound on the foreign share, "
    "and on the distance to batch tabular TD where the last state is a source",
    Tabular(),
    exact=contexts.after(SMALLEST, rational_cases),
    certified=contexts.after((*SMALLEST, *rational_cases(), lake())),
    small=contexts.after(SMALLEST),
    floats=float_cases,
    trials=150,
    scale="that of the values, times (1 + L)/(1 − |γ|) for the distance",
    shows=(parts, means, near_tabular),
)


def own_counted_twice(own: bool, n_s: Any, n: Any, power: Any) -> Any:
    """The weight with n, not n − n_s, foreign transitions in its denominator."""
    return (power if own else 0 * power + 1) / (n_s * power + n)


def left_out(of: Callable) -> Callable:
    """The weight, or the share, with 0 where a state is never left."""
    return lambda *given: 0 * given[-1] if given[-3] == 0 else of(*given)


UNMASKED = Machine(edit=unmasked)
OF_PATHS = {"symbolic": "the formulas speak of weights, not of the paths that values take"}
AT_ONE_BETA = dict.fromkeys(("exact", "certified", "numeric"), "no limit is taken there")

MUTANTS = (
    Mutant("features β e_s", Tabular(scale=lambda root: root * root)),
    Mutant(
        "a state that is never left keeps its value",
        Tabular(weight=left_out(one_weight), share=left_out(foreign_share)),
    ),
    Mutant("own transitions counted among the foreign", Tabular(weight=own_counted_twice)),
    Mutant(
        "n_s e^β without the foreign transitions",
        Tabular(share=lambda n_s, n, power: (n - n_s) / n_s if n_s != 0 else 0 * power + 1),
    ),
    Mutant(
        "no mask", Tabular(machine=UNMASKED), {"symbolic": "the sum of the weights is over the n transitions there"}
    ),
    Mutant(
        "the foreign share falls like e^{−2β}", Tabular(most=lambda n_s, n, power: (n - n_s) / (n_s * power * power))
    ),
    Mutant("a last state that is no source let in", Tabular(near=lambda case: True), OF_PATHS),
    Mutant("1/(1 − |γ|) missing", Tabular(factor=lambda gamma: 0 * gamma + 1), OF_PATHS),
    Mutant("γ in the place of its absolute value", Tabular(factor=lambda gamma: 1 / (1 - gamma)), OF_PATHS),
    Mutant("α = 3/2 let in", Tabular(short=lambda case: True), OF_PATHS),
    Mutant("γ = 3/2 let in", Tabular(discounted=lambda case: True), OF_PATHS),
    Mutant("1/n in the limit", Tabular(sharp=lambda n_s, n: 1 / n), AT_ONE_BETA, "symbolic"),
)


STATEMENT = r"""
Let $x(s) = \sqrt\beta\, e_s$ with $\beta \ge 0$, one-hot features of one length, and let $n_s$ be the number of transitions of the context that leave $s$.
""".strip()


def printed(piece: Callable) -> str:
    """A function of n_s, n and e^β, in the book's letters."""
    return letters(lambda n_s, n, beta: piece(n_s, n, exp(beta)), "n_s", "n", "beta")


ASSERTIONS = (
    Assertion(
        "weights",
        lambda claim: (
            rf"""
Then

$$
K(k \mid s) = \begin{{cases}}
{printed(partial(claim.weight, True))} & S_k = s, \\
{printed(partial(claim.weight, False))} & S_k \ne s.
\end{{cases}}
$$ (eq-one-hot-weights)
"""
        ),
    ),
    Assertion(
        "share",
        lambda claim: (
            rf"""
The transitions that do not leave $s$ get, together, the **foreign share**

$$
\omega_s = {printed(claim.share)} \le {printed(claim.most)} \quad (n_s > 0), \qquad \omega_s = 1 \quad (n_s = 0).
$$ (eq-foreign-share)
"""
        ),
    ),
    Assertion(
        "means",
        r"""
A layer moves $v(s)$ by $\alpha$ times $(1 - \omega_s)$ the mean of its own TD errors plus $\omega_s$ the mean of all
others.
""",
        typed="equation",
    ),
    Assertion(
        "limit",
        lambda claim: (
            rf"""
With $\beta \to \infty$ the weights of the transitions that leave a source tend to ${letters(claim.sharp, "n_s", "n")}$ and
all others to 0, while a state that no transition leaves has $K(k \mid s) = 1/n$ whatever $\beta$ is.
"""
        ),
    ),
    Assertion(
        "near",
        lambda claim: (
            rf"""
**Where $S_n$ is a source**, the layers tend to batch tabular TD. Let $t_0 = v_0$ and let $t_{{l+1}}$ come from $t_l$ by
batch tabular TD with the same step sizes $0 < \alpha_l \le 1$, and $\lvert\gamma\rvert < 1$. Then at every depth, with
$\omega = \max_s \omega_s$,

$$
\lVert v_L - t_L \rVert_\infty \le \omega \cdot {letters(claim.factor, "gamma")}\, \max_{{l<L}} \bigl(\max_k \delta_k - \min_k \delta_k\bigr),
$$ (eq-near-tabular)

the TD errors being those of $v_l$.
"""
        ),
    ),
    Assertion(
        "unleft",
        r"""
**Where it is not**, $v(S_n)$ moves at every layer by $\alpha$ times the mean of *all* TD errors, and the states that
lead to $S_n$ bootstrap from it. The update that $\beta \to \infty$ leaves is then not that of batch tabular TD, which
leaves $v(S_n)$ alone; though from some $v_0$ the two agree, such as from one at which no state's own mean TD error
differs from 0: from there neither moves a value.
""",
        typed="equation",
    ),
)


CLAIM = Claim(
    id="tabular",
    title="Sharp enough, softmax TD is tabular TD",
    chapter="kernels-and-sharpness",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(r"One-hot features of one length: $x(s) = \sqrt\beta\, e_s$, $A = I$.", dropped="features β e_s"),
        Hypothesis(r"$\beta \ge 0$.", reason="other numbers have no real root"),
        Hypothesis(
            r"For the distance to batch tabular TD: $S_n$ is a source, so that every visited state is one.",
            dropped="a last state that is no source let in",
            holds=source_last,
        ),
        Hypothesis(r"For the same, $0 < \alpha_l \le 1$.", dropped="α = 3/2 let in", holds=short_steps),
        Hypothesis(r"For the same, $\lvert\gamma\rvert < 1$.", dropped="γ = 3/2 let in", holds=discounted),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "tabular",
            "for every number of states, n ≥ 1, depth, γ, step sizes and β that are asked for, and any exponential to a base above 1; "
            "the limit as a bound at every β",
            stated=(
                "tabular.one_hot_weights",
                "tabular.foreign_weights_sum",
                "tabular.foreign_share_le",
                "tabular.one_hot_update",
                "tabular.sharp_weights",
                "tabular.nonsource_weights",
                "near_tabular.near_tabular_td",
                "tabular.nonsource_moves",
                "tabular.no_own_error_no_move",
            ),
            further=(
                "tabular.foreign_share_at_nonsource",
                "near_tabular.transformer_near_tabular_td",
            ),
            definitions=(
                "tabular.one_hot",
                "tabular.foreign_share",
                "tabular.other_mean",
                "visited.visited",
                "visited.max_visited",
                "batch_td.tabular_update",
                "batch_td.tabular_td",
                "exponential.exponential",
            ),
            asserts=("weights", "share", "means", "limit", "near", "unleft"),
        ),
        Check(
            "symbolic",
            "both weights, the share and their limits as β → ∞: every n_s, every number of other transitions, every β > 0",
            symbolic,
            shows=(formulas,),
            asserts=("weights", "share", "limit"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td", "batch-td"),
    source="Xie et al. 2026 for tabular TD as a case; the foreign share and the distance at finite sharpness were found for this book",
    shared=(
        "The routes compared share the exponential and the contexts. The weights are those of the Transformer, the "
        "means and batch tabular TD are loops over transitions, and at symbolic sizes the sum of the weights is "
        "SymPy's."
    ),
    under={"softmax-td": "one-hot, β → ∞, Sₙ a source"},
)
