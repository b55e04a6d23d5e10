"""Asks the cluster about its hosts, through Ray: does every role answer a call with our code?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray

from podium.errors import Unavailable
from podium.placement import Role, options
from podium.state import NAMESPACE, ClusterState


def where() -> tuple[str, Path]:
    """The role of the host that runs this, and the code that it runs."""
    labels = ray.get_runtime_context().get_node_labels()
    return labels["role"], Path(__file__).resolve().parent.parent


@contextmanager
def connected(state: ClusterState, code: Path) -> Iterator[None]:
    """A driver's connection. What it deploys imports from `code`, also when it is started again after a death.

    The process must have been started with `ray_environment(state)`, for Ray reads the token's path only once.
    """
    ray.init(
        address=state.address,
        namespace=NAMESPACE,
        runtime_env={"env_vars": {"PYTHONPATH": str(code)}},
        log_to_driver=False,
        logging_level="ERROR",
    )
    try:
        yield
    finally:
        ray.shutdown()


def described(role: Role) -> list[dict[str, Any]]:
    """Ray's description of the living hosts with a role."""
    return [node for node in ray.nodes() if node["Alive"] and node["Labels"].get("role") == role.value]


def await_roles(
    roles: Iterable[Role] = tuple(Role), seconds: float = 180.0, tell: Callable[[str], None] = lambda line: None
) -> None:
    """Call a function of ours on each role and wait for all answers. Raises Unavailable naming the silent roles."""
    pending: dict[Any, Role] = {
        ray.remote(where).options(**options(role, max_retries=-1)).remote(): role for role in roles
    }
    deadline = time.monotonic() + seconds
    while pending:
        done, _ = ray.wait(list(pending), timeout=max(0.0, deadline - time.monotonic()))
        if not done:
            silent = ", ".join(sorted(pending.values()))
            raise Unavailable(f"No answer from {silent} within {seconds:.0f} s.", "See `podium status`.")
        for reference in done:
            role, code = ray.get(reference)
            tell(f"{role:8} answers (code {code.name})")
            del pending[reference]
