"""Rules of areas under the ROC curve: what is refused, how rows and columns are paired, what the score is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from grading.metrics.ranking import mean_columnwise_roc_auc, roc_auc
from grading.rules.auc import RocAuc, ToxicityAuc
from grading.rules.rule import Rule
from tests.unit.judging import column, passes, score, table

BOUNDED = RocAuc("id", ["y"])
FREE = RocAuc("id", ["y"], probabilities=False)
EXACT = RocAuc("id", ["y"], probabilities=False, exact=True)
PAIR = RocAuc("id", ["u", "v"])
TOXIC = ToxicityAuc("id", ["u", "v"])
RULES = [BOUNDED, FREE, EXACT]

TRUTH = column(["0", "0", "1", "1"])
GUESS = ["0.1", "0.4", "0.35", "0.8"]


@given(
    st.lists(st.tuples(st.booleans(), st.floats(allow_nan=False, allow_infinity=False)), min_size=2, max_size=60),
    st.sampled_from([None, 0, 1]),
)
def test_the_area_is_scikit_learns_with_any_ties(rows: list[tuple[bool, float]], digits: int | None) -> None:
    truth = np.array([one for one, _ in rows], dtype=float)
    scores = np.array([value if digits is None else round(value % 3, digits) for _, value in rows])
    if len(set(truth)) < 2:
        assert math.isnan(roc_auc(truth, scores))
    else:
        assert roc_auc(truth, scores) == pytest.approx(sk.roc_auc_score(truth, scores), abs=1e-12)


def test_the_area_of_many_rows_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    truth, scores = random.integers(0, 2, 50_000).astype(float), random.random(50_000).round(4)
    assert roc_auc(truth, scores) == pytest.approx(sk.roc_auc_score(truth, scores), abs=1e-12)


def test_the_mean_over_columns_weighs_them_alike() -> None:
    truth, scores = np.array([[0, 1], [1, 0]], dtype=float), np.array([[0.1, 0.2], [0.9, 0.8]])
    assert mean_columnwise_roc_auc(truth, scores) == 0.5


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "submission",
    [
        "",
        "\n\n",
        "id,y\n",
        "y\n0.1\n0.4\n",
        "id\na\nb\n",
        "id,Y\na,0.1\nb,0.4\n",
        "id, y\na,0.1\nb,0.4\n",
        "id,y\na,0.1\n",
        "id,y\na,0.1\nb,0.4\nb,0.4\n",
        "id,y\na,0.1\na,0.4\n",
        "id,y\na,0.1\nc,0.4\n",
        "id,y\na,0.1\n,0.4\n",
        "id,y\n1,0.1\n2,0.4\n",
        "id,y\na,0.1\nb,\n",
        "id,y\na,\nb,\n",
        "id,y\na,0.1\nb,abc\n",
        "id,y\na,0.1\nb,True\n",
        "id,y\na,True\nb,\n",
        "id,y\na,0.1\nb,inf\n",
        "id,y\na,0.1\nb,-inf\n",
        "id,y\na,0.1\nb\n",
    ],
)
def test_what_every_rule_refuses_is_refused_by_public_knowledge_too(rule: Rule, submission: str) -> None:
    answers = table("id,y\na,0\nb,1\n")
    assert score(rule, table(submission), answers) is None
    assert not passes(rule, table(submission), answers)


@pytest.mark.parametrize("cell", ["-0.0001", "1.0001", "2", "-1"])
def test_scores_that_are_no_probabilities_are_refused_where_they_must_be_such(cell: str) -> None:
    given = column(["0.1", "0.4", "0.35", cell])
    assert score(BOUNDED, given, TRUTH) is None
    assert not passes(BOUNDED, given, TRUTH)
    assert score(FREE, given, TRUTH) is not None


@pytest.mark.parametrize("cell", ["99999999999999999999", "1_000"])
def test_unbounded_scores_may_be_numbers_that_pandas_leaves_as_text(cell: str) -> None:
    assert score(FREE, column(["1", "3", "2", cell]), TRUTH) == 0.75
    assert score(BOUNDED, column(["0", "1", "0", cell]), TRUTH) is None


def test_the_bounds_themselves_are_probabilities() -> None:
    assert score(BOUNDED, column(["0", "1", "0.0", "1.0"]), TRUTH) == 0.5


def test_truth_values_count_as_one_and_zero_on_either_side() -> None:
    assert score(BOUNDED, column(["False", "True", "True", "True"]), TRUTH) == 0.75
    assert score(BOUNDED, column(GUESS), column(["False", "False", "True", "True"])) == 0.75


def test_the_larger_true_value_is_the_positive_one() -> None:
    assert score(BOUNDED, column(GUESS), column(["2", "2", "5", "5"])) == 0.75


def test_constant_scores_have_an_area_of_one_half() -> None:
    assert score(BOUNDED, column(["0.3"] * 4), TRUTH) == 0.5


def test_answers_of_one_class_give_no_score_but_pass_as_a_sample() -> None:
    sample = column(["0"] * 4)
    assert score(BOUNDED, column(GUESS), sample) is None
    assert passes(BOUNDED, column(GUESS), sample)


def test_the_order_of_rows_and_columns_does_not_matter_and_other_columns_do_none() -> None:
    moved = table("z,y,id\nq,0.8,r003\nq,0.1,r000\nq,0.35,r002\nq,0.4,r001\n")
    assert score(BOUNDED, moved, TRUTH) == score(BOUNDED, column(GUESS), TRUTH) == 0.75


def test_another_column_is_refused_where_the_columns_must_be_exactly_those() -> None:
    assert score(EXACT, table("id,y,z\na,0.1,0\nb,0.4,0\n"), table("id,y\na,0\nb,1\n")) is None


def test_ids_of_digits_equal_numbers_however_they_are_spelt() -> None:
    answers = table("id,y\n7,0\n12,1\n")
    assert score(BOUNDED, table("id,y\n0012,0.9\n007,0.1\n"), answers) == 1
    assert score(BOUNDED, table("id,y\n12.0,0.9\n7.0,0.1\n"), answers) == 1
    assert score(BOUNDED, table("id,y\n0012,0.9\nx,0.1\n"), answers) is None


def test_columns_are_matched_by_name_and_every_one_is_checked() -> None:
    answers = table("id,u,v\na,0,1\nb,1,0\n")
    assert score(PAIR, table("id,v,u\na,0.9,0.2\nb,0.1,0.3\n"), answers) == 1
    assert score(PAIR, table("id,v,u\na,0.9,0.2\nb,1.1,0.3\n"), answers) is None
    assert score(PAIR, table("id,u\na,0.2\nb,0.3\n"), answers) is None


MARKED = table("id,u,v\na,0,1\nb,1,0\nc,-1,-1\nd,0,1\ne,1,0\n")
GIVEN = "id,u,v\na,0.1,0.9\nb,0.9,0.2\nc,0.5,0.5\nd,0.2,0.8\ne,0.8,0.1\n"


def test_rows_marked_in_the_answers_are_not_scored_whatever_they_hold() -> None:
    for cells in ("0.5,0.5", ",", "abc,inf", "-5,99999999999999999999"):
        assert score(TOXIC, table(GIVEN.replace("c,0.5,0.5", f"c,{cells}")), MARKED) == 1


@pytest.mark.parametrize("cells", [",0.1", "abc,0.1", "inf,0.1", "0.8,"])
def test_a_scored_row_must_hold_numbers_which_only_the_answers_show(cells: str) -> None:
    given = table(GIVEN.replace("e,0.8,0.1", f"e,{cells}"))
    assert score(TOXIC, given, MARKED) is None
    assert passes(TOXIC, given, MARKED)


def test_columns_are_paired_by_their_place_whatever_their_names() -> None:
    assert score(TOXIC, table(GIVEN.replace("id,u,v", "id,v,u")), MARKED) == 1
    assert score(TOXIC, table("id,v,u\na,0.9,0.1\nb,0.2,0.9\nc,0,0\nd,0.8,0.2\ne,0.1,0.8\n"), MARKED) == 0


def test_the_id_may_stand_in_any_place_and_rows_in_any_order() -> None:
    assert score(TOXIC, table("u,id,v\n0.8,e,0.1\n0.9,b,0.2\n0.1,a,0.9\n0,c,0\n0.2,d,0.8\n"), MARKED) == 1


def test_a_repeated_id_is_let_pass_where_as_many_rows_are_scored() -> None:
    twice = table("id,u,v\na,0.1,0.9\na,0.15,0.95\nb,0.9,0.2\nc,0,0\ne,0.8,0.1\n")
    assert score(TOXIC, twice, MARKED) == pytest.approx(0.5)  # rows by place: a, a, b, e against a, b, d, e


def test_a_repeated_id_that_changes_how_many_rows_are_scored_is_refused_which_only_the_answers_show() -> None:
    twice = table(GIVEN.replace("c,0.5,0.5", "a,0.5,0.5"))
    assert score(TOXIC, twice, MARKED) is None
    assert passes(TOXIC, twice, MARKED)


@pytest.mark.parametrize(
    "submission",
    [
        "",
        "id,u,v\n",
        GIVEN.replace("id,", "ID,"),
        GIVEN.replace(",v\n", ",w\n"),
        GIVEN + "f,0,0\n",
        GIVEN.replace("e,0.8,0.1\n", ""),
        GIVEN.replace("e,", "z,"),
        GIVEN.replace("e,", ","),
        GIVEN.replace("\n", ",0\n").replace("v,0", "v,w", 1),
    ],
)
def test_other_columns_lengths_and_ids_are_refused_by_public_knowledge_too(submission: str) -> None:
    assert score(TOXIC, table(submission), MARKED) is None
    assert not passes(TOXIC, table(submission), MARKED)


def test_one_class_among_the_scored_rows_gives_no_score() -> None:
    answers = table("id,u,v\na,0,1\nb,1,1\nc,-1,-1\nd,0,1\ne,1,1\n")
    assert score(TOXIC, table(GIVEN), answers) is None
