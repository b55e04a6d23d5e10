"""Asks whether it may send signals to the bait process, by number and by descriptor."""

import os
import signal


def attack(bait, first):
    def by_number():
        os.kill(bait["pid"], 0)
        return "kill"

    def by_descriptor():
        handle = os.pidfd_open(bait["pid"])
        signal.pidfd_send_signal(handle, 0)
        return "pidfd"

    return first((by_number, by_descriptor))
