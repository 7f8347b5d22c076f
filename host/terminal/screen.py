"""The controlling terminal, read key by key while this process is in its foreground, and left as it was found.

Keys come at once and are not echoed; Ctrl-C, Ctrl-Z, Ctrl-\\ and Ctrl-S go on to do what they do. A process in the
background touches nothing: it would be stopped by SIGTTIN or SIGTTOU, and the modes are the shell's then.
"""

import os
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

LOCAL_MODES, CONTROL_CHARACTERS = 3, 6
"""Places in what `tcgetattr` returns."""
MOST_BYTES = 64


class Screen:
    """`descriptor` is an opening of the terminal of this process alone.

    Others share the opening of standard input: to read that without waiting would keep them from waiting as well.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._before: list[Any] | None = None

    def is_ours(self) -> bool:
        """Whether this process is in the foreground. Raises OSError if it is no terminal of this session, or gone."""
        return os.tcgetpgrp(self.descriptor) == os.getpgrp()

    def take(self) -> None:
        """From now on keys come one by one, also if a shell has changed that since. Raises OSError, termios.error."""
        if self._before is None:
            self._before = termios.tcgetattr(self.descriptor)
        modes = [*self._before[:CONTROL_CHARACTERS], [*self._before[CONTROL_CHARACTERS]]]
        modes[LOCAL_MODES] &= ~(termios.ICANON | termios.ECHO)
        modes[CONTROL_CHARACTERS][termios.VMIN] = 1
        modes[CONTROL_CHARACTERS][termios.VTIME] = 0
        self._set(modes)

    def give_back(self) -> None:
        """The modes are as before `take`. Never raises, and may be called again, in a signal handler too."""
        with suppress(OSError, termios.error):
            if self._before is not None and self.is_ours():
                self._set(self._before)
        self._before = None

    def _set(self, modes: list[Any]) -> None:
        """At once: to wait for output would take for ever on a terminal that was stopped with Ctrl-S."""
        with blocked(signal.SIGTTOU):
            termios.tcsetattr(self.descriptor, termios.TCSANOW, modes)

    def read(self) -> bytes:
        """What was typed, without waiting; empty at the end of a terminal. Raises OSError, BlockingIOError."""
        with blocked(signal.SIGTTIN):
            return os.read(self.descriptor, MOST_BYTES)


@contextmanager
def blocked(number: int) -> Iterator[None]:
    """Without this signal a call fails that the foreground alone may make, and the process is not stopped."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def opened_screen(stdin: TextIO) -> Iterator[Screen | None]:
    """The terminal that standard input is, given back at the end; None if it cannot be opened once more."""
    try:
        descriptor = os.open(os.ttyname(stdin.fileno()), os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    screen = Screen(descriptor)
    try:
        yield screen
    finally:
        screen.give_back()
        os.close(descriptor)
