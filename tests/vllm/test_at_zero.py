"""A model that nobody asks goes down, and comes up for the request that asks it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.vllm.stage import Asker, Stage, until

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

MODEL = "sleeper"


@pytest.fixture(scope="module")
def sleeper(stage: Stage) -> Iterator[None]:
    stage.write(MODEL, weights="tiny-qwen3-moe", context=1024, replicas="least = 0\nidle_seconds = 5")
    with stage.served(MODEL):
        yield


@pytest.fixture
def asker(stage: Stage, sleeper: None) -> Iterator[Asker]:
    trial = uuid.uuid4().hex
    with stage.client(stage.register(trial, MODEL)) as client:
        yield Asker(stage, trial, client)


def test_it_is_deployed_at_no_replica(asker: Asker) -> None:
    assert asker.stage.running(MODEL) == {}
    assert [card.id for card in asker.client.models.list()] == [MODEL]


def test_the_first_request_waits_and_is_answered(asker: Asker) -> None:
    assert asker.chat(MODEL).usage.completion_tokens == 12
    assert [entry["completion"] for entry in asker.stage.ledger(asker.trial)] == [12]


def test_it_goes_down_again_and_can_be_asked_again(asker: Asker) -> None:
    until(lambda: not asker.stage.running(MODEL))
    assert asker.chat(MODEL, stream=True).response.status_code == 200
    until(lambda: not asker.stage.running(MODEL))
