"""Entries for doctor-visits: counts with a long tail, persons who come back, values that are missing."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    StackingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LassoCV, PoissonRegressor, Ridge, RidgeCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, SplineTransformer, StandardScaler

from bench.entries.entry import Entry, Predictions, Solve, after, bare, blend, regress
from bench.entries.plain import regressors, scaled

entry = partial(regress, "visits")
HEALTH = {"excellent": 0.0, "good": 1.0, "fair": 2.0, "poor": 3.0}


def logged(model: Any) -> Any:
    """Fit ln(1 + visits), which is what the metric compares."""
    return TransformedTargetRegressor(model, func=logarithm, inverse_func=np.expm1, check_inverse=False)


def logarithm(values: Any) -> Any:
    """ln(1 + x) to 9 decimals, so that no tree's choice hangs on how a processor rounds the last digit."""
    return np.round(np.log1p(values), 9)


def persons(frame: pd.DataFrame) -> pd.DataFrame:
    """All numbers: health as a rank, ages as pieces of life, money as logarithms, and what a household looks like."""
    result = bare(frame)
    result["health"] = result["health"].map(HEALTH)
    for name in ("individual_deductible", "took_physical", "physical_limitation"):
        result[name] = result[name].map({"no": 0.0, "yes": 1.0})
    result["female"] = (result["sex"] == "female").astype(float)
    result["infant"], result["child"] = (result["age"] < 3).astype(float), (result["age"] < 18).astype(float)
    result["fertile"] = result["female"] * result["age"].between(18, 40)
    for name in ("income", "participation_incentive", "maximum_expenditure"):
        result[name] = logarithm(result[name])
    household = result.groupby("household")
    result["household_age"] = household["age"].transform("mean")
    result["household_health"] = household["health"].transform("mean")
    result["household_female"] = household["female"].transform("mean")
    result["years_seen"] = result.groupby("person")["year"].transform("count")
    result["last_year"] = result.groupby("person")["year"].transform("max")
    result["unasked"] = result["general_health"].isna().astype(float)
    result = pd.get_dummies(result, columns=["site"], dtype=float)
    return result.drop(columns=["household", "person", "sex", "plan"])


def nonnegative(values: Predictions) -> Predictions:
    """The metric refuses visits below zero."""
    return np.clip(values, 0.0, None)


def linear(model: Any) -> Any:
    """A linear model of the logarithm, on imputed and standardised columns."""
    return logged(make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler(), model))


def entries() -> list[Entry]:
    """Plain ones, tuned ones, and blends of them."""
    found = [Entry(name, after(entry(model), nonnegative)) for name, model in regressors(60)]
    found.append(
        Entry("ridge on the logarithm", after(entry(logged(make_pipeline(scaled(), Ridge(10.0)))), nonnegative))
    )
    tuned = {**_smooth(), **_trees()}
    kinds = ["slow boosting, seed 0", "extra trees, leaves of 5", "ridge on a kernel map", "ridge on splines"]
    seeds = [tuned[f"slow boosting, seed {seed}"] for seed in (0, 1, 2)]
    tuned["blend: three seeds of boosting"] = blend(seeds)
    for count in (2, 3, 4):
        tuned[f"blend: {count} kinds"] = blend([tuned[name] for name in kinds[:count]])
    tuned["blend: boosting, extra trees, forest"] = blend(
        [*seeds, tuned[kinds[1]], tuned["forest, leaves of 5"]], [1, 1, 1, 2, 1]
    )
    return found + [Entry(name, after(solve, nonnegative)) for name, solve in tuned.items()]


def _smooth() -> dict[str, Solve]:
    found: dict[str, Solve] = {}
    for strength in (10.0, 300.0):
        found[f"ridge on persons, alpha={strength:g}"] = entry(linear(Ridge(strength)), persons)
    found["lasso on persons"] = entry(linear(LassoCV(cv=5)), persons)
    poisson = make_pipeline(
        SimpleImputer(strategy="median"), StandardScaler(), PoissonRegressor(alpha=0.01, max_iter=500)
    )
    found["Poisson on persons"] = entry(poisson, persons)
    filled = SimpleImputer(strategy="median")
    curves = make_pipeline(filled, StandardScaler(), SplineTransformer(6, degree=2), RidgeCV(np.logspace(0, 3, 7)))
    found["ridge on splines"] = entry(logged(curves), persons)
    products = make_pipeline(filled, StandardScaler(), PolynomialFeatures(2), StandardScaler(), Ridge(3000.0))
    found["ridge on products"] = entry(logged(products), persons)
    kernel = Nystroem(gamma=0.01, n_components=300, random_state=0)
    found["ridge on a kernel map"] = entry(linear(make_pipeline(kernel, Ridge(0.3))), persons)
    for k in (30, 80):
        found[f"nearest {k} persons"] = entry(linear(KNeighborsRegressor(k, weights="distance")), persons)
    return found


def _trees() -> dict[str, Solve]:
    found: dict[str, Solve] = {}
    imputed = SimpleImputer(strategy="median")
    for leaf in (5, 15):
        extra = ExtraTreesRegressor(150, min_samples_leaf=leaf, max_features=0.5, random_state=0)
        found[f"extra trees, leaves of {leaf}"] = entry(logged(make_pipeline(imputed, extra)), persons)
    for leaf in (5, 15):
        forest = RandomForestRegressor(100, min_samples_leaf=leaf, max_features=0.3, random_state=0)
        found[f"forest, leaves of {leaf}"] = entry(logged(make_pipeline(imputed, forest)), persons)
    for seed in (0, 1, 2):
        slow = GradientBoostingRegressor(
            n_estimators=300, learning_rate=0.04, max_depth=4, min_samples_leaf=10, subsample=0.5, max_features=0.3,
            random_state=seed,
        )  # fmt: skip
        found[f"slow boosting, seed {seed}"] = entry(logged(make_pipeline(imputed, slow)), persons)
    for leaves in (8, 15):
        quick = HistGradientBoostingRegressor(
            max_iter=200, learning_rate=0.05, max_leaf_nodes=leaves, l2_regularization=5.0, random_state=0
        )
        found[f"histogram boosting of the logarithm, {leaves} leaves"] = entry(logged(quick), persons)
    base = [
        ("linear", make_pipeline(imputed, StandardScaler(), Ridge(30.0))),
        ("forest", make_pipeline(imputed, RandomForestRegressor(60, min_samples_leaf=10, random_state=0))),
    ]
    found["stack: ridge, forest"] = entry(logged(StackingRegressor(base, final_estimator=Ridge(1.0), cv=5)), persons)
    return found
