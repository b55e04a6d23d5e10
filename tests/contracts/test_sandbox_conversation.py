"""Conversations: every back end keeps a program that answers; in a jail no question reaches beyond its own answer."""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from containers.bubblewrap import BubblewrapSandbox
from containers.sandbox import Answer, Conversation, Ended, Sandbox, SandboxSpec
from podium.errors import InfrastructureFailure, UserError
from podium.plugins import load
from tests.contracts import jails
from tests.contracts.trap import LIMITS

PROGRAM = '''
import sys, os, time
asked = []
def fds():
    """The descriptors that are open, but for standard input, output and error."""
    found = []
    for number in range(3, 256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found
def answer(deed, *parts):
    asked.append(deed)
    names = {"parts": parts, "asked": asked}
    exec(deed, globals(), names)
    return names["said"]
'''
LARGE = os.urandom(1 << 20) * 6


@contextmanager
def opened(name: str) -> Iterator[Sandbox]:
    spec = SandboxSpec(limits=LIMITS, scratch=jails.scratch(), warm=())
    with load(f"containers.{name}:BACKEND")().open(spec) as sandbox:
        yield sandbox


@pytest.fixture(params=jails.NAMES)
def usable(request: pytest.FixtureRequest) -> str:
    """The name of a back end that can run here."""
    name: str = request.param
    jails.usable(name)
    return name


@pytest.fixture(scope="module", params=jails.NAMES)
def talk(request: pytest.FixtureRequest) -> Iterator[Conversation]:
    """One conversation for the whole module: whatever is asked, the next question is answered."""
    jails.usable(request.param)
    with opened(request.param) as sandbox:
        yield sandbox.converse(PROGRAM)


@pytest.fixture(scope="module")
def held(jail: str) -> Iterator[Conversation]:
    """One conversation in a jail."""
    with opened(jail) as sandbox:
        yield sandbox.converse(PROGRAM)


@pytest.fixture
def jailed(jail: str) -> Iterator[Sandbox]:
    with opened(jail) as sandbox:
        yield sandbox


def ask(talk: Conversation, deed: str, *parts: bytes, seconds: float = 10.0, most: int = 1 << 24) -> Answer:
    return talk.exchange(deed.encode(), *parts, seconds=seconds, most=most)


@pytest.mark.parametrize(
    "parts", [(), (b"",), (b"a", b"", b"bc"), (LARGE, b"end")], ids=["none", "empty", "some", "large"]
)
def test_the_parts_arrive_and_the_answer_comes_back_whole(talk: Conversation, parts: tuple[bytes, ...]) -> None:
    answer = ask(talk, "said = [b'<', *parts, b'>']", *parts)
    assert answer.ended is Ended.OK
    assert bytes(answer.content) == b"<" + b"".join(parts) + b">"


def test_a_question_finds_the_program_as_it_was_loaded(talk: Conversation) -> None:
    for _ in range(2):
        assert bytes(ask(talk, "said = [b'%d' % len(asked)]").content) == b"1"


FAULTS = {
    "raises": ("raise ValueError", Ended.EXCEPTION),
    "gives what is no buffer": ("said = [1]", Ended.EXCEPTION),
    "gives nothing": ("said = None", Ended.EXCEPTION),
    "is out of memory": ("raise MemoryError", Ended.MEMORY),
    "takes too long": ("time.sleep(60)", Ended.TIMEOUT),
    "answers too much": ("said = [bytes(2 << 20)]", Ended.OUTPUT),
    "ends without an answer": ("os._exit(0)", Ended.SIGNAL),
    "kills itself": ("os.kill(os.getpid(), 9)", Ended.SIGNAL),
    "closes its pipe": ("os.closerange(3, 64); time.sleep(60)", Ended.SIGNAL),
    "promises more than it gives": ("os.write(max(fds()), b'=' + bytes([9]) + bytes(7)); os._exit(0)", Ended.SIGNAL),
    "promises and is late": ("os.write(max(fds()), b'=' + bytes([9]) + bytes(7)); time.sleep(60)", Ended.TIMEOUT),
    "writes what is no answer": ("os.write(max(fds()), b'x' * 100); os._exit(0)", Ended.OUTPUT),
}


@pytest.mark.parametrize(("deed", "ended"), FAULTS.values(), ids=FAULTS.keys())
def test_how_an_answer_fails_is_told_and_the_next_question_is_answered(
    talk: Conversation, deed: str, ended: Ended
) -> None:
    begun = time.monotonic()
    assert ask(talk, deed, seconds=1.0, most=1 << 20).ended is ended
    assert time.monotonic() - begun < 4
    assert bytes(ask(talk, "said = [b'well']").content) == b"well"


def test_a_program_without_forks_answers_in_one_process(usable: str) -> None:
    with opened(usable) as sandbox:
        talk = sandbox.converse(PROGRAM + "FORKS = False\n")
        counted = [bytes(ask(talk, "said = [b'%d' % len(asked)]").content) for _ in range(2)]
        assert counted == [b"1", b"2"]
        assert ask(talk, "raise ValueError").ended is Ended.EXCEPTION
        assert ask(talk, "raise MemoryError").ended is Ended.MEMORY
        assert ask(talk, "said = [bytes(2 << 20)]", most=1 << 20).ended is Ended.OUTPUT
        assert bytes(ask(talk, "said = [*parts]", LARGE).content) == LARGE


def test_a_program_without_forks_that_takes_too_long_is_given_up(usable: str) -> None:
    with opened(usable) as sandbox:
        talk = sandbox.converse(PROGRAM + "FORKS = False\n")
        assert ask(talk, "time.sleep(600)", seconds=0.1).ended is Ended.TIMEOUT
        assert not talk.open


def test_the_time_of_an_answer_is_told(talk: Conversation) -> None:
    deed = "end = time.process_time() + 0.2\nwhile time.process_time() < end: pass\nsaid = []"
    assert 0.15 < ask(talk, deed).cpu_seconds < 2


def test_nothing_is_executed_meanwhile_and_everything_afterwards(jailed: Sandbox) -> None:
    talk = jailed.converse(PROGRAM)
    with pytest.raises(UserError, match="conversation"):
        jailed.execute("print(1)")
    with pytest.raises(UserError, match="conversation"):
        jailed.converse(PROGRAM)
    ask(talk, "said = []")
    said = talk.close()
    talk.close()
    assert said is not None
    assert said.ended is Ended.OK
    with pytest.raises(InfrastructureFailure):
        ask(talk, "said = []")
    assert jailed.execute("print(1)").output == "1\n"
    assert ask(jailed.converse(PROGRAM), "said = []").ended is Ended.OK


def test_a_program_that_does_not_start_says_why(jailed: Sandbox) -> None:
    with pytest.raises(InfrastructureFailure, match="ZeroDivisionError"):
        jailed.converse("1 / 0")
    assert jailed.execute("print(1)").output == "1\n"


LETHAL = {
    "kills the program": "os.kill(os.getppid(), 9); time.sleep(60)",
    "kills all it can": "os.kill(-1, 9); time.sleep(60)",
}


@pytest.mark.parametrize("deed", LETHAL.values(), ids=LETHAL.keys())
def test_a_question_that_ends_the_program_has_no_answer_and_the_sandbox_goes_on(jailed: Sandbox, deed: str) -> None:
    talk = jailed.converse(PROGRAM)
    with pytest.raises(InfrastructureFailure):
        ask(talk, deed)
    assert not talk.open
    assert ask(jailed.converse(PROGRAM), "said = [b'well']").ended is Ended.OK


def test_a_program_that_was_stopped_is_given_up_with_its_question(jailed: Sandbox) -> None:
    talk = jailed.converse(PROGRAM)
    assert ask(talk, "os.kill(os.getppid(), 19)", seconds=0.5).ended is Ended.TIMEOUT
    assert not talk.open


@pytest.mark.parametrize("deed", ["said = [b'x']", "os._exit(0)", "time.sleep(60)", "said = [bytes(1 << 22)]"])
def test_nothing_that_a_question_left_runs_when_its_answer_is_there(jailed: Sandbox, deed: str) -> None:
    talk, name = jailed.converse(PROGRAM), f"ghost-{secrets.token_hex(4)}"
    daemon = f"""
import signal
for number in range(1, 32):
    if number not in (9, 17, 19):
        signal.signal(number, signal.SIG_IGN)
for _ in range(4):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        ctypes.CDLL(None).prctl(15, {name!r}.encode(), 0, 0, 0)
        while True:
            time.sleep(1)
time.sleep(0.2)
"""
    ask(talk, f"import ctypes\n{daemon}\n{deed}", seconds=1.0, most=1 << 20)
    assert jails.named(name) == []
    assert ask(talk, "said = []").ended is Ended.OK


REACHES = {
    "descriptors but its own pipe": "said = len(fds()) - 1",
    "standard streams that lead anywhere": "said = sum(os.fstat(number).st_rdev != 0x103 for number in range(3))",
    "the program's descriptors": "said = os.listdir(f'/proc/{os.getppid()}/fd')",
    "the program's memory": "said = open(f'/proc/{os.getppid()}/mem', 'rb').read(0) or 1",
    "the interpreter's descriptors": "said = os.listdir('/proc/1/fd')",
    "a folder to import from that it may write": "said = sum(os.access(path or '.', os.W_OK) for path in sys.path)",
    "a file to write": "said = os.write(os.open('/tmp/x', os.O_CREAT | os.O_WRONLY), b'x')",
    "a working directory to write": "said = os.access('.', os.W_OK)",
    "higher limits": "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)); said = 1",
}
TRIED = """
try:
    {}
except (OSError, ValueError):
    said = 0
said = [b'%d' % (said if isinstance(said, int) else len(said))]
"""


@pytest.mark.parametrize("reach", REACHES.values(), ids=REACHES.keys())
def test_a_question_has_no(held: Conversation, reach: str) -> None:
    assert bytes(ask(held, TRIED.format("said = 7")).content) == b"7"
    assert bytes(ask(held, TRIED.format(reach)).content) == b"0"


def test_what_a_question_adds_to_its_answer_reaches_no_other(jailed: Sandbox) -> None:
    talk = jailed.converse(PROGRAM)
    forged = "b'=' + (6).to_bytes(8, 'little')"
    deed = f"mouth = max(fds())\nos.write(mouth, {forged} + b'theirs' + {forged} + b'forged' * 100)\nos._exit(0)"
    assert bytes(ask(talk, deed).content) == b"theirs"
    assert bytes(ask(talk, "said = [b'mine']").content) == b"mine"


def test_what_a_question_left_in_files_is_nothing_to_the_next(jailed: Sandbox) -> None:
    talk = jailed.converse(PROGRAM)
    leave = "for folder in ('/tmp', '/home/work', '/dev/shm'): open(folder + '/colorsys.py', 'w').close()\nsaid = []"
    assert ask(talk, leave).ended is Ended.OK
    assert bytes(ask(talk, "import colorsys\nsaid = [colorsys.__file__.encode()]").content).startswith(b"/opt/python/")


def test_a_keeper_that_dies_ends_the_conversation(jailed: Sandbox) -> None:
    if not isinstance(jailed, BubblewrapSandbox):
        pytest.skip("has no keeper")
    talk = jailed.converse(PROGRAM)
    os.kill(jailed.keeper_pid, signal.SIGKILL)
    with pytest.raises(InfrastructureFailure):
        ask(talk, "time.sleep(5)\nsaid = []")
