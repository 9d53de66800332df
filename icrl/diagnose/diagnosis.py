"""What is found: the layer's operator on the context, what the theorems promise, what happens, and what would help."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from icrl.diagnose.task import Task
from icrl.mrp import Context, integer, number
from icrl.operator import Operator, layer_operator, value_floor, worthwhile_depth
from icrl.tasks import one_hot

STEP, DEPTH, CONFIDENCE = 1.0, 20, 0.95
"""What is taken when nothing is asked: α, L, 1 − δ."""

MOST_STATES = 2000
"""The most states visited that are examined: what takes a minute or two."""

LONGEST = 1_000_000
"""The longest context that is sampled to see whether it helps."""

SHARPER = (1, 2, 4, 8, 16, 32, 64)
"""The factors by which the sharpness is multiplied in search of one with which depth converges."""

DEEPEST = 60
"""Depths are at most 2^60."""

ROUNDING = 1e-12
"""The distance from a limit, relative to its size, and the size of an eigenvalue, below which all is rounding."""


@dataclass(frozen=True)
class Remedy:
    """A change that was tried: what it is, ρ(G) with it, and the step below which depth converges to v_CE (0: none)."""

    change: str
    spectral_radius: float
    step_limit: float


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What there is to say of a task, from v₀ = 0; arrays have an entry for each state visited, ``operator.states``.

    ``features``: (|S|, d), and what they are ``called``. ``operator``: of a layer on the context. ``step``: α > 0.
    ``depth``: L ≥ 0. ``delta``: δ in (0, 1), the probability with which bound F may fail. ``remedies``: what was tried.

    Made by :func:`diagnose`.
    """

    task: Task
    features: Float[np.ndarray, "S d"]
    called: str
    operator: Operator
    step: float
    depth: int
    delta: float
    remedies: tuple[Remedy, ...] = ()

    @cached_property
    def norm(self) -> float:
        """‖G‖_∞."""
        return float(self.operator.norm(self.step))

    @cached_property
    def spectral_radius(self) -> float:
        """ρ(G)."""
        return self.operator.spectral_radius(self.step)

    @property
    def rate(self) -> float:
        """By what the error is multiplied a layer in the long run, see :func:`rate`."""
        return rate(self.operator, self.step)

    @property
    def step_limit(self) -> float:
        """The step below which depth converges, see :func:`step_limit`."""
        return step_limit(self.operator)

    @cached_property
    def limit(self) -> Float[np.ndarray, " W"] | None:
        """lim v_L, None where there is none."""
        return self.operator.limit(self.step)

    @cached_property
    def certainty(self) -> Float[np.ndarray, " W"] | None:
        """v_CE, a fixed point even where depth diverges; None where a state was never left."""
        return self.operator.certainty_equivalence() if self.operator.covered else None

    @property
    def to_certainty(self) -> bool:
        """Whether the limit is v_CE: it exists, and depends neither on v₀ nor on the features."""
        return self.limit is not None and self.operator.covered and self.spectral_radius < 1

    @property
    def target(self) -> Float[np.ndarray, " W"] | None:
        """From what the distance left is measured: the limit, or else the fixed point, if there is either."""
        return self.certainty if self.limit is None else self.limit

    @cached_property
    def true_value(self) -> Float[np.ndarray, " W"] | None:
        """v^π where the process is known."""
        return None if self.task.process is None else self.task.process.value()[self.operator.states]

    @cached_property
    def value(self) -> Float[np.ndarray, " W"] | None:
        """v_L, None where it has left the range of floats."""
        return after(self.operator, np.zeros(len(self.operator.states)), self.step, self.depth)

    @property
    def never_left(self) -> list[str]:
        """The states visited that no transition leaves."""
        return [self.task.labels[s] for s in self.operator.states[self.operator.counts == 0]]

    @property
    def theorem_applies(self) -> bool:
        """Whether c > 0 and α ≤ 1/max M̂(s,s), so that the contraction theorem applies."""
        return bool(self.operator.margin > 0 and self.step * np.diag(self.operator.M).max() <= 1)

    @property
    def promised_rate(self) -> float | None:
        """What every layer multiplies the error by at most: 1 − αc where the theorem applies, or ‖G‖_∞ if that is below 1."""
        if self.theorem_applies:
            return 1 - self.step * self.operator.margin
        return self.norm if self.norm < 1 else None

    @property
    def first_error(self) -> float | None:
        """‖v₀ − limit‖_∞."""
        return distance(np.zeros(len(self.operator.states)), self.target)

    @property
    def predicted(self) -> float | None:
        """What ‖v_L − v_CE‖_∞ is at most: the promised rate to the power L, times ‖v₀ − v_CE‖_∞; None without such a rate."""
        return None if self.promised_rate is None else self.promised_rate**self.depth * self.first_error

    @cached_property
    def bound(self) -> float | None:
        """F, within which v_CE is of v^π with probability 1 − δ.

        None without coverage, where a reward is not r(S_t), and where there is another limit than v_CE.
        """
        if not self.operator.covered or not self.task.reward_by_state or (self.limit is not None and not self.to_certainty):
            return None
        return float(value_floor(self.operator, self.task.span, self.delta, len(self.task.labels), self.task.context.n))

    @property
    def floor(self) -> float | None:
        """What no depth improves on: F, or where it does not apply the limit's distance from v^π, if that is known."""
        return distance(self.limit, self.true_value) if self.bound is None else self.bound

    @cached_property
    def worth(self) -> int | None:
        """The first depth at which the distance left to the limit is at most the floor; None without limit or floor."""
        if self.floor is None or self.limit is None:
            return None
        return first_depth(self.operator, self.step, self.limit, self.floor)

    @cached_property
    def worth_in_truth(self) -> int | None:
        """The same with the limit's distance from v^π for the floor, where that is known."""
        off = distance(self.limit, self.true_value)
        return None if off is None else first_depth(self.operator, self.step, self.limit, off)

    @property
    def promised_worth(self) -> int | None:
        """L*(n): from where on the theorem promises that the distance left is at most the floor."""
        if not self.theorem_applies or not self.floor:
            return None
        return worthwhile_depth(self.first_error, self.floor, self.promised_rate)


def rate(layer: Operator, step: float) -> float:
    """max |1 − αλ| over the eigenvalues λ ≠ 0 of H, of which 1 − γ is always one: an error along the others never moves."""
    return float(np.abs(1 - step * layer.spectrum[layer.spectrum != 0]).max())


def step_limit(layer: Operator) -> float:
    """sup {α > 0 : every |1 − αλ| < 1} = min 2 Re λ/|λ|² over the eigenvalues λ ≠ 0 of H; 0 if some Re λ ≤ 0."""
    moving = layer.spectrum[layer.spectrum != 0]
    return float(np.maximum(0, 2 * moving.real / np.abs(moving) ** 2).min())


def best_step(layer: Operator) -> float:
    """About the step with the best rate, on a grid of 200 below the limit."""
    return float(min(np.linspace(0, step_limit(layer), 202)[1:-1], key=lambda step: rate(layer, step)))


def distance(v: Float[np.ndarray, " W"] | None, w: Float[np.ndarray, " W"] | None) -> float | None:
    """‖v − w‖_∞, None where there is only one of them."""
    return None if v is None or w is None else float(np.abs(v - w).max())


def after(layer: Operator, v: Float[np.ndarray, " W"], step: float, depth: int) -> Float[np.ndarray, " W"] | None:
    """v after ``depth`` more layers, None where that has left the range of floats."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return layer.iterate(v, step, depth)
    except ValueError:
        return None


def first_depth(layer: Operator, step: float, limit: Float[np.ndarray, " W"], floor: float) -> int | None:
    """The first L with ‖v_L − limit‖_∞ ≤ floor, from v₀ = 0, where the error decreases; None if rounding hides it.

    A binary search: the depth grows by powers of two, from the largest down, as long as the error stays above the floor.
    """
    v, depth = np.zeros(len(limit)), 0
    if floor <= ROUNDING * distance(v, limit):
        return None
    if distance(v, limit) <= floor:
        return 0
    reached = next((k for k in range(DEEPEST) if distance(layer.iterate(v, step, 2**k), limit) <= floor), None)
    for k in reversed(range(reached or 0)):
        further = layer.iterate(v, step, 2**k)
        if distance(further, limit) > floor:
            v, depth = further, depth + 2**k
    return None if reached is None else depth + 1


def diagnose(
    task: Task,
    features: Float[np.ndarray, "S d"],
    called: str = "given features",
    step: float = STEP,
    depth: int = DEPTH,
    confidence: float = CONFIDENCE,
    tell: Callable[[str], None] = lambda line: None,
) -> Diagnosis:
    """Examine a task; ``tell`` hears what is being done.

    ``features``: (|S|, d), ``called`` so. ``step``: α in (0, 1e9]. ``depth``: L, 0 to 2^60. ``confidence``: 1 − δ, in (0, 1).

    Raises ``ValueError`` for arguments that are not that, for more than ``MOST_STATES`` states visited, and for rewards
    near the largest floats.
    """
    δ = 1 - number("confidence", confidence, "(0, 1)")
    visited = task.context.visited.size
    if visited > MOST_STATES:
        raise ValueError(f"the context must visit at most {MOST_STATES} states, got {visited}")
    largest = np.abs(task.context.rewards).max()
    if largest > 1e150 * (1 - task.discount):
        raise ValueError(f"rewards must be at most 1e150 (1 - discount) in size, got {largest:g}: a float could not hold the values")
    if integer("depth", depth, 0) > 2**DEEPEST:
        raise ValueError(f"depth must be at most 2^{DEEPEST}, got {depth}")
    tell(f"the operator of a layer on {visited} states, and its eigenvalues")
    layer = layer_operator(task.context, features, task.discount)
    found = Diagnosis(task, features, called, layer, number("step", step, "(0, 1e9]"), depth, δ)
    tell(f"{depth:,} layers, and the depth worth using")
    _ = found.limit, found.value, found.worth, found.worth_in_truth
    if found.limit is None or not layer.covered:
        return replace(found, remedies=tuple(_tried(found, tell)))
    return found


# What to change


def covered_end(context: Context) -> int | None:
    """The largest m with S_m in {S_0, …, S_{m−1}}: there the context can end with every state left; None if no m has it."""
    _, first, place = np.unique(context.states, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[place] < np.arange(context.n + 1))
    return int(again[-1]) if again.size else None


def _tried(found: Diagnosis, tell: Callable[[str], None]) -> Iterator[Remedy]:
    """Each change that might help, tried; of a row of ever stronger ones the first that helps, or else the last."""
    for changes in _changes(found):
        for change, context, features in changes:
            tell(f"trying: {change}")
            layer = layer_operator(context, features, found.task.discount)
            singular = np.abs(layer.spectrum).min() < ROUNDING  # of M̂: an error along it would not move
            remedy = Remedy(change, layer.spectral_radius(found.step), 0.0 if singular else layer.step_limit)
            if remedy.step_limit > 0:
                break
        yield remedy


def _changes(found: Diagnosis) -> Iterator[Iterable[tuple[str, Context, Float[np.ndarray, "S d"]]]]:
    """The rows of changes to try: what to change, the context then, the features then."""
    context, x = found.task.context, found.features
    longer = found.task.process is not None and 10 * context.n <= LONGEST
    if not found.operator.covered:
        end = covered_end(context)
        if end is not None:
            earlier, state = many(context.n - end, "transition"), found.task.labels[context.states[end]]
            context = Context(context.states[: end + 1], context.rewards[:end])
            yield [(f"end {earlier} earlier, in state {state}, which was left", context, x)]
        elif longer:
            yield _longer(found)
    if layer_operator(context, x, found.task.discount).step_limit > 0:
        return
    yield ((f"features {k} times as sharp", context, np.sqrt(k) * x) for k in SHARPER[1:])
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    if lengths.min() > 0 and np.ptp(lengths) > 1e-9 * lengths.max():
        yield ((f"features of one length, scores up to {k}", context, np.sqrt(k) * x / lengths) for k in SHARPER)
    yield ((f"one-hot features of sharpness {k}", context, one_hot(len(x), k)) for k in SHARPER)
    if longer:
        yield _longer(found)


def _longer(found: Diagnosis) -> Iterator[tuple[str, Context, Float[np.ndarray, "S d"]]]:
    """Contexts of the same process, 10 and 100 times as long, ending in a state that was left."""
    for n in (10 * found.task.context.n, min(100 * found.task.context.n, LONGEST)):
        context = found.task.process.sample_context(n, np.random.default_rng(0))
        end = covered_end(context) or n
        yield f"a context of {end:,} transitions", Context(context.states[: end + 1], context.rewards[:end]), found.features


def many(count: int, noun: str) -> str:
    """“1 layer”, “1,200 layers”."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
