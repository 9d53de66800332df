"""What is diagnosed: a named task, a Gymnasium environment under a policy, or a file, read into a context; and its features."""

from __future__ import annotations

import csv
import io
import json
import math
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from icrl.mrp import Context, MarkovRewardProcess, finite_array, integer, number
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

LENGTH, DISCOUNT, DIMENSION, SHARPNESS = 1000, 0.9, 8, 6.0
"""What is taken when nothing is asked: n, γ, d of random features, β of made ones (a file's are taken as they are)."""


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
            raise ValueError(f"features must have a row for each of the {len(labels)} states{which} and no other, got {found} for {listed(states)}")
    return finite_array("features", [row if isinstance(row, list) else [row] for row in map(table.get, labels)], (len(labels), "d"))


def listed(states: Sequence[str]) -> str:
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
