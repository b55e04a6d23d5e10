"""Gains rights by a set-user-id program: the bait's own, or a system's where the kernel still honours the bit."""

import ctypes
import os
import stat
import subprocess
from pathlib import Path


def attack(bait, first):
    def ran(path):
        done = subprocess.run([path, "-u"], capture_output=True, text=True, check=True)
        return f"{path} as uid {done.stdout.strip()}" if done.stdout.strip() != str(os.getuid()) else ""

    def honoured():
        if ctypes.CDLL(None).prctl(39, 0, 0, 0, 0):  # PR_GET_NO_NEW_PRIVS
            return ""
        files = [path for folder in ("/usr/bin", "/bin", "/usr/sbin") for path in Path(folder).glob("*")]
        return " ".join(str(path) for path in files if path.is_file() and path.stat().st_mode & stat.S_ISUID)

    return first([*(lambda path=path: ran(path) for path in bait["setuid"]), honoured])
