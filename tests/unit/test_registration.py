"""Who is let in to `/validate`, and what of it is left after a restart."""

from __future__ import annotations

import stat
from pathlib import Path

from grading.registration import Registrations, one_key, open_door
from podium.keys import key_hash
from tests.unit.grading_site import task


def test_a_key_is_let_in_for_its_task_and_named_by_its_hash_alone(tmp_path: Path) -> None:
    doors = Registrations(tmp_path)
    doors.register(key_hash("key"), task())
    caller = doors.admit("key")
    assert caller is not None
    assert (caller.who, caller.task) == (key_hash("key")[:16], task())
    assert doors.admit("") is None


def test_a_forgotten_key_is_unknown_also_after_a_restart(tmp_path: Path) -> None:
    before = Registrations(tmp_path)
    for key in ("kept", "gone"):
        before.register(key_hash(key), task())
    before.forget(key_hash("gone"))
    with (tmp_path / "registrations.jsonl").open("a") as file:
        file.write('{"half a li')
    Registrations(tmp_path)
    after = Registrations(tmp_path)
    assert after.admit("gone") is None
    kept = after.admit("kept")
    assert kept is not None
    assert kept.task == task()


def test_the_file_of_keys_is_its_owners_alone(tmp_path: Path) -> None:
    Registrations(tmp_path)
    assert stat.S_IMODE((tmp_path / "registrations.jsonl").stat().st_mode) == 0o600


def test_one_key_lets_in_who_shows_it(tmp_path: Path) -> None:
    door = one_key("key", None)
    assert door("key") is not None
    assert door("another") is None
    assert door("") is None


def test_an_open_door_lets_anyone_in() -> None:
    caller = open_door(task())("")
    assert caller is not None
    assert caller.task == task()
