"""Metrics of numbers: errors, and correlations."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata
from sklearn import metrics as sk

from grading.metrics.values import Floats, columnwise


def rmse(truth: Floats, prediction: Floats) -> float:
    """Root mean squared error, sqrt(mean((y - p)^2)), infinite where a square is. Source: scikit-learn."""
    with np.errstate(over="ignore"):
        return float(sk.root_mean_squared_error(truth, prediction))


def mean_columnwise_rmse(truth: Floats, prediction: Floats) -> float:
    """Mean of the columns' root mean squared errors (MCRMSE); shapes (n, k). Source: Kaggle, OpenVaccine."""
    return columnwise(rmse, truth, prediction)


def mse(truth: Floats, prediction: Floats) -> float:
    """Mean squared error, mean((y - p)^2). Source: scikit-learn, mean_squared_error."""
    return float(sk.mean_squared_error(truth, prediction))


def mae(truth: Floats, prediction: Floats) -> float:
    """Mean absolute error, mean(|y - p|), infinite where a part is. Source: scikit-learn, mean_absolute_error."""
    with np.errstate(over="ignore"):
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


def mean_columnwise_rmsle(truth: Floats, prediction: Floats) -> float:
    """Mean of the columns' root mean squared logarithmic errors; shapes (n, k). Source: Kaggle, Nomad2018."""
    return columnwise(rmsle, truth, prediction)


def r2(truth: Floats, prediction: Floats) -> float:
    """Coefficient of determination, 1 - sum((y - p)^2) / sum((y - mean y)^2). Source: scikit-learn, r2_score."""
    if len(truth) < 2 or np.ptp(truth) == 0:
        return float("nan")
    return float(sk.r2_score(truth, prediction))


def pearson(truth: Floats, prediction: Floats) -> float:
    """Pearson's correlation, sum((y - my) (p - mp)) / sqrt(sum((y - my)^2) sum((p - mp)^2)).

    NaN where a column is constant, a value is missing or infinite, or there are fewer than two rows. Both are scaled
    before they are squared, so that large numbers do not overflow. Source: SciPy, pearsonr.
    """
    if len(truth) < 2 or not (np.isfinite(truth).all() and np.isfinite(prediction).all()):
        return float("nan")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return float(np.clip(_unit(truth) @ _unit(prediction), -1.0, 1.0))


def spearman(truth: Floats, prediction: Floats) -> float:
    """Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank; NaN with a missing value."""
    if np.isnan(truth).any() or np.isnan(prediction).any():
        return float("nan")
    return pearson(rankdata(truth), rankdata(prediction))


def mean_columnwise_spearman(truth: Floats, prediction: Floats) -> float:
    """Mean of the columns' rank correlations; shapes (n, k). Source: Kaggle, Google QUEST Q&A Labeling."""
    return columnwise(spearman, truth, prediction)


def _unit(values: Floats) -> Floats:
    """Centred, and of length 1; NaN where all are equal."""
    if (values == values[0]).all():
        return np.full_like(values, np.nan)
    centred = values - values.mean()
    scaled: Floats = centred / np.abs(centred).max()
    unit: Floats = scaled / np.linalg.norm(scaled)
    return unit
