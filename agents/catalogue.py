"""The agents that there are: one `.toml` an agent in this folder, a section for it and one for each variant."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue

from podium.errors import UnknownName, UserError
from podium.settings import read_toml
from podium.spec import Name, Spec

AGENTS = Path(str(files("agents")))

BUDGET_NAMES = {"steps": "steps", "seconds": "seconds", "time_limit": "seconds", "tokens": "tokens"}
"""Option name -> field of the trial's Budget."""


class AgentEntry(Spec):
    """An agent as a sweep names it."""

    name: Name
    agent_class: str = Field(pattern=r"^[\w.]+:\w+$")
    """`module:Class`; called with the options, it gives an Agent."""
    needs_model: bool = True
    kinds: tuple[str, ...] = ("competition",)
    """The kinds of task that it can solve."""
    options: dict[str, JsonValue] = {}
    """Every knob it has, with its value."""
    budget: dict[str, JsonValue] = {}
    """What its section, or an option, says of the trial's Budget: some of `steps`, `seconds`, `tokens`."""


def names(folder: Path = AGENTS) -> list[str]:
    """Every agent and variant, for example `aide` and `aide/dev`."""
    return sorted(_sections(folder))


def find(name: str, overrides: Mapping[str, JsonValue] | None = None, folder: Path = AGENTS) -> AgentEntry:
    """The agent of that name, with the options of `overrides` over its own.

    An option may be written as in the catalogue (`debug_prob`) or as AIDE writes it (`agent.search.debug_prob`).
    Raises UnknownName, with the near ones, for an agent or an option that is not there.
    """
    sections = _sections(folder)
    if name not in sections:
        raise UnknownName("agent", name, sections)
    entry = sections[name]
    values = {**entry.options, **entry.budget}
    for asked, value in (overrides or {}).items():
        values[_option(asked, entry)] = value
    return _entry(entry, values)


def _option(asked: str, entry: AgentEntry) -> str:
    """The catalogue's name of an option."""
    name = asked.removeprefix("agent.").removeprefix("search.").replace(".", "_")
    if name in BUDGET_NAMES:
        return BUDGET_NAMES[name]
    if name not in entry.options:
        raise UnknownName(f"option of {entry.name}", asked, {*entry.options, *BUDGET_NAMES})
    return name


def _entry(entry: AgentEntry, values: Mapping[str, JsonValue]) -> AgentEntry:
    budget = {BUDGET_NAMES[name]: value for name, value in values.items() if name in BUDGET_NAMES}
    options = {name: value for name, value in values.items() if name not in BUDGET_NAMES}
    return entry.model_copy(update={"options": options, "budget": budget})


def _sections(folder: Path) -> dict[str, AgentEntry]:
    found: dict[str, AgentEntry] = {}
    for path in sorted(folder.glob("*.toml")):
        found.update(_read(path))
    return found


def _read(path: Path) -> dict[str, AgentEntry]:
    content: dict[str, Any] = read_toml(path)
    sections = {name: value for name, value in content.items() if isinstance(value, dict)}
    base = sections.get(path.stem)
    if base is None or not isinstance(content.get("class"), str):
        raise UserError(f"{path} has no [{path.stem}] or no class.", 'Write class = "module:Class" and that section.')
    entries: dict[str, AgentEntry] = {}
    for name, values in sections.items():
        if name != path.stem and not name.startswith(path.stem + "/"):
            raise UserError(f"{path} has a section [{name}].", f'A variant is named ["{path.stem}/NAME"].')
        unknown = set(values) - set(base) - set(BUDGET_NAMES)
        if unknown:
            raise UnknownName(f"option of {path.stem}", min(unknown), base)
        facts = {key: content[key] for key in ("needs_model", "kinds") if key in content}
        entry = AgentEntry(name=name, agent_class=content["class"], **facts)
        entries[name] = _entry(entry, {**base, **values})
    return entries
