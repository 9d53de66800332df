r"""weights: a feature that holds log ρ makes attention weigh the transitions by ρ, and depth leads to the value of the weighted model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from itertools import chain, islice, pairwise
from random import Random
from typing import Any

from sympy import MatrixSymbol, Symbol, log
from sympy.matrices.expressions.matexpr import MatrixExpr

from icrl import td
from icrl.algebra import Matrix, identity, place, stack
from icrl.arrays import np
from icrl.claims.convergence import certainty_equivalence
from icrl.claims.convergence.certainty_equivalence import Limit
from icrl.prompt import rows
from icrl.verify.instances import cases, contexts
from icrl.verify.instances.cases import (
    Case,
    as_matrices,
    log_uniform,
    power_of_two,
    shown,
    small_fraction,
    smallest,
    stand_in,
    symbol_case,
)
from icrl.verify.instances.contexts import closing_float_walk
from icrl.verify.instances.words import between, described
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import (
    Exactly,
    Part,
    asserting,
    entries,
    first_failure,
    on_floats,
    on_rationals,
    size,
)
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Hypothesis, Mutant, Verdict
from icrl.verify.routes import fixed_points, grouping
from icrl.verify.routes.edits import Machine
from icrl.verify.routes.exact_algebra import invertible, solved
from icrl.verify.routes.fixed_points import bellman_matrix, condition, only_fixed_point, other_values
from icrl.verify.routes.grouping import ALPHA, GAMMA, KAPPA, SYMBOLS, VALUES, array, one_update


@dataclass(frozen=True)
class Weighted(Case):
    """A case with log ρ_k for each of its n transitions, to the base that E has."""

    logs: tuple = ()

    @property
    def rho(self) -> list:
        """ρ_k."""
        return [math.exp(each) if self.exp is None else self.exp(each) for each in self.logs]

    def measures(self) -> dict[str, Any]:
        """A case's, and how far from 1 the importances are."""
        return super().measures() | {"greatest |log ρ|": max(map(abs, self.logs))}

    def __str__(self) -> str:
        return f"{super().__str__()}, ρ = {shown(self.rho)}"


def weighted(case: Case, logs: Iterable) -> Weighted:
    """The case with these log ρ."""
    return Weighted(**{field.name: getattr(case, field.name) for field in fields(Case)}, logs=tuple(logs))


def base_two(states: tuple, r: tuple, logs: tuple, x: tuple = ((1, 0), (0, 1))) -> Weighted:
    """Two layers on a small context in ``Fraction``s, E = 2^t: γ = α = ½, v_0 = 0, A = I."""
    plain = smallest(states, 2, r=r, v=(0,) * len(x), x=x, A=np.eye(len(x[0]), dtype=int).tolist())
    return weighted(replace(plain, exp=power_of_two), map(Fraction, logs))


TWICE = base_two((0, 0, 0), (1, 0), (2, 0), x=((0,),))
COIN = base_two((0, 0, 1, 0), (1, 0, 0), (1, 0, 0))
SQUARES = replace(COIN, exp=stand_in)
CERTAIN = replace(COIN, gamma=Fraction(1))
NO_STEP = replace(COIN, alphas=[Fraction(0)] * 2)
EQUAL = base_two((0, 1, 0), (1, 0), (1, 0), x=((1,), (1,)))
SMALLEST = (TWICE, COIN, EQUAL, base_two((0, 1), (1,), (1,)), NO_STEP)


# The construction: two rows more, joined by one entry of A


def joined(A: Matrix, like: Matrix) -> Matrix:
    """A with a 1 that joins the key's log ρ to the query's constant."""
    d = A.shape[-1]
    return place({(0, 0): A, (1, 2): identity(1, like)}, (d, 1, 1), (d, 1, 1), like)


def joined_across(A: Matrix, like: Matrix) -> Matrix:
    """A with the 1 on the other side: the query's log ρ meets the key's constant."""
    d = A.shape[-1]
    return place({(0, 0): A, (2, 1): identity(1, like)}, (d, 1, 1), (d, 1, 1), like)


def weighted_model(omega: Any, C: Any, D: Any, R: Any) -> tuple[Any, Any]:
    """P_ρ = (CᵀΩC)⁻¹CᵀΩD and r_ρ = (CᵀΩC)⁻¹CᵀΩR, Ω = diag(ρ); rows of 0 for a state that is never left."""
    if isinstance(C, MatrixExpr):
        left = (C.T @ omega @ C).inv()
    else:
        left = np.diag([1 / total if total != 0 else total for total in omega.diagonal() @ C])
    return left @ (C.T @ omega @ D), left @ (C.T @ omega @ R)


def featureless(case: Weighted) -> Weighted:
    """The context with features that are 0."""
    return replace(case, features=[[0 * entry for entry in x] for x in case.features])


def moving(case: Case) -> bool:
    """α ≠ 0."""
    return case.alphas[0] != 0


def all_left(counts: np.ndarray) -> bool:
    """Whether some transition leaves each visited state."""
    return min(counts) > 0


@dataclass(frozen=True)
class Importance:
    """The statement with its pieces.

    The row of log ρ, the entry of A, whether the softmax divides by ρE, the model, with which steps and M̂_ρ its value alone is kept, what
    changes a context without changing that value, for which counts of transitions E decides; and what is let in.
    """

    row: Callable[[Weighted], list] = lambda case: [*case.logs, 0 * case.gamma]
    join: Callable[[Matrix, Matrix], Matrix] = joined
    ordinary: bool = False
    model: Callable = weighted_model
    moving: Callable[[Case], bool] = moving
    inverts: Callable[[np.ndarray], bool] = invertible
    apart: Callable[[Weighted], Weighted] = featureless
    left: Callable[[np.ndarray], bool] = all_left
    beyond: tuple[Weighted, ...] = ()

    def only(self, case: Weighted, M: np.ndarray) -> bool:
        """Whether the model's value alone is kept."""
        return self.moving(case) and self.inverts(M)


# The routes


def value_rows(claim: Importance, case: Weighted) -> list[np.ndarray]:
    """The Transformer's value row after every layer; the query column's log ρ is 0, and nobody reads it."""
    plain = as_matrices(case)
    logs = np.array([claim.row(case)], plain.features.dtype)
    both = plain._replace(features=stack(plain.features, logs, 1 + 0 * logs), A=claim.join(plain.A, logs))
    return [np.asarray(rows(Z).value)[0] for Z in machine(claim, case).run(*both)]


def machine(claim: Importance, case: Weighted) -> Machine:
    """The construction, to which weights are nothing new; if ``ordinary``, ρ multiplies what the softmax made without it."""
    if not claim.ordinary:
        return Machine()
    rho = array(case, [*case.rho, 0 * case.gamma])[:, None]
    return Machine(
        edit=lambda p, site: p.with_head(normalise=lambda scores, visible: rho * p.head.normalise(scores, visible))
    )


def weighted_td(case: Weighted) -> Iterator[dict]:
    """v(s) + α Σ_k ρ_k E(s, S_k) δ_k / Σ_k ρ_k E(s, S_k), from the definition."""
    E, at = grouping.powers(case, grouping.transitions(case).C), case.visited
    K = {s: [rho * E[i, at.index(u)] for rho, u in zip(case.rho, case.states)] for i, s in enumerate(at)}
    v = {s: case.v[s] for s in at}
    yield v
    for alpha in case.alphas:
        delta = td.td_errors(case.states, case.rewards, v, case.gamma)
        v = {s: v[s] + alpha * td.inner(K[s], delta) / sum(K[s]) for s in at}
        yield v


def column_by_column(case: Weighted) -> Iterator[dict]:
    """The loop of softmax TD with a state for every column, whose score as a key has log ρ in it."""
    logs = [*case.logs, 0 * case.gamma]
    score = lambda j, k: case.score(case.states[j], case.states[k]) + logs[k]
    return td.softmax_td(
        range(case.n + 1), case.rewards, score, case.gamma, case.alphas, [case.v[s] for s in case.states], case.exp
    )


def by_counting(case: Weighted) -> np.ndarray:
    """v_ρ on W: transition k counts ρ_k times; then elimination."""
    W, one, zero, lines, paid = case.visited, 0 * case.gamma + 1, 0 * case.gamma, [], []
    for s in W:
        mine = [
            (rho, reward, after)
            for rho, reward, before, after in zip(case.rho, case.rewards, case.states, case.states[1:])
            if before == s
        ]
        total = sum((rho for rho, *_ in mine), zero) if mine else one
        lines.append(
            [
                (one if u == s else zero)
                - case.gamma * sum((rho for rho, _, after in mine if after == u), zero) / total
                for u in W
            ]
        )
        paid.append(sum((rho * reward for rho, reward, _ in mine), zero) / total)
    return solved(array(case, lines), array(case, paid))


# The parts of the statement


def parts(claim: Importance, case: Weighted) -> Iterator[Part]:
    """The Transformer against the definition and the loop; a layer by the weighted model; what it keeps."""
    omega, given, zero = np.diag(array(case, case.rho)), grouping.transitions(case), 0 * case.gamma
    X = bellman_matrix(weighted_model(omega, *given)[0], case.gamma)
    yield Part("I − γP_ρ invertible: 1 if so", zero + int(invertible(X)), zero + 1, asserted="kept")
    yield from asserting("attention", the_same(claim, case))
    layer, E = one_update(case, weighted_td), grouping.powers(case, given.C)
    M = E @ given.C.T @ omega @ given.C / (E @ given.C.T @ omega).sum(axis=1)[:, None]
    P, r = claim.model(omega, *given)
    v = array(case, [case.v[s] for s in case.visited])
    said = v + case.alphas[0] * (M @ (r + case.gamma * (P @ v) - v))
    scale = case.n * size(v, case.rewards) / (1 - abs(float(case.gamma)))
    yield from asserting("layer", entries("v_0 + αM̂_ρ(r_ρ + γP_ρv_0 − v_0)", said, layer(v), scale))
    yield from stands_still(claim, case, layer, M, (P, r))
    if isinstance(case.gamma, Fraction):
        yield from asserting("only", decided(claim, case, layer, M))
        yield from asserting("table", by_table(claim, E, M, given.C.sum(axis=0)))


def the_same(claim: Importance, case: Weighted) -> Iterator[Part]:
    """The Transformer's value row after every layer, against the definition and against the loop over columns."""
    for l, (got, v, columns) in enumerate(
        zip(value_rows(claim, case), weighted_td(case), column_by_column(case), strict=True)
    ):
        scale = (1 + case.depth) * size(got, case.rewards) if isinstance(case.gamma, float) else 1.0
        yield from entries(f"v_{l}(S_j), j", got, array(case, [v[s] for s in case.states]), scale)
        yield from entries(f"v_{l}(S_j) with a state for every column, j", got, array(case, [*columns.values()]), scale)


def stands_still(claim: Importance, case: Weighted, layer: Callable, M: np.ndarray, model: tuple) -> Iterator[Part]:
    """The model's value is v_ρ by counting; the layer keeps it, with other features too; and nothing else if M̂_ρ is invertible, or else what M̂_ρ does not see."""
    X, value = bellman_matrix(model[0], case.gamma), by_counting(case)
    scale = size(value, case.rewards) * condition(X) / (1 - abs(float(case.gamma)))
    yield from asserting("kept", entries("(I − γP_ρ)⁻¹r_ρ", solved(X, model[1]), value, scale))
    yield from asserting("kept", entries("a layer's image of v_ρ", layer(value), value, scale))
    yield from asserting("only", only_fixed_point("the layer's fixed point", layer, case, value, scale))
    others = ((value + solved(X, w), M @ w) for w in unseen_by_equals(case))
    found = other_values(layer, case, others, claim.only(case, M), lambda v: scale * size(v))
    yield from asserting("only", found)
    for entry in value[grouping.transitions(case).C.sum(axis=0) == 0]:
        yield Part("v_ρ at a state that is never left", entry, 0 * case.gamma, asserted="kept")
    image = one_update(claim.apart(case), weighted_td)(value)
    yield from asserting("features", entries("the image of v_ρ by a layer without features", image, value, scale))


def decided(claim: Importance, case: Weighted, layer: Callable, M: np.ndarray) -> Iterator[Part]:
    """Whether the layer has one fixed point only, by elimination, as said."""
    alone = Fraction(int(invertible(fixed_points.fixed_point_system(layer, case)[0])))
    yield Part("one fixed point and no other: 1 if so", alone, Fraction(int(claim.only(case, M))))


def by_table(claim: Importance, E: np.ndarray, M: np.ndarray, counts: np.ndarray) -> Iterator[Part]:
    """M̂_ρ has an inverse where E has one, where every state is left."""
    if claim.left(counts):
        yield Part("M̂_ρ invertible: 1 if so", Fraction(int(invertible(M))), Fraction(int(invertible(E))))


def unseen_by_equals(case: Weighted) -> list[np.ndarray]:
    """The w ≠ 0 that M̂_ρ takes to 0 if two states weigh alike as keys; for one state, 1."""
    e, total = fixed_points.units(case), array(case, case.rho) @ grouping.transitions(case).C
    return [e[s] * total[u] - e[u] * total[s] for s, u in pairwise(range(len(e)))] or e


# The checks

OMEGA = MatrixSymbol("Omega", SYMBOLS.C.shape[0], SYMBOLS.C.shape[0])


def symbolic(claim: Importance, budget: Budget) -> Verdict:
    """What a layer adds, with symbolic n and |W|: αM̂_ρ(I − γP_ρ)(v_ρ − v), M̂_ρ = κCᵀΩC. What is not derived is put to a small instance."""
    by_weight = Limit(kernel=lambda kappa, C: kappa @ C.T @ OMEGA)
    model = claim.model(OMEGA, *SYMBOLS)
    sides = certainty_equivalence.identity(by_weight, KAPPA, SYMBOLS, model, GAMMA, ALPHA, VALUES)
    return sy.derived([sides], parts, claim, [COIN]) or Verdict(
        True,
        "from any v a layer adds αM̂_ρ(I − γP_ρ)(v_ρ − v), with K = κCᵀΩ, CᵀΩC and I − γP_ρ invertible, for every n and every number of states",
    )


def exact(claim: Importance, budget: Budget) -> Verdict:
    """Every part in ``Fraction``s, E = 2^t; the Transformer in symbols too, with exp(log ρ)."""
    verdict, symbols = on_rationals(parts, claim, exact_contexts(claim), TOLD), symbol_contexts()
    for case in symbols if verdict.passed else ():
        if found := first_failure(str(case), asserting("attention", the_same(claim, case)), Exactly()):
            return Verdict(False, "a part of the statement fails", counterexample=found)
    return (
        replace(verdict, detail=f"{verdict.detail}; and {len(symbols)} contexts in symbols, exp(log ρ) by SymPy")
        if verdict.passed
        else verdict
    )


def numeric(claim: Importance, budget: Budget) -> Verdict:
    """Random float contexts, after the small ones."""
    first = f"of which the first {len(SMALLEST) + len(claim.beyond)} are the small ones"
    told = f"{first}: {TOLD}; the scale is that of the values times (1 + L), n or the condition of what is solved"
    return on_floats(parts, claim, (), numeric_contexts(claim, budget.seed), budget, TRIALS, told)


def numeric_contexts(claim: Importance, seed: int) -> Iterator[Weighted]:
    """The small ones in floats, then random ones."""
    small = [*claim.beyond, *SMALLEST]
    floats = (weighted(case, map(float, given.logs)) for case, given in zip(cases.as_floats(small), small))
    return chain(floats, float_contexts(seed))


def exact_scope() -> str:
    """The contexts in ``Fraction``s, and those in symbols."""
    symbols = symbol_contexts()
    sizes = between("n", [case.n for case in symbols]), between("d", [case.d for case in symbols])
    told = f"{len(symbols)} in symbols with exp(log ρ): {', '.join(sizes)}"
    return f"{described(exact_contexts(Importance()), 'contexts in rationals, log ρ to the base 2')}; and {told}"


def numeric_scope() -> str:
    """The contexts in floats."""
    return described(islice(numeric_contexts(Importance(), Budget().seed), TRIALS), "contexts in floats")


def rational_contexts() -> Iterator[Weighted]:
    """Random contexts in ``Fraction``s of up to 3 states and 2 layers, E = 2^t: integer features and log₂ ρ; some end in a state never left."""
    rng = Random(0)
    for n in (1, 2, 3, 4, 5, 6) * 3:
        states, d = [rng.randrange(3) for _ in range(n + 1)], rng.randint(0, 2)
        whole = lambda rows, columns: [[Fraction(rng.randint(-2, 2)) for _ in range(columns)] for _ in range(rows)]
        rewards, v = ([small_fraction(rng) for _ in range(length)] for length in (n, 3))
        gamma, alphas = Fraction(rng.randint(0, 9), 10), [Fraction(rng.randint(1, 10), 10)] * 2
        yield weighted(Case(states, rewards, whole(3, d), v, gamma, alphas, whole(d, d), power_of_two), *whole(1, n))


exact_contexts = contexts.after(SMALLEST, rational_contexts)
"""What a subject lets in, the smallest contexts at which a wrong variant is wrong, then random ones."""


def symbol_contexts() -> list[Weighted]:
    """One layer with every entry a symbol: three states, and two of which one comes back."""
    logs = [log(Symbol(f"rho_{k + 1}", positive=True)) for k in range(2)]
    return [
        weighted(replace(symbol_case(2, d, 1), states=states), logs)
        for d, states in ((1, [0, 1, 2]), (1, [0, 1, 0]), (0, [0, 1, 2]))
    ]


def float_contexts(seed: int) -> Iterator[Weighted]:
    """Random float contexts of up to 6 states, all left but at times the last; features near one-hot or any."""
    rng = np.random.default_rng(seed)
    while True:
        walk = closing_float_walk(rng, int(rng.integers(1, 7)), log_uniform(rng, 1, 64))
        walk[-1] += (max(walk) + 1 - walk[-1]) * (rng.random() < 0.25)
        W, n = len(set(walk)), len(walk) - 1
        x = rng.uniform(0.5, 2) * np.eye(W) + rng.normal(scale=0.5, size=(W, W))
        A = np.eye(W) if rng.random() < 0.5 else rng.normal(size=(W, W)) / W
        gamma, alphas = float(rng.uniform(-0.95, 0.95)), [float(1 - rng.uniform(0, 1))] * log_uniform(rng, 1, 8)
        case = Case(
            walk, rng.normal(size=n).tolist(), x.tolist(), rng.normal(size=W).tolist(), gamma, alphas, A.tolist()
        )
        yield weighted(case, rng.uniform(-3, 3, n).tolist())


TRIALS = 200
"""The contexts in floats, the small ones among them."""
TOLD = (
    "the Transformer is weighted TD by its definition, and softmax TD with a state for every column; what it keeps, by "
    "solving for it, is the value of the weighted model, and nothing else if M̂_ρ is invertible"
)

OPAQUE = {"symbolic": "the derivation starts from weights that are in proportion to ρ"}
ONLY = {"symbolic": "when M̂_ρ is invertible is not a matter of the identity"}
ONE = {"symbolic": "the identity is about one context"}
COUNTED = ONLY | {"numeric": "that no inverse exists is decided in rationals"}


def unweighted_moves(omega: Any, C: Any, D: Any, R: Any) -> tuple[Any, Any]:
    """The weights on the rewards alone: P_e and r_ρ."""
    return grouping.empirical_model(C, D, R)[0], weighted_model(omega, C, D, R)[1]


def unweighted(case: Weighted) -> Weighted:
    """The context without features, and with equal importances."""
    return replace(featureless(case), logs=tuple(0 * each for each in case.logs))


MUTANTS = (
    Mutant("the entry of A on the other side", Importance(join=joined_across), OPAQUE),
    Mutant("ρ in the place of log ρ", Importance(row=lambda case: [*case.rho, 0 * case.gamma]), OPAQUE),
    Mutant("each log ρ a column late", Importance(row=lambda case: [0 * case.gamma, *case.logs]), OPAQUE),
    Mutant(
        "ρ outside the softmax", Importance(row=lambda case: [0 * case.gamma] * (case.n + 1), ordinary=True), OPAQUE
    ),
    Mutant("v_CE whatever the weights", Importance(model=lambda omega, C, D, R: grouping.empirical_model(C, D, R))),
    Mutant("the rewards weighted and the moves not", Importance(model=unweighted_moves)),
    Mutant(
        "the only fixed point whatever the features",
        Importance(inverts=lambda M: True, beyond=(EQUAL,)),
        ONLY,
    ),
    Mutant("α = 0 let in", Importance(moving=lambda case: True), ONLY),
    Mutant("γ = 1 let in", Importance(beyond=(CERTAIN,)), {"symbolic": "I − γP_ρ is taken to be invertible there"}),
    Mutant(
        "1 + t² in the place of an exponential",
        Importance(beyond=(SQUARES,)),
        OPAQUE | {"numeric": "there E is the exponential"},
    ),
    Mutant("importances have no part in v_ρ either", Importance(apart=unweighted), ONE),
    Mutant("M̂_ρ has an inverse if E has one", Importance(left=lambda counts: True), COUNTED),
)


STATEMENT = r"""
Let $\rho_k > 0$ be the **importance** of the $k$-th transition. Add two feature rows to the prompt, one that holds
$\log \rho_k$ in column $k$ (and anything in the query column) and one that holds 1, and to $A$ one entry 1 where the
key's $\log \rho$ meets the query's 1.
""".strip()

ASSERTIONS = (
    Assertion(
        "attention",
        r"""
Then the Transformer of {prf:ref}`softmax-td` performs

$$
v_{l+1}(S_j) = v_l(S_j) + \alpha_l \sum_{k<n} K(k \mid S_j)\, \delta_k , \qquad K(k \mid s) = \frac{\rho_k E(s, S_k)}{\sum_{i<n} \rho_i E(s, S_i)} :
$$ (eq-weighted-attention)

weighted importance sampling within the softmax.
""",
        typed="equation",
    ),
    Assertion(
        "layer",
        r"""
Let transition $k$ count $\rho_k$ times: $P_\rho$ and $r_\rho$ are the transition frequencies and mean rewards out of
each state, so counted, and $\hat M_\rho(s, u) = \sum_{k : S_k = u} K(k \mid s)$. A layer is

$$
v_{l+1} = v_l + \alpha \hat M_\rho ( r_\rho + \gamma P_\rho v_l - v_l ) .
$$ (eq-weighted-layer)
""",
        typed="equation",
    ),
    Assertion(
        "kept",
        r"""
For $\lvert\gamma\rvert < 1$ it keeps $v_\rho = (I - \gamma P_\rho)^{-1} r_\rho$, the **certainty-equivalence value of
the weighted model**, which is 0 at a state that no transition leaves.
""",
        typed="equation",
    ),
    Assertion(
        "only",
        r"""
If $\alpha \ne 0$ it keeps nothing else **if and only if** $\hat M_\rho$ is invertible.
""",
        typed="condition",
    ),
    Assertion(
        "table",
        r"""
Where every visited state is left, $\hat M_\rho$ is invertible exactly if $E$ is, on the visited states.
""",
        typed="condition",
    ),
    Assertion("features", r"The features of the states have no part in $v_\rho$.", typed="names"),
)


CLAIM = Claim(
    id="weights",
    title="Importances of transitions, by one entry of A",
    chapter="siblings",
    environment="proposition",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(r"$\rho_k > 0$.", reason="other numbers have no logarithm"),
        Hypothesis(
            r"$E$ an exponential, to whatever base the logarithm has.", dropped="1 + t² in the place of an exponential"
        ),
        Hypothesis(r"$\lvert\gamma\rvert < 1$ for $v_\rho$ to be defined.", dropped="γ = 1 let in"),
        Hypothesis(
            r"$\hat M_\rho$ invertible for it to be all that is kept.",
            dropped="the only fixed point whatever the features",
            holds=invertible,
        ),
        Hypothesis(r"For the same, $\alpha \ne 0$.", dropped="α = 0 let in", holds=moving),
        Hypothesis(
            r"For $E$ to decide, every visited state left.",
            dropped="M̂_ρ has an inverse if E has one",
            holds=all_left,
        ),
    ),
    subject=Importance(),
    checks=(
        proof(
            "weights",
            "for every n, d and depth, any exponential to a base above 1, every ρ > 0 and every table E whose sums are not 0; "
            "the states are those of the context, where M̂_ρ or the table is invertible",
            stated=(
                "weights.attention_weighs_by_rho",
                "weights.weighted_layer",
                "weights.weighted_layer_keeps_v_rho",
                "weights.v_rho_nonsource",
                "weights.weighted_layer_keeps_only_v_rho_iff",
                "weights.M_rho_unit",
            ),
            definitions=(
                "weights.rho_K",
                "weights.rho_td",
                "weights.M_rho",
                "weights.rho_count",
                "weights.P_rho",
                "weights.r_rho",
                "weights.column",
                "weights.column_features",
                "weights.joined_A",
                "weights.column_values",
                "bellman.v_pi",
                "fixed_point.table",
                "exponential.exponential",
            ),
            asserts=("attention", "layer", "kept", "only", "table", "features"),
        ),
        Check(
            "symbolic",
            "every n and number of states, κ any matrix, ρ any diagonal one: what a layer adds",
            symbolic,
            shows=(certainty_equivalence.identity, weighted_model),
            asserts=("layer", "kept"),
        ),
        Check("exact", exact_scope, exact, shows=(parts, the_same, stands_still, by_table)),
        Check("numeric", numeric_scope, numeric, shows=(parts, the_same, stands_still, by_table)),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td", "certainty-equivalence", "fixed-point"),
    under={"softmax-td": "log ρ a feature"},
    source="Found for this book",
    shared=(
        "The routes compared share the exponential, the contexts and their features. The Transformer reads log ρ in "
        "its prompt; the definition multiplies by ρ, and v_ρ comes from counting and elimination."
    ),
)
