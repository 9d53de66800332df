"""Where two routes to the same prompts first differ.

A difference counts as a counterexample only when what came out is finite and of the right shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
    """The first entry, layer by layer, band by band, in which ``prompts`` are not as ``wanted`` (nested lists)."""
    for layer, (Z, want) in enumerate(zip(prompts, wanted, strict=True)):
        for band, got, right in reversed(list(zip(Rows._fields, rows(Z), want))):  # the value row says most
            right = right if band == "features" else [right]
            if got.shape != (len(right), len(want[1])):
                raise ValueError(f"the {band} rows have shape {got.shape}, not {(len(right), len(want[1]))}")
            for i, j in np.ndindex(got.shape):
                if differ(got[i, j], right[i][j]):
                    return Counterexample(name, place_name(layer, band, i, j), *told_apart(got[i, j], right[i][j]))
    return None
