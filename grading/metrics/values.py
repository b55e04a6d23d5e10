"""The arrays that metrics take, and the mean over their columns; n is the number of rows, k that of columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
"""Labels or numbers."""
Floats = NDArray[np.float64]


def columnwise(metric: Callable[[Any, Any], float], truth: Values, prediction: Values) -> float:
    """The mean of a metric over the columns; shapes (n, k)."""
    pairs = zip(truth.T, prediction.T, strict=True)
    return float(np.mean([metric(column, guess) for column, guess in pairs]))
