"""Reads the bait process's memory: process_vm_readv, /proc/PID/mem, ptrace."""

import ctypes
import os


def attack(bait, first):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    pid, address, size = bait["pid"], bait["address"], len(bait["secret"])

    class Piece(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    def checked(result):
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    def by_call():
        buffer = ctypes.create_string_buffer(size)
        mine = Piece(ctypes.cast(buffer, ctypes.c_void_p).value, size)
        theirs = Piece(address, size)
        checked(libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0))
        return buffer.raw.decode()

    def by_file():
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            return memory.read(size).decode()

    def by_trace():
        checked(libc.ptrace(0x4206, pid, None, None))  # PTRACE_SEIZE
        libc.ptrace(17, pid, None, None)  # PTRACE_DETACH
        return bait["secret"]

    return first((by_call, by_file, by_trace))
