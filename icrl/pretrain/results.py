r"""What pretraining came to: one seed's parameters, their pattern and their predictions, put on record by protocol.

A record is a JSON file, ``recorded/<protocol>.json``: the protocol, and for each seed what :func:`outcome` found. The tasks
for evaluation are drawn from seeds of their own, the same for every protocol, and never trained on.

An outcome has the keys ``V``, ``A``, ``pattern`` (:class:`~icrl.pretrain.metrics.Pattern`), ``curve`` (:func:`curve`) and those of
:func:`evaluation`. ``learned_of(read_record("DIR/boyan.json")[0])`` are the parameters of seed 0, to be used as those of a run.
A protocol of your own is put on record by ``record_text("mine", protocol, {0: outcome(run, protocol)})``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from icrl.files import read_text
from icrl.mrp import finite_array
from icrl.pretrain.batches import TaskBatch, sample_tasks
from icrl.pretrain.losses import true_value
from icrl.pretrain.metrics import Pattern, agreement, less_mean, pattern, task_errors
from icrl.pretrain.network import Learned, is_masked, iterates, last, shapes, tensors
from icrl.pretrain.protocols import PROTOCOLS, Protocol
from icrl.pretrain.train import Run

RECORDED = Path(__file__).resolve().parent / "recorded"
"""Where the records of the book stand."""

TASKS, SEED = 200, 10**6
"""How many tasks each figure is an average over, and the seed they are drawn from."""

DEPTHS = (1, 2, 3, 4, 6, 8, 12, 20, 40, 100)
LENGTHS = (10, 30, 100, 300, 1000, 3000)
"""The depths and the lengths of context at which the error is put on record."""

OVERFLOW = 1e12
"""Errors are put on record as at most this."""

LOST = 1e6
"""Where values are wrong by more than this, what is left of their differences is rounding, and is not put on record."""

DIVERGED = 10.0
"""A relative error above this counts as divergence: the values v = 0 have the error 1."""

OTHER = {"boyan": "dense", "dense": "boyan", "permuted-boyan": "dense"}
"""The family of tasks that one trained on the first has never seen; the features stay of the kind it was trained on. A family of your own
has none unless you add it."""


def held_out(protocol: Protocol, **changes: Any) -> TaskBatch:
    """Tasks for evaluation, as tensors: of the protocol's family, without its controls, or with ``changes``."""
    return tensors(sample_tasks(np.random.default_rng(SEED), TASKS, **(protocol.sampling() | changes)))


def outcome(run: Run, protocol: Protocol) -> dict[str, Any]:
    """Everything on record about a seed: parameters, to six digits, losses, and the :func:`figures` of those parameters."""
    kept = rounded({name: run.learned[name].tolist() for name in ("V", "A")})
    return kept | {"curve": rounded(curve(run))} | figures(learned_of(kept), protocol)


def figures(learned: Learned, protocol: Protocol) -> dict[str, Any]:
    """What is on record about parameters: their ``pattern``, and the figures of :func:`evaluation`.

    Of the parameters on record, not of those that training ended with: beyond the training depth a sixth digit is enlarged to the first.
    """
    return rounded({"pattern": pattern(learned)._asdict(), **evaluation(learned, protocol)})


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

    ``error``: a :func:`summary` at the training depth. ``agreement``: with fitted softmax TD (not where n = ∞), an
    :class:`~icrl.pretrain.metrics.Agreement`. ``by_length``: a list of summaries, each with its ``n``, at each of :data:`LENGTHS`, the
    first three where all of V and A is trained. ``by_depth``: the same with its ``depth``, after each of :data:`DEPTHS`, where layers
    are tied. ``other_family``: a summary on the family :data:`OTHER` names, if any. ``shuffled``: the control of :func:`shuffled`.
    """
    batch, depth = held_out(protocol), protocol.depth
    lengths = LENGTHS if is_masked(learned) else LENGTHS[:3]
    deep = max(depth, *DEPTHS) if protocol.layers == "tied" else depth
    after = dict(enumerate(predictions(learned, batch, deep)))
    on = lambda **changes: summary(predicted(learned, other := held_out(protocol, **changes), depth), other)
    found = {"error": summary(after[depth], batch), "by_length": [{"n": n, **on(n=n)} for n in lengths]}
    if protocol.family in OTHER:
        found["other_family"] = on(family=OTHER[protocol.family])
    found["shuffled"] = shuffled(learned, protocol, max(lengths[:5]))
    if batch.states is not None and pattern(learned).cosine_A != 0:
        found["agreement"] = agreement(learned, batch, depth)._asdict()
    if protocol.layers == "tied":
        found["by_depth"] = [{"depth": layers, **summary(after[layers], batch)} for layers in DEPTHS]
    return found


def summary(v: Tensor, batch: TaskBatch) -> dict[str, float | None]:
    """Over the tasks, ``v`` (B, S): ``median`` and 90% quantile ``q90`` of the relative error, the share ``diverged`` beyond :data:`DIVERGED`, ``centred``.

    The relative error is |v − v^π| / |v^π| in the norm weighted by μ: 0 is exact, and v = 0 has 1, by definition. Most of a value is
    the same for all states of a task; ``centred`` is the median error of values less their mean under μ, of what tells states apart.
    A constant has 1 there; None where the median is beyond :data:`LOST`.
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
    """The same, each (B, S), after 0, 1, …, ``depth`` layers."""
    return list(iterates(learned, batch, depth))


def shuffled(learned: Learned, protocol: Protocol, n: int) -> dict[str, float | None]:
    """The two-sided control, on contexts of ``n`` transitions that pay each state another's reward.

    ``own``: the median relative error against the task's own value; ``paid``: against the value for the rewards that were paid.
    """
    rng = np.random.default_rng(SEED)
    batch = tensors(sample_tasks(rng, TASKS, shuffled_rewards=True, **(protocol.sampling() | {"n": n})))
    v, counts = predicted(learned, batch, protocol.depth), batch.counts
    shown = batch._replace(reward=torch.where(counts > 0, batch.paid / counts.clamp(min=1), batch.reward))
    return {name: summary(v, each)["median"] for name, each in (("own", batch), ("paid", shown))}


# Records

NO_RECORD = "record must be a file that `python -m icrl pretrain` or record_text wrote"
"""How the refusal of a file begins."""


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


def record_text(name: str, protocol: Protocol, outcomes: Mapping[int, dict]) -> str:
    """A record as JSON: a line a seed; what :func:`outcome` found, or ``{"diverged": message}``."""
    head = json.dumps({"protocol": name, **asdict(protocol)})
    lines = ",\n".join(f"{json.dumps(str(seed))}: {json.dumps(outcomes[seed])}" for seed in sorted(outcomes))
    return f'{{"protocol": {head},\n"seeds": {{\n{lines}\n}}}}\n'


def read_record(path: Path | str, protocol: Protocol | None = None) -> dict[int, dict]:
    """The outcomes of a record by seed.

    ``protocol``: what it must be of; unless given, the one of :data:`~icrl.pretrain.protocols.PROTOCOLS` that the record names, and
    where there is none of that name, any.

    Raises ``ValueError`` for a file that is none, or one of another protocol, as of one that has changed since.
    """
    path = Path(path)
    try:
        found = json.loads(read_text(path))
        name, made_by = (
            found["protocol"]["protocol"],
            {field: given for field, given in found["protocol"].items() if field != "protocol"},
        )
        expected = protocol or PROTOCOLS.get(name) or Protocol(**made_by)
        changed = sorted({field for field, _ in made_by.items() ^ asdict(expected).items()})
        outcomes = (
            {} if changed else {int(seed): checked(seed, outcome, expected) for seed, outcome in found["seeds"].items()}
        )
    except OSError as error:
        raise ValueError(f"record must be a file that can be read, got {path}: {error.strerror}") from error
    except KeyError as error:
        raise ValueError(f"{NO_RECORD}, got {path}: {error} is missing") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{NO_RECORD}, got {path}: {error}") from error
    if changed:
        raise ValueError(f"record must be of the protocol as it is, got {path} with another {', '.join(changed)}")
    return outcomes


def checked(seed: str, outcome: dict, protocol: Protocol) -> dict:
    """An outcome itself; ``ValueError`` where its parameters are not those of the protocol, or what the table shows is not there."""
    if "diverged" in outcome and isinstance(outcome["diverged"], str):
        return outcome
    for name, shape in shapes(protocol).items():
        finite_array(f"{name} of seed {seed}", outcome[name], shape)
    for part, figures in (("pattern", Pattern._fields), ("error", ("median",))):
        finite_array(f"{part} of seed {seed}", [outcome[part][figure] for figure in figures], (len(figures),))
    return outcome


def recorded(name: str) -> dict[int, dict]:
    """The outcomes on record of one of the book's protocols, by seed; ``ValueError`` for another name."""
    if name not in (known := sorted(path.stem for path in RECORDED.glob("*.json"))):
        raise ValueError(
            f"name must be one of the book's records, {', '.join(known)}, got {name!r}; read_record reads other files"
        )
    return read_record(RECORDED / f"{name}.json", PROTOCOLS[name])


def learned_of(outcome: dict) -> Learned:
    """The parameters on record."""
    return {name: torch.tensor(outcome[name], dtype=torch.float64) for name in ("V", "A")}
