"""From an order to a grade, and the service's promises about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grading.competition import competition
from grading.grade import GRADER_FAILED, NOTHING, grade
from grading.grader import Score
from grading.ledger import Ledger
from grading.order import GradeOrder
from grading.parse import OpenParser, Parser, Reading
from grading.service import GradingService
from grading.shelf import Shelf
from grading.table import Table
from podium.brief import Column, OutputFile
from podium.errors import InfrastructureFailure, UnknownName, UserError
from podium.records import Grade
from tests.unit.grading_site import ANSWERS, GOOD_SCORE, MOMENT, order, site

PARSER = OpenParser()


class Broken:
    """A parser whose sandbox cannot be had."""

    def parse(self, name: str, content: bytes, max_mb: int, reading: Reading = "plain") -> Table:
        raise InfrastructureFailure("no sandbox")


class Strange:
    """A grader that gives or raises what it was made with."""

    def __init__(self, score: float | None, error: str) -> None:
        self._score, self._error = score, error

    def grade(self, files: Mapping[str, Table], private: Path, shelf: Shelf) -> Score:
        if self._error:
            raise ValueError(f"the answer of row 1 is 10: {self._error}")
        return Score(score=self._score)


def strange(score: float | None = None, error: str = "") -> Strange:
    return Strange(score, error)


def graded(folder: Path, asked: GradeOrder) -> Grade:
    return grade(asked, PARSER, site(folder), Shelf(), MOMENT)


def test_a_grade_has_the_score_and_the_medal_of_its_place(tmp_path: Path) -> None:
    found = graded(tmp_path, order())
    assert (found.score, found.medal, found.above_median) == (GOOD_SCORE, "bronze", True)
    assert (found.valid_submission, found.submission_exists, found.is_lower_better) == (True, True, True)
    assert (found.created_at, found.competition_id) == (MOMENT, "small")


def test_the_answers_themselves_take_gold(tmp_path: Path) -> None:
    assert graded(tmp_path, order(content=ANSWERS)).medal == "gold"


def test_a_submission_of_the_wrong_form_has_no_score_but_a_reason(tmp_path: Path) -> None:
    found = graded(tmp_path, order(content=b"id,y\n1,1\n"))
    assert (found.score, found.valid_submission, found.submission_exists) == (None, False, True)
    assert "has 1 rows, but 3 are asked for" in found.message


def test_a_trial_that_handed_in_nothing_is_graded_as_that(tmp_path: Path) -> None:
    found = graded(tmp_path, order(content=None))
    assert (found.submission_exists, found.message, found.digest) == (False, NOTHING, None)


def test_what_a_failing_grader_says_is_not_passed_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = graded(tmp_path, order(grader="tests.unit.test_grade:strange", options={"error": "oh"}))
    assert found.message == GRADER_FAILED
    assert "row 1 is 10" in capfd.readouterr().err


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_none(tmp_path: Path, score: float) -> None:
    found = graded(tmp_path, order(grader="tests.unit.test_grade:strange", options={"score": score}))
    assert (found.score, found.valid_submission) == (None, False)


def test_several_probability_columns_are_scored_against_one_hot_answers(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_bytes(b"id,a,b\ny,0,1\nx,1,0\n")
    guess = PARSER.parse("s.csv", b"id,a,b\nx,0.5,0.5\ny,0.25,0.75\n")
    found = competition(metric="log_loss", targets=["a", "b"]).grade({"s.csv": guess}, tmp_path, Shelf())
    assert found.score == pytest.approx(-np.mean([np.log(0.75), np.log(0.5)]))


def test_an_unknown_metric_is_told_at_once() -> None:
    with pytest.raises(UnknownName):
        competition(metric="rsme", targets=["y"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id,y\n1,1\n2,1\n", "does not name each test row once"),
        (b"id,y\n1,1\n2,1\n2,1\n", "does not name each test row once"),
        (b"id,y\n1,1\n2,1\n4,1\n", "does not name each test row once"),
        (b"id\n1\n2\n3\n", "'y' is missing"),
        (b"id,y\n1,a\n2,b\n3,c\n", "does not fit mae"),
        (b"id,y\n1,\n2,1\n3,1\n", "does not fit mae"),
        (b"id,y\n1,inf\n2,1\n3,1\n", "does not fit mae"),
    ],
)
def test_the_grader_trusts_no_check_before_it(tmp_path: Path, content: bytes, words: str) -> None:
    tables = {"submission.csv": PARSER.parse("submission.csv", content)}
    found = competition(metric="mae", targets=["y"]).grade(tables, site(tmp_path).private_dir("small"), Shelf())
    assert found.score is None
    assert words in found.message


def service(folder: Path, parser: Parser = PARSER) -> GradingService:
    made = site(folder)
    return GradingService(made, Ledger(made.ledger), parser, clock=lambda: MOMENT)


def test_the_same_files_get_the_same_answer_and_others_none(tmp_path: Path) -> None:
    grader = service(tmp_path)
    first = grader.grade(order())
    (tmp_path / "private" / "small" / "prepared" / "private" / "test.csv").unlink()
    assert grader.grade(order()) == first
    with pytest.raises(UserError, match="graded once"):
        grader.grade(order(content=ANSWERS))


def test_files_that_are_not_those_of_the_digest_are_refused(tmp_path: Path) -> None:
    forged = order().model_copy(update={"files": {"submission.csv": ANSWERS}})
    with pytest.raises(UserError, match="have the digest"):
        service(tmp_path).grade(forged)


def test_a_second_look_needs_a_reason_and_is_a_row_of_its_own(tmp_path: Path) -> None:
    grader = service(tmp_path)
    grader.grade(order())
    again = grader.grade(order(reason="other metric", options={"metric": "rmse", "targets": ["y"]}))
    assert again.score != GOOD_SCORE
    assert grader.grade(order()).score == GOOD_SCORE
    assert len(grader.rows("group")) == 2
    assert grader.rows("another group") == []


def test_no_row_is_written_while_the_jail_is_broken(tmp_path: Path) -> None:
    grader = service(tmp_path, Broken())
    with pytest.raises(InfrastructureFailure):
        grader.grade(order())
    assert grader.rows("group") == []


def test_the_ledgers_rows_hold_no_answer(tmp_path: Path) -> None:
    grader = service(tmp_path)
    grader.grade(order(content=b"id,y\n1,7777\n2,8888\n3,9999\n"))
    (written,) = grader.rows("group")
    assert not any(value in written for value in ("7777", "8888", "9999"))


def test_labels_are_compared_as_text(tmp_path: Path) -> None:
    made = site(tmp_path)
    (made.private_dir("small") / "test.csv").write_bytes(b"id,y\n1,True\n2,False\n3,True\n")
    labels = (OutputFile(columns=(Column(name="id", kind="id"), Column(name="y", kind="label"))),)
    changes: dict[str, Any] = {"outputs": labels, "options": {"metric": "accuracy", "targets": ["y"]}}
    asked = order(content=b"id,y\n1,True\n2,True\n3,true\n", **changes)
    assert grade(asked, PARSER, made, Shelf(), MOMENT).score == 0.66667


def test_answers_that_are_not_there_are_told_with_the_command_that_makes_them(tmp_path: Path) -> None:
    grader = service(tmp_path)
    (tmp_path / "private" / "small" / "prepared" / "private" / "test.csv").unlink()
    with pytest.raises(UserError, match="podium prepare -c small"):
        grader.grade(order())
    assert grader.rows("group") == []
