"""The `offline` model as a Ray Serve deployment on the llm role, behind one proxy on the head's loopback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray import serve as rayserve

from podium.placement import Role, options
from serve.offline.endpoint import build

NAME = "offline"


def deploy_offline(
    *, port: int = 8000, host: str = "127.0.0.1", replicas: int = 1, runtime_env: Mapping[str, Any] | None = None
) -> str:
    """Deploy the offline model (again: replaces it) and wait until it answers; gives its base URL ending in `/v1`.

    The proxy listens on `host:port` of the head only. `runtime_env` is public in Ray's API: never a secret.
    """
    rayserve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port, "request_timeout_s": 600})
    placed = options(Role.LLM, cpus=0, runtime_env=dict(runtime_env or {}))
    deployment = rayserve.deployment(
        rayserve.ingress(build)(),
        name="Offline",
        num_replicas=replicas,
        max_ongoing_requests=200,
        ray_actor_options=placed,
        health_check_period_s=2,
        graceful_shutdown_timeout_s=5,
    )
    rayserve.run(deployment.bind(), name=NAME, route_prefix=f"/{NAME}", blocking=False)
    return f"http://{host}:{port}/{NAME}/v1"
