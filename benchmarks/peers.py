"""What fnhost is measured beside: installed once, from the pins in `programs/`, into a cache folder."""

import asyncio
import hashlib
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
PYTHON_PINS = (PROGRAMS / "requirements.txt",)
NODE_PINS = (PROGRAMS / "package.json", PROGRAMS / "package-lock.json")
INSTALL_LIMIT = 240.0
LAST_WORDS = 200


class PeerMissing(Exception):
    """A peer cannot be had on this machine. The text says why."""


@dataclass(frozen=True, slots=True)
class Peers:
    """Where the peers are. What could not be installed is not tried twice in one run."""

    cache: Path
    environment: Mapping[str, str]
    say: Callable[[str], None]
    _missing: dict[Path, PeerMissing] = field(default_factory=dict)

    async def python(self) -> Path:
        """The folder of the Python peers' commands. Raises PeerMissing."""
        folder = self._folder("python", PYTHON_PINS)
        pip = str(folder / "bin" / "pip")
        await self._install(
            folder,
            (sys.executable, "-m", "venv", str(folder)),
            (pip, "install", "--quiet", "--disable-pip-version-check", "-r", *map(str, PYTHON_PINS)),
        )
        return folder / "bin"

    async def node(self) -> Path:
        """The folder of the Node peers' packages. Raises PeerMissing."""
        folder = self._folder("node", NODE_PINS)
        await self._install(folder, ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"), copies=NODE_PINS)
        return folder / "node_modules"

    def _folder(self, kind: str, pins: Sequence[Path]) -> Path:
        digest = hashlib.sha256(b"".join(pin.read_bytes() for pin in pins)).hexdigest()[:12]
        return self.cache / f"{kind}-{sys.version_info.major}.{sys.version_info.minor}-{digest}"

    async def _install(self, folder: Path, *commands: Sequence[str], copies: Sequence[Path] = ()) -> None:
        whole = folder / "whole"
        if whole.exists():
            return
        if folder in self._missing:
            raise self._missing[folder]
        self.say(f"installing peers into {folder}")
        _prepare(folder, copies)
        try:
            for command in commands:
                await self._run(command, folder)
        except PeerMissing as error:
            self._missing[folder] = error
            raise
        whole.touch()

    async def _run(self, command: Sequence[str], folder: Path) -> None:
        try:
            child = await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                env=dict(self.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as error:
            raise PeerMissing(f"{command[0]} cannot be run: {error.strerror}") from error
        try:
            async with asyncio.timeout(INSTALL_LIMIT):
                output, _ = await child.communicate()
        except TimeoutError:
            child.kill()
            await child.wait()
            raise PeerMissing(f"{command[0]} was not done after {INSTALL_LIMIT:.0f} s") from None
        if child.returncode:
            raise PeerMissing(f"{command[0]} failed: {' '.join(output.decode(errors='replace').split())[-LAST_WORDS:]}")


def _prepare(folder: Path, copies: Sequence[Path]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in copies:
        shutil.copy(file, folder)
