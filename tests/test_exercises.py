"""Every exercise takes its solution, refutes its wrong answers with a reason, and is asked in its chapter."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from icrl import td
from icrl.exercises import CHAPTERS, EXERCISES, check, depth, softmax_td
from icrl.tasks import boyan_chain

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "icrl" / "exercises"
MODULES = {chapter: chapter.replace("-", "_") for chapter in CHAPTERS}


@pytest.mark.parametrize("id", EXERCISES)
def test_the_solution_is_right(id):
    judgement = check(id, EXERCISES[id].solution)
    assert judgement and repr(judgement) == f"{id}: right."


@pytest.mark.parametrize(
    "id, answer", [(id, answer) for id, exercise in EXERCISES.items() for answer in exercise.wrong]
)
def test_a_wrong_answer_is_met_with_a_counterexample(id, answer):
    judgement = check(id, answer)
    assert not judgement and len(judgement.why) > 20, judgement


@pytest.mark.parametrize("id", EXERCISES)
def test_an_exercise_has_two_plausible_wrong_answers(id):
    assert len(EXERCISES[id].wrong) >= 2


@pytest.mark.parametrize("id", EXERCISES)
def test_what_is_no_answer_is_said_to_be_none(id):
    with pytest.raises(ValueError, match=f"answer to {id} must be"):
        check(id, object())


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_asks_its_exercises_in_the_order_of_the_table(chapter):
    text = (ROOT / "book" / f"{chapter}.ipynb").read_text(encoding="utf-8")
    asked = re.findall(r'check\((?:\\n",\s*"\s*)?\\"([a-z-]+)\\"', text)
    assert tuple(dict.fromkeys(asked)) == CHAPTERS[chapter] and len(asked) >= 2


def test_the_chapters_stand_in_the_order_of_the_book():
    book = re.findall(r"file: book/(\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert list(CHAPTERS) == [chapter for chapter in book if chapter in CHAPTERS]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_table_names_every_exercise_of_a_file(chapter):
    module = import_module(f"icrl.exercises.{MODULES[chapter]}")
    assert tuple(exercise.id for exercise in module.EXERCISES) == CHAPTERS[chapter]


def test_every_file_is_a_chapters_or_shared():
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert files == set(MODULES.values())


def test_an_id_is_one_exercises():
    ids = [id for ids in CHAPTERS.values() for id in ids]
    assert list(EXERCISES) == ids and len(EXERCISES) == len(set(ids))
    assert all(EXERCISES[id].id == id for id in ids)


def imported(path):
    """The modules of the project that a file imports anywhere, and those of ``icrl.exercises`` with their folder."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            names = [f"icrl.{name}" for name in names] if node.module == "icrl" else [node.module]
        yield from (name.removeprefix("icrl.") for name in names if name.split(".")[0] == "icrl")


@pytest.mark.parametrize("path", FOLDER.glob("*.py"), ids=lambda path: path.stem)
def test_no_chapter_imports_another(path):
    inside = {name.removeprefix("exercises.") for name in imported(path) if name.startswith("exercises.")}
    assert {name.split(".")[0] for name in inside} <= {"judging"}


PLAIN = {
    *("ndarray", "array", "asarray", "zeros", "ones", "eye", "arange", "diag", "concatenate"),
    *("abs", "max", "all", "exp", "isfinite", "allclose", "linalg.solve"),
}
"""What a pure-Python stand-in for NumPy must spell, too: the judges are to run where there is no NumPy."""
SPECTRA = {"when_it_fails", "trained_model_in_context"}
"""The chapters that ask about eigenvalues."""


def numpy_names(path):
    """Every name that a file takes from NumPy."""
    text = path.read_text(encoding="utf-8")
    return set(re.findall(r"\bnp\.((?:linalg\.|random\.)?\w+)", text))


@pytest.mark.parametrize("path", FOLDER.rglob("*.py"), ids=lambda path: path.stem)
def test_the_judges_use_plain_arrays_only(path):
    assert numpy_names(path) <= PLAIN | ({"linalg.eigvals"} if path.stem in SPECTRA else set())


def test_the_walk_of_depth_is_its_chapters():
    chapter = boyan_chain(discount=depth.WALK_DISCOUNT).sample_context(100, np.random.default_rng(3))
    assert np.array_equal(depth.WALK.states, chapter.states) and np.array_equal(depth.WALK.rewards, chapter.rewards)


@pytest.mark.parametrize("answer", EXERCISES["two-features"].wrong)
def test_two_features_compares_a_state_with_another(answer):
    one, other = re.findall(r"state (\d+)", check("two-features", answer).why)
    assert one != other


@pytest.mark.parametrize("n, n_s, beta", [(2, 1, 1.5), (10, 3, 0.0), (40, 39, 4.0)])
def test_how_sharp_weighs_as_softmax_does(n, n_s, beta):
    states = [0] * n_s + [1] * (n - n_s) + [0]
    weights = td.softmax_kernel(states, lambda s, u: beta * (s == u))[0]
    assert np.isclose(sum(weights[:n_s]), softmax_td._own_weight(n, n_s, beta), rtol=1e-12)


GIVEN_AWAY = {"noisy-floor": r"R \+|\[2\.5, 0\.5\]", "layers-for-context": "factor"}
"""Exercises whose one thought a reply could spell out: the targets to take the range of, and by how much F falls."""


@pytest.mark.parametrize("id", GIVEN_AWAY)
def test_a_reply_does_not_give_the_thought_away(id):
    for answer in EXERCISES[id].wrong:
        assert not re.search(GIVEN_AWAY[id], check(id, answer).why)


def loaded(code):
    """The modules that are loaded once ``code`` has run in a new interpreter."""
    run = [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"]
    return set(subprocess.run(run, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split())


def test_the_package_loads_no_chapter_and_nothing_heavy():
    modules = loaded("import icrl.exercises")
    assert {name for name in modules if name.startswith("icrl")} == {
        "icrl",
        "icrl.exercises",
        "icrl.loading",
        "icrl.exercises.judging",
        "icrl.exercises.judging.judgement",
    }
    assert not modules & {"numpy", "sympy", "torch", "gymnasium"}


def test_an_exercise_loads_its_own_chapter_only():
    chapters = {f"icrl.exercises.{name}" for name in MODULES.values()}
    given = "from icrl.exercises import check\ncheck('layers-for-a-promise', lambda alpha, c, eta: 1)"
    assert loaded(given) & chapters == {"icrl.exercises.depth"}


def test_an_unknown_id_is_named():
    with pytest.raises(ValueError, match=f"id must be one of {', '.join(EXERCISES)}, got 'no-such-exercise'"):
        check("no-such-exercise", 1)
