"""Connects to Unix sockets that lie in the host's file system."""

import socket


def attack(bait, first):
    def ask(path):
        with socket.socket(socket.AF_UNIX) as end:
            end.settimeout(2)
            end.connect(path)
            return end.recv(4096).decode()

    paths = [*bait["sockets"], *(f"/proc/{bait['pid']}/root{path}" for path in bait["sockets"])]
    return first(lambda path=path: ask(path) for path in paths)
