"""Whether the client of a connection has closed it, asked of the socket: nothing needs to be read for that."""

import select
from enum import Enum, auto

SENDS_NO_MORE = getattr(select, "POLLRDHUP", 0)
"""Linux alone tells this of a socket that still holds bytes to be read."""


class Hangup(Enum):
    NONE = auto()
    HALF = auto()
    """The client sends no more. All that it sent has come, but may not be read yet."""
    WHOLE = auto()
    """The connection is closed both ways, or reset."""


def find_hangup(descriptor: int) -> Hangup:
    """As far as the system knows; NONE where it cannot be asked (Windows).

    The end of a client that left with unsent bytes stays behind them, until they are read or something is sent to it.
    """
    if not hasattr(select, "poll"):
        return Hangup.NONE
    poll = select.poll()
    poll.register(descriptor, SENDS_NO_MORE)
    events = sum(found for _, found in poll.poll(0))
    if events & (select.POLLHUP | select.POLLERR):
        return Hangup.WHOLE
    return Hangup.HALF if events & SENDS_NO_MORE else Hangup.NONE
