"""Metrics of labels."""

from __future__ import annotations

import numpy as np
from sklearn import metrics as sk

from grading.metrics.values import Values


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
