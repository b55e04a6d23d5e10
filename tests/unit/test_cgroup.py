"""Control groups, on a tree of plain files of either version."""

from __future__ import annotations

from pathlib import Path

import pytest

from containers import cgroup

V1 = """30 20 0:26 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory
31 20 0:27 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu,cpuacct
32 20 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
"""
V2 = "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"


def host(root: Path, mounts: str, own: str) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mountinfo").write_text(mounts)
    (root / "proc/self/cgroup").write_text(own)
    return root


@pytest.fixture
def old(tmp_path: Path) -> Path:
    root = host(tmp_path, V1, "1:memory:/job/step\n2:cpu,cpuacct:/\n3:pids:/\n")
    for name in ("memory/job/step", "cpu", "pids"):
        (root / "sys/fs/cgroup" / name).mkdir(parents=True)
    return root


def test_groups_are_made_below_our_own(old: Path) -> None:
    group = cgroup.create(cgroup.find(old), pid=1)
    assert group is not None
    assert group.folders["memory"].parent == old / "sys/fs/cgroup/memory/job/step"
    assert group.folders["cpu"] == group.folders["cpuacct"]
    assert len(group.procs) == 3


def test_version_1_limits_are_written(old: Path) -> None:
    group = cgroup.create(cgroup.find(old), pid=1)
    assert group is not None
    group.bound(memory_mb=64, processes=9, cpus=0.5)
    assert (group.folders["memory"] / "memory.limit_in_bytes").read_text() == str(64 << 20)
    assert (group.folders["pids"] / "pids.max").read_text() == "9"
    assert (group.folders["cpu"] / "cpu.cfs_quota_us").read_text() == "50000"


def test_version_1_counters_are_read(old: Path) -> None:
    group = cgroup.create(cgroup.find(old), pid=1)
    assert group is not None
    (group.folders["memory"] / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    (group.folders["pids"] / "pids.events").write_text("max 5\n")
    (group.folders["cpuacct"] / "cpuacct.usage").write_text("1500000000\n")
    assert group.counters() == cgroup.Counters(2, 5, 1.5)


def test_version_2_needs_a_parent_that_hands_controllers_down(tmp_path: Path) -> None:
    root = host(tmp_path, V2, "0::/user/app\n")
    user = root / "sys/fs/cgroup/user"
    (user / "app").mkdir(parents=True)
    assert cgroup.find(root) is None
    (user / "cgroup.subtree_control").write_text("cpu memory pids\n")
    group = cgroup.create(cgroup.find(root), pid=1)
    assert group is not None
    assert {path.parent for path in group.folders.values()} == {user}
    group.bound(memory_mb=64, processes=9, cpus=2)
    assert (group.folders["memory"] / "memory.max").read_text() == str(64 << 20)
    assert (group.folders["cpu"] / "cpu.max").read_text() == "200000 100000"


def test_a_host_without_hierarchies_has_no_group(tmp_path: Path) -> None:
    assert cgroup.create(cgroup.find(host(tmp_path, "", "")), pid=1) is None


def test_groups_of_dead_keepers_are_swept_and_others_stay(old: Path) -> None:
    found = cgroup.find(old)
    living = cgroup.create(found, pid=1)
    assert living is not None
    memory = old / "sys/fs/cgroup/memory/job/step"
    dead, foreign = memory / "podium-999999999-7-0123abcd", memory / "podium-mine"
    dead.mkdir()
    foreign.mkdir()
    cgroup.sweep(found)
    assert not dead.exists()
    assert foreign.exists()
    assert living.folders["memory"].exists()
