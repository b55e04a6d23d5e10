"""One request's answer, copied from a model's endpoint to the client while both stay; what it used is booked."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from fastapi import Response

from serve.keys import Grant, Keyring, Usage
from serve.refusal import Refusal, error_message
from serve.upstream import Upstream
from serve.usage import EventTooLarge, StreamMeter, estimate_tokens, usage_of_body

MAX_ANSWER = 64 << 20
"""Most bytes of a whole answer."""
RETRY_AFTER = 2
"""Seconds after which a client is told to try again."""

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Relay(Response):
    """One request's answer, copied from upstream to the client while both stay."""

    def __init__(
        self, session: aiohttp.ClientSession, keyring: Keyring, grant: Grant, upstream: Upstream, asked: dict[str, Any]
    ) -> None:
        super().__init__()
        self._session, self._keyring, self._grant, self._upstream = session, keyring, grant, upstream
        self._asked = asked
        self._estimate = estimate_tokens(asked["messages"])
        self._used: Usage | None = Usage(prompt=self._estimate, estimated=True)
        keyring.reserve(grant, self._estimate)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        copying = asyncio.ensure_future(self._copy(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((copying, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (copying, leaving):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await copying

    async def _copy(self, send: Send) -> None:
        try:
            async with self._open() as answer:
                if answer.content_type == "text/event-stream":
                    await self._stream(answer, send)
                    return
                body = await _whole(answer)
                self._used = usage_of_body(body, self._estimate)
                await _send(send, answer.status, body, {"content-type": "application/json"})
        except Refusal as refusal:
            await _send(send, refusal.status, refusal.body(), {"content-type": "application/json", **refusal.headers()})
        finally:
            self._keyring.settle(self._grant, self._estimate, self._used)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[aiohttp.ClientResponse]:
        """The endpoint's answer, closed at the end. Raises Refusal where it is none, and then nothing is booked."""
        body = json.dumps(self._upstream.request(self._asked)).encode()
        try:
            answer = await self._session.post(self._upstream.url, data=io.BytesIO(body), headers=self._upstream.headers)
        except (aiohttp.ClientError, OSError) as error:
            self._used = None
            raise _unreachable(self._upstream, error) from None
        try:
            if answer.status >= 400:
                self._used = None
                raise _refused(self._upstream, answer.status, await answer.content.read(1 << 16))
            yield answer
        finally:
            answer.close()

    async def _stream(self, answer: aiohttp.ClientResponse, send: Send) -> None:
        asked = self._asked.get("stream_options") or {}
        meter = StreamMeter(self._estimate, bool(asked.get("include_usage")))
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            last = await self._events(answer, meter, send)
            await send({"type": "http.response.body", "body": last})
        finally:
            self._used = meter.usage()

    async def _events(self, answer: aiohttp.ClientResponse, meter: StreamMeter, send: Send) -> bytes:
        """Pass the events on as they come; gives the last bytes: the stream's own, or an error event."""
        try:
            async for data in answer.content.iter_any():
                for event in meter.feed(data):
                    await send({"type": "http.response.body", "body": event, "more_body": True})
        except (aiohttp.ClientError, OSError, EventTooLarge) as error:
            said = Refusal(502, f"{self._upstream.who} broke off: {type(error).__name__}.", "upstream_broke_off")
            return b"data: " + said.body() + b"\n\n"
        return meter.end()


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """The body of an answer. Raises Refusal (502) when it is too large or breaks off."""
    body = bytearray()
    try:
        async for part in answer.content.iter_any():
            body += part
            if len(body) > MAX_ANSWER:
                raise Refusal(502, f"The answer is larger than {MAX_ANSWER} bytes.", "answer_too_large")
    except (aiohttp.ClientError, OSError) as error:
        raise Refusal(502, f"The answer broke off: {error}", "upstream_broke_off", retry_after=RETRY_AFTER) from None
    return bytes(body)


async def _left(receive: Receive) -> None:
    """Returns when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


def _unreachable(upstream: Upstream, error: BaseException) -> Refusal:
    if isinstance(error, aiohttp.ClientConnectorError | ConnectionRefusedError):
        return Refusal(503, f"{upstream.who} cannot be reached: {error}", "upstream_down", retry_after=RETRY_AFTER)
    name = type(error).__name__
    return Refusal(502, f"{upstream.who} did not answer: {name}", "upstream_broke_off", retry_after=RETRY_AFTER)


def _refused(upstream: Upstream, status: int, body: bytes) -> Refusal:
    """An endpoint's own refusal in one form, whatever it called `error`, `detail` or `code`."""
    later = RETRY_AFTER if status in (429, 500, 502, 503, 504) else 0
    return Refusal(status, f"{upstream.who}: {error_message(body)}", "upstream_refused", retry_after=later)
