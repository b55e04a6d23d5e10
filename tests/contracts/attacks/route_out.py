"""Looks for a way out: interfaces other than loopback, their addresses, and a route to a test address."""

import socket
from pathlib import Path


def attack(bait, first):
    def interfaces():
        return " ".join(name for _, name in socket.if_nameindex() if name in bait["interfaces"])

    def listed():
        lines = Path("/sys/class/net").iterdir()
        return " ".join(line.name for line in lines if line.name in bait["interfaces"])

    def routes():
        return " ".join(Path("/proc/net/route").read_text().splitlines()[1:])

    def routed():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.connect(("192.0.2.1", 9))  # TEST-NET-1: connecting a datagram socket sends nothing
            return end.getsockname()[0]

    return first((interfaces, listed, routes, routed))
