"""The grader of MLE-bench's competitions: a rule by name, between files as the benchmark lays them out.

    benchmark(rule="grading.rules.auc:RocAuc", options={"id": "id", "targets": ["has_cactus"]}, answers="test.csv",
              sample="sample_submission.csv", ids=["id"], targets=["has_cactus"], kind="number")

By default a submission is judged as the benchmark judges it. With `strict` it must also have the sample submission's
columns and ids, each once, with nothing missing or infinite; its rows are put into the answers' order by their ids
before the rule sees them, and a score that is no number is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal
from zipfile import BadZipFile

from grading.grader import RulesGrader, Score
from grading.refusal import InvalidSubmission
from grading.rules.rule import Rule
from grading.shelf import Shelf
from grading.strict import Asked
from grading.table import Table
from podium.plugins import load

ARCHIVE: Final = re.compile("sample.*submission", re.IGNORECASE)
"""In the name of a zipped sample submission, for example `en_sample_submission_2.csv.zip`."""


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
        """See RulesGrader. Where the public half has no sample submission, plain or zipped, the submission stands in
        for it: its columns and values are judged, its ids and its number of rows are not."""
        submission = _only(files)
        reference = _reference(public, self._sample, shelf) or submission
        self._rule.check(self._formed(submission, reference), reference)

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


def _reference(public: Path, sample: str, shelf: Shelf) -> Table | None:
    """The sample submission, or what the only archive that can be it holds: five competitions publish theirs zipped."""
    if (public / sample).is_file():
        return shelf.table(public / sample, "pandas")
    archives = [path for path in public.glob("*.zip") if ARCHIVE.search(path.name)]
    if len(archives) == 1:
        with suppress(InvalidSubmission, ValueError, BadZipFile):
            return shelf.table(archives[0], "pandas")
    return None


def _only(files: Mapping[str, Table]) -> Table:
    return next(iter(files.values()))


def _knows_strict(rule: str) -> bool:
    return "strict" in load(rule).__dataclass_fields__
