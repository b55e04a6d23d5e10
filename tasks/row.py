"""A competition as a row of data: what `competitions/<id>/competition.toml` may say."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from podium.brief import Column
from podium.spec import Name, Spec

ID = "id"
"""The column that names a row in every table of a competition."""


class Target(Spec):
    """What is to be predicted."""

    column: str
    """Its name in `train.csv`, and in the submission unless the submission has one column a label."""
    kind: Literal["number", "label", "probability", "probabilities"]
    """`probability`: of the label 1 of 0 and 1; `probabilities`: one column a label, named like the labels."""
    labels: tuple[str, ...] = ()
    """Every label, in the submission's order; empty for numbers and single probabilities."""
    guess: Literal["mean", "median", "log_mean", "majority", "share"]
    """The sample submission's constant, from the training rows; `log_mean` is exp(mean(log(1 + y))) - 1."""


class Split(Spec):
    """Which rows are the test rows."""

    rule: Literal["stratified", "random", "grouped", "later"]
    """`stratified` by the label; `grouped`: a group lies on one side; `later`: the last rows by time."""
    test_fraction: float = Field(gt=0, lt=1)
    salt: str
    """Decides the draw: rows (or groups) are ordered by a hash of it."""


class CompetitionRow(Spec):
    """One competition. The folder's other files: description.md, leaderboard.csv, digests.json.

    To add one: write competition.toml and description.md, a source in `tasks/sources`, and reference entries in
    `bench/entries/<id with _>.py`; then `podium prepare -c ID --record`, `python -m bench.leaderboards -c ID` and
    `podium tasks check ID`.
    """

    id: Name
    name: str
    source: str
    """`module:function` that gives the rows as `tasks.rows.Rows`."""
    preparer: str = "tasks.tables:build"
    """`module:function` that turns this row into the files of both halves."""
    metric: str
    """Standard term, one of `grading.metrics`."""
    lower_is_better: bool
    target: Target
    split: Split

    @property
    def submission_columns(self) -> tuple[Column, ...]:
        """The columns of a submission and of the answers, in order, the row's name first."""
        first = Column(name=ID, kind="id")
        target = self.target
        if target.kind == "probabilities":
            return (first, *(Column(name=label, kind="probability") for label in target.labels))
        if target.kind == "label":
            return (first, Column(name=target.column, kind="label", labels=target.labels))
        return (first, Column(name=target.column, kind=target.kind))
