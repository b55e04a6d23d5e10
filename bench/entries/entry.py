"""A leaderboard's entry: a name, and a way from the public tables to predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

Predictions = NDArray[Any]
"""(n,) numbers, probabilities of 1 or labels; (n, k) probabilities of k labels, sorted."""
Solve = Callable[[pd.DataFrame, pd.DataFrame], Predictions]
"""`train.csv` and `test.csv` as read -> predictions in the order of `test.csv`."""
View = Callable[[pd.DataFrame], Any]
"""A table without its target -> what an estimator takes."""


@dataclass(frozen=True)
class Entry:
    """One row of a leaderboard, before it is scored."""

    name: str
    solve: Solve


def bare(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns as they are, without the row's name."""
    return frame.drop(columns="id")


def classify(target: str, estimator: Any, view: View = bare) -> Solve:
    """Fit, then the probability of 1 for a target of 0 and 1, else the probabilities of all labels."""

    def solve(train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
        y = train[target]
        model = clone(estimator).fit(view(train.drop(columns=target)), y)
        shares = np.asarray(model.predict_proba(view(test)))
        return shares[:, 1] if set(y.unique()) == {0, 1} else shares

    return solve


def regress(target: str, estimator: Any, view: View = bare) -> Solve:
    """Fit, then the predicted numbers."""

    def solve(train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
        model = clone(estimator).fit(view(train.drop(columns=target)), train[target])
        return np.asarray(model.predict(view(test)), dtype=float)

    return solve


def blend(parts: Sequence[Solve], weights: Sequence[float] | None = None) -> Solve:
    """The weighted mean of several solutions' predictions."""

    def solve(train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
        mean: Predictions = np.average([part(train, test) for part in parts], axis=0, weights=weights)
        return mean

    return solve


def after(part: Solve, change: Callable[[Predictions], Predictions]) -> Solve:
    """A solution whose predictions are changed afterwards."""
    return lambda train, test: change(part(train, test))
