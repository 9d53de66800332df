"""Exact linear algebra: elimination, pivots, null spaces, and the stationary distribution by counting trees."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import prod

from sympy import Matrix, Rational

from icrl.arrays import np


def pivots(matrix: np.ndarray) -> list:
    """The pivots of elimination without exchanges, up to the first that is not positive: a symmetric matrix is positive definite if all are."""
    rows, found = matrix.copy(), []
    for i in range(len(rows)):
        found.append(rows[i, i])
        if not rows[i, i] > 0:
            break
        for j in range(i + 1, len(rows)):
            rows[j] = rows[j] - rows[j, i] / rows[i, i] * rows[i]
    return found


def tree_distribution(P: np.ndarray) -> np.ndarray:
    """μ(s) ∝ the sum, over the spanning trees directed to s, of the product of their transition probabilities.

    The Markov chain tree theorem, by listing every tree: an oracle that solves no equation.
    """
    size = len(P)
    weights = []
    for root in range(size):
        others = [s for s in range(size) if s != root]
        parents = (dict(zip(others, choice)) for choice in product(range(size), repeat=size - 1))
        weights.append(
            sum(
                (prod((P[s][tree[s]] for s in others), start=Fraction(1)) for tree in parents if _leads_to(root, tree)),
                Fraction(0),
            )
        )
    return np.array(weights, dtype=object) / sum(weights)


def _leads_to(root: int, tree: dict[int, int]) -> bool:
    """Whether following the parents leads from every state to the root."""
    for s in tree:
        for _ in tree:
            s = tree.get(s, root)
        if s != root:
            return False
    return True


def rational(array: np.ndarray) -> Matrix:
    """A SymPy matrix of ``Fraction``s or integers; a vector becomes a column."""
    shape = array.shape if array.ndim == 2 else (len(array), 1)
    return Matrix(*shape, [Rational(q.numerator, q.denominator) for q in array.flat])


def in_fractions(vector: Matrix) -> np.ndarray:
    """A SymPy vector of rationals as an array of ``Fraction``s."""
    return np.array([Fraction(int(q.p), int(q.q)) for q in vector], dtype=object)


def null_vectors(matrix: np.ndarray) -> list[np.ndarray]:
    """A basis of the null space in ``Fraction``s, by SymPy."""
    return [in_fractions(vector) for vector in rational(matrix).nullspace()]


def solved_by_sympy(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The x with matrix · x = vector in ``Fraction``s, by SymPy."""
    return in_fractions(rational(matrix).LUsolve(rational(vector)))


def solved(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The x with matrix · x = vector, by elimination; ``ZeroDivisionError`` (a ball: not finite) where there is not one."""
    table = [[*row, right] for row, right in zip(matrix.tolist(), vector.tolist())]
    for i in range(len(table)):
        best = max(range(i, len(table)), key=lambda k: abs(float(table[k][i])))
        table[i], table[best] = table[best], table[i]
        table[i] = [entry / table[i][i] for entry in table[i]]
        for k in set(range(len(table))) - {i}:
            table[k] = [entry - table[k][i] * pivot for entry, pivot in zip(table[k], table[i])]
    return np.array([row[-1] for row in table], dtype=matrix.dtype)


def invertible(matrix: np.ndarray) -> bool:
    """Whether a matrix surely has an inverse; of floats, one with a condition below 10⁴."""
    if matrix.dtype == float:
        return bool(np.linalg.cond(matrix) < 1e4)
    try:
        column = solved(matrix, matrix[:, 0])
    except ZeroDivisionError:
        return False
    return all(not hasattr(x, "rad") or x.is_finite() for x in column)
