"""The tools around the book: running notebooks in place, setting up, and lists that must agree."""

import os
import pkgutil
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook, writes
from packaging.requirements import Requirement

import icrl
from conftest import ROOT


def execute(*paths):
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "execute.py", *paths], capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def chapter(tmp_path):
    """Writes a notebook of one cell, with what editors and runs leave behind."""

    def write(source):
        cell = new_code_cell(source, metadata={"execution": {"iopub.execute_input": "2026"}, "tags": ["hide-input"]})
        path = tmp_path / "chapter.ipynb"
        path.write_text(writes(new_notebook(cells=[cell], metadata={"widgets": {}})), "utf-8")
        return path

    return write


def test_executing_twice_gives_the_same_bytes(chapter):
    path = chapter("print('one')\nprint('two')")
    assert execute(path).returncode == 0
    first = path.read_bytes()
    assert execute(path).returncode == 0
    assert path.read_bytes() == first
    [cell] = nbformat.read(path, as_version=4).cells
    assert cell.outputs[0].text == "one\ntwo\n"
    assert cell.metadata == {"tags": ["hide-input"]}


def test_a_failing_notebook_is_left_as_it_was(chapter):
    path = chapter("1 / 0")
    before = path.read_bytes()
    run = execute(path)
    assert run.returncode == 1 and "ZeroDivisionError" in run.stderr
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_names_are_checked_before_anything_is_run(chapter, tmp_path):
    path = chapter("print('run')")
    before = path.read_bytes()
    (tmp_path / "list.ipynb").write_text("[]", "utf-8")
    run = execute(path, "book/nope.ipynb", tmp_path / "list.ipynb")
    missing, no_notebook = run.stderr.splitlines()
    assert run.returncode == 2 and path.read_bytes() == before
    assert missing.startswith("no such notebook 'book/nope.ipynb'; there are ") and "preface.ipynb" in missing
    assert no_notebook.startswith(f"{tmp_path / 'list.ipynb'} is no notebook: ")


def test_nothing_to_run_is_said():
    run = execute()
    assert run.returncode == 2 and run.stderr.startswith("no notebook named; there are ")


def test_a_notebook_that_ends_its_kernel_does_not_stop_the_others(chapter, tmp_path):
    dead = chapter("import os; os._exit(1)").rename(tmp_path / "dead.ipynb")
    run = execute(dead, chapter("print('run')"))
    assert run.returncode == 1 and "DeadKernelError" in run.stderr and "Traceback" not in run.stderr
    [cell] = nbformat.read(tmp_path / "chapter.ipynb", as_version=4).cells
    assert cell.outputs[0].text == "run\n"


def test_an_interrupted_notebook_is_left_as_it_was(chapter):
    path = chapter("import pathlib, time; pathlib.Path('begun').touch(); time.sleep(60)")
    before, begun = path.read_bytes(), path.with_name("begun")
    # a run in the background may have been started deaf to Ctrl-C, and its children are born as deaf
    hearing = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    command = [sys.executable, ROOT / "tools" / "execute.py", path, path]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hearing)
    for _ in range(600):
        if begun.exists() or run.poll() is not None:
            break
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130 and err.endswith(f"interrupted; {path} left as it was\n") and "Traceback" not in err
    begun.unlink()
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def make_environment(tmp_path, interpreter):
    """`make .venv/ready` in an empty project, with this script in the place of Python."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{interpreter}\n")
    python.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", ".venv/ready", f"PYTHON={python}"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "interpreter, message",
    [
        ("test $1 = --version && echo Python 3.9.2; exit 1", "Python 3.11 or newer is needed"),
        ('case "$2" in *venv*) exit 1;; esac', "lacks the venv module"),
    ],
)
def test_set_up_says_what_is_missing(tmp_path, interpreter, message):
    run = make_environment(tmp_path, interpreter)
    assert run.returncode != 0 and message in run.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("user, options", [("0", "--allow-root --no-browser book"), ("1000", "--no-browser book")])
def test_the_lab_starts_for_root_too(tmp_path, user, options):
    for name in ("pyproject.toml", "Makefile"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    for stamp in ("book", "ready", "lab"):
        (tmp_path / ".venv" / stamp).touch()
    (tmp_path / "id").write_text(f"#!/bin/sh\necho {user}\n")
    (tmp_path / "id").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")} | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}"
    }
    done = subprocess.run(
        ["make", "lab", "RUN=echo", "LAB_OPTIONS=--no-browser"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"-m jupyterlab {options}\n"


def test_the_example_of_the_readme_runs():
    [example] = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), flags=re.M | re.S)
    assert "assert" in example
    exec(example, {})


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = {name: list(map(Requirement, lines)) for name, lines in PROJECT["optional-dependencies"].items()}


def test_the_torch_that_is_tested_is_one_that_the_package_takes():
    [taken] = EXTRAS["torch"]
    [pinned] = [one for one in EXTRAS["test"] if one.name == "torch"]
    [version] = pinned.specifier
    assert version.operator == "==" and version.version in taken.specifier


def test_what_the_book_needs_is_without_torch_and_no_package_is_named_twice():
    assert "autodoc_mock_imports: [torch]" in (ROOT / "_config.yml").read_text("utf-8")
    names = [one.name for lines in (map(Requirement, PROJECT["dependencies"]), *EXTRAS.values()) for one in lines]
    twice = {name for name in names if names.count(name) > 1}
    assert twice == {"torch", "matplotlib"}  # a range for users, one version for the tests
    assert "torch" not in {one.name for one in EXTRAS["book"]}


def test_the_citation_names_the_version_of_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    changes = re.findall(r"(?m)^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"))
    assert citation["version"] == changes[0] == icrl.__version__


def test_every_module_is_in_the_api_reference():
    reference = (ROOT / "book" / "api.md").read_text("utf-8").split()
    files = [path for path in (ROOT / "icrl").glob("*.py") if not path.name.startswith("_")]
    packages = [path.parent for path in (ROOT / "icrl").glob("*/__init__.py")]
    assert [path.stem for path in files + packages if f"icrl.{path.stem}" not in reference] == []


def test_what_is_said_to_be_stable_is_there():
    stable = (ROOT / "book" / "api.md").read_text("utf-8").partition("(stable-names)=")[2].partition("## Files")[0]
    names = re.findall(r"`(icrl(?:\.\w+)+)`", stable)
    assert len(names) > 30
    for name in names:
        pkgutil.resolve_name(name)


@pytest.fixture(scope="module")
def readable_api():
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    import readable_api

    return readable_api


@pytest.mark.parametrize(
    "docstring, shown",
    [
        ("over |S| states\n", "over \\|S\\| states\n"),
        ("``|S|`` and :math:`|S|`\n", "``|S|`` and :math:`|S|`\n"),
        ("so::\n\n    |S|\n\nfor |S|\n", "so::\n\n    |S|\n\nfor \\|S\\|\n"),
    ],
)
def test_bars_in_docstrings(readable_api, docstring, shown):
    assert readable_api.with_plain_bars(docstring) == shown


def test_a_default_function_is_shown_by_name(readable_api):
    for shown in ("<function softmax>", "<function a.softmax at 0x7f00>"):
        assert readable_api.with_named_defaults(f"(f={shown})") == "(f=softmax)"
