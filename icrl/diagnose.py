r"""Does depth converge on this task, how fast, and to what: a context examined as the layer sees it.

A :class:`Task` is a context and, where it is known, the process that it was sampled from: a named task, a Gymnasium
environment under a policy, or a file. :func:`diagnose` builds the layer's operator on the states visited,

    v_{l+1} = G v_l + α b̂,    G = I − αM̂ + αγP̂,

and reads off it what the theorems promise and what in truth happens, from v₀ = 0. The rest of the module says so to
people (:func:`report`), machines (:func:`as_json`) and eyes (:func:`figure`). Nothing here prints or writes.

Sources: the book's chapters on depth, context, and when they fail.
"""

from __future__ import annotations

import csv
import io
import json
import math
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from icrl.mrp import Context, MarkovRewardProcess, finite_array, integer, number
from icrl.operator import Operator, layer_operator, value_floor, worthwhile_depth
from icrl.tasks import boyan_chain, from_gymnasium, one_hot, radial, random_mrp, random_unit, ring

NAMED = {
    "boyan": lambda n, discount, rng: boyan_chain(n or 13, discount),
    "ring": lambda n, discount, rng: ring(n or 10, discount=discount),
    "random": lambda n, discount, rng: random_mrp(n or 10, rng, discount),
}
"""The named tasks: a process from its number of states (None: the task's own), its discount and a generator."""

FEATURES = ("file", "one-hot", "random", "radial")
PROCESS_KEYS = ("transition", "reward", "discount", "initial", "features")
TRAJECTORY_KEYS = ("states", "rewards", "discount", "features")
HEADER = ["state", "reward", "next_state"]

LENGTH, DISCOUNT, DIMENSION, SHARPNESS, STEP, DEPTH, CONFIDENCE = 1000, 0.9, 8, 6.0, 1.0, 20, 0.95
"""What is taken when nothing is asked: n, γ, d of random features, β of made ones (a file's are taken as they are), α, L, 1 − δ."""

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


# Tasks


@dataclass(frozen=True, eq=False)
class Task:
    """What is diagnosed. States are numbered from 0, and ``labels[s]`` is how the user calls state s.

    ``name``: the title of the report. ``context``: the experience. ``discount``: γ. ``process``: the MRP that the
    context was sampled from, None where it is not known; then S is taken to be the states visited. ``features``:
    (|S|, d), those that came with the task, if any.
    """

    name: str
    context: Context
    labels: tuple[str, ...]
    discount: float
    process: MarkovRewardProcess | None = None
    features: Float[np.ndarray, "S d"] | None = None

    @property
    def reward_by_state(self) -> bool:
        """Whether every reward seen is r(S_t): the process's, or else the only one seen out of that state."""
        states, rewards = self.context.states[:-1], self.context.rewards
        if self.process is not None:
            return bool((rewards == self.process.reward[states]).all())
        return len(np.unique(np.stack([states, rewards]), axis=1).T) == self.context.sources.size

    @property
    def span(self) -> float:
        """span(v^π) = max v^π − min v^π, or its bound (r_max − r_min)/(1 − γ) from the rewards seen."""
        if self.process is not None:
            return float(np.ptp(self.process.value()))
        return float(np.ptp(self.context.rewards)) / (1 - self.discount)


def read_task(
    name: str,
    *,
    policy: str | None = None,
    make: Mapping[str, Any] | None = None,
    noisy: bool = False,
    states: int | None = None,
    discount: float | None = None,
    length: int | None = None,
    seed: int = 0,
) -> Task:
    """The task called ``name``: one of ``NAMED``, a file that exists or ends in .json or .csv, or a Gymnasium id.

    ``policy``: ``"uniform"`` or a JSON file (:func:`read_policy`), ``make``: options of ``gymnasium.make``, ``noisy``:
    the environment's own rewards, all three for Gymnasium; ``states``: |S| of a named task; ``discount``: γ, instead
    of a file's own; ``length``: n, for a context that is yet to be sampled; ``seed``: of that, and of a random task.

    Raises ``ValueError`` for a task that cannot be read, and for an option that does not apply to it.
    """
    given = {"policy": policy, "make": make or None, "noisy": noisy or None, "states": states, "length": length}
    rng, path = np.random.default_rng(seed), Path(name)
    if name in NAMED:
        _only(given, ("states", "length"), "a named task")
        mrp = NAMED[name](states, DISCOUNT if discount is None else discount, rng)
        return _sampled(f"{name}, {mrp.n_states} states", mrp, length, rng)
    if path.suffix.lower() in (".json", ".csv") or path.exists():
        return _read_file(path, given, discount, rng)
    _only(given, ("policy", "make", "noisy", "length"), "a Gymnasium environment")
    mrp = _gymnasium(name, policy or "uniform", make or {}, DISCOUNT if discount is None else discount)
    return _sampled(f"{name}, policy {policy or 'uniform'}", mrp, length, rng, noisy=noisy)


def _only(given: Mapping[str, Any], allowed: Sequence[str], what: str) -> None:
    """Raise ``ValueError`` for an option that was given but does not apply."""
    idle = [option for option, value in given.items() if value is not None and option not in allowed]
    if idle:
        raise ValueError(f"--{idle[0]} does not apply to {what}")


def _sampled(name: str, mrp: MarkovRewardProcess, length: int | None, rng: np.random.Generator, **more: Any) -> Task:
    """The task of a context sampled from a known process; ``more`` goes to ``sample_context``, features to the task."""
    features = more.pop("features", None)
    context = mrp.sample_context(LENGTH if length is None else length, rng, **more)
    return Task(name, context, mrp.state_names, mrp.discount, mrp, features)


def _gymnasium(name: str, policy: str, make: Mapping[str, Any], discount: float) -> MarkovRewardProcess:
    """The environment under the policy; what Gymnasium warns of is left out, what it raises says the same."""
    table = policy if policy == "uniform" else read_policy(Path(policy))
    if {"env_id", "policy", "discount"} & set(make):
        raise ValueError(f"--make is for what the environment takes, got {', '.join(make)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return from_gymnasium(name, table, discount, **make)
        except ValueError as error:
            if str(error).startswith("policy"):
                raise ValueError(f"{policy}: {error}") from error
            if not str(error).startswith("env_id"):
                raise
            raise ValueError(f"{name!r} is no file, none of {', '.join(NAMED)}, and no environment to use: {error}") from error


def read_policy(path: Path) -> list:
    """The action probabilities of each state, from a JSON list of rows, or an object from the states 0, 1, … to rows."""
    table = _json(path)
    if isinstance(table, dict):
        wanted = [str(s) for s in range(len(table))]
        if set(table) != set(wanted):
            odd = next(key for key in table if key not in wanted)
            raise ValueError(f"{path}: the states of a policy must be 0 to {len(table) - 1}, got {odd!r}")
        table = [table[s] for s in wanted]
    if not isinstance(table, list):
        raise ValueError(f"{path}: a policy must be a row of action probabilities for each state, got {_shown(table)}")
    return table


# Files


def _read_file(path: Path, given: Mapping[str, Any], discount: float | None, rng: np.random.Generator) -> Task:
    """The task in a file; every ``ValueError`` begins with the file's name."""
    if path.suffix.lower() == ".csv":
        _only(given, (), "a recorded trajectory")
        return read_csv(path, discount)
    content = _json(path)
    recorded = _is_trajectory(path, content)
    γ = content.get("discount") if discount is None else discount
    if γ is None:
        raise ValueError(f"{path}: needs the key 'discount', or --discount")
    _only(given, () if recorded else ("length",), "a recorded trajectory" if recorded else "a process in a file")
    try:
        return _trajectory_task(path, content, γ) if recorded else _process_task(path, content, γ, given["length"], rng)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _text(path: Path) -> str:
    """What a text file holds; ``ValueError`` when it cannot be read, is not UTF-8, or is empty."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not text in UTF-8") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    if not text.strip():
        raise ValueError(f"{path}: is empty")
    return text


def _json(path: Path) -> Any:
    """What a JSON file holds."""
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: is not JSON: {error}") from None
    except RecursionError:
        raise ValueError(f"{path}: is nested too deeply") from None


def _is_trajectory(path: Path, content: Any) -> bool:
    """Whether a file's content is a trajectory, and not a process; ``ValueError`` when it has not the keys of what it is."""
    forms = f"a process has {', '.join(PROCESS_KEYS)}; a trajectory {', '.join(TRAJECTORY_KEYS)}"
    if not isinstance(content, dict):
        raise ValueError(f"{path}: must hold a JSON object, got {_shown(content)}; {forms}")
    recorded = "states" in content
    kind, keys = ("trajectory", TRAJECTORY_KEYS) if recorded else ("process", PROCESS_KEYS)
    unknown, missing = [key for key in content if key not in keys], [key for key in keys[:2] if key not in content]
    if unknown:
        raise ValueError(f"{path}: unknown key {_shown(unknown[0])} in a {kind}; {forms}")
    if missing:
        raise ValueError(f"{path}: needs the key {missing[0]!r}; {forms}")
    return recorded


def _shown(value: Any) -> str:
    """A value in a message, never more than a few words of it."""
    return textwrap.shorten(repr(value), 60, placeholder=" …")


def _process_task(path: Path, content: Mapping[str, Any], γ: Any, length: int | None, rng: np.random.Generator) -> Task:
    """A context sampled from the process in a file."""
    mrp = MarkovRewardProcess(content["transition"], content["reward"], γ, content.get("initial"))
    features = features_by_state(content["features"], mrp.state_names, "") if "features" in content else None
    return _sampled(str(path), mrp, length, rng, features=features)


def _trajectory_task(path: Path, content: Mapping[str, Any], γ: Any) -> Task:
    """The trajectory recorded in a file."""
    if not isinstance(content["states"], list):
        raise ValueError(f"states must be a list of whole numbers or names, got {_shown(content['states'])}")
    context, labels = trajectory([_label(s) for s in content["states"]], content["rewards"])
    features = features_by_state(content["features"], labels, " visited") if "features" in content else None
    return Task(str(path), context, labels, number("discount", γ, "[0, 1)"), features=features)


def _label(state: Any) -> str:
    """How a state is called: a name, or a whole number that is 0 or more."""
    if isinstance(state, bool) or not (isinstance(state, str) or isinstance(state, int) and state >= 0) or not str(state).strip():
        raise ValueError(f"a state must be a name or a whole number from 0 on, got {_shown(state)}")
    return str(state).strip()


def trajectory(labels: Sequence[str], rewards: Sequence[float]) -> tuple[Context, tuple[str, ...]]:
    """The context of a trajectory over named states, and the names in its order: numbers first, by size, then by letter."""
    names = sorted(set(labels), key=lambda label: (not label.isdecimal(), int(label) if label.isdecimal() else 0, label))
    place = {name: s for s, name in enumerate(names)}
    return Context([place[label] for label in labels], rewards), tuple(names)


def features_by_state(rows: Any, labels: Sequence[str], which: str) -> Float[np.ndarray, "S d"]:
    """Features (|S|, d) from a list whose row i belongs to state i, or an object from states to rows.

    A row is a list of d numbers, or one number for d = 1. Every state has one, and nothing else has.
    """
    table = dict(zip(map(str, range(len(rows))), rows)) if isinstance(rows, list) else rows
    if not isinstance(table, dict):
        raise ValueError(f"features must be a row for each state, as a list or an object, got {_shown(rows)}")
    for states, found in (([s for s in labels if s not in table], "none"), ([s for s in table if s not in set(labels)], "one")):
        if states:
            raise ValueError(f"features must have a row for each of the {len(labels)} states{which} and no other, got {found} for {_listed(states)}")
    return finite_array("features", [row if isinstance(row, list) else [row] for row in map(table.get, labels)], (len(labels), "d"))


def _listed(states: Sequence[str]) -> str:
    """“state 3”, “states 3, 4 and 5”, or the first few of them and how many more there are."""
    if len(states) == 1:
        return f"state {states[0]}"
    first, last = (states[:-1], states[-1]) if len(states) <= 8 else (states[:6], f"{len(states) - 6} more")
    return f"states {', '.join(first)} and {last}"


def read_csv(path: Path, discount: float | None) -> Task:
    """The trajectory of a CSV file, a transition a row under the header ``state,reward,next_state``.

    Raises ``ValueError`` that begins with the file's name, and names the line, for a header or a row that is not that,
    for a reward that is not finite, and for a row whose state is not the one that the row before led to.
    """
    if discount is None:
        raise ValueError(f"{path}: needs --discount")
    lines = _csv_lines(path)
    line, header = next(lines, (1, []))
    if header != HEADER:
        raise ValueError(f"{path}, line {line}: the header must be {','.join(HEADER)}, got {_shown(','.join(header))}")
    labels, rewards = [], []
    for line, row in lines:
        try:
            state, reward, successor = _csv_row(row, labels[-1] if labels else None)
        except ValueError as error:
            raise ValueError(f"{path}, line {line}: {error}") from None
        labels += [successor] if labels else [state, successor]
        rewards.append(reward)
    if not rewards:
        raise ValueError(f"{path}: holds no transition, only the header")
    context, names = trajectory(labels, rewards)
    return Task(str(path), context, names, number("discount", discount, "[0, 1)"))


def _csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not blank, with their numbers, as stripped fields."""
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        yield from ((reader.line_num, [field.strip() for field in row]) for row in reader if any(map(str.strip, row)))
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from None


def _csv_row(row: list[str], before: str | None) -> tuple[str, float, str]:
    """State, reward and next state of a row that starts where the row before ended."""
    if len(row) != 3 or not all(row):
        raise ValueError(f"a row must be {','.join(HEADER)}, got {_shown(','.join(row))}")
    try:
        reward = float(row[1])
    except ValueError:
        reward = math.nan
    if not math.isfinite(reward):
        raise ValueError(f"reward must be a finite number, got {_shown(row[1])}")
    if before not in (None, row[0]):
        raise ValueError(f"starts in state {row[0]}, but the row before led to {before}: the rows must join up, to one trajectory")
    return row[0], reward, row[2]


# Features


def make_features(task: Task, kind: str | None, sharpness: float | None, dimension: int, seed: int) -> tuple[str, Float[np.ndarray, "S d"]]:
    """Features of the task's states, and what they are called.

    ``kind``: ``"file"``, those that came with the task; ``"one-hot"``, e_s; ``"random"``, independent on the unit sphere
    of ℝ^dimension; ``"radial"``, a Gaussian bump of width 1 at each state, the states on a line. None: those of the file
    where there are any, or else one-hot. All are multiplied by √β, β the ``sharpness``, so that scores grow by β.

    Raises ``ValueError`` for another kind, a sharpness that is not positive, and a file without features.
    """
    kind = kind or ("one-hot" if task.features is None else "file")
    if kind not in FEATURES:
        raise ValueError(f"features must be one of {', '.join(FEATURES)}, got {kind!r}")
    if kind == "file" and task.features is None:
        raise ValueError("--features file: this task came without features")
    n_states, places = len(task.labels), np.arange(len(task.labels), dtype=float)[:, None]
    makers = {
        "file": lambda: task.features,
        "one-hot": lambda: one_hot(n_states),
        "random": lambda: random_unit(n_states, integer("dimension", dimension, 1), np.random.default_rng([seed, 1])),
        "radial": lambda: radial(places, places, 1.0),
    }
    β = number("sharpness", (1.0 if kind == "file" else SHARPNESS) if sharpness is None else sharpness, "(0, inf)")
    name = {"file": "the file's", "random": f"random {dimension}-dimensional"}.get(kind, kind)
    return f"{name} features" + (f" of sharpness {β:g}" if kind != "file" or β != 1 else ""), np.sqrt(β) * makers[kind]()


# The diagnosis


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
            earlier, state = _many(context.n - end, "transition"), found.task.labels[context.states[end]]
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


def _many(count: int, noun: str) -> str:
    """“1 layer”, “1,200 layers”."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


# What is said of it


def as_json(found: Diagnosis) -> dict[str, Any]:
    """The diagnosis for a machine: plain lists and numbers, None for what there is not, and for what no float can hold."""
    layer, task = found.operator, found.task
    left = {"covered": layer.covered, "visited": len(layer.states), "never_left": found.never_left, "times_left": layer.counts}
    left_over, off = distance(found.value, found.target), distance(found.value, found.true_value)
    errors = {"first": found.first_error, "predicted": found.predicted, "left": left_over, "true": off}
    remedies = [{"change": tried.change, "spectral_radius": tried.spectral_radius, "step_limit": tried.step_limit} for tried in found.remedies]
    return _plain({
        "task": task.name, "process_known": task.process is not None, "features": found.called, "discount": task.discount,
        "length": task.context.n, "step": found.step, "layers": found.depth, "confidence": 1 - found.delta,
        "states": [task.labels[s] for s in layer.states], "coverage": left,
        "margin": layer.margin, "theorem_applies": found.theorem_applies, "norm": found.norm, "spectral_radius": found.spectral_radius,
        "spectrum": np.stack([layer.spectrum.real, layer.spectrum.imag], axis=1), "step_limit": found.step_limit,
        "converges": found.limit is not None, "rate": found.rate, "layers_for_a_factor_of_ten": layers_for_ten(found.rate),
        "limit": found.limit, "certainty_equivalence": found.certainty, "true_value": found.true_value,
        "distance": distance(found.limit, found.true_value), "bound": found.bound,
        "depth": found.worth, "promised_depth": found.promised_worth, "depth_in_truth": found.worth_in_truth,
        "value": found.value, "error": errors, "remedies": remedies,
    })  # fmt: skip


def _plain(value: Any) -> Any:
    """The same in what JSON has: lists, finite numbers, None for the others."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, np.ndarray)):
        return [_plain(entry) for entry in value]
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) else None  # + 0.0: a zero without a sign
    return value


def layers_for_ten(rate: float) -> float | None:
    """How many layers divide the error by ten, ln 10/(−ln rate), at a rate below 1; None at others."""
    return None if rate >= 1 else 0.0 if rate == 0 else -math.log(10) / math.log(rate)


def report(found: Diagnosis, width: int = 100) -> str:
    """The diagnosis for a person: short sections, a sentence for each number, no line longer than ``width``."""
    task = found.task
    parts = [("", _heading(found))] + [
        ("Coverage", _coverage(found)), ("Contraction", _contraction(found)), ("Depth", _depth(found)),
        ("Limit", _limit(found)), (f"After {_many(found.depth, 'layer')}", _errors(found)), ("What to change", _advice(found)),
    ]  # fmt: skip
    lines = textwrap.wrap(f"{task.name}, discount {task.discount:g}: softmax TD on {_many(task.context.n, 'transition')}", width)
    for title, sentences in parts:
        if sentences:
            lines += [*(["", title] if title else []), *(line for sentence in sentences for line in _wrapped(sentence, width))]
    return "\n".join(lines) + "\n"


def _wrapped(sentence: str, width: int) -> list[str]:
    """A sentence as indented lines; one that is a table of its own, line by line, stays as it is."""
    if "\n" in sentence:
        return ["  " + line for line in sentence.splitlines()]
    return textwrap.wrap(sentence, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def shown(x: float | None) -> str:
    """A number in three digits, or as many as tell it from 1."""
    if x is None:
        return "unknown"
    if not math.isfinite(x):
        return "beyond 1e308"
    if abs(x - 1) < 0.101 and x != 1:
        digits = max(3, 1 - math.floor(math.log10(abs(x - 1))))
        return f"{x:.{digits}f}" if digits < 15 else f"1 {'−' if x < 1 else '+'} {abs(x - 1):.1g}"
    return f"{x:.3g}"


def _heading(found: Diagnosis) -> list[str]:
    process = "a known process" if found.task.process is not None else "a recorded trajectory"
    return [f"{process}, {_many(len(found.task.labels), 'state')}; {found.called}; step α = {found.step:g}, from v = 0"]


def _coverage(found: Diagnosis) -> list[str]:
    counts, process = found.operator.counts, found.task.process
    of, rarest = "" if process is None else f" of {process.n_states}", counts[counts > 0].min()
    left = f"each was left, the rarest {'once' if rarest == 1 else f'{rarest:,} times'}"
    if not found.operator.covered:
        left = f"{_listed(found.never_left)}, where the context ends, was never left: what follows it is unknown, its value interpolated"
    sentences = [f"Visited: {len(counts)}{of} states; {left}."]
    seen = found.task.context.rewards
    if process is not None and np.ptp(seen) == 0 < np.ptp(process.reward):
        sentences.append(f"Every reward seen is {seen[0]:g}: of where other rewards are, this context knows nothing.")
    return sentences


def _contraction(found: Diagnosis) -> list[str]:
    margin = f"The diagonal margin is c = 2 min M̂(s,s) − 1 − γ = {shown(found.operator.margin)}"
    if found.theorem_applies:
        return [f"{margin}, which is positive: the theorem applies, and every layer leaves at most {shown(found.promised_rate)} of the error."]
    if found.operator.margin > 0:
        most = shown(1 / np.diag(found.operator.M).max())
        return [f"{margin}, which is positive, but the theorem asks for a step of at most {most}: it does not apply."]
    return [f"{margin}, which is not positive: the theorem does not apply (it is sufficient, not necessary)."]


def _depth(found: Diagnosis) -> list[str]:
    λ, limit = found.operator.spectrum, found.step_limit
    norm = f"‖G‖∞ = {shown(found.norm)}" + (": every layer reduces the error" if found.norm < 1 else "")
    turning = f"imaginary parts up to {shown(np.abs(λ.imag).max())}" if λ.imag.any() else "no imaginary parts"
    spectrum = f"The eigenvalues of H have real parts from {shown(λ.real.min())} to {shown(λ.real.max())} and {turning}"
    steps = "at no step does depth converge" if limit == 0 else f"depth converges at every step below {shown(limit)}"
    sentences = [f"{norm}; ρ(G) = {shown(found.spectral_radius)}.", f"{spectrum}: {steps}."]
    if found.limit is None:
        return [*sentences, f"Depth diverges: in the long run the error grows by a factor of {shown(found.rate)} a layer."]
    ten = layers_for_ten(found.rate)
    pace = f"in the long run {shown(found.rate)} of the error is left a layer: a factor of ten every {_about(ten)} layers"
    pace = pace if ten else "a few layers leave nothing of the error"
    return [*sentences, f"Depth converges: {pace}.", *_faster(found)]


def _about(x: float) -> str:
    """A number of layers, in about three digits."""
    return f"{x:.1f}" if x < 100 else f"{float(f'{x:.3g}'):,.0f}"


def _faster(found: Diagnosis) -> list[str]:
    """Another step that needs two thirds of the layers or fewer."""
    best = best_step(found.operator)
    ten, then = layers_for_ten(found.rate), max(1.0, layers_for_ten(rate(found.operator, best)))
    return [f"A step of about {best:.2g} would need {_about(then)} layers."] if then < ten / 1.5 else []


def _limit(found: Diagnosis) -> list[str]:
    return [_what_limit(found), *_how_far(found), _table(found)]


def _what_limit(found: Diagnosis) -> str:
    if found.to_certainty:
        return "The limit is the certainty-equivalence value v_CE of the context, whatever the features."
    if found.limit is not None:
        why = "a state was never left" if not found.operator.covered else "M̂ is singular (states that share their features, or nearly)"
        return f"There is a limit from v = 0, but since {why}, it depends on where v starts, and on the features."
    return "There is no limit" + ("; the fixed point v_CE, certainty equivalence, is there, but not reached." if found.operator.covered else ".")


def _how_far(found: Diagnosis) -> list[str]:
    """The distance from the true value, bound F, and the depth worth using, or why there is none."""
    sentences = []
    name = "the limit" if found.limit is not None else "v_CE"
    off = distance(found.target, found.true_value)
    if off is not None:
        sentences.append(f"The true value is known: {name} is off by {shown(off)} at most, where the true values span {shown(found.task.span)}.")
    if found.bound is not None:
        given = "" if found.task.process is not None else ", if there are no other states and each always pays the same"
        sentences.append(f"Bound F: v_CE is within {shown(found.bound)} of the true value with confidence {1 - found.delta:g}{given}.")
    else:
        why = "it is about v_CE, which is not the limit" if found.task.reward_by_state else "the rewards seen are not a function of the state"
        why = why if found.operator.covered else "a state was never left"
        sentences.append(f"Bound F does not apply: {why}.")
    return sentences + _worth(found)


def _worth(found: Diagnosis) -> list[str]:
    """The depth worth using: from where less is left than F, and than the limit is truly off."""
    sentences, promised = [], found.promised_worth
    if found.worth is not None and found.floor == found.bound:
        why = "v = 0 is already within F of the limit" if found.worth == 0 else "then at most F is left to the limit"
        tail = f" (the theorem promises it from {_many(promised, 'layer')} on)" if promised and promised > found.worth else ""
        sentences.append(f"Depth worth using by F: {_many(found.worth, 'layer')}; {why}{tail}.")
    if found.worth_in_truth is not None:
        layers = _many(found.worth_in_truth, "layer")
        sentences.append(f"Depth worth using in truth: {layers}; then no more is left to the limit than the limit is off.")
    return sentences


def _table(found: Diagnosis, most: int = 8) -> str:
    """State by state: how often left, the limit, the true value."""
    columns = {"limit": found.limit, "v_CE": found.certainty if found.limit is None else None, "true": found.true_value}
    columns = {name: column for name, column in columns.items() if column is not None}
    names = [found.task.labels[s] for s in found.operator.states[:most]]
    wide = max(5, *map(len, names))
    rows = [f"{'state':>{wide}} {'left':>9}" + "".join(f"{name:>12}" for name in columns)]
    for i, name in enumerate(names):
        rows.append(f"{name:>{wide}} {found.operator.counts[i]:>9,}" + "".join(f"{column[i] + 0.0:>12.4g}" for column in columns.values()))
    more = len(found.operator.states) - len(names)
    return "\n".join([*rows, *([f"{'…':>{wide}} {more:,} more: --json has them all"] if more else [])])


def _errors(found: Diagnosis) -> list[str]:
    left, off = distance(found.value, found.target), distance(found.value, found.true_value)
    if found.value is None:
        return ["The values have left the range of floating-point numbers."]
    if left is None:
        return [f"The largest value is {shown(np.abs(found.value).max())}."]
    to = "the limit" if found.limit is not None else "v_CE"
    by = "the theorem" if found.theorem_applies else "‖G‖∞"
    promised = "" if found.predicted is None else f", where {by} promises at most {shown(found.predicted)}"
    true = "" if off is None else f" The error to the true value is {shown(off)}."
    return [f"The distance left to {to} is {shown(left)}, of {shown(found.first_error)} at the start{promised}.{true}"]


def _advice(found: Diagnosis) -> list[str]:
    sentences = [] if found.operator.covered else ["End the context in a state that was left before, so that what follows every state is known."]
    if found.limit is None and found.step_limit > 0:
        best = best_step(found.operator)
        then = f"at {best:.2g} with {shown(rate(found.operator, best))} of the error left a layer"
        sentences.append(f"A smaller step: below {shown(found.step_limit)} depth converges, {then}.")
    elif found.limit is None:
        sentences.append("A smaller step alone does not help.")
        if found.task.process is None:
            sentences.append("A longer recording may, which cannot be tried here.")
    elif found.operator.covered and not found.to_certainty:
        sentences.append("Give every state features of its own, further from the others': M̂ is singular.")
    return sentences + [f"Tried: {tried.change}: {_verdict(tried, found.step)}." for tried in found.remedies]


def _verdict(tried: Remedy, step: float) -> str:
    if tried.step_limit == 0:
        return "no such change helps"
    if step < tried.step_limit:
        return f"depth converges, {shown(tried.spectral_radius)} of the error left a layer"
    return f"depth converges at steps below {shown(tried.step_limit)}"


# Error against depth


def course(found: Diagnosis, deepest: int) -> Iterator[tuple[int, Float[np.ndarray, " W"]]]:
    """(L, v_L) for L = 0, …, 15 and from there eight depths to each doubling, up to ``deepest`` or out of the range of floats."""
    depth, jump, v = 0, 1, np.zeros(len(found.operator.states))
    while depth <= deepest and v is not None:
        yield depth, v
        depth += jump
        v = after(found.operator, v, found.step, jump)
        if depth == 16 * jump:
            jump *= 2


def figure(found: Diagnosis) -> bytes:
    """Error against depth, with what is promised and bound F, as a PNG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from icrl.plotting import STYLE

    with mpl.rc_context({key: value for key, value in STYLE.items() if key != "image.cmap"}):  # no image, no colour map
        drawn, out = Figure(figsize=STYLE["figure.figsize"]), io.BytesIO()
        _draw(found, drawn.subplots())
        drawn.savefig(out, format="png")
    return out.getvalue()


def _draw(found: Diagnosis, axes: Any) -> None:
    """The curves: what is left to the limit, and the true error, each with what bounds it."""
    from icrl.plotting import BLUE, GREEN, GREY, VERMILION

    depths, values = zip(*course(found, max(20, found.depth, 2 * (found.worth or 0))))
    if found.true_value is not None:
        _curve(axes, depths, [distance(v, found.true_value) for v in values], color=BLUE, label="to the true value")
    if found.target is not None:
        to = "to the limit" if found.limit is not None else "to $v_{CE}$, which is not reached"
        _curve(axes, depths, [distance(v, found.target) for v in values], color=VERMILION, linestyle="--", label=to)
    if found.promised_rate is not None:
        promised = np.array([found.promised_rate**depth * found.first_error for depth in depths])
        _curve(axes, depths, promised, color=GREEN, linestyle=":", label="to the limit, promised")
        if found.bound is not None:
            _curve(axes, depths, promised + found.bound, color=GREY, linestyle="-.", label="to the true value, bound")
    axes.set(xlabel="depth (layers)", ylabel="largest error", yscale="log", title=Path(found.task.name).name)
    axes.set_xscale("log") if depths[-1] > 100 else axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()


def _curve(axes: Any, depths: Sequence[int], errors: Sequence[float], **style: Any) -> None:
    """A line through the errors that a logarithmic axis can show."""
    depths, errors = np.array(depths, dtype=float), np.array(errors)
    drawn = (errors > 0) & (errors < 1e200)
    axes.plot(depths[drawn], errors[drawn], **style)
