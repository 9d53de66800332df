"""What is on record and may not fall: how many asserts each section of a notebook holds, and how many mutants each claim has.

A test compares the tables with what there is. Where there is more, they are written anew by::

    python tests/pinned.py

which lets nothing fall. What was taken away on purpose is first taken out of the table by hand, where a reader sees it.
"""

import ast
import json
import tomllib
from collections import Counter
from pathlib import Path

import nbformat

from gates.asserts import python
from gates.cells import sections

ROOT = Path(__file__).resolve().parents[1]
ASSERTS = ROOT / "tests" / "gates" / "asserts.toml"
MUTANTS = ROOT / "tests" / "claims" / "mutants.toml"

Counts = dict[str, dict[str, int]]
"""By head and name."""


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


def read(path: Path) -> Counts:
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def fallen(pinned: Counts, counted: Counts) -> list[str]:
    """What there is less of than is on record."""
    return [
        f"{head}: {name!r} has {here} where {most} are on record"
        for head, table in pinned.items()
        for name, most in table.items()
        if (here := counted.get(head, {}).get(name, 0)) < most
    ]


def as_toml(counts: Counts) -> str:
    quoted = lambda name: json.dumps(name, ensure_ascii=False)
    tables = [
        f"[{head}]\n" + "".join(f"{quoted(name)} = {count}\n" for name, count in table.items())
        for head, table in counts.items()
        if table
    ]
    return "\n".join(["# Written by tests/pinned.py. Only a hand lets a number fall.\n", *tables])


def write(path: Path, counted: Counts) -> None:
    """Bring a table up to what there is; raises ``ValueError`` where something fell."""
    if lost := fallen(read(path), counted):
        raise ValueError("\n".join(lost))
    path.write_text(as_toml(counted), "utf-8")


if __name__ == "__main__":
    write(ASSERTS, asserts())
    write(MUTANTS, mutants())
