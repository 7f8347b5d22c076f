"""The keys of an app, kept in one JSON file that only its owner may read (platform/keys-and-admin.md 2)."""

import hmac
import json
import os
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from fnhost.host.errors import StartError

HOST, SYSTEM, MASTER = "host", "system", "_master"
FILE = Path(".fnhost", "keys.json")
"""Where an app keeps its keys."""
SIGNATURE = b64decode("AzFu")


def function_scope(function: str) -> str:
    return f"function/{function.lower()}"


class Keys:
    """Named keys by scope: `host`, `system`, and one scope for each function. Made when first asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version = version_of(path)
        self._keys = read(path)

    @classmethod
    def of_app(cls, root: Path) -> Self:
        return cls(root / FILE)

    def _refresh(self) -> None:
        """Read the file again if `fnhost keys` has changed it."""
        if (version := version_of(self._path)) != self._version:
            self._keys, self._version = read(self._path), version

    def _save(self) -> None:
        write(self._path, self._keys)
        self._version = version_of(self._path)

    def of(self, scope: str) -> Mapping[str, str]:
        self._refresh()
        for name in {HOST: (MASTER, "default"), SYSTEM: ()}.get(scope, ("default",)):
            self._make(scope, name)
        return self._keys.get(scope, {})

    def system(self, extension: str) -> str:
        """The key of an extension's webhook: what stands behind `code=` in the links it hands out."""
        return self._make(SYSTEM, f"{extension}_extension")

    def is_master(self, key: str) -> bool:
        return matches(key, [self._make(HOST, MASTER)])

    def admits(self, level: str, function: str, key: str) -> bool:
        """Whether `key` opens a function of that authLevel."""
        if level == "anonymous" or self.is_master(key):
            return True
        return level == "function" and matches(
            key, [*self.of(HOST).values(), *self.of(function_scope(function)).values()]
        )

    def admits_extension(self, extension: str, key: str) -> bool:
        return self.is_master(key) or matches(key, [self.system(extension)])

    def put(self, scope: str, name: str, value: str | None = None) -> bool:
        """Set a key, to a new value unless one is given. True when there was none of that name."""
        self._refresh()
        is_new = name not in self._keys.get(scope, {})
        self._keys.setdefault(scope, {})[name] = value or new_key()
        self._save()
        return is_new

    def drop(self, scope: str, name: str) -> None:
        self._refresh()
        self._keys.get(scope, {}).pop(name, None)
        self._save()

    def _make(self, scope: str, name: str) -> str:
        self._refresh()
        if name not in self._keys.get(scope, {}):
            self.put(scope, name)
        return self._keys[scope][name]


def version_of(path: Path) -> tuple[int, int]:
    """A value that changes whenever the file is written."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_ino)


def matches(key: str, keys: list[str]) -> bool:
    return any([hmac.compare_digest(key.encode(), each.encode()) for each in keys])


def new_key() -> str:
    """40 bytes as URL-safe text, with the platform's signature, which scanners for leaked keys look for."""
    return urlsafe_b64encode(secrets.token_bytes(33) + SIGNATURE + secrets.token_bytes(4)).decode()


def read(path: Path) -> dict[str, dict[str, str]]:
    try:
        keys = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StartError(f"{path}: the keys cannot be read ({error}). Delete the file to get new ones.") from error
    return {str(scope): {str(name): str(value) for name, value in named.items()} for scope, named in keys.items()}


def write(path: Path, keys: Mapping[str, Mapping[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(keys, file, indent=2)
    fresh.replace(path)
