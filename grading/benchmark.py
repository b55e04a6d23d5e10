"""The grader of MLE-bench's competitions: a rule by name, between files as the benchmark lays them out.

    benchmark(rule="grading.rules.auc:BinaryAuc", options={"id": "id", "target": "has_cactus"}, answers="test.csv",
              sample="sample_submission.csv", ids=["id"], targets=["has_cactus"], kind="number")

By default a submission is judged as the benchmark judges it. With `strict` it must also have the sample submission's
columns and ids, each once, with nothing missing or infinite; its rows are put into the answers' order by their ids
before the rule sees them, and a score that is no number is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from grading.grader import RulesGrader, Score
from grading.refusal import InvalidSubmission
from grading.rules.rule import Rule
from grading.shelf import Shelf
from grading.strict import Asked
from grading.table import Table
from podium.plugins import load


def benchmark(
    *,
    rule: str,
    answers: str,
    sample: str,
    ids: Sequence[str],
    targets: Sequence[str],
    kind: Literal["number", "probability", "label", "text"] = "number",
    blank: bool = False,
    options: Mapping[str, Any] | None = None,
    strict: bool = False,
) -> RulesGrader:
    """The grader of one competition.

    `rule`: `module:class` in `grading.rules`; `options`: its fields. `answers`: the file in the private directory;
    `sample`: the sample submission in the public one. `ids`, `targets`: the columns that name and fill a row; `kind`
    and `blank` (an empty cell means something) say what strict mode asks of the targets.
    """
    asked = Asked(ids=tuple(ids), targets=tuple(targets), kind=kind, blank=blank) if strict else None
    fields = {**(options or {}), **({"strict": True} if strict and _knows_strict(rule) else {})}
    return BenchmarkGrader(load(rule)(**fields), answers, sample, asked)


class BenchmarkGrader:
    """Judges the one file of a submission."""

    def __init__(self, rule: Rule, answers: str, sample: str, asked: Asked | None) -> None:
        self._rule, self._answers, self._sample, self._asked = rule, answers, sample, asked

    def check(self, files: Mapping[str, Table], public: Path, shelf: Shelf) -> None:
        """See RulesGrader. Raises FileNotFoundError where there is no sample submission."""
        sample = shelf.table(public / self._sample, "pandas")
        self._rule.check(self._formed(_only(files), sample), sample)

    def grade(self, files: Mapping[str, Table], private: Path, shelf: Shelf) -> Score:
        """See Grader."""
        truth = shelf.table(private / self._answers, "pandas")
        try:
            score = self._rule.score(self._formed(_only(files), truth), truth)
        except InvalidSubmission as fault:
            return Score(score=None, message=fault.message)
        if self._asked is not None and score != score:
            return Score(score=None, message="The score of this submission is not a number (NaN).")
        return Score(score=score)

    def _formed(self, submission: Table, reference: Table) -> Table:
        return self._asked.formed(submission, reference) if self._asked is not None else submission


def _only(files: Mapping[str, Table]) -> Table:
    return next(iter(files.values()))


def _knows_strict(rule: str) -> bool:
    return "strict" in load(rule).__dataclass_fields__
