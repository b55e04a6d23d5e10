"""A replica's server answers the gateway only, and only what the gateway asks for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from serve.guard import Guard

HEADERS = [(b"authorization", b"Bearer right")]


async def inner(scope: Any, receive: Any, send: Any) -> None:
    """Behind the guard."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"through"})


def ask(path: str, headers: list[tuple[bytes, bytes]], kind: str = "http") -> list[dict[str, Any]]:
    """What the guarded app sends; the app is mounted at `/tiny`, as Serve mounts it."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.disconnect"}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    scope = {"type": kind, "path": f"/tiny{path}", "root_path": "/tiny", "headers": headers}
    asyncio.run(Guard(inner, secret="right")(scope, receive, send))
    return sent


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/tiny", "/v1/chat/completions", "/v1/embeddings", "/health"])
def test_the_gateway_is_let_through(path: str) -> None:
    assert ask(path, HEADERS)[0]["status"] == 200


@pytest.mark.parametrize(
    "headers", [[], [(b"authorization", b"Bearer wrong")], [(b"authorization", b"right")], [(b"authorization", b"")]]
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/health", "/metrics"])
def test_without_the_secret_nothing_answers(path: str, headers: list[tuple[bytes, bytes]]) -> None:
    assert ask(path, headers)[0]["status"] == 401


@pytest.mark.parametrize(
    "path", ["/metrics", "/scale_elastic_ep", "/inference/v1/generate", "/v1/chat/completions/batch", "/tokenize", "/"]
)
def test_what_else_the_engine_can_do_is_not_there(path: str) -> None:
    assert ask(path, HEADERS)[0]["status"] == 404


def test_a_websocket_is_closed() -> None:
    assert [message["type"] for message in ask("/v1/realtime", HEADERS, "websocket")] == ["websocket.close"]


def test_the_life_of_the_app_goes_through() -> None:
    assert ask("", [], "lifespan") == []
