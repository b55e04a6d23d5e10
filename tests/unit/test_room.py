"""Room for uploads: never more than there is, nobody is passed for ever, and nobody has it all."""

from __future__ import annotations

import asyncio

import pytest

from grading.room import Room, Shares


async def visit(room: Room, size: int, held: list[int], most: list[int], order: list[int]) -> None:
    async with room.hold(size):
        held.append(size)
        order.append(size)
        most.append(sum(held))
        await asyncio.sleep(0)
        held.remove(size)


def visits(sizes: list[int]) -> tuple[int, list[int]]:
    """The most that was held at once in a room of 10, and who came in after whom."""

    async def story() -> tuple[int, list[int]]:
        room, held, most, order = Room(10), [], [], []  # type: ignore[var-annotated]
        await asyncio.gather(*(visit(room, size, held, most, order) for size in sizes))
        return max(most), order

    return asyncio.run(story())


def test_never_more_is_held_than_there_is() -> None:
    assert visits([4] * 9)[0] == 8


def test_a_large_one_is_not_passed_by_small_ones() -> None:
    sizes = [3, 3, 9, 1, 1]
    assert visits(sizes)[1] == sizes


def test_what_is_larger_than_the_room_has_it_alone() -> None:
    assert visits([3, 50, 3])[1] == [3, 50, 3]


async def failing(room: Room) -> None:
    async with room.hold(10):
        raise ZeroDivisionError


def test_room_is_given_back_by_who_fails_and_by_who_gives_up_waiting() -> None:
    async def story() -> None:
        room = Room(10)
        async with room.hold(1):
            waiting = asyncio.create_task(visit(room, 10, [], [], []))
            await asyncio.sleep(0)
            waiting.cancel()
        with pytest.raises(ZeroDivisionError):
            await failing(room)
        await visit(room, 10, [], [], [])

    asyncio.run(asyncio.wait_for(story(), 10))


def test_a_caller_has_its_share_and_others_have_theirs() -> None:
    async def story() -> list[str]:
        shares, order = Shares(1), []  # type: ignore[var-annotated]

        async def call(who: str, name: str) -> None:
            async with shares.turn(who):
                order.append(f"{name} begins")
                await asyncio.sleep(0)
                order.append(f"{name} ends")

        await asyncio.gather(call("a", "first"), call("a", "second"), call("b", "other"))
        return order

    order = asyncio.run(story())
    assert order.index("other begins") < order.index("first ends") < order.index("second begins")
