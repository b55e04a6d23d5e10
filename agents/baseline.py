"""The baseline: no model at all, but a sensible scikit-learn pipeline chosen by the task's type."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import Field, JsonValue

from agents.agent import Tools
from agents.hand_in import run_program
from agents.overview import read_program
from podium.brief import Brief, Submission
from podium.settings import checked
from podium.spec import Spec


class Knobs(Spec):
    """The baseline's options."""

    rows: int = Field(200_000, ge=100)
    """Most rows of the training table that are fitted on."""
    folds: int = Field(5, ge=2)


class Baseline:
    """Fits two or three pipelines, keeps the one that validates best, predicts with it."""

    def __init__(self, options: Mapping[str, JsonValue]) -> None:
        self.knobs = checked(Knobs, options, "baseline's options")

    async def run(self, brief: Brief, tools: Tools) -> Submission:
        return await run_program(brief, tools, baseline_program(brief, self.knobs))


def baseline_program(brief: Brief, knobs: Knobs) -> str:
    """The source of the program for a brief: `programs/baseline.py` with the task's facts written into it."""
    task = {
        "metric": brief.metric,
        "lower_is_better": brief.lower_is_better,
        "outputs": [output.model_dump(mode="json") for output in brief.outputs],
        "seconds": brief.execution_seconds,
        "cpus": brief.hardware.cpus,
        "seed": brief.seed,
        "rows": knobs.rows,
        "folds": knobs.folds,
    }
    return read_program("baseline").replace('TASK = "{}"', f"TASK = {json.dumps(task)!r}")
