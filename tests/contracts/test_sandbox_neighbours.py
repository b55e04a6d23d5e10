"""Neighbours: two sandboxes of one user neither see, reach nor starve each other."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator

import pytest

from containers.sandbox import Ended, Execution, Sandbox, SandboxSpec
from tests.contracts import jails
from tests.contracts.trap import LIMITS

HOST = """
import os, socket, threading, time
open('/proc/self/comm', 'w').write({name!r})
open('private.csv', 'w').write({name!r})
open('/tmp/private.csv', 'w').write({name!r})
open('/dev/shm/private.csv', 'w').write({name!r})
listener = socket.create_server(('127.0.0.1', 41234))
abstract = socket.socket(socket.AF_UNIX)
abstract.bind('\\0podium-neighbour')
abstract.listen()
more, end = os.pipe()
for _ in range({children}):
    if os.fork() == 0:
        os.close(end)
        os.read(more, 1)
        os._exit(0)
time.sleep(3)
"""
GUEST = """
import os, socket
found = []
for pid in os.listdir('/proc'):
    if pid.isdigit() and open(f'/proc/{{pid}}/comm').read().strip() == {name!r}:
        found.append('process')
for folder in ('.', '/tmp', '/dev/shm', '/home/work'):
    if os.path.exists(folder + '/private.csv'):
        found.append(folder)
for family, address in ((socket.AF_INET, ('127.0.0.1', 41234)), (socket.AF_UNIX, '\\0podium-neighbour')):
    with socket.socket(family) as end:
        try:
            end.connect(address)
            found.append(address)
        except OSError:
            pass
print('FOUND', found)
more, end = os.pipe()
for _ in range({children}):
    if os.fork() == 0:
        os.close(end)
        os.read(more, 1)
        os._exit(0)
print('FORKED', {children})
"""
CHILDREN = LIMITS.processes - 12


@pytest.fixture(scope="module")
def pair(jail: str) -> Iterator[tuple[Sandbox, Sandbox]]:
    backend, _ = jails.usable(jail)
    spec = SandboxSpec(limits=LIMITS, scratch=jails.scratch())
    with backend.open(spec) as one, backend.open(spec) as other:
        yield one, other


def test_neighbours_neither_see_nor_reach_nor_starve_each_other(pair: tuple[Sandbox, Sandbox]) -> None:
    one, other = pair
    name = f"near-{secrets.token_hex(4)}"
    results: list[Execution] = []
    program = HOST.format(name=name, children=CHILDREN)
    runner = threading.Thread(target=lambda: results.append(one.execute(program)))
    runner.start()
    try:
        assert jails.until(lambda: len(jails.named(name)) == CHILDREN + 1), "the first sandbox could not fork"
        guest = other.execute(GUEST.format(name=name, children=CHILDREN))
        assert jails.named(name), "the first sandbox's program was over too soon to be found"
    finally:
        runner.join()
    assert guest.output == f"FOUND []\nFORKED {CHILDREN}\n"
    assert guest.ended is Ended.OK
    assert results[0].ended is Ended.OK


def test_a_guest_finds_what_its_own_sandbox_holds(pair: tuple[Sandbox, Sandbox]) -> None:
    name = f"near-{secrets.token_hex(4)}"
    program = HOST.format(name=name, children=2).replace("time.sleep(3)", "")
    output = pair[0].execute(program + GUEST.format(name=name, children=2)).output
    for sign in ("process", "/tmp", "/dev/shm", "41234", "podium-neighbour"):
        assert sign in output


def test_closing_one_leaves_the_other(jail: str) -> None:
    backend, _ = jails.usable(jail)
    spec = SandboxSpec(limits=LIMITS, scratch=jails.scratch())
    with backend.open(spec) as one:
        with backend.open(spec) as other:
            assert other.execute("print(2)").output == "2\n"
        assert one.execute("print(1)").output == "1\n"
