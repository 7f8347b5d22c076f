"""Which files are watched, and what becomes of a watch that fails."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fnhost.host.app import App, HostConfig, Settings
from fnhost.host.logging.log import Log, Record
from fnhost.host.start import watch
from fnhost.host.start.watch import FileWatcher

pytestmark = pytest.mark.anyio
LIMIT = 10.0


class Watched:
    """A folder with a watcher on it."""

    def __init__(self, root: Path, records: list[Record]) -> None:
        self.root, self.records = root, records
        self.watcher = FileWatcher(root, Log(records.append))

    def write(self, file: str, text: str = "x = 1") -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    async def until(self, file: str) -> set[str]:
        """Everything that changed, up to this file."""
        seen: set[str] = set()
        async with asyncio.timeout(LIMIT):
            while file not in seen:
                seen |= {str(path) for path in await self.watcher.next()}
        return seen

    async def settled(self) -> set[str]:
        """Everything that changed until now: a file of its own marks the end."""
        self.write("mark.py")
        return await self.until("mark.py") - {"mark.py"}


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    root, outside = tmp_path / "app", tmp_path / "outside"
    for folder in (root / "F", outside / "deep"):
        folder.mkdir(parents=True)
    (root / "F" / "__init__.py").write_text("x = 0")
    (root / "link").symlink_to(outside)
    (root / "circle").symlink_to(root)
    found = Watched(root, [])
    async with found.watcher.running():
        found.write("begun.py")
        await found.until("begun.py")
        yield found


async def test_a_saved_file_of_the_app_is_a_change(watched: Watched) -> None:
    watched.write("F/__init__.py", "x = 2")
    assert await watched.until("F/__init__.py") == {"F/__init__.py"}


async def test_settings_are_watched_and_data_is_not(watched: Watched) -> None:
    watched.write("F/data.json", "{}")
    watched.write("local.settings.json", "{}")
    assert await watched.until("local.settings.json") == {"local.settings.json"}


async def test_a_folder_that_comes_with_its_files_is_seen_whole(watched: Watched) -> None:
    made = watched.root.parent / "made"
    (made / "deep").mkdir(parents=True)
    (made / "deep" / "__init__.py").write_text("x = 1")
    made.rename(watched.root / "made")
    await watched.until("made/deep/__init__.py")
    watched.write("made/deep/later.py")
    await watched.until("made/deep/later.py")


async def test_links_are_not_followed(watched: Watched) -> None:
    (watched.root.parent / "outside" / "deep" / "code.py").write_text("x = 1")
    assert await watched.settled() == set()


async def test_a_folder_called_env_is_code_unless_it_is_a_virtual_environment(watched: Watched) -> None:
    watched.write("env/code.py")
    await watched.until("env/code.py")
    environment = watched.root.parent / "real"
    environment.mkdir()
    (environment / "pyvenv.cfg").write_text("")
    environment.rename(watched.root / "real")
    await watched.settled()
    watched.write("real/lib/code.py")
    assert not {file for file in await watched.settled() if file.startswith("real")}


async def test_other_rules_alone_change_no_file(watched: Watched) -> None:
    watched.write("F/index.js")
    watched.write("F/app.json")
    await watched.until("F/index.js")
    config = HostConfig(watch_files=("host.json", "function.json", "app.json"))
    watched.watcher.follow(App(watched.root, "python", (), Settings({}), config))
    watched.write("new/deep.py")
    assert await watched.until("new/deep.py") <= {"new", "new/deep.py"}
    for number in range(3):  # whenever the next look comes
        watched.write(f"again{number}/deep.py")
        watched.write("F/app.json", "[]" + " " * number)
        assert "F/app.json" in await watched.until("F/app.json")


async def test_a_folder_that_other_rules_watch_has_not_changed(watched: Watched) -> None:
    watched.write("venv/pad/data.txt")
    assert await watched.settled() == set()
    config = HostConfig(watch_directories=("venv",))
    watched.watcher.follow(App(watched.root, "python", (), Settings({}), config))
    watched.write("new/deep.py")
    assert await watched.until("new/deep.py") <= {"new", "new/deep.py", "mark.py"}
    watched.write("venv/pad/data.txt", "changed")
    assert "venv/pad/data.txt" in await watched.until("venv/pad/data.txt")


async def test_a_folder_that_vanishes_and_returns_is_watched_again(watched: Watched) -> None:
    for number in range(5):
        shutil.rmtree(watched.root / "F")
        watched.write("F/__init__.py", f"x = {number}")
    await watched.until("F/__init__.py")
    await watched.settled()
    watched.write("F/other.py")
    await watched.until("F/other.py")


async def test_rules_that_change_while_a_look_is_under_way_are_no_change_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Watched(tmp_path, [])
    found.write("index.js")
    in_thread = asyncio.to_thread

    async def followed_first(look: Any, *given: Any) -> Any:
        found.watcher.follow(App(tmp_path, "python", (), Settings({}), HostConfig()))
        return await in_thread(look, *given)

    async with found.watcher.running():
        monkeypatch.setattr(asyncio, "to_thread", followed_first)
        found.write("begun.py")
        assert await found.until("begun.py") == {"begun.py"}


async def test_an_install_into_the_environment_is_one_change(watched: Watched, tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    watched.watcher.follow(App(watched.root, "python", (), Settings({}), HostConfig()), [packages])
    while True:
        (packages / "new").mkdir()
        (packages / "new").rmdir()
        try:
            async with asyncio.timeout(2):
                assert list(await watched.watcher.next()) == [packages]
                return
        except TimeoutError:
            continue  # the watch on this folder was not in force yet


async def test_a_system_that_refuses_to_watch_is_said_once_and_polled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = watch.awatch

    def limited(*folders: Path, force_polling: bool, **options: Any) -> Any:
        if not force_polling:
            raise OSError(28, "No space left on device")
        return real(*folders, force_polling=True, **options)

    monkeypatch.setattr(watch, "awatch", limited)
    found = Watched(tmp_path, [])
    async with found.watcher.running():
        found.write("a.py")
        await found.until("a.py")
        found.write("a.py", "x = 2222")
        await found.until("a.py")
    (record,) = found.records
    assert "max_user_watches" in record.message
