"""Entries for carbon-dioxide: a bent trend, a season, and ten years to go."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ExpSineSquared, WhiteKernel
from sklearn.linear_model import HuberRegressor, LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.entries.entry import Entry, Predictions, Solve, blend, regress
from bench.entries.plain import regressors

TARGET: Final = "co2"
Series = NDArray[np.float64]


def years(frame: pd.DataFrame) -> Series:
    """(n,) the date as years since 1990, one year being 365.25 days."""
    days = (pd.to_datetime(frame["date"]) - pd.Timestamp("1990-01-01")).dt.days
    return np.asarray(days.to_numpy(dtype=float) / 365.25)


def calendar(frame: pd.DataFrame) -> NDArray[np.float64]:
    """(n, 2): the date in years and the week, as a tree would be given them."""
    return np.column_stack([years(frame), frame["week_of_year"]])


def waves(frame: pd.DataFrame, degree: int, harmonics: int, growing: bool = False) -> NDArray[np.float64]:
    """A polynomial of time, harmonics of the year, and, if `growing`, harmonics times time."""
    time = years(frame) / 10
    angles = [2 * np.pi * k * years(frame) for k in range(1, harmonics + 1)]
    season = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
    parts = [*(time**power for power in range(1, degree + 1)), *season]
    return np.column_stack([*parts, *(time * wave for wave in season)] if growing else parts)


def since(year: float, part: Solve) -> Solve:
    """Learn from the weeks after a year only (years since 1990)."""
    return lambda train, test: part(train[years(train) >= year], test)


def detrended(estimator: Any, degree: int = 2) -> Solve:
    """A polynomial trend and, for what it leaves, an estimator of the week of the year and nothing else."""

    def solve(train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
        trend = np.polynomial.Polynomial.fit(years(train), train[TARGET], degree)
        rest = train[TARGET] - trend(years(train))
        model = clone(estimator).fit(train[["week_of_year"]], rest)
        return np.asarray(trend(years(test)) + model.predict(test[["week_of_year"]]))

    return solve


def anchored(part: Solve, weeks: int = 52) -> Solve:
    """Shift a solution so that it is right, in the mean, over the last weeks that are known."""

    def solve(train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
        last = train.sort_values("date").tail(weeks)
        missed = float(np.mean(last[TARGET].to_numpy() - part(train, last.drop(columns=TARGET))))
        return part(train, test) + missed

    return solve


def last_year(drift: float) -> Solve:
    """The value of the same week in the last year known, and `drift` ppm for each year since."""

    def solve(train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
        last = train.sort_values("date").tail(52)
        known = last.groupby("week_of_year")[TARGET].mean()
        week = known.reindex(range(1, 54)).interpolate(limit_direction="both")
        passed = years(test) - (years(last).mean())
        return np.asarray(week.loc[test["week_of_year"]].to_numpy() + drift * np.rint(passed))

    return solve


def entries() -> list[Entry]:
    """Plain ones that know no time, curves that do, and blends of them."""
    plain = {name: model for name, model in regressors(50) if "forest" in name or "dummy" in name}
    found = [Entry(name, regress(TARGET, model)) for name, model in plain.items()]
    found += [Entry(f"{name} on calendar", solve) for name, solve in _trees().items()]
    found.append(Entry("the last known year again", last_year(0.0)))
    found += [Entry(f"the last known year, {drift:g} ppm a year", last_year(drift)) for drift in (1.0, 1.3, 1.6)]
    curves = {**_curves(), **_seasons(), **_processes()}
    found += [Entry(name, solve) for name, solve in curves.items()]
    anchors = [name for name in curves if name.startswith(("degree 2, 3", "degree 2, 4", "degree 3, 4"))]
    found += [Entry(f"{name}, anchored to the last year", anchored(curves[name])) for name in anchors]
    line, bend = curves["degree 1, 4 harmonics since 1975"], curves["degree 2, 4 harmonics"]
    found.append(Entry("blend: line and parabola", blend([line, bend])))
    found.append(Entry("blend: line and parabola, anchored", blend([anchored(line), anchored(bend)])))
    process = curves["Gaussian process, parabola and season"]
    found.append(Entry("blend: line, parabola, process", blend([anchored(line), anchored(bend), anchored(process)])))
    return found


def _trees() -> dict[str, Solve]:
    models = {
        "line": LinearRegression(),
        "nearest 10": KNeighborsRegressor(10),
        "random forest": RandomForestRegressor(50, random_state=0),
        "extra trees": ExtraTreesRegressor(50, random_state=0),
        "gradient boosting": GradientBoostingRegressor(random_state=0),
    }
    return {name: regress(TARGET, model, calendar) for name, model in models.items()}


def _curves() -> dict[str, Solve]:
    found: dict[str, Solve] = {}
    for degree in (1, 2, 3):
        for harmonics in (1, 2, 4):
            view = partial(waves, degree=degree, harmonics=harmonics)
            name = f"degree {degree}, {harmonics} harmonic" + "s" * (harmonics > 1)
            found[name] = regress(TARGET, LinearRegression(), view)
    for degree, year in ((1, 1975), (1, 1980), (1, 1985), (2, 1965), (2, 1975)):
        view = partial(waves, degree=degree, harmonics=4)
        part = regress(TARGET, LinearRegression(), view)
        found[f"degree {degree}, 4 harmonics since {year}"] = since(year - 1990, part)
    growing = partial(waves, degree=2, harmonics=4, growing=True)
    found["degree 2, 4 growing harmonics"] = regress(TARGET, LinearRegression(), growing)
    found["degree 2, 4 growing harmonics, ridge"] = regress(
        TARGET, make_pipeline(StandardScaler(), Ridge(1.0)), growing
    )
    found["degree 2, 4 growing harmonics, Huber"] = regress(
        TARGET, make_pipeline(StandardScaler(), HuberRegressor(max_iter=2000)), growing
    )
    return found


def _seasons() -> dict[str, Solve]:
    models = {
        "forest": RandomForestRegressor(50, min_samples_leaf=5, random_state=0),
        "nearest 40": KNeighborsRegressor(40),
    }
    return {
        f"trend of degree {degree}, season by {name}": detrended(model, degree)
        for degree in (1, 2)
        for name, model in models.items()
    }


def _processes() -> dict[str, Solve]:
    """Gaussian processes on every fourth week, for what a curve leaves."""
    season = 4.0 * RBF(60.0) * ExpSineSquared(1.3, 1.0)
    kernels = {"season": season + WhiteKernel(0.1), "season, slow changes": season + 0.4 * RBF(1.5) + WhiteKernel(0.1)}
    found = {f"Gaussian process, parabola and {name}": _process(kernel, 2) for name, kernel in kernels.items()}
    wide = 2500.0 * RBF(40.0) + season + WhiteKernel(0.1)
    return {**found, "Gaussian process alone": _process(wide, 0)}


def _process(kernel: Any, degree: int) -> Solve:
    def solve(train: pd.DataFrame, test: pd.DataFrame) -> Predictions:
        some = train.sort_values("date").iloc[::4]
        trend = np.polynomial.Polynomial.fit(years(some), some[TARGET], degree)
        model = GaussianProcessRegressor(kernel, optimizer=None)
        model.fit(years(some)[:, None], some[TARGET] - trend(years(some)))
        return np.asarray(trend(years(test)) + model.predict(years(test)[:, None]))

    return solve
