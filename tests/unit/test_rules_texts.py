"""Rules of texts and sequences: what counts as a text, and what an empty one costs."""

from __future__ import annotations

import pytest

from grading.rules.texts import EditDistance, TokenErrorRate, WordJaccard
from tests.unit.judging import column, passes, score

TEXTS = EditDistance(id="id", target="y")
PRINTED = EditDistance(id="id", target="y", printed=True)
SEQUENCES = TokenErrorRate(id="id", target="y")
ZERO = WordJaccard(id="id", target="y", both_empty=0.0, fewest=2)
NONE = WordJaccard(id="id", target="y", numbers=True)
STRICT = WordJaccard(id="id", target="y", strict=True)


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["kitten", "a b"], 0.0),
        (["sitting", "a b"], 1.5),
        (["Kitten ", "a  b"], 1.5),
        (["kitten", "é b"], 0.5),
        (["kitten", ""], None),
        (["kitten", "null"], None),
        (["1", "2.5"], None),
        (["True", "False"], None),
        (["", ""], None),
    ],
)
def test_edit_distance_is_exact_and_wants_a_text_in_every_row(cells: list[str], value: float | None) -> None:
    assert score(TEXTS, column(cells), column(["kitten", "a b"])) == value
    assert passes(TEXTS, column(cells), column(["kitten", "a b"])) == (value is not None)


@pytest.mark.parametrize(
    ("cells", "distances"),
    [(["banana", ""], (0, 3)), (["12", "13"], (6, 5)), (["12", ""], (6, 3)), (["True", "False"], (6, 5))],
)
def test_edit_distance_of_columns_as_they_print(cells: list[str], distances: tuple[int, int]) -> None:
    answers = column(["banana", "nun 2"])
    assert score(PRINTED, column(cells), answers) == sum(distances) / 2


def test_whole_numbers_print_with_a_point_where_a_cell_is_missing() -> None:
    assert score(PRINTED, column(["12", ""]), column(["12.0x", "nan"])) == 0.5


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["1 2 3", "4 5"], 0.0),
        (["+1  0_2 03", " 4 5 "], 0.0),
        (["1 3", "4 5 6 7"], 3 / 5),
        (["9 9 9 9 9 9", "9 9 9"], 9 / 5),
        (["-1 -2 -3", "  "], 1.0),
        (["1 2 3", ""], None),
        (["1 2 x", "4"], None),
        (["1 2.0", "4"], None),
        (["True", "False"], None),
        (["1", "4"], 3 / 5),
        (["1.0", "4"], None),
    ],
)
def test_token_error_rate_wants_whole_numbers(cells: list[str], value: float | None) -> None:
    assert score(SEQUENCES, column(cells), column(["1 2 3", "4 5"])) == value
    assert passes(SEQUENCES, column(cells), column(["1 2 3", "4 5"])) == (value is not None)


def test_numbers_that_hash_alike_are_not_alike() -> None:
    assert score(SEQUENCES, column(["-1 -1"]), column(["-2 -2"])) == 1


TRUTH = ["the Quick fox", "fox", ""]


@pytest.mark.parametrize(
    ("cells", "zero", "none"),
    [
        (["quick THE the fox", "fox", "a"], 2 / 3, 2 / 3),
        (["the", "fox fox dog", "a"], (1 / 3 + 1 / 2) / 3, (1 / 3 + 1 / 2) / 3),
        (["the", "", "null"], 1 / 9, None),
        (["the", "fox.", "x"], 1 / 9, 1 / 9),
        (["1", "2", "3"], None, 0.0),
        (["1", "", "3"], None, 0.0),
        (["True", "", "True"], None, 0.0),
        (["", "", ""], 0.0, None),
    ],
)
def test_jaccard_index_of_words(cells: list[str], zero: float | None, none: float | None) -> None:
    for rule, value in ((ZERO, zero), (NONE, none)):
        assert score(rule, column(cells), column(TRUTH)) == (pytest.approx(value) if value is not None else None)


def test_only_the_answers_show_that_both_texts_of_a_row_are_empty() -> None:
    assert passes(NONE, column(["the", "", ""]), column(TRUTH))
    assert not passes(ZERO, column(["1", "2", "3"]), column(TRUTH))


def test_one_word_in_all_texts_together_gives_no_score() -> None:
    assert score(ZERO, column(["a", "a a"]), column(["A", "a"])) is None


def test_numbers_are_printed_before_they_are_words() -> None:
    assert score(NONE, column(["1", ""]), column(["1.0 x", "y"])) == 0.25


def test_strict_takes_two_empty_texts_for_equal_and_numbers_for_texts() -> None:
    assert score(STRICT, column(["1", "2"]), column(["1 2", "2"])) == 0.75
    assert score(STRICT, column(["a b", ""]), column(["b", ""])) == 0.75
