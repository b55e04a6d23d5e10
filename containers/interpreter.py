"""The warm interpreter inside a sandbox: imports heavy libraries once, runs each program as a fork of itself.

One file, standard library only, for it is copied into the sandbox and run by the sandbox's own Python:
    python interpreter.py serve PROGRAM WARM,NAMES     orders as packets of JSON on socket 3, answers on 4, reports on 5
    python interpreter.py once PROGRAM REPORT_FD       one program in this process (the `local` back end)
    python interpreter.py respond PROGRAM IN OUT       the same, but it answers questions (`responder.py`)
An order that comes with two descriptors begins a conversation over them.
A program sees what `python PROGRAM` would show it: `__main__`, `__file__`, `sys.exit`, standard output as it is.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import ctypes
import gc
import importlib
import importlib.util
import io
import json
import linecache
import os
import random
import resource
import signal
import socket
import sys
import threading
import traceback
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

CONTROL, ANSWER, REPORT = 3, 4, 5
MOST_ORDER = 1 << 16
PR_SET_DUMPABLE = 4
MAX_FRAMES = 40
MAX_TEXT = 2000


def serve(program: str, warm: list[str]) -> None:
    """Import `warm`, say hello, then fork once for each order until the control pipe ends."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    # Forks share our user id. Undumpable, we are out of reach of their ptrace and /proc/1/mem; and as the namespace's
    # process 1 we get no signal from them that we do not handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in warm:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    os.set_inheritable(REPORT, False)
    answer({"pid": os.getpid(), "threads": len(os.listdir("/proc/self/task"))})
    with socket.socket(fileno=CONTROL) as orders:
        while True:
            packet, pipes, _, _ = socket.recv_fds(orders, MOST_ORDER, 2)
            if not packet:
                break
            order = json.loads(packet)
            child = os.fork()
            if child == 0:
                orders.close()
                begin(order, libc)
                if pipes:
                    converse(program, pipes[0], pipes[1], alone=True)
                run(program, REPORT)
            for pipe in pipes:
                os.close(pipe)
            status, used = ended(child)
            end_the_rest()
            answer({"status": status, "cpu": used.ru_utime + used.ru_stime, "rss_kb": used.ru_maxrss})


def answer(message: dict[str, Any]) -> None:
    os.write(ANSWER, json.dumps(message).encode() + b"\n")


def ended(child: int) -> tuple[int, resource.struct_rusage]:
    """Wait for `child`, burying orphans meanwhile; returns its wait status and what it used."""
    while True:
        pid, status, used = os.wait4(-1, 0)
        if pid == child:
            return status, used


def end_the_rest() -> None:
    """Kill all that the program left: one call reaches every process of the namespace but us, its process 1."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def begin(order: dict[str, Any], libc: ctypes.CDLL) -> None:
    """In the fork: leave the parent's session and pipes, take on the limits, be as fresh as a new interpreter."""
    os.close(ANSWER)
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    for name, value in order["limits"].items():
        kind = getattr(resource, "RLIMIT_" + name)
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    by_lines()


def by_lines() -> None:
    """Let printed lines leave at once: what a killed program said is not lost."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


def converse(program: str, inbound: int, outbound: int, alone: bool) -> NoReturn:
    """Let the file `program` answer questions; end this process when there are no more."""
    try:
        spec = importlib.util.spec_from_file_location("responder", Path(__file__).with_name("responder.py"))
        assert spec is not None
        assert spec.loader is not None
        responder = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(responder)
        responder.respond(program, inbound, outbound, alone)
    except BaseException as error:
        show(error)
    finish(1)


def run(program: str, report: int) -> NoReturn:
    """Run the file `program` as `__main__` and end this process with its exit status."""
    owner = os.getpid()
    module = types.ModuleType("__main__")
    module.__file__ = program
    vars(module)["__builtins__"] = builtins
    sys.modules["__main__"] = module
    sys.argv = [program]
    sys.path.insert(0, os.getcwd())
    code = 0
    try:
        with open(program, "rb") as file:
            source = file.read()
        exec(compile(source, program, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    except SystemExit as stop:
        code = exit_code(stop)
    except BaseException as error:
        code = 1
        if os.getpid() == owner:
            tell(report, error)
        show(error)
    finish(code)


def exit_code(stop: SystemExit) -> int:
    """What a shell would see of a SystemExit; a text goes to standard error."""
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    with contextlib.suppress(Exception):
        print(stop.code, file=sys.stderr)
    return 1


def show(error: BaseException) -> None:
    """Print the traceback as the interpreter does, from the program's own first frame on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    with contextlib.suppress(BaseException):
        sys.excepthook(type(error), error.with_traceback(trace), trace)


def finish(code: int) -> NoReturn:
    """End as an interpreter ends: wait for threads, run exit functions, flush; then without any more of ours."""
    with contextlib.suppress(BaseException):
        shutdown = vars(threading)["_shutdown"]
        shutdown()
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    os._exit(code)


def tell(report: int, error: BaseException) -> None:
    """Write the exception, as one bounded JSON line, to the report pipe."""
    with contextlib.suppress(BaseException):
        os.write(report, json.dumps(describe(error)).encode() + b"\n")


def describe(error: BaseException) -> dict[str, Any]:
    """Type, arguments, stack and the hints from which the keeper tells which limit was hit."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    if isinstance(error, SyntaxError) and error.filename and not frames:
        frames = [traceback.FrameSummary(error.filename, error.lineno or 0, "<module>")]
    if len(frames) > MAX_FRAMES:
        frames = frames[: MAX_FRAMES // 2] + frames[-MAX_FRAMES // 2 :]
    linecache.checkcache()
    return {
        "type": type(error).__name__[:200],
        "args": [text(value) for value in error.args[:10]],
        "stack": [[f.filename[:300], f.lineno or 0, f.name[:200], (f.line or "")[:300]] for f in frames],
        "hints": [hint for link in chain(error) for hint in hints(link)][:32],
    }


def text(value: object) -> str:
    try:
        return str(value)[:MAX_TEXT].encode("utf-8", "replace").decode()
    except BaseException:
        return "<no text>"


def chain(error: BaseException | None) -> list[BaseException]:
    """The exception and those behind it, newest first, at most 8."""
    links: list[BaseException] = []
    while error is not None and len(links) < 8 and error not in links:
        links.append(error)
        error = error.__cause__ or error.__context__
    return links


def hints(error: BaseException) -> Iterator[str]:
    """`MEMORY`, `THREAD` or an errno's number, where the exception is of that kind."""
    message = text(error)
    if isinstance(error, MemoryError) or "bad_alloc" in message or "Cannot allocate memory" in message:
        yield "MEMORY"
    if "can't start new thread" in message:
        yield "THREAD"
    if isinstance(error, OSError) and isinstance(error.errno, int):
        yield str(error.errno)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], [name for name in sys.argv[3].split(",") if name])
    elif sys.argv[1] == "respond":
        converse(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), alone=False)
    else:
        by_lines()
        run(sys.argv[2], int(sys.argv[3]))
