"""Where two routes to the same prompts first differ, for each kind of number, and what that shows.

A difference counts as a counterexample only when what came out is finite and of the right shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from sympy import Basic, Rational, cancel, expand, prime

from icrl.claims.model import Counterexample
from icrl.prompt import Rows, rows

BITS = 256
"""Precision of the Arb balls, in bits."""
RADIUS = 128
"""A certified check passes only when the ball of the difference is smaller than 2^-RADIUS of the values' scale."""
TOLERANCE = 16
"""Float tolerance, in units of eps · (1 + largest |score|) · (1 + layers) · largest |value|: a weight inherits the relative
error eps·|score| of its exponent, and every layer adds such an error once. Correct code was seen to stay below 1 unit."""


class Undecided(Exception):
    """Two Arb balls overlap, but are too wide to say anything."""


def place_name(layer: int, band: str, row: int, column: int) -> str:
    """Where in which prompt: for a person."""
    return f"layer {layer}, {band} row{f' {row}' if band == 'features' else ''}, column {column}"


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
                    return Counterexample(name, place_name(layer, band, i, j), *shown(got[i, j], right[i][j]))
    return None


def shown(got: Any, right: Any) -> tuple[str, str]:
    """Two differing entries for a person: rationals and floats as they are, balls by their midpoint, symbols at a rational point."""
    if isinstance(got, Basic):
        got, right = (at_a_point(entry) for entry in (got, right))
    texts = _shown(got), _shown(right)
    return texts if texts[0] != texts[1] else (f"{texts[1]} + ({_shown(got - right)})", texts[1])


def _shown(entry: Any) -> str:
    if isinstance(entry, float):
        return f"{entry:.6g}"
    return entry.mid().str(8, radius=False) if hasattr(entry, "mid") else str(entry)


def at_a_point(entry: Basic) -> Any:
    """An expression at the point where its symbols, by name, are 1/2, 1/3, 1/5, …: 20 digits of its value."""
    symbols = sorted(entry.free_symbols, key=str)
    return entry.subs({symbol: Rational(1, prime(i + 1)) for i, symbol in enumerate(symbols)}).evalf(20)


def entries_differ(got: Any, right: Any) -> bool:
    """Rationals: not equal. SymPy: the difference does not expand to 0. Types must agree: a stray float is an error."""
    symbolic = isinstance(right, Basic) or isinstance(got, Basic)
    if isinstance(got, float) or not symbolic and type(got) is not type(right):
        raise TypeError(f"an exact check met a {type(got).__name__} where a {type(right).__name__} belongs")
    if not symbolic:
        return got != right
    return expand(got - right) != 0 and cancel(got - right) != 0  # cancel decides, expand is quicker where it suffices


def balls_differ(scale: float) -> Callable[[Any, Any], bool]:
    """Arb: the ball of the difference excludes 0; raises :class:`Undecided` when it holds 0 but is not small."""

    def differ(got: Any, right: Any) -> bool:
        gap = got - right
        if not gap.is_finite():
            raise Undecided(f"the difference is not finite: {gap}")
        if not gap.contains(0):
            return True
        if gap.rad() > scale * 2.0**-RADIUS:
            raise Undecided(f"the ball {gap} is wider than 2^-{RADIUS} of the scale {scale:.3g}")
        return False

    return differ
