"""A model at one replica, asked by clients of ours while its engine dies, its replica dies, and its entry changes."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator

import pytest

from tests.vllm.stage import Load, Stage, children, load, until

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

MODEL = "frail"
CONTEXT = 192
"""Short, for a random model writes until its context is full."""


@pytest.fixture(scope="module")
def frail(stage: Stage) -> Iterator[None]:
    stage.write(MODEL, context=CONTEXT)
    with stage.served(MODEL):
        yield


@pytest.fixture
def trials() -> list[str]:
    return [uuid.uuid4().hex for _ in range(4)]


def engine(replica: int) -> int:
    """The process of a replica's engine."""
    (found,) = (pid for pid, name in children(replica).items() if name.startswith("VLLM::EngineCor"))
    return found


def await_another(stage: Stage, before: dict[str, int]) -> None:
    """Returns when the model runs at other replicas than `before` only."""
    until(lambda: (now := stage.running(MODEL)) and not now.keys() & before.keys())


def assert_all_answered(stage: Stage, calls: Load, trials: list[str]) -> None:
    """Each call has an answer with some text, and each answer was booked once."""
    assert all(answer.content for answer in calls.answers)
    answered = [entry for trial in trials for entry in stage.ledger(trial) if entry.get("status", 200) == 200]
    assert len(answered) == len(calls.answers)


def test_the_same_entry_again_starts_nothing(stage: Stage, frail: None) -> None:
    before = stage.running(MODEL)
    done = stage.serve(MODEL)
    assert (done.returncode, stage.running(MODEL)) == (0, before)
    assert "it runs already" in done.stderr


def test_another_entry_is_refused_unless_it_is_said(stage: Stage, frail: None) -> None:
    before = stage.running(MODEL)
    stage.write(MODEL, context=CONTEXT + 1)
    done = stage.serve(MODEL)
    stage.write(MODEL, context=CONTEXT)
    assert (done.returncode, stage.running(MODEL)) == (1, before)
    assert "runs with another entry" in done.stderr
    assert f"serve_models.py {MODEL} --replace" in done.stderr


def test_no_call_is_lost_when_the_engine_is_killed(stage: Stage, frail: None, trials: list[str]) -> None:
    with load(stage, MODEL, trials) as calls:
        calls.more(4)
        before = stage.running(MODEL)
        (replica,) = before.values()
        os.kill(engine(replica), signal.SIGKILL)
        await_another(stage, before)
        calls.more(8)
    assert_all_answered(stage, calls, trials)


def test_no_call_is_lost_when_the_replica_is_killed(stage: Stage, frail: None, trials: list[str]) -> None:
    with load(stage, MODEL, trials) as calls:
        calls.more(4)
        before = stage.running(MODEL)
        (replica,) = before.values()
        below = children(replica)
        os.kill(replica, signal.SIGKILL)
        await_another(stage, before)
        calls.more(8)
    assert_all_answered(stage, calls, trials)
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in below))


def test_no_call_fails_while_an_entry_is_replaced(stage: Stage, frail: None, trials: list[str]) -> None:
    with load(stage, MODEL, trials[:2]) as calls:
        calls.more(2)
        before = stage.running(MODEL)
        stage.write(MODEL, context=2 * CONTEXT)
        done = stage.serve(MODEL, "--replace")
        assert done.returncode == 0, done.stderr
        await_another(stage, before)
        calls.more(4)
    assert_all_answered(stage, calls, trials)
    rows = [entry for trial in trials for entry in stage.ledger(trial)]
    assert [row for row in rows if row.get("status", 200) != 200] == []
    assert {entry["replica"] for entry in rows} == before.keys() | stage.running(MODEL).keys()
