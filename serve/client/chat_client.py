"""The client half: asks a chat model at an OpenAI-compatible address until there is a whole answer, within bounds.

async with ChatClient(base_url, api_key, "offline") as client:
    answer = await client.chat([{"role": "user", "content": "..."}], seed=0)

Errors are those of podium.errors only: openai's do not survive the trip between two actors.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from types import TracebackType
from typing import Any, Self

import openai

from podium.errors import ContextOverflow, UnfitReply
from podium.records import Tokens, now
from serve.client.answer import ChatAnswer, CutAnswer, StreamedAnswer, counted, read_whole
from serve.client.failure import Endpoint, FormatRefused, failure_of
from serve.client.retry import Bounds, Caller, Retry, Unhurried
from serve.client.schema_reply import in_words, read_object, response_format

UNFIT_TRIES = 3
"""How often a model is asked for an object that fits its schema."""
QUOTED = 2000
"""Characters of an answer that does not fit that are shown to the model again."""


HELD_SECONDS = 5
"""How long the gateway may hold a request for a model that is not there, before it says so: an outage is waited for
here, where the trial's clock can be stopped."""


class ChatClient:
    """One endpoint and model. A context manager; may be used by many coroutines at once.

    `request_seconds` bounds the silence of one request, `stream` asks for answers in chunks, so that a long answer is
    not silence; `bounds` say how long and how often one answer is tried for.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        model: str,
        *,
        bounds: Bounds | None = None,
        stream: bool = False,
        request_seconds: float = 900.0,
        connect_seconds: float = 10.0,
        random: Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._endpoint = Endpoint(model=model, base_url=base_url)
        self._bounds, self._stream = bounds or Bounds(), stream
        self._random, self._clock, self._sleep = random or Random(), clock, sleep
        self._openai = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            max_retries=0,
            timeout=openai.Timeout(request_seconds, connect=connect_seconds),
            default_headers={"prefer": f"wait={HELD_SECONDS}"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._openai.close()

    async def chat(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        temperature: float | None = None,
        schema: Mapping[str, Any] | None = None,
        seed: int | None = None,
        caller: Caller | None = None,
    ) -> ChatAnswer:
        """Ask once, or with a JSON `schema` until the answer fits, three times at most.

        `messages` have `role` and `content`; where none is the user's, one is added, for some models want one.
        Raises ModelFailure where the endpoint refuses (ContextOverflow: the prompt is too long; UnfitReply: the schema
        is never met), BudgetSpent where gateway or caller say so, InfrastructureFailure where nobody answers.
        """
        asked = [dict(message) for message in messages]
        if not any(message["role"] == "user" for message in asked):
            asked.append({"role": "user", "content": "Please answer."})
        options: dict[str, Any] = {"temperature": temperature, "seed": seed}
        options = {name: value for name, value in options.items() if value is not None}
        caller = caller or Unhurried()
        retry = Retry(self._bounds, self._endpoint, caller, self._clock, self._random)
        if schema is None:
            answer, _ = await self._complete(asked, options, retry, caller)
            return answer
        return await self._fitting(asked, options, schema, retry, caller)

    async def _fitting(
        self,
        asked: list[dict[str, str]],
        options: dict[str, Any],
        schema: Mapping[str, Any],
        retry: Retry,
        caller: Caller,
    ) -> ChatAnswer:
        """Ask until the answer fits the schema, by `response_format` where the endpoint takes it, else in words."""
        form: dict[str, Any] = {"response_format": response_format(schema)}
        used, complaint = Tokens(), ""
        for _ in range(UNFIT_TRIES):
            try:
                try:
                    answer, tokens = await self._complete(asked, {**options, **form}, retry, caller)
                except FormatRefused:
                    form = {}
                    asked = [*asked, {"role": "user", "content": in_words(schema)}]
                    answer, tokens = await self._complete(asked, options, retry, caller)
            except ContextOverflow:
                if not complaint:
                    raise
                break  # the first question fits, so it is the answers that leave no room for another
            used += tokens
            data, complaint = read_object(answer.content, schema)
            if data is not None:
                return counted(answer, used, data=data)
            asked = [*asked, *_again(answer, complaint, schema)]
        raise UnfitReply(
            f"{self._endpoint.model} never answered with an object that fits the schema: {complaint}",
            "Ask a model that can answer in JSON.",
        )

    async def _complete(
        self, asked: list[dict[str, str]], options: dict[str, Any], retry: Retry, caller: Caller
    ) -> tuple[ChatAnswer, Tokens]:
        """One whole answer and what it used, tried again while that may help. Raises FormatRefused too."""
        while True:
            failed: Exception
            try:
                async with asyncio.timeout(retry.begin()):
                    answer, used = await self._request(asked, options)
            except (openai.APIError, CutAnswer, TimeoutError) as error:
                failed = error
            else:
                retry.answered()
                caller.used(used)
                return answer, used
            failure = failure_of(failed, self._endpoint, now(), by_format="response_format" in options)
            await self._sleep(retry.after(failure))

    async def _request(self, asked: list[dict[str, str]], options: dict[str, Any]) -> tuple[ChatAnswer, Tokens]:
        """One request. Raises openai's errors, and CutAnswer where the answer is not whole."""
        ask: Any = self._openai.chat.completions.create  # typed for constant arguments only
        try:
            if not self._stream:
                return read_whole(_decoded(await ask(model=self._endpoint.model, messages=asked, **options)))
            chunks = await ask(
                model=self._endpoint.model,
                messages=asked,
                stream=True,
                stream_options={"include_usage": True},
                **options,
            )
        except ValueError as error:
            raise CutAnswer(f"The answer is no JSON: {error}") from None
        return await _assembled(chunks)


async def _assembled(chunks: openai.AsyncStream[Any]) -> tuple[ChatAnswer, Tokens]:
    """A stream's answer. Raises CutAnswer where it breaks off, and openai.APIError where an event says an error."""
    answer = StreamedAnswer()
    try:
        async with chunks:
            async for chunk in chunks:
                answer.add(_decoded(chunk))
    except openai.APIConnectionError as error:
        raise CutAnswer(f"The answer broke off: {error.__cause__ or error}") from None
    except ValueError as error:
        raise CutAnswer(f"The answer is no JSON: {error}") from None
    return answer.whole()


def _decoded(said: Any) -> object:
    """What openai's loosely built object was built from; anything else as it is."""
    return said.model_dump(warnings=False) if hasattr(said, "model_dump") else said


def _again(answer: ChatAnswer, complaint: str, schema: Mapping[str, Any]) -> list[dict[str, str]]:
    """The messages that say why an answer does not fit."""
    cut = " It was cut at its most tokens: be brief." if answer.finish_reason == "length" else ""
    return [
        {"role": "assistant", "content": answer.content[:QUOTED] or "(nothing)"},
        {"role": "user", "content": f"That does not fit: {complaint}{cut}\n{in_words(schema)}"},
    ]
