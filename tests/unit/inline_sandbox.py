"""A sandbox for tests of the parser: runs programs in this process, in a folder of their own. Isolates nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from types import TracebackType
from typing import Self

from containers.sandbox import Ended, Execution
from podium.errors import InfrastructureFailure


class InlineSandbox:
    """Speaks `containers.sandbox.Sandbox`. `deaths`: how many of the next executions find it dead."""

    backend = "inline"
    unbounded: tuple[str, ...] = ()

    def __init__(self, deaths: int = 0, ended: Ended = Ended.OK) -> None:
        self.deaths, self.ended, self.closed = deaths, ended, 0

    def execute(
        self,
        program: str,
        *,
        seconds: float | None = None,
        files: Mapping[str, bytes] | None = None,
        collect: Sequence[str] = ("**",),
    ) -> Execution:
        if self.deaths:
            self.deaths -= 1
            raise InfrastructureFailure("The sandbox is gone.")
        if self.ended is not Ended.OK:
            return Execution(ended=self.ended)
        before = Path.cwd()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                for name, content in (files or {}).items():
                    Path(name).write_bytes(content)
                exec(compile(program, "program", "exec", dont_inherit=True), {"__name__": "__main__"})  # noqa: S102
                kept = {path.name: path.read_bytes() for path in Path(folder).iterdir() if _wanted(path.name, collect)}
            finally:
                os.chdir(before)
        return Execution(ended=Ended.OK, files=kept)

    def close(self) -> None:
        self.closed += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _wanted(name: str, collect: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in collect)
