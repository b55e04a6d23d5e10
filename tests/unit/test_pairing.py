"""How ids pair and compare, and what a cell is worth as a number: as pandas has it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.refusal import InvalidSubmission
from grading.rules import ids, pairing
from grading.table import TableColumn
from tests.unit.judging import column, table


def named(*cells: str) -> TableColumn:
    """A column of ids as the reader infers its type."""
    return table("id,z\n" + "".join(f"{cell},0\n" for cell in cells))["id"]


def valued(*cells: str) -> TableColumn:
    return column(cells)["y"]


def refused(mine: TableColumn, asked: TableColumn) -> bool:
    try:
        pairing.by_sorted_ids(mine, asked, "id")
    except InvalidSubmission:
        return True
    return False


@given(st.permutations(range(12)), st.booleans())
def test_rows_in_any_order_are_paired_by_their_ids(order: list[int], texts: bool) -> None:
    names = [f"{'x' if texts else ''}{number}" for number in range(12)]
    rows = pairing.by_sorted_ids(named(*(names[number] for number in order)), named(*names), "id")
    assert [order[row] for row in rows] == list(range(12))


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_repeated_ids_pair_as_often_as_both_have_them(names: list[str], random: np.random.RandomState) -> None:
    mixed = list(names)
    random.shuffle(mixed)
    rows = pairing.by_sorted_ids(named(*mixed), named(*names), "id")
    assert [mixed[row] for row in rows] == names
    assert sorted(rows) == list(range(len(names)))


@pytest.mark.parametrize(
    ("mine", "asked"),
    [
        (["a", "b"], ["a", "c"]),
        (["a", "a"], ["a", "b"]),
        (["a", "a", "b"], ["a", "b", "b"]),
        (["a"], ["a", "b"]),
        (["a", ""], ["a", ""]),
        (["1", ""], ["1", "2"]),
        (["1", "2"], ["1", "x"]),
        (["A"], ["a"]),
        ([" a"], ["a"]),
        (["1.5", "2"], ["1", "2"]),
    ],
)
def test_other_ids_or_a_missing_one_are_refused(mine: list[str], asked: list[str]) -> None:
    assert refused(named(*mine), named(*asked))


@pytest.mark.parametrize(
    ("mine", "asked"),
    [
        (["007", "008"], ["7", "8"]),
        (["1.0", "2.0"], ["1", "2"]),
        (["1e0", "2"], ["1", "2"]),
        (["True", "False"], ["1", "0"]),
        (["007", "x"], ["007", "x"]),
    ],
)
def test_numbers_compare_numerically_however_they_are_spelt(mine: list[str], asked: list[str]) -> None:
    assert not refused(named(*mine), named(*asked))


def test_text_keeps_its_leading_zeros_and_then_equals_no_other_spelling() -> None:
    assert refused(named("007", "x"), named("7", "x"))


def test_by_place_in_order_pairs_whatever_the_ids_are() -> None:
    rows = pairing.by_place_in_order(named("z", "a", "m"), named("3", "1", "2"))
    assert rows.tolist() == [0, 1, 2]


def test_missing_ids_sort_last() -> None:
    assert ids.sorted_rows(named("b", "", "a")).tolist() == [2, 0, 1]
    assert ids.sorted_rows(named("2", "", "1", "")).tolist() == [2, 0, 1, 3]


def test_texts_sort_by_their_characters_not_by_language() -> None:
    names = ["ä", "b", "Z", "a", "10", "9"]
    assert [names[row] for row in ids.sorted_rows(named(*names))] == sorted(names)


def test_equal_texts_are_left_as_numpys_quicksort_leaves_them() -> None:
    names = [f"k{number % 7}" for number in range(60)]
    wanted = np.argsort(np.array(names, dtype=object))
    assert ids.sorted_rows(named(*names)).tolist() == wanted.tolist()


@pytest.mark.parametrize(("mine", "asked"), [(["a", "b", "b"], ["b", "a"]), (["1", "1", "2"], ["2.0", "1.0"])])
def test_sets_are_the_same_however_often_an_id_occurs(mine: list[str], asked: list[str]) -> None:
    pairing.same_set(named(*mine), named(*asked), "id")


@pytest.mark.parametrize(
    ("mine", "asked"),
    [(["a"], ["a", "b"]), (["a", "b"], ["a"]), (["1"], ["x"]), (["a", ""], ["a", ""]), (["1", ""], ["1"]), ([], ["1"])],
)
def test_sets_differ_in_either_direction_and_with_a_missing_id(mine: list[str], asked: list[str]) -> None:
    with pytest.raises(InvalidSubmission, match="are not those asked for"):
        pairing.same_set(named(*mine), named(*asked), "id")


def test_every_row_finds_its_id_among_those_asked_for() -> None:
    assert pairing.known(named("b", "a", "b"), named("a", "b"), "id").tolist() == [1, 0, 1]
    assert pairing.known(named("2.0", "1"), named("1", "2"), "id").tolist() == [1, 0]
    with pytest.raises(InvalidSubmission, match="not asked for"):
        pairing.known(named("a", "z"), named("a", "b"), "id")


def test_the_first_row_of_each_id_is_found() -> None:
    assert ids.first_rows(named("b", "a", "b", "", "a")).tolist() == [0, 1, 3]
    assert ids.first_rows(named("2", "2", "1", "", "")).tolist() == [0, 2, 3]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("123")), min_size=1, max_size=20))
def test_cells_of_several_columns_are_joined_so_that_rows_are_equal_where_all_cells_are(
    cells: list[tuple[str, str]],
) -> None:
    texts, numbers = named(*(one for one, _ in cells)), named(*(other for _, other in cells))
    joined = ids.joined([(texts, texts), (numbers, numbers)])
    rows = [*cells, *cells]
    assert all((rows[i] == rows[j]) == (joined[i] == joined[j]) for i in range(len(rows)) for j in range(len(rows)))


def test_a_text_and_a_number_are_joined_to_nothing_in_common() -> None:
    joined = ids.joined([(named("1", "2"), named("1", "x"))])
    assert not set(joined[:2]) & set(joined[2:])


def test_truth_values_count_as_one_and_zero_also_with_gaps_between_them() -> None:
    assert pairing.numbers(valued("True", "False"), "y").tolist() == [1, 0]
    with_gap = pairing.numbers(valued("TRUE", "false", ""), "y")
    assert with_gap[:2].tolist() == [1, 0]
    assert math.isnan(with_gap[2])


@pytest.mark.parametrize("cell", ["abc", "True", "1_000", "0x10", "99999999999999999999", "-"])
def test_a_column_with_text_in_it_is_no_column_of_numbers(cell: str) -> None:
    with pytest.raises(InvalidSubmission, match="text in 'y'"):
        pairing.numbers(valued("1", cell), "y")


@pytest.mark.parametrize(("cell", "number"), [("1_000", 1000.0), ("99999999999999999999", 1e20)])
def test_converting_takes_what_python_reads_as_a_number(cell: str, number: float) -> None:
    assert pairing.converted(valued("1", cell), "y").tolist() == [1, number]


def test_converting_looks_at_the_wanted_rows_only() -> None:
    assert pairing.converted(valued("0.5", "abc", "2"), "y", np.array([2, 0])).tolist() == [2, 0.5]
    with pytest.raises(InvalidSubmission):
        pairing.converted(valued("0.5", "abc", "2"), "y", np.array([1]))


def test_two_classes_are_the_larger_and_the_smaller_value() -> None:
    assert pairing.two_classes(valued("3", "7", "3"), "y").tolist() == [0, 1, 0]
    assert pairing.two_classes(valued("False", "True"), "y").tolist() == [0, 1]


@pytest.mark.parametrize("cells", [["1", "1"], ["0", "1", "2"], ["0", "1", ""]])
def test_answers_without_two_classes_give_no_score(cells: list[str]) -> None:
    with pytest.raises(InvalidSubmission, match="two classes"):
        pairing.two_classes(valued(*cells), "y")


def test_messages_name_columns_and_give_no_id_away() -> None:
    with pytest.raises(InvalidSubmission) as caught:
        pairing.by_sorted_ids(named("mine"), named("secret"), "id")
    assert "secret" not in caught.value.message
    with pytest.raises(InvalidSubmission) as caught:
        pairing.same_set(named("mine"), named("secret"), "id")
    assert "secret" not in caught.value.message
