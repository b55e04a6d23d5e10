"""A client that leaves frees the engine, also where it waited for a whole answer.

When a client leaves, Ray Serve cancels the request's task. vLLM's server (0.29, `with_cancellation`) does the work in a
task of its own, which it ends when it hears of the disconnect, and not when it is cancelled: cancelled first, it leaves
the engine at work until the last token. So here the app hears of the disconnect, and is cancelled only afterwards.

An ASGI middleware.
"""

from __future__ import annotations

import asyncio

from serve.guard import App, Receive, Scope, Send

SECONDS = 2.0
"""How long a request may take to end after its client has left."""


class Leaving:
    """Keeps a cancellation from `app` until it has had the time to end by itself."""

    def __init__(self, app: App, seconds: float = SECONDS) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answering = asyncio.ensure_future(self._app(scope, receive, send))
        try:
            await asyncio.shield(answering)
        except asyncio.CancelledError:
            await asyncio.wait([answering], timeout=self._seconds)
            answering.cancel()
            raise
