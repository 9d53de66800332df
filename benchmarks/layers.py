"""What a layer costs: four ways to the same values, timed side by side in one run.

    .venv/bin/python benchmarks/layers.py [--json FILE] [--quick] [--full]

naive     the Transformer of icrl.transformer, layer by layer
once      attention built once, since the features never change: a row of TD errors times the weights, layer by layer
grouped   the states of each context grouped: a map of |S| values, layer by layer
closed    the same map, all layers at once by repeated squaring

Each starts from states, rewards and features and ends with the values along every context of the batch. Times are CPU seconds,
medians over repeats on one thread; "x" columns are naive's time divided by the method's, "diff" the largest difference from
naive along one context, relative to its largest value. Batches that would not fit the cache go through naive one by one, which
is a little faster. ~ marks what was timed over 10 layers, of one member of the batch if that is long too, and scaled. * marks
differences from once in the place of naive, whose full run takes minutes there: --full runs it. Last come the
figures of predecessor.py and of pretraining.py beside this file, each run as a process of its own.
"""

from __future__ import annotations

import os

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
os.environ |= dict.fromkeys(THREADS, "1")  # read when NumPy is loaded, hence before

import argparse  # noqa: E402
import json  # noqa: E402
import platform  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections import deque  # noqa: E402
from collections.abc import Callable, Iterable, Iterator  # noqa: E402
from functools import cache  # noqa: E402
from itertools import islice, product, repeat  # noqa: E402
from pathlib import Path  # noqa: E402
from statistics import median  # noqa: E402
from typing import Any, NamedTuple  # noqa: E402

import numpy as np  # noqa: E402

from icrl import operator  # noqa: E402
from icrl.prompt import prompt, rows  # noqa: E402
from icrl.tasks import one_hot, random_mrp, random_unit  # noqa: E402
from icrl.transformer import softmax_td_parameters, transformer  # noqa: E402

N_STATES, WIDTH, GAMMA, ALPHA = 10, 4, 0.9, 0.5
LENGTHS, DEPTHS, BATCHES = (30, 100, 1000, 4000), (3, 40, 1000), (1, 64)
QUICK_LENGTHS = (30, 100)
LAYERS, REPEATS = 10, 3
LONG = 1.0
"""A run that should take longer than this many seconds is not timed in full."""
NAIVE_AT_ONCE, ONCE_AT_ONCE = 1e6, 1e8
"""A batch with more attention weights than this goes through, one member at a time."""
NAIVE_IN_FULL = 1e7
"""A context with more attention weights than this is not run through naive to more than 40 layers, unless asked."""
GOALS = (("closed", 1000, 1000, 64, 3e5), ("once", 100, 40, 64, 15))
"""Method, n, depth, batch: the ratio to naive that is to be reached."""


class Task(NamedTuple):
    """Contexts of one process: states (batch, n+1), rewards (batch, n), and features (S, d)."""

    states: np.ndarray
    rewards: np.ndarray
    features: np.ndarray


@cache
def task(n: int, batch: int) -> Task:
    """The contexts of a cell: |S| = 10, d = 4, unit features, a random process."""
    rng = np.random.default_rng(n)
    mrp, features = random_mrp(N_STATES, rng, GAMMA), random_unit(N_STATES, WIDTH, rng)
    contexts = [mrp.sample_context(n, rng) for _ in range(batch)]
    return Task(np.array([c.states for c in contexts]), np.array([c.rewards for c in contexts]), features)


def members(given: Task, size: int) -> Iterator[Task]:
    """The contexts in batches of ``size``."""
    return (
        given._replace(states=given.states[i : i + size], rewards=given.rewards[i : i + size])
        for i in range(0, len(given.states), size)
    )


# The four ways, each from a task and a depth to the values along the contexts, (batch, n+1)


def last(values: Iterable, index: int) -> Any:
    """Item number ``index``; those before it are let go."""
    return deque(islice(values, index + 1), maxlen=1).pop()


def in_parts(layers: Callable[[Task], Iterator], given: Task, depth: int, at_once: float) -> np.ndarray:
    """``depth`` layers of the whole batch, or of one context after the other where it has too many attention weights."""
    size = len(given.states) if given.states.size * given.rewards.shape[1] <= at_once else 1
    return np.concatenate([last(layers(part), depth) for part in members(given, size)])


def naive_layers(given: Task) -> Iterator[np.ndarray]:
    """The Transformer's value row after 0, 1, 2, … layers."""
    along = given.features[given.states].swapaxes(1, 2)
    Z = prompt(along, given.rewards[:, None], np.zeros((len(along), 1, along.shape[2])), GAMMA)
    theta = softmax_td_parameters(WIDTH, given.rewards.shape[1], GAMMA, ALPHA, Z)
    return (rows(Z).value[:, 0] for Z in transformer(Z, repeat(theta)))


def once_layers(given: Task) -> Iterator[np.ndarray]:
    """The same by attention that is built once."""
    return operator.attention_layers(given.features[given.states], given.rewards, GAMMA, repeat(ALPHA))


def naive(given: Task, depth: int) -> np.ndarray:
    return in_parts(naive_layers, given, depth, NAIVE_AT_ONCE)


def once(given: Task, depth: int) -> np.ndarray:
    return in_parts(once_layers, given, depth, ONCE_AT_ONCE)


def grouped(given: Task, depth: int) -> np.ndarray:
    G, c = operator.layer_maps(*given, GAMMA, ALPHA)
    v = np.zeros_like(c)
    for _ in range(depth):
        v = (G @ v[..., None])[..., 0] + c
    return v[np.arange(len(v))[:, None], given.states]


def closed(given: Task, depth: int) -> np.ndarray:
    return operator.values_at_depth(*given, GAMMA, ALPHA, depth)[np.arange(len(given.states))[:, None], given.states]


METHODS = {"naive": naive, "once": once, "grouped": grouped, "closed": closed}


# Timing


class Timing(NamedTuple):
    """Seconds, and whether they are scaled from fewer layers or members than the cell has."""

    seconds: float
    scaled: bool


@cache
def timed(method: str, n: int, batch: int, depth: int) -> float:
    """The median CPU seconds of a run: three repeats, or more while they take under a fifth of a second together."""
    run, given = METHODS[method], task(n, batch)
    seconds: list[float] = []
    run(given, min(depth, 1))
    while len(seconds) < REPEATS or sum(seconds) < LONG / 5:
        start = time.process_time()
        run(given, depth)
        seconds.append(time.process_time() - start)
    return median(seconds)


def timing(method: str, n: int, batch: int, depth: int) -> Timing:
    """The time of a cell: in full where that is always short, or where one layer of one member lets one guess that it is."""
    if method in ("grouped", "closed"):
        return Timing(timed(method, n, batch, depth), False)
    build = timed(method, n, 1, 0)
    layer = max(timed(method, n, 1, 1) - build, 0)
    layers = depth if batch * (build + depth * layer) < LONG else min(depth, LAYERS)
    size = batch if batch * (build + layers * layer) < 10 * LONG else 1
    if (layers, size) == (depth, batch):
        return Timing(timed(method, n, batch, depth), False)
    build = timed(method, n, size, 0)
    return Timing(batch / size * (build + depth * (timed(method, n, size, layers) - build) / layers), True)


# Differences


@cache
def reference(n: int, full: bool) -> dict[int, tuple[str, np.ndarray]]:
    """By depth, which method run in full on the first context is the reference, and its values."""
    [first] = members(task(n, 1), 1)
    far = full or n * (n + 1) <= NAIVE_IN_FULL
    deep = {"naive": [d for d in DEPTHS if far or d <= 40], "once": [] if far else [d for d in DEPTHS if d > 40]}
    found = {}
    for method, layers in (("naive", naive_layers), ("once", once_layers)):
        for depth, v in enumerate(islice(layers(first), max(deep[method], default=-1) + 1)):
            if depth in deep[method]:
                found[depth] = method, v[0]
    return found


def difference(method: str, n: int, batch: int, depth: int, full: bool) -> tuple[float, str] | None:
    """The largest relative difference of the first context's values from the reference, and its name; None from itself."""
    name, right = reference(n, full)[depth]
    if name == method:
        return None
    given = task(n, batch)
    got = METHODS[method](given if method in ("grouped", "closed") else next(members(given, 1)), depth)[0]
    return float(np.abs(got - right).max() / np.abs(right).max()), name


# The table


def cell(n: int, depth: int, batch: int, full: bool) -> dict:
    """Everything about one row of the table."""
    times = {method: timing(method, n, batch, depth) for method in METHODS}
    methods: dict[str, dict] = {}
    for method, (seconds, scaled) in times.items():
        apart = None if method == "naive" else difference(method, n, batch, depth, full)
        entry = {"seconds": seconds, "scaled": scaled, "ratio": times["naive"].seconds / seconds}
        methods[method] = entry | ({"difference": apart[0], "from": apart[1]} if apart else {})
    return {"n": n, "depth": depth, "batch": batch, "methods": methods}


HEADER = f"{'n':>5} {'depth':>5} {'batch':>5} | {'naive s':>9} |" + "|".join(
    f"{name + ' x':>11} {'diff':>7} " for name in list(METHODS)[1:]
)


def line(found: dict) -> str:
    """A row of the table as text."""
    naive, *others = found["methods"].values()
    sizes = "".join(f"{found[name]:>5} " for name in ("n", "depth", "batch"))
    scaled = [{"scaled": naive["scaled"] or entry["scaled"]} for entry in others]
    columns = [
        marked(entry["ratio"], ",.0f" if entry["ratio"] > 99 else ",.1f", mark, 11) + apart(entry)
        for entry, mark in zip(others, scaled)
    ]
    return f"{sizes}| {marked(naive['seconds'], '.3g', naive, 9)} |" + "|".join(columns)


def marked(value: float, form: str, entry: dict, width: int) -> str:
    """A number, with a ~ if it is scaled."""
    return f"{'~' * entry['scaled'] + format(value, form):>{width}}"


def apart(entry: dict) -> str:
    """A difference, with a * if it is one from ``once``."""
    return f" {entry['difference']:>7.0e}" + " *"[entry["from"] == "once"] if "difference" in entry else " " * 9


def goals(cells: list[dict]) -> list[dict]:
    """The ratios that are to be reached, as far as they were measured, and what was."""
    measured = {(found["n"], found["depth"], found["batch"]): found["methods"] for found in cells}
    return [
        {
            "method": method,
            "n": n,
            "depth": depth,
            "batch": batch,
            "goal": goal,
            "ratio": measured[n, depth, batch][method]["ratio"],
        }
        for method, n, depth, batch, goal in GOALS
        if (n, depth, batch) in measured
    ]


def million() -> dict:
    """A context of 10⁶ transitions over 100 states at depth 10⁶: CPU seconds, and the difference from v_CE."""
    context = random_mrp(100, np.random.default_rng(0), GAMMA).sample_context(10**6, np.random.default_rng(1))
    features, seconds = one_hot(100, 6.0), []
    for _ in range(REPEATS):
        start = time.process_time()
        layers = operator.layer_operator(context, features, GAMMA)
        v = layers.iterate(np.zeros(100), ALPHA, 10**6)
        seconds.append(time.process_time() - start)
    right = layers.certainty_equivalence()
    return {
        "cpu_seconds": median(seconds),
        "goal": 2.0,
        "difference": float(np.abs(v - right).max() / np.abs(right).max()),
    }


def measured_by(name: str, *options: str, quiet: bool = False) -> dict:
    """What benchmarks/<name>.py writes with --json, run as a process of its own, whose CPU seconds count from its start on."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        program = Path(__file__).with_name(f"{name}.py")
        subprocess.run(
            [sys.executable, program, "--json", found, *options],
            check=True,
            stdout=subprocess.DEVNULL if quiet else None,
        )
        return json.loads(found.read_text("utf-8"))


def machine() -> dict:
    """Where this was measured."""
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "threads": 1,
    }


def main(arguments: list[str] | None = None) -> None:
    """Print the table row by row, then the goals; write everything as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table to this file")
    parser.add_argument("--quick", action="store_true", help="only n = 30 and 100, and of pretraining the small batch")
    parser.add_argument("--full", action="store_true", help="run naive in full for every difference (minutes more)")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    lengths = QUICK_LENGTHS if options.quick else LENGTHS
    print(
        f"One thread, |S| = {N_STATES}, d = {WIDTH}; CPU seconds, medians of {REPEATS} runs or more. naive: the Transformer, layer by layer;"
    )
    print(
        "once: attention built once; grouped: by states; closed: any depth at once; x: times as fast as naive; diff: from naive, relative."
    )
    print("~ scaled from fewer layers or members; * a difference from once (--help says more)")
    print(f"\n{HEADER}")
    cells = []
    for number, (n, batch, depth) in enumerate(product(lengths, BATCHES, DEPTHS), 1):
        print(f"\r{number}/{len(lengths) * len(BATCHES) * len(DEPTHS)} …", end="\r", file=sys.stderr, flush=True)
        cells.append(cell(n, depth, batch, options.full))
        print(line(cells[-1]), flush=True)
    reached, large, earlier = goals(cells), million(), measured_by("predecessor", quiet=True)
    print()
    for goal in reached:
        where = f"{goal['method']} at n = {goal['n']}, depth {goal['depth']}, batch {goal['batch']}"
        print(f"{where}: {goal['ratio']:,.0f} times naive's speed (goal {goal['goal']:,.0f})")
    print(
        f"10^6 transitions over 100 states at depth 10^6: {large['cpu_seconds']:.2f} s of CPU (goal 2), {large['difference']:.0e} from the limit"
    )
    largest = max(earlier["differences"].values())
    print(
        f"what Wang et al. (2025) verify for linear attention, four methods: {earlier['cpu_seconds']:.2f} s of CPU "
        f"as a whole process (goal {earlier['goal']}), differences up to {largest:.0e}\n",
        flush=True,
    )
    trained = measured_by("pretraining", *["--quick"] * options.quick)
    print(f"{time.perf_counter() - start:.0f} s in all")
    if options.json:
        found = {
            "machine": machine(),
            "cells": cells,
            "goals": reached,
            "million": large,
            "predecessor": earlier,
            "pretraining": trained,
        }
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
