r"""Instances: one plain description of a context and its parameters, in whatever numbers, and how each route reads it.

The construction reads a case as matrices; the loops of :mod:`icrl.td` read the same lists. Nothing is computed here but
the layout of what was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from itertools import islice, product
from operator import mul
from random import Random
from typing import Any, NamedTuple

from sympy import Symbol
from sympy import exp as sympy_exp

from icrl import td
from icrl.arrays import np


def stand_in(t: Any) -> Any:
    """1 + t², a positive rational function in the place of exp: rationals stay rational."""
    return 1 + t * t


def power_of_two(t: Fraction) -> Fraction:
    """2^t of an integer t, which is exp(t ln 2): softmax attention in ``Fraction``s, its A multiplied by ln 2."""
    if t.denominator != 1:
        raise ValueError(f"t must be an integer, got {t}")
    return Fraction(2) ** int(t)


def as_it_is(t: Any) -> Any:
    """t itself: with one-hot features the table E is A transposed, and may have entries that are 0."""
    return t


EXPONENTIALS: dict[Any, str] = {stand_in: "1 + t²", power_of_two: "2^t", as_it_is: "t"}
"""What stands in the place of exp, by how it is written."""


@dataclass(frozen=True)
class Case:
    """A context over the states 0, 1, …, features and an initial value by state, γ, a step size a layer, the score's A.

    The entries are all of one type: float, ``Fraction``, SymPy expression or Arb ball. ``exp`` None is the true one.
    ``endings``: of several trajectories, one after another in ``states``, the number of transitions of each and whether it
    terminated; None is one trajectory, cut.
    ``told``: what is done to E besides, where a statement's own weights are not those of its features and ``exp``.
    """

    states: Sequence[int]
    rewards: Sequence
    features: Sequence[Sequence]
    v: Sequence | Mapping
    gamma: Any
    alphas: Sequence
    A: Sequence[Sequence]
    exp: Callable[[Any], Any] | None = None
    told: str = ""
    endings: td.Endings | None = None

    n = property(lambda self: len(self.rewards))
    d = property(lambda self: len(self.features[0]))
    depth = property(lambda self: len(self.alphas))
    columns = property(lambda self: len(self.states))

    @cached_property
    def moves(self) -> list[td.Move]:
        """S_k, R_{k+1}, S'_k and whether it terminated, of every transition."""
        return td.transitions(self.states, self.rewards, self.endings)

    @property
    def sources(self) -> list[int]:
        """The states that transitions leave, in order."""
        return [before for before, *_ in self.moves]

    @cached_property
    def visited(self) -> list[int]:
        """W, ascending: the states that transitions leave, and those that they enter without terminating; all of one trajectory, or of a population."""
        if self.endings is None:
            return sorted(set(self.states))
        return sorted({*self.sources, *(after for _, _, after, ended in self.moves if not ended)})

    @property
    def trajectories(self) -> list[tuple[Sequence[int], bool]]:
        """Of each trajectory its states, and whether it terminated."""
        states, ends = iter(self.states), self.endings or [(self.n, False)]
        return [(list(islice(states, length + 1)), terminated) for length, terminated in ends]

    def along_columns(self, entries: Iterable, zero: Any) -> list:
        """One entry a transition in the columns that transitions leave; 0 in the last column of each trajectory."""
        given = iter(entries)
        return [entry for states, _ in self.trajectories for entry in (*islice(given, len(states) - 1), zero)]

    @cached_property
    def scores(self) -> list[list]:
        """The table of g(s, u) = x(u)ᵀ A x(s), the key u on the left: row s, column u."""
        zero = 0 * self.gamma
        turned = [[sum(map(mul, row, x), zero) for row in self.A] for x in self.features]
        return [[sum(map(mul, x, Ax), zero) for x in self.features] for Ax in turned]

    def score(self, s: int, u: int) -> Any:
        """g(s, u), for the TD loop."""
        return self.scores[s][u]

    def measures(self) -> dict[str, Any]:
        """Sizes, discount, and what is particular about the context."""
        return {
            "n": self.n,
            "d": self.d,
            "layers": self.depth,
            "states visited": len(self.visited),
            **({} if isinstance(self.gamma, Symbol) else {"γ": self.gamma}),
            "a state never left": not set(self.visited) <= set(self.sources),
            "step sizes that differ by layer": len(set(self.alphas)) > 1,
            **({} if self.endings is None else self._of_trajectories()),
        } | {f"E = {words} in the place of exp": self.exp is stand for stand, words in EXPONENTIALS.items()}

    def _of_trajectories(self) -> dict[str, Any]:
        lengths, ended = zip(*((len(states) - 1, ended) for states, ended in self.trajectories))
        terminal = {after for *_, after, ends in self.moves if ends}
        return {
            "trajectories": len(lengths),
            "a termination": any(ended),
            "a cut": not all(ended),
            "a termination and a cut": any(ended) and not all(ended),
            "a trajectory of one transition": 1 in lengths,
            "a state terminal in one place and left in another": not terminal.isdisjoint(self.sources),
        }

    def __str__(self) -> str:
        parts = {"r": self.rewards, "v_0": self.v, "x": self.features}
        parts |= ({"A": self.A} if self.d else {}) | {"γ": self.gamma, "α": self.alphas}
        words = EXPONENTIALS.get(self.exp)
        said = [f"{name} = {shown(value)}" for name, value in parts.items()] + [f"E = {words}"] * bool(words)
        return ", ".join([f"T = {self._walk()}", *said, *filter(None, [self.told])])

    def _walk(self) -> str:
        if self.endings is None:
            return shown(self.states)
        return ", ".join(f"{shown(states)} {'terminated' if ended else 'cut'}" for states, ended in self.trajectories)


def shown(value: Any) -> str:
    """Numbers for a person; a row of one number is that number."""
    if np.ndim(value) == 0:
        return f"{value:.4g}" if isinstance(value, float) else str(value)
    items = [shown(item[0] if np.ndim(item) and len(item) == 1 else item) for item in value]
    return "(" + ", ".join(items) + ")"


class Matrices(NamedTuple):
    """A case, or a batch of cases of one shape, as the construction reads it."""

    features: Any
    rewards: Any
    value: Any
    gamma: Any
    alphas: Any
    A: Any
    exp: Callable | None
    endings: td.Endings | None


def as_matrices(case: Case) -> Matrices:
    """One case as object arrays, or as float arrays without a batch axis."""
    dtype = float if isinstance(case.gamma, float) else object
    features = np.empty((case.d, case.columns), dtype)
    for i, j in product(range(case.d), range(case.columns)):
        features[i, j] = case.features[case.states[j]][i]
    value = np.array([[case.v[s] for s in case.states]], dtype)
    A = np.array(case.A, dtype).reshape(case.d, case.d)
    rewards = np.array([case.rewards], dtype)
    return Matrices(features, rewards, value, case.gamma, case.alphas, A, case.exp, case.endings)


def as_batch(cases: Sequence[Case], array: Callable = np.asarray) -> Matrices:
    """Float cases of one shape, and of one set of endings, as arrays with a leading batch axis; ``array`` = ``torch.as_tensor`` makes them tensors."""
    one = [as_matrices(case) for case in cases]
    features, rewards, value, gamma, alphas, A = (
        array(np.stack([np.asarray(m[i], float) for m in one])) for i in range(6)
    )
    return Matrices(features, rewards, value, gamma, list(alphas.T), A, None, cases[0].endings)


def td_prompts(case: Case) -> Iterator[tuple[list, list, list, list]]:
    r"""What the prompt must be after 0, 1, …, depth layers, by the TD loop: features, rewards, :math:`\gamma v_l(S'_j)`, :math:`v_l(S_j)`.

    The target is 0 where a transition terminates, and target and reward in the last column of each trajectory.
    """
    features = [[case.features[s][i] for s in case.states] for i in range(case.d)]
    zero = 0 * case.gamma
    rewards = case.along_columns(case.rewards, zero)
    for v in iterates(case):
        target = [zero if ends else case.gamma * v[after] for _, _, after, ends in case.moves]
        yield features, rewards, case.along_columns(target, zero), [v[s] for s in case.states]


def iterates(case: Case) -> Iterator[td.Values]:
    """The value functions v_0, …, v_depth of softmax TD, by the TD loop."""
    return td.softmax_td(case.states, case.rewards, case.score, case.gamma, case.alphas, case.v, case.exp, case.endings)


def smallest(
    states: Sequence[int],
    depth: int = 1,
    r: Sequence[int] = (0,),
    v: Sequence[int] = (1,),
    x: Sequence[Sequence[int | Fraction]] = ((0,),),
    A: Sequence[Sequence[int | Fraction]] = ((1,),),
) -> Case:
    """A case of a few small integers, as ``Fraction``s: γ = α = ½ and E = 1 + t²."""
    half = Fraction(1, 2)
    whole = lambda rows: [[Fraction(entry) for entry in row] for row in rows]
    [R], [v_0] = whole([r]), whole([v])
    return Case(list(states), R, whole(x), v_0, half, [half] * depth, whole(A), stand_in)


def small_fraction(rng: Random) -> Fraction:
    """A random rational with numerator in −6..6 and denominator in 1..3."""
    return Fraction(rng.randint(-6, 6), rng.randint(1, 3))


def rational_case(rng: Random, n: int, d: int, depth: int) -> Case:
    """A random case in small ``Fraction``s with the stand-in for exp: repeated states, general A, v₀ ≠ 0, a step size a layer."""
    number = partial(small_fraction, rng)
    size = rng.randint(1, n + 1)
    return Case(
        states=[rng.randrange(size) for _ in range(n + 1)],
        rewards=[number() for _ in range(n)],
        features=[[number() for _ in range(d)] for _ in range(size)],
        v=[number() for _ in range(size)],
        gamma=Fraction(rng.randint(0, 9), 10),
        alphas=[Fraction(rng.randint(1, 10), 10) for _ in range(depth)],
        A=[[number() for _ in range(d)] for _ in range(d)],
        exp=stand_in,
    )


def symbol_case(n: int, d: int, depth: int) -> Case:
    """Every entry its own symbol, all states distinct (repeated states are a substitution), the true exponential."""
    S = range(n + 1)
    return Case(
        states=list(S),
        rewards=[Symbol(f"R_{k + 1}") for k in range(n)],
        features=[[Symbol(f"x_{s}_{i}") for i in range(d)] for s in S],
        v=[Symbol(f"v_{s}") for s in S],
        gamma=Symbol("gamma"),
        alphas=[Symbol(f"alpha_{l}") for l in range(depth)],
        A=[[Symbol(f"A_{i}_{j}") for j in range(d)] for i in range(d)],
        exp=sympy_exp,
    )


def float_case(rng: np.random.Generator, n: int, d: int, depth: int) -> Case:
    """A random case in floats: repeated states, v₀ ≠ 0, features from tiny to overflow-prone, A = I or any matrix."""
    size = int(np.exp(rng.uniform(0, np.log(n + 2))))
    norm = float(np.exp(rng.uniform(np.log(1e-4), np.log(100))))  # |x|² up to 10⁴, past 709 where exp overflows
    features = rng.normal(size=(size, d))
    features *= norm / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-300)
    A = np.eye(d) if rng.random() < 0.5 else rng.normal(size=(d, d)) / np.sqrt(max(d, 1))
    return Case(
        states=rng.integers(0, size, n + 1).tolist(),
        rewards=rng.normal(size=n).tolist(),
        features=features.tolist(),
        v=rng.normal(size=size).tolist(),
        gamma=float(rng.uniform(0, 1)),
        alphas=(1 - rng.uniform(0, 1, depth)).tolist(),
        A=A.tolist(),
    )


def log_uniform(rng: np.random.Generator, low: int, high: int) -> int:
    """A size in low..high, as likely to be in 1..9 as in 10..99."""
    return int(np.exp(rng.uniform(np.log(low), np.log(high + 1))))


def shapes(rng: np.random.Generator, instances: int, batch: int = 10) -> Iterator[tuple[int, int, int, int]]:
    """Shapes (count, n, d, depth), log-uniform over n in 1..128, d in 0..16, depth in 1..64.

    Every sixth of the first 186 shapes has n ≥ 64 and depth ≥ 32, so that 1,860 instances or more hold at least 310 large ones.
    """
    for index, start in enumerate(range(0, instances, batch)):
        large = index % 6 == 0 and index < 186
        n, depth = log_uniform(rng, 64 if large else 1, 128), log_uniform(rng, 32 if large else 1, 64)
        yield min(batch, instances - start), n, log_uniform(rng, 1, 17) - 1, depth


def to_ball(q: Fraction) -> Any:
    """A rational as the tightest Arb ball around it."""
    from flint import arb, fmpq

    return arb(fmpq(q.numerator, q.denominator))


def ball_case(case: Case) -> Case:
    """A rational case as Arb balls, with the true exponential."""
    table = lambda rows: [[to_ball(q) for q in row] for row in rows]
    rewards, v, alphas = table([case.rewards, case.v, case.alphas])
    features, A, gamma = table(case.features), table(case.A), to_ball(case.gamma)
    return Case(case.states, rewards, features, v, gamma, alphas, A, exp=lambda t: t.exp(), endings=case.endings)


def tied(case: Case) -> Case:
    """The same step size in every layer."""
    return replace(case, alphas=[case.alphas[0]] * case.depth)


def float_name(case: Case) -> str:
    """A case of floats: all of it when it is small."""
    small = case.n <= 3 and case.d <= 2
    return (
        str(case)
        if small
        else f"n = {case.n}, d = {case.d}, {len(case.visited)} states visited, γ = {shown(case.gamma)}, α = {shown(case.alphas[0])}"
    )


def in_floats(given: Any) -> Any:
    """A tuple with names of rational numbers, arrays and lists of them, in floats; None stays."""
    return given._make(None if entry is None else _in_floats(entry) for entry in given)


def _in_floats(entry: Any) -> Any:
    number = np.array(entry, float)
    return number if isinstance(entry, np.ndarray) else number.tolist()


def as_floats(cases: Iterable[Case]) -> Iterator[Case]:
    """Rational cases in floats, with the true exponential."""
    floats = lambda table: [list(map(float, row)) for row in table]
    for case in cases:
        rewards, v, alphas = floats([case.rewards, case.v, case.alphas])
        features, A = floats(case.features), floats(case.A)
        yield Case(
            case.states, rewards, features, v, float(case.gamma), alphas, A, told=case.told, endings=case.endings
        )
