"""The site: where data, private data and runs lie. `site.toml` < `sweep.toml` < flags, resolved once."""

from __future__ import annotations

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
        lines = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        allowed = ", ".join(kind.model_fields)
        raise UserError(
            f"{source} does not fit: " + "; ".join(lines) + ".", f"The keys of {kind.__name__} are: {allowed}."
        ) from None


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
            if mark and name.strip() in SECRET_NAMES:
                values[name.strip()] = value.strip().strip("'\"")
    values.update({name: environment[name] for name in SECRET_NAMES if environment.get(name)})
    return Secrets(values={name: SecretStr(value) for name, value in values.items() if value})
