"""`podium sandbox exec`: runs a program exactly as an agent's code runs, and says what ended it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from podium.settings import CHECKOUT

SMALL = ["--limit", "memory_mb=512", "--limit", "seconds=20"]


def sandbox(jail: str, folder: Path, program: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `program` by the command line, from a folder that is not the checkout."""
    file = folder / "program.py"
    file.write_text(program)
    return subprocess.run(
        [sys.executable, "-m", "podium", "sandbox", "exec", "--backend", jail, *SMALL, *options, str(file)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        check=False,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a file of its own."""
    folder = tmp_path / "workspace"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "mine.txt").write_text("mine")
    return folder


def test_output_is_passed_through_and_the_end_is_told_apart(jail: str, tmp_path: Path) -> None:
    done = sandbox(jail, tmp_path, "import sys; print('out'); print('err', file=sys.stderr)")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "out\nerr\n"
    assert "ok" in done.stderr
    assert "MiB" in done.stderr or "MB" in done.stderr


ENDS = {
    "ok": ("print(1)", 0, "ok"),
    "exit": ("import sys; sys.exit(7)", 7, "exit"),
    "exception": ("raise ValueError('x')", 1, "exception"),
    "timeout": ("import time; time.sleep(60)", 124, "timeout"),
    "memory": ("x = bytearray(b'x' * (600 << 20))", 137, "memory"),
    "disk": ("[open(str(n), 'wb').write(b'x' * (10 << 20)) for n in range(6)]", 137, "disk"),
    "files": ("[open(str(n), 'wb') for n in range(300)]", 137, "disk"),
    "one file": ("open('x', 'wb').write(b'x' * (20 << 20))", 137, "disk"),
    "processes": ("import os, time\nfor _ in range(60):\n    if os.fork() == 0: time.sleep(60)", 137, "processes"),
    "output": ("for _ in range(200): print('x' * 1000)", 137, "output"),
    "signal": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 139, "signal"),
}
LIMITS = {
    "memory_mb": "400", "disk_mb": "40", "file_mb": "15", "files": "200", "processes": "32", "cpus": "1",
    "seconds": "3", "output_bytes": "100000",
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_the_exit_status_and_the_record_say_what_ended_it(jail: str, tmp_path: Path, name: str) -> None:
    program, status, ended = ENDS[name]
    limits = [f"--limit={key}={value}" for key, value in LIMITS.items()]
    done = sandbox(jail, tmp_path, program, "--json", *limits)
    record = json.loads(done.stderr.splitlines()[-1])
    assert (record["ended"], done.returncode) == (ended, status)
    assert record["usage"]["seconds"] >= 0
    assert record["schema_version"] == 1


def test_the_workspace_goes_in_and_comes_back(jail: str, tmp_path: Path, workspace: Path) -> None:
    program = (
        "print(open('deep/mine.txt').read())\nopen('deep/mine.txt', 'a').write(' and yours')\n"
        "import os; os.makedirs('submission', exist_ok=True); open('submission/submission.csv', 'w').write('id\\n')"
    )
    done = sandbox(jail, tmp_path, program, "--workspace", str(workspace))
    assert (done.returncode, done.stdout) == (0, "mine\n"), done.stderr
    assert (workspace / "deep" / "mine.txt").read_text() == "mine and yours"
    assert (workspace / "submission" / "submission.csv").read_text() == "id\n"
    assert (workspace / "submission" / "submission.csv").stat().st_uid == os.getuid()


def test_a_relative_workspace_is_meant_from_where_one_stands(jail: str, tmp_path: Path, workspace: Path) -> None:
    done = sandbox(jail, tmp_path, "open('new', 'w').write('x')", "--workspace", "workspace")
    assert done.returncode == 0, done.stderr
    assert (workspace / "new").read_text() == "x"


def test_hostile_files_are_dropped_and_named(jail: str, tmp_path: Path, workspace: Path) -> None:
    program = "import os; os.symlink('/etc/passwd', 'stolen'); os.mkfifo('pipe'); open('good', 'w').write('g')"
    done = sandbox(jail, tmp_path, program, "--workspace", str(workspace))
    assert done.returncode == 0, done.stderr
    assert "stolen" in done.stderr
    assert "pipe" in done.stderr
    assert sorted(path.name for path in workspace.iterdir()) == ["deep", "good"]


def test_what_is_no_regular_file_in_the_workspace_is_not_followed_on_the_way_in(
    jail: str, tmp_path: Path, workspace: Path
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (workspace / "link").symlink_to(tmp_path / "secret.txt")
    (workspace / "folder").symlink_to(tmp_path)
    os.mkfifo(workspace / "pipe")
    program = "import os\nfor d, _, fs in os.walk('.'):\n    for f in fs:\n        if 'input' not in d: print(f)\n"
    program += "print('secret' in ''.join(open(f).read() for f in os.listdir('.') if os.path.isfile(f)))"
    done = sandbox(jail, tmp_path, program, "--workspace", str(workspace))
    assert done.stdout.splitlines()[-1] == "False", done.stderr
    assert "mine.txt" in done.stdout


def test_a_link_in_the_workspace_is_not_written_through_on_the_way_back(
    jail: str, tmp_path: Path, workspace: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    (workspace / "link.txt").symlink_to(outside / "kept.txt")
    (workspace / "folder").symlink_to(outside)
    program = (
        "import os\nopen('link.txt', 'w').write('overwritten')\nos.makedirs('folder', exist_ok=True)\n"
        "open('folder/kept.txt', 'w').write('overwritten')\nopen('folder/planted.txt', 'w').write('planted')"
    )
    sandbox(jail, tmp_path, program, "--workspace", str(workspace))
    assert (outside / "kept.txt").read_text() == "kept"
    assert [path.name for path in outside.iterdir()] == ["kept.txt"]


def test_data_are_seen_read_only_in_both_places(jail: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "train.csv").write_text("id,y\n")
    program = "print(open('/home/data/train.csv').read() + open('input/train.csv').read())\n"
    program += "for path in ('/home/data/x', 'input/x', 'input/train.csv'):\n"
    program += (
        "    try: open(path, 'a').write('x'); print('written')\n    except OSError as e: print(type(e).__name__)\n"
    )
    done = sandbox(jail, tmp_path, program, "--data", str(data))
    assert done.stdout.startswith("id,y\nid,y\n"), done.stderr
    assert "written" not in done.stdout
    assert os.listdir(data) == ["train.csv"]


def test_data_that_only_we_may_read_are_shown_or_refused_with_what_to_do(jail: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "train.csv").write_text("id,y\n")
    (data / "train.csv").chmod(0o600)
    done = sandbox(jail, tmp_path, "print(open('input/train.csv').read())", "--data", str(data))
    if done.returncode:
        assert (done.returncode, done.stdout) == (1, "")
        assert "chmod" in done.stderr
    else:
        assert done.stdout == "id,y\n\n"


def test_a_fresh_workspace_is_used_where_none_is_named(jail: str, tmp_path: Path) -> None:
    done = sandbox(jail, tmp_path, "import os; print('left' in os.listdir('.')); open('left', 'w').write('x')")
    assert done.stdout == "False\n", done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["program.py"]


WRONG = {
    "an unknown back end": (["--backend", "bublewrap"], "bubblewrap"),
    "an unknown limit": (["--limit", "memry_mb=3"], "memory_mb"),
    "a limit without a value": (["--limit", "memory_mb"], "memory_mb"),
    "a limit that is no number": (["--limit", "memory_mb=much"], "memory_mb"),
    "a limit below the least": (["--limit", "memory_mb=-1"], "memory_mb"),
    "a workspace that is not there": (["--workspace", "/nowhere/at/all"], "/nowhere/at/all"),
    "data that are not there": (["--data", "/nowhere/at/all"], "/nowhere/at/all"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_is_answered_with_what_to_do(jail: str, tmp_path: Path, name: str) -> None:
    options, hint = WRONG[name]
    done = sandbox(jail, tmp_path, "print('ran')", *options)
    assert done.returncode == 1
    assert "ran" not in done.stdout
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_program_that_is_not_there_is_an_error(jail: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "podium", "sandbox", "exec", "--backend", jail, "nowhere.py"]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, check=False)
    assert done.returncode == 1
    assert "nowhere.py" in done.stderr
    assert "Traceback" not in done.stderr
