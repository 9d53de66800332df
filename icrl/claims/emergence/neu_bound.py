r"""neu-bound: the pretraining loss is small where the values are nearly right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from sympy import Identity, Matrix, MatrixSymbol, Symbol
from sympy.matrices.expressions.matexpr import MatrixExpr

from icrl.arrays import np
from icrl.pretrain import losses
from icrl.pretrain.batches import TaskBatch
from icrl.tasks import boyan_chain, boyan_features, from_gymnasium, one_hot
from icrl.verify.instances.cases import in_floats, shown
from icrl.verify.instances.chains import float_chain, fractions, rational_chain, rational_vector
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import (
    AT_MOST,
    UNLIKE,
    Floating,
    Part,
    Within,
    asserting,
    entries,
    first_failure,
    greatest,
    size,
)
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Hypothesis, Mutant, Verdict
from icrl.verify.routes.exact_algebra import solved

ONE, HALF, TENTH = Fraction(1), Fraction(1, 2), Fraction(1, 10)
ROUNDING = 1e-11
"""Float tolerance, relative to the values and the features: up to 16 states, condition of I − γP at most 39 for |γ| ≤ .95."""


# The pieces


def expected_update(X: Any, D: Any, P: Any, r: Any, gamma: Any, v: Any) -> Any:
    """Xᵀ D (r + γPv − v), D = diag(μ): the mean over s ∼ μ of the Bellman error times the features."""
    return X.T @ (D @ (r + gamma * (P @ v) - v))


def by_errors(X: Any, D: Any, P: Any, gamma: Any, error: Any) -> Any:
    """Xᵀ D (γP − I)(v − v^π): the same from the error alone."""
    return X.T @ (D @ (gamma * (P @ error) - error))


def from_error(X: Any, D: Any, P: Any, gamma: Any) -> Any:
    """Xᵀ D (γP − I), (d, S): the map from the error of the values to the update."""
    return gamma * (X.T @ (D @ P)) - X.T @ D


class Seminorm(NamedTuple):
    """A seminorm, raised to ``power``: what of the Euclidean norm stays rational is its square."""

    name: str
    measure: Callable[[Any], Any]
    power: int = 1


SEMINORMS = (
    Seminorm("largest entry", lambda u: greatest([*u, 0 * u.sum()])),
    Seminorm("sum of the entries", lambda u: sum(abs(u))),
    Seminorm("the first entry alone", lambda u: abs(u[0]) if len(u) else 0 * u.sum()),
    Seminorm("the Euclidean norm, squared", lambda u: u @ u, 2),
)


def independent(x: np.ndarray) -> bool:
    """Whether the features of the states are linearly independent: whether their Gram matrix surely has an inverse."""
    sizes = np.linalg.svd(x.astype(float), compute_uv=False)
    return x.shape[1] >= len(x) and sizes[-1] > 1e-3 * sizes[0]


def seen(mu: np.ndarray) -> bool:
    """μ > 0."""
    return min(mu) > 0


def discounting(gamma: Any) -> bool:
    """|γ| < 1."""
    return abs(gamma) < 1


@dataclass(frozen=True)
class Bound:
    """The statement with its pieces: the update, what it is made of, the factor, the features' size, for which features, μ and γ 0 means
    right and by which norm, what makes an update of an error; processes let in."""

    update: Callable = expected_update
    source: Callable = by_errors
    factor: Callable[[Any], Any] = lambda gamma: 1 + abs(gamma)
    features: Callable = max
    independent: Callable[[np.ndarray], bool] = independent
    seen: Callable[[np.ndarray], bool] = seen
    discounting: Callable[[Any], bool] = discounting
    norm: Callable[[Any], Any] = greatest
    unseen: Callable = from_error
    beyond: tuple[Process, ...] = ()

    def tells(self, given: Process) -> bool:
        """Whether a loss of 0 is said to mean that the values are right."""
        return self.independent(given.x) and self.seen(given.mu) and self.discounting(given.gamma)


class Process(NamedTuple):
    """P, v^π, γ, a distribution μ, features by state (S, d), the values v; r = v^π − γPv^π, or other rewards if given."""

    P: np.ndarray
    v_pi: np.ndarray
    gamma: Any
    mu: np.ndarray
    x: np.ndarray
    v: np.ndarray
    reward: np.ndarray | None = None

    @property
    def r(self) -> np.ndarray:
        """v^π − γPv^π, or the rewards given."""
        return self.v_pi - self.gamma * (self.P @ self.v_pi) if self.reward is None else self.reward

    def measures(self) -> dict[str, Any]:
        """Sizes and discount, and for what the converse asks."""
        return {
            "states": len(self.v),
            "d": self.x.shape[1],
            "γ": self.gamma,
            "a state of μ = 0": not seen(self.mu),
            "independent features": independent(self.x),
            "values that are right": not any(self.v != self.v_pi),
        }

    def __str__(self) -> str:
        if len(self.v) > 3:
            return f"{len(self.v)} states, d = {self.x.shape[1]}, γ = {shown(self.gamma)}"
        return f"P = {shown(self.P)}, r = {shown(self.r)}, γ = {shown(self.gamma)}, μ = {shown(self.mu)}, x = {shown(self.x)}, v = {shown(self.v)}"


def diagonal(mu: np.ndarray) -> np.ndarray:
    """diag(μ), its entries of the type of μ's."""
    return np.array(
        [[weight if i == j else 0 * weight for j in range(len(mu))] for i, weight in enumerate(mu)], dtype=mu.dtype
    )


def kernel_vector(matrix: np.ndarray) -> np.ndarray:
    """A u ≠ 0 with matrix · u = 0, the matrix having fewer rows than columns: by elimination, of floats the last right singular vector."""
    if matrix.dtype == float:
        return np.linalg.svd(matrix)[2][-1]
    return np.array([Fraction(int(x.p), int(x.q)) for x in Matrix(matrix.tolist()).nullspace()[0]], dtype=object)


def parts(claim: Bound, given: Process) -> Iterator[Part]:
    """The identity; the bound in every seminorm; and where nothing else can have a loss of 0, or something else has."""
    D, error = diagonal(given.mu), given.v - given.v_pi
    scale = size(given.v, given.v_pi, given.r) * size(given.x)
    update = claim.update(given.x, D, given.P, given.r, given.gamma, given.v)
    said = claim.source(given.x, D, given.P, given.gamma, error)
    yield from asserting("update", entries("expected update", update, said, scale))
    for name, measure, power in SEMINORMS:
        most = (claim.factor(given.gamma) * greatest(error)) ** power * claim.features([measure(x) for x in given.x])
        yield Part(f"NEU, {name}", measure(update), most, scale**power, AT_MOST, "bound")
    if any(error != 0) and claim.tells(given):
        where = "NEU, largest entry, at values that are not v^π"
        yield Part(where, claim.norm(update), 0 * given.gamma, scale, UNLIKE, "right")
    if given.x.shape[1] < len(given.v):  # else there need be no such error
        elsewhere = at_other_values(claim, given, D, size(given.v_pi, given.r) * size(given.x))
        yield from asserting("fewer", elsewhere)


def at_other_values(claim: Bound, given: Process, D: np.ndarray, scale: float) -> Iterator[Part]:
    """With fewer features than states: an error u ≠ 0 of the values at which NEU is 0."""
    u = kernel_vector(claim.unseen(given.x, D, given.P, given.gamma))
    update = claim.update(given.x, D, given.P, given.r, given.gamma, given.v_pi + u)
    yield Part("the error that no feature sees, largest entry", greatest(u), 0 * given.gamma, 1.0, UNLIKE)
    yield Part("NEU, largest entry, at v^π and that error", greatest(update), 0 * given.gamma, scale * size(u))


# Symbolic


N, d = Symbol("N", integer=True, positive=True), Symbol("d", integer=True, positive=True)
X, D, P = MatrixSymbol("X", N, d), MatrixSymbol("D", N, N), MatrixSymbol("P", N, N)
V, TRUE, GAMMA = MatrixSymbol("v", N, 1), MatrixSymbol("v_pi", N, 1), Symbol("gamma")


def symbolic(claim: Bound, budget: Budget) -> Verdict:
    """The identity with symbolic |S| and d, r = (I − γP)v^π: the difference expands to 0. What does not is put to a small instance."""
    r: MatrixExpr = (Identity(N) - GAMMA * P) @ TRUE
    sides = claim.update(X, D, P, r, GAMMA, V), claim.source(X, D, P, GAMMA, V - TRUE)
    identity = lambda claim, given: islice(parts(claim, given), given.x.shape[1])
    return sy.derived([sides], identity, claim, [PAID]) or Verdict(
        True,
        "Xᵀ diag(μ)(r + γPv − v) = Xᵀ diag(μ)(γP − I)(v − v^π) where r = (I − γP)v^π, for every number of states and features",
    )


# Exact and numeric


def flip(
    features: tuple[int, int],
    gamma: Any = HALF,
    stay: Any = TENTH,
    error: tuple[int, int] = (1, -1),
    v_pi: tuple[int, int] = (0, 0),
    mu: Any = (HALF, HALF),
    **changes: Any,
) -> Process:
    """Two states, each kept with probability ``stay``, one feature."""
    P, true = fractions([[stay, 1 - stay], [1 - stay, stay]]), fractions(v_pi)
    return Process(
        P, true, Fraction(gamma), fractions(mu), fractions(features)[:, None], true + fractions(error)
    )._replace(**changes)


PAID = flip((1, 2), v_pi=(2, 0))
PLUS_MINUS, TWICE, UNEVEN = flip((1, -1)), flip((2, -2)), flip((1, -2))
SKEWED = flip((1, -1), v_pi=(0, 0), error=(1, 1), mu=(2, -1), gamma=0)
NEGATIVE = flip((1, 1), gamma=-HALF, stay=1, error=(1, 1))
SEVEN = flip((1, 1), error=(1, 1), P=fractions([[7, 0], [0, 7]]))
ELSEWHERE = flip((1, 1), error=(0, 0), reward=fractions([1, 1]))
UNSEEN_STATE = flip((1, 1), error=(0, 1), mu=(1, 0), stay=1, x=fractions([[1, 0], [0, 1]]))
SECOND = flip((1, 1), error=(0, 1), stay=1, x=fractions([[1, 0], [0, 1]]))
NO_DISCOUNT = flip((1, 1), gamma=1, error=(1, 1), x=fractions([[1, 0], [0, 1]]))
ONE_FEATURE = flip((1, 1), error=(1, -1))
SMALLEST = (PAID, PLUS_MINUS, TWICE, UNEVEN, NEGATIVE)


def rational_processes() -> Iterator[Process]:
    """Random chains of 1 to 4 states, 1 to 4 features, γ of either sign and beyond 1, any μ, values right, nearly right and wrong."""
    rng = Random(0)
    for states in (1, 2, 3, 4) * 20:
        weights, width = [rng.randint(0, 3) for _ in range(states)], rng.randint(1, 4)
        weights[rng.randrange(states)] += 1
        mu = fractions([Fraction(w, sum(weights)) for w in weights])
        x = np.array([rational_vector(rng, width) for _ in range(states)], dtype=object).reshape(states, width)
        v_pi, near = rational_vector(rng, states), Fraction(rng.randint(0, 3), 3)
        yield Process(
            rational_chain(rng, states),
            v_pi,
            Fraction(rng.randint(-12, 12), 10),
            mu,
            x,
            v_pi + near * rational_vector(rng, states),
        )


def float_processes(seed: int) -> Iterator[Process]:
    """First Boyan's chain with its features and FrozenLake-v1 with one-hot features; then random chains of 1 to 10 states, 1 to 12 features."""
    rng = np.random.default_rng(seed)
    for mrp, x in (
        (boyan_chain(), boyan_features()),
        (lake := from_gymnasium("FrozenLake-v1"), one_hot(lake.n_states)),
    ):
        v = mrp.value() + rng.normal(size=mrp.n_states)
        yield Process(mrp.transition, mrp.value(), mrp.discount, mrp.stationary_distribution(), x, v, mrp.reward)
    while True:
        states = int(rng.integers(1, 11))
        P, gamma, r = float_chain(rng, states), float(rng.uniform(-0.95, 0.95)), rng.normal(size=states)
        v_pi = solved(np.eye(states) - gamma * P, r)
        v = v_pi + 10.0 ** rng.uniform(-3, 1) * rng.normal(size=states)
        yield Process(
            P, v_pi, gamma, rng.dirichlet(np.ones(states)), rng.normal(size=(states, int(rng.integers(1, 13)))), v, r
        )


TOLD = (
    "the update from r and v is that from v − v^π; the bound in four seminorms, the Euclidean one squared; "
    "not 0 at wrong values where μ > 0 and the states' features are independent, "
    "and 0 at values made to be wrong where there are fewer features than states"
)
STATED = Statement(
    parts,
    TOLD,
    Bound(),
    exact=lambda claim: [*claim.beyond, *SMALLEST, *rational_processes()],
    small=lambda claim: [*claim.beyond, *SMALLEST],
    floats=float_processes,
    trials=1000,
    noun="processes",
    floating=Floating(
        convert=partial(map, in_floats),
        name=str,
        numbers=lambda given: Within(ROUNDING),
        tolerance=f"{ROUNDING:g} of the values' size times the features'",
    ),
    routes={
        "numeric": "Boyan's chain and FrozenLake-v1 first; then the loss of icrl.pretrain.losses on random batches"
    },
    shows=(parts, at_other_values),
)
EXACT, NUMERIC = STATED.checks()


def numeric(claim: Bound, budget: Budget) -> Verdict:
    """The parts in floats; then the loss that is trained on, on random batches."""
    verdict, rng = NUMERIC.run(claim, budget), np.random.default_rng(budget.seed)
    for _ in range(BATCHES if verdict.passed else 0):
        if found := first_failure(
            f"a batch of {TASKS} random tasks", by_the_library(claim, random_batch(rng)), Within(ROUNDING)
        ):
            return Verdict(False, f"the pretraining loss fails (seed {budget.seed})", counterexample=found)
    told = f"{BATCHES} batches of {TASKS} random tasks, where icrl.pretrain.losses has the same NEU and mean of NEU²"
    return replace(verdict, detail=f"{verdict.detail}; {told}") if verdict.passed else verdict


BATCHES, TASKS = 20, 5


def random_batch(rng: np.random.Generator) -> tuple[TaskBatch, np.ndarray]:
    """Random P, r, μ, γ and features of one size, and values (B, S): of what makes a context there is nothing."""
    S, d = int(rng.integers(1, 8)), int(rng.integers(1, 6))
    P, mu = np.array([float_chain(rng, S) for _ in range(TASKS)]), rng.dirichlet(np.ones(S), TASKS)
    (r, v), x = rng.normal(size=(2, TASKS, S)), rng.normal(size=(TASKS, S, d))
    return TaskBatch(P, r, mu, float(rng.uniform(0, 0.95)), x, None, None, None, None), v


def by_the_library(claim: Bound, drawn: tuple[TaskBatch, np.ndarray]) -> Iterator[Part]:
    """Euclidean NEU of each task, and the loss that is trained on, by icrl.pretrain.losses, against the formula here, task by task."""
    batch, values = drawn
    rows = zip(batch.features, batch.stationary, batch.transition, batch.reward, values)
    right = [float(np.linalg.norm(claim.update(x, np.diag(mu), P, r, batch.discount, v))) for x, mu, P, r, v in rows]
    scale = size(values, batch.reward) * size(batch.features) * batch.features.shape[-1]
    for task, (got, norm) in enumerate(zip(losses.neu(values, batch), right, strict=True)):
        yield Part(f"NEU of task {task} by icrl.pretrain.losses", float(got), norm, scale)
    yield Part(
        "the mean of NEU² by icrl.pretrain.losses",
        float(losses.neu_loss(values, batch)),
        sum(norm**2 for norm in right) / TASKS,
        scale**2,
    )


IDENTITY = {"symbolic": "the identity is about the update itself, and measures nothing"}
ANY = {"symbolic": "the identity holds of any matrices P and diag(μ)"}
SAME_ON_BOTH = {"symbolic": "there r is what makes v^π the value"}

MUTANTS = (
    Mutant("1 + γ → 1", Bound(factor=lambda gamma: 1 + 0 * gamma), IDENTITY),
    Mutant("γ in the place of its absolute value", Bound(factor=lambda gamma: 1 + gamma), IDENTITY),
    Mutant("the size of the features left out", Bound(features=lambda sizes: 0 * sizes[0] + 1), IDENTITY),
    Mutant("the smallest features in the place of the largest", Bound(features=min), IDENTITY),
    Mutant(
        "the reward left out of the update",
        Bound(update=lambda X, D, P, r, gamma, v: X.T @ (D @ (gamma * (P @ v) - v))),
    ),
    Mutant("γ left out of the update", Bound(update=lambda X, D, P, r, gamma, v: X.T @ (D @ (r + P @ v - v)))),
    Mutant("μ left out of the update", Bound(update=lambda X, D, P, r, gamma, v: X.T @ (r + gamma * (P @ v) - v))),
    Mutant("γP for γP − I", Bound(source=lambda X, D, P, gamma, error: X.T @ (D @ (gamma * (P @ error))))),
    Mutant(
        "a Bellman error that no feature sees, taken for an error of the values",
        Bound(unseen=lambda X, D, P, gamma: X.T @ D),
        IDENTITY,
    ),
    Mutant("a μ with a negative entry let in: an instance supplied", Bound(beyond=(SKEWED,)), ANY),
    Mutant("rows that do not sum to 1 let in: an instance supplied", Bound(beyond=(SEVEN,)), ANY),
    Mutant(
        "values of other rewards in the place of v^π: an instance supplied", Bound(beyond=(ELSEWHERE,)), SAME_ON_BOTH
    ),
    Mutant(
        "loss 0 only at v^π, with one feature for two states: an instance supplied",
        Bound(independent=lambda x: True, beyond=(ONE_FEATURE,)),
        IDENTITY,
    ),
    Mutant(
        "loss 0 only at v^π, with a state of μ = 0: an instance supplied",
        Bound(seen=lambda mu: True, beyond=(UNSEEN_STATE,)),
        IDENTITY,
    ),
    Mutant(
        "loss 0 only at v^π, with γ = 1: an instance supplied",
        Bound(discounting=lambda gamma: True, beyond=(NO_DISCOUNT,)),
        IDENTITY,
    ),
    Mutant(
        "loss 0 only at v^π, measured by the first entry: an instance supplied",
        Bound(norm=lambda u: abs(u[0]), beyond=(SECOND,)),
        IDENTITY,
    ),
)


STATEMENT = r"""
Take any finite Markov reward process with value $v^\pi = r + \gamma P v^\pi$, a distribution $\mu$ on its states, and
features $x$, the rows of $X$. The **norm of the expected update** at $v$ is

$$
\mathrm{NEU}(v) = \Bigl\lVert \sum_s \mu(s) \bigl(r + \gamma P v - v\bigr)(s)\, x(s) \Bigr\rVert .
$$ (eq-neu)
""".strip()

ASSERTIONS = (
    Assertion(
        "update",
        r"""
The update depends on the error of $v$ alone:

$$
\sum_s \mu(s) \bigl(r + \gamma P v - v\bigr)(s)\, x(s) = X^\top \operatorname{diag}(\mu)\, (\gamma P - I)\, (v - v^\pi) .
$$ (eq-update-of-error)
""",
        typed="equation",
    ),
    Assertion(
        "bound",
        lambda claim: (
            rf"""
So, for every seminorm on $\mathbb R^d$, the Euclidean norm among them,

$$
\mathrm{{NEU}}(v) \le \bigl({sy.letters(claim.factor, "gamma")}\bigr)\, \max_s \lVert x(s) \rVert\; \lVert v - v^\pi \rVert_\infty .
$$ (eq-neu-bound)
"""
        ),
    ),
    Assertion("sharp", r"Neither factor can be left out."),
    Assertion(
        "right",
        r"""
The converse fails: a loss of 0 does not by itself mean that the values are right. It does where the loss is measured
by a norm, $\lvert\gamma\rvert < 1$, $\mu > 0$ and the features of the states are linearly independent: then
$\mathrm{NEU}(v) = 0$ at $v = v^\pi$ only.
""",
        typed="condition",
    ),
    Assertion(
        "fewer",
        r"""
With fewer features than states, $d < \lvert\mathcal S\rvert$, it is 0 at other values too, whatever $\gamma$, $\mu$
and the seminorm. (How large an error a loss near 0 leaves room for is not said here.)
""",
        typed="condition",
    ),
)


CLAIM = Claim(
    id="neu-bound",
    title="The loss is bounded by the value error",
    chapter="why-a-loss-would-want-them",
    environment="lemma",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$P$ is row-stochastic; $\gamma$ is any number.",
            dropped="rows that do not sum to 1 let in: an instance supplied",
        ),
        Hypothesis(r"$\mu \ge 0$ sums to 1.", dropped="a μ with a negative entry let in: an instance supplied"),
        Hypothesis(r"$\mu$ stationary.", reason="not needed: the rational $\\mu$ are drawn without regard to $P$"),
        Hypothesis(
            r"$v^\pi$ solves the Bellman equation.",
            dropped="values of other rewards in the place of v^π: an instance supplied",
        ),
        Hypothesis(
            r"The norm on $\mathbb R^d$ may be any seminorm; for the converse it must be a norm.",
            dropped="loss 0 only at v^π, measured by the first entry: an instance supplied",
        ),
        Hypothesis(
            r"For the converse, $\lvert\gamma\rvert < 1$.",
            dropped="loss 0 only at v^π, with γ = 1: an instance supplied",
            holds=discounting,
        ),
        Hypothesis(
            r"For the converse, $\mu > 0$.",
            dropped="loss 0 only at v^π, with a state of μ = 0: an instance supplied",
            holds=seen,
        ),
        Hypothesis(
            r"For the converse, linearly independent features.",
            dropped="loss 0 only at v^π, with one feature for two states: an instance supplied",
            holds=independent,
        ),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "neu-bound",
            "the bound and its sharpness, for every finite process, d, γ and seminorm",
            stated=(
                "neu_bound.neu_bound",
                "neu_bound.neu_bound_euclid",
            ),
            further=(
                "neu_bound.neu_bound_is_sharp",
                "neu_bound.neu_needs_gamma",
                "neu_bound.neu_needs_features",
            ),
            definitions=(
                "neu_bound.bellman_error",
                "neu_bound.NEU",
                "neu_bound.seminorm",
                "neu_bound.distribution",
                "neu_bound.euclid",
            ),
            asserts=("bound", "sharp"),
        ),
        Check(
            "symbolic",
            "the identity behind the bound, for every number of states and features",
            symbolic,
            shows=(symbolic, expected_update, by_errors),
            asserts=("update",),
        ),
        EXACT,
        replace(NUMERIC, run=numeric, shows=(*NUMERIC.shows, by_the_library)),
    ),
    mutants=MUTANTS,
    rests_on=("bellman",),
    source="Xie et al. 2026, in the proof of Theorem 3; the identity and the converse are standard",
    shared=(
        "The process, its values and the seminorms. The loss that is trained on, icrl.pretrain.losses, is compared "
        "with the formula here. The update is made once from the rewards and once from the error of the values."
    ),
)
