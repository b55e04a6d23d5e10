"""The collector: hostile files that a program leaves are dropped by name, and never followed, opened or believed."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from containers.sandbox import Ended, Execution, Sandbox
from podium.errors import PodiumError
from tests.contracts.trap import Trap

GOOD = (
    "\nimport os\nos.makedirs('submission', exist_ok=True)\nopen('submission/good.csv', 'w').write('id,y\\n7,8\\n')\n"
)

HOSTILE = {
    "symbolic link to a file": ("os.symlink('/etc/passwd', 'submission/x')", "submission/x"),
    "symbolic link to itself": ("os.symlink('x', 'submission/x')", "submission/x"),
    "symbolic link to a device": ("os.symlink('/dev/zero', 'submission/x')", "submission/x"),
    "named pipe": ("os.mkfifo('submission/x')", "submission/x"),
    "socket": ("import socket; socket.socket(socket.AF_UNIX).bind('submission/x')", "submission/x"),
    "hard link twice": ("open('a', 'w').write('x'); os.link('a', 'submission/x')", "submission/x"),
    "sparse file": ("open('submission/x', 'wb').truncate(20 << 30)", "submission/x"),
    "link to a folder": ("os.symlink('/home/data', 'x')", "x"),
    "link up": ("os.symlink('..', 'x')", "x"),
    "name that is no text": ("open(b'submission/\\xff', 'w').write('x')", None),
    "name with a new line": ("open('submission/x\\ny', 'w').write('x')", None),
    "name with an escape": ("open('submission/\\x1b[2Jx', 'w').write('x')", None),
    "folder without rights": ("os.mkdir('x'); open('x/y', 'w').write('z'); os.chmod('x', 0)", None),
    "file without rights": ("open('submission/x', 'w').write('z'); os.chmod('submission/x', 0)", None),
    "deep tree": (
        "here = os.getcwd()\nfor _ in range(300):\n    os.mkdir('d'); os.chdir('d')\n"
        "open('x', 'w').write('z')\nos.chdir(here)",
        None,
    ),
    "many names": ("[os.symlink('x', f's{n}') for n in range(300)]", None),
    "folder without rights above all": ("os.chmod('.', 0)", None),
}
"""What is left, and the name that must be dropped (None: taken or dropped, as the back end likes)."""


def taken(execution: Execution) -> set[str]:
    """The names of what was copied out, but for the good file."""
    return set(execution.files) - {"submission/good.csv"}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_dropped_and_named_and_the_good_one_is_taken(cell: Sandbox, name: str) -> None:
    program, dropped = HOSTILE[name]
    begun = time.monotonic()
    execution = cell.execute(GOOD + program)
    assert time.monotonic() - begun < 10
    assert execution.ended in (Ended.OK, Ended.DISK), execution
    if name != "folder without rights above all" and execution.ended is Ended.OK:
        assert execution.files["submission/good.csv"] == b"id,y\n7,8\n"
    if dropped is not None and execution.ended is Ended.OK:
        assert dropped not in execution.files
        assert dropped in {entry.path for entry in execution.dropped}
    assert all(entry.reason for entry in execution.dropped)
    assert execution.model_dump_json()
    after = cell.execute("import os; print(sorted(os.listdir('.'))); open('x', 'w').write('new')")
    assert after.ended is Ended.OK
    assert taken(after) == {"x"}


def test_a_link_to_the_answers_is_not_followed(trap: Trap) -> None:
    program = f"import os\nfor n, path in enumerate({trap.bait.files!r}): os.symlink(path, f'x{{n}}')\n"
    program += f"os.symlink({str(trap.bait.home)!r}, 'folder')\n"
    execution = trap.sandbox.execute(program)
    assert execution.files == {}
    assert {entry.path for entry in execution.dropped} >= {"x0", "folder"}


def test_a_naive_collector_would_have_followed_it(trap: Trap, tmp_path: Path) -> None:
    (tmp_path / "x0").symlink_to(trap.bait.files[0])
    assert (tmp_path / "x0").read_text() == trap.bait.secret


def test_only_files_that_were_asked_for_are_copied_out(cell: Sandbox) -> None:
    program = (
        GOOD
        + "os.makedirs('working', exist_ok=True)\n"
        + "open('working/a.txt', 'w').write('a')\nopen('top.txt', 'w').write('t')\n"
    )
    assert set(cell.execute(program, collect=("submission/*",)).files) == {"submission/good.csv"}
    assert set(cell.execute(program, collect=("top.txt", "working/*")).files) == {"top.txt", "working/a.txt"}
    assert set(cell.execute(program, collect=()).files) == set()


def test_the_given_data_are_not_copied_out(cell: Sandbox) -> None:
    execution = cell.execute("print(open('input/train.csv').read())")
    assert execution.files == {}
    assert "id,y" in execution.output


def test_files_handed_in_are_there_and_come_back(cell: Sandbox) -> None:
    given = {"a.txt": b"a", "deep/er/b.bin": bytes(range(256))}
    execution = cell.execute("print(open('a.txt').read(), len(open('deep/er/b.bin', 'rb').read()))", files=given)
    assert execution.output == "a 256\n"
    assert execution.files == given


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "input/train.csv", "", ".", "a\0b"])
def test_files_handed_in_stay_in_the_workspace(cell: Sandbox, path: str) -> None:
    with suppress(PodiumError):
        execution = cell.execute("import os; print(os.path.exists('/home/x'))", files={path: b"hostile"})
        assert execution.output == "False\n"
    assert cell.execute("print(open('input/train.csv').read())").output.startswith("id,y"), "refused, and not whole"


def test_files_that_do_not_fit_are_refused_and_the_next_program_runs(cell: Sandbox) -> None:
    with pytest.raises(PodiumError):
        cell.execute("print(1)", files={f"{number}.bin": bytes(10 << 20) for number in range(6)})
    assert cell.execute("print(2)").output == "2\n"


def test_what_goes_on_running_cannot_swap_a_file_while_it_is_copied(cell: Sandbox) -> None:
    program = GOOD + (
        "if os.fork() == 0:\n    os.setsid()\n    while True:\n        try:\n"
        "            os.symlink('/home/data/train.csv', 'x')\n            os.rename('x', 'submission/good.csv')\n"
        "            open('x', 'w').write('swapped')\n            os.rename('x', 'submission/good.csv')\n"
        "        except OSError: pass\n"
    )
    for _ in range(5):
        execution = cell.execute(program)
        assert execution.ended is Ended.OK
        assert execution.files.get("submission/good.csv") != b"id,y\n1,2\n"
        assert cell.execute("print('next')").output == "next\n"
