"""`fnhost keys list|set|delete`: the keys that `fnhost start --enable-auth` demands (platform/keys-and-admin.md 2)."""

from pathlib import Path

from fnhost.host.errors import StartError
from fnhost.host.web.keys import HOST, MASTER, SYSTEM, Keys, function_scope


def list_keys(root: Path, function: str | None, system: bool) -> int:
    named = _keys(root).of(_scope(function, system))
    for name, value in named.items():
        print(f"{name}\t{value}")
    return 0


def set_key(root: Path, name: str, value: str | None, function: str | None, system: bool) -> int:
    """Set a key, to a new value unless one is given, and print it."""
    keys, scope = _keys(root), _scope(function, system)
    keys.put(scope, name, value)
    print(f"{name}\t{keys.of(scope)[name]}")
    return 0


def delete_key(root: Path, name: str, function: str | None, system: bool) -> int:
    """Raises StartError."""
    keys, scope = _keys(root), _scope(function, system)
    if scope == SYSTEM or name == MASTER:
        raise StartError(f"The key '{name}' cannot be deleted: the host needs it. Give it a new value with keys set.")
    if name not in keys.of(scope):
        raise StartError(f"There is no key '{name}' here. Known: {', '.join(keys.of(scope))}.")
    keys.drop(scope, name)
    return 0


def _keys(root: Path) -> Keys:
    return Keys.of_app(root)


def _scope(function: str | None, system: bool) -> str:
    return SYSTEM if system else function_scope(function) if function else HOST
