"""A service that starts again is waited for, and not for ever."""

from __future__ import annotations

import asyncio

import pytest

from jobs.patience import patiently
from podium.errors import InfrastructureFailure, UserError


class Service:
    """Fails as it is told, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.waits: list[int] = []

    async def ask(self) -> str:
        if self._failures:
            raise self._failures.pop(0)
        return "here"

    async def wait(self, failures: int) -> None:
        self.waits.append(failures)

    def asked(self, tries: int) -> str:
        return asyncio.run(patiently(self.ask, tries, self.wait))


def test_a_service_that_comes_back_answers_after_growing_waits() -> None:
    service = Service(InfrastructureFailure("away"), InfrastructureFailure("away"))
    assert service.asked(tries=3) == "here"
    assert service.waits == [1, 2]


def test_a_service_that_stays_away_is_asked_no_more_than_that_often() -> None:
    service = Service(*(InfrastructureFailure(f"away {number}") for number in range(9)))
    with pytest.raises(InfrastructureFailure, match="away 2"):
        service.asked(tries=3)
    assert service.waits == [1, 2]


def test_what_trying_again_cannot_mend_comes_out_at_once() -> None:
    service = Service(UserError("no"))
    with pytest.raises(UserError):
        service.asked(tries=3)
    assert service.waits == []
