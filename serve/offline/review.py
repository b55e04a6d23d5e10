"""Reviewing a run from what it printed: whether it failed, the validation score, and which way is better."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from podium.spec import Spec
from serve.offline.facts import gather
from serve.offline.prompt import Prompt

NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
FAILURE = (
    r"Traceback \(most recent call last\)|^\w*(?:Error|Exception)\b[:\s]|time limit|memory limit|was killed|stopped by"
)


REVIEW_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"is_bug": {}, "summary": {}, "metric": {}, "lower_is_better": {}},
}
"""What is answered where a review is asked for without a schema."""


class Review(Spec):
    """What the offline model reads in a run's output."""

    is_bug: bool
    summary: str
    metric: float | None
    lower_is_better: bool


def review(prompt: Prompt) -> Review:
    """Reads the output in the prompt; computes nothing."""
    facts = gather(prompt)
    name = prompt.metric_name or (facts.metric.name if facts else "score")
    value = printed_score(prompt.output, name)
    failed = re.search(FAILURE, prompt.output, re.MULTILINE | re.IGNORECASE) is not None
    lower = facts.metric.lower_is_better if facts else False
    said = re.search(r"\((lower|higher) is better\)", prompt.text)
    if said:
        lower = said[1] == "lower"
    if failed:
        summary = f"The run failed: {error_line(prompt.output)}"
    elif value is None:
        summary = "The run printed no validation score that I can read."
    else:
        summary = f"The run ended well; it printed a validation {name} of {value:g}."
    summary += " (Read by rule: the offline model is no LLM.)"
    return Review(
        is_bug=failed or value is None, summary=summary, metric=None if failed else value, lower_is_better=lower
    )


def printed_score(output: str, name: str) -> float | None:
    """The last validation score of an output, by its own line, else by a line that names the metric."""
    words = r"[\s_-]*".join(re.escape(word) for word in re.split(r"[\s_-]+", name) if word)
    patterns = (rf"validation\s+{words}\s*[:=]\s*{NUMBER}", rf"validation[^\n:=]*[:=]\s*{NUMBER}")
    loose = rf"(?:{words}|score|metric)[^\n:=]*[:=]\s*{NUMBER}"
    for pattern in (*patterns, loose):
        found = re.findall(pattern, output, re.IGNORECASE)
        if found:
            return float(found[-1])
    return None


def error_line(output: str) -> str:
    """The last line that says what went wrong; at most 200 characters."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Exit|Interrupt)\b", line)]
    limits = [line for line in lines if re.search(r"limit|killed|stopped", line, re.IGNORECASE)]
    return (telling or limits or lines or ["it printed nothing"])[-1][:200]


def fill(schema: Mapping[str, Any], known: Mapping[str, JsonValue]) -> JsonValue:
    """An object of the schema's form: known fields by name, and what cannot be known as the emptiest thing allowed."""
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    allowed = kinds if isinstance(kinds, list) else [kinds]
    if "enum" in schema:
        return schema["enum"][0]  # type: ignore[no-any-return]
    if "object" in allowed:
        properties: Mapping[str, Any] = schema.get("properties", {})
        return {
            name: known[name] if name in known and fits(part, known[name]) else fill(part, {})
            for name, part in properties.items()
        }
    if "null" in allowed:
        return None
    empty: dict[str, JsonValue] = {"array": [], "number": 0.0, "integer": 0, "boolean": False}
    return empty.get(allowed[0], "The offline model is no LLM and cannot say.")


def fits(schema: Mapping[str, Any], value: JsonValue) -> bool:
    """Whether a value has one of the schema's types."""
    kinds = schema.get("type")
    allowed = kinds if isinstance(kinds, list) else [kinds]
    kind = {bool: "boolean", str: "string", float: "number", int: "integer", type(None): "null"}.get(type(value), "")
    return kinds is None or kind in allowed or (kind == "integer" and "number" in allowed)
