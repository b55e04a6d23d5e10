"""Hostile bytes to a typed table: parser programs in jails, and the outer half that trusts nothing they hand back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from types import ModuleType
from typing import Literal, Protocol

from containers.sandbox import Answer, Ended, Sandbox
from grading.codec import MalformedTable, TableLimits, decode
from grading.conversations import Conversations
from grading.programs import bundle, csv_lines, csv_pandas, read_csv
from grading.programs.columns import Refused, encode
from grading.programs.reply import DECLINED, REFUSED, TABLE
from grading.refusal import InvalidSubmission
from grading.table import Table
from podium.errors import InfrastructureFailure

PROBE = b"id,value\n1,0.5\n"
"""A file that a working parser reads; tells a broken sandbox from a submission that breaks it."""
LEAN = """
import sys
sys.modules.setdefault("numpy", None)
"""
"""Arrow does without NumPy, and every fork then has less to carry."""
MAIN = """
from grading.programs import {reader}, reply

FORKS = {forks}
answer = reply.answering({reader}.read)
{reader}.read({probe!r}, {orders!r})
"""
"""Reads a file at once, for a library's first deeds are its slowest, and should not be every fork's."""

_REASONS = {
    Ended.TIMEOUT: "took longer than {seconds:.0f} s to read",
    Ended.MEMORY: "needs more memory to read than is allowed",
    Ended.OUTPUT: "makes a larger table than is allowed",
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
    """Parses in sandboxes, each file in a process of its own; a sandbox that dies under a file is opened anew.

    There is a program for each reader of `grading.programs.read_csv`. May be used by several threads at once.
    """

    def __init__(
        self,
        open_sandbox: Callable[[], Sandbox],
        *,
        program: str = "",
        limits: TableLimits = TableLimits(),
        seconds: float = 60.0,
        jails: int = 1,
        verdicts_only: bool = False,
    ) -> None:
        """`open_sandbox` opens one without data; `program`: another than those of the readers.

        `seconds` bounds the wall time for a file, `jails` how many files each program reads at once. `verdicts_only`:
        nothing is scored of what is read, so the reader in pure Python reads small files in one process, without forks.
        """
        self._limits, self._seconds = limits, seconds
        texts = (
            {"": program}
            if program
            else {
                reader.__name__: _program(reader, forks=not (verdicts_only and reader is csv_lines))
                for reader in read_csv.READERS
            }
        )
        self._programs = {name: Conversations(open_sandbox, text, jails) for name, text in texts.items()}

    def parse(self, name: str, content: bytes, max_mb: int, reading: Reading = "plain") -> Table:
        """The table in `content`. Raises InvalidSubmission, InfrastructureFailure."""
        if len(content) > max_mb << 20:
            raise InvalidSubmission(
                f"{name} is {len(content) / (1 << 20):.1f} MiB large; at most {max_mb} MiB can be handed in."
            )
        for program in self._asked(content):
            said = self._said(name, self._answer(program, name, content, reading))
            if said[:8] != DECLINED:
                return self._table(name, said)
        raise _unreadable(name)

    def check(self) -> None:
        """Read a small file, so that a sandbox that cannot be had is known early. Raises Unavailable and as `parse`."""
        self.parse("probe.csv", PROBE, 1)

    def close(self) -> None:
        """End the sandboxes. May be called twice."""
        for program in self._programs.values():
            program.close()

    def _asked(self, content: bytes) -> list[Conversations]:
        """The programs to ask in turn, until one does not decline."""
        if "" in self._programs:
            return [self._programs[""]]
        return [self._programs[reader.__name__] for reader in read_csv.asked(content)]

    def _answer(self, program: Conversations, name: str, content: bytes, reading: Reading) -> Answer:
        """What the program says of the file, who alone is to blame if it ends one that was asked nothing else."""
        for fresh in (False, True):
            try:
                return self._ask(program, content, reading, fresh)
            except InfrastructureFailure as error:
                failure = error
        if self._works(program):
            raise InvalidSubmission(f"{name} ended the program that reads it. Write plain CSV text.")
        raise failure

    def _ask(self, program: Conversations, content: bytes, reading: Reading, fresh: bool = False) -> Answer:
        orders = json.dumps(_orders(self._limits, reading)).encode()
        return program.ask(orders, content, seconds=self._seconds, most=self._limits.bytes, fresh=fresh)

    def _works(self, program: Conversations) -> bool:
        try:
            answer = self._ask(program, PROBE, "plain")
        except InfrastructureFailure:
            return False
        return answer.ended is Ended.OK and answer.content[:8] == TABLE

    def _said(self, name: str, answer: Answer) -> memoryview:
        if answer.ended is not Ended.OK:
            reason = _REASONS.get(answer.ended, "ended the program that reads it").format(seconds=self._seconds)
            raise InvalidSubmission(f"{name} {reason}. Write plain CSV text of the sample submission's form.")
        return answer.content

    def _table(self, name: str, said: memoryview) -> Table:
        """What the program handed back, checked."""
        if said[:8] == REFUSED:
            raise InvalidSubmission(f"{name}: {_plain(said[8:])}")
        if said[:8] != TABLE:
            raise _unreadable(name)
        try:
            return decode(said[8:], self._limits)
        except MalformedTable:
            raise _unreadable(name) from None


class OpenParser:
    """Parses in this process: for files of our own making (answers, sample submissions), never for submissions."""

    def __init__(self, limits: TableLimits = TableLimits()) -> None:
        self._limits = limits

    def parse(self, name: str, content: bytes, max_mb: int = 1 << 20, reading: Reading = "plain") -> Table:
        """The same table that the jailed parser gives. Raises InvalidSubmission."""
        try:
            return decode(b"".join(encode(read_csv.read(content, _orders(self._limits, reading)))), self._limits)
        except Refused as refusal:
            raise InvalidSubmission(f"{name}: {refusal}") from None


def _program(reader: ModuleType, *, forks: bool) -> str:
    name = reader.__name__.rpartition(".")[2]
    main = MAIN.format(reader=name, forks=forks, probe=PROBE, orders=_orders(TableLimits(), "plain"))
    return ("" if reader is csv_pandas else LEAN) + bundle(("columns", "reply", name), main)


def _orders(limits: TableLimits, reading: Reading) -> dict[str, int]:
    """What a program is told."""
    return {**asdict(limits), "pandas": int(reading == "pandas")}


def _unreadable(name: str) -> InvalidSubmission:
    return InvalidSubmission(f"{name} could not be read. Write plain CSV text.")


def _plain(message: memoryview) -> str:
    """A message from inside as one printable line of bounded length."""
    text = str(message[: 4 * _MESSAGE_CHARACTERS], "utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text)[:_MESSAGE_CHARACTERS]
