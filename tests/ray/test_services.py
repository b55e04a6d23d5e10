"""The detached services run the cluster's own copy of the code and come back when their processes are killed."""

from __future__ import annotations

import os
import shutil
import signal
import time
import urllib.request
from pathlib import Path

import pytest
import ray.util.state

from cluster.code import code_digest
from cluster.health import parts
from cluster.hosts import connected
from jobs.deploy import ensure
from podium.state import STATE_VARIABLE, ClusterState

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

ACTORS = {"GatewayActor", "GraderActor", "ServeReplica:offline:Offline", "ServeController", "ProxyActor"}


def service_pids() -> dict[str, int]:
    """The pids of the services' processes by their classes."""
    listed = ray.util.state.list_actors(detail=True, filters=[("state", "=", "ALIVE")])
    return {actor.class_name: actor.pid for actor in listed if actor.class_name in ACTORS}


def environment(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/environ").read_text()
    return dict(item.split("=", 1) for item in text.split("\0") if "=" in item)


def offline_answers(state: ClusterState) -> bool:
    """Whether the offline model answers at Serve's proxy who shows the models' secret."""
    request = urllib.request.Request(f"http://127.0.0.1:{state.serve_port}/offline/v1/models")
    request.add_header("authorization", f"Bearer {state.model_secret_path.read_text().strip()}")
    try:
        with urllib.request.urlopen(request, timeout=5.0) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_all_parts_live_when_up_returns(services: ClusterState) -> None:
    assert [part.name for part in parts(services) if not part.alive] == []
    assert offline_answers(services)


def test_every_service_runs_in_the_copy_of_the_code(services: ClusterState, driver: ClusterState) -> None:
    pids = service_pids()
    assert set(pids) == ACTORS
    assert {Path(f"/proc/{pid}/cwd").readlink() for pid in pids.values()} == {services.code}


def test_killed_services_come_back_at_their_addresses(services: ClusterState, driver: ClusterState) -> None:
    before = service_pids()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 180
    while True:
        after = service_pids()
        whole = set(after) == ACTORS and not set(after.values()) & set(before.values())
        if whole and all(part.alive for part in parts(services)) and offline_answers(services):
            return
        assert time.monotonic() < deadline, f"not back: {after}"
        time.sleep(0.5)


def test_another_deployment_of_the_same_code_changes_nothing(services: ClusterState, driver: ClusterState) -> None:
    before = service_pids()
    assert ensure(Path(os.environ[STATE_VARIABLE]), services.code) == services
    assert service_pids() == before


def test_a_sweep_with_other_code_replaces_idle_services_and_goes_back(services: ClusterState, tmp_path: Path) -> None:
    state_file = Path(os.environ[STATE_VARIABLE])
    other = tmp_path / "other"
    shutil.copytree(services.code, other)
    (other / "jobs" / "__init__.py").write_text('"""Other code."""\n')
    try:
        replaced = ensure(state_file, other)
        assert replaced.digest == replaced.code.name == code_digest(other) != services.digest
        assert (replaced.gateway, replaced.validator) == (services.gateway, services.validator)
        assert all(part.alive for part in parts(replaced))
        with connected(replaced, replaced.code):
            pids = service_pids()
            imported = {name: environment(pid)["PYTHONPATH"] for name, pid in pids.items() if name != "ServeController"}
        assert set(imported) >= {"GatewayActor", "GraderActor", "ServeReplica:offline:Offline"}
        del imported["ProxyActor"]
        assert set(imported.values()) == {str(replaced.code)}
    finally:
        assert ensure(state_file, services.code).digest == services.digest
