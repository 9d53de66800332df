"""Small Markov chains, in ``Fraction``s and in floats."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

from icrl.arrays import np
from icrl.verify.instances.cases import small_fraction


def fractions(rows: Any) -> np.ndarray:
    """An object array of ``Fraction``s from nested lists of rationals or strings such as ``"1/2"``."""
    array = np.array(rows, dtype=object)
    return np.array([Fraction(entry) for entry in array.flat], dtype=object).reshape(array.shape)


def rational_chain(rng: Random, size: int) -> np.ndarray:
    """A random transition matrix of ``Fraction``s, (size, size), about a third of its entries 0."""
    weights = [[rng.randint(1, 6) * (rng.random() < 2 / 3) for _ in range(size)] for _ in range(size)]
    for row in weights:
        row[rng.randrange(size)] += 1  # no row of zeros
    return np.array([[Fraction(w, sum(row)) for w in row] for row in weights], dtype=object)


def rational_vector(rng: Random, size: int) -> np.ndarray:
    """A random vector of small ``Fraction``s, (size,)."""
    return np.array([small_fraction(rng) for _ in range(size)], dtype=object)


def float_chain(rng: np.random.Generator, size: int) -> np.ndarray:
    """A random transition matrix in floats, (size, size), about a third of its entries 0."""
    weights = rng.random((size, size)) * (rng.random((size, size)) < 2 / 3)
    weights[np.arange(size), rng.integers(0, size, size)] += 0.5
    return weights / weights.sum(axis=1, keepdims=True)


def irreducible(P: np.ndarray) -> bool:
    """Whether every state reaches every other, by a search from each."""
    size = len(P)
    for start in range(size):
        seen, frontier = {start}, [start]
        while frontier:
            s = frontier.pop()
            new = [u for u in range(size) if P[s][u] > 0 and u not in seen]
            seen.update(new)
            frontier += new
        if len(seen) < size:
            return False
    return True
