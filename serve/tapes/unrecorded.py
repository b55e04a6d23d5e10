"""Says which request a recording lacks, and how the nearest recorded one differs: that is what a person needs then."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from serve.chat import message_text
from serve.refusal import Refusal
from serve.tapes.recording import Recording, Row, blanked, canonical, digest_of, shape_of

SHOWN = 200
"""Characters of the request's last message that are shown."""
AROUND = 60
"""Characters shown from the first that differs."""
_ABSENT = object()


def unrecorded(
    recording: Recording, rows: Sequence[Row], coordinate: str, path: str, request: Mapping[str, Any]
) -> Refusal:
    """The refusal (404) of a request that is not among `rows`, those of the trial's coordinate, or once too often."""
    shape, digest = shape_of(request), digest_of(canonical(request))
    recorded = sum(row.shape == shape and row.path == path for row in rows)
    why = f"It was recorded {times(recorded)}." if recorded else _why(recording, rows, path, request)
    return Refusal(
        404,
        f"The recording {recording.folder} has no answer to this request of {coordinate}: {path}, digest {digest}, "
        f'asked {times(recorded + 1)}. Its last message begins: "{_last(request)[:SHOWN]}". {why}',
        "not_recorded",
    )


def first_difference(old: Any, new: Any, place: str = "") -> tuple[str, Any, Any] | None:
    """Where two JSON values differ first, messages before other keys, and both values there; None: nowhere. What was
    measured makes no difference."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys(), key=lambda key: (key != "messages", key))
        pairs = [(f"{place}.{key}" if place else key, old.get(key, _ABSENT), new.get(key, _ABSENT)) for key in keys]
    elif isinstance(old, list) and isinstance(new, list):
        longest = range(max(len(old), len(new)))
        pairs = [(f"{place}[{number}]", _item(old, number), _item(new, number)) for number in longest]
    else:
        return None if blanked(_text(old)) == blanked(_text(new)) else (place, old, new)
    found = (first_difference(before, now, where) for where, before, now in pairs)
    return next((difference for difference in found if difference is not None), None)


def times(count: int) -> str:
    """`once`, `2 times`."""
    return "once" if count == 1 else f"{count} times"


def _why(recording: Recording, rows: Sequence[Row], path: str, request: Mapping[str, Any]) -> str:
    if not rows:
        known = sorted({row.coordinate for row in recording.rows})
        more = f" and {len(known) - 12} more" if len(known) > 12 else ""
        return f"Of that trial and model it has nothing; it has: {', '.join(known[:12]) or 'nothing at all'}{more}."
    asked = json.loads(canonical(request).decode("utf-8", "surrogatepass"))
    known_requests = {row.request: recording.request(row) for row in rows if row.path == path}
    if not known_requests:
        return f"Nothing was recorded for {path}."
    nearest = max(known_requests, key=lambda name: _nearness(known_requests[name], asked))
    difference = first_difference(known_requests[nearest], asked)
    assert difference is not None  # else they had one shape
    return f"The nearest recorded request, {nearest}, differs first at {_shown(*difference)}."


def _nearness(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[int, int]:
    """How many messages are the same from the start, and how much of the first that is not."""
    before, now = ([blanked(_text(message)) for message in _messages(request)] for request in (old, new))
    same = next((number for number, pair in enumerate(zip(before, now, strict=False)) if pair[0] != pair[1]), None)
    if same is None:
        return min(len(before), len(now)), 0
    return same, _shared(before[same], now[same])


def _messages(request: Mapping[str, Any]) -> list[Any]:
    messages = request.get("messages", request.get("prompt", request.get("input")))
    return messages if isinstance(messages, list) else [messages]


def _last(request: Mapping[str, Any]) -> str:
    messages = _messages(request)
    last = messages[-1] if messages else ""
    return message_text(last) if isinstance(last, dict) else str(last)


def _shown(place: str, old: Any, new: Any) -> str:
    """`messages[3].content from character 120 on: recorded "...", asked "..."`."""
    if not (isinstance(old, str) and isinstance(new, str)):
        return f"{place}: recorded {_text(old)[:AROUND]}, asked {_text(new)[:AROUND]}"
    old, new = blanked(old), blanked(new)
    start = _shared(old, new)
    before, now = (json.dumps(text[start : start + AROUND], ensure_ascii=False) for text in (old, new))
    return f"{place} from character {start} on: recorded {before}, asked {now}"


def _shared(before: str, now: str) -> int:
    """How many characters two texts have in common from the start."""
    pairs = enumerate(zip(before, now, strict=False))
    return next((number for number, (old, new) in pairs if old != new), min(len(before), len(now)))


def _item(values: list[Any], number: int) -> Any:
    return values[number] if number < len(values) else _ABSENT


def _text(value: Any) -> str:
    return "nothing" if value is _ABSENT else json.dumps(value, sort_keys=True, ensure_ascii=False)
