"""SymPy's block matrices with symbolic sizes: the sources' columns and the query's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sympy import BlockMatrix, Identity, MatrixSymbol, Symbol, ZeroMatrix, block_collapse, sympify
from sympy.core.symbol import Str
from sympy.matrices.expressions.matexpr import MatrixExpr


class Weights(MatrixExpr):
    """An opaque matrix that depends on the scores and on nothing else: two are equal when name, shape and scores are.

    Softmax with symbolic sizes is written with these. ``K`` holds the weights of the sources when the query key is
    hidden; when it is visible it takes the share ``kappa`` of each column, and ``Lambda`` = diag(1 − kappa) is what it
    leaves to the sources. Nothing here knows which axis is normalised, or that the function is an exponential.
    """

    def __new__(cls, name: str, rows: Any, columns: Any, scores: MatrixExpr):
        return super().__new__(cls, Str(str(name)), sympify(rows), sympify(columns), scores)

    name = property(lambda self: self.args[0].name)
    shape = property(lambda self: (self.args[1], self.args[2]))

    def _entry(self, i, j, **_):
        return MatrixSymbol(self.name, *self.shape)[i, j]

    def _sympystr(self, printer):
        return self.name

    def _latex(self, printer, **_):
        return printer._print(Symbol(self.name))


def groups(n: Any) -> tuple[Any, Any]:
    """How many columns are sources, and how many are not: n and 1, unless n is a pair that says so."""
    return n if isinstance(n, tuple) else (n, 1)


class Blocks:
    """The operations on block matrices: each method is the function of its name in :mod:`icrl.algebra`."""

    def is_finite(self, X: MatrixExpr) -> bool:
        """True: symbols are finite."""
        return True

    def transpose(self, X: MatrixExpr) -> MatrixExpr:
        return block_collapse(X.T)

    def zeros(self, rows: Any, columns: Any, like: MatrixExpr, batch: tuple[int, ...] = ()) -> MatrixExpr:
        return ZeroMatrix(rows, columns)

    def identity(self, size: Any, like: MatrixExpr) -> MatrixExpr:
        return Identity(size)

    def scalar(self, c: Any, like: MatrixExpr) -> MatrixExpr:
        return sympify(c) * Identity(1)

    def place(
        self, parts: Mapping[tuple[int, int], MatrixExpr], rows: Sequence[Any], columns: Sequence[Any], like: MatrixExpr
    ) -> BlockMatrix:
        return BlockMatrix(
            [[parts.get((i, j), ZeroMatrix(r, c)) for j, c in enumerate(columns)] for i, r in enumerate(rows)]
        )

    def stack(self, parts: Sequence[MatrixExpr]) -> BlockMatrix:
        blocks = (part if isinstance(part, BlockMatrix) else block_collapse(part) for part in parts)
        return BlockMatrix([row for part in blocks for row in part.blocks.tolist()])

    def bands(self, X: MatrixExpr, sizes: Sequence[Any]) -> list[BlockMatrix]:
        return [BlockMatrix([band]) for band in block_collapse(X).blocks.tolist()]

    def sources(self, n: Any, like: MatrixExpr) -> BlockMatrix:
        n, hidden = groups(n)
        return self.place({(0, 0): Identity(n)}, (n,), (n, hidden), like)

    def shift(self, n: Any, like: MatrixExpr) -> BlockMatrix:
        n, hidden = groups(n)
        moved = {(0, 0): MatrixSymbol("N", n, n), (1, 0): MatrixSymbol("p", hidden, n)}
        return self.place(moved, (n, hidden), (n, hidden), like)

    def discounted_sum(self, n: Any, decay: Any, like: MatrixExpr) -> BlockMatrix:
        return self.place({(0, 0): MatrixSymbol("T", n, n)}, (n, 1), (n, 1), like)

    def centring(self, n: Any, like: MatrixExpr) -> BlockMatrix:
        return self.place({(0, 0): MatrixSymbol("C", n, n)}, (n, 1), (n, 1), like)

    def sources_visible(self, n: Any) -> tuple[bool, bool]:
        return True, False

    def all_visible(self, n: Any) -> tuple[bool, bool]:
        return True, True

    def softmax(self, scores: MatrixExpr, visible: tuple[bool, bool], exp: Callable | None = None) -> BlockMatrix:
        scores = block_collapse(scores)
        n, q = scores.rowblocksizes
        K = [Weights(name, n, width, scores) for name, width in (("K", n), ("K_q", q))]
        if visible == (True, False):
            return BlockMatrix([K, [ZeroMatrix(q, n), ZeroMatrix(q, q)]])
        if visible != (True, True):
            raise ValueError(f"visible must be (True, False) or (True, True) for symbolic sizes, got {visible}")
        left = [Weights(name, width, width, scores) for name, width in (("Lambda", n), ("Lambda_q", q))]
        leak = [Weights(name, q, width, scores) for name, width in (("kappa", n), ("kappa_q", q))]
        return BlockMatrix([[K[0] * left[0], K[1] * left[1]], leak])

    def linear(self, scores: MatrixExpr, visible: tuple[bool, bool]) -> BlockMatrix:
        blocks = block_collapse(scores).blocks.tolist()
        hidden = lambda row: [ZeroMatrix(*block.shape) for block in row]
        return BlockMatrix([row if shown else hidden(row) for row, shown in zip(blocks, visible, strict=True)])


operations = Blocks()
"""What :func:`icrl.algebra.kinds.operations_on` finds here."""
