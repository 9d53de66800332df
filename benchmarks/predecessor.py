"""The predecessor's verification, as one process: four TD methods in linear attention against their recursions in weight space.

    .venv/bin/python benchmarks/predecessor.py [--json FILE]

The work of its defaults: d = 3, n = 100 independent columns, 40 layers, 30 trials, four methods, in float64. At every layer
the prediction for the query is compared with the recursion's, and the last row in every other column with its TD errors.
Prints the largest difference relative to the values, and the CPU seconds of the whole process, from its start on.
"""

from __future__ import annotations

import os

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
os.environ |= dict.fromkeys(THREADS, "1")  # read when NumPy is loaded, hence before

import argparse  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import NamedTuple  # noqa: E402

import numpy as np  # noqa: E402

from icrl import linear_attention as la  # noqa: E402
from icrl.transformer import transformer  # noqa: E402

D, N, DEPTH, TRIALS = 3, 100, 40, 30
GAMMA, TRACE, STEP = 0.9, 0.8, 1.0
"""The discount, λ, and n times the step size; the predecessor draws its parameters, which changes no work."""


class Data(NamedTuple):
    """x(S_k) and x(S_{k+1}), (trials, d, n); rewards (trials, 1, n); queries (trials, d, 1)."""

    before: np.ndarray
    after: np.ndarray
    rewards: np.ndarray
    query: np.ndarray


def drawn(seed: int) -> Data:
    """Columns of independent standard normal numbers."""
    rng = np.random.default_rng(seed)
    return Data(*(rng.normal(size=(TRIALS, *shape)) for shape in ((D, N), (D, N), (1, N), (D, 1))))


class Method(NamedTuple):
    """A method's prompt, layers and step, and its recursion's ingredients: γ, ϑ, and whether it is the residual gradient's or the average reward's."""

    gamma: float
    decay: float = 0.0
    residual: bool = False
    average: bool = False


METHODS = {
    "TD(0)": Method(GAMMA),
    "TD(λ)": Method(GAMMA, decay=GAMMA * TRACE),
    "residual gradient": Method(GAMMA, residual=True),
    "average reward": Method(1.0, average=True),
}


def last_rows(method: Method, data: Data) -> Iterator[np.ndarray]:
    """The Transformer's last row, (trials, n+1), after 0, 1, …, 40 layers."""
    Z, alpha = la.transition_prompt(*data, method.gamma), STEP / N
    if method.average:
        Z, p = la.with_average_row(Z), la.average_reward_parameters(D, N, alpha, la.with_average_row(Z))
    elif method.residual:
        p = la.residual_gradient_parameters(D, N, alpha, Z)
    else:
        p = la.td_parameters(D, N, alpha, Z, method.decay or None)
    return (Z[:, -1] for Z in transformer(Z, [p] * DEPTH))


def recursion(method: Method, data: Data) -> Iterator[np.ndarray]:
    """The same from the definition: w_l, then the TD errors of every transition and minus the prediction."""
    x, y, r, q = (np.swapaxes(part, 1, 2) for part in data)
    r, q = r[..., 0], q[:, 0]
    mean = np.cumsum(r, axis=1) / np.arange(1, N + 1)
    moves = traces(x, method.decay) - (method.gamma * y if method.residual else 0)
    w = np.zeros((TRIALS, D))
    for _ in range(DEPTH + 1):
        change = np.einsum("tnd,td->tn", method.gamma * y - x, w)
        yield np.column_stack([change if method.average else r + change, -np.einsum("td,td->t", q, w)])
        w = w + STEP / N * np.einsum("tn,tnd->td", r - mean + change if method.average else r + change, moves)


def traces(x: np.ndarray, decay: float) -> np.ndarray:
    """e_k = x_k + ϑ e_{k−1}, (trials, n, d)."""
    e = x.copy()
    for k in range(1, N if decay else 1):
        e[:, k] += decay * e[:, k - 1]
    return e


def largest_difference(method: Method, data: Data) -> float:
    """The largest difference of the two over all layers and columns, relative to the largest value of the trial at that layer."""
    gaps = [
        np.abs(got - right).max(axis=1) / np.maximum(1, np.abs(right).max(axis=1))
        for got, right in zip(last_rows(method, data), recursion(method, data), strict=True)
    ]
    return float(np.max(gaps))


def main(arguments: list[str] | None = None) -> None:
    """Print what was found, and write it as JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args(arguments)
    data = drawn(0)
    found = {name: largest_difference(method, data) for name, method in METHODS.items()}
    for name, difference in found.items():
        print(f"{name:18} {difference:.0e}")
    seconds = time.process_time()
    print(f"{seconds:.2f} s of CPU in all (goal 1.5), {'with' if 'torch' in sys.modules else 'without'} torch")
    if options.json:
        options.json.write_text(
            json.dumps({"differences": found, "cpu_seconds": seconds, "goal": 1.5}, indent=1) + "\n", "utf-8"
        )


if __name__ == "__main__":
    main()
