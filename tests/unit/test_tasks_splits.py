"""Draws and splits: what they keep together, what they hold out, and that they depend on nothing but a salt."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.row import Split, Target
from tasks.rows import Rows, alike, opaque, shuffled
from tasks.splits import held_out
from tasks.tables import guesses, submission

LABELS = st.lists(st.sampled_from("abc"), min_size=12, max_size=60)


def rows(target: list[str], **others: pd.Series) -> Rows:
    values = pd.Series(target)
    return Rows(features=pd.DataFrame({"x": range(len(target))}), target=values, **others)


@given(LABELS)
def test_a_stratified_split_holds_out_each_labels_share(labels: list[str]) -> None:
    made = rows(labels)
    mask = held_out(made, Split(rule="stratified", test_fraction=0.25, salt="s"))
    for label in set(labels):
        assert mask[made.target == label].sum() == round(0.25 * labels.count(label))


@given(LABELS)
def test_a_random_split_holds_out_the_share_of_all(labels: list[str]) -> None:
    assert held_out(rows(labels), Split(rule="random", test_fraction=0.5, salt="s")).sum() == round(len(labels) / 2)


@given(LABELS)
def test_a_grouped_split_keeps_groups_together(labels: list[str]) -> None:
    made = rows(labels, group=pd.Series(labels))
    mask = held_out(made, Split(rule="grouped", test_fraction=0.5, salt="s"))
    assert set(made.target[mask]).isdisjoint(made.target[~mask])


@given(st.lists(st.integers(0, 9), min_size=8, max_size=30))
def test_a_split_by_time_holds_out_the_last(times: list[int]) -> None:
    made = rows(["a"] * len(times), time=pd.Series(times))
    mask = held_out(made, Split(rule="later", test_fraction=0.25, salt="s"))
    assert mask.any()
    assert mask.all() or made.time[~mask].max() < made.time[mask].min()  # type: ignore[index]


@pytest.mark.parametrize(("rule", "word"), [("grouped", "groups"), ("later", "time")])
def test_a_rule_says_what_its_rows_lack(rule: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        held_out(rows(["a", "b"]), Split.model_validate({"rule": rule, "test_fraction": 0.5, "salt": "s"}))


def test_another_salt_is_another_draw() -> None:
    assert shuffled("one", range(50)) != shuffled("two", range(50))
    assert sorted(map(int, map(str, shuffled("one", range(50))))) == list(range(50))


def test_a_draw_is_the_same_for_ever() -> None:
    assert shuffled("salt", range(6)) == [5, 1, 4, 0, 2, 3]


def test_opaque_numbers_keep_equality_and_lose_the_order() -> None:
    numbers = opaque("s", [10, 20, 10, 30, 40, 50])
    assert numbers[0] == numbers[2]
    assert sorted(set(numbers)) == [1, 2, 3, 4, 5]
    assert numbers != sorted(numbers)


def test_rows_alike_in_every_column_are_one_group() -> None:
    group = alike(pd.DataFrame({"a": [1, 1, 2], "b": ["x", "x", "x"]}))
    assert group[0] == group[1] != group[2]


@pytest.mark.parametrize(
    ("guess", "values", "expected"),
    [("mean", [1, 2, 6], 3.0), ("median", [1, 2, 6], 2.0), ("log_mean", [0, 3], 1.0), ("majority", [3, 3, 1, 1, 0], 1)],
)
def test_the_samples_constant_comes_from_the_training_rows(guess: str, values: list[int], expected: float) -> None:
    target = Target.model_validate({"column": "y", "kind": "number", "guess": guess})
    assert guesses(pd.Series(values), target) == {"y": expected}


def test_probabilities_are_guessed_by_share_and_answered_by_ones() -> None:
    target = Target(column="y", kind="probabilities", labels=("a", "b"), guess="share")
    assert guesses(pd.Series(["a", "a", "b", "a"]), target) == {"a": 0.75, "b": 0.25}
    table = submission(pd.Series([7, 9]), pd.Series(["b", "a"]), target)
    assert table.to_dict("list") == {"id": [7, 9], "a": [0, 1], "b": [1, 0]}
