"""Small submissions against small answers: what a rule's tests are written with."""

from __future__ import annotations

from collections.abc import Sequence

from grading.parse import OpenParser
from grading.refusal import InvalidSubmission
from grading.rules.rule import Rule
from grading.table import Table

PARSER = OpenParser()


def table(text: str) -> Table:
    """A CSV file's text as a rule gets it."""
    return PARSER.parse("submission.csv", text.encode(), reading="pandas")


def column(cells: Sequence[str], ids: Sequence[str] | None = None) -> Table:
    """A table of the columns `id` (r000, r001, ... where not said) and `y`; the cells as they stand in the file."""
    names = ids if ids is not None else [f"r{place:03d}" for place in range(len(cells))]
    return table("id,y\n" + "".join(f"{name},{cell}\n" for name, cell in zip(names, cells, strict=True)))


def score(rule: Rule, submission: Table, answers: Table) -> float | None:
    """None where the submission is refused."""
    try:
        return rule.score(submission, answers)
    except InvalidSubmission:
        return None


def passes(rule: Rule, submission: Table, sample: Table) -> bool:
    """Whether public knowledge lets the submission pass."""
    try:
        rule.check(submission, sample)
    except InvalidSubmission:
        return False
    return True
