"""The keys of an app, kept in one JSON file that only its owner may read (platform/keys-and-admin.md 2)."""

import hmac
import json
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeAlias

from fnhost.host.errors import StartError
from fnhost.host.system.private_files import STATE_FOLDER, private_folder, write_private

HOST, SYSTEM, MASTER = "host", "system", "_master"
FILE = Path(STATE_FOLDER, "keys.json")
"""Where an app keeps its keys."""
LONGEST = 1024
"""Characters of a key, or of its name."""
MOST_BYTES = 4_000_000
SIGNATURE = b64decode("AzFu")
NEW_ONES = "Mend the file, or delete it to get new keys."
BAD_TEXT = f"Names and values of keys are texts of 1 to {LONGEST} characters that can be printed."

KeysByScope: TypeAlias = Mapping[str, Mapping[str, str]]


def function_scope(function: str) -> str:
    return f"function/{function.lower()}"


class Keys:
    """Named keys by scope: `host`, `system`, and one scope for each function. Made when first asked for.

    What makes or changes a key raises StartError if the file cannot be written or has become unreadable. What checks
    a key raises nothing.
    """

    def __init__(self, path: Path) -> None:
        """Raises StartError if the file holds something else than keys."""
        self._path = path
        self._unreadable: StartError | None = None
        self._version = version_of(path)
        self._keys = read(path)

    @classmethod
    def of_app(cls, root: Path) -> Self:
        """Raises StartError."""
        return cls(root / FILE)

    def of(self, scope: str) -> Mapping[str, str]:
        for name in {HOST: (MASTER, "default"), SYSTEM: ()}.get(scope, ("default",)):
            self._make(scope, name)
        return self._read(scope)

    def system(self, extension: str) -> str:
        """The key of an extension's webhook: what stands behind `code=` in the links it hands out."""
        return self._make(SYSTEM, f"{extension}_extension")

    def is_master(self, key: str) -> bool:
        return matches(key, self._known(HOST, MASTER))

    def admits(self, level: str, function: str, key: str) -> bool:
        """Whether `key` opens a function of that authLevel."""
        if level == "anonymous" or self.is_master(key):
            return True
        scopes = (HOST, function_scope(function))
        return level == "function" and matches(key, [each for scope in scopes for each in self._known(scope)])

    def admits_extension(self, extension: str, key: str) -> bool:
        return self.is_master(key) or matches(key, self._known(SYSTEM, f"{extension}_extension"))

    def put(self, scope: str, name: str, value: str | None = None) -> bool:
        """Set a key, to a new value unless one is given. True when there was none of that name.

        Raises ValueError if name or value is no `is_key_text`.
        """
        value = new_key() if value is None else value
        if not is_key_text(name) or not is_key_text(value):
            raise ValueError(BAD_TEXT)
        named = self._read(scope)
        self._save({**self._keys, scope: {**named, name: value}})
        return name not in named

    def drop(self, scope: str, name: str) -> None:
        kept = {each: value for each, value in self._read(scope).items() if each != name}
        self._save({**self._keys, scope: kept})

    def _make(self, scope: str, name: str) -> str:
        if name not in self._read(scope):
            self.put(scope, name)
        return self._keys[scope][name]

    def _known(self, scope: str, *names: str) -> list[str]:
        """The values of these keys, of all in the scope if none is named; none if they cannot be made."""
        try:
            return [self._make(scope, name) for name in names] if names else list(self.of(scope).values())
        except StartError:
            return []

    def _read(self, scope: str) -> Mapping[str, str]:
        """What the file holds now: `fnhost keys` may have changed it. While it is unreadable, the keys before count."""
        if (version := version_of(self._path)) != self._version:
            self._version = version
            try:
                self._keys, self._unreadable = read(self._path), None
            except StartError as error:
                self._unreadable = error
        return self._keys.get(scope, {})

    def _save(self, keys: KeysByScope) -> None:
        """Raises StartError."""
        if self._unreadable:
            raise self._unreadable
        private_folder(self._path.parent)
        write_private(self._path, json.dumps(keys, indent=2).encode())
        self._keys, self._version = keys, version_of(self._path)


def version_of(path: Path) -> tuple[int, int]:
    """A value that changes whenever the file is written."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_ino)


def is_key_text(text: str) -> bool:
    """Whether it can be a key or its name: no control character, no half of a character."""
    return 0 < len(text) <= LONGEST and text.isprintable()


def matches(key: str, keys: list[str]) -> bool:
    """Takes as long for a wrong key as for a right one."""
    given = key.encode("utf-8", "surrogatepass")
    return any([hmac.compare_digest(given, each.encode()) for each in keys])


def new_key() -> str:
    """40 bytes as URL-safe text, with the platform's signature, which scanners for leaked keys look for."""
    return urlsafe_b64encode(secrets.token_bytes(33) + SIGNATURE + secrets.token_bytes(4)).decode()


def read(path: Path) -> KeysByScope:
    """The keys in the file; none if there is none. Raises StartError, which never shows a key."""
    try:
        with path.open("rb") as file:
            keys = json.loads(file.read(MOST_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from error
    if fault := next(_faults(keys), ""):
        raise _unreadable(path, fault)
    return dict(keys)


def _unreadable(path: Path, reason: str) -> StartError:
    return StartError(f"{path}: the keys cannot be read ({reason}). {NEW_ONES}")


def _faults(keys: Any) -> Iterator[str]:
    """What keeps it from being objects of keys by scope."""
    if not isinstance(keys, dict):
        yield "the file must hold an object"
        return
    for scope, named in keys.items():
        if not isinstance(named, dict):
            yield f"{scope!a} must hold an object with keys by name"
            continue
        for name, value in named.items():
            if not is_key_text(name) or not isinstance(value, str) or not is_key_text(value):
                yield f"the key {name!a} of {scope!a} is no text that can be printed"
