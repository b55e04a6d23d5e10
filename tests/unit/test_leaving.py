"""A client that leaves: the app hears of it and ends its work itself, and is cancelled where it does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from serve.leaving import Leaving


class Server:
    """Works as vLLM's does: the work is a task of its own, which is cancelled when the disconnect is heard."""

    def __init__(self) -> None:
        self.gone, self.working = asyncio.Event(), asyncio.Event()
        self.work: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.work = asyncio.ensure_future(self._work())
        listening = asyncio.ensure_future(self.gone.wait())
        await asyncio.wait([self.work, listening], return_when=asyncio.FIRST_COMPLETED)
        self.work.cancel()

    async def _work(self) -> None:
        self.working.set()
        await asyncio.Event().wait()


async def left(server: Server, app: Any) -> None:
    """The client leaves: the disconnect is there to be heard, and the request is cancelled."""
    asking = asyncio.ensure_future(app({"type": "http"}, None, None))
    await server.working.wait()
    server.gone.set()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


def test_the_work_ends_when_the_client_leaves_and_the_app_is_told_in_time() -> None:
    async def scene() -> None:
        server = Server()
        await left(server, Leaving(server))
        assert server.work is not None
        await asyncio.wait([server.work])
        assert server.work.cancelled()

    asyncio.run(scene())


def test_an_app_that_does_not_listen_is_cancelled() -> None:
    async def scene() -> None:
        ended = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            server.working.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        server = Server()
        await left(server, Leaving(app, seconds=0.01))
        await ended.wait()

    asyncio.run(scene())


def test_an_answer_goes_through() -> None:
    async def scene() -> list[str]:
        sent: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send("answer")

        async def send(message: str) -> None:
            sent.append(message)

        await Leaving(app)({"type": "http"}, None, send)  # type: ignore[arg-type]
        return sent

    assert asyncio.run(scene()) == ["answer"]
