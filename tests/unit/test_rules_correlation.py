"""Rules of correlations: how rows are paired, what is NaN and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from grading.metrics.regression import pearson, spearman
from grading.rules.correlation import MeanColumnwiseSpearman, PearsonCorrelation
from tests.unit.judging import column, passes, score, table

PEARSON = PearsonCorrelation("id", "y")
SPEARMAN = MeanColumnwiseSpearman("id")

TRUTH = column(["1", "2", "3", "4"])
number = st.integers(-1000, 1000)


@given(st.lists(st.tuples(number, number), min_size=3, max_size=40))
def test_both_correlations_are_scipys(pairs: list[tuple[int, int]]) -> None:
    left, right = np.array(pairs, dtype=float).T
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        assert math.isnan(pearson(left, right))
        assert math.isnan(spearman(left, right))
    else:
        assert pearson(left, right) == pytest.approx(stats.pearsonr(left, right).statistic, abs=1e-12)
        assert spearman(left, right) == pytest.approx(stats.spearmanr(left, right).statistic, abs=1e-12)


def test_large_numbers_do_not_overflow() -> None:
    assert pearson(np.array([1.0, 2.0, 4.0]), np.array([1e200, 2e200, 4e200])) == pytest.approx(1)


@pytest.mark.parametrize("cells", [["0", "0", "0", "0"], ["1", "2", "3", ""], ["", "", "", ""], ["1", "2", "3", "inf"]])
def test_pearsons_is_nan_for_constant_missing_and_infinite_values_and_that_is_valid(cells: list[str]) -> None:
    assert math.isnan(score(PEARSON, column(cells), TRUTH) or 0)
    assert passes(PEARSON, column(cells), TRUTH)


@pytest.mark.parametrize("cells", [["1", "2", "3", "abc"], ["1", "2", "3", "1_0"], ["True", "False", "True", ""]])
def test_pearsons_refuses_columns_that_pandas_leaves_as_objects(cells: list[str]) -> None:
    assert score(PEARSON, column(cells), TRUTH) is None
    assert not passes(PEARSON, column(cells), TRUTH)


def test_pearsons_pairs_rows_by_id_and_takes_truth_values() -> None:
    assert score(PEARSON, table("z,y,id\n0,9,r003\n0,3,r000\n0,7,r002\n0,5,r001\n"), TRUTH) == pytest.approx(1)
    assert score(PEARSON, column(["False", "False", "True", "True"]), TRUTH) == pytest.approx(2 / math.sqrt(5))


@pytest.mark.parametrize("text", ["", "id,y\n", "id,y\nr000,1\n", "y\n1\n2\n3\n4\n", "id,z\nr000,1\n"])
def test_pearsons_refuses_other_columns_and_lengths(text: str) -> None:
    assert score(PEARSON, table(text), TRUTH) is None
    assert not passes(PEARSON, table(text), TRUTH)


@pytest.mark.parametrize(
    "ids", [["r000", "r001", "r002", "zz"], ["r000", "r001", "r002", "r002"], ["1", "2", "3", "4"]]
)
def test_pearsons_refuses_other_ids(ids: list[str]) -> None:
    assert score(PEARSON, column(["1", "2", "3", "4"], ids), TRUTH) is None


def test_pearsons_of_one_row_is_refused() -> None:
    assert score(PEARSON, column(["1"]), column(["1"])) is None


QUESTIONS = table("id,u,v\n1,0.1,0.9\n2,0.2,0.8\n3,0.3,0.7\n4,0.3,0.6\n")


def test_rank_correlations_are_averaged_over_columns_matched_by_name() -> None:
    assert score(SPEARMAN, table("v,u,id\n9,1,1\n8,2,2\n7,3,3\n6,3,4\n"), QUESTIONS) == pytest.approx(1)
    assert score(SPEARMAN, table("u,v,id\n9,1,1\n8,2,2\n7,3,3\n7,4,4\n"), QUESTIONS) == pytest.approx(-1)


def test_ids_only_sort_so_that_wrong_and_repeated_ones_are_accepted() -> None:
    for ids in ("1234", "5678", "abcd", "1124"):
        rows = zip(ids, ("0.1,0.9", "0.2,0.8", "0.3,0.7", "0.3,0.6"), strict=True)
        given = table("id,u,v\n" + "".join(f"{one},{cells}\n" for one, cells in rows))
        assert score(SPEARMAN, given, QUESTIONS) == pytest.approx(1)
        assert passes(SPEARMAN, given, QUESTIONS)


def test_a_column_with_text_in_it_is_ranked_alphabetically() -> None:
    given = table("id,u,v\n1,10,0.9\n2,9,0.8\n3,x,0.7\n4,x,0.6\n")
    assert score(SPEARMAN, given, QUESTIONS) == pytest.approx(1)


@pytest.mark.parametrize("cells", ["5,5,5,5", "1,2,3,", ",,,", "a,b,c,", "x,x,x,x", "True,False,True,"])
def test_one_column_that_is_constant_or_has_a_gap_makes_the_score_nan_which_is_valid(cells: str) -> None:
    rows = zip("1234", cells.split(","), ("0.9", "0.8", "0.7", "0.6"), strict=True)
    given = table("id,u,v\n" + "".join(",".join(row) + "\n" for row in rows))
    assert math.isnan(score(SPEARMAN, given, QUESTIONS) or 0)
    assert passes(SPEARMAN, given, QUESTIONS)


def test_infinite_values_have_a_rank() -> None:
    given = table("id,u,v\n1,-inf,0.9\n2,0,0.8\n3,inf,0.7\n4,inf,0.6\n")
    assert score(SPEARMAN, given, QUESTIONS) == pytest.approx(1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id,u,v\n",
        "id,u\n1,1\n2,2\n3,3\n4,4\n",
        "ID,u,v\n1,1,1\n2,2,2\n3,3,3\n4,4,4\n",
        "id,u,v,w\n1,1,1,1\n2,2,2,2\n3,3,3,3\n4,4,4,4\n",
        "id,u,v\n1,1,1\n2,2,2\n3,3,3\n",
    ],
)
def test_rank_correlations_refuse_other_columns_and_lengths(text: str) -> None:
    assert score(SPEARMAN, table(text), QUESTIONS) is None
    assert not passes(SPEARMAN, table(text), QUESTIONS)
