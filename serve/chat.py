"""A request in OpenAI's form, checked once at the border: what is refused here would be refused there.

Fields that are not known are let through: the endpoint judges them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from serve.refusal import Refusal

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MAX_BODY = 8 << 20
"""Most bytes of a request."""
CHAT, COMPLETIONS, EMBEDDINGS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"


def parse_request(body: bytes, path: str = CHAT) -> dict[str, Any]:
    """The request as a dict whose fields that matter here are sound. Raises Refusal (400, 413)."""
    if len(body) > MAX_BODY:
        raise too_large()
    try:
        request = json.loads(body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is not JSON.", "invalid_json") from None
    if not isinstance(request, dict):
        raise Refusal(400, "The body is not a JSON object.", "invalid_json")
    if not isinstance(request.get("model"), str) or not request["model"]:
        raise _wrong("model", "must name a model")
    for name, (fits, what) in FIELDS.items():
        value = request.get(name)
        if value is not None and not fits(value):
            raise _wrong(name, what)
    CONTENTS[path](request)
    return request


def too_large() -> Refusal:
    return Refusal(413, f"The request is larger than {MAX_BODY} bytes.", "request_too_large")


def message_text(message: Mapping[str, Any]) -> str:
    """The text of one message: a string, or the text parts of a list."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def _whole_number(least: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _named(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str)


FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "stream": (lambda value: isinstance(value, bool), "must be true or false"),
    "stream_options": (lambda value: isinstance(value, dict), "must be an object"),
    "n": (_whole_number(1), "must be a whole number from 1"),
    "max_tokens": (_whole_number(0), "must be a whole number"),
    "max_completion_tokens": (_whole_number(0), "must be a whole number"),
    "tools": (
        lambda value: isinstance(value, list) and all(map(_named, value)),
        "must be a list of objects with a `type`",
    ),
    "tool_choice": (
        lambda value: value in ("none", "auto", "required") if isinstance(value, str) else _named(value),
        "must be none, auto, required, or an object with a `type`",
    ),
    "response_format": (_named, "must be an object with a `type`"),
}
"""What is looked at where it is given and not null, and what is said of it where it does not fit."""


def _check_messages(request: Mapping[str, Any]) -> None:
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _wrong("messages", "must be a list of at least one message")
    for number, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ROLES:
            place = f"messages[{number}].role"
            raise Refusal(400, f"`{place}` must be one of: {', '.join(ROLES)}.", "invalid_role", param=place)
        content = message.get("content")
        if isinstance(content, str) or (content is None and role in ("assistant", "function")):
            continue
        if not isinstance(content, list) or not all(map(_named, content)):
            raise _wrong(f"messages[{number}].content", "must be a text, or a list of parts with a `type`")


def _check_prompt(request: Mapping[str, Any]) -> None:
    prompt = request.get("prompt")
    if prompt is not None and not isinstance(prompt, str) and not (isinstance(prompt, list) and prompt):
        raise _wrong("prompt", "must be a text, a list of texts, or a list of tokens")


def _check_input(request: Mapping[str, Any]) -> None:
    if "messages" in request:
        _check_messages(request)
        return
    asked = request.get("input")
    if not isinstance(asked, str | list) or not asked:
        raise _wrong("input", "must be a text, a list of texts, or a list of tokens")


CONTENTS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    CHAT: _check_messages,
    COMPLETIONS: _check_prompt,
    EMBEDDINGS: _check_input,
}


def _wrong(name: str, what: str) -> Refusal:
    return Refusal(400, f"`{name}` {what}.", "invalid_type", param=name)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")
