"""The owner's end of a conversation: what a program says is believed only as far as the frames hold."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from containers.conversation import PipedConversation
from containers.responder import ENDED, LENGTH, OK, QUESTION, READY, TIMEOUT
from containers.sandbox import Ended
from podium.errors import InfrastructureFailure

HELLO = LENGTH.pack(0) + ENDED.pack(READY, 0.0)


def frame(how: bytes, content: bytes, spent: float = 0.5) -> bytes:
    return LENGTH.pack(len(content)) + content + ENDED.pack(how, spent)


class Other:
    """The other end: says what it is told to, and hears what it is asked."""

    def __init__(self, *said: bytes, silent: bool = False) -> None:
        """`said`: frames that wait to be read. Then the pipe ends, unless it stays `silent`."""
        theirs_in, self._outbound = os.pipe()
        self._inbound, theirs_out = os.pipe()
        self._hearing = os.fdopen(theirs_in, "rb")
        os.write(theirs_out, b"".join(said))
        self._mouth = theirs_out
        if not silent:
            os.close(theirs_out)
            self._mouth = -1

    def conversation(self, ended: Callable[[], None] = lambda: None) -> PipedConversation:
        return PipedConversation(self._inbound, self._outbound, ended, grace=0.0)

    def heard(self) -> bytes:
        return self._hearing.read()

    def close(self) -> None:
        self._hearing.close()
        if self._mouth >= 0:
            os.close(self._mouth)


def test_a_question_and_its_answer_are_framed() -> None:
    other = Other(HELLO, frame(OK, b"yes"))
    talk = other.conversation()
    answer = talk.exchange(b"is", b"it?", seconds=7.0, most=100)
    assert (answer.ended, bytes(answer.content), answer.cpu_seconds) == (Ended.OK, b"yes", 0.5)
    talk.close()
    assert other.heard() == QUESTION.pack(2, 7.0, 100) + LENGTH.pack(2) + LENGTH.pack(3) + b"isit?"
    other.close()


BROKEN = {
    "nothing": b"",
    "half a head": b"\1\0",
    "a letter that means nothing": frame(b"?", b""),
    "another hello": HELLO,
    "more than was allowed": frame(OK, b"x" * 2000),
    "a length without end": LENGTH.pack((1 << 64) - 1),
    "less than was promised": LENGTH.pack(50) + b"x" * 49,
    "no end": LENGTH.pack(1) + b"x",
}


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_frame_ends_the_conversation(said: bytes) -> None:
    other, ended = Other(HELLO, said), threading.Event()
    talk = other.conversation(ended.set)
    with pytest.raises(InfrastructureFailure):
        talk.exchange(b"?", seconds=1.0, most=1000)
    assert not talk.open
    assert ended.is_set()
    with pytest.raises(InfrastructureFailure):
        talk.exchange(b"?", seconds=1.0, most=1000)
    other.close()


@pytest.mark.parametrize("said", [b"", frame(OK, b""), b"Traceback"], ids=["nothing", "an answer", "garbage"])
def test_a_program_that_says_no_hello_did_not_start(said: bytes) -> None:
    other = Other(said)
    with pytest.raises(InfrastructureFailure, match="did not start"):
        other.conversation()
    other.close()


def test_a_program_that_says_nothing_more_is_given_up_after_its_time() -> None:
    other = Other(HELLO, silent=True)
    talk = other.conversation()
    assert talk.exchange(b"?", seconds=0.01, most=10).ended is Ended.TIMEOUT
    assert not talk.open
    other.close()


def test_a_program_that_does_not_listen_is_given_up_after_its_time() -> None:
    other = Other(HELLO, silent=True)
    assert other.conversation().exchange(bytes(4 << 20), seconds=0.01, most=10).ended is Ended.TIMEOUT
    other.close()


def test_how_an_answer_ended_is_told() -> None:
    other = Other(HELLO, frame(TIMEOUT, b""))
    answer = other.conversation().exchange(b"?", seconds=1.0, most=0)
    assert (answer.ended, bytes(answer.content)) == (Ended.TIMEOUT, b"")
    other.close()
