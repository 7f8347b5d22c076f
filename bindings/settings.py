"""One section of host.json's `extensions`, read value by value; every error names the value's place in the file."""

from collections.abc import Mapping
from typing import Any

from fnhost.bindings.contract import BindingError
from fnhost.bindings.schema import timespan


class Section:
    """Members match in any case; a member that is absent or null has its default. All readers raise BindingError."""

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        self._name = name
        self._members = {key.lower(): value for key, value in members.items() if value is not None}

    def whole(self, name: str, default: int, lowest: int = 0, highest: int = 2**31 - 1) -> int:
        """A whole number."""
        found = self._members.get(name.lower(), default)
        text = str(found)
        if isinstance(found, bool) or not text.removeprefix("-").isdecimal() or not lowest <= int(text) <= highest:
            raise self._wrong(name, found, f"Write a whole number from {lowest} to {highest}.")
        return int(text)

    def seconds(self, name: str, default: float, lowest: float = 0.0, highest: float = float("inf")) -> float:
        """The seconds of a time span."""
        found = self._members.get(name.lower())
        if found is None:
            return default
        try:
            value = timespan(str(found))
        except ValueError as error:
            raise self._wrong(name, found, "Write a time span like 00:00:05.") from error
        if not lowest <= value <= highest:
            raise self._wrong(name, found, f"Write a time span from {lowest:g} to {highest:g} seconds.")
        return value

    def choice(self, name: str, default: str, *others: str) -> str:
        """One of the texts, in their own spelling."""
        found, known = self._members.get(name.lower(), default), (default, *others)
        chosen = next((each for each in known if each.lower() == str(found).lower()), None)
        if chosen is None:
            raise self._wrong(name, found, f"Write {' or '.join(known)}.")
        return chosen

    def flag(self, name: str, default: bool) -> bool:
        found = self._members.get(name.lower(), default)
        if not isinstance(found, bool):
            raise self._wrong(name, found, "Write true or false.")
        return found

    def _wrong(self, name: str, found: object, hint: str) -> BindingError:
        return BindingError(f"host.json: extensions.{self._name}.{name} cannot be '{found}'. {hint}")
