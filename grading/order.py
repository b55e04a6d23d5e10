"""What the grader is asked: a task's public grading facts, and one submission of one trial."""

from __future__ import annotations

from pydantic import Field, JsonValue

from podium.brief import OutputFile
from podium.spec import Spec


class GradingTask(Spec):
    """How a task is judged: public knowledge, made by `tasks` and handed over, so that `grading` names no task."""

    id: str
    grader: str
    """`module:attribute` of a callable that takes `options` as keywords and gives a `Grader`."""
    options: dict[str, JsonValue] = {}
    outputs: tuple[OutputFile, ...]
    """What a submission must hold; `sample` files lie in the task's public directory."""
    lower_is_better: bool
    leaderboard: tuple[float, ...] = Field(min_length=1)
    """Scores, best first: medals are ranks among them (facts: MLE-bench's rule)."""


class GradeOrder(Spec):
    """One submission to grade: the digest must be that of the files."""

    trial_id: str
    sweep_id: str
    run_group: str
    task: GradingTask
    digest: str | None
    """None: the trial handed in nothing."""
    files: dict[str, bytes] = {}
    submission_path: str = ""
    """Where the submission lies, for the report only: the grader never opens it."""
    reason: str = ""
    """Why it is graded again (`regrade`); empty for a trial's one grade."""
