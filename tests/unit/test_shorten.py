"""Prompts that must be short: what goes first, and what stays."""

from __future__ import annotations

import pytest

from agents.prompt import Situation, messages
from agents.shorten import room_after, size, within, without_middle
from tests.unit.offstage import BRIEF

LONG = BRIEF.model_copy(update={"text": "# Task\n\n" + "t" * 3000})
OVERVIEW = "## train.csv\n\n" + "v" * 3000
SITUATION = Situation(
    task="debug",
    memory=tuple(f"try {n:04d} {'m' * 100}" for n in range(30)),
    code="import os\n" + "c" * 3000,
    output="o" * 3000,
)
WHOLE = size(messages(LONG, OVERVIEW, SITUATION))


def test_a_prompt_that_fits_is_left_as_it_is() -> None:
    assert within(WHOLE, LONG, OVERVIEW, SITUATION) == messages(LONG, OVERVIEW, SITUATION)
    assert within(None, LONG, OVERVIEW, SITUATION) == messages(LONG, OVERVIEW, SITUATION)


@pytest.mark.parametrize("most", range(WHOLE - 1, WHOLE - 15_000, -500))
def test_a_prompt_is_made_to_fit(most: int) -> None:
    fixed = size(messages(BRIEF.model_copy(update={"text": ""}), "", Situation(task="debug")))
    assert size(within(most, LONG, OVERVIEW, SITUATION)) <= max(most, fixed)


def test_the_oldest_tries_go_first_and_the_program_last() -> None:
    text = within(WHOLE - 1000, LONG, OVERVIEW, SITUATION)[1].content
    assert "try 0000" not in text
    assert "try 0029" in text
    assert "v" * 3000 in text
    bare = within(WHOLE - 9000, LONG, OVERVIEW, SITUATION)[1].content
    assert "v" * 100 not in bare
    assert "c" * 3000 in bare


def test_instructions_always_stay() -> None:
    assert "# Instructions" in within(1, LONG, OVERVIEW, SITUATION)[1].content


def test_a_text_keeps_its_beginning_and_its_end() -> None:
    short = without_middle("a" * 100 + "z" * 100, 60)
    assert len(short) <= 60
    assert (short[0], short[-1]) == ("a", "z")
    assert without_middle("abc", 2) == ""


def test_the_next_room_is_half_or_what_the_limit_holds() -> None:
    assert (room_after(9000, None), room_after(9000, 100), room_after(9000, 10**6)) == (4500, 200, 4500)
