"""Keys for a bench's clients at the running cluster's gateway, without budgets:

    python -m bench.serve_key [--count=N] MODEL...

Started with the cluster's variables (`podium.state.ray_environment`), for Ray reads them once. Prints a key a line,
each of a trial of its own.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence

from cluster.hosts import connected
from podium.keys import key_hash
from podium.settings import CHECKOUT
from podium.state import read_state
from serve.gateway.actor import find_gateway
from serve.gateway.grant import Grant

SECONDS = 60.0


def make(models: Sequence[str], count: int = 1) -> list[str]:
    """Register new keys for `models`. Raises Unavailable without a cluster or a gateway."""
    keys = [secrets.token_urlsafe(32) for _ in range(count)]
    trials = [f"bench-{secrets.token_hex(4)}" for _ in keys]
    with connected(read_state(), CHECKOUT):
        gateway = find_gateway()
        grants = [
            Grant(trial_id=trial, key_hash=key_hash(key), models=tuple(models))
            for trial, key in zip(trials, keys, strict=True)
        ]
        for registered in [gateway.register.remote(grant) for grant in grants]:
            registered.future().result(timeout=SECONDS)
    return keys


if __name__ == "__main__":
    counts = [int(word.partition("=")[2]) for word in sys.argv[1:] if word.startswith("--count=")]
    names = [word for word in sys.argv[1:] if not word.startswith("--")]
    print(*make(names, *counts), sep="\n")
