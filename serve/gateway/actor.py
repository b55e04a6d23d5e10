"""The gateway as a detached Ray actor on the head: it outlives the sweeps and comes back when its process dies.

What is worth keeping (grants, usage) lies in its directory, so that a restarted actor goes on with the same keys at
the same address. Only the actor's methods let keys in; they are reached by those who hold the cluster's token.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray
import uvicorn

from podium.errors import Unavailable, UserError
from podium.placement import Role, options
from podium.records import ModelUsage
from podium.settings import Site
from podium.state import NAMESPACE
from serve.gateway.app import build
from serve.gateway.grant import Grant
from serve.gateway.keys import Keyring
from serve.gateway.replicas import follow
from serve.gateway.routes import RouteTable, Target
from serve.gateway.upstream import Directory
from serve.models import catalogue_of
from serve.tapes.tapes import Tapes

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 15.0
"""How long the first look at the replicas is waited for before a model counts as not deployed."""
NAME = "gateway"
"""The actor's name in `podium.state.NAMESPACE`."""


class GatewayActor:
    """The gateway's process: one uvicorn server, and the methods that let keys in and out.

    `serve_host`: where Serve listens; its replicas are followed (empty: they come by `set_routes` alone). `local`:
    models that stay at one address, by name. `secret_file`: what the cluster's own models want to see.
    """

    def __init__(
        self,
        *,
        digest: str,
        directory: Path,
        site: Site,
        serve_host: str,
        local: Mapping[str, str],
        secret_file: Path | None,
        secrets_folder: Path,
        host: str,
        port: int,
    ) -> None:
        self._digest, self._site = digest, site
        self._local = {name: (Target(url=url, replica=name),) for name, url in local.items()}
        self._keyring = Keyring(directory / "gateway.jsonl")
        self._tapes = Tapes()
        self._listener = _listen(host, port)
        secret = secret_file.read_text().strip() if secret_file else ""
        routes = RouteTable(self._local, seen=not serve_host)
        self._directory = Directory(routes, catalogue_of(site), secrets_folder, secret=secret)
        app = build(self._keyring, self._directory, tape_for=self._tapes.of)
        config = uvicorn.Config(
            app,
            http="httptools",  # half of what the parser in Python takes
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
        self._server = _Server(config)
        self._serving = asyncio.ensure_future(self._server.serve(sockets=[self._listener]))
        if serve_host:
            headers = {"authorization": f"Bearer {secret}"}
            self._following = asyncio.ensure_future(follow(self._renew, host=serve_host, headers=headers))
            self._following.add_done_callback(_told)

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

    async def set_routes(self, routes: dict[str, tuple[Target, ...]], contexts: dict[str, int]) -> None:
        """Where the cluster's models are from now on, and how long their contexts are; those of `local` stay."""
        self._renew(routes, contexts)

    def _renew(self, routes: Mapping[str, tuple[Target, ...]], contexts: Mapping[str, int]) -> None:
        """The catalogue is read again with the routes: a model may have been deployed from a new entry."""
        catalogue = catalogue_of(self._site)
        try:
            catalogue.names()
        except UserError as error:
            LOG.error("the catalogue stays as it was: %s", error)
            catalogue = self._directory.catalogue
        self._directory.renew(catalogue, contexts)
        self._directory.routes.replace({**routes, **self._local})

    async def register(self, grant: Grant) -> None:
        """Let a trial's key in (`podium.keys.key_hash` makes the hash). A new key replaces the trial's old one."""
        self._keyring.register(grant)

    async def obstacle(self, models: tuple[str, ...]) -> str:
        """See `Directory.obstacle`: asked before a sweep begins."""
        await self._directory.routes.first_look(LOOK_SECONDS)
        return self._directory.obstacle(models)

    async def revoke(self, trial_id: str) -> None:
        """Shut the trial's key out; its usage stays."""
        self._keyring.revoke(trial_id)
        self._tapes.forget(trial_id)

    async def usage(self, trial_id: str) -> ModelUsage:
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
    site: Site,
    secrets_folder: Path,
    secret_file: Path | None = None,
    serve_host: str = "",
    local: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    runtime_env: Mapping[str, Any] | None = None,
) -> str:
    """Start the gateway, or find the running one; gives its base URL ending in `/v1`.

    `directory` is the cluster's state directory (grants and usage lie there, mode 0600); `site` names the catalogue;
    `.env` with providers' keys lies in `secrets_folder`, and `secret_file` (mode 0600) holds what the cluster's own
    models want to see. `serve_host`, `local`: see `GatewayActor`. `port` 0: a free one, kept over restarts.
    `runtime_env` is public in Ray's API: never a secret. A running gateway with another digest is left alone: ask
    `digest()` and use `replace()`. Raises Unavailable.
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
        site=site,
        serve_host=serve_host,
        local=dict(local or {}),
        secret_file=secret_file,
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


def _told(task: asyncio.Task[None]) -> None:
    """A task that should go on for ever says why it ended."""
    if not task.cancelled() and task.exception() is not None:
        LOG.error("replicas are followed no more", exc_info=task.exception())


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
