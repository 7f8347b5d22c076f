"""Starts the Python worker program. Its own folder never stays on `sys.path`."""

import os
import sys

if __name__ == "__main__":
    if sys.version_info < (3, 9):
        sys.exit("Apps need Python 3.9 or newer; %s is %s." % (sys.executable, sys.version.split()[0]))
    here = os.path.dirname(os.path.realpath(__file__))  # Python too puts the real folder on sys.path
    sys.path.insert(0, here)
    from _fnhost_worker.program import main

    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or os.curdir) != here]
    main()
