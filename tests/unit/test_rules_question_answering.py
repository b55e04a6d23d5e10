"""The rule of TensorFlow 2.0 Question Answering: right answers and abstentions, and the validator that refuses all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from grading.grader import RulesGrader
from grading.rules.question_answering import AnswerSpans
from grading.shelf import Shelf
from grading.table import Table
from podium.plugins import load
from tasks import registry
from tests.unit.judging import passes, score, table

NAME = "tensorflow2-question-answering"
RULE = AnswerSpans()
STRICT = AnswerSpans(strict=True)
ROWS = ("7_long", "7_short", "8_long", "8_short")


def example(name: Any, long: tuple[int, int], short: Sequence[tuple[int, int]], word: str = "NONE") -> dict[str, Any]:
    spans = [{"start_token": start, "end_token": end} for start, end in (long, *short)]
    return {
        "example_id": name,
        "annotations": [{"long_answer": spans[0], "short_answers": spans[1:], "yes_no_answer": word}],
    }


def lines(tmp_path: Path, *examples: dict[str, Any]) -> Table:
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(each) + "\n" for each in examples), encoding="utf-8")
    return Shelf().table(tmp_path / "test.jsonl")


@pytest.fixture
def answers(tmp_path: Path) -> Table:
    """7 has a long answer, and short ones and YES; 8 has none."""
    return lines(tmp_path, example("7", (0, 5), [(1, 2), (3, 4)], "YES"), example("8", (-1, -1), []))


def said(*cells: str, rows: Sequence[str] = ROWS) -> Table:
    given = "".join(f"{row},{cell}\n" for row, cell in zip(rows, cells, strict=True))
    return table("example_id,PredictionString\n" + given)


@pytest.mark.parametrize(
    ("cells", "right", "f1"),
    [
        (("0:5", "1:2", "", ""), 4, 1.0),
        (("0:5", "3:4", "", ""), 4, 1.0),
        (("0:5", "YES", "", ""), 4, 1.0),
        ((" 0 : +5 ", "  ", "null", ""), 3, 2 * 1 / (2 * 1 + 0 + 1)),
        (("0:5", "NO", "", ""), 3, 2 * 1 / (2 * 1 + 1)),
        (("YES", "YES", "", "NO"), 2, 2 * 1 / (2 * 1 + 2)),
        (("0:6", "2:1", "-1:-1", "0:0"), 0, 0.0),
        (("", "", "", ""), 2, 0.0),
    ],
)
def test_right_rows_count_and_strict_counts_positives_only(
    answers: Table, cells: tuple[str, ...], right: int, f1: float
) -> None:
    assert score(RULE, said(*cells), answers) == right / 4
    assert score(STRICT, said(*cells), answers) == pytest.approx(f1)


def test_rows_are_found_by_their_ids_and_other_columns_do_not_matter(answers: Table) -> None:
    moved = "z,PredictionString,example_id\n1,,8_short\n1,YES,7_short\n1,0:5,7_long\n1,,8_long\n"
    assert score(RULE, table(moved), answers) == 1


@pytest.mark.parametrize("cell", ["yes", "NONE", "1", "1:2:3", "a:b", "1:", ":", "1.0:2", "1 2", "YES:NO", "2-3"])
def test_a_cell_of_another_form_leaves_no_score(answers: Table, cell: str) -> None:
    assert score(RULE, said(cell, "", "", ""), answers) is None
    assert not passes(STRICT, said(cell, "", "", ""), said("", "", "", ""))


@pytest.mark.parametrize("cells", [("1", "2", "3", "4"), ("1", "", "", ""), ("True", "", "", "False")])
def test_a_column_of_numbers_leaves_no_score(answers: Table, cells: tuple[str, ...]) -> None:
    assert score(RULE, said(*cells), answers) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example_id,PredictionString\n7_long,\n7_short,\n8_long,\n",
        "example_id,PredictionString\n7_long,\n7_short,\n8_long,\n8_long,\n",
        "example_id,PredictionString\n7_long,\n7_short,\n8_long,\n9_short,\n",
        "example_id,PredictionString\n7_long,\n7_short,\n8_long,\n,1:2\n",
        "example_id,PredictionString\n7,\n8,\n9,\n10,\n",
        "example_id,Prediction\n7_long,\n7_short,\n8_long,\n8_short,\n",
        "id,PredictionString\n7_long,\n7_short,\n8_long,\n8_short,\n",
    ],
)
def test_columns_rows_or_ids_that_are_not_those_asked_for_are_refused(answers: Table, text: str) -> None:
    assert score(RULE, table(text), answers) is None
    assert not passes(STRICT, table(text), said("", "", "", ""))


def test_ids_that_are_numbers_in_the_answers_leave_no_score_but_when_strict(tmp_path: Path) -> None:
    answers = lines(tmp_path, example(7, (0, 5), []))
    given = said("0:5", "", rows=("7_long", "7_short"))
    assert score(RULE, given, answers) is None
    assert score(STRICT, given, answers) == 1


def test_only_the_first_annotation_counts_but_when_strict(tmp_path: Path) -> None:
    both = example("7", (0, 5), [])
    both["annotations"] += example("7", (6, 9), [])["annotations"]
    given = said("6:9", "", rows=("7_long", "7_short"))
    assert score(RULE, given, lines(tmp_path, both)) == 0.5
    assert score(STRICT, given, lines(tmp_path, both)) == 1


def test_the_benchmarks_validator_refuses_every_submission() -> None:
    assert not passes(RULE, said("", "", "", ""), said("", "", "", ""))


@pytest.mark.parametrize("strict", [False, True])
def test_the_grader_judges_json_lines(answers: Table, tmp_path: Path, strict: bool) -> None:
    task = registry.benchmark(NAME)
    grader: RulesGrader = load("grading.benchmark:benchmark")(**task.options(strict=strict))
    given = {"submission.csv": said("", "YES", "", "0:5", rows=("8_short", "7_short", "8_long", "7_long"))}
    assert grader.grade(given, tmp_path, Shelf()).score == 1


@pytest.mark.parametrize("cells", [("0:5", "YES", "", ""), ("", "", "", "")])
def test_the_strict_grader_lets_a_good_form_pass(tmp_path: Path, cells: tuple[str, ...]) -> None:
    (tmp_path / "sample_submission.csv").write_text(
        "example_id,PredictionString\n" + "".join(f"{row},\n" for row in ROWS), encoding="utf-8"
    )
    grader: RulesGrader = load("grading.benchmark:benchmark")(**registry.benchmark(NAME).options(strict=True))
    grader.check({"submission.csv": said(*cells)}, tmp_path, Shelf())
