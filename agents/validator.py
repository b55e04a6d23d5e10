"""Asks the grader's `/validate` over HTTP whether a submission has the right form."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Self

import aiohttp

from podium.brief import Submission, Validity
from podium.errors import InfrastructureFailure

TRIES = 7
"""With their growing waits half a minute: longer than a grader takes to start again."""
SECONDS = 120.0
"""Of one try."""
AWAY = frozenset({408, 429, 502, 503, 504})
"""HTTP statuses that pass: one asks again."""
VALID = "Submission is valid."
INVALID = "Submission invalid! "


class HttpValidator:
    """`await validator(submission)`, with the trial's key, which names the task. An async context manager."""

    def __init__(self, base_url: str, api_key: str, first_wait: float = 0.5) -> None:
        self._url = base_url.rstrip("/").removesuffix("/validate") + "/validate"
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._first_wait = first_wait

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=aiohttp.ClientTimeout(total=SECONDS))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def __call__(self, submission: Submission) -> Validity:
        """Raises InfrastructureFailure while the grader is away, after a few tries with growing waits."""
        fault = ""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(self._first_wait * 2 ** (attempt - 1))
            try:
                async with self._session.post(self._url, data=_form(submission)) as response:
                    said = await response.text()
                    if response.status not in AWAY:
                        return _read(response.status, said)
                    fault = f"HTTP {response.status}"
            except (aiohttp.ClientError, TimeoutError) as error:
                fault = f"{type(error).__name__}: {error}"
        raise InfrastructureFailure(f"The validator does not answer ({fault}).", "Look whether the grader runs.")


def _form(submission: Submission) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, content in submission.items():
        form.add_field("file", content, filename=name, content_type="application/octet-stream")
    return form


def _read(status: int, said: str) -> Validity:
    """The validator's `{"result": "..."}`; what it refuses as too large, or cannot take apart, is not valid either."""
    try:
        answer = json.loads(said)
        if status in (400, 413):
            return Validity(valid=False, message=f"{answer['error']} {answer['details']}".strip())
        result = str(answer["result"])
        return Validity(valid=result == VALID, message=result.removeprefix(INVALID))
    except (ValueError, KeyError, TypeError):
        message = f"The validator refused (HTTP {status}): {said[:300]}"
        raise InfrastructureFailure(message, "See the details in its words.") from None
