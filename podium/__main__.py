"""The front door: the `podium` command. Puts the checkout first on `sys.path`, then hands over to `jobs.cli`."""

from __future__ import annotations

import sys

from podium.settings import CHECKOUT


def main() -> None:
    """Run the command line; a PodiumError is printed with its remedy, exit code 1."""
    if str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))
    from jobs.cli import run

    run()


if __name__ == "__main__":
    main()
