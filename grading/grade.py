"""From an order to a grade: read in the jail, check the form, score against the answers, rank on the leaderboard."""

from __future__ import annotations

import math
import sys
import traceback
from datetime import datetime
from pathlib import Path

from grading.form import check, read
from grading.grader import Grader, Score
from grading.medals import award, rounded
from grading.order import GradeOrder
from grading.parse import Parser
from grading.refusal import InvalidSubmission
from grading.shelf import Shelf
from podium.brief import Submission
from podium.errors import UserError
from podium.plugins import load
from podium.records import Grade
from podium.settings import Site

NOTHING = "Nothing was handed in."
GRADER_FAILED = "The task's grader failed on this submission; the grading actor's log says why."


def check_order(order: GradeOrder) -> None:
    """Refuse an order whose digest is not that of its files. Raises UserError."""
    digest = Submission(order.files).digest if order.files else None
    if digest != order.digest:
        raise UserError(
            f"The files of trial {order.trial_id} have the digest {digest}, not {order.digest}.",
            "Send the files that were accepted.",
        )


def grade(order: GradeOrder, parser: Parser, site: Site, shelf: Shelf, moment: datetime) -> Grade:
    """The grade of an order. Raises InfrastructureFailure where the jail is broken, UserError for a task that cannot
    be graded at all."""
    needed = order.task.thresholds
    score, message = _score(order, parser, site, shelf)
    earned = award(score, needed)
    return Grade(
        trial_id=order.trial_id,
        digest=order.digest,
        competition_id=order.task.id,
        score=score if score is not None and math.isfinite(score) else None,
        gold_threshold=needed.gold,
        silver_threshold=needed.silver,
        bronze_threshold=needed.bronze,
        median_threshold=needed.median,
        any_medal=earned.any,
        gold_medal=earned.gold,
        silver_medal=earned.silver,
        bronze_medal=earned.bronze,
        above_median=earned.above_median,
        submission_exists=order.digest is not None,
        valid_submission=score is not None,
        is_lower_better=needed.lower_is_better,
        created_at=moment,
        submission_path=order.submission_path,
        message=message,
    )


def _score(order: GradeOrder, parser: Parser, site: Site, shelf: Shelf) -> tuple[float | None, str]:
    """The rounded score, or None and why. Raises UserError where the answers are not there."""
    if order.digest is None:
        return None, NOTHING
    try:
        tables = read(order.task, order.files, parser)
        if order.task.form == "outputs":
            check(order.task, tables, site.public_dir(order.task.id), shelf)
    except InvalidSubmission as fault:
        return None, fault.message
    grader: Grader = load(order.task.grader)(**order.task.options)
    try:
        answer = grader.grade(tables, site.answers_dir(order.task.id), shelf)
    except FileNotFoundError as error:
        raise UserError(
            f"The private half of {order.task.id} is not there: no {Path(error.filename or '').name}.",
            f"Type: podium prepare -c {order.task.id}; then resume the sweep.",
        ) from None
    except (ArithmeticError, LookupError, TypeError, ValueError):
        traceback.print_exc(file=sys.stderr)  # into the actor's own log: its text may hold answers
        answer = Score(score=None, message=GRADER_FAILED)
    if answer.score is None or (order.task.form == "outputs" and not math.isfinite(answer.score)):
        return None, answer.message or "The submission has no score."
    if not math.isfinite(answer.score):
        return answer.score, f"The submission is valid by this task's rules, but its score is {answer.score}."
    return rounded(answer.score), ""
