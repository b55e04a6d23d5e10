"""scripts/mlebench-prepare.sh: the commands that it runs, with programs in place of git, Python and the benchmark that
write down what they are asked. The benchmark itself was not run: its package is on no index.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from podium.settings import CHECKOUT
from tasks.preparing import NotPrepared

SCRIPT = CHECKOUT / "scripts" / "mlebench-prepare.sh"
RECORD = """#!/bin/sh
echo "$(basename "$0") $*" >> "$RECORD"
"""
PYTHON = (
    RECORD
    + """mkdir -p "$3/bin"
cp "$STANDINS/git" "$3/bin/python"
cp "$STANDINS/mlebench" "$3/bin/mlebench"
"""
)
MLEBENCH = RECORD + '[ "$3" != broken ]\n'


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("git", RECORD), ("python3.11", PYTHON), ("mlebench", MLEBENCH)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (tmp_path / "data").mkdir()
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "STANDINS": str(programs),
        "RECORD": str(tmp_path / "record"),
    }


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    folder = environment["HOME"]
    return subprocess.run(
        ["sh", str(SCRIPT), *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def recorded(environment: dict[str, str]) -> list[str]:
    return Path(environment["RECORD"]).read_text().splitlines()


def test_the_benchmark_is_installed_apart_and_prepares_each_one(environment: dict[str, str], tmp_path: Path) -> None:
    done = run(environment, "data", "leaf-classification", "aerial-cactus-identification")
    assert done.returncode == 0, done.stderr
    place = tmp_path / ".cache/podium/mlebench"
    assert recorded(environment) == [
        f"git clone --quiet https://github.com/openai/mle-bench {place}/source",
        f"git -C {place}/source checkout --quiet 783b15a",
        f"python3.11 -m venv {place}/venv",
        f"python -m pip install --quiet --editable {place}/source",
        f"mlebench prepare -c leaf-classification --data-dir {tmp_path}/data",
        f"mlebench prepare -c aerial-cactus-identification --data-dir {tmp_path}/data",
    ]


def test_a_second_call_installs_nothing(environment: dict[str, str]) -> None:
    run(environment, "data", "leaf-classification")
    Path(environment["RECORD"]).unlink()
    run(environment, "data", "leaf-classification")
    assert [line.split()[0] for line in recorded(environment)] == ["mlebench"]


def test_one_failure_holds_no_other_up_and_is_said(environment: dict[str, str]) -> None:
    done = run(environment, "data", "broken", "leaf-classification")
    assert done.returncode == 1
    assert "Not prepared: broken" in done.stderr
    assert recorded(environment)[-1].startswith("mlebench prepare -c leaf-classification")


@pytest.mark.parametrize("words", [[], ["data"], ["nowhere", "leaf-classification"]])
def test_too_few_words_or_no_folder_is_a_sentence_and_nothing_runs(
    environment: dict[str, str], words: list[str]
) -> None:
    done = run(environment, *words)
    assert done.returncode == 1
    assert done.stderr
    assert not Path(environment["RECORD"]).exists()


def test_the_command_can_be_typed_from_anywhere_whatever_the_folder_is_called() -> None:
    script, *words = shlex.split(NotPrepared("AI4Code", "/my data").remedy.removeprefix("Type: "))
    assert Path(script).is_absolute()
    assert os.access(script, os.X_OK)
    assert words == ["/my data", "AI4Code"]
