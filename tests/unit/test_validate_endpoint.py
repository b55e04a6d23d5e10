"""`/validate` over real HTTP: who may ask, what is answered, and that every request is judged by its own bytes."""

from __future__ import annotations

import asyncio
import hashlib
import io
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from grading.endpoint import THREADS
from grading.form import CHECK_FAILED
from grading.order import GradingTask
from grading.parse import OpenParser, Reading
from grading.registration import Registrations
from grading.shelf import Shelf
from grading.table import Table
from grading.validator import Validator
from podium.brief import OutputFile
from podium.errors import InfrastructureFailure, UnknownName
from podium.keys import key_hash
from podium.settings import Site
from tests.unit.grading_site import COLUMNS, GOOD, MOMENT, site, task
from tests.unit.validator_server import Answer, Served, as_file, serve, upload

BAD = b"id,y\n1,1\n"
VALID = {"result": "Submission is valid."}
TOO_SHORT = "submission.csv has 1 rows, but 3 are asked for. Write one row for each id."
WAIT = 30


class SwitchedParser(OpenParser):
    """A parser that can be broken, or held."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False
        self.inside = self.most = 0
        self.gate, self.entered = threading.Event(), threading.Semaphore(0)
        self.gate.set()

    def parse(self, name: str, content: bytes, max_mb: int = 1, reading: Reading = "plain") -> Table:
        if self.broken:
            raise InfrastructureFailure("no sandbox")
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.release()
        assert self.gate.wait(WAIT)
        self.inside -= 1
        return super().parse(name, content, max_mb, reading)


class Crashing:
    """A grader whose check fails in a way that it should not."""

    def check(self, files: Mapping[str, Table], public: Path, shelf: Shelf) -> None:
        raise KeyError("a secret")


def crashing() -> Crashing:
    return Crashing()


def catalogue(task_id: str, made: Site) -> GradingTask:
    """Other tasks that can be asked for by name."""
    known = {"small": task(), "absent": task(id="absent")}
    if task_id not in known:
        raise UnknownName("task", task_id, known)
    return known[task_id]


def validator(folder: Path, parser: OpenParser) -> Validator:
    """One that knows four keys, in a site with the task `small` prepared."""
    made = site(folder)
    doors = Registrations(made.ledger)
    doors.register(key_hash("key"), task(outputs=(OutputFile(columns=COLUMNS, max_mb=1),)))
    doors.register(key_hash("two"), task(outputs=(OutputFile(), OutputFile(name="more.csv"))))
    doors.register(key_hash("absent"), task(id="absent"))
    doors.register(key_hash("crash"), task(form="rules", grader=f"{__name__}:crashing", options={}))
    return Validator(made, doors.admit, parser, catalogue=catalogue)


@pytest.fixture(scope="module")
def parser() -> SwitchedParser:
    return SwitchedParser()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, parser: SwitchedParser) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("endpoint")
    with serve(validator(folder, parser), folder / "ledger", clock=lambda: MOMENT) as found:
        yield found


def test_health_needs_no_key(served: Served) -> None:
    answer = served.ask(key="", method="GET", path="/health")
    assert (answer.status, answer.body) == (200, '{"status":"running"}\n')


@pytest.mark.parametrize("key", ["", "another"])
def test_a_stranger_is_turned_away(served: Served, key: str) -> None:
    answer = served.ask(as_file(GOOD), key=key)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_verdict_is_the_benchmarks_json_to_the_byte(served: Served) -> None:
    answer = served.ask(as_file(GOOD))
    assert (answer.status, answer.body) == (200, '{"result":"Submission is valid."}\n')
    assert answer.headers["Content-Type"] == "application/json"


def test_an_upload_may_have_any_file_name(served: Served) -> None:
    assert served.ask(upload(("file", "/tmp/../mine.csv", GOOD))).json == VALID


def test_an_invalid_submission_is_a_verdict_too(served: Served) -> None:
    answer = served.ask(as_file(BAD))
    assert (answer.status, answer.json) == (200, {"result": f"Submission invalid! {TOO_SHORT}"})


def test_what_scores_badly_is_valid_and_no_answers_are_needed(tmp_path: Path) -> None:
    asked = validator(tmp_path, OpenParser())
    for path in (tmp_path / "private").rglob("*.csv"):
        path.unlink()
    assert asked.validate(task(), {"submission.csv": b"id,y\n1,-1e9\n2,1e9\n3,0\n"}).valid
    assert not asked.validate(task(), {"submission.csv": GOOD[:-5]}).valid


def test_several_files_are_told_apart_by_their_names(served: Served) -> None:
    both = upload(("file", "submission.csv", GOOD), ("file", "more.csv", BAD))
    assert "more.csv has 1 rows" in served.ask(both, key="two").json["result"]
    fields = upload(("submission.csv", "a", GOOD), ("more.csv", "b", GOOD))
    assert served.ask(fields, key="two").json == VALID
    assert "There is no more.csv" in served.ask(as_file(GOOD), key="two").json["result"]


def test_of_two_files_for_one_output_the_first_counts(served: Served) -> None:
    assert served.ask(upload(("file", "a", GOOD), ("file", "b", BAD))).json == VALID


@pytest.mark.parametrize("data", [GOOD, b"", upload(("other", "a.csv", GOOD))], ids=["raw", "empty", "other field"])
def test_without_the_field_file_nothing_is_judged(served: Served, data: bytes | aiohttp.FormData) -> None:
    answer = served.ask(data)
    assert answer.status == 400
    assert set(answer.json) == {"error", "details"}


def test_a_submission_that_is_too_large_is_refused(served: Served) -> None:
    answer = served.ask(upload(("file", "large.csv", io.BytesIO(bytes(3 << 20)))))
    assert answer.status == 413
    assert "at most 1 MiB" in answer.json["error"]


def test_a_body_of_unknown_length_is_refused_where_it_grows_too_large(served: Served) -> None:
    chunk = b"4000\r\n" + bytes(0x4000) + b"\r\n"
    head = b"POST /validate HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer key\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        client.sendall(head + chunk * 100 + b"0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_told_which_are_allowed(served: Served, method: str) -> None:
    answer = served.ask(method=method, key="")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize("path", ["/", "/validate/", "/health/x", "/validate/small/x"])
def test_elsewhere_there_is_nothing(served: Served, path: str) -> None:
    assert served.ask(as_file(GOOD), path=path).status == 404


def test_any_known_key_may_ask_about_a_task_by_name(served: Served) -> None:
    assert served.ask(as_file(GOOD), key="absent", path="/validate/small").json == VALID


def test_an_unknown_task_is_answered_with_the_near_ones(served: Served) -> None:
    answer = served.ask(as_file(GOOD), path="/validate/smal")
    assert (answer.status, answer.json["details"]) == (404, "Did you mean small?")


@pytest.mark.parametrize("path", ["/validate", "/validate/absent"])
def test_a_task_that_is_not_prepared_is_told_in_the_benchmarks_words(served: Served, path: str) -> None:
    answer = served.ask(as_file(b""), key="absent", path=path)
    assert answer.status == 500
    assert answer.json == {
        "error": "An unexpected error occurred.",
        "details": "The data of absent are not prepared. Type: podium prepare -c absent",
    }


def test_while_the_parser_is_broken_one_is_asked_to_come_again(served: Served, parser: SwitchedParser) -> None:
    parser.broken = True
    try:
        answer = served.ask(as_file(GOOD))
    finally:
        parser.broken = False
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


def test_a_check_that_crashes_makes_the_submission_invalid_and_says_nothing_of_why(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    assert served.ask(as_file(GOOD), key="crash").json == {"result": f"Submission invalid! {CHECK_FAILED}"}
    assert "a secret" in capfd.readouterr().err


def test_requests_at_the_same_time_are_each_judged_by_their_own_bytes(served: Served) -> None:
    def content(place: int) -> bytes:
        return GOOD if place % 3 else b"id,y\n" + b"1,1\n" * (place + 4)

    async def all_at_once() -> list[str]:
        answers = await asyncio.gather(*(served.answer(as_file(content(place))) for place in range(90)))
        return [answer.json["result"] for answer in answers]

    for place, said in enumerate(asyncio.run(all_at_once())):
        assert ("valid." if place % 3 else f"has {place + 4} rows") in said


def test_every_call_is_a_line_of_the_audit_log(served: Served) -> None:
    before = len(served.audit())
    served.ask(as_file(GOOD))
    served.ask(as_file(BAD), path="/validate/small")
    served.ask(as_file(GOOD), key="another")
    served.ask(b"raw")
    valid, invalid, stranger, raw = served.audit()[before:]
    assert valid.pop("seconds") >= 0
    assert valid == {
        "at": MOMENT.isoformat().replace("+00:00", "Z"),
        "who": key_hash("key")[:16],
        "task": "small",
        "status": 200,
        "valid": True,
        "message": "Submission is valid.",
        "digest": hashlib.sha256(GOOD).hexdigest(),
        "bytes": len(GOOD),
    }
    assert (invalid["valid"], invalid["message"]) == (False, TOO_SHORT)
    assert (stranger["status"], stranger["who"], stranger["task"], stranger["valid"]) == (401, "", "", None)
    assert (raw["status"], raw["bytes"], raw["digest"]) == (400, 3, "")


def test_no_line_of_the_audit_log_names_a_key(served: Served) -> None:
    served.ask(as_file(GOOD), key="a-stranger's-secret")
    assert "a-stranger's-secret" not in (served.ledger / "audit.jsonl").read_text()


@pytest.fixture
def own_parser() -> SwitchedParser:
    return SwitchedParser()


@pytest.fixture
def narrow(tmp_path: Path, own_parser: SwitchedParser) -> Iterator[Served]:
    """One that lets in two keys with one call of each at a time."""
    with serve(validator(tmp_path, own_parser), tmp_path / "ledger", share=1, grace=1.0) as served:
        yield served


@contextmanager
def half_sent(served: Served) -> Iterator[socket.socket]:
    """A client that has sent the first bytes of 4 KiB."""
    with socket.create_connection(("127.0.0.1", served.port)) as client:
        head = b"POST /validate HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer key\r\nContent-Length: 4096\r\n\r\n"
        client.sendall(head + b"half")
        yield client


def test_a_client_that_leaves_in_the_middle_gives_its_turn_back(narrow: Served) -> None:
    with half_sent(narrow):
        pass
    assert narrow.ask(as_file(GOOD)).json == VALID
    assert sorted(line["status"] for line in narrow.audit()) == [200, 499]


def test_an_upload_that_stands_still_is_given_up(narrow: Served) -> None:
    with half_sent(narrow) as client:
        client.settimeout(WAIT)
        assert client.recv(100).startswith(b"HTTP/1.1 408 ")
    assert narrow.ask(as_file(GOOD)).json == VALID


def test_one_callers_uploads_hold_up_nobody_else(tmp_path: Path, own_parser: SwitchedParser) -> None:
    with serve(validator(tmp_path, own_parser), tmp_path / "ledger", share=1) as served, half_sent(served):
        assert served.ask(as_file(GOOD), key="absent", path="/validate/small").json == VALID


def all_at_once(served: Served, count: int) -> Future[list[Answer]]:
    """The answers to many uploads, begun in a thread."""

    async def asked() -> list[Answer]:
        return await asyncio.gather(*(served.answer(as_file(GOOD)) for _ in range(count)))

    return ThreadPoolExecutor(1).submit(lambda: asyncio.run(asked()))


def test_uploads_beyond_a_callers_share_wait(narrow: Served, own_parser: SwitchedParser) -> None:
    own_parser.gate.clear()
    answers = all_at_once(narrow, 6)
    assert own_parser.entered.acquire(timeout=WAIT)
    own_parser.gate.set()
    assert {answer.status for answer in answers.result(WAIT)} == {200}
    assert own_parser.most == 1


def test_nothing_is_read_for_a_client_that_left_before_its_turn(tmp_path: Path, own_parser: SwitchedParser) -> None:
    own_parser.gate.clear()
    with serve(validator(tmp_path, own_parser), tmp_path / "ledger", share=THREADS + 1) as served:
        answers = all_at_once(served, THREADS)
        for _ in range(THREADS):
            assert own_parser.entered.acquire(timeout=WAIT)
        with half_sent(served) as client:
            client.sendall(bytes(4092))
        assert served.ask(method="GET", path="/health").status == 200
        own_parser.gate.set()
        answers.result(WAIT)
    assert sorted(line["status"] for line in served.audit()) == [*[200] * THREADS, 499]
