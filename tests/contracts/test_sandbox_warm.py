"""The warm interpreter: what one execution does to it, or leaves, does not reach the next."""

from __future__ import annotations

import secrets
import time

import pytest

from containers.sandbox import Ended, Sandbox
from tests.contracts import jails, starters
from tests.contracts.harms import DAEMON, HARM, LEFT

FRESH = """
import os
def strangers():
    \"\"\"What lies in the writable folders and was not put there for us: all of it is empty at the start.\"\"\"
    given = {'input', 'submission', 'working'}
    folders = ['/tmp', '/dev/shm', *(name for name in ('submission', 'working') if os.path.isdir(name))]
    return sorted(set(os.listdir('.')) - given) + [name for folder in folders for name in os.listdir(folder)]
"""
WHOLE = f"""
{FRESH}
import json, os, subprocess, sys, numpy, pandas, sklearn
print(numpy.arange(4).sum(), json.dumps(1), os.getpriority(0, 0))
print(strangers())
open('new.txt', 'w').write('x' * 1000)
open('/tmp/new.txt', 'w').write('x' * 1000)
print(subprocess.run([sys.executable, '-S', '-c', 'print(7)'], capture_output=True, text=True).stdout)
"""
CLEAN = f"""
{FRESH}
import csv, ctypes, json, os, sys, numpy, pandas
csv.reader, json.dumps, numpy.array, pandas.DataFrame
print('LEFT' in os.environ, os.environ.get('PYTHONPATH'), os.getcwd(), oct(os.umask(0o22)))
print(ctypes.CDLL(None).shmget(4242, 0, 0), [path for path in sys.path if path.startswith('/tmp')])
print(strangers())
"""
DEAF = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 3, 13, 15)]"


@pytest.mark.parametrize("name", HARM)
def test_the_next_execution_works_after_one_that(cell: Sandbox, name: str) -> None:
    begun = time.monotonic()
    execution = cell.execute(HARM[name], seconds=3)
    assert time.monotonic() - begun < 12, execution
    after = cell.execute(WHOLE)
    assert after.ended is Ended.OK, after
    assert after.output == "6 1 0\n[]\n7\n\n"
    assert after.files == {"new.txt": b"x" * 1000}


@pytest.mark.parametrize("name", ["claims to be well", "claims to be well on others' pipes"])
def test_a_program_cannot_forge_its_end(cell: Sandbox, name: str) -> None:
    assert cell.execute(HARM[name]).exit_code == 9


@pytest.mark.parametrize("before", ["", DEAF], ids=["", "deaf"])
@pytest.mark.parametrize("end", ["", "os.kill(os.getppid(), 9)", "sys.exit(3)", "raise ValueError"])
def test_a_daemon_ends_with_its_execution(cell: Sandbox, before: str, end: str) -> None:
    name = f"ghost-{secrets.token_hex(4)}"
    execution = cell.execute(DAEMON.format(name=name, before=before) + end)
    assert "daemon" in execution.output
    assert jails.named(name) == []
    after = cell.execute(f"{FRESH}\nimport time; time.sleep(0.2); print(strangers())")
    assert after.output == "[]\n"


def test_a_daemon_is_seen_while_it_runs(cell: Sandbox) -> None:
    name = f"ghost-{secrets.token_hex(4)}"
    seen = starters.watched(lambda: cell.execute(DAEMON.format(name=name, before="")), lambda: bool(jails.named(name)))
    assert seen.ever


@pytest.mark.parametrize("kill", ["", "\nimport os; os.kill(os.getppid(), 9)"], ids=["", "and a restart"])
@pytest.mark.parametrize("name", LEFT)
def test_nothing_is_left_of(cell: Sandbox, name: str, kill: str) -> None:
    cell.execute(LEFT[name] + kill)
    after = cell.execute(CLEAN)
    assert after.ended is Ended.OK, after
    assert after.output == "False None /home/work 0o22\n-1 []\n[]\n"


def test_modules_that_shadow_ours_harm_nobody_but_their_program(cell: Sandbox) -> None:
    names = ("csv", "json", "numpy", "os", "socket", "traceback", "struct", "encodings", "linecache")
    shadows = {f"{name}.py": b"raise SystemExit(77)" for name in names}
    execution = cell.execute("raise ValueError('mine')", files=shadows)
    assert execution.ended is Ended.EXCEPTION, execution
    assert execution.exception is not None
    assert execution.exception.type == "ValueError"
    assert set(execution.files) == set(shadows)
    assert cell.execute("import csv, json, numpy; print(numpy.arange(3).sum())").output == "3\n"
