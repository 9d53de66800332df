"""The house: imports run downwards. The table says what each folder or file may import of ``icrl``; the longest prefix counts."""

import ast
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from conftest import ROOT
from icrl.claims import CLAIMS, PLACES

LIBRARY = (
    *("icrl.arrays", "icrl.algebra", "icrl.mrp", "icrl.prompt", "icrl.tasks", "icrl.td", "icrl.transformer"),
    *("icrl.operator", "icrl.siblings", "icrl.linear_attention", "icrl.state_form", "icrl.stock"),
)
MAY = {
    "icrl": (),
    "icrl.__main__": ("icrl.cli",),
    "icrl.files": (),
    "icrl.loading": (),
    "icrl.plotting": (),
    "icrl.dial": ("icrl.mrp",),
    "icrl.arrays": (),
    "icrl.algebra": ("icrl.arrays",),
    "icrl.td": (),
    "icrl.mrp": ("icrl.arrays",),
    "icrl.tasks": ("icrl.arrays", "icrl.mrp"),
    "icrl.prompt": ("icrl.arrays", "icrl.algebra", "icrl.mrp"),
    "icrl.transformer": ("icrl.algebra", "icrl.prompt"),
    "icrl.siblings": ("icrl.arrays", "icrl.algebra", "icrl.prompt", "icrl.transformer"),
    "icrl.linear_attention": ("icrl.algebra", "icrl.transformer"),
    "icrl.stock": ("icrl.arrays", "icrl.algebra", "icrl.mrp", "icrl.prompt", "icrl.transformer"),
    "icrl.operator": ("icrl.arrays", "icrl.mrp"),
    "icrl.state_form": ("icrl.algebra",),
    "icrl.pretrain": (*LIBRARY, "icrl.files"),
    "icrl.diagnose": (*LIBRARY, "icrl.files", "icrl.plotting"),
    "icrl.verify.model": (),
    "icrl.verify.run": ("icrl.verify.model",),
    "icrl.verify.instances": LIBRARY,
    "icrl.verify.judging": (*LIBRARY, "icrl.verify.model", "icrl.verify.instances"),
    "icrl.verify.routes": (*LIBRARY, "icrl.verify.model", "icrl.verify.instances", "icrl.verify.judging"),
    "icrl.verify.kernel": ("icrl.verify.model", "icrl.verify.instances", "icrl.verify.routes"),
    "icrl.verify.pages": ("icrl.verify.model", "icrl.verify.run", "icrl.verify.kernel"),
    "icrl.claims": (*LIBRARY, "icrl.loading", "icrl.pretrain", "icrl.verify"),
    "icrl.exercises.judging": LIBRARY,
    "icrl.exercises": (*LIBRARY, "icrl.loading"),
    "icrl.cli": ("icrl",),
}
FORBIDDEN = {"icrl.claims": ("icrl.verify.pages", "icrl.verify.run")}
"""What a wide entry of the table does not mean."""


def modules(root: Path) -> dict[str, Path]:
    """Every module of the package, by its dotted name."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((root / "icrl").rglob("*.py"))
    }


@cache
def syntax(path: Path) -> list[ast.AST]:
    """The imports of a file."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [node for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]


def imported(path: Path, known, planted: str = "") -> set[str]:
    """The modules of the package that a file imports, wherever in it, and those that a planted line imports."""
    found = set()
    for node in chain(syntax(path), ast.walk(ast.parse(planted))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written out"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else str(node.module) for name in names}
    return {name for name in found if name.split(".")[0] == "icrl"}


def covers(prefix: str, name: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def longest(name: str) -> str:
    """The entry of the table that counts for a module."""
    return max((prefix for prefix in MAY if covers(prefix, name)), key=len)


def broken(name: str, target: str) -> bool:
    """Whether a module may not import another: its own folder it may, and what the table says."""
    folder = longest(name)
    if any(covers(prefix, target) for prefix in FORBIDDEN.get(folder, ())):
        return True
    return not (folder != "icrl" and covers(folder, target)) and not any(
        covers(prefix, target) for prefix in MAY[folder]
    )


def faults(where: str = "", line: str = "") -> list[str]:
    """Every import that the table does not allow, where a line is planted in one file."""
    known = modules(ROOT)
    return [
        f"{name} imports {target}"
        for name, path in known.items()
        for target in imported(path, known, line if path == ROOT / where else "")
        if broken(name, target)
    ]


def entries(folder: str) -> list[tuple[str, ...]]:
    """The entries of a folder or file in the table; the library counts as one where all of it may be imported."""
    whole = set(LIBRARY) <= set(MAY[folder])
    return [LIBRARY] * whole + [(entry,) for entry in MAY[folder] if not (whole and entry in LIBRARY)]


def unused(root: Path) -> list[str]:
    """Every entry of the table that no import needs."""
    known = modules(root)
    made = {(longest(name), target) for name, path in known.items() for target in imported(path, known)}
    return [
        f"{folder} may import {', '.join(entry)}"
        for folder in MAY
        for entry in entries(folder)
        if not any(
            room == folder and not covers(folder, target) and any(covers(prefix, target) for prefix in entry)
            for room, target in made
        )
    ]


def test_imports_run_downwards():
    assert faults() == []


def test_there_is_no_circle():
    known = modules(ROOT)
    below = {name: imported(path, known) & set(known) - {name} for name, path in known.items()}
    while leaves := [name for name, targets in below.items() if not targets]:
        below = {name: targets - set(leaves) for name, targets in below.items() if name not in leaves}
    assert not below, f"these import each other: {sorted(below)}"


@pytest.mark.parametrize(
    "where, line",
    [
        ("icrl/verify/judging/parts.py", "from icrl.claims.foundations import bellman"),
        ("icrl/verify/instances/cases.py", "from icrl.verify.routes import grouping"),
        ("icrl/verify/run.py", "import icrl.claims"),
        ("icrl/transformer.py", "from icrl.td import softmax_td"),
        ("icrl/claims/theorem/softmax_td.py", "from icrl.verify.pages import ledger"),
        ("icrl/exercises/__init__.py", "from icrl.claims import CLAIMS"),
    ],
)
def test_a_planted_import_is_refused(where, line):
    assert len(faults(where, line)) == 1


def test_the_table_allows_no_more_than_is_used():
    assert unused(ROOT) == []


@pytest.mark.parametrize(
    "folder, entry",
    [
        ("icrl.state_form", ("icrl.operator",)),
        ("icrl.verify.kernel", ("icrl.verify.judging",)),
        ("icrl.plotting", LIBRARY),
    ],
)
def test_a_planted_entry_that_nothing_uses_is_refused(monkeypatch, folder, entry):
    monkeypatch.setitem(MAY, folder, (*MAY[folder], *entry))
    assert unused(ROOT) == [f"{folder} may import {', '.join(entry)}"]


def rests_on(id: str) -> set[str]:
    """All claims below a claim."""
    below = set(CLAIMS[id].rests_on)
    return below.union(*map(rests_on, below))


def test_claims_import_claims_only_along_what_they_rest_on():
    known = modules(ROOT)
    ids = {place: id for id, place in PLACES.items()}
    for id, place in PLACES.items():
        above = {ids[target] for target in imported(known[place], known) if target in ids} - {id}
        assert above <= rests_on(id), f"{id} imports {above - rests_on(id)} and does not rest on it"


def test_every_file_of_a_claim_is_in_the_table():
    inside = {name for name in modules(ROOT) if name.startswith("icrl.claims.") and name.count(".") == 3}
    assert inside == set(PLACES.values())
    assert all(CLAIMS[id].id == id for id in PLACES)
