"""What a failed request means: that waiting helps, and how long, or that it is final.

    away      nobody answers: the endpoint is waited for, as long as an outage may last
    rate      the trial asks faster than it may: asked again when the endpoint says
    broken    an answer failed or broke off: asked again, a few times
    final     an error of podium.errors, or FormatRefused

Status and code are those of OpenAI's API, as the gateway gives them; an endpoint that is asked directly is known by its
wording too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import openai

from podium.errors import BudgetSpent, ContextOverflow, ModelFailure
from podium.spec import Spec
from serve.refusal import context_limit, error_message

ASKED_AGAIN = frozenset({408, 409, 425, 500})
"""HTTP status of a failure that may pass; from 502 on it is an outage, and any other is final."""

_FAILED = {"upstream_broke_off": 1, "answer_too_large": 1, "engine_died": 2}
"""The gateway's codes where the request, not the endpoint, is what failed, and for how many tries each counts: engines
that die over a request die over it again, and take others' requests with them."""
_ENGINE_DIED = re.compile("EngineDeadError|EngineCore encountered an issue")


class FormatRefused(Exception):
    """The endpoint takes no `response_format`."""


class Failure(Spec):
    """A failure that may pass."""

    kind: Literal["away", "rate", "broken"]
    said: str
    """What happened, for people."""
    retry_after: float = 0.0
    """Seconds that the endpoint asks to wait; 0: it says nothing readable."""
    counts: int = 1
    """For how many tries."""


class Endpoint(Spec):
    """Who was asked."""

    model: str
    base_url: str

    def __str__(self) -> str:
        return f"The model {self.model} at {self.base_url}"


def failure_of(error: Exception, asked: Endpoint, now: datetime, *, by_format: bool) -> Failure:
    """What an error of the openai package, a CutAnswer or a TimeoutError means.

    Raises what is final: ContextOverflow, BudgetSpent, ModelFailure, and FormatRefused where the request had a
    `response_format` (`by_format`) that is not taken.
    """
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, asked, now, by_format)
    if isinstance(error, openai.APIConnectionError | TimeoutError):
        return Failure(kind="away", said=_reason(error))
    if isinstance(error, openai.APIError):  # an error event in a stream
        _check(error.message, error.code or "", asked)
    return Failure(kind="broken", said=_reason(error))


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds that `Retry-After` asks to wait, said in seconds or as a date (by the endpoint's own clock where it
    tells it); 0 where it says nothing readable."""
    said = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", said):
        return float(said)
    then = _date(said)
    return max(0.0, (then - (_date(headers.get("date", "")) or now)).total_seconds()) if then else 0.0


def _of_status(error: openai.APIStatusError, asked: Endpoint, now: datetime, by_format: bool) -> Failure:
    status, message = error.status_code, error_message(error.response.content)
    said, wait = f"HTTP {status}: {message}", retry_after(error.response.headers, now)
    _check(message, error.code or "", asked)
    if status == 429:
        return Failure(kind="rate", said=said, retry_after=wait)
    if error.code in _FAILED:
        return Failure(kind="broken", said=said, retry_after=wait, counts=_FAILED[error.code])
    if status in ASKED_AGAIN:
        kind: Literal["away", "broken"] = "away" if _ENGINE_DIED.search(message) else "broken"
        return Failure(kind=kind, said=said, retry_after=wait)
    if status > 501:
        return Failure(kind="away", said=said, retry_after=wait)
    if status in (400, 422) and by_format and re.search("response_format|json_schema|schema", message):
        raise FormatRefused
    raise ModelFailure(f"{asked} refused: {said}", "Mend what it says, then start a new sweep.")


def _check(message: str, code: str, asked: Endpoint) -> None:
    """Raises what is final by its code or its words, whatever status it comes with."""
    limit = context_limit(message)
    if code == "context_length_exceeded" or limit is not None:
        raise ContextOverflow(asked.model, limit, message)
    if code == "insufficient_quota":
        raise BudgetSpent(f"The model {asked.model} is asked no more: {message}", "Allow the trial more.")


def _date(said: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(said)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _reason(error: BaseException) -> str:
    cause = error.__cause__
    said = f"{type(error).__name__}: {error}".removesuffix(": ")
    return f"{said} ({type(cause).__name__}: {cause})" if cause else said
