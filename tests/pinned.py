"""What is on record: how many asserts each section of a notebook holds and how many mutants each claim has, which may not fall; and the words that
no check can read, which change only when somebody says that they were read.

A test compares the tables with what there is. Where there is more, they are written anew by::

    python tests/pinned.py

which lets nothing fall. What was taken away on purpose is first taken out of the table by hand, where a reader sees it. When a caption, an alt text, a
formula in a text, an item of "In short", or the words of a claim were changed, and read against the picture, the code or the checks that they speak of::

    python tests/pinned.py --read
"""

import ast
import hashlib
import json
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat

from gates.asserts import python
from gates.cells import sections

ROOT = Path(__file__).resolve().parents[1]
ASSERTS = ROOT / "tests" / "gates" / "asserts.toml"
MUTANTS = ROOT / "tests" / "claims" / "mutants.toml"
WORDS = ROOT / "tests" / "gates" / "words.toml"
MEASURED = ROOT / "benchmarks" / "recorded.json", ROOT / "benchmarks" / "mutants.json"
FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$]+?\$|(?:```+|:::+)\{math\}.+?(?:```+|:::+)", re.S)

Counts = dict[str, dict[str, int]]
"""By head and name."""
Words = dict[str, dict[str, str]]
"""By head and name, what they come down to."""


def asserts_of(notebook) -> dict[str, int]:
    """How many asserts each section holds that has any, by its title."""
    found: Counter[str] = Counter()
    for title, _, code, _ in sections(notebook):
        found[title] += sum(isinstance(node, ast.Assert) for node in ast.walk(python(code)))
    return {title: count for title, count in found.items() if count}


def asserts() -> Counts:
    """Those of every notebook of the book."""
    paths = sorted((ROOT / "book").glob("*.ipynb"))
    return {path.stem: asserts_of(nbformat.read(path, as_version=4)) for path in paths}


def mutants() -> Counts:
    """How many mutants each claim has."""
    from icrl.claims import CLAIMS

    return {"mutants": {id: len(claim.mutants) for id, claim in CLAIMS.items()}}


def digest(*words: str) -> str:
    """What words come down to: another for others, the same however their lines are broken."""
    return hashlib.sha256(" ".join(" ".join(words).split()).encode()).hexdigest()[:12]


def words_of(notebook) -> dict[str, str]:
    """What is said of each figure, by its name, the formulas of each section's text, and the items of "In short"."""
    found = {}
    for title, text, _, figures in sections(notebook):
        if formulas := FORMULA.findall(text):
            found[f"formulas of {title!r}"] = digest(*formulas)
        if title == "In short":
            found["items of 'In short'"] = digest(text)
        for cell in figures:
            shown = cell.metadata["mystnb"]
            found[f"caption of {shown['figure']['name']}"] = digest(shown["figure"]["caption"])
            found[f"alt text of {shown['figure']['name']}"] = digest(shown["image"]["alt"])
    return found


def words_of_claim(claim) -> dict[str, str]:
    """Its statement, each assertion and each hypothesis, these by their number; what it rests on, and the functions that the status pages show."""
    said = {"statement": claim.statement(), "rests on": " ".join(claim.rests_on)}
    said |= {f"shown, {check.kind}": " ".join(each.__qualname__ for each in check.code) for check in claim.checks}
    said |= {f"assertion {each.id}": each.text(claim.subject) for each in claim.assertions}
    said |= {f"hypothesis {number}": each.words for number, each in enumerate(claim.hypotheses, 1)}
    return {name: digest(text) for name, text in said.items()}


def words() -> Words:
    """Those of every notebook of the book, of every claim, and of what was measured once and cannot be computed again."""
    from icrl.claims import CLAIMS

    measured = {path.name: digest(path.read_text("utf-8")) for path in MEASURED}
    paths = sorted((ROOT / "book").glob("*.ipynb"))
    return (
        {path.stem: words_of(nbformat.read(path, as_version=4)) for path in paths}
        | {f"claims.{id}": words_of_claim(claim) for id, claim in CLAIMS.items()}
        | {"measured": measured}
    )


def reworded(pinned: Words, found: Words) -> list[str]:
    """What does not read as it did when it was read, is gone, or was never read."""
    return [
        f"{head}: {name} "
        + (
            "is gone"
            if name not in found.get(head, {})
            else "is new"
            if name not in pinned.get(head, {})
            else "reads otherwise"
        )
        for head in sorted(pinned | found)
        for name in pinned.get(head, {}) | found.get(head, {})
        if pinned.get(head, {}).get(name) != found.get(head, {}).get(name)
    ]


def read(path: Path) -> Any:
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def fallen(pinned: Counts, counted: Counts) -> list[str]:
    """What there is less of than is on record."""
    return [
        f"{head}: {name!r} has {here} where {most} are on record"
        for head, table in pinned.items()
        for name, most in table.items()
        if (here := counted.get(head, {}).get(name, 0)) < most
    ]


def as_toml(counts: Counts | Words, note: str = "Only a hand lets a number fall.") -> str:
    quoted = lambda value: json.dumps(value, ensure_ascii=False)
    tables = [
        f"[{quoted(head) if '.' in head else head}]\n"
        + "".join(f"{quoted(name)} = {quoted(value)}\n" for name, value in table.items())
        for head, table in counts.items()
        if table
    ]
    return "\n".join([f"# Written by tests/pinned.py. {note}\n", *tables])


def write(path: Path, counted: Counts) -> None:
    """Bring a table up to what there is; raises ``ValueError`` where something fell."""
    if lost := fallen(read(path), counted):
        raise ValueError("\n".join(lost))
    path.write_text(as_toml(counted), "utf-8")


if __name__ == "__main__":
    write(ASSERTS, asserts())
    write(MUTANTS, mutants())
    if "--read" in sys.argv:
        WORDS.write_text(as_toml(words(), "A change here says that the words were read."), "utf-8")
