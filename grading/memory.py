"""What malloc does with memory that is freed: for a process that grades one file after the other, keep it."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""glibc's numbers (malloc.h)."""
KEPT_BYTES, LARGEST_BYTES = 256 << 20, 32 << 20
"""So much may be free at the end of the heap; larger pieces than that go back at once (glibc knows no higher bound)."""


def keep_freed() -> None:
    """Let freed memory stay with this process, where the C library is glibc.

    By default every array of more than 128 KiB is asked of the kernel, page by page, and given back: that is half of
    the time of scoring 100,000 rows.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
    mallopt(M_MMAP_THRESHOLD, LARGEST_BYTES)
