"""An address in the user's browser, if this machine has one with a window of its own."""

import sys
import threading
from collections.abc import Callable, Mapping

WINDOWS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
"""One of these is set where a browser can open a window; without them it would take the terminal."""


def open_address(address: str, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Without waiting for the browser. What cannot be opened is said, for the user to open it."""
    if sys.platform not in ("win32", "darwin") and not any(environment.get(name) for name in WINDOWS):
        say(f"There is no browser here. Open {address}")
        return
    say(f"Opening {address}")
    threading.Thread(target=_open, args=(address, say), name="open a browser", daemon=True).start()


def _open(address: str, say: Callable[[str], None]) -> None:
    import webbrowser  # slow to import, and few need it

    try:
        is_open = webbrowser.open(address)
    except (OSError, webbrowser.Error):
        is_open = False
    if not is_open:
        say(f"No browser could be started. Open {address}")
