"""An endpoint that is away: waited for on no clock but the outage's own, and given up when that is over."""

from __future__ import annotations

import asyncio

import pytest

from podium.errors import BudgetSpent, InfrastructureFailure
from serve.client.chat_client import ChatClient
from serve.client.retry import Bounds
from tests.unit.endpoint_script import USER, Longest, Notebook, Script, Time, refused, said
from tests.unit.serving import free_port

AWAY = refused(503, "m is starting", "model_starting")
SOON = refused(503, "m is starting", "model_starting", retry_after="2")


def test_an_outage_stops_the_callers_clock_and_is_told_with_its_reason() -> None:
    script = Script(*[AWAY] * 12, said("yes"))
    assert script.ask().content == "yes"
    assert script.caller.reasons == ["HTTP 503: m is starting"]
    assert script.time.now - script.caller.waits[0] <= 5.0
    assert script.time.now > 100


def test_a_short_absence_is_no_outage() -> None:
    script = Script(SOON, said("yes"))
    script.ask()
    assert (script.caller.reasons, script.time.slept) == ([], [2.5])


def test_waits_in_an_outage_are_bounded() -> None:
    script = Script(*[AWAY] * 20, said("yes"))
    script.ask(bounds={"most_delay": 30})
    assert max(script.time.slept) == 30


def test_an_outage_does_not_count_as_tries_nor_as_time_for_the_answer() -> None:
    script = Script(*[AWAY] * 40, refused(500), said("yes"))
    script.ask(bounds={"tries": 2, "seconds": 10})
    assert script.time.now > 600


def test_the_callers_time_does_not_run_out_in_an_outage() -> None:
    script = Script(*[AWAY] * 40, said("yes"))
    script.caller.deadline = 6.0
    assert script.ask().content == "yes"


def test_a_refusal_ends_an_outage_as_an_answer_does() -> None:
    script = Script(*[AWAY] * 9, refused(429, "slow down", retry_after="7"), said("yes"))
    script.ask()
    assert len(script.caller.waits) == 1
    assert script.caller.since is None


def test_an_endpoint_that_stays_away_is_the_infrastructures_failure() -> None:
    time = Time()
    caller = Notebook(time)

    async def run() -> None:
        bounds = Bounds(outage_seconds=600)
        address = f"http://127.0.0.1:{free_port()}/v1"
        async with ChatClient(
            address, "k", "m", bounds=bounds, random=Longest(), clock=time, sleep=time.sleep
        ) as client:
            await client.chat(USER, caller=caller)

    with pytest.raises(InfrastructureFailure, match="was away for 600 s"):
        asyncio.run(run())
    assert (time.now, len(caller.reasons), caller.waits) == (600, 1, [])


def test_time_that_runs_out_before_the_outage_is_one_is_a_spent_budget() -> None:
    script = Script(AWAY)
    script.caller.deadline = 1.0
    with pytest.raises(BudgetSpent):
        script.ask()


def test_an_engine_that_died_is_waited_for() -> None:
    dead = refused(500, "EngineCore encountered an issue. See stack trace (above) for the root cause.")
    script = Script(*[dead] * 9, said("yes"))
    assert script.ask(bounds={"tries": 2}).content == "yes"


def test_the_time_that_the_answer_after_an_outage_takes_is_the_callers_own() -> None:
    class Slow(Script):
        async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(self.seen) == 9:
                self.time.now += 60
            await super()._answer(reader, writer)

    script = Slow(*[AWAY] * 9, said("yes"))
    script.ask()
    assert script.time.now - script.caller.waits[0] > 60
