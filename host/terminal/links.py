"""Addresses as hyperlinks (OSC 8) in text that is safe to print."""

import re

_ADDRESS = re.compile(r"(\[[A-Z,]*\] )?(https?://[^\s\x00-\x1f]+)")


def linked(text: str) -> str:
    """Each address that a browser can open leads there; one with route parameters, or for POST alone, is no link."""
    return _ADDRESS.sub(_link, text)


def _link(found: re.Match[str]) -> str:
    methods, address = found[1] or "", found[2]
    if "{" in address or (methods and "GET" not in methods):
        return found[0]
    return f"{methods}\x1b]8;;{address}\x1b\\{address}\x1b]8;;\x1b\\"
