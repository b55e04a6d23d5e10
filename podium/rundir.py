"""Where results lie: one class owns every path below a runs directory.

runs/2026-11-21T13-24-33-UTC_run-group_aide/     one run group: one agent of one sweep
├── metadata.json             run_group, created_at, runs: {folder: {success}}, sweep_id, ...
├── sweep.json                what was asked, resolved, secrets masked
├── grading_report.json       the benchmark's keys
├── submission.jsonl          what was handed in, to grade it again
├── report.{md,json,csv}      medal table
├── ledger.jsonl              the grader's own rows for these trials
├── recording/                with `--record`: what the trials asked of models, and the answers
└── wine_6f0c.../             one trial: <task>_<trial id>
    ├── trial.json            written last: it exists, so the trial is done
    ├── accepted.json         which attempt is graded; first wins
    ├── submission -> attempts/0/submission      the users' flat folders: the accepted
    ├── code       -> attempts/0/code            attempt (while it runs: the latest)
    ├── logs       -> attempts/0/logs            journal.json, messages.jsonl, agent.log
    ├── workspaces -> attempts/0/workspaces      best_solution/, best_submission/
    └── attempts/0..n/        never deleted; each with attempt.json when it has ended
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from podium.brief import Submission
from podium.files import replace_link, write_once
from podium.records import Accepted, AttemptRecord, TrialRecord

FLAT_FOLDERS = ("submission", "code", "logs", "workspaces")


def folder_name(name: str) -> str:
    """A task's or agent's name as part of a folder's: `_`, `:` and `/` become `-`."""
    return re.sub(r"[_:/]", "-", name)


def stamp(moment: datetime) -> str:
    """The users' time stamp, for example `2026-11-21T13-24-33-UTC`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%S-UTC")


@dataclass(frozen=True)
class AttemptDir:
    """`attempts/<n>` of a trial."""

    path: Path

    @property
    def number(self) -> int:
        return int(self.path.name)

    @property
    def record_file(self) -> Path:
        return self.path / "attempt.json"

    @property
    def submission(self) -> Path:
        return self.path / "submission"

    @property
    def code(self) -> Path:
        return self.path / "code"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def workspaces(self) -> Path:
        return self.path / "workspaces"

    def make(self) -> None:
        for name in FLAT_FOLDERS:
            (self.path / name).mkdir(parents=True, exist_ok=True)

    def read_submission(self) -> Submission:
        """The regular files that the agent actor wrote (by `keep`), as bytes; links and hidden files are left out."""
        root = self.submission
        found = (path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())
        files = (path for path in found if not path.name.startswith("."))
        return Submission({path.relative_to(root).as_posix(): path.read_bytes() for path in files})

    def record(self) -> AttemptRecord | None:
        if not self.record_file.exists():
            return None
        return AttemptRecord.model_validate_json(self.record_file.read_bytes())

    def close(self, record: AttemptRecord) -> bool:
        """Write the attempt's record; the first one stays. Returns whether this was the first."""
        return write_once(self.record_file, record.model_dump_json(indent=2))


@dataclass(frozen=True)
class TrialDir:
    """One trial's folder."""

    path: Path

    @property
    def record_file(self) -> Path:
        return self.path / "trial.json"

    @property
    def accepted_file(self) -> Path:
        return self.path / "accepted.json"

    def attempts(self) -> list[AttemptDir]:
        """The attempts that were begun, oldest first."""
        found = [AttemptDir(path) for path in (self.path / "attempts").glob("*") if path.name.isdigit()]
        return sorted(found, key=lambda attempt: attempt.number)

    def attempt(self, number: int) -> AttemptDir:
        return AttemptDir(self.path / "attempts" / str(number))

    def begin_attempt(self) -> AttemptDir:
        """Make the folder of the next attempt and let the flat folders show it."""
        attempts = self.attempts()
        attempt = self.attempt(attempts[-1].number + 1 if attempts else 0)
        attempt.make()
        self.show(attempt)
        return attempt

    def show(self, attempt: AttemptDir) -> None:
        """Let the users' flat folders be those of `attempt`."""
        for name in FLAT_FOLDERS:
            replace_link(self.path / name, f"attempts/{attempt.number}/{name}")

    def accepted(self) -> Accepted | None:
        if not self.accepted_file.exists():
            return None
        return Accepted.model_validate_json(self.accepted_file.read_bytes())

    def accept(self, accepted: Accepted) -> Accepted:
        """Accept an attempt for grading; the first acceptance stands and is returned."""
        write_once(self.accepted_file, accepted.model_dump_json(indent=2))
        standing = self.accepted()
        assert standing is not None
        self.show(self.attempt(standing.attempt))
        return standing

    def record(self) -> TrialRecord | None:
        if not self.record_file.exists():
            return None
        return TrialRecord.model_validate_json(self.record_file.read_bytes())

    def finish(self, record: TrialRecord) -> bool:
        """Write `trial.json`; the first one stays. Returns whether this was the first."""
        return write_once(self.record_file, record.model_dump_json(indent=2))


@dataclass(frozen=True)
class RunGroupDir:
    """One run group's folder."""

    path: Path

    @classmethod
    def new(cls, runs: Path, agent: str, started: datetime) -> RunGroupDir:
        """A fresh folder; two groups of one second get `-2`, `-3` behind the stamp."""
        for number in range(1, 1000):
            suffix = "" if number == 1 else f"-{number}"
            path = runs / f"{stamp(started)}{suffix}_run-group_{folder_name(agent)}"
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            return cls(path)
        raise FileExistsError(runs)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def metadata_file(self) -> Path:
        return self.path / "metadata.json"

    @property
    def grading_report_file(self) -> Path:
        return self.path / "grading_report.json"

    @property
    def ledger_file(self) -> Path:
        return self.path / "ledger.jsonl"

    @property
    def recording(self) -> Path:
        return self.path / "recording"

    def report_file(self, suffix: str) -> Path:
        return self.path / f"report.{suffix}"

    def trial(self, task: str, trial_id: str) -> TrialDir:
        return TrialDir(self.path / f"{folder_name(task)}_{trial_id}")

    def trials(self) -> Iterator[TrialDir]:
        for path in sorted(self.path.glob("*_*")):
            if path.is_dir():
                yield TrialDir(path)
