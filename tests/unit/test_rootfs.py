"""The root file system's name, its lock and its libraries; the tree itself is looked into by the contracts."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from containers import libraries, rootfs
from podium.errors import Unavailable


def test_a_tree_that_is_not_built_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"python -m containers\.rootfs"):
        rootfs.existing(tmp_path)


def test_a_built_tree_is_used_as_it_is(tmp_path: Path) -> None:
    tree = rootfs.location(tmp_path)
    tree.mkdir(parents=True)
    assert rootfs.build(tmp_path) == tree
    assert rootfs.existing(tmp_path) == tree
    assert list(tree.iterdir()) == []


@pytest.mark.parametrize("folder", [".", "rootfs", "rootfs/tree"])
def test_a_tree_that_others_could_have_filled_is_refused(folder: str, tmp_path: Path) -> None:
    folders = (tmp_path, tmp_path / "rootfs", tmp_path / "rootfs" / "tree")
    folders[2].mkdir(parents=True)
    rootfs.check_owner(*folders)
    (tmp_path / folder).chmod(0o777)
    with pytest.raises(Unavailable, match="others can change it"):
        rootfs.check_owner(*folders)


def test_a_tree_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder of another user; we are not root")
    os.chown(tmp_path, 4711, 4711)
    with pytest.raises(Unavailable, match="user 4711"):
        rootfs.check_owner(tmp_path)


def test_other_trees_are_removed_when_asked_unless_something_runs_in_them(tmp_path: Path) -> None:
    tree, old = rootfs.location(tmp_path), rootfs.location(tmp_path).with_name("0123456789abcdef")
    assert rootfs.prune(tmp_path) == []
    for folder in (tree, old):
        folder.mkdir(parents=True)
    used = f"36 25 254:0 {old} /srv/root ro - ext4 /dev/root ro\n"
    assert rootfs.prune(tmp_path, mounts=used) == []
    assert rootfs.prune(tmp_path) == [old]
    assert [path.name for path in tree.parent.iterdir() if path.is_dir()] == [tree.name]


def test_the_lock_pins_everything_and_names_no_host() -> None:
    text = rootfs.LOCK.read_text()
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE)
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[^=\s]+", line) for line in rootfs.packages())
    wanted = {"numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "statsmodels", "lightgbm", "xgboost-cpu"}
    assert wanted <= {line.partition("==")[0] for line in rootfs.packages()}


def test_the_libraries_of_a_program_lie_where_its_loader_looks(tmp_path: Path) -> None:
    shell = Path(shutil.which("sh") or "")
    libraries.install(tmp_path, [shell])
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert "libc.so.6" in names
    assert any(name.startswith("ld-") for name in names)
