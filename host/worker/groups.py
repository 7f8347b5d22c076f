"""Process groups that must not outlive the host, however it ends.

Every worker leads a group of its own: what user code starts belongs to it. A watchdog process, a small shell script,
holds the read end of a pipe whose write end only the host has, and knows the groups that live. When the host is gone,
kill -9 and crashes included, the pipe ends and the watchdog kills every group with SIGKILL, which a process cannot hold
off: not one that is stopped, nor one that never gives up its interpreter. Windows has no process groups of this kind:
there a worker ends when its socket does.
"""

import contextlib
import os
import signal
import subprocess
import sys
from typing import Self

from fnhost.host.logging.log import Log

SHELL = "/bin/sh"
WATCHDOG = """
trap '' INT TERM HUP
groups=''
while read -r word group; do
  case $word in
    began) groups="$groups $group" ;;
    ended) kept=''
           for each in $groups; do [ "$each" = "$group" ] || kept="$kept $each"; done
           groups=$kept ;;
  esac
done
for each in $groups; do kill -KILL "-$each"; done
"""


class ProcessGroups:
    """The groups that live. Outside its block there is no watchdog, and nothing but the host itself ends a group."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._is_open = False
        self._watchdog: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._is_open = sys.platform != "win32"
        return self

    def _begin_to_watch(self) -> None:
        """When the first group is there: the first worker starts meanwhile."""
        self._is_open = False
        try:
            self._watchdog = subprocess.Popen(
                (SHELL, "-c", WATCHDOG),
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            self._log.warning("Host.Startup", f"Workers may outlive a host that is killed: {SHELL}: {error}")

    def __exit__(self, *_: object) -> None:
        """Whatever is left is killed by the watchdog. That a process has ended may be told later still."""
        self._is_open = False
        watchdog, self._watchdog = self._watchdog, None
        if watchdog and watchdog.stdin:
            watchdog.stdin.close()
            watchdog.wait()

    def began(self, group: int) -> None:
        if self._is_open:
            self._begin_to_watch()
        self._tell(f"began {group}\n")

    def ended(self, group: int) -> None:
        """Its leader is gone: so shall be what the leader has started."""
        kill_group(group)
        self._tell(f"ended {group}\n")

    def _tell(self, line: str) -> None:
        if self._watchdog and self._watchdog.stdin:
            with contextlib.suppress(OSError):  # somebody has killed the watchdog
                self._watchdog.stdin.write(line.encode())


def kill_group(group: int) -> None:
    """End a process and everything in its group, also when the process itself is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform != "win32":
            os.killpg(group, signal.SIGKILL)
