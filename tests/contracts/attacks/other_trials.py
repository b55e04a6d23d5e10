"""Looks for other sandboxes' workspaces, the repository, homes and private data."""

import os


def attack(bait, first):
    def listed(folder):
        return f"{folder}: {' '.join(os.listdir(folder))[:200]}" if os.listdir(folder) else ""

    return first(lambda folder=folder: listed(folder) for folder in bait["folders"])
