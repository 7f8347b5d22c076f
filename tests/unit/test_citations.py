"""Every rule of the platform that our files cite stands in `docs/platform`, under the number they give.

A citation is `platform/<page>.md`, alone or followed by sections: `1.2`, `1.2, 3 and 4`, `1 to 3`.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = REPOSITORY / "docs" / "platform"
SUFFIXES = frozenset({".py", ".js", ".mjs", ".cjs", ".md"})
SKIPPED = frozenset({"node_modules", "build", "dist", "__pycache__"})
"""Folders that hold nothing of ours; names with a dot in front are skipped too."""

NUMBER = r"\d+(?:\.\d+)*"
SECTIONS = rf"{NUMBER}(?:(?:, | and | to ){NUMBER})*(?!\d)"
CITATION = re.compile(rf"(?<![\w/-])(?:docs/)?platform/([\w-]+)\.md(?: ({SECTIONS}))?")
NEIGHBOUR = re.compile(rf"(?<![\w/.-])([a-z][a-z-]*)\.md(?: ({SECTIONS}))?")
"""How the pages cite each other: without the folder."""
OWN = re.compile(rf"\b[Ss]ections? ({SECTIONS})|\((\d+\.\d+)\)")
"""How a page cites itself: `section 3`, `(3.1)`."""

FORMER = re.compile(
    r"\b(?:functions-host|function-rpc|durable-replay-protocol|durable-http-api|task-hub-storage|grpc-door)\.md\b|design\.md\b"
)
"""Documents that were never part of the repository."""

HEADING = re.compile(rf"#{{2,3}} ({NUMBER}) \S")
LINE_BREAK = re.compile(r"\s*\n[ \t]*(?:(?:#+|//|\*|>)[ \t]+)?")
"""A citation may go on in the next line of a comment."""

Sections = Mapping[str, frozenset[str]]


def pages(folder: Path) -> Sections:
    return {file.stem: frozenset(headings(file.read_text("utf-8"))) for file in folder.glob("*.md")}


def headings(text: str) -> Iterator[str]:
    is_code = False
    for line in text.splitlines():
        is_code ^= line.startswith("```")
        found = None if is_code else HEADING.match(line)
        if found:
            yield found[1]


def faults(text: str, known: Sections, citation: re.Pattern[str] = CITATION) -> list[str]:
    """What is wrong with the citations of a file, one sentence each."""
    flat = LINE_BREAK.sub(" ", text)
    former = [f"cites {found}, which is not in the repository" for found in FORMER.findall(flat)]
    return former + [
        fault for found in citation.finditer(flat) for fault in _faults_of(found[1], found[2] or "", known)
    ]


def _faults_of(page: str, sections: str, known: Sections) -> Iterator[str]:
    if page not in known:
        yield f"cites platform/{page}.md, and there is no such page"
        return
    for number in re.findall(NUMBER, sections):
        if number not in known[page]:
            yield f"cites platform/{page}.md {number}, and that page has no such section"
    for first, last in re.findall(rf"({NUMBER}) to ({NUMBER})", sections):
        if _order(first) >= _order(last):
            yield f"cites platform/{page}.md {first} to {last}, which is no range"


def _order(number: str) -> list[int]:
    return [int(part) for part in number.split(".")]


def our_files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]
        yield from (Path(folder, name) for name in files if Path(name).suffix in SUFFIXES)


def told(files: Iterable[Path], citation: re.Pattern[str]) -> str:
    known = pages(PAGES)
    found = [(file, fault) for file in files for fault in faults(file.read_text("utf-8"), known, citation)]
    return "\n".join(f"{file.relative_to(REPOSITORY)} {fault}." for file, fault in found)


def test_every_cited_section_exists() -> None:
    ours = [file for file in our_files(REPOSITORY) if file != Path(__file__) and file.parent != PAGES]
    wrong = told(ours, CITATION)
    assert not wrong, wrong


def test_the_pages_cite_each_other_rightly() -> None:
    wrong = "\n".join(filter(None, (told(PAGES.glob("*.md"), NEIGHBOUR), told(PAGES.glob("*.md"), CITATION))))
    assert not wrong, wrong


def test_the_pages_cite_their_own_sections_rightly() -> None:
    known = pages(PAGES)
    wrong = [
        f"docs/platform/{page}.md cites its own section {number}, which it does not have."
        for page in known
        for number in own_sections((PAGES / f"{page}.md").read_text("utf-8"))
        if number not in known[page]
    ]
    assert not wrong, "\n".join(wrong)


def own_sections(text: str) -> list[str]:
    found = OWN.finditer(LINE_BREAK.sub(" ", text))
    return [number for one in found for number in re.findall(NUMBER, one[1] or one[2])]


def test_the_index_names_every_page() -> None:
    index = (PAGES / "README.md").read_text("utf-8")
    lost = [name for name in pages(PAGES) if name != "README" and f"[{name}.md]({name}.md)" not in index]
    assert not lost, f"docs/platform/README.md does not list {', '.join(lost)}."


def test_the_walk_sees_the_source_and_the_pages() -> None:
    ours = {file.relative_to(REPOSITORY).as_posix() for file in our_files(REPOSITORY)}
    assert {"README.md", "tests/unit/test_citations.py", "docs/platform/http.md"} <= ours
    assert not [name for name in ours if "node_modules/" in name or name.startswith(".")]


KNOWN: Sections = {"http": frozenset({"1", "2", "2.1", "3"}), "replay": frozenset({"6.2"})}


@pytest.mark.parametrize(
    "text",
    [
        "Rules (platform/http.md).",
        "docs/platform/http.md 2.1.",
        "platform/http.md 1, 2.1 and 3, platform/replay.md 6.2",
        "(platform/http.md 1 to 3): `x`",
        "# platform/http.md\n    # 2.1 and\n    # 3",
        '"""platform/replay.md\n    6.2"""',
        "other/http.md 9, platform/http.markdown 9, xplatform/http.md 9",
    ],
)
def test_right_citations_pass(text: str) -> None:
    assert faults(text, KNOWN) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("platform/https.md 1", "cites platform/https.md, and there is no such page"),
        ("platform/http.md 4", "cites platform/http.md 4, and that page has no such section"),
        ("platform/http.md 2.10", "cites platform/http.md 2.10, and that page has no such section"),
        ("platform/http.md 1, 2.1\n    and 7", "cites platform/http.md 7, and that page has no such section"),
        ("# platform/http.md\n# 8.", "cites platform/http.md 8, and that page has no such section"),
        ("platform/http.md 1 to 4", "cites platform/http.md 4, and that page has no such section"),
        ("platform/http.md 3 to 1", "cites platform/http.md 3 to 1, which is no range"),
        ("(docs/platform/replay.md 6.1)", "cites platform/replay.md 6.1, and that page has no such section"),
        ("functions-host.md 3.2", "cites functions-host.md, which is not in the repository"),
        ("see shared/design.md", "cites design.md, which is not in the repository"),
    ],
)
def test_wrong_citations_are_told(text: str, fault: str) -> None:
    assert faults(text, KNOWN) == [fault]


def test_a_page_cites_itself_in_two_forms() -> None:
    assert own_sections("see section 2, sections 3.1 and\n4 (5.6), but not (500) or 7.8") == ["2", "3.1", "4", "5.6"]


def test_numbers_in_examples_are_no_sections() -> None:
    assert list(headings("# 1 Title\n## 2 Routes\n```\n## 3 Code\n```\n### 2.1 Templates\n## Sources\n")) == [
        "2",
        "2.1",
    ]
