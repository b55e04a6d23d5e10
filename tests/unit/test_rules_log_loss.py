"""Rules of logarithmic losses: sums, bounds, clipping, pairing, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics as sk

from grading.metrics.probability import log_loss, weighted_log_loss
from grading.rules.log_loss import CLIP, BinaryLogLoss, FractureLogLoss, MulticlassLogLoss
from grading.rules.rule import Rule
from tests.unit.judging import column, passes, score, table

BINARY = BinaryLogLoss("id", "y")
CLASSES = MulticlassLogLoss("id")
EXACT = MulticlassLogLoss("id", exact=True)
ROUNDED = MulticlassLogLoss("id", ["a", "b", "c"], decimals=6)
BY_PLACE = MulticlassLogLoss("id", ["a", "b", "c"], exact=True, by_place=True)
FRACTURE = FractureLogLoss("id", "y")

TRUTH = table("id,a,b,c\nr,1,0,0\ns,0,1,0\n")
GIVEN = "id,a,b,c\nr,0.5,0.3,0.2\ns,0.25,0.25,0.5\n"
LOSS = -(math.log(0.5) + math.log(0.25)) / 2
MULTICLASS = [CLASSES, EXACT, ROUNDED, BY_PLACE]
CERTAIN = -math.log(CLIP)

unit = st.floats(0, 1)


@given(st.lists(st.tuples(st.booleans(), unit), min_size=1, max_size=50))
def test_the_binary_loss_is_scikit_learns(rows: list[tuple[bool, float]]) -> None:
    truth, share = np.array([one for one, _ in rows], dtype=float), np.array([value for _, value in rows])
    wanted = sk.log_loss(truth, share, labels=[0, 1])
    assert log_loss(truth, share, clip=CLIP) == pytest.approx(wanted, abs=1e-12)


@given(arrays.arrays(float, st.tuples(st.integers(1, 20), st.integers(3, 6)), elements=st.floats(0.001, 1)))
def test_the_multi_class_loss_is_scikit_learns(raw: np.ndarray) -> None:
    shares = raw / raw.sum(axis=1, keepdims=True)
    labels = raw.argmin(axis=1)
    wanted = sk.log_loss(labels, shares, labels=range(raw.shape[1]))
    truth = np.eye(raw.shape[1])[labels]
    assert log_loss(truth, shares, clip=CLIP, normalised=False) == pytest.approx(wanted, abs=1e-12)


def test_a_certain_mistake_costs_the_logarithm_of_the_clip_and_a_hit_almost_nothing() -> None:
    assert pytest.approx(36.0437, abs=1e-4) == CERTAIN
    assert score(BINARY, column(["1", "0"]), column(["0", "1"])) == pytest.approx(CERTAIN)
    assert score(BINARY, column(["0", "1"]), column(["0", "1"])) == pytest.approx(CLIP, rel=1e-6)
    assert score(CLASSES, table("id,a,b,c\nr,0,1,0\ns,0,1,0\n"), TRUTH) == pytest.approx(CERTAIN / 2)


@pytest.mark.parametrize(
    "submission",
    [
        "",
        "id,y\n",
        "y\n0.1\n0.4\n",
        "id\na\nb\n",
        "id,y\na,0.1\n",
        "id,y\na,0.1\nb,0.4\nb,0.4\n",
        "id,y\na,0.1\na,0.4\n",
        "id,y\na,0.1\nc,0.4\n",
        "id,y\na,0.1\n,0.4\n",
        "id,y\n1,0.1\n2,0.4\n",
        "id,y\na,0.1\nb,\n",
        "id,y\na,0.1\nb,abc\n",
        "id,y\na,0.1\nb,-0.001\n",
        "id,y\na,0.1\nb,1.001\n",
        "id,y\na,0.1\nb,inf\n",
    ],
)
def test_what_binary_rules_refuse_is_refused_by_public_knowledge_too(submission: str) -> None:
    answers = table("id,y\na,0\nb,1\n")
    assert score(BINARY, table(submission), answers) is None
    assert not passes(BINARY, table(submission), answers)


def test_a_binary_column_of_truth_values_counts_as_one_and_zero() -> None:
    assert score(BINARY, column(["True", "False"]), column(["0", "1"])) == pytest.approx(CERTAIN)


def test_binary_rows_are_paired_by_id_and_other_columns_do_not_matter() -> None:
    moved = table("z,y,id\nq,0.9,b\nq,0.2,a\n")
    assert score(BINARY, moved, table("id,y\na,0\nb,1\n")) == pytest.approx(-(math.log(0.8) + math.log(0.9)) / 2)


def test_binary_answers_of_one_class_give_no_score() -> None:
    assert score(BINARY, column(["0.1", "0.2"]), column(["1", "1"])) is None


@pytest.mark.parametrize("rule", MULTICLASS)
def test_the_loss_is_the_mean_logarithm_of_the_true_classes_share(rule: Rule) -> None:
    assert score(rule, table(GIVEN), TRUTH) == pytest.approx(LOSS)


@pytest.mark.parametrize("rule", MULTICLASS)
def test_classes_are_matched_by_name_and_rows_by_id(rule: Rule) -> None:
    assert score(rule, table("id,c,a,b\ns,0.5,0.25,0.25\nr,0.2,0.5,0.3\n"), TRUTH) == pytest.approx(LOSS)


@pytest.mark.parametrize("rule", MULTICLASS)
@pytest.mark.parametrize(
    "submission",
    [
        "",
        "id,a,b,c\n",
        GIVEN.replace("id,", "Id,"),
        GIVEN.replace("a,b,c", "a,b,d"),
        "id,a,b\nr,0.5,0.5\ns,0.25,0.75\n",
        GIVEN.replace("s,0.25,0.25,0.5\n", ""),
        GIVEN + "t,0,0,1\n",
        GIVEN + "s,0.25,0.25,0.5\n",
        GIVEN.replace("s,", "t,"),
        GIVEN.replace("s,", "r,"),
        GIVEN.replace("s,", ","),
        GIVEN.replace("r,", "1,").replace("s,", "2,"),
        GIVEN.replace("0.25,0.25,0.5", "0.25,0.25,0.6"),
        GIVEN.replace("0.25,0.25,0.5", "0.5,0.5,"),
        GIVEN.replace("0.25,0.25,0.5", "0.5,0.6,-0.1"),
        GIVEN.replace("0.25,0.25,0.5", "inf,0,0"),
        GIVEN.replace("0.25,0.25,0.5", "abc,0,1"),
        GIVEN.replace("0.25,0.25,0.5", "0,0,0"),
    ],
)
def test_what_multi_class_rules_refuse_is_refused_by_public_knowledge_too(rule: Rule, submission: str) -> None:
    assert score(rule, table(submission), TRUTH) is None
    assert not passes(rule, table(submission), TRUTH)


def off(difference: float) -> str:
    return GIVEN.replace("0.25,0.25,0.5", f"0.25,0.25,{0.5 + difference!r}")


@pytest.mark.parametrize("rule", [CLASSES, EXACT, BY_PLACE])
@pytest.mark.parametrize(
    ("difference", "valid"), [(1.09e-5, True), (-1.09e-5, True), (1.11e-5, False), (-1.11e-5, False)]
)
def test_sums_may_differ_from_one_by_eleven_millionths(rule: Rule, difference: float, valid: bool) -> None:
    assert (score(rule, table(off(difference)), TRUTH) is not None) == valid


@pytest.mark.parametrize(("difference", "valid"), [(4e-7, True), (-4e-7, True), (6e-7, False), (-6e-7, False)])
def test_rounded_sums_may_differ_by_half_a_millionth(difference: float, valid: bool) -> None:
    assert (score(ROUNDED, table(off(difference)), TRUTH) is not None) == valid


def test_another_column_is_refused_where_the_columns_must_be_exactly_those() -> None:
    more = table("id,a,b,c,z\nr,0.5,0.3,0.2,0\ns,0.25,0.25,0.5,0\n")
    assert score(EXACT, more, TRUTH) is None
    assert score(BY_PLACE, more, TRUTH) is None
    assert score(CLASSES, more, TRUTH) == score(ROUNDED, more, TRUTH) == pytest.approx(LOSS)


def test_the_first_column_is_taken_for_the_ids_where_columns_are_tested_by_place() -> None:
    moved = table("a,id,b,c\n0.5,r,0.3,0.2\n0.25,s,0.25,0.5\n")
    assert score(BY_PLACE, moved, TRUTH) is None
    assert score(EXACT, moved, TRUTH) == pytest.approx(LOSS)


def test_a_column_of_ids_that_are_numbers_may_pass_for_a_class_but_pairs_with_nothing() -> None:
    answers = table("id,a,b,c\n1,1,0,0\n0,0,1,0\n")
    assert score(BY_PLACE, table("a,id,b,c\n0,1,0,0\n1,0,1,0\n"), answers) == pytest.approx(CERTAIN / 2)


def test_truth_values_stand_alone_or_in_every_class() -> None:
    every = table("id,a,b,c\nr,True,False,False\ns,False,True,False\n")
    beside = table("id,a,b,c\nr,True,0,0\ns,False,1,0\n")
    assert score(CLASSES, every, TRUTH) == pytest.approx(0, abs=1e-12)
    assert score(CLASSES, beside, TRUTH) is None
    assert score(ROUNDED, beside, TRUTH) == pytest.approx(0, abs=1e-12)


STUDIES = ("1.2_patient_overall,1", "1.2_C1,1", "1.2_C2,0", "7_patient_overall,0", "7_C1,0", "7_C2,0")
FRACTURES = table("id,y\n" + "\n".join(STUDIES) + "\n")


def test_weights_are_scaled_in_each_study_and_studies_count_alike() -> None:
    half = table("id,y\n" + "\n".join(row[:-1] + "0.5" for row in reversed(STUDIES)) + "\n")
    assert score(FRACTURE, half, FRACTURES) == pytest.approx(math.log(2))
    shares = ["0.9", "0.8", "0.3", "0.1", "0.2", "0.4"]
    given = table("id,y\n" + "\n".join(row[:-1] + share for row, share in zip(STUDIES, shares, strict=True)) + "\n")
    first = (14 * -math.log(0.9) + 2 * -math.log(0.8) + 1 * -math.log(0.7)) / 17
    second = (7 * -math.log(0.9) + 1 * -math.log(0.8) + 1 * -math.log(0.6)) / 9
    assert score(FRACTURE, given, FRACTURES) == pytest.approx((first + second) / 2)


def test_the_weighted_loss_is_the_plain_one_in_one_group_of_equal_weights() -> None:
    truth, share = np.array([1.0, 0.0]), np.array([0.9, 0.4])
    weighted = weighted_log_loss(truth, share, np.ones(2), np.zeros(2, dtype=np.int64))
    assert weighted == pytest.approx(log_loss(truth, share))


@pytest.mark.parametrize(
    "submission",
    [
        "",
        "id,y\n",
        "id,Y\n" + "\n".join(STUDIES),
        "id,y\n" + "\n".join(STUDIES[:-1]),
        "id,y\n" + STUDIES[0],
        "id,y\n" + "\n".join([*STUDIES[:-1], "7_C3,0"]),
        "id,y\n" + "\n".join([*STUDIES[:-1], "7_C1,0"]),
        "id,y\n" + "\n".join([*STUDIES[:-1], "7_C2,"]),
        "id,y\n" + "\n".join([*STUDIES[:-1], "7_C2,1.01"]),
        "id,y\n" + "\n".join([*STUDIES[:-1], "7_C2,abc"]),
    ],
)
def test_what_the_weighted_rule_refuses_is_refused_by_public_knowledge_too(submission: str) -> None:
    assert score(FRACTURE, table(submission), FRACTURES) is None
    assert not passes(FRACTURE, table(submission), FRACTURES)
