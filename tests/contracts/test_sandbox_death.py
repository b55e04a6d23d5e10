"""Deaths: whoever of those that keep a sandbox is killed, nothing of it is left, and nobody waits for ever."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from containers.sandbox import SandboxSpec
from podium.errors import InfrastructureFailure
from podium.settings import CHECKOUT
from tests.contracts import jails, leftovers
from tests.contracts.leftovers import Things
from tests.contracts.trap import LIMITS

CALLER = """
import sys
from pathlib import Path
from containers.sandbox import SandboxSpec
from podium.errors import InfrastructureFailure
from podium.plugins import load
from podium.spec import Limits

backend, scratch, limits = sys.argv[1], Path(sys.argv[2]), Limits.model_validate_json(sys.argv[3])
with load(f"containers.{backend}:BACKEND")().open(SandboxSpec(limits=limits, scratch=scratch)) as sandbox:
    print("open", flush=True)
    for line in sys.stdin:
        try:
            print("ended", sandbox.execute(eval(line)).ended, flush=True)
        except InfrastructureFailure:
            print("ended by failure of the sandbox", flush=True)
print("closed", flush=True)
"""
CROWD = """
import os, time
for session in (False, True):
    for _ in range(2):
        if os.fork() == 0:
            if session:
                os.setsid()
            if os.fork() == 0:
                open('/proc/self/comm', 'w').write({name!r})
                while True: time.sleep(1)
            os._exit(0)
open('/proc/self/comm', 'w').write({name!r})
time.sleep(60)
"""


@dataclass
class Caller:
    """A process that has opened a sandbox, and what came into being with it."""

    process: subprocess.Popen[str]
    before: Things
    name: str

    def say(self, program: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(repr(program) + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def run_a_crowd(self) -> None:
        """Start a program that leaves daemons, and wait until all five are there."""
        self.say(CROWD.format(name=self.name))
        assert jails.until(lambda: len(jails.named(self.name)) == 5)

    def made(self) -> Things:
        """Everything that is on the host because of this caller."""
        return leftovers.together(leftovers.made_by(self.process.pid), leftovers.mounts().since(self.before))


@contextmanager
def calling(jail: str) -> Iterator[Caller]:
    before = leftovers.mounts()
    process = subprocess.Popen(
        [sys.executable, "-c", CALLER, jail, str(jails.scratch()), LIMITS.model_dump_json()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    with process:
        caller = Caller(process, before, f"crowd-{secrets.token_hex(4)}")
        try:
            assert caller.hear() == "open"
            yield caller
        finally:
            process.kill()


def test_a_closed_sandbox_leaves_nothing(jail: str) -> None:
    with calling(jail) as caller:
        made = caller.made()
        caller.say("print(1)")
        assert caller.hear() == "ended ok"
        assert caller.process.stdin is not None
        caller.process.stdin.close()
        assert caller.hear() == "closed"
        assert caller.process.wait(10) == 0
        assert made.gone(), made.left()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_caller_killed_while_it_waits_leaves_nothing(jail: str, number: signal.Signals) -> None:
    with calling(jail) as caller:
        made = caller.made()
        caller.process.send_signal(number)
        assert made.gone(), made.left()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_caller_killed_in_an_execution_leaves_nothing(jail: str, number: signal.Signals) -> None:
    with calling(jail) as caller:
        caller.run_a_crowd()
        made = caller.made()
        caller.process.send_signal(number)
        assert made.gone(), made.left()
        assert jails.named(caller.name) == []


@pytest.mark.parametrize("place", range(4))
def test_a_killed_keeper_leaves_nothing_and_holds_nobody_up(jail: str, place: int) -> None:
    with calling(jail) as caller:
        keepers = leftovers.below(caller.process.pid)
        if place >= len(keepers):
            pytest.skip(f"only {len(keepers)} processes keep this sandbox")
        caller.run_a_crowd()
        made = caller.made()
        os.kill(keepers[place], signal.SIGKILL)
        assert caller.hear().startswith("ended")
        assert jails.until(lambda: jails.named(caller.name) == [])
        assert caller.process.stdin is not None
        caller.process.stdin.close()
        assert caller.process.wait(15) is not None
        assert made.gone(), made.left()


def test_all_keepers_killed_at_once_leave_nothing(jail: str) -> None:
    with calling(jail) as caller:
        caller.run_a_crowd()
        made = caller.made()
        for pid in [caller.process.pid, *leftovers.below(caller.process.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        after = Things(frozenset(mark for mark in made.marks if mark[0] in ("process", "mount")))
        assert after.gone(), after.left()
        backend, _ = jails.usable(jail)
        with backend.open(SandboxSpec(limits=LIMITS, scratch=jails.scratch())):
            pass
        assert made.gone(), f"not even swept up by the next sandbox: {made.left()}"


def test_a_sandbox_may_be_closed_twice_and_runs_nothing_more(jail: str) -> None:
    backend, _ = jails.usable(jail)
    sandbox = backend.open(SandboxSpec(limits=LIMITS, scratch=jails.scratch()))
    sandbox.close()
    sandbox.close()
    with pytest.raises(InfrastructureFailure):
        sandbox.execute("print(2)")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_command_line_interrupted_leaves_nothing(jail: str, tmp_path: Path, number: signal.Signals) -> None:
    name = f"crowd-{secrets.token_hex(4)}"
    file = tmp_path / "crowd.py"
    file.write_text(CROWD.format(name=name))
    before = leftovers.mounts()
    command = [sys.executable, "-m", "podium", "sandbox", "exec", "--backend", jail, str(file)]
    with subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            assert jails.until(lambda: len(jails.named(name)) == 5, 30)
            made = leftovers.together(leftovers.made_by(process.pid), leftovers.mounts().since(before))
            process.send_signal(number)
            code = process.wait(15)
            assert made.gone(), made.left()
        finally:
            process.kill()
    assert jails.named(name) == []
    if number is signal.SIGINT:
        assert code == 130
