"""A model's answer: as it comes over the wire, whole or in chunks, and as the client hands it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, ValidationError

from podium.records import Record, Tokens

NOT_WHOLE = frozenset({"abort", "error"})
"""Finish reasons of vLLM that mean that the engine gave the request up."""


class CutAnswer(Exception):
    """An answer that is not whole: it broke off, or lacks its choice or its finish reason."""


class ChatAnswer(Record):
    """What a model answered. Tokens count all requests that it took."""

    content: str
    reasoning: str = ""
    """What the model thought before it spoke, where the endpoint tells it apart."""
    data: dict[str, JsonValue] | None = None
    """The object, checked against the schema; None where no schema was given."""
    finish_reason: str = ""
    """`stop`; `length`: it was cut at the most tokens it may have."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    """Reasoning included."""
    cached_tokens: int = 0
    """Of the prompt's, those that the engine had in its prefix cache, where it says so."""
    reasoning_tokens: int = 0
    model: str = ""
    """What the endpoint calls itself."""


class _Wire(BaseModel):
    """What we read of OpenAI's objects; the rest is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def _counted(said: object) -> int:
    return said if isinstance(said, int) and said > 0 else 0


Count = Annotated[int, BeforeValidator(_counted)]
"""What an endpoint counted; 0 where it says nothing or nonsense, for an answer is worth more than its count."""


class _PromptDetails(_Wire):
    cached_tokens: Count = 0


class _CompletionDetails(_Wire):
    reasoning_tokens: Count = 0


class _Usage(_Wire):
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None

    def tokens(self) -> Tokens:
        """As one request's tokens."""
        return Tokens(
            prompt=self.prompt_tokens,
            completion=self.completion_tokens,
            cached=(self.prompt_tokens_details or _PromptDetails()).cached_tokens,
            reasoning=(self.completion_tokens_details or _CompletionDetails()).reasoning_tokens,
            requests=1,
        )


class _Message(_Wire):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    """The older name of `reasoning`."""

    @property
    def thought(self) -> str:
        return self.reasoning or self.reasoning_content or ""


class _Choice(_Wire):
    index: int = 0
    message: _Message | None = None
    """Of a whole answer."""
    delta: _Message | None = None
    """Of a chunk."""
    finish_reason: str | None = None


class _Completion(_Wire):
    choices: tuple[_Choice, ...] = ()
    usage: _Usage | None = None
    model: str | None = None


def read_whole(said: object) -> tuple[ChatAnswer, Tokens]:
    """The answer in a decoded `chat.completion`, and what it used. Raises CutAnswer."""
    completion = _read(said)
    if not completion.choices or completion.choices[0].message is None:
        raise CutAnswer(f"The answer holds no choice: {str(said)[:300]}")
    choice, message = completion.choices[0], completion.choices[0].message
    return _answer(message.content or "", message.thought, choice.finish_reason, completion)


class StreamedAnswer:
    """An answer that is put together from the chunks of a stream."""

    def __init__(self) -> None:
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._finish_reason: str | None = None
        self._last = _Completion()

    def add(self, said: object) -> None:
        """The next chunk, decoded. Raises CutAnswer."""
        chunk = _read(said)
        usage, model = chunk.usage or self._last.usage, chunk.model or self._last.model
        self._last = _Completion(usage=usage, model=model)
        for choice in chunk.choices[:1]:
            self._finish_reason = choice.finish_reason or self._finish_reason
            if choice.delta is not None:
                self._content.append(choice.delta.content or "")
                self._reasoning.append(choice.delta.thought)

    def whole(self) -> tuple[ChatAnswer, Tokens]:
        """The answer, once the stream has ended. Raises CutAnswer where it ended early."""
        return _answer("".join(self._content), "".join(self._reasoning), self._finish_reason, self._last)


def _answer(content: str, reasoning: str, finish_reason: str | None, said: _Completion) -> tuple[ChatAnswer, Tokens]:
    if not finish_reason or finish_reason in NOT_WHOLE:
        raise CutAnswer(f"The answer ended after {len(content)} characters, finish reason: {finish_reason or 'none'}.")
    used = (said.usage or _Usage()).tokens()
    answer = ChatAnswer(content=content, reasoning=reasoning, finish_reason=finish_reason, model=said.model or "")
    return counted(answer, used), used


def counted(answer: ChatAnswer, used: Tokens, **changes: Any) -> ChatAnswer:
    """The answer with these tokens as its own, and other changes."""
    tokens: Mapping[str, int] = {
        "prompt_tokens": used.prompt,
        "completion_tokens": used.completion,
        "cached_tokens": used.cached,
        "reasoning_tokens": used.reasoning,
    }
    return answer.model_copy(update={**tokens, **changes})


def _read(said: object) -> _Completion:
    try:
        return _Completion.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CutAnswer(f"The answer is no chat completion: {where} {first['msg']}") from None
