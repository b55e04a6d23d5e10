"""The store of a recording: one form for one question, one file for one body, and nothing half there."""

from __future__ import annotations

import gzip
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.files import read_lines
from podium.records import now
from serve.refusal import Refusal
from serve.tapes.recording import ROWS_FILE, Recording, Row, canonical, digest_of, shape_of
from serve.tapes.unrecorded import first_difference
from tests.unit.taping import CHAT, request

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
OBJECTS = st.dictionaries(st.sampled_from(["messages", "seed", "tools", "stream", "stop", "x"]), JSON, max_size=4)


def row(text: str, number: int = 0) -> Row:
    digest = digest_of(text.encode())
    return Row(
        coordinate="wine/0", trial_id="t", take=0, model="m", path=CHAT, n=number, request=digest, shape=digest,
        answer=digest, status=200, content_type="application/json", at=now(),
    )  # fmt: skip


def bodies(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != ROWS_FILE]


@given(OBJECTS, st.randoms())
def test_the_order_of_keys_asks_nothing_else(asked: dict[str, Any], random: Any) -> None:
    keys = list(asked)
    random.shuffle(keys)
    assert canonical({key: asked[key] for key in keys}) == canonical(asked)


@given(OBJECTS)
def test_the_canonical_form_of_the_canonical_form_is_itself(asked: dict[str, Any]) -> None:
    once = canonical(asked)
    assert canonical(json.loads(once.decode("utf-8", "surrogatepass"))) == once


@given(OBJECTS, st.text(), st.text())
def test_whom_one_asks_and_how_usage_is_told_asks_nothing_else(asked: dict[str, Any], model: str, name: str) -> None:
    options = {"include_usage": True}
    assert canonical({**asked, "model": model, "user": name, "stream_options": options}) == canonical(asked)


@given(OBJECTS, OBJECTS)
def test_requests_of_two_shapes_differ_somewhere(one: dict[str, Any], other: dict[str, Any]) -> None:
    old, new = (json.loads(canonical(asked).decode("utf-8", "surrogatepass")) for asked in (one, other))
    assert (first_difference(old, new) is not None) >= (shape_of(one) != shape_of(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"stream": True}, {}),
        ({"temperature": 0.5}, {"temperature": 0.7}),
        ({"seed": 1}, {"seed": 2}),
        ({"messages": [{"role": "user", "content": "a"}]}, {"messages": [{"role": "user", "content": "b"}]}),
        ({"stop": ["a", "b"]}, {"stop": ["b", "a"]}),
        ({"x": {"y": None}}, {"x": {}}),
    ],
)
def test_what_can_change_the_answer_is_part_of_the_question(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert canonical(one) != canonical(other)


def test_a_null_and_a_stream_that_is_false_are_as_not_given() -> None:
    assert canonical({"n": 1, "tools": None, "stream": False}) == canonical({"n": 1})


def test_half_of_a_surrogate_pair_can_be_kept(tmp_path: Path) -> None:
    asked = json.loads('{"messages": [{"role": "user", "content": "\\ud83d"}]}')
    assert Recording(tmp_path).put(canonical(asked)) == digest_of(canonical(asked))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Execution time: 1.2 seconds (of 600 allowed).", "Execution time: 11.9 seconds (of 600 allowed)."),
        ("Time left: 3412 seconds\nSteps left: 3", "Time left: 97 seconds\nSteps left: 3"),
        ("done in 35ms", "done in 1204ms"),
        ("at 2026-11-21 13:24:33,120", "at 2026-11-22 01:00:02,007"),
        ("10/10 [00:03<00:00, 2.98it/s]", "10/10 [00:11<00:00, 0.71it/s]"),
        ("<object at 0x7f1c2d3e4f50>", "<object at 0x55d0a1b2c3d0>"),
        ("/w/6f0c2a6e-8f2e-4f3e-9d1b-0c5a7c1d2e3f/x", "/w/12345678-8f2e-4f3e-9d1b-0c5a7c1d2e3f/x"),
    ],
)
def test_what_was_measured_does_not_change_a_requests_shape(one: str, other: str) -> None:
    assert shape_of(request(one)) == shape_of(request(other))
    assert canonical(request(one)) != canonical(request(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rmse 0.52", "rmse 0.53"),
        ("Steps left: 3", "Steps left: 2"),
        ("3 samples", "4 samples"),
        ("1234567890123 seconds", "1234567890124 seconds"),
    ],
)
def test_any_other_number_changes_a_requests_shape(one: str, other: str) -> None:
    assert shape_of(request(one)) != shape_of(request(other))


@pytest.mark.parametrize("text", ["9" * 1_000_000, "12:" * 300_000, "0x" * 500_000, "abcdef12-" * 100_000])
def test_no_text_makes_the_shape_slow(text: str) -> None:
    began = time.process_time()
    shape_of(request(text))
    assert time.process_time() - began < 5


def test_equal_bodies_lie_there_once(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    digests = {recording.put(text.encode()) for text in ("one", "two", "one", "two", "one")}
    assert len(digests) == len(bodies(tmp_path)) == 2


def test_a_body_that_lies_there_is_not_written_again(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    recording.put(b"one")
    before = bodies(tmp_path)[0].stat().st_ino
    recording.put(b"one")
    assert bodies(tmp_path)[0].stat().st_ino == before


def test_a_body_is_named_by_its_content_and_can_be_unpacked(tmp_path: Path) -> None:
    digest = Recording(tmp_path).put(b"what was said")
    assert digest == digest_of(b"what was said")
    assert gzip.decompress((tmp_path / digest[:2] / f"{digest}.gz").read_bytes()) == b"what was said"


def test_a_body_packs_to_the_same_bytes_each_time(tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        Recording(tmp_path / name).put(b"what was said" * 100)
        files.append(bodies(tmp_path / name)[0].read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize(
    "damage",
    [gzip.compress(b"something else"), gzip.compress(b"what was said")[:-12], b"no gzip", b""],
    ids=["another", "cut", "other-bytes", "empty"],
)
def test_a_damaged_body_is_refused_by_its_files_name(tmp_path: Path, damage: bytes) -> None:
    recording = Recording(tmp_path)
    digest = recording.put(b"what was said")
    file = bodies(tmp_path)[0]
    file.write_bytes(damage)
    with pytest.raises(Refusal) as refused:
        recording.get(digest)
    assert refused.value.code == "recording_damaged"
    assert str(file) in refused.value.message


def test_a_body_that_is_gone_is_refused_by_its_files_name(tmp_path: Path) -> None:
    recording = Recording(tmp_path)
    digest = recording.put(b"what was said")
    bodies(tmp_path)[0].unlink()
    with pytest.raises(Refusal, match=rf"{digest}\.gz"):
        recording.get(digest)


def test_a_line_that_a_death_cut_off_is_left_out_and_the_next_stands_alone(tmp_path: Path) -> None:
    Recording(tmp_path).add(row("a"))
    file = tmp_path / ROWS_FILE
    with file.open("ab") as opened:
        opened.write(file.read_bytes()[:50])
    recording = Recording(tmp_path)
    assert [found.n for found in recording.rows] == [0]
    recording.add(row("b", 1))
    assert [found.n for found in Recording(tmp_path).rows] == [0, 1]


def test_a_folder_without_a_recording_has_no_rows(tmp_path: Path) -> None:
    assert Recording(tmp_path / "none").rows == []


def test_many_threads_lose_no_line_and_no_body(tmp_path: Path) -> None:
    recording = Recording(tmp_path)

    def write(worker: int) -> None:
        for number in range(10):
            recording.put(f"shared {number}".encode())
            recording.put(f"{worker} {number}".encode())
            recording.add(row(f"{worker} {number}"))

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_lines(tmp_path / ROWS_FILE)) == len(Recording(tmp_path).rows) == 80
    assert len(bodies(tmp_path)) == 10 + 80
