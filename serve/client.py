"""The client half: asks a chat model at an OpenAI-compatible address, with bounded retries and checked JSON.

async with ChatClient(base_url, api_key, "offline") as client:
    answer = await client.chat([{"role": "user", "content": "..."}], seed=0)
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from random import Random
from types import TracebackType
from typing import Any, Self, cast

import jsonschema  # type: ignore[import-untyped]
import openai
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam
from pydantic import JsonValue

from podium.errors import BudgetSpent, ModelFailure, UnfitReply
from podium.records import Record

RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""HTTP status that may pass; any other is final."""
ASKED_AGAIN = 2
"""How often a model is asked again for an object that fits its schema."""


class ChatAnswer(Record):
    """What a model answered. Tokens count all tries that were answered."""

    content: str
    data: dict[str, JsonValue] | None = None
    """The object, checked against the schema; None where no schema was given."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str = ""
    """What the endpoint calls itself."""


class ChatClient:
    """One endpoint and model. A context manager; may be used by many coroutines at once.

    `tries` requests at most for one answer, and `seconds` for everything, waiting included; `base_delay` (seconds) is
    doubled from try to try up to `most_delay`, and a random half of it is waited less.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        model: str,
        *,
        tries: int = 6,
        seconds: float = 1800.0,
        request_seconds: float = 900.0,
        connect_seconds: float = 10.0,
        base_delay: float = 0.5,
        most_delay: float = 30.0,
        random: Random | None = None,
    ) -> None:
        self._base_url, self._model = base_url, model
        self._tries, self._seconds = tries, seconds
        self._base_delay, self._most_delay = base_delay, most_delay
        self._random = random or Random()
        self._openai = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            max_retries=0,
            timeout=openai.Timeout(request_seconds, connect=connect_seconds),
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
    ) -> ChatAnswer:
        """Ask once, or with a JSON `schema` until the answer fits, two times more at most.

        `messages` have `role` and `content`; where none is the user's, one is added, for some models want one.
        Raises ModelFailure (UnfitReply where the schema is never met) and BudgetSpent where the gateway says so.
        """
        deadline = time.monotonic() + self._seconds
        asked = [dict(message) for message in messages]
        if not any(message["role"] == "user" for message in asked):
            asked.append({"role": "user", "content": "Please answer."})
        options: dict[str, Any] = {"temperature": temperature, "seed": seed}
        options = {name: value for name, value in options.items() if value is not None}
        if schema is None:
            return _answer(await self._complete(asked, options, deadline))
        return await self._fitting(asked, options, schema, deadline)

    async def _fitting(
        self, asked: list[dict[str, str]], options: dict[str, Any], schema: Mapping[str, Any], deadline: float
    ) -> ChatAnswer:
        """Ask until the answer fits the schema, by `response_format` where the endpoint takes it, else in words."""
        asked = [*asked]
        formats = [{"response_format": _response_format(schema)}, {}]
        prompt = completion = 0
        complaint = ""
        for _ in range(1 + ASKED_AGAIN):
            try:
                reply = await self._complete(asked, {**options, **formats[0]}, deadline)
            except _FormatRefused:
                formats = formats[1:]
                asked.append({"role": "user", "content": _in_words(schema)})
                reply = await self._complete(asked, options, deadline)
            answer = _answer(reply)
            prompt, completion = prompt + answer.prompt_tokens, completion + answer.completion_tokens
            data, complaint = _read_object(answer.content, schema)
            if data is not None:
                update = {"data": data, "prompt_tokens": prompt, "completion_tokens": completion}
                return answer.model_copy(update=update)
            again = f"That does not fit: {complaint}\n{_in_words(schema)}"
            asked += [
                {"role": "assistant", "content": answer.content or "(nothing)"},
                {"role": "user", "content": again},
            ]
        raise UnfitReply(
            f"{self._model} never answered with an object that fits the schema: {complaint}",
            "Ask a model that can answer in JSON.",
        )

    async def _complete(self, asked: list[dict[str, str]], options: dict[str, Any], deadline: float) -> ChatCompletion:
        """One answer, tried again while the failure may pass. Raises ModelFailure, BudgetSpent, _FormatRefused."""
        said = ""
        messages = cast(list[ChatCompletionMessageParam], asked)
        for attempt in range(self._tries):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                async with asyncio.timeout(left):
                    reply = await self._openai.chat.completions.create(model=self._model, messages=messages, **options)
                    return cast(ChatCompletion, reply)
            except openai.APIStatusError as error:
                said = self._judge(error, "response_format" in options)
                wait = _retry_after(error)
            except (openai.APIConnectionError, TimeoutError) as error:
                said, wait = _reason(error), 0.0
            except openai.APIResponseValidationError as error:
                raise ModelFailure(
                    f"{self._base_url} does not answer as a chat model does: {error}.", "Check the model's address."
                ) from None
            if attempt + 1 < self._tries:
                await asyncio.sleep(min(max(wait, self._delay(attempt)), max(0.0, deadline - time.monotonic())))
        raise ModelFailure(
            f"The model {self._model} at {self._base_url} gave no answer in {self._tries} tries "
            f"or {self._seconds:.0f} s: {said}",
            "See `podium status` and whether the endpoint is up, then resume the sweep.",
        )

    def _judge(self, error: openai.APIStatusError, by_format: bool) -> str:
        """What a refusal says, where it may pass; raises where it is final."""
        said = f"HTTP {error.status_code}: {error.message}"
        if error.status_code == 429 and error.code == "insufficient_quota":
            raise BudgetSpent(
                f"The model {self._model} is asked no more: {error.message}", "Allow the trial more tokens."
            ) from None
        if error.status_code in RETRIED:
            return said
        if error.status_code in (400, 422) and by_format and re.search("response_format|json_schema|schema", said):
            raise _FormatRefused from None
        raise ModelFailure(
            f"The model {self._model} at {self._base_url} refused: {said}", "Mend what it says, then start a new sweep."
        ) from None

    def _delay(self, attempt: int) -> float:
        """Seconds to wait after a failed try: exponential with jitter."""
        return float(min(self._most_delay, self._base_delay * 2**attempt) * self._random.uniform(0.5, 1.0))


class _FormatRefused(Exception):
    """The endpoint takes no `response_format`."""


def _answer(reply: ChatCompletion) -> ChatAnswer:
    """A completion as an answer. Raises ModelFailure where there is no choice in it."""
    if not getattr(reply, "choices", None):
        raise ModelFailure(f"The model's answer holds no choice: {str(reply)[:300]}", "Check the model's address.")
    usage = reply.usage
    return ChatAnswer(
        content=reply.choices[0].message.content or "",
        prompt_tokens=usage.prompt_tokens if usage else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
        model=reply.model or "",
    )


def _in_words(schema: Mapping[str, Any]) -> str:
    return f"Answer with one JSON object of this schema only:\n{json.dumps(schema)}"


def _response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    name = re.sub(r"\W", "_", str(schema.get("title", "answer")))
    return {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema), "strict": True}}


def _read_object(text: str, schema: Mapping[str, Any]) -> tuple[dict[str, JsonValue] | None, str]:
    """The last JSON object in a text that fits the schema; else None and what is wrong with the last that was read."""
    complaint = "there is no JSON object in it."
    spoken = re.sub(r"(?s)\A.*</think(?:ing)?>", "", text)
    found = None
    for said in _objects(spoken):
        try:
            jsonschema.validate(said, schema)
            found = said
        except jsonschema.ValidationError as error:
            complaint = f"{error.json_path}: {error.message[:300]}"
    return found, complaint


def _objects(text: str) -> list[dict[str, JsonValue]]:
    """Every JSON object at the top level of a text, whatever stands around it."""
    decoder, found, at = json.JSONDecoder(), [], text.find("{")
    while at >= 0:
        try:
            said, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            found.append(said)
        at = text.find("{", end)
    return found


def _retry_after(error: openai.APIStatusError) -> float:
    """Seconds that the endpoint asks to wait, 60 at most; 0 where it says nothing readable."""
    said = error.response.headers.get("retry-after", "")
    return min(60.0, float(said)) if re.fullmatch(r"\d+(\.\d+)?", said) else 0.0


def _reason(error: BaseException) -> str:
    cause = error.__cause__
    name = type(error).__name__
    return f"{name}: {error}" + (f" ({type(cause).__name__}: {cause})" if cause else "")
