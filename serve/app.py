"""Models as Ray Serve applications on the llm hosts: one application and route prefix a model, one proxy on the head.

The gateway goes to the replicas themselves; the proxy is for a model that has none yet, and makes Serve start one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray
from ray import serve as rayserve

from podium.placement import Role, options
from serve.guard import Guard
from serve.models import Entry
from serve.offline import endpoint

OFFLINE = "offline"
REQUEST_SECONDS = 3600
"""After which Serve's proxy gives a request up that waits for a replica; a large model takes minutes to start."""
START_SECONDS = 300.0


def start(*, host: str, port: int) -> None:
    """Start Ray Serve, with its proxy on the head's `host:port`; where it runs nothing changes."""
    rayserve.start(
        proxy_location="HeadOnly", http_options={"host": host, "port": port, "request_timeout_s": REQUEST_SECONDS}
    )


def deploy_offline(*, python_path: Path, replicas: int = 1) -> None:
    """Deploy the offline model (again: replaces it) from the code at `python_path`, and wait until it answers."""
    placed = options(Role.LLM, cpus=0, runtime_env=_environment(python_path))
    deployment = rayserve.deployment(
        rayserve.ingress(_guarded_offline)(),
        name="Offline",
        num_replicas=replicas,
        max_ongoing_requests=200,
        ray_actor_options=placed,
        health_check_period_s=2,
        graceful_shutdown_timeout_s=5,
    )
    rayserve.run(deployment.bind(), name=OFFLINE, route_prefix=f"/{OFFLINE}", blocking=False)


def begin(name: str, entry: Entry, models: Path, marks: Mapping[str, str], python_path: Path) -> None:
    """Tell Serve to bring the model up, or to change it to this entry; does not wait until it answers.

    The application is put together on an llm host, for only there vLLM can be imported. `models`: where local weights
    lie; `marks`: variables of the replicas. Raises RayTaskError with vLLM's words where the entry does not fit.
    """
    chosen = options(Role.LLM, max_retries=0, runtime_env=_environment(python_path))
    task = ray.remote(_begin).options(**chosen).remote(name, entry, models, dict(marks))
    ray.get(task, timeout=START_SECONDS)


def end(name: str) -> None:
    """Take a model down; its requests under way are answered first."""
    rayserve.delete(name)


def _environment(python_path: Path) -> dict[str, Any]:
    """Named in full, for Serve's controller may have been started by other code."""
    return {"env_vars": {"PYTHONPATH": str(python_path)}}


def _begin(name: str, entry: Entry, models: Path, marks: dict[str, str]) -> None:
    from serve import engine  # vLLM: only where this runs

    application = engine.application(engine.configuration(name, entry, models, marks))
    rayserve.run_many(
        [rayserve.RunTarget(target=application, name=name, route_prefix=f"/{name}")],
        wait_for_ingress_deployment_creation=False,
        wait_for_applications_running=False,
    )


def _guarded_offline() -> Any:
    app = endpoint.build()
    app.add_middleware(Guard)
    return app
