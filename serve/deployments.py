"""What Ray Serve says of the models it runs: `GET /api/serve/applications/` of Ray's dashboard, read into types.

No Ray is imported. Source of the schema: ray.serve.schema.ServeInstanceDetails.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from podium.records import Record
from serve.models import Entry

ENTRY_VARIABLE, CODE_VARIABLE = "PODIUM_ENTRY", "PODIUM_CODE"
"""Environment variables of a replica: digests of its catalogue entry and of the code that deployed it. They are part of
the deployment's version, so that a change of either is a rolling update."""

WORDS = 600
"""Characters of an engine's reason that are shown."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_POINTER = "For further information visit"
"""How pydantic ends what it says."""


class Replica(Record):
    """One replica of a model."""

    id: str
    actor: str
    """Ray's id of its actor, by which its log is found; empty before it has one."""
    state: str
    """Serve's word: STARTING, RUNNING, UPDATING, STOPPING, ..."""


class Deployed(Record):
    """One model as Serve runs it."""

    name: str
    status: str
    """Serve's word: DEPLOYING, RUNNING, DEPLOY_FAILED, UNHEALTHY, DELETING."""
    entry: str
    """Digest of the catalogue entry it was deployed with; empty for what others deployed."""
    code: str
    """Digest of the code it was deployed with."""
    said: str
    """What Serve says of its trouble, with the engine's own words."""
    replicas: tuple[Replica, ...]

    @property
    def up(self) -> bool:
        """Whether it can be asked: replicas have answered a token, or it waits at none for a request."""
        return self.status == "RUNNING"

    @property
    def failed(self) -> bool:
        """Whether Serve has given up."""
        return self.status == "DEPLOY_FAILED"


class Step(StrEnum):
    """What is to be done to have a model up."""

    NONE = "it runs already"
    DEPLOY = "deploy it"
    OTHER_CODE = "it runs other code"
    OTHER_ENTRY = "it runs with another entry"


def entry_digest(entry: Entry, models: Path) -> str:
    """12 hex digits that tell an entry, with the folder of local weights, from another."""
    return hashlib.sha256(f"{models}\n{entry.model_dump_json()}".encode()).hexdigest()[:12]


def next_step(running: Deployed | None, entry: str, code: str) -> Step:
    """How to come from what runs (None: nothing by that name) to `entry` and `code` (digests)."""
    if running is None or running.failed or running.status == "DELETING":
        return Step.DEPLOY
    if running.entry != entry:
        return Step.OTHER_ENTRY
    return Step.NONE if running.code == code else Step.OTHER_CODE


def read_deployed(details: Mapping[str, Any]) -> dict[str, Deployed]:
    """The models in Serve's details, by name."""
    return {name: _deployed(name, app) for name, app in (details.get("applications") or {}).items()}


def engine_words(said: str) -> str:
    """The last error in Serve's message that has a name, to its end in one line: what the engine itself said."""
    lines = [line.strip() for line in _COLOUR.sub("", said).splitlines()]
    lines = [line for line in lines if line and not line.startswith(_POINTER)]
    named = [at for at, line in enumerate(lines) if re.match(r"[\w.]*(Error|Exception|Exit|Failure)\b", line)]
    words = " ".join(lines[named[-1] :]) if named else (lines or [""])[-1]
    return words if len(words) <= WORDS else f"{words[:WORDS]}..."


def _deployed(name: str, app: Mapping[str, Any]) -> Deployed:
    deployment: Mapping[str, Any] = next(iter((app.get("deployments") or {}).values()), {})
    actor = (deployment.get("deployment_config") or {}).get("ray_actor_options") or {}
    variables = (actor.get("runtime_env") or {}).get("env_vars") or {}
    return Deployed(
        name=name,
        status=app["status"],
        entry=variables.get(ENTRY_VARIABLE, ""),
        code=variables.get(CODE_VARIABLE, ""),
        said=deployment.get("message") or app.get("message") or "",
        replicas=tuple(
            Replica(id=replica["replica_id"], actor=replica.get("actor_id") or "", state=replica["state"])
            for replica in deployment.get("replicas") or ()
        ),
    )
