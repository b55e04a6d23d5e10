"""The ledger: one grade a trial for ever, written before it is told, whatever dies meanwhile."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grading.ledger import Ledger, Row
from podium.errors import InfrastructureFailure, Unavailable, UserError
from tests.unit.grading_site import MOMENT, grade


def row(trial: str = "trial", digest: str | None = "d", score: float | None = 0.1 + 0.2, reason: str = "") -> Row:
    return Row(
        trial_id=trial,
        sweep_id="s",
        run_group="g",
        task="small",
        digest=digest,
        reason=reason,
        graded_at=MOMENT,
        grade=grade(trial, digest, score),
    )


def lines(folder: Path) -> list[str]:
    return (folder / "ledger.jsonl").read_text().splitlines()


def test_the_first_answer_stands_for_the_same_digest(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        first = ledger.record(row(score=0.5))
        assert ledger.record(row(score=0.9)) == first
        assert ledger.find("trial", "d") == first
    assert len(lines(tmp_path)) == 1


def test_the_answer_is_the_same_to_the_byte_after_a_restart(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        before = ledger.record(row()).grade.model_dump_json()
    with Ledger(tmp_path) as ledger:
        found = ledger.find("trial", "d")
        assert found is not None
        assert found.grade.model_dump_json() == before
        assert ledger.rows("g") == lines(tmp_path)


def test_another_digest_is_refused_before_and_after_a_restart(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.record(row())
        with pytest.raises(UserError, match="graded once"):
            ledger.record(row(digest="e"))
    with Ledger(tmp_path) as ledger, pytest.raises(UserError, match="graded once"):
        ledger.find("trial", None)


def test_a_second_look_stands_beside_the_first_with_its_reason(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.record(row(score=0.5))
        again = ledger.record(row(score=0.7, reason="the metric was wrong"))
        assert again.grade.score == 0.7
        assert ledger.record(row(score=0.9, reason="the metric was wrong")) == again
        first = ledger.find("trial", "d")
        assert first is not None
        assert first.grade.score == 0.5
    assert len(lines(tmp_path)) == 2


def test_what_was_never_graded_cannot_be_graded_again(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger, pytest.raises(UserError, match="never graded"):
        ledger.record(row(reason="why not"))


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_a_half_last_line_is_cut_off_and_the_trial_graded_anew(tmp_path: Path, cut: int) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.record(row("one"))
        ledger.record(row("two"))
    file = tmp_path / "ledger.jsonl"
    file.write_bytes(file.read_bytes()[:-cut])
    with Ledger(tmp_path) as ledger:
        assert ledger.find("two", "d") is None
        ledger.record(row("two"))
    with Ledger(tmp_path) as ledger:
        assert len(ledger.rows("g")) == 2


def test_a_damaged_line_is_named_and_nothing_is_answered(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text("{}\n")
    with pytest.raises(Unavailable, match="Line 1 of the ledger"):
        Ledger(tmp_path)
    (tmp_path / "ledger.jsonl").unlink()
    Ledger(tmp_path, wait=0).close()


def test_two_graders_cannot_hold_one_ledger(tmp_path: Path) -> None:
    with Ledger(tmp_path), pytest.raises(Unavailable, match="Another grader"):
        Ledger(tmp_path, wait=0)
    Ledger(tmp_path, wait=0).close()


def test_a_grader_waits_for_its_predecessor_to_let_go(tmp_path: Path) -> None:
    first, opened = Ledger(tmp_path), threading.Event()

    def open_second() -> None:
        Ledger(tmp_path, wait=30).close()
        opened.set()

    second = threading.Thread(target=open_second)
    second.start()
    assert not opened.wait(0.1)
    first.close()
    assert opened.wait(30)
    second.join()


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_gives_no_answer_and_leaves_no_half_row(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.record(row("one"))
        size = (tmp_path / "ledger.jsonl").stat().st_size
        with disk_of(size + 20), pytest.raises(InfrastructureFailure, match="cannot be written"):
            ledger.record(row("two"))
        assert ledger.find("two", "d") is None
        assert (tmp_path / "ledger.jsonl").stat().st_size == size
        ledger.record(row("two"))


def test_many_who_ask_at_once_get_one_answer(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        barrier, answers = threading.Barrier(8), []

        def ask(score: float) -> None:
            barrier.wait()
            answers.append(ledger.record(row(score=score)))

        threads = [threading.Thread(target=ask, args=(score / 10,)) for score in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers)
    assert len(lines(tmp_path)) == 1


def test_only_the_owner_reads_the_ledger(tmp_path: Path) -> None:
    with Ledger(tmp_path / "new") as ledger:
        assert ledger.file.stat().st_mode & 0o777 == 0o600
        assert ledger.file.parent.stat().st_mode & 0o777 == 0o700
