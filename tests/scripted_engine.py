"""An endpoint that speaks as vLLM's own server does, its faults included, by a script: the next turn for every request.

engine = Engine(dead_engine, good)              # the first request fails, every later one is answered
async with engine.serving() as address: ...     # http://127.0.0.1:PORT
engine.seen[0].body["stream_options"]
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

PROMPT, CACHED = 7, 4
"""Tokens of every prompt, and of those the cached ones."""
WORDS = ("One", " two", " three")
DONE = b"data: [DONE]\n\n"
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1790000000, "model": "m"}


@dataclass(frozen=True)
class Seen:
    """A request that came; names of headers in lower case."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


class Engine:
    """A scripted endpoint. The last turn answers everything that comes after it; without any turn all is `good`."""

    def __init__(self, *turns: Turn) -> None:
        self.turns = list(turns) or [good]
        self.seen: list[Seen] = []
        self.asked, self.left = asyncio.Event(), asyncio.Event()
        """Set when a first request has come, and when a client goes before its answer's end."""

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Its address, `http://127.0.0.1:PORT`."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(Seen(request.path, headers, body))
        self.asked.set()
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        try:
            return await turn(request, body)
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise


Turn = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


def event(chunk: Mapping[str, Any]) -> bytes:
    """As vLLM writes it: compact, the usage after the choices."""
    return b"data: " + json.dumps(chunk, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def usage(completion: int, *, last: bool = False) -> dict[str, Any]:
    said: dict[str, Any] = {
        "prompt_tokens": PROMPT,
        "total_tokens": PROMPT + completion,
        "completion_tokens": completion,
    }
    return {**said, "prompt_tokens_details": {"cached_tokens": CACHED}} if last else said


def chunks(body: Mapping[str, Any], deltas: Sequence[Mapping[str, Any]], reason: str = "stop") -> list[bytes]:
    """The events of a stream without `[DONE]`: each delta for each choice, then reasons, then the usage if asked."""
    options = body.get("stream_options") or {}
    running = bool(options.get("continuous_usage_stats"))
    choices = range(body.get("n") or 1)
    events = [
        _chunk(place, delta, None, count if running else None)
        for count, delta in enumerate([{"role": "assistant", "content": ""}, *deltas])
        for place in choices
    ]
    events += [_chunk(place, {}, reason, len(deltas) if running else None) for place in choices]
    if options.get("include_usage"):
        events.append(event({**HEAD, "choices": [], "usage": usage(len(deltas) * len(choices), last=True)}))
    return events


def _chunk(place: int, delta: Mapping[str, Any], reason: str | None, count: int | None) -> bytes:
    choice: dict[str, Any] = {"index": place, "delta": delta, "logprobs": None, "finish_reason": reason}
    if delta.get("content"):
        choice["logprobs"] = {"content": [{"token": delta["content"], "logprob": -0.5, "bytes": None}]}
    told = {} if count is None else {"usage": usage(count)}
    return event({**HEAD, "choices": [choice], **told})


async def stream(
    request: web.Request, events: Sequence[bytes], *, pause: float = 0.0, cut: bool = False
) -> web.StreamResponse:
    """Send events one by one; `cut`: the connection then breaks, without the end of the answer."""
    answer = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
    await answer.prepare(request)
    for each in events:
        await answer.write(each)
        await asyncio.sleep(pause)
    if cut and request.transport is not None:
        request.transport.abort()
    else:
        await answer.write_eof()
    return answer


def saying(*words: str) -> Turn:
    """Answers with these words, a token each, whole or streamed."""

    async def turn(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if body.get("stream"):
            return await stream(request, [*chunks(body, [{"content": word} for word in words]), DONE])
        message = {"role": "assistant", "content": "".join(words), "refusal": None, "tool_calls": [], "reasoning": None}
        choices = [
            {"index": place, "message": message, "logprobs": None, "finish_reason": "stop", "stop_reason": None}
            for place in range(body.get("n") or 1)
        ]
        said = {**HEAD, "object": "chat.completion", "choices": choices, "system_fingerprint": None}
        told = {"usage": usage(len(words) * len(choices), last=True), "prompt_logprobs": None, "prompt_token_ids": None}
        return _json({**said, **told})

    return turn


good = saying(*WORDS)


def calling(*pieces: str) -> Turn:
    """Streams a tool call whose arguments come in these pieces."""

    async def turn(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        first = {"id": "call-1", "type": "function", "index": 0, "function": {"name": "f", "arguments": ""}}
        deltas: list[dict[str, Any]] = [{"tool_calls": [first]}]
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces]
        return await stream(request, [*chunks(body, deltas, "tool_calls"), DONE])

    return turn


def refusing(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Turn:
    """Answers with a status and JSON, or a text."""

    async def turn(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        if isinstance(body, str):
            return web.Response(text=body, status=status, headers=headers)
        return _json(body, status, headers)

    return turn


DEATH = {
    "error": {
        "message": "EngineCore encountered an issue. See stack trace (above) for the root cause.",
        "type": "InternalServerError",
        "param": None,
        "code": 500,
    }
}
dead_engine = refusing(500, DEATH)


async def dying_at_once(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """A stream whose first event is the engine's death, with `[DONE]` after it."""
    return await stream(request, [event(DEATH), DONE])


def dying_after(number: int) -> Turn:
    """A stream of `number` events, then the engine's death and `[DONE]`."""

    async def turn(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        events = chunks(body, [{"content": word} for word in WORDS])
        return await stream(request, [*events[:number], event(DEATH), DONE], pause=0.01)

    return turn


def ending_after(number: int, *, cut: bool = False) -> Turn:
    """A stream that ends after `number` events as if all were well, or breaks: a killed replica."""

    async def turn(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        events = chunks(body, [{"content": word} for word in WORDS])
        return await stream(request, events[:number], pause=0.01, cut=cut)

    return turn


async def endless(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Streams until the client goes."""
    return await stream(request, chunks(body, [{"content": "x"}] * 100_000), pause=0.001)


async def silent(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Does not answer until the client goes."""
    await asyncio.Event().wait()
    raise AssertionError


def after(release: asyncio.Event, turn: Turn) -> Turn:
    """Waits, then does as `turn`: a slow first byte."""

    async def waiting(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        await release.wait()
        return await turn(request, body)

    return waiting


def _json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    data = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return web.Response(body=data, status=status, content_type="application/json", headers=headers)
