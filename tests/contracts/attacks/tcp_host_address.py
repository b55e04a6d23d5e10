"""Connects to a listener at the host's own addresses."""

import socket


def attack(bait, first):
    def ask(host):
        with socket.create_connection((host, bait["tcp"]), timeout=2) as end:
            return end.recv(4096).decode()

    return first(lambda host=host: ask(host) for host in bait["addresses"])
