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
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from containers.backends import backend
from containers.sandbox import Sandbox, SandboxSpec
from grading.codec import TableLimits, encode
from grading.parse import JailedParser, OpenParser, Reading
from grading.programs import bundle
from grading.refusal import InvalidSubmission
from podium.spec import Limits
from tests.contracts import jails
from tests.unit.inline_sandbox import InlineSandbox

SECRET = "the answer of row 1 is 10"
GOOD = b"id,y\n1,2\n"
LIMITS = Limits(memory_mb=768, disk_mb=64, file_mb=32, files=64, processes=16, cpus=1, seconds=30)
REACH = bundle(
    ("columns", "reply"),
    """
import glob, os, socket
from array import array
from itertools import accumulate
from pathlib import Path
from grading.programs.columns import Column, Sheet
from grading.programs.reply import answering
found = []
def attempt(deed):
    try:
        found.append(str(deed()))
    except Exception as error:
        found.append("failed: " + type(error).__name__)
def ask(port):
    with socket.create_connection(("127.0.0.1", port), 5) as server:
        return server.recv(100).decode()
def read(data, limits):
    {attempts}
    texts = [text.encode("utf-8", "replace") for text in found]
    ends = array("q", accumulate(map(len, texts), initial=0))
    return Sheet(len(texts), [Column("found", "str", ends, None, b"".join(texts))])
answer = answering(read)
""".replace("{attempts}", "@attempts@"),
)
FILES = {
    "small": b"id,y\n1,0.5\n2,0.25\n",
    "quoted": b'id,y\n"a, b",0.5\n',
    "large": b"id,y\n" + b"".join(b"id_%d,%d.25\n" % (row, row) for row in range(50_000)),
    "gaps": b"id,y\n" + b"a_1,0.5\nb_2,\n" * 10_000,
    "not ASCII": "id,y\né,1\n".encode(),
}
REACHES = {
    "a path": "attempt(Path({answers!r}).read_text)",
    "a link": "os.symlink({answers!r}, '/tmp/link'); attempt(Path('/tmp/link').read_text); os.unlink('/tmp/link')",
    "a folder": "attempt(lambda: [path.read_text() for path in Path({answers!r}).parent.iterdir()])",
    "another root": "for root in glob.glob('/proc/[0-9]*/root'): attempt(Path(root + {answers!r}).read_text)",
    "another environment": "for name in glob.glob('/proc/[0-9]*/environ'): attempt(Path(name).read_text)",
    "the network": "attempt(lambda: ask({port}))",
}


@dataclass(frozen=True)
class Bait:
    """What a hostile parser would like to reach."""

    answers: Path
    port: int

    def program(self, reach: str) -> str:
        """A parser that hands back what it reached as its table."""
        return REACH.replace("@attempts@", REACHES[reach].format(answers=str(self.answers), port=self.port))


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
    spec = SandboxSpec(limits=LIMITS, scratch=jails.scratch(), warm=())
    return lambda: backend(jail).open(spec)


@pytest.fixture(scope="module", params=[False, True], ids=["scores", "verdicts"])
def parser(open_sandbox: Callable[[], Sandbox], request: pytest.FixtureRequest) -> Iterator[JailedParser]:
    """One parser for the whole module: nothing that is read by it may spoil it."""
    with closing(JailedParser(open_sandbox, seconds=5, verdicts_only=request.param)) as opened:
        yield opened


def reached(open_sandbox: Callable[[], Sandbox], program: str) -> list[str]:
    with closing(JailedParser(open_sandbox, program=program)) as parser:
        return parser.parse("submission.csv", GOOD, 1)["found"].texts()


@pytest.mark.parametrize("reach", REACHES)
def test_a_hostile_parser_reaches_nothing(open_sandbox: Callable[[], Sandbox], bait: Bait, reach: str) -> None:
    bare = reached(InlineSandbox, bait.program(reach))
    assert any(SECRET in text for text in bare), f"bare, it would have to get through: {bare}"
    jailed = reached(open_sandbox, bait.program(reach))
    assert jailed, "the program must have run"
    assert not any(SECRET in text for text in jailed)


BREAKS = {
    "sleeps for ever": "import time; time.sleep(3600)",
    "kills its parent": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    "stops its parent": "import os, signal; os.kill(os.getppid(), signal.SIGSTOP)",
    "kills all it can": "import os, signal; os.kill(-1, signal.SIGKILL)",
    "takes all memory": "x = []\nwhile True: x.append(bytearray(1 << 20))",
    "writes a file": "open('/tmp/table.bin', 'wb').write(bytes(1 << 20))",
    "forks without end": "import os\nwhile True: os.fork()",
    "says too much": "while True: print('x' * 10000)",
    "answers too much": "return [bytes(30 << 20)]",
    "raises": "raise SystemError('the answer')",
    "leaves a child": "import os, time\nif os.fork() == 0: time.sleep(3600)",
    "ends without a word": "import os; os._exit(0)",
    "burns its time": "while True: pass",
}


@pytest.mark.parametrize("deed", BREAKS)
def test_a_parser_that_breaks_makes_the_submission_invalid_and_nothing_more(
    open_sandbox: Callable[[], Sandbox], deed: str
) -> None:
    body = BREAKS[deed].replace("\n", "\n        ")
    program = bundle(
        ("columns", "csv_lines", "reply"),
        f"""
from grading.programs import csv_lines, reply
def answer(orders, content):
    if content == b"break":
        {body}
    return reply.answering(csv_lines.read)(orders, content)
""",
    )
    with closing(JailedParser(open_sandbox, program=program, limits=TableLimits(bytes=20 << 20), seconds=2)) as hostile:
        with pytest.raises(InvalidSubmission):
            hostile.parse("submission.csv", b"break", 1)
        assert hostile.parse("submission.csv", GOOD, 1)["y"].values.tolist() == [2]


@pytest.mark.parametrize("reading", ["plain", "pandas"])
@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_a_file_is_read_in_the_jail_as_it_is_read_in_the_open(
    parser: JailedParser, content: bytes, reading: Reading
) -> None:
    jailed, opened = parser.parse("x.csv", content, 64, reading), OpenParser().parse("x.csv", content, 64, reading)
    assert encode(jailed) == encode(opened)


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
def test_a_broken_file_is_told_why_from_inside_the_jail(parser: JailedParser, content: bytes, words: str) -> None:
    with pytest.raises(InvalidSubmission) as fault:
        parser.parse("submission.csv", content, 64)
    assert words in fault.value.message
