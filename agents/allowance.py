"""What a trial may still use: seconds (waiting for an executor or a model is not counted), steps and tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agents.agent import Left
from podium.errors import BudgetSpent
from podium.records import Tokens
from podium.spec import Budget


class Allowance:
    """A budget that is being used, from the moment it is made."""

    def __init__(self, budget: Budget, clock: Callable[[], float] = time.monotonic) -> None:
        self._budget, self._clock = budget, clock
        self._started = clock()
        self._waited = 0.0
        self._waiting = 0
        self._waiting_since = self._waiting_until = 0.0
        self.steps = 0
        self.used = Tokens()
        self.away_seconds = 0.0
        """Of the waiting, that for a model."""

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The clock stands still as long as at least one waits."""
        began = self.pause()
        try:
            yield
        finally:
            self.resume(began)

    def pause(self) -> float:
        """Stop the clock until `resume`, which wants what this gives: when the pause began."""
        began = self._clock()
        if not self._waiting:
            self._waiting_since = self._waiting_until = began
        self._waiting += 1
        return began

    def resume(self, began: float, seconds_ago: float = 0.0) -> float:
        """End one pause, as of `seconds_ago`, and give how long it lasted. The clock runs when none is left."""
        until = max(began, self._clock() - seconds_ago)
        self._waiting_until = max(self._waiting_until, until)
        self._waiting -= 1
        if not self._waiting:
            self._waited += self._waiting_until - self._waiting_since
        return until - began

    def seconds_left(self) -> float:
        """May be negative."""
        now = self._waiting_since if self._waiting else self._clock()
        return self._budget.seconds - (now - self._started - self._waited)

    def left(self) -> Left:
        tokens = None if self._budget.tokens is None else max(0, self._budget.tokens - self.used.total)
        return Left(seconds=max(0.0, self.seconds_left()), steps=self._budget.steps - self.steps, tokens=tokens)

    def check(self, tokens: bool = False) -> None:
        """Raises BudgetSpent when the seconds, or with `tokens` the tokens, are used up."""
        if self.seconds_left() <= 0:
            raise BudgetSpent(f"The {self._budget.seconds:g} seconds of the trial are used up.", "Allow it more time.")
        if tokens and self._budget.tokens is not None and self.used.total >= self._budget.tokens:
            raise BudgetSpent(f"The {self._budget.tokens} tokens of the trial are used up.", "Allow it more tokens.")

    def step(self) -> None:
        """Count a step. Raises BudgetSpent when none is left."""
        if self.steps >= self._budget.steps:
            raise BudgetSpent(f"The {self._budget.steps} steps of the trial are used up.", "Allow it more steps.")
        self.steps += 1
