"""A running jail: bubblewrap and the warm interpreter in it, with the pipes to it. Owned by the keeper."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from containers import launcher
from containers.launcher import Launch
from containers.processes import Processes
from podium.errors import PodiumError, Unavailable

START_SECONDS = 120.0
ERROR_BYTES = 4000
SHARED = ("tmp", "dev/shm")
"""Writable folders inside, beside the workspace."""


class Jail:
    """Started by the constructor, warm when it returns. Raises Unavailable with what bubblewrap said."""

    def __init__(self, launch: Launch, seccomp: bytes) -> None:
        self._ours: list[int] = []
        inside_control, self.control = _packets()
        self.answers, inside_answer = self._pipe()
        self.reports, inside_report = self._pipe()
        self.output, inside_output = self._pipe()
        info, inside_info = self._pipe()
        filter_out, filter_in = self._pipe()
        os.write(filter_in, seccomp)
        os.close(filter_in)
        null = os.open(os.devnull, os.O_RDONLY)
        theirs = {
            0: null, 1: inside_output, 2: inside_output,
            launcher.CONTROL: inside_control, launcher.ANSWER: inside_answer, launcher.REPORT: inside_report,
            launcher.INFO: inside_info, launcher.SECCOMP: filter_out,
        }  # fmt: skip
        self.pid = os.fork()
        if self.pid == 0:
            _become(launch, theirs)
        for descriptor in set(theirs.values()):
            os.close(descriptor)
        self._ours = [self.control, self.answers, self.reports, self.output, info]
        self.processes: Processes | None = None
        self.shared: list[int] = []
        try:
            self._meet(info)
        except BaseException:
            self.stop()
            raise
        for descriptor in (self.answers, self.reports, self.output):
            os.set_blocking(descriptor, False)

    @staticmethod
    def _pipe() -> tuple[int, int]:
        return os.pipe2(os.O_CLOEXEC)

    def _meet(self, info: int) -> None:
        """Learn the namespace's init from bubblewrap and the interpreter's number from its hello."""
        end = time.monotonic() + START_SECONDS
        said = _read_until(info, b"}", end)
        hello = _read_until(self.answers, b"\n", end)
        if not said or not hello.endswith(b"\n"):
            raise Unavailable(
                f"The sandbox did not start: {self._complaint()}",
                "Type `podium sandbox probe` to see what this host allows.",
            )
        message: dict[str, Any] = json.loads(hello)
        init = int(json.loads(said)["child-pid"])
        self.processes = Processes(init)
        self.threads = int(message["threads"])
        self.shared = [os.open(f"/proc/{init}/root/{name}", os.O_RDONLY | os.O_DIRECTORY) for name in SHARED]

    def _complaint(self) -> str:
        """What came out of bubblewrap or the interpreter, in one line."""
        os.set_blocking(self.output, False)
        try:
            text = os.read(self.output, ERROR_BYTES).decode("utf-8", "replace")
        except BlockingIOError:
            text = ""
        return " / ".join(text.split("\n")).strip(" /") or "it ended without a word (out of memory?)."

    def order(self, limits: dict[str, int], pipes: Sequence[int] = ()) -> bool:
        """Let the interpreter run the program under `limits` (RLIMIT names), in a conversation over two `pipes` where
        they are given; False when it is gone."""
        with socket.socket(fileno=os.dup(self.control)) as control:
            try:
                socket.send_fds(control, [json.dumps({"limits": limits}).encode()], pipes)
            except (BrokenPipeError, ConnectionError):
                return False
        return True

    def settle(self, seconds: float = 2.0) -> bool:
        """Kill all inside but the interpreter, process 1; False when something stays or the interpreter is gone."""
        return self.processes is not None and self.processes.settle({1}, seconds)

    def stop(self) -> None:
        """End everything inside and wait for it; close the pipes. May be called twice."""
        if self.pid:
            if self.processes is not None:
                self.processes.end()
            else:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0
        if self.processes is not None:
            self.processes.close()
            self.processes = None
        for descriptor in [*self._ours, *self.shared]:
            os.close(descriptor)
        self._ours, self.shared = [], []


def _packets() -> tuple[int, int]:
    """A pair of connected sockets, by their descriptors."""
    inside, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return inside.detach(), ours.detach()


def _become(launch: Launch, descriptors: dict[int, int]) -> None:
    """In the fork: turn into bubblewrap, or say on the output pipe why not. Never returns."""
    try:
        launcher.launch(launch, descriptors)
    except PodiumError as error:
        os.write(descriptors[2], str(error).encode())
    except BaseException:
        os.write(descriptors[2], traceback.format_exc(limit=-3).encode())
    finally:
        sys.stderr.flush()
        os._exit(1)


def _read_until(descriptor: int, end: bytes, deadline: float) -> bytes:
    """Bytes up to and with `end`; fewer when the pipe ends or time is up."""
    data = b""
    while end not in data:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(descriptor, 4096) if ready else b""
        if not part:
            break
        data += part
    return data
