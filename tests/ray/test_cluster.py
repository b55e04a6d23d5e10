"""A real local cluster: four hosts with four roles, token authentication, and an end that leaves nothing."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import ray

from cluster.health import parts
from cluster.hosts import await_roles
from cluster.local import LocalLauncher
from podium.placement import Role
from podium.state import ClusterState, read_state

pytestmark = [pytest.mark.ray]


def get(url: str, token: str = "") -> int:
    parsed = urlsplit(url)
    connection = http.client.HTTPConnection(str(parsed.hostname), parsed.port, timeout=10)
    connection.request("GET", parsed.path, headers={"Authorization": f"Bearer {token}"} if token else {})
    status = connection.getresponse().status
    connection.close()
    return status


def test_every_role_answers_with_the_copy_of_the_code(cluster: ClusterState) -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "jobs.deploy"],
        cwd=cluster.code,
        env={**os.environ, "PYTHONPATH": str(cluster.code)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    answers = sorted(line.split(maxsplit=1) for line in asked.stderr.splitlines() if "answers" in line)
    assert answers == [[role, f"answers (code {cluster.digest})"] for role in sorted(Role)]


def test_four_hosts_with_four_labels_and_one_grading_resource(driver: ClusterState) -> None:
    nodes = [node for node in ray.nodes() if node["Alive"]]
    assert sorted(node["Labels"]["role"] for node in nodes) == sorted(Role)
    resources = {node["Labels"]["role"]: node["Resources"] for node in nodes}
    assert resources["grading"]["grading"] == 1.0
    assert "CPU" not in resources["grading"]
    assert "CPU" not in resources["head"]
    assert resources["agent"]["CPU"] == len(os.sched_getaffinity(0))


def test_the_dashboard_wants_the_token(cluster: ClusterState) -> None:
    token = cluster.token_path.read_text()
    assert get(f"{cluster.dashboard}/api/jobs/") == 401
    assert get(f"{cluster.dashboard}/api/jobs/", token) == 200


def test_token_and_state_are_for_their_owner_only(cluster: ClusterState, launcher: LocalLauncher) -> None:
    assert cluster.token_path.stat().st_mode & 0o777 == 0o600
    assert launcher.state_file.stat().st_mode & 0o777 == 0o600
    assert cluster.temp_dir.stat().st_mode & 0o777 == 0o700


def test_hosts_take_interrupts(cluster: ClusterState) -> None:
    for host in cluster.hosts:
        status = Path(f"/proc/{host.pid}/status").read_text()
        ignored = int(status.split("SigIgn:\t")[1].split("\n")[0], 16)
        assert not ignored >> (signal.SIGINT - 1) & 1


def test_up_again_changes_nothing(cluster: ClusterState, launcher: LocalLauncher) -> None:
    assert launcher.up().hosts == cluster.hosts


def test_a_host_that_died_is_started_again_by_up(cluster: ClusterState, launcher: LocalLauncher) -> None:
    victim = next(host for host in cluster.hosts if host.role == Role.LLM)
    os.kill(victim.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while next(part for part in parts(cluster) if part.name == Role.LLM).alive and time.monotonic() < deadline:
        time.sleep(0.05)
    state = launcher.up()
    hosts = {host.role: host for host in state.hosts}
    assert hosts[Role.LLM].pid != victim.pid
    assert hosts[Role.HEAD] == next(host for host in cluster.hosts if host.role == Role.HEAD)
    assert read_state(launcher.state_file) == state


def test_the_roles_answer_after_that(driver: ClusterState) -> None:
    heard: list[str] = []
    await_roles(tell=heard.append)
    assert len(heard) == len(Role)
