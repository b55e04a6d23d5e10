"""Attempts to get out: each attack of `attacks/` goes through bare and is held by every jail."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from containers.sandbox import Ended
from podium.settings import CHECKOUT
from tests.contracts import bare, hostile, starters
from tests.contracts.trap import Trap

TAKES_THE_SECRET = [
    "abstract_socket",
    "environment_of_others",
    "file_by_hard_link",
    "file_by_path",
    "file_by_symbolic_link",
    "file_through_proc",
    "inherited_descriptors",
    "own_environment",
    "path_socket",
    "posix_shared_memory",
    "read_memory",
    "system_v",
    "tcp_host_address",
    "tcp_loopback",
    "udp",
]
"""Their catch holds the bait's secret."""
TAKES_ANYTHING = [
    "host_facts",
    "kernel_surface",
    "nested_namespaces",
    "old_system_calls",
    "other_trials",
    "route_out",
    "scheduler",
    "setuid_programs",
    "signal_others",
    "socket_families",
    "tamper_with_others",
    "write_read_only",
]
NEEDS_ROOT = ["device_folder", "devices", "kernel_settings", "mounts"]
"""Bare, only root gets through: a jail that root started must hold them all the same."""
NEEDS_A_STARTER = ["session_keyring", "terminal_injection"]
"""What they take hangs on how the sandbox was started: they go through the command line."""


def test_every_attack_is_asked() -> None:
    assert sorted(TAKES_THE_SECRET + TAKES_ANYTHING + NEEDS_ROOT + NEEDS_A_STARTER) == hostile.names()


@pytest.mark.parametrize("name", TAKES_THE_SECRET)
def test_an_attack_takes_the_secret_where_nothing_holds_it(trap: Trap, name: str) -> None:
    if name == "tcp_host_address" and not trap.bait.addresses:
        pytest.skip("this host has no address but loopback")
    assert trap.bait.secret in trap.bare(name).caught


@pytest.mark.parametrize("name", TAKES_ANYTHING)
def test_an_attack_goes_through_where_nothing_holds_it(trap: Trap, name: str) -> None:
    if name == "route_out" and not trap.bait.interfaces:
        pytest.skip("this host has no interface but loopback")
    if name in ("old_system_calls", "kernel_surface") and platform.machine() != "x86_64":
        pytest.skip("its numbers are those of x86-64")
    if name == "scheduler" and len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this host has one processor")
    assert trap.bare(name).caught


@pytest.mark.parametrize("name", NEEDS_ROOT)
def test_an_attack_goes_through_as_root_where_nothing_holds_it(trap: Trap, name: str) -> None:
    if os.getuid() != 0:
        pytest.skip("bare, it needs root, which we are not")
    assert trap.bare(name, bare.person(0, 0)).caught


@pytest.mark.parametrize("name", TAKES_THE_SECRET + TAKES_ANYTHING + NEEDS_ROOT)
def test_a_jail_holds_the_attack(trap: Trap, name: str) -> None:
    execution = trap.attack(name)
    assert hostile.verdict(execution.output).caught == ""
    assert trap.bait.secret not in execution.output
    assert execution.ended is Ended.OK


def test_a_shared_memory_name_made_inside_is_not_seen_outside(trap: Trap) -> None:
    name = f"inside-{trap.bait.token}"
    program = (
        "import time\nfrom multiprocessing import shared_memory\n"
        f"piece = shared_memory.SharedMemory({name!r}, create=True, size=64)\n"
        "print('made', flush=True)\ntime.sleep(0.3)\npiece.close()\npiece.unlink()\n"
    )
    seen = starters.watched(lambda: trap.sandbox.execute(program), lambda: Path(f"/dev/shm/{name}").exists())
    assert "made" in seen.result.output
    assert not seen.ever
    controlled = starters.watched(
        lambda: bare.run(program, trap.person, home=trap.bait.home), lambda: Path(f"/dev/shm/{name}").exists()
    )
    assert controlled.ever


@pytest.mark.parametrize("name", NEEDS_A_STARTER)
def test_an_attack_goes_through_from_such_a_starter(trap: Trap, name: str, tmp_path: Path) -> None:
    if name == "terminal_injection" and not starters.terminals_take_input():
        pytest.skip("this kernel refuses TIOCSTI to everyone (dev.tty.legacy_tiocsti = 0)")
    file = trap.bait.home / f"{name}.py"
    file.write_text(hostile.program(name, trap.bait.told(jail=False, data=[])))
    printed = starters.start(name, [trap.person.python, str(file)], trap.bait, trap.person)
    assert hostile.verdict(printed).caught


@pytest.mark.parametrize("name", NEEDS_A_STARTER)
def test_a_jail_started_from_there_holds_the_attack(trap: Trap, name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.py"
    file.write_text(hostile.program(name, trap.bait.told(jail=True, data=[])))
    command = [sys.executable, "-m", "podium", "sandbox", "exec", "--backend", trap.name, str(file)]
    printed = starters.start(name, command, trap.bait, bare.person(os.getuid(), os.getgid()))
    assert hostile.verdict(printed).caught == ""


@pytest.mark.parametrize("name", ["inherited_descriptors", "own_environment", "file_by_path", "tcp_loopback"])
def test_the_command_line_holds_the_attack(trap: Trap, name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.py"
    file.write_text(hostile.program(name, trap.bait.told(jail=True, data=[])))
    done = subprocess.run(
        [sys.executable, "-m", "podium", "sandbox", "exec", "--backend", trap.name, str(file)],
        capture_output=True,
        text=True,
        pass_fds=trap.descriptors,
        env={**trap.environment, "PYTHONPATH": str(CHECKOUT)},
        cwd=trap.bait.home,
        check=False,
    )
    assert hostile.verdict(done.stdout).caught == ""
    assert done.returncode == 0, done.stderr
