"""`submission.jsonl` out of a run group, ours or MLE-bench's, and in again line by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jobs import entries, report
from jobs.entries import read_entries
from jobs.make_submission import make_submission
from podium.errors import UserError
from tests.unit.synthetic import write_sweep

UUID = "3f0c2a6e-8f2e-4f3e-9d1b-0c5a7c1d2e3f"


def run(*words: object) -> Result:
    return CliRunner().invoke(make_submission, [str(word) for word in words])


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def theirs(folder: Path) -> Path:
    """A run group as MLE-bench leaves it: one run with all files, one with none."""
    group = folder / "2024-10-09T12-00-00-GMT_run-group_dummy"
    full, bare = (group / f"{name}_{UUID}" for name in ("spaceship-titanic", "spooky-author-identification"))
    for name in ("submission/submission.csv", "logs/agent.log", "code/train.py", "code/other.py"):
        (full / name).parent.mkdir(parents=True, exist_ok=True)
        (full / name).write_text("")
    bare.mkdir()
    metadata = {"run_group": group.name, "created_at": "x", "runs": {full.name: {"success": True}, bare.name: {}}}
    (group / "metadata.json").write_text(json.dumps(metadata, indent=4))
    return group


def test_a_run_group_of_mle_bench_has_a_line_a_run(tmp_path: Path) -> None:
    group, output = theirs(tmp_path), tmp_path / "out" / "submission.jsonl"
    done = run("--metadata", group / "metadata.json", "--output", output)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"{output}: 2 runs, 1 with a submission\n")
    full = group / f"spaceship-titanic_{UUID}"
    assert lines(output) == [
        {
            "competition_id": "spaceship-titanic",
            "submission_path": str(full / "submission" / "submission.csv"),
            "logs_path": str(full / "logs" / "agent.log"),
            "code_path": str(full / "code" / "train.py"),
        },
        {
            "competition_id": "spooky-author-identification",
            "submission_path": None,
            "logs_path": None,
            "code_path": None,
        },
    ]


def test_log_and_code_may_have_other_names(tmp_path: Path) -> None:
    group, output = theirs(tmp_path), tmp_path / "submission.jsonl"
    words = ["--rel-log-path", "logs/journal.json", "--rel-code-path", "code/other.py"]
    assert run("--metadata", group / "metadata.json", "--output", output, *words).exit_code == 0
    first = lines(output)[0]
    assert first["logs_path"] is None
    assert first["code_path"].endswith("code/other.py")


def test_a_folder_of_logs_is_told_too(tmp_path: Path) -> None:
    group, output = theirs(tmp_path), tmp_path / "submission.jsonl"
    assert run("--metadata", group / "metadata.json", "--output", output, "--rel-log-path", "logs").exit_code == 0
    assert lines(output)[0]["logs_path"].endswith("/logs")


def test_without_a_name_it_is_written_into_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = theirs(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run("--metadata", group / "metadata.json").exit_code == 0
    assert len(lines(tmp_path / "submission.jsonl")) == 2


def test_a_run_group_of_ours_has_its_tasks_own_ids(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path)
    group, output = sweep.group("aide"), tmp_path / "submission.jsonl"
    handed_in = next(group.trials()).path / "submission" / "submission.csv"
    handed_in.write_text("id,y\n")
    assert run("--metadata", group.metadata_file, "--output", output).exit_code == 0
    found = lines(output)
    assert [line["competition_id"] for line in found] == ["digits", "digits", "wine", "wine"]
    assert sum(line["submission_path"] is not None for line in found) == 1
    assert Path(found[0]["submission_path"]).samefile(handed_in)


def test_the_report_leaves_the_same_lines_in_the_run_group(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path)
    report.write(sweep)
    group, output = sweep.group("sample"), tmp_path / "submission.jsonl"
    assert run("--metadata", group.metadata_file, "--output", output).exit_code == 0
    assert sorted(map(str, lines(output))) == sorted(map(str, lines(group.path / entries.FILE)))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file"),
        ("{", "is not JSON"),
        ("{}", "no object `runs`"),
        ('{"runs": {"../x": {}}}', "'../x'"),
        ('{"runs": {"..": {}}}', "'..'"),
        ('{"runs": {"": {}}}', "''"),
    ],
)
def test_metadata_that_are_none_are_said(tmp_path: Path, content: str | None, told: str) -> None:
    file, output = tmp_path / "metadata.json", tmp_path / "submission.jsonl"
    if content is not None:
        file.write_text(content)
    done = run("--metadata", file, "--output", output)
    assert isinstance(done.exception, UserError)
    assert told in str(done.exception)
    assert not output.exists()


def jsonl(folder: Path, content: bytes) -> Path:
    file = folder / "submission.jsonl"
    file.write_bytes(content)
    return file


def test_comments_blank_lines_and_other_keys_are_passed_over(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf# mine\n\n// too\r\n  {"competition_id": "a", "submission_path": null, "x": [1]}\r\n'
    content += b'{"competition_id": "b", "submission_path": "b.csv"}'
    found = [(entry.competition_id, entry.submission_path) for entry in read_entries(jsonl(tmp_path, content))]
    assert found == [("a", None), ("b", "b.csv")]


def test_a_list_of_a_size_that_no_list_has_is_not_read_to_its_end(tmp_path: Path) -> None:
    file = jsonl(tmp_path, b"")
    with file.open("wb") as opened:
        opened.truncate(entries.MOST_BYTES + 1)
    with pytest.raises(UserError, match="larger than 64 MiB"):
        read_entries(file)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'# x\n{"competition_id": "a", "submission_path": null}\n{oops\n', "Line 3 of .* is not JSON"),
        (b"[1]\n", "Line 1 of .* is no JSON object"),
        (b'\n{"competition_id": "a"}\n', "Line 2 of .*submission_path: Field required"),
        (b'{"submission_path": "a.csv"}\n', "competition_id: Field required"),
        (b'{"competition_id": "a", "submission_path": 7}\n', "Line 1 of .*submission_path"),
        (b"# nothing\n", "names no submission"),
        (b"\xff\xfe\n", "is not UTF-8"),
    ],
)
def test_a_broken_line_is_named_by_its_number(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(UserError, match=told):
        read_entries(jsonl(tmp_path, content))
