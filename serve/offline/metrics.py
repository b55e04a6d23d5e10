"""The metrics that the offline model can validate by: how each is computed, from what, and how prompts call it."""

from __future__ import annotations

import re
from typing import Literal

from podium.spec import Spec

Form = Literal["probability", "label", "number"]


class Metric(Spec):
    """One metric. In `expression`, `y` are the answers and `p` what `form` says (probabilities: a column a class)."""

    name: str
    form: Form
    lower_is_better: bool
    expression: str
    names: str
    """Regular expression of the names that prompts give it."""


def _metric(name: str, form: Form, lower: bool, expression: str, names: str) -> Metric:
    return Metric(name=name, form=form, lower_is_better=lower, expression=expression, names=names)


METRICS = (
    _metric(
        "roc_auc",
        "probability",
        False,
        "roc_auc_score(y, p[:, 1]) if p.shape[1] == 2 else roc_auc_score(y, p, multi_class='ovr')",
        r"roc[ _-]?auc|auc[ _-]?roc|auroc|area under the (?:receiver|roc)|\bauc\b",
    ),
    _metric(
        "log_loss",
        "probability",
        True,
        "-np.mean(np.log(np.clip(p[np.arange(len(y)), y], 1e-15, 1)))",
        r"log[ _-]?loss|logarithmic loss|cross[ _-]?entropy",
    ),
    _metric(
        "average_precision",
        "probability",
        False,
        "average_precision_score(y, p[:, 1]) if p.shape[1] == 2 else average_precision_score(np.eye(p.shape[1])[y], p)",
        r"average[ _-]?precision|pr[ _-]auc",
    ),
    _metric("brier", "probability", True, "np.mean((p[:, 1] - (y == 1)) ** 2)", r"\bbrier"),
    _metric("quadratic_kappa", "label", False, "cohen_kappa_score(y, p, weights='quadratic')", r"kappa|\bqwk\b"),
    _metric(
        "balanced_accuracy",
        "label",
        False,
        "recall_score(y, p, average='macro', zero_division=0)",
        r"balanced[ _-]?acc",
    ),
    _metric(
        "f1_macro", "label", False, "f1_score(y, p, average='macro', zero_division=0)", r"macro[ _-]?f1|f1[ _-]?macro"
    ),
    _metric(
        "f1",
        "label",
        False,
        "f1_score(y, p, average='binary' if y.max() == 1 else 'macro', zero_division=0)",
        r"\bf1\b|f-?1[ _-]?score",
    ),
    _metric("mcc", "label", False, "matthews_corrcoef(y, p)", r"matthews|\bmcc\b"),
    _metric("accuracy", "label", False, "accuracy_score(y, p)", r"accuracy"),
    _metric(
        "rmsle",
        "number",
        True,
        "np.sqrt(np.mean((np.log1p(np.clip(p, 0, None)) - np.log1p(y)) ** 2))",
        r"rmsle|root mean squared? log",
    ),
    _metric("rmse", "number", True, "np.sqrt(np.mean((p - y) ** 2))", r"rmse|root mean squared?"),
    _metric("mse", "number", True, "np.mean((p - y) ** 2)", r"\bmse\b|mean squared error"),
    _metric("mae", "number", True, "np.mean(np.abs(p - y))", r"\bmae\b|mean absolute error"),
    _metric("r2", "number", False, "r2_score(y, p)", r"\br2\b|r\^2|r²|coefficient of determination"),
    _metric("spearman", "number", False, "spearmanr(y, p).statistic", r"spearman"),
)
"""In the order in which free text is searched: a name that holds another comes first."""

BY_NAME = {metric.name: metric for metric in METRICS}
FALLBACK: dict[Form, str] = {"probability": "log_loss", "label": "accuracy", "number": "rmse"}


def find_metric(text: str) -> Metric | None:
    """The metric that a name or a text speaks of; None where it names none that is known."""
    name = text.strip().lower()
    if name in BY_NAME:
        return BY_NAME[name]
    for metric in METRICS:
        if re.search(metric.names, name):
            return metric
    return None
