"""Rules of one label a row: how labels compare, what is refused, and what only `strict` refuses."""

from __future__ import annotations

import math

import pytest

from grading.rules.keyed import Keyed
from grading.rules.labels import Accuracy, ExactText, MacroF1, MicroF1, QuadraticKappa, Top1Error
from tests.unit.judging import column, passes, score, table

NUMBERS = Accuracy(id="id", target="y")
WORDS = Accuracy(id="id", target="y", labels="text")
GAPS = Accuracy(id="id", target="y", labels="text", gaps=True)
EXACT = ExactText(id="id", target="y")
MICRO = MicroF1(id="id", target="y")
MACRO = MacroF1(id="id", target="y")
TOP = Top1Error(id="id", target="y")
KAPPA = QuadraticKappa(id="id", target="y")
RULES = [NUMBERS, EXACT, MACRO, TOP, KAPPA]

DIGITS = ["1", "2", "3", "3"]
LETTERS = ["a", "b", "c", "c"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize(
    "submission",
    [
        "",
        "id,y\n",
        "y\n1\n2\n",
        "id\na\nb\n",
        "ID,y\na,1\nb,2\n",
        "id,y\na,1\n",
        "id,y\na,1\nb,2\nb,2\n",
        "id,y\na,1\na,2\n",
        "id,y\na,1\nc,2\n",
        "id,y\na,1\n,2\n",
        "id,y\n1,1\n2,2\n",
    ],
)
def test_columns_rows_or_ids_that_are_not_those_asked_for_are_refused(rule: Keyed[object], submission: str) -> None:
    answers = table("id,y\na,1\nb,2\n")
    assert score(rule, table(submission), answers) is None
    assert not passes(rule, table(submission), answers)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_the_order_of_rows_and_columns_and_other_columns_do_not_matter(rule: Keyed[object]) -> None:
    answers = table("id,y,Usage\na,1,x\nb,2,x\nc,3,y\n")
    moved = table("z,y,id\n0,3,c\n0,1,a\n0,2,b\n")
    assert score(rule, moved, answers) == score(rule, answers, answers)


def test_ids_compare_as_numbers_where_both_files_hold_numbers() -> None:
    assert score(NUMBERS, table("id,y\n2.0,1\n1.0,0\n"), table("id,y\n1,0\n2,1\n")) == 1


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["1", "2", "3", "1"], 0.75),
        (["1.0", "2.0", "3.0", "1.0"], 0.75),
        (["-1", "-2", "-3", "-3"], 0.0),
        (["True", "False", "True", "False"], 0.25),
        (["1", "2", "3", "x"], 0.0),
        (["a", "b", "c", "d"], 0.0),
        (["a", "a", "b", "b"], 0.0),
        (["1", "2", "3", ""], None),
        (["", "", "", ""], None),
        (["a", "b", "c", ""], None),
        (["True", "False", "True", "NA"], None),
        (["1.5", "2", "3", "3"], None),
        (["1", "2", "3", "inf"], None),
        (["1", "2", "3", "1e300"], None),
    ],
)
def test_accuracy_of_numbers(cells: list[str], value: float | None) -> None:
    assert score(NUMBERS, column(cells), column(DIGITS)) == value


@pytest.mark.parametrize(
    ("cells", "value"),
    [(["yes", "no"] * 2, None), (["a"] * 4, None), (["1", "a", "b", "0"], 0.0), (["1", "0", "1", "1"], 0.75)],
)
def test_two_words_for_two_true_labels_have_no_score_and_three_have_zero(cells: list[str], value: float | None) -> None:
    answers = column(["True", "False", "True", "False"])
    assert score(NUMBERS, column(cells), answers) == value
    assert passes(NUMBERS, column(cells), answers)  # how many labels the answers hold is not public


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["a", "b", "C", "c "], 0.5),
        (["1", "2", "3", "4"], 0.0),
        (["1.5", "2", "3", "4"], None),
        (["True", "False", "True", "True"], 0.0),
        (["a", "b", "c", ""], None),
    ],
)
def test_accuracy_of_texts(cells: list[str], value: float | None) -> None:
    assert score(WORDS, column(cells), column(LETTERS)) == value


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["a", "b", "", "null"], 0.5),
        (["", "", "", ""], 0.0),
        (["1.5", "", "inf", "2"], 0.0),
        (["True", "", "False", "True"], 0.0),
        (["1", "2", "3", "4"], 0.0),
        (["1", "2", "1", "2"], 0.0),
        (["1.5", "2", "3", "4"], None),
        (["1", "2", "3", "inf"], None),
    ],
)
def test_a_gap_is_a_wrong_label_where_gaps_are_let_pass(cells: list[str], value: float | None) -> None:
    assert score(GAPS, column(cells), column(LETTERS)) == value


def test_numbers_of_two_kinds_for_two_texts_have_no_score() -> None:
    assert score(GAPS, column(["1", "2", "1"]), column(["a", "b", "b"])) is None


@pytest.mark.parametrize(("rule", "cells"), [(NUMBERS, LETTERS), (WORDS, DIGITS), (GAPS, DIGITS)])
def test_strict_refuses_labels_of_the_wrong_kind(rule: Accuracy, cells: list[str]) -> None:
    strict = Accuracy(id="id", target="y", labels=rule.labels, gaps=rule.gaps, strict=True)
    truth = DIGITS if rule.labels == "number" else LETTERS
    assert not passes(strict, column(cells), column(cells))
    assert score(strict, column(truth), column(truth)) == 1


@pytest.mark.parametrize(
    ("cells", "truth", "value"),
    [
        (["a", "A", "a ", "b"], ["a", "a", "a", "b"], 0.5),
        (["NA", "null", "nan", ""], ["", "None", "NULL", "n/a"], 1.0),
        (["1.50", "007", "3", "x"], ["1.50", "007", "3", "x"], 1.0),
        (["1.50", "2", "3", "4"], ["1.5", "2", "3", "x"], 0.25),
        (["007", "8", "3", "4"], ["007", "8", "3", "x"], 0.5),
        (["True", "FALSE", "true", "False"], ["True", "False", "true", "x"], 0.5),
        (["1", "", "2", "3"], ["1.0", "nan", "2", "x"], 0.5),
    ],
)
def test_exact_texts_compare_as_columns_print(cells: list[str], truth: list[str], value: float) -> None:
    assert score(EXACT, column(cells), column(truth)) == value


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["a", "b", "c", "a"], 0.75),
        (["a", "", "", "c"], 0.5),
        (["x", "y", "1", "2"], 0.0),
        (["1", "2", "3", "4"], None),
        (["True", "False", "True", ""], None),
        (["", "", "", ""], None),
    ],
)
def test_micro_f1_needs_a_text_and_takes_a_gap_for_a_wrong_one(cells: list[str], value: float | None) -> None:
    assert score(MICRO, column(cells), column(LETTERS)) == value
    assert passes(MICRO, column(cells), column(LETTERS)) == (value is not None)


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["1", "2", "3", "3"], 1.0),
        (["1.9", "2.0", "3.5", "3.1"], 1.0),
        (["True", "True", "True", "True"], (0.4 + 0 + 0) / 3),
        (["1", "2", "3", "9"], (1 + 1 + 2 / 3 + 0) / 4),
        ([" 1", "+2", "3", "0_3"], 1.0),
        (["1", "2", "3", "3.0x"], None),
        (["x", "2", "3.0", "3"], None),
        (["1", "2", "3", ""], None),
        (["1", "2", "3", "-inf"], None),
        (["1", "2", "3", "1e300"], None),
        (["True", "", "True", "True"], None),
    ],
)
def test_macro_f1_is_over_the_classes_that_occur_and_cuts_fractions_off(cells: list[str], value: float | None) -> None:
    assert score(MACRO, column(cells), column(DIGITS)) == (pytest.approx(value) if value is not None else None)
    assert passes(MACRO, column(cells), column(DIGITS)) == (value is not None)


@pytest.mark.parametrize(("cells", "passed"), [(["1.0", "2.0"], True), (["1.5", "2.0"], False), (["1", "2"], True)])
def test_strict_macro_f1_refuses_fractions(cells: list[str], passed: bool) -> None:
    assert passes(MacroF1(id="id", target="y", strict=True), column(cells), column(["1", "2"])) == passed


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["1", "2", "3", "1"], 0.25),
        (["1 9 9", "2 1", " 3", "4 3"], 0.25),
        (["True", "False", "True", "True"], 0.75),
        (["1.0", "2.0", "3.0", "3.0"], None),
        (["1", "2", "3", ""], None),
        (["1 2", "2", "3", ""], None),
        (["1 2", "   ", "3", "3"], None),
        (["1 2", "x", "3", "3"], None),
        (["1 2", "2.0", "3", "3"], None),
    ],
)
def test_top_1_error_looks_at_a_cells_first_word(cells: list[str], value: float | None) -> None:
    assert score(TOP, column(cells), column(DIGITS)) == value
    assert passes(TOP, column(cells), column(DIGITS)) == (value is not None)


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["1", "2", "3", "3"], 1.0),
        (["1.0", "2.0", "3.0", "3.0"], 1.0),
        (["3", "3", "2", "1"], 1 - 4 * 10 / 22),
        (["1", "2", "3", ""], None),
        (["1", "2", "3", "2.5"], None),
        (["1", "2", "3", "inf"], None),
        (["1", "2", "3", "x"], None),
        (["a", "b", "c", "c"], None),
        (["True", "", "True", "True"], None),
    ],
)
def test_quadratic_kappa_takes_whole_numbers_only(cells: list[str], value: float | None) -> None:
    assert score(KAPPA, column(cells), column(DIGITS)) == (pytest.approx(value) if value is not None else None)
    assert passes(KAPPA, column(cells), column(DIGITS)) == (value is not None)


def test_kappa_of_one_label_alone_is_not_a_number_and_valid() -> None:
    alone = score(KAPPA, column(["4", "4"]), column(["4", "4"]))
    assert alone is not None
    assert math.isnan(alone)


def test_kappa_goes_by_place_among_the_grades_and_by_value_when_strict() -> None:
    truth, said = column(["0", "1", "4", "4"]), column(["0", "4", "4", "1"])
    assert score(KAPPA, said, truth) == score(KAPPA, column(["0", "2", "2", "1"]), column(["0", "1", "2", "2"]))
    by_value = 1 - 4 * 18 / sum((y - p) ** 2 for y in (0, 1, 4, 4) for p in (0, 4, 4, 1))
    assert score(QuadraticKappa(id="id", target="y", strict=True), said, truth) == pytest.approx(by_value)
