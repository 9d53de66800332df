"""The fixed points of an affine map of values, by trying it, and the Bellman equation that they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

from sympy import Identity
from sympy.matrices.expressions.matexpr import MatrixExpr

from icrl.arrays import np
from icrl.verify.instances.cases import Case
from icrl.verify.judging.parts import UNLIKE, Part, entries, greatest, size
from icrl.verify.routes import grouping
from icrl.verify.routes.exact_algebra import invertible, solved

Layer = Callable[[np.ndarray], np.ndarray]
"""An affine map of the values on W."""


def bellman_matrix(P_e: Any, gamma: Any) -> Any:
    """I − γP_e."""
    one = Identity(P_e.shape[0]) if isinstance(P_e, MatrixExpr) else np.eye(len(P_e), dtype=P_e.dtype) + 0 * P_e
    return one - gamma * P_e


def inverted(X: Any, r: Any) -> Any:
    """X⁻¹r."""
    return X.inv() @ r if isinstance(X, MatrixExpr) else solved(X, r)


def fixed_point_system(layer: Layer, case: Case) -> tuple[np.ndarray, np.ndarray]:
    """I − G and what is added, of any affine map v ↦ Gv + c on W, by trying it on 0 and on the unit vectors."""
    start = layer(0 * units(case)[0])
    return np.array([u - layer(u) + start for u in units(case)]).T, start


def units(case: Case) -> list[np.ndarray]:
    """The unit vectors."""
    return [grouping.unit_vector(case, i) for i in range(len(case.visited))]


def suspects(case: Case) -> list[np.ndarray]:
    """The w ≠ 0 that M̂ takes to 0 if two states weigh alike as keys, n_u e_s − n_s e_u for neighbours s, u; for one state, e_s."""
    e, n = units(case), grouping.transitions(case).C.sum(axis=0)
    return [e[s] * n[u] - e[u] * n[s] for s, u in pairwise(range(len(e)))] or e


def told(v: np.ndarray) -> str:
    """Values for a person."""
    return "(" + ", ".join(str(x) if isinstance(x, Fraction) else f"{float(x):.4g}" for x in v) + ")"


def condition(X: np.ndarray) -> float:
    """(1 + ‖X‖)‖X⁻¹‖, as a float: what solving makes of rounding errors in entries that came out of numbers of size 1, as I − G does."""
    sizes = np.linalg.svd(X.astype(float), compute_uv=False)
    least = max(sizes[-1], sizes[0] * np.finfo(float).eps ** 2)  # what balls say is not 0 may be 0 in floats
    return float((1 + sizes[0]) / least)


def only_fixed_point(where: str, layer: Layer, case: Case, value: np.ndarray, scale: float) -> Iterator[Part]:
    """The fixed point, by solving for it, against the value that is said to be it; nothing where the layer has not exactly one."""
    moves, start = fixed_point_system(layer, case)
    if invertible(moves):
        yield from entries(where, solved(moves, start), value, scale * condition(moves))


def other_values(
    layer: Layer,
    case: Case,
    others: Iterable[tuple[np.ndarray, np.ndarray]],
    only: bool,
    scale: Callable[[np.ndarray], float],
    moved: str = "how far a layer moves {}",
    kept: str = "a layer's image of another fixed point",
) -> Iterator[Part]:
    """Other values than the one said to be kept: they move if that is the ``only`` one; if not, those stay whose second entry is 0.

    ``others``: pairs of a value and of what decides whether the layer keeps it, as M̂w. ``scale``: that of a value's image.
    ``moved`` and ``kept``: what the two parts are called, ``{}`` the value.
    """
    for other, seen in others:
        if only:
            far = greatest(layer(other) - other)
            yield Part(moved.format(told(other)), far, 0 * case.gamma, size(other), UNLIKE)
        elif all(x == 0 for x in seen):
            yield from entries(kept, layer(other), other, scale(other))
