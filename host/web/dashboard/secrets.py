"""Which values a page may show: those whose name and text give no reason to think that they are secret."""

import re
from typing import Any

NAME = re.compile(
    r"key|secret|passw|pwd|token|credential|connection|signature|(?:^|[_.:-])sas(?:$|[_.:-])|auth(?!level)|private"
    r"|azurewebjobsstorage",
    re.IGNORECASE,
)
VALUE = re.compile(
    r"accountkey=|sharedaccess|password=|pwd=|(?:^|[?&;])sig=|://[^/\s:@]*:[^/\s@]+@|^eyJ[\w-]+\.|-----BEGIN"
    r"|^(?:sk|pk|rk|gh[pousr]|xox[a-z])[-_]",
    re.IGNORECASE,
)
RANDOM = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[A-Za-z0-9+=_-]{32,}={0,2}")
"""What looks like random bytes as text."""
HARMLESS = frozenset({"", "usedevelopmentstorage=true", "true", "false", "none", "files"})


def is_secret(name: str, value: object) -> bool:
    if not isinstance(value, str) or value.lower() in HARMLESS:
        return False
    return bool(NAME.search(name) or VALUE.search(value) or RANDOM.fullmatch(value))


def hidden(name: str, value: object) -> dict[str, Any]:
    """`{value, secret, length}`: of a secret only the number of its characters is told."""
    if is_secret(name, value):
        return {"value": None, "secret": True, "length": len(str(value))}
    return {"value": value, "secret": False, "length": None}
