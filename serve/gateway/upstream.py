"""Where a model's requests go: the cluster's own replicas, or a provider with its own key."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from podium.errors import UnknownName
from podium.settings import load_secrets
from serve.gateway.asked import Asked
from serve.gateway.routes import RouteTable, Target
from serve.models import Catalogue, Model
from serve.refusal import Refusal
from serve.tapes.tape import is_replay


class Upstream:
    """One model as it is asked: by which name, with which headers, and whether it is the cluster's own."""

    def __init__(self, model: Model, headers: Mapping[str, str]) -> None:
        self.name = model.name
        """For people, ledgers and clients."""
        self.outside = model.outside
        self.prices = model.entry.prices
        self.fallback = model.entry.fallback
        self.running = model.entry.running_usage or model.entry.kind == "vllm"
        """Whether it sends its usage with every chunk when asked."""
        self.provider = Target(url=model.entry.base_url, replica="") if model.outside else None
        self._called = model.upstream
        self._headers = {"content-type": "application/json", **headers}

    def headers(self, session: str, request: str) -> dict[str, str]:
        """A provider is not told whose request it is; a replica learns the session, which its cache goes by."""
        if self.outside:
            return self._headers
        return {**self._headers, "x-session-id": session, "x-request-id": request}

    def body(self, asked: Asked) -> bytes:
        return asked.rewritten(self._called, running_usage=self.running)


class Directory:
    """Finds the upstream of a model. `routes`: where the cluster's own models are; `secret`: what these want to see.

    A provider's key is read from `.env` in `secrets_folder` (or this process's environment) when it is needed.
    """

    def __init__(self, routes: RouteTable, catalogue: Catalogue, secrets_folder: Path, *, secret: str = "") -> None:
        self.routes = routes
        self.catalogue = catalogue
        self._secrets_folder = secrets_folder
        self._own = {"authorization": f"Bearer {secret}"} if secret else {}
        self._contexts: dict[str, int] = {}
        self._known: dict[str, Upstream] = {}
        """The cluster's own models that were asked; a provider's key is read for every request."""

    def renew(self, catalogue: Catalogue, contexts: Mapping[str, int]) -> None:
        """The catalogue as it is now, and the context lengths that the deployments say, by model."""
        self.catalogue = catalogue
        self._contexts = dict(contexts)
        self._known.clear()

    def find(self, name: str) -> Model:
        """The catalogue's model. Raises Refusal (404)."""
        try:
            return self.catalogue.find(name)
        except UnknownName as error:
            raise Refusal(404, str(error), "model_not_found", param="model") from None

    def resolve(self, name: str) -> Upstream:
        """How the model `name` is asked. Raises Refusal: 404 unknown, 401 its key is missing."""
        known = self._known.get(name)
        if known is not None:
            return known
        model = self.find(name)
        if model.outside:
            return Upstream(model, self._key(model))
        return self._known.setdefault(name, Upstream(model, self._own))

    def pick(self, upstream: Upstream, session: str, avoid: Collection[str] = ()) -> Target:
        """Where the next request of a session goes. Raises Refusal: 404 not deployed, 503 nobody can be asked."""
        return upstream.provider or self.routes.pick(upstream.name, session, avoid)

    def context(self, name: str) -> int | None:
        """Most tokens of prompt and answer together; None where nobody said, and for recordings."""
        try:
            model = self.find(name)
        except Refusal:
            return None
        return self._contexts.get(name) or (model.entry.context if not model.outside else 0) or None

    def obstacle(self, models: Iterable[str]) -> str:
        """Why one of `models` cannot be asked; empty: all can, or will when they are up."""
        for name in models:
            if is_replay(name):
                continue
            try:
                if not self.resolve(name).outside and name not in self.routes.models():
                    return f"The model {name} is not deployed here."
            except Refusal as refusal:
                return refusal.message
        return ""

    def _key(self, model: Model) -> dict[str, str]:
        """A provider's authorization. Raises Refusal (401)."""
        secret = model.entry.secret
        if not secret:
            return {}
        file = self._secrets_folder / ".env"
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise Refusal(401, f"{file} can be read by others. Type: chmod 600 {file}", "secret_exposed")
        key = load_secrets(self._secrets_folder, os.environ).get(secret)
        if key is None:
            raise Refusal(401, f"{model.name} needs {secret}, which is not set. Write it in {file}.", "secret_missing")
        return {"authorization": f"Bearer {key}"}
