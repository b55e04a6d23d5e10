"""A key for a bench's clients at the running cluster's gateway, without budgets: python -m bench.serve_key MODEL...

Started with the cluster's variables (`podium.state.ray_environment`), for Ray reads them once; prints the key.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence

from cluster.hosts import connected
from podium.keys import key_hash
from podium.settings import CHECKOUT
from podium.state import read_state
from serve.gateway_actor import find_gateway
from serve.grant import Grant

SECONDS = 60.0


def make(models: Sequence[str]) -> str:
    """Register a new key for `models`. Raises Unavailable without a cluster or a gateway."""
    key = secrets.token_urlsafe(32)
    grant = Grant(trial_id=f"bench-{secrets.token_hex(4)}", key_hash=key_hash(key), models=tuple(models))
    with connected(read_state(), CHECKOUT):
        find_gateway().register.remote(grant).future().result(timeout=SECONDS)
    return key


if __name__ == "__main__":
    print(make(sys.argv[1:]))
