"""Starts the process that the client of a debugger attaches to first: the parent of the workers, as it sees them."""

import os
import sys

if __name__ == "__main__":
    here = os.path.dirname(os.path.realpath(__file__))
    sys.path.insert(0, here)
    from _fnhost_worker.debugger import serve

    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or os.curdir) != here]
    serve()
