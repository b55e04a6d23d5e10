"""The gateway's eyes: asks Serve's controller where each model's replicas listen, and keeps the route table true.

With direct ingress Serve names, for every application, the addresses at which its replicas listen, or its proxy where
there is no replica yet (source: `get_target_groups` of Serve's controller, which serves external load balancers).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import ray

from serve.gateway.routes import Target

CONTROLLER, NAMESPACE = "SERVE_CONTROLLER_ACTOR", "serve"
"""Serve's controller, by ray.serve._private.constants; written out, for importing Serve takes a gateway seconds."""
SECONDS = 0.5
"""Between two looks."""
ANSWER_SECONDS = 10.0
REPLICA = "SERVE_REPLICA::"
EVERYWHERE = "0.0.0.0"

Set = Callable[[dict[str, tuple[Target, ...]], dict[str, int]], None]
"""Takes the targets by model, and the context lengths by model."""


async def follow(set_routes: Set, *, host: str, headers: Mapping[str, str]) -> None:
    """Look for ever, and tell `set_routes` when something changed. While Serve is away the last table stands.

    `host`: where Serve listens; replicas are looked for there too, but for 0.0.0.0, at their own host's address.
    `headers`: what the replicas want to see.
    """
    known: dict[str, tuple[Target, ...]] | None = None
    contexts: dict[str, int] = {}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS), headers=headers) as session:
        while True:
            with suppress(ray.exceptions.RayError, ValueError, TimeoutError):
                found = targets(await _target_groups(), host)
                asked = await _contexts(session, {model: found[model] for model in found.keys() - contexts.keys()})
                if asked or found != known:
                    known = found
                    contexts = {model: length for model, length in {**contexts, **asked}.items() if model in found}
                    set_routes(known, contexts)
            await asyncio.sleep(SECONDS)


def targets(groups: Iterable[Any], host: str) -> dict[str, tuple[Target, ...]]:
    """The targets of each application by its name, replicas sorted; Serve's own `TargetGroup`s go in."""
    found: dict[str, tuple[Target, ...]] = {}
    for group in groups:
        if group.app_name and group.protocol == "HTTP":
            here = (_target(target, group.route_prefix, host) for target in group.targets)
            found[group.app_name] = tuple(sorted(here, key=lambda target: target.replica))
    return found


def _target(target: Any, prefix: str, host: str) -> Target:
    address = target.ip if host == EVERYWHERE else host
    replica = target.name.rpartition("#")[2] if target.name.startswith(REPLICA) else ""
    return Target(url=f"http://{address}:{target.port}{prefix.rstrip('/')}/v1", replica=replica)


async def _target_groups() -> list[Any]:
    controller = ray.get_actor(CONTROLLER, namespace=NAMESPACE)
    return list(await asyncio.wait_for(controller.get_target_groups.remote(), ANSWER_SECONDS))


async def _contexts(session: aiohttp.ClientSession, new: Mapping[str, tuple[Target, ...]]) -> dict[str, int]:
    """How many tokens the engines of `new` models say their context has; those that do not say are left out."""
    asked = {model: await _context(session, known) for model, known in new.items()}
    return {model: length for model, length in asked.items() if length}


async def _context(session: aiohttp.ClientSession, known: tuple[Target, ...]) -> int:
    """How many tokens the model's engine says its context has; 0: nobody says."""
    for target in known:
        if target.replica:
            with suppress(aiohttp.ClientError, OSError, ValueError, LookupError, TypeError, TimeoutError):
                async with session.get(f"{target.url}/models") as answer:
                    return int((await answer.json())["data"][0]["max_model_len"])
    return 0
