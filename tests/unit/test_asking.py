"""A trial whose model goes away: its clock stands still, people are told, and the record says how long it was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.agent import Message, Tools
from agents.attempt import run_attempt
from agents.model import ModelClient
from agents.pool import Executor
from podium.brief import Brief, Submission
from podium.records import AttemptRecord, Cause, Tokens
from podium.spec import Budget
from serve.client.chat_client import ChatClient
from tests.unit.endpoint_script import Longest, Script, refused, said
from tests.unit.offstage import order_for, validate

AWAY = refused(503, "m is starting", "model_starting")


class Asks:
    """An agent that hands in what its model says."""

    def __init__(self, options: Mapping[str, Any]) -> None: ...

    async def run(self, brief: Brief, tools: Tools) -> Submission:
        reply = await tools.chat([Message(role="user", content="Well?")], purpose="draft")
        return Submission({"submission.csv": reply.content.encode()})


def attempt(folder: Path, *answers: bytes, seconds: float = 60) -> AttemptRecord:
    """An attempt of `Asks` against an endpoint that answers so."""
    return attempt_against(Script(*answers), folder, seconds)


def attempt_against(script: Script, folder: Path, seconds: float = 60) -> AttemptRecord:
    """An attempt of `Asks`, on the script's own time."""
    time = script.time

    async def open_executor() -> Executor:
        raise AssertionError

    async def run() -> AttemptRecord:
        order = order_for(folder / "0", "tests.unit.test_asking:Asks", budget=Budget(seconds=seconds))
        async with script.up() as address:
            client = ChatClient(address, "k", "m", random=Longest(), clock=time, sleep=time.sleep)
            async with ModelClient(client, seed=0) as chat:
                return await run_attempt(order, open_executor=open_executor, chat=chat, validate=validate, clock=time)

    return asyncio.run(run())


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "0" / "logs" / "events.jsonl").read_text().splitlines()]


def test_an_outage_longer_than_the_trials_time_does_not_end_it(tmp_path: Path) -> None:
    record = attempt(tmp_path, *[AWAY] * 30, said("id,y"), seconds=10)
    assert record.cause is Cause.OK
    assert record.away_seconds > 500


def test_an_outage_is_told_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    record = attempt(tmp_path, *[AWAY] * 30, said("id,y"))
    away, back = (line for line in events(tmp_path) if line["event"].startswith("model_"))
    assert (away["event"], away["reason"]) == ("model_away", "HTTP 503: m is starting")
    assert (back["event"], back["seconds"]) == ("model_back", record.away_seconds)


def test_an_outage_that_does_not_end_is_the_infrastructures_failure(tmp_path: Path) -> None:
    record = attempt(tmp_path, AWAY)
    assert record.cause is Cause.INFRASTRUCTURE
    assert "m is starting" in record.message
    assert record.away_seconds > 1700


def test_people_see_that_a_trial_waits_for_its_model(tmp_path: Path) -> None:
    class Watched(Script):
        async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            phases.append(json.loads((tmp_path / "0" / "logs" / "progress.json").read_text())["phase"])
            await super()._answer(reader, writer)

    phases: list[str] = []
    attempt_against(Watched(*[AWAY] * 9, said("id,y")), tmp_path)
    assert (phases[0], phases[-1]) == ("draft", "waiting for the model: HTTP 503: m is starting")


def test_what_each_answer_used_is_in_the_record_and_beside_the_messages(tmp_path: Path) -> None:
    record = attempt(tmp_path, said("id,y", reasoning="hm"))
    assert record.tokens == Tokens(prompt=3, completion=2, requests=1)
    exchange = json.loads((tmp_path / "0" / "logs" / "messages.jsonl").read_text())
    assert (exchange["reply"]["reasoning"], exchange["reply"]["finish_reason"]) == ("hm", "stop")
