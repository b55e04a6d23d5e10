"""The site: where data, private data and runs lie. `site.toml` < `sweep.toml` < flags, resolved once."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from podium.errors import UserError
from podium.spec import Spec

CHECKOUT = Path(__file__).resolve().parent.parent
"""The folder that holds `podium/`, `jobs/` and the rest."""

Model = TypeVar("Model", bound=BaseModel)

SECRET_NAMES = ("OPENAI_API_KEY", "GEMINI_API_KEY", "HUGGINGFACE_HUB_TOKEN")
"""Those that Podium itself knows; `is_secret` knows those of other providers too."""


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds a key."""
    return name in SECRET_NAMES or name.endswith("_API_KEY")


class Site(Spec):
    """This place's paths. Relative ones are taken from the folder of `site.toml`, else from the checkout."""

    data: Path = Path("data")
    """Tasks in MLE-bench's layout: `<data>/<id>/prepared/public`."""
    private: Path = Path("private")
    """Answers: `<private>/<id>/prepared/private`. May equal `data` where the benchmark's own layout is kept."""
    runs: Path = Path("runs")
    ledger: Path = Path("private/.ledger")
    """The grader's own append-only ledger; no other process writes below it."""
    scratch: Path | None = None
    """Node-local folder for sandboxes' workspaces and root file systems, outside any home."""
    models: Path = Path("models")
    """Weights of models that lie here: `<models>/<name>` is what a catalogue entry calls `./<name>`."""
    hf_home: Path | None = None
    """The Hugging Face cache with the weights that have a hub id; None: `$HF_HOME`, else `~/.cache/huggingface`."""
    catalog: Path | None = None
    """A folder with more entries of the model catalogue (`<name>.toml`), over those of `serve/catalog`."""
    vllm: Path | None = None
    """The environment of the llm hosts, made by `make vllm-cpu` or `make vllm`; None: `<checkout>/.venv-vllm`."""
    serve: tuple[str, ...] = ()
    """Models of the catalogue that `podium up` serves."""

    def public_dir(self, task: str) -> Path:
        return self.data / task / "prepared" / "public"

    def private_dir(self, task: str) -> Path:
        return self.private / task / "prepared" / "private"

    def answers_dir(self, task: str) -> Path:
        """Where a task's answers lie: `private_dir`, else beside the public half, where MLE-bench puts them."""
        split = self.private_dir(task)
        return split if split.is_dir() else self.data / task / "prepared" / "private"

    def scratch_dir(self) -> Path:
        """`scratch`, else `/var/lib/podium` for root and `/var/tmp/podium-<uid>` for others."""
        if self.scratch is not None:
            return self.scratch
        return Path("/var/lib/podium") if os.getuid() == 0 else Path(f"/var/tmp/podium-{os.getuid()}")

    def resolved(self, base: Path) -> Site:
        """The same site with absolute paths."""
        paths = {name: (base / value).resolve() for name, value in self.model_dump().items() if isinstance(value, Path)}
        return self.model_copy(update=paths)


class Secrets(BaseModel):
    """Keys from `.env` or the environment. They print as stars and enter no sandbox and no record."""

    model_config = ConfigDict(frozen=True)

    values: Mapping[str, SecretStr] = {}

    def get(self, name: str) -> str | None:
        secret = self.values.get(name)
        return secret.get_secret_value() if secret is not None else None


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dict; a broken one is a UserError that names the file and the line."""
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.", "Give the path of a TOML file that exists.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not TOML: {error}.", "Mend the line it names.") from None


def checked(kind: type[Model], values: Mapping[str, Any], source: str) -> Model:
    """`values` as a `kind`; what does not fit is a UserError that names the keys, their source and what is allowed."""
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        lines = [": ".join(filter(None, (".".join(map(str, e["loc"])), _said(kind, e)))) for e in error.errors()]
        allowed = ", ".join(kind.model_fields)
        raise UserError(
            f"{source} does not fit: " + "; ".join(lines) + ".", f"The keys of {kind.__name__} are: {allowed}."
        ) from None


def _said(kind: type[BaseModel], item: Mapping[str, Any]) -> str:
    """What is wrong with one key; a misspelt one is answered with the near ones that there are at its place."""
    if item["type"] != "extra_forbidden":
        return str(item["msg"]).removeprefix("Value error, ")
    *parents, name = map(str, item["loc"])
    for parent in parents:
        inner = kind.model_fields[parent].annotation if parent in kind.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return "there is no such key"
        kind = inner
    near = difflib.get_close_matches(name, kind.model_fields, n=3, cutoff=0.5)
    return f"there is no such key ({'near' if near else 'there are'}: {', '.join(near or kind.model_fields)})"


def load_site(path: Path | None = None) -> Site:
    """The site from `path`, else from `site.toml` in the working folder or the checkout, else the defaults."""
    candidates = [path] if path else [Path.cwd() / "site.toml", CHECKOUT / "site.toml"]
    for candidate in candidates:
        if path or candidate.exists():
            return checked(Site, read_toml(candidate), str(candidate)).resolved(candidate.resolve().parent)
    return Site().resolved(CHECKOUT)


def load_secrets(folder: Path, environment: Mapping[str, str]) -> Secrets:
    """The known keys from `folder/.env`, over which those of `environment` win."""
    values: dict[str, str] = {}
    file = folder / ".env"
    if file.exists():
        for line in file.read_text().splitlines():
            name, mark, value = line.strip().removeprefix("export ").partition("=")
            if mark and is_secret(name.strip()):
                values[name.strip()] = value.strip().strip("'\"")
    values.update({name: value for name, value in environment.items() if is_secret(name) and value})
    return Secrets(values={name: SecretStr(value) for name, value in values.items() if value})
