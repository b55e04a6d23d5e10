"""What bubblewrap is started with, and who may start it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from containers import launcher
from containers.backends import NAMES, backend
from containers.launcher import Launch, arguments, environment, refuse_root
from containers.stage import choose, readable
from podium.errors import Unavailable, UnknownName

PLAN = Launch(
    bwrap="/usr/bin/bwrap",
    root=Path("/mnt/root"),
    data=Path("/mnt/data"),
    work=Path("/mnt/work"),
    program=Path("/mnt/program"),
    tmp_bytes=1 << 20,
    shm_bytes=2 << 20,
    environment=environment(2.0),
    warm=("numpy",),
    uid=64_001,
    cgroup_procs=(),
    cpus=(),
)


@pytest.mark.parametrize("name", ["user", "pid", "net", "ipc", "uts", "cgroup"])
def test_every_namespace_is_unshared(name: str) -> None:
    assert f"--unshare-{name}" in arguments(PLAN)


def test_no_path_of_the_host_is_writable_but_the_workspace() -> None:
    words = arguments(PLAN)
    writable = [words[index + 1] for index, word in enumerate(words) if word in ("--bind", "--dev-bind")]
    assert writable == ["/mnt/work"]


def test_the_environment_is_cleared_and_then_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    words = arguments(PLAN)
    assert words.index("--clearenv") < words.index("--setenv")
    assert "secret" not in " ".join(words)
    assert environment(2.0)["OMP_NUM_THREADS"] == "2"


def test_user_namespaces_and_capabilities_are_off() -> None:
    words = arguments(PLAN)
    assert "--disable-userns" in words
    assert words[words.index("--cap-drop") + 1] == "ALL"
    assert words.index("--dev") < words.index("--remount-ro")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can still be root")
def test_a_launcher_that_is_still_root_refuses() -> None:
    with pytest.raises(Unavailable, match="still root"):
        refuse_root()


@pytest.mark.skipif(os.getuid() == 0, reason="root is refused")
def test_an_ordinary_user_is_not_refused() -> None:
    refuse_root()


def test_the_stage_covers_nothing_that_is_needed(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    assert choose([first / "data"], [str(tmp_path / "none"), str(first), str(second)]) == second
    with pytest.raises(Unavailable, match="no folder to mount"):
        choose([tmp_path], [])


def test_data_that_only_its_owner_may_read_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch(mode=0o600)
    tmp_path.chmod(0o755)
    assert readable(tmp_path, os.getuid())
    assert not readable(tmp_path, launcher.INSIDE_ID + 63_000)


def test_a_misspelt_back_end_answers_with_the_near_ones() -> None:
    with pytest.raises(UnknownName, match="bubblewrap"):
        backend("bublewrap")


@pytest.mark.parametrize("name", NAMES)
def test_every_back_end_bears_its_name(name: str) -> None:
    assert backend(name).name == name
