"""What the gateway does where an endpoint fails: asks again while the client has seen nothing, and else says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from serve.gateway.patience import Patience
from serve.gateway.routes import RouteTable, Target
from tests.scripted_engine import (
    DEATH,
    PROMPT,
    Engine,
    Turn,
    dead_engine,
    dying_after,
    dying_at_once,
    ending_after,
    good,
    refusing,
)
from tests.unit.gateway_scene import ASK, HASTY, STREAM, events, provider_key, said, scene
from tests.unit.serving import free_port

QUICK = Patience(seconds=20.0, least_wait=0.001, most_wait=0.01)


class Watched(RouteTable):
    """Says when a request waits for it to change."""

    def __init__(self) -> None:
        super().__init__()
        self.watched = asyncio.Event()

    async def changed(self, seconds: float) -> None:
        self.watched.set()
        await super().changed(seconds)


PASSING: list[Turn] = [
    dead_engine,
    refusing(500, {"error": {"message": "Message: ...\nvllm.v1.engine.exceptions.EngineDeadError: ...", "code": 500}}),
    refusing(503, "Ingress request router failed: router_unreachable"),
    refusing(502, "bad gateway"),
    refusing(504, "gateway timeout"),
    refusing(408, "Request timed out"),
]


@pytest.mark.parametrize("turn", PASSING)
@pytest.mark.parametrize("body", [ASK, STREAM])
def test_a_failure_that_passes_is_never_seen_by_the_client(tmp_path: Path, turn: Turn, body: Any) -> None:
    async def run() -> Any:
        engine = Engine(turn, turn, good)
        async with scene(tmp_path, engine, patience=QUICK) as here:
            return (await here.ask(body))[0], len(engine.seen), here.used.requests

    assert asyncio.run(run()) == (200, 3, 1)


@pytest.mark.parametrize("turn", [dying_at_once, ending_after(0), ending_after(0, cut=True)])
def test_a_stream_that_breaks_before_anything_came_is_asked_for_again(tmp_path: Path, turn: Turn) -> None:
    async def run() -> Any:
        async with scene(tmp_path, Engine(turn, good), patience=QUICK) as here:
            return (await here.ask(STREAM))[1], here.used

    text, used = asyncio.run(run())
    assert said(text) == "One two three"
    assert text.endswith("data: [DONE]\n\n")
    assert (used.requests, used.completion) == (1, 3)


async def read_broken(url: str) -> str:
    """What comes of a stream whose connection breaks, which it must."""
    text = b""
    async with (
        aiohttp.ClientSession(headers={"authorization": "Bearer key"}) as session,
        session.post(url, json=STREAM) as answer,
    ):
        try:
            while part := await answer.content.readany():
                text += part
        except aiohttp.ClientPayloadError:
            return text.decode()
    raise AssertionError("the answer ended as if it were complete")


@pytest.mark.parametrize("turn", [dying_after(3), ending_after(3), ending_after(3, cut=True)])
def test_a_stream_that_breaks_later_ends_with_an_error_and_without_done(tmp_path: Path, turn: Turn) -> None:
    async def run() -> Any:
        async with scene(tmp_path, Engine(turn, good), patience=QUICK) as here:
            return await read_broken(f"{here.address}/v1/chat/completions"), here.used

    text, used = asyncio.run(run())
    last = events(text)[-1]
    assert (last["error"]["code"], last["error"]["type"]) == ("upstream_broke_off", "server_error")
    assert "[DONE]" not in text
    assert (used.requests, used.prompt, used.completion) == (1, PROMPT, 2)


def test_the_openai_client_notices_a_stream_that_broke_off(tmp_path: Path) -> None:
    async def run() -> None:
        async with scene(tmp_path, Engine(dying_after(3)), patience=QUICK) as here, here.client() as client:
            stream: AsyncIterator[Any] = await client.chat.completions.create(**STREAM)  # type: ignore[call-overload]
            async for _ in stream:
                pass

    with pytest.raises(openai.APIError, match="EngineCore encountered an issue"):
        asyncio.run(run())


def test_another_replica_is_asked_where_one_fails(tmp_path: Path) -> None:
    async def run() -> Any:
        engines = [Engine(dead_engine), Engine(dead_engine)]
        async with scene(tmp_path, *engines, patience=QUICK) as here:
            first = int(here.routes.pick("m", "t").replica[1])
            engines[1 - first].turns = [good]
            answers = [(await here.ask())[0] for _ in range(2)]
            return answers, len(engines[first].seen), here.used.replicas, f"r{1 - first}"

    answers, asked, replicas, other = asyncio.run(run())
    assert (answers, asked, replicas) == ([200, 200], 2, (other,))


def test_a_replica_that_is_gone_is_left_for_one_that_comes(tmp_path: Path) -> None:
    async def run() -> Any:
        async with scene(tmp_path, Engine()) as here:
            alive = here.routes.targets("m")
            here.routes.set("m", [Target(url=f"http://127.0.0.1:{free_port()}/v1", replica="gone")])
            asking = asyncio.ensure_future(here.ask())
            await asyncio.sleep(0)
            here.routes.set("m", alive)
            return (await asking)[0], here.used.replicas

    assert asyncio.run(run()) == (200, ("r0",))


def test_a_model_that_starts_is_waited_for_without_polling(tmp_path: Path) -> None:
    async def run() -> Any:
        table = Watched()
        patience = Patience(least_wait=1000.0, most_wait=1000.0)
        async with scene(tmp_path, Engine(), patience=patience, routes=table) as here:
            alive = here.routes.targets("m")
            here.routes.set("m", [])
            asking = asyncio.ensure_future(here.ask())
            await table.watched.wait()
            here.routes.replace({"m": alive})
            return (await asking)[0]

    assert asyncio.run(run()) == 200


def test_a_model_that_never_comes_is_503_with_retry_after_at_the_deadline(tmp_path: Path) -> None:
    async def run() -> Any:
        async with scene(tmp_path, Engine(), patience=HASTY) as here:
            here.routes.set("m", [])
            starting = await here.ask()
            here.routes.set("m", [Target(url=f"http://127.0.0.1:{free_port()}/v1", replica="gone")])
            return starting, await here.ask(), here.used.requests

    starting, gone, requests = asyncio.run(run())
    assert (starting[0], starting[1]["error"]["code"]) == (503, "model_starting")
    assert (gone[0], gone[1]["error"]["code"], gone[2]["retry-after"]) == (503, "upstream_down", "2")
    assert requests == 0


def test_a_request_that_kills_every_engine_is_given_up(tmp_path: Path) -> None:
    async def run() -> Any:
        engine = Engine(ending_after(0, cut=True))
        async with scene(tmp_path, engine, patience=QUICK) as here:
            return (await here.ask(STREAM))[0], len(engine.seen)

    assert asyncio.run(run()) == (502, QUICK.deaths)


def test_an_error_that_is_no_death_is_not_asked_again(tmp_path: Path) -> None:
    async def run() -> Any:
        engine = Engine(refusing(500, {"error": {"message": "internal", "code": 500}}))
        async with scene(tmp_path, engine, patience=QUICK) as here:
            return (await here.ask())[0], len(engine.seen)

    assert asyncio.run(run()) == (500, 1)


def test_a_provider_is_asked_once_whatever_it_answers(tmp_path: Path) -> None:
    async def run() -> Any:
        provider_key(tmp_path)
        engine = Engine(refusing(503, DEATH))
        async with scene(tmp_path, engine, patience=QUICK) as here:
            return (await here.ask({**ASK, "model": "outside/x"}))[0], len(engine.seen)

    assert asyncio.run(run()) == (503, 1)


def test_a_provider_that_cannot_be_reached_is_tried_a_few_times(tmp_path: Path) -> None:
    async def run() -> Any:
        provider_key(tmp_path)
        async with scene(tmp_path, patience=QUICK) as here:
            return (await here.ask({**ASK, "model": "outside/x"}))[1]["error"]["code"]

    assert asyncio.run(run()) == "upstream_down"


FALLBACK = {"m": 'fallback = "spare"\n'}


@pytest.mark.parametrize("turn", [refusing(503, "down"), refusing(500, {"detail": "broken"}), dying_at_once])
def test_a_fallback_answers_where_the_model_cannot_and_is_marked(tmp_path: Path, turn: Turn) -> None:
    async def run() -> Any:
        spare = Engine()
        async with scene(tmp_path, Engine(turn), spare=spare, catalogue=FALLBACK, patience=HASTY) as here:
            return await here.ask(STREAM), here.used, spare.seen

    (status, text, headers), used, seen = asyncio.run(run())
    assert (status, said(text), headers["x-podium-model"]) == (200, "One two three", "spare")
    assert (used.fallbacks, used.replicas, seen[0].body["model"]) == ({"spare": 1}, ("s0",), "spare")


def test_a_fallback_answers_for_a_model_that_is_not_deployed(tmp_path: Path) -> None:
    async def run() -> Any:
        async with scene(tmp_path, spare=Engine(), catalogue=FALLBACK) as here:
            here.routes.remove("m")
            return (await here.ask())[0], here.used.fallbacks

    assert asyncio.run(run()) == (200, {"spare": 1})


def test_a_refused_request_does_not_fall_back(tmp_path: Path) -> None:
    async def run() -> Any:
        engine, spare = Engine(refusing(400, {"detail": "no"})), Engine()
        async with scene(tmp_path, engine, spare=spare, catalogue=FALLBACK) as here:
            return (await here.ask())[0], len(spare.seen)

    assert asyncio.run(run()) == (400, 0)


def test_without_a_fallback_in_the_catalogue_there_is_none(tmp_path: Path) -> None:
    async def run() -> Any:
        spare = Engine()
        async with scene(tmp_path, Engine(refusing(503, "down")), spare=spare, patience=HASTY) as here:
            return (await here.ask())[0], len(spare.seen)

    assert asyncio.run(run()) == (503, 0)
