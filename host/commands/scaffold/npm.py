"""`npm install` in an app, if the machine has npm. What goes wrong there costs a sentence, not the command."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

LONGEST = 600
"""Seconds that npm may take."""
BY_HAND = "Run `npm install` in the app's folder before you start it."


def install(root: Path, environment: Mapping[str, str]) -> None:
    npm = shutil.which("npm", path=environment.get("PATH"))
    if npm is None:
        print(f"npm was not found. {BY_HAND}", file=sys.stderr)
        return
    print("Running npm install", flush=True)
    try:
        subprocess.run([npm, "install"], cwd=root, env=dict(environment), check=True, timeout=LONGEST)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"npm install failed: {error}. {BY_HAND}", file=sys.stderr)
