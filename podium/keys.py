"""A trial's key: the trial holds it, gateway and grader know its hash only."""

from __future__ import annotations

import hashlib


def key_hash(key: str) -> str:
    """SHA-256 of a key, as 64 hex digits: what is registered in its place."""
    return hashlib.sha256(key.encode()).hexdigest()
