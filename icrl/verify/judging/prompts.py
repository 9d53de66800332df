"""Where two routes to the same prompts first differ.

A difference counts as a counterexample only when what came out is finite and of the right shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from icrl.arrays import np
from icrl.prompt import Rows, rows
from icrl.verify.judging.differences import told_apart
from icrl.verify.model import Counterexample


def place_name(layer: int, band: str, row: int, column: int) -> str:
    """Where in which prompt: for a person."""
    return f"layer {layer}, {entry_name(band, row, column)}"


def entry_name(band: str, row: int, column: int) -> str:
    """Where in a prompt: for a person."""
    return f"{band} row{f' {row}' if band == 'features' else ''}, column {column}"


def first_difference(
    name: str, prompts: Iterable[Any], wanted: Iterable[Sequence], differ: Callable[[Any, Any], bool]
) -> Counterexample | None:
    """The first entry, in the order of :func:`compared`, in which ``prompts`` are not as ``wanted``."""
    for place, got, right in compared(prompts, wanted):
        if differ(got, right):
            return Counterexample(name, place, *told_apart(got, right))
    return None


def compared(prompts: Iterable[Any], wanted: Iterable[Sequence]) -> Iterator[tuple[str, Any, Any]]:
    """Layer by layer, band by band, each entry of ``prompts`` beside the one of ``wanted`` (nested lists), with its place."""
    for layer, (Z, want) in enumerate(zip(prompts, wanted, strict=True)):
        for band, got, right in reversed(list(zip(Rows._fields, rows(Z), want))):  # the value row says most
            right = right if band == "features" else [right]
            if got.shape != (len(right), len(want[1])):
                raise ValueError(f"the {band} rows have shape {got.shape}, not {(len(right), len(want[1]))}")
            for i, j in np.ndindex(got.shape):
                yield place_name(layer, band, i, j), got[i, j], right[i][j]
