"""The gateway before a stub, with keys, budgets, rates and usage on:

python -m bench.gateway_served PORT STUB FOLDER KEYS
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import uvicorn

from podium.keys import key_hash
from serve.gateway.app import Gateway, build
from serve.gateway.grant import Grant
from serve.gateway.keys import Keyring
from serve.gateway.routes import RouteTable, Target
from serve.gateway.upstream import Directory
from serve.models import Catalogue

ENTRY = 'kind = "vllm"\nabout = "x"\nsource = "./stub"\n[prices]\nprompt = 1.0\ncached = 0.5\ncompletion = 4.0\n'
SETTINGS: dict[str, Any] = {"http": "httptools", "access_log": False, "log_level": "warning", "proxy_headers": False}
"""As the gateway's actor sets them; its loop is Ray's, which is uvloop too."""
LEDGER = "gateway.jsonl"


def app(stub: str, folder: Path, keys: int) -> Gateway:
    """Two names for the one stub, as two replicas; a grant for each of the keys."""
    (folder / "catalog").mkdir(parents=True, exist_ok=True)
    (folder / "catalog" / "stub.toml").write_text(ENTRY)
    keyring = Keyring(folder / LEDGER)
    for number in range(keys):
        budgets = {"tokens": 10**9, "cost": 1e6, "requests": 10**7, "rate": 1e7}
        grant = {"trial_id": f"trial-{number}", "key_hash": key_hash(f"key-{number}"), "models": ("stub",)}
        keyring.register(Grant.model_validate({**grant, **budgets}))
    routes = RouteTable({"stub": [Target(url=f"{stub}/v1", replica=name) for name in ("one", "two")]})
    return build(keyring, Directory(routes, Catalogue([folder / "catalog"]), folder, secret="secret"))


if __name__ == "__main__":
    port, stub, folder, keys = sys.argv[1:]
    served = app(stub, Path(folder), int(keys))
    uvicorn.run(served, port=int(port), loop="uvloop", **SETTINGS)
