"""The American National Election Study of 1996: 944 voters, from statsmodels."""

from __future__ import annotations

from typing import Final

from statsmodels.datasets import anes96

from tasks.rows import Rows, alike

EDUCATION: Final = {
    1: "1-8 grades",
    2: "some high school",
    3: "high school",
    4: "some college",
    5: "college degree",
    6: "master's degree",
    7: "PhD",
}
NAMES: Final = {
    "popul": "place_population",
    "TVnews": "tv_news_days",
    "selfLR": "self_left_right",
    "ClinLR": "clinton_left_right",
    "DoleLR": "dole_left_right",
    "age": "age",
    "income": "income_bracket",
    "vote": "expected_vote",
}


def load() -> Rows:
    """Nine answers; target: party identification from 0 (strong Democrat) to 6 (strong Republican)."""
    data = anes96.load_pandas().data
    features = data[list(NAMES)].rename(columns=NAMES).astype(int)
    features["expected_vote"] = features["expected_vote"].map({0: "Clinton", 1: "Dole"})
    features["education"] = data["educ"].map(EDUCATION)
    return Rows(features=features, target=data["PID"].astype(int), group=alike(features))
