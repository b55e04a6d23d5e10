"""The flags of a sweep become its spec, and what a resume may change of it is known."""

from __future__ import annotations

from collections.abc import Sequence

import click
import pytest

from jobs.asked import resolve
from jobs.commands import sweep
from jobs.options import arguments, request
from podium.errors import SpecChanged, UserError
from podium.spec import SweepSpec

LINE = ["-a", "aide", "-t", "wine"]


def select(splits: Sequence[str], ids: Sequence[str], lite: bool) -> list[str]:
    return list(ids)


def spec(*flags: str, before: SweepSpec | None = None) -> SweepSpec:
    with sweep.make_context("sweep", [*(LINE if before is None else []), *flags]) as context:
        return resolve(request(context.params).asked, select, before)


def test_budgets_of_the_model_are_flags() -> None:
    budget = spec("--tokens", "5000", "--requests", "40", "--cost", "0.5", "--steps", "3", "--time", "2m").budget
    assert (budget.tokens, budget.requests, budget.cost, budget.steps, budget.seconds) == (5000, 40, 0.5, 3, 120.0)


def test_a_budget_that_was_not_asked_for_is_left_to_the_agent() -> None:
    assert spec("--requests", "40").budget.model_fields_set == {"requests"}


def test_recording_cache_and_rate_are_off_until_asked_for() -> None:
    plain, asked = spec(), spec("--record", "--cache", "--rate", "30")
    assert (plain.record, plain.cache, plain.rate) == (False, False, None)
    assert (asked.record, asked.cache, asked.rate) == (True, True, 30.0)


@pytest.mark.parametrize("wrong", [("--cost", "0"), ("--rate", "-1"), ("--tokens", "0"), ("--requests", "many")])
def test_a_bound_that_bounds_nothing_is_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(click.UsageError) as refused:
        spec(*wrong)
    assert wrong[0] in refused.value.format_message()


@pytest.mark.parametrize("wrong", [("--cost", "nan"), ("--rate", "inf")])
def test_a_bound_is_finite(wrong: tuple[str, str]) -> None:
    with pytest.raises(UserError, match=wrong[0].strip("-")):
        spec(*wrong)


def test_the_new_flags_survive_the_trip_to_the_job() -> None:
    flags = ["--tokens", "5", "--requests", "6", "--cost", "0.5", "--rate", "30.0", "--record", "--cache"]
    with sweep.make_context("sweep", list(flags)) as context:
        assert arguments(sweep, context.params) == flags


@pytest.mark.parametrize("flags", [("--record",), ("--rate", "5")])
def test_a_resume_may_begin_to_record_or_set_another_rate(flags: tuple[str, ...]) -> None:
    now = spec(*flags, before=spec())
    assert (now.record, now.rate) == (flags[0] == "--record", 5.0 if flags[0] == "--rate" else None)


def test_a_resume_keeps_recording() -> None:
    assert spec(before=spec("--record")).record


def test_a_resume_does_not_take_up_a_cache_for_that_would_change_results() -> None:
    with pytest.raises(SpecChanged, match="cache"):
        spec("--cache", before=spec())


def test_a_resume_does_not_change_a_trials_budget() -> None:
    with pytest.raises(SpecChanged, match=r"budget\.requests"):
        spec("--requests", "5", before=spec("--requests", "4"))
