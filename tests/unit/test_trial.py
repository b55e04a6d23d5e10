"""Executors are taken when code runs and given back when idle; the clock stands still while one waits."""

from __future__ import annotations

import asyncio

import pytest

from agents.allowance import Allowance
from agents.pool import ExecutorPool
from podium.errors import BudgetSpent
from podium.records import Tokens
from podium.spec import Budget
from tests.unit.offstage import BareExecutor


class Supply:
    """Opens executors and remembers them."""

    def __init__(self) -> None:
        self.made: list[BareExecutor] = []

    async def __call__(self) -> BareExecutor:
        self.made.append(BareExecutor())
        return self.made[-1]


def test_an_executor_that_is_taken_again_soon_is_the_same_one() -> None:
    async def story() -> None:
        supply = Supply()
        async with ExecutorPool(supply) as pool:
            first = await pool.take()
            pool.give(first)
            assert await pool.take() is first
            pool.give(first)
        assert [executor.closed for executor in supply.made] == [True]

    asyncio.run(story())


def test_an_idle_executor_is_given_back() -> None:
    async def story() -> None:
        supply = Supply()
        async with ExecutorPool(supply, idle_seconds=0.0) as pool:
            pool.give(await pool.take())
            await supply.made[0].closing.wait()
            await pool.take()
            assert len(supply.made) == 2

    asyncio.run(story())


def test_no_more_executors_than_allowed_are_open_at_once() -> None:
    async def story() -> None:
        supply = Supply()
        async with ExecutorPool(supply, size=2) as pool:
            first, _ = await pool.take(), await pool.take()
            third = asyncio.create_task(pool.take())
            await asyncio.sleep(0)
            assert not third.done()
            pool.give(first)
            assert await third is first
            assert len(supply.made) == 2

    asyncio.run(story())


def test_a_dropped_executor_is_closed_and_replaced() -> None:
    async def story() -> None:
        supply = Supply()
        async with ExecutorPool(supply) as pool:
            first = await pool.take()
            pool.drop(first)
            assert await pool.take() is not first
        assert supply.made[0].closed

    asyncio.run(story())


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_waiting_does_not_use_seconds_and_overlapping_waits_count_once() -> None:
    clock = Clock()
    allowance = Allowance(Budget(seconds=10), clock)
    clock.now = 2
    with allowance.waiting():
        clock.now = 50
        with allowance.waiting():
            clock.now = 100
        assert allowance.seconds_left() == 8
        clock.now = 200
    clock.now = 203
    assert allowance.left().seconds == 5


def test_a_pause_may_end_some_time_ago() -> None:
    clock = Clock()
    allowance = Allowance(Budget(seconds=100), clock)
    began = allowance.pause()
    clock.now = 50
    assert allowance.resume(began, seconds_ago=20) == 30
    assert allowance.seconds_left() == 80


def test_a_pause_that_ended_some_time_ago_takes_nothing_from_another() -> None:
    clock = Clock()
    allowance = Allowance(Budget(seconds=100), clock)
    model = allowance.pause()
    executor = allowance.pause()
    clock.now = 40
    allowance.resume(executor)
    clock.now = 50
    allowance.resume(model, seconds_ago=30)
    assert allowance.seconds_left() == 90


def test_each_budget_says_when_it_is_spent() -> None:
    clock = Clock()
    allowance = Allowance(Budget(seconds=10, steps=1, tokens=5), clock)
    allowance.step()
    with pytest.raises(BudgetSpent, match="1 steps"):
        allowance.step()
    allowance.used += Tokens(prompt=3, completion=2)
    allowance.check()
    with pytest.raises(BudgetSpent, match="5 tokens"):
        allowance.check(tokens=True)
    clock.now = 10
    with pytest.raises(BudgetSpent, match="10 seconds"):
        allowance.check()
