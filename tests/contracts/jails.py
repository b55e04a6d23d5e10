"""Back ends under test: which there are, whether they run here, and as whom their programs run on the host."""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from containers.sandbox import Backend, Probe, Sandbox, SandboxSpec
from podium.errors import Unavailable
from podium.plugins import load
from podium.settings import CHECKOUT, load_site

NAMES = sorted(
    path.stem for path in (CHECKOUT / "containers").glob("*.py") if re.search(r"^BACKEND\b", path.read_text(), re.M)
)
"""The modules of `containers/` that offer a back end."""
NO_JAILS = ("local",)
JAILS = [name for name in NAMES if name not in NO_JAILS]


def scratch() -> Path:
    """This site's scratch folder: the sandboxes' root file system is made there once."""
    folder = load_site().scratch_dir()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def usable(name: str) -> tuple[Backend, Probe]:
    """The back end and its probe; skips, with the probe's reason, where something is missing that it needs.

    A back end that is there and broken is no reason to skip: what it raises then fails the test.
    """
    backend: Backend = load(f"containers.{name}:BACKEND")()
    probe = backend.probe(scratch())
    if not probe.usable:
        with suppress(Unavailable), backend.open(SandboxSpec(scratch=scratch())) as sandbox:
            raise AssertionError(f"{name} opens, but its probe says: {probe.reason} {sandbox.execute('print(1)')}")
        pytest.skip(f"{name} is not usable here: {probe.reason} {probe.remedy}")
    return backend, probe


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait for a condition; returns whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return condition()
        time.sleep(0.02)
    return True


def processes() -> Iterator[int]:
    """All processes of this host that we can see."""
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def named(name: str) -> list[int]:
    """Processes whose thread name is `name`, in whatever namespace they are."""
    found = []
    for pid in processes():
        try:
            if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                found.append(pid)
        except OSError:
            continue
    return found


def user_of(sandbox: Sandbox) -> tuple[int, int]:
    """The user and group that the host knows a sandboxed program by."""
    name = f"who-{secrets.token_hex(4)}"
    program = f"import time; open('/proc/self/comm', 'w').write({name!r}); time.sleep(30)"
    runner = threading.Thread(target=sandbox.execute, args=(program,), kwargs={"seconds": 3.0})
    runner.start()
    try:
        assert until(lambda: bool(named(name)), 8), "the sandboxed program is nowhere to be seen on the host"
        status = Path(f"/proc/{named(name)[0]}/status").read_text()
    finally:
        runner.join()
    ids = {line.split()[0]: int(line.split()[2]) for line in status.splitlines() if line[:4] in ("Uid:", "Gid:")}
    return ids["Uid:"], ids["Gid:"]
