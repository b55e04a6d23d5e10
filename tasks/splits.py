"""Which rows are test rows: pure functions of the rows, a fraction and a salt."""

from __future__ import annotations

import pandas as pd

from tasks.row import Split
from tasks.rows import Rows, draw, shuffled


def held_out(rows: Rows, split: Split) -> pd.Series:
    """n booleans: True for a test row. Raises ValueError where the rows lack what the rule needs."""
    if split.rule == "stratified":
        return _stratified(rows.target, split)
    if split.rule == "random":
        return _stratified(pd.Series("all", index=rows.target.index), split)
    if split.rule == "grouped":
        if rows.group is None:
            raise ValueError("a grouped split needs rows with groups")
        limit = round(split.test_fraction * 16**12)
        return rows.group.map(lambda group: int(draw(split.salt, group)[:12], 16) < limit).astype(bool)
    if rows.time is None:
        raise ValueError("a split by time needs rows with a time")
    return _later(rows.time, split)


def _stratified(labels: pd.Series, split: Split) -> pd.Series:
    chosen: set[object] = set()
    for label in sorted(labels.unique()):
        members = shuffled(split.salt, labels.index[labels == label])
        chosen.update(members[: round(split.test_fraction * len(members))])
    return pd.Series(labels.index.isin(chosen), index=labels.index)


def _later(time: pd.Series, split: Split) -> pd.Series:
    """The last rows; those that share the first test row's time are test rows too."""
    first = time.sort_values(kind="stable").iloc[round((1 - split.test_fraction) * len(time))]
    mask: pd.Series = time >= first
    return mask
