"""What `/validate` answers over HTTP, verdicts and refusals, in the form of MLE-bench's server: JSON and a line end."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from podium.brief import Validity
from podium.errors import PodiumError

ALLOW = {"Allow": "POST, OPTIONS"}
CLIENT_LEFT = 499
"""The status in the audit log of a call whose answer nobody reads."""


class Refusal(Exception):
    """An answer that is no verdict."""

    def __init__(self, status: int, error: str, details: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, error, details, headers)
        self.status, self.error, self.details, self.headers = status, error, details, headers

    @property
    def told(self) -> str:
        """In one line."""
        return f"{self.error} {self.details}".strip()

    def response(self) -> Response:
        return plain(self.status, {"error": self.error, "details": self.details}, self.headers)


def plain(status: int, content: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Response:
    """A JSON object as the benchmark's server writes it."""
    text = json.dumps(content, separators=(",", ":"), sort_keys=True) + "\n"
    return Response(text, status, headers, media_type="application/json")


def verdict(said: Validity) -> Response:
    """Valid or not: 200, and nothing beside the message."""
    return plain(200, {"result": said.message if said.valid else f"Submission invalid! {said.message}"})


def stranger() -> Refusal:
    remedy = "Send the header: Authorization: Bearer KEY"
    return Refusal(401, "No key, or one that is not known here.", remedy, {"WWW-Authenticate": "Bearer"})


def stalled(seconds: float) -> Refusal:
    error = f"The upload did not end within {seconds:.0f} s."
    return Refusal(408, error, "Send it again.", {"Connection": "close"})


def too_large(limit: int) -> Refusal:
    return Refusal(413, f"The submission is too large: at most {limit >> 20} MiB can be handed in.")


def unexpected(error: PodiumError) -> Refusal:
    """In the words of MLE-bench's server, which its users' scripts know."""
    return Refusal(500, "An unexpected error occurred.", f"{error.message} {error.remedy}".strip())


def restarting() -> Refusal:
    return Refusal(503, "The validator is restarting its parser.", "Try again in a moment.", {"Retry-After": "1"})


async def elsewhere(request: Request, error: Exception) -> Response:
    """A path or a method that is not there."""
    assert isinstance(error, HTTPException)
    paths = "There are GET /health, POST /validate and POST /validate/COMPETITION."
    return plain(error.status_code, {"error": f"{error.detail}.", "details": paths}, error.headers)


async def broken(request: Request, error: Exception) -> Response:
    """A fault of ours; the server writes it into its log."""
    return plain(500, {"error": "An unexpected error occurred.", "details": "The validator's own log says why."})
