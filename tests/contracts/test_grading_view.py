"""The grading actor's view for real, without Ray: what a process in it sees, and that the jail nests in it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grading.view import View, command, interpreter
from podium.settings import CHECKOUT
from tests.contracts import jails

PROGRAM = """
import json, sys
from pathlib import Path
from containers.backends import backend
from containers.sandbox import SandboxSpec
from podium.spec import Limits

told = json.loads(sys.argv[1])

def writes(folder):
    try:
        (Path(folder) / "trace").touch()
    except OSError:
        return False
    return True

limits = Limits(memory_mb=128, disk_mb=8, file_mb=4, files=64, processes=16)
look = f"from pathlib import Path; print([p for p in {told['paths']!r} if Path(p).exists()])"
with backend(told["jail"]).open(SandboxSpec(limits=limits, scratch=Path(told["scratch"]))) as sandbox:
    inside = sandbox.execute(look).output.strip()
print(json.dumps({
    "seen": [path for path in told["paths"] if Path(path).exists()],
    "written": [folder for folder in told["folders"] if writes(folder)],
    "seen in the jail": inside,
}))
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Outside /tmp, which the view hides by itself."""
    with tempfile.TemporaryDirectory(prefix="podium-view-", dir="/var/tmp") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def seen(jail: str, folder: Path) -> dict[str, Any]:
    python, prefixes = interpreter()
    for name in ("data", "private", "ledger", "ray", "runs", "workspaces"):
        (folder / name).mkdir()
        (folder / name / "file").touch()
    (folder / "token").touch()
    view = View(
        data=folder / "data",
        private=folder / "private",
        ledger=folder / "ledger",
        scratch=jails.scratch(),
        code=CHECKOUT,
        temp_dir=folder / "ray",
        token_path=folder / "token",
        python=python,
        prefixes=prefixes,
    )
    told = {
        "paths": [str(folder / name / "file") for name in ("data", "private", "ledger", "ray", "runs", "workspaces")],
        "folders": [str(folder / name) for name in ("data", "private", "ledger", "runs")] + [str(CHECKOUT), "/usr"],
        "jail": jail,
        "scratch": str(view.scratch),
    }
    # As Ray does it: the text, then the worker's arguments, through bash.
    text = f'{command(view, root=os.getuid() == 0)} "$@"'
    done = subprocess.run(
        ["bash", "-c", text, "bash", "-c", PROGRAM, json.dumps(told)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_it_sees_the_data_the_answers_the_ledger_and_rays_folder_alone(seen: dict[str, Any], folder: Path) -> None:
    assert seen["seen"] == [str(folder / name / "file") for name in ("data", "private", "ledger", "ray")]


def test_it_writes_the_ledger_alone(seen: dict[str, Any], folder: Path) -> None:
    assert seen["written"] == [str(folder / "ledger")]


def test_a_jail_nests_in_it_and_sees_nothing_of_it(seen: dict[str, Any]) -> None:
    assert seen["seen in the jail"] == "[]"
