"""A decimal number or a ratio of numbers in a notebook's text must be held by its code or by what it printed.

A number is held where one that was printed, or one in the code, rounds to it at its own number of places: ``0.95`` by ``0.9512``
and by ``19/20``, not by ``0.944``; a ratio is held by its very value, and ½ needs nothing. Signs are not compared: a text may speak
of a fall of 0.3. What is said in per cent may be held as a share. A sentence with a citation may quote, and nothing is asked of
what is typed as code, of addresses and of labels.
"""

import ast
import re
from fractions import Fraction

from gates.cells import caption, texts

UNREAD = re.compile(r"```.*?```|`[^`\n]*`|\]\([^)\s]*\)|https?://\S+|^:[\w-]+:[^\n]*$|\bCC BY [\d.]+", re.S | re.M)
SENTENCE = re.compile(r"(?<=[.!?])[*_)\"]*\s+(?=[\W\d]*[A-Z])|\n\s*\n|\n(?=\s*(?:[-*|]|\d+\.)\s)")
TEN = r"\s*\\(?:cdot|times)\s*10\^"
TYPED = re.compile(
    rf"(?<![\w.,])(?:\d*\.\d+|\d+(?={TEN}))(?!\w|\.\d)(?:{TEN}(\d|\{{-?\d+\}}))?(\s*(?:\\?%|per cent))?"
    r"|\\[td]?frac(?:(\d)|\{(\d+)\})(?:(\d)|\{(\d+)\})"
)
WHOLE = re.compile(
    r"(?<![\w.,^\\-])(?<!10\^\{)(?<!frac\{)\d{2,}(?![\w]|[.,]\d|\s*\\(?:cdot|times)\s*10\^)()(\s*(?:\\?%|per cent))?"
)
PARTS = re.compile(r"(?m)^(?=## )|(?=:{4,}\{solution-(?:start|end)\})")
HELD = re.compile(r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?:\s*/\s*\d+)?(?![\w])", re.I)
HEADING = re.compile(r"^## ", re.M)
CODED = re.compile(r"\bF(?:raction)?\((-?\d+), (\d+)\)")


def numbers(text):
    """Every number that a text holds, a ratio as its value and as both its terms, all without their signs."""
    parts = [tuple(map(Fraction, found.group().replace(" ", "").split("/"))) for found in HELD.finditer(text)]
    ratios = [pair for pair in parts if len(pair) == 2] + [tuple(map(Fraction, pair)) for pair in CODED.findall(text)]
    return {part for pair in parts for part in pair} | {abs(a / b) for a, b in ratios if b}


def draws(cell):
    return any("image/png" in output.get("data", {}) for output in cell.outputs)


def asserted(code):
    """The asserts of some code."""
    return "\n".join(ast.unparse(node) for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Assert))


def held(notebook):
    """The numbers of the code, and those printed in each section; of a cell that draws, only those that it asserts.

    The others of such a cell are sizes and places on the paper.
    """
    code, printed = set(), [set()]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            printed += [set() for _ in HEADING.findall(cell.source)]
        elif cell.cell_type == "code":
            code |= numbers(asserted(cell.source) if draws(cell) else cell.source.replace("_", ""))
            printed[-1] |= {number for output in cell.outputs for text in texts(output) for number in numbers(text)}
    return code, printed


def written(typed):
    """A number in a text → its value, and by how much what holds it may be off: half of its last place, 0 for a ratio."""
    if ratio := [int(part) for part in typed.groups()[2:] if part]:
        return Fraction(*ratio), 0
    digits = re.match(r"[\d.]+", typed.group()).group()
    scale = Fraction(10) ** int((typed.group(1) or "0").strip("{}"))
    return Fraction(digits) * scale, scale / 10 ** len(digits.partition(".")[2]) / 2


def is_held(typed, numbers):
    """Whether one of the numbers rounds to what is written."""
    value, half = written(typed)
    shares = (1, 100) if typed.group(2) else (1,)
    return (value, half) == (Fraction(1, 2), 0) or any(
        abs(share * number - value) <= half for number in numbers for share in shares
    )


def read(notebook):
    """(cell, section, whether in a solution, sentence) of texts and captions; sections are counted by their headings."""
    section, solved = 0, False
    for number, cell in enumerate(notebook.cells, start=1):
        is_text = cell.cell_type == "markdown"
        for piece in PARTS.split(cell.source if is_text else caption(cell)):
            section += is_text and piece.startswith("## ")
            solved = (solved or "{solution-start}" in piece) and "{solution-end}" not in piece
            for sentence in SENTENCE.split(UNREAD.sub(" ", piece)):
                yield number, section, solved, sentence


def held_numbers(notebook):
    """No decimal number and no ratio in a sentence without a citation that neither the code nor an output of its section holds.

    The solution of an exercise is read more closely: whole numbers of two digits and more count as well.
    """
    code, printed = held(notebook)
    everything = set().union(*printed)
    near = [code | (shown if shown and section else everything) for section, shown in enumerate(printed)]
    return [
        f"cell {number} says {typed.group()}, which no code or output holds: …{sentence[: typed.end()][-60:]}"
        for number, section, solved, sentence in read(notebook)
        if "{cite" not in sentence
        for typed in [*TYPED.finditer(sentence), *(WHOLE.finditer(sentence) if solved else ())]
        if not is_held(typed, near[section])
    ]
