"""Chromium for the tests of the dashboard: the one that is on this machine, driven by Playwright.

As a program it installs Debian's package where there is none and it may.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL = (("apt-get", "update", "--quiet"), ("apt-get", "install", "--yes", "--quiet", "chromium"))
NEEDED = "The tests of the dashboard need Chromium or Chrome on the PATH: sudo apt-get install chromium"
PATIENCE = 15_000
"""Milliseconds within which everything a test waits for must have happened."""
SIZE = {"width": 1280, "height": 800}


def installed() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    executable = installed()
    assert executable, NEEDED
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            chromium_sandbox=os.geteuid() != 0,  # root has none
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, address: str, **options: object) -> Iterator[Page]:
    """A page of a browser without any past. What the browser refuses or fails at in it is an error."""
    context = browser.new_context(**{"viewport": SIZE, "base_url": address, **options})  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    try:
        yield page
        assert not [text for text in said if not text.startswith("Failed to load resource")], said
    finally:
        context.close()


if __name__ == "__main__":
    if not installed() and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in INSTALL:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    if not installed():
        raise SystemExit(NEEDED)
