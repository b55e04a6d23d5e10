"""Carbon dioxide at Mauna Loa, weekly from 1958 to 2001, from statsmodels."""

from __future__ import annotations

import pandas as pd
from statsmodels.datasets import co2

from tasks.rows import Rows


def load() -> Rows:
    """The week's date; target: the concentration in parts per million. Weeks without a value are left out."""
    data = co2.load_pandas().data.dropna()
    date = pd.Series(data.index.strftime("%Y-%m-%d"))
    features = pd.DataFrame({"date": date, "week_of_year": data.index.isocalendar().week.to_numpy(dtype=int)})
    return Rows(features=features, target=data["co2"].reset_index(drop=True), time=date)
