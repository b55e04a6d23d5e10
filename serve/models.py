"""The catalogue of models: one file of `serve/catalog` is a model of our own, or a provider of many (`openai/NAME`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from podium.errors import UnknownName, UserError
from podium.settings import SECRET_NAMES, checked, read_toml
from podium.spec import Spec

CATALOG = Path(__file__).resolve().parent / "catalog"


class Entry(Spec):
    """One file of the catalogue."""

    kind: Literal["offline", "provider"]
    about: str
    """One line for people."""
    base_url: str = ""
    """OpenAI-compatible address of a provider, without a slash at its end."""
    secret: str = ""
    """Which of `podium.settings.SECRET_NAMES` a provider wants as its key."""
    running_usage: bool = False
    """Whether the endpoint can send its usage with every chunk (`continuous_usage_stats`)."""


class Model(Spec):
    """A model that can be asked for by `name`."""

    name: str
    upstream: str
    """What its endpoint calls it: `gpt-x` for `openai/gpt-x`."""
    entry: Entry

    @property
    def outside(self) -> bool:
        """Whether its endpoint is a provider's, beyond the cluster."""
        return self.entry.kind == "provider"


def entries(folder: Path = CATALOG) -> dict[str, Entry]:
    """The catalogue by file name. Raises UserError, naming the file, where one does not fit."""
    return {path.stem: _entry(path) for path in sorted(folder.glob("*.toml"))}


def names(folder: Path = CATALOG) -> list[str]:
    """What may be asked for; a provider stands as `openai/NAME`."""
    return [f"{name}/NAME" if entry.kind == "provider" else name for name, entry in entries(folder).items()]


def find(name: str, folder: Path = CATALOG) -> Model:
    """The model called `name`. Raises UnknownName, with the near ones."""
    known = entries(folder)
    provider, slash, upstream = name.partition("/")
    entry = known.get(provider)
    if entry is None or (entry.kind == "provider") != bool(slash and upstream):
        raise UnknownName("model", name, names(folder))
    return Model(name=name, upstream=upstream or name, entry=entry)


def _entry(path: Path) -> Entry:
    entry = checked(Entry, read_toml(path), str(path))
    if entry.kind == "provider" and (not entry.base_url or entry.secret not in SECRET_NAMES):
        known = ", ".join(SECRET_NAMES)
        raise UserError(f"{path} lacks a base_url or a known secret.", f"Give both; the secrets are: {known}.")
    return entry
