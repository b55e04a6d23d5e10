"""The gateway's border: who may ask, for what, by which paths, and how a refusal looks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from podium.keys import key_hash
from serve.gateway.app import build
from serve.gateway.grant import Grant
from serve.gateway.keys import Keyring
from serve.gateway.routes import RouteTable, Target
from serve.gateway.upstream import Directory
from serve.models import Catalogue
from serve.offline.endpoint import build as build_offline
from tests.scripted_engine import CACHED, PROMPT, WORDS, Engine, refusing
from tests.unit.gateway_scene import ASK, HASTY, SECRET, STREAM, Scene, provider_key, scene
from tests.unit.serving import serving


def through(folder: Path, work: Callable[[Scene], Awaitable[Any]], *engines: Engine, **settings: Any) -> Any:
    """What `work(scene)` gives behind a fresh gateway."""

    async def run() -> Any:
        async with scene(folder, *(engines or (Engine(),)), **settings) as here:
            return await work(here)

    return asyncio.run(run())


def asking(**changes: Any) -> dict[str, Any]:
    return {**ASK, **changes}


USER = {"role": "user", "content": "x"}
WRONG: list[tuple[Any, str]] = [
    (asking(model=3), "model"),
    (asking(messages=[]), "messages"),
    (asking(messages="x"), "messages"),
    (asking(messages=[{"role": "zzz", "content": "x"}]), "messages[0].role"),
    (asking(messages=[USER, "x"]), "messages[1].role"),
    (asking(messages=[{"role": "user"}]), "messages[0].content"),
    (asking(messages=[{"role": "user", "content": [1]}]), "messages[0].content"),
    (asking(stream="yes"), "stream"),
    (asking(stream_options=1), "stream_options"),
    (asking(n=0), "n"),
    (asking(n=True), "n"),
    (asking(max_tokens="many"), "max_tokens"),
    (asking(max_completion_tokens=1.5), "max_completion_tokens"),
    (asking(tools={}), "tools"),
    (asking(tools=["f"]), "tools"),
    (asking(tool_choice="perhaps"), "tool_choice"),
    (asking(response_format="json"), "response_format"),
]


@pytest.mark.parametrize(("body", "param"), WRONG)
def test_a_malformed_request_is_400_and_names_the_field(tmp_path: Path, body: Any, param: str) -> None:
    status, answer, _ = through(tmp_path, lambda here: here.ask(body))
    assert (status, answer["error"]["param"]) == (400, param)
    assert answer["error"]["type"] == "invalid_request_error"


SOUND: list[Any] = [
    asking(messages=[USER, {"role": "assistant", "content": None, "tool_calls": []}, {"role": "tool", "content": "x"}]),
    asking(messages=[{"role": "developer", "content": [{"type": "text", "text": "x"}]}]),
    asking(stream=None, n=None, tools=None, max_tokens=None, response_format=None, tool_choice=None),
    asking(tool_choice={"type": "function", "function": {"name": "f"}}, tools=[{"type": "function"}]),
    asking(nobody_knows_this={"a": [1]}, temperature="warm"),
]


@pytest.mark.parametrize("body", SOUND)
def test_what_openai_would_take_is_passed_on_as_it_came(tmp_path: Path, body: Any) -> None:
    engine = Engine()
    assert through(tmp_path, lambda here: here.ask(body), engine)[0] == 200
    assert engine.seen[0].body == body


@pytest.mark.parametrize(
    ("body", "key", "status", "code"),
    [
        (ASK, "wrong", 401, "invalid_api_key"),
        (ASK, "", 401, "invalid_api_key"),
        (asking(model="gone"), "key", 404, "model_not_found"),
        (asking(model="outside/other"), "key", 403, "model_not_allowed"),
        (b"{", "key", 400, "invalid_json"),
        (b'{"model": NaN}', "key", 400, "invalid_json"),
        (b'{"model": "\xff"}', "key", 400, "invalid_json"),
        (b"[" * 100_000, "key", 400, "invalid_json"),
        (b"[]", "key", 400, "invalid_json"),
        (b" " * ((8 << 20) + 1), "key", 413, "request_too_large"),
    ],
)
def test_a_wrong_request_gets_an_error_object(tmp_path: Path, body: Any, key: str, status: int, code: str) -> None:
    got, answer, _ = through(tmp_path, lambda here: here.ask(body, key=key))
    assert (got, answer["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/v1/responses", 404, "unknown_url"),
        ("GET", "/metrics", 404, "unknown_url"),
        ("POST", "/v1/chat/completions/batch", 404, "unknown_url"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
    ],
)
def test_any_other_path_or_method_does_not_exist(
    tmp_path: Path, method: str, path: str, status: int, code: str
) -> None:
    got, answer, _ = through(tmp_path, lambda here: here.ask(method=method, path=path))
    assert (got, answer["error"]["code"], answer["error"]["type"]) == (status, code, "invalid_request_error")


def test_a_failure_of_the_gateway_itself_is_500_in_the_same_shape(tmp_path: Path) -> None:
    def broken(grant: Grant, model: str) -> None:
        raise ZeroDivisionError

    tape = {"coordinate": "task/0"}
    status, answer, _ = through(tmp_path, lambda here: here.ask(), tape_for=broken, tape=tape)
    assert (status, answer["error"]["type"], answer["error"]["code"]) == (500, "server_error", "internal_error")


def test_a_key_may_only_name_its_trials_models(tmp_path: Path) -> None:
    status, answer, _ = through(tmp_path, lambda here: here.ask(), models=("spare",))
    assert (status, answer["error"]["code"]) == (403, "model_not_allowed")


def test_a_new_key_of_a_trial_shuts_the_old_one_out(tmp_path: Path) -> None:
    async def work(here: Scene) -> Any:
        here.keys.register(Grant(trial_id="t", key_hash=key_hash("new"), models=("m",)))
        return (await here.ask())[0], (await here.ask(key="new"))[0]

    assert through(tmp_path, work) == (401, 200)


def test_a_revoked_key_is_401(tmp_path: Path) -> None:
    async def work(here: Scene) -> Any:
        here.keys.revoke("t")
        return await here.ask()

    status, answer, _ = through(tmp_path, work)
    assert (status, answer["error"]["code"]) == (401, "invalid_api_key")


def test_models_are_those_of_the_key_with_their_context(tmp_path: Path) -> None:
    async def work(here: Scene) -> Any:
        here.directory.renew(Catalogue([tmp_path / "catalog"]), {"spare": 2048})
        async with here.client() as client:
            return [model async for model in client.models.list()]

    models = through(tmp_path, work, catalogue={"m": "context = 4096\n"})
    found = {model.id: (model.model_extra or {}).get("max_model_len") for model in models}
    assert found == {"m": 4096, "spare": 2048, "outside/x": None}


def test_one_model_is_found_by_its_name_also_with_a_slash(tmp_path: Path) -> None:
    async def work(here: Scene) -> Any:
        async with here.client() as client:
            with pytest.raises(openai.NotFoundError):
                await client.models.retrieve("nope")
            return (await client.models.retrieve("m")).id, (await client.models.retrieve("outside/x")).id

    assert through(tmp_path, work) == ("m", "outside/x")


def test_completions_and_embeddings_go_to_their_own_paths(tmp_path: Path) -> None:
    engine = Engine(refusing(200, {"usage": {"prompt_tokens": 3, "total_tokens": 3}}))

    async def work(here: Scene) -> Any:
        await here.ask({"model": "m", "prompt": [1, 2, 3]}, path="/v1/completions")
        await here.ask({"model": "m", "input": ["a", "b"]}, path="/v1/embeddings")
        return (await here.ask({"model": "m"}, path="/v1/embeddings"))[0], here.used

    status, used = through(tmp_path, work, engine)
    assert [seen.path for seen in engine.seen] == ["/v1/completions", "/v1/embeddings"]
    assert (status, used.requests, used.prompt, used.completion) == (400, 2, 6, 0)


def test_a_replica_sees_the_models_secret_and_the_session_and_nothing_of_the_client(tmp_path: Path) -> None:
    engine = Engine()

    async def work(here: Scene) -> None:
        headers = {"authorization": "Bearer key", "x-session-id": "forged", "x-request-disconnect-disabled": "1"}
        async with aiohttp.ClientSession(headers=headers) as session:
            await session.post(f"{here.address}/v1/chat/completions", json=ASK)

    through(tmp_path, work, engine)
    headers = engine.seen[0].headers
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert headers["x-session-id"] == "t"
    assert headers["x-request-id"]
    assert "x-request-disconnect-disabled" not in headers


def test_a_provider_gets_its_own_key_from_a_private_file_and_its_own_model_name(tmp_path: Path) -> None:
    provider_key(tmp_path)
    engine = Engine()
    through(tmp_path, lambda here: here.ask(asking(model="outside/x")), engine)
    assert engine.seen[0].headers["authorization"] == "Bearer sk-real"
    assert engine.seen[0].body["model"] == "x"
    assert "x-session-id" not in engine.seen[0].headers


def test_a_key_file_that_others_can_read_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    provider_key(tmp_path)
    (tmp_path / ".env").chmod(0o644)
    status, answer, _ = through(tmp_path, lambda here: here.ask(asking(model="outside/x")))
    assert status == 401
    assert "chmod 600" in answer["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"detail": "too long"},
        {"error": {"message": "too long", "code": 400}},
        {"error": {"message": "too long", "code": "400", "type": "BadRequestError"}},
        [{"error": {"message": "too long", "code": 400, "status": "INVALID_ARGUMENT"}}],
        "too long",
    ],
)
def test_an_endpoints_refusal_comes_in_one_form(tmp_path: Path, body: Any) -> None:
    status, answer, _ = through(tmp_path, lambda here: here.ask(), Engine(refusing(400, body)))
    expected = {"message": "m: too long", "type": "invalid_request_error", "param": None, "code": "upstream_refused"}
    assert (status, answer["error"]) == (400, expected)


def test_a_traceback_from_below_is_cut_to_its_last_line(tmp_path: Path) -> None:
    text = 'Oh.\nTraceback (most recent call last):\n  File "a.py", line 1, in b\nValueError: no'
    engine = Engine(refusing(400, {"error": {"message": text}}))
    _, answer, _ = through(tmp_path, lambda here: here.ask(), engine)
    assert answer["error"]["message"] == "m: Oh. ValueError: no"


OVERFLOWS = [
    "This model's maximum context length is 4096 tokens. However, you requested 5000 output tokens and ...",
    "The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that ...",
    "Input length (5000) exceeds model's maximum context length (4096).",
    "The input token count (5000) exceeds the maximum number of tokens allowed (4096).",
    "Input tokens exceed the configured limit of 4096 tokens. Your messages resulted in 5000 tokens.",
]


@pytest.mark.parametrize("message", OVERFLOWS)
@pytest.mark.parametrize("body", [ASK, STREAM])
def test_a_prompt_that_is_too_long_has_a_code_of_its_own_and_the_limit(tmp_path: Path, message: str, body: Any) -> None:
    engine = Engine(refusing(400, {"error": {"message": message, "type": "BadRequestError", "code": 400}}))
    status, answer, _ = through(tmp_path, lambda here: here.ask(body), engine)
    assert (status, answer["error"]["code"]) == (400, "context_length_exceeded")
    assert "4096" in answer["error"]["message"]


def test_replicas_that_do_not_know_the_gateway_are_its_failure_and_not_the_clients(tmp_path: Path) -> None:
    engine = Engine(refusing(401, {"error": {"message": "no"}}))
    status, answer, _ = through(tmp_path, lambda here: here.ask(), engine)
    assert (status, answer["error"]["type"]) == (502, "server_error")


def test_a_providers_429_says_when_to_try_again(tmp_path: Path) -> None:
    provider_key(tmp_path)
    engine = Engine(refusing(429, {"error": {"message": "slow down"}}, {"retry-after": "17"}))
    status, answer, headers = through(tmp_path, lambda here: here.ask(asking(model="outside/x")), engine)
    assert (status, answer["error"]["type"], headers["retry-after"]) == (429, "rate_limit_exceeded", "17")
    assert len(engine.seen) == 1


def test_the_offline_model_answers_behind_it_whole_and_streamed(tmp_path: Path) -> None:
    async def run() -> Any:
        async with serving(build_offline()) as model:
            keys = Keyring(tmp_path / "gateway.jsonl")
            keys.register(Grant(trial_id="t", key_hash=key_hash("key"), models=("offline",)))
            routes = RouteTable({"offline": [Target(url=f"{model}/v1", replica="offline")]})
            directory = Directory(routes, Catalogue(), tmp_path)
            async with serving(build(keys, directory)) as address:
                client = openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="key", max_retries=0)
                asked: dict[str, Any] = {"model": "offline", "messages": ASK["messages"]}
                whole = await client.chat.completions.create(**asked)
                parts = [chunk async for chunk in await client.chat.completions.create(**asked, stream=True)]
                await client.close()
            return whole, parts, keys.usage("t")

    whole, parts, used = asyncio.run(run())
    assert "".join(part.choices[0].delta.content or "" for part in parts) == whole.choices[0].message.content
    assert (used.requests, used.tokens, used.estimated) == (2, 2 * whole.usage.total_tokens, 0)


def test_a_model_that_cannot_be_asked_is_known_before_a_sweep_begins(tmp_path: Path) -> None:
    directory = Directory(RouteTable({"offline": []}), Catalogue(), tmp_path)
    assert directory.obstacle(("offline", "replay:group")) == ""
    (tmp_path / ".env").write_text("GEMINI_API_KEY=made-up\n")
    (tmp_path / ".env").chmod(0o600)
    assert directory.obstacle(("offline", "gemini/x")) == ""
    (tmp_path / ".env").write_text("GEMINI_API_KEY=\n")
    assert "GEMINI_API_KEY" in directory.obstacle(("offline", "gemini/x"))


def test_usage_is_kept_with_who_answered(tmp_path: Path) -> None:
    async def work(here: Scene) -> Any:
        await here.ask()
        return here.used

    used = through(tmp_path, work, catalogue={"m": "[prices]\nprompt = 2.0\ncached = 1.0\ncompletion = 10.0\n"})
    assert (used.requests, used.prompt, used.cached, used.completion) == (1, PROMPT, CACHED, len(WORDS))
    assert used.cost == pytest.approx(((PROMPT - CACHED) * 2 + CACHED * 1 + len(WORDS) * 10) / 1e6)
    assert used.replicas == ("r0",)
    assert 0 < used.first_token_seconds <= used.seconds


def test_nothing_is_booked_where_no_model_answered(tmp_path: Path) -> None:
    async def work(here: Scene) -> Any:
        return (await here.ask())[0], here.used.requests

    engine = Engine(refusing(503, "Ingress request router failed: router_unreachable"))
    assert through(tmp_path, work, engine, patience=HASTY) == (503, 0)
