"""The documentation: its links lead somewhere, and the command line's reference names every option."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fnhost.host.commands.durable.parser import add_parsers
from tests.support.hosts import run

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), REPOSITORY / "benchmarks" / "README.md"])
BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CODE = re.compile(rf"{BLOCK.pattern}|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!\w+:)([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
COMMAND_LINE = "docs/reference/command-line.md"


@pytest.mark.parametrize("page", [page.relative_to(REPOSITORY).as_posix() for page in PAGES])
def test_every_relative_link_leads_to_a_file_and_a_heading(page: str) -> None:
    assert list(dead_links(REPOSITORY / page)) == []


COMMANDS = (
    *("start", "check", "durabletask", "mcp", "openapi", "init", "new"),
    *("settings list", "settings add", "settings delete"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_in_the_reference(command: str) -> None:
    code, lines = run(*command.split(), "--help")
    offered = set(OPTION.findall("\n".join(lines)))
    assert code == 0
    assert "--help" in offered and len(offered) > 2
    assert offered - documented_options() == set()


def test_every_option_of_a_durable_verb_is_in_the_reference() -> None:
    commands = argparse.ArgumentParser(prog="fnhost").add_subparsers()
    add_parsers(commands)
    verbs = commands.choices["durable"]._subparsers._group_actions[0].choices.values()
    parsers = [commands.choices["reset"], *verbs]
    offered = set(OPTION.findall("\n".join(parser.format_help() for parser in parsers)))
    assert "--event-name" in offered
    assert offered - documented_options() == set()


def test_every_option_in_the_reference_is_offered() -> None:
    """Those that are accepted and do nothing are not in the help, and not in a table."""
    lines = [line for command in ("start", "init", "new") for line in run(command, "--help")[1]]
    table = "\n".join(line.split("|")[1] for line in text_of(COMMAND_LINE).splitlines() if line.startswith("| `-"))
    assert set(OPTION.findall(table)) == set(OPTION.findall("\n".join(lines)))


def documented_options() -> set[str]:
    return set(OPTION.findall(text_of(COMMAND_LINE)))


def text_of(page: str) -> str:
    return (REPOSITORY / page).read_text("utf-8")


def dead_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(CODE.sub("", page.read_text("utf-8"))):
        file, _, heading = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (heading and heading not in anchors(target)):
            yield link


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub and the site spell them in addresses."""
    headings = HEADING.findall(BLOCK.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
