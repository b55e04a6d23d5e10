"""How fast a trial may ask: a token bucket."""

from __future__ import annotations

BURST = 6.0
"""A bucket holds what comes in a sixth of a minute, for agents ask in bursts."""


class Bucket:
    """Fills at `rate` requests a minute, and begins full. Times are seconds of one clock, whichever."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate / 60
        self._most = max(1.0, rate / BURST)
        self._held, self._then = self._most, now

    def take(self, now: float) -> float:
        """Take one request out; gives 0, or after how many seconds there is one (and then takes none)."""
        self._held = min(self._most, self._held + max(0.0, now - self._then) * self._rate)
        self._then = now
        if self._held < 1:
            return (1 - self._held) / self._rate
        self._held -= 1
        return 0.0
