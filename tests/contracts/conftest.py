"""Fixtures of the contract suites: for sandboxes, one open jail a back end with bait laid for its user."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from containers.sandbox import Sandbox, SandboxSpec
from podium.settings import CHECKOUT
from tests.contracts import bait, bare, jails
from tests.contracts.bait import Secret
from tests.contracts.trap import LIMITS, Trap, poison


@pytest.fixture(scope="session", params=jails.JAILS)
def trap(request: pytest.FixtureRequest) -> Iterator[Trap]:
    """One open jail for each back end, whose starter had the secret in its environment and its descriptors."""
    backend, probe = jails.usable(request.param)
    scratch, new = jails.scratch(), bait.new_secret()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="podium-trap-", dir="/var/tmp")))
        home.chmod(0o755)
        data = home / "data"
        data.mkdir()
        (data / "train.csv").write_text("id,y\n1,2\n")
        descriptors = _leave_open(stack, home, new)
        with _poisoned(descriptors, new):
            sandbox = stack.enter_context(backend.open(SandboxSpec(limits=LIMITS, data=data, scratch=scratch)))
        person = bare.person(*jails.user_of(sandbox))
        for path in (data, data / "train.csv"):
            person.own(path)
        folders = [str(CHECKOUT), str(Path.home()), "/root", str(scratch)]
        laid = stack.enter_context(bait.laid(person, new, [scratch, CHECKOUT.parent, Path.home()], folders))
        yield Trap(request.param, backend, probe, sandbox, laid, person, data, descriptors)


@contextmanager
def _poisoned(descriptors: tuple[int, ...], new: Secret) -> Iterator[None]:
    """Meanwhile our environment holds the secret and our descriptors are inheritable."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in poison(new.text).items():
            environment.setenv(name, value)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, True)
        yield
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)


def _leave_open(stack: ExitStack, home: Path, new: Secret) -> tuple[int, ...]:
    """A file, a folder and a socket that lead to the secret, and the root folder."""
    (home / "private.csv").write_text(new.text)
    ends = socket.socketpair()
    for end in ends:
        stack.enter_context(end)
    ends[1].sendall(new.text.encode())
    opened = [os.open(path, os.O_RDONLY) for path in (home / "private.csv", home, "/")]
    for descriptor in opened:
        stack.callback(os.close, descriptor)
    return (*opened, ends[0].fileno())


@pytest.fixture(scope="session", params=jails.JAILS)
def jail(request: pytest.FixtureRequest) -> str:
    """The name of each jail that runs here."""
    jails.usable(request.param)
    return str(request.param)


@pytest.fixture(scope="module")
def cell(jail: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One open sandbox with small limits, kept for all tests of a module: it must outlive whatever they do."""
    data = tmp_path_factory.mktemp("cell") / "data"
    data.mkdir()
    (data / "train.csv").write_text("id,y\n1,2\n")
    backend, _ = jails.usable(jail)
    with backend.open(SandboxSpec(limits=LIMITS, data=data, scratch=jails.scratch())) as sandbox:
        space = sandbox.execute("import os; print(os.readlink('/proc/self/ns/pid'))").output.strip()
        assert space.startswith("pid:"), space
        assert space != os.readlink("/proc/self/ns/pid"), (
            "not in a namespace: what follows would kill the host's processes"
        )
        yield sandbox
