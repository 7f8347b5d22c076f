"""`fnhost settings`: list the settings of local.settings.json, set one, remove one."""

import os
import secrets
import stat
import sys
from contextlib import suppress
from getpass import getpass
from pathlib import Path
from typing import Any

from fnhost.bindings.spelling import did_you_mean
from fnhost.host.commands.settings.document import with_member, without_member
from fnhost.host.errors import StartError
from fnhost.host.load.documents import UnreadableFile, read_json, read_text
from fnhost.host.load.localsettings import CONNECTION_STRINGS, FILE, read_local
from fnhost.host.text import printable

HIDDEN = "*****"
VALUES, STRINGS, ENCRYPTED = "Values", "ConnectionStrings", "IsEncrypted"
PROVIDER = "System.Data.SqlClient"
"""The provider that the official tool writes beside a connection string."""
EMPTY = "{\n}\n"
NO_VALUE = "Give the setting's value: as an argument, typed at a terminal, or on standard input."


def list_settings(root: Path, *, show_values: bool) -> int:
    """Raises StartError if the file cannot be used."""
    values = _usable(root)
    strings = {name: value for name, value in values.items() if name.startswith(CONNECTION_STRINGS)}
    for title, part, prefix in (
        ("App Settings:", {name: value for name, value in values.items() if name not in strings}, ""),
        ("Connection Strings:", strings, CONNECTION_STRINGS),
    ):
        print(title)
        for name, value in part.items():
            print(f"   -> Name: {printable(name.removeprefix(prefix))}")
            print(f"      Value: {printable(value or '') if show_values else HIDDEN}\n")
    return 0


def add_setting(root: Path, name: str, value: str | None, *, is_connection_string: bool) -> int:
    """Raises StartError."""
    _require_name(name)
    value = _asked() if value is None else value
    text = _text(root)
    if not is_connection_string:
        text = with_member(text, (VALUES, name), value)
    elif isinstance(_section(text, STRINGS).get(name), dict):
        text = with_member(text, (STRINGS, name, "ConnectionString"), value)
    else:
        text = with_member(text, (STRINGS, name), {"ConnectionString": value, "ProviderName": PROVIDER})
    _write(root / FILE, text)
    return 0


def delete_setting(root: Path, name: str, *, is_connection_string: bool) -> int:
    """Raises StartError if there is no such setting."""
    section = STRINGS if is_connection_string else VALUES
    text = _text(root)
    known = list(_section(text, section))
    if name not in known:
        what = "connection string" if is_connection_string else "setting"
        hint = did_you_mean(name, known) or f"Known: {', '.join(known) or 'none'}."
        raise StartError(f"{FILE} has no {what} '{printable(name)}'. {hint}")
    _write(root / FILE, without_member(text, section, name))
    return 0


def setting_names(root: Path) -> list[str]:
    """Those of the app's settings; none where the file cannot be read."""
    return [name for name in read_local(root).values if not name.startswith(CONNECTION_STRINGS)]


def _require_name(name: str) -> None:
    if not name or "=" in name or "\0" in name:
        raise StartError("The name of a setting is a text without '=': it becomes an environment variable.")


def _asked() -> str:
    """Typed unseen at a terminal, else the first line of standard input. Raises StartError."""
    if sys.stdin is None or not sys.stdin.isatty():
        value = sys.stdin.readline().rstrip("\r\n") if sys.stdin else ""
    else:
        with suppress(EOFError):
            return getpass("Please enter the value: ")
        value = ""
    if not value:
        raise StartError(NO_VALUE)
    return value


def _usable(root: Path) -> "dict[str, str | None]":
    """Raises StartError."""
    local = read_local(root)
    if local.problems and not local.values:
        raise StartError("\n".join(map(str, local.problems)))
    return dict(local.values)


def _text(root: Path) -> str:
    """The file as it is, an empty object if there is none, with settings that are not encrypted. Raises StartError."""
    path = root / FILE
    try:
        text = read_text(path) if path.exists() else EMPTY
        document = read_json(text)
    except UnreadableFile as error:
        raise StartError(f"{FILE} {error}. Mend it first.") from error
    if not isinstance(document, dict):
        raise StartError(f"{FILE}: The file must hold an object. Mend it first.")
    encrypted = next((value for key, value in document.items() if key.lower() == ENCRYPTED.lower()), None)
    holds_some = any(_section(text, section) for section in (VALUES, STRINGS))
    if encrypted or (encrypted is None and holds_some):
        raise StartError(f'{FILE} is encrypted, or does not say that it is not. Say "{ENCRYPTED}": false in it first.')
    return text if encrypted is False else with_member(text, (ENCRYPTED,), False)


def _section(text: str, name: str) -> dict[str, Any]:
    document = read_json(text)
    found = next((value for key, value in document.items() if key.lower() == name.lower()), None)
    return found if isinstance(found, dict) else {}


def _write(path: Path, text: str) -> None:
    """In one step, with the permissions that the file has; through a link to where it leads. Raises StartError."""
    target = Path(os.path.realpath(path))
    fresh = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    try:
        fresh.write_text(text, "utf-8", newline="")
        with suppress(FileNotFoundError):
            fresh.chmod(stat.S_IMODE(target.stat().st_mode))
        fresh.replace(target)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise StartError(f"{path} cannot be written: {error.strerror}.") from error
