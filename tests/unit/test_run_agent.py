"""MLE-bench's `run_agent.py` and its container configurations become a sweep of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jobs.container_config import read_config
from jobs.run_agent import agent, limits, run_agent, sweep_words
from podium.errors import PodiumError, UnknownName, UserError
from podium.settings import CHECKOUT, load_site
from podium.state import STATE_VARIABLE
from tasks import registry

GIB = 1024


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a site of its own, in which the task `wine` is prepared, a list of it, and no cluster."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "no-cluster.json"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.toml").write_text('data = "data"\nprivate = "private"\nruns = "runs"\n')
    (tmp_path / "mine.txt").write_text("wine\n")
    registry.find("wine", load_site()).prepare(load_site())
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(run_agent, words)


def planned(*words: str) -> list[dict[str, Any]]:
    """The trials of a dry run."""
    done = run("--competition-set", "mine.txt", "--dry-run", "--json", *words)
    assert done.exception is None, done.exception
    trials: list[dict[str, Any]] = json.loads(done.stdout)["trials"]
    return trials


def test_agent_set_and_seeds_become_a_plan(place: Path) -> None:
    found = [
        (trial["agent"], trial["task"], trial["seed"]) for trial in planned("--agent-id", "dummy", "--n-seeds", "2")
    ]
    assert found == [("sample", "wine", 0), ("sample", "wine", 1)]


def test_every_option_becomes_the_sweeps() -> None:
    assert sweep_words("dummy", "low.txt", 4, 3, ["cpus=4"], Path("R")) == [
        "--agent", "sample", "--split", "low.txt", "--parallel", "4", "--seeds", "3", "--limit", "cpus=4",
        "--runs", "R",
    ]  # fmt: skip
    assert "--runs" not in sweep_words("dummy", "low.txt", 4, 3, [], None)


def test_what_has_no_effect_is_said(place: Path) -> None:
    done = run("--agent-id", "dummy", "--competition-set", "mine.txt", "--dry-run", "--json", "--retain")
    assert "--retain has no effect" in done.stderr


def test_the_sweeps_own_options_are_passed_on(place: Path) -> None:
    (trial,) = planned("--agent-id", "aide/dev", "--set", "num_drafts=2", "--model", "offline", "--retain")
    assert (trial["agent"], trial["budget"]["steps"], trial["options"]["num_drafts"]) == ("aide/dev", 8, 2)


def test_a_container_configuration_becomes_the_trials_limits(place: Path) -> None:
    config = {"mem_limit": "440g", "shm_size": "4G", "nano_cpus": 36e9, "gpus": 1}
    (place / "config.json").write_text(json.dumps(config))
    (trial,) = planned("--agent-id", "dummy", "--container-config", "config.json")
    found = {name: trial["limits"][name] for name in ("memory_mb", "shm_mb", "cpus", "gpus")}
    assert found == {"memory_mb": 440 * GIB, "shm_mb": 4 * GIB, "cpus": 36.0, "gpus": 1.0}


def test_lite_and_a_list_without_a_lite_task_is_an_error_that_names_both(place: Path) -> None:
    done = run("--agent-id", "dummy", "--competition-set", "mine.txt", "--lite", "--dry-run")
    assert isinstance(done.exception, UserError)
    assert "lite" in done.exception.message
    assert "mine.txt" in done.exception.message


def test_the_data_must_be_where_the_site_has_them(place: Path) -> None:
    assert planned("--agent-id", "dummy", "--data-dir", "data")
    for folder, told in (("elsewhere", "There is no data directory"), (".", "site.toml")):
        done = run("--agent-id", "dummy", "--competition-set", "mine.txt", "--data-dir", folder)
        assert isinstance(done.exception, UserError)
        assert told in str(done.exception)


def test_an_unknown_agent_is_answered_with_the_near_ones() -> None:
    with pytest.raises(UnknownName, match="dummy"):
        agent("dumy")


def test_a_list_that_is_not_there_is_said(place: Path) -> None:
    done = run("--agent-id", "dummy", "--competition-set", "experiments/splits/lo.txt", "--dry-run")
    assert isinstance(done.exception, UnknownName)


def config(folder: Path, content: str) -> Path:
    file = folder / "config.json"
    file.write_text(content)
    return file


@pytest.mark.parametrize(
    ("content", "limits"),
    [
        ({"mem_limit": "440g"}, {"memory_mb": 440 * GIB}),
        ({"mem_limit": "512MB", "shm_size": "64m"}, {"memory_mb": 512, "shm_mb": 64}),
        ({"mem_limit": 1 << 30}, {"memory_mb": GIB}),
        ({"mem_limit": 2e9, "shm_size": 4e9}, {"memory_mb": 1908, "shm_mb": 3815}),
        ({"shm_size": "1.5G"}, {"shm_mb": 1536}),
        ({"shm_size": "1k"}, {"shm_mb": 1}),
        ({"nano_cpus": 4e9}, {"cpus": 4.0}),
        ({"cpu_count": 3}, {"cpus": 3.0}),
        ({"gpus": 0}, {"gpus": 0.0}),
        ({"gpus": -1}, {"gpus": 1.0}),
        ({"mem_limit": None, "shm_size": None, "gpus": None, "runtime": None}, {}),
        ({}, {}),
    ],
)
def test_dockers_words_are_read(tmp_path: Path, content: dict[str, Any], limits: dict[str, float]) -> None:
    assert read_config(config(tmp_path, json.dumps(content))).limits == limits


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    content = {"mem_limit": None, "shm_size": "4G", "nano_cpus": 4e9, "runtime": "sysbox-runc", "privileged": True}
    notes = " ".join(read_config(config(tmp_path, json.dumps(content))).notes)
    assert "mem_limit is null" in notes
    assert "runtime is Docker's" in notes
    assert "privileged is not known here" in notes
    assert "shm_size" not in notes


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is not JSON"),
        ("[1]", "no JSON object"),
        ('{"mem_limit": "lots"}', "mem_limit = 'lots' is no size"),
        ('{"shm_size": "4X"}', "shm_size"),
        ('{"shm_size": "-4G"}', "shm_size"),
        ('{"mem_limit": true}', "mem_limit"),
        ('{"mem_limit": NaN}', "mem_limit"),
        ('{"mem_limit": 0.0}', "mem_limit"),
        ('{"mem_limit": "1k"}', "memory_mb"),
        ('{"nano_cpus": "4"}', "nano_cpus"),
        ('{"nano_cpus": 0}', "nano_cpus"),
        ('{"gpus": "all"}', "gpus"),
        ('{"gpus": -2}', "gpus"),
    ],
)
def test_a_configuration_that_does_not_fit_is_named_with_its_key(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        read_config(config(tmp_path, content))


def test_a_configuration_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(PodiumError, match="No such file"):
        limits(tmp_path / "default.json")


@pytest.mark.parametrize("door", ["run_agent.py", "experiments/make_submission.py"])
def test_a_door_opens_from_any_folder(door: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / door), "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
