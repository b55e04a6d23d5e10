"""Metrics of numbers: errors, and correlations."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata
from sklearn import metrics as sk

from grading.metrics.values import Floats


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
