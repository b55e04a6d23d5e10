"""How long and how often one answer is tried for: exponential back-off with full jitter, outages waited out.

An outage (nobody answers) is bounded by its seconds and stops the asker's clock; a rate is the asker's own and is
waited out on its clock; an answer that fails or breaks off is asked for a few times.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from pydantic import Field

from podium.errors import BudgetSpent, InfrastructureFailure, ModelFailure
from podium.records import Tokens
from podium.spec import Spec
from serve.client.failure import Endpoint, Failure


class Bounds(Spec):
    """How long and how often."""

    tries: int = Field(6, ge=1)
    """Requests for one answer that may fail or break off; outages and rates are not counted."""
    seconds: float = Field(1800.0, gt=0)
    """For one answer, retries included; outages are not counted."""
    outage_seconds: float = Field(1800.0, ge=0)
    """How long an endpoint that is away is waited for."""
    grace_seconds: float = Field(5.0, ge=0)
    """How much of an outage still counts as the asker's time."""
    base_delay: float = Field(0.5, ge=0)
    """Most seconds before the second try; doubled from try to try."""
    most_delay: float = Field(30.0, ge=0)


class Caller(Protocol):
    """Who asks: how long it can wait, and what it is told meanwhile."""

    def seconds_left(self) -> float:
        """Until it has no use for an answer; stands still while the endpoint is away."""
        ...

    def away(self, reason: str) -> None:
        """The endpoint is away, and is waited for. Not told twice without `back` between."""
        ...

    def back(self, seconds_ago: float) -> None:
        """It is back, and has been since `seconds_ago`. Not told where the waiting is given up."""
        ...

    def used(self, tokens: Tokens) -> None:
        """One request was answered, whatever becomes of the answer."""
        ...


class Unhurried:
    """A caller that waits for ever and wants to know nothing."""

    def seconds_left(self) -> float:
        return float("inf")

    def away(self, reason: str) -> None: ...

    def back(self, seconds_ago: float) -> None: ...

    def used(self, tokens: Tokens) -> None: ...


class Retry:
    """The tries for one answer: `begin`, then `answered` or `after(failure)`, and so on."""

    def __init__(
        self, bounds: Bounds, asked: Endpoint, caller: Caller, clock: Callable[[], float], random: Random
    ) -> None:
        self._bounds, self._asked, self._caller = bounds, asked, caller
        self._clock, self._random = clock, random
        self._began = clock()
        self._deadline = self._began + bounds.seconds
        self._failures = dict.fromkeys(("away", "rate", "broken"), 0)
        self._last: Failure | None = None
        self._away_since: float | None = None
        self._paused_since: float | None = None

    def begin(self) -> float:
        """Seconds that the next try may take. Raises as `after` does where none are left."""
        self._began = self._clock()
        return self._left()

    def answered(self) -> None:
        """The last try was answered."""
        self._failures = dict.fromkeys(self._failures, 0)
        self._last = None
        self._there()

    def after(self, failure: Failure) -> float:
        """Seconds to wait before the next try.

        Raises, where there is to be none: InfrastructureFailure the endpoint does not answer, BudgetSpent the caller
        has no use for an answer any more, ModelFailure the rate leaves no room.
        """
        self._last = failure
        self._failures[failure.kind] += failure.counts
        left = self._left()
        wait = self._delay(self._failures[failure.kind], failure.retry_after)
        if failure.kind == "away":
            return self._outage(failure, wait)
        self._there()
        if failure.kind == "rate":
            self._left(wait)
        elif self._failures["broken"] >= self._bounds.tries:
            raise _gone(f"{self._asked} gave no whole answer in {self._bounds.tries} tries: {failure.said}")
        return min(wait, left)

    def _outage(self, failure: Failure, wait: float) -> float:
        """Seconds to wait for an endpoint that is away; past the grace, on no clock but the outage's own."""
        now = self._clock()
        self._away_since = self._began if self._away_since is None else self._away_since
        left = self._away_since + self._bounds.outage_seconds - now
        if left <= 0:
            raise _gone(f"{self._asked} was away for {now - self._away_since:.0f} s: {failure.said}")
        wait = min(wait, left)
        if self._paused_since is None and now + wait > self._away_since + self._bounds.grace_seconds:
            self._paused_since = now
            self._caller.away(failure.said)
        return wait

    def _there(self) -> None:
        """The endpoint answers, and has since the last try began."""
        if self._paused_since is not None:
            self._deadline += max(0.0, self._began - self._paused_since)
            self._caller.back(self._clock() - self._began)
        self._away_since = self._paused_since = None
        self._failures["away"] = 0

    def _left(self, wanted: float = 0.0) -> float:
        """Seconds until an answer is of no use; raises where they are not more than `wanted`."""
        said = f": {self._last.said}" if self._last else ""
        caller = self._caller.seconds_left()
        if caller <= wanted:
            raise BudgetSpent(f"The trial's seconds do not suffice to ask the model{said}", "Allow it more time.")
        left = self._deadline - (self._clock() if self._paused_since is None else self._paused_since)
        if left <= wanted:
            why = f"{self._asked} gave no answer in {self._bounds.seconds:.0f} s{said}"
            unreachable = self._last is not None and self._last.kind != "rate"
            raise _gone(why) if unreachable else ModelFailure(why, "Allow it a higher rate, or ask for less at once.")
        return min(left, caller)

    def _delay(self, failures: int, asked: float) -> float:
        """Full jitter below a bound that doubles; or what the endpoint asks for, and a little more."""
        if asked:
            return asked + self._random.uniform(0.0, self._bounds.base_delay)
        doubled = self._bounds.base_delay * 2.0 ** min(failures - 1, 30)
        return self._random.uniform(0.0, min(self._bounds.most_delay, doubled))


def _gone(what: str) -> InfrastructureFailure:
    return InfrastructureFailure(what, "See `podium status` and whether the endpoint is up, then resume the sweep.")
