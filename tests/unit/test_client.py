"""The chat client: whole answers, bounded retries, refusals that are final, and objects that fit a schema."""

from __future__ import annotations

import asyncio
import pickle
import time
from email.utils import format_datetime

import pytest

from podium.errors import BudgetSpent, ContextOverflow, InfrastructureFailure, ModelFailure, PodiumError, UnfitReply
from podium.records import Tokens, now
from serve.client.chat_client import ChatClient
from serve.client.retry import Bounds
from tests.unit.endpoint_script import USER, Script, refused, reply, said

SCHEMA = {"type": "object", "properties": {"good": {"type": "boolean"}}, "required": ["good"]}
VLLM_OVERFLOW = (
    "This model's maximum context length is 4096 tokens. However, you requested 0 output tokens and your prompt "
    "contains at least 4097 input tokens, for a total of at least 4097 tokens."
)


def test_an_answer_carries_text_tokens_and_what_the_endpoint_calls_itself() -> None:
    answer = Script(said("yes")).ask(seed=4, temperature=0.5)
    assert (answer.content, answer.prompt_tokens, answer.completion_tokens, answer.model) == ("yes", 3, 2, "m-1")
    assert answer.finish_reason == "stop"


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_that_is_told_apart_is_kept_apart(name: str) -> None:
    answer = Script(said("yes", **{name: "let me think"})).ask()
    assert (answer.content, answer.reasoning) == ("yes", "let me think")


def test_cached_and_reasoning_tokens_are_read_where_the_endpoint_counts_them() -> None:
    usage = (
        b'"usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, '
        b'"prompt_tokens_details": {"cached_tokens": 8}, "completion_tokens_details": {"reasoning_tokens": 3}}'
    )
    body = said("yes").split(b"\r\n\r\n", 1)[1]
    script = Script(reply(200, body[: body.index(b'"usage"')] + usage + b"}"))
    answer = script.ask()
    assert (answer.cached_tokens, answer.reasoning_tokens) == (8, 3)
    assert script.caller.tokens == Tokens(prompt=9, completion=4, cached=8, reasoning=3, requests=1)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_failure_that_may_pass_is_tried_again(status: int) -> None:
    script = Script(refused(status), refused(status), said("yes"))
    assert script.ask().content == "yes"
    assert len(script.seen) == 3


WHOLE = said("yes").split(b"\r\n\r\n", 1)[1]


@pytest.mark.parametrize(
    "cut",
    [
        b"",
        reply(200, WHOLE[:-20], length=len(WHOLE)),
        reply(200, WHOLE[:-20]),
        reply(200, b'{"object": "chat.completion", "choices": []}'),
        reply(200, b'{"choices": [{"index": 0, "message": null, "finish_reason": "stop"}]}'),
        reply(200, b"[1]"),
        reply(200, b"<html>", {"content-type": "text/html"}),
        said("ye", finish_reason=None),
        said("ye", finish_reason="abort"),
        refused(502, "m broke off", "upstream_broke_off"),
    ],
    ids=["nothing", "bytes", "json", "choice", "message", "list", "page", "reason", "abort", "gateway"],
)
def test_an_answer_that_is_not_whole_is_asked_for_again(cut: bytes) -> None:
    script = Script(cut, said("yes"))
    assert script.ask().content == "yes"
    assert len(script.seen) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 501])
def test_a_final_refusal_fails_at_once_with_what_was_said(status: int) -> None:
    script = Script(refused(status, "the reason"))
    with pytest.raises(ModelFailure, match="the reason"):
        script.ask()
    assert len(script.seen) == 1


def test_tries_of_a_request_that_fails_are_bounded_and_the_failure_is_not_the_agents() -> None:
    script = Script(refused(500, "always wrong"))
    with pytest.raises(InfrastructureFailure, match="3 tries: HTTP 500: always wrong"):
        script.ask(bounds={"tries": 3})
    assert len(script.seen) == 3


def test_waits_grow_twofold_and_are_drawn_from_the_whole_range_below() -> None:
    script = Script(refused(500))
    with pytest.raises(InfrastructureFailure):
        script.ask(bounds={"tries": 6, "base_delay": 0.5, "most_delay": 3})
    assert script.time.slept == [0.5, 1, 2, 3, 3]


def test_a_spent_budget_is_told_as_such_and_never_asked_for_again() -> None:
    script = Script(refused(429, "spent", "insufficient_quota", retry_after="1"))
    with pytest.raises(BudgetSpent):
        script.ask()
    assert len(script.seen) == 1


def test_a_rate_is_waited_out_as_long_as_is_said_and_is_no_failure() -> None:
    script = Script(*[refused(429, "slow down", "rate_limit_exceeded", retry_after="20")] * 9, said("yes"))
    assert script.ask(bounds={"tries": 2, "base_delay": 0.5}).content == "yes"
    assert script.time.slept == [20.5] * 9
    assert script.caller.reasons == [], "a rate is the trial's own time"


def test_a_rate_may_be_said_as_a_date() -> None:
    date = format_datetime(now().replace(year=2031, hour=10, minute=0, second=9, microsecond=0), usegmt=True)
    today = date.replace("10:00:09", "10:00:00")
    script = Script(refused(429, "slow down", retry_after=date, date=today), said("yes"))
    script.ask(bounds={"base_delay": 0})
    assert script.time.slept == [9.0]


def test_a_rate_that_asks_for_more_than_there_is_time_fails_at_once() -> None:
    script = Script(refused(429, "tomorrow", retry_after="86400"))
    with pytest.raises(ModelFailure, match="tomorrow"):
        script.ask()
    assert script.time.slept == []


def test_a_silent_endpoint_ends_at_the_total_time() -> None:
    async def run() -> None:
        async with Script(None).up() as address, ChatClient(address, "k", "m", bounds=Bounds(seconds=0.3)) as client:
            await client.chat(USER)

    begun = time.monotonic()
    with pytest.raises(InfrastructureFailure):
        asyncio.run(run())
    assert time.monotonic() - begun < 10


def test_a_callers_end_of_time_is_its_spent_budget() -> None:
    script = Script(refused(500))
    script.caller.deadline = 1.0
    with pytest.raises(BudgetSpent, match="HTTP 500"):
        script.ask()


@pytest.mark.parametrize(
    ("status", "message", "code", "limit"),
    [
        (400, VLLM_OVERFLOW, "", 4096),
        (400, "too long", "context_length_exceeded", None),
        (400, "tiny: Input length (5000) exceeds model's maximum context length (4096).", "x", 4096),
    ],
)
def test_a_prompt_that_is_too_long_is_an_error_of_its_own_with_the_limit(
    status: int, message: str, code: str, limit: int | None
) -> None:
    script = Script(refused(status, message, code))
    with pytest.raises(ContextOverflow) as caught:
        script.ask(schema=SCHEMA)
    assert (caught.value.model, caught.value.limit, len(script.seen)) == ("m", limit, 1)


@pytest.mark.parametrize(
    "answer",
    [
        refused(400, VLLM_OVERFLOW),
        refused(429, "spent", "insufficient_quota"),
        refused(401, "stranger"),
        refused(500, "broken"),
        said("nothing that fits"),
    ],
    ids=["overflow", "quota", "key", "broken", "unfit"],
)
def test_every_error_survives_the_trip_between_two_actors(answer: bytes) -> None:
    with pytest.raises(PodiumError) as caught:
        Script(answer).ask(schema=SCHEMA)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy)) == (type(caught.value), str(caught.value))


def test_a_user_message_is_always_sent() -> None:
    script = Script(said("yes"))
    script.ask([{"role": "system", "content": "Be brief."}])
    assert [message["role"] for message in script.seen[0]["messages"]] == ["system", "user"]


def test_an_object_is_asked_for_by_response_format_and_read_from_any_text() -> None:
    script = Script(said('Well: {"bad": 1}\n```json\n{"good": true}\n``` so.'))
    assert script.ask(schema=SCHEMA).data == {"good": True}
    assert script.seen[0]["response_format"]["json_schema"]["schema"] == SCHEMA


def test_an_endpoint_without_response_format_is_asked_in_words() -> None:
    script = Script(refused(400, "response_format is not supported"), said('{"good": false}'))
    assert script.ask(schema=SCHEMA).data == {"good": False}
    assert "response_format" not in script.seen[1]
    assert "JSON object" in script.seen[1]["messages"][-1]["content"]


def test_an_unfit_object_is_asked_for_twice_more_and_all_tokens_count() -> None:
    script = Script(said("no object"), said('{"good": 3}'), said('{"good": true}'))
    answer = script.ask(schema=SCHEMA)
    assert (answer.data, answer.prompt_tokens) == ({"good": True}, 9)


def test_each_question_has_tries_of_its_own() -> None:
    script = Script(refused(500), said("no object"), refused(500), said('{"good": true}'))
    assert script.ask(schema=SCHEMA, bounds={"tries": 2}).data == {"good": True}


def test_an_object_that_never_fits_is_an_unfit_reply_and_its_tokens_are_told() -> None:
    script = Script(said('{"good": 3}'))
    with pytest.raises(UnfitReply, match="good"):
        script.ask(schema=SCHEMA)
    assert script.caller.tokens == Tokens(prompt=9, completion=6, requests=3)


def test_an_answer_that_leaves_no_room_to_ask_again_is_unfit_and_no_overflow() -> None:
    script = Script(said('{"summary": "' + "x" * 9000, finish_reason="length"), refused(400, VLLM_OVERFLOW))
    with pytest.raises(UnfitReply):
        script.ask(schema=SCHEMA)
    assert len(script.seen[1]["messages"][1]["content"]) == 2000
