"""A program that answers, inside a sandbox: loaded once, and each question is answered by a fork of it.

One file, standard library only, for it is copied into the sandbox beside the interpreter. The program defines
`answer(*parts: bytes)`, which gives a list of buffers. Two pipes carry frames of little-endian numbers and bytes:

    question   number of parts, seconds, most bytes of the answer | the parts' lengths | the parts
    answer     length | the answer's bytes, or zeros where it broke off | how it ended, in one letter; CPU seconds

What a question makes of its fork stays in the fork: it holds no end of our pipes but its own, cannot look into us
(undumpable), can write no file, and whatever it leaves is killed before the last bytes of its answer are handed on.
It may kill or stop us instead; then the conversation ends before there is an answer, and with its own question.

A program that says `FORKS = False` answers in its one process, at a fraction of the cost: for one that is pure Python
and keeps nothing, and whose answers nobody would lie for. What takes too long is then ended by the other end.
"""

import contextlib
import ctypes
import fcntl
import gc
import os
import resource
import select
import signal
import struct
import sys
import time
import types
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, NamedTuple, NoReturn

QUESTION, LENGTH = struct.Struct("<QdQ"), struct.Struct("<Q")
SPOKEN, ENDED = struct.Struct("<cQ"), struct.Struct("<cd")
"""What a fork says first (how it went, length), and what we say last."""
OK, EXCEPTION, TIMEOUT, MEMORY, OUTPUT, SIGNAL, READY = b"=", b"!", b"t", b"m", b"o", b"s", b"r"
PR_SET_DUMPABLE = 4
USUAL_PIPE_BYTES, PIPE_BYTES = 1 << 16, 1 << 20
ZEROS = memoryview(bytes(PIPE_BYTES))

Answer = Callable[..., list[Any]]

_fork = ctypes.PyDLL(None).fork
"""Not `os.fork`, which first calls what every library has left to be called: to us, who have one thread and forks that
do one thing, that is of no use, and it takes half of the time of a small fork."""


class Question(NamedTuple):
    """What the other end asks, and how long and how much the answer may be."""

    parts: list[bytes]
    seconds: float
    most: int


def respond(program: str, inbound: int, outbound: int, alone: bool) -> NoReturn:
    """Load the file `program`, say so, and answer until the questions end.

    `alone`: every process of our namespace but us and its first is a fork's, to be killed when that has answered.
    """
    _let_go_of_all_but(inbound, outbound)
    answer, forks = _loaded(program)
    _hide()
    gc.collect()
    gc.freeze()
    if forks:
        gc.disable()
    questions = os.fdopen(inbound, "rb")
    _write(outbound, [LENGTH.pack(0), ENDED.pack(READY, 0.0)])
    while (question := _next(questions)) is not None:
        if forks:
            _answer(answer, question, outbound, (inbound, outbound), alone)
        else:
            _answer_here(answer, question, outbound)
    os._exit(0)


def _let_go_of_all_but(*pipes: int) -> None:
    """Let nothing be open but these two and standard output and error. Before a library opens what it needs."""
    low, high = sorted(pipes)
    os.closerange(3, low)
    os.closerange(low + 1, high)
    os.closerange(high + 1, os.sysconf("SC_OPEN_MAX"))


def _loaded(program: str) -> tuple[Answer, bool]:
    """The program's `answer`, and whether each question gets a fork."""
    module = types.ModuleType("__main__")
    module.__file__ = program
    sys.modules["__main__"] = module
    with open(program, "rb") as file:
        exec(compile(file.read(), program, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    answer: Answer = module.__dict__["answer"]
    return answer, bool(module.__dict__.get("FORKS", True))


def _hide() -> None:
    """Let nobody look into us, nothing be said but answers, and no file be written."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.close(null)
    os.chdir("/")
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _next(questions: BinaryIO) -> Question | None:
    head = questions.read(QUESTION.size)
    if len(head) < QUESTION.size:
        return None
    count, seconds, most = QUESTION.unpack(head)
    lengths = [LENGTH.unpack(questions.read(LENGTH.size))[0] for _ in range(count)]
    return Question([questions.read(length) for length in lengths], seconds, most)


def _answer(answer: Answer, question: Question, outbound: int, ours: tuple[int, ...], alone: bool) -> None:
    """Answer in a fork, hand on what it says, and end it and whatever it left."""
    ear, mouth = os.pipe()
    child = _fork()
    if child == 0:
        _speak(answer, question, mouth, (*ours, ear))
    os.close(mouth)
    end = time.monotonic() + question.seconds
    head = _hear(ear, SPOKEN.size, end)
    how, length = SPOKEN.unpack(head) if len(head) == SPOKEN.size else (SIGNAL, 0)
    if how not in (OK, EXCEPTION, MEMORY, SIGNAL) or length > question.most:
        how, length = OUTPUT, 0
    said = [LENGTH.pack(length)]
    if length <= USUAL_PIPE_BYTES:
        said.append(_hear(ear, length, end))
        absent = length - len(said[-1])
    else:
        _write(outbound, said)
        said, absent = [], _hand_on(ear, length, outbound, end)
    if absent or len(head) < SPOKEN.size:
        how = TIMEOUT if time.monotonic() >= end else SIGNAL
    os.close(ear)
    spent = _end(child, alone)
    zeros = [ZEROS[: absent - start] for start in range(0, absent, len(ZEROS))]
    _write(outbound, [*said, *zeros, ENDED.pack(how, spent)])


def _answer_here(answer: Answer, question: Question, outbound: int) -> None:
    start = time.process_time()
    how, views = _said(answer, question)
    if sum(map(len, views)) > question.most:
        how, views = OUTPUT, []
    length = LENGTH.pack(sum(map(len, views)))
    _write(outbound, [length, *views, ENDED.pack(how, time.process_time() - start)])


def _end(child: int, alone: bool) -> float:
    """End the fork and, where we are `alone`, all that it left; gives the CPU seconds that it used."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1 if alone else child, signal.SIGKILL)
    used = os.wait4(child, 0)[2]
    while alone and _any_left():
        time.sleep(0.001)
    return used.ru_utime + used.ru_stime


def _any_left() -> bool:
    """Whether there is still anyone but us and the namespace's first process, who buries the others."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _hear(ear: int, size: int, end: float) -> bytes:
    """So many bytes of what the fork says; fewer where it ends or its time is up."""
    heard = b""
    while len(heard) < size and select.select([ear], [], [], max(0.0, end - time.monotonic()))[0]:
        part = os.read(ear, size - len(heard))
        if not part:
            break
        heard += part
    return heard


def _hand_on(ear: int, length: int, outbound: int, end: float) -> int:
    """Move the answer from pipe to pipe; gives how much of what was promised is absent."""
    while length and select.select([ear], [], [], max(0.0, end - time.monotonic()))[0]:
        moved = os.splice(ear, outbound, length)
        if not moved:
            break
        length -= moved
    return length


def _speak(answer: Answer, question: Question, mouth: int, ours: tuple[int, ...]) -> NoReturn:
    """In the fork: answer into `mouth`."""
    for number in ours:
        os.close(number)
    most = int(question.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    how, views = _said(answer, question)
    length = sum(map(len, views))
    if length > USUAL_PIPE_BYTES:
        with contextlib.suppress(OSError):
            fcntl.fcntl(mouth, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    _write(mouth, [SPOKEN.pack(how, length), *views])
    os._exit(0)


def _said(answer: Answer, question: Question) -> tuple[bytes, list[memoryview]]:
    """How the answer went, and its bytes."""
    try:
        return OK, [memoryview(buffer).cast("B") for buffer in answer(*question.parts)]
    except MemoryError:
        return MEMORY, []
    except BaseException as error:
        return EXCEPTION, [memoryview(type(error).__name__.encode())]


def _write(descriptor: int, buffers: Sequence[bytes | memoryview]) -> None:
    left = [memoryview(buffer) for buffer in buffers if buffer]
    while left:
        written = os.writev(descriptor, left[:64])
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if written:
            left[0] = left[0][written:]
