"""When a model that did not answer is asked again, and when it is given up."""

from __future__ import annotations

from enum import Enum
from random import Random

from pydantic import Field

from podium.spec import Spec
from serve.refusal import Refusal


class Death(Enum):
    """How an endpoint broke down."""

    ENGINE = "engine"
    """The replica's engine is dead; it says so to everybody until the replica is taken down."""
    BREAK = "break"
    """It broke off while it was at work on this request."""


class Fault(Exception):
    """An attempt of which the client has seen nothing, and that may go better elsewhere or later.

    `death` None: the endpoint was never at work on it.
    """

    def __init__(self, refusal: Refusal, death: Death | None = None) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        """What the client gets when there is no other attempt."""
        self.death = death


class Patience(Spec):
    """How long and how often a model is asked for one request."""

    seconds: float = Field(900.0, ge=0, allow_inf_nan=False)
    """Until one of the cluster's models must have begun to answer; they start for minutes."""
    fallback_seconds: float = Field(60.0, ge=0, allow_inf_nan=False)
    """The same, for one whose entry names a fallback."""
    deaths: int = Field(2, ge=1)
    """Endpoints that may break down over one request: it may be the cause."""
    provider_tries: int = Field(3, ge=1)
    """Connections to a provider; what it answers is the client's affair."""
    least_wait: float = Field(0.05, gt=0, allow_inf_nan=False)
    most_wait: float = Field(5.0, gt=0, allow_inf_nan=False)
    """Seconds between two attempts: doubled from one to the next."""


class Tries:
    """The attempts at one request. Times are seconds of one clock."""

    def __init__(
        self, patience: Patience, now: float, *, outside: bool, fallback: bool, wait: float, random: Random
    ) -> None:
        """`wait`: seconds after which the client would rather hear that it has to wait."""
        self._patience, self._outside, self._random = patience, outside, random
        self._end = now + min(wait, patience.fallback_seconds if fallback else patience.seconds)
        self._faults = self._breaks = 0
        self._dead: set[str] = set()

    def after(self, fault: Fault, replica: str, now: float) -> float:
        """Seconds to wait before the next attempt. Raises the fault's refusal when there is none."""
        patience = self._patience
        self._faults += 1
        self._breaks += fault.death is Death.BREAK
        if fault.death is Death.ENGINE:
            self._dead.add(replica)
        most = patience.provider_tries if self._outside else None
        deaths = len(self._dead) + self._breaks
        if now >= self._end or deaths >= patience.deaths or (most and self._faults >= most):
            raise fault.refusal if not self._dead or self._outside else _died(fault.refusal)
        wait = min(patience.most_wait, patience.least_wait * 2.0 ** min(self._faults - 1, 16))
        return min(wait * self._random.uniform(0.5, 1.0), self._end - now)


def _died(refusal: Refusal) -> Refusal:
    """Said to whose request an engine was at work on when it died: the request may be the cause."""
    return Refusal(503, refusal.message, "engine_died", retry_after=refusal.retry_after)
