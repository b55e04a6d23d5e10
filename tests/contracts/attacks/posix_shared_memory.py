"""Opens the host's POSIX shared memory and message queue by name."""

import ctypes
import os
from multiprocessing import resource_tracker, shared_memory


def attack(bait, first):
    def memory():
        piece = shared_memory.SharedMemory(bait["shared"])
        resource_tracker.unregister(piece._name, "shared_memory")
        text = bytes(piece.buf[: len(bait["secret"])]).decode()
        piece.close()
        return text

    def queue():
        libc = ctypes.CDLL(None, use_errno=True)
        number = libc.mq_open(f"/{bait['queue']}".encode(), os.O_RDONLY)
        if number < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return bait["secret"]

    return first((memory, queue))
