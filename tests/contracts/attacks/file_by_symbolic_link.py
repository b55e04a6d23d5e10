"""Leaves symbolic links to the bait in its working directory and reads through them."""

from pathlib import Path


def attack(bait, first):
    def through(number, path):
        link = Path(f"link-{number}")
        link.symlink_to(path)
        return link.read_text()

    return first(lambda n=n, path=path: through(n, path) for n, path in enumerate(bait["files"]))
