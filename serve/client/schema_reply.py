"""Objects out of a model's text: how they are asked for, found, and checked against a JSON schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from pydantic import JsonValue


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as OpenAI's `response_format`."""
    name = re.sub(r"\W", "_", str(schema.get("title", "answer")))
    return {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema), "strict": True}}


def in_words(schema: Mapping[str, Any]) -> str:
    """The schema as a sentence, for an endpoint that takes no `response_format`."""
    return f"Answer with one JSON object of this schema only:\n{json.dumps(schema)}"


def read_object(text: str, schema: Mapping[str, Any]) -> tuple[dict[str, JsonValue] | None, str]:
    """The last JSON object in a text that fits the schema; else None and what is wrong with the last that was read."""
    complaint = "there is no JSON object in it."
    spoken = re.sub(r"(?s)\A.*</think(?:ing)?>", "", text)
    found = None
    for said in _objects(spoken):
        try:
            jsonschema.validate(said, schema)
            found = said
        except jsonschema.ValidationError as error:
            complaint = f"{error.json_path}: {error.message[:300]}"
    return found, complaint


def _objects(text: str) -> list[dict[str, JsonValue]]:
    """Every JSON object at the top level of a text, whatever stands around it."""
    decoder, found, at = json.JSONDecoder(), [], text.find("{")
    while at >= 0:
        try:
            said, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            found.append(said)
        at = text.find("{", end)
    return found
