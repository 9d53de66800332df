"""What a training step costs, three ways to the same gradient; and what it takes until the pattern has emerged.

    .venv/bin/python benchmarks/pretraining.py [--json FILE] [--quick]

state     the state form: a map of |S| values for each task, all tasks at once
token     the Transformer on prompts with a query column for every state, all prompts at once
loop      the same Transformer on one prompt after the other, their gradients added

Each goes from a batch of tasks of the protocol boyan to the TD loss at depth 6 and back to the gradient of V's three entries and
A's block, at the same parameters. Times are CPU seconds, medians over repeats on one thread; "x" columns are the loop's time
divided by the method's, "diff" the largest difference from the loop's gradient, relative to its largest entry.

Before that, one seed is trained by the protocol boyan, all of its steps: that is measured in CPU seconds, together with the
cosines that the pattern reached. What the process took before, and for a first step, is loading PyTorch, and is measured as well.
"""

from __future__ import annotations

import os

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
os.environ |= dict.fromkeys(THREADS, "1")  # read when NumPy and torch are loaded, hence before

import argparse  # noqa: E402
import json  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402
from statistics import median  # noqa: E402
from timeit import Timer  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from icrl.pretrain.batches import TaskBatch, sample_tasks  # noqa: E402
from icrl.pretrain.losses import td_loss  # noqa: E402
from icrl.pretrain.metrics import pattern  # noqa: E402
from icrl.pretrain.network import construction, last, state_values, tensors, token_values  # noqa: E402
from icrl.pretrain.protocols import PROTOCOLS  # noqa: E402
from icrl.pretrain.train import train  # noqa: E402

PROTOCOL, SEED = PROTOCOLS["boyan"], 0
ALPHA, SHARPNESS = 1.2, 2.5
"""The parameters at which gradients are taken: about what training comes to."""
BATCHES, QUICK_BATCHES, REPEATS = (64, 1024), (64,), 3
GOALS = (("state", 1024, 100), ("token", 64, 10))
"""Method, batch: the ratio to the loop that is to be reached."""
COSINES, CPU_SECONDS = {"cosine_V": 0.99, "cosine_A": 0.99}, 5.0
"""What counts as the pattern, and the CPU seconds in which it is to be reached."""


# Three ways to a gradient, each from a batch of tasks and the parameters to (3 + d²,)


def gradient(layers: Callable[..., Iterator[Tensor]], batch: TaskBatch, learned: dict[str, Tensor]) -> Tensor:
    """The gradient of the TD loss of the values after the protocol's layers."""
    loss = td_loss(last(layers(learned, batch, PROTOCOL.depth)), batch)
    return torch.cat([found.reshape(-1) for found in torch.autograd.grad(loss, list(learned.values()))])


def state(batch: TaskBatch, learned: dict[str, Tensor]) -> Tensor:
    return gradient(state_values, batch, learned)


def token(batch: TaskBatch, learned: dict[str, Tensor]) -> Tensor:
    return gradient(token_values, batch, learned)


def loop(batch: TaskBatch, learned: dict[str, Tensor]) -> Tensor:
    singles = [
        TaskBatch._make(X[i : i + 1] if isinstance(X, Tensor) else X for X in batch) for i in range(len(batch.reward))
    ]
    return sum((token(single, learned) for single in singles), torch.tensor(0.0)) / len(singles)


METHODS = {"state": state, "token": token, "loop": loop}


# Measuring


def drawn(size: int) -> tuple[TaskBatch, dict[str, Tensor]]:
    """A batch of tasks, and the parameters."""
    batch = tensors(sample_tasks(np.random.default_rng(size), size, **PROTOCOL.sampling()))
    return batch, {name: X.requires_grad_() for name, X in construction(PROTOCOL.d, ALPHA, SHARPNESS).items()}


def timed(run: Callable[[], object]) -> float:
    """The median CPU seconds of a run; the many runs of what is quick count as one repeat."""
    timer = Timer(run, timer=time.process_time)
    number, _ = timer.autorange()
    return median(timer.repeat(REPEATS, number)) / number


def difference(method: str, size: int) -> float:
    """The largest difference of a method's gradient from the loop's, relative to the loop's largest entry."""
    right, got = (METHODS[name](*drawn(size)) for name in ("loop", method))
    return float((got - right).abs().max() / right.abs().max())


def cell(size: int) -> dict:
    """Everything about one batch size."""
    given = drawn(size)
    times = {name: timed(lambda: run(*given)) for name, run in METHODS.items()}
    found = {
        name: {"seconds": seconds, "tasks_per_second": size / seconds, "ratio": times["loop"] / seconds}
        for name, seconds in times.items()
    }
    for name in ("state", "token"):
        found[name]["difference"] = difference(name, size)
    return {"batch": size, "methods": found}


def goals(cells: list[dict]) -> list[dict]:
    """The ratios that are to be reached, as far as they were measured, and what was."""
    measured = {found["batch"]: found["methods"] for found in cells}
    return [
        {"method": method, "batch": size, "goal": goal, "ratio": measured[size][method]["ratio"]}
        for method, size, goal in GOALS
        if size in measured
    ]


def emergence() -> dict:
    """One seed, trained: CPU seconds, those of the process until then, the cosines reached, and those that count as the pattern."""
    train(replace(PROTOCOL, steps=1), SEED)
    loading = time.process_time()
    found = pattern(train(PROTOCOL, SEED).learned)._asdict()
    return {
        "cpu_seconds": time.process_time() - loading,
        "loading": loading,
        "goal": CPU_SECONDS,
        "steps": PROTOCOL.steps,
        "batch": PROTOCOL.batch,
        "cosines": {name: found[name] for name in COSINES},
        "least": COSINES,
    }


# The table

HEADER = f"{'batch':>5} | {'loop, tasks/s':>13} |" + "|".join(
    f"{name + ', tasks/s':>15} {'x':>6} {'diff':>6} " for name in ("state", "token")
)


def line(found: dict) -> str:
    """A row of the table as text."""
    entries = [found["methods"][name] for name in ("state", "token")]
    columns = [
        f"{entry['tasks_per_second']:>15,.0f} {entry['ratio']:>6,.3g} {entry['difference']:>6.0e} " for entry in entries
    ]
    return f"{found['batch']:>5} | {found['methods']['loop']['tasks_per_second']:>13,.0f} |" + "|".join(columns)


def main(arguments: list[str] | None = None) -> None:
    """Print what was found, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--quick", action="store_true", help=f"only batches of {QUICK_BATCHES[0]}")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    trained = emergence()  # first, since loading is counted from the start of the process
    reached = ", ".join(
        f"{name} {cosine:.4f} (at least {COSINES[name]})" for name, cosine in trained["cosines"].items()
    )
    print(
        f"one seed of {PROTOCOL.steps} steps: {trained['cpu_seconds']:.2f} s of CPU (goal {CPU_SECONDS:g}) after {trained['loading']:.2f} s of loading, {reached}\n"
    )
    print(
        f"A training step, n = {PROTOCOL.n}, |S| = {PROTOCOL.n_states}, depth {PROTOCOL.depth}; x: times as fast as the loop; diff: of gradients"
    )
    print(HEADER, flush=True)
    cells = []
    for size in QUICK_BATCHES if options.quick else BATCHES:
        cells.append(cell(size))
        print(line(cells[-1]), flush=True)
    for goal in goals(cells):
        print(
            f"{goal['method']} at batch {goal['batch']}: {goal['ratio']:,.3g} times the loop's speed (goal {goal['goal']})"
        )
    if options.json:
        found = {"torch": torch.__version__, "emergence": trained, "cells": cells, "goals": goals(cells)}
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
