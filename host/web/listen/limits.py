"""How much a client may send, and how slow it may be. The defaults are Kestrel's (KestrelServerLimits)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are in bytes, times in seconds, `rate` is in bytes a second."""

    request_line: int = 8 * 1024
    headers: int = 32 * 1024
    fields: int = 100
    head_time: float = 30.0
    """From the first byte of a request to the end of its headers."""
    keep_alive_time: float = 130.0
    """Without a request."""
    rate: float = 240.0
    grace: float = 5.0
    """How long a body or a response may be slower than `rate`."""
    drain_time: float = 5.0
    """How long what nobody reads any more is received and dropped."""
    received: int = 1024 * 1024
    """How much of a body waits for the application before the connection is not read any more."""
    pipelined: int = 64 * 1024
    """How much of the next requests waits for the response to this one."""
    written: int = 256 * 1024
    """How much of a response is handed to the transport at once."""
    tick: float = 1.0
    """How often all of these times are looked at."""


class Meter:
    """Watches the rate of one transfer in windows of one to two `grace`."""

    __slots__ = ("_bytes", "_grace", "_rate", "_since")

    def __init__(self, limits: Limits, now: float) -> None:
        self._rate, self._grace = limits.rate, limits.grace
        self._since, self._bytes = now, 0

    def count(self, size: int) -> None:
        self._bytes += size

    def is_too_slow(self, now: float) -> bool:
        """Whether fewer bytes than the rate asks for came in the window, which is begun anew when it is over."""
        elapsed = now - self._since
        if elapsed < self._grace:
            return False
        if self._bytes < self._rate * elapsed:
            return True
        if elapsed >= 2 * self._grace:
            self._since, self._bytes = now, 0
        return False
