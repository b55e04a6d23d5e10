"""Clients of an OpenAI-compatible endpoint in a closed loop: each sends its next request when its last is answered.

    seen = await load.run(url, key, model, 32, 256, stream=True, max_tokens=64, prompts=load.digits(256, 140))

Tokens are those that the endpoint itself counts (`usage`); an answer without them, or a stream that breaks off, is an
error and not an answer. Every request says `ignore_eos`, so that vLLM gives all the tokens that it is asked for.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp
import numpy as np
from pydantic import BaseModel, ConfigDict

SECONDS = 1800.0
"""After which a request is given up."""
TAIL = 8192
"""Bytes at the end of a stream that surely hold its finish reason and its usage."""
SAID = 300
"""Characters of an error that are kept."""


class Measured(BaseModel):
    """What the clients saw. Times are in milliseconds; None where nothing was answered."""

    model_config = ConfigDict(frozen=True)

    clients: int
    requests: int
    """As many as were sent."""
    answered: int
    stream: bool
    seconds: float
    """From the first request to the last answer."""
    per_second: float
    """Answers a second."""
    tokens_per_second: float
    """Tokens of answers a second."""
    prompt_tokens: int
    cached_tokens: int
    """Of the prompts' tokens, where the endpoint says so."""
    completion_tokens: int
    ttft_p50_ms: float | None
    """Until the first piece of text; of streams alone."""
    ttft_p99_ms: float | None
    p50_ms: float | None
    """Until the answer is whole."""
    p99_ms: float | None
    client_cpu_ms: float
    """Processor time of the clients themselves, for one request."""
    errors: dict[str, int]
    """What went wrong, and how often."""


class Failed(Exception):
    """A request that got no whole answer; says why."""


@dataclass
class Stream:
    """The events of one streamed answer. Once its first text has come, only the end is kept."""

    first: float | None = None
    """When the first text came, on the clock of `feed`."""
    _kept: bytes = b""

    def feed(self, part: bytes, now: float) -> None:
        self._kept += part
        if self.first is None:
            if any(_has_text(event) for event in events(self._kept.rpartition(b"\n")[0])):
                self.first = now
        else:
            self._kept = self._kept[-TAIL:]

    def usage(self) -> dict[str, Any]:
        """The tokens at the stream's end. Raises Failed where it is no whole answer."""
        last = list(events(self._kept))
        for event in last:
            if "error" in event:
                raise Failed(f"in the stream: {_words(event)}")
        finished = any(choice.get("finish_reason") for event in last for choice in event.get("choices") or ())
        if not finished or b"data: [DONE]" not in self._kept:
            raise Failed("the stream broke off")
        return next((event["usage"] for event in reversed(last) if event.get("usage")), {})


@dataclass
class Notes:
    """What the clients write down together."""

    times: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def answer(self, seconds: float, first: float | None, usage: dict[str, Any]) -> None:
        """Raises Failed where the endpoint did not count."""
        if not usage.get("completion_tokens"):
            raise Failed("an answer without usage")
        self.times.append(seconds)
        if first is not None:
            self.firsts.append(first)
        self.prompt += usage["prompt_tokens"]
        self.completion += usage["completion_tokens"]
        self.cached += (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0


async def run(
    url: str,
    key: str,
    model: str,
    clients: int,
    requests: int,
    *,
    stream: bool,
    max_tokens: int,
    prompts: Sequence[str],
) -> Measured:
    """Send `requests` chat completions to `url` (ending in `/v1`) from `clients` clients, with `prompts` in turn."""
    numbers = iter(range(requests))
    notes = Notes()
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if stream else {}
    body = {"model": model, "max_tokens": max_tokens, "ignore_eos": True, "stream": stream, **options}

    async def client() -> None:
        for number in numbers:
            message = {"role": "user", "content": prompts[number % len(prompts)]}
            try:
                await _ask(session, f"{url}/chat/completions", {**body, "messages": [message]}, stream, notes)
            except (Failed, aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                notes.errors[(str(error) or type(error).__name__)[:SAID]] += 1

    timeout = aiohttp.ClientTimeout(total=SECONDS)
    headers = {"authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=timeout, headers=headers
    ) as session:
        began, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(client() for _ in range(clients)))
        seconds, used = time.perf_counter() - began, time.process_time() - used
    return _measured(notes, clients, requests, stream, seconds, used)


def digits(count: int, tokens: int, seed: int = 0) -> list[str]:
    """Prompts of exactly `tokens` tokens in Qwen's manner, where each digit is one; no two begin alike."""
    random = Random(seed)
    return ["".join(random.choices("0123456789", k=tokens)) for _ in range(count)]


async def _ask(session: aiohttp.ClientSession, url: str, body: dict[str, Any], stream: bool, notes: Notes) -> None:
    """Raises Failed, or what aiohttp raises."""
    began = time.perf_counter()
    async with session.post(url, json=body) as answer:
        if answer.status != 200:
            raise Failed(f"{answer.status}: {_words(_read(await answer.read()))}")
        if not stream:
            whole = await answer.json()
            notes.answer(time.perf_counter() - began, None, whole.get("usage") or {})
            return
        seen = Stream()
        async for part in answer.content.iter_any():
            seen.feed(part, time.perf_counter())
        usage, ended = seen.usage(), time.perf_counter()
        notes.answer(ended - began, seen.first - began if seen.first else None, usage)


def events(text: bytes) -> Iterator[dict[str, Any]]:
    """The events whose lines are whole."""
    for line in text.splitlines():
        if line.startswith(b"data: {"):
            try:
                yield json.loads(line[6:])
            except ValueError:
                continue


def _has_text(event: dict[str, Any]) -> bool:
    deltas = [choice.get("delta") or {} for choice in event.get("choices") or ()]
    return any(
        delta.get(name) for delta in deltas for name in ("content", "reasoning", "reasoning_content", "tool_calls")
    )


def _read(body: bytes) -> Any:
    """JSON where it is some, else the text."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def _words(answer: Any) -> str:
    """An error's own words."""
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    return str(error.get("message", error) if isinstance(error, dict) else error)


def _measured(notes: Notes, clients: int, requests: int, stream: bool, seconds: float, used: float) -> Measured:
    answered = len(notes.times)
    return Measured(
        clients=clients,
        requests=requests,
        answered=answered,
        stream=stream,
        seconds=seconds,
        per_second=answered / seconds,
        tokens_per_second=notes.completion / seconds,
        prompt_tokens=notes.prompt,
        cached_tokens=notes.cached,
        completion_tokens=notes.completion,
        ttft_p50_ms=_percentile(notes.firsts, 50),
        ttft_p99_ms=_percentile(notes.firsts, 99),
        p50_ms=_percentile(notes.times, 50),
        p99_ms=_percentile(notes.times, 99),
        client_cpu_ms=used / requests * 1e3,
        errors=dict(notes.errors),
    )


def _percentile(seconds: Sequence[float], part: float) -> float | None:
    return float(np.percentile(seconds, part)) * 1e3 if seconds else None
