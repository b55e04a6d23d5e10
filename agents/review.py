"""Judging a run: the model's review, the score that the program printed, and whether the node is good."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from agents.journal import finite
from containers.sandbox import Ended, Execution
from podium.brief import Validity
from podium.spec import Spec

SCHEMA: Mapping[str, Any] = {
    "title": "review",
    "type": "object",
    "properties": {
        "is_bug": {"type": "boolean"},
        "summary": {"type": "string"},
        "metric": {"type": ["number", "null"]},
        "lower_is_better": {"type": "boolean"},
    },
    "required": ["is_bug", "summary", "metric", "lower_is_better"],
    "additionalProperties": False,
}
"""What a review must be. `lower_is_better` is asked because AIDE asks it; the brief alone decides it."""

_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf(?:inity)?)"


class Review(Spec):
    """What was thought of a run."""

    is_bug: bool
    summary: str
    metric: float | None


class Verdict(Spec):
    """Whether a run counts, and with which metric."""

    is_buggy: bool
    metric: float | None
    reason: str = ""
    """Why it does not count; empty where it does."""


def read_review(data: Mapping[str, JsonValue] | None) -> Review | None:
    """The model's review from the object it gave; None where that cannot be read."""
    if data is None or not isinstance(data.get("is_bug"), bool):
        return None
    summary = data.get("summary")
    return Review(
        is_bug=bool(data["is_bug"]),
        summary=summary if isinstance(summary, str) else "",
        metric=finite(data.get("metric")),
    )


def own_review(run: Execution, metric_name: str) -> Review:
    """A review without a model: what ended the run, and the score that it printed."""
    score = printed_score(run.output, metric_name)
    failed = run.ended is not Ended.OK
    lines = run.output.strip().splitlines()
    said = f" Its last line: {lines[-1][:300]}" if lines else " It printed nothing."
    return Review(is_bug=failed or score is None, summary=f"The run ended: {run.ended.value}.{said}", metric=score)


def printed_score(output: str, metric_name: str) -> float | None:
    """The last `Validation METRIC: VALUE` of an output; None where there is none or it is not finite."""
    found = last_score_text(output, metric_name)
    return finite(float(found)) if found else None


def last_score_text(output: str, metric_name: str) -> str:
    """The value's text in the last `Validation METRIC: VALUE` line; empty where there is none."""
    name = r"[\s_-]*".join(re.escape(part) for part in re.split(r"[\s_-]+", metric_name) if part)
    found = re.findall(rf"^\s*validation\s+{name}\s*[:=]\s*({_NUMBER})", output, re.IGNORECASE | re.MULTILINE)
    return found[-1] if found else ""


def judge(run: Execution, review: Review, validity: Validity | None, metric_name: str) -> Verdict:
    """Whether a run counts. A score that the program printed stands above what the model read.

    `validity` is None where the run left no submission.
    """
    printed = last_score_text(run.output, metric_name)
    metric = finite(float(printed)) if printed else review.metric
    if run.ended is not Ended.OK:
        reason = f"the run ended by {run.ended.value}"
    elif validity is None:
        reason = "it wrote no submission"
    elif not validity.valid:
        reason = f"its submission is not valid: {validity.message}"
    elif review.is_bug:
        reason = "the review found a bug"
    elif metric is None:
        reason = "it has no finite validation score"
    else:
        return Verdict(is_buggy=False, metric=metric)
    return Verdict(is_buggy=True, metric=None, reason=reason)
