"""A multipart body to files: any bytes come through, and what is no upload is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.upload import MOST_PARTS, NoUpload, files

NAMES = ["submission.csv", "more.csv"]
TYPE = "multipart/form-data; boundary=b"


def part(disposition: str, content: bytes = b"id\n1\n") -> bytes:
    return b"--b\r\nContent-Disposition: form-data; " + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--b--\r\n"


@given(st.binary().filter(lambda content: b"--b" not in content))
def test_a_file_comes_through_to_the_byte(content: bytes) -> None:
    assert files(TYPE, body(part('name="file"; filename="x"', content)), NAMES) == {"submission.csv": content}


def test_a_boundary_in_quotes_is_understood() -> None:
    assert files('multipart/form-data; boundary="b"', body(part('name="file"; filename="x"')), NAMES)


def test_a_file_name_that_is_not_ascii_is_a_file_name_too() -> None:
    assert files(TYPE, body(part("name=\"file\"; filename*=UTF-8''%C3%A4.csv")), NAMES)


def test_parts_that_are_no_files_are_passed_over() -> None:
    found = files(TYPE, body(part('name="file"'), part('name="file"; filename="x"', b"this")), NAMES)
    assert found == {"submission.csv": b"this"}


@pytest.mark.parametrize(
    ("kind", "sent", "words"),
    [
        ("text/csv", b"id\n1\n", "no multipart/form-data"),
        ("", b"", "no multipart/form-data"),
        ("multipart/form-data", body(part('name="file"; filename="x"')), "no multipart/form-data"),
        (TYPE, b"", "ends in the middle"),
        (TYPE, part('name="file"; filename="x"'), "ends in the middle"),
        (TYPE, b"id\n1\n", "cannot be read"),
        (TYPE, body(), "no file"),
        (TYPE, body(part('name="other"; filename="x"')), "no file"),
        (TYPE, body(part('name="file"')), "no file"),
        (TYPE, body(*[part('name="other"; filename="x"')] * (MOST_PARTS + 1)), "more than 64 parts"),
        (f"multipart/form-data; boundary={'b' * 300}", body(), "cannot be read"),
    ],
)
def test_what_is_no_upload_is_told(kind: str, sent: bytes, words: str) -> None:
    with pytest.raises(NoUpload, match=words):
        files(kind, sent, NAMES)
