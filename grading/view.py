"""The grading actor's mount view: the command that starts its Python where it sees no more than it needs.

Ray runs `runtime_env={"py_executable": VIEW}` with the worker's arguments behind it, so a bubblewrap command line in
front of the interpreter gives one actor a file system of its own. Why these flags:

- The root is an empty tmpfs: what is not named here (homes, run directories, workspaces, the checkout) is not there.
- No pid namespace: the raylet knows its workers by pid, and would signal a stranger. `/proc` is therefore the host's.
- No user namespace for root: the sandbox inside drops root by itself, for which it needs CAP_SETUID, looks after its
  processes (CAP_SYS_PTRACE), and makes loop-mounted workspaces and cgroups (CAP_SYS_ADMIN, `/dev`, `/sys/fs/cgroup`).
  bubblewrap started by root keeps all capabilities unless told otherwise. An ordinary user gets a user namespace by
  itself, in which bubblewrap nests.
- No network namespace: the worker must reach the raylet and the GCS. `/dev/shm` and Ray's temporary directory hold
  the object store and the raylet's sockets; the token file lets it register.

It is a belt for our own code and its libraries; what a hostile submission meets is the sandbox inside. As root it is
no wall: who runs code in the actor with these capabilities can mount disks and walk through `/proc/N/root`. As an
ordinary user the user namespace closes both.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from podium.spec import Spec

SYSTEM = ("/usr", "/etc", "/opt")
"""Read-only, where they exist: the system's libraries and programs."""
MERGED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Symbolic links into `/usr` on today's distributions, folders on older ones."""


class View(Spec):
    """What the grading actor may see. All paths are absolute and the same on the grading host."""

    data: Path
    """Tasks' public halves, read-only."""
    private: Path
    """Tasks' private halves, read-only."""
    ledger: Path
    """Read-write."""
    scratch: Path
    """Read-write: where the sandbox inside keeps its root file system and workspaces."""
    code: Path
    """The copy of the checkout that the actor runs, read-only; on `PYTHONPATH`."""
    temp_dir: Path
    """Ray's temporary directory, read-write."""
    token_path: Path
    python: Path
    """The interpreter that runs Ray on the grading host."""
    prefixes: tuple[Path, ...]
    """Folders that the interpreter needs: its virtual environment and the Python below it."""

    @property
    def read_only(self) -> tuple[Path, ...]:
        return (*self.prefixes, self.code, self.data, self.private, self.token_path)

    @property
    def writable(self) -> tuple[Path, ...]:
        return (self.temp_dir, self.ledger, self.scratch)


def interpreter() -> tuple[Path, tuple[Path, ...]]:
    """This process's Python and the folders that it needs, by their names and where their links lead."""
    python = Path(sys.executable)
    named = [Path(sys.prefix), Path(sys.base_prefix), python.resolve().parent.parent]
    folders = {folder for name in named for folder in (name, name.resolve())}
    return python, tuple(sorted(folder for folder in folders if not folder.is_relative_to("/usr")))


def command(view: View, root: bool) -> str:
    """The shell text for `py_executable`. `root`: whether the worker runs as uid 0."""
    arguments = ["bwrap", "--die-with-parent"]
    arguments += ["--tmpfs", "/tmp", *_system(), "--bind", "/proc", "/proc", "--dev-bind", "/dev", "/dev"]
    arguments += ["--ro-bind-try", "/sys/devices/system", "/sys/devices/system"]
    arguments += ["--bind-try" if root else "--ro-bind-try", "/sys/fs/cgroup", "/sys/fs/cgroup"]
    for path in _outermost_first(view.read_only):
        arguments += ["--ro-bind", str(path), str(path)]
    for path in _outermost_first(view.writable):
        arguments += ["--bind", str(path), str(path)]
    arguments += ["--setenv", "HOME", "/tmp", "--setenv", "PYTHONPATH", str(view.code), "--chdir", str(view.code)]
    return shlex.join([*arguments, str(view.python)])


def visible(hidden: Iterable[Path], view: View) -> list[Path]:
    """What can be seen here of `hidden`, for the actor's check of itself. The folders that lead to the view's own
    mounts, and these mounts, do not count."""
    mounts = [*view.read_only, *view.writable]
    found: list[Path] = []
    for path in hidden:
        if path.exists() and any(path.is_relative_to(mount) for mount in mounts):
            found.append(path)
        elif path != Path("/"):
            found += _strangers(path, mounts)
    return found


def _strangers(path: Path, mounts: Sequence[Path]) -> list[Path]:
    """What is at `path` or below that leads to no mount."""
    if path in mounts or not path.exists():
        return []
    if not any(mount.is_relative_to(path) for mount in mounts):
        return [path]
    return [stranger for entry in path.iterdir() for stranger in _strangers(entry, mounts)]


def _system() -> list[str]:
    arguments: list[str] = []
    for name in SYSTEM:
        arguments += ["--ro-bind-try", name, name]
    for name in MERGED:
        if Path(name).is_symlink():
            arguments += ["--symlink", os.readlink(name), name]
        else:
            arguments += ["--ro-bind-try", name, name]
    return arguments


def _outermost_first(paths: Iterable[Path]) -> list[Path]:
    """A folder is mounted before what lies in it, or it would hide that."""
    return sorted(set(paths), key=lambda path: (len(path.parts), path))
