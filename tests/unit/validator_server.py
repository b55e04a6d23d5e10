"""A validator's app on a free port, for tests that ask it over real HTTP."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from grading.audit import Audit
from grading.endpoint import build, server
from grading.validator import Validator

KEY = "key"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Served:
    """A running endpoint."""

    port: int
    ledger: Path

    def ask(self, data: Any = None, key: str = KEY, method: str = "POST", path: str = "/validate") -> Answer:
        """One request."""
        return asyncio.run(self.answer(data, key, method, path))

    async def answer(self, data: Any, key: str = KEY, method: str = "POST", path: str = "/validate") -> Answer:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers) as response,
        ):
            return Answer(response.status, await response.text(), dict(response.headers))

    def audit(self) -> list[dict[str, Any]]:
        """The lines of the audit log."""
        return [json.loads(line) for line in (self.ledger / "audit.jsonl").read_text().splitlines()]


@contextmanager
def serve(validator: Validator, ledger: Path, **settings: Any) -> Iterator[Served]:
    """The app of `grading.endpoint` with these settings, while the context lasts."""
    with Audit(ledger) as audit, socket.create_server(("127.0.0.1", 0)) as listener:
        serving = server(build(validator, audit, **settings))
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Served(listener.getsockname()[1], ledger)
        finally:
            serving.should_exit = True
            thread.join()


def upload(*files: tuple[str, str, bytes | io.BytesIO]) -> aiohttp.FormData:
    """A multipart body of (field, file name, content)."""
    form = aiohttp.FormData()
    for field, name, content in files:
        form.add_field(field, content, filename=name)
    return form


def as_file(content: bytes) -> aiohttp.FormData:
    """The body that MLE-bench's agents send."""
    return upload(("file", "submission.csv", content))
