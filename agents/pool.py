"""The executors of one attempt: taken when code runs, kept while busy, given back when idle, replaced when they die."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from containers.sandbox import Execution
from podium.errors import InfrastructureFailure
from podium.records import Record

IDLE_SECONDS = 10.0
"""How long an executor may stay without work before its resources are given back."""


class Facts(Record):
    """What an executor says of itself."""

    sandbox: str
    unbounded: tuple[str, ...] = ()
    """Limits that the sandbox cannot enforce on this host."""
    host: str = ""


class Executor(Protocol):
    """One sandbox somewhere, one execution at a time."""

    facts: Facts

    async def execute(self, program: str, seconds: float, collect: Sequence[str]) -> Execution:
        """Run a program. Raises InfrastructureFailure when the executor or its host is gone."""
        ...

    async def close(self) -> None:
        """End it and everything in it; of no effect on a dead one."""
        ...


Open = Callable[[], Awaitable[Executor]]
"""Opens an executor; waits as long as there is no room for one."""


class ExecutorPool:
    """At most `size` executors of one attempt. An async context manager: on the way out all are closed."""

    def __init__(self, open_executor: Open, size: int = 1, idle_seconds: float = IDLE_SECONDS) -> None:
        self._open, self._idle_seconds = open_executor, idle_seconds
        self._room = asyncio.Semaphore(size)
        self._idle: list[Executor] = []
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.facts = Facts(sandbox="")
        """Of the executor that was opened last."""

    async def take(self) -> Executor:
        """An idle executor, else a new one; waits for room."""
        await self._room.acquire()
        if self._idle:
            executor = self._idle.pop()
            self._timers.pop(id(executor)).cancel()
            return executor
        try:
            executor = await self._open()
        except BaseException:
            self._room.release()
            raise
        self.facts = executor.facts
        return executor

    def give(self, executor: Executor) -> None:
        """Give one back after its work; it is closed if nobody takes it for a while."""
        self._idle.append(executor)
        loop = asyncio.get_running_loop()
        self._timers[id(executor)] = loop.call_later(self._idle_seconds, self._close_idle, executor)
        self._room.release()

    def drop(self, executor: Executor) -> None:
        """Do away with one that died or whose work was broken off."""
        self._close_soon(executor)
        self._room.release()

    def _close_idle(self, executor: Executor) -> None:
        self._timers.pop(id(executor), None)
        if executor in self._idle:
            self._idle.remove(executor)
            self._close_soon(executor)

    def _close_soon(self, executor: Executor) -> None:
        task = asyncio.ensure_future(_close(executor))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close the idle ones and wait for those being closed."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        while self._idle:
            self._close_soon(self._idle.pop())
        if self._closing:
            await asyncio.gather(*self._closing)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _close(executor: Executor) -> None:
    with suppress(InfrastructureFailure):
        await executor.close()
