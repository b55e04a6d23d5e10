"""The copy of the code: named by its content, whole, and without what is not code."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.code import code_digest, code_files, copy_code
from podium.errors import UserError
from podium.settings import CHECKOUT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for name in ("podium/a.py", "tasks/rows/x.csv", "jobs/sweep.py", "pyproject.toml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def test_a_copy_has_the_digest_that_names_it(checkout: Path, tmp_path: Path) -> None:
    copy = copy_code(checkout, tmp_path / "code")
    assert copy.name == code_digest(checkout) == code_digest(copy)
    assert (copy / "tasks/rows/x.csv").read_text() == "tasks/rows/x.csv"


def test_what_is_not_code_stays_behind(checkout: Path, tmp_path: Path) -> None:
    before = code_digest(checkout)
    others = (".env", "podium/.env", "data/x.csv", "runs/r", ".venv/x", "podium/__pycache__/a.pyc", ".git/config")
    for name in others:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("secret")
    (checkout / "podium" / "link.py").symlink_to("/etc/hostname")
    copy = copy_code(checkout, tmp_path / "code")
    assert copy.name == before
    assert sorted(path.name for path in copy.rglob("*") if path.is_file()) == sorted(
        ["a.py", "x.csv", "sweep.py", "pyproject.toml"]
    )


def test_every_change_of_the_code_changes_the_digest(checkout: Path) -> None:
    seen = {code_digest(checkout)}
    (checkout / "podium/a.py").write_text("other")
    seen.add(code_digest(checkout))
    (checkout / "podium/a.py").rename(checkout / "podium/b.py")
    seen.add(code_digest(checkout))
    assert len(seen) == 3


def test_a_second_copy_is_the_first_one(checkout: Path, tmp_path: Path) -> None:
    first = copy_code(checkout, tmp_path / "code")
    made = (first / "podium/a.py").stat().st_mtime_ns
    assert copy_code(checkout, tmp_path / "code") == first
    assert (first / "podium/a.py").stat().st_mtime_ns == made
    assert [path.name for path in (tmp_path / "code").iterdir()] == [first.name]


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no checkout"):
        code_digest(tmp_path)


def test_our_own_checkout_has_the_front_door_in_its_code() -> None:
    assert Path("podium/__main__.py") in code_files(CHECKOUT)
