"""Which changes of files mean a new version of the app (platform/lifecycle.md 5).

Folders are watched one by one and links are not followed, so that a link out of the app costs nothing. A watch that
fails is begun again, by polling where the system refuses to tell (Linux: fs.inotify.max_user_watches).
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from watchfiles import Change, awatch

from fnhost.clock import SYSTEM_CLOCK, Clock, Timer
from fnhost.host.app import App, HostConfig
from fnhost.host.load.folders import ENVIRONMENT
from fnhost.host.logging.events import HOST_CATEGORY
from fnhost.host.logging.log import Log
from fnhost.host.tasks import cancel_and_wait
from fnhost.host.worker.toolchains import foreign_package_folders, script_suffixes, settling_time, watched_files

SETTLE = 20
"""Milliseconds without a further change: an editor writes a file in several steps."""
PACKAGES_STEP = 50
"""Milliseconds between two looks at what the system told of packages. The host's end waits for one such step."""
LONGEST = 200
POLL = 300
"""Milliseconds between two looks where the system does not tell of changes."""
RETRY = 0.1
"""Seconds until a watch that failed is begun again."""
GAP = 0.5
"""Seconds after which a new watch is in force for certain: what changed before is then looked for."""
CACHES = ("__pycache__", ".pyc")
QUIET = 1.0
"""Seconds without a further change in a folder of packages: an installer writes thousands of files."""
MOST_CHANGES = 1000
"""How many changed files are kept by name until they are asked for."""
ALWAYS_WATCHED = frozenset({"host.json", "local.settings.json"})
UNWATCHED = re.compile(r"\..*|__pycache__|node_modules|venv")
REFUSED = (
    "The system does not watch files for this host any more ({}). Changes are looked for every {} ms instead. "
    "On Linux, raise fs.inotify.max_user_watches or fs.inotify.max_user_instances and start again."
)

Stamp: TypeAlias = tuple[int, int]
UNSEEN: Stamp = (-1, -1)
"""Of a file that matters by rules that are newer than the last look."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides which files matter: the ends of their names, whole names, and folders below the root.

    `unsound` are folders of functions that cannot be read: the script that is missing may be of any language.
    """

    suffixes: tuple[str, ...]
    names: frozenset[str]
    folders: frozenset[str] = frozenset()
    unsound: frozenset[Path] = frozenset()

    def watches(self, root: Path, folder: Path) -> bool:
        inside = folder.relative_to(root).parts
        return inside[0] in self.folders or not (UNWATCHED.fullmatch(folder.name) or (folder / ENVIRONMENT).exists())

    def reaches(self, root: Path, folder: Path) -> bool:
        """Whether files in this folder may matter: it and every folder above it is watched."""
        inside = folder.relative_to(root)
        return all(self.watches(root, root / part) for part in (*reversed(inside.parents), inside) if part.parts)

    def matters(self, root: Path, path: Path) -> bool:
        relative = path.relative_to(root)
        inside = relative.parts
        if not inside:
            return False
        if inside[0] in self.folders:
            return True
        if any(map(UNWATCHED.fullmatch, inside[:-1])):
            return False
        if relative.parent in self.unsound and path.suffix in script_suffixes(()):
            return True
        return path.name in self.names or path.suffix in self.suffixes


class FileWatcher:
    """Collects changes that matter to the app as it was last read.

    `follow` sets the rules of an app; `next` waits for changes. Failures are logged once and end nothing.
    """

    def __init__(self, root: Path, log: Log, clock: Clock = SYSTEM_CLOCK) -> None:
        self._root, self._log, self._clock = root, log, clock
        self._changed: dict[Path, None] = {}
        self._has_changed = asyncio.Event()
        self._folders_changed = asyncio.Event()
        self._is_polling = False
        self._known: frozenset[Path] = frozenset()
        self._stamps: dict[Path, Stamp] | None = None
        self._compared: Rules | None = None
        self._rules = Rules(script_suffixes(()), ALWAYS_WATCHED | frozenset(HostConfig().watch_files))
        self._comparing: set[asyncio.Task[None]] = set()
        self._packages: Sequence[Path] = ()
        self._packages_changed = asyncio.Event()
        self._settling = 0.0
        self._settled: Timer | None = None

    def follow(self, app: App, packages: Sequence[Path] = ()) -> None:
        """From now on the rules of this app count. `packages` are folders in which any change matters."""
        before, self._rules = (
            self._rules,
            Rules(
                script_suffixes(app.languages),
                ALWAYS_WATCHED | frozenset((*app.config.watch_files, *watched_files(app))),
                frozenset(app.config.watch_directories) - foreign_package_folders(app.languages),
                frozenset(Path(problem.file).parent for problem in app.problems if problem.function),
            ),
        )
        self._settling = settling_time(app)
        if self._rules.folders != before.folders:
            self._folders_changed.set()
        if tuple(packages) != tuple(self._packages):
            self._packages = tuple(packages)
            self._packages_changed.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What changes from now on is told."""
        await self._compare()
        tasks = [asyncio.create_task(self._watch_app()), asyncio.create_task(self._watch_packages())]
        try:
            yield
        finally:
            if self._settled:
                self._settled.cancel()
            await cancel_and_wait(*tasks, *self._comparing)

    def wake(self) -> None:
        """Let `next` return, with nothing if nothing has changed."""
        self._has_changed.set()

    async def next(self) -> Sequence[Path]:
        """What has changed, relative to the app where it lies in it; waits until something has, or until `wake`."""
        await self._has_changed.wait()
        self._has_changed.clear()
        changed, self._changed = list(self._changed), {}
        return changed

    def _add(self, path: Path) -> None:
        if len(self._changed) < MOST_CHANGES:
            self._changed[path.relative_to(self._root) if path.is_relative_to(self._root) else path] = None
        self._tell()

    def _tell(self) -> None:
        """At once, or when a build has written its last file."""
        if self._settled:
            self._settled.cancel()
        if self._settling:
            self._settled = self._clock.call_later(self._settling, self._has_changed.set)
        else:
            self._has_changed.set()

    # The app's own files

    async def _watch_app(self) -> None:
        while True:
            self._folders_changed.clear()
            await self._compare()
            gap = self._clock.call_later(GAP, self._compare_soon)
            try:
                await self._watch(self._known)
            except OSError as error:
                await self._recover(error, self._known)
            finally:
                gap.cancel()

    async def _watch(self, folders: Collection[Path]) -> None:
        """Until folders have come or gone. Raises OSError."""
        changes = awatch(
            *folders,
            recursive=False,
            debounce=LONGEST,
            step=SETTLE,
            watch_filter=None,
            stop_event=self._folders_changed,
            force_polling=self._is_polling,
            poll_delay_ms=POLL,
            ignore_permission_denied=True,
        )
        async for found in changes:
            self._take(found)

    async def _recover(self, error: OSError, folders: Collection[Path]) -> None:
        """A folder that vanished meanwhile is no fault; anything else is the system's refusal."""
        if not self._is_polling and all(folder.is_dir() for folder in folders):
            self._is_polling = True
            self._log.warning(HOST_CATEGORY, REFUSED.format(error, POLL))
        await self._clock.sleep(RETRY)

    def _compare_soon(self) -> None:
        task = asyncio.create_task(self._compare())
        self._comparing.add(task)
        task.add_done_callback(self._comparing.discard)

    async def _compare(self) -> None:
        """Look for changes that no watch told of: files of a folder that has just come, or between two watches."""
        rules = self._rules
        folders, stamps = await asyncio.to_thread(self._look, rules)
        known, self._known = self._known, folders
        before, self._stamps = self._stamps, stamps
        earlier, self._compared = self._compared, rules
        if before is None or earlier is None:
            return
        are_same = rules == earlier
        for path in [path for path in {**before, **stamps} if before.get(path) != stamps.get(path)]:
            if before.get(path) == UNSEEN:
                continue  # what it was like is not known: a change of it is told by an event alone
            is_new_folder = path.parent not in known and earlier.reaches(self._root, path.parent)
            if are_same or (path in before and path in stamps) or is_new_folder:
                self._add(path)
            elif path in stamps and path.parent in known:  # other rules have made it one that matters
                stamps[path] = UNSEEN

    def _look(self, rules: Rules) -> tuple[frozenset[Path], dict[Path, Stamp]]:
        """All folders that can hold files of the app, the root among them, and the files that matter.

        By rules that are handed in: those of the watcher may change while a thread looks.
        """
        folders = frozenset(self._walk(self._root, rules))
        files = (path for folder in folders for path in _files(folder) if rules.matters(self._root, path))
        return folders, {path: stamp for path in files if (stamp := _stamp(path))}

    def _walk(self, folder: Path, rules: Rules) -> Iterator[Path]:
        yield folder
        try:
            with os.scandir(folder) as entries:
                below = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:  # It vanished, or must not be read.
            return
        for child in below:
            if rules.watches(self._root, child):
                yield from self._walk(child, rules)

    def _take(self, changes: Iterable[tuple[Change, str]]) -> None:
        for change, text in changes:
            path = Path(text)
            if self._is_folder(change, path):
                self._folders_changed.set()
                self._add(path)
            elif self._rules.matters(self._root, path) and self._is_news(path):
                self._add(path)

    def _is_news(self, path: Path) -> bool:
        """Whether it has changed since it was last seen: a comparison may have found what an event tells later."""
        assert self._stamps is not None
        before, stamp = self._stamps.pop(path, None), _stamp(path)
        if stamp:
            self._stamps[path] = stamp
        return stamp != before

    def _is_folder(self, change: Change, path: Path) -> bool:
        """Whether a folder came or went. One that went is known from before."""
        if change is Change.deleted:
            return path in self._known and path != self._root
        return (
            change is Change.added and path.is_dir() and not path.is_symlink() and self._rules.watches(self._root, path)
        )

    # Installed packages

    async def _watch_packages(self) -> None:
        while True:
            self._packages_changed.clear()
            folders = [folder for folder in self._packages if folder.is_dir()]
            if not folders:
                await self._packages_changed.wait()
                continue
            try:
                await self._watch_installs(folders)
            except OSError:  # The environment is being made anew.
                await self._clock.sleep(QUIET)

    async def _watch_installs(self, folders: Sequence[Path]) -> None:
        changes = awatch(
            *folders,
            recursive=False,
            debounce=LONGEST,
            step=PACKAGES_STEP,
            watch_filter=None,
            stop_event=self._packages_changed,
            force_polling=self._is_polling,
            poll_delay_ms=POLL,
        )
        timer: Timer | None = None
        try:
            async for found in changes:
                if is_install(path for _, path in found):
                    if timer:
                        timer.cancel()
                    timer = self._clock.call_later(QUIET, self._add_all, folders)
        finally:
            if timer:
                timer.cancel()

    def _add_all(self, paths: Iterable[Path]) -> None:
        for path in paths:
            self._add(path)


def is_install(changed: Iterable[str]) -> bool:
    """Whether changes in a folder of packages are more than what an interpreter itself writes there."""
    return any(not path.endswith(CACHES) for path in changed)


def _stamp(path: Path) -> Stamp | None:
    """When it was written last, and its size; None if it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _files(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            yield from [Path(entry.path) for entry in entries if entry.is_file()]
    except OSError:
        return
