"""A small site, task and orders for tests of grading."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grading.order import GradeOrder, GradingTask
from podium.brief import Column, OutputFile, Submission
from podium.records import Grade
from podium.settings import Site

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
COLUMNS = (Column(name="id", kind="id"), Column(name="y", kind="number"))
SAMPLE = b"id,y\n1,0\n2,0\n3,0\n"
ANSWERS = b"id,y\n1,10\n2,20\n3,30\n"
GOOD = b"id,y\n2,20.5\n1,10\n3,30\n"
GOOD_SCORE = 0.16667


def site(folder: Path) -> Site:
    """A site below `folder` with the task `small` prepared."""
    made = Site(data=folder / "data", private=folder / "private", runs=folder / "runs", ledger=folder / "ledger")
    made.public_dir("small").mkdir(parents=True)
    made.private_dir("small").mkdir(parents=True)
    (made.public_dir("small") / "sample_submission.csv").write_bytes(SAMPLE)
    (made.private_dir("small") / "test.csv").write_bytes(ANSWERS)
    return made


def task(**changes: Any) -> GradingTask:
    plain: dict[str, Any] = {
        "id": "small",
        "grader": "grading.competition:competition",
        "options": {"metric": "mae", "targets": ["y"]},
        "outputs": (OutputFile(columns=COLUMNS),),
        "thresholds": {"gold": 0.1, "silver": 0.1, "bronze": 0.2, "median": 0.5, "lower_is_better": True},
    }
    return GradingTask.model_validate({**plain, **changes})


def order(trial: str = "trial", content: bytes | None = GOOD, reason: str = "", **changes: Any) -> GradeOrder:
    """An order for one file; None: nothing was handed in."""
    files = {} if content is None else {"submission.csv": content}
    return GradeOrder(
        trial_id=trial,
        sweep_id="sweep",
        run_group="group",
        task=task(**changes),
        digest=Submission(files).digest if files else None,
        files=files,
        reason=reason,
    )


def grade(trial: str = "trial", digest: str | None = "d", score: float | None = 0.5) -> Grade:
    return Grade(
        trial_id=trial,
        digest=digest,
        competition_id="small",
        score=score,
        gold_threshold=0.1,
        silver_threshold=0.1,
        bronze_threshold=0.2,
        median_threshold=0.5,
        any_medal=False,
        gold_medal=False,
        silver_medal=False,
        bronze_medal=False,
        above_median=False,
        submission_exists=digest is not None,
        valid_submission=score is not None,
        is_lower_better=True,
        created_at=MOMENT,
    )
