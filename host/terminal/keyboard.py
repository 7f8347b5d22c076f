"""Keys that steer a host, from the terminal that it was started in.

Ctrl-Z gives the terminal back before the process stops, and takes it again when it goes on in the foreground. As long
as the process is in the background it only looks, once a second, whether it has been brought back.
"""

import asyncio
import os
import signal
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import FrameType

from fnhost.clock import SYSTEM_CLOCK, Clock, Timer
from fnhost.host.terminal.screen import Screen

LOOK = 1.0
"""Seconds between two looks at who is in the foreground."""
ENDING_SIGNALS = (signal.SIGHUP, signal.SIGQUIT)
"""They end a process without asking it, unless it is asked first whether the terminal is as it was."""


class Keyboard:
    """Calls what a key stands for. Several characters at once are a paste or a cursor key, and no command."""

    def __init__(self, screen: Screen, clock: Clock = SYSTEM_CLOCK) -> None:
        self._screen, self._clock = screen, clock
        self._keys: Mapping[str, Callable[[], object]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_reading = False
        self._timer: Timer | None = None

    @contextmanager
    def reading(self, keys: Mapping[str, Callable[[], object]]) -> Iterator[None]:
        """In the block, and in a running event loop, these keys count."""
        self._keys, self._loop = keys, asyncio.get_running_loop()
        with ExitStack() as handlers:
            handlers.enter_context(handled(signal.SIGTSTP, self._suspend))
            handlers.enter_context(handled(signal.SIGCONT, self._go_on))
            for number in ENDING_SIGNALS:
                handlers.enter_context(handled(number, self._end))
            self._look()
            try:
                yield
            finally:
                self._stop()
                self._screen.give_back()

    def _look(self) -> None:
        """Read if this process is in the foreground, else look again later; never again once the terminal is gone."""
        self._stop()
        try:
            if self._screen.is_ours():
                self._screen.take()
                self._start()
            else:
                self._timer = self._clock.call_later(LOOK, self._look)
        except (OSError, termios.error):
            return

    def _start(self) -> None:
        assert self._loop
        self._loop.add_reader(self._screen.descriptor, self._read)
        self._is_reading = True

    def _stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._is_reading and self._loop:
            self._is_reading = False
            self._loop.remove_reader(self._screen.descriptor)

    def _read(self) -> None:
        try:
            typed = self._screen.read() if self._screen.is_ours() else b""
        except BlockingIOError:
            return
        except OSError:
            typed = b""
        if not typed:  # in the background, or at its end
            self._stop()
            self._timer = self._clock.call_later(LOOK, self._look)
        elif action := self._keys.get(typed.decode("ascii", "replace")):
            action()

    # In signal handlers, between any two bytecodes of the main thread

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        self._screen.give_back()
        with handled(number, signal.SIG_DFL):
            os.kill(os.getpid(), number)  # returns when the process goes on
        self._go_on(number, frame)

    def _go_on(self, number: int, frame: FrameType | None) -> None:
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._look)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._screen.give_back()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


@contextmanager
def handled(number: int, handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    """A signal that is ignored stays so: `nohup` and shells without job control have their reasons."""
    before = signal.getsignal(number)
    if before is signal.SIG_IGN:
        yield
        return
    signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)
