"""Entries for diabetes: few noisy rows, where restraint wins."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor, StackingRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, DotProduct, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import ElasticNetCV, HuberRegressor, LassoCV, PoissonRegressor, Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, SplineTransformer, StandardScaler
from sklearn.svm import SVR

from bench.entries.entry import Entry, Solve, bare, blend, regress
from bench.entries.plain import regressors

entry = partial(regress, "progression")
SKEWED = ("ldl", "hdl", "cholesterol_hdl_ratio", "blood_sugar", "bmi")


def coded(frame: pd.DataFrame) -> pd.DataFrame:
    """Sex as a number, skewed serum values as logarithms."""
    result = bare(frame)
    result["sex"] = (result["sex"] == "B").astype(float)
    result[list(SKEWED)] = np.log(result[list(SKEWED)])
    return result.astype(float)


def crossed(frame: pd.DataFrame) -> pd.DataFrame:
    """With the products that medicine suggests: body mass with pressure and sugar, age with sex."""
    result = coded(frame)
    centred = (result - [48.0, 0.5, 3.26, 94.6, 189.0, 4.7, 3.87, 1.36, 4.64, 4.5]) / [
        13.0, 0.5, 0.16, 13.8, 34.6, 0.28, 0.25, 0.3, 0.52, 0.12
    ]  # fmt: skip
    for one, other in (
        ("bmi", "blood_pressure"),
        ("age", "sex"),
        ("bmi", "log_triglycerides"),
        ("age", "blood_pressure"),
    ):
        result[f"{one}_x_{other}"] = centred[one] * centred[other]
    result["bmi_squared"] = centred["bmi"] ** 2
    result["sugar_squared"] = centred["blood_sugar"] ** 2
    return result


def rooted(model: Any) -> Any:
    """Fit the square root of the target, whose spread grows with its size."""
    return TransformedTargetRegressor(model, func=np.sqrt, inverse_func=np.square, check_inverse=False)


def process(length: float) -> Any:
    """A Gaussian process: a linear part, a smooth one and noise, in the target's squared units."""
    kernel = 100 * DotProduct() + 500 * RBF(length) + WhiteKernel(2800.0)
    model = make_pipeline(StandardScaler(), GaussianProcessRegressor(kernel, optimizer=None))
    return TransformedTargetRegressor(model, transformer=StandardScaler(with_std=False))


def entries() -> list[Entry]:
    """Plain ones, tuned ones, and blends of them."""
    found = [Entry(name, entry(model)) for name, model in regressors()]
    tuned = _tuned()
    found += [Entry(name, solve) for name, solve in tuned.items()]
    kinds = [
        "Gaussian process on logarithms, length 4",
        "partial least squares on logarithms, 3 components",
        "elastic net by cross-validation on logarithms",
        "Poisson on crossed columns",
        "support vectors on crossed columns, C=30",
        "forest on crossed columns, seed 0",
    ]
    for count in (2, 3, 4, 6):
        found.append(Entry(f"blend: {count} kinds", blend([tuned[name] for name in kinds[:count]])))
    weights = [4.0, 3.0, 2.0, 2.0, 1.0, 1.0]
    return [*found, Entry("blend: 6 kinds, weighted", blend([tuned[name] for name in kinds], weights))]


def _tuned() -> dict[str, Solve]:
    found: dict[str, Solve] = {}
    for strength in (3.0, 30.0, 100.0):
        ridge = make_pipeline(StandardScaler(), Ridge(strength))
        found[f"ridge on crossed columns, alpha={strength:g}"] = entry(ridge, crossed)
    found["ridge on logarithms, square root of the target"] = entry(
        rooted(make_pipeline(StandardScaler(), Ridge(30.0))), crossed
    )
    for name, model in (
        ("lasso by cross-validation", LassoCV(cv=5)),
        ("elastic net by cross-validation", ElasticNetCV(l1_ratio=[0.5, 0.9], cv=5)),
        ("Huber", HuberRegressor(alpha=10.0, max_iter=1000)),
        ("Poisson", PoissonRegressor(alpha=1.0, max_iter=1000)),
        ("partial least squares", PLSRegression(3)),
    ):
        found[f"{name} on crossed columns"] = entry(make_pipeline(StandardScaler(), model), crossed)
    products = make_pipeline(StandardScaler(), PolynomialFeatures(2), StandardScaler(), LassoCV(cv=5, max_iter=20000))
    found["lasso on all products"] = entry(products, coded)
    curves = make_pipeline(SplineTransformer(4, degree=3), RidgeCV(np.logspace(-2, 3, 16)))
    found["ridge on splines"] = entry(curves, coded)
    for length in (3.0, 4.0, 6.0):
        found[f"Gaussian process on logarithms, length {length:g}"] = entry(process(length), coded)
    found["Gaussian process on crossed columns"] = entry(process(4.0), crossed)
    for count in (2, 3):
        model = make_pipeline(StandardScaler(), PLSRegression(count))
        found[f"partial least squares on logarithms, {count} components"] = entry(model, coded)
    net = make_pipeline(StandardScaler(), ElasticNetCV(l1_ratio=[0.1, 0.5, 0.9], cv=5))
    found["elastic net by cross-validation on logarithms"] = entry(net, coded)
    for strength in (10.0, 30.0):
        machine = make_pipeline(StandardScaler(), SVR(C=strength, gamma=0.01, epsilon=10.0))
        found[f"support vectors on crossed columns, C={strength:g}"] = entry(machine, crossed)
    kernel = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), KernelRidge(alpha=2.0, kernel="rbf", gamma=0.01)), transformer=StandardScaler()
    )
    found["kernel ridge on crossed columns"] = entry(kernel, crossed)
    for seed in (0, 1):
        forest = RandomForestRegressor(400, max_features=0.35, min_samples_leaf=4, random_state=seed)
        found[f"forest on crossed columns, seed {seed}"] = entry(forest, crossed)
        boosting = GradientBoostingRegressor(
            n_estimators=250, learning_rate=0.03, max_depth=2, subsample=0.6, max_features=0.4, random_state=seed
        )
        found[f"boosting on crossed columns, seed {seed}"] = entry(boosting, crossed)
    stack = StackingRegressor(
        [
            ("ridge", make_pipeline(StandardScaler(), Ridge(30.0))),
            ("trees", ExtraTreesRegressor(200, min_samples_leaf=4, random_state=0)),
        ],
        final_estimator=Ridge(1.0),
        cv=5,
    )
    found["stack: ridge, trees"] = entry(stack, crossed)
    return found
