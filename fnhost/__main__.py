"""The command line, also as `python -m fnhost`. Signals are taken care of before anything that takes time to load."""

import sys

from fnhost.host.system.signals import end_at_once


def main() -> int:
    end_at_once()
    from fnhost.host.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
