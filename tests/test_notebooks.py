"""Every committed notebook: executed in order, clean, described, and asserting what it states."""

import re
import sys
from contextlib import nullcontext
from types import SimpleNamespace

import nbformat
import pytest
import yaml

from conftest import ROOT
from gates import notebook

NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path):
    assert "\n".join(notebook.problems(nbformat.read(path, as_version=4))) == ""


def first_cells():
    """The first code cell of every chapter, hidden in the book: it fetches the library where that is missing."""
    return {path.stem: nbformat.read(path, as_version=4).cells[1] for path in NOTEBOOKS}


def test_every_notebook_can_fetch_the_library_on_colab():
    address = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
    for name, cell in first_cells().items():
        assert "remove-cell" in cell.metadata.get("tags", []) and f'"git+{address}"' in cell.source, name
    assert len({cell.source for cell in first_cells().values()}) == 1


@pytest.mark.parametrize(
    "loaded, found, restart", [("2.0.2", "2.4.6", True), ("2.0.2", "2.0.2", False), (None, "2.4.6", False)]
)
def test_the_first_cell_asks_for_a_restart_where_numpy_changed_under_it(loaded, found, restart, monkeypatch):
    installed = []
    shell = SimpleNamespace(run_line_magic=lambda *line: installed.append(line))
    monkeypatch.setattr("importlib.metadata.version", lambda package: found if installed else loaded)
    monkeypatch.setitem(sys.modules, "icrl", None)
    monkeypatch.setitem(sys.modules, "numpy", loaded and SimpleNamespace(__version__=loaded))
    with pytest.raises(RuntimeError, match="NumPy had to change: choose Restart session") if restart else nullcontext():
        exec(first_cells()["preface"].source, {"get_ipython": lambda: shell})
    assert [name for name, _ in installed] == ["pip"]


def test_every_source_is_cited_and_every_citation_has_a_source():
    book = ROOT / "book"
    text = "\n".join(path.read_text("utf-8") for kind in ("*.ipynb", "*.md") for path in book.rglob(kind))
    cited = {key for keys in re.findall(r"\{cite:[pt]\}`([^`]+)`", text) for key in keys.split(",")}
    assert cited == set(re.findall(r"@\w+\{([^,]+),", (book / "references.bib").read_text("utf-8")))
