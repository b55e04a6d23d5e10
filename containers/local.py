"""The back end `local`, for debugging: NO JAIL. The program runs as you, and can read, write and reach all you can.

It must be asked for by name and is written into the report. It runs Podium's own Python, a fresh one each time, and
ends by force only what stays in the program's own process group.
"""

from __future__ import annotations

import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from containers import collect as collecting
from containers import launcher, workspace
from containers.conversation import PipedConversation
from containers.report import exception, parse
from containers.sandbox import Ended, Execution, Probe, SandboxSpec, Usage
from containers.verdict import Seen, judge
from podium.errors import UserError

WARNING = "podium: the sandbox back end `local` is NO JAIL: generated code runs as you, on this host.\n"
INTERPRETER = Path(__file__).with_name("interpreter.py")
UNBOUNDED = ("memory_mb", "disk_mb", "files", "shm_mb", "processes", "cpus")


class LocalSandbox:
    """A temporary folder and nothing around it."""

    backend = "local"
    unbounded = UNBOUNDED

    def __init__(self, spec: SandboxSpec) -> None:
        if spec.data is not None and not spec.data.is_dir():
            raise UserError(f"There is no folder {spec.data}.", "Give a folder that exists as the data.")
        self._spec = spec
        self._folder = Path(tempfile.mkdtemp(prefix="podium-local-"))
        self._running: subprocess.Popen[bytes] | None = None
        self._conversation: PipedConversation | None = None

    def execute(
        self,
        program: str,
        *,
        seconds: float | None = None,
        files: Mapping[str, bytes] | None = None,
        collect: Sequence[str] = ("**",),
    ) -> Execution:
        limits = self._spec.limits
        work = self._folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        source = self._folder / "solution.py"
        source.write_text(program)
        top = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
        try:
            workspace.fill(top, files or {}, os.getuid())
            if self._spec.data is not None:
                with suppress(FileExistsError):
                    (work / workspace.INPUT).symlink_to(self._spec.data.resolve())
            execution = self._run(source, work, min(seconds or limits.seconds, limits.seconds))
            bounds = collecting.Bounds(self._spec.max_collect_mb << 20, limits.file_mb << 20, limits.files)
            ignore = (workspace.INPUT,) if (work / workspace.INPUT).is_symlink() else ()
            found = collecting.collect(top, collect, bounds, ignore)
        finally:
            os.close(top)
        return execution.model_copy(update={"files": found.files, "dropped": tuple(found.dropped)})

    def converse(self, program: str) -> PipedConversation:
        source = self._folder / "solution.py"
        source.write_text(program)
        theirs_in, outbound = os.pipe()
        inbound, theirs_out = os.pipe()
        command = [sys.executable, "-s", "-P", str(INTERPRETER), "respond", str(source)]
        self._running = subprocess.Popen(
            [*command, str(theirs_in), str(theirs_out)], cwd=self._folder, stdin=subprocess.DEVNULL,
            env={**launcher.environment(self._spec.limits.cpus), "PATH": os.defpath},
            pass_fds=[theirs_in, theirs_out], start_new_session=True,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._conversation = PipedConversation(inbound, outbound, self._end)
        return self._conversation

    def _end(self) -> None:
        if self._running is not None:
            _kill_group(self._running.pid)
            self._running.wait()
            self._running = None

    def _run(self, source: Path, work: Path, seconds: float) -> Execution:
        reports, report = os.pipe()
        os.set_blocking(reports, False)
        begun = time.monotonic()
        command = [sys.executable, "-s", "-P", str(INTERPRETER), "once", str(source), str(report)]
        process = subprocess.Popen(
            command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**launcher.environment(self._spec.limits.cpus), "PATH": os.defpath}, pass_fds=[report],
            start_new_session=True, preexec_fn=_bound_files(self._spec.limits.file_mb << 20),
        )  # fmt: skip
        self._running = process
        os.close(report)
        try:
            output, stopped = self._read(process, begun + seconds)
            _kill_group(process.pid)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            said = parse(_read_some(reports))
        finally:
            os.close(reports)
            assert process.stdout is not None
            process.stdout.close()
            self._running = None
        verdict = judge(Seen(stopped=stopped, status=status, hints=said.hints, raised=said.raised))
        usage = Usage(
            seconds=round(time.monotonic() - begun, 4),
            cpu_seconds=round(used.ru_utime + used.ru_stime, 4),
            memory_mb=round(used.ru_maxrss / 1024, 1),
            output_bytes=len(output),
        )
        return Execution(
            ended=verdict.ended,
            detail=verdict.detail,
            exit_code=verdict.exit_code,
            signal=verdict.signal,
            output=bytes(output[: self._spec.limits.output_bytes]).decode("utf-8", "replace"),
            exception=exception(said),
            usage=usage,
        )

    def _read(self, process: subprocess.Popen[bytes], deadline: float) -> tuple[bytearray, Ended | None]:
        """Output until the program itself has ended (not those it left) or a limit is passed."""
        assert process.stdout is not None
        output, most = bytearray(), self._spec.limits.output_bytes
        descriptor = process.stdout.fileno()
        os.set_blocking(descriptor, False)
        ended = os.pidfd_open(process.pid)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(ended, selectors.EVENT_READ)
                selector.register(descriptor, selectors.EVENT_READ)
                while time.monotonic() < deadline:
                    ready = {key.fd for key, _ in selector.select(max(0.0, deadline - time.monotonic()))}
                    part = _read_some(descriptor) if descriptor in ready else b""
                    output += part[: most + 1 - len(output)]
                    if len(output) > most:
                        return output, Ended.OUTPUT
                    if descriptor in ready and not part:
                        selector.unregister(descriptor)
                    if ended in ready and not part:
                        return output, None
        finally:
            os.close(ended)
        return output, Ended.TIMEOUT

    def close(self) -> None:
        """End the program if one runs, and remove the folder. May be called twice."""
        if self._conversation is not None:
            self._conversation.abandon()
            self._end()
        elif self._running is not None:
            _kill_group(self._running.pid)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _bound_files(most: int) -> Callable[[], None]:
    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return bound


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _read_some(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return b""


class Local:
    """Always there, and never a jail."""

    name = "local"

    def probe(self, scratch: Path) -> Probe:
        return Probe(
            backend=self.name,
            usable=True,
            jail=False,
            reason="it isolates nothing: for debugging programs that you trust",
            unbounded=UNBOUNDED,
        )

    def open(self, spec: SandboxSpec) -> LocalSandbox:
        """Says on standard error what it is not."""
        sys.stderr.write(WARNING)
        return LocalSandbox(spec)


BACKEND = Local
