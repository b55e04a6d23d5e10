"""Connects to an abstract Unix socket of the host."""

import socket


def attack(bait, first):
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(2)
        end.connect("\0" + bait["abstract"])
        return end.recv(4096).decode()
