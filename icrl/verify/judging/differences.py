"""When two numbers of one kind differ, and what that shows: rationals, symbols, Arb balls, floats; and what reaching them takes: a loop's first updates, one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from typing import Any

from sympy import Basic, Rational, cancel, expand, prime

from icrl.arrays import np

BITS = 256
"""Precision of the Arb balls, in bits."""
RADIUS = 128
"""A certified check passes only when the ball of the difference is smaller than 2^-RADIUS of the values' scale."""
TOLERANCE = 16
"""Float tolerance, in units of eps · (1 + largest |score|) · (1 + layers) · largest |value|: a weight inherits the relative
error eps·|score| of its exponent, and every layer adds such an error once. Correct code was seen to stay below 1 unit."""


class Undecided(Exception):
    """Two Arb balls overlap, but are too wide to say anything."""


def told_apart(got: Any, right: Any) -> tuple[str, str]:
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


@contextmanager
def one_thread(torch) -> Iterator[None]:
    """torch on one thread: for matrices this small, waiting for a second costs more than it does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def all_fractions(array: np.ndarray) -> np.ndarray:
    """``array`` itself; ``TypeError`` when one entry is no ``Fraction``: a stray float would make an exact check inexact."""
    stray = next((entry for entry in np.asarray(array, dtype=object).flat if not isinstance(entry, Fraction)), None)
    if stray is not None:
        raise TypeError(f"an exact check met a {type(stray).__name__}")
    return array


def exceeds(got: np.ndarray, right: np.ndarray, allowed: Any) -> bool:
    """Whether some entry of ``got`` is farther than ``allowed`` from ``right``; one that is NaN is."""
    return not all(abs(g - r) <= allowed for g, r in zip(np.ravel(got), np.ravel(right), strict=True))


def taken(updates: Iterable, count: int) -> list:
    """The first ``count`` of the updates; ``ValueError`` when there are fewer."""
    found = list(islice(updates, count))
    if len(found) < count:
        raise ValueError(f"{count} value functions were asked for, {len(found)} came")
    return found
