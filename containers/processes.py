"""The processes of one sandbox, seen from outside through its own /proc: all of them, and no others."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

PAGE = os.sysconf("SC_PAGE_SIZE")


class Processes:
    """A pid namespace by a descriptor of its procfs. Numbers are those inside: 1 is its init."""

    def __init__(self, init: int) -> None:
        """`init`: pid, as we see it, of the namespace's process 1. Raises OSError when it is gone."""
        self._init = os.pidfd_open(init)
        self.proc = os.open(f"/proc/{init}/root/proc", os.O_RDONLY | os.O_DIRECTORY)

    def close(self) -> None:
        os.close(self.proc)
        os.close(self._init)

    def all(self) -> list[int]:
        """Every process inside now; empty when the namespace is gone."""
        try:
            return [int(name) for name in os.listdir(self.proc) if name.isdigit()]
        except OSError:
            return []

    def end(self) -> None:
        """Kill the namespace's init, and so everything in it."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._init, signal.SIGKILL)

    def kill(self, inside: int) -> None:
        """SIGKILL one process by its number inside; no other can be hit, for a /proc folder is a pidfd."""
        with suppress(OSError):
            descriptor = os.open(str(inside), os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.proc)
            try:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            finally:
                os.close(descriptor)

    def settle(self, keep: set[int], seconds: float, clock: Callable[[], float] = time.monotonic) -> bool:
        """Kill all but `keep` until two looks in a row find no other; False when that takes longer than `seconds`."""
        end, clean = clock() + seconds, 0
        while clean < 2:
            others = [number for number in self.all() if number not in keep]
            clean = 0 if others else clean + 1
            for number in others:
                self.kill(number)
            if others:
                if clock() > end:
                    return False
                time.sleep(0.001)
        return keep <= set(self.all())

    def memory_bytes(self, known: int) -> int:
        """Memory of all processes together; exact (shared pages counted once) where it is more than `known`.

        Resident sizes count shared pages many times but are cheap: only where their sum passes `known` are the
        proportional ones asked for.
        """
        inside = self.all()
        resident = sum(self._resident(number) for number in inside)
        return resident if resident <= known else sum(self._proportional(number) for number in inside)

    def _resident(self, inside: int) -> int:
        fields = self._read(f"{inside}/statm").split()
        return int(fields[1]) * PAGE if len(fields) > 1 else 0

    def _proportional(self, inside: int) -> int:
        for line in self._read(f"{inside}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
        return 0

    def _read(self, path: str) -> str:
        try:
            with open(os.open(path, os.O_RDONLY, dir_fd=self.proc)) as file:
                return file.read()
        except OSError:
            return ""
