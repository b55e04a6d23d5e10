"""Rules of errors of numbers: bounds, which rows are scored, how rows are paired, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from grading.metrics.regression import rmse
from grading.rules.regression import MaskedMae, MaskedRmse, MeanColumnwiseRmsle, RootMeanSquaredError, WholeMae
from grading.rules.rule import Rule
from tests.unit.judging import column, passes, score, table

PLAIN = RootMeanSquaredError("id", "y")
BOUNDED = RootMeanSquaredError("id", "y", low=1, high=100)
UNSEEN_IDS = RootMeanSquaredError("id", "y", compared=False)
RMSLE = MeanColumnwiseRmsle(["u", "v"])
MASKED = MaskedRmse("id", ["u"], "keep", ["w"])
MAE = MaskedMae("id", "y", "out")
WHOLE = WholeMae("id", "y")

ANSWERS = table("id,y\na,10\nb,20\n")
BAD_VALUES = ["", "abc", "inf", "-inf", "True"]


@pytest.mark.parametrize("rule", [PLAIN, BOUNDED, UNSEEN_IDS])
@pytest.mark.parametrize(
    "submission",
    ["", "id,y\n", "y\n10\n20\n", "id\na\nb\n", "id,Y\na,10\nb,20\n", "id,y\na,10\n", "id,y\na,10\nb,20\nc,3\n"]
    + [f"id,y\na,10\nb,{cell}\n" for cell in BAD_VALUES],
)
def test_columns_lengths_and_values_are_refused_by_public_knowledge_too(rule: Rule, submission: str) -> None:
    assert score(rule, table(submission), ANSWERS) is None
    assert not passes(rule, table(submission), ANSWERS)


@pytest.mark.parametrize("rows", ["a,10\nc,20", "a,10\na,20", "a,10\n,20", "1,10\n2,20"])
def test_other_ids_are_refused_but_where_they_only_sort(rows: str) -> None:
    given = table(f"id,y\n{rows}\n")
    assert score(PLAIN, given, ANSWERS) is None
    assert score(UNSEEN_IDS, given, ANSWERS) == 0
    assert passes(UNSEEN_IDS, given, ANSWERS)


def test_a_wrong_id_that_only_sorts_shifts_its_neighbours() -> None:
    assert score(UNSEEN_IDS, table("id,y\nz,10\nb,20\n"), ANSWERS) == 10


def test_the_order_of_rows_and_columns_does_not_matter_and_other_columns_do_none() -> None:
    assert score(PLAIN, table("z,y,id\n0,23,b\n0,14,a\n"), ANSWERS) == pytest.approx(math.sqrt((9 + 16) / 2))


@pytest.mark.parametrize(("cell", "valid"), [("1", True), ("100", True), ("0.999", False), ("100.001", False)])
def test_the_bounds_themselves_are_allowed(cell: str, valid: bool) -> None:
    assert (score(BOUNDED, table(f"id,y\na,10\nb,{cell}\n"), ANSWERS) is not None) == valid


def test_numbers_that_pandas_leaves_as_text_count_but_cannot_be_compared_with_bounds() -> None:
    given = table("id,y\na,10\nb,2_0\n")
    assert score(PLAIN, given, ANSWERS) == 0
    assert score(BOUNDED, given, ANSWERS) is None


def test_truth_values_count_as_one_and_zero() -> None:
    assert score(PLAIN, column(["True", "False"]), column(["1", "2"])) == pytest.approx(math.sqrt(2))


def test_an_error_too_large_for_its_square_is_infinite() -> None:
    assert rmse(np.array([0.0]), np.array([1e300])) == math.inf


TWO = table("id,u,v\na,1,0\nb,2,3\n")


def test_logarithmic_errors_pair_rows_as_they_stand_in_the_files() -> None:
    first = math.sqrt((math.log(2 / 3) ** 2 + math.log(3 / 2) ** 2) / 2)
    second = math.sqrt((math.log(4) ** 2 + math.log(4) ** 2) / 2)
    assert score(RMSLE, table("id,u,v\nb,2,3\na,1,0\n"), TWO) == pytest.approx((first + second) / 2)
    assert score(RMSLE, table("v,u\n0,1\n3,2\n"), TWO) == 0


@pytest.mark.parametrize(
    "submission",
    ["", "u,v\n", "u\n1\n2\n", "u,v\n1,0\n", "u,v\n1,0\n2,3\n0,0\n", "u,v\n1,0\n2,-0.1\n"]
    + [f"u,v\n1,0\n2,{cell}\n" for cell in BAD_VALUES],
)
def test_what_has_no_logarithm_is_refused_by_public_knowledge_too(submission: str) -> None:
    assert score(RMSLE, table(submission), TWO) is None
    assert not passes(RMSLE, table(submission), TWO)


def test_truth_values_have_their_logarithm_in_half_precision_unless_strict() -> None:
    given, answers = table("u,v\nTrue,1\nTrue,1\n"), table("u,v\n1,1\n1,1\n")
    half = abs(float(np.log1p(np.float16(1))) - math.log(2)) / 2
    assert score(RMSLE, given, answers) == pytest.approx(half, rel=1e-6)
    assert half > 1e-5
    assert score(replace(RMSLE, strict=True), given, answers) == pytest.approx(0, abs=1e-12)


KEPT = table("id,u,keep\na,1,True\nb,2,False\nc,3,True\n")


def test_only_kept_rows_are_scored() -> None:
    assert score(MASKED, table("id,u,w\na,1,0\nb,99,0\nc,5,0\n"), KEPT) == pytest.approx(math.sqrt(4 / 2))


@pytest.mark.parametrize("cell", ["", "abc", "inf"])
def test_rows_and_columns_that_are_not_scored_may_hold_anything(cell: str) -> None:
    assert score(MASKED, table(f"id,u,w\na,1,{cell}\nb,{cell},{cell}\nc,3,0\n"), KEPT) == 0


@pytest.mark.parametrize("cell", ["", "abc", "inf"])
def test_kept_rows_must_hold_numbers_which_only_the_answers_show(cell: str) -> None:
    given = table(f"id,u,w\na,1,0\nb,2,0\nc,{cell},0\n")
    assert score(MASKED, given, KEPT) is None
    assert passes(MASKED, given, KEPT)


def test_the_mask_is_told_by_the_place_in_the_file_so_that_moved_rows_are_compared_with_others() -> None:
    # file rows 0 and 2 are kept: ids b and c; sorted they meet the answers' a and c
    assert score(MASKED, table("id,u,w\nb,2,0\na,1,0\nc,3,0\n"), KEPT) == pytest.approx(math.sqrt(1 / 2))


@pytest.mark.parametrize(
    "submission",
    [
        "",
        "id,u,w\n",
        "id,u\na,1\nb,2\nc,3\n",
        "id,w\na,1\nb,2\nc,3\n",
        "u,w\n1,0\n2,0\n3,0\n",
        "id,u,w\na,1,0\nb,2,0\n",
        "id,u,w\na,1,0\nb,2,0\nz,3,0\n",
        "id,u,w\na,1,0\nb,2,0\nb,3,0\n",
    ],
)
def test_columns_lengths_and_ids_of_masked_rows_are_refused_by_public_knowledge_too(submission: str) -> None:
    assert score(MASKED, table(submission), KEPT) is None
    assert not passes(MASKED, table(submission), KEPT)


BREATHS = table("id,y,out\n1,10,0\n2,20,1\n3,30,0\n")


def test_the_error_is_taken_where_the_mask_is_zero_paired_by_id() -> None:
    assert score(MAE, table("id,y\n3,31\n2,999\n1,13\n"), BREATHS) == 2


@pytest.mark.parametrize("cell", ["", "abc", "inf", "99999999999999999999"])
def test_rows_beyond_the_mask_may_hold_anything_and_scored_ones_only_numbers(cell: str) -> None:
    assert score(MAE, table(f"id,y\n1,10\n2,{cell}\n3,30\n"), BREATHS) == 0
    given = table(f"id,y\n1,10\n2,20\n3,{cell}\n")
    assert (score(MAE, given, BREATHS) is None) == (cell in ("", "abc", "inf"))
    assert passes(MAE, given, BREATHS)


@pytest.mark.parametrize("rows", ["1,10\n2,20", "1,1\n2,1\n4,1", "1,1\n2,1\n2,1", "1,1\n2,1\n,1", "1,1\n2,1\nx,1"])
def test_ids_of_masked_errors_are_those_of_the_answers(rows: str) -> None:
    given = table(f"id,y\n{rows}\n")
    assert score(MAE, given, BREATHS) is None
    assert not passes(MAE, given, BREATHS)


def test_a_repeated_id_counts_as_often_as_it_is_there() -> None:
    assert score(WHOLE, table("id,y\nb,20\na,16\na,19\n"), ANSWERS) == 5


@pytest.mark.parametrize(("given", "wanted"), [("10.5", 0), ("11.5", 2), ("11.6", 2), ("10.4", 0)])
def test_the_error_is_rounded_to_a_whole_number_halves_to_even(given: str, wanted: float) -> None:
    assert score(WHOLE, table(f"id,y\na,{given}\nb,{20 + float(given) - 10}\n"), ANSWERS) == wanted


@pytest.mark.parametrize(
    "submission",
    ["", "id,y\n", "y\n1\n2\n", "id\na\nb\n", "id,y\na,1\n", "id,y\na,1\nb,2\nc,3\n", "id,y\na,1\nb,2\n,3\n"]
    + [f"id,y\na,10\nb,{cell}\n" for cell in BAD_VALUES],
)
def test_other_sets_of_ids_and_values_are_refused_by_public_knowledge_too(submission: str) -> None:
    assert score(WHOLE, table(submission), ANSWERS) is None
    assert not passes(WHOLE, table(submission), ANSWERS)


def test_an_error_too_large_to_be_a_whole_number_is_refused() -> None:
    assert score(WHOLE, table("id,y\na,1e308\nb,-1e308\n"), table("id,y\na,-1e308\nb,1e308\n")) is None
