"""What is on record and may not fall."""

import ast
from dataclasses import replace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import pinned
from icrl.claims import CLAIMS
from icrl.verify.model import Assertion

TABLES = {"asserts": (pinned.ASSERTS, pinned.asserts), "mutants": (pinned.MUTANTS, pinned.mutants)}


@pytest.mark.parametrize("name", TABLES)
def test_nothing_fell_and_the_table_is_up_to_date(name):
    path, counted = TABLES[name]
    assert "\n".join(pinned.fallen(pinned.read(path), counted())) == ""
    assert pinned.read(path) == counted(), "there is more than the table says: python tests/pinned.py"


def test_every_notebook_and_every_claim_is_on_record():
    assert set(pinned.read(pinned.MUTANTS)["mutants"]) == set(CLAIMS)
    assert sum(map(len, pinned.read(pinned.ASSERTS).values())) > 100


def without_first_assert(code):
    """The code without the first assert that stands by itself, or None where there is none."""
    lines = code.splitlines()
    first = next((node for node in ast.parse(code).body if isinstance(node, ast.Assert)), None)
    return first and "\n".join(lines[: first.lineno - 1] + lines[first.end_lineno :])


def test_the_words_are_those_that_were_read():
    found = pinned.reworded(pinned.read(pinned.WORDS), pinned.words())
    assert found == [], "read them against what they speak of, then: python tests/pinned.py --read"


@pytest.mark.parametrize(
    "change, named",
    [
        (lambda cells: cells[1].metadata["mystnb"]["figure"].update(caption="It falls."), "caption of fig-x"),
        (lambda cells: cells[1].metadata["mystnb"]["image"].update(alt="A line that falls."), "alt text of fig-x"),
        (lambda cells: cells[0].update(source="# T\n$a + b$"), "formulas of 'the opening'"),
        (lambda cells: cells[0].update(source="# T\n$$\na - b\n$$ (eq-x)"), "formulas of 'the opening'"),
        (lambda cells: cells[2].update(source="## In short\n\n- It falls."), "items of 'In short'"),
    ],
)
def test_a_change_of_words_is_named(change, named):
    shown = {"figure": {"caption": "It rises.", "name": "fig-x"}, "image": {"alt": "A line."}}
    cells = [
        new_markdown_cell("# T\n$a - b$"),
        new_code_cell("plot()"),
        new_markdown_cell("## In short\n\n- It rises."),
    ]
    cells[1].metadata["mystnb"] = shown
    notebook = new_notebook(cells=cells)
    before = {"x": pinned.words_of(notebook)}
    assert pinned.reworded(before, {"x": pinned.words_of(notebook)}) == []
    change(cells)
    assert pinned.reworded(before, {"x": pinned.words_of(notebook)}) == [f"x: {named} reads otherwise"]


def test_a_claim_that_says_something_else_is_named():
    claim = CLAIMS["rate-floor"]
    before = {"claim": pinned.words_of_claim(claim)}
    said = lambda **changed: pinned.reworded(before, {"claim": pinned.words_of_claim(replace(claim, **changed))})
    assert said() == []
    assert said(statement=lambda: "Let $E < 0$.") == ["claim: statement reads otherwise"]
    assert said(rests_on=()) == ["claim: rests on reads otherwise"]
    *others, last = claim.checks
    unshown = replace(last, shows=())
    assert said(checks=(*others, unshown)) == [f"claim: shown, {last.kind} reads otherwise"]
    assert said(hypotheses=claim.hypotheses[:-1]) == [f"claim: hypothesis {len(claim.hypotheses)} is gone"]
    [steep] = [each.subject for each in claim.mutants if each.name == "factor 1 − α(1 + γ)"]
    assert len(said(subject=steep)) == 3
    assert said(assertions=(*claim.assertions, Assertion("more", "The earth is flat."))) == [
        "claim: assertion more is new"
    ]


@pytest.mark.parametrize("name", ["depth", "siblings", "preface"])
def test_a_section_that_lost_an_assert_is_named(name):
    notebook = nbformat.read(pinned.ROOT / "book" / f"{name}.ipynb", as_version=4)
    table = {name: pinned.asserts_of(notebook)}
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and without_first_assert(cell.source)]
    assert cells
    for cell in cells:
        whole, cell.source = cell.source, without_first_assert(cell.source)
        assert [found.partition(":")[0] for found in pinned.fallen(table, {name: pinned.asserts_of(notebook)})] == [
            name
        ]
        cell.source = whole


def a_notebook(*sources):
    return new_notebook(cells=[(new_markdown_cell if s[0] == "#" else new_code_cell)(s) for s in sources])


def test_asserts_are_counted_by_section():
    notebook = a_notebook(
        "assert a", "## One", "assert b\nassert c", "## Two", "x = 1", "## One", "for _ in x:\n  assert d"
    )
    assert pinned.asserts_of(notebook) == {"the opening": 1, "One": 3}


def test_a_dropped_mutant_is_named():
    table, id = pinned.read(pinned.MUTANTS), next(iter(CLAIMS))
    dropped = {"mutants": table["mutants"] | {id: table["mutants"][id] - 1}}
    assert [found.split()[1] for found in pinned.fallen(table, dropped)] == [repr(id)]


def test_what_is_gone_has_fallen_and_what_is_new_has_not():
    assert pinned.fallen({"a": {"x": 1}}, {}) == ["a: 'x' has 0 where 1 are on record"]
    assert pinned.fallen({"a": {"x": 1}}, {"a": {"x": 2, "y": 1}, "b": {"z": 1}}) == []


def test_a_table_is_written_with_more_and_never_with_less(tmp_path):
    path = tmp_path / "table.toml"
    pinned.write(path, {"a": {'„x“ and "y"': 2}})
    pinned.write(path, more := {"a": {'„x“ and "y"': 3}, "b-c": {"z": 1}})
    assert pinned.read(path) == more
    with pytest.raises(ValueError, match="'z' has 0 where 1 are on record"):
        pinned.write(path, {"a": {'„x“ and "y"': 3}})
    assert pinned.read(path) == more
