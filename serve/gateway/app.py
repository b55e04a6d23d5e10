"""The gateway: the one OpenAI-compatible address of all models, with a key, budgets and exact usage for every trial.

    client --(trial's key)--> /v1/chat/completions --(models' secret)--> a replica's own server
                                                   --(provider's key)--> a provider

Requests are checked once and answers copied. Grants come from Python (`Keyring`), never over HTTP. A plain ASGI app:
for six paths, FastAPI's routing would add nearly half of what a whole request costs here (docs/serving.md).
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from math import inf
from random import Random
from typing import Any
from urllib.parse import unquote

import aiohttp

from serve.chat import CHAT, COMPLETIONS, EMBEDDINGS, MAX_BODY, too_large
from serve.gateway.asked import Asked
from serve.gateway.delivery import Send, send_refusal, send_whole
from serve.gateway.grant import Grant
from serve.gateway.keys import Keyring
from serve.gateway.patience import Patience
from serve.gateway.relay import Desk, Relay, TapeFor
from serve.gateway.upstream import Directory
from serve.gateway.waking import Waker
from serve.refusal import Refusal
from serve.tapes.tape import Tape

LOG = logging.getLogger(__name__)
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 900.0
"""How long an endpoint may be silent before it counts as dead (models start, queue and think)."""
IDLE_SECONDS = 3.0
"""How long a connection upstream is kept unused: less than the 5 s after which a replica's server closes it."""
ASKED = (CHAT, COMPLETIONS, EMBEDDINGS)
JSON = "application/json"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


def no_tape(grant: Grant, model: str) -> Tape | None:
    """Nothing is recorded, nothing replayed."""
    return None


def build(
    keyring: Keyring,
    directory: Directory,
    *,
    tape_for: TapeFor = no_tape,
    patience: Patience | None = None,
    random: Random | None = None,
) -> Gateway:
    """The gateway's app. `tape_for(grant, model)` gives the recordings of a trial."""
    return Gateway(keyring, directory, tape_for, patience or Patience(), random or Random())


class Gateway:
    """An ASGI app."""

    def __init__(
        self, keyring: Keyring, directory: Directory, tape_for: TapeFor, patience: Patience, random: Random
    ) -> None:
        self._keyring, self._directory = keyring, directory
        self._tape_for, self._patience, self._random = tape_for, patience, random
        self._desk: Desk | None = None
        self._started = int(time.time())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._route(scope, receive, send)
        except Refusal as refusal:
            await send_refusal(send, refusal, [])
        except Exception:
            LOG.exception("%s %s", scope["method"], scope["path"])
            # Where an answer has begun, the server takes no second one and closes the connection, as it should.
            await send_refusal(send, Refusal(500, "The gateway failed; see its log.", "internal_error"), [])

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Refusal."""
        path, method = scope["path"], scope["method"]
        path = path.removeprefix(scope.get("root_path", ""))
        if path in ASKED:
            _allow(method, "POST", path)
            await self._relay(path, scope, receive, send)
        elif path == "/health":
            _allow(method, "GET", path)
            await send_whole(send, 200, b'{"status":"ok"}', JSON, [])
        elif path == "/v1/models" or path.startswith("/v1/models/"):
            _allow(method, "GET", path)
            grant = self._keyring.admit(_key(scope))
            body = self._models(grant, unquote(path.removeprefix("/v1/models").removeprefix("/")))
            await send_whole(send, 200, json.dumps(body).encode(), JSON, [])
        else:
            raise Refusal(404, f"There is no {path} here.", "unknown_url")

    async def _relay(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        grant = self._keyring.admit(_key(scope))
        self._keyring.pace(grant)
        asked = Asked.read(await _read(scope, receive), path)
        if asked.model not in grant.models:
            self._directory.find(asked.model)
            raise Refusal(403, f"This key may not ask for {asked.model}.", "model_not_allowed", param="model")
        if self._desk is None:
            self._open()
        assert self._desk is not None
        await _while_there(Relay(self._desk, grant, asked, _patience(scope)).run(send), receive)

    def _models(self, grant: Grant, name: str) -> dict[str, Any]:
        """The models of a grant, or the one called `name`. Raises Refusal (404)."""
        if not name:
            return {"object": "list", "data": [self._card(model) for model in grant.models]}
        if name not in grant.models:
            raise Refusal(404, f"This key knows no model {name}.", "model_not_found", param="model")
        return self._card(name)

    def _card(self, name: str) -> dict[str, Any]:
        context = self._directory.context(name)
        card: dict[str, Any] = {"id": name, "object": "model", "created": self._started, "owned_by": "podium"}
        return {**card, "max_model_len": context} if context else card

    async def _live(self, receive: Receive, send: Send) -> None:
        """The server's start and end; connections upstream live between them."""
        while (await receive())["type"] != "lifespan.shutdown":
            self._open()
            await send({"type": "lifespan.startup.complete"})
        if self._desk is not None:
            self._desk.waker.close()
            await self._desk.session.close()
        await send({"type": "lifespan.shutdown.complete"})

    def _open(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS)
        session = aiohttp.ClientSession(
            timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=True
        )
        shared = (self._keyring, self._directory, self._tape_for, self._patience, self._random)
        self._desk = Desk(session, Waker(session), *shared)


async def _while_there(work: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Do the work, but no longer than the client waits for it."""
    task = asyncio.current_task()
    gone = False

    def leave(watch: asyncio.Task[None]) -> None:
        nonlocal gone
        if task is not None and not watch.cancelled():
            gone = True
            task.cancel()

    watch = asyncio.ensure_future(_left(receive))
    watch.add_done_callback(leave)
    try:
        await work
    except asyncio.CancelledError:
        if not gone:
            raise
        if task is not None:
            task.uncancel()
    finally:
        watch.remove_done_callback(leave)
        watch.cancel()


async def _left(receive: Receive) -> None:
    """Returns when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _allow(method: str, allowed: str, path: str) -> None:
    if method != allowed:
        raise Refusal(405, f"{path} takes {allowed}, not {method}.", "method_not_allowed")


def _key(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, key = value.decode("latin-1").partition(" ")
            return str(key.strip()) if scheme.lower() == "bearer" else ""
    return ""


def _patience(scope: Scope) -> float:
    """Seconds of `Prefer: wait=N` (RFC 7240): who says so waits by itself for a model that is not there."""
    said = next((value for name, value in scope["headers"] if name == b"prefer"), b"")
    found = re.search(rb"(?:^|[,;\s])wait\s*=\s*(\d{1,6})\b", said, re.IGNORECASE)
    return float(found[1]) if found else inf


async def _read(scope: Scope, receive: Receive) -> bytes:
    """The request's body. Raises Refusal (413)."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "The request broke off.", "request_broke_off")
        part = message.get("body", b"")
        size += len(part)
        if size <= MAX_BODY:
            parts.append(part)
        elif size > 8 * MAX_BODY:
            raise too_large()
        if not message.get("more_body"):
            break
    if size > MAX_BODY:
        raise too_large()  # only now: a client that is still sending would see a broken connection, and not why
    return b"".join(parts)
