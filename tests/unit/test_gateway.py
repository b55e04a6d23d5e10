"""The gateway: keys, budgets, errors and exact usage, in front of endpoints that speak the protocol."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from podium.keys import key_hash
from serve.gateway import build
from serve.keys import Grant, Keyring
from serve.offline.endpoint import build as build_offline
from serve.upstream import Directory
from tests.unit.serving import free_port, serving

ASK = {"model": "offline", "messages": [{"role": "user", "content": "Hello, model."}]}


@asynccontextmanager
async def gateway(tmp_path: Path, upstream: Any, tokens: int | None = None) -> AsyncIterator[tuple[str, Keyring]]:
    """A gateway with the key `key` of the trial `t` before the app `upstream`."""
    keyring = Keyring(tmp_path / "keys" / "gateway.jsonl")
    models = ("offline", "outside/m")
    keyring.register(Grant(trial_id="t", key_hash=key_hash("key"), models=models, tokens=tokens))
    async with serving(upstream) as model:
        catalogue = tmp_path / "catalog"
        catalogue.mkdir(exist_ok=True)
        (catalogue / "offline.toml").write_text('kind = "offline"\nabout = "x"\nrunning_usage = true\n')
        provider = f'kind = "provider"\nabout = "x"\nbase_url = "{model}/v1"\nsecret = "OPENAI_API_KEY"\n'
        (catalogue / "outside.toml").write_text(provider)
        app = build(keyring, Directory({"offline": f"{model}/v1"}, tmp_path, catalogue))
        async with serving(app) as address:
            yield address, keyring


async def post(address: str, body: Any, key: str = "key") -> tuple[int, Any, Any]:
    """Status, decoded body and headers of one request."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{address}/v1/chat/completions", data=io.BytesIO(data), headers=headers) as answer,
    ):
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith("{") else text, answer.headers


def through(tmp_path: Path, work: Callable[[str, Keyring], Awaitable[Any]], upstream: Any = None, **grant: Any) -> Any:
    """What `work(address, keyring)` gives behind a fresh gateway."""

    async def run() -> Any:
        async with gateway(tmp_path, upstream or build_offline(), **grant) as (address, keyring):
            return await work(address, keyring)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("body", "key", "status", "code"),
    [
        (ASK, "wrong", 401, "invalid_api_key"),
        ({**ASK, "model": "gone"}, "key", 404, "model_not_found"),
        ({**ASK, "messages": [{"role": "zzz", "content": "x"}]}, "key", 400, "invalid_role"),
        ({**ASK, "messages": []}, "key", 400, "invalid_type"),
        (b"{", "key", 400, "invalid_json"),
        (b"[" * 100_000, "key", 400, "invalid_json"),
        (b" " * ((8 << 20) + 1), "key", 413, "request_too_large"),
    ],
)
def test_a_wrong_request_gets_an_error_object(tmp_path: Path, body: Any, key: str, status: int, code: str) -> None:
    got, answer, _ = through(tmp_path, lambda address, keys: post(address, body, key))
    assert (got, answer["error"]["code"]) == (status, code)


def test_a_key_may_only_name_its_trials_models(tmp_path: Path) -> None:
    async def work(address: str, keys: Keyring) -> Any:
        keys.register(Grant(trial_id="t", key_hash=key_hash("key"), models=("other",)))
        return await post(address, ASK)

    status, answer, _ = through(tmp_path, work)
    assert (status, answer["error"]["code"]) == (403, "model_not_allowed")


def test_usage_is_what_the_answers_say_whole_and_streamed(tmp_path: Path) -> None:
    async def work(address: str, keys: Keyring) -> Any:
        _, whole, _ = await post(address, ASK)
        _, stream, _ = await post(address, {**ASK, "stream": True})
        return whole, stream, keys.usage("t")

    whole, stream, used = through(tmp_path, work)
    assert (used.requests, used.total) == (2, 2 * whole["usage"]["total_tokens"])
    chunks = [json.loads(line[6:]) for line in stream.split("\n\n") if line.startswith("data: {")]
    assert (
        "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
        == (whole["choices"][0]["message"]["content"])
    )
    assert stream.endswith("data: [DONE]\n\n")


def test_a_spent_budget_is_refused_with_429(tmp_path: Path) -> None:
    async def work(address: str, keys: Keyring) -> Any:
        return [(await post(address, ASK))[:2] for _ in range(2)]

    first, second = through(tmp_path, work, tokens=30)
    assert first[0] == 200
    assert (second[0], second[1]["error"]["code"]) == (429, "insufficient_quota")


def endless(closed: asyncio.Event) -> FastAPI:
    """An endpoint that streams for ever with running usage, and tells when it is left."""
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat() -> Response:
        async def events() -> AsyncIterator[bytes]:
            count = 0
            try:
                while True:
                    count += 1
                    chunk = {"choices": [{"delta": {"content": "x"}}]}
                    chunk["usage"] = {"prompt_tokens": 7, "completion_tokens": count}  # type: ignore[assignment]
                    yield b"data: " + json.dumps(chunk).encode() + b"\n\n"
                    await asyncio.sleep(0.001)
            finally:
                closed.set()

        return StreamingResponse(events(), media_type="text/event-stream")

    return app


def test_a_client_that_leaves_ends_the_request_upstream_and_its_usage_is_booked(tmp_path: Path) -> None:
    async def run() -> Any:
        closed = asyncio.Event()
        async with gateway(tmp_path, endless(closed)) as (address, keys):
            session = aiohttp.ClientSession(headers={"authorization": "Bearer key"})
            answer = await session.post(f"{address}/v1/chat/completions", json={**ASK, "stream": True})
            seen = 0
            while seen < 5:
                seen += b"data: " in await answer.content.readline()
            answer.close()
            await session.close()
            async with asyncio.timeout(10):
                await closed.wait()
        return keys.usage("t")

    used = asyncio.run(run())
    assert used.prompt == 7
    assert used.completion >= 5


def test_an_endpoint_that_is_down_answers_503_with_retry_after_and_costs_nothing(tmp_path: Path) -> None:
    async def run() -> Any:
        keyring = Keyring(tmp_path / "gateway.jsonl")
        keyring.register(Grant(trial_id="t", key_hash=key_hash("key"), models=("offline",)))
        directory = Directory({"offline": f"http://127.0.0.1:{free_port()}/v1"}, tmp_path)
        async with serving(build(keyring, directory)) as address:
            return *(await post(address, ASK)), keyring.usage("t")

    status, answer, headers, used = asyncio.run(run())
    assert (status, answer["error"]["code"], headers["retry-after"]) == (503, "upstream_down", "2")
    assert used.requests == 0


def outside(seen: list[dict[str, Any]], status: int = 200, body: Any = None) -> FastAPI:
    """A provider that notes what it is asked."""
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        seen.append({"authorization": request.headers.get("authorization"), **json.loads(await request.body())})
        usage = {"prompt_tokens": 3, "completion_tokens": 2}
        said = {"model": "m", "choices": [{"message": {"role": "assistant", "content": "hi"}}], "usage": usage}
        return JSONResponse(body or said, status)

    return app


def test_a_provider_gets_its_own_key_from_a_private_file_and_its_own_model_name(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("OPENAI_API_KEY=sk-real\n")
    env.chmod(0o600)
    seen: list[dict[str, Any]] = []
    through(tmp_path, lambda address, keys: post(address, {**ASK, "model": "outside/m"}), outside(seen))
    assert (seen[0]["authorization"], seen[0]["model"]) == ("Bearer sk-real", "m")


def test_a_key_file_that_others_can_read_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-real\n")
    (tmp_path / ".env").chmod(0o644)
    ask = {**ASK, "model": "outside/m"}
    status, answer, _ = through(tmp_path, lambda address, keys: post(address, ask), outside([]))
    assert status == 401
    assert "chmod 600" in answer["error"]["message"]


@pytest.mark.parametrize("body", [{"detail": "too long"}, {"error": {"message": "too long", "code": 400}}])
def test_an_endpoints_refusal_comes_in_one_form(tmp_path: Path, body: Any) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=k\n")
    (tmp_path / ".env").chmod(0o600)
    ask = {**ASK, "model": "outside/m"}
    status, answer, _ = through(tmp_path, lambda address, keys: post(address, ask), outside([], 400, body))
    assert (status, answer["error"]["message"]) == (400, "outside/m: too long")


def test_grants_and_usage_survive_a_restart_and_a_line_cut_by_a_death(tmp_path: Path) -> None:
    async def work(address: str, keys: Keyring) -> Any:
        await post(address, ASK)
        return keys.usage("t")

    used = through(tmp_path, work)
    file = tmp_path / "keys" / "gateway.jsonl"
    with file.open("a") as cut:
        cut.write('{"trial_id": "t", "pro')
    Keyring(file).register(Grant(trial_id="u", key_hash=key_hash("other"), models=("offline",)))
    again = Keyring(file)
    assert again.usage("t") == used
    assert (again.admit("key").trial_id, again.admit("other").trial_id) == ("t", "u")
    assert file.stat().st_mode & 0o077 == 0


def test_a_new_key_of_a_trial_shuts_the_old_one_out(tmp_path: Path) -> None:
    async def work(address: str, keys: Keyring) -> Any:
        keys.register(Grant(trial_id="t", key_hash=key_hash("new"), models=("offline",)))
        return (await post(address, ASK, "key"))[0], (await post(address, ASK, "new"))[0]

    assert through(tmp_path, work) == (401, 200)


def test_a_model_that_cannot_be_asked_is_known_before_a_sweep_begins(tmp_path: Path) -> None:
    directory = Directory({"offline": "http://127.0.0.1:1/v1"}, tmp_path)
    assert directory.obstacle(("offline",)) == ""
    (tmp_path / ".env").write_text("GEMINI_API_KEY=made-up\n")
    (tmp_path / ".env").chmod(0o600)
    assert directory.obstacle(("offline", "gemini/x")) == ""
    (tmp_path / ".env").write_text("GEMINI_API_KEY=\n")
    assert "GEMINI_API_KEY" in directory.obstacle(("offline", "gemini/x"))
