"""The run directory has the users' form, and its records are written once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from podium.records import Accepted, AttemptRecord, Cause
from podium.rundir import RunGroupDir, folder_name, stamp

STARTED = datetime(2026, 11, 21, 13, 24, 33, tzinfo=UTC)
TRIAL = "6f0c2a52-0000-5000-8000-000000000000"


def attempt_record(number: int) -> AttemptRecord:
    return AttemptRecord(trial_id=TRIAL, attempt=number, cause=Cause.OK, started_at=STARTED, ended_at=STARTED)


def test_the_time_stamp_is_the_users() -> None:
    assert stamp(STARTED) == "2026-11-21T13-24-33-UTC"


def test_a_run_group_is_named_by_stamp_and_agent(tmp_path: Path) -> None:
    group = RunGroupDir.new(tmp_path, "aide/dev", STARTED)
    assert group.name == "2026-11-21T13-24-33-UTC_run-group_aide-dev"


def test_two_groups_of_one_second_do_not_meet(tmp_path: Path) -> None:
    first, second = (RunGroupDir.new(tmp_path, "aide", STARTED) for _ in range(2))
    assert first.path != second.path


def test_a_trials_folder_splits_at_its_one_underscore(tmp_path: Path) -> None:
    trial = RunGroupDir(tmp_path).trial("wine:cv_2/x", TRIAL)
    assert trial.path.name.split("_") == ["wine-cv-2-x", TRIAL]
    assert folder_name("a_b:c/d") == "a-b-c-d"


def test_the_flat_folders_show_the_latest_attempt_and_then_the_accepted_one(tmp_path: Path) -> None:
    trial = RunGroupDir(tmp_path).trial("wine", TRIAL)
    first = trial.begin_attempt()
    (first.submission / "submission.csv").write_text("id\n")
    second = trial.begin_attempt()
    assert (trial.path / "submission").resolve() == second.submission
    trial.accept(Accepted(trial_id=TRIAL, attempt=0, digest=first.read_submission().digest))
    assert (trial.path / "submission" / "submission.csv").read_text() == "id\n"


def test_the_first_acceptance_stands(tmp_path: Path) -> None:
    trial = RunGroupDir(tmp_path).trial("wine", TRIAL)
    trial.begin_attempt()
    trial.begin_attempt()
    trial.accept(Accepted(trial_id=TRIAL, attempt=0, digest="d0"))
    standing = trial.accept(Accepted(trial_id=TRIAL, attempt=1, digest="d1"))
    assert (standing.attempt, standing.digest) == (0, "d0")


def test_an_attempts_record_is_written_once_and_read_back(tmp_path: Path) -> None:
    attempt = RunGroupDir(tmp_path).trial("wine", TRIAL).begin_attempt()
    assert attempt.record() is None
    assert attempt.close(attempt_record(0))
    assert not attempt.close(attempt_record(1))
    assert attempt.record() == attempt_record(0)


def test_a_file_half_written_aside_is_not_part_of_the_submission(tmp_path: Path) -> None:
    attempt = RunGroupDir(tmp_path).trial("wine", TRIAL).begin_attempt()
    (attempt.submission / "submission.csv").write_text("id\n")
    (attempt.submission / ".submission.csv.0a1b").write_text("i")
    assert list(attempt.read_submission()) == ["submission.csv"]
