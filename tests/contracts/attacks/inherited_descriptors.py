"""Reads whatever its starter left open: files, folders and sockets."""

import os
import socket
import stat


def attack(bait, first):
    def read(fd):
        mode = os.fstat(fd).st_mode
        if stat.S_ISREG(mode):
            return found(os.pread(fd, 1 << 16, 0))
        if stat.S_ISDIR(mode):
            for name in [os.path.basename(bait["files"][0]), *(path.lstrip("/") for path in bait["files"])]:
                try:
                    inner = os.open(name, os.O_RDONLY, dir_fd=fd)
                except OSError:
                    continue
                return found(os.pread(inner, 1 << 16, 0))
        if stat.S_ISSOCK(mode):
            with socket.socket(fileno=os.dup(fd)) as end:
                return found(end.recv(1 << 16, socket.MSG_DONTWAIT | socket.MSG_PEEK))
        return ""

    def found(content):
        return content.decode("latin-1") if bait["secret"].encode() in content else ""

    return first(lambda fd=fd: read(fd) for fd in range(3, 1024))
