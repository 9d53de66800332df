"""What is found: the layer's operator on the context, what the theorems promise, what happens, and what would help."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, chain
from typing import NamedTuple, cast, overload

import numpy as np

from icrl.diagnose.reading import Task, listed, many, of_one_length, read_as
from icrl.mrp import Context, MarkovRewardProcess, Outcomes, endless_states, integer, number
from icrl.operator import Operator, layer_operator, target_floor, value_floor, worthwhile_depth
from icrl.tasks import one_hot

STEP, DEPTH, CONFIDENCE = 1.0, 20, 0.95
"""What is taken when nothing is asked: α, L, 1 − δ."""

MOST_STATES = 2000
"""The most states visited that are examined: what takes a minute or two, and ten where every remedy is tried."""

LONGEST = 1_000_000
"""The longest context that is sampled to see whether it helps."""

SOFTER, SHARPER = (2, 4, 8, 16, 32, 64, 256, 1024, 4096), (2, 4, 8, 16, 32, 64)
"""By what the sharpness is divided and multiplied in search of one with which depth converges."""

LATER = (2, 4, 8, 16, 32, 64)
"""By what the horizon is multiplied in search of one that leaves no state only cut in."""

UNPLANNED = "a --length so found was not fixed in advance, so F's confidence is not claimed for it"
"""What is said where a length is offered that was found by looking at what was drawn."""

FEW = 300
"""Up to so many states visited all of these are tried, beyond it every third."""

DEEPEST = 60
"""Depths are at most 2^60."""

ROUNDING = 1e-12
"""The distance from a limit, relative to the size of the values, below which all is rounding."""


@dataclass(frozen=True, eq=False)
class Modes:
    """What floats tell of the directions in which an error moves: an error along λ is multiplied by 1 − αλ in a layer.

    ``known``: (k,), eigenvalues of H, complex; 1 − γ is among them where no transition terminates. ``hidden``: how many more there are, not 0 but so near that
    rounding hides their sign. ``still``: how many are 0, so that an error along them never moves. ``slack``: how far rounding
    may move H.

    Made by :func:`modes`.
    """

    known: np.ndarray
    hidden: int
    still: int
    slack: float

    def rate(self, step: float) -> float:
        """max |1 − αλ| over the known λ: by what a layer multiplies the error in the long run."""
        return float(np.abs(1 - step * self.known).max())

    @property
    def step_limit(self) -> float:
        """sup {α > 0 : every |1 − αλ| < 1} = min 2 Re λ/|λ|² over the known λ; 0 if some Re λ ≤ 0."""
        return float(np.maximum(0, 2 * self.known.real / np.abs(self.known) ** 2).min())

    @property
    def best_step(self) -> float:
        """About the step with the best rate, of two digits, from a grid of 200 below the limit."""
        grid = [float(f"{step:.2g}") for step in np.linspace(0, self.step_limit, 202)[1:-1]]
        return min((step for step in grid if step < self.step_limit), key=self.rate)

    def converges(self, step: float) -> bool | None:
        """Whether |1 − αλ| < 1, that is α|λ|² < 2 Re λ, for every λ ≠ 0; None where rounding hides it."""
        excess = step * np.abs(self.known) ** 2 - 2 * self.known.real
        room = 2 * (1 + step * np.abs(self.known)) * self.slack
        if (excess > room).any():
            return False
        return None if self.hidden or (excess >= -room).any() else True


def modes(layer: Operator, features: np.ndarray) -> Modes:
    """The modes of a layer made of these ``features``, (|S|, d).

    The true rank of M̂, and so of H, is the number of distinct features among the states left: exp of the inner product is a
    strictly positive definite kernel. What floats show of it are the singular values of H above the slack.
    """
    M, eigenvalues = layer.M, layer.spectrum
    x = features[layer.states] + 0.0  # + 0.0: a zero without a sign
    moved = (
        np.abs(x) @ np.abs(x).T * M * (1 - M)
    )  # by the rounding of the scores, through the derivative of the softmax
    slack = 8 * np.finfo(float).eps * (len(M) + moved.sum(axis=1).max())
    shown = min((np.linalg.svd(layer.H, compute_uv=False) > slack).sum(), np.count_nonzero(eigenvalues))
    rank = len(np.unique(x[layer.counts > 0], axis=0))
    known = eigenvalues[np.argsort(-np.abs(eigenvalues))][:shown]
    if not layer.terminating.any():  # then P̂1 = 1 and H1 = (1 − γ)1, whatever rounding hides
        known = np.append(known, 1 - layer.gamma)
    return Modes(known, max(0, rank - int(shown)), len(M) - max(rank, int(shown)), float(slack))


@dataclass(frozen=True)
class Remedy:
    """A change that was tried: what it is, the ``flags`` of the command that make it ("" where none do), and what comes of it.

    ``step``: the step with it, the one asked for unless only a smaller one converges. ``spectral_radius``: ρ(G) with that step.
    ``step_limit``: the step below which depth converges to v_CE, 0 where none does.
    """

    change: str
    flags: str
    step: float
    spectral_radius: float
    step_limit: float

    @property
    def layers(self) -> float:
        """How many layers divide the error by ten, infinity where none do."""
        ten = layers_for_ten(self.spectral_radius) if self.step_limit > 0 else None
        return math.inf if ten is None else ten


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What there is to say of a task, from v₀ = 0; arrays (W,) have an entry for each state visited, ``operator.states``.

    ``features``: (|S|, d), and what they are ``called``. ``operator``: of a layer on the context. ``step``: α > 0.
    ``depth``: L ≥ 0. ``delta``: δ in (0, 1), the probability with which bound F may fail. ``sharpness``: β of the features, as
    :func:`~icrl.diagnose.reading.make_features` takes it, None where it is not known. ``remedies``: what was tried.

    Made by :func:`diagnose`.
    """

    task: Task
    features: np.ndarray
    called: str
    operator: Operator
    step: float
    depth: int
    delta: float
    sharpness: float | None = None
    remedies: tuple[Remedy, ...] = ()

    @cached_property
    def modes(self) -> Modes:
        """What floats tell of the eigenvalues of H."""
        return modes(self.operator, self.features)

    @cached_property
    def converges(self) -> bool | None:
        """Whether the layers converge from every v₀, to a limit that may depend on it; None where rounding hides it."""
        told = self.modes.converges(self.step)
        return None if told and self.operator.limit(self.step) is None else told

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
        """By what the error is multiplied a layer in the long run, see :meth:`Modes.rate`."""
        return self.modes.rate(self.step)

    @property
    def step_limit(self) -> float | None:
        """The step below which depth converges, see :attr:`Modes.step_limit`; None where rounding hides whether there is one."""
        return None if self.modes.hidden and self.modes.step_limit > 0 else self.modes.step_limit

    @cached_property
    def limit(self) -> np.ndarray | None:
        """lim v_L, (W,), None where there is none, or none for certain."""
        return self.operator.limit(self.step) if self.converges else None

    @cached_property
    def certainty(self) -> np.ndarray | None:
        """v_CE, (W,), a fixed point even where depth diverges; None where a state was never left."""
        return self.operator.certainty_equivalence() if self.operator.covered else None

    @property
    def to_certainty(self) -> bool:
        """Whether the limit is v_CE: it exists, and depends neither on v₀ nor on the features."""
        return bool(self.converges) and self.modes.still == 0

    @property
    def target(self) -> np.ndarray | None:
        """From what the distance left is measured, (W,): the limit, or else the fixed point, if there is either."""
        return self.certainty if self.limit is None else self.limit

    @cached_property
    def true_value(self) -> np.ndarray | None:
        """v^π at the states visited, (W,), where the process is known."""
        return None if self.task.process is None else self.task.process.value()[self.operator.states]

    @cached_property
    def value(self) -> np.ndarray | None:
        """v_L, (W,), None where it has left the range of floats."""
        return after(self.operator, np.zeros(len(self.operator.states)), self.step, self.depth)

    @property
    def lengths(self) -> tuple[float, float]:
        """The shortest and the longest feature, min and max ‖x(s)‖."""
        lengths = np.linalg.norm(self.features, axis=1)
        return float(lengths.min()), float(lengths.max())

    @property
    def never_left(self) -> list[str]:
        """The states visited that no transition leaves: in each of them a trajectory was cut."""
        return [self.task.labels[s] for s in self.operator.states[self.operator.counts == 0]]

    @property
    def mean_return(self) -> float | None:
        """The mean return Σ_k γ^k R_{k+1} of the trajectories that terminated, None if none did."""
        context, lengths = self.task.context, [length for length, _ in self.task.context.endings]
        paid = zip(np.split(context.rewards, np.cumsum(lengths)[:-1]), context.endings)
        returns = [R @ self.task.discount ** np.arange(len(R)) for R, (_, terminated) in paid if terminated]
        return float(np.mean(returns)) if returns else None

    @property
    def value_of_first_states(self) -> float | None:
        """The mean of v_CE over the first states of the trajectories: at γ = 1 :attr:`mean_completed_return`."""
        return None if self.certainty is None else float(self._certainty_at(self.task.context.firsts).mean())

    @property
    def mean_completed_return(self) -> float | None:
        """The mean return of all trajectories, v_CE of the last state added to that of each that was cut; None unless γ = 1."""
        context = self.task.context
        if self.task.discount < 1 or self.certainty is None:
            return None
        cut = [not terminated for _, terminated in context.endings]
        return float(context.rewards.sum() + self._certainty_at(context.lasts[cut]).sum()) / len(cut)

    def _certainty_at(self, columns: np.ndarray) -> np.ndarray:
        """v_CE at the states in these columns of the context, (k,), where there is one."""
        values = cast(np.ndarray, self.certainty)
        return values[np.searchsorted(self.operator.states, self.task.context.states[columns])]

    @property
    def theorem_applies(self) -> bool:
        """Whether c > 0 (where transitions terminate, c′) and α ≤ 1/max M̂(s,s), so that the contraction theorem applies."""
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
        rate, first = self.promised_rate, self.first_error
        return None if rate is None or first is None else rate**self.depth * first

    @property
    def rounding(self) -> float | None:
        """The distance from the target below which all is rounding: 1e-12 of the largest value."""
        return None if self.target is None else float(ROUNDING * np.abs(self.target).max())

    @cached_property
    def bound(self) -> float | None:
        """F, within which v_CE is of v^π with probability 1 − δ: of noisy rewards from the ranges of the targets, or else from the span.

        None without coverage, where a reward is neither r(S_t) nor drawn from known outcomes, where the rewards bound no value,
        and where there is another limit than v_CE.
        """
        task, layer, process = self.task, self.operator, self.task.process
        if not layer.covered or (self.limit is not None and not self.to_certainty):
            return None
        if task.noisy and process is not None:
            ranges = target_ranges(process, layer.states)
            return target_floor(layer, ranges, self.delta, len(task.labels), task.context.n)
        if not task.reward_by_state or math.isinf(task.span):
            return None
        return value_floor(layer, task.span, self.delta, len(task.labels), task.context.n)

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
        limit, off = self.limit, distance(self.limit, self.true_value)
        return None if limit is None or off is None else first_depth(self.operator, self.step, limit, off)

    @property
    def promised_worth(self) -> int | None:
        """L*(n): from where on the theorem promises that the distance left is at most the floor."""
        first, rate = self.first_error, self.promised_rate
        if not self.theorem_applies or not self.floor or first is None or rate is None:
            return None
        return None if rate == 1 else worthwhile_depth(first, self.floor, rate)  # 1: 1 − αc of a tiny step, rounded


def target_ranges(process: MarkovRewardProcess, states: np.ndarray) -> np.ndarray:
    """ω at these ``states``, (k,): the largest less the smallest target R + γ v^π(S') among the outcomes that are possible.

    ``process``: with outcomes. v^π is 0 in a terminal state. None of the ``states`` is one.
    """
    v, outcomes = process.value(), [cast(tuple[Outcomes, ...], process.outcomes)[s] for s in states]
    targets = [here.reward + process.discount * v[here.next_state] for here in outcomes]
    return np.array([np.ptp(target[here.probability > 0]) for target, here in zip(targets, outcomes)])


def layers_for_ten(rate: float) -> float | None:
    """How many layers divide the error by ten, ln 10/(−ln rate), at a rate below 1; None at others."""
    return None if rate >= 1 else 0.0 if rate == 0 else -math.log(10) / math.log(rate)


@overload
def distance(v: np.ndarray, w: np.ndarray) -> float: ...
@overload
def distance(v: np.ndarray | None, w: np.ndarray | None) -> float | None: ...
def distance(v: np.ndarray | None, w: np.ndarray | None) -> float | None:
    """‖v − w‖_∞ of values (W,), None where there is only one of them."""
    return None if v is None or w is None else float(np.abs(v - w).max())


def after(layer: Operator, v: np.ndarray, step: float, depth: int) -> np.ndarray | None:
    """v, (W,), after ``depth`` more layers, None where that has left the range of floats."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return layer.iterate(v, step, depth)
    except ValueError:
        return None


def first_depth(layer: Operator, step: float, limit: np.ndarray, floor: float) -> int | None:
    """The first L with ‖v_L − limit‖_∞ ≤ floor, ``limit`` (W,), from v₀ = 0, where the error decreases; None if rounding hides it.

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
    features: np.ndarray,
    called: str = "given features",
    step: float = STEP,
    depth: int = DEPTH,
    confidence: float = CONFIDENCE,
    tell: Callable[[str], None] = lambda line: None,
    sharpness: float | None = None,
) -> Diagnosis:
    """Examine a task; ``tell`` hears what is being done.

    ``features``: (|S|, d), ``called`` so. ``step``: α in (0, 1e9]. ``depth``: L, 0 to 2^60. ``confidence``: 1 − δ, in (0, 1).
    ``sharpness``: β of these features, for the flags that change it.

    Raises ``ValueError`` for arguments that are not that, for more than ``MOST_STATES`` states visited, for rewards
    near the largest floats, and at γ = 1 where a state visited reaches no termination in the context.
    """
    δ = 1 - number("confidence", confidence, "(0, 1)")
    visited = task.context.visited.size
    if visited > MOST_STATES:
        raise ValueError(f"the context must visit at most {MOST_STATES} states, got {visited}")
    largest, most = np.abs(task.context.rewards).max(), 1e150 * max(1 - task.discount, np.finfo(float).eps)
    if largest > most:
        allowed = "1e150 (1 - discount)" if task.discount < 1 else f"{most:.2g}, at discount 1,"
        raise ValueError(
            f"rewards must be at most {allowed} in size, got {largest:g}: a float could not hold the values"
        )
    if integer("depth", depth, 0) > 2**DEEPEST:
        raise ValueError(f"depth must be at most 2^{DEEPEST}, got {depth}")
    tell(f"the operator of a layer on {many(visited, 'state')}")
    layer = layer_operator(task.context, features, task.discount)
    _check_endings(task, layer)
    found = Diagnosis(task, features, called, layer, number("step", step, "(0, 1e9]"), depth, δ, sharpness)
    tell(f"the eigenvalues of a layer on {many(visited, 'state')}")
    _ = found.converges
    tell(f"{many(depth, 'layer')}, and the depth worth using")
    _ = found.limit, found.value, found.worth, found.worth_in_truth
    return found if found.to_certainty else replace(found, remedies=tuple(_tried(found, tell)))


def _check_endings(task: Task, layer: Operator) -> None:
    """Raise ``ValueError`` where the discount is 1 and states visited reach no termination in the context, so that there is no v_CE."""
    if task.discount < 1 or not (endless := endless_states(layer.transition > 0, layer.terminating > 0)).size:
        return
    names = listed([task.labels[s] for s in layer.states[endless]])
    ways = _longer_horizon(task, names) or ": take a longer context"
    if (end := kept_end(task.context, ending=True)) is not None:
        flag = "" if task.sample is None else f" (--length {end})"
        ways += f", or end this one after {many(end, 'transition')}{flag}"
    unplanned = f"; {UNPLANNED}" if "--length" in ways else ""
    raise ValueError(
        f"at discount 1 every state visited must reach a termination in the context, got none from {names}{ways}{unplanned}"
    )


def _longer_horizon(task: Task, names: str) -> str:
    """What is said after the ``names`` of states that reach no termination where the horizon cut episodes in states that were never left, or else ""."""
    context = task.context
    by_horizon = [not terminated and length == task.horizon for length, terminated in context.endings]
    cut = np.setdiff1d(context.states[context.lasts[by_horizon]], context.sources)
    if not cut.size:
        return ""
    where = listed([task.labels[s] for s in cut])
    such_as = next((f", such as {flags}" for _, flags, _ in _later(task)), "")
    return f"{'' if where == names else f', for want of a way on from {where}'}, where episodes were cut: take a longer --horizon{such_as}"


# What to change


def covered_end(context: Context, ending: bool = False) -> int | None:
    """The largest m such that the first m transitions leave every state they visit, and with ``ending`` lead from it to a termination.

    None if no m has it. An m where a trajectory goes on cuts it there.
    """
    W, place = np.unique(context.states, return_inverse=True)
    before, after, ends = place[context.columns], place[context.columns + 1], context.terminated
    ready = _ready(before, after, ends, len(W), ending)
    needed = np.maximum.accumulate(np.maximum(ready[before], np.where(ends, 0, ready[after])))
    whole = np.flatnonzero(needed <= np.arange(1, context.n + 1))
    return int(whole[-1]) + 1 if whole.size else None


def kept_end(context: Context, ending: bool = False) -> int | None:
    """The same, but None where of several trajectories less than half of the transitions would stay."""
    end = covered_end(context, ending)
    return None if end is not None and len(context.endings) > 1 and 2 * end < context.n else end


def _ready(before: np.ndarray, after: np.ndarray, ends: np.ndarray, n_states: int, ending: bool) -> np.ndarray:
    """After how many transitions each state is left, or with ``ending`` leads to a termination, (W,); n + 1 where it never does.

    With ``ending`` the least, over the transitions out of it, of the later of two: when it was seen, and when its next state is ready.
    """
    ready = np.full(n_states, len(before) + 1)
    _, first = np.unique((before * n_states + after) * 2 + ends, return_index=True)  # each move when it was first seen
    before, after, ends, seen = before[first], after[first], ends[first], first + 1
    while True:
        sooner = ready.copy()
        np.minimum.at(sooner, before, np.maximum(seen, np.where(ends, 0, ready[after])) if ending else seen)
        if (sooner == ready).all():
            return ready
        ready = sooner


class Trial(NamedTuple):
    """What may be tried: its words, its flags, and the context and the features, (|S|, d), with it."""

    change: str
    flags: str
    context: Context
    features: np.ndarray

    def also(self, change: str, flags: str, features: np.ndarray) -> Trial:
        """The same with other features, (|S|, d)."""
        return Trial(
            f"{self.change}, and {change}" if self.change else change,
            f"{self.flags} {flags}".strip(),
            self.context,
            features,
        )


def _tried(found: Diagnosis, tell: Callable[[str], None]) -> list[Remedy]:
    """The remedies: those that help, the quickest first, then the rest.

    Of a context that is not covered, the end is cut off first; if depth then converges at the step asked for, a longer horizon
    is all else that is tried.
    """
    rows: Iterable[tuple[str, Iterable[Trial]]]
    base = Trial("", "", found.task.context, found.features) if found.operator.covered else _cut(found)
    if base is None:
        tried, rows = [], chain(_later_row(found), _longer(found))
    elif found.operator.covered:
        shorter = _outcome(found, found.operator, found.modes, base._replace(change="a smaller step"))
        tried, rows = [shorter] if shorter.step_limit > 0 else [], chain(_feature_rows(found, base), _longer(found))
    else:
        tried = [_attempt(found, base)]
        cured = tried[0].step_limit > 0 and tried[0].step == found.step
        others = () if cured else chain(_feature_rows(found, base), _longer(found))
        rows = chain(_later_row(found), others)
    return sorted([*tried, *(_best(found, name, row, tell) for name, row in rows)], key=lambda remedy: remedy.layers)


def _attempt(found: Diagnosis, trial: Trial) -> Remedy:
    """What comes of a trial."""
    layer = layer_operator(trial.context, trial.features, found.task.discount)
    return _outcome(found, layer, modes(layer, trial.features), trial)


def _outcome(found: Diagnosis, layer: Operator, seen: Modes, trial: Trial) -> Remedy:
    """What comes of a trial with this layer, at the step asked for or, where only a smaller one converges, about the best."""
    limit = 0.0 if seen.hidden or seen.still else seen.step_limit
    if limit == 0 or seen.converges(found.step):
        return Remedy(trial.change, trial.flags, found.step, layer.spectral_radius(found.step), limit)
    step = seen.best_step
    return Remedy(trial.change, f"{trial.flags} --step {step:g}".strip(), step, layer.spectral_radius(step), limit)


def _best(found: Diagnosis, name: str, trials: Iterable[Trial], tell: Callable[[str], None]) -> Remedy:
    """The first of these trials whose rate no other much improves on; if none helps, that, by the name of them all."""
    tried = []
    for trial in trials:
        tell(f"trying: {trial.change}")
        tried.append(_attempt(found, trial))
    best = min(tried, key=lambda remedy: float(f"{remedy.layers:.2g}"))
    return best if best.step_limit > 0 else replace(best, change=name, flags="")


def _cut(found: Diagnosis) -> Trial | None:
    """The context without its end, which nothing follows; None where no state comes back, or too little would stay."""
    context, end = found.task.context, kept_end(found.task.context)
    if end is None:
        return None
    state = read_as(found.task.labels[context.after[end - 1]])
    where = "where an episode terminates" if context.terminated[end - 1] else f"in state {state}, which was left"
    words = f"end {many(context.n - end, 'transition')} earlier, {where}"
    return Trial(words, "" if found.task.sample is None else f"--length {end}", until(context, end), found.features)


def _feature_rows(found: Diagnosis, base: Trial) -> Iterator[tuple[str, Iterable[Trial]]]:
    """Other features, by kind: softer, sharper, of one length, one-hot; in each kind the mildest change first."""
    x, file, few = found.features, found.task.features, len(found.operator.states) <= FEW
    softer, factors = (SOFTER, SHARPER) if few else (SOFTER[2::3], SHARPER[2::3])
    most = factors[-1]
    row = [_sharpened(found, base, 1 / k, f"features 1/{k} as sharp") for k in softer]
    yield f"features 1/{softer[0]} to 1/{softer[-1]} as sharp", row
    row = [_sharpened(found, base, k, f"features {k} times as sharp") for k in factors]
    yield f"features {factors[0]} to {most} times as sharp", row
    if found.lengths[0] > 0 and np.ptp(found.lengths) > 1e-9 * found.lengths[1]:
        unit = of_one_length(x)
        typed = file is not None and np.linalg.norm(file, axis=1).min() > 0 and np.allclose(unit, of_one_length(file))
        flags = "--features unit --sharpness {}" if typed else ""
        row = [
            base.also(f"features of one length, sharpness {k}", flags.format(k), np.sqrt(k) * unit)
            for k in (1, *factors)
        ]
        yield f"features of one length, sharpness 1 to {most}", row
    if len(x) != len(x.T) or not np.allclose(x, x[0, 0] * np.eye(len(x))):
        row = [
            base.also(f"one-hot features of sharpness {k}", f"--features one-hot --sharpness {k}", one_hot(len(x), k))
            for k in (1, *factors)
        ]
        yield f"one-hot features of sharpness 1 to {most}", row


def _sharpened(found: Diagnosis, base: Trial, factor: float, words: str) -> Trial:
    """The same features ``factor`` times as sharp, to the digits of the flag where there is one."""
    if found.sharpness is None:
        return base.also(words, "", np.sqrt(factor) * found.features)
    flag = f"{factor * found.sharpness:g}"
    return base.also(words, f"--sharpness {flag}", np.sqrt(float(flag) / found.sharpness) * found.features)


def _longer(found: Diagnosis) -> Iterator[tuple[str, Iterable[Trial]]]:
    """Contexts 10 and 100 times as long, where the task can be sampled, ending in a state that was left."""
    lengths = [n for n in (10 * found.task.context.n, 100 * found.task.context.n) if n <= LONGEST]
    contexts = map(found.task.sample, lengths) if found.task.sample is not None else ()
    ending = found.task.discount == 1
    ends = [(kept_end(context, ending), context) for context in contexts if context.visited.size <= MOST_STATES]
    row = [
        Trial(f"a context of {end:,} transitions", f"--length {end}", until(context, end), found.features)
        for end, context in ends
        if end
    ]
    if row:
        yield f"a context 10 to {10 ** len(lengths)} times as long", row


def _later_row(found: Diagnosis) -> Iterator[tuple[str, Iterable[Trial]]]:
    """Longer horizons, where there is one and the task can be sampled."""
    row = [Trial(change, flags, context, found.features) for change, flags, context in _later(found.task)]
    if row:
        yield f"a horizon {LATER[0]} to {LATER[-1]} times as long", row


def _later(task: Task) -> Iterator[tuple[str, str, Context]]:
    """Words, flags and contexts as long as this one with a longer horizon, until the end where all that is visited is left."""
    n = task.context.n
    if task.sample is None or task.horizon is None or n > LONGEST:
        return
    for horizon in (task.horizon * k for k in LATER if task.horizon * k < 2 * n):  # from n on nothing more changes
        context = task.sample(n, horizon)
        end = kept_end(context, task.discount == 1)
        if end is not None and context.visited.size <= MOST_STATES:
            words, flags = f"a horizon of {many(horizon, 'transition')}", f"--horizon {horizon}"
            if end < n:
                words, flags = f"{words} and a context of {end:,}", f"{flags} --length {end}"
            yield words, flags, until(context, end)


def until(context: Context, end: int) -> Context:
    """The first ``end`` transitions; a trajectory that goes on there is cut."""
    begins = accumulate((length for length, _ in context.endings), initial=0)
    kept = [
        (min(length, end - begin), terminated and begin + length <= end)
        for begin, (length, terminated) in zip(begins, context.endings)
        if begin < end
    ]
    return Context(context.states[: context.columns[end - 1] + 2], context.rewards[:end], kept)
