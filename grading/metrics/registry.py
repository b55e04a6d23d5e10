"""The metrics of table competitions by their standard terms, and what each needs.

Where a metric is undefined (one class only, constant truth) the answer is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from grading.metrics.classification import (
    accuracy,
    balanced_accuracy,
    f1,
    f1_macro,
    f1_micro,
    f1_weighted,
    matthews,
    quadratic_kappa,
)
from grading.metrics.probability import brier, log_loss
from grading.metrics.ranking import average_precision, gini, roc_auc
from grading.metrics.regression import (
    mae,
    mape,
    median_absolute_error,
    mse,
    pearson,
    r2,
    rmse,
    rmsle,
    smape,
    spearman,
)
from grading.metrics.values import Values, columnwise
from podium.errors import UnknownName

Need = Literal["number", "probability", "label", "ordinal"]
"""What a column must hold: a finite number, a number in [0, 1], a label (compared as text), a whole number."""


@dataclass(frozen=True)
class Metric:
    """A metric and what it needs."""

    name: str
    function: Callable[[Any, Any], float]
    needs: Need
    lower_is_better: bool
    joint: bool = False
    """Takes several target columns at once, shape (n, k); the others are averaged over the columns."""

    def __call__(self, truth: Values, prediction: Values) -> float:
        """The value for columns of shape (n,) or (n, k)."""
        if truth.ndim == 1 or self.joint:
            return self.function(truth, prediction)
        return columnwise(self.function, truth, prediction)


def _registry() -> dict[str, Metric]:
    numbers = (rmse, mse, mae, median_absolute_error, mape, smape, rmsle)
    return {
        metric.name: metric
        for metric in (
            *(Metric(function.__name__, function, "number", lower_is_better=True) for function in numbers),
            *(Metric(function.__name__, function, "number", lower_is_better=False) for function in (r2, pearson)),
            Metric("spearman", spearman, "number", lower_is_better=False),
            Metric("roc_auc", roc_auc, "number", lower_is_better=False),
            Metric("gini", gini, "number", lower_is_better=False),
            Metric("average_precision", average_precision, "number", lower_is_better=False),
            Metric("brier", brier, "probability", lower_is_better=True),
            Metric("log_loss", log_loss, "probability", lower_is_better=True, joint=True),
            Metric("accuracy", accuracy, "label", lower_is_better=False),
            Metric("balanced_accuracy", balanced_accuracy, "label", lower_is_better=False),
            Metric("f1", f1, "ordinal", lower_is_better=False),
            Metric("f1_macro", f1_macro, "label", lower_is_better=False),
            Metric("f1_micro", f1_micro, "label", lower_is_better=False),
            Metric("f1_weighted", f1_weighted, "label", lower_is_better=False),
            Metric("matthews", matthews, "label", lower_is_better=False),
            Metric("quadratic_kappa", quadratic_kappa, "ordinal", lower_is_better=False),
        )
    }


METRICS = _registry()
"""Every metric by its standard term."""


def metric(name: str) -> Metric:
    """The metric of that name. Raises UnknownName."""
    if name not in METRICS:
        raise UnknownName("metric", name, METRICS)
    return METRICS[name]
