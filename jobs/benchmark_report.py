"""MLE-bench's report files: a competition report for each graded submission, and `grading_report.json` of many."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from podium.errors import UserError
from podium.records import Finite, Grade
from podium.settings import checked

Row = TypeVar("Row", bound=BaseModel)


class CompetitionReport(BaseModel):
    """One graded submission: the benchmark's sixteen keys in its order. What others added to theirs is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    competition_id: str
    score: Finite
    """Rounded to 5 decimals. None: invalid, or not a finite number; `valid_submission` tells which."""
    gold_threshold: Finite
    silver_threshold: Finite
    bronze_threshold: Finite
    median_threshold: Finite
    any_medal: bool
    gold_medal: bool
    silver_medal: bool
    bronze_medal: bool
    above_median: bool
    submission_exists: bool
    valid_submission: bool
    is_lower_better: bool
    created_at: datetime
    """Local time without a zone, as the benchmark writes it."""
    submission_path: str

    @classmethod
    def of(cls, grade: Grade) -> CompetitionReport:
        """The report of a grade."""
        local = grade.created_at.astimezone().replace(tzinfo=None)
        return cls.model_validate({**grade.model_dump(), "created_at": local})

    def to_dict(self) -> dict[str, Any]:
        """The keys in their order, as JSON's types."""
        return {**self.model_dump(), "created_at": self.created_at.isoformat()}


def aggregate_reports(reports: Sequence[CompetitionReport]) -> dict[str, Any]:
    """The content of a `grading_report.json`."""
    return {
        "total_runs": len(reports),
        "total_runs_with_submissions": sum(report.submission_exists for report in reports),
        "total_valid_submissions": sum(report.valid_submission for report in reports),
        "total_medals": sum(report.any_medal for report in reports),
        "total_gold_medals": sum(report.gold_medal for report in reports),
        "total_silver_medals": sum(report.silver_medal for report in reports),
        "total_bronze_medals": sum(report.bronze_medal for report in reports),
        "total_above_median": sum(report.above_median for report in reports),
        "competition_reports": [report.to_dict() for report in reports],
    }


def report_text(report: dict[str, Any], indent: int = 2) -> str:
    """A report as the benchmark lays it out, but strict JSON: what is no finite number is null."""
    return json.dumps(report, indent=indent, allow_nan=False)


def read_reports(path: Path, kind: type[Row]) -> list[Row]:
    """The competition reports in a grading report, ours or the benchmark's (whose NaN is no JSON, but is read).

    `kind` says which keys are needed. Raises UserError that names the file and what is missing.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", "Name a grading report that exists.") from None
    except ValueError as error:
        raise UserError(f"{path} is not JSON: {error}.", "Name a file that `podium grade` wrote.") from None
    rows = content.get("competition_reports") if isinstance(content, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{path} has no list `competition_reports`.", "Name a file that `podium grade` wrote.")
    return [
        checked(kind, row, f"Report {number} ({row.get('competition_id', 'no id')}) of {path}")
        for number, row in enumerate(rows, 1)
    ]
