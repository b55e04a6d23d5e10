"""Rules of competitions scored by distances on the globe and by angles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grading.metrics.geometry import haversine, mean_angular_error, mean_percentile_error
from grading.metrics.values import Floats
from grading.refusal import InvalidSubmission
from grading.rules import pairing
from grading.rules.ids import Rows, places
from grading.table import Table, TableColumn


@dataclass(frozen=True)
class TripDistances:
    """Percentiles of the distances of each trip. Within a trip rows are paired by their order in the files, whatever
    their times are (in strict mode both files have the same order)."""

    trip: str = "tripId"
    time: str = "UnixTimeMillis"
    latitude: str = "LatitudeDegrees"
    longitude: str = "LongitudeDegrees"

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._rows(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        rows = self._rows(submission, answers)
        mine = [_radians(submission[name])[rows] for name in (self.latitude, self.longitude)]
        true = [_radians(answers[name]) for name in (self.latitude, self.longitude)]
        return mean_percentile_error(haversine(*true, *mine), places(answers[self.trip], answers[self.trip]))

    def _rows(self, submission: Table, reference: Table) -> Rows:
        """For each row of the reference the submission's row of the same turn in the same trip."""
        pairing.require(submission, self.trip, self.time, self.latitude, self.longitude)
        pairing.same_length(submission, reference)
        for name in (self.latitude, self.longitude):
            if not submission[name].numeric:
                raise InvalidSubmission(f"There is text in {name!r}, where numbers are asked for.")
        mine = places(submission[self.trip], reference[self.trip])
        asked = places(reference[self.trip], reference[self.trip])
        order, target = np.argsort(mine, kind="stable"), np.argsort(asked, kind="stable")
        if not np.array_equal(mine[order], asked[target]):
            raise InvalidSubmission(f"The trips in {self.trip!r} have not as many rows as in the sample submission.")
        rows = np.empty(len(order), dtype=np.int64)
        rows[target] = order
        return rows


@dataclass(frozen=True)
class Directions:
    """Mean angle between directions; rows are paired by sorted ids, and other columns are refused."""

    id: str = "event_id"
    azimuth: str = "azimuth"
    zenith: str = "zenith"

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._angles(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        true = [pairing.numbers(answers[name], name) for name in (self.azimuth, self.zenith)]
        return mean_angular_error(*self._angles(submission, answers), *true)

    def _angles(self, submission: Table, reference: Table) -> list[Floats]:
        """Azimuth and zenith in the order of `reference`."""
        pairing.only(submission, self.azimuth, self.zenith, self.id)
        names = (self.azimuth, self.zenith)
        for name in names:
            if submission[name].kind not in ("int64", "float64"):
                raise InvalidSubmission(f"There is something in {name!r} that is no number. Write radians.")
        values = [pairing.finite(submission[name].numbers(), name) for name in names]
        pairing.same_length(submission, reference)
        rows = pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)
        return [column[rows] for column in values]


def _radians(column: TableColumn) -> Floats:
    """Degrees as radians; those of truth values in half precision, as NumPy converts them."""
    radians: Floats = np.radians(column.values if column.kind == "bool" else column.numbers())
    return radians
