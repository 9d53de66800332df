r"""fixed-point: averaged over the states, a layer keeps v^π; and nothing else if the table of weights is invertible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, islice, product
from random import Random
from typing import Any

from sympy import Identity, MatrixSymbol
from sympy.matrices.expressions.matexpr import MatrixExpr

from icrl.arrays import np
from icrl.mrp import MarkovRewardProcess
from icrl.operator import population_kernel
from icrl.verify.instances import cases, contexts
from icrl.verify.instances import frozen_lake as lake
from icrl.verify.instances.cases import (
    EXPONENTIALS,
    Case,
    ball_case,
    power_of_two,
    shown,
    small_fraction,
    smallest,
    stand_in,
    to_ball,
)
from icrl.verify.instances.chains import float_chain, irreducible, rational_chain
from icrl.verify.instances.words import described
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.differences import BITS, TOLERANCE
from icrl.verify.judging.parts import (
    AT_LEAST,
    AsBalls,
    Exactly,
    Part,
    Within,
    asserting,
    at_bits,
    entries,
    first_failure,
    size,
)
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes import grouping
from icrl.verify.routes.exact_algebra import invertible, null_vectors, pivots, solved
from icrl.verify.routes.fixed_points import bellman_matrix, condition, only_fixed_point, other_values, units
from icrl.verify.routes.grouping import ALPHA, GAMMA, STATES, VALUES, Transitions, td_update


@dataclass(frozen=True)
class Population:
    """A Markov reward process with weights μ of its states. ``case``, its states 0, 1, … once each, holds r, γ, α, v, the features and the score."""

    case: Case
    transition: Any
    weights: Any

    def measures(self) -> dict[str, Any]:
        """Sizes, discount, and what decides whether E is invertible."""
        return {
            "|S|": len(self.weights),
            "d": self.case.d,
            "γ": self.case.gamma,
            "A = I": inner_products(self.case),
            "equal features of two states": not distinct(self.case),
        } | {f"E = {words} in the place of exp": self.case.exp is stand for stand, words in EXPONENTIALS.items()}

    def __str__(self) -> str:
        case, E = self.case, EXPONENTIALS.get(self.case.exp, "exp(t)")
        if len(self.weights) > 2:
            return (
                f"|S| = {len(self.weights)}, d = {case.d}, γ = {shown(case.gamma)}, α = {shown(case.alphas)}, E = {E}"
            )
        parts = {
            "P": self.transition,
            "μ": self.weights,
            "r": case.rewards,
            "x": case.features,
            "A": case.A,
            "γ": case.gamma,
            "α": case.alphas,
        }
        return ", ".join(f"{name} = {shown(value)}" for name, value in parts.items()) + f", E = {E}"


def population(transition: Any, weights: Any, **changes: Any) -> Population:
    """A population in ``Fraction``s: one-hot features, r = (1, 0, …), v = (0, 1, …), γ = α = ½ and E = 2^t where nothing else is said."""
    fractions = lambda rows: [[Fraction(entry) for entry in row] for row in rows]
    S = len(transition)
    one_hot = np.eye(S, dtype=int).tolist()
    plain = smallest(range(S), r=one_hot[0], v=range(S), x=one_hot, A=one_hot)
    return Population(replace(plain, **{"exp": power_of_two} | changes), fractions(transition), *fractions([weights]))


def kernel(given: Population) -> np.ndarray:
    """M(s, u) = μ(u)E(s, u)/Z(s), Z(s) = Σ_w μ(w)E(s, w)."""
    mu = np.diag(grouping.array(given.case, given.weights))
    return grouping.normalised(given.case, mu) @ mu


def update(M: Any, P: Any, r: Any, gamma: Any, alpha: Any, v: Any) -> Any:
    """v + αM(r + γPv − v): weighted TD with one transition out of each state, the average one."""
    one = Identity(P.shape[0]) if isinstance(P, MatrixExpr) else np.eye(len(P), dtype=P.dtype) + 0 * P
    return td_update(M, Transitions(one, P, r), gamma, alpha, v)


def averager(M: Any, P: Any, r: Any, gamma: Any, alpha: Any, v: Any) -> Any:
    """M(r + γPv): the weighted mean of the targets, which forgets v."""
    return M @ (r + gamma * (P @ v))


def inner_products(case: Case) -> bool:
    """Whether the score is ⟨x(s), x(u)⟩, that is, A = I."""
    return all(a == (i == j) for i, row in enumerate(case.A) for j, a in enumerate(row))


def distinct(case: Case) -> bool:
    """Whether no two states have the same features."""
    return len(set(map(str, case.features))) == len(case.states)


def exponential(case: Case) -> bool:
    """Whether E is an exponential, to whatever base."""
    return case.exp is not stand_in


def table(case: Case) -> np.ndarray:
    """E(s, u) for all states."""
    return grouping.powers(case, np.diag(grouping.array(case, [0 * case.gamma + 1] * len(case.states))))


def opposite(case: Case) -> bool:
    """Whether two states have the features x and −x, and E = 1 + ⟨x, x′⟩²."""
    signs = len(case.states) == 2 and all(x == -y for x, y in zip(*case.features))
    return signs and not exponential(case) and inner_products(case)


def form(x: Any, y: Any, A: Any) -> Any:
    """(x − y)ᵀA(x − y)."""
    return (x - y) @ A @ (x - y)


def decided(claim: Fixed, case: Case) -> str:
    """The assertion that says when E is invertible: ``definite``, ``square`` or ``form``; ``only`` where none does."""
    if opposite(case):
        return "square"
    if claim.exponential(case) and claim.inner_products(case):
        return "definite"
    return "form" if claim.exponential(case) and len(case.states) == 2 else "only"


def regular(claim: Fixed, case: Case) -> bool:
    """Whether E is invertible, as the assertions say where one does; of floats, if it is by a wide margin."""
    rule = "only" if isinstance(case.gamma, float) else decided(claim, case)
    if rule == "definite":
        return distinct(case)
    if rule == "form":
        (x, y), A = grouping.array(case, case.features), grouping.array(case, case.A)
        return bool(claim.form(x, y, A) != 0)
    return rule != "square" and invertible(table(case))


def by_any_score(claim: Fixed, case: Case) -> bool:
    """Whether E is invertible, if distinct features were enough with other scores than the exponential."""
    return regular(claim, case) if exponential(case) else distinct(case)


def by_features(claim: Fixed, case: Case) -> bool:
    """Whether E is invertible, if distinct features were enough with the exponential; of floats too."""
    return distinct(case) if exponential(case) else invertible(table(case))


def all_positive(mu: Any) -> bool:
    """μ > 0."""
    return min(mu) > 0


def moves(alpha: Any) -> bool:
    """α ≠ 0."""
    return alpha != 0


@dataclass(frozen=True)
class Fixed:
    """The statement with its pieces: the update, whether E is invertible, the scores of which its features decide that, the form of two
    states, the weights and the steps it is said of, and populations let in."""

    update: Callable = update
    regular: Callable[[Fixed, Case], bool] = regular
    inner_products: Callable[[Case], bool] = inner_products
    exponential: Callable[[Case], bool] = exponential
    form: Callable[[Any, Any, Any], Any] = form
    weights: Callable[[Any], bool] = all_positive
    steps: Callable[[Any], bool] = moves
    beyond: tuple[Population, ...] = ()

    def only(self, given: Population) -> bool:
        """Whether v^π is said to be the only fixed point."""
        return self.weights(given.weights) and self.steps(given.case.alphas[0]) and self.regular(self, given.case)


def identities(
    claim: Fixed, M: Any, P: Any, value: Any, gamma: Any, alpha: Any, v: Any
) -> Iterator[tuple[str, Any, Any]]:
    """(where, what comes out, what it says), for the rewards r = (I − γP)v^π of any value v^π: it stays, and every v moves by αM(I − γP)(v^π − v)."""
    X = bellman_matrix(P, gamma)
    yield "what the update adds to v^π", claim.update(M, P, X @ value, gamma, alpha, value) - value, 0 * value
    yield (
        "what the update adds to v",
        claim.update(M, P, X @ value, gamma, alpha, v) - v,
        alpha * (M @ (X @ (value - v))),
    )


def symbolic(claim: Fixed, budget: Budget) -> Verdict:
    """The identities with a symbolic number of states, and M⁻¹ from E⁻¹ and back. An identity that is not derived is put to a small instance."""
    M, P, E, D, Z = (MatrixSymbol(name, STATES, STATES) for name in ("M", "P", "E", "D", "Z"))
    found = identities(claim, M, P, MatrixSymbol("v_pi", STATES, 1), GAMMA, ALPHA, VALUES)
    if wrong := sy.derived(((got, right) for _, got, right in found), identity_parts, claim, [SWITCH]):
        return wrong
    weighted = Z.inv() @ E @ D
    if (weighted @ D.inv() @ E.inv() @ Z).doit() != Identity(STATES) or (Z @ weighted @ D.inv()).doit() != E:
        return Verdict(False, "M = Z⁻¹ED and E were not seen to be invertible together")
    return Verdict(
        True,
        "v^π stays, and what is added to any v is αM(I − γP)(v^π − v), for any M; with Z and D invertible, M = Z⁻¹ED "
        "has the inverse D⁻¹E⁻¹Z, and E = ZMD⁻¹; for every number of states",
    )


def identity_parts(claim: Fixed, given: Population) -> Iterator[Part]:
    """The identities at a population."""
    case = given.case
    P, r, v = (grouping.array(case, entry) for entry in (given.transition, case.rewards, case.v))
    X = bellman_matrix(P, case.gamma)
    found = identities(claim, kernel(given), P, solved(X, r), case.gamma, case.alphas[0], v)
    for id, (where, got, right) in zip(("kept", "update"), found):
        yield from asserting(id, entries(where, got, right, size(v, r) * condition(X)))


def parts(claim: Fixed, given: Population) -> Iterator[Part]:
    """The identities; the fixed points; that E is as invertible as said, by its pivots; the library's kernel and value."""
    zero = 0 * given.case.gamma
    X = bellman_matrix(grouping.array(given.case, given.transition), given.case.gamma)
    yield Part("I − γP invertible: 1 if so", zero + int(invertible(X)), zero + 1, asserted="kept")
    yield from identity_parts(claim, given)
    yield from asserting("only", fixed_points(claim, given))
    if isinstance(given.case.gamma, float):
        yield from asserting("kept", library(given))
    else:
        yield from asserting(decided(claim, given.case), invertibility(claim, given.case))


def fixed_points(claim: Fixed, given: Population) -> Iterator[Part]:
    """The fixed point, found by solving where there is one only; and what becomes of others that M might not see."""
    case, M = given.case, kernel(given)
    P, r = (grouping.array(case, entry) for entry in (given.transition, case.rewards))
    X = bellman_matrix(P, case.gamma)
    value, step = solved(X, r), lambda v: claim.update(M, P, r, case.gamma, case.alphas[0], v)
    yield from only_fixed_point("the fixed point", step, case, value, size(value, step(0 * value)))
    others = ((value + solved(X, w), case.alphas[0] * (M @ w)) for w in suspects(given, M))
    told = "how far the update moves {}, which is not v^π", "the image of another fixed point"
    yield from other_values(step, case, others, claim.only(given), lambda v: size(v, r) * condition(X), *told)


def suspects(given: Population, M: np.ndarray) -> list[np.ndarray]:
    """Vectors w ≠ 0 that M might take to 0: of rationals those that it does, then those that it does if two of its columns are proportional."""
    null, e = null_vectors(M) if isinstance(given.case.gamma, Fraction) else [], units(given.case)
    pairs = [(s, u) for s, u in combinations(range(len(e)), 2) if M[0, s] != 0]
    return [*null, *(M[0, u] / M[0, s] * e[s] - e[u] for s, u in pairs)] or e


def invertibility(claim: Fixed, case: Case) -> Iterator[Part]:
    """Whether E is invertible; with A = I and the exponential it is positive definite then, and its pivots are positive."""
    E, zero = table(case), 0 * case.gamma
    yield Part("whether E is invertible: 1 if so", zero + int(claim.regular(claim, case)), zero + int(invertible(E)))
    for i, pivot in enumerate(pivots(E) if decided(claim, case) == "definite" and distinct(case) else []):
        yield Part(f"pivot {i} of E", pivot, zero, size(E), AT_LEAST)


def library(given: Population) -> Iterator[Part]:
    """MarkovRewardProcess.value keeps still, and population_kernel is the kernel of the stationary distribution."""
    case, P, r = given.case, np.array(given.transition), np.array(given.case.rewards)
    mrp = MarkovRewardProcess(P, r, case.gamma)
    X = bellman_matrix(P, case.gamma)
    yield from entries("MarkovRewardProcess.value", mrp.value(), solved(X, r), size(r) * condition(X) ** 2)
    ours = kernel(replace(given, weights=mrp.stationary_distribution().tolist()))
    yield from entries(
        "population_kernel", population_kernel(mrp, case.features, np.reshape(case.A, (case.d, case.d))), ours, len(P)
    )


# Populations

SWITCH = population(((0, 1), (1, 0)), ("1/2", "1/2"))
EQUAL = replace(SWITCH, case=replace(SWITCH.case, features=[[Fraction(1)]] * 2, A=[[Fraction(1)]]))
SIGNS = replace(SWITCH, case=replace(EQUAL.case, features=[[Fraction(1)], [Fraction(-1)]], exp=stand_in))
TWICE = replace(EQUAL, case=replace(EQUAL.case, features=[[Fraction(1)], [Fraction(-1)]], A=[[Fraction(2)]]))
CERTAIN = replace(SWITCH, case=replace(SWITCH.case, gamma=Fraction(1)))
SKEW = replace(SWITCH, case=replace(SWITCH.case, A=[[Fraction(0), Fraction(1)], [Fraction(-1), Fraction(0)]]))
UNSEEN = replace(SWITCH, weights=[Fraction(1), Fraction(0)])
NO_STEP = replace(SWITCH, case=replace(SWITCH.case, alphas=[Fraction(0)]))
SMALLEST = (SWITCH, EQUAL, SIGNS, SKEW, NO_STEP, population(((1,),), (1,)))


def frozen_lake() -> Population:
    """FrozenLake-v1 under the uniform policy in ``Fraction``s, x(s) = (row, column)/2; the weights 1, …, 16 in the place of μ, which may be any."""
    P, r = lake.transition(), lake.rewards()
    x = [[Fraction(s // 4, 2), Fraction(s % 4, 2)] for s in range(len(r))]
    identity = [[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]]
    case = Case(list(range(len(r))), r, x, [Fraction(0)] * len(r), Fraction(9, 10), [Fraction(1, 2)], identity)
    return Population(case, P, [Fraction(s + 1) for s in range(len(r))])


def rational_populations() -> Iterator[Population]:
    """Random ones of up to 4 states in ``Fraction``s: integer features, at times equal, with E = 2^t, A = I or any; or with E = 1 + t²."""
    rng = Random(0)
    for S, d, exp in product((1, 2, 3, 4), (1, 2), (power_of_two, power_of_two, stand_in)):
        whole = lambda rows, columns: [[Fraction(rng.randint(-2, 2)) for _ in range(columns)] for _ in range(rows)]
        identity = [[Fraction(i == j) for j in range(d)] for i in range(d)]
        A = whole(d, d) if exp is power_of_two and rng.random() < 0.5 else identity
        draw = lambda: [small_fraction(rng) for _ in range(S)]
        gamma, alpha = Fraction(rng.randint(0, 9), 10), Fraction(rng.randint(1, 10), 10)
        case = Case(list(range(S)), draw(), whole(S, d), draw(), gamma, [alpha], A, exp)
        yield Population(case, rational_chain(rng, S).tolist(), [Fraction(rng.randint(1, 6), 6) for _ in range(S)])


def float_populations(seed: int) -> Iterator[Population]:
    """Random ones of up to 8 states, μ the stationary distribution; every fourth has two states of the same features."""
    rng, turn = np.random.default_rng(seed), 0
    while True:
        S, d = int(rng.integers(1, 9)), int(rng.integers(1, 5))
        P, x = float_chain(rng, S), rng.normal(size=(S, d)) * rng.uniform(0.5, 2)
        if not irreducible(P):
            continue
        turn += 1
        x[-1] = x[0] if turn % 4 == 0 else x[-1]
        A = np.eye(d) if turn % 2 else rng.normal(size=(d, d))
        gamma, alpha = float(rng.uniform(0, 0.95)), float(1 - rng.uniform(0, 1))
        case = Case(
            list(range(S)),
            rng.normal(size=S).tolist(),
            x.tolist(),
            rng.normal(size=S).tolist(),
            gamma,
            [alpha],
            A.tolist(),
        )
        yield Population(
            case, P.tolist(), MarkovRewardProcess(P, np.zeros(S), gamma).stationary_distribution().tolist()
        )


def as_balls(given: Population) -> Population:
    """The population in Arb balls, E with the true exponential."""
    balls = lambda rows: [[to_ball(q) for q in row] for row in rows]
    return Population(ball_case(given.case), balls(given.transition), *balls([given.weights]))


def as_floats(given: Population) -> Population:
    """The population in floats, E with the true exponential."""
    floats = lambda rows: [list(map(float, row)) for row in rows]
    return Population(next(cases.as_floats([given.case])), floats(given.transition), *floats([given.weights]))


# The checks

TOLD = (
    "v^π stays, found by elimination; what is added to any v; another v stays if E is singular, and none if it is "
    "invertible, which it is by its features if A = I and E is exponential"
)
RATIONAL = contexts.after(SMALLEST, rational_populations)
WITH_LAKE = contexts.after(SMALLEST, rational_populations, lambda: [frozen_lake()])
SMALL = contexts.after(SMALLEST)
TRIALS = 300
WRONG = "a part of the statement fails"


def exact(claim: Fixed, budget: Budget) -> Verdict:
    """Every part in ``Fraction``s, E = 2^t or 1 + t²."""
    given, met = RATIONAL(claim), Counter[str]()
    found = first_wrong(claim, given, lambda each: each, lambda steep: Exactly(), met)
    return found or Verdict(True, f"{len(given)} rational populations: {TOLD}", met=met)


def certified(claim: Fixed, budget: Budget) -> Verdict:
    """The same as Arb balls with the true exponential, and FrozenLake."""
    met = Counter[str]()
    found = judged(claim, WITH_LAKE(claim), as_balls, lambda steep: AsBalls(), met)
    told = lambda count: f"{count} populations at {BITS} bits, FrozenLake-v1 the last: {TOLD}"
    return replace(at_bits(found, WRONG, told), met=met)


def numeric(claim: Fixed, budget: Budget) -> Verdict:
    """Random float populations, after the small ones."""
    trials, small, met = budget.trials or TRIALS, SMALL(claim), Counter[str]()
    within = lambda steep: Within(TOLERANCE * np.finfo(float).eps * steep)
    drawn = islice(float_populations(budget.seed), trials)
    found = first_wrong(claim, small, as_floats, within, met)
    found = found or first_wrong(claim, drawn, lambda each: each, within, met)
    parts_told = f"{TOLD}; MarkovRewardProcess.value and population_kernel"
    return found or Verdict(
        True,
        f"{len(small)} small and {trials} random populations (seed {budget.seed}): {parts_told}; tolerance {TOLERANCE} "
        "eps (1 + max |score|) of each part's scale",
        met=met,
    )


def with_true_exp(given: Population) -> Population:
    """The population with E the exponential, as balls and floats have it."""
    return replace(given, case=replace(given.case, exp=None))


def scope_of_floats() -> str:
    """What the numeric check draws, and what it leaves to the others."""
    drawn = [*map(as_floats, SMALL(Fixed())), *islice(float_populations(Budget().seed), TRIALS)]
    left = "distinct features make E positive definite there to rounding only, so that is left to the other kinds"
    return described(drawn, "populations in floats") + f"; μ stationary in the random ones; {left}"


def first_wrong(
    claim: Fixed, given: Iterable[Population], convert: Callable, numbers: Callable[[float], Any], met: Counter[str]
) -> Verdict | None:
    """The first population with a part that fails."""
    found = next(filter(None, judged(claim, given, convert, numbers, met)), None)
    return Verdict(False, WRONG, counterexample=found) if found else None


def judged(
    claim: Fixed, given: Iterable[Population], convert: Callable, numbers: Callable[[float], Any], met: Counter[str]
) -> Iterator[Counterexample | None]:
    """What fails of each population, in the numbers that it is converted to; these may compare by 1 + max |score|; ``met`` counts parts by assertion."""
    for each in given:
        there = convert(each)
        steep = 1 + max(abs(float(g)) for row in each.case.scores for g in row)
        name = str(each if there.case.exp is each.case.exp else with_true_exp(each))
        yield first_failure(name, parts(claim, there), numbers(steep), met)


UNIQUE = "the identities say nothing of how many fixed points there are"
TRUE_SCORE = {"symbolic": UNIQUE, "certified": "there E is the exponential", "numeric": "there E is the exponential"}

BY_PIVOTS = {"symbolic": UNIQUE, "numeric": "of floats, when E has an inverse is not told by the features"}
POPULATION = {"symbolic": "the identities are said of any value v^π"}

MUTANTS = (
    Mutant("an averager in the place of the update", Fixed(averager)),
    Mutant(
        "M missing before the rewards",
        Fixed(lambda M, P, r, gamma, alpha, v: v + alpha * (r + gamma * (M @ P @ v) - M @ v)),
    ),
    Mutant("μ(u) = 0 let in", Fixed(weights=lambda mu: True, beyond=(UNSEEN,)), {"symbolic": UNIQUE}),
    Mutant("α = 0 let in", Fixed(steps=lambda alpha: True, beyond=(NO_STEP,)), {"symbolic": UNIQUE}),
    Mutant("equal features let in", Fixed(regular=lambda claim, case: True, beyond=(EQUAL,)), {"symbolic": UNIQUE}),
    Mutant(
        "distinct features suffice, whatever A",
        Fixed(regular=by_features, inner_products=lambda case: True, beyond=(SKEW,)),
        {"symbolic": UNIQUE},
    ),
    Mutant(
        "distinct features suffice, whatever the score",
        Fixed(regular=by_any_score, exponential=lambda case: True, beyond=(SIGNS,)),
        TRUE_SCORE,
    ),
    Mutant(
        "the sum of the features in the place of their difference",
        Fixed(form=lambda x, y, A: form(x, -y, A), beyond=(TWICE,)),
        BY_PIVOTS,
    ),
    Mutant("γ = 1 let in", Fixed(beyond=(CERTAIN,)), POPULATION),
)


def printed(claim: Fixed) -> tuple[str, str]:
    """The update of v, and what it is to add to v, in the book's letters."""
    M, P = (MatrixSymbol(name, STATES, STATES) for name in ("M_pi", "P"))
    r, v, value = (MatrixSymbol(name, STATES, 1) for name in ("r", "v", "v^pi"))
    *_, (_, _, added) = identities(claim, M, P, value, GAMMA, ALPHA, v)
    return sy.book_latex(claim.update(M, P, r, GAMMA, ALPHA, v)), sy.book_latex(added)


STATEMENT = r"""
Let $\mu(u) > 0$ be weights of the states of a Markov reward process, its stationary distribution or any others, $E$ a table with $Z(s) = \sum_w \mu(w) E(s, w) \ne 0$, and

$$
M_\pi(s, u) = \frac{\mu(u)\, E(s, u)}{Z(s)} .
$$ (eq-population-kernel)
""".strip()

ASSERTIONS = (
    Assertion(
        "update",
        lambda claim: (
            rf"""
What the update $v \mapsto {printed(claim)[0]}$ adds to $v$ is

$$
{printed(claim)[1]} .
$$ (eq-population-update)
"""
        ),
    ),
    Assertion("kept", r"So $v^\pi$ is a fixed point whatever the weights.", typed="names"),
    Assertion(
        "only",
        r"""
If $\alpha \ne 0$ it is the only one **if and only if** $E$ is invertible. The weights $\mu$ have no part in this.
""",
        typed="condition",
    ),
    Assertion(
        "definite",
        r"""
Let $E(s, u) = e^{\langle x(s), x(u) \rangle}$. Then $E$ is positive definite if the features of the states are
distinct, and singular if two are equal: for $\alpha \ne 0$, $v^\pi$ is the only fixed point if and only if the features are distinct.
""",
        typed="condition",
    ),
    Assertion(
        "square",
        r"""
For other scores distinct features are not enough: $E = 1 + \langle x, x' \rangle^2$ is singular for $x = \pm 1$.
""",
        typed="condition",
    ),
    Assertion(
        "form",
        r"""
And $E(s, u) = e^{x(u)^\top A x(s)}$ for two states with features $x_0$ and $x_1$ is singular if and only if
$(x_0 - x_1)^\top A (x_0 - x_1) = 0$, as it is for every skew $A$.
""",
        typed="condition",
    ),
)


CLAIM = Claim(
    id="fixed-point",
    title="The only value that the average layer keeps",
    chapter="context",
    environment="proposition",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$I - \gamma P$ invertible, as it is for $\lvert\gamma\rvert < 1$, for $v^\pi$ to be defined.",
            dropped="γ = 1 let in",
        ),
        Hypothesis(r"$Z(s) \ne 0$.", reason=r"where $Z(s) = 0$ the row $M_\pi(s, \cdot)$ is undefined"),
        Hypothesis(r"For it to be the only fixed point: $\alpha \ne 0$.", dropped="α = 0 let in", holds=moves),
        Hypothesis(r"For the same, every $\mu(u) > 0$.", dropped="μ(u) = 0 let in", holds=all_positive),
        Hypothesis(r"For the same, $E$ invertible.", dropped="equal features let in", holds=regular),
        Hypothesis(
            r"For distinct features to be what decides: $A = I$. If $A = B^\top B$, put $B x$ in the place of $x$.",
            dropped="distinct features suffice, whatever A",
            holds=inner_products,
        ),
        Hypothesis(
            r"For the same, the exponential, to whatever base above 1.",
            dropped="distinct features suffice, whatever the score",
            holds=exponential,
        ),
    ),
    subject=Fixed(),
    checks=(
        proof(
            "fixed-point",
            "for every number of states, every table E and weights μ whose sums Z(s) are not 0, every P, r, γ and α that are asked for; the exponential any to a base above 1",
            stated=(
                "fixed_point.population_update_adds",
                "fixed_point.population_keeps_v_pi",
                "fixed_point.population_fixed_point_iff_invertible",
                "fixed_point.two_states_are_singular_iff",
                "fixed_point.skew_form_is_0",
            ),
            further=(
                "fixed_point.equal_features_are_singular",
                "fixed_point.opposite_features_are_singular",
                "reals.exp_is_exponential",
            ),
            definitions=(
                "fixed_point.table",
                "fixed_point.population_sum",
                "fixed_point.M_pi",
                "fixed_point.population_update",
                "bellman.v_pi",
                "td.score",
                "exponential.exponential",
            ),
            asserts=("update", "kept", "only", "square", "form"),
        ),
        Check(
            "symbolic",
            "every number of states; M any matrix for the identities, Z⁻¹ED for its inverse",
            symbolic,
            shows=(identities, symbolic),
            asserts=("update", "kept", "only"),
        ),
        Check(
            "exact",
            lambda: described(RATIONAL(Fixed()), "populations in rationals") + "; any positive weights",
            exact,
            shows=(parts, fixed_points, regular, invertibility),
        ),
        Check(
            "certified",
            lambda: (
                described(map(with_true_exp, WITH_LAKE(Fixed())), "populations in Arb balls, with the true exp")
                + "; the last FrozenLake-v1 with its coordinates as features; positive definite by the pivots"
            ),
            certified,
            shows=(parts, fixed_points, regular, invertibility),
        ),
        Check("numeric", scope_of_floats, numeric, shows=(parts, fixed_points, library)),
    ),
    mutants=MUTANTS,
    rests_on=("bellman", "certainty-equivalence"),
    source="The fixed point of the population update is in Xie et al. 2026; when it is the only one was worked out for this book",
    shared=(
        "The routes compared share P, r, the weights and the table E. v^π is found by elimination from P and r alone, "
        "the fixed points by trying the update on unit vectors, and positive definiteness by the pivots, which know "
        "nothing of features."
    ),
)
