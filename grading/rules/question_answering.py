"""The rule of TensorFlow 2.0 Question Answering: two rows an example, one for a long and one for a short answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from grading.metrics.classification import f1_micro
from grading.refusal import InvalidSubmission
from grading.rules import cells as cell
from grading.rules import pairing
from grading.table import Table

Answer = str | tuple[int, int]
"""YES, NO, or the first and the last token of a span; an empty text is none."""

WORDS: Final = ("YES", "NO")
KINDS: Final = ("long", "short")


@dataclass(frozen=True, kw_only=True)
class AnswerSpans:
    """Micro F1 of whether a row is answered, where a wrong answer counts as the wrong flag: the share of right rows.

    The benchmark's validator reads the answers, a file of JSON lines, as CSV, and so refuses every submission; so does
    `check`. `strict` judges the form, and scores as Kaggle does: 2 TP / (2 TP + FP + FN), right abstentions aside.
    """

    id: str = "example_id"
    target: str = "PredictionString"
    strict: bool = False

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        if not self.strict:
            raise InvalidSubmission(
                "The benchmark's validator refuses every submission to this competition, though it grades them: it "
                "reads the answers wrongly. With --strict the form is judged."
            )
        pairing.require(submission, self.id, self.target)
        if self.id in reference:
            pairing.same_length(submission, reference)
            pairing.same_set(submission[self.id], reference[self.id], self.id)
        self._said(submission)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        if submission.rows != len(KINDS) * answers.rows:
            raise InvalidSubmission(
                f"There are {submission.rows} rows, but {len(KINDS) * answers.rows} are asked for: two an example."
            )
        pairing.require(submission, self.id, self.target)
        said = self._said(submission)
        asked = dict(self._asked(answers["json"].texts()))
        if said.keys() != asked.keys():
            raise InvalidSubmission(
                f"The ids in {self.id!r} are not those asked for, each once. Take them from the sample submission."
            )
        answered = np.array([bool(answer) for answer in said.values()])
        right = np.array([answer in asked[row] if answer else not asked[row] for row, answer in said.items()])
        if not self.strict:
            return f1_micro(answered == right, answered)
        hits = (answered & right).sum()
        return float(2 * hits / max(hits + (answered & ~right).sum() + hits + (~answered & ~right).sum(), 1))

    def _said(self, submission: Table) -> dict[str, Answer]:
        """The answers by id. Raises InvalidSubmission for another form, and for an id that is none or comes twice."""
        ids, cells = submission[self.id], submission[self.target]
        if not cell.holds_texts(cells) and not cells.missing.all():
            raise InvalidSubmission(f"There is no text in {self.target!r}. Write start:end, YES, NO, or nothing.")
        texts = cell.printed(cells, missing="").to_pylist()
        if ids.numeric or ids.missing.any() or pairing.repeated(ids):
            raise InvalidSubmission(f"There are ids in {self.id!r} that are none, or occur more than once.")
        return {row: self._answer(text.strip()) for row, text in zip(ids.strings.to_pylist(), texts, strict=True)}

    def _answer(self, text: str) -> Answer:
        if not text or text in WORDS:
            return text
        try:
            start, end = map(int, text.split(":"))
        except ValueError:
            raise InvalidSubmission(
                f"A cell of {self.target!r} is neither start:end, YES, NO, nor empty: {text[:80]!r}."
            ) from None
        return start, end

    def _asked(self, lines: Sequence[str]) -> Iterator[tuple[str, set[Answer]]]:
        """For each row's id every answer that is right; the benchmark looks at the first annotation only."""
        for line in lines:
            example = json.loads(line)
            name = example["example_id"]
            if not isinstance(name, str) and not self.strict:
                raise InvalidSubmission("The answers' ids are numbers, so that no submission has a score.")
            annotations = example["annotations"] if self.strict else example["annotations"][:1]
            yield f"{name}_long", {answer for each in annotations for answer in _long(each)}
            yield f"{name}_short", {answer for each in annotations for answer in _short(each)}


def _long(annotation: dict[str, Any]) -> Iterator[Answer]:
    span = annotation["long_answer"]
    if span["start_token"] != -1:
        yield span["start_token"], span["end_token"]


def _short(annotation: dict[str, Any]) -> Iterator[Answer]:
    for span in annotation["short_answers"]:
        yield span["start_token"], span["end_token"]
    if annotation["yes_no_answer"] != "NONE":
        yield annotation["yes_no_answer"]
