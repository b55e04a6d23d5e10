"""The rule protocol: from a submission's table and the answers' table to a score, by the competition's own checks.

A rule is a frozen dataclass in a file of this folder; its fields are the `options` of a competition's row. It behaves
as MLE-bench does under the versions that it pins (pandas 2.2, NumPy 1.26, scikit-learn 1.5); where that is wrong, a
field `strict: bool = False` gives the right behaviour, and docs/mlebench.md lists the difference. What is wrong for
every competition alike (ids, NaN, order) is refused by `grading.strict` before a strict rule is asked.
"""

from __future__ import annotations

from typing import Protocol

from grading.table import Table


class Rule(Protocol):
    """How one competition judges. Pure functions of tables."""

    def check(self, submission: Table, reference: Table) -> None:
        """Raise InvalidSubmission where the submission would get no score, as far as `reference` can tell.

        `reference` is the sample submission when `/validate` asks, and the answers when `score` does: only what both
        have is looked at (ids, number of rows, columns of the submission).
        """
        ...

    def score(self, submission: Table, answers: Table) -> float:
        """The score, not rounded; may be NaN or infinite. Raises InvalidSubmission in every case in which the
        benchmark gives none, whether by a check or by a crash. Begins with `check`."""
        ...
