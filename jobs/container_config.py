"""MLE-bench's container configurations (Docker's words, JSON) as limits of a sandbox.

{"mem_limit": "440g", "shm_size": "4G", "nano_cpus": 4e9, "gpus": 1, "runtime": "sysbox-runc"}
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.errors import UserError
from podium.settings import checked
from podium.spec import Limits

_SIZE = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>[bkmgt]?)b?", re.IGNORECASE)
_UNITS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_SIZES = {"mem_limit": "memory_mb", "shm_size": "shm_mb"}
KNOWN = (*_SIZES, "nano_cpus", "cpu_count", "gpus", "runtime")


@dataclass(frozen=True)
class Resources:
    """What a configuration asks for."""

    limits: dict[str, float]
    """Names of `Limits` with their values."""
    notes: tuple[str, ...]
    """What was left out or read otherwise, for people."""


def read_config(file: Path) -> Resources:
    """The limits in a container configuration. Raises UserError that names the key that does not fit."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.", "Name a container configuration.") from None
    except ValueError as error:
        raise UserError(f"{file} is not JSON: {error}.", "Mend the place it names.") from None
    if not isinstance(content, dict):
        raise UserError(f"{file} holds no JSON object.", 'Write for example {"nano_cpus": 4e9, "mem_limit": "16g"}.')
    found = resources(content, str(file))
    checked(Limits, found.limits, str(file))
    return found


def resources(config: dict[str, Any], source: str) -> Resources:
    """The limits that `config` means. Raises UserError."""
    limits: dict[str, float] = {}
    notes = [f"{source}: {key} is not known here and was left out." for key in config if key not in KNOWN]
    for key, name in _SIZES.items():
        if config.get(key) is not None:
            limits[name] = max(1, math.ceil(_bytes(config[key], key, source) / (1 << 20)))
    if "mem_limit" in config and config["mem_limit"] is None:
        notes.append(f"{source}: mem_limit is null, but a sandbox has a bound; set it with --limit memory_mb=N.")
    cpus = _cpus(config, source)
    if cpus is not None:
        limits["cpus"] = cpus
    if config.get("gpus") is not None:
        limits["gpus"], note = _gpus(config["gpus"], source)
        notes += note
    if config.get("runtime") is not None:
        notes.append(f"{source}: runtime is Docker's; code runs in the sandbox that --sandbox names.")
    return Resources(limits, tuple(notes))


def _bytes(value: Any, key: str, source: str) -> float:
    """Bytes of `440g`, `4G`, `512mb` or a number of bytes."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON's 4e9
    match = _SIZE.fullmatch(str(value).strip()) if isinstance(value, str | int) else None
    if match is None or isinstance(value, bool) or float(match["number"]) == 0:
        raise UserError(f"{source}: {key} = {value!r} is no size.", 'Write for example "440g", "512m" or bytes.')
    return float(match["number"]) * 2.0 ** _UNITS[match["unit"].lower()]


def _cpus(config: dict[str, Any], source: str) -> float | None:
    """CPUs by `nano_cpus` (billionths) or `cpu_count`."""
    for key, unit in (("nano_cpus", 1e9), ("cpu_count", 1.0)):
        value = config.get(key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise UserError(f"{source}: {key} = {value!r} is no number of CPUs.", "Write for example 4e9 or 4.")
        return float(value) / unit
    return None


def _gpus(value: Any, source: str) -> tuple[float, list[str]]:
    """How many GPUs. -1 is Docker's word for all of a host, which nobody can wait for: one is taken."""
    if isinstance(value, bool) or not isinstance(value, int) or value < -1:
        raise UserError(f"{source}: gpus = {value!r} is no number of GPUs.", "Write 0, 1, 2, ... or -1.")
    if value == -1:
        return 1.0, [f"{source}: gpus is -1, all of a host; one is taken. Ask for more with --limit gpus=N."]
    return float(value), []
