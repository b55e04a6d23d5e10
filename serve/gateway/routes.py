"""Which replica of a model answers a session: rendezvous hashing, so that a session stays where its prefix is cached.

Adding or losing a replica moves only the sessions that it gets or had (Thaler and Ravishankar, 1998).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from podium.spec import Spec
from serve.refusal import Refusal

STARTING_RETRY_SECONDS = 5
"""After how many seconds a client is told to ask a model again that is not up."""


class Target(Spec):
    """One place where a model's requests can go."""

    url: str
    """Base URL ending in `/v1`."""
    replica: str
    """Its name for people and ledgers; empty: Serve's proxy, which waits until a replica is there."""


class RouteTable:
    """The targets of the cluster's own models, as they were last seen. `seen` False: nobody has looked yet, so that a
    model which is not in the table may be deployed all the same."""

    def __init__(self, targets: Mapping[str, Sequence[Target]] | None = None, *, seen: bool = True) -> None:
        self._targets = {model: tuple(found) for model, found in (targets or {}).items()}
        self._seen = seen
        self._change = asyncio.Event()

    def replace(self, targets: Mapping[str, Sequence[Target]]) -> None:
        """What is known from now on; other models are forgotten."""
        fresh = {model: tuple(found) for model, found in targets.items()}
        if fresh != self._targets or not self._seen:
            self._targets, self._seen = fresh, True
            self._tell()

    async def first_look(self, seconds: float) -> None:
        """Returns when somebody has looked, or after `seconds`."""
        if not self._seen:
            await self.changed(seconds)

    async def changed(self, seconds: float) -> None:
        """Returns when the table is another, or after `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._change.wait()

    def set(self, model: str, targets: Sequence[Target]) -> None:
        """What is known of `model` from now on; none: it is deployed, but nobody can be asked."""
        self._targets[model] = tuple(targets)
        self._tell()

    def remove(self, model: str) -> None:
        """Forget a model that is not deployed any more."""
        self._targets.pop(model, None)
        self._tell()

    def models(self) -> tuple[str, ...]:
        return tuple(sorted(self._targets))

    def targets(self, model: str) -> tuple[Target, ...]:
        """All of a model's targets; none for a model that is not deployed."""
        return self._targets.get(model, ())

    def pick(self, model: str, session: str, avoid: Collection[str] = ()) -> Target:
        """The target for `session` (a trial's id), but none of the replicas in `avoid` where there is another.

        Raises Refusal: 404 the model is not deployed, 503 nobody can be asked.
        """
        if model not in self._targets and self._seen:
            raise Refusal(404, f"The model {model} is not deployed here.", "model_not_found", param="model")
        known = self._targets.get(model, ())
        if not known:
            raise starting(model)
        wanted = [target for target in known if target.replica not in avoid] or list(known)
        return max(wanted, key=lambda target: _weight(session, target.replica)) if len(wanted) > 1 else wanted[0]

    def _tell(self) -> None:
        self._change.set()
        self._change = asyncio.Event()


def starting(model: str) -> Refusal:
    """A model that is deployed, and has no replica that answers."""
    return Refusal(503, f"The model {model} is starting.", "model_starting", retry_after=STARTING_RETRY_SECONDS)


def _weight(session: str, replica: str) -> bytes:
    return hashlib.blake2b(f"{session}\n{replica}".encode(), digest_size=8).digest()
