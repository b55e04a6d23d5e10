"""Who may ask: one key a trial, known by its SHA-256 alone, with the models it may name and what it has used.

Kept in memory and in one append-only file of JSON lines (mode 0600), from which a restarted gateway reads all again:
    {"grant": {trial_id, key_hash, models, tokens}}    {"revoke": trial_id}
    {"trial_id": ..., "prompt": 12, "completion": 34, "estimated": false}
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import Field

from podium.files import append_line, read_lines
from podium.keys import key_hash
from podium.records import Tokens
from podium.spec import Spec
from serve.refusal import Refusal


class Grant(Spec):
    """What a trial's key allows."""

    trial_id: str
    key_hash: str = Field(pattern="^[0-9a-f]{64}$")
    """SHA-256 of the key, as hex."""
    models: tuple[str, ...]
    tokens: int | None = None
    """Prompt and completion tokens that the trial may use altogether; None: not bounded."""


class Usage(Spec):
    """Tokens of one request. `estimated`: the endpoint never said, so they are counted from the text."""

    prompt: int = Field(0, ge=0)
    completion: int = Field(0, ge=0)
    estimated: bool = False


class Keyring:
    """Grants and usage, written to `file` as they change."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._grants: dict[str, Grant] = {}
        self._hash_of: dict[str, str] = {}
        self._used: dict[str, Tokens] = {}
        self._in_flight: dict[str, int] = {}
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        for line in read_lines(file):
            self._replay(line)
        if not file.read_bytes().endswith(b"\n"):
            append_line(file, "")  # ends a line that a death cut off

    def register(self, grant: Grant) -> None:
        """Let a key in. A trial has one key: a new one replaces the old; what was used so far stays counted."""
        self._write({"grant": grant.model_dump(mode="json")})

    def revoke(self, trial_id: str) -> None:
        """Shut a trial's key out; its usage stays. An unknown trial is no error."""
        if trial_id in self._hash_of:
            self._write({"revoke": trial_id})

    def usage(self, trial_id: str) -> Tokens:
        """What the trial has used, over all its keys; zeros for an unknown one."""
        return self._used.get(trial_id, Tokens())

    def admit(self, key: str) -> Grant:
        """The grant of a key. Raises Refusal (401)."""
        grant = self._grants.get(key_hash(key)) if key else None
        if grant is None:
            raise Refusal(401, "No key, or one that is not known here.", "invalid_api_key")
        return grant

    def reserve(self, grant: Grant, tokens: int) -> None:
        """Set `tokens` aside for a request that begins. Raises Refusal (429) when the budget does not hold them."""
        used = self.usage(grant.trial_id).total
        waiting = self._in_flight.get(grant.trial_id, 0)
        if grant.tokens is not None and used + waiting + tokens > grant.tokens:
            raise Refusal(
                429, f"The trial's budget of {grant.tokens} tokens is spent ({used} used).", "insufficient_quota"
            )
        self._in_flight[grant.trial_id] = waiting + tokens

    def settle(self, grant: Grant, tokens: int, usage: Usage | None) -> None:
        """End a request: free what was reserved and book what it used (None: it never reached the model)."""
        self._in_flight[grant.trial_id] = self._in_flight.get(grant.trial_id, 0) - tokens
        if usage is not None:
            self._write({"trial_id": grant.trial_id, **usage.model_dump()}, durable=False)

    def _write(self, entry: dict[str, Any], durable: bool = True) -> None:
        self._apply(entry)
        line = json.dumps(entry)
        if durable:
            append_line(self._file, line)
            return
        with self._file.open("a") as file:
            file.write(line + "\n")

    def _replay(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            return  # cut off by a death while it was written
        self._apply(entry)

    def _apply(self, entry: dict[str, Any]) -> None:
        if "grant" in entry:
            grant = Grant.model_validate(entry["grant"])
            self._forget(grant.trial_id)
            self._grants[grant.key_hash] = grant
            self._hash_of[grant.trial_id] = grant.key_hash
        elif "revoke" in entry:
            self._forget(entry["revoke"])
        else:
            before = self._used.get(entry["trial_id"], Tokens())
            self._used[entry["trial_id"]] = Tokens(
                prompt=before.prompt + entry["prompt"],
                completion=before.completion + entry["completion"],
                requests=before.requests + 1,
            )

    def _forget(self, trial_id: str) -> None:
        old = self._hash_of.pop(trial_id, None)
        if old is not None:
            self._grants.pop(old, None)
