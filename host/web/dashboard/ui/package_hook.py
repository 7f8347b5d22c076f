"""Build hook of the package: a wheel holds the dashboard's pages, so that its users need no Node."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path(__file__).parent
BUILT = SOURCES.parent / "static" / "index.html"
WITHOUT = "FNHOST_WITHOUT_DASHBOARD"
NEEDED = f"The dashboard is not built: run `make dashboard`, which needs Node 20.19 or newer, or set {WITHOUT}=1."
COMMANDS = (("ci", "--no-audit", "--no-fund", "--loglevel=error"), ("run", "--silent", "build"))


class DashboardHook(BuildHookInterface[Any]):
    """Builds what is missing. An editable install is left alone: the host then says what to run."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable" or BUILT.is_file() or os.environ.get(WITHOUT):
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(NEEDED)
        for command in COMMANDS:
            subprocess.run((npm, *command), cwd=SOURCES, check=True)
