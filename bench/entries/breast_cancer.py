"""Entries for breast-cancer: thirty correlated measurements, most of them skewed."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, StackingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, PowerTransformer, QuantileTransformer, StandardScaler
from sklearn.svm import SVC

from bench.entries.entry import Entry, Solve, bare, blend, classify
from bench.entries.plain import classifiers

entry = partial(classify, "malignant")


def logs(frame: pd.DataFrame) -> pd.DataFrame:
    """Logarithms of the measurements: sizes and errors are skewed."""
    return (bare(frame) + 1e-3).apply(np.log)


def shapes(frame: pd.DataFrame) -> pd.DataFrame:
    """The logarithms, with how far the worst nuclei lie from the mean ones."""
    result = logs(frame)
    for name in [str(column).removeprefix("mean_") for column in result if str(column).startswith("mean_")]:
        result[f"spread_{name}"] = result[f"worst_{name}"] - result[f"mean_{name}"]
    return result


def support(strength: float, width: float | str = "scale") -> Any:
    """A calibrated support vector machine on standardised columns."""
    machine = CalibratedClassifierCV(SVC(C=strength, gamma=width), ensemble=False)
    return make_pipeline(StandardScaler(), machine)


def entries() -> list[Entry]:
    """Plain ones, tuned ones, and blends of them."""
    found = [Entry(name, entry(model)) for name, model in classifiers()]
    tuned = _tuned()
    found += [Entry(name, solve) for name, solve in tuned.items()]
    kinds = [
        "logistic regression on shapes, C=1",
        "support vectors on logarithms, C=10",
        "Gaussian process on logarithms",
        "logistic regression on 10 components",
        "extra trees on shapes, seed 0",
    ]
    for count in (2, 3, 4, 5):
        found.append(Entry(f"blend: {count} kinds", blend([tuned[name] for name in kinds[:count]])))
    linear = blend([tuned[kinds[0]], tuned["logistic regression on logarithms, C=1"], tuned[kinds[1]]], [2, 2, 1])
    found.append(Entry("blend: two logistic regressions, support vectors", linear))
    trees = [tuned[f"extra trees on shapes, seed {seed}"] for seed in (0, 1, 2)]
    found.append(Entry("blend: three seeds of extra trees", blend(trees)))
    return found


def _tuned() -> dict[str, Solve]:
    found: dict[str, Solve] = {}
    for strength in (0.01, 0.1, 1.0):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=5000))
        found[f"logistic regression on logarithms, C={strength:g}"] = entry(model, logs)
        found[f"logistic regression on shapes, C={strength:g}"] = entry(model, shapes)
    for strength in (1.0, 3.0, 10.0):
        found[f"support vectors on logarithms, C={strength:g}"] = entry(support(strength, 0.01), logs)
    found["support vectors on shapes, C=3"] = entry(support(3.0, 0.01), shapes)
    process = GaussianProcessClassifier(ConstantKernel(25.0) * RBF(8.0), optimizer=None)
    found["Gaussian process on logarithms"] = entry(make_pipeline(StandardScaler(), process), logs)
    found["Gaussian process on shapes"] = entry(make_pipeline(StandardScaler(), process), shapes)
    ridge = LogisticRegressionCV(
        Cs=8, cv=5, scoring="roc_auc", max_iter=5000, l1_ratios=(0,), use_legacy_attributes=False
    )
    found["logistic regression, strength by cross-validation"] = entry(make_pipeline(PowerTransformer(), ridge), logs)
    pca = make_pipeline(StandardScaler(), PCA(10, random_state=0), LogisticRegression(C=0.3))
    found["logistic regression on 10 components"] = entry(pca, logs)
    ranks = make_pipeline(QuantileTransformer(n_quantiles=50, output_distribution="normal"), LogisticRegression(C=0.05))
    found["logistic regression on normal scores"] = entry(ranks)
    squares = make_pipeline(
        StandardScaler(), PCA(8, random_state=0), PolynomialFeatures(2), StandardScaler(), LogisticRegression(C=0.01)
    )
    found["logistic regression on products of components"] = entry(squares, logs)
    for seed in (0, 1, 2):
        trees = ExtraTreesClassifier(400, max_features=0.4, min_samples_leaf=2, random_state=seed)
        found[f"extra trees on shapes, seed {seed}"] = entry(trees, shapes)
    stack = StackingClassifier(
        [
            ("support", support(3.0, 0.01)),
            ("trees", ExtraTreesClassifier(200, random_state=0)),
            ("linear", make_pipeline(StandardScaler(), LogisticRegression(C=0.1))),
        ],
        final_estimator=LogisticRegression(C=1.0),
        cv=5,
    )
    found["stack: support vectors, trees, logistic regression"] = entry(stack, shapes)
    return found
