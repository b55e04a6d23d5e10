"""A request that is refused, as OpenAI's error object: status, message, type and code."""

from __future__ import annotations

import json
from typing import Any


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
        kind = "invalid_request_error" if self.status < 500 and self.status != 429 else "server_error"
        if self.status == 429:
            kind = self.code
        error = {"message": self.message, "type": kind, "param": self.param or None, "code": self.code}
        return json.dumps({"error": error}).encode()

    def headers(self) -> dict[str, str]:
        return {"retry-after": str(self.retry_after)} if self.retry_after else {}


def error_message(body: bytes, limit: int = 600) -> str:
    """What an endpoint says went wrong: `error.message`, `detail`, or the text itself; at most `limit` characters."""
    text = body.decode("utf-8", "replace")
    try:
        said: Any = json.loads(text)
    except ValueError:
        said = text
    if isinstance(said, list) and said:
        said = said[0]
    if isinstance(said, dict):
        said = said.get("error", said.get("detail", said))
    if isinstance(said, dict):
        said = said.get("message", said)
    message = said if isinstance(said, str) else json.dumps(said)
    return message.strip()[:limit] or "no message"
