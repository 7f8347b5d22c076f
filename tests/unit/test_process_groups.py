"""Groups of processes: what one process has started ends with the host."""

import subprocess
import sys

from fnhost.host.logging.log import Log
from fnhost.host.worker.groups import ProcessGroups

WAITS = (sys.executable, "-c", "input()")


def test_what_is_left_ends_with_the_block_and_may_be_told_after_it() -> None:
    with subprocess.Popen(WAITS, stdin=subprocess.PIPE, start_new_session=True) as process:
        with ProcessGroups(Log()) as groups:
            groups.began(process.pid)
        assert process.wait(10) == -9
        groups.ended(process.pid)
