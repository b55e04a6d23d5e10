"""Who may ask, and how much: one key a trial, known by its SHA-256 alone, its budgets and what it has used.

Held in memory, and in a ledger from which a restarted gateway reads all of it again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from podium.keys import key_hash
from podium.records import ModelUsage
from serve.gateway.account import Account, Booking, Reservation
from serve.gateway.grant import Grant
from serve.gateway.ledger import Ledger
from serve.gateway.rate import Bucket
from serve.refusal import Refusal


class Keyring:
    """Grants and accounts, written to `file` as they change. `clock`: seconds, for rates alone."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._grants: dict[str, Grant] = {}
        self._hash_of: dict[str, str] = {}
        self._accounts: dict[str, Account] = {}
        self._buckets: dict[str, Bucket] = {}
        self._ledger = Ledger(file)
        for entry in self._ledger.entries():
            self._read(entry)

    def register(self, grant: Grant) -> None:
        """Let a key in. A trial has one key: a new one replaces the old; what was used so far stays counted."""
        self._ledger.write({"grant": grant.model_dump(mode="json", exclude_defaults=True)}, durable=True)
        self._admit(grant)

    def revoke(self, trial_id: str) -> None:
        """Shut a trial's key out; its usage stays. An unknown trial is no error."""
        if trial_id in self._hash_of:
            self._ledger.write({"revoke": trial_id}, durable=True)
            self._forget(trial_id)

    def usage(self, trial_id: str) -> ModelUsage:
        """What the trial has used, over all its keys; zeros for an unknown one."""
        account = self._accounts.get(trial_id)
        return account.usage() if account else ModelUsage()

    def admit(self, key: str) -> Grant:
        """The grant of a key. Raises Refusal (401)."""
        grant = self._grants.get(key_hash(key)) if key else None
        if grant is None:
            raise Refusal(401, "No key, or one that is not known here.", "invalid_api_key")
        return grant

    def pace(self, grant: Grant) -> None:
        """Count a request against the rate. Raises Refusal (429) with the seconds to wait."""
        if grant.rate is None:
            return
        now = self._clock()
        bucket = self._buckets.get(grant.trial_id)
        if bucket is None:
            bucket = self._buckets[grant.trial_id] = Bucket(grant.rate, now)
        wait = bucket.take(now)
        if wait:
            said = f"The trial may ask {grant.rate:g} times a minute."
            raise Refusal(429, said, "rate_limit_exceeded", retry_after=max(1, math.ceil(wait)))

    def reserve(self, grant: Grant, tokens: int, cost: float) -> Reservation:
        """Set a request's prompt aside before it is asked. Raises Refusal (429) where a budget does not hold it."""
        return self._account(grant.trial_id).reserve(grant, tokens, cost)

    def settle(self, reservation: Reservation, booking: Booking | None) -> None:
        """End a request: free what was set aside and book what it used (None: no model was asked). Done once; a second
        time does nothing."""
        if self._account(reservation.trial_id).settle(reservation, booking) and booking is not None:
            self._note(reservation.trial_id, booking)

    def replayed(self, grant: Grant, booking: Booking) -> None:
        """Book a request that a recording answered."""
        self._account(grant.trial_id).book(booking)
        self._note(grant.trial_id, booking)

    def _note(self, trial_id: str, booking: Booking) -> None:
        self._ledger.note({"trial_id": trial_id, "at": round(time.time(), 3), **booking.written()})

    def close(self) -> None:
        self._ledger.close()

    def _account(self, trial_id: str) -> Account:
        account = self._accounts.get(trial_id)
        if account is None:
            account = self._accounts[trial_id] = Account(trial_id)
        return account

    def _read(self, entry: dict[str, object]) -> None:
        try:
            if "grant" in entry:
                self._admit(Grant.model_validate(entry["grant"]))
            elif "revoke" in entry:
                self._forget(str(entry["revoke"]))
            else:
                self._account(str(entry["trial_id"])).book(Booking.read(entry))
        except (ValidationError, KeyError, TypeError, ValueError):
            return  # written by other code: its key is not let in, and the trial's driver registers it again

    def _admit(self, grant: Grant) -> None:
        self._forget(grant.trial_id)
        self._grants[grant.key_hash] = grant
        self._hash_of[grant.trial_id] = grant.key_hash

    def _forget(self, trial_id: str) -> None:
        self._buckets.pop(trial_id, None)
        old = self._hash_of.pop(trial_id, None)
        if old is not None:
            self._grants.pop(old, None)
