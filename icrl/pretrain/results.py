r"""What pretraining came to: one seed's parameters, their pattern and their predictions, put on record by protocol.

A record is a JSON file, ``recorded/<protocol>.json``: the protocol, and for each seed what :func:`outcome` found. The tasks
for evaluation are drawn from seeds of their own, the same for every protocol, and never trained on.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from icrl.pretrain.metrics import agreement, less_mean, pattern, task_errors, true_value
from icrl.pretrain.network import Learned, is_masked, iterates, last, tensors
from icrl.pretrain.protocols import PROTOCOLS, Protocol
from icrl.pretrain.tasks import TaskBatch, sample_tasks
from icrl.pretrain.train import Run

RECORDED = Path(__file__).resolve().parent / "recorded"
"""Where the records of the book stand."""

TASKS, SEED = 200, 10**6
"""How many tasks each figure is an average over, and the seed they are drawn from."""

DEPTHS = (1, 2, 3, 4, 6, 8, 12, 20, 40, 100)
LENGTHS = (10, 30, 100, 300, 1000, 3000)
OVERFLOW = 1e12
"""Errors are put on record as at most this."""

LOST = 1e6
"""Where values are wrong by more than this, what is left of their differences is rounding, and is not put on record."""

DIVERGED = 10.0
"""A relative error above this counts as divergence: the values v = 0 have the error 1."""

OTHER = {"boyan": "dense", "dense": "boyan", "permuted-boyan": "dense"}
"""The family of tasks that one trained on the first has never seen; the features stay of the kind it was trained on."""


def held_out(protocol: Protocol, **changes: Any) -> TaskBatch:
    """Tasks for evaluation, as tensors: of the protocol's family, without its controls, or with ``changes``."""
    return tensors(sample_tasks(np.random.default_rng(SEED), TASKS, **(protocol.sampling() | changes)))


def outcome(run: Run, protocol: Protocol) -> dict[str, Any]:
    """Everything on record about a seed: parameters, pattern, losses, and the figures of :func:`evaluation`."""
    learned = {name: X.cpu() for name, X in run.learned.items()}
    return rounded({
        "V": learned["V"].tolist(),
        "A": learned["A"].tolist(),
        "pattern": pattern(learned)._asdict(),
        "curve": curve(run),
        **evaluation(learned, protocol),
    })


def curve(run: Run, rows: int = 25) -> dict[str, list]:
    """Along training, in at most ``rows`` rows: the step, the mean loss since the row before, the cosines."""
    chosen = run.history[:: -(-len(run.history) // rows)]
    ends = [record.step for record in chosen[1:]] + [run.done]
    losses = [float(np.mean(run.losses[record.step : end])) for record, end in zip(chosen, ends)]
    cosines = ("cosine_V", "cosine_A", "off_V")
    patterns = {name: [getattr(record.pattern, name) for record in chosen] for name in cosines}
    return {"step": [record.step for record in chosen], "loss": losses, **patterns}


def evaluation(learned: Learned, protocol: Protocol) -> dict[str, Any]:
    """How well the parameters predict on tasks never trained on: everything that makes sense for the protocol.

    ``error``: at the training depth. ``agreement``: with fitted softmax TD (not where n = ∞). ``by_length``: at each of
    :data:`LENGTHS`, the first three where all of V and A is trained. ``by_depth``: after each of :data:`DEPTHS`, where layers are
    tied. ``other_family``: on :data:`OTHER`. ``shuffled``: the control of :func:`shuffled`.
    """
    batch, depth = held_out(protocol), protocol.depth
    lengths = LENGTHS if is_masked(learned) else LENGTHS[:3]
    deep = max(depth, *DEPTHS) if protocol.layers == "tied" else depth
    after = dict(enumerate(predictions(learned, batch, deep)))
    found = {
        "error": summary(after[depth], batch),
        "by_length": [summary(predicted(learned, longer, depth), longer) for longer in (held_out(protocol, n=n) for n in lengths)],
        "other_family": summary(predicted(learned, other := held_out(protocol, family=OTHER[protocol.family]), depth), other),
        "shuffled": shuffled(learned, protocol, max(lengths[:5])),
    }
    if batch.states is not None and pattern(learned).cosine_A != 0:
        found["agreement"] = agreement(learned, batch, depth)._asdict()
    if protocol.layers == "tied":
        found["by_depth"] = [summary(after[depth], batch) for depth in DEPTHS]
    return found


def summary(v: Tensor, batch: TaskBatch) -> dict[str, float | None]:
    """Over the tasks: median and 90% quantile of the relative error, the share beyond :data:`DIVERGED`, the median for values less their mean.

    Most of a value is the same for all states of a task; ``centred`` is the error of what tells them apart. A constant has 1 there;
    None where the median is beyond :data:`LOST`.
    """
    right = true_value(batch)
    errors, centred = (
        np.nan_to_num(task_errors(u, w, batch).cpu().numpy(), nan=OVERFLOW, posinf=OVERFLOW).clip(max=OVERFLOW)
        for u, w in ((v, right), (less_mean(v, batch), less_mean(right, batch)))
    )
    median, q90 = np.quantile(errors, [0.5, 0.9])
    told = float(np.median(centred)) if median < LOST else None
    return {"median": float(median), "q90": float(q90), "diverged": float((errors > DIVERGED).mean()), "centred": told}


def predicted(learned: Learned, batch: TaskBatch, depth: int) -> Tensor:
    """The predictions, (B, S), without gradients."""
    return last(predictions(learned, batch, depth))


@torch.no_grad()
def predictions(learned: Learned, batch: TaskBatch, depth: int) -> list[Tensor]:
    """The same after 0, 1, …, ``depth`` layers."""
    return list(iterates(learned, batch, depth))


def shuffled(learned: Learned, protocol: Protocol, n: int) -> dict[str, float]:
    """The two-sided control, on contexts of ``n`` transitions that pay each state another's reward.

    ``own``: the median relative error against the task's own value; ``paid``: against the value for the rewards that were paid.
    """
    rng = np.random.default_rng(SEED)
    batch = tensors(sample_tasks(rng, TASKS, shuffled_rewards=True, **(protocol.sampling() | {"n": n})))
    v, counts = predicted(learned, batch, protocol.depth), batch.moves.sum(-1)
    shown = batch._replace(reward=torch.where(counts > 0, batch.paid / counts.clamp(min=1), batch.reward))
    return {name: summary(v, each)["median"] for name, each in (("own", batch), ("paid", shown))}


# Records


def rounded(found: Any, digits: int = 6) -> Any:
    """Nested lists and dictionaries with their floats to so many significant digits, None where they are not finite."""
    match found:
        case dict():
            return {name: rounded(each, digits) for name, each in found.items()}
        case list():
            return [rounded(each, digits) for each in found]
        case float():
            return float(f"{found:.{digits}g}") if math.isfinite(found) else None
        case _:
            return found


def record_text(name: str, outcomes: dict[int, dict]) -> str:
    """A record as JSON: a line a seed; what :func:`outcome` found, or ``{"diverged": message}``."""
    head = json.dumps({"protocol": name, **asdict(PROTOCOLS[name])})
    lines = ",\n".join(f"{json.dumps(str(seed))}: {json.dumps(outcomes[seed])}" for seed in sorted(outcomes))
    return f'{{"protocol": {head},\n"seeds": {{\n{lines}\n}}}}\n'


def read_record(path: Path) -> dict[int, dict]:
    """The outcomes of a record by seed; ``ValueError`` for a file that is none, or one of a protocol that has changed since."""
    try:
        found = json.loads(path.read_text("utf-8"))
        head, outcomes = found["protocol"], {int(seed): outcome for seed, outcome in found["seeds"].items()}
        expected = {"protocol": path.stem, **asdict(PROTOCOLS[path.stem])}
        changed = sorted({name for name, _ in head.items() ^ expected.items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"record must be a file that `python -m icrl pretrain` wrote, got {path}: {error}") from error
    if changed:
        raise ValueError(f"record must be of the protocol as it is, got {path} with another {', '.join(changed)}")
    return outcomes


def recorded(name: str) -> dict[int, dict]:
    """The outcomes on record of one of :data:`~icrl.pretrain.protocols.PROTOCOLS`, by seed."""
    return read_record(RECORDED / f"{name}.json")


def learned_of(outcome: dict) -> Learned:
    """The parameters on record."""
    return {name: torch.tensor(outcome[name], dtype=torch.float64) for name in ("V", "A")}
