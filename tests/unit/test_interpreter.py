"""The interpreter that runs a program: what it shows, how it ends, what it reports. Here without a jail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from containers import interpreter
from containers.report import Report, exception, parse


def run(folder: Path, source: str) -> tuple[int, str, Report]:
    """(exit code, output, report) of one program."""
    program = folder / "solution.py"
    program.write_text(source)
    reports, report = os.pipe()
    command = [sys.executable, "-s", "-P", interpreter.__file__, "once", str(program), str(report)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, pass_fds=[report], check=False, timeout=60
    )
    os.close(report)
    with os.fdopen(reports, "rb") as file:
        return done.returncode, done.stdout + done.stderr, parse(file.read())


def test_the_program_is_main_and_knows_its_file(tmp_path: Path) -> None:
    code, output, report = run(tmp_path, "import sys\nprint(__name__, __file__ == sys.argv[0], sys.stdout.fileno())")
    assert (code, output) == (0, "__main__ True 1\n")
    assert not report.raised


@pytest.mark.parametrize(("stop", "code"), [("0", 0), ("", 0), ("3", 3), ("256 + 4", 4), ("'bye'", 1)])
def test_sys_exit_gives_the_code_that_a_shell_would_see(tmp_path: Path, stop: str, code: int) -> None:
    assert run(tmp_path, f"import sys\nsys.exit({stop})")[0] == code


def test_an_exception_is_printed_and_reported_from_the_programs_own_frames_on(tmp_path: Path) -> None:
    code, output, report = run(tmp_path, "def f():\n    return 1 / 0\nf()")
    said = exception(report)
    assert code == 1
    assert output.startswith("Traceback (most recent call last):\n")
    assert "interpreter.py" not in output
    assert said is not None
    assert (said.type, said.args) == ("ZeroDivisionError", ("division by zero",))
    assert [frame[2] for frame in said.stack] == ["<module>", "f"]
    assert said.stack[1][3] == "return 1 / 0"


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    _, output, report = run(tmp_path, "x = 1\ndef f(:")
    said = exception(report)
    assert "line 2" in output
    assert said is not None
    assert said.stack[0][1] == 2


def test_exit_functions_and_threads_run_to_their_end(tmp_path: Path) -> None:
    source = (
        "import atexit, threading, time\natexit.register(print, 'last')\nthreading.Timer(0.05, print, ['t']).start()"
    )
    assert run(tmp_path, source)[1] == "t\nlast\n"


def test_a_forked_child_that_raises_reports_nothing(tmp_path: Path) -> None:
    code, _, report = run(tmp_path, "import os\nif os.fork() == 0:\n    raise ValueError\nos.wait()")
    assert code == 0
    assert not report.raised


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("raise MemoryError", "MEMORY"),
        ("raise OSError(28, 'x')", "28"),
        ('raise RuntimeError("can\'t start new thread")', "THREAD"),
    ],
)
def test_the_limit_behind_an_exception_is_hinted_at(tmp_path: Path, source: str, hint: str) -> None:
    wrapped = f"try:\n    {source}\nexcept Exception as error:\n    raise KeyError('k') from error"
    assert hint in run(tmp_path, wrapped)[2].hints


def test_an_exception_that_cannot_be_printed_does_not_break_the_report(tmp_path: Path) -> None:
    source = "class Bad(Exception):\n    def __str__(self):\n        raise ValueError\nraise Bad(Bad())"
    said = exception(run(tmp_path, source)[2])
    assert said is not None
    assert said.args == ("<no text>",)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"hints": 3}', b"[" * 100_000, b"\xff"])
def test_a_forged_report_is_no_report(data: bytes) -> None:
    assert parse(data) == Report({})


def test_a_forged_exception_of_the_wrong_form_is_none() -> None:
    assert exception(parse(b'{"type": 3, "args": "x", "stack": null}')) is None
