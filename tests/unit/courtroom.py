"""Submissions to MLE-bench's competitions, judged by their rows of the catalogue against answers in a folder."""

from __future__ import annotations

from pathlib import Path

from grading.benchmark import benchmark
from grading.grader import RulesGrader
from grading.refusal import InvalidSubmission
from grading.shelf import Shelf
from tasks import registry
from tests.unit.judging import table


class Judge:
    """One competition, with its answers in a folder."""

    def __init__(self, folder: Path, competition: str, answers: str, *, strict: bool = False) -> None:
        self._folder, self._row = folder, registry.benchmark(competition).row
        self._strict = strict
        (folder / self._row.answers).write_text(answers, encoding="utf-8")

    def score(self, submission: str) -> float | None:
        """What grading gives; None: no score."""
        return self._grader().grade({"submission.csv": table(submission)}, self._folder, Shelf()).score

    def accepts(self, submission: str, sample: str) -> bool:
        """What `/validate` says, by the sample submission."""
        (self._folder / self._row.sample).write_text(sample, encoding="utf-8")
        try:
            self._grader().check({"submission.csv": table(submission)}, self._folder, Shelf())
        except InvalidSubmission:
            return False
        return True

    def _grader(self) -> RulesGrader:
        row = self._row
        return benchmark(
            rule=row.rule,
            options=row.options,
            answers=row.answers,
            sample=row.sample,
            ids=row.ids,
            targets=row.targets,
            kind=row.kind,
            blank=row.blank,
            strict=self._strict,
        )
