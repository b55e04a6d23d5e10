"""Metrics of places on the globe and of directions in space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grading.metrics.values import Floats

EARTH_RADIUS = 6_371_000.0
"""Metres."""


def haversine(latitude: Floats, longitude: Floats, other_latitude: Floats, other_longitude: Floats) -> Floats:
    """Great-circle distance in metres of places in radians, 2 R arcsin(sqrt(h)), h = sin^2(dlat / 2) +
    cos(lat1) cos(lat2) sin^2(dlon / 2); NaN where a coordinate is none.

    Source: Sinnott, Virtues of the Haversine, 1984.
    """
    with np.errstate(invalid="ignore"):
        along = np.cos(latitude) * np.cos(other_latitude) * np.sin((other_longitude - longitude) / 2) ** 2
        half = np.sin((other_latitude - latitude) / 2) ** 2 + along
        distance: Floats = 2 * EARTH_RADIUS * np.arcsin(np.sqrt(half))
    return distance


def mean_percentile_error(errors: Floats, groups: NDArray[np.int64]) -> float:
    """Mean over groups of the average of the 50th and the 95th percentile of the errors, interpolated linearly; NaN
    where an error is.

    `groups`: shape (n,), the same whole number for all rows of a group. Source: Kaggle, Google Smartphone Decimeter
    Challenge 2022.
    """
    parts = [errors[groups == group] for group in np.unique(groups)]
    return float(np.mean([np.percentile(part, (50, 95)).mean() for part in parts]))


def mean_angular_error(azimuth: Floats, zenith: Floats, other_azimuth: Floats, other_zenith: Floats) -> float:
    """Mean angle in radians between directions, arccos(u . v), u = (sin z cos a, sin z sin a, cos z).

    Source: Kaggle, IceCube - Neutrinos in Deep Ice.
    """
    cosine = np.sum(_unit_vectors(azimuth, zenith) * _unit_vectors(other_azimuth, other_zenith), axis=0)
    return float(np.mean(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _unit_vectors(azimuth: Floats, zenith: Floats) -> Floats:
    """Shape (3, n)."""
    return np.stack([np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)])
