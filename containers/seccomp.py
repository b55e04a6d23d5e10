"""The system-call filter of a sandbox: what bubblewrap reads from a descriptor (`--seccomp`).

Everything is allowed but what widens the kernel's surface, changes another process or leaves the sandbox's books.
numpy, pandas, scikit-learn, joblib's loky, multiprocessing (fork, spawn), torch and its DataLoader run under it.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator

import pyseccomp

DENIED = """
ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp
sched_setaffinity sched_setscheduler sched_setparam sched_setattr ioprio_set migrate_pages move_pages
mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree mount_setattr unshare setns
keyctl add_key request_key bpf perf_event_open userfaultfd fanotify_init fanotify_mark lookup_dcookie
io_uring_setup io_uring_enter io_uring_register open_by_handle_at name_to_handle_at
swapon swapoff reboot acct settimeofday clock_settime clock_adjtime adjtimex init_module finit_module
delete_module kexec_load kexec_file_load quotactl quotactl_fd syslog vhangup iopl ioperm nfsservctl
sethostname setdomainname uselib ustat sysfs _sysctl
"""
"""Answered with EPERM."""

ABSENT = """
clone3 memfd_create memfd_secret
shmget shmat shmctl shmdt msgget msgsnd msgrcv msgctl semget semop semtimedop semctl mq_open
"""
"""Answered with ENOSYS, for libraries have another way: clone3 hides its flags, memfd is memory that no poller sees,
and what System V and message queues hold would outlive a program."""

NEWER = {"open_tree_attr": 467}
"""Denied by number, the same on every architecture, for an older libseccomp does not know the names."""
NEW_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
"""CLONE_NEW* of clone(2): mount, cgroup, uts, ipc, user, pid, net."""
FAMILIES = (1, 2, 10, 16)
"""Unix, IPv4, IPv6 (the sandbox's own loopback), netlink (route only: getaddrinfo asks it)."""
LAST_FAMILY = 46
TERMINAL_INJECTION = (0x5412, 0x541C)
"""TIOCSTI, TIOCLINUX."""
PERSONALITY_READ = 0xFFFFFFFF

Rule = tuple[int, str, tuple[object, ...]]


def rules() -> Iterator[Rule]:
    """(errno, system call, argument conditions)."""
    for name in DENIED.split():
        yield errno.EPERM, name, ()
    for name in ABSENT.split():
        yield errno.ENOSYS, name, ()
    Arg, EQ, NE, GT, MASKED = (pyseccomp.Arg, pyseccomp.EQ, pyseccomp.NE, pyseccomp.GT, pyseccomp.MASKED_EQ)
    yield errno.EPERM, "personality", (Arg(0, NE, PERSONALITY_READ),)
    for flag in NEW_NAMESPACES:
        yield errno.EPERM, "clone", (Arg(0, MASKED, flag, flag),)
    for command in TERMINAL_INJECTION:
        yield errno.EPERM, "ioctl", (Arg(1, MASKED, 0xFFFFFFFF, command),)
    for call in ("socket", "socketpair"):
        for family in range(LAST_FAMILY + 1):
            if family not in FAMILIES:
                yield errno.EAFNOSUPPORT, call, (Arg(0, EQ, family),)
        yield errno.EAFNOSUPPORT, call, (Arg(0, GT, LAST_FAMILY),)
    yield errno.EAFNOSUPPORT, "socket", (Arg(0, EQ, 16), Arg(2, NE, 0))
    # limits and priority of another process, our warm interpreter among them
    yield errno.EPERM, "prlimit64", (Arg(0, NE, 0),)
    yield errno.EPERM, "setpriority", (Arg(1, NE, 0),)
    yield errno.EPERM, "setpriority", (Arg(0, NE, 0),)


def program() -> bytes:
    """The filter as an array of sock_filter, for this machine's architecture."""
    chosen = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for number, name, conditions in rules():
        if pyseccomp.resolve_syscall(pyseccomp.system_arch(), name) >= 0:
            chosen.add_rule(pyseccomp.ERRNO(number), name, *conditions)
    for number in NEWER.values():
        chosen.add_rule(pyseccomp.ERRNO(errno.EPERM), number)
    with tempfile.TemporaryFile() as file:
        chosen.export_bpf(file)
        file.seek(0)
        return file.read()
