"""What the tests of recordings share: requests, answers and grants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from podium.keys import key_hash
from serve.gateway.grant import Grant
from serve.tapes.tape import Answer, TapeSpec

CHAT = "/v1/chat/completions"


def request(text: str = "Hello.", model: str = "m", **more: Any) -> dict[str, Any]:
    """A chat request."""
    return {"model": model, "messages": [{"role": "system", "content": "Be."}, user(text)], **more}


def user(text: str) -> dict[str, str]:
    """A user's message."""
    return {"role": "user", "content": text}


def answer(text: str, **more: Any) -> Answer:
    """A whole answer."""
    return Answer(status=200, content_type="application/json", body=text.encode(), **more)


def grant(trial_id: str = "trial-a", key: str = "key", coordinate: str = "wine/0", **tape: Path | int | str) -> Grant:
    """A key with a tape."""
    spec = TapeSpec.model_validate({"coordinate": coordinate, **tape})
    return Grant(trial_id=trial_id, key_hash=key_hash(key), models=("m",), tape=spec)
