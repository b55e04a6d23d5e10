"""A chat endpoint that answers by script, a clock that only sleeping moves, and a caller that notes what it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

from podium.records import Tokens
from serve.client.answer import ChatAnswer
from serve.client.chat_client import ChatClient
from serve.client.retry import Bounds

USER = [{"role": "user", "content": "Is it good?"}]
HEAD = {"id": "1", "created": 0, "model": "m-1"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


class Time:
    """A clock whose `sleep` moves it at once, and notes how far."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, list[float]()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Longest(Random):
    """Always the longest wait."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Notebook:
    """A caller with a clock of its own that stands still while the endpoint is away."""

    def __init__(self, time: Time, seconds: float = float("inf")) -> None:
        self.time, self.deadline = time, seconds
        self.tokens = Tokens()
        self.reasons, self.waits = list[str](), list[float]()
        self.since: float | None = None

    def seconds_left(self) -> float:
        return self.deadline - (self.time.now if self.since is None else self.since)

    def away(self, reason: str) -> None:
        assert self.since is None
        self.reasons.append(reason)
        self.since = self.time.now

    def back(self, seconds_ago: float) -> None:
        assert self.since is not None
        waited = self.time.now - seconds_ago - self.since
        self.waits.append(waited)
        self.deadline += waited
        self.since = None

    def used(self, tokens: Tokens) -> None:
        self.tokens += tokens


def reply(status: int, body: bytes, headers: Mapping[str, str] | None = None, length: int | None = None) -> bytes:
    """An HTTP answer that ends its connection; with a `length` that is not the body's it breaks off."""
    fields = {"content-type": "application/json", "content-length": str(length or len(body)), "connection": "close"}
    lines = [f"{name}: {value}" for name, value in {**fields, **(headers or {})}.items()]
    return "\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode() + body


def said(content: str, finish_reason: str | None = "stop", **message: Any) -> bytes:
    """A whole answer with that content."""
    spoken = {"role": "assistant", "content": content, **message}
    choice = {"index": 0, "finish_reason": finish_reason, "message": spoken}
    whole = {**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}
    return reply(200, json.dumps(whole).encode())


def refused(status: int, message: str = "no", code: str = "", **headers: str) -> bytes:
    """OpenAI's error object."""
    error = {"error": {"message": message, "type": code, "param": None, "code": code}}
    return reply(status, json.dumps(error).encode(), {name.replace("_", "-"): value for name, value in headers.items()})


def chunk(delta: Mapping[str, Any] | None, finish_reason: str | None = None, **more: Any) -> bytes:
    """One event of a stream; without a delta it has no choice."""
    choices = [] if delta is None else [{"index": 0, "delta": dict(delta), "finish_reason": finish_reason}]
    return event({**HEAD, "object": "chat.completion.chunk", "choices": choices, **more})


def event(content: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(content).encode() + b"\n\n"


def streamed(*events: bytes, length: int | None = None) -> bytes:
    """An answer in events."""
    return reply(200, b"".join(events), {"content-type": "text/event-stream"}, length)


class Script:
    """An endpoint that gives scripted answers one after another (the last one for ever) and notes the requests.

    Each answer ends its connection, so what is cut is cut; an empty one is a connection that is closed at once, and
    None one on which nothing is said.
    """

    def __init__(self, *answers: bytes | None) -> None:
        self.answers, self.seen = answers, list[dict[str, Any]]()
        self.connections = set[asyncio.Task[None] | None]()
        self.time = Time()
        self.caller = Notebook(self.time)

    @asynccontextmanager
    async def up(self) -> AsyncIterator[str]:
        """Its base URL."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        try:
            async with server:
                yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            await asyncio.gather(*filter(None, self.connections))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.decode().lower().split("\r\n") if line.startswith("content-length"))
        self.seen.append(json.loads(await reader.readexactly(int(length.split(":")[1]))))
        answer = self.answers[min(len(self.seen), len(self.answers)) - 1]
        if answer is None:
            await reader.read()
        writer.write(answer or b"")
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def ask(
        self,
        messages: Sequence[Mapping[str, str]] = USER,
        bounds: Mapping[str, Any] | None = None,
        stream: bool = False,
        **asked: Any,
    ) -> ChatAnswer:
        """Ask it once, on its own time."""

        async def run() -> ChatAnswer:
            async with self.up() as address:
                client = ChatClient(
                    address,
                    "k",
                    "m",
                    bounds=Bounds(**(bounds or {})),
                    stream=stream,
                    random=Longest(),
                    clock=self.time,
                    sleep=self.time.sleep,
                )
                async with client:
                    return await client.chat(messages, caller=self.caller, **asked)

        return asyncio.run(run())
