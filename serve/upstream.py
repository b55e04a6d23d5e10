"""Where a model's requests go: the cluster's own endpoint, or a provider's with its own key."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from podium.errors import UnknownName
from podium.settings import load_secrets
from podium.spec import Spec
from serve.models import CATALOG, Model, find
from serve.refusal import Refusal


class Upstream(Spec):
    """One endpoint for one request."""

    url: str
    """Of its chat completions."""
    model: str
    """What it calls the model."""
    headers: dict[str, str]
    running_usage: bool
    who: str
    """Its name for people, in messages."""

    def request(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The request as this endpoint gets it: its own model name, and usage asked for in streams."""
        request = {**asked, "model": self.model}
        if asked.get("stream"):
            options = {**(asked.get("stream_options") or {}), "include_usage": True}
            request["stream_options"] = options | ({"continuous_usage_stats": True} if self.running_usage else {})
        return request


class Directory:
    """Finds the upstream of a model. `local`: base URLs, ending in `/v1`, of the cluster's own models by name.

    A provider's key is read from `.env` in `secrets_folder` (or this process's environment) when it is needed.
    """

    def __init__(self, local: Mapping[str, str], secrets_folder: Path, catalogue: Path = CATALOG) -> None:
        self._local = dict(local)
        self._secrets_folder = secrets_folder
        self._catalogue = catalogue

    def resolve(self, name: str) -> Upstream:
        """The endpoint of the model `name`. Raises Refusal: 404 unknown, 401 its key is missing."""
        try:
            model = find(name, self._catalogue)
        except UnknownName as error:
            raise Refusal(404, str(error), "model_not_found", param="model") from None
        if model.outside:
            return self._provider(model)
        if name not in self._local:
            raise Refusal(404, f"The model {name} is not deployed here.", "model_not_found", param="model")
        return self._upstream(model, self._local[name], {})

    def obstacle(self, models: Iterable[str]) -> str:
        """Why one of `models` cannot be asked; empty: all can."""
        for name in models:
            try:
                self.resolve(name)
            except Refusal as refusal:
                return refusal.message
        return ""

    def _provider(self, model: Model) -> Upstream:
        secret = model.entry.secret
        file = self._secrets_folder / ".env"
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise Refusal(401, f"{file} can be read by others. Type: chmod 600 {file}", "secret_exposed")
        key = load_secrets(self._secrets_folder, os.environ).get(secret)
        if key is None:
            raise Refusal(401, f"{model.name} needs {secret}, which is not set. Write it in {file}.", "secret_missing")
        return self._upstream(model, model.entry.base_url, {"authorization": f"Bearer {key}"})

    def _upstream(self, model: Model, base_url: str, headers: dict[str, str]) -> Upstream:
        return Upstream(
            url=f"{base_url.rstrip('/')}/chat/completions",
            model=model.upstream,
            headers={"content-type": "application/json", **headers},
            running_usage=model.entry.running_usage,
            who=model.name,
        )
