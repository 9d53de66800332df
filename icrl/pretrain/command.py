"""``python -m icrl pretrain``: train by protocols over seeds, put what came of them on record, and show it in a table.

What is on the disk is all that a command knows of the ones before it: a record a protocol, with its finished seeds, and a
checkpoint of the seed that was being trained. Under torchrun the first process alone reads, writes and prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from icrl.files import UsageError, alone, lock_of, plain, printing, sweep, writable, write_all
from icrl.pretrain.protocols import PROTOCOLS, Protocol
from icrl.pretrain.results import outcome, read_record, record_text
from icrl.pretrain.train import EVERY, Diverged, Run, agreed, process_group, rank, resumed, train

PATIENCE = 10.0
"""Where there is no terminal, at most one line is printed in so many seconds."""

WIDTH = 110
"""The table's width where no terminal gives one."""


Held = dict[str, dict[int, dict]]
"""Outcomes by protocol and seed."""


class Result(NamedTuple):
    """What came of one seed of a protocol; ``seconds`` None where it was on record already."""

    protocol: str
    seed: int
    found: dict[str, Any]
    seconds: float | None


def pretrain(
    names: Sequence[str], seeds: Sequence[int], out: Path | None, resume: bool, changes: Mapping[str, Any]
) -> int:
    """The command: 0, or 1 if a seed diverged.

    Raises :class:`~icrl.files.UsageError` for protocols that are not known, and a folder, records and checkpoints that do not fit
    what was asked. In the first process only: the others return 0 whatever came of it, for torchrun ends all processes as soon as
    one has failed, and the first may still have to evaluate, write and print.
    """
    torch.set_num_threads(1)  # the matrices are small: a second thread costs more than it does
    with process_group() as device:
        console = Console(stderr=True, quiet=rank() > 0)
        try:
            protocols = chosen(names, changes)
            if changes and out:
                changed = ", ".join(f"--{name}" for name in changes)
                raise ValueError(f"--out must be left out with {changed}: records are of the protocols as they are")
            if resume and not out:
                raise ValueError("--resume must come with --out, the folder to go on in")
            held, begun = agreed(lambda: on_disk(protocols, seeds, out, resume))
            for what, step in begun.items():
                console.print(f"{what}: goes on from step {step}", markup=False, highlight=False, soft_wrap=True)
            with telling(console) as tell:
                results = [
                    one(name, protocol, seed, held, out, device, tell)
                    for name, protocol in protocols.items()
                    for seed in seeds
                ]
        except (ValueError, OSError, UsageError) as error:
            if rank() > 0:
                return 0
            raise UsageError(" ".join(str(error).split())) from None
        except KeyboardInterrupt:
            if out:
                console.print(
                    f"What is finished stands in {plain(str(out))}; the same command with --resume goes on from there.",
                    markup=False,
                    soft_wrap=True,
                )
            raise
        if rank() > 0:
            return 0
        show(results, console)
    return 1 if any("diverged" in result.found for result in results) else 0


def chosen(names: Sequence[str], changes: Mapping[str, Any]) -> dict[str, Protocol]:
    """The protocols with these names, each once, every one of the book for "all", with ``changes`` of their fields."""
    for name in names:
        if name not in PROTOCOLS and name != "all":
            near = "".join(f"did you mean {known}? " for known in get_close_matches(name, PROTOCOLS, 1))
            raise ValueError(f"unknown protocol {name!r}; {near}the protocols are all, {', '.join(PROTOCOLS)}")
    return {name: replace(PROTOCOLS[name], **changes) for name in (PROTOCOLS if "all" in names else names)}


def one(name: str, protocol: Protocol, seed: int, held: Held, out: Path | None, device: str, tell: Callable) -> Result:
    """One seed: as it is on record, or trained, put on record, and its checkpoint removed."""
    if seed in held.get(name, {}):
        return Result(name, seed, held[name][seed], None)
    begun, checkpoint = perf_counter(), out and checkpoint_of(out, name, seed)
    with ExitStack() as stack:
        if checkpoint:
            agreed(lambda: claim(stack, checkpoint))
        try:
            run = train(
                protocol,
                seed,
                checkpoint,
                report=lambda run: tell(f"{name}, seed {seed}", protocol, run),
                device=device,
            )
            found = outcome(run, protocol) if rank() == 0 else {}
        except Diverged as error:
            found = {"diverged": str(error)}
        if out and checkpoint and rank() == 0:
            put(record_of(out, name), name, protocol, {seed: found})
            remove(checkpoint)
    return Result(name, seed, found, perf_counter() - begun)


def put(record: Path, name: str, protocol: Protocol, found: Mapping[int, dict]) -> None:
    """Add outcomes to a record; another command may be adding to it, and may have added."""
    with alone(record):
        write_all({record: record_text(name, protocol, {**outcomes_in(record, protocol), **found})})


def clear(records: Iterable[Path], checkpoints: Iterable[Path]) -> None:
    """Remove the locks of processes that were killed; raises as :func:`claim`, before any work."""
    with ExitStack() as stack:
        for path in (path for path in checkpoints if lock_of(path).exists()):
            claim(stack, path)
        for path in (path for path in records if lock_of(path).exists()):
            stack.enter_context(alone(path))


def claim(stack: ExitStack, checkpoint: Path) -> None:
    """Be alone with a checkpoint as long as the stack stands; ``ValueError`` where another command trains its seed."""
    try:
        stack.enter_context(alone(checkpoint, wait=False))
    except BlockingIOError:
        raise ValueError(
            f"{checkpoint} is being written by another command, which trains that seed: "
            "wait for it, or leave the seed out of --seeds"
        ) from None


# What is on the disk


def record_of(out: Path, name: str) -> Path:
    """Where a protocol's outcomes are put on record."""
    return out / f"{name}.json"


def checkpoint_of(out: Path, name: str, seed: int) -> Path:
    """Where a seed's checkpoint is while it is trained."""
    return out / f"{name}-seed-{seed}.pt"


def outcomes_in(record: Path, protocol: Protocol) -> dict[int, dict]:
    """The outcomes of a record, none where there is none."""
    return read_record(record, protocol) if record.exists() else {}


def on_disk(
    protocols: Mapping[str, Protocol], seeds: Sequence[int], out: Path | None, resume: bool
) -> tuple[Held, dict[str, int]]:
    """The outcomes that are on record already, and how many steps are done of which protocol and seed that was begun.

    Makes the folder, and removes the checkpoints of seeds that are on record.

    Raises ``ValueError`` for a folder that cannot be written, for anything of these protocols in it unless ``resume``, and for
    records and checkpoints that are damaged or of protocols that have changed.
    """
    if out is None:
        return {}, {}
    if not all(writable(record_of(out, name)) for name in protocols):
        raise ValueError(
            f"--out must be a folder in which {', '.join(record_of(out, name).name for name in protocols)} can be written, got {out}"
        )
    checkpoints = {checkpoint_of(out, name, seed): (name, seed) for name in protocols for seed in seeds}
    clear(map(partial(record_of, out), protocols), checkpoints)
    found = [path for path in (*(record_of(out, name) for name in protocols), *checkpoints) if path.exists()]
    if found and not resume:
        raise ValueError(
            f"{found[0]} exists: with --resume what is missing is added, in another --out everything is trained anew"
        )
    odd = [path for path in found if not path.is_file()]
    if odd:
        raise ValueError(f"{odd[0]} must be a file that pretraining wrote, got a folder, pipe or device")
    held = {name: outcomes_in(record_of(out, name), protocol) for name, protocol in protocols.items()}
    begun = {}
    for path, (name, seed) in checkpoints.items():
        if seed in held[name]:
            remove(path)
        elif path.exists():
            begun[f"{name}, seed {seed}"] = resumed(path, protocols[name], seed).done
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--out must be a folder that can be made, got {out}: {error.strerror}") from None
    return held, begun


def remove(checkpoint: Path) -> None:
    """Remove a checkpoint, and what a process killed while writing it left beside it."""
    checkpoint.unlink(missing_ok=True)
    sweep(checkpoint)


# What is shown


@contextmanager
def telling(console: Console) -> Iterator[Callable[[str, Protocol, Run], None]]:
    """A function that says how far a run has come: a live bar on a terminal, elsewhere a line now and then."""
    if not console.is_terminal:
        yield occasional(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, state="")
        yield lambda what, protocol, run: bar.update(
            task, description=what, completed=run.done, total=protocol.steps, state=state(run)
        )


def occasional(console: Console) -> Callable[[str, Protocol, Run], None]:
    """A function that prints how far a run has come, unless it printed in the last :data:`PATIENCE` seconds."""
    due = perf_counter() + PATIENCE

    def tell(what: str, protocol: Protocol, run: Run) -> None:
        nonlocal due
        if perf_counter() >= due:
            due = perf_counter() + PATIENCE
            console.print(
                f"{what}: step {run.done} of {protocol.steps}, {state(run)}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )

    return tell


def state(run: Run) -> str:
    """The mean loss of the last steps, and the cosines last put on record."""
    seen = run.history[-1].pattern
    return f"loss {np.mean(run.losses[-EVERY:]):.3g}, cosine of V {seen.cosine_V:.4f}, of A {seen.cosine_A:.4f}"


def show(results: Sequence[Result], console: Console) -> None:
    """The table on standard output; on ``console`` what diverged, and at which step."""
    out = Console()
    out.width = out.width if out.is_terminal else max(out.width, WIDTH)
    table = Table(
        Column("protocol", overflow="fold"),
        *(Column(name, justify="right") for name in HEADINGS),
        box=None,
        pad_edge=False,
    )
    for result in results:
        table.add_row(*row(result))
    with printing():
        out.print(table)
    for result in results:
        if "diverged" in result.found:
            console.print(
                f"{result.protocol}: {plain(result.found['diverged'])}", markup=False, highlight=False, soft_wrap=True
            )


HEADINGS = "seed", "cosine V", "cosine A", "centred", "V's last row", "A's diagonal", "error", "seconds"
"""The columns of the table."""


def row(result: Result) -> list[str]:
    """A line of the table."""
    seconds = "on record" if result.seconds is None else f"{result.seconds:.1f}"
    if "diverged" in result.found:
        return [result.protocol, str(result.seed), "diverged", *[""] * 5, seconds]
    seen, V, A = (result.found[name] for name in ("pattern", "V", "A"))
    cosines = [f"{seen[name]:.4f}" for name in ("cosine_V", "cosine_A", "cosine_A_centred")]
    entries = " ".join(f"{entry:.2f}" for entry in value_row(V))
    return [
        result.protocol,
        str(result.seed),
        *cosines,
        entries,
        f"{diagonal(A, V):.2f}",
        f"{result.found['error']['median']:.3f}",
        seconds,
    ]


def value_row(V: list) -> np.ndarray:
    """The last three entries of V's last row, (3,), the mean over the layers."""
    mean = np.mean(V, axis=0)
    return mean[-3:] if mean.ndim == 1 else mean[-1, -3:]


def diagonal(A: list, V: list) -> float:
    """The mean of the diagonal of A's block on the features, over the layers too."""
    entries = np.diagonal(np.mean(A, axis=0))
    return float((entries if np.ndim(V) == 2 else entries[:-3]).mean())
