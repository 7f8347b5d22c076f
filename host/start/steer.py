"""The keys that steer `fnhost start` in a terminal, and what each does."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from fnhost.host.app import App
from fnhost.host.endpoints import endpoint_of
from fnhost.host.logging.console import Console
from fnhost.host.terminal.browser import open_address
from fnhost.host.terminal.keyboard import Keyboard

DASHBOARD = "/runtime/dashboard/"
DASHBOARD_KEY = "d"
HINT = "Press h for the keys that steer this host."


@dataclass(frozen=True, slots=True)
class Key:
    """`does` says what it is for, as a help page has it."""

    letter: str
    does: str
    act: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Steering:
    """The keyboard of a host, and the console that the answers go to."""

    keyboard: Keyboard
    console: Console
    environment: Mapping[str, str]
    hint: str = HINT

    @contextmanager
    def active(
        self, base: str, reload: Callable[[], None], app: Callable[[], App | None], *, has_dashboard: bool = True
    ) -> Iterator[None]:
        """In the block, keys count. `base` is the host's address, `app` the version that serves."""
        keys = [key for key in self._keys(base, reload, app) if has_dashboard or key.letter != DASHBOARD_KEY]
        shown = help_text(keys)
        keys.append(Key("h", "show this", lambda: self.console.print(shown)))
        actions = {key.letter: key.act for key in keys}
        for another in ("?", "H"):
            actions[another] = actions["h"]
        actions["\n"] = self.console.print
        with self.keyboard.reading(actions):
            yield

    def _keys(self, base: str, reload: Callable[[], None], app: Callable[[], App | None]) -> Sequence[Key]:
        return [
            Key(DASHBOARD_KEY, "open the dashboard", lambda: self._open(f"{base}{DASHBOARD}")),
            Key("o", "open the first HTTP function, or the host's page", lambda: self._open(first_page(app(), base))),
            Key("r", "reload the app", reload),
            Key("c", "clear the screen", self.console.clear),
            Key("q", "quit, as Ctrl-C does", lambda: os.kill(os.getpid(), signal.SIGINT)),
        ]

    def _open(self, address: str) -> None:
        open_address(address, self.environment, self.console.print)


def help_text(keys: Sequence[Key]) -> str:
    """With `h` itself, which shows it."""
    lines = (*((key.letter, key.does) for key in keys), ("h", "show this"))
    return "\n".join(["", *(f"  {letter}  {does}" for letter, does in lines), ""])


def first_page(app: App | None, base: str) -> str:
    """The address of the first function that a browser can open as it stands, else of the host's own page."""
    for function in app.enabled if app else ():
        endpoint = endpoint_of(function, app.config) if app else None
        if endpoint and "{" not in endpoint.path and (endpoint.methods is None or "GET" in endpoint.methods):
            return f"{base}/{endpoint.path}"
    return f"{base}/"
