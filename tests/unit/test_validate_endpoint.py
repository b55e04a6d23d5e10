"""`/validate` over real HTTP: who may ask, what is answered, and that every request is judged by its own bytes."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn

from grading.endpoint import build
from grading.ledger import Ledger
from grading.parse import OpenParser, Reading
from grading.registration import Registrations
from grading.service import GradingService
from grading.table import Table
from podium.brief import OutputFile
from podium.errors import InfrastructureFailure
from podium.keys import key_hash
from tests.unit.grading_site import COLUMNS, GOOD, site, task

BAD = b"id,y\n1,1\n"
VALID = {"valid": True, "message": "Submission is valid.", "result": "Submission is valid."}


class SwitchedParser(OpenParser):
    """A parser that can be broken."""

    broken = False

    def parse(self, name: str, content: bytes, max_mb: int = 1, reading: Reading = "plain") -> Table:
        if self.broken:
            raise InfrastructureFailure("no sandbox")
        return super().parse(name, content, max_mb, reading)


@dataclass
class Served:
    """A running endpoint."""

    url: str
    parser: SwitchedParser

    def ask(self, data: Any = GOOD, key: str = "key", method: str = "POST", path: str = "/validate") -> tuple[int, Any]:
        """Status and JSON of one request."""
        return asyncio.run(self._ask(data, key, method, path))

    async def _ask(self, data: Any, key: str, method: str, path: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, data=data, headers=headers) as answer,
        ):
            return answer.status, json.loads(await answer.text())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("endpoint")
    made, parser = site(folder), SwitchedParser()
    with Ledger(made.ledger) as ledger, socket.create_server(("127.0.0.1", 0)) as listener:
        service = GradingService(made, ledger, Registrations(made.ledger), graded=parser, validated=parser)
        service.register(key_hash("key"), task(outputs=(OutputFile(columns=COLUMNS, max_mb=1),)))
        two = (OutputFile(columns=COLUMNS), OutputFile(name="more.csv", columns=COLUMNS))
        service.register(key_hash("two"), task(outputs=two))
        server = uvicorn.Server(uvicorn.Config(build(service), log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", parser)
        server.should_exit = True
        thread.join()


def upload(*files: tuple[str, str, bytes]) -> aiohttp.FormData:
    """A multipart body of (field, file name, content)."""
    form = aiohttp.FormData()
    for field, name, content in files:
        form.add_field(field, content, filename=name)
    return form


def test_health_needs_no_key(served: Served) -> None:
    assert served.ask(None, key="", method="GET", path="/health") == (200, {"status": "running"})


@pytest.mark.parametrize("key", ["", "another"])
def test_a_stranger_is_turned_away(served: Served, key: str) -> None:
    assert served.ask(key=key)[0] == 401


def test_a_raw_body_and_an_upload_of_any_name_are_the_submission(served: Served) -> None:
    assert served.ask(GOOD) == (200, VALID)
    assert served.ask(upload(("file", "/tmp/../mine.csv", GOOD))) == (200, VALID)


def test_a_fault_is_told_in_the_benchmarks_form_too(served: Served) -> None:
    status, answer = served.ask(BAD)
    assert status == 200
    assert answer["message"] == "submission.csv has 1 rows, but 3 are asked for. Write one row for each id."
    assert answer == {
        "valid": False,
        "message": answer["message"],
        "result": f"Submission invalid! {answer['message']}",
    }


def test_several_files_are_told_apart_by_their_names(served: Served) -> None:
    both = upload(("file", "submission.csv", GOOD), ("file", "more.csv", BAD))
    assert served.ask(both, key="two")[1]["message"].startswith("more.csv has 1 rows")
    fields = upload(("submission.csv", "a", GOOD), ("more.csv", "b", GOOD))
    assert served.ask(fields, key="two") == (200, VALID)
    alone = upload(("file", "submission.csv", GOOD))
    assert "There is no more.csv" in served.ask(alone, key="two")[1]["message"]


def test_a_submission_that_is_too_large_is_refused_before_it_is_read_to_its_end(served: Served) -> None:
    status, answer = served.ask(io.BytesIO(bytes(3 << 20)))
    assert status == 413
    assert "at most 1 MiB" in answer["detail"]


def test_a_broken_multipart_body_is_told(served: Served) -> None:
    assert served.ask(upload())[0] in (200, 400)
    assert served.ask(aiohttp.FormData({"other": "text"}, default_to_multipart=True))[0] == 400


def test_while_the_parser_is_broken_one_is_asked_to_come_again(served: Served) -> None:
    served.parser.broken = True
    try:
        assert served.ask()[0] == 503
    finally:
        served.parser.broken = False


def test_requests_at_the_same_time_are_each_judged_by_their_own_bytes(served: Served) -> None:
    async def all_at_once() -> list[bool]:
        asked = (served._ask(GOOD if place % 3 else BAD, "key", "POST", "/validate") for place in range(60))
        return [answer["valid"] for _, answer in await asyncio.gather(*asked)]

    assert asyncio.run(all_at_once()) == [bool(place % 3) for place in range(60)]


def test_no_answer_names_a_score(served: Served) -> None:
    for content in (GOOD, BAD, b"\xff"):
        assert set(served.ask(content)[1]) == {"valid", "message", "result"}
