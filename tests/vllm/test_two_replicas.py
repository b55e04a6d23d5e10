"""A model at two replicas: a trial stays where its prompts are cached, and goes on at the other where that one dies."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator

import pytest

from tests.vllm.stage import Asker, Stage, load

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

MODEL = "pair"


@pytest.fixture(scope="module")
def pair(stage: Stage) -> Iterator[None]:
    stage.write(MODEL, context=768, replicas="least = 2\nmost = 2")
    with stage.served(MODEL):
        yield


def replicas(stage: Stage, trial: str) -> list[str]:
    """Which replica answered each of the trial's requests."""
    return [entry["replica"] for entry in stage.ledger(trial) if entry.get("status", 200) == 200]


def test_trials_spread_over_both_and_each_stays_at_one(stage: Stage, pair: None) -> None:
    trials = [uuid.uuid4().hex for _ in range(16)]
    for trial in trials:
        with stage.client(stage.register(trial, MODEL)) as client:
            for _ in range(3):
                Asker(stage, trial, client).chat(MODEL, max_tokens=2)
    used = {trial: set(replicas(stage, trial)) for trial in trials}
    assert [trial for trial, found in used.items() if len(found) != 1] == []
    assert set.union(*used.values()) == stage.running(MODEL).keys()


def test_a_conversation_that_grows_finds_its_beginning_cached(stage: Stage, pair: None) -> None:
    trial, said = uuid.uuid4().hex, ""
    with stage.client(stage.register(trial, MODEL)) as client:
        for _ in range(3):
            said += " ".join(str(uuid.uuid4()) for _ in range(5))
            Asker(stage, trial, client).chat(MODEL, said, max_tokens=2)
    cached = [entry.get("cached", 0) for entry in stage.ledger(trial)]
    assert cached == sorted(cached)
    assert 0 < cached[-1] < stage.ledger(trial)[-1]["prompt"]
    used = stage.usage(trial)
    assert used.cached == sum(cached)
    assert used.cache_hit_rate == used.cached / used.prompt


def test_no_call_is_lost_when_one_of_them_is_killed_and_its_trials_move(stage: Stage, pair: None) -> None:
    trials = [uuid.uuid4().hex for _ in range(4)]
    with load(stage, MODEL, trials) as calls:
        calls.more(4)
        pids = stage.running(MODEL)
        dead = next(replica for trial in trials for replica in replicas(stage, trial))
        moved = [trial for trial in trials if dead in replicas(stage, trial)]
        os.kill(pids[dead], signal.SIGKILL)
        calls.more(12)
    assert all(answer.content for answer in calls.answers)
    assert sum(len(replicas(stage, trial)) for trial in trials) == len(calls.answers)
    assert [trial for trial in moved if not set(replicas(stage, trial)) - {dead}] == []
