"""The catalogue of models: one file is a model of our own, or a provider of many (`openai/NAME`).

catalogue = Catalogue([CATALOG, site.catalog])
catalogue.find("qwen3-30b").entry.gpus
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from podium.errors import UnknownName, UserError
from podium.settings import Site, checked, is_secret, read_toml
from podium.spec import Spec

CATALOG = Path(__file__).resolve().parent / "catalog"

MANAGED = {
    "model": "source",
    "tokenizer": "source",
    "served_model_name": "the file's name",
    "max_model_len": "context",
    "tensor_parallel_size": "tensor",
    "pipeline_parallel_size": "pipeline",
    "tool_call_parser": "tool_parser",
    "enable_auto_tool_choice": "tool_parser",
    "reasoning_parser": "reasoning_parser",
    "distributed_executor_backend": "nothing: it is always Ray",
    "middleware": "nothing: the replica's guard is Podium's",
}
"""Engine arguments that have a key of their own, and which."""
KEYS_OF = {
    "provider": ("base_url", "secret"),
    "vllm": (
        *("source", "made_by", "gpus", "gpu", "tensor", "pipeline", "cpus", "memory_mb"),
        *("tool_parser", "reasoning_parser", "replicas", "engine", "environment"),
    ),
}
"""Keys that only entries of one kind may have."""
ADDRESS = re.compile(r"https?://[^\s/]+(/[^\s/]+)*")
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


class Prices(Spec):
    """USD for a million tokens."""

    prompt: float = Field(0.0, ge=0, allow_inf_nan=False)
    cached: float | None = Field(None, ge=0, allow_inf_nan=False)
    """Of a prompt's tokens that the endpoint had cached; None: as the others."""
    completion: float = Field(0.0, ge=0, allow_inf_nan=False)


class Replicas(Spec):
    """How many replicas there are, by load."""

    least: int = Field(1, ge=0)
    """0: the model goes down when nobody asks it, and the next request waits until it is up."""
    most: int = Field(1, ge=1)
    target: float = Field(32.0, gt=0, allow_inf_nan=False)
    """Requests at once that a replica should have."""
    idle_seconds: float = Field(600.0, gt=0, allow_inf_nan=False)
    """How long a replica has too little to do before it is taken down."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.most < self.least:
            raise ValueError("most is less than least")
        return self

    @property
    def fixed(self) -> bool:
        return self.least == self.most


class Entry(Spec):
    """One file of the catalogue."""

    kind: Literal["offline", "provider", "vllm"]
    about: str
    """One line for people."""
    prices: Prices = Prices()
    fallback: str = ""
    """Another model that is asked where this one cannot answer, also one outside; every use is marked in the usage and
    the report. Empty: none."""

    base_url: str = ""
    """OpenAI-compatible address of a provider, without a slash at its end."""
    secret: str = ""
    """Name of a provider's key in `.env` (`OPENAI_API_KEY`, another `..._API_KEY`); empty: it wants none."""
    running_usage: bool = False
    """Whether the endpoint can send its usage with every chunk (`continuous_usage_stats`); vLLM always can."""

    source: str = ""
    """Of vLLM's weights: a hub id (`Qwen/Qwen3-0.6B`), `./NAME` below the site's `models`, or an absolute path."""
    made_by: str = ""
    """Command that makes the weights of a local source, said where they are missing."""
    gpus: int = Field(0, ge=0)
    """GPUs of one replica: `tensor` x `pipeline`, or 0 for the CPU."""
    gpu: str = ""
    """Kind of GPU that is asked for, by Ray's name (`H100`, `A100-80G`, ...); empty: any."""
    tensor: int = Field(1, ge=1)
    """Tensor parallel size."""
    pipeline: int = Field(1, ge=1)
    """Pipeline parallel size."""
    cpus: float = Field(1.0, gt=0, allow_inf_nan=False)
    """CPUs of each of a replica's workers."""
    memory_mb: int = Field(0, ge=0)
    """Main memory (MiB) that one worker is said to take; 0: not said."""
    context: int = Field(0, ge=0)
    """Most tokens of prompt and answer together; 0: what the model's own config says."""
    tool_parser: str = ""
    """vLLM's parser of tool calls (`hermes`, ...); empty: `tool_choice="auto"` is refused."""
    reasoning_parser: str = ""
    """vLLM's parser of reasoning (`qwen3`, ...); empty: none."""
    replicas: Replicas = Replicas()
    engine: dict[str, JsonValue] = {}
    """More of vLLM's engine arguments, by vLLM's names."""
    environment: dict[str, str] = {}
    """Variables of the engine's processes. They are public in Ray's API: never a secret."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for kind, names in KEYS_OF.items():
            wrong = [name for name in names if getattr(self, name) != type(self).model_fields[name].default]
            if wrong and kind != self.kind:
                raise ValueError(f"{', '.join(wrong)} is for models of kind {kind}, and this is of kind {self.kind}")
        if self.kind == "provider":
            self._provider()
        elif self.kind == "vllm":
            self._vllm()
        return self

    def _provider(self) -> None:
        if not ADDRESS.fullmatch(self.base_url):
            raise ValueError("a provider needs base_url, as https://HOST/v1 without a slash at its end")
        if self.secret and not is_secret(self.secret):
            raise ValueError("secret must be the name of a key in .env, as OPENAI_API_KEY or any other ..._API_KEY")

    def _vllm(self) -> None:
        if not self.source:
            raise ValueError("a model under vLLM needs source")
        if self.folder(Path("models")) is None and not HUB_ID.fullmatch(self.source):
            raise ValueError("source must be a hub id as Qwen/Qwen3-0.6B, ./NAME, or an absolute path")
        if self.gpus not in (0, self.tensor * self.pipeline):
            raise ValueError(f"gpus must be tensor x pipeline = {self.tensor * self.pipeline}, or 0 for the CPU")
        for name in sorted(self.engine.keys() & MANAGED.keys()):
            raise ValueError(f"engine.{name} is set by {MANAGED[name]}")
        for name in self.environment:
            if is_secret(name) or name.endswith(("_TOKEN", "_SECRET", "_PASSWORD")):
                raise ValueError(f"environment.{name} would be public; keys stand in .env")

    def folder(self, models: Path) -> Path | None:
        """Where the weights of a local source lie; None: the source is a hub id. `models`: what `./` stands for."""
        if self.source.startswith("./"):
            return models / self.source.removeprefix("./")
        return Path(self.source) if self.source.startswith("/") else None


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


class Catalogue:
    """The entries of some folders; those of a later folder win. Read once, when it is first asked."""

    def __init__(self, folders: Iterable[Path] = (CATALOG,)) -> None:
        self._folders = tuple(folders)

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """By file name. Raises UserError, naming the file, where one does not fit."""
        for folder in self._folders:
            if not folder.is_dir():
                raise UserError(f"There is no folder {folder} of models.", "Mend `catalog` in site.toml.")
        files = {path.stem: path for folder in self._folders for path in folder.glob("*.toml")}
        found = {name: checked(Entry, read_toml(path), str(path)) for name, path in sorted(files.items())}
        for name, entry in found.items():
            if entry.fallback and (entry.fallback == name or _model(found, entry.fallback) is None):
                raise UserError(
                    f"{files[name]}: fallback is {entry.fallback!r}.", "Name another model of the catalogue."
                )
        return found

    def config(self, source: str) -> Path | None:
        """A copy of the config.json of the hub's model `source`, which tells its size before the model is fetched."""
        name = source.replace("/", "--") + ".json"
        copies = [folder / "configs" / name for folder in reversed(self._folders)]
        return next((path for path in copies if path.is_file()), None)

    def names(self) -> list[str]:
        """What may be asked for; a provider stands as `openai/NAME`."""
        return [f"{name}/NAME" if entry.kind == "provider" else name for name, entry in self.entries.items()]

    def find(self, name: str) -> Model:
        """The model called `name`. Raises UnknownName, with the near ones.

        Only `PROVIDER/NAME` goes out of the site; any other name is one of the site's own, whatever it is called.
        """
        found = _model(self.entries, name)
        if found is None:
            raise UnknownName("model", name, self.names())
        return found


def _model(entries: Mapping[str, Entry], name: str) -> Model | None:
    provider, slash, upstream = name.partition("/")
    entry = entries.get(provider)
    if entry is None or (entry.kind == "provider") != bool(slash and upstream):
        return None
    return Model(name=name, upstream=upstream or name, entry=entry)


def catalogue_of(site: Site) -> Catalogue:
    """The catalogue of a site: Podium's own entries, under the site's."""
    return Catalogue([CATALOG, *([site.catalog] if site.catalog else [])])
