"""Attaches to the host's System V shared memory and reads its message queue."""

import ctypes
import os
from pathlib import Path


def attack(bait, first):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]

    def checked(result):
        if result in (-1, ctypes.c_void_p(-1).value):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    def memory():
        segment = checked(libc.shmget(bait["key"], 0, 0))
        address = checked(libc.shmat(segment, None, 0o10000))
        return ctypes.string_at(address, len(bait["secret"])).decode()

    def by_number():
        address = checked(libc.shmat(bait["segment"], None, 0o10000))
        text = ctypes.string_at(address, len(bait["secret"])).decode("latin-1")
        return text if text == bait["secret"] else ""

    def queue():
        checked(libc.msgget(bait["key"], 0))
        return bait["secret"]

    def listed():
        keys = [line.split()[0] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
        return bait["secret"] if str(bait["key"]) in keys else ""

    return first((memory, by_number, queue, listed))
