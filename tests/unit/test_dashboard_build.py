"""What the build of the dashboard leaves: small, whole, and nothing of it loaded from elsewhere."""

import gzip
import json
import re
from pathlib import Path

DASHBOARD = Path(__file__).parents[2] / "host" / "web" / "dashboard"
STATIC = DASHBOARD / "static"
NEEDED = "Build the pages first: make dashboard"
FIRST_SCRIPT, FIRST_STYLE, WHOLE = 65_000, 10_000, 160_000
"""Bytes, compressed: what the first page loads, and all there is."""
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://www.w3.org/1999/xhtml"}
EXPLAINED = "https://svelte.dev/e/"
"""Where the framework explains its errors; it is told, not loaded."""
MATHS = "http://www.w3.org/1998/Math/MathML"


def size(files: list[Path]) -> int:
    return sum(len(gzip.compress(file.read_bytes())) for file in files)


def first(kind: str) -> list[Path]:
    """Files that the page itself names."""
    assert STATIC.is_dir(), NEEDED
    page = (STATIC / "index.html").read_text("utf-8")
    return [STATIC / name for name in re.findall(rf'="/runtime/dashboard/(assets/[^"]+\.{kind})"', page)]


def test_the_pages_are_small() -> None:
    files = [file for file in STATIC.rglob("*") if file.is_file()]
    assert 0 < size(first("js")) < FIRST_SCRIPT
    assert 0 < size(first("css")) < FIRST_STYLE
    assert size(files) < WHOLE


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline() -> None:
    assert STATIC.is_dir(), NEEDED
    page = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", page)
    for file in [*STATIC.rglob("*.js"), *STATIC.rglob("*.css"), STATIC / "index.html"]:
        text = file.read_text("utf-8")
        named = set(re.findall(r"https?://[\w.-]+[\w/.-]*", text))
        assert not {one for one in named if one not in NAMESPACES | {MATHS} and not one.startswith(EXPLAINED)}, file
        assert not re.search(r"\beval\(|new Function\(|@import", text), file


def test_locked_packages_have_hashes_and_no_addresses() -> None:
    lock = json.loads((DASHBOARD / "ui" / "package-lock.json").read_text("utf-8"))
    packages = [package for name, package in lock["packages"].items() if name]
    assert packages
    assert all("integrity" in package and "resolved" not in package for package in packages)


def test_user_text_is_never_set_as_html() -> None:
    sources = [*(DASHBOARD / "ui" / "src").rglob("*.svelte"), *(DASHBOARD / "ui" / "src").rglob("*.ts")]
    assert sources
    assert not [file for file in sources if re.search(r"@html|innerHTML|insertAdjacentHTML", file.read_text("utf-8"))]
