"""What is diagnosed: a named task, a Gymnasium environment under a policy, or a file, read into a context; and its features."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import textwrap
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import numpy as np

from icrl.files import plain, read_text
from icrl.mrp import Context, MarkovRewardProcess, finite_array, integer, listed_states, number
from icrl.tasks import ENDINGS, boyan_chain, from_gymnasium, one_hot, radial, random_mrp, random_unit, ring

NAMED = {
    "boyan": lambda n, discount, rng, endings: boyan_chain(n or 13, discount, endings),
    "ring": lambda n, discount, rng, endings: ring(n or 10, discount=discount),
    "random": lambda n, discount, rng, endings: random_mrp(n or 10, rng, discount),
}
"""The named tasks: a process from its number of states (None: the task's own), its discount, a generator, and what follows an ending."""

EPISODIC = ("boyan",)
"""The named tasks whose episodes end."""

FEATURES = ("file", "unit", "one-hot", "random", "radial")
"""The kinds of features, see :func:`make_features`."""

PROCESS_KEYS = ("transition", "reward", "discount", "initial", "terminal", "features")
TRAJECTORY_KEYS = ("states", "rewards", "discount", "features")
"""What a JSON file may hold; of a process, and of a trajectory, the first two must be there."""

HEADER = ["state", "reward", "next_state"]
"""The first line of a CSV file."""

LENGTH, DISCOUNT, DIMENSION, SHARPNESS = 1000, 0.9, 8, 6.0
"""What is taken when nothing is asked: n, γ, d of random features, β of made ones (a file's are taken as they are)."""

LARGEST_TASK, LONGEST_CONTEXT, WIDEST = 5000, 10_000_000, 5000
"""The most states of a task, transitions sampled, and dimensions of random features: what takes seconds and a gigabyte."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is diagnosed. States are numbered from 0, and ``labels[s]`` is how the user calls state s.

    ``name``: the title of the report. ``context``: the experience. ``discount``: γ. ``process``: the MRP that the
    context was sampled from, None where it is not known; then S is taken to be the states visited. ``features``:
    (|S|, d), those that came with the task, if any. ``sample``: a context of n transitions, the same as this one as far as
    both go, or with a second argument one of another horizon; None where the task cannot be sampled. ``note``: a sentence on
    what the true value is, if it needs one. ``noisy``: whether the rewards are drawn, with the next states, from the outcomes of
    the process. ``horizon``: after how many transitions a trajectory was cut, None for never.

    Raises ``ValueError`` for more than ``LARGEST_TASK`` states.
    """

    name: str
    context: Context
    labels: tuple[str, ...]
    discount: float
    process: MarkovRewardProcess | None = None
    features: np.ndarray | None = None
    sample: Callable[..., Context] | None = None
    note: str = ""
    noisy: bool = False
    horizon: int | None = None

    def __post_init__(self) -> None:
        few_enough(len(self.labels))

    @property
    def reward_by_state(self) -> bool:
        """Whether every reward seen is r(S_t): the process's, or else the only one seen out of that state."""
        states, rewards = self.context.before, self.context.rewards
        if self.process is not None:
            return bool((rewards == self.process.reward[states]).all())
        return len(np.unique(np.stack([states, rewards]), axis=1).T) == self.context.sources.size

    @property
    def episodic(self) -> bool:
        """Whether episodes end: in terminal states of the process, or in the context, which is then more than one trajectory, cut."""
        ends = self.process is not None and self.process.terminal.size > 0
        return ends or self.context.endings != ((self.context.n, False),)

    @property
    def span(self) -> float:
        """σ = max v^π − min v^π, or a bound on it from the rewards seen, in [a, b]; the value 0 of what follows an ending counts.

        (b − a)/(1 − γ) where nothing ends. Where episodes do, values and 0 lie between min(a, 0)/(1 − γ) and max(b, 0)/(1 − γ).
        Infinity at γ = 1, where rewards alone bound no value, unless all of them are 0.
        """
        if self.process is not None:
            return float(np.ptp(self.process.value()))
        ends = [0.0] if self.episodic else []
        range_ = float(np.ptp(np.append(self.context.rewards, ends)))
        return range_ / (1 - self.discount) if self.discount < 1 else math.inf if range_ else 0.0


def read_task(
    name: str,
    *,
    policy: str | None = None,
    make: Mapping[str, Any] | None = None,
    noisy: bool = False,
    states: int | None = None,
    discount: float | None = None,
    length: int | None = None,
    endings: str | None = None,
    horizon: int | None = None,
    seed: int = 0,
) -> Task:
    """The task called ``name``: one of ``NAMED``, a file that exists or ends in .json or .csv, or a Gymnasium id.

    ``policy``: ``"uniform"`` or a JSON file (:func:`read_policy`), ``make``: options of ``gymnasium.make``, ``noisy``:
    the environment's own rewards, all three for Gymnasium; ``states``: |S| of a named task; ``discount``: γ, instead
    of a file's own; ``length``: n, for a context that is yet to be sampled; ``seed``: of that, and of a random task.
    ``endings``: what follows where an episode ends, one of :data:`icrl.tasks.ENDINGS`, "restart" unless given, for Gymnasium
    and a named task that has any; "terminal" for a process in a file, whose rows say what follows unless given. ``horizon``:
    after how many transitions an episode is cut, where episodes are terminal.

    Raises ``ValueError`` for a task that cannot be read, more than ``LARGEST_TASK`` states, a ``length`` above
    ``LONGEST_CONTEXT``, a discount of 1 where a state reaches no ending, and for an option that does not apply to it.
    """
    given = {
        "policy": policy, "make": make or None, "noisy": noisy or None, "states": states, "length": length,
        "endings": endings, "horizon": horizon,
    }  # fmt: skip
    if length is not None and length > LONGEST_CONTEXT:
        raise ValueError(f"--length must be at most {LONGEST_CONTEXT}, got {length}")
    if endings not in (None, *ENDINGS):
        raise ValueError(f"--endings must be one of {', '.join(ENDINGS)}, got {endings!r}")
    rng, path = np.random.default_rng(seed), Path(name)
    γ, ending = DISCOUNT if discount is None else discount, endings or "restart"
    if name in NAMED:
        ends = name in EPISODIC
        allowed = ("states", "length", *(("endings", "horizon") if ends else ()))
        _only(given, allowed, "a named task" if ends else "a named task without endings")
        few_enough(states or 0)
        mrp = NAMED[name](states, _lasting(γ, ending) if ends else γ, rng, ending)
        title = f"{name}, {many(mrp.n_states, 'state')}"
        return _sampled(title, mrp, length, horizon, rng, note=_note(ending, γ) if ends else "")
    if path.suffix.lower() in (".json", ".csv") or os.path.exists(path):
        return _read_file(path, given, discount, rng)
    _only(given, ("policy", "make", "noisy", "length", "endings", "horizon"), "a Gymnasium environment")
    mrp = _gymnasium(name, policy or "uniform", make or {}, _lasting(γ, ending), ending)
    return _sampled(f"{name}, policy {policy or 'uniform'}", mrp, length, horizon, rng, noisy, note=_note(ending, γ))


def _note(endings: str, discount: float) -> str:
    """What is said of a task whose episodes end, by what follows."""
    if endings == "restart":
        return "Episodes restart: a terminal state pays 0 and leads to the start, discounted like any transition, so no value is an episode's."
    expected = "expected return" if discount == 1 else "expected discounted return"
    return f"Episodes end: nothing follows a terminal state, whose value is 0, so a value is an episode's {expected}."


def _lasting(discount: Any, endings: str, asked: str = "--endings terminal") -> Any:
    """The discount itself; ``ValueError`` for 1 where endings are not "terminal", since only they, ``asked`` for so, allow it."""
    if discount == 1 and endings != "terminal":
        raise ValueError(f"discount must be a number in [0, 1), got {discount}; 1 is for {asked}")
    return discount


def few_enough(states: int) -> None:
    """Raise ``ValueError`` for more than ``LARGEST_TASK`` states."""
    if states > LARGEST_TASK:
        raise ValueError(
            f"a task must have at most {LARGEST_TASK} states, got {states}: "
            "its matrices are dense; take fewer, or merge some"
        )


def _only(given: Mapping[str, Any], allowed: Sequence[str], what: str) -> None:
    """Raise ``ValueError`` for an option that was given but does not apply."""
    idle = [option for option, value in given.items() if value is not None and option not in allowed]
    if idle:
        raise ValueError(f"--{idle[0]} does not apply to {what}")


def _sampled(
    name: str,
    mrp: MarkovRewardProcess,
    length: int | None,
    horizon: int | None,
    rng: np.random.Generator,
    noisy: bool = False,
    **more: Any,
) -> Task:
    """The task of a context sampled from a known process; ``more`` goes to the task."""
    if horizon is not None and not mrp.terminal.size:
        raise ValueError("--horizon is for episodes that end in terminal states: --endings terminal")

    def sample(n: int, horizon: int | None = horizon) -> Context:
        return mrp.sample_context(n, deepcopy(rng), noisy, horizon)

    context = sample(LENGTH if length is None else length)
    known = Task(name, context, mrp.state_names, mrp.discount, mrp, sample=sample, noisy=noisy, horizon=horizon)
    return replace(known, **more)


def _gymnasium(name: str, policy: str, make: Mapping[str, Any], discount: float, endings: str) -> MarkovRewardProcess:
    """The environment under the policy; what Gymnasium warns of is left out, what it raises says the same."""
    import gymnasium  # here, since on import it asks for its own warnings

    table = policy if policy == "uniform" else read_policy(Path(policy))
    if {"env_id", "policy", "discount", "endings"} & set(make):
        raise ValueError(f"--make is for what the environment takes, got {', '.join(make)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            gymnasium.spec(name)
        except (gymnasium.error.Error, ImportError, ValueError) as error:
            near = get_close_matches(name.lower(), NAMED, 1)
            why = f"did you mean {near[0]}?" if near else error
            raise ValueError(
                f"{name!r} is no file, none of {', '.join(NAMED)}, and no environment to use: {why}"
            ) from error
        try:
            return from_gymnasium(name, table, discount, endings, **make)
        except ValueError as error:
            if str(error).startswith("policy"):
                raise ValueError(
                    f"{policy}: {error}: a row for every state of the environment, reached or not, a column an action"
                ) from error
            if make and isinstance(error.__cause__, Exception):
                given = " ".join(f"{key}={value}" for key, value in make.items())
                raise ValueError(
                    f"{name} cannot be made with {given}: {type(error.__cause__).__name__}: {error.__cause__}"
                ) from error
            raise ValueError(f"{name}: {error}") from error


def read_policy(path: Path) -> list:
    """The action probabilities of each state, from a JSON list of rows, or an object from the states 0, 1, … to rows."""
    table = _json(path)
    if isinstance(table, dict):
        wanted = [str(s) for s in range(len(table))]
        known = set(wanted)
        odd = [key for key in table if key not in known]
        if odd:
            raise ValueError(
                f"{path}: the keys of a policy must be the states 0, 1, 2, … of the environment, every one, got {_shown(odd[0])}"
            )
        table = [table[s] for s in wanted]
    if not isinstance(table, list):
        raise ValueError(f"{path}: a policy must be a row of action probabilities for each state, got {_shown(table)}")
    flat = [row for row in table if not isinstance(row, list)]
    if flat:
        raise ValueError(
            f"{path}: a state's row must be action probabilities, such as [0, 0, 1, 0] for always action 2 of 4, got {_shown(flat[0])}"
        )
    return numbers(f"{path}: policy", table)


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
    allowed = () if recorded else ("length", "endings", "horizon")
    _only(given, allowed, "a recorded trajectory" if recorded else "a process in a file")
    try:
        return _trajectory_task(path, content, γ) if recorded else _process_task(path, content, γ, given, rng)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _text(path: Path) -> str:
    """What a text file holds; ``ValueError`` when it cannot be read, is not UTF-8, or is empty."""
    try:
        text = read_text(path)
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not text in UTF-8") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if not text.strip():
        raise ValueError(f"{path}: is empty")
    return text


def _json(path: Path) -> Any:
    """What a JSON file holds, no key of an object twice."""
    text = _text(path)
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        hint = "; a CSV file must be called .csv" if text.lstrip().startswith(HEADER[0]) else ""
        raise ValueError(f"{path}: is not JSON: {error}{hint}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    except RecursionError:
        raise ValueError(f"{path}: is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; ``ValueError`` when a key occurs twice."""
    seen = dict(pairs)
    if len(seen) < len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"holds the key {_shown(twice)} twice in one object")
    return seen


def numbers(name: str, value: Any) -> Any:
    """``value`` itself, a list of JSON numbers or of lists of them; ``ValueError`` with ``name`` for words, and for rows of different lengths."""
    rows = value if isinstance(value, list) else [value]
    entries = (entry for row in rows for entry in (row if isinstance(row, list) else [row]))
    odd = [entry for entry in entries if isinstance(entry, bool) or not isinstance(entry, (int, float))]
    if odd:
        raise ValueError(f"{name} must hold numbers, got {_shown(odd[0])}")
    sizes = [len(row) for row in rows if isinstance(row, list)]
    uneven = [i for i, size in enumerate(sizes) if size != sizes[0]]
    if uneven:
        raise ValueError(
            f"{name} must have rows of one length, but row {uneven[0]} has {sizes[uneven[0]]} and row 0 has {sizes[0]} numbers"
        )
    return value


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


def _process_task(
    path: Path, content: Mapping[str, Any], γ: Any, given: Mapping[str, Any], rng: np.random.Generator
) -> Task:
    """A context sampled from the process in a file."""
    few_enough(len(content["transition"]) if isinstance(content["transition"], list) else 0)
    transition, reward = numbers("transition", content["transition"]), numbers("reward", content["reward"])
    terminal = _terminal(content, transition, reward, given["endings"])
    mrp = MarkovRewardProcess(
        transition,
        reward,
        _lasting(γ, "restart" if terminal is None else "terminal", "--endings terminal, or the key 'terminal'"),
        numbers("initial", content["initial"]) if "initial" in content else None,
        terminal=terminal,
    )
    features = features_by_state(content["features"], mrp.state_names, "") if "features" in content else None
    return _sampled(str(path), mrp, given["length"], given["horizon"], rng, features=features)


def _terminal(content: Mapping[str, Any], transition: Any, reward: Any, endings: str | None) -> list[int] | None:
    """The terminal states of a process in a file, None where its rows say what follows.

    Those that it lists, or else, with ``endings`` "terminal", those whose only transition is to themselves with reward 0.
    """
    if endings == "restart":
        raise ValueError("--endings restart does not apply to a process in a file, whose rows say what follows")
    if "terminal" in content:
        return numbers("terminal", content["terminal"])
    if endings is None:
        return None
    read = MarkovRewardProcess(transition, reward, 0.0)
    alone = (read.transition > 0).sum(axis=1) == 1
    ends = np.flatnonzero(alone & (read.transition.diagonal() > 0) & (read.reward == 0))
    if not ends.size:
        raise ValueError(
            "--endings terminal needs a state whose only transition is to itself with reward 0, or the key 'terminal'"
        )
    return ends.tolist()


def _trajectory_task(path: Path, content: Mapping[str, Any], γ: Any) -> Task:
    """The trajectory recorded in a file."""
    if not isinstance(content["states"], list):
        raise ValueError(f"states must be a list of whole numbers or names, got {_shown(content['states'])}")
    names = [_label(s) for s in content["states"]]
    words = {name for name, s in zip(names, content["states"]) if isinstance(s, str)}
    both = [name for name, s in zip(names, content["states"]) if not isinstance(s, str) and name in words]
    if both:
        raise ValueError(f"states must be one thing each, got both the number {both[0]} and the name '{both[0]}'")
    rewards = numbers("rewards", content["rewards"])
    if isinstance(rewards, list) and len(names) > 1 and len(rewards) != len(names) - 1:
        moves = len(names) - 1
        raise ValueError(
            f"{len(names)} states make {many(moves, 'transition')}, so {many(moves, 'reward')}, got {len(rewards)}"
        )
    context, labels = trajectory(names, rewards)
    features = features_by_state(content["features"], labels, " visited") if "features" in content else None
    return Task(str(path), context, labels, number("discount", γ, "[0, 1)"), features=features)


def _label(state: Any) -> str:
    """How a state is called: a name, or a whole number that is 0 or more."""
    if (
        isinstance(state, bool)
        or not (isinstance(state, str) or isinstance(state, int) and state >= 0)
        or not str(state).strip()
    ):
        raise ValueError(f"a state must be a name or a whole number from 0 on, got {_shown(state)}")
    return str(state).strip()


def trajectory(labels: Sequence[str], rewards: Sequence[float]) -> tuple[Context, tuple[str, ...]]:
    """The context of a trajectory over named states, and the names in its order: numbers first, by size, then by letter."""
    names = sorted(
        set(labels), key=lambda label: (not label.isdecimal(), int(label) if label.isdecimal() else 0, label)
    )
    place = {name: s for s, name in enumerate(names)}
    return Context([place[label] for label in labels], rewards), tuple(names)


def features_by_state(rows: Any, labels: Sequence[str], which: str) -> np.ndarray:
    """Features (|S|, d) from a list whose row i belongs to state i, or an object from states to rows.

    A row is a list of d numbers, or one number for d = 1. Every state has one, and nothing else has.
    """
    table = dict(zip(map(str, range(len(rows))), rows)) if isinstance(rows, list) else rows
    if not isinstance(table, dict):
        raise ValueError(f"features must be a row for each state, as a list or an object, got {_shown(rows)}")
    known = set(labels)
    for states, found in (
        ([s for s in labels if s not in table], "none"),
        ([s for s in table if s not in known], "one"),
    ):
        if states:
            raise ValueError(
                f"features must have a row for each of the {len(labels)} states{which} and no other, got {found} for {listed(states)}"
            )
    rows = numbers("features", [row if isinstance(row, list) else [row] for row in map(table.get, labels)])
    return finite_array("features", rows, (len(labels), "d"))


def many(count: int, noun: str) -> str:
    """“1 layer”, “1,200 layers”."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def read_as(label: str) -> str:
    """A state's name as a person reads it, in a few words at most."""
    return plain(label, 40)


def listed(states: Sequence[str]) -> str:
    """“states 3, 4 and 5”, as :func:`~icrl.mrp.listed_states`, their names as a person reads them."""
    return listed_states(list(map(read_as, states)))


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
    labels: list[str] = []
    rewards: list[float] = []
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
        raise ValueError(
            f"starts in state {read_as(row[0])}, but the row before led to {read_as(before)}: "
            "the rows must join up, to one trajectory"
        )
    return row[0], reward, row[2]


# Features


def make_features(
    task: Task, kind: str | None, sharpness: float | None, dimension: int, seed: int
) -> tuple[str, np.ndarray]:
    """What the features of the task's states are called, and the features, (|S|, d).

    ``kind``: ``"file"``, those that came with the task; ``"unit"``, the same at length 1; ``"one-hot"``, e_s; ``"random"``,
    independent on the unit sphere of ℝ^dimension; ``"radial"``, a Gaussian bump of width 1 at each state, the states on a
    line. None: those of the file where there are any, or else one-hot. All are multiplied by √β, β the ``sharpness``, so
    that scores grow by β.

    Raises ``ValueError`` for another kind, a sharpness that is not positive, a ``dimension`` above ``WIDEST``, a file
    without features, and unit features of which one is 0.
    """
    kind, β = chosen_features(task, kind, sharpness)
    if integer("dimension", dimension, 1) > WIDEST:
        raise ValueError(f"dimension must be at most {WIDEST}, got {dimension}")
    n_states, places = len(task.labels), np.arange(len(task.labels), dtype=float)[:, None]
    own = cast(np.ndarray, task.features)  # those of a file are refused above where there are none
    makers = {
        "file": lambda: own,
        "unit": lambda: of_one_length(own),
        "one-hot": lambda: one_hot(n_states),
        "random": lambda: random_unit(n_states, dimension, np.random.default_rng([seed, 1])),
        "radial": lambda: radial(places, places, 1.0),
    }
    name = {"file": "the file's", "unit": "the file's unit", "random": f"random {dimension}-dimensional"}.get(
        kind, kind
    )
    return f"{name} features" + (f" of sharpness {β:g}" if kind != "file" or β != 1 else ""), np.sqrt(β) * makers[
        kind
    ]()


def chosen_features(task: Task, kind: str | None, sharpness: float | None) -> tuple[str, float]:
    """The kind of features and β, what was not asked for filled in; raises as :func:`make_features`."""
    kind = kind or ("one-hot" if task.features is None else "file")
    if kind not in FEATURES:
        raise ValueError(f"features must be one of {', '.join(FEATURES)}, got {kind!r}")
    if kind in ("file", "unit") and task.features is None:
        raise ValueError(f"--features {kind}: this task came without features")
    return kind, number(
        "sharpness", (1.0 if kind == "file" else SHARPNESS) if sharpness is None else sharpness, "(0, inf)"
    )


def of_one_length(features: np.ndarray) -> np.ndarray:
    """x(s)/‖x(s)‖, (|S|, d); ``ValueError`` where that is 0."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    if lengths.min() == 0:
        raise ValueError(f"features must not be 0 to be made of one length, got that in row {lengths.argmin()}")
    return features / lengths
