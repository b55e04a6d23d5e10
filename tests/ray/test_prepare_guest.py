"""`podium prepare --cluster`: one plain task on the grading host, as its errors come back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import ray
import ray.util.state

from podium.settings import CHECKOUT
from podium.state import ClusterState
from tests.unit.raw_data import FOREIGN

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]


def prepare(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHECKOUT / "jobs/prepare.py"), "--cluster", *words]
    return subprocess.run(command, cwd="/", env=dict(os.environ), capture_output=True, text=True, check=False)


def test_a_task_is_prepared_at_the_clusters_site_by_its_grading_host(cluster: ClusterState) -> None:
    done = prepare("-c", "wine")
    assert done.returncode == 0, done.stderr
    assert (cluster.site.public_dir("wine") / "train.csv").is_file()
    assert (cluster.site.private_dir("wine") / "test.csv").is_file()


def test_it_ran_on_the_host_with_the_grading_role(driver: ClusterState) -> None:
    prepare("-c", "wine")
    grading = {node["NodeID"] for node in ray.nodes() if node["Labels"].get("role") == "grading"}
    tasks = [task for task in ray.util.state.list_tasks(detail=True, limit=10_000) if task.name == "_prepare"]
    assert {task.node_id for task in tasks} == grading


def test_what_cannot_be_done_there_is_a_sentence_here(cluster: ClusterState, tmp_path: Path) -> None:
    done = prepare("-c", FOREIGN)
    assert done.returncode == 1
    assert f"mlebench-prepare.sh {cluster.site.data} {FOREIGN}" in done.stderr
    assert "Traceback" not in done.stderr
