"""The stock application of `ray.serve.llm` for a model of the catalogue; in the vllm environment, on a running cluster:

    .venv-vllm/bin/python -m bench.serving_stock_app ORDER.json

Its own ingress, one replica of it and one of the model, with the configuration that ours has but for our middleware.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from podium.spec import Spec
from serve.models import Entry

NAME = "stock"


class Order(Spec):
    """What is deployed."""

    name: str
    entry: Entry
    models: Path
    """Where local weights lie."""
    host: str
    port: int
    """Of Serve's proxy."""


def build(order: Order) -> Any:
    """The application."""
    from ray.serve.llm import build_openai_app

    from serve import engine

    config = engine.configuration(order.name, order.entry, order.models, {})
    del config.engine_kwargs["middleware"]
    ingress = {"num_replicas": 1, "ray_actor_options": {"num_cpus": 0.1}, "autoscaling_config": None}
    return build_openai_app({"llm_configs": [config], "ingress_deployment_config": ingress})


def deploy(order: Order) -> None:
    """Returns when it answers."""
    import ray
    from ray import serve

    ray.init(log_to_driver=False, logging_level="ERROR")
    serve.start(proxy_location="HeadOnly", http_options={"host": order.host, "port": order.port})
    serve.run(build(order), name=NAME, route_prefix="/", blocking=False)


if __name__ == "__main__":
    deploy(Order.model_validate_json(Path(sys.argv[1]).read_bytes()))
