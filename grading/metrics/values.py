"""The arrays that metrics take; n is the number of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
"""Labels or numbers."""
Floats = NDArray[np.float64]
