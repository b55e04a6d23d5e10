"""Jobs reach a running cluster by both of the ways in the README, and a package holds no secret and no data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import ray

from cluster.code import code_digest, copy_code
from cluster.local import LocalLauncher
from jobs.sweepdir import SweepDir
from podium.settings import CHECKOUT
from podium.state import STATE_VARIABLE, ClusterState
from tasks import registry

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

CANARY = "canary-4c1d0e"
PROBE = """
import os, sys
import podium, cluster.code, grading, serve, tasks, agents
from podium.state import read_state
from podium.settings import CHECKOUT
print("code at", CHECKOUT, "digest", cluster.code.code_digest(CHECKOUT), "state", read_state().digest)
print("arguments", *sys.argv[1:])
"""
SECRET_FILES = (".env", "data/x/prepared/public/train.csv", "private/x/prepared/private/answers.csv", "runs/r/log.txt")


def environment(cluster: ClusterState, state_file: Path) -> dict[str, str]:
    """What a shell has after `eval "$(podium env)"`, and nothing else of ours."""
    bare = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
    text = subprocess.run(
        [sys.executable, "-m", "podium", "env"],
        cwd=CHECKOUT,
        env={**bare, STATE_VARIABLE: str(state_file)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    shell = f"{text}\nenv -0"
    listed = subprocess.run(["bash", "-c", shell], env=bare, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in listed.split("\0") if "=" in line)


def submit(arguments: list[str], cwd: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ray", "job", "submit", *arguments],
        cwd=cwd,
        env=dict(variables),
        executable=str(Path(sys.prefix) / "bin" / "ray"),
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a job of its own, and with everything in it that must stay at home."""
    source = copy_code(CHECKOUT, tmp_path_factory.mktemp("copies"))
    target = tmp_path_factory.mktemp("checkouts") / "podium"
    shutil.copytree(source, target)
    for name in (".rayignore", ".gitignore"):
        shutil.copy(CHECKOUT / name, target / name)
    (target / "jobs" / "probe_job.py").write_text(PROBE)
    for name in SECRET_FILES:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(CANARY)
    return target


@pytest.fixture
def variables(cluster: ClusterState, launcher: object) -> dict[str, str]:
    return environment(cluster, Path(os.environ[STATE_VARIABLE]))


def test_a_job_from_a_checkout_runs_what_was_uploaded(
    checkout: Path, variables: dict[str, str], cluster: ClusterState
) -> None:
    command = ["--working-dir", ".", "--", "python", "jobs/probe_job.py", "--seeds", "2"]
    done = submit(command, checkout, variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"digest {code_digest(checkout)} state {cluster.digest}" in done.stdout
    assert "arguments --seeds 2" in done.stdout


def test_a_job_from_anywhere_runs_the_copy_that_the_cluster_runs(
    tmp_path: Path, variables: dict[str, str], cluster: ClusterState
) -> None:
    done = submit(["--", "python", "-c", PROBE.strip().replace("\n", "; ")], tmp_path, variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"code at {cluster.code} digest {cluster.digest}" in done.stdout


def test_the_sweep_is_found_from_anywhere(tmp_path: Path, variables: dict[str, str]) -> None:
    done = submit(["--", "python", "jobs/sweep.py", "--help"], tmp_path, variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "--agent" in done.stdout


@pytest.fixture
def sweep_words(services: ClusterState, tmp_path: Path) -> list[str]:
    """A small sweep of a prepared task, with its results in a folder of its own."""
    registry.competition("wine").prepare(services.site)
    words = ["--", "python", "jobs/sweep.py", "--agent", "sample", "--task", "wine", "-o", str(tmp_path / "runs")]
    return [*words, "--limit", "memory_mb=1024"]


@pytest.mark.parametrize("upload", [True, False], ids=["from a checkout", "from anywhere"])
def test_a_sweep_is_run_and_graded_once(
    upload: bool, sweep_words: list[str], variables: dict[str, str], launcher: LocalLauncher, tmp_path: Path
) -> None:
    words, folder = (["--working-dir", ".", *sweep_words], launcher.checkout) if upload else (sweep_words, tmp_path)
    done = submit(words, folder, variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ray job stop" in done.stdout
    (found,) = (tmp_path / "runs").glob("*_run-group_sample")
    again = submit([*words, "--resume", found.name], folder, variables)
    assert again.returncode == 0, again.stdout + again.stderr
    (group,) = SweepDir.find(tmp_path / "runs", found.name).groups()
    (trial,) = group.trials()
    record = trial.record()
    assert record is not None
    assert record.grade is not None
    assert (record.grade.valid_submission, record.grade.any_medal, len(trial.attempts())) == (True, False, 1)
    assert len(group.ledger_file.read_text().splitlines()) == 1


def test_a_sweep_that_no_host_can_hold_is_refused(
    sweep_words: list[str], variables: dict[str, str], tmp_path: Path
) -> None:
    done = submit([*sweep_words, "--limit", "memory_mb=99999999"], tmp_path, variables)
    assert done.returncode == 1
    assert "no agent host is that large (" in done.stdout
    assert not (tmp_path / "runs").exists()


def packages(cluster: ClusterState) -> Iterator[zipfile.ZipFile]:
    """The packages as they lie in the cluster's own store, whoever uploaded them."""
    from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_list

    for key in _internal_kv_list(b"gcs://", namespace=None):
        content = _internal_kv_get(key)
        path = cluster.temp_dir / "package.zip"
        path.write_bytes(content)
        with zipfile.ZipFile(path) as package:
            yield package


def test_the_uploaded_package_holds_code_and_no_secret(
    checkout: Path, variables: dict[str, str], driver: ClusterState
) -> None:
    assert submit(["--working-dir", ".", "--", "python", "jobs/probe_job.py"], checkout, variables).returncode == 0
    seen = 0
    for package in packages(driver):
        names = package.namelist()
        if "jobs/probe_job.py" not in names:
            continue
        seen += 1
        assert "podium/state.py" in names
        assert not [name for name in names if name.split("/")[0] in (".env", "data", "private", "runs", ".git")]
        assert not [name for name in names if CANARY.encode() in package.read(name)]
    assert seen == 1
    assert ray.is_initialized()
