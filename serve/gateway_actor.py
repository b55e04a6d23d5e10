"""The gateway as a detached Ray actor on the head: it outlives the sweeps and comes back when its process dies.

What is worth keeping (grants, usage) lies in its directory, so that a restarted actor goes on with the same keys at
the same address. Only the actor's methods let keys in; they are reached by those who hold the cluster's token.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray
import uvicorn

from podium.errors import Unavailable
from podium.placement import Role, options
from podium.records import Tokens
from podium.state import NAMESPACE
from serve.gateway import build
from serve.keys import Grant, Keyring
from serve.upstream import Directory

NAME = "gateway"
"""The actor's name in `podium.state.NAMESPACE`."""


class GatewayActor:
    """The gateway's process: one uvicorn server on loopback, and the methods that let keys in and out."""

    def __init__(
        self, *, digest: str, directory: Path, local: Mapping[str, str], secrets_folder: Path, host: str, port: int
    ) -> None:
        self._digest = digest
        self._keyring = Keyring(directory / "gateway.jsonl")
        self._listener = _listen(host, port)
        self._directory = Directory(local, secrets_folder)
        app = build(self._keyring, self._directory)
        config = uvicorn.Config(app, access_log=False, log_level="warning", timeout_graceful_shutdown=5)
        self._server = _Server(config)
        self._serving = asyncio.ensure_future(self._server.serve(sockets=[self._listener]))

    async def address(self) -> str:
        """The base URL, ending in `/v1`, once it answers."""
        ready = asyncio.ensure_future(self._server.ready.wait())
        await asyncio.wait((ready, self._serving), return_when=asyncio.FIRST_COMPLETED)
        if self._serving.done():
            self._serving.result()
        host, port = self._listener.getsockname()[:2]
        return f"http://{host}:{port}/v1"

    async def digest(self) -> str:
        """Digest of the code that this process runs."""
        return self._digest

    async def pid(self) -> int:
        """Process id, for `podium status`."""
        return os.getpid()

    async def register(self, trial_id: str, key_hash: str, models: tuple[str, ...], tokens: int | None = None) -> None:
        """Let a trial's key in (`serve.keys.key_hash` makes the hash). A new key replaces the trial's old one."""
        self._keyring.register(Grant(trial_id=trial_id, key_hash=key_hash, models=models, tokens=tokens))

    async def obstacle(self, models: tuple[str, ...]) -> str:
        """See `Directory.obstacle`: asked before a sweep begins."""
        return self._directory.obstacle(models)

    async def revoke(self, trial_id: str) -> None:
        """Shut the trial's key out; its usage stays."""
        self._keyring.revoke(trial_id)

    async def usage(self, trial_id: str) -> Tokens:
        """What the trial has used so far, over all its keys."""
        return self._keyring.usage(trial_id)

    async def close(self) -> None:
        """Answer what is under way (at most 5 seconds) and stop listening; the owner then kills the actor."""
        self._server.should_exit = True
        await self._serving


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def deploy(
    *,
    digest: str,
    directory: Path,
    local: Mapping[str, str],
    secrets_folder: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    runtime_env: Mapping[str, Any] | None = None,
) -> str:
    """Start the gateway, or find the running one; gives its base URL ending in `/v1`.

    `directory` is the cluster's state directory (grants and usage lie there, mode 0600); `local` maps models of our own
    to their base URLs (`{"offline": deploy_offline(...)}`); `.env` with providers' keys lies in `secrets_folder`.
    `port` 0: a free one, kept over restarts. `runtime_env` is public in Ray's API: never a secret. A running gateway
    with another digest is left alone: ask `digest()` and use `replace()`. Raises Unavailable.
    """
    actor = ray.remote(GatewayActor).options(
        **options(
            Role.HEAD,
            name=NAME,
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            max_restarts=-1,
            max_task_retries=-1,
            max_concurrency=1000,
            runtime_env=dict(runtime_env or {}),
        )
    )
    handle = actor.remote(
        digest=digest,
        directory=directory,
        local=dict(local),
        secrets_folder=secrets_folder,
        host=host,
        port=port or _free_port(host),
    )
    try:
        return str(ray.get(handle.address.remote(), timeout=60))
    except (ray.exceptions.RayError, TimeoutError) as error:
        raise Unavailable(f"The gateway did not start: {error}", "See `podium status` and the head's logs.") from None


def find_gateway() -> Any:
    """The running gateway's handle. Raises Unavailable."""
    try:
        return ray.get_actor(NAME, namespace=NAMESPACE)
    except ValueError:
        raise Unavailable("The gateway is not running.", "Type `podium up`.") from None


def replace() -> None:
    """Stop the running gateway, so that the next `deploy` starts a new one; without one nothing happens."""
    try:
        handle = ray.get_actor(NAME, namespace=NAMESPACE)
    except ValueError:
        return
    ray.get(handle.close.remote(), timeout=30)
    ray.kill(handle, no_restart=True)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)
    listener.setblocking(False)
    return listener


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
