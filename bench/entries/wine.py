"""Entries for wine: few rows, classes nearly apart, and a metric that punishes confidence."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, StackingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler
from sklearn.svm import SVC

from bench.entries.entry import Entry, Predictions, Solve, after, bare, blend, classify
from bench.entries.plain import classifiers

entry = partial(classify, "cultivar")
SKEWED = ("malic_acid", "magnesium", "proanthocyanins", "color_intensity", "proline")


UNSTABLE = {"gradient boosting"}
"""Its first splits tie on these few rows: which one it takes depends on the processor's rounding."""


def logs(frame: pd.DataFrame) -> pd.DataFrame:
    """The skewed measurements as logarithms, and two ratios of phenols."""
    result = bare(frame).astype(dict.fromkeys(SKEWED, float))
    result["flavanoid_share"] = result["flavanoids"] / result["total_phenols"]
    result["colour_by_hue"] = np.log(result["color_intensity"] / result["hue"])
    result[list(SKEWED)] = np.log(result[list(SKEWED)])
    return result


def sharper(power: float) -> Any:
    """Raise probabilities to a power and norm them: above 1 is more confident."""

    def change(shares: Predictions) -> Predictions:
        raised = np.asarray(shares) ** power
        sharpened: Predictions = raised / raised.sum(axis=1, keepdims=True)
        return sharpened

    return change


def taught(part: Solve, estimator: Any, sure: float = 0.9) -> Solve:
    """Fit once more on logarithms, with those test wines of which the first solution is sure."""

    def solve(train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
        shares = np.asarray(part(train, test))
        known = shares.max(axis=1) >= sure
        labels = np.array(sorted(train["cultivar"].unique()))[shares.argmax(axis=1)[known]]
        x = pd.concat([logs(train.drop(columns="cultivar")), logs(test)[known]])
        y = np.concatenate([train["cultivar"].to_numpy(), labels])
        return np.asarray(clone(estimator).fit(x, y).predict_proba(logs(test)))

    return solve


def entries() -> list[Entry]:
    """Plain ones, tuned ones, and blends of them."""
    found = [Entry(name, entry(model)) for name, model in classifiers() if name not in UNSTABLE]
    tuned = _tuned()
    kinds = [
        "discriminant, shrinkage 0.3",
        "logistic regression on logarithms, C=10",
        "quadratic discriminant on logarithms, shrinkage 0.3",
        "Gaussian process on logarithms, length 5",
        "extra trees on logarithms, seed 0",
    ]
    for count in (2, 3, 5):
        tuned[f"blend: {count} kinds"] = blend([tuned[name] for name in kinds[:count]])
        tuned[f"blend: {count} kinds, sharpened"] = after(tuned[f"blend: {count} kinds"], sharper(1.0 + 0.3 * count))
    for shrinkage in (0.2, 0.4):
        again = make_pipeline(StandardScaler(), discriminant(shrinkage))
        tuned[f"self-taught discriminant, shrinkage {shrinkage:g}"] = taught(tuned["blend: 3 kinds"], again)
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=10.0, max_iter=5000))
    tuned["self-taught logistic regression"] = taught(tuned["blend: 3 kinds"], linear)
    pair = [tuned["self-taught discriminant, shrinkage 0.4"], tuned["self-taught logistic regression"]]
    tuned["blend: two self-taught"] = blend(pair)
    return found + [Entry(name, solve) for name, solve in tuned.items()]


def discriminant(shrinkage: float) -> Any:
    """A linear discriminant with a shrunk covariance."""
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)


def _tuned() -> dict[str, Solve]:
    found: dict[str, Solve] = {}
    for strength in (0.3, 1.0, 3.0, 10.0):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=5000))
        found[f"logistic regression on logarithms, C={strength:g}"] = entry(model, logs)
    for shrinkage in (0.1, 0.3, 0.5):
        model = make_pipeline(StandardScaler(), discriminant(shrinkage))
        found[f"discriminant, shrinkage {shrinkage:g}"] = entry(model, logs)
    for amount in (0.3, 0.6):
        quadratic = QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=amount)
        model = make_pipeline(StandardScaler(), quadratic)
        found[f"quadratic discriminant on logarithms, shrinkage {amount:g}"] = entry(model, logs)
    for length in (3.0, 5.0):
        process = GaussianProcessClassifier(ConstantKernel(100.0) * RBF(length), optimizer=None)
        found[f"Gaussian process on logarithms, length {length:g}"] = entry(
            make_pipeline(StandardScaler(), process), logs
        )
    support = CalibratedClassifierCV(SVC(C=3.0, gamma=0.05), cv=5, ensemble=False)
    found["support vectors on logarithms, calibrated"] = entry(make_pipeline(StandardScaler(), support), logs)
    near = KNeighborsClassifier(15, weights="distance")
    found["k nearest neighbours, weighted, k=15"] = entry(make_pipeline(PowerTransformer(), near))
    for seed in (0, 1, 2):
        trees = ExtraTreesClassifier(500, max_features=0.3, random_state=seed)
        found[f"extra trees on logarithms, seed {seed}"] = entry(trees, logs)
    found["random forest, 500 trees on logarithms"] = entry(RandomForestClassifier(500, random_state=3), logs)
    stack = StackingClassifier(
        [
            ("linear", make_pipeline(StandardScaler(), LogisticRegression(C=1.0))),
            ("trees", ExtraTreesClassifier(200, random_state=0)),
        ],
        final_estimator=LogisticRegression(C=3.0),
        cv=5,
    )
    found["stack: logistic regression, trees"] = entry(stack, logs)
    return found
