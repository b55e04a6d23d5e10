"""Bombs: programs that take more than the suite's small limits give, and no more than a host bears.

Each prints WENT OFF once it has all that it wanted. Bare it does; in a jail its limit ends it first.
"""

from __future__ import annotations

from dataclasses import dataclass

from containers.sandbox import Ended

WENT_OFF = "WENT OFF"


@dataclass(frozen=True)
class Bomb:
    """A program, and what must end it under the suite's limits."""

    program: str
    ended: tuple[Ended, ...]
    detail: str = ""
    """A word that the result's detail holds."""


MEMORY_OF_ONE = """
kept = []
for _ in range(60):
    kept.append(bytearray(b"x" * (10 << 20)))
print("WENT OFF", flush=True)
"""
MEMORY_OF_MANY = """
import os, select
enough, enough_end = os.pipe()
more, more_end = os.pipe()
for _ in range(6):
    if os.fork() == 0:
        os.close(more_end)
        kept = bytearray(b"x" * (110 << 20))
        os.write(enough_end, b"x")
        os.read(more, 1)
        os._exit(0)
reached = 0
while reached < 6:
    if select.select([enough], [], [], 0.05)[0]:
        reached += len(os.read(enough, 6))
    if os.waitpid(-1, os.WNOHANG)[0]:
        os.abort()
print("WENT OFF", flush=True)
"""
MEMORY_MAPPED = """
import mmap
page = mmap.mmap(-1, 600 << 20)
for place in range(0, 600 << 20, 4096):
    page[place] = 1
print("WENT OFF", flush=True)
"""
MEMORY_FILE = """
import os
fd = os.memfd_create("bomb")
for _ in range(60):
    os.write(fd, b"x" * (10 << 20))
print("WENT OFF", flush=True)
"""
SHARED_MEMORY = """
import os
try:
    for number in range(60):
        with open(f"/dev/shm/bomb-{os.getpid()}-{number}", "wb") as file:
            file.write(b"x" * (10 << 20))
    print("WENT OFF", flush=True)
finally:
    for number in range(60):
        if os.path.exists(f"/dev/shm/bomb-{os.getpid()}-{number}"):
            os.unlink(f"/dev/shm/bomb-{os.getpid()}-{number}")
"""
TEMPORARY_FILES = SHARED_MEMORY.replace("/dev/shm", "/tmp")
SYSTEM_V = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
libc.shmdt.argtypes = [ctypes.c_void_p]
pieces = []
try:
    for _ in range(60):
        number = libc.shmget(0, 10 << 20, 0o1600)
        if number < 0:
            raise OSError(ctypes.get_errno(), "shmget")
        pieces.append(number)
        address = libc.shmat(number, None, 0)
        ctypes.memset(address, 1, 10 << 20)
        libc.shmdt(address)
    print("WENT OFF", flush=True)
finally:
    for number in pieces:
        libc.shmctl(number, 0, None)
"""
DISK = """
for number in range(8):
    with open(f"fill-{number}", "wb") as file:
        for _ in range(8):
            file.write(b"x" * (1 << 20))
            file.flush()
print("WENT OFF", flush=True)
"""
DISK_HELD_BY_NO_NAME = """
import os
held = []
for number in range(8):
    fd = os.open(f"gone-{number}", os.O_RDWR | os.O_CREAT)
    os.unlink(f"gone-{number}")
    held.append(fd)
    for _ in range(8):
        os.write(fd, b"x" * (1 << 20))
print("WENT OFF", flush=True)
"""
DISK_RESERVED = """
import os
for number in range(4):
    os.posix_fallocate(os.open(f"reserved-{number}", os.O_RDWR | os.O_CREAT), 0, 20 << 20)
print("WENT OFF", flush=True)
"""
INODES = """
for number in range(600):
    open(f"f{number}", "w").close()
print("WENT OFF", flush=True)
"""
FOLDERS = """
import os
for number in range(600):
    os.mkdir(f"d{number}")
print("WENT OFF", flush=True)
"""
ONE_FILE = """
with open("big", "wb", buffering=0) as file:
    for _ in range(32):
        file.write(b"x" * (1 << 20))
print("WENT OFF", flush=True)
"""
FORKS = """
import os
more, more_end = os.pipe()
for _ in range(60):
    if os.fork() == 0:
        os.close(more_end)
        os.read(more, 1)
        os._exit(0)
print("WENT OFF", flush=True)
"""
THREADS = """
import threading
stay = threading.Event()
threads = [threading.Thread(target=stay.wait, daemon=True) for _ in range(60)]
for thread in threads:
    thread.start()
print("WENT OFF", flush=True)
"""
OUTPUT = """
for _ in range(3000):
    print("x" * 99)
print("WENT OFF", flush=True)
"""
OUTPUT_BY_CHILDREN = """
import os, subprocess, sys
subprocess.run([sys.executable, "-S", "-c", "import sys; sys.stderr.write('x' * 300_000)"])
print("WENT OFF", flush=True)
"""

BOMBS = {
    "memory of one process": Bomb(MEMORY_OF_ONE, (Ended.MEMORY,)),
    "memory of many processes": Bomb(MEMORY_OF_MANY, (Ended.MEMORY,)),
    "memory mapped": Bomb(MEMORY_MAPPED, (Ended.MEMORY,)),
    "memory in a file without a name": Bomb(MEMORY_FILE, (Ended.MEMORY, Ended.DISK, Ended.EXCEPTION)),
    "shared memory": Bomb(SHARED_MEMORY, (Ended.MEMORY, Ended.DISK)),
    "temporary files": Bomb(TEMPORARY_FILES, (Ended.MEMORY, Ended.DISK)),
    "System V memory": Bomb(SYSTEM_V, (Ended.MEMORY, Ended.EXCEPTION)),
    "disk": Bomb(DISK, (Ended.DISK,)),
    "disk held by no name": Bomb(DISK_HELD_BY_NO_NAME, (Ended.DISK,)),
    "disk reserved": Bomb(DISK_RESERVED, (Ended.DISK,)),
    "inodes": Bomb(INODES, (Ended.DISK,), "inode"),
    "folders": Bomb(FOLDERS, (Ended.DISK,), "inode"),
    "one file": Bomb(ONE_FILE, (Ended.DISK,), "file"),
    "forks": Bomb(FORKS, (Ended.PROCESSES,)),
    "threads": Bomb(THREADS, (Ended.PROCESSES,)),
    "output": Bomb(OUTPUT, (Ended.OUTPUT,)),
    "output of a child": Bomb(OUTPUT_BY_CHILDREN, (Ended.OUTPUT,)),
}
