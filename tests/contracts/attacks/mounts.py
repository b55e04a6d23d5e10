"""Mounts a file system, remounts what is there writable, and changes its root."""

import ctypes
import os
from pathlib import Path


def attack(bait, first):
    libc = ctypes.CDLL(None, use_errno=True)
    os.makedirs("m", exist_ok=True)

    def checked(result, what):
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return what

    def mounted():
        checked(libc.mount(b"none", b"m", b"tmpfs", 0, b"size=64k"), "tmpfs")
        checked(libc.umount2(b"m", 0), "umount")
        return "mount"

    def bound():
        checked(libc.mount(b"/", b"m", None, 4096, None), "bind")
        checked(libc.umount2(b"m", 0), "umount")
        return "bind"

    def unmounted(point):
        return checked(libc.umount2(point.encode(), 2), f"umount {point}")

    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    inside = [point for point in points if point.startswith(("/home/", "/proc/"))] if bait["jail"] else []
    return first([mounted, bound, *(lambda point=point: unmounted(point) for point in inside)])
