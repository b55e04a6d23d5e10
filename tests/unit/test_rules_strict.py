"""`--strict` on competitions of labels, texts and rankings: the answers pass in any order, a faulty file does not."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from grading.benchmark import benchmark
from grading.parse import OpenParser
from grading.shelf import Shelf
from tasks import registry
from tests.unit.test_oracle_metrics import ANSWERS, CASES

RULES = ("labels", "label_sets", "texts", "rankings", "question_answering")
ROWS = {name: registry.benchmark(name).row for name in registry.benchmark_names()}
NAMES = [name for name, row in ROWS.items() if row.rule.partition(":")[0].removeprefix("grading.rules.") in RULES]
WITHOUT_GAPS = [name for name in NAMES if not ROWS[name].blank]

Lines = list[list[str]]


def gold(name: str) -> Lines:
    text = next(case["submission_csv"] for case in CASES[name] if case["case"] == "gold")
    return list(csv.reader(io.StringIO(text)))


def strictly(name: str, lines: Lines, private: Path) -> float | None:
    """The score of a file of these lines under `--strict`."""
    (private / ROWS[name].answers).write_text(ANSWERS[name]["text"], encoding="utf-8")
    file = io.StringIO()
    csv.writer(file).writerows(lines)
    submission = OpenParser().parse("submission.csv", file.getvalue().encode(), reading="pandas")
    grader = benchmark(**registry.benchmark(name).options(strict=True))  # type: ignore[arg-type]
    return grader.grade({"submission.csv": submission}, private, Shelf()).score


@pytest.mark.parametrize("name", NAMES)
def test_the_answers_in_any_order_have_the_best_score(name: str, tmp_path: Path) -> None:
    header, *rows = gold(name)
    assert strictly(name, [header, *rows[::-1]], tmp_path) == (0 if ROWS[name].lower_is_better else 1)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_columns_does_not_matter(name: str, tmp_path: Path) -> None:
    assert strictly(name, [row[::-1] for row in gold(name)], tmp_path) == (0 if ROWS[name].lower_is_better else 1)


FAULTS: dict[str, Callable[[Lines], Lines]] = {
    "a column more": lambda lines: [["z", *lines[0]], *(["1", *row] for row in lines[1:])],
    "a row less": lambda lines: lines[:-1],
    "a row twice": lambda lines: [*lines, lines[-1]],
    "an id twice for another": lambda lines: [*lines[:-1], [lines[1][0], *lines[-1][1:]]],
    "an unknown id": lambda lines: [*lines[:-1], ["unknown", *lines[-1][1:]]],
    "another name": lambda lines: [["z", *lines[0][1:]], *lines[1:]],
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", NAMES)
def test_columns_and_ids_that_are_not_those_asked_for_are_refused(name: str, fault: str, tmp_path: Path) -> None:
    assert strictly(name, FAULTS[fault](gold(name)), tmp_path) is None


@pytest.mark.parametrize("name", WITHOUT_GAPS)
def test_a_gap_is_refused_where_it_means_nothing(name: str, tmp_path: Path) -> None:
    *rows, last = gold(name)
    assert strictly(name, [*rows, [last[0], *[""] * (len(last) - 1)]], tmp_path) is None
