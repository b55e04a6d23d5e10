"""The sandbox's root file system: a read-only tree of our own making. Build it: python -m containers.rootfs

`--prune` removes the trees of other locks, Pythons and checkouts in which nothing runs.

<scratch>/rootfs/<digest>/
├── opt/python          the running interpreter's base installation, without packages, tests and caches
├── opt/packages        requirements/sandbox.txt, without the data sets that scikit-learn and statsmodels ship
├── usr/{bin,lib,...}   a shell, a few tools, and the shared libraries that all of it needs
├── etc                 passwd, group, hosts
└── home/{data,work}    mount points; home/submission -> home/work/submission
It is world-readable and outside any home, for the base Python may lie below a directory of mode 0700.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from containers import libraries
from podium.errors import Unavailable
from podium.settings import CHECKOUT, load_site

LOCK = CHECKOUT / "requirements" / "sandbox.txt"
PYTHON = "/opt/python/bin/python3"
"""The interpreter's path inside."""
TOOLS = """
sh cat cp mv rm mkdir rmdir ln ls head tail wc sort env true false sleep echo uname nproc id date touch chmod
grep sed find du df tr cut tee seq basename dirname readlink mktemp gzip tar kill ps
"""
NOT_COPIED = shutil.ignore_patterns(
    "site-packages", "dist-packages", "test", "tests", "__pycache__", "idlelib", "turtledemo", "ensurepip",
    "lib2to3", "config-*", "sitecustomize.py", "EXTERNALLY-MANAGED", "tkinter", "_tkinter*",
)  # fmt: skip
FOLDERS = ("proc", "dev", "tmp", "run", "var", "etc", "usr/bin", "usr/lib", "usr/lib64", "home/data", "home/work")
FOLDERS_MORE = ("home/program", "opt/python/bin", "opt/python/lib", "opt/packages")
LINKS = {
    "bin": "usr/bin", "sbin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "var/tmp": "../tmp",
    "home/submission": "work/submission", "usr/bin/python3": PYTHON, "usr/bin/python": PYTHON,
}  # fmt: skip
ETC = {
    "passwd": "root:x:0:0::/:/bin/sh\nsandbox:x:1000:1000::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    "group": "root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
TESTS = ("**/tests", "**/test")
"""Below opt/packages: tests, which carry copies of data sets."""
DATASETS = ("sklearn/datasets", "statsmodels/datasets")
"""Below opt/packages: folders whose data would be a task's answers."""
CODE = (".py", ".so", ".rst")
"""All that is kept of those."""

Say = Callable[[str], None]


def digest() -> str:
    """Names a tree: the same lock, Python and builder give the same tree."""
    parts = [LOCK.read_bytes(), sys.version.encode(), sys.base_prefix.encode()]
    parts += [Path(module).read_bytes() for module in (__file__, libraries.__file__)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def location(scratch: Path) -> Path:
    """Where the tree for this checkout and this Python lies, built or not."""
    return scratch / "rootfs" / digest()


def existing(scratch: Path) -> Path:
    """The built tree. Raises Unavailable with the command that builds it, or where someone else could have."""
    tree = location(scratch)
    if tree.is_dir():
        check_owner(scratch, tree.parent, tree)
    else:
        raise Unavailable(
            f"The sandbox's root file system is not built (there is no {tree}).",
            "Type `python -m containers.rootfs`, once on each host.",
        )
    return tree


def check_owner(*folders: Path) -> None:
    """Raise Unavailable unless these are root's or ours, and no one else's to fill: they supply the Python inside."""
    trusted = {0, os.geteuid()}
    if Path("/proc/self/uid_map").read_text().split() != ["0", "0", str(2**32 - 1)]:
        trusted.add(int(Path("/proc/sys/kernel/overflowuid").read_text()))  # in a user namespace root shows as nobody
    for folder in folders:
        about = folder.stat()
        open_to_all = about.st_mode & stat.S_IWOTH and not about.st_mode & stat.S_ISVTX
        if about.st_uid not in trusted or open_to_all:
            raise Unavailable(
                f"{folder} (user {about.st_uid}, mode {stat.S_IMODE(about.st_mode):o}): others can change it.",
                "Remove it, or name another folder of yours as `scratch` in site.toml.",
            )


def packages(lock: Path = LOCK) -> tuple[str, ...]:
    """`name==version` of what can be imported inside."""
    lines = (line.strip() for line in lock.read_text().splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def build(scratch: Path, say: Say = lambda line: None) -> Path:
    """The tree, built unless it is there. Two builders at once: the second waits. Raises Unavailable."""
    tree = location(scratch)
    if tree.is_dir():
        return existing(scratch)
    _open_folder(scratch)
    _open_folder(tree.parent)
    check_owner(scratch, tree.parent)
    with _locked(tree.parent / ".lock"):
        if tree.is_dir():
            return tree
        for stale in tree.parent.glob(".building-*"):
            shutil.rmtree(stale)
        aside = tree.parent / f".building-{os.getpid()}"
        _fill(aside, say)
        aside.rename(tree)
    say(f"root file system: {tree}")
    return tree


def prune(scratch: Path, mounts: str | None = None) -> list[Path]:
    """Remove the other trees below `scratch` that `mounts` (mountinfo; None: all that we see) lacks; gives those."""
    tree = location(scratch)
    if not tree.parent.is_dir():
        return []
    with _locked(tree.parent / ".lock"):
        seen = _mounts() if mounts is None else mounts
        others = [found for found in tree.parent.iterdir() if found.is_dir() and found != tree]
        unused = [found for found in others if f"/{tree.parent.name}/{found.name} " not in seen]
        for found in unused:
            shutil.rmtree(found)
    return unused


def _mounts() -> str:
    """What every process sees that we may look at, for a sandbox has a namespace of its own."""
    texts = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            texts.append((process / "mountinfo").read_text())
    return "".join(texts)


def _open_folder(folder: Path) -> None:
    """A folder that every user may pass through, whatever the umask."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o755)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fill(tree: Path, say: Say) -> None:
    previous = os.umask(0o022)
    try:
        _frame(tree)
        say("root file system: copying Python")
        _python(tree)
        say("root file system: installing packages (about a minute)")
        _packages(tree)
        say("root file system: shared libraries, byte code")
        tools = [Path(found) for name in TOOLS.split() if (found := shutil.which(name))]
        for tool in tools:
            shutil.copy(tool, tree / "usr/bin" / tool.name)
        libraries.install(
            tree, [*tools, tree / PYTHON.lstrip("/"), *tree.glob("opt/**/*.so"), *tree.glob("opt/**/*.so.*")]
        )
        _compile(tree)
    finally:
        os.umask(previous)


def _frame(tree: Path) -> None:
    for name in FOLDERS + FOLDERS_MORE:
        (tree / name).mkdir(parents=True, exist_ok=True)
    for name, target in LINKS.items():
        (tree / name).symlink_to(target)
    for name, text in ETC.items():
        (tree / "etc" / name).write_text(text)
    locale = Path("/usr/lib/locale/C.utf8")
    if locale.is_dir():
        shutil.copytree(locale, tree / "usr/lib/locale/C.utf8")


def _python(tree: Path) -> None:
    """The base interpreter and its standard library; `sitecustomize` puts our packages on its path."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    target = tree / "opt/python"
    executable = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    shutil.copy(executable, target / "bin" / name)
    (target / "bin" / "python3").symlink_to(name)
    (target / "bin" / "python").symlink_to(name)
    library = target / "lib" / name
    shutil.copytree(Path(os.__file__).parent, library, ignore=NOT_COPIED, ignore_dangling_symlinks=True)
    (library / "sitecustomize.py").write_text("import sys\n\nsys.path.append('/opt/packages')\n")


def _packages(tree: Path) -> None:
    target = tree / "opt/packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--no-input"]
    command += ["--disable-pip-version-check", "--root-user-action", "ignore", "--target", str(target), "-r", str(LOCK)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(
            f"pip could not install {LOCK.name}:\n{done.stderr.strip()[-2000:]}",
            "Give this host access to PyPI once, or set PIP_FIND_LINKS to a folder with the wheels.",
        )
    for pattern in TESTS:
        for folder in list(target.glob(pattern)):
            shutil.rmtree(folder, ignore_errors=True)
    for name in DATASETS:
        for file in list((target / name).rglob("*")):
            if file.is_file() and file.suffix not in CODE:
                file.unlink()
    shutil.rmtree(target / "bin", ignore_errors=True)


def _compile(tree: Path) -> None:
    """Byte code for everything: the tree is read-only when it is used."""
    command = [sys.executable, "-m", "compileall", "-q", "-j", "0", "-s", str(tree), "-p", "/"]
    subprocess.run([*command, str(tree / "opt")], stdout=subprocess.DEVNULL, check=False)


def main() -> None:
    """Build the tree for this checkout under the site's scratch folder, or under the folder given."""
    parser = argparse.ArgumentParser(prog="python -m containers.rootfs", description="Build the sandbox's file system.")
    parser.add_argument("scratch", nargs="?", type=Path, help="Folder to build below; by default the site's.")
    parser.add_argument("--prune", action="store_true", help="Then remove the other trees in which nothing runs.")
    asked = parser.parse_args()
    scratch = asked.scratch or load_site().scratch_dir()
    print(build(scratch, lambda line: print(line, file=sys.stderr)))
    for tree in prune(scratch) if asked.prune else ():
        print(f"removed: {tree}", file=sys.stderr)


if __name__ == "__main__":
    main()
