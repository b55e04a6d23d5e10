"""The benches' clients: what they count, and that an answer which is not whole is no answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from bench import load

USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 16}}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def event(text: str | None = None, finish: str | None = None, **more: object) -> bytes:
    choices = [] if more else [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]
    return b"data: " + json.dumps({"choices": choices, **more}).encode() + b"\n\n"


WHOLE = (event(""), event("a"), event("b"), event("c", "length"), event(usage=USAGE), b"data: [DONE]\n\n")


def streaming(parts: tuple[bytes, ...]) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response

    return answer


def asked(handler: Handler, clients: int = 1, requests: int = 1, *, stream: bool = True) -> load.Measured:
    """What the clients see of a server that answers so."""

    async def both() -> load.Measured:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
            prompts = load.digits(requests, 12)
            return await load.run(url, "k", "m", clients, requests, stream=stream, max_tokens=4, prompts=prompts)
        finally:
            await runner.cleanup()

    return asyncio.run(both())


def test_every_request_is_sent_once_with_a_prompt_of_its_own() -> None:
    seen: list[dict[str, object]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(await request.json())
        return web.json_response({"choices": [], "usage": USAGE})

    found = asked(answer, 8, 30, stream=False)
    assert (found.requests, found.answered, found.errors) == (30, 30, {})
    assert sorted(str(body["messages"]) for body in seen) == sorted(
        str([{"role": "user", "content": prompt}]) for prompt in load.digits(30, 12)
    )


def test_no_more_requests_are_under_way_than_there_are_clients() -> None:
    now, most = 0, 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await request.read()
        await asyncio.sleep(0)
        now -= 1
        return web.json_response({"choices": [], "usage": USAGE})

    asked(answer, 3, 40, stream=False)
    assert 1 <= most <= 3


def test_tokens_are_those_that_the_endpoint_counts() -> None:
    found = asked(streaming(WHOLE), 2, 6)
    assert (found.prompt_tokens, found.cached_tokens, found.completion_tokens) == (120, 96, 24)


def test_a_streams_first_token_is_its_first_text() -> None:
    stream = load.Stream()
    stream.feed(event(""), 1.0)
    stream.feed(event("a")[:-9], 2.0)
    assert stream.first is None
    stream.feed(event("a")[-9:], 3.0)
    stream.feed(event("b"), 4.0)
    assert stream.first == 3.0


def test_a_long_streams_usage_is_found_at_its_end() -> None:
    stream = load.Stream()
    for part in (event("a"), *[event("word " * 20)] * 500, *WHOLE[3:]):
        stream.feed(part, 0.0)
    assert stream.usage() == USAGE


def test_only_streams_have_a_first_token() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"choices": [], "usage": USAGE})

    assert asked(answer, stream=False).ttft_p50_ms is None
    assert asked(streaming(WHOLE)).ttft_p50_ms is not None


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (WHOLE[:-1], "the stream broke off"),
        (WHOLE[:3], "the stream broke off"),
        ((*WHOLE[:3], b'data: {"error": {"message": "dead"}}\n\n', WHOLE[-1]), "in the stream: dead"),
        ((*WHOLE[:4], WHOLE[-1]), "an answer without usage"),
    ],
)
def test_a_stream_that_is_not_whole_is_an_error(parts: tuple[bytes, ...], words: str) -> None:
    found = asked(streaming(parts))
    assert (found.answered, found.errors, found.completion_tokens) == (0, {words: 1}, 0)


def test_refusals_are_listed_by_what_they_say() -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "No key."}}, status=401)

    assert asked(refuse, 2, 5).errors == {"401: No key.": 5}


def test_a_refusal_that_is_no_json_keeps_its_status() -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(text="not now", status=503)

    assert asked(refuse).errors == {"503: not now": 1}


def test_prompts_begin_differently_and_are_the_same_every_time() -> None:
    prompts = load.digits(100, 40)
    assert prompts == load.digits(100, 40)
    assert len({prompt[:10] for prompt in prompts}) == 100
    assert {len(prompt) for prompt in prompts} == {40}
