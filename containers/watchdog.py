"""Watching one execution from outside: its output, its time and, where no control group does, its memory."""

from __future__ import annotations

import json
import os
import selectors
import time
from dataclasses import dataclass, field
from typing import Any

from containers.channel import Closed
from containers.jail import Jail
from containers.sandbox import Ended
from podium.spec import Limits

POLL_SECONDS = 0.03
ANSWER_SECONDS = 2.0
"""How long the interpreter may take to say that its killed fork has ended."""
LONGEST_WAIT = 3600.0
"""A conversation has no deadline, and select takes no endless one."""
REPORT_BYTES = 256 << 10
CHUNK = 1 << 16


@dataclass
class Watched:
    """What was seen of one execution."""

    output: bytearray = field(default_factory=bytearray)
    report: bytearray = field(default_factory=bytearray)
    answer: dict[str, Any] | None = None
    """The interpreter's word on how its fork ended; None: it is gone or silent."""
    stopped: Ended | None = None
    seconds: float = 0.0
    peak_bytes: int = 0
    """By polling; 0 where it was not polled."""


class Watchdog:
    """Follows executions in one jail."""

    def __init__(self, jail: Jail, limits: Limits, polled: tuple[int, ...] | None, owner: int) -> None:
        """`polled`: descriptors of file systems whose pages count as memory, or None where memory is not polled.

        `owner`: a descriptor that becomes readable when the sandbox's owner dies (or breaks the protocol).
        """
        self._jail, self._limits, self._polled, self._owner = jail, limits, polled, owner

    def follow(self, seconds: float) -> Watched:
        """Until the program has ended, or a limit was passed and it was ended. Raises Closed when the owner died."""
        seen = Watched()
        begun = time.monotonic()
        deadline, answered = begun + seconds, begun + seconds + ANSWER_SECONDS
        line = bytearray()
        with selectors.DefaultSelector() as selector:
            for descriptor in (self._jail.output, self._jail.reports, self._jail.answers, self._owner):
                selector.register(descriptor, selectors.EVENT_READ)
            while b"\n" not in line:
                moment = time.monotonic()
                if moment > answered:
                    break
                ready = {key.fd for key, _ in selector.select(self._patience(deadline, answered, seen, moment))}
                if not self._take(ready, seen, line, selector):
                    break
                stopped = None if seen.stopped else self._passed(seen, deadline)
                if stopped:
                    seen.stopped = stopped
                    answered = time.monotonic() + ANSWER_SECONDS
                    self._jail.settle()
        seen.seconds = time.monotonic() - begun
        if b"\n" in line:
            seen.answer = json.loads(line.partition(b"\n")[0])
        return seen

    def drain(self, seen: Watched) -> None:
        """Take what is still in the pipes, after everything inside has ended."""
        while self._take({self._jail.output, self._jail.reports}, seen, bytearray(), None):
            pass

    def _patience(self, deadline: float, answered: float, seen: Watched, moment: float) -> float:
        end = answered if seen.stopped else deadline
        wait = min(max(0.0, end - moment) + 0.001, LONGEST_WAIT)
        return wait if self._polled is None else min(wait, POLL_SECONDS)

    def _take(self, ready: set[int], seen: Watched, line: bytearray, selector: selectors.BaseSelector | None) -> bool:
        """Read what is ready; False when there is nothing more to wait for (without a selector: to read)."""
        some = False
        if self._owner in ready:
            raise Closed
        for descriptor, store, most in (
            (self._jail.output, seen.output, self._limits.output_bytes + 1),
            (self._jail.reports, seen.report, REPORT_BYTES),
            (self._jail.answers, line, REPORT_BYTES),
        ):
            if descriptor not in ready:
                continue
            try:
                part = os.read(descriptor, CHUNK)
            except BlockingIOError:
                continue
            store += part[: max(0, most - len(store))]
            some = some or bool(part)
            if not part and selector is not None:
                selector.unregister(descriptor)
                if descriptor == self._jail.answers:
                    return False
        return some or selector is not None

    def _passed(self, seen: Watched, deadline: float) -> Ended | None:
        """The limit that is passed now, if one is."""
        if len(seen.output) > self._limits.output_bytes:
            return Ended.OUTPUT
        if time.monotonic() >= deadline:
            return Ended.TIMEOUT
        if self._polled is not None and self._jail.processes is not None:
            most = self._limits.memory_mb << 20
            files = sum(used_bytes(descriptor) for descriptor in self._polled)
            used = files + self._jail.processes.memory_bytes(max(0, min(seen.peak_bytes, most) - files))
            seen.peak_bytes = max(seen.peak_bytes, used)
            if used > most:
                return Ended.MEMORY
        return None


def used_bytes(descriptor: int) -> int:
    """Bytes in use on the file system of an open folder."""
    state = os.fstatvfs(descriptor)
    return (state.f_blocks - state.f_bfree) * state.f_frsize
