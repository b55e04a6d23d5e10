"""Takes more processor than it was given: widens its affinity, raises its priority, and measures what it gets."""

import os
import time


def attack(bait, first):
    def raised():
        before = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, 0, before - 5)
        return "priority"

    def real_time():
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        return "real time"

    def widened():
        os.sched_setaffinity(0, range(os.cpu_count()))
        return "affinity"

    def burned():
        begun = time.monotonic()
        children = []
        for _ in range(2):
            child = os.fork()
            if child == 0:
                while time.monotonic() - begun < 0.8:
                    pass
                os._exit(0)
            children.append(child)
        used = sum(usage.ru_utime + usage.ru_stime for usage in (os.wait4(child, 0)[2] for child in children))
        ratio = used / (time.monotonic() - begun)
        return f"{ratio:.2f} processors" if ratio > 1.2 else ""

    return first((raised, real_time, widened, burned))
