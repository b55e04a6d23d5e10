"""Metrics by their standard terms: pure functions `(truth, prediction) -> float`, and the registry `METRICS`.

n is the number of rows. Where a metric is undefined (one class only, constant truth) the answer is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn import metrics as sk

from podium.errors import UnknownName

Values = NDArray[Any]
Floats = NDArray[np.float64]

Need = Literal["number", "probability", "label", "ordinal"]
"""What a column must hold: a finite number, a number in [0, 1], a label (compared as text), a whole number."""

CLIP = 1e-15
"""Probabilities are kept this far from 0 and 1 before a logarithm (Kaggle's rule for log loss)."""


def rmse(truth: Floats, prediction: Floats) -> float:
    """Root mean squared error, sqrt(mean((y - p)^2)). Source: scikit-learn, root_mean_squared_error."""
    return float(sk.root_mean_squared_error(truth, prediction))


def mse(truth: Floats, prediction: Floats) -> float:
    """Mean squared error, mean((y - p)^2). Source: scikit-learn, mean_squared_error."""
    return float(sk.mean_squared_error(truth, prediction))


def mae(truth: Floats, prediction: Floats) -> float:
    """Mean absolute error, mean(|y - p|). Source: scikit-learn, mean_absolute_error."""
    return float(sk.mean_absolute_error(truth, prediction))


def median_absolute_error(truth: Floats, prediction: Floats) -> float:
    """Median of |y - p|. Source: scikit-learn, median_absolute_error."""
    return float(sk.median_absolute_error(truth, prediction))


def mape(truth: Floats, prediction: Floats) -> float:
    """Mean absolute percentage error as a fraction, mean(|y - p| / max(|y|, eps)). Source: scikit-learn."""
    return float(sk.mean_absolute_percentage_error(truth, prediction))


def smape(truth: Floats, prediction: Floats) -> float:
    """Symmetric MAPE in percent, 100 mean(2|y - p| / (|y| + |p|)), 0 where both are 0. Source: M4's guide."""
    scale = np.abs(truth) + np.abs(prediction)
    parts = np.divide(2 * np.abs(truth - prediction), scale, out=np.zeros_like(scale), where=scale > 0)
    return float(100 * parts.mean())


def rmsle(truth: Floats, prediction: Floats) -> float:
    """Root mean squared logarithmic error, sqrt(mean((log(1+y) - log(1+p))^2)). Source: scikit-learn.

    A prediction of -1 or less has no logarithm and is taken as 0, as is every other negative one.
    """
    return float(sk.root_mean_squared_log_error(truth, np.maximum(prediction, 0.0)))


def r2(truth: Floats, prediction: Floats) -> float:
    """Coefficient of determination, 1 - sum((y - p)^2) / sum((y - mean y)^2). Source: scikit-learn, r2_score."""
    if len(truth) < 2 or np.ptp(truth) == 0:
        return float("nan")
    return float(sk.r2_score(truth, prediction))


def pearson(truth: Floats, prediction: Floats) -> float:
    """Pearson's correlation coefficient. Source: numpy, corrcoef."""
    if len(truth) < 2 or np.ptp(truth) == 0 or np.ptp(prediction) == 0:
        return float("nan")
    return float(np.corrcoef(truth, prediction)[0, 1])


def spearman(truth: Floats, prediction: Floats) -> float:
    """Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank."""
    return pearson(rankdata(truth), rankdata(prediction))


def roc_auc(truth: Floats, prediction: Floats) -> float:
    """Area under the ROC curve; y in {0, 1}. Source: scikit-learn, roc_auc_score."""
    return float(sk.roc_auc_score(truth, prediction)) if _two_classes(truth) else float("nan")


def gini(truth: Floats, prediction: Floats) -> float:
    """Normalised Gini coefficient of a binary target, 2 AUC - 1."""
    return 2 * roc_auc(truth, prediction) - 1


def average_precision(truth: Floats, prediction: Floats) -> float:
    """Average precision, sum((R_i - R_{i-1}) P_i); y in {0, 1}. Source: scikit-learn, average_precision_score."""
    return float(sk.average_precision_score(truth, prediction)) if _two_classes(truth) else float("nan")


def brier(truth: Floats, prediction: Floats) -> float:
    """Brier score, mean((y - p)^2); y in {0, 1}. Source: scikit-learn, brier_score_loss."""
    return float(np.mean((truth - prediction) ** 2))


def log_loss(truth: Floats, prediction: Floats) -> float:
    """Logarithmic loss, -mean(log p of the true class), natural logarithm.

    Binary: shapes (n,), y in {0, 1}, p the probability of 1. Multi-class: shapes (n, k), y one-hot, each row of p
    divided by its sum. p is clipped to [1e-15, 1 - 1e-15]. Source: Kaggle's evaluation page for log loss.
    """
    if prediction.ndim == 1:
        clipped = np.clip(prediction, CLIP, 1 - CLIP)
        return float(-np.mean(np.where(truth == 1, np.log(clipped), np.log1p(-clipped))))
    sums = prediction.sum(axis=1, keepdims=True)
    shares = np.divide(prediction, sums, out=np.full_like(prediction, 1 / prediction.shape[1]), where=sums > 0)
    clipped = np.clip(shares, CLIP, 1 - CLIP)
    return float(-np.mean(np.log(clipped[np.arange(len(truth)), truth.argmax(axis=1)])))


def accuracy(truth: Values, prediction: Values) -> float:
    """Share of equal labels. Source: scikit-learn, accuracy_score."""
    return float(sk.accuracy_score(truth, prediction))


def balanced_accuracy(truth: Values, prediction: Values) -> float:
    """Mean recall over the classes of y. As scikit-learn's balanced_accuracy_score, which warns of unseen labels."""
    return float(np.mean([np.mean(prediction[truth == label] == label) for label in np.unique(truth)]))


def f1(truth: Values, prediction: Values) -> float:
    """2PR / (P + R) of the class 1 of {0, 1}; 0 where undefined. Source: scikit-learn, f1_score."""
    return float(sk.f1_score(truth, prediction, zero_division=0))


def f1_macro(truth: Values, prediction: Values) -> float:
    """Unweighted mean of the classes' F1; 0 where undefined. Source: scikit-learn, f1_score(average="macro")."""
    return float(sk.f1_score(truth, prediction, average="macro", zero_division=0))


def f1_micro(truth: Values, prediction: Values) -> float:
    """F1 of all decisions together. Source: scikit-learn, f1_score(average="micro")."""
    return float(sk.f1_score(truth, prediction, average="micro", zero_division=0))


def f1_weighted(truth: Values, prediction: Values) -> float:
    """Mean of the classes' F1, weighted by support. Source: scikit-learn, f1_score(average="weighted")."""
    return float(sk.f1_score(truth, prediction, average="weighted", zero_division=0))


def matthews(truth: Values, prediction: Values) -> float:
    """Matthews' correlation coefficient. Source: scikit-learn, matthews_corrcoef."""
    return float(sk.matthews_corrcoef(truth, prediction))


def quadratic_kappa(truth: Values, prediction: Values) -> float:
    """Cohen's kappa with quadratic weights; labels are whole numbers. Source: scikit-learn, cohen_kappa_score."""
    if len(np.union1d(truth, prediction)) < 2:
        return float("nan")
    return float(sk.cohen_kappa_score(truth, prediction, weights="quadratic"))


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
        pairs = zip(truth.T, prediction.T, strict=True)
        return float(np.mean([self.function(column, guess) for column, guess in pairs]))


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


def _two_classes(truth: Values) -> bool:
    return len(np.unique(truth)) == 2
