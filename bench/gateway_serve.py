"""The gateway's app as a Ray Serve deployment, to compare: python -m bench.gateway_serve PORT STUB FOLDER KEYS

Starts a Ray of its own in FOLDER and serves until its standard input ends. One replica, as there is one gateway.
"""

from __future__ import annotations

import sys
from pathlib import Path

import ray
from ray import serve as rayserve

from bench.gateway_served import app


def main(port: int, stub: str, folder: Path, keys: int) -> None:
    ray.init(
        num_cpus=4, include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000, _temp_dir=str(folder)
    )
    try:
        rayserve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
        ingress = rayserve.ingress(lambda: app(stub, folder, keys))
        deployment = rayserve.deployment(ingress(), name="Gateway", max_ongoing_requests=1000)
        rayserve.run(deployment.bind(), name="gateway", route_prefix="/", blocking=False)
        sys.stdin.read()
    finally:
        rayserve.shutdown()
        ray.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
