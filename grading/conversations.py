"""Conversations with one program, each in a sandbox of its own, that are opened when they are needed."""

from __future__ import annotations

import queue
from collections.abc import Callable
from dataclasses import dataclass

from containers.sandbox import Answer, Conversation, Sandbox
from podium.errors import InfrastructureFailure


@dataclass(frozen=True)
class _Held:
    sandbox: Sandbox
    conversation: Conversation


class Conversations:
    """At most so many at once; who asks while all are busy waits. For any number of threads."""

    def __init__(self, open_sandbox: Callable[[], Sandbox], program: str, most: int) -> None:
        self._open, self._program, self._most = open_sandbox, program, most
        self._idle: queue.LifoQueue[_Held | None] = queue.LifoQueue()
        """None stands for one that is not open; the one that was busy last is taken first."""
        for _ in range(most):
            self._idle.put(None)

    def ask(self, *parts: bytes, seconds: float, most: int, fresh: bool = False) -> Answer:
        """See Conversation.exchange. `fresh`: in a sandbox that was asked nothing before.

        Raises InfrastructureFailure where the program died under this question, Unavailable.
        """
        held = self._idle.get()
        try:
            if held is not None and fresh:
                held.sandbox.close()
                held = None
            if held is None:
                held = self._start()
            return held.conversation.exchange(*parts, seconds=seconds, most=most)
        finally:
            if held is not None and not held.conversation.open:
                held.sandbox.close()
                held = None
            self._idle.put(held)

    def close(self) -> None:
        """End those that are open, when they have answered. May be called twice, and asked again afterwards."""
        for held in [self._idle.get() for _ in range(self._most)]:
            if held is not None:
                held.sandbox.close()
            self._idle.put(None)

    def _start(self) -> _Held:
        sandbox = self._open()
        try:
            return _Held(sandbox, sandbox.converse(self._program))
        except InfrastructureFailure:
            sandbox.close()
            raise
