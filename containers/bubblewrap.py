"""The default back end: bubblewrap with namespaces, a filter, limits and a keeper process that dies with its owner.

What it does not protect from: flaws of the kernel itself, and side channels between programs on one processor.
"""

from __future__ import annotations

import importlib.util
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from containers import cgroup, channel, rootfs
from containers.channel import Closed
from containers.conversation import PipedConversation, wait_until_ready
from containers.sandbox import Execution, Probe, SandboxSpec
from podium import errors
from podium.errors import InfrastructureFailure, PodiumError, Unavailable, UserError
from podium.settings import CHECKOUT

INSTALL = "Type `apt-get install bubblewrap` (or the same of your distribution), as root."
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from containers.supervisor import main; main()"
GRACE_SECONDS = 10.0
END_SECONDS = 2.0
"""In which a program ends by itself when its conversation is over."""
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class BubblewrapSandbox:
    """One sandbox, by its keeper. Not for two threads at once; `close` may come from any."""

    backend = "bubblewrap"

    def __init__(self, spec: SandboxSpec, bwrap: str) -> None:
        tree = rootfs.existing(spec.scratch)
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-c", BOOT, str(CHECKOUT)],
                stdin=theirs.fileno(), stdout=subprocess.PIPE, env=ENVIRONMENT, cwd="/", start_new_session=True,
            )  # fmt: skip
        assert self._keeper.stdout is not None
        self._to, self._from = self._orders.fileno(), self._keeper.stdout.fileno()
        self._conversation: PipedConversation | None = None
        self._group: cgroup.Group | None = None
        needed = [str(path) for path in (sys.prefix, sys.base_prefix, CHECKOUT, tree, spec.scratch, spec.data) if path]
        order = {
            "bwrap": bwrap, "rootfs": str(tree), "data": str(spec.data.resolve()) if spec.data else None,
            "scratch": str(spec.scratch), "limits": spec.limits.model_dump(),
            "max_collect_mb": spec.max_collect_mb, "warm": spec.warm, "needed": [*needed, bwrap],
        }  # fmt: skip
        try:
            hello, _ = self._ask(order)
        except BaseException:
            self.close()
            raise
        if hello["group"] is not None:
            folders = {name: Path(path) for name, path in hello["group"]["folders"].items()}
            self._group = cgroup.Group(hello["group"]["name"], hello["group"]["version"], folders)
        self.unbounded: tuple[str, ...] = tuple(hello["unbounded"])
        self.storage: str = hello["storage"]
        """`loop` (a disk image) or `tmpfs` (the workspace counts as memory)."""

    @property
    def keeper_pid(self) -> int:
        """Process id of the keeper, for those who test its death."""
        return self._keeper.pid

    def execute(
        self,
        program: str,
        *,
        seconds: float | None = None,
        files: Mapping[str, bytes] | None = None,
        collect: Sequence[str] = ("**",),
    ) -> Execution:
        self._refuse_while_conversing()
        given = dict(files or {})
        request = {"converse": False, "seconds": seconds or 1e9, "files": list(given), "collect": list(collect)}
        reply, contents = self._ask(request, [program.encode("utf-8", "surrogatepass"), *given.values()])
        record = {**reply["execution"], "files": dict(zip(reply["names"], contents, strict=True))}
        return Execution.model_validate(record)

    def converse(self, program: str) -> PipedConversation:
        self._refuse_while_conversing()
        theirs_in, outbound = os.pipe()
        inbound, theirs_out = os.pipe()
        try:
            request: dict[str, Any] = {"converse": True, "seconds": None, "files": [], "collect": []}
            channel.send(self._to, request, [program.encode("utf-8", "surrogatepass")])
            channel.give(self._to, [theirs_in, theirs_out])
        except Closed:
            os.close(inbound)
            os.close(outbound)
            raise _gone() from None
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        self._conversation = PipedConversation(inbound, outbound, self._conversed)
        return self._conversation

    def _conversed(self) -> Execution | None:
        """The conversation is over, and its program ends by itself; where it does not, the sandbox ends."""
        try:
            wait_until_ready(self._from, select.POLLIN, time.monotonic() + END_SECONDS)
            reply, _ = channel.receive(self._from)
            return Execution.model_validate(reply["execution"])
        except (TimeoutError, Closed, KeyError, OSError, ValueError):
            pass
        self.close()
        return None

    def _refuse_while_conversing(self) -> None:
        if self._conversation is not None and self._conversation.open:
            raise UserError("There is a conversation with a program in this sandbox.", "Close it first.")

    def _ask(self, message: dict[str, Any], blobs: Sequence[bytes] = ()) -> tuple[dict[str, Any], list[bytes]]:
        """Raises the keeper's own error, or InfrastructureFailure when it is gone."""
        try:
            channel.send(self._to, message, blobs)
            reply, contents = channel.receive(self._from)
        except Closed:
            raise _gone() from None
        if "error" in reply:
            raise _error(reply)
        return reply, contents

    def close(self) -> None:
        """End everything inside; leaves no process, mount or cgroup. May be called twice."""
        if self._conversation is not None:
            self._conversation.abandon()
        self._to = self._from = -1
        self._orders.close()
        if self._keeper.stdout is not None:
            self._keeper.stdout.close()
        try:
            self._keeper.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        if self._group is not None:
            self._group.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _gone() -> InfrastructureFailure:
    return InfrastructureFailure(
        "The sandbox is gone: its keeper has ended.", "It is opened again for the next attempt."
    )


def _error(reply: dict[str, Any]) -> PodiumError:
    kind = getattr(errors, reply["error"])
    made: PodiumError = kind(reply["message"], reply["remedy"])
    return made


class Bubblewrap:
    """Finds bubblewrap, and tries it by running a real sandbox without the heavy libraries."""

    name = "bubblewrap"

    def probe(self, scratch: Path) -> Probe:
        """Opens a small sandbox and runs one line in it, where the root file system is built."""
        try:
            spec = SandboxSpec.model_validate({"scratch": scratch, "limits": {"memory_mb": 128, "disk_mb": 8}})
            with self.open(spec) as sandbox:
                execution = sandbox.execute("print(6 * 7)", seconds=30)
        except PodiumError as error:
            return Probe(backend=self.name, usable=False, jail=True, reason=error.message, remedy=error.remedy)
        if execution.output != "42\n":
            reason = f"a first program ended with {execution.ended}: {execution.output[-500:]}"
            return Probe(backend=self.name, usable=False, jail=True, reason=reason)
        return Probe(backend=self.name, usable=True, jail=True, unbounded=sandbox.unbounded)

    def open(self, spec: SandboxSpec) -> BubblewrapSandbox:
        """Raises Unavailable where bubblewrap, libseccomp, namespaces or the root file system are missing."""
        bwrap = shutil.which("bwrap", path=ENVIRONMENT["PATH"]) or shutil.which("bwrap")
        if bwrap is None:
            raise Unavailable("There is no `bwrap` on this host.", INSTALL)
        if os.name != "posix" or importlib.util.find_spec("pyseccomp") is None:
            raise Unavailable("The Python package pyseccomp is missing.", "Type `pip install pyseccomp`.")
        return BubblewrapSandbox(spec, os.path.realpath(bwrap))


BACKEND = Bubblewrap
