"""What a gateway may be given for a trial beside a model: a tape that answers in its place, or keeps what it said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field

from podium.spec import Spec

REPLAY = "replay:"
"""How the name of a model begins that is a recording: `replay:RUN_GROUP`, or `replay:RUN_GROUP@MODEL`."""


def is_replay(model: str) -> bool:
    """Whether this model is a recording: only its tape answers, and there is no endpoint to ask."""
    return model.startswith(REPLAY)


class Answer(Spec):
    """An endpoint's whole answer to one request, as it came: a body of JSON, or all events of a stream, its usage with
    them even where the client did not ask for it."""

    status: int
    content_type: str
    body: bytes
    by: str = ""
    """The model that gave it, where that was not the one asked (a fallback)."""


class TapeSpec(Spec):
    """What a trial's key has on tape. Folders lie where the gateway's host sees them."""

    coordinate: str
    """Of the trial in its run group, beside its model: `TASK/SEED`. A replay answers with what was recorded for the
    same one."""
    take: int = Field(0, ge=0)
    """Number of the attempt. Each counts anew how often it has asked the same; a replay follows the last."""
    record: Path | None = None
    """Folder in which requests and answers are kept."""
    replay: Path | None = None
    """Folder of the recording that answers in the model's place."""
    replay_model: str = ""
    """Whose answers of that recording."""
    cache: Path | None = None
    """Folder of the cache that all trials share; a replay leaves it alone."""


class Tape(Protocol):
    """The recordings of one trial. `path` is that of the request (`/v1/chat/completions`); `request` its JSON as the
    client sent it, with the model's name as the client gave it.

    Both methods read and write files: call them in a thread. They may be called from several at once.
    """

    def find(self, path: str, request: Mapping[str, Any]) -> Answer | None:
        """What answers this request; None: the model is to be asked. Raises Refusal where nothing but the tape may
        answer and the request is not on it, and where the tape is damaged."""
        ...

    def keep(self, path: str, request: Mapping[str, Any], answer: Answer) -> None:
        """A model's complete answer (status 200; a stream that ended as it should), or that it refuses the request
        (400, 422: its prompt is too long), to be kept. Keep it before the client hears its end, so that the order is
        that of the client's requests. Raises Refusal where it cannot be written."""
        ...
