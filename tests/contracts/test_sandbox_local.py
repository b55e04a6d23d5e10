"""The back end `local`: for debugging, no jail, and it says so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from containers.sandbox import Ended, Sandbox, SandboxSpec
from podium.settings import CHECKOUT
from tests.contracts import bait, bare, hostile, jails
from tests.contracts.bait import Bait
from tests.contracts.trap import LIMITS

GOES_THROUGH = ["file_by_path", "tcp_loopback", "abstract_socket", "host_facts", "kernel_surface", "other_trials"]


@pytest.fixture(scope="module")
def lure() -> Iterator[Bait]:
    """Bait for ourselves: `local` runs as the user that asks."""
    import os

    with bait.laid(bare.person(os.getuid(), os.getgid()), bait.new_secret(), [], [str(CHECKOUT)]) as laid:
        yield laid


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    data = tmp_path_factory.mktemp("data")
    (data / "train.csv").write_text("id,y\n1,2\n")
    backend, _ = jails.usable("local")
    with backend.open(SandboxSpec(limits=LIMITS, data=data, scratch=jails.scratch())) as sandbox:
        yield sandbox


def test_it_says_that_it_is_no_jail() -> None:
    _, probe = jails.usable("local")
    assert not probe.jail
    assert probe.unbounded


@pytest.mark.parametrize("name", GOES_THROUGH)
def test_it_holds_no_attack(local: Sandbox, lure: Bait, name: str) -> None:
    execution = local.execute(hostile.program(name, lure.told(jail=False, data=[])))
    assert hostile.verdict(execution.output).caught


def test_it_runs_a_program_and_copies_out_what_it_leaves(local: Sandbox) -> None:
    execution = local.execute(
        "import os\nprint(open('input/train.csv').read())\nos.makedirs('submission', exist_ok=True)\n"
        "open('submission/submission.csv', 'w').write('id\\n')\nos.symlink('/etc/passwd', 'link')"
    )
    assert execution.ended is Ended.OK, execution
    assert execution.output == "id,y\n1,2\n\n"
    assert execution.files == {"submission/submission.csv": b"id\n"}
    assert {entry.path for entry in execution.dropped} >= {"link"}


def test_it_ends_what_never_ends(local: Sandbox) -> None:
    assert local.execute("import time; time.sleep(60)", seconds=1).ended is Ended.TIMEOUT
    assert local.execute("print('next')").output == "next\n"


def test_it_names_an_exception_and_an_exit(local: Sandbox) -> None:
    execution = local.execute("raise ValueError('bad')")
    assert execution.ended is Ended.EXCEPTION
    assert execution.exception is not None
    assert execution.exception.type == "ValueError"
    assert local.execute("import sys; sys.exit(3)").exit_code == 3


def test_the_command_line_says_loudly_that_it_is_no_jail(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("print('ran')")
    command = [sys.executable, "-m", "podium", "sandbox", "exec", "--backend", "local", "program.py"]
    env = {"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, check=False)
    assert done.stdout == "ran\n"
    assert "no jail" in done.stderr.lower()
