"""The page of notation against the chapters: each function takes the rows of the page and returns their problems."""

import ast
import re
from itertools import pairwise
from typing import NamedTuple

import nbformat
import yaml

from gates.cells import caption, texts
from gates.symbols import GREEK, LATIN, formulas, symbols, symbols_in

PLACE = re.compile(r"\{(doc|prf:ref)\}`(?:[^`<]*<)?([\w-]+)>?`")
INCLUDE = re.compile(r"(?ms)^:::\{include\} (_generated/theorems/\S+)\n:::$")
BOX = re.compile(r"(?ms)^(:{3,})\{prf:\w+\}[^\n]*\n:label: (\S+)\n.*?^\1$")
MANY = 3
"""Chapters that display a symbol before it must have a row."""


class Row(NamedTuple):
    """A row of the tables: its cells as they stand."""

    symbol: str
    meaning: str
    code: str
    place: str


def rows(page):
    """The rows of all tables of a page, without their heads."""
    cells = [
        [cell.strip() for cell in line.strip().strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"
    ]
    return [Row(*each) for each in cells if "$" in each[0]]


def symbol(row):
    """The symbol that a row is about, the first of its first formula."""
    shown, inline = formulas(row.symbol)
    return next(iter(symbols((shown + inline)[0])))


def written(symbol):
    """A symbol in a message."""
    return f"{symbol.accent} {symbol.letter}{symbol.mark}".strip()


def chapters(root):
    """The chapters of the book in their order."""
    parts = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))["parts"]
    return [root / f"{each['file']}.ipynb" for part in parts if part.get("numbered") for each in part["chapters"]]


def shown(cell):
    """What a reader sees of a cell besides code: its text, or its captions and the formulas that it printed."""
    if cell.cell_type == "markdown":
        return cell.source
    printed = [text for output in cell.outputs if output.output_type != "error" for text in texts(output)]
    return "\n\n".join([caption(cell), *(text for text in printed if text.startswith("$"))])


def read(path):
    """The text of a chapter, with the boxes that it includes in their places."""
    text = "\n\n".join(shown(cell) for cell in nbformat.read(path, as_version=4).cells)
    return INCLUDE.sub(lambda match: (path.parent / match[1]).read_text("utf-8"), text)


def book(root):
    """The text of each chapter by its name, in the order of the chapters."""
    return {path.stem: read(path) for path in chapters(root)}


def boxes(text):
    """The labelled statements of a chapter, each by its label."""
    return {match[2]: match[0] for match in BOX.finditer(text)}


def order(row):
    """Where a row belongs: letters as in the alphabets, Latin first; of a letter the plain ones; small before capital."""
    letter, accent, mark = symbol(row)
    name = letter.lstrip("\\")
    for alphabet, names in enumerate((LATIN, GREEK)):
        first = name.lower() if alphabet else name[:1].lower()
        if first in names and letter.startswith("\\") == bool(alphabet):
            return (
                alphabet,
                names.index(first),
                bool(accent or mark or first != name.lower()),
                name != name.lower(),
                accent,
                mark,
            )
    return (2,)


def unsorted(table, texts):
    """Rows that do not come after the one above them; of one symbol, those of earlier chapters come first."""
    names = list(texts)
    keys = [(order(row), names.index(chapter) if (chapter := placed(row, texts)[0]) in names else -1) for row in table]
    return [
        f"{below.symbol} stands below {above.symbol}"
        for (above, before), (below, after) in pairwise(zip(table, keys))
        if after < before and (before[0] != (2,) or after[0] != (2,))
    ]


def placed(row, texts):
    """The chapter that a row names, and the text there in which its symbol must occur; nothing if there is none."""
    match PLACE.findall(row.place):
        case [("doc", name)] if name in texts:
            return name, texts[name]
        case [("prf:ref", label)]:
            return next(
                ((name, boxes(text)[label]) for name, text in texts.items() if label in boxes(text)), (None, "")
            )
    return None, ""


def misplaced(table, texts):
    """Places where the symbol is not, and symbols that occur in a chapter before all that their rows name.

    What a letter of several rows means in a place cannot be told: of those it is the earliest row that is held.
    """
    occurring = {name: symbols_in(text) for name, text in texts.items()}
    problems, named = [], {}
    for row in table:
        chapter, text = placed(row, texts)
        named.setdefault(symbol(row), []).append(chapter)
        if symbol(row) not in symbols_in(text):
            problems.append(f"{row.symbol} does not occur in {row.place}")
    for each, places in named.items():
        first = next((name for name in occurring if each in occurring[name]), None)
        if first and first not in places:
            problems.append(f"{written(each)} occurs in {first}, before {', '.join(map(str, places))}")
    return problems


def unlisted(table, texts):
    """Symbols in the displayed equations of many chapters that have no row."""
    displayed = [symbols_in(text, displayed=True) for text in texts.values()]
    listed = {symbol(row) for row in table}
    return [
        f"{written(each)} has no row"
        for each in sorted(set().union(*displayed) - listed)
        if sum(each in some for some in displayed) >= MANY
    ]


def names(package):
    """The names in the sources of a package: what they define, take, and ask for."""
    trees = (ast.parse(path.read_text("utf-8")) for path in sorted(package.rglob("*.py")))
    fields = ("name", "arg", "attr", "id")
    return {getattr(node, field, None) for tree in trees for node in ast.walk(tree) for field in fields}


def unnamed(table, known):
    """Names in backticks in the column of code that the package does not have."""
    return [
        f"{row.symbol}: the package has no name {name}"
        for row in table
        for code in re.findall(r"`([^`]+)`", row.code)
        for name in re.findall(r"[^\W\d]\w*", code)
        if name not in known
    ]
