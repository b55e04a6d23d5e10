"""What these tests run on the cluster's hosts, in each host's own environment."""

from __future__ import annotations

import http.client
import importlib.util
import platform
import sys
from urllib.parse import urlsplit

import ray

SECONDS = 60.0


def environment() -> tuple[str, str, str, bool]:
    """The versions of Python and Ray, the environment's folder, and whether it has vLLM."""
    return platform.python_version(), ray.__version__, sys.prefix, importlib.util.find_spec("vllm") is not None


def status(url: str, secret: str = "", method: str = "GET") -> int:
    """The HTTP status with which `url` answers."""
    parsed = urlsplit(url)
    connection = http.client.HTTPConnection(parsed.hostname or "", parsed.port or 80, timeout=SECONDS)
    try:
        connection.request(method, parsed.path, headers={"authorization": f"Bearer {secret}"} if secret else {})
        return connection.getresponse().status
    finally:
        connection.close()
