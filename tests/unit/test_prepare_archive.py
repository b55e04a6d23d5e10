"""Kaggle's archives: their content is there as a whole or not at all, and adds to what is there."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from podium.errors import UserError
from tasks.preparing.archive import damage, extract, md5
from tests.unit.raw_data import below


def archive(folder: Path, **files: str) -> Path:
    """An archive of these files; `__` in a name for a slash."""
    path = folder / "mine.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(name.replace("__", "/"), text)
    return path


def test_what_is_extracted_is_closed_to_others(tmp_path: Path) -> None:
    extract(archive(tmp_path, train="1", images__a="2"), tmp_path / "raw")
    assert below(tmp_path / "raw") == ["images", "images/a", "train"]
    assert stat.S_IMODE((tmp_path / "raw").stat().st_mode) == 0o700


def test_raw_files_that_are_there_stay_and_what_they_lack_is_added(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    (raw / "images").mkdir(parents=True)
    (raw / "images" / "mine").write_text("mine")
    (raw / "train").write_text("mine")
    extract(archive(tmp_path, train="theirs", test="theirs", images__a="theirs", more__b="theirs"), raw)
    found = {path.relative_to(raw).as_posix(): path.read_text() for path in raw.rglob("*") if path.is_file()}
    assert found == {
        "images/mine": "mine", "train": "mine", "test": "theirs", "images/a": "theirs", "more/b": "theirs",
    }  # fmt: skip
    assert below(tmp_path) == sorted(["mine.zip", "raw", *(f"raw/{name}" for name in below(raw))])


def test_what_a_death_left_aside_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / ".raw").mkdir()
    (tmp_path / ".raw" / "old").write_text("")
    extract(archive(tmp_path, train="1"), tmp_path / "raw")
    assert below(tmp_path) == ["mine.zip", "raw", "raw/train"]


def encrypted(content: bytearray) -> None:
    """Set the mark of encryption in both headers of the one member."""
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1


def garbled(content: bytearray) -> None:
    content[60:260] = bytes(byte ^ 0x5A for byte in content[60:260])


def shortened(content: bytearray) -> None:
    del content[-40:]


@pytest.mark.parametrize("harm", [encrypted, garbled, shortened])
def test_what_cannot_be_extracted_is_a_sentence_and_leaves_nothing(
    tmp_path: Path, harm: Callable[[bytearray], None]
) -> None:
    path = archive(tmp_path, train="".join(f"{place * place}\n" for place in range(999)))
    content = bytearray(path.read_bytes())
    harm(content)
    path.write_bytes(content)
    assert damage(path)
    with pytest.raises(UserError, match="is no whole zip archive"):
        extract(path, tmp_path / "raw")
    assert below(tmp_path) == ["mine.zip"]


def test_a_whole_archive_has_no_damage(tmp_path: Path) -> None:
    assert damage(archive(tmp_path, train="1")) == ""


def test_the_digest_is_the_files_md5(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert md5(tmp_path / "a") == "900150983cd24fb0d6963f7d28e17f72"
