"""`podium grade` and `grade-sample` do what the benchmark's commands did: return code, report and files.

Two of the recorded cases are deliberately another way here: a ragged file is an invalid submission, neither a crash
nor the end of its batch; and the report is on stdout, where the benchmark logs it on stderr.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs import cli
from podium.state import STATE_VARIABLE

ORACLE = Path(__file__).resolve().parent.parent / "oracle"
SPACESHIP, SPOOKY = "spaceship-titanic", "spooky-author-identification"


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (ORACLE / name).read_text(encoding="utf-8").splitlines()]


CASES = {case["case"]: case for case in lines("cli_cases.jsonl")}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory as the benchmark lays it out, with the recorded answers and submissions beside them."""
    folder = tmp_path_factory.mktemp("data")
    for found in lines("answers.jsonl"):
        if found["competition_id"] in (SPACESHIP, SPOOKY):
            private = folder / found["competition_id"] / "prepared" / "private"
            private.mkdir(parents=True)
            (private / found["answers_file"]).write_text(found["text"])
    names = {"noisy_reversed_rows": "noisy.csv", "ragged_csv": "ragged_csv.csv"}
    for case in lines("metric_cases.jsonl"):
        if case["competition_id"] in (SPACESHIP, SPOOKY) and case["case"] in names:
            (folder / case["competition_id"] / names[case["case"]]).write_text(case["submission_csv"])
    return folder


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int | str | None
    out: str
    err: str


@dataclass(frozen=True)
class Podium:
    """The `podium` command in this process; without a jail, for these files are ours."""

    capture: pytest.CaptureFixture[str]

    def __call__(self, *words: object) -> Done:
        with pytest.raises(SystemExit) as end:
            cli.run(arguments=[str(word) for word in words])
        said = self.capture.readouterr()
        return Done(end.value.code, said.out, said.err)

    def sample(self, path: object, competition: str, data_dir: object) -> Done:
        return self("grade-sample", path, competition, "--data-dir", data_dir, "--sandbox", "local")

    def batch(self, folder: Path, data_dir: Path, *rows: tuple[str, object], words: tuple[str, ...] = ()) -> Done:
        """Grade a JSONL of (competition, path); the report goes into `folder/made/out`."""
        text = "".join(
            json.dumps({"competition_id": name, "submission_path": path if path is None else str(path)}) + "\n"
            for name, path in rows
        )
        (folder / "mine.jsonl").write_text(text)
        files = ["--submission", folder / "mine.jsonl", "--output-dir", folder / "made" / "out"]
        return self("grade", *files, "--data-dir", data_dir, "--sandbox", "local", *words)


@pytest.fixture
def podium(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Podium:
    monkeypatch.setenv(STATE_VARIABLE, "/no/such/state.json")
    return Podium(capsys)


def reports(folder: Path) -> list[dict[str, Any]]:
    """The competition reports of the one file that lies in `folder/made/out`."""
    (file,) = (folder / "made" / "out").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-GMT_grading_report\.json", file.name)
    rows: list[dict[str, Any]] = json.loads(file.read_text())["competition_reports"]
    return rows


def recorded(case: str) -> str:
    """The report that the benchmark logged, as text."""
    return "{" + str(CASES[case]["stderr"]).split("Competition report:", 1)[1].split("{", 1)[1]


@pytest.mark.parametrize("case", ["grade-sample_valid", "grade-sample_missing_file", "grade-sample_lower_better"])
def test_a_graded_file_has_the_benchmarks_report(podium: Podium, case: str, data: Path) -> None:
    path, competition = (word.replace("<DATA_DIR>", str(data)) for word in CASES[case]["argv"][2:4])
    done = podium.sample(path, competition, data)
    assert done.code == CASES[case]["returncode"]
    made = re.search(r'"created_at": "(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?)"', done.out)
    assert made is not None
    theirs = re.sub(r'(?<="created_at": ")[^"]*', made[1], recorded(case).replace("<DATA_DIR>", str(data)))
    assert done.out == theirs


def test_a_path_is_reported_as_the_benchmark_reports_it(podium: Podium, data: Path) -> None:
    done = podium.sample("./no//such.csv", SPACESHIP, data)
    assert json.loads(done.out)["submission_path"] == "no/such.csv"


def test_data_that_are_not_prepared_are_a_sentence_where_the_benchmark_crashes(
    podium: Podium, data: Path, tmp_path: Path
) -> None:
    for folder in ("/nonexistent", tmp_path):
        done = podium.sample(data / SPACESHIP / "noisy.csv", SPACESHIP, folder)
        assert (done.code, done.out) == (CASES["grade-sample_not_prepared"]["returncode"], "")
        assert "--data-dir" in done.err
        assert "Traceback" not in done.err


def test_a_ragged_file_is_an_invalid_submission_where_the_benchmark_crashes(podium: Podium, data: Path) -> None:
    assert CASES["grade-sample_ragged"]["returncode"] == 1
    done = podium.sample(data / SPACESHIP / "ragged_csv.csv", SPACESHIP, data)
    assert done.code == 0
    report = json.loads(done.out)
    assert (report["score"], report["submission_exists"], report["valid_submission"]) == (None, True, False)
    assert "line 5" in done.err


def test_one_ragged_file_does_not_end_its_batch_as_it_does_in_the_benchmark(
    podium: Podium, data: Path, tmp_path: Path
) -> None:
    assert not CASES["grade_jsonl_one_ragged_kills_batch"]["report_written"]
    done = podium.batch(
        tmp_path, data, (SPACESHIP, data / SPACESHIP / "ragged_csv.csv"), (SPACESHIP, data / SPACESHIP / "noisy.csv")
    )
    assert (done.code, done.out) == (0, "")
    assert [row["score"] for row in reports(tmp_path)] == [None, 0.875]


def test_the_options_are_the_benchmarks(podium: Podium, data: Path) -> None:
    asked = re.findall(r"--[a-z-]+", CASES["grade_help"]["stdout"])
    done = podium("grade", "--help")
    assert done.code == CASES["grade_help"]["returncode"]
    assert set(asked) <= set(re.findall(r"--[a-z-]+", done.out))


def test_whatever_lies_at_a_path_becomes_a_row_with_its_reason(podium: Podium, data: Path, tmp_path: Path) -> None:
    (tmp_path / "submission.csv").mkdir()
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "answers.csv").symlink_to(data / SPACESHIP / "prepared" / "private" / "test.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(600 << 20)
    (tmp_path / "noisy.CSV").write_bytes((data / SPACESHIP / "noisy.csv").read_bytes())
    (tmp_path / "noisy.txt").write_bytes((data / SPACESHIP / "noisy.csv").read_bytes())
    names = ("submission.csv", "binary.csv", "empty.csv", "answers.csv", "pipe.csv", "large.csv", "noisy.txt", "no.csv")
    rows = [*((SPACESHIP, tmp_path / name) for name in names), (SPACESHIP, None), (SPACESHIP, tmp_path / "noisy.CSV")]
    done = podium.batch(tmp_path, data, *rows, words=("--json",))
    assert done.code == 0
    found = reports(tmp_path)
    assert [row["submission_exists"] for row in found] == [
        False, True, True, True, False, True, False, False, False, True,
    ]  # fmt: skip
    assert [row["score"] for row in found] == [None] * 9 + [0.875]
    assert found[8]["submission_path"] == "None"
    assert json.loads(done.out)["total_valid_submissions"] == 1
    told = done.err
    for word in ("is a directory", "link into the private data", "no regular file", "600.0 MiB", "ends in .csv"):
        assert word in told


def test_the_answers_themselves_may_be_graded_by_their_name(podium: Podium, data: Path) -> None:
    done = podium.sample(data / SPACESHIP / "prepared" / "private" / "test.csv", SPACESHIP, data)
    assert json.loads(done.out)["gold_medal"]


@pytest.mark.parametrize(("name", "told"), [("submission.csv", "is a directory"), ("large.csv", "MiB")])
def test_what_is_no_file_to_grade_is_a_sentence(
    podium: Podium, name: str, told: str, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "submission.csv").mkdir()
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(600 << 20)
    done = podium.sample(tmp_path / name, SPACESHIP, data)
    assert (done.code, done.out) == (1, "")
    assert told in done.err


def test_what_cannot_be_graded_is_left_out_and_the_rest_is_graded(podium: Podium, data: Path, tmp_path: Path) -> None:
    noisy = data / SPACESHIP / "noisy.csv"
    done = podium.batch(
        tmp_path, data, ("spaceship-titanc", noisy), ("random-acts-of-pizza", noisy), (SPACESHIP, noisy)
    )
    assert done.code == 2
    assert [row["competition_id"] for row in reports(tmp_path)] == [SPACESHIP]
    assert "Did you mean spaceship-titanic?" in done.err
    assert "podium prepare -c random-acts-of-pizza" in done.err
    assert "1 graded, 1 valid, 1 medals; 2 not graded" in done.err


def test_quiet_says_only_what_was_not_graded(podium: Podium, data: Path, tmp_path: Path) -> None:
    rows = (("spaceship-titanc", "x.csv"), (SPACESHIP, data / SPACESHIP / "noisy.csv"))
    done = podium.batch(tmp_path, data, *rows, words=("-q",))
    assert (done.code, done.out) == (2, "")
    assert "[1/2] spaceship-titanc: not graded" in done.err
    assert "[2/2]" not in done.err


def test_a_batch_of_which_nothing_can_be_graded_writes_nothing(podium: Podium, data: Path, tmp_path: Path) -> None:
    done = podium.batch(tmp_path, data, ("random-acts-of-pizza", "x.csv"))
    assert done.code == 1
    assert not (tmp_path / "made").exists()


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_graded(
    podium: Podium, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "made").write_text("a file")
    done = podium.batch(tmp_path, data, (SPACESHIP, data / SPACESHIP / "noisy.csv"))
    assert done.code == 1
    assert "No report can be written" in done.err
    assert "0.875" not in done.err


def test_strict_refuses_what_the_benchmark_lets_pass(podium: Podium, data: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide.csv"
    wide.write_text((data / SPACESHIP / "noisy.csv").read_text().replace("\n", ",0\n"))
    found = []
    for words in ((), ("--strict",)):
        folder = tmp_path / f"{len(words)}"
        folder.mkdir()
        podium.batch(folder, data, (SPACESHIP, wide), words=words)
        found.append(reports(folder)[0]["valid_submission"])
    assert found == [True, False]


def test_a_wrong_sandbox_is_said_and_nothing_is_graded(podium: Podium, data: Path) -> None:
    done = podium("grade-sample", "x.csv", SPACESHIP, "--data-dir", data, "--sandbox", "bublewrap")
    assert (done.code, done.out) == (1, "")
    assert "Did you mean bubblewrap?" in done.err
