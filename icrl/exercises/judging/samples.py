"""Random instances to try an answer on, drawn by Python's own generator: the same with NumPy and without."""

from __future__ import annotations

from random import Random

from icrl.arrays import np
from icrl.mrp import MarkovRewardProcess


def random_process(n_states: int, rng: Random, discount: float) -> MarkovRewardProcess:
    """A process with rows p(· | s) uniform among all distributions, and rewards r(s) ∼ uniform(−1, 1)."""
    rows = np.array([[rng.expovariate(1.0) for _ in range(n_states)] for _ in range(n_states)])
    rewards = [rng.uniform(-1, 1) for _ in range(n_states)]
    return MarkovRewardProcess(rows / rows.sum(axis=1, keepdims=True), rewards, discount)


def random_normal(rows: int, columns: int, rng: Random) -> np.ndarray:
    """Independent standard normal entries, shape (rows, columns)."""
    return np.array([[rng.gauss(0, 1) for _ in range(columns)] for _ in range(rows)])
