"""From a plan to a report without Ray: what lies in the run directory, and what a signal leaves there."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from jobs.asked import Asked
from jobs.drive import DONE, INTERRUPTED, prepare
from jobs.options import Request
from jobs.sweepdir import SweepDir
from podium.errors import SpecChanged, UserError
from podium.records import Cause
from podium.rundir import TrialDir
from podium.settings import CHECKOUT, Secrets, Site
from tests.unit.driver_process import prepared, run
from tests.unit.simulation import SWEEP


def drive_here(runs: Path) -> tuple[int, str]:
    text = io.StringIO()
    code = run(runs, 0.0, Console(file=text, width=200))
    return code, text.getvalue()


def trials_of(runs: Path) -> list[TrialDir]:
    return [trial for group in SweepDir.find(runs, SWEEP).groups() for trial in group.trials()]


@contextmanager
def driver(runs: Path, seconds: float) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.unit.driver_process", str(runs), str(seconds)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 60
            while len(list(runs.glob("*/*/attempts/0/workspaces"))) < 2:
                assert process.poll() is None, "the driver ended by itself"
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield process
        finally:
            process.kill()


def test_a_sweep_leaves_all_files_of_the_users_form(tmp_path: Path) -> None:
    code, text = drive_here(tmp_path)
    assert code == DONE
    sweep = SweepDir.find(tmp_path, SWEEP)
    for group in sweep.groups():
        names = {path.name for path in group.path.iterdir() if path.is_file() and not path.name.startswith(".")}
        assert names == {
            "metadata.json", "sweep.json", "grading_report.json", "report.md", "report.json", "report.csv",
            "ledger.jsonl", "submission.jsonl",
        }  # fmt: skip
        assert json.loads(group.ledger_file.read_text()) == {"run_group": group.name}
        (trial,) = group.trials()
        assert (trial.path / "submission" / "submission.csv").read_text() == "id,target\n1,0\n"
    assert "[2/2] sample on wine, seed 0: score 0.5" in text
    assert str(sweep.main / "report.md") in text


def test_driving_a_finished_sweep_again_changes_no_record(tmp_path: Path) -> None:
    drive_here(tmp_path)
    before = [trial.record_file.read_bytes() for trial in trials_of(tmp_path)]
    assert drive_here(tmp_path)[0] == DONE
    assert [trial.record_file.read_bytes() for trial in trials_of(tmp_path)] == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_driver_leaves_a_directory_that_resumes(tmp_path: Path, number: signal.Signals) -> None:
    with driver(tmp_path, 1000.0) as process:
        sent = time.monotonic()
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
        taken = time.monotonic() - sent
    assert process.returncode == INTERRUPTED
    assert "--resume" in output
    assert taken < 2.5
    records = [trial.attempt(0).record() for trial in trials_of(tmp_path)]
    assert [record.cause for record in records if record] == [Cause.STOPPED, Cause.STOPPED]
    assert drive_here(tmp_path)[0] == DONE


def test_a_killed_driver_leaves_a_directory_that_resumes(tmp_path: Path) -> None:
    with driver(tmp_path, 1000.0) as process:
        process.kill()
        process.wait()
    assert all((group.metadata_file).exists() for group in SweepDir.find(tmp_path, SWEEP).groups())
    assert drive_here(tmp_path)[0] == DONE
    assert [len(trial.attempts()) for trial in trials_of(tmp_path)] == [2, 2]


def test_a_second_driver_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    with driver(tmp_path, 1000.0) as process:
        with (
            pytest.raises(UserError, match=f"is being driven by process {process.pid} on"),
            prepared(tmp_path).opened(),
        ):
            pass
        assert process.poll() is None


def test_a_driver_that_is_refused_adds_nothing_to_the_sweep(tmp_path: Path) -> None:
    with driver(tmp_path, 1000.0):
        before = SweepDir.find(tmp_path, SWEEP).record
        with pytest.raises(UserError, match="is being driven"), prepared(tmp_path, seeds=3).opened():
            pass
        assert SweepDir.find(tmp_path, SWEEP).record == before


@pytest.mark.parametrize("key", ["data", "private", "ledger"])
def test_a_resume_at_another_site_is_refused(tmp_path: Path, key: str) -> None:
    drive_here(tmp_path)
    asked = Request(asked=Asked(values={}), runs=tmp_path, resume=SWEEP)
    with pytest.raises(SpecChanged, match=key):
        prepare(asked, Site(**{key: tmp_path}), Secrets())
