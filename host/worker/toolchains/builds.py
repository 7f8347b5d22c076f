"""Whether what a build wrote is older than what it was made of."""

from collections.abc import Iterable, Iterator
from pathlib import Path

MOST_FILES = 5000
"""Sources that are looked at: more take a while, and one that is newer is most likely among the first."""
OUTPUTS = frozenset({"bin", "obj", "target", "build", "node_modules", ".git"})
STALE = "The build of this app is older than {}: what is served is not what is written there. {} to build it again."


def staleness(root: Path, output: Iterable[Path], projects: Iterable[str], suffixes: tuple[str, ...], how: str) -> str:
    """A sentence if a source is newer than the newest `output`; empty if none is, or no project lies above `root`.

    `projects` are patterns of names in the folder that a build begins at, `suffixes` those of sources, `how` builds.
    """
    project = next((each for each in root.parents if any(next(each.glob(name), None) for name in projects)), None)
    built = max((file.stat().st_mtime for file in output), default=None)
    if project is None or built is None:
        return ""
    newer = next((file for file in _sources(project, suffixes) if file.stat().st_mtime > built), None)
    return STALE.format(newer.relative_to(project), f"Run {how} in '{project}'") if newer else ""


def _sources(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Those in a project, outside the folders that builds write to."""
    waiting, seen = [folder], 0
    while waiting and seen < MOST_FILES:
        for path in sorted(waiting.pop().iterdir()):
            if path.is_dir() and not path.is_symlink() and path.name not in OUTPUTS:
                waiting.append(path)
            elif path.suffix in suffixes and path.is_file():
                seen += 1
                yield path
