"""What a check knows of the host that it runs on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from podium.settings import CHECKOUT
from podium.spec import Spec
from serve.checks.gpus import GIB, Gpu, of_this_host


class Here(Spec):
    """What is known of this host."""

    environment: Mapping[str, str]
    gpus: tuple[Gpu, ...] = ()
    memory_gib: float = 0.0
    """Main memory."""
    checkout: Path = CHECKOUT


def this_host() -> Here:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return Here(environment=dict(os.environ), gpus=of_this_host(), memory_gib=memory)
