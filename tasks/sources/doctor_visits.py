"""The RAND health insurance experiment: person-years of a third of its households, from statsmodels' original table."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd
from statsmodels.datasets import randhie

from tasks.rows import Rows, draw, opaque

SALT: Final = "doctor-visits/households"
SHARE: Final = 0.3
"""Of the households, so that a model trains in seconds."""
HEALTH: Final = {"hlthg": "good", "hlthf": "fair", "hlthp": "poor"}


def load() -> Rows:
    """Person-years with plan, household and health; target: visits to a physician in that year.

    Spending and other use of care, which go with the visits, are left out. Values that the source had filled in
    with a group's mean are missing again.
    """
    whole = pd.read_csv(Path(randhie.__file__).parent / "src" / "randhie.csv")
    household = whole["site"].astype(str) + "/" + whole["income"].map(repr)
    chosen = household.map(lambda name: int(draw(SALT, name)[:8], 16) < SHARE * 16**8)
    data, household = whole[chosen].reset_index(drop=True), household[chosen].reset_index(drop=True)
    return Rows(features=_features(data, household), target=data["mdvis"].astype(int), group=household)


def _features(data: pd.DataFrame, household: pd.Series) -> pd.DataFrame:
    yes_no = {0.0: "no", 1.0: "yes"}
    return pd.DataFrame(
        {
            "household": opaque(SALT, list(household)),
            "person": opaque(SALT, list(data["zper"])),
            "site": data["site"].map(lambda number: f"S{number:.0f}"),
            "year": data["year"].astype(int),
            "plan": data["plan"].map(lambda number: f"P{number:02.0f}"),
            "coinsurance": data["coins"].astype(int),
            "individual_deductible": data["idp"].map(yes_no),
            "maximum_expenditure": data["mdeoff"],
            "participation_incentive": data["pioff"],
            "age": data["xage"].round(1),
            "sex": data["female"].map({0: "male", 1: "female"}),
            "family_size": data["num"].astype(int),
            "income": data["income"].round().astype(int),
            "education_of_head": data["educdec"],
            "took_physical": data["tookphys"].map(yes_no),
            "mental_health": data["mhi"],
            "general_health": data["ghindx"],
            "health": _health(data),
            "chronic_diseases": data["disea"].where(data["disea"].round(1) == data["disea"]),
            "physical_limitation": data["physlm"].map(yes_no),
        }
    )


def _health(data: pd.DataFrame) -> pd.Series:
    """The words from which the source made its three indicators; excellent is none of them."""
    health = pd.Series("excellent", index=data.index)
    for column, word in HEALTH.items():
        health = health.mask(data[column] == 1, word)
    return health
