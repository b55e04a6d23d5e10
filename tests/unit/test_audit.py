"""The audit log: lines that outlive their process, in files that stay bounded."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from grading.audit import Audit, Call
from tests.unit.grading_site import MOMENT


def call(message: str) -> Call:
    return Call(at=MOMENT, who="", task="small", status=200, valid=True, message=message, seconds=0.1)


def messages(file: Path) -> list[str]:
    return [json.loads(line)["message"] for line in file.read_text().splitlines()]


def test_a_line_is_in_the_file_before_the_log_is_closed(tmp_path: Path) -> None:
    with Audit(tmp_path) as audit:
        audit.write(call("first"))
        assert messages(tmp_path / "audit.jsonl") == ["first"]


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    with Audit(tmp_path / "made"):
        assert stat.S_IMODE((tmp_path / "made" / "audit.jsonl").stat().st_mode) == 0o600


def test_a_log_is_gone_on_with_and_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    with Audit(tmp_path) as audit:
        audit.write(call("first"))
    with (tmp_path / "audit.jsonl").open("a") as file:
        file.write('{"half a li')
    with Audit(tmp_path) as audit:
        audit.write(call("second"))
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert [json.loads(lines[0])["message"], json.loads(lines[2])["message"]] == ["first", "second"]


def test_a_full_file_gives_way_and_the_oldest_goes(tmp_path: Path) -> None:
    with Audit(tmp_path, file_bytes=300, kept=2) as audit:
        for number in range(5):
            audit.write(call(f"{number}" * 100))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit.1.jsonl", "audit.2.jsonl", "audit.jsonl"]
    kept = [messages(tmp_path / name)[0][0] for name in ("audit.jsonl", "audit.1.jsonl", "audit.2.jsonl")]
    assert kept == ["4", "3", "2"]
