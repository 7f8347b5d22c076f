"""Hooks for mkdocs: pages from outside docs/, and folders in the navigation.

mkdocs calls the functions that begin with `on_` (https://www.mkdocs.org/user-guide/configuration/#hooks).
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).parents[1]
OUTSIDE = {
    "benchmarks/README.md": "benchmarks.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Files of the repository that are pages of the site, by where they are in it."""
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


def on_config(config: MkDocsConfig) -> None:
    config.nav = _filled(config.nav)


def on_files(files: Files, config: MkDocsConfig) -> None:
    for source, page in OUTSIDE.items():
        files.append(File.generated(config, page, abs_src_path=str(REPOSITORY / source)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The same text with its links as they are in the site: in the repository they lead from file to file."""
    name = page.file.src_uri
    source = next((source for source, site in OUTSIDE.items() if site == name), f"docs/{name}")
    return LINK.sub(lambda found: f"]({_in_site(found[1], source, name)}", markdown)


def _in_site(link: str, source: str, name: str) -> str:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    place = OUTSIDE.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
    return posixpath.relpath(place, posixpath.dirname(name) or ".") if place else link


def _filled(entry: Any) -> Any:
    """The navigation with the pages of a folder where a value ends in a slash; without the entry if there are none."""
    if isinstance(entry, list):
        return [filled for each in entry if (filled := _filled(each)) != {}]
    if isinstance(entry, dict):
        return {title: filled for title, each in entry.items() if (filled := _filled(each)) != []}
    return _pages(entry) if entry.endswith("/") else entry


def _pages(folder: str) -> list[str]:
    found = (REPOSITORY / "docs" / folder).glob("*.md")
    return [f"{folder}{file.name}" for file in sorted(found, key=lambda file: (file.name != "README.md", file.name))]
