"""Colours and links: where they are used, and what they look like."""

import pytest

from fnhost.host.terminal.links import linked
from fnhost.host.terminal.style import Style, style_of


@pytest.mark.parametrize(
    ("environment", "is_terminal", "has_colours"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": ""}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "dumb", "FORCE_COLOR": "3"}, True, True),
    ],
)
def test_colours(environment: dict[str, str], is_terminal: bool, has_colours: bool) -> None:
    assert style_of(environment, is_terminal=is_terminal).colours is has_colours


@pytest.mark.parametrize(
    ("environment", "has_links"),
    [
        ({}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM_PROGRAM": "vscode"}, True),
        ({"TERM_PROGRAM": "vscode", "NO_COLOR": "1"}, True),
        ({"TERM_PROGRAM": "vscode", "TERM": "dumb"}, False),
        ({"TERM_PROGRAM": "vscode", "TMUX": "a socket"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"VTE_VERSION": "7600"}, True),
        ({"VTE_VERSION": "4205"}, False),
        ({"VTE_VERSION": "?"}, False),
        ({"WT_SESSION": "an id"}, True),
    ],
)
def test_links_only_where_the_terminal_is_known_to_have_them(environment: dict[str, str], has_links: bool) -> None:
    assert style_of(environment, is_terminal=True).links is has_links
    assert style_of(environment, is_terminal=False).links is False


def test_plain_text_is_the_default() -> None:
    assert Style() == Style(colours=False, links=False)


BASE = "http://localhost:7071/api"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (f"\tHello:  {BASE}/Hello", f"{BASE}/Hello"),
        (f"\tHello: [GET,POST] {BASE}/Hello", f"{BASE}/Hello"),
        (f"\tHello: [POST] {BASE}/Hello", ""),
        (f"\tHello:  {BASE}/{{id}}", ""),
        ("no address", ""),
    ],
)
def test_addresses_that_a_browser_can_open_are_links(text: str, address: str) -> None:
    link = f"\x1b]8;;{address}\x1b\\{address}\x1b]8;;\x1b\\"
    assert linked(text) == (text.replace(address, link) if address else text)
