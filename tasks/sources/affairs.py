"""Fair's survey of marriages (1978): 6,366 answers of one magazine's readers, from statsmodels."""

from __future__ import annotations

from typing import Final

import pandas as pd
from statsmodels.datasets import fair

from tasks.rows import Rows, alike

RATING: Final = {1: "very poor", 2: "poor", 3: "fair", 4: "good", 5: "very good"}
RELIGIOUS: Final = {1: "not", 2: "mildly", 3: "fairly", 4: "strongly"}
EDUCATION: Final = {
    9: "grade school",
    12: "high school",
    14: "some college",
    16: "college graduate",
    17: "some graduate school",
    20: "advanced degree",
}
OCCUPATION: Final = {
    1: "student",
    2: "farming or unskilled",
    3: "white-collar",
    4: "teacher, nurse, artist or technician",
    5: "managerial or business",
    6: "professional",
}


def load() -> Rows:
    """Eight answers, the coded ones as words; target 1 where any time was spent in affairs."""
    data = fair.load_pandas().data
    features = pd.DataFrame(
        {
            "marriage_rating": data["rate_marriage"].map(RATING),
            "age": data["age"],
            "years_married": data["yrs_married"],
            "children": data["children"],
            "religious": data["religious"].map(RELIGIOUS),
            "education": data["educ"].map(EDUCATION),
            "occupation": data["occupation"].map(OCCUPATION),
            "husband_occupation": data["occupation_husb"].map(OCCUPATION),
        }
    )
    return Rows(features=features, target=(data["affairs"] > 0).astype(int), group=alike(features))
