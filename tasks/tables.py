"""From a competition's row to the bytes of its files: train, test, sample submission, answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from podium.plugins import load
from tasks.row import ID, CompetitionRow, Target
from tasks.rows import Rows, shuffled
from tasks.splits import held_out


@dataclass(frozen=True)
class Files:
    """The content of both halves, by file name."""

    public: dict[str, bytes]
    private: dict[str, bytes]


def build(row: CompetitionRow) -> Files:
    """Load the source, split it, give the rows new names in a new order. The same bytes on any machine."""
    rows: Rows = load(row.source)()
    order = shuffled(f"{row.split.salt}/order", rows.target.index)
    test = held_out(rows, row.split)
    names = pd.Series(range(1, len(order) + 1), index=order).reindex(rows.target.index)
    whole = rows.features.copy()
    whole.insert(0, ID, names)
    target = rows.target.rename(row.target.column)
    train = pd.concat([whole, target], axis=1)[~test].sort_values(ID)
    asked = whole[test].sort_values(ID)
    answers = submission(asked[ID], target.loc[asked.index], row.target)
    sample = answers.assign(**guesses(target[~test], row.target))
    return Files(
        public={"train.csv": _csv(train), "test.csv": _csv(asked), "sample_submission.csv": _csv(sample)},
        private={"test.csv": _csv(answers)},
    )


def submission(ids: pd.Series, values: pd.Series, target: Target) -> pd.DataFrame:
    """The true values in a submission's form: n rows, the name and one column (or one a label)."""
    frame = pd.DataFrame({ID: ids})
    if target.kind != "probabilities":
        return frame.assign(**{target.column: values})
    return frame.assign(**{label: (values.astype(str) == label).astype(int) for label in target.labels})


def guesses(train: pd.Series, target: Target) -> dict[str, Any]:
    """The sample submission's constants by column, from the training rows alone, rounded to 6 decimals."""
    if target.guess == "share":
        share = {label: round(float((train.astype(str) == label).mean()), 6) for label in target.labels}
        return share
    if target.guess == "majority":
        counts = train.value_counts()
        return {target.column: sorted(counts[counts == counts.max()].index)[0]}
    values = [float(value) for value in train]
    if target.guess == "median":
        return {target.column: round(float(train.median()), 6)}
    if target.guess == "log_mean":
        return {target.column: round(math.expm1(math.fsum(map(math.log1p, values)) / len(values)), 6)}
    return {target.column: round(math.fsum(values) / len(values), 6)}


def _csv(frame: pd.DataFrame) -> bytes:
    """UTF-8, comma, `\\n`; numbers in the shortest form that reads back the same; missing values empty."""
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text.encode()
