"""An app in TypeScript runs what it was compiled to: how to compile it, by its own package.json."""

import re
from pathlib import Path

from fnhost.host.load.documents import UnreadableFile, read_object

COMPILER = re.compile(r"\btsc\b")


def compile_hint(script: Path, root: Path) -> str:
    """What to do about a script that is not there; empty if the app is not written in TypeScript."""
    if not (root / "tsconfig.json").is_file() or script.suffix not in (".js", ".mjs", ".cjs"):
        return ""
    return f'The app is written in TypeScript: compile it first, with "{_command(root)}".'


def _command(root: Path) -> str:
    try:
        scripts = read_object(root / "package.json").get("scripts")
    except UnreadableFile:
        scripts = None
    named = {name: text for name, text in scripts.items() if isinstance(text, str)} if isinstance(scripts, dict) else {}
    compiling = next((name for name, text in named.items() if COMPILER.search(text)), None)
    found = "build" if "build" in named else compiling
    return f"npm run {found}" if found else "npx tsc"
