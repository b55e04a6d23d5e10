"""A stream on its way to the client: cut into its events, its usage kept, what was not asked for dropped.

Most chunks are plain (one choice that goes on, usage at its end) and are seen through by looking at their bytes; a
chunk that is anything else is decoded.
"""

from __future__ import annotations

import json
import re
from typing import Any

from serve.gateway.asked import Asked
from serve.gateway.usage import KEY, Usage, read_usage, usage_of

MAX_EVENT = 8 << 20
"""Most bytes of one event."""
DONE = b"data: [DONE]\n\n"
RUNNING = re.compile(
    rb',"usage":(null|\{(?:"[a-z_]+":(?:\d+|null|\{[^{}]*\}),?)*\})((?:,"[a-z_]+":(?:null|"[^"\\]*"|-?[\d.]+))*\})\Z'
)
"""The usage of a chunk where only plain fields and the chunk's last brace follow: so it is the chunk's own."""


class EventTooLarge(Exception):
    """A stream sent more than MAX_EVENT bytes without the end of an event."""


class StreamMeter:
    """Reads one stream. `running`: the endpoint was asked for usage in every chunk."""

    def __init__(self, asked: Asked, *, running: bool) -> None:
        self._asked = asked
        self._strip = not asked.wants_running if running else not asked.wants_usage
        self._rest = b""
        self._final: Usage | None = None
        self._latest: dict[int, Usage | bytes] = {}
        self._finished: set[int] = set()
        self._chunks = 0
        self.done = False
        """`[DONE]` came."""
        self.error: bytes | None = None
        """The error event that came in place of the rest, as JSON."""

    def feed(self, data: bytes) -> bytes:
        """What of `data` goes to the client: whole events, without `[DONE]`. After an error nothing goes on.

        Raises EventTooLarge.
        """
        data = self._rest + data if self._rest else data
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
        events = data.split(b"\n\n")
        self._rest = events.pop()
        if len(self._rest) > MAX_EVENT:
            raise EventTooLarge
        kept = []
        for event in events:
            if self.done or self.error:
                break
            passed = self._plain(event) or self._other(event)
            if passed:
                kept.append(passed)
        return b"\n\n".join((*kept, b"")) if kept else b""

    @property
    def complete(self) -> bool:
        """Whether it ended as it should: a finish reason for every choice, and `[DONE]`."""
        return self.done and self.error is None and len(self._finished) >= self._asked.choices

    def usage(self) -> Usage:
        """The usage that was sent last; without any, an estimate: one token a chunk."""
        if self._final is not None:
            return self._final
        if not self._latest:
            return Usage(prompt=self._asked.estimate, completion=self._chunks, estimated=True)
        said = {place: _decoded(usage) for place, usage in self._latest.items()}
        each = max(1, self._asked.choices // self._asked.prompts)
        prompts = {place // each: usage.prompt for place, usage in said.items()}
        return Usage(
            prompt=sum(prompts.values()),
            cached=max(usage.cached for usage in said.values()),
            completion=sum(usage.completion for usage in said.values()),
            reasoning=sum(usage.reasoning for usage in said.values()),
        )

    def _plain(self, event: bytes) -> bytes | None:
        """A plain chunk as it goes on; None: it must be decoded."""
        if (
            self._asked.choices != 1
            or event.count(b'"finish_reason"') != 1
            or b'"finish_reason":null' not in event
            or b'"error"' in event
            or not event.startswith(b'data: {"')
        ):
            return None
        usages = event.count(b'"usage"')
        if usages:
            found = RUNNING.match(event, event.rfind(KEY)) if usages == 1 and KEY in event else None
            if found is None:
                return None
            if found[1] != b"null":
                self._latest[0] = found[1]
            if self._strip:
                event = event[: found.start()] + found[2]
        self._chunks += 1
        return event

    def _other(self, event: bytes) -> bytes | None:
        """Any other event as it goes on; None: it does not."""
        lines = event.split(b"\n")
        data = b"\n".join(line[5:].strip() for line in lines if line.startswith(b"data:"))
        if data == b"[DONE]":
            self.done = True
            return None
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            return event
        if not isinstance(chunk, dict):
            return event
        if chunk.get("error"):
            self.error = data
            return None
        return self._chunk(event, lines, chunk)

    def _chunk(self, event: bytes, lines: list[bytes], chunk: dict[str, Any]) -> bytes | None:
        choices = [choice for choice in chunk.get("choices") or () if isinstance(choice, dict)]
        places = [choice["index"] if isinstance(choice.get("index"), int) else 0 for choice in choices]
        self._finished.update(
            place for place, choice in zip(places, choices, strict=True) if choice.get("finish_reason")
        )
        self._chunks += bool(choices)
        usage = usage_of(chunk)
        if usage is not None and not choices:
            self._final = usage
            return event if self._asked.wants_usage else None
        if usage is not None:
            self._latest[places[0]] = usage
        if "usage" not in chunk or not self._strip:
            return event
        del chunk["usage"]
        others = [line for line in lines if not line.startswith(b"data:")]
        return b"\n".join([*others, b"data: " + json.dumps(chunk, separators=(",", ":")).encode()])


def _decoded(usage: Usage | bytes) -> Usage:
    return read_usage(json.loads(usage)) if isinstance(usage, bytes) else usage
