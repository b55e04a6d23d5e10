"""What `podium sweep` hands to `ray job submit`: the same flags, absolute paths, and no secret."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from jobs.commands import after_death, is_own_list, sweep
from jobs.options import arguments
from jobs.submission import pass_on, submit_command
from podium.settings import Site
from podium.state import ClusterState


def state() -> ClusterState:
    return ClusterState(
        address="127.0.0.1:6379", dashboard="http://127.0.0.1:8265", token_path=Path("/secret/token"), site=Site(),
        model_secret_path=Path("/secret/models"),
        checkout=Path("/checkout"), code=Path("/code/abc"), digest="abc", temp_dir=Path("/tmp/x"),
    )  # fmt: skip


def words_of(line: list[str]) -> list[str]:
    with sweep.make_context("sweep", list(line)) as context:
        return arguments(sweep, context.params)


def test_flags_survive_the_trip_to_the_job() -> None:
    line = ["-a", "aide", "-a", "baseline", "-c", "wine", "-n", "2", "-k", "3", "--set", "x=1", "--time", "30m", "-q"]
    words = words_of(line)
    assert words == [
        "--agent", "aide", "--agent", "baseline", "--competition", "wine", "--seeds", "2", "--n-workers", "3",
        "--set", "x=1", "--time", "30m", "--quiet",
    ]  # fmt: skip
    assert words_of(words) == words


def test_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert words_of(["--config", "sweep.toml", "-o", "runs"]) == [
        "--runs", str(tmp_path / "runs"), "--config", str(tmp_path / "sweep.toml"),
    ]  # fmt: skip


def test_the_clusters_own_code_is_run_where_it_is_the_same() -> None:
    words = submit_command(Path("ray"), state(), "sweep-1", ["-a", "x"], upload=None, columns=100)
    assert "--working-dir" not in words
    assert words[words.index("--") + 2 :] == ["/code/abc/jobs/sweep.py", "-a", "x"]


def test_changed_code_is_sent_along() -> None:
    words = submit_command(Path("ray"), state(), "sweep-1", [], upload=Path("/checkout"), columns=100)
    assert words[words.index("--working-dir") + 1] == "/checkout"
    assert words[-1] == "jobs/sweep.py"


def test_the_public_runtime_environment_holds_no_token() -> None:
    words = submit_command(Path("ray"), state(), "sweep-1", [], upload=None, columns=100)
    variables = json.loads(words[words.index("--runtime-env-json") + 1])["env_vars"]
    assert set(variables) == {"RAY_JOB_STOP_WAIT_TIME_S", "COLUMNS"}
    assert not any("/secret" in word for word in words)


RAYS_OUTPUT = """\
Job submission server address: http://127.0.0.1:8265
2026-11-21 14:19:05,120\tSUCC cli.py:65 -- Job 'sweep-1' submitted successfully
2026-11-21 14:19:05,121\tINFO cli.py:292 -- Tailing logs until the job exits (disable with --no-wait):
2026-11-21 14:19:05,300\tINFO job_manager.py:586 -- Runtime env is setting up.
Running entrypoint for job sweep-1: python /code/abc/jobs/sweep.py
[1/1] sample on wine, seed 0: score 0.5
2026-11-21 14:24:42,333\tINFO sdk.py:520 -- WebSocket closed for job sweep-1 with close code 1000
2026-11-21 14:24:42,351\tERR cli.py:75 -- Job 'sweep-1' failed
[1/1] sample on wine, seed 0: score 0.5
"""


def test_the_jobs_own_lines_are_passed_on_once() -> None:
    said: list[str] = []
    assert pass_on(RAYS_OUTPUT.splitlines(keepends=True), [], said.append)
    assert said == ["[1/1] sample on wine, seed 0: score 0.5"]


def test_a_job_that_did_not_begin_is_told_from_one_that_did() -> None:
    seen: list[str] = []
    assert not pass_on(["Failed to connect\n"], seen, seen.append)
    assert seen == ["Failed to connect\n"]


def test_the_sweep_command_has_its_help() -> None:
    with sweep.make_context("sweep", []) as context:
        assert "Ctrl-C only detaches" in sweep.get_help(context)
    assert isinstance(sweep, click.Command)


def test_a_driver_that_died_leaves_the_command_that_goes_on() -> None:
    assert "podium sweep --resume S_sweep" in after_death(137, Path("runs/S_sweep"))


@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_a_driver_that_ended_by_itself_has_said_so(code: int) -> None:
    assert after_death(code, Path("runs/S_sweep")) == ""


def test_a_list_of_the_users_is_told_from_a_split_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("starter", "mine.txt"):
        (tmp_path / name).write_text("wine\n")
    assert [is_own_list(name) for name in ("starter", "mine.txt", "none.txt")] == [False, True, False]
