"""Searches the keyrings that it was started with for the bait key, and lists what it can see."""

import ctypes
import os
from pathlib import Path


def attack(bait, first):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    search, read, keyctl = 10, 11, 250
    name = f"podium-{bait['token']}".encode()

    def call(*arguments):
        result = libc.syscall(keyctl, *arguments)
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    def by_search(ring):
        key = call(search, ctypes.c_int(ring), b"user", name, 0)
        buffer = ctypes.create_string_buffer(4096)
        size = call(read, ctypes.c_int(key), buffer, 4096)
        return buffer.raw[:size].decode()

    def by_list():
        lines = Path("/proc/keys").read_text().splitlines()
        return next((line for line in lines if name.decode() in line), "")

    return first([*(lambda ring=ring: by_search(ring) for ring in (-3, -4, -5, -1, -2)), by_list])
