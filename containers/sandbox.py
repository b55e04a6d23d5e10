"""The sandbox protocol: what a back end offers, what an execution was and what ended it.

A back end is one file in `containers/` with a class that satisfies `Backend`, under the name `BACKEND`.
Nothing in here says that a back end isolates: `Probe.jail` does, and the conformance suite proves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pydantic import Field

from podium.records import Record
from podium.spec import Limits, Spec

DATA = "/home/data"
"""Where the public data are seen inside, read-only; also as `./input`."""
WORK = "/home/work"
"""The working directory inside, emptied before each execution."""


class Ended(StrEnum):
    """What ended an execution."""

    OK = "ok"
    EXIT = "exit"
    """`sys.exit` or `os._exit` with a code other than 0: `exit_code`."""
    EXCEPTION = "exception"
    """An uncaught exception: `exception`."""
    TIMEOUT = "timeout"
    MEMORY = "memory"
    DISK = "disk"
    """The workspace's bytes, its inodes or the largest file: `detail` says which."""
    PROCESSES = "processes"
    OUTPUT = "output"
    SIGNAL = "signal"
    """Died by a signal that no limit explains: `signal`."""


class ExceptionInfo(Record):
    """An uncaught exception, as text and numbers."""

    type: str
    args: tuple[str, ...] = ()
    stack: tuple[tuple[str, int, str, str], ...] = ()
    """(file, line, function, source line), outermost first."""


class Usage(Record):
    """What one execution used."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_mb: float = 0.0
    """Peak, of all its processes together where the back end can tell, else of the largest."""
    output_bytes: int = 0


class Dropped(Record):
    """Something left in the workspace that was not copied out, and why (a link, a device, too big, ...)."""

    path: str
    reason: str


class Execution(Record):
    """The result of one program."""

    ended: Ended
    detail: str = ""
    exit_code: int | None = None
    signal: int | None = None
    output: str = ""
    """Standard output and error together, UTF-8 with replacement, at most `limits.output_bytes`."""
    exception: ExceptionInfo | None = None
    usage: Usage = Usage()
    files: dict[str, bytes] = {}
    """Regular files copied out, by their path below the working directory."""
    dropped: tuple[Dropped, ...] = ()

    @property
    def status(self) -> int:
        """The exit status for a shell: the program's, or 124 (time limit), 137 (another limit), 128 + signal."""
        if self.ended is Ended.OK:
            return 0
        if self.ended is Ended.TIMEOUT:
            return 124
        if self.ended in (Ended.MEMORY, Ended.DISK, Ended.PROCESSES, Ended.OUTPUT):
            return 137
        if self.ended is Ended.SIGNAL:
            return 128 + (self.signal or 0)
        return self.exit_code or 1


class Probe(Record):
    """Whether a back end can run here."""

    backend: str
    usable: bool
    jail: bool
    """False for `local`: it isolates nothing."""
    reason: str = ""
    remedy: str = ""
    """The command that makes it usable."""
    unbounded: tuple[str, ...] = ()
    """Names of `Limits` that it cannot enforce on this host, or only by polling (`memory_mb (polled)`)."""


class SandboxSpec(Spec):
    """What a sandbox is opened with."""

    limits: Limits = Limits()
    data: Path | None = None
    """Host folder shown read-only at `DATA` and `./input`; None: an empty one."""
    scratch: Path
    """Node-local folder, outside any home, for the root file system, workspaces and mount points."""
    max_collect_mb: int = Field(256, ge=1)
    """Most MiB copied out of one execution."""
    warm: tuple[str, ...] | None = None
    """Libraries that the interpreter imports beforehand; None: those that agents use. Every program is a fork that
    carries them, so one that does without is quicker without."""


@dataclass(frozen=True)
class Answer:
    """What a program answered to one question."""

    ended: Ended
    """How the fork that answered has ended; the content is an answer only where it is OK."""
    content: memoryview
    cpu_seconds: float = 0.0
    """Of the fork; what it took to make it is not in there."""


class Conversation(Protocol):
    """With a program that is kept running in a sandbox. Not for two threads at once."""

    open: bool
    """Whether it can be asked more."""

    def exchange(self, *parts: bytes, seconds: float, most: int) -> Answer:
        """Ask with `parts`; the answer takes at most `seconds` and has at most `most` bytes.

        When it is there, nothing of what made it runs any more. A program that cannot even say that its time is over
        ends the conversation. Raises InfrastructureFailure where that has ended.
        """
        ...

    def close(self) -> Execution | None:
        """End it; gives what became of the program, where that is known. May be called twice."""
        ...


class Sandbox(Protocol):
    """One open sandbox: one execution at a time, the interpreter kept warm between them. A context manager."""

    backend: str
    unbounded: tuple[str, ...]

    def execute(
        self,
        program: str,
        *,
        seconds: float | None = None,
        files: Mapping[str, bytes] | None = None,
        collect: Sequence[str] = ("**",),
    ) -> Execution:
        """Run `program` (Python source) in an emptied working directory that holds `files`.

        `seconds` bounds the wall time (never above `limits.seconds`). Afterwards nothing of it runs any more, and
        the regular files whose path matches one of the `collect` patterns (fnmatch on the whole relative path;
        `**` takes all) are in the result. Raises InfrastructureFailure when the sandbox itself is gone.
        """
        ...

    def converse(self, program: str) -> Conversation:
        """Keep `program` running, which defines `answer(*parts: bytes)`, a list of buffers: each question is answered
        by a fork of it. Nothing else can be executed meanwhile. Raises InfrastructureFailure where it does not start.
        """
        ...

    def close(self) -> None:
        """End everything inside; leaves no process, mount or cgroup. May be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Backend(Protocol):
    """A way to make sandboxes."""

    name: str

    def probe(self, scratch: Path) -> Probe:
        """Try it here, by running something; never raises."""
        ...

    def open(self, spec: SandboxSpec) -> Sandbox:
        """A warm sandbox. Raises Unavailable (with the remedy) where it cannot be had."""
        ...
