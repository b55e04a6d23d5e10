"""One attempt: budgets, deaths, hanging agents, stops; what is on disk afterwards, and what never is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agents.agent import Message, Reply, Tools
from agents.attempt import run_attempt
from agents.pool import Executor
from podium.brief import Brief, Submission
from podium.errors import AgentFailure, InfrastructureFailure, ModelFailure, Preempted, Unavailable
from podium.records import AttemptRecord, Cause
from podium.rundir import AttemptDir
from podium.spec import Budget
from serve.client.retry import Caller
from tests.unit.offstage import KEY, BareExecutor, ScriptedModel, order_for, solution, validate

GOOD = Submission({"submission.csv": b"id,y\n1,1\n2,2\n"})


class Acts:
    """Agents for the tests, each one thing that agents do."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options

    async def run(self, brief: Brief, tools: Tools) -> Submission:
        act: Callable[[Brief, Tools], Awaitable[Submission]] = getattr(self, str(self.options["act"]))
        return await act(brief, tools)

    async def nothing(self, brief: Brief, tools: Tools) -> Submission:
        return Submission({})

    async def crash(self, brief: Brief, tools: Tools) -> Submission:
        raise KeyError(f"oops {KEY}")

    async def keep_and_hang(self, brief: Brief, tools: Tools) -> Submission:
        await tools.keep(GOOD, "print(1)", note="abc")
        if self.options.get("stubborn"):
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        await asyncio.Event().wait()
        raise AssertionError

    async def keep_late(self, brief: Brief, tools: Tools) -> Submission:
        await tools.keep(GOOD, "print(1)")
        for _ in range(2):  # cancelled at the end of its time, and again when the loop is shut down
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        with suppress(AgentFailure):
            await tools.keep(Submission({"submission.csv": b"late"}), "print(2)")
        return GOOD

    async def hang(self, brief: Brief, tools: Tools) -> Submission:
        await asyncio.Event().wait()
        raise AssertionError

    async def spend_steps(self, brief: Brief, tools: Tools) -> Submission:
        if self.options.get("keep"):
            await tools.keep(GOOD, "print(1)")
        while True:
            tools.step()

    async def spend_tokens(self, brief: Brief, tools: Tools) -> Submission:
        while True:
            await tools.chat([Message(role="system", content="s"), Message(role="user", content="# Instructions\n\nx")])

    async def execute(self, brief: Brief, tools: Tools) -> Submission:
        run = await tools.execute("print('hello')")
        assert "hello" in run.output
        return GOOD

    async def climb_out(self, brief: Brief, tools: Tools) -> Submission:
        await tools.keep(Submission({"../attempt.json": b"{}"}), "")
        return GOOD

    async def tell_secrets(self, brief: Brief, tools: Tools) -> Submission:
        await tools.execute(f"print('{KEY}')")
        tools.event("note", key=KEY)
        tools.log("deep/note.txt", KEY)
        await tools.keep(GOOD, f"# {KEY}")
        return GOOD


def attempt(
    folder: Path,
    act: str,
    budget: Budget | None = None,
    executors: list[BareExecutor | Exception] | None = None,
    stop: asyncio.Event | None = None,
    **options: Any,
) -> AttemptRecord:
    """One attempt of `Acts`; `executors` are handed out in turn."""
    supply = iter(executors or [BareExecutor()])

    async def open_executor() -> Executor:
        given = next(supply)
        if isinstance(given, Exception):
            raise given
        return given

    order = order_for(folder / "0", "tests.unit.test_attempt:Acts", budget=budget, act=act, **options)
    model = ScriptedModel(lambda task, n: solution(1))
    work = run_attempt(order, open_executor=open_executor, chat=model, validate=validate, stop=stop, grace_seconds=0.1)
    record = asyncio.run(work)
    assert AttemptDir(folder / "0").record() == record
    return record


def test_an_agent_that_hands_in_nothing_failed(tmp_path: Path) -> None:
    record = attempt(tmp_path, "nothing")
    assert (record.cause, record.digest) == (Cause.AGENT, None)
    assert "nothing" in record.message


def test_an_agents_crash_is_a_record_with_its_traceback_beside_it_and_without_the_key(tmp_path: Path) -> None:
    record = attempt(tmp_path, "crash")
    assert record.cause is Cause.AGENT
    assert "KeyError" in record.message
    assert "crash" in (tmp_path / "0" / "logs" / "agent_error.txt").read_text()


@pytest.mark.parametrize("stubborn", [False, True])
def test_an_agent_that_hangs_is_ended_by_the_clock_and_what_it_kept_counts(tmp_path: Path, stubborn: bool) -> None:
    record = attempt(tmp_path, "keep_and_hang", Budget(seconds=0.3), stubborn=stubborn)
    assert (record.cause, record.digest) == (Cause.OK, GOOD.digest)
    assert "time was up" in record.message


def test_an_agent_that_outlives_its_attempt_changes_nothing_that_was_recorded(tmp_path: Path) -> None:
    record = attempt(tmp_path, "keep_late", Budget(seconds=0.3))
    assert AttemptDir(tmp_path / "0").read_submission().digest == record.digest == GOOD.digest


def test_an_agent_that_hangs_with_nothing_kept_failed(tmp_path: Path) -> None:
    record = attempt(tmp_path, "hang", Budget(seconds=0.2))
    assert (record.cause, record.digest) == (Cause.AGENT, None)


def test_a_stop_ends_the_attempt_and_leaves_what_was_kept(tmp_path: Path) -> None:
    stop = asyncio.Event()
    stop.set()
    record = attempt(tmp_path, "keep_and_hang", stop=stop)
    assert record.cause is Cause.STOPPED


def test_a_cancelled_attempt_is_recorded_as_stopped(tmp_path: Path) -> None:
    order = order_for(tmp_path / "0", "tests.unit.test_attempt:Acts", act="keep_and_hang")

    async def open_executor() -> Executor:
        raise AssertionError

    async def cancelled() -> AttemptRecord:
        model = ScriptedModel(lambda task, n: "")
        work = asyncio.create_task(run_attempt(order, open_executor=open_executor, chat=model, validate=validate))
        while not (tmp_path / "0" / "submission" / "submission.csv").exists():  # noqa: ASYNC110 (a file tells no event)
            await asyncio.sleep(0)
        work.cancel()
        return await work

    record = asyncio.run(cancelled())
    assert (record.cause, record.digest) == (Cause.STOPPED, GOOD.digest)


@pytest.mark.parametrize(("keep", "cause"), [(True, Cause.OK), (False, Cause.AGENT)])
def test_a_spent_budget_is_a_failure_only_where_nothing_was_kept(tmp_path: Path, keep: bool, cause: Cause) -> None:
    record = attempt(tmp_path, "spend_steps", Budget(steps=3), keep=keep)
    assert (record.cause, record.steps) == (cause, 3)
    assert "3 steps" in record.message


def test_tokens_are_counted_and_bounded(tmp_path: Path) -> None:
    record = attempt(tmp_path, "spend_tokens", Budget(tokens=400))
    assert (record.tokens.prompt, record.tokens.completion, record.tokens.requests) == (300, 150, 3)
    assert "400 tokens" in record.message


def test_a_dead_executor_is_replaced_once(tmp_path: Path) -> None:
    dead, fresh = BareExecutor(deaths=1), BareExecutor()
    record = attempt(tmp_path, "execute", executors=[dead, fresh])
    assert (record.cause, record.executions) == (Cause.OK, 1)
    assert dead.closed
    assert fresh.closed
    events = (tmp_path / "0" / "logs" / "events.jsonl").read_text()
    assert "executor_lost" in events


def test_a_second_death_is_an_infrastructure_failure(tmp_path: Path) -> None:
    record = attempt(tmp_path, "execute", executors=[BareExecutor(deaths=1), BareExecutor(deaths=1)])
    assert record.cause is Cause.INFRASTRUCTURE


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (Unavailable("no jail here", "install one"), Cause.INFRASTRUCTURE),
        (Preempted("drained"), Cause.PREEMPTED),
        (InfrastructureFailure("gone"), Cause.INFRASTRUCTURE),
    ],
)
def test_executors_that_cannot_be_had_are_the_sites_failure(tmp_path: Path, error: Exception, cause: Cause) -> None:
    record = attempt(tmp_path, "execute", executors=[error, error])
    assert record.cause is cause
    assert str(error.args[0]) in record.message


def test_waiting_for_an_executor_costs_no_time(tmp_path: Path) -> None:
    time = [0.0]

    async def open_executor() -> Executor:
        time[0] += 1000
        return BareExecutor()

    order = order_for(tmp_path / "0", "tests.unit.test_attempt:Acts", budget=Budget(seconds=20), act="execute")
    model = ScriptedModel(lambda task, n: "")
    work = run_attempt(order, open_executor=open_executor, chat=model, validate=validate, clock=lambda: time[0])
    assert asyncio.run(work).cause is Cause.OK


def test_a_submission_cannot_climb_out_of_its_folder(tmp_path: Path) -> None:
    record = attempt(tmp_path, "climb_out")
    assert record.cause is Cause.AGENT
    assert "../attempt.json" in record.message


def test_the_key_is_in_no_file(tmp_path: Path) -> None:
    attempt(tmp_path, "tell_secrets")
    written = [path for path in (tmp_path / "0").rglob("*") if path.is_file()]
    assert [path for path in written if KEY.encode() in path.read_bytes()] == []
    assert "***" in (tmp_path / "0" / "logs" / "deep" / "note.txt").read_text()


def test_the_order_does_not_print_the_key(tmp_path: Path) -> None:
    assert KEY not in repr(order_for(tmp_path))


def test_prompts_replies_and_progress_are_written(tmp_path: Path) -> None:
    attempt(tmp_path, "spend_tokens", Budget(tokens=1))
    logs = tmp_path / "0" / "logs"
    exchange = json.loads((logs / "messages.jsonl").read_text())
    assert [message["role"] for message in exchange["messages"]] == ["system", "user"]
    assert exchange["reply"]["model"] == "scripted"
    assert json.loads((logs / "progress.json").read_text())["phase"] == "ended"
    assert "scripted answered" in (logs / "agent.log").read_text()


def test_a_model_that_refuses_fails_the_trial_with_its_message(tmp_path: Path) -> None:
    async def chat(
        messages: Sequence[tuple[str, str]], temperature: float | None, schema: Mapping[str, Any] | None, caller: Caller
    ) -> Reply:
        raise ModelFailure("The endpoint refuses.", "Look at it.")

    async def run() -> AttemptRecord:
        async def open_executor() -> Executor:
            return BareExecutor()

        return await run_attempt(order_for(tmp_path / "0"), open_executor=open_executor, chat=chat, validate=validate)

    record = asyncio.run(run())
    assert record.cause is Cause.AGENT
    assert record.message == "The endpoint refuses.\n  Look at it."
