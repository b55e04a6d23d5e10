"""Connects to a listener on the host's loopback, IPv4 and IPv6 and by name."""

import socket


def attack(bait, first):
    def ask(host):
        with socket.create_connection((host, bait["tcp"]), timeout=2) as end:
            return end.recv(4096).decode()

    return first(lambda host=host: ask(host) for host in ("127.0.0.1", "localhost", "127.0.0.2", "::ffff:127.0.0.1"))
