"""The parser in a real jail: it reads what it should; a hostile one in its place reaches nothing and breaks nothing.

Each reach is first shown to succeed bare.
"""

from __future__ import annotations

import os
import shutil
import socketserver
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from containers.backends import backend
from containers.sandbox import Sandbox, SandboxSpec
from grading.parse import JailedParser
from grading.programs import read_csv
from grading.refusal import InvalidSubmission
from grading.table import TableLimits
from podium.spec import Limits
from tests.contracts import jails
from tests.unit.inline_sandbox import InlineSandbox

SECRET = "the answer of row 1 is 10"
GOOD = b"id,y\n1,2\n"
LIMITS = Limits(memory_mb=768, disk_mb=64, file_mb=32, files=64, processes=16, cpus=1, seconds=30)
REACH = (
    Path(read_csv.__file__).read_text()
    + """
import glob, os, socket
found = []
def attempt(deed):
    try:
        found.append(str(deed()))
    except Exception as error:
        found.append("failed: " + type(error).__name__)
def ask(port):
    with socket.create_connection(("127.0.0.1", port), 5) as server:
        return server.recv(100).decode()
{attempts}
values = np.empty(len(found), dtype=object)
values[:] = found
Path("table.bin").write_bytes(encode([("found", "str", values, np.zeros(len(found), dtype=bool))]))
"""
)
REACHES = {
    "a path": "attempt(Path({answers!r}).read_text)",
    "a link": "os.symlink({answers!r}, 'link')\nattempt(Path('link').read_text)",
    "a folder": "attempt(lambda: [path.read_text() for path in Path({answers!r}).parent.iterdir()])",
    "another root": "for root in glob.glob('/proc/[0-9]*/root'):\n    attempt(Path(root + {answers!r}).read_text)",
    "another environment": "for name in glob.glob('/proc/[0-9]*/environ'):\n    attempt(Path(name).read_text)",
    "the network": "attempt(lambda: ask({port}))",
}


@dataclass(frozen=True)
class Bait:
    """What a hostile parser would like to reach."""

    answers: Path
    port: int

    def program(self, reach: str) -> str:
        """A parser that hands back what it reached as its table."""
        return REACH.replace("{attempts}", REACHES[reach].format(answers=str(self.answers), port=self.port))


class Tell(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(SECRET.encode())


@pytest.fixture(scope="module")
def bait() -> Iterator[Bait]:
    """World-readable answers, a server that tells them, and a process with them in its environment."""
    folder = Path(tempfile.mkdtemp(prefix="podium-bait-", dir="/var/tmp"))
    folder.chmod(0o755)
    (folder / "test.csv").write_text(SECRET)
    holder = subprocess.Popen(["sleep", "600"], env={**os.environ, "PODIUM_BAIT": SECRET})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tell) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield Bait(folder / "test.csv", server.server_address[1])
        server.shutdown()
        thread.join()
    holder.kill()
    holder.wait()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def open_sandbox(jail: str) -> Callable[[], Sandbox]:
    return lambda: backend(jail).open(SandboxSpec(limits=LIMITS, scratch=jails.scratch()))


@pytest.fixture(scope="module")
def sandbox(open_sandbox: Callable[[], Sandbox]) -> Iterator[Sandbox]:
    """One jail for the whole module: it must outlive whatever is tried in it."""
    with open_sandbox() as opened:
        yield opened


def reached(sandbox: Sandbox, program: str) -> list[str]:
    return JailedParser(lambda: sandbox, program=program).parse("submission.csv", GOOD, 1)["found"].texts()


@pytest.mark.parametrize("reach", REACHES)
def test_a_hostile_parser_reaches_nothing(sandbox: Sandbox, bait: Bait, reach: str) -> None:
    bare = reached(InlineSandbox(), bait.program(reach))
    assert any(SECRET in text for text in bare), f"bare, it would have to get through: {bare}"
    jailed = reached(sandbox, bait.program(reach))
    assert jailed, "the program must have run"
    assert not any(SECRET in text for text in jailed)


def test_the_jail_holds_no_other_file_than_the_submission_and_the_limits(sandbox: Sandbox, bait: Bait) -> None:
    program = REACH.replace("{attempts}", "attempt(lambda: sorted(p.name for p in Path().iterdir() if p.is_file()))")
    assert reached(sandbox, program) == ["['limits.json', 'submission']"]


BREAKS = {
    "sleeps for ever": "import time; time.sleep(3600)",
    "kills its parent": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    "kills all it can": "import os, signal; os.kill(-1, signal.SIGKILL)",
    "takes all memory": "x = []\nwhile True: x.append(bytearray(1 << 20))",
    "fills the disk": "f = open('table.bin', 'wb')\nwhile True: f.write(bytes(1 << 20))",
    "forks without end": "import os\nwhile True: os.fork()",
    "says too much": "while True: print('x' * 10000)",
    "hands back a link": "import os; os.symlink('/etc/passwd', 'table.bin')",
    "hands back a pipe": "import os; os.mkfifo('table.bin')",
    "hands back a device": "import os; os.symlink('/dev/zero', 'table.bin')",
    "hands back a huge sparse table": "import os; f = open('table.bin', 'wb'); os.ftruncate(f.fileno(), 30 << 20)",
    "raises": "raise SystemError('the answer')",
    "leaves a child": "import os, time\nif os.fork() == 0: time.sleep(3600)",
}


@pytest.mark.parametrize("deed", BREAKS)
def test_a_parser_that_breaks_makes_the_submission_invalid_and_nothing_more(
    sandbox: Sandbox, open_sandbox: Callable[[], Sandbox], deed: str
) -> None:
    given_out = iter([sandbox])
    hostile = JailedParser(
        lambda: next(given_out, None) or open_sandbox(),
        program=BREAKS[deed],
        limits=TableLimits(bytes=20 << 20),
        seconds=2,
    )
    with pytest.raises(InvalidSubmission):
        hostile.parse("submission.csv", GOOD, 1)
    assert JailedParser(lambda: sandbox).parse("submission.csv", GOOD, 1)["y"].values.tolist() == [2]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"id,y\n1,\xff\n", "not UTF-8"),
        (b"id,y\n1,2,3\n", "Line 2 has 3 cells"),
        (b",".join(b"%d" % number for number in range(1_000_000)) + b"\n", "has 1000000 columns"),
        (b'id,y\n1,"' + b"x" * (17 << 20), "field larger than field limit"),
    ],
    ids=["empty", "not UTF-8", "ragged", "a million columns", "an endless cell"],
)
def test_a_broken_file_is_told_why_from_inside_the_jail(sandbox: Sandbox, content: bytes, words: str) -> None:
    with pytest.raises(InvalidSubmission) as fault:
        JailedParser(lambda: sandbox).parse("submission.csv", content, 64)
    assert words in fault.value.message
