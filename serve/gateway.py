"""The gateway: the one OpenAI-compatible address of all models, with a key, a budget and exact usage for every trial.

    client --(trial's key)--> /v1/chat/completions --(endpoint's own key)--> the model's endpoint

Requests are checked once and answers copied. When a client leaves, its request upstream is closed, so that the model
stops; what it had used until then is booked (from the running usage where the endpoint sends such, else estimated).
Grants come from Python (`Keyring`), never over HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from fastapi import FastAPI, Request, Response

from serve.chat import MAX_BODY, parse_request
from serve.keys import Keyring
from serve.refusal import Refusal
from serve.relay import Relay
from serve.upstream import Directory

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 900.0
"""How long an endpoint may be silent before it counts as dead (models start, queue and think)."""


def build(keyring: Keyring, directory: Directory) -> FastAPI:
    """The gateway's app."""
    app = FastAPI(title="Podium gateway", lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(Refusal, _refuse)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/v1/models")
    async def models(request: Request) -> dict[str, Any]:
        grant = keyring.admit(_key(request))
        return {
            "object": "list",
            "data": [{"id": name, "object": "model", "owned_by": "podium"} for name in grant.models],
        }

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        grant = keyring.admit(_key(request))
        asked = parse_request(await _read(request))
        upstream = directory.resolve(asked["model"])
        if asked["model"] not in grant.models:
            raise Refusal(403, f"This key may not ask for {asked['model']}.", "model_not_allowed", param="model")
        return Relay(request.app.state.session, keyring, grant, upstream, asked)

    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        app.state.session = session
        yield


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return Response(error.body(), error.status, error.headers(), media_type="application/json")


def _key(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            break
    return bytes(body)
