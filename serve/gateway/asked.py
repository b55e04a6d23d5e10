"""One request of a client, read once: what of it the gateway acts on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from serve.chat import CHAT, message_text, parse_request


@dataclass(frozen=True, slots=True)
class Asked:
    """A sound request."""

    path: str
    """`/v1/chat/completions` or another of `serve.chat`."""
    body: bytes
    """Its JSON as it came, without space around it."""
    fields: dict[str, Any]
    model: str
    stream: bool
    wants_usage: bool
    """Whether the client wants a stream's usage at its end,"""
    wants_running: bool
    """... or in every chunk."""
    prompts: int
    choices: int
    """How many answers there must be: `n` for each prompt."""
    estimate: int
    """About how many tokens the prompt has."""

    @classmethod
    def read(cls, body: bytes, path: str) -> Self:
        """Raises Refusal (400, 413)."""
        fields = parse_request(body, path)
        options = fields.get("stream_options") or {}
        stream = bool(fields.get("stream"))
        prompts = 1 if path == CHAT else _count(fields.get("prompt"))
        usage = stream and options.get("include_usage") is True
        return cls(
            path=path,
            body=body.strip(),
            fields=fields,
            model=fields["model"],
            stream=stream,
            wants_usage=usage,
            wants_running=usage and options.get("continuous_usage_stats") is True,
            prompts=prompts,
            choices=prompts * (fields.get("n") or 1),
            estimate=estimate_tokens(fields),
        )

    def rewritten(self, model: str, *, running_usage: bool) -> bytes:
        """The request as an endpoint gets it: with its own name of the model, and asked for usage in streams."""
        changes: dict[str, Any] = {} if model == self.model else {"model": model}
        if self.stream:
            options = {**(self.fields.get("stream_options") or {}), "include_usage": True}
            changes["stream_options"] = options | ({"continuous_usage_stats": True} if running_usage else {})
        if not changes:
            return self.body
        if changes.keys() == {"stream_options"} and "stream_options" not in self.fields:
            # Long prompts are not written anew: the object's last brace makes room for one more field.
            return b'%s,"stream_options":%s}' % (self.body[:-1], json.dumps(changes["stream_options"]).encode())
        return json.dumps({**self.fields, **changes}).encode()


def estimate_tokens(fields: Mapping[str, Any]) -> int:
    """About how many tokens a prompt has: a fourth of its characters, and four a message."""
    if isinstance(fields.get("messages"), list):
        return sum(4 + len(message_text(message)) // 4 for message in fields["messages"])
    return _tokens(fields.get("prompt", fields.get("input")))


def _tokens(prompt: object) -> int:
    if isinstance(prompt, str):
        return 1 + len(prompt) // 4
    return sum(map(_tokens, prompt)) if isinstance(prompt, list) else 1


def _count(prompt: object) -> int:
    """How many prompts a completion has: a list of numbers is one."""
    return len(prompt) if isinstance(prompt, list) and not isinstance(prompt[0], int) else 1
