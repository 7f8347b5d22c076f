"""Who this host is, as the platform reckons it (platform/host-storage.md 1)."""

import socket
from pathlib import Path


def host_id(root: Path) -> str:
    """The machine's name and a 32-bit hash of the app's path: the same host has the same id at every start."""
    value = 23
    for character in str(root):
        value = (value * 31 + ord(character)) & 0xFFFFFFFF
    signed = value - 2**32 if value >= 2**31 else value
    machine = "".join(filter(str.isalnum, socket.gethostname()))
    return f"{machine}-{abs(signed)}".lower()[:32].rstrip("-")
