"""What every part is lent: a folder to work in, the peers, and a clean environment."""

import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers import Peers
from benchmarks.processes import Command

KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "PYENV_ROOT")
KEPT_PREFIXES = ("PIP_", "npm_config_", "NPM_CONFIG_", "SSL_")


@dataclass(frozen=True, slots=True)
class Bench:
    """`say` takes a line on how far the run is."""

    work: Path
    peers: Peers
    environment: Mapping[str, str]
    say: Callable[[str], None]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def folder(self, *sources: Path) -> Path:
        """A new folder with copies of these files and folders' contents."""
        made = self.work / f"{next(self._numbers)}"
        made.mkdir()
        for source in sources:
            if source.is_dir():
                shutil.copytree(source, made, dirs_exist_ok=True)
            else:
                shutil.copy(source, made)
        return made

    def command(self, directory: Path, *arguments: object, **settings: str) -> Command:
        log = self.work / f"{next(self._numbers)}.log"
        return Command(tuple(map(str, arguments)), directory, {**self.environment, **settings}, log)

    def fnhost(self, app: Path, port: int, *options: str) -> Command:
        program = Path(sys.executable).with_name("fnhost")
        return self.command(app, program, "start", app, "--port", port, *options, VIRTUAL_ENV=sys.prefix)


def clean_environment() -> Mapping[str, str]:
    """The shell's own variables would tell on the results."""
    return {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}
