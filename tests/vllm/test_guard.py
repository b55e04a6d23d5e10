"""What a model's own addresses tell those who come past the gateway: nothing, without the cluster's secret."""

from __future__ import annotations

import pytest
import ray

from podium.placement import Role, options
from tests.vllm.spy import status
from tests.vllm.stage import SECONDS, Stage

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

PATHS = ("/tokenize", "/metrics", "/load", "/v1/responses", "/inference/v1/generate", "/scale_elastic_ep", "/docs")
"""Of vLLM's own server, and not the gateway's business."""


@pytest.fixture(params=["replica", "proxy"])
def address(request: pytest.FixtureRequest, stage: Stage, models: None) -> str:
    """Of a model, ending in `/v1`: its replica's own, and the one behind Serve's proxy."""
    proxy = f"http://{stage.state.serve_host}:{stage.state.serve_port}/tiny-qwen3/v1"
    (target,) = stage.targets("tiny-qwen3")
    return target.url if request.param == "replica" else proxy


@pytest.fixture
def secret(stage: Stage) -> str:
    assert stage.state.model_secret_path is not None
    return stage.state.model_secret_path.read_text()


@pytest.mark.parametrize("path", ["/models", "/chat/completions"])
def test_without_the_secret_everybody_is_refused(address: str, path: str) -> None:
    method = "POST" if path == "/chat/completions" else "GET"
    assert (status(address + path, method=method), status(address + path, "guess", method)) == (401, 401)


def test_the_agents_hosts_are_refused_too(address: str) -> None:
    ask = ray.remote(status).options(**options(Role.AGENT))
    assert ray.get(ask.remote(f"{address}/models"), timeout=SECONDS) == 401


def test_with_the_secret_the_model_is_there(address: str, secret: str) -> None:
    assert status(f"{address}/models", secret) == 200


def test_with_the_secret_too_only_the_gateways_paths_are_there(address: str, secret: str) -> None:
    base = address.removesuffix("/v1")
    found = {path: status(base + path, secret, method) for path in PATHS for method in ("GET", "POST")}
    assert found == dict.fromkeys(PATHS, 404)
