"""Every committed notebook: executed in order, clean, described, and asserting what it states."""

import nbformat
import pytest

from conftest import ROOT
from gates import notebook

NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path):
    assert "\n".join(notebook.problems(nbformat.read(path, as_version=4))) == ""
