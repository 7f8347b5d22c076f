"""The app's settings: the shell's environment, then local.settings.json (platform/settings.md 3)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fnhost.bindings.schema import BOOLEAN, INTEGER, STRING, Violation, each, members, normalized, validate
from fnhost.host.app import Settings, separated
from fnhost.host.errors import Problem
from fnhost.host.load.documents import UnreadableFile, read_object

FILE = "local.settings.json"
ENVIRONMENT = "AZURE_FUNCTIONS_ENVIRONMENT"
CONNECTION_STRINGS = "ConnectionStrings__"
SCHEMA = members(
    IsEncrypted=BOOLEAN,
    Values=each({"type": ["string", "number", "boolean", "null"]}),
    Host=members(
        LocalHttpPort=INTEGER, LocalHttpAddress=STRING, CORS=STRING, CORSCredentials=BOOLEAN, AllowedHosts=STRING
    ),
    ConnectionStrings=each({"anyOf": [STRING, members("ConnectionString", ConnectionString=STRING)]}),
)


VALUE = "A value is a text, a number, true, false or null."
KINDS = {
    "values": VALUE,
    "connectionstrings": "A connection string is a text, or an object with a member ConnectionString.",
}
"""What the members of a section are, by its name in lower case."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """What local.settings.json says. `values` is empty if it cannot be used, and then `problems` says why."""

    values: Mapping[str, str | None] = field(default_factory=dict)
    host: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def read_local(root: Path) -> LocalSettings:
    if not (root / FILE).is_file():
        return LocalSettings()
    try:
        document = read_object(root / FILE)
    except UnreadableFile as error:
        return _unusable(root, [Violation(error.place, error.message)])
    if found := validate(SCHEMA, document) or list(_host_violations(document)):
        return _unusable(root, found)
    return _parsed(normalized(SCHEMA, document))


def _host_violations(document: Mapping[str, Any]) -> Iterator[Violation]:
    for name, value in normalized(SCHEMA, document).get("Host", {}).items():
        if isinstance(value, str) and not value.isprintable():
            yield Violation(f"/Host/{name}", "The text holds a character that cannot be printed.")


def likely(root: Path) -> LocalSettings:
    """The file's contents without validation, empty if it cannot be parsed. `read_local` validates."""
    try:
        return _parsed(normalized(SCHEMA, read_object(root / FILE)))
    except (OSError, UnreadableFile, AttributeError, KeyError, TypeError):
        return LocalSettings()


def merge(shell: Mapping[str, str], local: LocalSettings) -> Settings:
    """Both together; the shell's values win unless they are empty."""
    taken = _names_with_values(shell)
    fresh = {
        key: value for key, value in local.values.items() if key and value is not None and separated(key) not in taken
    }
    fresh[ENVIRONMENT] = shell.get(ENVIRONMENT) or "Development"
    environment = {**shell, **fresh}
    return Settings(environment, dict(_connection_strings(environment)), local.host)


def has_connection(settings: Settings, name: str) -> bool:
    """Whether a `connection` leads to a connection string or to an identity's section (platform/settings.md 5)."""
    sections = (f"azurewebjobs{name}__".lower(), f"{name}__".lower())
    keys = (separated(key).lower() for key, value in settings.environment.items() if value)
    return bool(settings.connection(name)) or any(key.startswith(sections) for key in keys)


def setting_warnings(root: Path, shell: Mapping[str, str], local: LocalSettings) -> Iterator[str]:
    """A warning for each value of local.settings.json that was not used."""
    if not (root / FILE).is_file():
        yield f"There is no {FILE} in '{root}': settings come from the shell's environment alone."
    taken = _names_with_values(shell)
    for key, value in local.values.items():
        if warning := _setting_warning(key, value, taken):
            yield warning


def _names_with_values(shell: Mapping[str, str]) -> frozenset[str]:
    return frozenset(separated(key) for key, value in shell.items() if value)


def _setting_warning(key: str, value: str | None, taken: frozenset[str]) -> str:
    if not key:
        return "Skipping local setting with empty key."
    if value is None:
        return f"Skipping '{key}' because value is null"
    if separated(key) in taken:
        return f"Skipping '{key}' from local settings as it's already defined in current environment variables."
    if key == ENVIRONMENT and value != "Development":
        return f"'{key}' in {FILE} is overridden: it is always Development here, unless the shell says otherwise."
    if key == "CONTAINER_NAME":
        return f"'{key}' in {FILE} is a reserved name of the cloud's containers. Remove it."
    return ""


def _unusable(root: Path, found: list[Violation]) -> LocalSettings:
    """One bad value and the whole file counts as empty (platform/settings.md 3): say which."""
    message = f"Failed to read app settings file at '{root / FILE}'."
    return LocalSettings(problems=tuple(_problem(message, fault) for fault in found))


def _problem(message: str, fault: Violation) -> Problem:
    """A fault of a value is told in words of our own: those of the schema's validator quote the value."""
    section = fault.pointer.lower().split("/")[1] if fault.pointer.startswith("/") else ""
    said = KINDS.get(section, fault.message)
    hint = "Values must be flat: write Section__Key for a hierarchy." if said == VALUE else ""
    return Problem(FILE, fault.pointer, f"{message} {said}", hint or "None of its settings are used.")


def _parsed(document: Mapping[str, Any]) -> LocalSettings:
    host = document.get("Host", {})
    values = {key: _text(value) for key, value in document.get("Values", {}).items()}
    for name, value in document.get("ConnectionStrings", {}).items():
        values[CONNECTION_STRINGS + name] = value if isinstance(value, str) else value["ConnectionString"]
    if values and document.get("IsEncrypted", True):
        return LocalSettings(host=host, problems=(_encrypted(document),))
    unusable = {key: reason for key, value in values.items() if (reason := _obstacle(key, value))}
    problems = tuple(_left_out(key, reason) for key, reason in unusable.items())
    return LocalSettings({key: value for key, value in values.items() if key not in unusable}, host, problems)


def _obstacle(key: str, value: str | None) -> str:
    """Why this cannot be an environment variable. The value itself is not told: it may be a secret."""
    if "=" in key:
        return "The name of a setting cannot hold '='."
    for what, text in (("name", key), ("value", value or "")):
        if "\0" in text:
            return f"The {what} of a setting cannot hold a NUL character."
        if not _is_unicode(text):
            return f"The {what} of this setting holds half of a character (a lone surrogate such as \\ud800)."
    return ""


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _left_out(key: str, reason: str) -> Problem:
    place = "/Values/" + key.replace("~", "~0").replace("/", "~1")
    return Problem(FILE, place, reason, "It is left out; the other settings are used.")


def _encrypted(document: Mapping[str, Any]) -> Problem:
    why = "IsEncrypted is true" if "IsEncrypted" in document else "IsEncrypted is missing, which means true"
    hint = 'None of them are used. Say "IsEncrypted": false and write them in plain text.'
    return Problem(FILE, "/IsEncrypted", f"The settings cannot be decrypted here: {why}.", hint)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _connection_strings(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in environment.items():
        if separated(key).lower().startswith(CONNECTION_STRINGS.lower()):
            yield separated(key)[len(CONNECTION_STRINGS) :], value
