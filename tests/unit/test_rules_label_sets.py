"""Rules of several labels a row: what is a label, what costs nothing, and what only `strict` counts."""

from __future__ import annotations

import pytest

from grading.rules.label_sets import LabelRanking, LabelSets
from tests.unit.judging import column, passes, score, table

SETS = LabelSets(id="id", target="y")
GAPS = LabelSets(id="id", target="y", gaps=True)
STRICT = LabelSets(id="id", target="y", strict=True)
SAMPLES = LabelSets(id="id", target="y", gaps=True, average="samples", strict=True)
LWLRAP = LabelRanking(id="id")

TRUTH = ["a b", "a", "b c"]


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["a b", "a", "b c"], 1.0),
        (["b a b", " a  a ", "c b"], 1.0),
        (["a b x", "a y", "b c z"], 1.0),
        (["a", "b", "b c"], 2 * 3 / (2 * 3 + 1 + 2)),
        (["A", "x", "y"], 0.0),
        (["a b", "", "NA"], 2 * 2 / (2 * 2 + 3)),
        (["", "", ""], 0.0),
        (["1", "2", "3"], None),
        (["1", "", "3"], None),
        (["True", "False", "True"], None),
        (["True", "", "True"], None),
        (["1", "2 3", "4"], 0.0),
    ],
)
def test_micro_f1_of_label_sets_does_not_count_labels_that_no_answer_has(cells: list[str], value: float | None) -> None:
    assert score(SETS, column(cells), column(TRUTH)) == (pytest.approx(value) if value is not None else None)
    assert passes(SETS, column(cells), column(TRUTH)) == (value is not None)


@pytest.mark.parametrize(("rule", "value"), [(SETS, None), (GAPS, 2 * 2 / (2 * 2 + 1))])
def test_an_answer_without_a_label_is_an_empty_set_where_that_may_be(rule: LabelSets, value: float | None) -> None:
    assert score(rule, column(["a", "b", "b"]), column(["a", "b", ""])) == value


def test_answers_of_one_label_give_no_score() -> None:
    assert score(SETS, column(["a", "a b"]), column(["a", "a a"])) is None


def test_strict_counts_unknown_labels_and_reads_numbers_as_text() -> None:
    assert score(STRICT, column(["a x", "a", "b c"]), column(TRUTH)) == pytest.approx(2 * 4 / (2 * 4 + 1 + 1))
    assert score(STRICT, column(["1", "2"]), column(["1 3", "2"])) == pytest.approx(2 * 2 / (2 * 2 + 1))


def test_strict_may_average_rows_where_two_empty_sets_agree() -> None:
    value = score(SAMPLES, column(["a", "x", "b c", ""]), column(["a b", "a", "b c", ""]))
    assert value == pytest.approx((2 / 3 + 0 + 1 + 1) / 4)


SCORED = table("id,p,q,r\ns,1,0,1\nt,0,0,0\nu,1,1,1\n")
BY_HAND = ((1 / 1 + 2 / 3) + 3) / 5


@pytest.mark.parametrize(
    ("submission", "value"),
    [
        ("id,p,q,r\ns,0.9,0.5,0.1\nt,0,0,0\nu,7,-8,9\n", BY_HAND),
        ("id,p,q,r\nu,7,-8,9\nt,,,inf\ns,0.9,0.5,0.1\n", BY_HAND),
        ("id,p,q,r\ns,True,False,False\nt,,,\nu,True,True,True\n", BY_HAND),
        ("id,p,q,r\ns,2,2,2\nt,0,0,0\nu,1,1,1\n", (2 / 3 + 2 / 3 + 3) / 5),
        ("id,p,q,r\ns,0.9,,0.1\nt,0,0,0\nu,7,-8,9\n", None),
        ("id,p,q,r\ns,0.9,inf,0.1\nt,0,0,0\nu,7,-8,9\n", None),
    ],
)
def test_lwlrap_looks_at_rows_with_a_label_only(submission: str, value: float | None) -> None:
    assert score(LWLRAP, table(submission), SCORED) == (pytest.approx(value) if value is not None else None)
    assert passes(LWLRAP, table(submission), SCORED)


@pytest.mark.parametrize(
    "submission",
    [
        "",
        "id,p,q,r\ns,1,0,1\nt,0,0,0\n",
        "id,p,q,r\ns,1,0,1\nt,0,0,0\nt,1,1,1\n",
        "p,id,q,r\n1,s,0,1\n0,t,0,0\n1,u,1,1\n",
        "id,q,p,r\ns,0,1,1\nt,0,0,0\nu,1,1,1\n",
        "id,p,q\ns,1,0\nt,0,0\nu,1,1\n",
        "id,p,q,r,z\ns,1,0,1,0\nt,0,0,0,0\nu,1,1,1,0\n",
        "id,p,q,R\ns,1,0,1\nt,0,0,0\nu,1,1,1\n",
        "id,p,q,r\ns,1,0,x\nt,0,0,0\nu,1,1,1\n",
        "id,p,q,r\ns,1,0,1\nt,0,0,x\nu,1,1,1\n",
    ],
)
def test_lwlrap_wants_the_columns_in_their_order_and_numbers(submission: str) -> None:
    assert score(LWLRAP, table(submission), SCORED) is None
    assert not passes(LWLRAP, table(submission), SCORED)


def test_lwlrap_without_any_true_label_is_none() -> None:
    assert score(LWLRAP, table("id,p,q\ns,1,0\n"), table("id,p,q\ns,0,0\n")) is None
