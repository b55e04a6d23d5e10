"""The copy of the checkout that a cluster runs from, in a folder named by the digest of its content.

Detached services outlive the job that deployed them and are started again after a death, so their code must lie at a
path that stays: never in a package that Ray uploaded for one job.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from podium.errors import UserError

FOLDERS = (
    "podium",
    "containers",
    "grading",
    "serve",
    "cluster",
    "tasks",
    "agents",
    "jobs",
    "api",
    "sdk",
    "experiments",
    "requirements",
)
"""The folders that are code or belong to it. Whatever else lies in a checkout (.env, data, runs) is not copied."""
FILES = ("pyproject.toml",)
DIGEST_LENGTH = 16
"""Hex digits of the digest that name a copy."""


def code_files(checkout: Path) -> list[Path]:
    """The files that make up the code, relative to `checkout`, sorted; no links, hidden files or compiled ones.

    Raises UserError where `checkout` is none.
    """
    if not (checkout / "podium").is_dir():
        raise UserError(f"{checkout} is no checkout of Podium.", "Run this from the folder that holds podium/.")
    found = [checkout / name for name in FILES if (checkout / name).is_file()]
    for folder in FOLDERS:
        found.extend(_regular_files(checkout / folder))
    return sorted(path.relative_to(checkout) for path in found)


def code_digest(checkout: Path) -> str:
    """SHA-256 over names and contents of the code, its first 16 hex digits: the same for a checkout and its copy."""
    digest = hashlib.sha256()
    for name in code_files(checkout):
        content = (checkout / name).read_bytes()
        digest.update(f"{len(name.as_posix().encode())}:{name.as_posix()}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()[:DIGEST_LENGTH]


def copy_code(checkout: Path, copies: Path) -> Path:
    """Copy the code to `copies/<digest>` and give that folder; one that is there is taken as it is.

    The copy appears as a whole or not at all. Raises UserError when the checkout changes while it is copied.
    """
    digest = code_digest(checkout)
    target = copies / digest
    if target.is_dir():
        return target
    copies.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = copies / f".{digest}.{uuid.uuid4().hex}"
    try:
        for name in code_files(checkout):
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(checkout / name, aside / name)
        if code_digest(aside) != digest:
            raise UserError(f"{checkout} changed while it was copied.", "Try again when nothing writes there.")
        _publish(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _publish(aside: Path, target: Path) -> None:
    try:
        aside.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _regular_files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == "__pycache__" or path.suffix == ".pyc" or path.is_symlink():
            continue
        if path.is_dir():
            yield from _regular_files(path)
        elif path.is_file():
            yield path
