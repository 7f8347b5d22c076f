"""What a console may use beyond plain text, by the environment and by what it writes to."""

from collections.abc import Mapping
from dataclasses import dataclass

LINKING_PROGRAMS = frozenset(("vscode", "iTerm.app", "WezTerm", "ghostty", "Hyper", "Tabby", "rio", "WarpTerminal"))
"""Values of TERM_PROGRAM whose terminals know OSC 8."""
LINKING_TERMINALS = ("alacritty", "xterm-kitty", "xterm-ghostty", "foot", "contour")
"""Beginnings of such values of TERM."""
LINKING_MARKS = ("WT_SESSION", "KONSOLE_VERSION", "DOMTERM", "KITTY_WINDOW_ID")
"""Variables that such terminals set."""
OLDEST_VTE = 5000
"""The VTE_VERSION of 0.50, the first of GNOME's terminals that knows OSC 8."""


@dataclass(frozen=True, slots=True)
class Style:
    """`colours` are SGR sequences, `links` OSC 8 hyperlinks."""

    colours: bool = False
    links: bool = False


def style_of(environment: Mapping[str, str], *, is_terminal: bool) -> Style:
    return Style(_has_colours(environment, is_terminal), is_terminal and _has_links(environment))


def _has_colours(environment: Mapping[str, str], is_terminal: bool) -> bool:
    """NO_COLOR, then FORCE_COLOR, if they are not empty; a FORCE_COLOR of 0 or false forbids (no-color.org)."""
    if environment.get("NO_COLOR"):
        return False
    if forced := environment.get("FORCE_COLOR"):
        return forced.lower() not in ("0", "false")
    return is_terminal and environment.get("TERM") != "dumb"


def _has_links(environment: Mapping[str, str]) -> bool:
    """Only where it is known: other terminals would show the sequence, or swallow the address."""
    if environment.get("TERM") == "dumb" or environment.get("TMUX") or environment.get("STY"):
        return False
    vte = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM") in LINKING_PROGRAMS
        or environment.get("TERM", "").startswith(LINKING_TERMINALS)
        or any(environment.get(mark) for mark in LINKING_MARKS)
        or (vte.isdecimal() and int(vte) >= OLDEST_VTE)
    )
