"""Every committed notebook: executed in order, clean, described, and asserting what it states."""

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


def test_every_notebook_can_fetch_the_library_on_colab():
    address = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
    for path in NOTEBOOKS:
        cell = nbformat.read(path, as_version=4).cells[1]
        assert "remove-cell" in cell.metadata.get("tags", []) and f'"git+{address}"' in cell.source, path.name
