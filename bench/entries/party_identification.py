"""Entries for party-identification: ordered classes, and a metric that minds how far a mistake goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVR

from bench.entries.entry import Entry, Predictions, Solve, after, bare, blend, classify
from bench.entries.plain import classifiers, regressors

TARGET: Final = "party"
EDUCATION: Final = (
    "1-8 grades",
    "some high school",
    "high school",
    "some college",
    "college degree",
    "master's degree",
    "PhD",
)
Cut = Callable[[Predictions, NDArray[np.int64]], NDArray[np.float64]]
"""Out-of-fold scores and classes -> six limits between seven classes."""


def views(frame: pd.DataFrame) -> pd.DataFrame:
    """All numbers, with how near the voter stands to each candidate."""
    result = bare(frame)
    result["education"] = result["education"].map({word: rank for rank, word in enumerate(EDUCATION)})
    result["expected_vote"] = (result["expected_vote"] == "Dole").astype(float)
    own, clinton, dole = (result[f"{who}_left_right"] for who in ("self", "clinton", "dole"))
    result["from_clinton"], result["from_dole"] = (own - clinton).abs(), (own - dole).abs()
    result["nearer_dole"] = result["from_clinton"] - result["from_dole"]
    result["between"] = dole - clinton
    result["conservative_vote"] = own * result["expected_vote"]
    result["place_population"] = np.log1p(result["place_population"])
    return result.astype(float)


def halves(_: Predictions, classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Limits half-way between the classes."""
    return np.arange(classes.min(), classes.max()) + 0.5


def shares(scores: Predictions, classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Limits that give every class its share of the training rows."""
    below = np.cumsum(np.bincount(classes))[:-1] / len(classes)
    return np.quantile(scores, below)


def searched(scores: Predictions, classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Limits moved one after the other, from the shares', to where kappa is best."""
    limits = shares(scores, classes)
    steps = np.linspace(scores.min(), scores.max(), 60)
    for _ in range(3):
        for place in range(len(limits)):
            tried = [np.sort(np.r_[limits[:place], step, limits[place + 1 :]]) for step in steps]
            kappas = [cohen_kappa_score(classes, np.digitize(scores, limit), weights="quadratic") for limit in tried]
            limits = tried[int(np.argmax(kappas))]
    return limits


def ordinal(models: list[Any], cut: Cut, view: Any = views) -> Solve:
    """Regress the class, mean of the models, and cut the numbers by limits found on five out-of-fold parts."""

    def solve(train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
        x, y = view(train.drop(columns=TARGET)), train[TARGET].to_numpy()
        held = np.zeros(len(y))
        for fit, rest in KFold(5, shuffle=True, random_state=0).split(x):
            held[rest] = np.mean([clone(m).fit(x.iloc[fit], y[fit]).predict(x.iloc[rest]) for m in models], axis=0)
        scores = np.mean([clone(model).fit(x, y).predict(view(test)) for model in models], axis=0)
        return np.digitize(scores, cut(held, y))

    return solve


def choose(parts: Predictions) -> Predictions:
    """The likeliest class of each row."""
    return np.asarray(parts.argmax(axis=1))


def expected(parts: Predictions) -> Predictions:
    """The class nearest to the expected one."""
    return np.rint(np.asarray(parts) @ np.arange(7)).astype(int)


def entries() -> list[Entry]:
    """Plain classifiers, regressions cut into classes, and blends of them."""
    found = [Entry(name, after(classify(TARGET, model), choose)) for name, model in classifiers(100)]
    for name, model in regressors(100):
        if name in {"least squares", "random forest, seed 0", "gradient boosting", "support vectors"}:
            found.append(Entry(f"{name}, rounded", ordinal([model], halves, bare)))
    for name, model in _models().items():
        found.append(Entry(f"{name}, cut by shares", ordinal([model], shares)))
        found.append(Entry(f"{name}, limits searched", ordinal([model], searched)))
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    found.append(Entry("logistic regression, expected class", after(classify(TARGET, logistic, views), expected)))
    trees = [Entry("", classify(TARGET, model, bare)) for name, model in classifiers(100) if name == "extra trees"]
    both = blend([classify(TARGET, logistic, views), trees[0].solve])
    found.append(Entry("blend: logistic regression, trees, expected class", after(both, expected)))
    return found + _blends()


def _blends() -> list[Entry]:
    models = _models()
    kinds = ["ridge", "Gaussian process", "slow boosting", "large forest", "support vectors"]
    found = []
    for count in (2, 3, 5):
        chosen = [models[name] for name in kinds[:count]]
        found.append(Entry(f"blend: {count} kinds, cut by shares", ordinal(chosen, shares)))
        found.append(Entry(f"blend: {count} kinds, limits searched", ordinal(chosen, searched)))
    return found


def _models() -> dict[str, Any]:
    kernel = DotProduct() + ConstantKernel(2.0) * RBF(6.0) + WhiteKernel(2.0)
    return {
        "ridge": make_pipeline(StandardScaler(), Ridge(30.0)),
        "ridge on products": make_pipeline(StandardScaler(), PolynomialFeatures(2), StandardScaler(), Ridge(300.0)),
        "Gaussian process": make_pipeline(StandardScaler(), GaussianProcessRegressor(kernel, optimizer=None)),
        "support vectors": make_pipeline(StandardScaler(), SVR(C=1.0, gamma=0.02)),
        "nearest 30": make_pipeline(StandardScaler(), KNeighborsRegressor(30)),
        "large forest": RandomForestRegressor(150, min_samples_leaf=5, max_features=0.4, random_state=0),
        "extra trees": ExtraTreesRegressor(150, min_samples_leaf=5, random_state=0),
        "slow boosting": GradientBoostingRegressor(
            n_estimators=150, learning_rate=0.04, max_depth=3, subsample=0.5, max_features=0.4, random_state=0
        ),
    }
