"""Clients of a `/validate`, as a process of their own: python -m bench.validate_load < ORDER > MEASURED, both JSON.

Each client sends its requests one after the other and checks that the answer is the one to its own request.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import numpy as np
import uvloop
from pydantic import BaseModel

from bench.validate_data import Upload, upload

BOUNDARY = b"b0undary-0f-a-m3asurement"


class Order(BaseModel):
    """What is asked of the clients."""

    port: int
    rows: int
    clients: int
    first: int
    """Number of the first request; no number is sent twice, so that no two bodies are alike."""
    requests: int


class Measured(BaseModel):
    """What they saw."""

    p50_ms: float
    p99_ms: float
    per_second: float
    """Answers, right or wrong."""
    right_per_second: float
    wrong: int
    """Answers that are not those to their own request."""
    failed: int
    """Requests without a verdict."""
    client_cpu_ms: float
    """Of the clients themselves, for one request."""


class Client:
    """One connection at a time, opened again where the server closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        if head.startswith(b"http/1.0") or b"connection: close" in head:
            self.close()
        return int(head.split(None, 2)[1]), body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def request(asked: Upload) -> bytes:
    """The whole of an HTTP request."""
    head = (
        b'\r\nContent-Disposition: form-data; name="file"; filename="submission.csv"\r\nContent-Type: text/csv\r\n\r\n'
    )
    body = b"".join([b"--", BOUNDARY, head, asked.content, b"\r\n--", BOUNDARY, b"--\r\n"])
    kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}"
    lines = [f"POST /validate/{asked.task} HTTP/1.1", "Host: 127.0.0.1", kind, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def right(asked: Upload, body: bytes) -> bool:
    """Whether the answer is the one to this request."""
    result = str(json.loads(body)["result"])
    return result.startswith("Submission is valid." if asked.valid else "Submission invalid!") and asked.words in result


async def measure(order: Order) -> Measured:
    """Send all requests."""
    uploads = [upload(order.first + number, order.rows) for number in range(order.requests)]
    waiting = iter([(asked, request(asked)) for asked in uploads])
    times: list[float] = []
    wrong = failed = 0

    async def client() -> None:
        nonlocal wrong, failed
        mine = Client(order.port)
        for asked, sent in waiting:
            began = time.perf_counter()
            try:
                status, body = await mine.ask(sent)
            except (OSError, asyncio.IncompleteReadError):
                mine.close()
                failed += 1
                continue
            times.append(time.perf_counter() - began)
            if status != 200:
                failed += 1
            elif not right(asked, body):
                wrong += 1
        mine.close()

    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(order.clients)))
    seconds, used = time.perf_counter() - began, time.process_time() - used
    return Measured(
        p50_ms=float(np.percentile(times, 50)) * 1e3,
        p99_ms=float(np.percentile(times, 99)) * 1e3,
        per_second=order.requests / seconds,
        right_per_second=(order.requests - wrong - failed) / seconds,
        wrong=wrong,
        failed=failed,
        client_cpu_ms=used / order.requests * 1e3,
    )


if __name__ == "__main__":
    print(uvloop.run(measure(Order.model_validate_json(sys.stdin.read()))).model_dump_json())
