"""`fnhost start` in a terminal: keys, colours, links, job control, and a terminal that is left as it was found."""

import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.hosts import ADDRESS, PATIENCE, POLL, PROGRAM, http, write_app
from tests.support.terminals import Terminal, terminal

HELLO = {
    "Hello/__init__.py": "import logging\ndef main(req):\n    logging.info('a word of mine')\n    return 'hello'\n",
    "Hello/function.json": http(methods=["get"]),
    "Item/__init__.py": "def main(req):\n    return 'item'\n",
    "Item/function.json": http(route="item/{id}"),
}
HINT = "Press h for the keys"
FNHOST = (sys.executable, *PROGRAM)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app", HELLO)


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A program that notes the addresses it is told to open, in `opened` beside it."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/opened\n')
    program.chmod(0o755)
    return program


@pytest.fixture
def host(app: Path, browser: Path) -> Iterator[Terminal]:
    settings = {"TERM_PROGRAM": "vscode", "BROWSER": str(browser)}
    with terminal([*FNHOST, "start", app, "--port", 0], **settings) as shown:
        shown.shown.until(HINT)
        shown.until_it_echoes(False)
        yield shown


def address_of(host: Terminal) -> str:
    match = re.search(ADDRESS, host.shown.text)
    assert match
    return f"http://localhost:{match[1]}"


def until_opened(browser: Path, *addresses: str) -> None:
    end, opened = time.monotonic() + PATIENCE, browser.with_name("opened")
    while not opened.exists() or opened.read_text().split() != list(addresses):
        assert time.monotonic() < end, opened.read_text() if opened.exists() else "nothing was opened"
        time.sleep(POLL)


def test_keys_steer_a_host_that_tells_its_lines_from_the_app_s(host: Terminal, browser: Path) -> None:
    base = address_of(host)
    assert httpx.get(f"{base}/api/Hello").text == "hello"
    host.shown.until("Executed 'Functions.Hello'")
    assert re.search(r"\x1b\[2m\[[^\]]*\] Executing 'Functions.Hello' [^\r]*\x1b\[0m\r\n", host.shown.text)
    assert re.search(r"\n\[[^\]]*\] a word of mine\r\n", host.shown.text)
    link = f"\x1b]8;;{base}/api/Hello\x1b\\{base}/api/Hello\x1b]8;;\x1b\\"
    assert f"\tHello: [GET] {link}" in host.shown.text
    assert f"\tItem:  {base}/api/item/{{id}}\r\n" in host.shown.text
    host.type("h")
    host.shown.until("q  quit")
    host.type("r")
    host.shown.until("Reloaded in ")
    host.type("o")
    until_opened(browser, f"{base}/api/Hello")
    host.type("d")
    until_opened(browser, f"{base}/api/Hello", f"{base}/runtime/dashboard/")
    host.type("c")
    host.shown.until("\x1b[H\x1b[2J\x1b[3J")
    host.type("quit, pasted")
    host.type("\x1b[A")
    host.press("?", "q  quit", 2)
    host.type("q")
    assert host.process.wait(PATIENCE) == 0
    assert host.echoes


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("\x03", 0),
        (signal.SIGTERM, 0),
        ("\x1c", -signal.SIGQUIT),
        (signal.SIGHUP, -signal.SIGHUP),
    ],
    ids=["Ctrl-C", "SIGTERM", "Ctrl-backslash", "SIGHUP"],
)
def test_the_terminal_is_given_back_in_every_ending(tmp_path: Path, ending: str | signal.Signals, code: int) -> None:
    with terminal([*FNHOST, "start", write_app(tmp_path, {}), "--port", 0]) as host:
        host.shown.until(HINT)
        host.until_it_echoes(False)
        if isinstance(ending, str):
            host.type(ending)
        else:
            host.process.send_signal(ending)
        assert host.process.wait(PATIENCE) == code
        assert host.echoes


def test_without_a_keyboard_there_are_no_keys(tmp_path: Path) -> None:
    app = write_app(tmp_path, {})
    with terminal(["/bin/sh", "-c", f"exec {sys.executable} -m fnhost start {app} --port 0 </dev/null"]) as host:
        host.shown.until("For detailed output")
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(PATIENCE) == 0
        assert HINT not in host.shown.text
        assert host.echoes


def test_a_host_that_stays_busy_gives_the_terminal_back_with_the_second_signal(tmp_path: Path) -> None:
    slow = "import time\ndef main(req):\n    print('begun')\n    time.sleep(600)\n"
    app = write_app(tmp_path, {"Slow/__init__.py": slow, "Slow/function.json": http()})
    with terminal([*FNHOST, "start", app, "--port", 0]) as host:
        host.shown.until(HINT)
        host.until_it_echoes(False)
        with httpx.Client(timeout=0.5) as client, pytest.raises(httpx.ReadTimeout):
            client.get(f"{address_of(host)}/api/Slow")
        host.shown.until("begun")
        host.type("\x03")
        host.type("\x03")
        assert host.process.wait(PATIENCE) == 0
        assert host.echoes


def test_a_host_among_the_jobs_of_a_shell(app: Path) -> None:
    """In the background it reads nothing, in the foreground it has the keys, and Ctrl-Z works as everywhere."""
    with terminal(["/bin/sh", "-i"], PS1="> ", ENV="", HISTFILE="") as shell:
        shell.type(f"{sys.executable} -m fnhost start {app} --port 0 &\n")
        shell.shown.until(HINT)
        base = address_of(shell)
        shell.type("echo shell-$((40 + 2))\n")
        shell.shown.until("shell-42")
        shell.type("fg\n")
        shell.until_it_echoes(False)
        shell.type("h")
        shell.shown.until("q  quit")
        shell.type("\x1a")
        shell.until_it_echoes(True)
        shell.type("echo stopped-$((40 + 2))\n")
        shell.shown.until("stopped-42")
        shell.type("bg\n")
        assert httpx.get(f"{base}/api/Hello", timeout=PATIENCE).text == "hello"
        shell.type("echo again-$((40 + 2))\n")
        shell.shown.until("again-42")
        shell.type("fg\n")
        shell.until_it_echoes(False)
        shell.type("q")
        shell.until_it_echoes(True)
        shell.type("echo code-$?\n")
        shell.shown.until("code-0")
