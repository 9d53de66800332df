"""Every exercise takes its solution, refutes its wrong answers with a reason, and is asked and answered in its chapter."""

import re
from pathlib import Path

import pytest

from icrl.exercises import EXERCISES, check

ROOT = Path(__file__).parents[1]
CHAPTERS = {exercise.chapter for exercise in EXERCISES.values()}


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


@pytest.mark.parametrize("id", EXERCISES)
def test_the_exercise_stands_in_its_chapter(id):
    text = (ROOT / "book" / f"{EXERCISES[id].chapter}.ipynb").read_text(encoding="utf-8")
    assert re.search(rf'check\((\\n",\s*"\s*)?\\"{id}\\"', text)


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_a_chapter_has_two_exercises_or_more(chapter):
    assert sum(exercise.chapter == chapter for exercise in EXERCISES.values()) >= 2


def test_an_unknown_id_is_named():
    with pytest.raises(ValueError, match="id must be one of .* got 'no-such-exercise'"):
        check("no-such-exercise", 1)
