"""A recording: what was asked of models and what they answered, kept by content, for replay and as a cache.

recording/
├── requests.jsonl         append-only, one line an answer: which trial asked what for which time, and two digests
└── 3f/3fa9...c1.gz        a body, named by the SHA-256 of what is in it: a request's canonical form, or an answer

Equal bodies lie there once. They are compressed because an agent's requests repeat their whole conversation and streams
repeat their frame; `zcat` shows one. Headers, and so keys, are never kept.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import threading
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from podium.files import append_line, read_lines, write_atomic
from podium.records import Record
from serve.refusal import Refusal
from serve.tapes.tape import Answer

LEFT_OUT = ("model", "user", "stream_options")
"""Keys of a request that do not say what is asked: whom, for whom, and how the usage is told."""
MAX_BODY = 256 << 20
"""Most bytes of a body when it is unpacked."""
ROWS_FILE = "requests.jsonl"

_UNITS = r"(?:ns|us|µs|ms|s|m|h|secs?|seconds?|mins?|minutes?|hours?|it/s|s/it)"
_MEASURED = re.compile(
    r"0x[0-9a-f]{8,16}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|(?<!\d)\d{4}-\d\d-\d\d(?!\d)"
    r"|(?<!\d)\d{1,2}(?::\d\d){1,2}(?:[.,]\d{1,9})?(?!\d)"
    rf"|(?<!\d)\d{{1,12}}(?:\.\d{{1,12}})?(?:e-?\d\d)?(?= ?{_UNITS}\b)"
)
"""Addresses, UUIDs, dates, times of day and durations. Bounded throughout, so that no text makes it slow."""


def canonical(request: Mapping[str, Any]) -> bytes:
    """What a request asks, in one form: JSON with sorted keys. Two requests that ask the same have the same bytes.

    A key that is null counts as not given, `stream: false` too, as OpenAI's API says.
    """
    asked = {key: value for key, value in request.items() if key not in LEFT_OUT and value is not None}
    if asked.get("stream") is False:
        del asked["stream"]
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")  # JSON may hold half of a surrogate pair


def blanked(text: str) -> str:
    """`text` without what a clock, an allocator or a new id made of it: two runs of one trial never share that."""
    return _MEASURED.sub("#", text)


def shape_of(request: Mapping[str, Any]) -> str:
    """Digest of what a request asks but for what was measured: a prompt tells how long a run took and how much time is
    left, and a replay must know it again."""
    text = canonical(request).decode("utf-8", "surrogatepass")
    return digest_of(blanked(text).encode("utf-8", "surrogatepass"))


def digest_of(content: bytes) -> str:
    """The name of a body."""
    return hashlib.sha256(content).hexdigest()


class Row(Record):
    """One line of `requests.jsonl`."""

    coordinate: str
    """`TASK/SEED`."""
    trial_id: str
    take: int = Field(ge=0)
    """Number of the trial's attempt."""
    model: str
    """As it was asked for."""
    path: str
    """`/v1/chat/completions`."""
    n: int = Field(ge=0)
    """How often this take (in a cache: any trial of that model) had been answered the same request before."""
    request: str = Field(pattern="^[0-9a-f]{64}$")
    shape: str = Field(pattern="^[0-9a-f]{64}$")
    """See `shape_of`."""
    answer: str = Field(pattern="^[0-9a-f]{64}$")
    status: int
    content_type: str
    by: str = ""
    """See `Answer.by`."""
    at: datetime


class Recording:
    """The recording in `folder`. One process writes it, from as many threads as it likes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = _read_rows(folder / ROWS_FILE)
        """All that was answered, oldest first."""
        self._lock = threading.Lock()
        self._whole = False

    def add(self, row: Row) -> None:
        """Write a row whose bodies are kept already. Raises OSError."""
        with self._lock:
            if not self._whole:
                self._mend()
            append_line(self.folder / ROWS_FILE, row.model_dump_json())
            self.rows.append(row)

    def put(self, content: bytes) -> str:
        """Keep a body, once; gives its digest. Raises OSError."""
        digest = digest_of(content)
        file = self._file(digest)
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(file, gzip.compress(content, compresslevel=4, mtime=0))
        return digest

    def get(self, digest: str) -> bytes:
        """A body. Raises Refusal, naming the file, where it is gone or is not what it was."""
        file = self._file(digest)
        try:
            content = zlib.decompressobj(wbits=31).decompress(file.read_bytes(), MAX_BODY)
        except (OSError, zlib.error) as error:
            raise _damaged(file, str(error)) from None
        if digest_of(content) != digest:
            raise _damaged(file, "its content does not have the digest that its name says")
        return content

    def answer(self, row: Row) -> Answer:
        """The answer that a row names. Raises Refusal."""
        body = self.get(row.answer)
        return Answer(status=row.status, content_type=row.content_type, body=body, by=row.by)

    def request(self, row: Row) -> dict[str, Any]:
        """The canonical request that a row names. Raises Refusal."""
        asked: dict[str, Any] = json.loads(self.get(row.request).decode("utf-8", "surrogatepass"))
        return asked

    def models(self) -> list[str]:
        """The models that were asked, sorted."""
        return sorted({row.model for row in self.rows})

    def _file(self, digest: str) -> Path:
        return self.folder / digest[:2] / f"{digest}.gz"

    def _mend(self) -> None:
        """End a line that a death cut off, so that the next one stands alone."""
        file = self.folder / ROWS_FILE
        if file.exists() and not file.read_bytes().endswith(b"\n"):
            append_line(file, "")
        self._whole = True


def _read_rows(file: Path) -> list[Row]:
    rows = []
    for line in read_lines(file):
        try:
            rows.append(Row.model_validate_json(line))
        except ValidationError:
            continue  # cut off by a death while it was written
    return rows


def _damaged(file: Path, reason: str) -> Refusal:
    return Refusal(422, f"The recording is damaged at {file}: {reason}. Remove the recording.", "recording_damaged")
