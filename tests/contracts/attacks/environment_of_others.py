"""Reads the environment and the command line of the bait process and of every process that it can see."""

from pathlib import Path


def attack(bait, first):
    def read(pid):
        content = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
        text = content.decode("latin-1")
        return text if bait["secret"] in text else ""

    seen = [name.name for name in Path("/proc").iterdir() if name.name.isdigit()]
    mine = [pid for pid in seen if bait["token"] in Path(f"/proc/{pid}/cmdline").read_text(errors="replace")]
    return first(lambda pid=pid: read(pid) for pid in (bait["pid"], *mine))
