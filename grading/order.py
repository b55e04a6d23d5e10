"""What the grader is asked: a task's public grading facts, and one submission of one trial."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from grading.medals import Thresholds
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
    form: Literal["outputs", "rules"] = "outputs"
    """Who judges a submission's form: the description in `outputs` with its sample files, or the grader's own rules,
    for which files are read as pandas reads them (MLE-bench's competitions)."""
    thresholds: Thresholds
    """What each medal asks for; also says in which direction a score is better."""


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
