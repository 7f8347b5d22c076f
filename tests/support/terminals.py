"""A program in a terminal of its own: what it shows, keys that are typed, and the terminal's modes."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from tests.support.hosts import PATIENCE, POLL, environment

TAKE = """
import fcntl, os, resource, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Makes standard input the controlling terminal, then becomes the program. Ctrl-\\ leaves no file behind."""
SIZE = struct.pack("HHHH", 40, 300, 0, 0)
"""Rows and columns: lines of a host are not to be broken."""


class Shown:
    """What came out of a terminal, and a way to wait for it."""

    def __init__(self, master: int) -> None:
        self.text = ""
        self._master = master
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def until(self, text: str, count: int = 1) -> None:
        with self._changed:
            came = self._changed.wait_for(lambda: self.text.count(text) >= count, PATIENCE)
        assert came, f"{text!r} did not come {count} times in:\n{self.text[-4000:]}"

    def _read(self) -> None:
        with suppress(OSError):  # the terminal is closed
            while data := os.read(self._master, 65536):
                with self._changed:
                    self.text += data.decode("utf-8", "replace")
                    self._changed.notify_all()


@dataclass(frozen=True)
class Terminal:
    process: "subprocess.Popen[bytes]"
    shown: Shown
    master: int
    slave: int

    def type(self, keys: str) -> None:
        """Each key is an event of its own if they are typed in several calls."""
        os.write(self.master, keys.encode("utf-8"))

    def press(self, key: str, text: str, count: int = 1) -> None:
        """Press a key, by itself, until it has shown `text`: what was typed before may still lie unread."""
        end = time.monotonic() + PATIENCE
        while self.shown.text.count(text) < count:
            assert time.monotonic() < end, f"{text!r} did not come {count} times in:\n{self.shown.text[-4000:]}"
            self.type(key)
            time.sleep(5 * POLL)

    @property
    def echoes(self) -> bool:
        """Whether the terminal is as a shell leaves it to a command: lines, shown as they are typed."""
        modes = termios.tcgetattr(self.slave)[3]
        return bool(modes & termios.ECHO and modes & termios.ICANON)

    def until_it_echoes(self, wanted: bool) -> None:
        end = time.monotonic() + PATIENCE
        while self.echoes != wanted:
            assert time.monotonic() < end, f"The modes never changed:\n{self.shown.text[-4000:]}"
            time.sleep(POLL)


@contextmanager
def terminal(command: Sequence[object], **settings: str) -> Iterator[Terminal]:
    """A program in a session of its own, with a new terminal that controls it. All it started is gone afterwards."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, SIZE)
    given = [sys.executable, "-c", TAKE, *map(str, command)]
    process = subprocess.Popen(
        given, stdin=slave, stdout=slave, stderr=slave, env=_environment(settings), start_new_session=True
    )
    try:
        yield Terminal(process, Shown(master), master, slave)
    finally:
        _end(process)
        os.close(slave)
        os.close(master)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Without what tells of the terminal that the tests run in."""
    told = ("TERM", "NO_COLOR", "FORCE_COLOR", "VTE_", "TMUX", "STY", "BROWSER", "DISPLAY", "WAYLAND_", "WT_", "KITTY_")
    kept = {key: value for key, value in environment({}).items() if not key.startswith(told)}
    return {**kept, "TERM": "xterm-256color", **settings}


def _end(process: "subprocess.Popen[bytes]") -> None:
    started: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    for each in started:
        with suppress(psutil.NoSuchProcess):
            each.kill()
