r"""identifiability: which changes of A no layer can see, so that no training can learn them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product
from math import lcm
from random import Random
from typing import Any

from sympy import MatMul, MatrixSymbol, Rational, Symbol
from sympy.matrices.expressions.matexpr import MatrixExpr

from icrl.arrays import np
from icrl.claims.family.score_functions import attention, doubling, one_layer
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, log_uniform, small_fraction, smallest
from icrl.verify.instances.contexts import closing_float_walk, closing_walk
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.blocks import book_latex, letters
from icrl.verify.judging.parts import AT_MOST, UNLIKE, Part, asserting, entries, greatest, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes import grouping
from icrl.verify.routes.exact_algebra import invertible, rational
from icrl.verify.routes.fixed_points import fixed_point_system, only_fixed_point
from icrl.verify.routes.grouping import array, operator_of

AXES = ((1, 0), (0, 1))
ONE_HOT = doubling(contexts.two_states(2))
FLAT = doubling(smallest((0, 1, 0), 2, (1, 0), (0, 0), ((1, 0), (0, 0)), AXES))
CORNER = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
NEW_STATE = doubling(smallest((0, 1, 2), 2, (1, 0), (0, 0, 1), CORNER, CORNER))
ONE_SIDED = doubling(smallest((0, 1, 0), 2, (1, 0), (0, 0), ((1, 0), (1, 1)), AXES))
SMALLEST = (ONE_HOT, FLAT, NEW_STATE, ONE_SIDED)

ENDS = {
    AXES: (Fraction(4, 3), Fraction(2, 3)),
    ((0, 0), (0, 0)): (Fraction(1), Fraction(1)),
    ((0, 1), (-1, 0)): (Fraction(4, 3), Fraction(4, 3)),
}
"""By A, where depth ends on the walk 0, 1, 0 with one-hot features, rewards 1, 0, γ = ½, α = 1, v_0 = 0 and E = 2^t."""


def sources(case: Case) -> list[int]:
    """The states that are left: the keys."""
    return sorted(set(case.states[:-1]))


def constant_on(rows: np.ndarray) -> np.ndarray:
    """A basis, as rows, of the u with ⟨x, u⟩ the same for all given features: of what is orthogonal to their differences."""
    return orthogonal(rows[1:] - rows[0])


def spans(case: Case) -> bool:
    """Whether the features of the visited states span all d dimensions."""
    return rank(array(case, case.features)[case.visited]) == case.d


@dataclass(frozen=True)
class Null:
    """The statement with its pieces: keys and queries, the score's product, u, how u and c make a D, the dimension, what else
    is free, the first layer, which features leave no other D, which M̂ leave depth one limit only, where depth ends on one context, by A."""

    keys: Callable[[Case], list[int]] = sources
    queries: Callable[[Case], list[int]] = lambda case: case.visited
    product: Callable = lambda key, D, query: key.T @ D @ query
    level: Callable[[np.ndarray], np.ndarray] = constant_on
    form: Callable[[Any, Any], Any] = lambda u, c: u @ c.T
    dimension: Callable[[int, int, int], int] = lambda d, p, r: d * d - p * r
    free: Callable[[np.ndarray], tuple] = lambda A: ()
    first: Callable[[Any], Any] = lambda alpha: alpha
    spans: Callable[[Case], bool] = spans
    one_limit: Callable[[np.ndarray], bool] = invertible
    ends: Mapping[tuple, tuple] = field(default_factory=ENDS.copy)
    beyond: tuple[Case, ...] = ()


# Linear algebra in rationals and in floats


def rank(rows: np.ndarray) -> int:
    """The rank; of floats, the number of singular values above 10⁻⁸."""
    if rows.dtype == float:
        return int((np.linalg.svd(rows, compute_uv=False) > 1e-8).sum()) if rows.size else 0
    return rational(rows).rank()


def orthogonal(rows: np.ndarray) -> np.ndarray:
    """A basis, as rows, of what is orthogonal to all rows: whole numbers, or orthonormal floats."""
    if rows.dtype == float:
        return np.linalg.svd(np.vstack([rows, np.zeros((1, rows.shape[1]))]))[2][rank(rows) :]
    basis = [list(vector) for vector in rational(rows).nullspace()]
    whole = [[Fraction(int(q * lcm(*(int(entry.q) for entry in vector)))) for q in vector] for vector in basis]
    return np.array(whole, object).reshape(len(basis), rows.shape[1])


def logarithm(ratio: Any) -> Any:
    """The t with E(t) = ratio: of a float, its natural logarithm; of a power of 2, its exponent."""
    if isinstance(ratio, float):
        return np.log(ratio)
    t = ratio.numerator.bit_length() - ratio.denominator.bit_length()
    if Fraction(2) ** t != ratio:
        raise ValueError(f"ratio must be a power of 2, got {ratio}")
    return Fraction(t)


# The parts of the statement


def matrix(case: Case) -> np.ndarray:
    """A."""
    return array(case, case.A)


def changed(case: Case, D: np.ndarray) -> Case:
    """The case with A + D."""
    return replace(case, A=(matrix(case) + D).tolist())


def log_ratios(case: Case) -> np.ndarray:
    """log K(k|s) − log K(0|s) at each query s of W and the first transition k out of each source, as the Transformer weighs: (|W|, sources)."""
    first = [case.states.index(u) for u in sources(case)]
    K = attention(case)
    return array(case, [[logarithm(row[k] / row[first[0]]) for k in first] for row in K])


def seen(claim: Null, case: Case, D: np.ndarray) -> list:
    """(x(u) − x(u'))ᵀ D x(s), u' the first key: over queries s and keys u."""
    x = array(case, case.features)[:, :, None]
    at = lambda u, s: claim.product(x[u], D, x[s])[0, 0]
    keys = claim.keys(case)
    return [[at(u, s) - at(keys[0], s) for u in keys] for s in claim.queries(case)]


def units(case: Case) -> list[np.ndarray]:
    """The d² matrices with one entry 1."""
    zero = 0 * case.gamma
    return [
        array(case, [[zero + ((i, j) == at) for j in range(case.d)] for i in range(case.d)])
        for at in product(range(case.d), repeat=2)
    ]


def parts(claim: Null, case: Case) -> Iterator[Part]:
    """Every part of the statement at a context."""
    yield from asserting("invisible", ratios(claim, case))
    yield from asserting("dimension", dimension(claim, case))
    yield from asserting("spanning", directions(claim, case))
    yield from asserting("scale", scaled(claim, case))
    yield from asserting("step-size", first_layer(claim, case))
    yield from asserting("infinite-depth", limits(claim, case))
    if case == ONE_HOT:
        yield from asserting("singular", ends(claim, case))


def ratios(claim: Null, case: Case) -> Iterator[Part]:
    """What one entry of A more does to the weights' ratios; whether anything changes is as the condition says."""
    before, steep = log_ratios(case), 1 + size(*case.scores)
    for D in units(case):
        moved, said = (log_ratios(changed(case, D)) - before).ravel(), np.array(seen(claim, case, D))
        if said.shape == before.shape:  # else keys or queries are others than those that weigh
            yield from entries(f"log-ratios moved by D = {told(D)}", moved, said.ravel(), steep)
        yield as_said(claim, case, D)


def as_said(claim: Null, case: Case, D: np.ndarray) -> Part:
    """Whether D moves K, as the condition says."""
    still = all(not is_seen(t) for t in np.ravel(seen(claim, case, D)))
    gap = greatest((attention(changed(case, D)) - attention(case)).ravel())
    return Part(f"how far K is moved by D = {told(D)}", gap, 0 * case.gamma, 1.0, "" if still else UNLIKE)


def nullity(case: Case) -> int:
    """The dimension of the D that change no ratio of weights: these are linear in D."""
    before = log_ratios(case)
    return case.d**2 - rank(np.array([(log_ratios(changed(case, D)) - before).ravel() for D in units(case)]))


def dimension(claim: Null, case: Case) -> Iterator[Part]:
    """How many D change nothing."""
    x, zero = array(case, case.features), 0 * case.gamma
    p, r = rank(x[claim.keys(case)][1:] - x[claim.keys(case)[0]]), rank(x[claim.queries(case)])
    yield Part("the dimension of the D that change nothing", nullity(case) + zero, claim.dimension(case.d, p, r) + zero)


def is_seen(t: Any) -> bool:
    """Whether a change of a log-ratio is one; of floats, above rounding."""
    return abs(t) > 1e-9 if isinstance(t, float) else t != 0


def told(D: np.ndarray) -> str:
    """A matrix for a person."""
    return "; ".join(
        " ".join(str(entry) if isinstance(entry, Fraction) else f"{entry:.3g}" for entry in row) for row in D
    )


def directions(claim: Null, case: Case) -> Iterator[Part]:
    """The D = ucᵀ: neither weights nor layers change. If the features span, there are no others."""
    x, zero = array(case, case.features), 0 * case.gamma
    levels, axes = (
        claim.level(x[claim.keys(case)]),
        array(case, [[zero + (i == j) for j in range(case.d)] for i in range(case.d)]),
    )
    for u, c in product(levels, axes):
        yield from unchanged(case, claim.form(u[:, None], c[:, None]))
    if claim.spans(case):
        yield Part("how many ucᵀ there are", len(levels) * case.d + zero, nullity(case) + zero)


def scaled(claim: Null, case: Case) -> Iterator[Part]:
    """What else is called free; 2A in the place of A moves K, as the condition says."""
    for D in claim.free(matrix(case)):
        yield from unchanged(case, D)
    yield as_said(claim, case, matrix(case))


def unchanged(case: Case, D: np.ndarray) -> Iterator[Part]:
    """K and every layer, with A + D in the place of A."""
    K, values = attention(case), grouping.values(case)
    yield from entries(f"K after D = {told(D)}", attention(changed(case, D)), K, 4.0)
    scale = 4 * (1 + case.depth) * size(*values, case.rewards)
    for layer, (got, right) in enumerate(zip(grouping.values(changed(case, D)), values, strict=True)):
        yield from entries(f"v_{layer} after D = {told(D)}", got, right, scale)


def first_layer(claim: Null, case: Case) -> Iterator[Part]:
    """The first layer tells α, whatever A is."""
    zero = 0 * case.gamma
    paid = replace(case, rewards=[zero + 1] * case.n, v=[zero] * len(case.v))
    for D in units(case)[:2]:
        for value in grouping.values(changed(paid, D))[1]:
            yield Part("v_1 from rewards of 1", value, claim.first(case.alphas[0]))


def limits(claim: Null, case: Case) -> Iterator[Part]:
    """v_CE is kept, whatever A is, and in rationals alone where M̂ is invertible."""
    zero, v_CE = 0 * case.gamma, grouping.certainty_equivalence(case)
    scale = size(v_CE, case.rewards) / (1 - abs(float(case.gamma)))
    for D in units(case)[:2]:
        kept = one_layer(changed(case, D), v_CE)
        yield from entries(f"a layer's image of v_CE after D = {told(D)}", kept, v_CE, scale)
    for D in (*units(case)[:2], -matrix(case)) if isinstance(zero, Fraction) else ():
        yield from at_the_end(claim, changed(case, D), v_CE, told(D))


def at_the_end(claim: Null, case: Case, v_CE: np.ndarray, told: str) -> Iterator[Part]:
    """Whether the layer has one fixed point, where M̂ is said to make it so; and that this is v_CE."""
    zero, layer = 0 * case.gamma, lambda v: one_layer(case, v)
    if claim.one_limit(operator_of(case).M):
        moves, _ = fixed_point_system(layer, case)
        yield Part(f"whether there is one limit only after D = {told}: 1 if so", zero + invertible(moves), zero + 1)
    yield from only_fixed_point(f"the only fixed point after D = {told}", layer, case, v_CE, 1.0)


def ends(claim: Null, case: Case) -> Iterator[Part]:
    """Where 40 layers lead with α = 1, r = (1, 0) and v_0 = 0, by A."""
    one, zero = Fraction(1), Fraction(0)
    for A, end in claim.ends.items():
        rows = [[Fraction(entry) for entry in row] for row in A]
        deep = replace(case, A=rows, alphas=[one] * 40, rewards=[one, zero], v=[zero, zero], gamma=one / 2)
        far = greatest(grouping.values(deep)[-1] - array(deep, list(end)))
        yield Part(
            f"how far from its end depth 40 is with A = {told(array(deep, rows))}", far, one / 2**20, relation=AT_MOST
        )


# The contexts


def whole_cases(seed: int = 1) -> Iterator[Case]:
    """Random contexts of up to 3 states, d in 1..3, of 2 layers."""
    rng = Random(seed)
    for shape in (*product((1, 2, 3), (2, 4), (1, 2)), (2, 4, 3), (3, 4, 3)):
        yield whole_case(rng, *shape)


def whole_case(rng: Random, states: int, n: int, d: int) -> Case:
    """Whole features and A; every third context ends in a state that is never left."""
    whole = lambda rows, columns: [tuple(rng.randint(-1, 1) for _ in range(columns)) for _ in range(rows)]
    walk = closing_walk(rng, states, n)
    if rng.random() < 1 / 3:
        walk[-1] = max(walk) + 1
    count = max(walk) + 1
    case = doubling(smallest(walk, 2, [0] * n, [0] * count, whole(count, d), whole(d, d)))
    draw = lambda numbers: [small_fraction(rng) for _ in range(numbers)]
    return replace(case, rewards=draw(n), v=draw(count), gamma=Fraction(rng.randint(-9, 9), 10))


def float_contexts(seed: int) -> Iterator[Case]:
    """Random float contexts, by turns with one-hot features, any, some with a constant one, and features of a low rank; some end in a state never left."""
    rng = np.random.default_rng(seed)
    while True:
        for kind in range(4):
            walk = closing_float_walk(rng, int(rng.integers(1, 5)), log_uniform(rng, 1, 12))
            if rng.random() < 1 / 3:
                walk[-1] = max(walk) + 1
            N, d = len(set(walk)), int(rng.integers(1, 4))
            free = rng.normal(size=(N, d))
            x = (2 * np.eye(N)[:, :4], free, np.column_stack([free, np.ones(N)]), free[:, :1] * rng.normal(size=d))[
                kind
            ]
            A = np.eye(x.shape[1]) + rng.normal(size=(x.shape[1],) * 2) / 2
            rewards, v = rng.normal(size=len(walk) - 1).tolist(), rng.normal(size=N).tolist()
            yield Case(
                walk,
                rewards,
                x.tolist(),
                v,
                float(rng.uniform(-0.9, 0.9)),
                [float(rng.uniform(0.1, 1))] * 2,
                A.tolist(),
            )


STATED = Statement(
    parts,
    "the ratios of the Transformer's weights under each entry of A, what changes none of them and its dimension, "
    "each ucᵀ through all layers, the scale of A, α from the first layer, v_CE kept under any A; in rationals where "
    "three A lead",
    Null(),
    exact=contexts.after(SMALLEST, whole_cases),
    small=contexts.after(SMALLEST),
    floats=float_contexts,
    trials=30,
    routes={"exact": "whole scores", "numeric": "a log-ratio counts as changed above 1e-9"},
    shows=(parts, ratios, dimension, directions, scaled, first_layer, limits, ends),
)


# Symbolic sizes


D = MatrixSymbol("D", sy.d, sy.d)
KEY, OTHER, QUERY, U, C = (MatrixSymbol(name, sy.d, 1) for name in ("y", "z", "x", "u", "c"))
LEVEL = Symbol("kappa")
INSTANCE = sy.Instance(
    y=[[1], [0]],
    z=[[0], [1]],
    x=[[1], [0]],
    u=[[1], [1]],
    c=[[1], [0]],
    D=[[0, 1], [0, 0]],
    A=[[1, 0], [0, 1]],
    kappa=[[1]],
)


def symbolic(claim: Null, budget: Budget) -> Verdict:
    """For every d: by how much D moves the log-ratio of two keys y, z at the query x, and that ucᵀ does not if ⟨y, u⟩ = ⟨z, u⟩."""
    ratio = lambda M: KEY.T * M * QUERY - OTHER.T * M * QUERY
    for asserted, where, got, right in (
        ("invisible", "log-ratio moved by D", ratio(sy.A + D) - ratio(sy.A), claim.product(KEY - OTHER, D, QUERY)),
        ("spanning", "log-ratio moved by ucᵀ", at_one_level(ratio(claim.form(U, C))), 0 * (KEY.T * QUERY)),
    ):
        if not sy.same(got, right):
            sides = (str(INSTANCE.value(sy.expanded(side)).tolist()) for side in (got, right))
            found = Counterexample(str(INSTANCE), where, *sides, asserted=(asserted,))
            return Verdict(False, "differs", counterexample=found)
    return Verdict(
        True,
        "for every d: D moves the log-ratio of two keys by (x(u) − x(u'))ᵀDx(s), and D = ucᵀ by 0 where ⟨x(u), u⟩ = ⟨x(u'), u⟩",
    )


def at_one_level(expression: MatrixExpr) -> MatrixExpr:
    """A sum of products in which yᵀu and zᵀu are one number κ."""
    terms = sy.expanded(expression)
    return sum((levelled(term) for term in terms.args), 0 * (KEY.T * QUERY)) if terms.is_MatAdd else levelled(terms)


def levelled(term: MatrixExpr) -> MatrixExpr:
    """One product."""
    number, factors = term.as_coeff_matrices() if isinstance(term, MatMul) else (1, [term])
    if tuple(factors[:2]) in ((KEY.T, U), (OTHER.T, U)):
        return number * LEVEL * MatMul(*factors[2:])
    return term


SAME_RATIO = {
    "symbolic": "the condition for two keys and one query: which they are, and how many conditions that makes, is not part of it"
}

MUTANTS = (
    Mutant("cuᵀ in the place of ucᵀ", Null(form=lambda u, c: c @ u.T)),
    Mutant("the query on the left of D", Null(product=lambda key, D, query: query.T @ D @ key)),
    Mutant(
        "any u will do",
        Null(level=lambda rows: np.array([[entry * 0 + (i == 0) for i, entry in enumerate(rows[0])]], rows.dtype)),
        SAME_RATIO,
    ),
    Mutant("the scale of A is free", Null(free=lambda A: (A,)), SAME_RATIO),
    Mutant("2α in the place of α", Null(first=lambda alpha: 2 * alpha), SAME_RATIO),
    Mutant(
        "one limit whatever M̂ is",
        Null(one_limit=lambda M: True),
        SAME_RATIO | {"numeric": "whether there is one fixed point only is asked in rationals alone"},
    ),
    Mutant(
        "A = 0 ends at v_CE too",
        Null(ends=ENDS | {((0, 0), (0, 0)): ENDS[AXES]}),
        SAME_RATIO | {"numeric": "where depth ends is asked in rationals alone"},
    ),
    Mutant("d² − r²", Null(dimension=lambda d, p, r: d * d - r * r), SAME_RATIO),
    Mutant("d(d − p) where the features do not span", Null(dimension=lambda d, p, r: d * (d - p)), SAME_RATIO),
    Mutant("no other D though the features do not span", Null(spans=lambda case: True), SAME_RATIO),
    Mutant("every visited state a key", Null(keys=lambda case: case.visited), SAME_RATIO),
    Mutant("sources alone as queries", Null(queries=sources), SAME_RATIO),
)


STATEMENT = r"""
Take a context, features with values in $\mathbb R^d$, and $\alpha \ne 0$. Keys are its *sources*, the states that are
left; queries are all the states that it visits.
""".strip()


def pair(values: tuple) -> str:
    """Values of two states, as the book prints them."""
    return f"({', '.join(book_latex(Rational(v)) for v in values)})"


def told_apart_by(claim: Null) -> str:
    """By how much D moves the log-ratio of two keys, as the book prints it."""
    key, other, query = (MatrixSymbol(name, sy.d, 1) for name in ("x(u)", "x(u')", "x(s)"))
    return book_latex(claim.product(key - other, D, query))


ASSERTIONS = (
    Assertion(
        "invisible",
        lambda claim: (
            rf"""
For a $d \times d$ matrix $D$ the following are the same:

- a layer with $A + D$ makes of this context what a layer with $A$ makes of it, for all rewards and values;
- $A + D$ and $A$ give the same weights $K$;
- for all sources $u, u'$ and all visited states $s$

$$
{told_apart_by(claim)} = 0 .
$$ (eq-null-directions)

So $D$ is invisible if and only if it adds to the scores what does not depend on the key: a query bias.
"""
        ),
    ),
    Assertion(
        "dimension",
        lambda claim: (
            rf"""
These $D$ are a space of dimension

$$
{letters(claim.dimension, "d", "p", "r")},
$$ (eq-null-dimension)

where $p$ is the rank of the differences $x(u) - x(u')$ of the sources' features, and $r$ the rank of the features of
all visited states.
"""
        ),
    ),
    Assertion(
        "spanning",
        r"""
If the features of the visited states span $\mathbb R^d$, the space consists of the sums of
matrices $u c^\top$ with any $c$ and with $\langle x(\cdot), u \rangle$ the same number at all sources. For one-hot
features of as many states, all of them sources, that is $u = \mathbf 1$ alone: $D = \mathbf 1 c^\top$.
""",
        typed="condition",
    ),
    Assertion(
        "scale",
        r"Everything else is seen. In particular the scale of $A$ is seen, unless $A$ itself is such a $D$.",
        typed="names",
    ),
    Assertion(
        "step-size",
        lambda claim: (
            rf"So is $\alpha$, by the first layer: rewards of 1 and $v_0 = 0$ make $v_1 = {letters(claim.first, 'alpha')}$ in every column."
        ),
    ),
    Assertion(
        "infinite-depth",
        r"""
At infinite depth less is seen. Among the $A$ whose $\hat M$ is invertible and with which depth converges, nothing is: by
{prf:ref}`certainty-equivalence` the only fixed point is $v_{\mathrm{CE}}$ for each of them.
""",
        typed="names",
    ),
    Assertion(
        "singular",
        lambda claim: (
            rf"""
But an $A$ with a singular $\hat M$ may be told from these: with states $0, 1, 0$, rewards $1, 0$, $\gamma = \tfrac12$,
$\alpha = 1$, $v_0 = 0$, one-hot features and $2^t$ for the exponential, $A = I$ ends at
$v_{{\mathrm{{CE}}}} = {pair(claim.ends[AXES])}$, $A = 0$ at ${pair(claim.ends[(0, 0), (0, 0)])}$, and
$A = \bigl(\begin{{smallmatrix}} 0 & 1 \\ -1 & 0 \end{{smallmatrix}}\bigr)$ at ${pair(claim.ends[(0, 1), (-1, 0)])}$.
"""
        ),
    ),
)


CLAIM = Claim(
    id="identifiability",
    title="What no layer sees of A",
    chapter="what-attention-cannot-tell-apart",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(r"$\alpha \ne 0$.", reason=r"at $\alpha = 0$ a layer changes nothing, and no $D$ is seen"),
        Hypothesis(
            r"$E = \exp g$.",
            reason="that equal ratios of weights mean equal differences of scores is a property of the exponential",
        ),
        Hypothesis(
            r"Keys are the sources. For many contexts at once: the sources of each against the states of each.",
            dropped="every visited state a key",
        ),
        Hypothesis(
            r"Queries are all visited states, $S_n$ included, even if it is not left.",
            dropped="sources alone as queries",
        ),
        Hypothesis(
            r"For the sums of $u c^\top$: the features of the visited states span $\mathbb R^d$.",
            dropped="no other D though the features do not span",
            holds=spans,
        ),
        Hypothesis(r"At infinite depth, an invertible $\hat M$.", dropped="one limit whatever M̂ is", holds=invertible),
        Hypothesis(
            r"At infinite depth, what else {prf:ref}`certainty-equivalence` asks for, and that depth converges. "
            r"$\gamma$ is below 1, as everywhere.",
            reason=r"where depth does not converge it has no limit to be seen; and at $\gamma = 1$ the limit may depend on $A$: "
            r"states $0, 1, 0$, rewards $1, -1$, $\alpha = \frac12$, $v_0 = 0$, one-hot features and $2^t$ for the exponential "
            r"end at $\pm \frac12$ with $A = I$, and at $1$ and $0$ with $A = \begin{pmatrix} 3 & 1 \\ 0 & 1 \end{pmatrix}$",
        ),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "identifiability",
            "for every number of states, n and d, any context and features, γ, α ≠ 0, and any exponential to a base above 1 "
            "(the step size where n > 0); at infinite depth any weights, and |γ| < 1; values converge if they stay below every distance from a limit in the end",
            stated=(
                "identifiability.same_layers_iff_same_weights",
                "identifiability.same_weights_iff_invisible",
                "identifiability.invisible_iff_query_bias",
                "null_space.dimension_of_the_invisible",
                "null_space.invisible_if_the_features_span",
                "null_space.invisible_if_one_hot",
                "identifiability.scale_is_seen",
                "identifiability.first_layer_tells_alpha",
                "infinite_depth.infinite_depth_is_v_CE",
                "infinite_depth.three_A_lead_to_three_ends",
            ),
            definitions=(
                "identifiability.same_layers",
                "identifiability.same_weights",
                "identifiability.invisible",
                "null_space.source_differences",
                "null_space.visited_features",
                "infinite_depth.tends_to",
                "infinite_depth.first_reward",
                "infinite_depth.values_after",
                "infinite_depth.two_values",
                "exponential.exponential",
            ),
            asserts=("invisible", "dimension", "spanning", "scale", "step-size", "infinite-depth", "singular"),
        ),
        Check(
            "symbolic",
            "the condition for two keys and one query, and its sufficiency for ucᵀ, for every d",
            symbolic,
            shows=(symbolic,),
            asserts=("invisible", "spanning"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("score-functions", "certainty-equivalence"),
    source="Found for this book",
    shared="The weights whose ratios are compared are read off the Transformer's value row; ranks are SymPy's or NumPy's.",
)
