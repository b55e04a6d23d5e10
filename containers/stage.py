"""The keeper's own mount namespace: everything a sandbox is made of, bound to one place any user may reach.

<stage>/root     the root file system          <stage>/work       the workspace, limited in bytes and inodes
<stage>/data     the public data               <stage>/program    the interpreter and the program of the day
No one else sees these mounts, and they go with the last process of the namespace, however it ends.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from containers import kernel
from podium.errors import Unavailable, UserError

INSIDE = tuple(Path(__file__).with_name(name) for name in ("interpreter.py", "responder.py"))
"""Our files that run inside the sandbox."""
CANDIDATES = ("/mnt", "/media", "/srv", "/opt", "/tmp", "/home")
"""Folders that every Linux has; the first that hides nothing we need is mounted over, for us alone."""

FLAGS = kernel.MS_NOSUID | kernel.MS_NODEV
COPY_BYTES = 256 << 20
"""Data that the sandbox's user may not read are copied up to this size, where root shows them."""


def enter() -> None:
    """Move into mount (and, for an ordinary user, user) namespaces of our own. Raises Unavailable."""
    try:
        _unshare()
        kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    except OSError as error:
        raise Unavailable(
            f"This host does not let us make a namespace ({error.strerror or error}).",
            "Ask for unprivileged user namespaces: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
            "kernel.apparmor_restrict_unprivileged_userns; in a container, a seccomp profile that allows unshare.",
        ) from None


def _unshare() -> None:
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        kernel.unshare(kernel.CLONE_NEWNS)
        return
    kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def choose(needed: Iterable[Path], candidates: Iterable[str] = CANDIDATES) -> Path:
    """The first candidate that exists and holds none of the `needed` paths. Raises Unavailable."""
    resolved = [path.resolve() for path in needed]
    for candidate in map(Path, candidates):
        if candidate.is_dir() and not any(path.is_relative_to(candidate) for path in resolved):
            return candidate
    raise Unavailable("There is no folder to mount a sandbox's parts over.", f"Make one of {', '.join(CANDIDATES)}.")


class Stage:
    """The mounted stage. Build it after `enter`."""

    def __init__(self, place: Path, root: Path, data: Path | None, uid: int) -> None:
        """Bind `root` and `data`; `uid` is whom the sandbox will run as. Raises UserError for data it cannot read."""
        sources = {path.name: path.read_bytes() for path in INSIDE}
        if data is not None and not data.is_dir():
            raise UserError(f"There is no folder {data}.", "Give a folder that exists as the data.")
        copied = data is not None and os.geteuid() == 0 and not readable(data, uid)
        held = os.open(root, os.O_PATH), os.open(data, os.O_PATH) if data else -1
        kernel.mount(
            "podium", str(place), "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=64m,nr_inodes=64,mode=755"
        )
        self.root, self.data, self.work, self.program = (place / name for name in ("root", "data", "work", "program"))
        for folder in (self.root, self.data, self.work, self.program):
            folder.mkdir(mode=0o755)
        _bind(held[0], self.root)
        if data is not None and copied:
            _copy(data, held[1], self.data)
        elif data is not None:
            _bind(held[1], self.data)
        for name, source in sources.items():
            (self.program / name).write_bytes(source)
        self.solution = self.program / "solution.py"


def _bind(descriptor: int, target: Path) -> None:
    kernel.mount(f"/proc/self/fd/{descriptor}", str(target), flags=kernel.MS_BIND | kernel.MS_REC)
    os.close(descriptor)


def readable(folder: Path, uid: int) -> bool:
    """Whether `uid`, who is in no group of the owner's, may read everything in `folder`."""
    for top, _, names in os.walk(folder):
        for path, others, owner in [(top, 0o005, 0o500), *((f"{top}/{name}", 0o004, 0o400) for name in names)]:
            status = os.lstat(path)
            wanted = owner if status.st_uid == uid else others
            if status.st_mode & wanted != wanted:
                return False
    return True


def _copy(data: Path, descriptor: int, target: Path) -> None:
    """A copy in memory that all may read of a folder that only root may. Raises UserError for a large one."""
    size = sum(os.lstat(os.path.join(top, name)).st_size for top, _, names in os.walk(data) for name in names)
    if size > COPY_BYTES:
        raise UserError(
            f"{data} cannot be read inside the sandbox, where nobody is root, and is too big to copy.",
            f"Type `chmod -R a+rX {data}`, if what lies there may be seen.",
        )
    kernel.mount("podium-data", str(target), "tmpfs", FLAGS, "mode=755")
    shutil.copytree(f"/proc/self/fd/{descriptor}", target, symlinks=True, dirs_exist_ok=True)
    os.close(descriptor)
    for top, _, names in os.walk(target):
        os.chmod(top, 0o755)  # noqa: S103
        for name in names:
            if not os.path.islink(os.path.join(top, name)):
                os.chmod(os.path.join(top, name), 0o644)
