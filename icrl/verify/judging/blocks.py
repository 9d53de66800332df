"""Block matrices with symbolic sizes: their symbols, their equality, and their value at an explicit instance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from sympy import (
    BlockMatrix,
    Identity,
    ImmutableMatrix,
    MatAdd,
    MatMul,
    MatPow,
    Matrix,
    MatrixSymbol,
    Rational,
    Symbol,
    Transpose,
    ZeroMatrix,
    block_collapse,
)
from sympy.matrices.expressions.matexpr import MatrixExpr
from sympy.printing.latex import LatexPrinter
from sympy.printing.precedence import precedence_traditional

from icrl.algebra import Weights
from icrl.prompt import Rows
from icrl.verify.judging.parts import Parts, on_rationals
from icrl.verify.model import Counterexample, Verdict

# The sizes, γ, and the blocks of a prompt by the symbols of the book.
n, m = (Symbol(name, integer=True, positive=True) for name in "nm")
d = Symbol("d", integer=True, nonnegative=True)
gamma = Symbol("gamma")
X = MatrixSymbol("X", d, n)
A = MatrixSymbol("A", d, d)
R = MatrixSymbol("R", 1, n)
N = MatrixSymbol("N", n, n)
"""In the book's letters: X the features of the sources, A, the rewards R; N, what Π moves from sources onto sources."""

# What depends on how many columns no transition leaves: one, the query of one trajectory, or as many as there are trajectories.


def letter(hidden: Any) -> str:
    """The index of those columns: n of the only one, h of several."""
    return "n" if hidden == 1 else "h"


def last_features(hidden: Any = 1) -> MatrixSymbol:
    """Their features, x(S_n) of one."""
    return MatrixSymbol(f"x_{letter(hidden)}", d, hidden)


def all_features(hidden: Any = 1) -> BlockMatrix:
    """The features of the sources, and of those columns."""
    return BlockMatrix([[X, last_features(hidden)]])


def moved_from_last(hidden: Any = 1) -> MatrixSymbol:
    """The block of Π that moves them onto sources."""
    return MatrixSymbol("p", hidden, n)


def value_row(name: str, hidden: Any = 1) -> BlockMatrix:
    """An opaque value row: the values of the n sources, and those of the other columns."""
    return BlockMatrix([[MatrixSymbol(name, 1, n), MatrixSymbol(f"{name}^{letter(hidden)}", 1, hidden)]])


x_q, p, features = last_features(), moved_from_last(), all_features()
"""Of one trajectory: x(S_n); p, what Π moves from the query's column onto a source; X and x(S_n)."""


def expanded(block: MatrixExpr) -> MatrixExpr:
    """A block as a sum of products, to be compared with ``==``."""
    return block_collapse(block).doit().expand().doit()


def same(got: MatrixExpr, right: MatrixExpr) -> bool:
    """Whether the difference of two blocks expands to 0."""
    return isinstance(expanded(got - right), ZeroMatrix)


def derived(pairs: Iterable[tuple[Any, Any]], parts: Parts, subject: Any, small: Iterable) -> Verdict | None:
    """None if the two sides of every pair are the same; if not, the verdict of the parts at small instances, and never a pass."""
    if all(same(*pair) for pair in pairs):
        return None
    return replace(on_rationals(parts, subject, small, "not derived"), passed=False)


class Instance:
    """Explicit rational matrices in the place of the opaque ones, at n = d = 2, and the value of any expression there.

    Scores are exponentiated by the stand-in 1 + t², so that softmax keeps its meaning and the numbers stay rational.
    """

    told = "n = d = 2"
    sizes = {n: 2, d: 2}
    shift = {"N": Matrix([[0, 0], [1, 0]]), "p": Matrix([[0, 1]])}

    def __init__(self, **entries: list[list]):
        self.entries = {name: Matrix(rows) for name, rows in entries.items()} | self.shift

    def __str__(self) -> str:
        return f"{self.told}, E = 1 + t², " + ", ".join(
            f"{name} = {matrix.tolist()}" for name, matrix in sorted(self.entries.items()) if name not in self.shift
        )

    def value(self, expression: Any) -> Matrix:
        """The expression as an explicit matrix."""
        match expression:
            case MatAdd():
                return sum((self.value(term) for term in expression.args[1:]), self.value(expression.args[0]))
            case MatMul():
                coefficient, factors = expression.as_coeff_matrices()
                product = (
                    Matrix([[self._number(coefficient)]])
                    if not factors
                    else self._number(coefficient) * self.value(factors[0])
                )
                for factor in factors[1:]:
                    product = product * self.value(factor)
                return product
            case BlockMatrix():
                return Matrix.vstack(*(Matrix.hstack(*map(self.value, row)) for row in expression.blocks.tolist()))
            case MatPow():
                return self.value(expression.base) ** expression.exp
            case Transpose():
                return self.value(expression.arg).T
            case Weights():
                return self._weights(expression)
            case MatrixSymbol():
                return self.entries[expression.name]
            case Identity() | ZeroMatrix():
                return expression.subs(self.sizes).as_explicit()
            case _:
                return ImmutableMatrix(expression)

    def _number(self, c: Any) -> Rational:
        return c.subs({symbol: self.entries[symbol.name][0] for symbol in c.free_symbols})

    def _weights(self, opaque: Weights) -> Matrix:
        powers = self.value(opaque.args[3]).applyfunc(lambda t: 1 + t**2)
        sources = self.sizes[n]
        queries = slice(sources, None) if opaque.name.endswith("_q") else slice(0, sources)
        E, e = powers[:sources, queries], powers[sources:, queries]
        totals = [sum(E[:, j]) for j in range(E.cols)]
        leak = Matrix(e.rows, e.cols, lambda h, j: e[h, j] / (totals[j] + sum(e[:, j])))
        return {
            "K": Matrix(E.rows, E.cols, lambda k, j: E[k, j] / totals[j]),
            "Lambda": Matrix.diag(*(1 - sum(leak[:, j]) for j in range(E.cols))),
            "kappa": leak,
        }[opaque.name.removesuffix("_q")]


class OfTwoTrajectories(Instance):
    """The same for a trajectory of two transitions, cut, and one of one transition, terminated: the columns 0, 1, 2 leave, two do not.

    ``shift`` holds besides what wrong shifts move: ``B`` the last column of the second onto its source, ``C`` that source onto
    the one before it, ``F`` it onto the last column of the first; and ``e``, which singles out the last column of all.
    """

    told = "n = 3, m = d = 2"
    sizes = {n: 3, m: 2, d: 2}
    shift = {
        "N": Matrix([[0, 0, 0], [1, 0, 0], [0, 0, 0]]),
        "p": Matrix([[0, 1, 0], [0, 0, 0]]),
        "B": Matrix([[0, 0, 0], [0, 0, 1]]),
        "C": Matrix([[0, 0, 0], [0, 0, 0], [0, 1, 0]]),
        "F": Matrix([[0, 0], [0, 0], [1, 0]]),
        "e": Matrix([0, 1]),
    }


def probe(*extra: str) -> Instance:
    """The instance at which differing expressions are evaluated; ``extra`` names further step sizes."""
    return Instance(
        X=[[1, -1], [0, 1]],
        x_n=[[2], [1]],
        A=[[1, 1], [0, 2]],
        R=[[1, 2]],
        **{"v_l": [[3, -2]], "v_l^n": [[1]]},
        gamma=[[Rational(1, 2)]],
        **{name: [[Rational(1, 2 + i)]] for i, name in enumerate(extra)},
    )


def probe_of_two(*extra: str) -> Instance:
    """The same for several trajectories."""
    return OfTwoTrajectories(
        X=[[1, -1, 2], [0, 1, 1]],
        x_h=[[2, 0], [1, -1]],
        A=[[1, 1], [0, 2]],
        R=[[1, 2, -1]],
        **{"v_l": [[3, -2, 1]], "v_l^h": [[1, 2]]},
        gamma=[[Rational(1, 2)]],
        **{name: [[Rational(1, 2 + i)]] for i, name in enumerate(extra)},
    )


BANDS = [f"{band} rows" for band in Rows._fields]
"""The rows of blocks of a prompt, for a person."""


def compare_blocks(
    got: MatrixExpr,
    right: MatrixExpr,
    at: Instance,
    where: str,
    bands: Sequence[str] = BANDS,
    told: Callable[..., str] = lambda at, *sides: str(at),
) -> Verdict | None:
    """None when two block matrices of one layout are the same sums of products, block by block.

    Blocks that differ at the explicit instance are a counterexample; blocks that only differ in form are a failure.
    ``bands``: the names of the rows of blocks; ``told``: the instance in words, for the two sides of a block.
    """
    got, right = block_collapse(got), block_collapse(right)
    if got.blocks.shape != right.blocks.shape:
        raise ValueError(f"block layouts differ: {got.blocks.shape} against {right.blocks.shape}")
    for i, j in sorted(product(*map(range, right.blocks.shape)), reverse=True):  # the value row says most
        sides = got.blocks[i, j], right.blocks[i, j]
        if same(*sides):
            continue
        values = [at.value(expanded(side)) for side in sides]
        columns = ("source columns", "query column" if right.colblocksizes[1] == 1 else "last columns")
        place = f"{where}, {bands[i]}, {columns[j]}"
        if values[0] == values[1]:
            return Verdict(False, f"not derived: {place} differ in form")
        shown = (str(value.tolist()) for value in values)
        return Verdict(False, "a block differs", counterexample=Counterexample(told(at, *sides), place, *shown))
    return None


NAMES = {
    "v_l": "v_l",
    "v_l^n": "v_l(S_n)",
    "v_l^+": "v_l^{+}",
    "v": "v",
    "v^n": "v(S_n)",
    "v^+": "v^{+}",
    "x_n": "x(S_n)",
    "x_h": "X_h",
    "v_l^h": "v_l^h",
    "lost_j": r"\sum_h \kappa_{jh}\, v_l(S_h)",
    "alpha_l": r"\alpha_l",
    "K_q": "K_n",
    "Lambda": r"\Lambda",
    "Lambda_q": r"\Lambda_n",
    "kappa": r"\kappa",
    "kappa_q": r"\kappa_n",
    "delta_l": r"\delta_l",
    "v_j": "v_l(S_j)",
    "Delta_j": r"\Delta_j",
    "kappa_j": r"\kappa_j",
    "t^n": "t_n",
    "r^n": "r_n",
    "r": "r",
    "t": "t",
}
"""How the book writes the symbols that a bare name does not show well."""


class BookPrinter(LatexPrinter):
    """LaTeX with the book's names, and sums in the order in which people write them: plain terms first, minus signs last."""

    def _print_MatrixSymbol(self, expr):
        return NAMES.get(expr.name) or super()._print_MatrixSymbol(expr)

    def _print_Symbol(self, expr, **style):
        return NAMES.get(expr.name) or super()._print_Symbol(expr, **style)

    def _print_Weights(self, expr, **_):
        return NAMES.get(expr.name, expr.name)

    def _print_Identity(self, expr):
        return "I"

    def _print_Transpose(self, expr):
        text = self.parenthesize(expr.arg, precedence_traditional(expr), strict=True)
        return rf"\left({text}\right)^\top" if "^" in text else rf"{text}^\top"

    def _print_Abs(self, expr, exp=None):
        text = rf"\lvert {self._print(expr.args[0])} \rvert"
        return text if exp is None else rf"{text}^{{{exp}}}"

    def _print_MatAdd(self, expr):
        return self._in_order(expr, [(term, *term.as_coeff_mmul()) for term in expr.args])

    def _print_Add(self, expr, order=None):
        return self._in_order(expr, [(term, *term.as_coeff_Mul()) for term in expr.args])

    def _in_order(self, whole, terms):
        def negative(coefficient):
            return not coefficient.is_Add and coefficient.could_extract_minus_sign()

        def place(term):
            _, coefficient, rest = term
            return negative(coefficient), len(rest.args) + (abs(coefficient) != 1), str(rest)

        text = ""
        for term, coefficient, _ in sorted(terms, key=place):
            sign, size = (" - ", -term) if negative(coefficient) else (" + ", term)
            text += sign + self.parenthesize(size, precedence_traditional(whole), strict=True)
        return text.removeprefix(" + ").strip()


def book_latex(expr: Any) -> str:
    """An expression as the book prints it."""
    return BookPrinter({"mat_str": "matrix", "mat_delim": "["}).doprint(expr)


def letters(function: Callable, *names: str) -> str:
    """What a piece of a statement computes, as the book prints it: the function called on symbols of these names."""
    return book_latex(function(*map(Symbol, names)))
