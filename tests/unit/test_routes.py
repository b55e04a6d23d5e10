"""Which replica answers a session, and how the table of them changes."""

from __future__ import annotations

import asyncio

import pytest

from serve.gateway.routes import RouteTable, Target
from serve.refusal import Refusal


def target(name: str) -> Target:
    return Target(url=f"http://{name}/v1", replica=name)


FOUR = [target(name) for name in "abcd"]
SESSIONS = [f"trial-{number}" for number in range(400)]


def spread(table: RouteTable) -> dict[str, str]:
    return {session: table.pick("m", session).replica for session in SESSIONS}


def test_a_session_stays_at_one_replica_whatever_the_order_of_the_list() -> None:
    assert spread(RouteTable({"m": FOUR})) == spread(RouteTable({"m": FOUR[::-1]}))


def test_sessions_spread_over_all_replicas() -> None:
    found = list(spread(RouteTable({"m": FOUR})).values())
    assert all(60 <= found.count(name) <= 140 for name in "abcd")


def test_losing_a_replica_moves_its_sessions_alone() -> None:
    table = RouteTable({"m": FOUR})
    before = spread(table)
    table.set("m", FOUR[1:])
    after = spread(table)
    assert {session for session in SESSIONS if before[session] != after[session]} == {
        session for session in SESSIONS if before[session] == "a"
    }


def test_a_replica_to_avoid_is_avoided_where_there_is_another() -> None:
    table = RouteTable({"m": FOUR[:2]})
    assert {table.pick("m", session, {"a"}).replica for session in SESSIONS} == {"b"}
    assert table.pick("m", "t", {"a", "b"}).replica in "ab"


def test_a_model_that_is_not_deployed_is_404_and_one_that_starts_503() -> None:
    table = RouteTable({"m": []})
    with pytest.raises(Refusal) as starting:
        table.pick("m", "t")
    with pytest.raises(Refusal) as missing:
        table.pick("n", "t")
    assert (starting.value.status, starting.value.retry_after > 0, missing.value.status) == (503, True, 404)


def test_a_change_wakes_who_waits_for_one() -> None:
    async def run() -> bool:
        table = RouteTable()
        waiting = asyncio.ensure_future(table.changed(1000.0))
        await asyncio.sleep(0)
        table.replace({"m": FOUR})
        await asyncio.wait_for(waiting, 10)
        return table.models() == ("m",)

    assert asyncio.run(run())


def test_the_same_table_again_is_no_change() -> None:
    async def run() -> None:
        table = RouteTable({"m": FOUR})
        waiting = asyncio.ensure_future(table.changed(0.05))
        await asyncio.sleep(0)
        table.replace({"m": FOUR})
        await asyncio.sleep(0)
        assert not waiting.done()
        await waiting

    asyncio.run(run())


def test_before_anybody_has_looked_every_model_may_be_there() -> None:
    async def run() -> tuple[int, int]:
        table = RouteTable(seen=False)
        with pytest.raises(Refusal) as before:
            table.pick("m", "t")
        looking = asyncio.ensure_future(table.first_look(1000.0))
        await asyncio.sleep(0)
        table.replace({})
        await asyncio.wait_for(looking, 10)
        with pytest.raises(Refusal) as after:
            table.pick("m", "t")
        return before.value.status, after.value.status

    assert asyncio.run(run()) == (503, 404)
