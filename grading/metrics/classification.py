"""Metrics of labels."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn import metrics as sk

from grading.metrics.values import Values


def accuracy(truth: Values | pa.Array, prediction: Values | pa.Array) -> float:
    """Share of equal labels, (1 / n) sum([y = p]); arrays of NumPy, or both of Arrow without gaps. Source:
    scikit-learn, accuracy_score.
    """
    equal = pc.equal(truth, prediction) if isinstance(truth, pa.Array) else truth == prediction
    return float(np.mean(equal))


def top_1_error(truth: Values, prediction: Values) -> float:
    """Share of unequal labels, 1 - accuracy. Source: scikit-learn, zero_one_loss."""
    return 1 - accuracy(truth, prediction)


def balanced_accuracy(truth: Values, prediction: Values) -> float:
    """Mean recall over the classes of y. As scikit-learn's balanced_accuracy_score, which warns of unseen labels."""
    return float(np.mean([np.mean(prediction[truth == label] == label) for label in np.unique(truth)]))


def f1(truth: Values, prediction: Values) -> float:
    """2PR / (P + R) of the class 1 of {0, 1}; 0 where undefined. Source: scikit-learn, f1_score."""
    return float(sk.f1_score(truth, prediction, zero_division=0))


def f1_macro(truth: Values, prediction: Values) -> float:
    """Unweighted mean of the classes' F1; 0 where undefined. Source: scikit-learn, f1_score(average="macro")."""
    return float(sk.f1_score(truth, prediction, average="macro", zero_division=0))


def f1_micro(truth: Values | pa.Array, prediction: Values | pa.Array) -> float:
    """F1 of all decisions together; with one label a row each error is a false positive of one class and a false
    negative of another, so that it equals accuracy. Source: scikit-learn, f1_score(average="micro").
    """
    return accuracy(truth, prediction)


def f1_weighted(truth: Values, prediction: Values) -> float:
    """Mean of the classes' F1, weighted by support. Source: scikit-learn, f1_score(average="weighted")."""
    return float(sk.f1_score(truth, prediction, average="weighted", zero_division=0))


def matthews(truth: Values, prediction: Values) -> float:
    """Matthews' correlation, (c n - sum(t p)) / sqrt((n^2 - sum(p^2)) (n^2 - sum(t^2))); 0 where a side is constant.

    t and p count each class among the n truths and predictions, c the equal pairs. Source: Gorodkin 2004, as
    scikit-learn's matthews_corrcoef, which lays out a table of all pairs of classes; this takes as many as there are.
    """
    _, places = np.unique(np.concatenate([truth, prediction]), return_inverse=True)
    classes, size = int(places.max()) + 1, float(len(truth))
    t, p = (np.bincount(side, minlength=classes).astype(np.float64) for side in np.split(places, [len(truth)]))
    spread = (size**2 - p @ p) * (size**2 - t @ t)
    return float((np.sum(truth == prediction) * size - t @ p) / np.sqrt(spread)) if spread else 0.0


def quadratic_kappa(truth: Values, prediction: Values, *, by_value: bool = False) -> float:
    """Cohen's kappa with quadratic weights, 1 - n sum((y_i - p_i)^2) / sum_ij((y_i - p_j)^2); NaN with one label only.

    Labels are whole numbers. y and p are their places among the labels that occur, as in scikit-learn's
    cohen_kappa_score; with `by_value` the labels themselves, as in Kaggle's metric, so that a grade that nobody gives
    keeps its distance. Source: J. Cohen, "Weighted kappa", 1968.
    """
    labels, places = np.unique(np.concatenate([truth, prediction]), return_inverse=True)
    if len(labels) < 2:
        return float("nan")
    scale = (labels - labels[0]).astype(np.float64) if by_value else np.arange(len(labels), dtype=np.float64)
    y, p = np.split(scale[places], [len(truth)])
    expected = len(y) * (y @ y + p @ p) - 2 * y.sum() * p.sum()
    return float(1 - len(y) * ((y - p) @ (y - p)) / expected)
