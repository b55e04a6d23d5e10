"""Opens the memory and the descriptors of processes that it did not start, as those that keep the interpreter warm."""

import os
from pathlib import Path


def attack(bait, first):
    def memory(pid):
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR))
        return f"memory of {pid}"

    def descriptors(pid):
        return f"descriptors of {pid}" if os.listdir(f"/proc/{pid}/fd") else ""

    def taken(pid):
        handle = os.pidfd_open(pid)
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall.restype = ctypes.c_long
        for number in range(64):
            if libc.syscall(438, handle, number, 0) >= 0:  # pidfd_getfd
                return f"descriptor {number} of {pid}"
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    seen = [int(name.name) for name in Path("/proc").iterdir() if name.name.isdigit()] if bait["jail"] else []
    others = [pid for pid in {bait["pid"], *seen} if pid != os.getpid()]
    return first(lambda way=way, pid=pid: way(pid) for way in (memory, descriptors, taken) for pid in others)
