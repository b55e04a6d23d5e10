"""Distances on the globe and angles in space agree with their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grading.metrics.geometry import haversine, mean_angular_error, mean_percentile_error


def test_a_quarter_of_the_equator_is_a_quarter_of_the_circumference() -> None:
    zero = np.zeros(1)
    quarter = haversine(zero, zero, zero, np.array([math.pi / 2]))
    assert quarter == pytest.approx(math.pi / 2 * 6_371_000)
    assert haversine(zero, zero, np.array([math.pi / 2]), np.array([1.234])) == pytest.approx(quarter)


def test_a_coordinate_that_is_none_has_no_distance() -> None:
    one = np.ones(3)
    assert np.isnan(haversine(one, one, np.array([np.nan, np.inf, -np.inf]), one)).all()


def test_percentiles_are_interpolated_and_every_group_weighs_the_same() -> None:
    errors, groups = np.array([0.0, 7.0, 10.0, 20.0]), np.array([5, 2, 5, 5])
    first = (10.0 + (10.0 + 0.9 * 10.0)) / 2  # the 95th lies nine tenths of the way from the second to the third
    assert mean_percentile_error(errors, groups) == pytest.approx((first + 7.0) / 2)
    assert math.isnan(mean_percentile_error(np.append(errors, np.nan), np.append(groups, 2)))


@pytest.mark.parametrize("seed", range(3))
def test_the_angle_between_directions_is_that_of_their_vectors(seed: int) -> None:
    random = np.random.default_rng(seed)
    azimuth, other_azimuth = random.uniform(-9, 9, (2, 50))
    zenith, other_zenith = random.uniform(0, math.pi, (2, 50))

    def vector(a: float, z: float) -> tuple[float, float, float]:
        return math.sin(z) * math.cos(a), math.sin(z) * math.sin(a), math.cos(z)

    angles = [
        math.acos(max(-1.0, min(1.0, sum(p * q for p, q in zip(vector(a, z), vector(b, y), strict=True)))))
        for a, z, b, y in zip(azimuth, zenith, other_azimuth, other_zenith, strict=True)
    ]
    assert mean_angular_error(azimuth, zenith, other_azimuth, other_zenith) == pytest.approx(np.mean(angles))


def test_opposite_directions_are_pi_apart() -> None:
    one = np.ones(1)
    assert mean_angular_error(one, one, one + math.pi, math.pi - one) == pytest.approx(math.pi)
