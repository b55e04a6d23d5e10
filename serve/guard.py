"""What stands before a replica's own server: who does not show the cluster's model secret is refused, and only some
paths are there at all, for vLLM's server has no authentication and can do more than answer.

An ASGI middleware. The secret lies in the file that `PODIUM_MODEL_SECRET` names.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from podium.state import MODEL_SECRET_VARIABLE
from serve.refusal import Refusal

PATHS = re.compile(r"/v1/(models(/.+)?|chat/completions|completions|embeddings)|/health")
"""What the gateway asks for; everything else does not exist."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Guard:
    """Lets the gateway's requests through to `app`."""

    def __init__(self, app: App, secret: str | None = None) -> None:
        self._app = app
        self._wanted = f"Bearer {secret or read_secret()}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
            await send({"type": "http.response.body", "body": refusal.body()})
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, scope: Scope) -> Refusal | None:
        if scope["type"] == "lifespan":
            return None
        shown = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(shown, self._wanted):
            return Refusal(401, "Models are asked through the gateway (`podium status`).", "invalid_api_key")
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if scope["type"] != "http" or not PATHS.fullmatch(path):
            return Refusal(404, f"There is no {path} here.", "not_found")
        return None


def read_secret() -> str:
    """The models' secret of this cluster. Raises KeyError, OSError outside one."""
    return Path(os.environ[MODEL_SECRET_VARIABLE]).read_text().strip()
