"""Arithmetic in the formulas of a text must be right: where both sides of a relation are numbers, it is worked out.

A side is a number where it holds figures, π, e, roots, ratios, powers and the common functions only: ``1 - 1.2\\,(1 + 0.89) = -1.27``
is worked out, ``\\gamma = 0.9`` is not. ``=`` and ``\\approx`` hold where the right side is the left one, rounded to as many places as
it shows.
"""

import ast
import math
import re

from gates.cells import caption
from gates.decimals import UNREAD

FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.S)
RELATION = re.compile(r"(\\approx|\\leq?|\\geq?|\\neq?|=|<|>)(?![a-zA-Z])")
FUNCTIONS = {
    "sqrt": math.sqrt,
    "ln": math.log,
    "log": math.log,
    "exp": math.exp,
    "cos": math.cos,
    "sin": math.sin,
    "abs": abs,
}
NAMES = {"pi": math.pi, "e": math.e, **FUNCTIONS}
PLAIN = (
    ast.Expression
    | ast.Constant
    | ast.BinOp
    | ast.UnaryOp
    | ast.operator
    | ast.unaryop
    | ast.Call
    | ast.Name
    | ast.Load
)
BRACE = r"\{([^{}]*)\}"
REWRITES = [
    (r"\\(?:,|;|!|:| |quad|qquad|bigl?|bigr?|Bigl?|Bigr?|left|right|displaystyle|ldots|dots)(?![a-zA-Z])", " "),
    (r"\\[td]?frac(\d)(\d)", r"((\1)/(\2))"),
    (r"\\[td]?frac(\d)" + BRACE, r"((\1)/(\2))"),
    (r"\\[td]?frac" + BRACE + BRACE, r"((\1)/(\2))"),
    (r"\\sqrt\s*" + BRACE, r"sqrt(\1)"),
    (r"\\sqrt\s*(\d)", r"sqrt(\1)"),
    (r"\\(ln|log|exp|cos|sin)\s*\(", r"\1("),
    (r"\\(ln|log|exp|cos|sin)\s*(\(+[\d./() ]+\)|[\d.]+)", r"\1(\2)"),
    (r"\\(?:cdot|times)", "*"),
    (r"\\pi(?![a-zA-Z])", "pi"),
    (r"\^" + BRACE, r"**(\1)"),
    (r"\^(\d|-\d)", r"**\1"),
]


def python(side):
    """A side of a relation as an expression of Python; what is no number does not evaluate."""
    before = None
    while before != side:
        before = side
        for pattern, by in REWRITES:
            side = re.sub(pattern, by, side)
    side = side.strip().strip(".,;").replace("{", "(").replace("}", ")")
    return re.sub(r"(?<=[\d)])\s*(?=\(|sqrt|pi|ln|log|cos|sin)", "*", side)


def value(side):
    """The number that a side of a relation is, or None."""
    text = python(side)
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return None
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if not names <= set(NAMES) or not all(isinstance(node, PLAIN) for node in ast.walk(tree)):
        return None
    try:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant):
                node.value = float(node.value)  # of floats a tower of powers overflows at once
        return float(eval(compile(tree, "formula", "eval"), {"__builtins__": {}}, NAMES))
    except (SyntaxError, TypeError, ArithmeticError, ValueError):
        return None


def place(side):
    """What the last place of a number is worth: of -1.27 a hundredth, of a ratio or a root nothing."""
    found = re.fullmatch(r"\s*-?\s*(\d*)(?:\.(\d+))?(?:\s*\\(?:cdot|times)\s*10\^(\d|\{-?\d+\}))?[\s.,;\\ldots]*", side)
    return 10.0 ** (int((found.group(3) or "0").strip("{}")) - len(found.group(2) or "")) if found else 0.0


def holds(left, relation, right):
    """Whether a relation between two sides holds, or None where one is no number."""
    a, b = value(left), value(right)
    if a is None or b is None:
        return None
    if relation in {"=", r"\approx"}:
        exact = relation == "=" and "." not in right
        slack = 0 if exact else max(place(left), place(right)) * (0.5 if "ldots" not in right else 1)
        return abs(a - b) <= slack + 1e-9 * max(abs(a), abs(b))
    return {"<": a < b, ">": a > b, r"\l": a <= b, r"\g": a >= b, r"\n": a != b}[relation[:2]]


def relations(text):
    """(left, relation, right) of every relation in the formulas of a text."""
    for found in FORMULA.finditer(UNREAD.sub(" ", text)):
        for piece in re.split(r"\\\\|\\qquad|\\quad|,\s|;|\\text\{[^}]*\}|&", next(filter(None, found.groups()))):
            sides = RELATION.split(piece)
            yield from zip(sides[:-2:2], sides[1::2], sides[2::2])


def right_arithmetic(notebook):
    """No relation between two numbers in a formula of a text or caption that does not hold."""
    texts = [
        (number, cell.source if cell.cell_type == "markdown" else caption(cell))
        for number, cell in enumerate(notebook.cells, start=1)
    ]
    return [
        f"cell {number} says ${left.strip()} {relation} {right.strip()}$, which is false"
        for number, text in texts
        for left, relation, right in relations(text)
        if holds(left, relation, right) is False
    ]
