"""A chat request, checked once at the border: a JSON object with a model, messages with known roles, sane sizes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from serve.refusal import Refusal

ROLES = ("system", "developer", "user", "assistant", "tool")
MAX_BODY = 8 << 20
"""Most bytes of a request."""
MAX_MESSAGES = 2000


def parse_request(body: bytes) -> dict[str, Any]:
    """The request as a dict whose `model` and `messages` are sound. Raises Refusal (400, 413)."""
    if len(body) > MAX_BODY:
        raise Refusal(413, f"The request is larger than {MAX_BODY} bytes.", "request_too_large")
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is not JSON.", "invalid_json") from None
    if not isinstance(request, dict):
        raise Refusal(400, "The body is not a JSON object.", "invalid_json")
    if not isinstance(request.get("model"), str) or not request["model"]:
        raise Refusal(400, "`model` must name a model.", "invalid_type", param="model")
    if not isinstance(request.get("stream", False), bool | None):
        raise Refusal(400, "`stream` must be true or false.", "invalid_type", param="stream")
    _check_messages(request.get("messages"))
    return request


def _check_messages(messages: object) -> None:
    if not isinstance(messages, list) or not messages or len(messages) > MAX_MESSAGES:
        raise Refusal(
            400, f"`messages` must be a list of 1 to {MAX_MESSAGES} messages.", "invalid_type", param="messages"
        )
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            known = ", ".join(ROLES)
            place = f"messages[{number}].role"
            raise Refusal(400, f"`{place}` must be one of: {known}.", "invalid_role", param=place)


def message_text(message: Mapping[str, Any]) -> str:
    """The text of one message: a string, or the text parts of a list."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""
