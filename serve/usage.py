"""What a request used, read from the answer's body or from its stream, also when the stream is cut."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from serve.chat import message_text
from serve.keys import Usage

MAX_EVENT = 8 << 20
"""Most bytes of one event of a stream."""


class EventTooLarge(Exception):
    """A stream sent more than MAX_EVENT bytes without the end of an event."""


def estimate_tokens(messages: Iterable[dict[str, Any]]) -> int:
    """About how many tokens a prompt has: a fourth of its characters, and four a message."""
    return sum(4 + len(message_text(message)) // 4 for message in messages)


def usage_of(said: object) -> Usage | None:
    """The usage in a decoded answer or chunk; None where it holds none."""
    usage = said.get("usage") if isinstance(said, dict) else None
    if not isinstance(usage, dict):
        return None
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    prompt, completion = (max(0, count) if isinstance(count, int) else 0 for count in counts)
    return Usage(prompt=prompt, completion=completion)


def usage_of_body(body: bytes, prompt_estimate: int) -> Usage:
    """The usage of a whole answer; estimated from its text where it says nothing."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    return usage_of(said) or Usage(prompt=prompt_estimate, completion=len(body) // 4, estimated=True)


class StreamMeter:
    """Cuts a stream into its events, keeps the latest usage, and drops what the client did not ask for."""

    def __init__(self, prompt_estimate: int, wants_usage: bool) -> None:
        self._prompt_estimate = prompt_estimate
        self._wants_usage = wants_usage
        self._rest = b""
        self._latest: Usage | None = None
        self._chunks = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The whole events in what has come so far, as bytes to pass on. Raises EventTooLarge."""
        *events, self._rest = (self._rest + data).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(self._rest) > MAX_EVENT:
            raise EventTooLarge
        for event in events:
            if self._keep(event):
                yield event + b"\n\n"

    def end(self) -> bytes:
        """What came after the last whole event."""
        return self._rest

    def usage(self) -> Usage:
        """The latest usage that was sent; without any, an estimate: one token a chunk of text."""
        return self._latest or Usage(prompt=self._prompt_estimate, completion=self._chunks, estimated=True)

    def _keep(self, event: bytes) -> bool:
        if not event.startswith(b"data: {"):
            return True
        try:
            chunk = json.loads(event[6:])
        except ValueError:
            return True
        usage = usage_of(chunk)
        self._latest = usage or self._latest
        only_usage = usage is not None and not chunk.get("choices")
        self._chunks += not only_usage
        return self._wants_usage or not only_usage
