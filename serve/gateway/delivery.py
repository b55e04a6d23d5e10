"""An endpoint's answer on its way to the client: whole, or event by event, and held back until it is one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

import aiohttp

from serve.gateway.asked import Asked
from serve.gateway.attempt import broken, judged_event, whole
from serve.gateway.patience import Death, Fault
from serve.gateway.stream import DONE, EventTooLarge, StreamMeter
from serve.gateway.upstream import Upstream
from serve.gateway.usage import Usage, usage_of_body
from serve.refusal import Refusal, error_message
from serve.tapes.tape import Answer

EVENTS = "text/event-stream"
DRAIN_SECONDS = 1.0
"""How long the end of an answer is waited for after its last event, so that its connection can be used again."""

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]


class Delivery:
    """One answer of one endpoint.

    `book(status, usage)` is called before the client can know that the answer is complete; `keep` (or None) gets a
    complete answer as it came; `headers` are added to those of the answer.
    """

    def __init__(
        self,
        answer: aiohttp.ClientResponse,
        upstream: Upstream,
        asked: Asked,
        *,
        book: Callable[[int, Usage], None],
        keep: Callable[[Answer], Awaitable[None]] | None,
        headers: list[Header],
    ) -> None:
        self._answer, self._upstream, self._asked = answer, upstream, asked
        self._book, self._keep, self._headers = book, keep, headers
        self._streams = answer.content_type == EVENTS
        self._meter = StreamMeter(asked, running=upstream.running)
        self._came: list[bytes] = []
        self.first = 0.0
        """When the first of it came, by `time.perf_counter`; 0: not yet."""

    def used(self) -> Usage:
        """What the engine has used so far, as it says, else estimated."""
        return self._meter.usage()

    async def run(self, send: Send) -> None:
        """Copy it. Raises Fault, Refusal while the client has seen nothing, and then only."""
        if self._streams:
            await self._stream(send)
        else:
            await self._whole(send)

    async def _whole(self, send: Send) -> None:
        body = await whole(self._answer, self._upstream)
        self.first = time.perf_counter()
        usage = usage_of_body(body, self._asked.estimate)
        kind = self._answer.headers.get("content-type", "application/json")
        await self._kept(kind, body, usage)
        self._book(200, usage)
        await send_whole(send, 200, body, kind, self._headers)

    async def _stream(self, send: Send) -> None:
        meter, out = self._meter, b""
        while not out:
            out = await self._next()
            if meter.error is not None:
                raise judged_event(self._upstream, meter.error)
            if meter.done and not meter.complete:
                raise self._end_too_soon()
        self.first = time.perf_counter()
        await send(stream_start(self._headers))
        said = ""
        while not meter.done and meter.error is None:
            await send({"type": "http.response.body", "body": out, "more_body": True})
            try:
                out = await self._next()
            except Fault as fault:
                out, said = b"", fault.refusal.message
                break
            except Refusal as refusal:
                out, said = b"", refusal.message
                break
        if meter.complete:
            await self._end(out, send)
        else:
            await self._break_off(out, said, send)

    async def _next(self) -> bytes:
        """What the next bytes give the client. Raises Fault, Refusal, also where there are no more."""
        try:
            data = await self._answer.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise broken(self._upstream, error) from None
        if not data:
            raise self._end_too_soon()
        if self._keep is not None:
            self._came.append(data)
        try:
            return self._meter.feed(data)
        except EventTooLarge:
            raise Refusal(502, f"An event of {self._upstream.name} is too large.", "answer_too_large") from None

    async def _end(self, out: bytes, send: Send) -> None:
        """The last of a complete stream; its connection is then free again."""
        try:
            await self._kept(EVENTS, b"".join(self._came), self._meter.usage())
        except Refusal as refusal:
            await self._break_off(out, refusal.message, send)
            return
        self._book(200, self._meter.usage())
        if not self._answer.content.at_eof():
            await send({"type": "http.response.body", "body": out + DONE, "more_body": True})
            out = b""
            with suppress(aiohttp.ClientError, OSError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._answer.content.read()
            await send({"type": "http.response.body", "body": b""})
            return
        await send({"type": "http.response.body", "body": out + DONE})

    async def _kept(self, kind: str, body: bytes, usage: Usage) -> None:
        """Let a complete answer be recorded. Raises Refusal where that fails; what it used is booked all the same."""
        if self._keep is None:
            return
        by = "" if self._upstream.name == self._asked.model else self._upstream.name
        try:
            await self._keep(Answer(status=200, content_type=kind, body=body, by=by))
        except Refusal as refusal:
            self._book(refusal.status, usage)
            raise

    async def _break_off(self, out: bytes, said: str, send: Send) -> None:
        """An error event in OpenAI's shape and then no end: the server closes the connection, and no client can take
        what came for an answer."""
        meter = self._meter
        self._book(502, meter.usage())
        if meter.error is not None:
            said = error_message(meter.error)
        refusal = Refusal(502, f"{self._upstream.name} broke off: {said or 'no end'}", "upstream_broke_off")
        event = b"data: " + refusal.body() + b"\n\n"
        await send({"type": "http.response.body", "body": out + event, "more_body": True})

    def _end_too_soon(self) -> Exception:
        refusal = Refusal(502, f"{self._upstream.name} ended its answer too soon.", "upstream_broke_off", retry_after=2)
        return refusal if self._upstream.outside else Fault(refusal, Death.BREAK)


async def replay(found: Answer, asked: Asked, headers: list[Header], send: Send) -> None:
    """Send a recorded answer as the model's own would have been."""
    if not found.content_type.startswith(EVENTS):
        await send_whole(send, found.status, found.body, found.content_type, headers)
        return
    meter = StreamMeter(asked, running=True)
    out = meter.feed(found.body)
    await send(stream_start(headers))
    await send({"type": "http.response.body", "body": out + DONE})


async def send_whole(send: Send, status: int, body: bytes, kind: str, headers: list[Header]) -> None:
    """An answer with its length."""
    own = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})


async def send_refusal(send: Send, refusal: Refusal, headers: list[Header]) -> None:
    more = [(name.encode(), value.encode()) for name, value in refusal.headers().items()]
    await send_whole(send, refusal.status, refusal.body(), "application/json", [*headers, *more])


def stream_start(headers: list[Header]) -> MutableMapping[str, Any]:
    own = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
    return {"type": "http.response.start", "status": 200, "headers": [*own, *headers]}
