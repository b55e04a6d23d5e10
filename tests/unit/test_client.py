"""The chat client: bounded retries, errors that are final, and objects that fit a schema."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response

from podium.errors import BudgetSpent, ModelFailure, UnfitReply
from serve.client import ChatAnswer, ChatClient
from tests.unit.serving import free_port, serving

SCHEMA = {"type": "object", "properties": {"good": {"type": "boolean"}}, "required": ["good"]}
USER = [{"role": "user", "content": "Is it good?"}]


def said(content: str) -> tuple[int, Any]:
    """A whole answer with that content."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    head = {"id": "1", "object": "chat.completion", "created": 0, "model": "m-1"}
    return 200, {**head, "choices": [choice], "usage": usage}


def refused(status: int, message: str = "no", code: str = "") -> tuple[int, Any]:
    return status, {"error": {"message": message, "type": code, "code": code}}


class Script:
    """An endpoint that gives scripted answers one after another (the last one for ever) and notes the requests."""

    def __init__(self, answers: Sequence[tuple[int, Any]]) -> None:
        self.answers, self.seen = list(answers), list[dict[str, Any]]()
        self.app = FastAPI()
        self.app.post("/v1/chat/completions")(self.chat)

    async def chat(self, request: Request) -> Response:
        self.seen.append(json.loads(await request.body()))
        status, body = self.answers[min(len(self.seen), len(self.answers)) - 1]
        return Response(json.dumps(body), status, media_type="application/json")

    def ask(self, messages: Sequence[dict[str, str]] = USER, tries: int = 4, **asked: Any) -> ChatAnswer:
        async def run() -> ChatAnswer:
            async with serving(self.app) as address:
                client = ChatClient(f"{address}/v1", "k", "m", tries=tries, base_delay=0.001, most_delay=0.002)
                async with client:
                    return await client.chat(messages, **asked)

        return asyncio.run(run())


def test_an_answer_carries_text_tokens_and_what_the_endpoint_calls_itself() -> None:
    answer = Script([said("yes")]).ask(seed=4, temperature=0.5)
    assert (answer.content, answer.prompt_tokens, answer.completion_tokens, answer.model) == ("yes", 3, 2, "m-1")


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_failure_that_may_pass_is_tried_again(status: int) -> None:
    script = Script([refused(status), refused(status), said("yes")])
    assert script.ask().content == "yes"
    assert len(script.seen) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_final_refusal_fails_at_once_with_what_was_said(status: int) -> None:
    script = Script([refused(status, "the reason")])
    with pytest.raises(ModelFailure, match="the reason"):
        script.ask()
    assert len(script.seen) == 1


def test_retries_are_bounded() -> None:
    script = Script([refused(503, "still down")])
    with pytest.raises(ModelFailure, match="still down"):
        script.ask(tries=3)
    assert len(script.seen) == 3


def test_a_spent_budget_is_told_as_such() -> None:
    with pytest.raises(BudgetSpent):
        Script([refused(429, "spent", "insufficient_quota")]).ask()


def test_a_dead_endpoint_raises_and_does_not_hang() -> None:
    async def run() -> None:
        client = ChatClient(f"http://127.0.0.1:{free_port()}/v1", "k", "m", tries=3, base_delay=0.001)
        async with client:
            await client.chat(USER)

    with pytest.raises(ModelFailure, match="3 tries"):
        asyncio.run(run())


def test_a_silent_endpoint_ends_at_the_total_time() -> None:
    async def run() -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, ChatClient(f"http://127.0.0.1:{port}/v1", "k", "m", seconds=0.3) as client:
            await client.chat(USER)

    begun = time.monotonic()
    with pytest.raises(ModelFailure):
        asyncio.run(run())
    assert time.monotonic() - begun < 10


def test_a_user_message_is_always_sent() -> None:
    script = Script([said("yes")])
    script.ask([{"role": "system", "content": "Be brief."}])
    assert [message["role"] for message in script.seen[0]["messages"]] == ["system", "user"]


def test_an_object_is_asked_for_by_response_format_and_read_from_any_text() -> None:
    script = Script([said('Well: {"bad": 1}\n```json\n{"good": true}\n``` so.')])
    assert script.ask(schema=SCHEMA).data == {"good": True}
    assert script.seen[0]["response_format"]["json_schema"]["schema"] == SCHEMA


def test_an_endpoint_without_response_format_is_asked_in_words() -> None:
    script = Script([refused(400, "response_format is not supported"), said('{"good": false}')])
    assert script.ask(schema=SCHEMA).data == {"good": False}
    assert "response_format" not in script.seen[1]
    assert "JSON object" in script.seen[1]["messages"][-1]["content"]


def test_an_unfit_object_is_asked_for_twice_more_and_all_tokens_count() -> None:
    script = Script([said("no object"), said('{"good": 3}'), said('{"good": true}')])
    answer = script.ask(schema=SCHEMA)
    assert (answer.data, answer.prompt_tokens) == ({"good": True}, 9)


def test_an_object_that_never_fits_is_an_unfit_reply() -> None:
    script = Script([said('{"good": 3}')])
    with pytest.raises(UnfitReply, match="good"):
        script.ask(schema=SCHEMA)
    assert len(script.seen) == 3
