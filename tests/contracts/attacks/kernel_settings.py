"""Opens kernel settings, sysrq and cgroup files for writing; what opens is written back as it was."""

import os
from pathlib import Path


def attack(bait, first):
    def rewrite(path):
        before = Path(path).read_bytes()
        fd = os.open(path, os.O_WRONLY)
        try:
            os.write(fd, before)
        finally:
            os.close(fd)
        return path

    def opened(path):
        os.close(os.open(path, os.O_WRONLY))  # opening does nothing yet
        return path

    settings = ("core_pattern", "hostname", "modprobe", "randomize_va_space", "printk")
    ways = [lambda name=name: rewrite(f"/proc/sys/kernel/{name}") for name in settings]
    ways += [lambda: rewrite("/proc/sys/vm/overcommit_memory"), lambda: rewrite("/proc/sys/fs/protected_symlinks")]
    ways += [lambda: opened("/proc/sysrq-trigger"), lambda: opened("/proc/irq/default_smp_affinity")]
    ways += [lambda: opened("/sys/power/state"), lambda: opened("/sys/kernel/uevent_helper")]
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    roots = [Path(line.split()[4]) for line in lines if " - cgroup" in line]
    groups = [path for root in roots for path in root.glob("**/cgroup.procs")]
    ways += [lambda path=path: opened(path) for path in groups[:50]]
    return first(ways)
