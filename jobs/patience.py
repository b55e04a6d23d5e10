"""Asking a service that may just be starting again: as often as is sensible, and no longer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from podium.errors import InfrastructureFailure

Answer = TypeVar("Answer")


async def patiently(ask: Callable[[], Awaitable[Answer]], tries: int, wait: Callable[[int], Awaitable[None]]) -> Answer:
    """The answer of `ask`, tried again after an InfrastructureFailure; `wait(n)` comes after the n-th failure.

    Raises the last of `tries` (at least 1) failures; any other error at once.
    """
    for failures in range(1, tries):
        try:
            return await ask()
        except InfrastructureFailure:
            await wait(failures)
    return await ask()
