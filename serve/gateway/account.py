"""What one trial has used and set aside, against its budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from podium.records import ModelUsage
from serve.gateway.grant import Grant
from serve.refusal import Refusal


@dataclass(slots=True)
class Booking:
    """What one request used: a line of the ledger. (No pydantic model: there is one for every request.)"""

    model: str = ""
    """Who answered."""
    replica: str = ""
    status: int = 200
    """What the client got; 499: it left before the end."""
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0
    estimated: bool = False
    """The endpoint never said what it used, so it is counted from the text."""
    replayed: bool = False
    """A recording answered, and no model."""
    fallback_for: str = ""
    """The model that was asked for, where another answered."""
    cost: float = 0.0
    """USD."""
    seconds: float = 0.0
    first_token_seconds: float = 0.0

    def written(self) -> dict[str, Any]:
        """Its fields, without those that say nothing."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Self:
        """From a ledger's entry. Raises TypeError, ValueError where a count is none."""
        booking = cls(**{field.name: entry[field.name] for field in fields(cls) if field.name in entry})
        if not all(isinstance(count, int) and count >= 0 for count in (booking.prompt, booking.completion)):
            raise ValueError(entry)
        return booking


@dataclass(slots=True)
class Reservation:
    """What is set aside for a request that is under way."""

    trial_id: str
    tokens: int
    cost: float
    settled: bool = False


class Account:
    """One trial's sums."""

    def __init__(self, trial_id: str) -> None:
        self._trial_id = trial_id
        self._used = Booking()
        self._requests = self._estimated = self._replayed = 0
        self._fallbacks: Counter[str] = Counter()
        self._replicas: set[str] = set()
        self._waiting_tokens = self._waiting_requests = 0
        self._waiting_cost = 0.0

    def reserve(self, grant: Grant, tokens: int, cost: float) -> Reservation:
        """Set a request aside. Raises Refusal (429, never to be tried again) where a budget does not hold it."""
        used = self._used.prompt + self._used.completion
        # A budget that is used up is refused also where the prompt counts nothing, or is free.
        if grant.tokens is not None and used + self._waiting_tokens + max(1, tokens) > grant.tokens:
            raise _spent(f"{grant.tokens} tokens", f"{used} used")
        if grant.requests is not None and self._requests + self._waiting_requests + 1 > grant.requests:
            raise _spent(f"{grant.requests} requests", f"{self._requests} used")
        spent = self._used.cost + self._waiting_cost
        if grant.cost is not None and (spent >= grant.cost or spent + cost > grant.cost):
            raise _spent(f"{grant.cost:g} USD", f"{self._used.cost:.4f} used")
        self._waiting_tokens += tokens
        self._waiting_requests += 1
        self._waiting_cost += cost
        return Reservation(self._trial_id, tokens, cost)

    def settle(self, reservation: Reservation, booking: Booking | None) -> bool:
        """Free what was set aside and book what was used; False where that was done already."""
        if reservation.settled:
            return False
        reservation.settled = True
        self._waiting_tokens -= reservation.tokens
        self._waiting_requests -= 1
        self._waiting_cost = self._waiting_cost - reservation.cost if self._waiting_requests else 0.0
        if booking is not None:
            self.book(booking)
        return True

    def book(self, booking: Booking) -> None:
        """Add one request."""
        used = self._used
        used.seconds += booking.seconds
        used.first_token_seconds += booking.first_token_seconds
        if booking.replayed:
            self._replayed += 1
            return
        used.prompt += booking.prompt
        used.cached += booking.cached
        used.completion += booking.completion
        used.reasoning += booking.reasoning
        used.cost += booking.cost
        self._requests += 1
        self._estimated += bool(booking.estimated)
        if booking.fallback_for:
            self._fallbacks[booking.model] += 1
        if booking.replica:
            self._replicas.add(booking.replica)

    def usage(self) -> ModelUsage:
        """The sums as a record."""
        used = self._used
        return ModelUsage(
            requests=self._requests,
            prompt=used.prompt,
            cached=used.cached,
            completion=used.completion,
            reasoning=used.reasoning,
            estimated=self._estimated,
            replayed=self._replayed,
            fallbacks=dict(self._fallbacks),
            cost=used.cost,
            seconds=used.seconds,
            first_token_seconds=used.first_token_seconds,
            replicas=tuple(sorted(self._replicas)),
        )


def _spent(budget: str, used: str) -> Refusal:
    return Refusal(429, f"The trial's budget of {budget} is spent ({used}).", "insufficient_quota")
