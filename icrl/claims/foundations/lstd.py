r"""lstd: one batch linear TD update moves w by α(b − Aw), so its fixed points are the solutions of Aw = b."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice, product, repeat
from random import Random
from typing import Any, NamedTuple

from sympy import MatrixSymbol, Symbol

from icrl import td
from icrl.arrays import np
from icrl.mrp import Context, empirical_model
from icrl.verify.instances.cases import shown, small_fraction
from icrl.verify.instances.chains import fractions
from icrl.verify.instances.contexts import closing_float_walk, closing_walk
from icrl.verify.instances.words import described
from icrl.verify.judging.blocks import book_latex
from icrl.verify.judging.differences import all_fractions, exceeds, taken
from icrl.verify.judging.parts import greatest
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes.exact_algebra import rational, solved_by_sympy

UPDATES, TRIALS = 4, 500
GRID = list(product((1, 2, 5), (1, 2, 3), range(4)))
GAMMAS = (Fraction(9, 10), Fraction(0), Fraction(1, 2), Fraction(99, 100))
COVERED_GRID = list(product((1, 2, 3), (1, 3, 6)))
TOLERANCE = 64
"""Float tolerance, in units of eps · n · (1 + α‖A‖)^l · scale: an update multiplies what was wrong before by at most
1 + α‖A‖ and adds the rounding of a sum of n products; ``scale`` is max|w_0| + α Σ|R| max|x|."""


def A_matrix(X: Any, X_next: Any, gamma: Any) -> Any:
    """A = X (X − γX⁺)ᵀ = Σ_k x_k (x_k − γx_{k+1})ᵀ, the features of the n sources and of their successors in columns."""
    return X @ (X - gamma * X_next).T


def b_vector(X: Any, X_next: Any, R: Any) -> Any:
    """b = X Rᵀ = Σ_k R_{k+1} x_k, with R a row."""
    return X @ R.T


@dataclass(frozen=True)
class System:
    """The statement with its pieces: A, b, and what is let in: contexts with one-hot features, and others."""

    A: Callable = A_matrix
    b: Callable = b_vector
    tabular: tuple[Sample, ...] = ()
    beyond: tuple[Sample, ...] = ()

    def update(self, w: Any, alpha: Any, X: Any, X_next: Any, R: Any, gamma: Any) -> Any:
        """w + α(b − Aw), w a column."""
        return w + alpha * (self.b(X, X_next, R) - self.A(X, X_next, gamma) @ w)


class Sample(NamedTuple):
    """A context over the states 0, 1, …, features by state, γ, one step size, w_0."""

    states: list[int]
    rewards: list
    features: list[list]
    gamma: Any
    alpha: Any
    w: list

    def matrices(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """X (d, n), X⁺ (d, n), R (1, n)."""
        columns = np.array([self.features[s] for s in self.states]).T
        return columns[:, :-1], columns[:, 1:], np.array([self.rewards])

    def measures(self) -> dict[str, Any]:
        """Sizes, discount and step size, and what is particular about states and features."""
        size = len(self.features)
        return {
            "n": len(self.rewards),
            "d": len(self.w),
            "γ": self.gamma,
            "α": self.alpha,
            "a state never left": not set(self.states) <= set(self.states[:-1]),
            "one-hot features": self.features == [[i == s for i in range(size)] for s in range(size)],
        }

    def __str__(self) -> str:
        if isinstance(self.gamma, float) and len(self.rewards) > 3:
            return f"n = {len(self.rewards)}, d = {len(self.w)}, γ = {shown(self.gamma)}, α = {shown(self.alpha)}"
        return f"T = {shown(self.states)}, r = {shown(self.rewards)}, x = {shown(self.features)}, w_0 = {shown(self.w)}, γ = {shown(self.gamma)}, α = {shown(self.alpha)}"


# Every size


d, n = Symbol("d", integer=True, positive=True), Symbol("n", integer=True, positive=True)
X, X_next, R, w = MatrixSymbol("X", d, n), MatrixSymbol("X^{+}", d, n), MatrixSymbol("R", 1, n), MatrixSymbol("w", d, 1)
gamma, alpha = Symbol("gamma"), Symbol("alpha")


def td_update(w: Any, alpha: Any, X: Any, X_next: Any, R: Any, gamma: Any) -> Any:
    """w + α Σ_k δ_k x_k with δ = R + γ(X⁺)ᵀw − Xᵀw, from the definition."""
    return w + alpha * X @ (R.T + gamma * X_next.T @ w - X.T @ w)


def symbolic(system: System, budget: Budget) -> Verdict:
    """Both updates as matrix expressions with symbolic d and n; their difference expands to 0."""
    given = (w, alpha, X, X_next, R, gamma)
    difference = (system.update(*given) - td_update(*given)).expand().doit()
    if difference.is_ZeroMatrix:
        return Verdict(True, "w + α(b − Aw) is the TD update as a matrix identity, for every d and n")
    point = (
        fractions([[1], [2]]),
        Fraction(1, 2),
        fractions([[1, 0], [1, 2]]),
        fractions([[1, 2], [0, 1]]),
        fractions([[1, 3]]),
        Fraction(1, 2),
    )
    got, right = (update(*point)[:, 0] for update in (system.update, td_update))
    if (got == right).all():
        return Verdict(False, "the identity was not derived")
    said = ", ".join(f"{name} = {shown(entry)}" for name, entry in zip(("w", "α", "X", "X⁺", "R", "γ"), point))
    return Verdict(
        False, "the updates differ", counterexample=Counterexample(said, "w after one update", shown(got), shown(right))
    )


# The loop over transitions against the matrices


def loop(sample: Sample) -> Iterator[np.ndarray]:
    """w_0, w_1, … by :func:`icrl.td.linear_td`."""
    features = dict(enumerate(sample.features))
    updates = td.linear_td(sample.states, sample.rewards, features, sample.gamma, repeat(sample.alpha), sample.w)
    return map(np.array, taken(updates, UPDATES + 1))


def first_wrong(system: System, sample: Sample, unit: float = 0, growth: float = 1) -> Counterexample | None:
    """The first update at which the loop leaves the system."""
    expected = np.array(sample.w)[:, None]
    for layer, got in enumerate(loop(sample)):
        allowed, right = unit * (1 + layer) * growth**layer, expected[:, 0]
        if exceeds(got, right, allowed):
            i = int(np.argmax(np.abs(got - right)))
            where = f"w_{layer}, component {i}"
            return Counterexample(str(sample), where, shown(right[i]), shown(got[i]), asserted=("update",))
        expected = system.update(expected, sample.alpha, *sample.matrices(), sample.gamma)
    return None


def not_as_said(system: System, sample: Sample) -> Counterexample | None:
    """What solves Aw = b and is moved by an update of the loop, or does not and is not: w_0, and the solution where there is one only."""
    X, X_next, R = sample.matrices()
    A, b = system.A(X, X_next, sample.gamma), system.b(X, X_next, R)[:, 0]
    _, root = solution(system, sample)
    for w in [sample.w] if root is None else [sample.w, list(root)]:
        given = sample._replace(w=w)
        moved = greatest(list(islice(loop(given), 2))[1] - w)
        solves = bool((A @ np.array(w) == b).all())
        if solves != (moved == 0):
            right = "0" if solves else "a number other than 0"
            where = "how far an update moves w_0, which " + ("solves" if solves else "does not solve") + " Aw = b"
            return Counterexample(str(given), where, shown(moved), right, asserted=("fixed-points",))
    return None


def one_hot(states: list[int], one: Any) -> list[list]:
    """One component a state."""
    size = len(set(states))
    return [[one if i == s else 0 * one for i in range(size)] for s in range(size)]


def solution(system: System, sample: Sample) -> tuple[Any, np.ndarray | None]:
    """det A, and the solution of Aw = b when there is exactly one, in ``Fraction``s."""
    X, X_next, R = sample.matrices()
    A, b = system.A(X, X_next, sample.gamma), system.b(X, X_next, R)
    determinant = rational(A).det()
    return determinant, None if determinant == 0 else solved_by_sympy(A, b)


def exact_samples() -> Iterator[Sample]:
    """Random rational contexts with any features: states that are no sources and dependent features are among them."""
    rng, number = Random(0), small_fraction
    for length, dimension, turn in GRID:
        states = [rng.randrange(3) for _ in range(length + 1)]
        features = [[number(rng) for _ in range(dimension)] for _ in range(3)]
        yield Sample(
            states,
            [number(rng) for _ in range(length)],
            features,
            GAMMAS[turn],
            Fraction(1, 2 + turn),
            [number(rng) for _ in range(dimension)],
        )


def covered_samples() -> Iterator[Sample]:
    """One-hot features, and every visited state a source."""
    rng, number = Random(5), small_fraction
    for size, length in COVERED_GRID:
        states = closing_walk(rng, size, length)
        yield Sample(
            states,
            [number(rng) for _ in range(length)],
            one_hot(states, Fraction(1)),
            GAMMAS[length % 4],
            Fraction(1, 2),
            [number(rng) for _ in set(states)],
        )


UNCOVERED = Sample(
    [0, 1], [Fraction(1)], one_hot([0, 1], Fraction(1)), Fraction(9, 10), Fraction(1, 2), [Fraction(0)] * 2
)

STILL = Sample([0, 0], [Fraction(1)], [[Fraction(1)]], Fraction(1, 2), Fraction(0), [Fraction(0)])
UNDISCOUNTED = Sample([0, 0], [Fraction(1)], [[Fraction(1)]], Fraction(1), Fraction(1, 2), [Fraction(0)])

UNVISITED = Sample(
    [0, 1, 0],
    [Fraction(1), Fraction(0)],
    one_hot([0, 1, 2], Fraction(1)),
    Fraction(9, 10),
    Fraction(1, 2),
    [Fraction(0)] * 3,
)


def exact(system: System, budget: Budget) -> Verdict:
    """Loop against system in ``Fraction``s; with one-hot features, the limit of batch TD as the only solution."""
    samples = list(exact_samples())
    for sample in samples:
        all_fractions(np.array(list(loop(sample))))
        if found := first_wrong(system, sample):
            return Verdict(False, "an update differs", counterexample=found)
    for sample in (*system.beyond, *samples):
        if found := not_as_said(system, sample):
            return Verdict(False, "a fixed point and a solution differ", counterexample=found)
    covered = [*system.tabular, *covered_samples()]
    for sample in covered:
        determinant, w = solution(system, sample)
        if w is None:
            return Verdict(
                False,
                "Aw = b is not uniquely solvable",
                counterexample=Counterexample(
                    str(sample), "det A", "0", "a number other than 0", asserted=("tabular",)
                ),
            )
        v = dict(enumerate(w))
        moved = next(islice(td.tabular_td(sample.states, sample.rewards, sample.gamma, [Fraction(1)], v), 1, None))
        if moved != v:
            return Verdict(
                False,
                "not the certainty-equivalence value",
                counterexample=Counterexample(
                    str(sample),
                    "solution of Aw = b",
                    shown(w),
                    f"unmoved by batch TD, which makes it {shown(list(moved.values()))}",
                    asserted=("tabular",),
                ),
            )
    return Verdict(
        True,
        f"{len(samples)} rational contexts, {UPDATES} updates each, equal to the loop, which keeps w_0 where it solves Aw = b and moves it where not; {len(covered)} contexts with "
        f"one-hot features: A invertible, the solution unmoved by batch tabular TD",
    )


def numeric(system: System, budget: Budget) -> Verdict:
    """Random float contexts; every third with one-hot features, where Aw = b must give the library's v_CE."""
    trials, eps = budget.trials or TRIALS, np.finfo(float).eps
    for trial, sample in enumerate(islice(float_samples(budget.seed), trials)):
        X, X_next, R = sample.matrices()
        growth = 1 + sample.alpha * np.linalg.norm(A_matrix(X, X_next, sample.gamma), np.inf)
        unit = TOLERANCE * eps * R.size * (np.abs(sample.w).max() + sample.alpha * np.abs(R).sum() * np.abs(X).max())
        if found := first_wrong(system, sample, unit, growth):
            return Verdict(False, f"differs in trial {trial + 1} (seed {budget.seed})", counterexample=found)
        if trial % 3 == 0:
            value = empirical_model(Context(sample.states, sample.rewards)).value(sample.gamma)
            got = np.linalg.solve(system.A(X, X_next, sample.gamma), system.b(X, X_next, R))[:, 0]
            if exceeds(got, value, 1e-9 * (1 + np.abs(value).max())):
                found = Counterexample(
                    str(sample), "solution of Aw = b", shown(got), shown(value), asserted=("tabular",)
                )
                return Verdict(False, f"not v_CE in trial {trial + 1} (seed {budget.seed})", counterexample=found)
        budget.progress(trial + 1, trials)
    return Verdict(
        True,
        f"{trials} random contexts (seed {budget.seed}), {UPDATES} updates each; "
        f"tolerance {TOLERANCE} eps n (1 + l)(1 + α‖A‖)^l "
        "(max |w_0| + α Σ|R| max |x|), and 1e-9 of v_CE where features are one-hot",
    )


def float_samples(seed: int) -> Iterator[Sample]:
    """Random contexts in floats; every third with one-hot features."""
    rng = np.random.default_rng(seed)
    for turn in cycle(range(3)):
        yield float_sample(rng, turn == 0)


def float_sample(rng: np.random.Generator, tabular: bool) -> Sample:
    """A random context in floats, whose visited states are all sources."""
    length = int(rng.integers(1, 41))
    states = closing_float_walk(rng, int(rng.integers(1, 9)), length)
    features = (
        one_hot(states, 1.0) if tabular else rng.normal(size=(len(set(states)), int(rng.integers(1, 9)))).tolist()
    )
    alpha = float(rng.uniform(0, 1 / length))
    return Sample(
        states,
        rng.normal(size=length).tolist(),
        features,
        float(rng.uniform(0, 0.95)),
        alpha,
        rng.normal(size=len(features[0])).tolist(),
    )


LOOSE = {
    "symbolic": "the update is the same; only what is said of Aw = b differs",
    "numeric": "no random context has det A exactly 0",
}

MUTANTS = (
    Mutant(
        "the residual-gradient matrix", System(lambda X, X_next, gamma: (X - gamma * X_next) @ (X - gamma * X_next).T)
    ),
    Mutant("γ = 9/10, whatever it is", System(lambda X, X_next, gamma: X @ (X - X_next * 9 / 10).T)),
    Mutant("γ dropped", System(lambda X, X_next, gamma: X @ (X - X_next).T)),
    Mutant("A transposed", System(lambda X, X_next, gamma: (X - gamma * X_next) @ X.T)),
    Mutant("successors' features on the left", System(lambda X, X_next, gamma: X_next @ (X - gamma * X_next).T)),
    Mutant("reward credited to the successor", System(b=lambda X, X_next, R: X_next @ R.T)),
    Mutant("one-hot features with a state that is no source", System(tabular=(UNCOVERED,)), LOOSE),
    Mutant("one-hot features with a state that is not visited", System(tabular=(UNVISITED,)), LOOSE),
    Mutant("γ = 1 let in", System(tabular=(UNDISCOUNTED,)), LOOSE),
    Mutant(
        "α = 0 let in", System(beyond=(STILL,)), LOOSE | {"numeric": "fixed points are asked for in rationals alone"}
    ),
)


def update(system: System) -> str:
    """The update; A and b as the checked expressions say."""
    A, b = book_latex(system.A(X, X_next, gamma)), book_latex(system.b(X, X_next, R))
    return rf"""
One update of batch linear TD is

$$
\begin{{aligned}}
w_{{l+1}} &= w_l + \alpha\,(b - A w_l), \\
A &= \textstyle\sum_{{k<n}} x_k (x_k - \gamma x_{{k+1}})^\top = {A}, \\
b &= \textstyle\sum_{{k<n}} R_{{k+1}}\, x_k = {b} .
\end{{aligned}}
$$
"""


ASSERTIONS = (
    Assertion("update", update),
    Assertion(
        "fixed-points",
        r"For $\alpha \neq 0$ its fixed points are therefore exactly the solutions of $A w = b$.",
        typed="condition",
    ),
    Assertion(
        "tabular",
        r"""
With one-hot features of the visited states (one component for each, and no more), every visited state a source, and
$0 \le \gamma < 1$, $A$ is invertible and the only solution is $w = v_{\mathrm{CE}}$.
""",
        typed="equation",
    ),
)


CLAIM = Claim(
    id="lstd",
    title="What linear TD solves",
    chapter="temporal-difference-learning",
    environment="proposition",
    statement=lambda: (
        r"Write $X$ and $X^{+}$ for the $d \times n$ matrices whose columns are $x_k = x(S_k)$ and $x_{k+1}$, $k < n$, "
        r"and $R$ for the row of rewards."
    ),
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$n \ge 1$ transitions and any features in $\R^d$; for the update any $\gamma$ and $\alpha$.",
            reason="nothing more is assumed of them",
        ),
        Hypothesis(r"For the fixed points, $\alpha \ne 0$.", dropped="α = 0 let in"),
        Hypothesis(r"Where $v_{\mathrm{CE}}$ is spoken of, $0 \le \gamma < 1$.", dropped="γ = 1 let in"),
        Hypothesis(
            r"Where $v_{\mathrm{CE}}$ is spoken of, every visited state is a source.",
            dropped="one-hot features with a state that is no source",
        ),
        Hypothesis(
            r"Where $v_{\mathrm{CE}}$ is spoken of, $d$ is the number of visited states.",
            dropped="one-hot features with a state that is not visited",
        ),
    ),
    subject=System(),
    checks=(
        proof(
            "lstd",
            "every n and d, every context, features, discount and step size that are asked for, v_CE where every numbered state is a source; any ordered field",
            stated=("lstd.linear_update_is", "lstd.fixed_iff_solves", "lstd.one_hot_solution"),
            further=("lstd.A_is_product", "lstd.b_is_product"),
            definitions=(
                "lstd.X",
                "lstd.X_next",
                "lstd.reward_vector",
                "lstd.A_lstd",
                "lstd.b_lstd",
                "lstd.linear_update",
            ),
            asserts=("update", "fixed-points", "tabular"),
        ),
        Check(
            "symbolic",
            "the update, for every d and n",
            symbolic,
            shows=(symbolic, A_matrix, b_vector, td_update),
            asserts=("update",),
        ),
        Check(
            "exact",
            lambda: (
                f"{described(exact_samples(), 'contexts in rationals')}, {UPDATES} updates; "
                f"for Aw = b {described(covered_samples())}"
            ),
            exact,
            shows=(first_wrong, not_as_said, exact),
            asserts=("update", "fixed-points", "tabular"),
        ),
        Check(
            "numeric",
            lambda: f"{described(islice(float_samples(0), TRIALS), 'contexts in floats')}; {UPDATES} updates",
            numeric,
            shows=(first_wrong, numeric),
            asserts=("update", "tabular"),
        ),
    ),
    mutants=MUTANTS,
    rests_on=("bellman",),
    source="Boyan 1999",
    shared="the lists of states, rewards and features; the loop over transitions and the matrices share no code",
)
