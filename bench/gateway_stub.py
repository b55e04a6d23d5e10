"""An endpoint that costs next to nothing: python -m bench.gateway_stub PORT PAUSE_MS

Answers chat completions from ready-made bytes in vLLM's form, whole or as a stream of 66 events: 64 with a token each,
the usage, `[DONE]`. With a pause each event is written by itself, else all at once. Running usage comes if asked for.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, cast

import uvloop

TOKENS, PROMPT = 64, 140
HEAD = {"id": "chatcmpl-f04f2b1b-a732-4623-a4fc-cf7d113bed35", "created": 1790000000, "model": "stub"}


def _usage(count: int) -> dict[str, int]:
    return {"prompt_tokens": PROMPT, "total_tokens": PROMPT + count, "completion_tokens": count}


def _event(said: Any) -> bytes:
    data = b"data: " + json.dumps(said, separators=(",", ":")).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


def _stream(running: bool) -> list[bytes]:
    events = []
    for count in range(1, TOKENS + 1):
        choice = {"index": 0, "delta": {"content": " word"}, "logprobs": None}
        choice["finish_reason"] = "length" if count == TOKENS else None
        told = {"usage": _usage(count)} if running else {}
        events.append(_event({**HEAD, "object": "chat.completion.chunk", "choices": [choice], **told}))
    events.append(_event({**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": _usage(TOKENS)}))
    return [*events, b"e\r\ndata: [DONE]\n\n\r\n", b"0\r\n\r\n"]


STREAMS = {running: _stream(running) for running in (True, False)}
MESSAGE = {"role": "assistant", "content": " word" * TOKENS, "tool_calls": []}
WHOLE = json.dumps(
    {
        **HEAD,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "length"}],
        "usage": _usage(TOKENS),
        "prompt_logprobs": None,
    },
    separators=(",", ":"),
).encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE)
OPENING = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"


class Stub(asyncio.Protocol):
    """One connection."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._came = b""
        self._sending: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, mark, body = self._came.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if not mark or len(body) < length:
            return
        self._came = b""
        if b'"stream": true' not in body and b'"stream":true' not in body:
            self._transport.write(ANSWER)
            return
        events = STREAMS[b"continuous_usage_stats" in body]
        if self._pause:
            self._sending = asyncio.ensure_future(self._send(events))
        else:
            self._transport.write(OPENING + b"".join(events))

    async def _send(self, events: list[bytes]) -> None:
        self._transport.write(OPENING)
        for event in events:
            self._transport.write(event)
            await asyncio.sleep(self._pause)


async def main(port: int, pause: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Stub(pause), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2]) / 1e3))
