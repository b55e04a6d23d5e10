"""Sends datagrams to the host's loopback and own addresses and waits for the answer."""

import socket


def attack(bait, first):
    def ask(host):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.settimeout(1)
            end.sendto(b"?", (host, bait["udp"]))
            return end.recv(4096).decode()

    return first(lambda host=host: ask(host) for host in ("127.0.0.1", *bait["addresses"]))
