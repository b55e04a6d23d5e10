"""What a model needs before anything starts: weights, memory, vLLM, GPUs, keys. Looks and never changes anything."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from podium.errors import UserError
from podium.settings import Site, load_secrets
from serve.checks.check_vllm import VllmCheck
from serve.checks.finding import Asked, Finding, Report, missing, ok
from serve.checks.host import Here
from serve.models import Model, catalogue_of


def check(name: str, site: Site, here: Here, asked: Asked) -> Report:
    """Everything that is found of the model `name`. Raises UnknownName, UserError."""
    catalogue = catalogue_of(site)
    model = catalogue.find(name)
    if model.entry.kind == "vllm":
        return VllmCheck(model, catalogue, site, here, asked).report()
    if asked != Asked():
        raise UserError(f"{name} runs on no GPU of this site.", "Leave --gpu and --gpus out.")
    found = _provider(model, here) if model.outside else [ok("model", "needs nothing: it is part of Podium")]
    return Report(model=name, findings=tuple(found))


def _provider(model: Model, here: Here) -> Iterator[Finding]:
    yield ok("address", f"{model.entry.base_url}: requests leave the site")
    name, file = model.entry.secret, here.checkout / ".env"
    if not name:
        yield ok("key", "it wants none")
    elif load_secrets(here.checkout, here.environment).get(name) is None:
        yield missing("key", f"{name} is not set", f"Write {name}=... in {file}, and type: chmod 600 {file}")
    else:
        yield ok("key", f"{name} is set")
    if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield missing("key file", f"{file} can be read by others", f"Type: chmod 600 {file}")
