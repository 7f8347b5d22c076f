"""The npm packages that apps for Node are tested with: `tests/packages/`, installed once per machine.

As a program it installs all of them, so that no test has to.
"""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from fnhost.azurite.install import node_from_pip
from fnhost.azurite.lock import locked

PACKAGES = Path(__file__).parents[1] / "packages"
SAMPLES = Path(__file__).parents[2] / "functions" / "javascript"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fnhost" / "tests"
POLL = 0.2


def packages(folder: Path) -> Path:
    """The `node_modules` for a folder with a package.json and its lock."""
    lock = (folder / "package-lock.json").read_bytes()
    target = CACHE / f"npm-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with _alone(target.with_suffix(".lock")):
            if not target.exists():
                _install(folder, target)
    return target / "node_modules"


def link_packages(app: Path, version: str) -> Path:
    """Give an app those of a programming model, `v3` or `v4`."""
    (app / "node_modules").symlink_to(packages(PACKAGES / version), target_is_directory=True)
    return app


def _install(folder: Path, target: Path) -> None:
    fresh = Path(mkdtemp(dir=CACHE))
    for name in ("package.json", "package-lock.json"):
        shutil.copy(folder / name, fresh)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    subprocess.run([*_npm(), "ci", *options], cwd=fresh, check=True)
    fresh.rename(target)


def node() -> str:
    """The Node that tests run programs with."""
    if found := shutil.which("node"):
        return found
    installed = node_from_pip()
    assert installed, "these tests need Node"
    return installed.node


def _npm() -> tuple[str, ...]:
    if found := shutil.which("npm"):
        return (found,)
    node = node_from_pip()
    assert node, "these tests need npm"
    return node.npm


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One test process at a time."""
    while True:
        with locked(lock) as is_ours:
            if is_ours:
                yield
                return
        time.sleep(POLL)


if __name__ == "__main__":
    for needed in (PACKAGES / "v3", PACKAGES / "v4", PACKAGES / "durabletask", SAMPLES):
        packages(needed)
