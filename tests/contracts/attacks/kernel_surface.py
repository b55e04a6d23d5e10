"""Calls what no program of ours needs, with arguments that do nothing; what the kernel itself answers got through."""

import ctypes
import errno

CALLS = {
    "ptrace": 101, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425, "keyctl": 250,
    "add_key": 248, "request_key": 249, "name_to_handle_at": 303, "open_by_handle_at": 304, "kcmp": 312,
    "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_getfd": 438, "setns": 308, "fsopen": 430, "fsmount": 432,
    "open_tree": 428, "move_mount": 429, "mount_setattr": 442, "quotactl": 179, "init_module": 175, "finit_module": 313,
    "kexec_load": 246, "swapon": 167, "reboot": 169, "acct": 163, "pivot_root": 155, "fanotify_init": 300,
    "sched_setattr": 314, "io_uring_enter": 426, "io_uring_register": 427, "memfd_secret": 447, "syslog": 103,
}  # fmt: skip


def attack(bait, first):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    bad = ctypes.c_void_p(-1)

    def reached(number):
        result = libc.syscall(ctypes.c_long(number), bad, bad, bad, bad, bad, bad)
        return result >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS, errno.EACCES)

    return " ".join(name for name, number in CALLS.items() if reached(number))
