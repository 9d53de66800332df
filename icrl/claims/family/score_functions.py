r"""score-functions: which scores softmax attention can have beside inner products, and what each of them does to softmax TD."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

from sympy import (
    BlockMatrix,
    Expr,
    Function,
    Identity,
    MatrixSymbol,
    Rational,
    Sum,
    Symbol,
    block_collapse,
    exp,
    expand,
    factor_terms,
    simplify,
    symbols,
)

from icrl.algebra import place
from icrl.arrays import np
from icrl.claims.convergence.certainty_equivalence import Limit, fixed_points, moves, regular
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, log_uniform, power_of_two, small_fraction, smallest
from icrl.verify.instances.contexts import closing_float_walk, closing_walk
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.blocks import book_latex, letters
from icrl.verify.judging.differences import told_apart
from icrl.verify.judging.parts import AT_LEAST, UNLIKE, Part, asserting, entries, greatest, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes import grouping
from icrl.verify.routes.exact_algebra import solved
from icrl.verify.routes.fixed_points import bellman_matrix, fixed_point_system
from icrl.verify.routes.grouping import array, empirical_model, transitions

HALF = Fraction(1, 2)


def doubling(case: Case) -> Case:
    """A case with 2^t in the place of 1 + t²."""
    return replace(case, exp=power_of_two)


# Scores with biases: four bands of features, x, a, b and 1


def with_biases(A: list[list], zero: Any) -> list[list]:
    """Ã: A between features, 1 from the key's a to the query's 1, and from the key's 1 to the query's b."""
    d = len(A)
    rows = [[*row, zero, zero, zero] for row in A] + [[zero] * (d + 3) for _ in range(3)]
    rows[d][d + 2] = rows[d + 2][d + 1] = zero + 1
    return rows


def exchanged(A: list[list], zero: Any) -> list[list]:
    """The same with a read at the query and b at the key."""
    rows, d = with_biases(A, zero), len(A)
    rows[d][d + 2] = rows[d + 2][d + 1] = zero
    rows[d + 2][d] = rows[d + 1][d + 2] = zero + 1
    return rows


Numbers = Sequence[int]


def biased(
    x: tuple,
    A: tuple,
    a: Numbers = (0, 0),
    b: Numbers = (0, 0),
    states: Numbers = (0, 1, 0),
    r: Numbers = (1, 0),
    v: Numbers = (0, 0),
    depth: int = 1,
) -> Case:
    """A small case whose features are (x, a, b, 1)."""
    features = tuple((*row, a[s], b[s], 1) for s, row in enumerate(x))
    whole = [[Fraction(entry) for entry in row] for row in A]
    return doubling(replace(smallest(states, depth, r, v, features), A=with_biases(whole, Fraction(0))))


BIASED = biased(((0,), (0,)), ((1,),), (0, 1), (1, 0))
ONE_WAY = biased(((1, 0), (0, 1)), ((0, 1), (0, 0)), depth=2)
FLIPPED = biased(((0,), (1,)), ((-1,),), (0, 2), (1, 0), v=(1, -2), r=(0, 0), depth=3)
SKEW = biased(((1, 0), (0, 1)), ((0, 1), (-1, 0)), depth=2)
UNLEFT = biased(((1, 0), (0, 1)), ((0, 1), (1, 1)), (1, 0), (0, 1), states=(0, 1), r=(1,), depth=2)
SMALLEST = (BIASED, ONE_WAY, FLIPPED, SKEW, UNLEFT)
ALIKE = biased(((0,), (0,)), ((1,),))
STILL = replace(ONE_WAY, alphas=[Fraction(0)] * 2)
"""Two states of equal features, and a step size of 0."""


def bands(case: Case) -> tuple[list, list, list, list]:
    """x, a, b by state, and A, of a case whose features are (x, a, b, 1)."""
    d = case.d - 3
    return (
        [f[:d] for f in case.features],
        [f[d] for f in case.features],
        [f[d + 1] for f in case.features],
        [row[:d] for row in case.A[:d]],
    )


def product(y: list, A: list[list], x: list, zero: Any) -> Any:
    """yᵀAx."""
    return sum((yi * Aij * xj for yi, row in zip(y, A) for Aij, xj in zip(row, x)), zero)


def key_left(u: list, A: list[list], s: list, zero: Any) -> Any:
    """x(u)ᵀ A x(s), the key u on the left."""
    return product(u, A, s, zero)


def bias_weight(power: Callable, a: Any, b: Any) -> Any:
    """ρ(u) = e^{a(u)}: what the biases of a state make of a transition out of it."""
    return power(a)


def two_left(case: Case) -> bool:
    """Whether there are two states, both of them left."""
    return len(case.visited) == len(set(case.states[:-1])) == 2


@dataclass(frozen=True)
class Scores:
    """The statement with its pieces: Ã, the product, the weights of states, temperature, the fixed points, contexts let in; which contexts
    are of two states, and of these the determinant, when v_CE is the only fixed point and when depth diverges."""

    extended: Callable = with_biases
    product: Callable = key_left
    weight: Callable = bias_weight
    cooled: Callable[[Case, Any], Case] = lambda case, beta: replace(
        case, A=[[beta * entry for entry in row] for row in case.A]
    )
    limit: Limit = Limit()
    pair: Callable[[Case], bool] = two_left
    determinant: Callable[[Callable, Any], Any] = lambda power, q: power(q) - 1
    unique: Callable[[Any], bool] = lambda q: q != 0
    diverges: Callable[[Any], bool] = lambda q: q < 0
    beyond: tuple[Case, ...] = ()


# The parts of the statement


def power_of(case: Case) -> Callable:
    """The case's exponential, also where it is the true one of floats."""
    return case.exp or np.exp


def weighted_kernel(claim: Scores, case: Case, beta: int = 1) -> np.ndarray:
    """K, (|W|, n), from its definition: (ρ(S_k) e^{x(S_k)ᵀAx(s)})^β over the sum of all."""
    x, a, b, A = bands(case)
    power, zero = power_of(case), 0 * case.gamma
    one = lambda s, u: (claim.weight(power, a[u], b[u]) * power(claim.product(x[u], A, x[s], zero))) ** beta
    E = array(case, [[one(s, u) for u in case.states[:-1]] for s in case.visited])
    return E / E.sum(axis=1)[:, None]


def attention(case: Case) -> np.ndarray:
    """K, (|W|, n), of the Transformer: what its value row gains in one layer from one reward at a time."""
    zero = 0 * case.gamma
    still = replace(case, v=[zero] * len(case.v), alphas=[zero + 1])
    units = [replace(still, rewards=[zero + (i == k) for i in range(case.n)]) for k in range(case.n)]
    return array(case, [grouping.values(unit)[1] for unit in units]).T


def parts(claim: Scores, case: Case) -> Iterator[Part]:
    """Every part of the statement at a context."""
    case = replace(case, A=claim.extended(bands(case)[3], 0 * case.gamma))
    K = weighted_kernel(claim, case)
    yield from asserting("key-biases", entries("K", attention(case), K))
    yield from asserting("temperature", twice_as_sharp(claim, case))
    yield from asserting("inner-products", layers(case, K))
    yield from asserting("fixed-point", fixed_points(claim.limit, case, grouping.certainty_equivalence(case)))
    if claim.pair(case):
        yield from two_states(claim, case, K @ transitions(case).C)


def twice_as_sharp(claim: Scores, case: Case) -> Iterator[Part]:
    """The Transformer's weights at the temperature ½ against the squares of what is weighed."""
    yield from entries("K of twice the scores", attention(claim.cooled(case, 2)), weighted_kernel(claim, case, 2), 2.0)


def layers(case: Case, K: np.ndarray) -> Iterator[Part]:
    """The Transformer against weighted TD with these weights."""
    given, values = transitions(case), grouping.values(case)
    scale = (1 + case.depth) * size(*values, case.rewards)
    for layer, (before, after) in enumerate(zip(values, values[1:])):
        yield from entries(
            f"v_{layer + 1}", after, grouping.td_update(K, given, case.gamma, case.alphas[layer], before), scale
        )


def two_states(claim: Scores, case: Case, M: np.ndarray) -> Iterator[Part]:
    """What q = (x(s) − x(u))ᵀA(x(s) − x(u)) decides."""
    x, _, _, A = bands(case)
    s, u = case.visited
    apart = [xi - yi for xi, yi in zip(x[s], x[u])]
    q = product(apart, A, apart, 0 * case.gamma)
    X = bellman_matrix(empirical_model(*transitions(case))[0], case.gamma)
    system, _ = fixed_point_system(lambda v: one_layer(case, v), case)
    yield from asserting("determinants", determinants(claim, case, M, q, X, system))
    if claim.diverges(q):
        yield from asserting("diverges", above_one(case, system))
    yield from asserting("singular", another(case, M, X, claim.unique(q)))


def determinants(claim: Scores, case: Case, M: np.ndarray, q: Any, X: np.ndarray, system: np.ndarray) -> Iterator[Part]:
    """det M̂ = M̂(s, u)M̂(u, s)(e^q − 1), read off the Transformer as det(I − G) = α² det M̂ det(I − γP_e)."""
    right = case.alphas[0] ** 2 * M[0, 1] * M[1, 0] * claim.determinant(power_of(case), q) * determinant(X)
    yield Part("det(I − γP_e)", determinant(X), 0 * case.gamma, 1.0, AT_LEAST)
    yield Part("det(I − G)", determinant(system), right, size(system) ** 2)


def above_one(case: Case, system: np.ndarray) -> Iterator[Part]:
    """tr G less the eigenvalue of constants, 1 − α(1 − γ), is above 1."""
    above = case.alphas[0] * (1 - case.gamma) - sum(system.diagonal())
    for relation in (AT_LEAST, UNLIKE):
        yield Part("an eigenvalue of G, less 1", above, 0 * case.gamma, size(system), relation)


def another(case: Case, M: np.ndarray, X: np.ndarray, unique: bool) -> Iterator[Part]:
    """Whether a layer moves v_CE + (I − γP_e)⁻¹w, where w is what a row of M̂ takes to 0."""
    other = grouping.certainty_equivalence(case) + solved(X, array(case, [M[0, 1], -M[0, 0]]))
    moved = greatest(one_layer(case, other) - other)
    where = "how far a layer moves a value that is not v_CE"
    yield Part(where, moved, 0 * case.gamma, size(other), UNLIKE if unique else "")


def one_layer(case: Case, v: np.ndarray) -> np.ndarray:
    """One layer of the Transformer on values of W."""
    by_state = dict(zip(case.visited, v))
    return grouping.values(
        replace(case, v=[by_state.get(s, old) for s, old in enumerate(case.v)], alphas=case.alphas[:1])
    )[1]


def determinant(matrix: np.ndarray) -> Any:
    """Of a 2 × 2 matrix."""
    return matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]


# The contexts


def whole_cases(seed: int = 0) -> Iterator[Case]:
    """Random contexts of up to 4 states, of 2 layers, two of which end in a state that is never left; γ of either sign."""
    rng = Random(seed)
    for shape in ((1, 2, 1), (2, 3, 1), (2, 3, 2), (2, 4, 2), (2, 5, 1), (3, 4, 2), (3, 5, 1), (3, 5, 2)):
        yield whole_case(rng, *shape)
    for shape in ((2, 3, 1), (3, 4, 2)):
        yield whole_case(rng, *shape, left=False)


def whole_case(rng: Random, size: int, n: int, d: int, left: bool = True) -> Case:
    """Whole features, biases and A; every state is left, or the last one is not."""
    whole = lambda rows, columns: [tuple(rng.randint(-1, 1) for _ in range(columns)) for _ in range(rows)]
    walk = closing_walk(rng, size, n)
    if not left:
        walk[-1], size = max(walk) + 1, size + 1
    a, b = whole(2, size)
    case = biased(tuple(whole(size, d)), tuple(whole(d, d)), a, b, walk, [0] * n, [0] * size, 2)
    numbers = lambda count: [small_fraction(rng) for _ in range(count)]
    return replace(case, rewards=numbers(n), v=numbers(size), gamma=Fraction(rng.randint(-9, 9), 10))


def float_contexts(seed: int) -> Iterator[Case]:
    """Random float contexts, a quarter of which end in a state that is never left."""
    rng = np.random.default_rng(seed)
    while True:
        walk, d = closing_float_walk(rng, int(rng.integers(1, 5)), log_uniform(rng, 1, 16)), int(rng.integers(0, 4))
        if rng.random() < 0.25:
            walk[-1] = max(walk) + 1
        size = len(set(walk))
        features = np.column_stack([rng.normal(size=(size, d + 2)), np.ones(size)]).tolist()
        rewards, v, A = (
            rng.normal(size=len(walk) - 1).tolist(),
            rng.normal(size=size).tolist(),
            rng.normal(size=(d, d)).tolist(),
        )
        yield Case(
            walk,
            rewards,
            features,
            v,
            float(rng.uniform(-0.9, 0.9)),
            [float(rng.uniform(0.1, 1))] * 3,
            with_biases(A, 0.0),
        )


STATED = Statement(
    parts,
    "the Transformer's weights against those of the definition, at the scores and at twice the scores, its layers "
    "against weighted TD, v_CE its fixed point; for two states det(I − G), whether there is another, and an eigenvalue "
    "of G above 1 where q < 0",
    Scores(),
    exact=contexts.after(SMALLEST, whole_cases),
    certified=contexts.after(SMALLEST, whole_cases),
    small=contexts.after(SMALLEST),
    floats=float_contexts,
    trials=100,
    noun="contexts with features (x, a, b, 1)",
    routes={"exact": "whole scores"},
    shows=(parts, layers, two_states, determinants, above_one, another),
)


# Symbolic sizes: the bands' score; then the weights, with symbolic n; then the determinant, with symbolic counts


A_ROW, B_ROW, ONES = (MatrixSymbol(name, 1, sy.n) for name in ("a", "b", "ones"))


def symbolic(claim: Scores, budget: Budget) -> Verdict:
    """Each of the three identities; what does not hold is put to a small instance."""
    return (
        score_of_bands(claim)
        or weights_of_states(claim)
        or two_state_determinant(claim)
        or Verdict(
            True,
            "for every n and d the bands' score is XᵀAX + aᵀ1 + 1ᵀb; for every n the query's bias leaves the weights and the key's is a factor e^a; "
            "for all counts of two states det M̂ = M̂(s, u)M̂(u, s)(e^q − 1)",
        )
    )


def score_of_bands(claim: Scores) -> Verdict | None:
    """X̃ᵀÃX̃ = XᵀAX + aᵀ1 + 1ᵀb, (n, n), with symbolic d and n."""
    sizes, rows = (sy.d, 1, 1, 1), claim.extended([[sy.A]], 0)
    ones = {(i, j): Identity(1) for i, row in enumerate(rows) for j, entry in enumerate(row) if entry == 1}
    X = BlockMatrix([[band] for band in (sy.X, A_ROW, B_ROW, ONES)])
    got = block_collapse(X.T * place({(0, 0): sy.A, **ones}, sizes, sizes, sy.A) * X)
    right = sy.X.T * sy.A * sy.X + A_ROW.T * ONES + ONES.T * B_ROW
    at = sy.probe()
    at.entries |= sy.Instance(a=[[1, 2]], b=[[3, 5]], ones=[[1, 1]]).entries
    if sy.same(got, right):
        return None
    sides = (str(at.value(side).tolist()) for side in (got, right))
    return Verdict(
        False,
        "the scores differ",
        counterexample=Counterexample(str(at), "score", *sides, asserted=("inner-products",)),
    )


def weights_of_states(claim: Scores) -> Verdict | None:
    """e^{g(k) + a(k) + b} / Σ_i e^{g(i) + a(i) + b}, with symbolic n, is ρ(k)e^{g(k)} / Σ_i ρ(i)e^{g(i)}; b(k) is a key's own query bias."""
    i, k, n = symbols("i k n", integer=True, nonnegative=True)
    g, a, b = map(Function, "gab")
    query = symbols("b_s")
    over_all = lambda term: expand(term(k)) / factor_terms(expand(Sum(term(i), (i, 0, n - 1))))
    got = over_all(lambda j: exp(g(j) + a(j) + query))
    right = over_all(lambda j: claim.weight(exp, a(j), b(j)) * exp(g(j)))
    if got == right:
        return None
    at = {g: (0, 0), a: (0, 1), b: (1, 0)}
    values = {f(j): Rational(numbers[j]) for f, numbers in at.items() for j in (0, 1)} | {query: Rational(1)}
    sides = (side.subs({n: 2, k: 0}).doit().subs(values).evalf(20) for side in (got, right))
    found = Counterexample(
        "n = 2, g = (0, 0), a = (0, 1), b = (1, 0)", "K(0)", *told_apart(*sides), asserted=("key-biases",)
    )
    return Verdict(False, "the weights differ", counterexample=found)


def two_state_determinant(claim: Scores) -> Verdict | None:
    """det M̂ of two states left n_0 and n_1 times, of four scores g(s, u), against M̂(0, 1)M̂(1, 0)(e^q − 1), q = g(0, 0) + g(1, 1) − g(0, 1) − g(1, 0)."""
    counts = symbols("n_0 n_1", positive=True)
    g = [symbols("g_00 g_01", real=True), symbols("g_10 g_11", real=True)]
    M = np.array([[count * exp(score) for count, score in zip(counts, row)] for row in g])
    M = M / M.sum(axis=1)[:, None]
    got = determinant(M)
    right = M[0, 1] * M[1, 0] * claim.determinant(exp, g[0][0] + g[1][1] - g[0][1] - g[1][0])
    if simplify(got - right) == 0:
        return None
    found = Counterexample("two states", "det M̂", *at_flipped(got, right), asserted=("determinants",))
    return Verdict(False, "the determinants differ", counterexample=found)


def at_flipped(*sides: Expr) -> tuple[str, str]:
    """The two sides at one visit each, the scores 0 but g(1, 1) = −1: A = −I and x = (0, 1)."""
    values = dict(zip(symbols("n_0 n_1", positive=True), (1, 1))) | dict(
        zip(symbols("g_00 g_01 g_10 g_11", real=True), (0, 0, 0, -1))
    )
    return told_apart(*(side.subs(values).evalf(20) for side in sides))


WEIGHTS = {"symbolic": "an identity of a block of scores, of weights and of a determinant each; this is none of them"}

MUTANTS = (
    Mutant("the biases exchanged", Scores(extended=exchanged)),
    Mutant("key biases cancel, as query biases do", Scores(weight=lambda power, a, b: power(0 * a))),
    Mutant("a state weighs a, not e^a", Scores(weight=lambda power, a, b: a)),
    Mutant("query biases weigh keys too", Scores(weight=lambda power, a, b: power(a + b))),
    Mutant("the query on the left of A", Scores(product=lambda u, A, s, zero: product(s, A, u, zero)), WEIGHTS),
    Mutant(
        "temperature on the features",
        Scores(
            cooled=lambda case, beta: replace(case, features=[[beta * entry for entry in row] for row in case.features])
        ),
        WEIGHTS,
    ),
    Mutant("M̂ never singular", Scores(determinant=lambda power, q: power(q))),
    Mutant("A = −I as good as A = I", Scores(determinant=lambda power, q: power(abs(q)) - 1)),
    Mutant("depth diverges for q > 0 too", Scores(diverges=lambda q: q != 0), WEIGHTS),
    Mutant("depth diverges for a skew A", Scores(diverges=lambda q: q <= 0), WEIGHTS),
    Mutant("v_CE the only fixed point whatever A is", Scores(unique=lambda q: True), WEIGHTS),
    Mutant(
        "v_CE the only fixed point though M̂ is singular",
        Scores(limit=Limit(regular=lambda case, M: True), beyond=(ALIKE,)),
        WEIGHTS,
    ),
    Mutant(
        "v_CE the only fixed point though α = 0",
        Scores(limit=Limit(moves=lambda alpha: True), beyond=(STILL,)),
        WEIGHTS,
    ),
    Mutant("a state that is never left let in", Scores(pair=lambda case: len(case.visited) == 2), WEIGHTS),
)


STATEMENT = r"""
Let the score of query state $s$ and key state $u$ be

$$
g(s, u) = x(u)^\top A\, x(s) + a(u) + b(s)
$$ (eq-scores)

with any matrix $A$, any *key biases* $a$ and *query biases* $b$.
""".strip()

ASSERTIONS = (
    Assertion(
        "inner-products",
        r"""
**They are inner products still.** Three more rows of features, $\tilde x = (x, a, b, 1)$, and two more entries of $A$,
1 from the key's $a$ to the query's 1 and 1 from the key's 1 to the query's $b$, make it
$\tilde x(u)^\top \tilde A\, \tilde x(s)$. So {prf:ref}`softmax-td` holds for all of these.
""",
        typed="equation",
    ),
    Assertion(
        "key-biases",
        lambda claim: (
            rf"""
**What each does.** Query biases cancel, and key biases are weights of states:

$$
K(k \mid s) = \frac{{\rho(S_k)\, e^{{x(S_k)^\top A\, x(s)}}}}{{\sum_{{i<n}} \rho(S_i)\, e^{{x(S_i)^\top A\, x(s)}}}}, \qquad
\rho(u) = {letters(partial(claim.weight, exp), "a(u)", "b(u)")} .
$$ (eq-key-biases)
"""
        ),
    ),
    Assertion(
        "temperature",
        r"""
A temperature $\tau$, $g / \tau$ for $g$, is $A / \tau$ and $a / \tau$: every product $\rho e^{x^\top A x}$ is raised to the power $1/\tau$.
""",
        typed="equation",
    ),
    Assertion(
        "fixed-point",
        r"""
**Where depth can end.** Whatever $A$, $a$ and $b$ are, $v_{\mathrm{CE}}$ is a fixed point, and the only one if $\hat M$ is invertible and $\alpha \ne 0$, $\lvert\gamma\rvert < 1$.
""",
        typed="condition",
    ),
    Assertion(
        "determinants",
        lambda claim: (
            rf"""
**Whether it gets there** depends on $A$. Let the context have two states $s \ne u$, both of them sources, and let $q = (x(s) - x(u))^\top A\, (x(s) - x(u))$. Then

$$
\begin{{aligned}}
\det \hat M &= \hat M(s, u)\, \hat M(u, s)\, \bigl({book_latex(claim.determinant(exp, Symbol("q", real=True)))}\bigr), \\
\det(I - G) &= \alpha^2 \det \hat M \det(I - \gamma P_e),
\end{{aligned}}
$$ (eq-two-state-determinant)

whatever the biases are.
"""
        ),
    ),
    Assertion(
        "singular",
        r"If $q = 0$, as for every skew $A$, $\hat M$ is singular, and there are other fixed points.",
        typed="condition",
    ),
    Assertion(
        "diverges",
        lambda claim: (
            rf"""
If ${letters(claim.diverges, "q")}$, as for $A = -I$ and distinct features, then for every $\alpha > 0$ and
$\lvert\gamma\rvert < 1$ an eigenvalue of $G$ is above 1, and depth diverges from almost every $v_0$.
"""
        ),
    ),
)


CLAIM = Claim(
    id="score-functions",
    title="Any matrix, biases and a temperature",
    chapter="what-attention-cannot-tell-apart",
    environment="proposition",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$A$, $a$, $b$ are any numbers; $\tau > 0$ for a temperature.",
            reason=r"nothing is assumed of $A$, $a$ and $b$, and of $\tau$ no more is needed than that $g / \tau$ be defined",
        ),
        Hypothesis(
            r"$\hat M$ invertible, for one fixed point.",
            dropped="v_CE the only fixed point though M̂ is singular",
            holds=regular,
        ),
        Hypothesis(
            r"$\alpha \ne 0$, for one fixed point.", dropped="v_CE the only fixed point though α = 0", holds=moves
        ),
        Hypothesis(
            r"$\lvert\gamma\rvert < 1$.",
            reason=r"at $\gamma = 1$ the matrix $I - \gamma P_e$ may be singular, and then no $v_{\mathrm{CE}}$ is defined",
        ),
        Hypothesis(
            r"For $q$, two states.",
            reason=r"with three, a skew $A$ may leave $\hat M$ invertible, as with $x = (1, 0), (0, 1), (-1, -1)$, "
            r"and then $v_{\mathrm{CE}}$ is the only fixed point",
        ),
        Hypothesis(r"For $q$, both states are left.", dropped="a state that is never left let in", holds=two_left),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "score-functions",
            "for every number of states, n, d and depth, any A and biases, any exponential to a base above 1; "
            "a temperature only where it is rational; for q, two states left any number of times",
            stated=(
                "score_functions.biases_are_features",
                "score_functions.biases_are_state_weights",
                "score_functions.biased_transformer",
                "score_functions.biased_fixed_point",
                "two_states.two_state_determinant",
                "two_states.two_state_operator_determinant",
                "two_states.two_states_singular",
                "two_states.skew_two_states_singular",
                "two_states.opposite_form_lt0",
                "two_states.two_states_diverge",
            ),
            further=("score_functions.temperature_is_a_power",),
            definitions=(
                "score_functions.biased_score",
                "score_functions.biased_features",
                "score_functions.biased_A",
                "score_functions.key_weight",
                "exponential.exponential",
            ),
            asserts=("inner-products", "key-biases", "fixed-point", "determinants", "singular", "diverges"),
        ),
        Check(
            "symbolic",
            "the score for every n and d; the weights for every n and any scores and biases; the determinant for two "
            "states left any number of times, any scores",
            symbolic,
            shows=(score_of_bands, weights_of_states, two_state_determinant),
            asserts=("inner-products", "key-biases", "determinants"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td", "rate-floor", "certainty-equivalence", "fixed-point"),
    source="Found for this book",
    shared=(
        "The Transformer, which is given features and A alone, and the definition share the exponential and the "
        "contexts; the weights are read off its value row, one reward at a time."
    ),
    under={"softmax-td": "features with a bias row and a row of ones"},
)
