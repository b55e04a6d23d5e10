"""The driver's connection to the cluster: reach it, hear its errors as ours, see that its hosts can do the work."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from rich.console import Console

from containers import backends
from containers.sandbox import Probe
from jobs.plan import Host, check_room
from podium.errors import InfrastructureFailure, PodiumError, Preempted, Unavailable, UserError
from podium.placement import Role, options
from podium.settings import CHECKOUT
from podium.spec import SweepSpec
from podium.state import NAMESPACE, ClusterState, default_state_file, ray_environment
from serve.gateway.actor import find_gateway

ANSWER_SECONDS = 120.0
"""How long a service may take to answer; a grade of a large submission is the longest."""
PROBE_SECONDS = 300.0
"""How long trying the sandbox on a host may take: the first time it may have to be unpacked."""


def enter_environment(state: ClusterState) -> None:
    """Start this process anew where it lacks the cluster's variables: Ray reads the token's path once, at its start."""
    wanted = ray_environment(state, default_state_file())
    if any(os.environ.get(name) != value for name, value in wanted.items() if name.startswith("RAY_AUTH")):
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **wanted})  # noqa: S606 (itself again)


@contextmanager
def connected(state: ClusterState) -> Iterator[None]:
    """Speak to the cluster, for as long as the context lasts."""
    try:
        ray.init(state.address, namespace=NAMESPACE, log_to_driver=False, logging_level="warning")
    except (ConnectionError, ray.exceptions.RayError) as error:
        raise Unavailable(
            f"The cluster at {state.address} does not answer: {_first_line(error)}", "Type `podium status`."
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def code_environment() -> dict[str, Any]:
    """The runtime environment in which workers find this code: an uploaded package brings it by itself."""
    if ray.get_runtime_context().runtime_env.get("working_dir"):
        return {}
    return {"env_vars": {"PYTHONPATH": str(CHECKOUT)}}


async def answer(reference: Any, seconds: float | None = None) -> Any:
    """The answer of an actor; Ray's errors become ours, and what the actor raised comes out as it was."""
    try:
        return await asyncio.wait_for(reference, seconds)
    except asyncio.CancelledError:
        ray.cancel(reference)
        raise
    except TimeoutError:
        raise InfrastructureFailure(
            f"A service did not answer within {seconds:g} s.", "Look at `podium status`."
        ) from None
    except ray.exceptions.RayError as error:
        raise ours(error) from None


def ours(error: Exception) -> PodiumError:
    """A Ray error as one of ours; what an actor raised on purpose comes out as it was."""
    if isinstance(error, ray.exceptions.RayTaskError):
        return error.cause if isinstance(error.cause, PodiumError) else InfrastructureFailure(f"A call failed: {error}")
    kind = Preempted if getattr(error, "preempted", False) else InfrastructureFailure
    return kind(f"{type(error).__name__}: {_first_line(error)}", "Look at `podium status`.")


def check_hosts(spec: SweepSpec, scratch: Path, console: Console) -> None:
    """See that every agent host can open the sandbox, and that some have room for one.

    Raises Unavailable, saying what to install where, and UserError, naming the hosts' sizes.
    """
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Labels"].get("role") == Role.AGENT.value]
    if not nodes:
        raise Unavailable("The cluster has no host with the role `agent`.", "Look at `podium status`; `podium up`.")
    check_room([_host(node) for node in nodes], spec.limits)
    _check_sandboxes(spec.sandbox, nodes, scratch, console)


def check_models(models: Sequence[str]) -> None:
    """See that the gateway has an endpoint, and its key, for every model. Raises UserError, saying what is missing."""
    if not models:
        return
    try:
        obstacle: str = ray.get(find_gateway().obstacle.remote(tuple(models)), timeout=ANSWER_SECONDS)
    except ray.exceptions.RayError as error:
        raise ours(error) from None
    if obstacle:
        raise UserError(obstacle, "Mend that, or ask another model (`podium models list`).")


def _host(node: dict[str, Any]) -> Host:
    """An agent host as the plan sees it, from Ray's description."""
    offered = node["Resources"]
    return Host(
        name=node["NodeManagerHostname"],
        cpus=offered.get("CPU", 0.0),
        memory_mb=int(offered.get("memory", 0.0)) >> 20,
        gpus=offered.get("GPU", 0.0),
    )


def _check_sandboxes(backend: str, nodes: Sequence[dict[str, Any]], scratch: Path, console: Console) -> None:
    asked = [(node["NodeManagerHostname"], _ask_probe(node["NodeID"], backend, scratch)) for node in nodes]
    for host, reference in asked:
        try:
            found: Probe = ray.get(reference, timeout=PROBE_SECONDS)
        except ray.exceptions.RayError as error:
            raise ours(error) from None
        if not found.usable:
            raise Unavailable(f"The sandbox {backend} cannot be used on {host}: {found.reason}", found.remedy)
        if not found.jail:
            console.print(
                f"WARNING: the sandbox {backend} is no jail: code written by models runs unconfined on {host}."
            )


def _ask_probe(node_id: str, backend: str, scratch: Path) -> Any:
    there = NodeAffinitySchedulingStrategy(node_id, soft=False)
    chosen = options(Role.AGENT, scheduling_strategy=there, runtime_env=code_environment())
    return ray.remote(_probe).options(**chosen).remote(backend, scratch)


def _probe(backend: str, scratch: Path) -> Probe:
    return backends.backend(backend).probe(scratch)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]
