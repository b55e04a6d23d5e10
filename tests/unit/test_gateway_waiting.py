"""Clients that wait for a model themselves, and models that are woken for the first of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI, Request

from serve.gateway.routes import Target
from tests.scripted_engine import Engine, refusing
from tests.unit.gateway_scene import ASK, SECRET, Scene, scene
from tests.unit.serving import serving

DEAD = {"error": {"message": "EngineCore encountered an issue.", "type": "InternalServerError", "code": 500}}


async def ask(here: Scene, prefer: str) -> tuple[int, Any]:
    headers = {"authorization": "Bearer key", "prefer": prefer}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{here.address}/v1/chat/completions", json=ASK) as answer,
    ):
        return answer.status, await answer.json()


@pytest.mark.parametrize("prefer", ["wait=0", "respond-async, wait=0", "WAIT = 0"])
def test_a_client_that_waits_by_itself_hears_at_once_that_a_model_starts(tmp_path: Path, prefer: str) -> None:
    async def run() -> Any:
        async with scene(tmp_path) as here:
            here.routes.set("m", [])
            return await ask(here, prefer)

    status, body = asyncio.run(run())
    assert (status, body["error"]["code"]) == (503, "model_starting")


def test_a_client_whose_request_an_engine_died_over_is_told_so(tmp_path: Path) -> None:
    async def run() -> Any:
        async with scene(tmp_path, Engine(refusing(500, DEAD))) as here:
            return await ask(here, "wait=0")

    status, body = asyncio.run(run())
    assert (status, body["error"]["code"]) == (503, "engine_died")


def test_a_model_at_no_replica_is_woken_once_and_then_answers_itself(tmp_path: Path) -> None:
    """The proxy is asked for the model's card only: by one request, for as long as it takes."""
    woken: list[str] = []
    arrived, answering = asyncio.Event(), asyncio.Event()
    proxy = FastAPI()

    @proxy.get("/m/v1/models")
    async def models(request: Request) -> dict[str, str]:
        woken.append(request.headers["authorization"])
        arrived.set()
        await answering.wait()
        return {}

    async def run() -> Any:
        async with serving(proxy) as address, scene(tmp_path, Engine()) as here:
            alive = here.routes.targets("m")
            here.routes.set("m", [Target(url=f"{address}/m/v1", replica="")])
            asking = [asyncio.ensure_future(here.ask()) for _ in range(3)]
            await arrived.wait()
            impatient = await ask(here, "wait=0")
            here.routes.set("m", alive)
            answers = [status for status, _, _ in await asyncio.gather(*asking)]
            answering.set()
            return answers, impatient[0], here.used.replicas

    assert asyncio.run(run()) == ([200, 200, 200], 503, ("r0",))
    assert woken == [f"Bearer {SECRET}"]
