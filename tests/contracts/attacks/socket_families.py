"""Opens sockets that no network namespace bounds (the hypervisor's) or that widen the kernel's surface.

It only opens them: it connects to nothing.
"""

import socket


def attack(bait, first):
    def opened(family, kind):
        socket.socket(family, kind).close()
        return f"family {int(family)}"

    families = [
        (socket.AF_VSOCK, socket.SOCK_STREAM),
        (socket.AF_ALG, socket.SOCK_SEQPACKET),
        (socket.AF_PACKET, socket.SOCK_RAW),
        (15, socket.SOCK_RAW),  # AF_KEY
        (30, socket.SOCK_SEQPACKET),  # AF_TIPC
        (31, socket.SOCK_RAW),  # AF_BLUETOOTH
        (38, socket.SOCK_SEQPACKET),  # AF_ALG by number
        (40, socket.SOCK_DGRAM),  # AF_VSOCK by number
        (44, socket.SOCK_RAW),  # AF_XDP
    ]
    return first(lambda family=family, kind=kind: opened(family, kind) for family, kind in families)
