"""Room for uploads in memory, and a fair share of it for each caller; who finds none waits in line."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """A budget of bytes. First come, first served, so that small ones do not pass a large one for ever."""

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._line = asyncio.Lock()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[None]:
        """Holds `size` bytes; more than there are at all holds all of them."""
        size = min(size, self._size)
        async with self._line:  # a Lock lets its waiters in by turn, and only the first of them waits for bytes
            while self._free < size:
                self._freed.clear()
                await self._freed.wait()
            self._free -= size
        try:
            yield
        finally:
            self._free += size
            self._freed.set()


class Shares:
    """So many calls of one caller at once, so that nobody stands in everybody's way by calls that do not end."""

    def __init__(self, share: int) -> None:
        self._share = share
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._calls: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        turns = self._turns.setdefault(who, asyncio.Semaphore(self._share))
        self._calls[who] += 1
        try:
            async with turns:
                yield
        finally:
            self._calls[who] -= 1
            if not self._calls[who]:
                del self._calls[who], self._turns[who]
