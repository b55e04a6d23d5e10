"""The grading actor's mount view as text, and the check that nothing more is seen."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from grading.view import View, command, interpreter, visible


@pytest.fixture
def view(tmp_path: Path) -> View:
    """A view whose folders lie all over one home, as on a laptop."""
    home = tmp_path / "home"
    made = View(
        data=home / "podium" / "data",
        private=home / "podium" / "private",
        ledger=home / "podium" / "private" / ".ledger",
        scratch=tmp_path / "scratch",
        code=home / ".podium" / "code" / "1234",
        temp_dir=tmp_path / "ray",
        token_path=home / ".podium" / "token",
        python=home / "podium" / ".venv" / "bin" / "python",
        prefixes=(home / "podium" / ".venv", home / ".pyenv" / "versions" / "3.11"),
    )
    for folder in (*made.read_only, *made.writable):
        folder.mkdir(parents=True)
    return made


def binds(text: str, kind: str) -> list[str]:
    arguments = shlex.split(text)
    return [arguments[place + 1] for place, word in enumerate(arguments) if word == kind]


def test_everything_is_read_only_but_the_ledger_the_scratch_folder_and_rays(view: View) -> None:
    text = command(view, root=False)
    assert {str(path) for path in view.read_only} == set(binds(text, "--ro-bind"))
    assert set(binds(text, "--bind")) == {"/proc", str(view.ledger), str(view.scratch), str(view.temp_dir)}


def test_the_ledger_is_mounted_over_the_private_folder_that_holds_it(view: View) -> None:
    words = shlex.split(command(view, root=False))
    assert words.index(str(view.ledger)) > words.index(str(view.private))


def test_only_root_gets_writable_control_groups(view: View) -> None:
    assert "/sys/fs/cgroup" in binds(command(view, root=True), "--bind-try")
    assert "/sys/fs/cgroup" in binds(command(view, root=False), "--ro-bind-try")


def test_the_command_ends_with_the_interpreter_and_survives_a_shell(view: View) -> None:
    odd = view.model_copy(update={"python": Path("/opt/my python/bin/python")})
    assert shlex.split(command(odd, root=False))[-1] == "/opt/my python/bin/python"


def test_folders_that_lead_to_mounts_are_not_seen_as_strangers(view: View, tmp_path: Path) -> None:
    assert visible([tmp_path / "home", tmp_path / "runs"], view) == []


def test_a_stranger_in_the_home_is_seen(view: View, tmp_path: Path) -> None:
    letters = tmp_path / "home" / "letters.txt"
    letters.touch()
    assert visible([tmp_path / "home"], view) == [letters]


def test_a_runs_folder_inside_a_mount_is_seen_even_when_it_is_empty(view: View) -> None:
    runs = view.data / "runs"
    runs.mkdir()
    assert visible([runs], view) == [runs]


def test_the_interpreter_comes_with_the_python_below_its_environment() -> None:
    python, folders = interpreter()
    real = python.resolve()
    assert real.is_relative_to("/usr") or any(real.is_relative_to(folder) for folder in folders)
