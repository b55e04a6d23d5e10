"""Distances of trips and angles of neutrinos: what the two competitions accept, and how rows are paired."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.unit.courtroom import Judge

PHONE = "smartphone-decimeter-2022"
ICE = "icecube-neutrinos-in-deep-ice"

HEAD = "tripId,UnixTimeMillis,LatitudeDegrees,LongitudeDegrees\n"
TRIPS = ("x,1,37.1,-122.1", "y,1,37.2,-122.2", "x,2,37.3,-122.3", "x,3,37.5,-122.5")
ANSWERS = HEAD + "\n".join(TRIPS) + "\n"
METRES = 6_371_000 * math.pi / 180
"""Of one degree of latitude."""


def trips(*rows: str) -> str:
    return HEAD + "\n".join(rows) + "\n"


def phone(folder: Path, *, strict: bool = False) -> Judge:
    return Judge(folder, PHONE, ANSWERS, strict=strict)


def test_percentiles_are_averaged_by_trip_and_trips_among_themselves(tmp_path: Path) -> None:
    moved = ("x,1,37.1,-122.1", "y,1,37.21,-122.2", "x,2,37.31,-122.3", "x,3,37.52,-122.5")
    first = (0.01 + 0.019) / 2 * METRES  # of errors of 0, 0.01 and 0.02 degrees
    assert phone(tmp_path).score(trips(*moved)) == pytest.approx((first + 0.01 * METRES) / 2)
    assert phone(tmp_path).score(trips(moved[1], moved[0], moved[2], moved[3])) == pytest.approx(
        (first + 0.01 * METRES) / 2
    )


def test_within_a_trip_the_order_counts_and_the_time_does_not_but_strictly(tmp_path: Path) -> None:
    backward = phone(tmp_path).score(trips(*TRIPS[::-1]))
    assert backward is not None
    assert backward > 1000
    assert phone(tmp_path, strict=True).score(trips(*TRIPS[::-1])) == 0.0
    late = [row.replace("x,1", "x,9") for row in TRIPS]
    assert phone(tmp_path).score(trips(*late)) == 0.0
    assert phone(tmp_path, strict=True).score(trips(*late)) is None


@pytest.mark.parametrize("cell", ["", "inf", "nan"])
def test_a_place_that_is_none_makes_the_score_nan_and_is_refused_strictly(cell: str, tmp_path: Path) -> None:
    text = trips(*(row.replace("37.2", cell) for row in TRIPS))
    score = phone(tmp_path).score(text)
    assert score is not None
    assert math.isnan(score)
    assert phone(tmp_path, strict=True).score(text) is None


def test_truth_values_are_degrees_in_half_precision(tmp_path: Path) -> None:
    judge = Judge(tmp_path, PHONE, trips("x,1,0.0,0.0"))
    half = float(np.radians(np.array([True]))[0])
    assert half != math.radians(1)
    assert judge.score(trips("x,1,True,0")) == pytest.approx(6_371_000 * half)


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEAD,
        *(ANSWERS.replace(name, "other") for name in HEAD.strip().split(",")),
        trips(*TRIPS[:3]),
        trips(*TRIPS, TRIPS[0]),
        trips(*TRIPS[:3], "y,3,37.5,-122.5"),
        trips(*TRIPS[:3], "z,3,37.5,-122.5"),
        trips(*TRIPS[:3], ",3,37.5,-122.5"),
        trips(*TRIPS[:3], "x,3,abc,-122.5"),
        trips(*TRIPS[:3], "x,3,37.5,abc"),
        trips(*(row.replace("x,", "1,").replace("y,", "2,") for row in TRIPS)),
    ],
)
def test_as_many_rows_of_each_trip_are_asked_for(text: str, tmp_path: Path) -> None:
    assert phone(tmp_path).score(text) is None
    assert not phone(tmp_path).accepts(text, ANSWERS)


EVENTS = "event_id,azimuth,zenith\n100,4.5,0.4\n101,3.9,2.0\n102,0.0,1.0\n"


def ice(folder: Path, *, strict: bool = False) -> Judge:
    return Judge(folder, ICE, EVENTS, strict=strict)


def test_angles_are_averaged_whatever_their_range_and_order(tmp_path: Path) -> None:
    turned = f"zenith,event_id,azimuth\n1.3,102,{2 * math.pi}\n2.2,101,3.9\n0.4,100,4.5\n"
    assert ice(tmp_path).score(turned) == pytest.approx((0.3 + 0.2 + 0) / 3)
    assert ice(tmp_path, strict=True).score(turned) == pytest.approx((0.3 + 0.2 + 0) / 3)


def test_whole_numbers_are_angles(tmp_path: Path) -> None:
    judge = Judge(tmp_path, ICE, "event_id,azimuth,zenith\n7,0.5,1.5\n")
    assert judge.score("event_id,azimuth,zenith\n7,1000000000000,0\n") == pytest.approx(1.5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "event_id,azimuth,zenith\n",
        "event_id,azimuth\n100,1\n101,1\n102,1\n",
        "azimuth,zenith\n1,1\n1,1\n1,1\n",
        EVENTS.replace("\n", ",9\n").replace("zenith,9", "zenith,note"),
        EVENTS.replace("4.5", "abc"),
        EVENTS.replace("0.4", "abc"),
        EVENTS.replace("4.5", ""),
        EVENTS.replace("0.4", ""),
        EVENTS.replace("4.5", "inf"),
        EVENTS.replace("0.4", "-inf"),
        "event_id,azimuth,zenith\n100,True,1\n101,False,1\n102,True,1\n",
        "event_id,azimuth,zenith\n100,1,True\n101,1,False\n102,1,True\n",
        EVENTS.replace("102,0.0,1.0\n", ""),
        EVENTS + "102,0.0,1.0\n",
        EVENTS.replace("102", "101"),
        EVENTS.replace("102", "103"),
        EVENTS.replace("102", ""),
        EVENTS.replace("102", "abc"),
    ],
)
def test_finite_angles_of_the_events_are_asked_for(text: str, tmp_path: Path) -> None:
    assert ice(tmp_path).score(text) is None
    assert not ice(tmp_path).accepts(text, EVENTS)
