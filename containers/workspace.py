"""A sandbox's working directory: a file system of its own, limited in bytes and inodes, emptied between programs."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from containers import kernel
from podium.errors import UserError
from podium.spec import Limits

FLAGS = kernel.MS_NOSUID | kernel.MS_NODEV
BLOCK = 4096
INODE = 256
INPUT = "input"
"""The name, in the working directory, of a link to the data."""


def mount(target: Path, limits: Limits, scratch: Path, uid: int) -> str:
    """Mount an empty workspace that `uid` may write at `target`; returns its kind, `loop` or `tmpfs`.

    `loop`: an image file, unlinked at once, on a loop device that frees itself; `tmpfs` where that cannot be had
    (ordinary users, containers without loop devices): its pages count as memory.
    """
    try:
        _mount_image(target, limits, scratch, uid)
    except OSError:
        options = f"size={limits.disk_mb}m,nr_inodes={limits.files + 2},mode=755,uid={uid},gid={uid}"
        if os.geteuid() != 0:
            options = options.rpartition(",uid=")[0]
        kernel.mount("podium-work", str(target), "tmpfs", FLAGS, options)
        return "tmpfs"
    return "loop"


def _mount_image(target: Path, limits: Limits, scratch: Path, uid: int) -> None:
    """Raises OSError where there is no loop device for us or a tool is missing."""
    if os.geteuid() != 0:
        raise PermissionError("only root mounts images")
    folder = scratch / "workspaces"
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    inodes = limits.files + 16
    size = (limits.disk_mb << 20) + inodes * (INODE + 8) + (2 << 20)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{os.getpid()}-") as image:
        image.truncate(size)
        options = ["-O", "^has_journal,^resize_inode", "-m", "0", "-N", str(inodes), "-b", str(BLOCK), "-I", str(INODE)]
        extended = f"lazy_itable_init=1,nodiscard,root_owner={uid}:{uid}"
        _run("mkfs.ext4", "-q", "-F", *options, "-E", extended, image.name)
        _run("mount", "-n", "-t", "ext4", "-o", "loop,nosuid,nodev,noatime,discard", image.name, str(target))
    with suppress(FileNotFoundError):
        (target / "lost+found").rmdir()
    target.chmod(0o755)


def sweep(folder: Path) -> None:
    """Remove images whose maker was killed before it could unlink them."""
    for image in folder.iterdir():
        maker = image.name.partition("-")[0]
        if maker.isdigit() and not Path("/proc", maker).exists():
            image.unlink(missing_ok=True)


def _run(*command: str) -> None:
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    done = subprocess.run(command, capture_output=True, check=False, env={"PATH": path, "LC_ALL": "C"})
    if done.returncode:
        raise OSError(done.returncode, done.stderr.decode("utf-8", "replace").strip())


def empty(top: int, mode: int) -> None:
    """Remove everything below the folder `top` (a descriptor), however deep, crowded or unreadable.

    `top` itself gets the mode `mode` first, for a program may have taken that away too. Walks by one descriptor and
    `..`, so that neither paths nor the stack grow, and only unlinks: in a file system of the sandbox's own user
    namespace even root can do no more. Nothing may be running in it. Raises OSError when something will not go.
    """
    os.fchmod(top, mode)
    here = os.dup(top)
    names: list[str] = []
    pending = [os.listdir(here)]
    try:
        while pending:
            if pending[-1]:
                name = pending[-1].pop()
                if not _is_folder(here, name):
                    os.unlink(name, dir_fd=here)
                    continue
                with suppress(OSError):
                    os.chmod(name, 0o700, dir_fd=here)
                here = _step(here, name)
                names.append(name)
                pending.append(os.listdir(here))
                continue
            pending.pop()
            if names:
                here = _step(here, "..")
                os.rmdir(names.pop(), dir_fd=here)
    finally:
        os.close(here)


def _step(here: int, name: str) -> int:
    """The folder `name` of the folder `here`, which is closed."""
    there = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
    os.close(here)
    return there


def _is_folder(folder: int, name: str) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def fill(top: int, files: Mapping[str, bytes], uid: int) -> None:
    """Write `files` (relative POSIX paths) below the emptied folder `top`, owned by `uid`.

    Raises UserError for a path that leaves the folder, and for more than the workspace holds.
    """
    for name, content in files.items():
        path = checked_path(name)
        try:
            folder = _make_folders(top, path.parts[:-1], uid)
            try:
                _write(folder, path.name, content, uid)
            finally:
                os.close(folder)
        except OSError as error:
            raise UserError(
                f"{name} does not go into the workspace: {error.strerror}.",
                "Raise the limits disk_mb or files, or hand in less.",
            ) from None


def make_folders(top: int, names: Sequence[str], uid: int) -> None:
    """Let the folders `names` be there, whatever else of that name is."""
    for name in names:
        with suppress(OSError):
            os.close(_make_folders(top, (name,), uid))


def checked_path(name: str) -> PurePosixPath:
    """`name` as a path below a folder; a UserError for one that is absolute, empty or leads out."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in name:
        raise UserError(f"{name!r} is no path below the working directory.", "Give a relative path without `..`.")
    return path


def _make_folders(top: int, parts: tuple[str, ...], uid: int) -> int:
    folder = os.dup(top)
    for part in parts:
        try:
            os.mkdir(part, 0o755, dir_fd=folder)
            _give(part, folder, uid)
        except FileExistsError:
            pass
        inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        os.close(folder)
        folder = inner
    return folder


def _write(folder: int, name: str, content: bytes, uid: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(name, flags, 0o644, dir_fd=folder), "wb") as file:
        file.write(content)
    _give(name, folder, uid)


def _give(name: str, folder: int, uid: int) -> None:
    if os.geteuid() == 0:
        os.chown(name, uid, uid, dir_fd=folder, follow_symlinks=False)
