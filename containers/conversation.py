"""The owner's end of a conversation with a program in a sandbox: bounded frames, a deadline each, no word trusted.

The other end is `containers.responder`, which says what the frames hold.
"""

from __future__ import annotations

import fcntl
import os
import select
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from containers.responder import ENDED, EXCEPTION, LENGTH, MEMORY, OK, OUTPUT, QUESTION, READY, SIGNAL, TIMEOUT
from containers.sandbox import Answer, Ended, Execution
from podium.errors import InfrastructureFailure

MEANING = {
    OK: Ended.OK, EXCEPTION: Ended.EXCEPTION, TIMEOUT: Ended.TIMEOUT, MEMORY: Ended.MEMORY, OUTPUT: Ended.OUTPUT,
    SIGNAL: Ended.SIGNAL,
}  # fmt: skip
START_SECONDS = 60.0
GRACE_SECONDS = 5.0
"""After an answer's own time, in which the program should have said that it is over."""
PIPE_BYTES = 1 << 20
MOST_PARTS = 64
REASON_BYTES = 1 << 10


class PipedConversation:
    """See Conversation: over two pipes to `containers.responder`."""

    def __init__(
        self,
        inbound: int,
        outbound: int,
        ended: Callable[[], Execution | None],
        grace: float = GRACE_SECONDS,
    ) -> None:
        """Takes over two descriptors: answers come on `inbound`, questions go to `outbound`. `ended` is called once,
        when both are closed, and says what became of the program. Raises InfrastructureFailure where it does not
        start."""
        self._in, self._out, self._ended, self._grace = inbound, outbound, ended, grace
        self.open = True
        for descriptor in (inbound, outbound):
            os.set_blocking(descriptor, False)
            with suppress(OSError):
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        try:
            self._receive(0, time.monotonic() + START_SECONDS, {READY: Ended.OK})
        except (InfrastructureFailure, TimeoutError):
            execution = self.close()
            why = execution.output[-REASON_BYTES:].strip() if execution else ""
            raise InfrastructureFailure(f"The program in the sandbox did not start. {why}".strip()) from None

    def exchange(self, *parts: bytes, seconds: float, most: int) -> Answer:
        """See Conversation."""
        if not self.open:
            raise _gone()
        deadline = time.monotonic() + seconds + self._grace
        head = QUESTION.pack(len(parts), seconds, most) + b"".join(LENGTH.pack(len(part)) for part in parts)
        try:
            self._send([memoryview(part) for part in (head, *parts)], deadline)
            return self._receive(most, deadline, MEANING)
        except TimeoutError:
            self.close()
            return Answer(Ended.TIMEOUT, memoryview(b""))
        except InfrastructureFailure:
            self.close()
            raise

    def close(self) -> Execution | None:
        """See Conversation."""
        if not self.open:
            return None
        self.abandon()
        return self._ended()

    def abandon(self) -> None:
        """Close it without asking what becomes of the program, which ends with its sandbox. May be called twice."""
        if self.open:
            self.open = False
            os.close(self._in)
            os.close(self._out)

    def _send(self, views: Sequence[memoryview], deadline: float) -> None:
        left = [view for view in views if view]
        while left:
            try:
                written = os.writev(self._out, left[:MOST_PARTS])
            except BlockingIOError:
                wait_until_ready(self._out, select.POLLOUT, deadline)
                continue
            except OSError:
                raise _gone() from None
            while left and written >= len(left[0]):
                written -= len(left.pop(0))
            if written:
                left[0] = left[0][written:]

    def _receive(self, most: int, deadline: float, known: Mapping[bytes, Ended]) -> Answer:
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size, deadline))
        if length > most:
            raise _gone()
        content = self._exactly(length + ENDED.size, deadline)
        how, spent = ENDED.unpack_from(content, length)
        if how not in known:
            raise _gone()
        return Answer(known[how], content[:length], spent)

    def _exactly(self, size: int, deadline: float) -> memoryview:
        view = memoryview(bytearray(size))
        place = 0
        while place < size:
            try:
                count = os.readv(self._in, [view[place:]])
            except BlockingIOError:
                wait_until_ready(self._in, select.POLLIN, deadline)
                continue
            if not count:
                raise _gone()
            place += count
        return view.toreadonly()


def wait_until_ready(descriptor: int, event: int, deadline: float) -> None:
    """Until the descriptor is ready. Raises TimeoutError at the deadline."""
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError


def _gone() -> InfrastructureFailure:
    return InfrastructureFailure("The program in the sandbox has ended.", "It is started again for the next question.")
