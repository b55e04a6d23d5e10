"""The command line's end: what becomes of the system's refusals."""

from __future__ import annotations

import errno
import os

import click
import pytest

from jobs import cli


def ended(error: BaseException) -> int | str | None:
    """The exit code of a command that raises `error`."""

    @click.command()
    def command() -> None:
        raise error

    with pytest.raises(SystemExit) as end:
        cli.run(command, "podium", [])
    return end.value.code


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_what_this_user_may_not_or_cannot_is_a_sentence_that_names_the_place(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(OSError(number, os.strerror(number), "/some/place")) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"podium: /some/place: {os.strerror(number)}.\n  ")


def test_an_interruption_ends_with_130() -> None:
    assert ended(KeyboardInterrupt()) == 130


def test_another_error_of_the_system_is_a_fault_of_ours_and_stays_one() -> None:
    @click.command()
    def command() -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/some/place")

    with pytest.raises(FileNotFoundError):
        cli.run(command, "podium", [])
