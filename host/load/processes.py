"""How many worker processes an app asks for (platform/settings.md)."""

from collections.abc import Iterator

from fnhost.host.app import Settings
from fnhost.host.errors import StartError

SETTING = "FUNCTIONS_WORKER_PROCESS_COUNT"
MOST = 10


def process_count(settings: Settings) -> int:
    """1 to 10; what is beyond counts as the end that it is beyond. Raises StartError."""
    text = settings.get(SETTING) or "1"
    if not text.isdecimal():
        raise StartError(f"The setting {SETTING} must be a number from 1 to {MOST}, not {text!r}.")
    return min(max(int(text), 1), MOST)


def process_warnings(settings: Settings) -> Iterator[str]:
    """Of a number out of range, which is served with another."""
    text = settings.get(SETTING) or "1"
    if text.isdecimal() and int(text) != (used := process_count(settings)):
        yield f"The setting {SETTING} is {text}: {used} {'run' if used > 1 else 'runs'}, as it goes from 1 to {MOST}."
