"""Requests that are refused by gateway or engine: all in OpenAI's shape, with a code."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import openai
import pytest

from podium.errors import ContextOverflow
from serve.client.chat_client import ChatClient
from tests.vllm.stage import Asker, Stage

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

LONG = "word " * 3000


def refusal(ask: Callable[[], Any]) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        ask()
    return caught.value


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_prompt_that_does_not_fit_is_refused_with_the_limit(asker: Asker, stream: bool) -> None:
    error = refusal(lambda: asker.chat(text=LONG, stream=stream))
    assert (error.status_code, error.code) == (400, "context_length_exceeded")
    assert "2048" in error.message


def test_our_client_learns_the_limit_of_a_context(stage: Stage, models: None) -> None:
    key = stage.register(uuid.uuid4().hex, "tiny-qwen3")

    async def ask() -> None:
        async with ChatClient(stage.state.gateway, key, "tiny-qwen3") as client:
            await client.chat([{"role": "user", "content": LONG}])

    with pytest.raises(ContextOverflow) as caught:
        asyncio.run(ask())
    assert caught.value.limit == 2048


def test_more_tokens_than_the_context_has_are_refused(asker: Asker) -> None:
    error = refusal(lambda: asker.chat(max_tokens=100_000))
    assert (error.status_code, error.param) == (400, "max_tokens")
    assert "2048" in error.message


def test_an_unknown_role_is_refused(asker: Asker) -> None:
    messages: Any = [{"role": "zzz", "content": "Hello?"}]
    error = refusal(lambda: asker.client.chat.completions.create(model="tiny-qwen3", messages=messages))
    assert error.status_code == 400
    assert "messages[0].role" in error.message


def test_a_wrong_argument_is_refused_as_the_engine_says_it(asker: Asker) -> None:
    error = refusal(lambda: asker.chat(temperature=-1.0))
    assert error.status_code == 400
    assert "temperature" in error.message


def test_an_unknown_model_is_not_found(asker: Asker) -> None:
    error = refusal(lambda: asker.chat("tiny-qwen4"))
    assert (error.status_code, error.code) == (404, "model_not_found")
    assert "tiny-qwen3" in error.message


def test_a_model_that_was_not_granted_is_forbidden(stage: Stage, models: None) -> None:
    trial = uuid.uuid4().hex
    with stage.client(stage.register(trial, "tiny-qwen3")) as client:
        error = refusal(lambda: Asker(stage, trial, client).chat("caller"))
    assert (error.status_code, error.code) == (403, "model_not_allowed")


def test_a_revoked_key_is_shut_out(asker: Asker, stage: Stage) -> None:
    asker.chat()
    stage.revoke(asker.trial)
    error = refusal(asker.chat)
    assert (error.status_code, error.code) == (401, "invalid_api_key")


def test_over_the_budget_of_tokens_nothing_is_asked(stage: Stage, models: None) -> None:
    trial = uuid.uuid4().hex
    with stage.client(stage.register(trial, "tiny-qwen3", tokens=40)) as client:
        asker = Asker(stage, trial, client)
        asker.chat(max_tokens=40)
        error = refusal(asker.chat)
    assert (error.status_code, error.code) == (429, "insufficient_quota")
    assert len(asker.booked()) == 1


def test_a_model_without_embeddings_says_so(asker: Asker) -> None:
    error = refusal(lambda: asker.client.embeddings.create(model="tiny-qwen3", input="Hello?"))
    assert 400 <= error.status_code < 500
    assert isinstance(error.body, dict)
    assert error.body["message"]
