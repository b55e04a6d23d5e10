"""A request that is refused, as OpenAI's error object: status, message, type and code."""

from __future__ import annotations

import json
import re
from typing import Any

OVERFLOWS = (
    re.compile(r"maximum (?:context|model) length (?:is |of |\()(\d+)"),
    re.compile(r"context length is only (\d+)"),
    re.compile(r"maximum number of tokens allowed \(?(\d+)"),
    re.compile(r"configured limit of (\d+) tokens"),
    re.compile(r"prompt is too long: \d+ tokens > (\d+)"),
    re.compile(r"available context size \((\d+)"),
)
"""How vLLM, Gemini, OpenAI, Anthropic and llama.cpp say that a prompt is too long, with the limit."""
MOST_SAID = 600
"""Most characters of an endpoint's message that are passed on."""


class Refusal(Exception):
    """Answered to the client as `{"error": {message, type, param, code}}` with `status`."""

    def __init__(self, status: int, message: str, code: str, *, param: str = "", retry_after: int = 0) -> None:
        super().__init__(status, message, code)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_after = retry_after
        """Seconds after which trying again makes sense; 0: not said."""

    def body(self) -> bytes:
        """The error object as JSON."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        if self.status == 429:
            kind = self.code if self.code == "insufficient_quota" else "rate_limit_exceeded"
        error = {"message": self.message, "type": kind, "param": self.param or None, "code": self.code}
        return json.dumps({"error": error}).encode()

    def headers(self) -> dict[str, str]:
        return {"retry-after": str(self.retry_after)} if self.retry_after else {}


def error_message(body: bytes, limit: int = MOST_SAID) -> str:
    """What an endpoint says went wrong: `error.message`, `detail`, or the text itself; at most `limit` characters."""
    text = body.decode("utf-8", "replace")
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        said = text
    return _without_traceback(_message(said), limit) or "no message"


def context_limit(message: str) -> int | None:
    """The limit that a prompt is said to be over; None where the message says something else."""
    for pattern in OVERFLOWS:
        found = pattern.search(message.replace(",", ""))
        if found:
            return int(found[1])
    return None


def upstream_refusal(who: str, status: int, body: bytes, retry_after: int = 0) -> Refusal:
    """An endpoint's refusal of the request itself, in one form, whatever it called `error`, `detail` or `code`.

    A prompt that is too long is 400 with the code `context_length_exceeded` and the limit in its message.
    """
    message = error_message(body)
    if status < 500 and (context_limit(message) is not None or _field(body, "code") == "context_length_exceeded"):
        return Refusal(400, f"{who}: {message}", "context_length_exceeded", param=_field(body, "param") or "messages")
    code = _field(body, "code")
    known = code if re.fullmatch(r"[a-z][a-z_]{2,40}", code) else "upstream_refused"
    return Refusal(status, f"{who}: {message}", known, param=_field(body, "param"), retry_after=retry_after)


def _message(said: Any) -> str:
    if isinstance(said, list) and said:
        said = said[0]
    if isinstance(said, dict):
        said = said.get("error", said.get("detail", said))
    if isinstance(said, dict):
        said = said.get("message", said)
    return said if isinstance(said, str) else json.dumps(said)


def _without_traceback(message: str, limit: int) -> str:
    """Without a traceback's frames: what stands before it, and its last line, which names the error."""
    before, mark, after = message.partition("Traceback (most recent call last)")
    if mark:
        lines = [line for line in after.splitlines() if line.strip() and not line.startswith(" ")]
        message = f"{before.strip()} {lines[-1].strip() if lines else ''}"
    return message.strip()[:limit]


def _field(body: bytes, name: str) -> str:
    """A text field of the error object; empty where there is none."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    said = said[0] if isinstance(said, list) and said else said
    error = said.get("error") if isinstance(said, dict) else None
    value = error.get(name) if isinstance(error, dict) else None
    return value if isinstance(value, str) else ""
