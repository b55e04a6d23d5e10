"""What an answer says that it used."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from serve.models import Prices

AT_THE_END = re.compile(r'(?:,"[a-z_]+":(?:null|"[^"\\]*"|-?[\d.]+))*\}\s*\Z')
"""What may follow the usage so that its object is the outermost one: plain fields, and the answer's last brace."""
DECODER = json.JSONDecoder()
KEY = b',"usage":'
"""In JSON these bytes are a key wherever they stand: inside of a text the quotes would be escaped."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request."""

    prompt: int = 0
    cached: int = 0
    """Of the prompt, those that the engine had already."""
    completion: int = 0
    reasoning: int = 0
    """Of the completion."""
    estimated: bool = False
    """The endpoint never said, so they are counted from the text."""

    def cost(self, prices: Prices) -> float:
        """USD."""
        cached = prices.prompt if prices.cached is None else prices.cached
        fresh = self.prompt - self.cached
        return (fresh * prices.prompt + self.cached * cached + self.completion * prices.completion) / 1e6


def usage_of(said: object) -> Usage | None:
    """The usage in a decoded answer or chunk; None where it holds none."""
    usage = said.get("usage") if isinstance(said, dict) else None
    return read_usage(usage) if isinstance(usage, dict) else None


def read_usage(usage: dict[str, Any]) -> Usage:
    """OpenAI's usage object. What is no count is 0."""
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    cached = _count(usage.get("prompt_tokens_details"), "cached_tokens")
    reasoning = _count(usage.get("completion_tokens_details"), "reasoning_tokens")
    return Usage(prompt, min(cached, prompt), completion, min(reasoning, completion))


def usage_of_body(body: bytes, prompt_estimate: int) -> Usage:
    """The usage of a whole answer; estimated from its length where it says nothing."""
    said: object = None
    place = body.rfind(KEY)
    try:
        if place >= 0:
            tail = body[place + len(KEY) :].decode()
            usage, end = DECODER.raw_decode(tail)
            if isinstance(usage, dict) and AT_THE_END.match(tail, end):
                return read_usage(usage)
        said = json.loads(body)
    except (ValueError, RecursionError):
        pass
    return usage_of(said) or Usage(prompt=prompt_estimate, completion=len(body) // 4, estimated=True)


def _count(usage: object, name: str) -> int:
    count = usage.get(name) if isinstance(usage, dict) else None
    return max(0, count) if isinstance(count, int) else 0
