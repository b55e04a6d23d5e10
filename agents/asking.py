"""One question to the model, as the trial's clock, budget and notes see it: an outage stops the clock and is told."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from agents.allowance import Allowance
from agents.notes import Notes
from podium.records import Tokens


class Asking:
    """Satisfies `serve.client.retry.Caller`. A context manager; the clock runs again at its end, however that comes."""

    def __init__(self, allowance: Allowance, notes: Notes, phase: str) -> None:
        self._allowance, self._notes, self._phase = allowance, notes, phase
        self._began: float | None = None
        self.away_seconds = 0.0
        """How long the clock stood still."""

    def __enter__(self) -> Self:
        self._notes.progress(phase=self._phase)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resume()
        self._allowance.away_seconds += self.away_seconds

    def seconds_left(self) -> float:
        return self._allowance.seconds_left()

    def used(self, tokens: Tokens) -> None:
        """See `Caller.used`."""
        self._allowance.used += tokens

    def away(self, reason: str) -> None:
        """See `Caller.away`."""
        self._began = self._allowance.pause()
        self._notes.event("model_away", {"reason": reason})
        self._notes.progress(phase=f"waiting for the model: {reason}")

    def back(self, seconds_ago: float) -> None:
        """See `Caller.back`."""
        seconds = self._resume(seconds_ago)
        self._notes.event("model_back", {"seconds": round(seconds, 3)})
        self._notes.progress(phase=self._phase)

    def _resume(self, seconds_ago: float = 0.0) -> float:
        """End the pause, if there is one; how long it was."""
        seconds = self._allowance.resume(self._began, seconds_ago) if self._began is not None else 0.0
        self._began = None
        self.away_seconds += seconds
        return seconds
