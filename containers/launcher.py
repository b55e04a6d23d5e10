"""From the keeper's fork to bubblewrap: drop root, a fresh keyring, no inherited descriptor, then exec.

Whatever real uid 0 starts through bubblewrap is the kernel's uid 0 inside, with `/proc/sys` writable, whatever
`--uid` says. So this refuses to go on as root.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from containers import kernel
from containers.rootfs import PYTHON
from containers.sandbox import DATA, WORK
from podium.errors import Unavailable

INSIDE_ID = 1000
"""uid and gid that the program sees itself as."""
PROGRAM_DIR = "/home/program"
PROGRAM = f"{PROGRAM_DIR}/solution.py"
INTERPRETER = f"{PROGRAM_DIR}/interpreter.py"
CONTROL, ANSWER, REPORT, INFO, SECCOMP = 3, 4, 5, 6, 7
"""Descriptors handed on; bubblewrap itself uses up the last two."""
MASKED = ("/proc/keys", "/proc/key-users", "/proc/timer_list", "/proc/kallsyms")
"""Of the host, or of others with our user id: covered by a device that cannot be opened."""
WARM = ("numpy", "pandas", "sklearn", "sklearn.ensemble", "sklearn.linear_model", "sklearn.model_selection")
WARM_MORE = ("sklearn.pipeline", "sklearn.preprocessing", "sklearn.compose", "sklearn.impute", "sklearn.metrics")
WARM_FROM_MB = 256
"""Below this much memory the interpreter imports nothing beforehand."""
PARK = 200
"""Above every descriptor of the keeper."""


@dataclass(frozen=True)
class Launch:
    """What bubblewrap is started with. Paths are the keeper's stage."""

    bwrap: str
    root: Path
    data: Path
    work: Path
    program: Path
    tmp_bytes: int
    """Size of /tmp."""
    shm_bytes: int
    """Size of /dev/shm."""
    environment: dict[str, str]
    warm: tuple[str, ...]
    uid: int
    """Unprivileged host uid and gid to become, where we are root."""
    cgroup_procs: tuple[Path, ...]
    cpus: tuple[int, ...]
    """CPUs to be pinned to; empty: all."""


def warm(memory_mb: int) -> tuple[str, ...]:
    """What the interpreter imports beforehand, for what agents write."""
    return WARM + WARM_MORE if memory_mb >= WARM_FROM_MB else ()


def environment(cpus: float) -> dict[str, str]:
    """All that a program's environment holds: nothing comes from outside."""
    threads = str(max(1, round(cpus)))
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
    return {
        "PATH": "/opt/python/bin:/usr/bin",
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "USER": "sandbox",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "agg",
        **dict.fromkeys(names, threads),
    }


def arguments(launch: Launch) -> list[str]:
    """The command line of bubblewrap and, behind `--`, of the interpreter inside."""
    setenv = [word for name, value in launch.environment.items() for word in ("--setenv", name, value)]
    namespaces = ["user", "pid", "net", "ipc", "uts", "cgroup"]
    identity = str(INSIDE_ID)
    masks = [word for path in MASKED for word in ("--ro-bind-try", os.devnull, path) if os.path.exists(path)]
    return [
        launch.bwrap,
        *(f"--unshare-{name}" for name in namespaces), "--disable-userns",
        "--as-pid-1", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
        "--uid", identity, "--gid", identity, "--hostname", "sandbox", "--clearenv", *setenv,
        "--ro-bind", str(launch.root), "/",
        "--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", *masks,
        "--dev", "/dev",
        "--perms", "1777", "--size", str(launch.shm_bytes), "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
        "--perms", "1777", "--size", str(launch.tmp_bytes), "--tmpfs", "/tmp",
        "--ro-bind", str(launch.data), DATA,
        "--ro-bind", str(launch.program), PROGRAM_DIR,
        "--bind", str(launch.work), WORK, "--chdir", WORK,
        "--info-fd", str(INFO), "--seccomp", str(SECCOMP),
        "--", PYTHON, "-s", "-P", INTERPRETER, "serve", PROGRAM, ",".join(launch.warm),
    ]  # fmt: skip


def drop_root(uid: int) -> None:
    """Become `uid` and lose every group and capability, if we are root; a user stays what he is."""
    if os.geteuid() == 0 or os.getuid() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


def refuse_root() -> None:
    """Raise Unavailable if any of our user ids is still 0."""
    if 0 in os.getresuid() or 0 in os.getresgid():
        raise Unavailable(
            "The sandbox's launcher is still root, and refuses to start bubblewrap as root.",
            "Start it as an ordinary user, or as a root that may call setuid.",
        )


def hand_on(descriptors: dict[int, int]) -> None:
    """Let `descriptors` (number inside -> ours) be all that is open; 0 to 2 are among them, without a gap."""
    parked = {number: os.dup2(ours, PARK + number) for number, ours in descriptors.items()}
    for number, descriptor in parked.items():
        os.dup2(descriptor, number, inheritable=True)
    os.closerange(max(parked) + 1, os.sysconf("SC_OPEN_MAX"))


def launch(plan: Launch, descriptors: dict[int, int]) -> NoReturn:
    """Turn this forked process into bubblewrap. `descriptors` maps the number inside to the one open here."""
    for path in plan.cgroup_procs:
        path.write_text("0")
    if plan.cpus:
        os.sched_setaffinity(0, plan.cpus)
    Path("/proc/self/oom_score_adj").write_text("500")
    os.umask(0o022)
    drop_root(plan.uid)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # after setuid, which clears it
    kernel.join_fresh_keyring()
    refuse_root()
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    hand_on(descriptors)
    os.execve(plan.bwrap, arguments(plan), {})  # noqa: S606
