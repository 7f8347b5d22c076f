"""Which changes of files mean a new generation (functions-host.md 7.4)."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from watchfiles import Change, awatch

from host.app import App, HostConfig

SETTLE = 20
"""Milliseconds without a further change: an editor writes a file in several steps."""
LONGEST = 200
UNWATCHED = re.compile(r"\..*|__pycache__|node_modules|venv|env")
EXTENSIONS = {"python": (".py",), "node": (".js", ".mjs", ".cjs"), "": (".py", ".js", ".mjs", ".cjs")}
ENTRY_FILES = {"node": ("package.json",)}
"""Which say what is loaded, and how, in a language."""


class Watch:
    """Tells of changes that matter to the app as it was last read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._changes: asyncio.Queue[Path] = asyncio.Queue()
        self._moved = asyncio.Event()
        self._extensions: Sequence[str] = EXTENSIONS[""]
        self._names, self._folders = frozenset(HostConfig().watch_files), frozenset[str]()

    def follow(self, app: App) -> None:
        """From now on the rules of this app count."""
        self._extensions = EXTENSIONS.get(app.language, EXTENSIONS[""])
        self._names = frozenset((*app.config.watch_files, *ENTRY_FILES.get(app.language, ())))
        folders = frozenset(app.config.watch_directories) - (
            frozenset() if app.language == "node" else {"node_modules"}
        )
        if folders != self._folders:
            self._folders = folders
            self._moved.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._watch_root()), asyncio.create_task(self._watch_folders())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def next(self) -> Sequence[Path]:
        """What has changed, relative to the app; waits until something has."""
        changed = [await self._changes.get()]
        while not self._changes.empty():
            changed.append(self._changes.get_nowait())
        return list(dict.fromkeys(changed))

    async def _watch_root(self) -> None:
        """The root without its folders: so nothing is spent on environments, data and caches."""
        async for changes in awatch(self._root, recursive=False, debounce=LONGEST, step=SETTLE, watch_filter=None):
            if any(self._is_folder(change, Path(path)) for change, path in changes):
                self._moved.set()
            self._tell(changes)

    async def _watch_folders(self) -> None:
        while True:
            self._moved.clear()
            folders = self._watched_folders()
            if not folders:
                await self._moved.wait()
                continue
            async for changes in awatch(
                *folders, debounce=LONGEST, step=SETTLE, watch_filter=None, stop_event=self._moved
            ):
                self._tell(changes)

    def _watched_folders(self) -> list[Path]:
        return [
            folder
            for folder in self._root.iterdir()
            if folder.is_dir() and (folder.name in self._folders or not _is_unwatched(folder))
        ]

    def _is_folder(self, change: Change, path: Path) -> bool:
        """A folder came or went; of one that went only the missing extension is left to see."""
        if path.parent != self._root or _is_unwatched(path):
            return False
        return path.is_dir() if change is not Change.deleted else not path.suffix

    def _tell(self, changes: Iterable[tuple[Change, str]]) -> None:
        for change, text in changes:
            path = Path(text)
            if self._is_folder(change, path) or self._matters(path):
                self._changes.put_nowait(path.relative_to(self._root))

    def _matters(self, path: Path) -> bool:
        inside = path.relative_to(self._root).parts
        if inside[0] in self._folders:
            return True
        if any(map(UNWATCHED.fullmatch, inside[:-1])):
            return False
        return path.name in self._names or path.suffix in self._extensions


def _is_unwatched(folder: Path) -> bool:
    return bool(UNWATCHED.fullmatch(folder.name)) or (folder / "pyvenv.cfg").exists()
