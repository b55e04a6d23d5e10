"""Competitions of MLE-bench in a data directory of a test: raw, or as `mlebench prepare` leaves them."""

from __future__ import annotations

import functools
import json
import zipfile
from pathlib import Path
from typing import Any

from podium.settings import CHECKOUT, Site

SPACESHIP, FOREIGN = "spaceship-titanic", "aerial-cactus-identification"
"""One that is prepared here, and one that only the benchmark's own program prepares."""


@functools.cache
def cases() -> dict[str, dict[str, Any]]:
    """The recorded preparations by competition: raw files, and the files of both halves."""
    lines = (CHECKOUT / "tests/oracle/prepare_cases.jsonl").read_text(encoding="utf-8").splitlines()
    return {case["competition_id"]: case for case in map(json.loads, lines)}


def site_below(folder: Path) -> Site:
    """A site that keeps answers apart from data."""
    (folder / "data").mkdir(parents=True)
    return Site(data=folder / "data", private=folder / "private", runs=folder / "runs", ledger=folder / "ledger")


def put_raw(data: Path, competition: str) -> Path:
    """Lay the recorded raw files of a competition down as extracted; gives their folder."""
    raw = data / competition / "raw"
    raw.mkdir(parents=True)
    for name, text in cases()[competition]["raw"].items():
        (raw / name).write_bytes(text.encode())
    return raw


def put_archive(data: Path, competition: str) -> Path:
    """Lay them down as an archive; of a competition that has none recorded, an empty one."""
    folder = data / competition
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / f"{competition}.zip", "w") as archive:
        for name, text in cases().get(competition, {"raw": {}})["raw"].items():
            archive.writestr(name, text)
    return folder / f"{competition}.zip"


def put_prepared(data: Path, competition: str, answers: str, sample: str) -> None:
    """Lay both halves down as the benchmark does, readable by all."""
    for half, name in (("private", answers), ("public", sample), ("public", "description.md")):
        file = data / competition / "prepared" / half / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("id,label\n1,0\n")


def texts(folder: Path) -> dict[str, str]:
    """The files of a folder by name, descriptions aside."""
    return {path.name: path.read_bytes().decode() for path in folder.iterdir() if path.name != "description.md"}


def below(folder: Path) -> list[str]:
    """Every path below a folder, relative to it, sorted; locks aside."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.name != ".lock")
