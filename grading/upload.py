"""A multipart body to the files of a submission, as MLE-bench's server takes them: the field `file`, under any name.

A task that asks for several files is sent several `file` fields, told apart by their file names, or one field each by
the file's own name. Of two that mean the same file the first counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD: Final = "file"
"""The field of a file, as in MLE-bench."""
OVERHEAD: Final = 1 << 16
"""Bytes of multipart framing that a body may have on top of its files."""
MOST_PARTS: Final = 64


class NoUpload(ValueError):
    """The body holds no file that was asked for; the text says why."""


def files(content_type: str, body: bytes, names: Sequence[str]) -> dict[str, bytes]:
    """The uploaded files by output name (`names`, in the task's order). Raises NoUpload."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise NoUpload("The body is no multipart/form-data.")
    parts = _Parts(body)
    try:
        MultipartParser(options[b"boundary"], parts.callbacks()).write(body)
    except FormParserError as error:
        raise NoUpload(f"The multipart body cannot be read: {error}.") from None
    if not parts.ended:
        raise NoUpload("The multipart body ends in the middle.")
    found: dict[str, bytes] = {}
    for field, filename, content in parts.files:
        name = _meant(field, filename, names)
        if name is not None:
            found.setdefault(name, content)
    if not found:
        raise NoUpload("There is no file in the multipart body.")
    return found


def _meant(field: str, filename: str, names: Sequence[str]) -> str | None:
    """The output that a part is, if it is one."""
    if field in names:
        return field
    if field != FIELD:
        return None
    return filename if filename in names else names[0]


class _Parts:
    """Takes the parser's events; `files` are the parts that carry a file name: (field, file name, content)."""

    def __init__(self, body: bytes) -> None:
        self.files: list[tuple[str, str, bytes]] = []
        self.ended = False
        self._count = 0
        self._name, self._value = b"", b""
        self._disposition = b""
        self._slices: list[bytes] = []

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_name,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_part_data": self._on_data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > MOST_PARTS:
            raise FormParserError(f"it has more than {MOST_PARTS} parts")
        self._name = self._value = self._disposition = b""
        self._slices = []

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._slices.append(data[start:end])

    def _end(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"filename" in self._disposition:  # or `filename*`, by which some clients send names that are not ASCII
            field, filename = (options.get(key, b"").decode("utf-8", "replace") for key in (b"name", b"filename"))
            self.files.append((field, filename, b"".join(self._slices)))

    def _finish(self) -> None:
        self.ended = True
