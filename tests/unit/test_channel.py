"""Messages between a sandbox's owner and its keeper."""

from __future__ import annotations

import os
import threading

import pytest

from containers.channel import Closed, receive, send


def test_a_message_and_its_blobs_arrive_whole() -> None:
    reader, writer = os.pipe()
    blobs = [b"", b"x" * 300_000]
    sender = threading.Thread(target=send, args=(writer, {"a": 1}, blobs))
    sender.start()
    assert receive(reader) == ({"a": 1}, blobs)
    sender.join()
    os.close(writer)
    with pytest.raises(Closed):
        receive(reader)
    os.close(reader)


def test_writing_to_nobody_is_closed() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(Closed):
        send(writer, {})
    os.close(writer)
