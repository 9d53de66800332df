"""Whether the powers of a matrix vanish, without eigenvalues, and its eigenvalues, each by a route for its kind of number."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from icrl.arrays import np
from icrl.verify.judging.differences import Undecided
from icrl.verify.judging.parts import greatest
from icrl.verify.routes.exact_algebra import pivots


def eigenvalues(matrix: np.ndarray) -> list:
    """The eigenvalues: of floats by NumPy; of rationals as balls around the roots of the characteristic polynomial; of balls as balls."""
    from flint import acb_mat, arb_mat

    if matrix.dtype == float:
        return np.linalg.eigvals(matrix).tolist()
    if isinstance(matrix[0, 0], Fraction):
        return [root for root, times in rational_matrix(matrix).charpoly().complex_roots() for _ in range(times)]
    return acb_mat(arb_mat(matrix.tolist())).eig(multiple=True)


def rational_matrix(matrix: np.ndarray) -> Any:
    """``Fraction``s as FLINT holds them."""
    from flint import fmpq, fmpq_mat

    rows, columns = matrix.shape
    return fmpq_mat(rows, columns, [fmpq(q.numerator, q.denominator) for q in matrix.flat])


def contracts(G: np.ndarray) -> bool:
    """Whether the powers of G tend to 0, without eigenvalues: rationals by Lyapunov, balls by the powers, floats by Gelfand's formula."""
    if G.dtype == float:
        return radius(G) < 1
    if isinstance(G[0, 0], Fraction):
        Q = falling_form(G)
        return Q is not None and all(pivot > 0 for pivot in pivots(Q))
    return powers_vanish(G)


def falling_form(G: np.ndarray) -> np.ndarray | None:
    """Q with Q − GᵀQG = I, None where there is not exactly one: eᵀQe falls by eᵀe from e to Ge, and G contracts if and only if Q > 0."""
    identity = np.eye(len(G), dtype=int) * Fraction(1)
    system = np.eye(len(G) ** 2, dtype=int) * Fraction(1) - np.kron(G.T, G.T)
    try:
        Q = rational_matrix(system).solve(rational_matrix(identity.reshape(-1, 1)))
    except ZeroDivisionError:
        return None
    return np.array([Fraction(int(q.p), int(q.q)) for q in Q.entries()]).reshape(G.shape)


def powers_vanish(G: np.ndarray) -> bool:
    """Squares G until a norm is below 1, or a trace is too large for eigenvalues in the unit disc, or a power repeats; else ``Undecided``."""
    from flint import arb_mat

    T = arb_mat(G.tolist())
    for _ in range(64):
        if max_norm(T) < 1:
            return True
        if abs(T.trace()) > len(G) or (T * T == T):
            return False
        T = T * T
    raise Undecided("the powers neither vanish nor grow")


def max_norm(T: Any) -> Any:
    """The largest row sum of absolute values."""
    return greatest(sum(map(abs, row)) for row in T.tolist())


def radius(G: np.ndarray) -> float:
    """ρ(G) = lim ‖G^L‖^(1/L), L = 2⁴⁰, by squaring and scaling back to norm 1."""
    total = 0.0
    for k in range(40):
        norm = float(np.abs(G).sum(axis=1).max())
        if norm == 0:
            return 0.0
        total, G = total + math.log(norm) / 2**k, G / norm
        G = G @ G
    return math.exp(total)
