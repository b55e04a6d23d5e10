"""What was asked: `sweep.toml` and flags made into one SweepSpec, and what a resume may change of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from podium.errors import SpecChanged, UnknownName, UserError
from podium.settings import checked, read_toml
from podium.spec import Limits, Spec, SweepSpec

NESTED = ("limits", "budget", "options")
"""Keys whose tables are merged key by key; a later source replaces any other key as a whole."""
FREE = ("parallel", "retries", "rate", "record")
"""What a resume may set anew: it changes no result. (A cache does: it answers in the model's place.)"""
GROWING = ("agents", "tasks", "models")
"""What a resume may add to."""

_SECRET = re.compile(r"(^|_)(key|token|secret|password)$", re.IGNORECASE)
_DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>[smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Asked(Spec):
    """What a command line and its `sweep.toml` say, before names are looked up."""

    values: dict[str, Any]
    """Keys of SweepSpec that were given."""
    splits: tuple[str, ...] = ()
    """Named lists of tasks, to be added to `values["tasks"]`."""
    lite: bool = False
    """Only those that are in the lite split too; alone: that split."""


Select = Callable[[Sequence[str], Sequence[str], bool], Iterable[str]]
"""The tasks of lists and ids, with `lite` only those that are in it: `tasks.registry.selection`."""


def ask(config: Path | None, flags: Mapping[str, Any]) -> Asked:
    """`sweep.toml` under the flags; flags that are None or empty were not given. Raises UserError."""
    values: dict[str, Any] = {}
    file = read_toml(config) if config else {}
    for source in (file, flags):
        for key, value in source.items():
            if value is None or value == () or value == {}:
                continue
            values[key] = {**values.get(key, {}), **value} if key in NESTED else value
    splits, lite = values.pop("splits", ()), values.pop("lite", False)
    allowed = set(SweepSpec.model_fields)
    for key in values:
        if key not in allowed:
            raise UnknownName("key of a sweep", key, [*allowed, "splits", "lite"])
    refuse_secrets(values.get("options", {}))
    splits = [splits] if isinstance(splits, str) else splits
    return checked(Asked, {"values": values, "splits": splits, "lite": lite}, "What was asked")


def resolve(asked: Asked, select: Select, before: SweepSpec | None = None) -> SweepSpec:
    """The whole SweepSpec; with `before` (a resume) that spec and what was added to it.

    Raises UserError, and SpecChanged where a resume asks for another sweep.
    """
    values = dict(asked.values)
    if values.get("tasks") or asked.splits or asked.lite:
        values["tasks"] = tuple(select(asked.splits, values.get("tasks", ()), asked.lite))
    if before is not None:
        return grown(before, values)
    if not values.get("agents"):
        raise UserError(
            "No agent was named.", "Give one with -a, for example `-a baseline`; `podium agents` lists them."
        )
    if not values.get("tasks"):
        raise UserError("No task was named.", "Give one with -t, or a list of them with `--split starter`.")
    return checked(SweepSpec, values, "What was asked")


def grown(before: SweepSpec, values: Mapping[str, Any]) -> SweepSpec:
    """`before` with the agents, tasks, models and seeds that `values` add. Raises SpecChanged on any other change."""
    merged = {**before.model_dump(mode="json"), "budget": before.budget.model_dump(exclude_unset=True)}
    for key, value in values.items():
        if key in GROWING:
            merged[key] = list(dict.fromkeys([*merged[key], *value]))
        elif key in NESTED:
            merged[key] = {**merged[key], **value}
        else:
            merged[key] = value
    now = checked(SweepSpec, merged, "What was asked")
    if now.seeds < before.seeds:
        raise SpecChanged("seeds", str(before.seeds), str(now.seeds))
    old, new = before.model_dump(mode="json"), now.model_dump(mode="json")
    for key in old.keys() - {*FREE, *GROWING, "seeds"}:
        _refuse_change(key, old[key], new[key])
    return now


def _refuse_change(key: str, before: Any, now: Any) -> None:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in sorted(before.keys() | now.keys()):
            _refuse_change(f"{key}.{name}", before.get(name), now.get(name))
    elif before != now:
        raise SpecChanged(key, json.dumps(before), json.dumps(now))


def parse_option(text: str) -> tuple[str, JsonValue]:
    """`KEY=VALUE` of `--set`: the value is JSON where it reads as such, else text."""
    key, mark, value = text.partition("=")
    if not mark or not key:
        raise UserError(f"--set {text} is not KEY=VALUE.", "Write for example `--set debug_prob=0.5`.")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def parse_limit(text: str) -> tuple[str, float]:
    """`NAME=NUMBER` of `--limit`, for example `memory_mb=4096`."""
    name, _, value = text.partition("=")
    if name not in Limits.model_fields:
        raise UnknownName("limit", name, Limits.model_fields)
    try:
        return name, float(value)
    except ValueError:
        raise UserError(f"--limit {text} has no number.", f"Write for example `--limit {name}=1024`.") from None


def parse_duration(text: str) -> float:
    """Seconds of `90`, `90s`, `30m`, `2h` or `1d`."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise UserError(f"{text!r} is no duration.", "Write seconds, or for example 90s, 30m, 2h.")
    return float(match["number"]) * _SECONDS[match["unit"]]


def refuse_secrets(options: Mapping[str, Any]) -> None:
    """Agents' options are written beside the results and travel through Ray's public API: no secret is one."""
    for key in options:
        if _SECRET.search(key):
            raise UserError(
                f"The option {key} looks like a secret, and options are written down.",
                "Put keys of models into `.env` (OPENAI_API_KEY, ...): the gateway reads them, and nobody else.",
            )
