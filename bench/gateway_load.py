"""Clients of a model, as a process of their own: python -m bench.gateway_load < ORDER > MEASURED, both JSON.

Each client sends its requests one after the other on one connection, and looks whether each answer is whole.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast

import numpy as np
import uvloop
from pydantic import BaseModel

WORDS = "data frame model train test score feature column fit predict submission csv id target fold seed".split()  # noqa: SIM905


class Order(BaseModel):
    """What is asked of the clients."""

    port: int
    path: str
    stream: bool
    clients: int
    requests: int
    keys: int
    """The clients take turns with so many trials' keys."""
    events: int
    """How many events a stream has, `[DONE]` included."""


class Measured(BaseModel):
    """What they saw."""

    p50_ms: float
    p99_ms: float
    first_p50_ms: float
    """Until the first byte."""
    first_p99_ms: float
    per_second: float
    wrong: int
    """Answers that were not whole."""


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._came = b""
        self._answer: asyncio.Future[bytes] | None = None
        self.first = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    async def ask(self, request: bytes) -> bytes:
        """The whole answer, head included."""
        self._came, self.first = b"", 0.0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        if not self.first:
            self.first = time.perf_counter()
        self._came += data
        if self._answer is None or self._answer.done() or b"\r\n\r\n" not in self._came:
            return
        head, _, body = self._came.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if self._came.endswith(b"0\r\n\r\n") if not length else len(body) >= int(length):
            self._answer.set_result(self._came)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._came)

    def close(self) -> None:
        self._transport.close()


def request(order: Order, number: int) -> bytes:
    """An agent's prompt of about 140 tokens."""
    text = " ".join(WORDS[(number * 7 + place * 3) % len(WORDS)] for place in range(120))
    messages = [{"role": "system", "content": "You are a Kaggle grandmaster."}, {"role": "user", "content": text}]
    asked = {"model": "stub", "messages": messages, "max_tokens": 64, "temperature": 0.7, "stream": order.stream}
    body = json.dumps(asked).encode()
    lines = [f"POST {order.path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"Authorization: Bearer key-{number % order.keys}", f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def right(order: Order, answer: bytes) -> bool:
    if not answer.startswith(b"HTTP/1.1 200"):
        return False
    if not order.stream:
        return answer.count(b" word") == 64 and b'"completion_tokens":64' in answer
    return answer.count(b"data: ") == order.events and b"data: [DONE]\n\n" in answer


async def measure(order: Order) -> Measured:
    """Send all requests."""
    waiting = iter([request(order, number) for number in range(order.requests)])
    times: list[float] = []
    firsts: list[float] = []
    wrong = 0

    async def client() -> None:
        nonlocal wrong
        _, mine = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", order.port)
        for sent in waiting:
            began = time.perf_counter()
            answer = await mine.ask(sent)
            times.append(time.perf_counter() - began)
            firsts.append(mine.first - began)
            wrong += not right(order, answer)
        mine.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(order.clients)))
    seconds = time.perf_counter() - began
    p50, p99 = np.percentile(times, [50, 99]) * 1e3
    first50, first99 = np.percentile(firsts, [50, 99]) * 1e3
    return Measured(
        p50_ms=p50, p99_ms=p99, first_p50_ms=first50, first_p99_ms=first99, per_second=len(times) / seconds, wrong=wrong
    )


if __name__ == "__main__":
    print(uvloop.run(measure(Order.model_validate_json(sys.stdin.read()))).model_dump_json())
