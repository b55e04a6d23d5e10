"""Errors say what happened and what to do, and survive the trip between two processes."""

from __future__ import annotations

import pickle

import pytest

from podium.errors import AgentFailure, ModelFailure, PodiumError, SpecChanged, UnknownName, UserError


@pytest.mark.parametrize(
    "error",
    [
        PodiumError("it broke", "mend it"),
        ModelFailure("the endpoint is down", "start it"),
        UnknownName("task", "wien", ["wine", "iris"]),
        SpecChanged("seeds", "2", "1"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_pickling_with_its_text(error: PodiumError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.message, again.remedy) == (str(error), error.message, error.remedy)


def test_a_wrong_name_answers_with_the_near_ones() -> None:
    assert "Did you mean wine?" in str(UnknownName("task", "wien", ["wine", "breast-cancer"]))


def test_a_name_unlike_any_other_lists_what_there_is() -> None:
    assert "There are: breast-cancer, wine." in str(UnknownName("task", "zzz", ["wine", "breast-cancer"]))


def test_kinds_stack_so_that_a_caller_can_catch_the_wider_one() -> None:
    assert issubclass(ModelFailure, AgentFailure)
    assert issubclass(UnknownName, UserError)


def test_of_many_names_the_first_are_told_and_how_many_more_there_are() -> None:
    assert UnknownName("task", "zzz", [f"t{place:02}" for place in range(14)]).remedy.endswith("t10, t11 and 2 more.")
