"""The Pythons of this machine that a worker may run under, each with `azure-functions` at hand."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

OLDEST, NEWEST = 9, 13


@dataclass(frozen=True)
class Interpreter:
    executable: str
    packages: Path | None = None
    """Where its SDK lies, if not in its own environment."""


def minors() -> dict[int, str]:
    """Each `python3.N` that is here, but for the host's own version."""
    found = {minor: path for minor in range(OLDEST, NEWEST + 1) if (path := _find(minor))}
    return {minor: path for minor, path in found.items() if minor != sys.version_info.minor}


def _find(minor: int) -> str | None:
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    installed = sorted(versions.glob(f"3.{minor}.*/bin/python3.{minor}"))
    on_path = shutil.which(f"python3.{minor}")
    return str(installed[-1]) if installed else on_path if on_path and "shims" not in on_path else None


def names() -> list[str]:
    """The host's own, the oldest and the newest other."""
    others = sorted(minors())
    return ["host", *(f"3.{minor}" for minor in dict.fromkeys((others[0], others[-1])))] if others else ["host"]


def interpreter(name: str) -> Interpreter:
    if name == "host":
        return Interpreter(sys.executable)
    executable = minors()[int(name.partition(".")[2])]
    return Interpreter(executable, _packages(executable, name))


def with_grpc_sdk() -> Interpreter | None:
    """One with azure-functions-durable 2.x, which needs Python 3.13; None where there is no such Python."""
    found = {**minors(), sys.version_info.minor: sys.executable}
    executable = found.get(NEWEST)
    return Interpreter(executable, _packages(executable, f"3.{NEWEST}", GRPC_SDK)) if executable else None


GRPC_SDK = "azure-functions-durable==2.0.0rc3"


def _packages(executable: str, name: str, package: str = "azure-functions") -> Path:
    """A package for that Python, installed once per machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fnhost" / "tests"
    target = cache / f"{package.replace('==', '-')}-{name}"
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    fresh = mkdtemp(dir=cache)
    subprocess.run([executable, "-m", "pip", "install", "-q", "--target", fresh, package], check=True)
    try:
        os.rename(fresh, target)
    except OSError:  # another test process was quicker
        shutil.rmtree(fresh)
    return target
