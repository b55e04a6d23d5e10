"""Wakes models that are at no replica: one request waits at Serve's proxy, and Serve starts a replica for it.

So every client's own request can be answered by a replica itself, and may give up without the model going down again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import aiohttp

LOG = logging.getLogger(__name__)
SECONDS = 3600.0
"""How long one such request waits; a large model takes minutes."""


class Waker:
    """At most one request a model is under way."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def wake(self, model: str, url: str, headers: Mapping[str, str]) -> None:
        """See that the model is being asked for. `url`: its base URL at Serve's proxy, ending in `/v1`."""
        if model not in self._under_way:
            task = asyncio.ensure_future(self._ask(model, f"{url}/models", dict(headers)))
            self._under_way[model] = task
            task.add_done_callback(lambda _: self._under_way.pop(model, None))

    def close(self) -> None:
        """Ask for nothing any more."""
        for task in self._under_way.values():
            task.cancel()

    async def _ask(self, model: str, url: str, headers: dict[str, str]) -> None:
        try:
            async with self._session.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=SECONDS)) as answer:
                LOG.info("%s: woken, Serve says %s", model, answer.status)
        except (aiohttp.ClientError, OSError) as error:
            LOG.info("%s: not woken: %r", model, error)
