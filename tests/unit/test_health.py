"""What is said of a cluster over HTTP: whose jobs keep it busy, and which parts live."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cluster.cli import env, status
from cluster.health import JOB_VARIABLE, OWN_JOB_VARIABLE, model_part, others, own_submission, parts
from podium.errors import Unavailable
from podium.settings import Site
from podium.state import STATE_VARIABLE, ClusterState, write_state

STATE = ClusterState(
    address="127.0.0.2:1",
    dashboard="http://127.0.0.1:1",
    token_path=Path("/a b/cluster.token"),
    model_secret_path=Path("/secret/models"),
    serve_port=1,
    site=Site(),
    checkout=Path("/c"),
    code=Path("/s/code/abc"),
    digest="abc",
    temp_dir=Path("/tmp/p"),
)


def job(status: str, submission: str | None = None, pid: int | None = None) -> dict[str, Any]:
    return {
        "status": status,
        "submission_id": submission,
        "job_id": "02000000",
        "driver_info": {"id": "02000000", "node_ip_address": "127.0.0.2", "pid": str(pid)} if pid else None,
    }


def test_live_jobs_of_others_keep_the_services_busy() -> None:
    jobs = [job("RUNNING", "b"), job("PENDING", "a"), job("RUNNING", pid=7), job("SUCCEEDED", "c"), job("FAILED", "d")]
    assert others(jobs, "", set()) == ["a", "b", "driver 02000000"]


def test_our_own_job_does_not_count_by_submission_or_by_pid() -> None:
    assert others([job("RUNNING", "mine"), job("RUNNING", "too", pid=7)], "mine", {7}) == []


def test_a_submitted_job_knows_its_own_name() -> None:
    config = json.dumps({"metadata": {"job_submission_id": "raysubmit_x"}})
    assert own_submission({JOB_VARIABLE: config}) == "raysubmit_x"
    assert own_submission({OWN_JOB_VARIABLE: "raysubmit_y", JOB_VARIABLE: config}) == "raysubmit_y"
    assert own_submission({}) == ""


def test_nothing_lives_where_nothing_was_started() -> None:
    found = {part.name: part.alive for part in parts(STATE)}
    assert set(found) == {"head", "llm", "grading", "agent", "dashboard", "models", "gateway", "grader"}
    assert not any(found.values())


def test_the_variables_are_quoted_and_hold_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_state(tmp_path / "cluster.json", STATE)
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "cluster.json"))
    printed = CliRunner().invoke(env, catch_exceptions=False).output
    assert "export RAY_AUTH_TOKEN_PATH='/a b/cluster.token'\n" in printed
    assert "export RAY_AUTH_MODE=token\n" in printed
    assert "RAY_AUTH_TOKEN=" not in printed


def test_status_as_json_names_what_is_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_state(tmp_path / "cluster.json", STATE)
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "cluster.json"))
    answer = json.loads(CliRunner().invoke(status, ["--json"], catch_exceptions=False).output)
    assert answer["digest"] == "abc"
    assert {part["name"] for part in answer["parts"] if not part["alive"]} >= {"head", "grader"}


def test_without_a_cluster_the_command_to_type_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "none.json"))
    with pytest.raises(Unavailable, match="podium up"):
        CliRunner().invoke(status, catch_exceptions=False)


@pytest.mark.parametrize(
    ("status", "states", "alive", "detail"),
    [
        ("RUNNING", ("RUNNING", "RUNNING", "STARTING"), True, "running, replicas: 2 running, 1 starting"),
        ("RUNNING", (), True, "running, replicas: none"),
        ("DEPLOYING", ("STARTING",), True, "deploying, replicas: 1 starting"),
        ("DEPLOY_FAILED", (), False, "deploy_failed, replicas: none"),
        ("UNHEALTHY", ("STARTING",), False, "unhealthy, replicas: 1 starting"),
    ],
)
def test_a_models_part_says_whether_it_runs_and_counts_its_replicas(
    status: str, states: tuple[str, ...], alive: bool, detail: str
) -> None:
    deployments = {"LLM": {"replicas": [{"state": state} for state in states]}}
    part = model_part("tiny", {"status": status, "deployments": deployments})
    assert (part.name, part.alive, part.detail) == ("model tiny", alive, detail)
