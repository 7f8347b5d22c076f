"""What is said where the packages of the extra `mcp` are not installed."""

import shlex
import sys
from importlib.util import find_spec

PACKAGES = ("mcp", "httpx2")


def missing_packages() -> str:
    """The sentence that names what to install; empty if nothing is missing."""
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if not absent:
        return ""
    command = shlex.join([sys.executable, "-m", "pip", "install", "fnhost[mcp]"])
    return f"The Model Context Protocol needs the package {absent[0]}, which is not installed. Install it: {command}"
