"""Hostile bytes to a typed table: a parser program in a jail, and the outer half that trusts nothing it hands back."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Literal, Protocol

from containers.sandbox import Ended, Execution, Sandbox
from grading.programs import read_csv
from grading.refusal import InvalidSubmission
from grading.table import MalformedTable, Table, TableLimits, decode
from podium.errors import InfrastructureFailure

PROGRAM = Path(read_csv.__file__).read_text(encoding="utf-8") + "\n\nmain()\n"
"""The parser's source, as it is sent into the sandbox."""

PROBE = b"id,value\n1,0.5\n"
"""A file that a working parser reads; tells a broken sandbox from a submission that breaks it."""

_REASONS = {
    Ended.TIMEOUT: "took longer than {seconds:.0f} s to read",
    Ended.MEMORY: "needs more memory to read than is allowed",
    Ended.DISK: "makes a larger table than is allowed",
    Ended.PROCESSES: "could not be read",
    Ended.OUTPUT: "could not be read",
}
_MESSAGE_CHARACTERS = 500


Reading = Literal["plain", "pandas"]
"""How a CSV file is read: strictly, line by line; or with everything that pandas' reader lets pass, as MLE-bench reads
(short rows are padded, duplicated names numbered, surplus leading cells dropped, an empty file has no columns)."""


class Parser(Protocol):
    """Turns a submission's file into a table."""

    def parse(self, name: str, content: bytes, max_mb: int, reading: Reading = "plain") -> Table:
        """Raises InvalidSubmission, or InfrastructureFailure where it is the parser that is broken."""
        ...


class JailedParser:
    """Parses in one sandbox, one file at a time; a sandbox that dies under a file is opened anew."""

    def __init__(
        self,
        open_sandbox: Callable[[], Sandbox],
        *,
        program: str = PROGRAM,
        limits: TableLimits = TableLimits(),
        seconds: float = 60.0,
    ) -> None:
        """`open_sandbox` opens one without data; `seconds` bounds the wall time for a file."""
        self._open, self._program, self._limits, self._seconds = open_sandbox, program, limits, seconds
        self._sandbox: Sandbox | None = None
        self._lock = threading.Lock()

    def parse(self, name: str, content: bytes, max_mb: int, reading: Reading = "plain") -> Table:
        """The table in `content`. Raises InvalidSubmission, InfrastructureFailure."""
        if len(content) > max_mb << 20:
            raise InvalidSubmission(
                f"{name} is {len(content) / (1 << 20):.1f} MiB large; at most {max_mb} MiB can be handed in."
            )
        with self._lock:
            return self._outcome(name, self._execute(name, content, reading))

    def check(self) -> None:
        """Read a small file, so that a sandbox that cannot be had is known early. Raises Unavailable and as `parse`."""
        self.parse("probe.csv", PROBE, 1)

    def close(self) -> None:
        """End the sandbox. May be called twice."""
        with self._lock:
            self._drop()

    def _execute(self, name: str, content: bytes, reading: Reading) -> Execution:
        for _ in range(2):
            try:
                return self._once(content, reading)
            except InfrastructureFailure as error:
                failure = error
                self._drop()
        if self._works():
            raise InvalidSubmission(f"{name} ended the program that reads it. Write plain CSV text.")
        raise failure

    def _once(self, content: bytes, reading: Reading) -> Execution:
        if self._sandbox is None:
            self._sandbox = self._open()
        orders = _orders(self._limits, reading)
        request = {"submission": content, "limits.json": json.dumps(orders).encode()}
        return self._sandbox.execute(
            self._program, seconds=self._seconds, files=request, collect=("table.bin", "refused.txt")
        )

    def _works(self) -> bool:
        try:
            return "table.bin" in self._once(PROBE, "plain").files
        except InfrastructureFailure:
            self._drop()
            return False

    def _drop(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def _outcome(self, name: str, execution: Execution) -> Table:
        """What the program handed back, checked."""
        if execution.ended is not Ended.OK:
            reason = _REASONS.get(execution.ended, "ended the program that reads it").format(seconds=self._seconds)
            raise InvalidSubmission(f"{name} {reason}. Write plain CSV text of the sample submission's form.")
        if "refused.txt" in execution.files:
            raise InvalidSubmission(f"{name}: {_plain(execution.files['refused.txt'])}")
        try:
            return decode(execution.files.get("table.bin", b""), self._limits)
        except MalformedTable:
            raise InvalidSubmission(f"{name} could not be read. Write plain CSV text.") from None


class OpenParser:
    """Parses in this process: for files of our own making (answers, sample submissions), never for submissions."""

    def __init__(self, limits: TableLimits = TableLimits()) -> None:
        self._limits = limits

    def parse(self, name: str, content: bytes, max_mb: int = 1 << 20, reading: Reading = "plain") -> Table:
        """The same table that the jailed parser gives. Raises InvalidSubmission."""
        try:
            return decode(read_csv.encode(read_csv.read(content, _orders(self._limits, reading))), self._limits)
        except read_csv.Refused as refusal:
            raise InvalidSubmission(f"{name}: {refusal}") from None


def _orders(limits: TableLimits, reading: Reading) -> dict[str, int]:
    """What the parser program is told."""
    return {**asdict(limits), "pandas": int(reading == "pandas")}


def _plain(message: bytes) -> str:
    """A message from inside as one printable line of bounded length."""
    text = message[: 4 * _MESSAGE_CHARACTERS].decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text)[:_MESSAGE_CHARACTERS]
