r"""The training loop: a step is a pure function of the parameters, the optimiser's state and the step's number.

The tasks of step t are drawn from a generator seeded with (seed, t), and the rate is a function of t, so that a run that was
interrupted goes on as if it never had been. Under torch.distributed every process takes its part of the same batch of tasks, and
gradients are summed.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
import torch.distributed as dist

from icrl.files import write_all
from icrl.mrp import integer
from icrl.pretrain.batches import sample_tasks
from icrl.pretrain.losses import LOSSES
from icrl.pretrain.metrics import Pattern, pattern
from icrl.pretrain.network import Learned, initial, tensors, values
from icrl.pretrain.protocols import Protocol

EVERY = 20
"""How often the pattern is put on record, in steps."""

LIMIT = 1e12
"""A loss beyond this is divergence: values are of size 1/(1 − γ) at most."""


class Diverged(ArithmeticError):
    """The loss or its gradient was not finite, or beyond all bounds; the message says at which step, and what to change."""


class Record(NamedTuple):
    """One line of a run's history: the loss of a step, and the pattern before it."""

    step: int
    loss: float
    pattern: Pattern


class Run(NamedTuple):
    """What a run has come to: how many steps are done, the parameters, the optimiser's state, the losses of all steps, the records."""

    done: int
    learned: Learned
    optimiser: dict[str, Any]
    losses: list[float]
    history: list[Record]


def train(
    protocol: Protocol,
    seed: int = 0,
    checkpoint: Path | str | None = None,
    save_every: int = 100,
    report: Callable[[Run], None] = lambda run: None,
    device: torch.device | str = "cpu",
) -> Run:
    """Train by a protocol, to the end.

    ``checkpoint``: a file written every ``save_every`` steps, whole or not at all; where it exists the run goes on from there,
    to the same bits as one that was never interrupted (on one machine, with as many threads and processes). Of several processes
    the first reads and writes it. ``report`` is called with the run after every :data:`EVERY` steps and at the end.

    Raises ``ValueError`` for what is no :class:`~icrl.pretrain.protocols.Protocol`, a device that is not there, and a checkpoint that
    is damaged, or of another protocol or seed; :class:`~icrl.files.UsageError` for one that cannot be written;
    :class:`Diverged`.
    """
    if not isinstance(protocol, Protocol):
        raise ValueError(
            f"protocol must be a Protocol, as those in icrl.pretrain.protocols.PROTOCOLS, got {protocol!r}"
        )
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # the second from a torch that was built without CUDA
        raise ValueError(
            f"device must be one that torch has here, got {str(device)!r}: {str(error).splitlines()[0]}"
        ) from error
    path = None if checkpoint is None else Path(checkpoint)
    integer("save_every", save_every, 1)
    integer("seed", seed, 0)
    run = agreed(lambda: resumed(path, protocol, seed))
    for run in continued(run, protocol, seed, device):
        if path and rank() == 0 and (run.done % save_every == 0 or run.done == protocol.steps):
            save(path, run, protocol, seed)
        if run.done % EVERY == 0 or run.done == protocol.steps:
            report(run)
    return run


def started(protocol: Protocol, seed: int) -> Run:
    """A run of which no step is done."""
    return Run(0, initial(protocol, np.random.default_rng(seed)), {}, [], [])


def continued(run: Run, protocol: Protocol, seed: int, device: torch.device | str = "cpu") -> Iterator[Run]:
    """The run after each further step, computed on ``device``; the runs yielded share their tensors and lists."""
    learned = {name: X.detach().to(device, copy=True) for name, X in run.learned.items()}
    trained = trained_of(learned, protocol)
    optimiser = optimiser_of(protocol, trained)
    if run.optimiser:
        optimiser.load_state_dict(run.optimiser)
    losses, history = list(run.losses), list(run.history)
    for step in range(run.done, protocol.steps):
        if step % EVERY == 0:
            seen = pattern(learned)
        loss = gradient(learned, trained, protocol, seed, step, device)
        losses.append(loss)
        if step % EVERY == 0:
            history.append(Record(step, loss, seen))
        for group in optimiser.param_groups:
            group["lr"] = rate(protocol, step)
        optimiser.step()
        yield Run(step + 1, {name: X.detach() for name, X in learned.items()}, optimiser.state_dict(), losses, history)


def trained_of(learned: Learned, protocol: Protocol) -> list[torch.Tensor]:
    """Those parameters, in their shapes, that are not held as they are, with gradients from now on."""
    return [
        X.requires_grad_()
        for name, X in learned.items()
        if not (name == "A" and protocol.control == "uniform-attention")
    ]


def optimiser_of(protocol: Protocol, trained: list[torch.Tensor]) -> torch.optim.Optimizer:
    """Adam or plain gradient descent of parameters of any shape, on the loss with ``decay``/2 times the sum of squares of the parameters added."""
    kind = torch.optim.Adam if protocol.optimiser == "adam" else torch.optim.SGD
    return kind(trained, lr=protocol.rate, weight_decay=protocol.decay)


def rate(protocol: Protocol, step: int) -> float:
    """The rate of a step: along half a cosine from ``protocol.rate`` to 0."""
    return protocol.rate * (1 + math.cos(math.pi * step / protocol.steps)) / 2


def gradient(
    learned: Learned, trained: list[torch.Tensor], protocol: Protocol, seed: int, step: int, device: torch.device | str
) -> float:
    """The loss of a step, summed over the processes; its clipped gradient is left at the parameters, in their shapes.

    Raises :class:`Diverged` where they are not finite.
    """
    rng = np.random.default_rng([seed, step + 1])
    depth = (
        protocol.depth if protocol.shallowest is None else int(rng.integers(protocol.shallowest, protocol.depth + 1))
    )
    part = own_part(protocol.batch)
    controls: dict[str, Any] = {
        "shuffled_rewards": protocol.control == "shuffled-rewards",
        "other_labels": protocol.control == "other-labels",
        "sampled": protocol.loss == "td-sampled",
    }
    batch = tensors(sample_tasks(rng, protocol.batch, part=part, **controls, **protocol.sampling()), device)
    loss = LOSSES[protocol.loss](values(learned, batch, depth), batch) * ((part.stop - part.start) / protocol.batch)
    found = torch.autograd.grad(loss, trained)
    flat = summed(torch.cat([loss.detach().reshape(1), *(g.reshape(-1) for g in found)]))
    if not (torch.isfinite(flat).all() and flat[0] < LIMIT):
        raise Diverged(complaint(protocol, seed, step, depth, float(flat[0])))
    for X, g in zip(trained, clipped(flat[1:], protocol.clip).split([X.numel() for X in trained])):
        X.grad = g.view_as(X)
    return float(flat[0])


def clipped(g: torch.Tensor, norm: float) -> torch.Tensor:
    """A gradient, (k,), scaled to this norm where it is longer."""
    return g * min(1.0, norm / max(float(g.norm()), norm))


def complaint(protocol: Protocol, seed: int, step: int, depth: int, loss: float) -> str:
    """Where a run diverged, and what may be changed."""
    what = f"the loss was {loss:.3g}" if not math.isfinite(loss) or loss >= LIMIT else "its gradient was not finite"
    change = f"lower rate (now {protocol.rate:g}), depth (now {protocol.depth}) or init (now {protocol.init:g})"
    return f"training diverged at step {step} of seed {seed}: {what} after {depth} layers; {change}"


# Several processes


def rank() -> int:
    """This process's number among those that train together, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def processes() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def own_part(size: int) -> slice:
    """This process's part of a batch; ``ValueError`` where there are more processes than tasks."""
    if processes() > size:
        raise ValueError(f"batch must be at least the number of processes, {processes()}, got {size}")
    bounds = [size * k // processes() for k in (rank(), rank() + 1)]
    return slice(*bounds)


def summed(flat: torch.Tensor) -> torch.Tensor:
    """The sum over all processes, of the shape given."""
    if processes() > 1:
        dist.all_reduce(flat)
    return flat


Made = TypeVar("Made")
"""What :func:`agreed` makes."""


def agreed(make: Callable[[], Made]) -> Made:
    """What ``make`` gives in the first process, in every one of them; the ``ValueError`` that it raises there, likewise."""
    if processes() == 1:
        return make()
    made: list[Any] = [None, None]
    if rank() == 0:
        try:
            made = [make(), None]
        except ValueError as error:
            made = [None, error]
    dist.broadcast_object_list(made)
    if made[1] is not None:
        raise made[1]
    return made[0]


@contextmanager
def process_group() -> Iterator[str]:
    """The device of this process; under torchrun, with the processes joined while the outermost block lasts (nccl on GPUs, gloo on CPUs)."""
    cuda = torch.cuda.is_available()
    device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if cuda else "cpu"
    if cuda:
        torch.cuda.set_device(device)
    together = "WORLD_SIZE" in os.environ and not dist.is_initialized()  # a group once left cannot be entered again
    if together:
        dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield device
    finally:
        if together:
            dist.destroy_process_group()


# Checkpoints


def save(path: Path, run: Run, protocol: Protocol, seed: int) -> None:
    """Write a checkpoint, whole or not at all; :class:`~icrl.files.UsageError` where that cannot be."""
    history = [(step, loss, *seen) for step, loss, seen in run.history]
    content = io.BytesIO()
    torch.save({"protocol": asdict(protocol), "seed": seed, **run._asdict(), "history": history}, content)
    write_all({path: content.getvalue()})


def resumed(path: Path | None, protocol: Protocol, seed: int) -> Run:
    """The run of a checkpoint, or a new one where there is none; ``ValueError`` for a damaged one, or one of another protocol or seed."""
    if path is None or not path.exists():
        if path and not path.parent.is_dir():
            raise ValueError(f"checkpoint must be in a folder that exists, got {path}")
        return started(protocol, seed)
    try:
        if not path.is_file():
            raise ValueError("it is a folder, a pipe or a device")
        if damaged := zipfile.ZipFile(path).testzip():  # torch does not look at the checksums that it writes
            raise ValueError(f"{damaged} is damaged")
        content = torch.load(path, map_location="cpu", weights_only=True)
        made_by = {**content["protocol"], "seed": content["seed"]}
        changed = sorted({name for name, _ in made_by.items() ^ {**asdict(protocol), "seed": seed}.items()})
        run = None if changed else checked(content, protocol)
    except Exception as error:  # whatever a reader of damaged bytes stumbles over
        said = f"{error} is missing" if isinstance(error, KeyError) else (str(error) or repr(error)).splitlines()[0]
        raise ValueError(f"checkpoint must be a file that pretraining wrote, got {path}: {said}") from error
    if run is None:
        why = (
            " (the rate falls along a cosine over all steps: a run of more steps is another from its first)"
            if changed == ["steps"]
            else ""
        )
        raise ValueError(
            f"checkpoint must be of this protocol and seed, got {path} with another {', '.join(changed)}{why}"
        )
    return run


def checked(content: dict[str, Any], protocol: Protocol) -> Run:
    """The run in a checkpoint of this protocol; ``ValueError`` or ``KeyError`` where it is not as :func:`save` wrote it."""
    done, losses = content["done"], content["losses"]
    if type(done) is not int or not 0 <= done <= protocol.steps:
        raise ValueError(f"done must be an integer from 0 to steps = {protocol.steps}, got {done!r}")
    history = [Record(step, loss, Pattern(*seen)) for step, loss, *seen in content["history"]]
    run = Run(done, content["learned"], content["optimiser"], losses, history)
    check_form("", run._asdict(), form(done, protocol)._asdict())
    return run


def form(done: int, protocol: Protocol) -> Run:
    """A run with ``done`` steps of which only types, lengths and shapes mean something, from one step without a gradient."""
    learned = initial(protocol, np.random.default_rng(0))
    trained = trained_of(learned, protocol)
    optimiser = optimiser_of(protocol, trained)
    for X in trained:
        X.grad = torch.zeros_like(X)
    for group in optimiser.param_groups:
        group["lr"] = rate(protocol, 0)
    optimiser.step()
    history = [Record(step, 0.0, Pattern(*[0.0] * len(Pattern._fields))) for step in range(0, done, EVERY)]
    return Run(done, learned, optimiser.state_dict() if done else {}, [0.0] * done, history)


def check_form(name: str, found: Any, like: Any) -> None:
    """``ValueError`` naming the first part that is not finite, or has another type, length, keys, shape or dtype than that of ``like``."""
    match like:
        case torch.Tensor():
            right = (
                isinstance(found, torch.Tensor)
                and (found.shape, found.dtype) == (like.shape, like.dtype)
                and bool(found.isfinite().all())
            )
        case dict():
            right = isinstance(found, dict) and found.keys() == like.keys()
        case list() | tuple():
            right = isinstance(found, type(like)) and len(found) == len(like)
        case _:
            right = type(found) is type(like) and (not isinstance(like, float) or math.isfinite(found))
    if not right:
        raise ValueError(
            f"{name} is not finite, or not of the type, length, keys, shape or dtype that pretraining wrote"
        )
    parts = like.items() if isinstance(like, dict) else enumerate(like) if isinstance(like, list | tuple) else ()
    for part, each in parts:
        check_form(f"{name} {part}".strip(), found[part], each)
