"""The custom handler of an app, as a value."""

from dataclasses import dataclass
from pathlib import Path

INITIALIZATION = 30.0


@dataclass(frozen=True, slots=True)
class CustomHandler:
    """What host.json says of the handler. Paths are absolute, but for an executable that is looked for on PATH.

    `forwards` says that functions with nothing but an HTTP request and its response get the request itself, under its
    own path, or under `/<function>` if `hides_path`; with `proxies` both bodies are handed on as they come. `timeout`
    is in seconds. `port` is 0 for any that is free.
    """

    executable: str
    arguments: tuple[str, ...]
    directory: Path
    forwards: bool = False
    hides_path: bool = False
    proxies: bool = False
    timeout: float = INITIALIZATION
    port: int = 0
