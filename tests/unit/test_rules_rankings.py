"""Rules of orders: which items count at which rank, and how rows are paired."""

from __future__ import annotations

import pytest

from grading.rules.rankings import CellOrder, MeanAveragePrecision, SupersetMeanAveragePrecision
from tests.unit.judging import column, passes, score, table

MAP = MeanAveragePrecision(id="id", target="y", k=5)
ONLY = MeanAveragePrecision(id="id", target="y", k=5, only=True)
SUPERSET = SupersetMeanAveragePrecision(id="id", target="y", k=3, only=True)
ORDER = CellOrder(id="id", target="y")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("a", 1.0),
        ("x a", 1 / 2),
        ("x  a", 1 / 3),
        (" a", 1 / 2),
        ("x x x x a", 1 / 5),
        ("x y z v w a", 0.0),
        ("a a a", 1.0),
        ("A", 0.0),
        ("", 0.0),
    ],
)
def test_map_of_one_true_item_is_one_over_its_rank_among_the_first_five(cell: str, value: float) -> None:
    assert score(MAP, column([cell, "b"]), column(["a", "b"])) == pytest.approx((value + 1) / 2)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("a b c d", (1 + 1 + 1) / 3), ("b a", 2 / 3), ("a a b", (1 + 2 / 3) / 3), ("x a", 1 / 2 / 3), ("nan", 0.0)],
)
def test_map_of_several_true_items_counts_each_once(cell: str, value: float) -> None:
    assert score(SUPERSET, column([cell]), column(["a b c d a"])) == pytest.approx(value)


@pytest.mark.parametrize(
    ("cells", "truth", "value"),
    [
        (["101", "102"], ["101", "102"], 1.0),
        (["101", ""], ["101", "102"], 0.0),
        (["101", ""], ["x", "nan"], 0.5),
        (["007", "8"], ["007", "x"], 0.0),
        (["007", "8 9"], ["007", "8 x"], 0.75),
    ],
)
def test_items_compare_as_columns_print(cells: list[str], truth: list[str], value: float) -> None:
    assert score(MAP, column(cells), column(truth)) == value


@pytest.mark.parametrize(
    "submission",
    ["", "id,y\na,1\n", "id\na\nb\n", "y\na\nb\n", "id,y\na,1\nc,1\n", "id,y\na,1\na,1\n", "id,y\na,1\nb,1\nb,1\n"],
)
def test_map_wants_the_columns_and_the_ids_each_once(submission: str) -> None:
    answers = table("id,y\na,1\nb,1\n")
    assert score(MAP, table(submission), answers) is None
    assert not passes(MAP, table(submission), answers)


def test_other_columns_are_refused_only_where_the_competition_does() -> None:
    answers, wide = table("id,y\na,x\n"), table("y,z,id\nx,1,a\n")
    assert score(MAP, wide, answers) == 1
    assert score(ONLY, wide, answers) is None
    assert score(SUPERSET, wide, answers) is None


def test_strict_splits_at_white_space_and_forgets_leading_zeros_of_what_was_read_as_numbers() -> None:
    strict = MeanAveragePrecision(id="id", target="y", k=2, strict=True)
    assert score(strict, column([" x  a ", "b"]), column(["a", "b"])) == 0.75
    assert score(strict, column(["0706", "0000"]), column(["0706 0707", "x 0000"])) == 0.5


ASKED = table("id,y\nb,x\nd,y\n")


@pytest.mark.parametrize(
    ("submission", "value"),
    [
        ("id,y\nd,y\nb,x\n", 1.0),
        ("id,y\na,q\nb,x\nc,q\nd,y\n,z\n", 1.0),
        ("id,y\nb,x\nb,x\nd,y\n", 0.5),
        ("id,y\nd,y\nd,y\nb,x\n", 1.0),
    ],
)
def test_more_ids_are_dropped_and_a_repeated_one_shifts_what_follows(submission: str, value: float) -> None:
    assert score(SUPERSET, table(submission), ASKED) == value
    assert passes(SUPERSET, table(submission), ASKED)


@pytest.mark.parametrize("submission", ["", "id,y\n", "id,y\nb,x\nc,y\n", "id,y\nb,x\n,y\n", "id,y\n1,x\n2,y\n"])
def test_an_absent_id_is_refused(submission: str) -> None:
    assert score(SUPERSET, table(submission), ASKED) is None
    assert not passes(SUPERSET, table(submission), ASKED)


CELLS = ["p q r", "s t"]


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["p q r", "s t"], 1.0),
        (["r q p", "t s"], -1.0),
        ([" q  p r ", "s t"], 1 - 4 * 1 / 8),
        (["q r p", "t s"], 1 - 4 * 3 / 8),
        (["p q", "s t"], None),
        (["p q r r", "s t"], None),
        (["p q q", "s t"], None),
        (["p q x", "s t"], None),
        (["p q r", ""], None),
    ],
)
def test_kendall_tau_is_pooled_over_rows_of_the_same_cells(cells: list[str], value: float | None) -> None:
    assert score(ORDER, column(cells), column(CELLS)) == value
    assert passes(ORDER, column(cells), column(CELLS))  # which cells a row holds is not looked at in the sample


def test_rows_of_one_cell_have_no_order() -> None:
    assert score(ORDER, column(["a", "b"]), column(["a", "b"])) is None
    assert score(ORDER, column(["a", "c b"]), column(["a", "b c"])) == -1


def test_a_missing_cell_is_the_token_nan() -> None:
    assert score(ORDER, column(["", "c b"]), column(["nan", "c b"])) == 1
