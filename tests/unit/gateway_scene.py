"""A gateway in front of scripted engines, over real HTTP on loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import openai

from podium.keys import key_hash
from podium.records import ModelUsage
from serve.gateway.app import build, no_tape
from serve.gateway.grant import Grant
from serve.gateway.keys import Keyring
from serve.gateway.patience import Patience
from serve.gateway.relay import TapeFor
from serve.gateway.routes import RouteTable, Target
from serve.gateway.upstream import Directory
from serve.models import Catalogue
from tests.scripted_engine import Engine
from tests.unit.serving import serving

MODEL = 'kind = "vllm"\nabout = "x"\nsource = "./m"\n'
PROVIDER = 'kind = "provider"\nabout = "x"\nbase_url = "{}/v1"\nsecret = "OPENAI_API_KEY"\n'
ASK = {"model": "m", "messages": [{"role": "user", "content": "Hello, model."}]}
STREAM = {**ASK, "stream": True}
SECRET = "the models' secret"
HASTY = Patience(seconds=0.0, fallback_seconds=0.0)
"""Asks once."""


@dataclass(frozen=True)
class Scene:
    """The key `key` of the trial `t` may ask for `m` (served by the engines as replicas), `spare` and `outside/x`."""

    address: str
    keys: Keyring
    directory: Directory
    clock: list[float]
    """Its one number is the time, for rates."""

    @property
    def used(self) -> ModelUsage:
        return self.keys.usage("t")

    @property
    def routes(self) -> RouteTable:
        return self.directory.routes

    def client(self, **settings: Any) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.address}/v1", api_key="key", max_retries=0, **settings)

    async def ask(
        self, body: Any = ASK, *, key: str = "key", path: str = "/v1/chat/completions", method: str = "POST"
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, decoded body (or text) and headers."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with (
            aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as session,
            session.request(method, self.address + path, data=_parts(data)) as answer,
        ):
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text, answer.headers


@asynccontextmanager
async def scene(
    folder: Path,
    *engines: Engine,
    catalogue: Mapping[str, str] | None = None,
    spare: Engine | None = None,
    patience: Patience | None = None,
    tape_for: TapeFor = no_tape,
    routes: RouteTable | None = None,
    **grant: Any,
) -> AsyncIterator[Scene]:
    """`catalogue`: more lines of the entries `m`, `spare` and `outside`; `grant`: more fields of the grant."""
    async with AsyncExitStack() as stack:
        addresses = [await stack.enter_async_context(engine.serving()) for engine in engines]
        targets = {"m": [Target(url=f"{url}/v1", replica=f"r{n}") for n, url in enumerate(addresses)]}
        if spare is not None:
            address = await stack.enter_async_context(spare.serving())
            targets["spare"] = [Target(url=f"{address}/v1", replica="s0")]
        provider = PROVIDER.format(addresses[0] if addresses else "http://127.0.0.1:9")
        entries = {"m": MODEL, "spare": MODEL, "outside": provider}
        (folder / "catalog").mkdir(exist_ok=True)
        for name, text in entries.items():
            (folder / "catalog" / f"{name}.toml").write_text(text + (catalogue or {}).get(name, ""))
        clock = [0.0]
        keys = Keyring(folder / "keys" / "gateway.jsonl", clock=lambda: clock[0])
        stack.callback(keys.close)
        models = grant.pop("models", ("m", "spare", "outside/x"))
        keys.register(Grant(trial_id="t", key_hash=key_hash("key"), models=models, **grant))
        routes = routes or RouteTable()
        routes.replace(targets)
        directory = Directory(routes, Catalogue([folder / "catalog"]), folder, secret=SECRET)
        app = build(keys, directory, tape_for=tape_for, patience=patience or Patience(), random=Random(0))
        yield Scene(await stack.enter_async_context(serving(app)), keys, directory, clock)


def provider_key(folder: Path) -> None:
    """Gives the provider its key."""
    (folder / ".env").write_text("OPENAI_API_KEY=sk-real\n")
    (folder / ".env").chmod(0o600)


def events(text: str) -> list[dict[str, Any]]:
    """The decoded events of a stream, without `[DONE]`."""
    return [json.loads(line[6:]) for line in text.split("\n\n") if line.startswith("data: {")]


def said(text: str) -> str:
    """What the first choice of a stream says."""
    choices = [choice for event in events(text) for choice in event.get("choices", ()) if choice["index"] == 0]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


async def _parts(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 1 << 18):
        yield data[start : start + (1 << 18)]
