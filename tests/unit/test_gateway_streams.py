"""Streams through the gateway: the same bytes where nothing is to be changed, exact usage, clients that leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.scripted_engine import (
    CACHED,
    PROMPT,
    WORDS,
    Engine,
    after,
    calling,
    endless,
    good,
    refusing,
    saying,
    silent,
)
from tests.unit.gateway_scene import ASK, STREAM, Scene, events, provider_key, said, scene


def through(folder: Path, work: Callable[[Scene], Awaitable[Any]], *engines: Engine, **settings: Any) -> Any:
    async def run() -> Any:
        async with scene(folder, *(engines or (Engine(),)), **settings) as here:
            return await work(here)

    return asyncio.run(run())


async def both(here: Scene, body: Any = STREAM) -> Any:
    return (await here.ask(body))[1], here.used


def test_a_stream_comes_without_the_usage_that_was_not_asked_for(tmp_path: Path) -> None:
    engine = Engine()
    text, used = through(tmp_path, both, engine)
    assert engine.seen[0].body["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}
    assert [list(event) for event in events(text)] == [["id", "object", "created", "model", "choices"]] * 5
    assert (used.prompt, used.cached, used.completion, used.estimated) == (PROMPT, CACHED, 3, 0)


def test_the_last_usage_comes_where_it_was_asked_for(tmp_path: Path) -> None:
    text, _ = through(tmp_path, lambda here: both(here, {**STREAM, "stream_options": {"include_usage": True}}))
    told = [event for event in events(text) if "usage" in event]
    assert [event["choices"] for event in told] == [[]]
    assert told[0]["usage"]["completion_tokens"] == 3


def test_running_usage_comes_where_it_was_asked_for(tmp_path: Path) -> None:
    options = {"include_usage": True, "continuous_usage_stats": True}
    text, _ = through(tmp_path, lambda here: both(here, {**STREAM, "stream_options": options}))
    assert all("usage" in event for event in events(text))


@pytest.mark.parametrize(
    "word",
    [',"usage":{"prompt_tokens":1}}', '"finish_reason":"stop"', '{"error":{}}', "data: [DONE]", "\n\n", "ü€𝄞", "\\"],
)
def test_texts_that_look_like_the_protocol_arrive_as_they_were_said(tmp_path: Path, word: str) -> None:
    text, used = through(tmp_path, both, Engine(saying("a", word, "b")))
    assert said(text) == f"a{word}b"
    assert (used.completion, used.estimated) == (3, 0)


def test_several_choices_are_complete_when_each_has_ended(tmp_path: Path) -> None:
    text, used = through(tmp_path, lambda here: both(here, {**STREAM, "n": 2}))
    ended = [choice["index"] for event in events(text) for choice in event["choices"] if choice["finish_reason"]]
    assert (ended, used.completion, used.prompt) == ([0, 1], 6, PROMPT)


@pytest.mark.parametrize("pieces", [('{"a"', ": 1", "}"), ('{"a": ', "broken"), ('{"usage":{"prompt_tokens":9}}',)])
def test_tool_calls_arrive_in_their_pieces_also_malformed_ones(tmp_path: Path, pieces: tuple[str, ...]) -> None:
    async def work(here: Scene) -> Any:
        async with here.client() as client:
            stream = await client.chat.completions.create(**STREAM)  # type: ignore[call-overload]
            return [chunk async for chunk in stream]

    chunks = through(tmp_path, work, Engine(calling(*pieces)))
    calls = [chunk.choices[0].delta.tool_calls[0] for chunk in chunks if chunk.choices[0].delta.tool_calls]
    assert calls[0].function.name == "f"
    assert "".join(call.function.arguments for call in calls) == "".join(pieces)
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_logprobs_arrive(tmp_path: Path) -> None:
    text, _ = through(tmp_path, lambda here: both(here, {**STREAM, "logprobs": True}))
    tokens = [event["choices"][0]["logprobs"]["content"][0]["token"] for event in events(text)[1:4]]
    assert tokens == list(WORDS)


def test_a_slow_first_byte_is_waited_for(tmp_path: Path) -> None:
    async def run() -> Any:
        release = asyncio.Event()
        async with scene(tmp_path, Engine(after(release, good))) as here:
            asking = asyncio.ensure_future(here.ask(STREAM))
            await asyncio.sleep(0.05)
            release.set()
            return said((await asking)[1]), here.used.first_token_seconds

    text, seconds = asyncio.run(run())
    assert text == "One two three"
    assert seconds >= 0.04


def test_whole_answers_arrive_byte_for_byte(tmp_path: Path) -> None:
    answer = {"choices": [{"message": {"content": 'ü,"usage":{"prompt_tokens":99}'}}], "usage": {"prompt_tokens": 5}}
    got, used = through(tmp_path, lambda here: both(here, ASK), Engine(refusing(200, answer)))
    assert got == answer
    assert (used.prompt, used.completion) == (5, 0)


def test_an_endpoint_that_tells_no_usage_is_estimated_and_marked(tmp_path: Path) -> None:
    answer = {"choices": [{"message": {"content": "word " * 40}}]}
    _, used = through(tmp_path, lambda here: both(here, ASK), Engine(refusing(200, answer)))
    assert (used.estimated, used.requests) == (1, 1)
    assert used.completion >= 40


def test_a_providers_usage_in_the_chunk_that_ends_is_read_and_kept_for_who_asked(tmp_path: Path) -> None:
    told = {"prompt_tokens": 11, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 1}}
    chunk = {"choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}], "usage": told}
    text = f"data: {json.dumps(chunk)}\r\n\r\ndata: [DONE]\r\n\r\n"
    turn = refusing(200, text, {"content-type": "text/event-stream"})

    async def work(here: Scene) -> Any:
        body = {**STREAM, "model": "outside/x"}
        plain = (await here.ask(body))[1]
        asked = (await here.ask({**body, "stream_options": {"include_usage": True}}))[1]
        return events(plain), events(asked), here.used

    provider_key(tmp_path)
    plain, asked, used = through(tmp_path, work, Engine(turn))
    assert ("usage" in plain[0], asked[0]["usage"]) == (False, told)
    assert (used.prompt, used.completion, used.reasoning, used.estimated) == (22, 4, 2, 0)


async def leaving(here: Scene, engine: Engine, body: Any, chunks: int) -> Any:
    """Go after so many lines of an answer; gives the usage once the endpoint has noticed."""
    async with aiohttp.ClientSession(headers={"authorization": "Bearer key"}) as session:
        asking = asyncio.ensure_future(session.post(f"{here.address}/v1/chat/completions", json=body))
        if chunks:
            answer = await asking
            for _ in range(chunks):
                await answer.content.readline()
            answer.close()
        else:
            await engine.asked.wait()
            asking.cancel()
    async with asyncio.timeout(10):
        await engine.left.wait()
    return here.used


def test_a_client_that_leaves_a_stream_frees_the_engine_and_pays_what_it_made(tmp_path: Path) -> None:
    engine = Engine(endless)
    used = through(tmp_path, lambda here: leaving(here, engine, STREAM, 20), engine)
    assert (used.requests, used.prompt, used.estimated) == (1, PROMPT, 0)
    assert used.completion >= 8


def test_leaving_a_stream_of_two_choices_pays_for_both(tmp_path: Path) -> None:
    engine = Engine(endless)
    used = through(tmp_path, lambda here: leaving(here, engine, {**STREAM, "n": 2}, 40), engine)
    assert (used.prompt, used.estimated) == (PROMPT, 0)
    assert used.completion >= 16


@pytest.mark.parametrize("body", [ASK, STREAM])
def test_a_client_that_leaves_before_any_answer_frees_the_engine_and_pays_the_estimate(
    tmp_path: Path, body: Any
) -> None:
    engine = Engine(silent)
    used = through(tmp_path, lambda here: leaving(here, engine, body, 0), engine)
    assert (used.requests, used.estimated, used.completion) == (1, 1, 0)
    assert used.prompt > 0


def test_a_hundred_streams_at_once_are_each_exact(tmp_path: Path) -> None:
    async def work(here: Scene) -> Any:
        texts = await asyncio.gather(*(here.ask(STREAM) for _ in range(100)))
        return {said(text) for _, text, _ in texts}, here.used

    texts, used = through(tmp_path, work)
    assert texts == {"One two three"}
    assert (used.requests, used.prompt, used.completion) == (100, 100 * PROMPT, 300)
