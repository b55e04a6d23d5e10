"""What strict mode asks of every submission, and what it mends in the competitions of numbers and probabilities."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from grading.benchmark import benchmark
from grading.refusal import InvalidSubmission
from grading.shelf import Shelf
from grading.strict import Asked
from grading.table import Table
from tasks import registry
from tests.unit.judging import table
from tests.unit.test_rules_strict import FAULTS, ROWS, Lines, gold, strictly

RULES = ("auc", "correlation", "divergence", "log_loss", "regression")
NAMES = [name for name, row in ROWS.items() if row.rule.partition(":")[0].removeprefix("grading.rules.") in RULES]
NUMBERS = Asked(ids=("id",), targets=("y",), kind="number")
SHARES = Asked(ids=("id",), targets=("y",), kind="probability")
EVERY = Asked(ids=("id",), targets=(), kind="number")
PLACES = Asked(ids=("trip", "time"), targets=("y",), kind="number")
SAMPLE = table("id,y\na,0\nb,0\nc,0\n")


def refusal(asked: Asked, text: str, reference: Table = SAMPLE) -> str:
    with pytest.raises(InvalidSubmission) as caught:
        asked.formed(table(text), reference)
    return caught.value.message


def test_rows_and_columns_are_put_into_the_order_of_what_is_asked_for() -> None:
    formed = NUMBERS.formed(table("y,id\n3,c\n1,a\n2,b\n"), SAMPLE)
    assert formed.names == ("id", "y")
    assert formed["id"].texts() == ["a", "b", "c"]
    assert formed["y"].numbers().tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,y\na,1\nb,2\n", "2 rows, but 3"),
        ("id,y\na,1\nb,2\nc,3\nd,4\n", "4 rows, but 3"),
        ("id,y\na,1\nb,2\nb,3\n", "more than once"),
        ("id,y\na,1\nb,2\n,3\n", "no id in row 3"),
        ("id,y\na,1\nb,2\nd,3\n", "not those of the sample"),
        ("id,y\n1,1\n2,2\n3,3\n", "not those of the sample"),
        ("id,y\na,1\nb,\nc,3\n", "no value in 'y' in row 2"),
        ("id,y\na,1\nb,inf\nc,3\n", "missing or infinite"),
        ("id,y\na,1\nb,x\nc,3\n", "text in 'y'"),
        ("id,y,z\na,1,0\nb,2,0\nc,3,0\n", "column too many: 'z'"),
        ("id,y,y\na,1,0\nb,2,0\nc,3,0\n", "column too many: 'y.1'"),
        ("id\na\nb\nc\n", "column 'y' is missing"),
        ("y\n1\n2\n3\n", "column 'id' is missing"),
        ("id,y\n", "0 rows, but 3"),
        ("", "column 'id' is missing"),
    ],
)
def test_a_fault_is_refused_in_words_that_say_what_to_do(text: str, words: str) -> None:
    assert words in refusal(NUMBERS, text)


def test_probabilities_lie_between_zero_and_one() -> None:
    assert "below 0 or above 1" in refusal(SHARES, "id,y\na,0\nb,1\nc,1.01\n")
    SHARES.formed(table("id,y\na,0\nb,1\nc,0.5\n"), SAMPLE)


def test_a_gap_is_let_pass_where_it_means_something() -> None:
    blank = Asked(ids=("id",), targets=("y",), kind="text", blank=True)
    assert blank.formed(table("id,y\na,x\nb,\nc,x\n"), SAMPLE)["y"].missing.tolist() == [False, True, False]


def test_without_named_targets_every_other_column_of_the_reference_is_asked_for() -> None:
    wide = table("id,u,v\na,0,0\nb,0,0\n")
    assert EVERY.formed(table("v,id,u\n4,b,3\n2,a,1\n"), wide).names == ("id", "u", "v")
    assert "'v' is missing" in refusal(EVERY, "id,u\na,1\nb,2\n", wide)
    assert "'w'" in refusal(EVERY, "id,u,v,w\na,1,1,1\nb,2,2,2\n", wide)


def test_ids_of_digits_equal_numbers_however_they_are_spelt() -> None:
    assert NUMBERS.formed(table("id,y\n012,5\n7.0,6\n"), table("id,y\n7,0\n12,0\n"))["y"].numbers().tolist() == [6, 5]


def test_several_columns_name_a_row_together() -> None:
    asked = table("trip,time,y\np,1,0\np,2,0\nq,1,0\n")
    formed = PLACES.formed(table("trip,time,y\nq,1,3\np,2.0,2\np,1,1\n"), asked)
    assert formed["y"].numbers().tolist() == [1, 2, 3]
    assert "more than once in trip, time" in refusal(PLACES, "trip,time,y\nq,1,3\np,1,2\np,1,1\n", asked)
    assert "not those of the sample" in refusal(PLACES, "trip,time,y\nq,1,3\nq,2,2\np,1,1\n", asked)
    assert "no id in row 2" in refusal(PLACES, "trip,time,y\nq,1,3\n,2,2\np,1,1\n", asked)


def test_a_text_that_answers_repeat_is_asked_for_as_often() -> None:
    twice = table("id,y\na,0\nb,1\na,1\n")
    assert NUMBERS.formed(table("id,y\nb,5\na,6\na,7\n"), twice).rows == 3
    assert "not those of the sample" in refusal(NUMBERS, "id,y\nb,5\nb,6\na,7\n", twice)


def test_answers_of_several_rows_for_one_of_the_submissions_ask_for_each_id_once() -> None:
    boxes = table("id,box\nb,1\na,2\nb,3\n")
    assert NUMBERS.formed(table("id,y\na,5\nb,6\n"), boxes)["id"].texts() == ["b", "a"]
    assert "3 rows, but 2" in refusal(NUMBERS, "id,y\na,5\nb,6\nb,7\n", boxes)


def test_answers_without_the_id_give_no_order() -> None:
    assert NUMBERS.formed(table("id,y\nb,5\na,6\n"), table("z\n1\n"))["id"].texts() == ["b", "a"]


def plain(name: str, lines: Lines, private: Path) -> float | None:
    """The score of a file of these lines as the benchmark has it."""
    strictly(name, lines, private)  # lays out the answers
    text = "\n".join(",".join(row) for row in lines)
    grader = benchmark(**registry.benchmark(name).options(strict=False))  # type: ignore[arg-type]
    return grader.grade({"submission.csv": table(text)}, private, Shelf()).score


@pytest.mark.parametrize("name", NAMES)
def test_the_answers_in_any_order_of_rows_and_columns_have_the_best_score(name: str, tmp_path: Path) -> None:
    turned = [row[::-1] for row in gold(name)]
    assert strictly(name, [turned[0], *turned[:0:-1]], tmp_path) == pytest.approx(1 - ROWS[name].lower_is_better)


@pytest.mark.parametrize("fault", [*FAULTS, "a gap", "an infinite value", "a text"])
@pytest.mark.parametrize("name", NAMES)
def test_every_fault_of_form_is_refused(name: str, fault: str, tmp_path: Path) -> None:
    cells = {"a gap": "", "an infinite value": "inf", "a text": "x"}
    lines = gold(name)
    faulty = FAULTS[fault](lines) if fault in FAULTS else [*lines[:-1], [*lines[-1][:-1], cells[fault]]]
    assert strictly(name, faulty, tmp_path) is None


@pytest.mark.parametrize("name", ["new-york-city-taxi-fare-prediction", "google-quest-challenge"])
def test_ids_that_the_benchmark_only_sorts_by_are_compared(name: str, tmp_path: Path) -> None:
    header, first, *rows = gold(name)
    wrong = [header, ["0000" if first[0].startswith("id") else "9999", *first[1:]], *rows]
    assert plain(name, wrong, tmp_path) is not None
    assert strictly(name, wrong, tmp_path) is None


@pytest.mark.parametrize("name", ["nomad2018-predict-transparent-conductors", "stanford-covid-vaccine"])
def test_rows_that_the_benchmark_pairs_by_place_are_paired_by_id(name: str, tmp_path: Path) -> None:
    header, *rows = gold(name)
    assert (plain(name, [header, *rows[::-1]], tmp_path) or 0) > 0.1
    assert strictly(name, [header, *rows[::-1]], tmp_path) == 0


def test_columns_that_the_benchmark_pairs_by_place_are_paired_by_name(tmp_path: Path) -> None:
    name = "jigsaw-toxic-comment-classification-challenge"
    turned = [[row[0], *row[:0:-1]] for row in gold(name)]
    assert (plain(name, turned, tmp_path) or 1) < 0.9
    assert strictly(name, turned, tmp_path) == 1


def test_the_id_need_not_be_the_first_column(tmp_path: Path) -> None:
    name = "spooky-author-identification"
    turned = [row[::-1] for row in gold(name)]
    assert plain(name, turned, tmp_path) is None
    assert strictly(name, turned, tmp_path) == pytest.approx(0)


def test_a_repeated_segment_is_no_longer_weighed(tmp_path: Path) -> None:
    name = "predict-volcanic-eruptions-ingv-oe"
    lines = gold(name)
    assert plain(name, [*lines, lines[-1]], tmp_path) == 0
    assert strictly(name, [*lines, lines[-1]], tmp_path) is None


@pytest.mark.parametrize("name", ["us-patent-phrase-to-phrase-matching", "google-quest-challenge"])
def test_a_constant_column_that_nothing_can_be_correlated_with_is_refused(name: str, tmp_path: Path) -> None:
    header, *rows = gold(name)
    constant = [header, *([*row[:-1], "0.5"] for row in rows)]
    assert math.isnan(plain(name, constant, tmp_path) or 0)
    assert strictly(name, constant, tmp_path) is None
    (tmp_path / ROWS[name].sample).write_text("\n".join(",".join(row) for row in gold(name)), encoding="utf-8")
    grader = benchmark(**registry.benchmark(name).options(strict=True))  # type: ignore[arg-type]
    with pytest.raises(InvalidSubmission, match="are equal"):
        grader.check({"s": table("\n".join(",".join(row) for row in constant))}, tmp_path, Shelf())


def test_a_zero_in_whole_numbers_costs_as_much_as_any_other(tmp_path: Path) -> None:
    name = "hms-harmful-brain-activity-classification"
    header, *rows = gold(name)
    whole = [header, *([row[0], "1", "0", "0", "0", "0", "0"] for row in rows)]
    assert plain(name, whole, tmp_path) == math.inf
    assert 1 < (strictly(name, whole, tmp_path) or 0) < 40


@pytest.mark.parametrize("name", NAMES)
def test_the_sample_gives_the_same_verdict_as_the_answers(name: str, tmp_path: Path) -> None:
    header, *rows = gold(name)
    (tmp_path / ROWS[name].sample).write_text("\n".join(",".join(row) for row in gold(name)), encoding="utf-8")
    grader = benchmark(**registry.benchmark(name).options(strict=True))  # type: ignore[arg-type]
    shelf = Shelf()
    grader.check({"s": table("\n".join(",".join(row) for row in [header, *rows[::-1]]))}, tmp_path, shelf)
    with pytest.raises(InvalidSubmission):
        grader.check({"s": table("\n".join(",".join(row) for row in [header, *rows[1:]]))}, tmp_path, shelf)
