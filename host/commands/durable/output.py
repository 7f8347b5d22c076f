"""What a command prints: documents for programs, text for people, and remarks, which go to standard error."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fnhost.host.text import json_line, printable

Form = Literal["table", "json", "ndjson"]


def say(line: str) -> None:
    """A remark: it never mixes with what a program reads."""
    print(printable(line), file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints in the form that was asked for."""

    form: Form = "table"

    @property
    def is_for_people(self) -> bool:
        return self.form == "table"

    def one(self, document: Any, text: str) -> None:
        """A document, or the text that stands for it."""
        self._print(text if self.is_for_people else self._json(document))

    def many(self, documents: Sequence[Any], text: str) -> None:
        """A list: with ndjson a line for each."""
        if self.form == "ndjson":
            for document in documents:
                self._print(json_line(document))
        else:
            self.one(documents, text)

    def change(self, document: Any, text: str) -> None:
        """One of several that come with time. A single document has no room for them: see `end`."""
        if self.form != "json":
            self.one(document, text)

    def end(self, document: Any, text: str) -> None:
        """What stands at the end of the changes, the last of them."""
        if self.form != "ndjson":
            self.one(document, text)

    def _json(self, document: Any) -> str:
        return json_line(document) if self.form == "ndjson" else json.dumps(document, indent=2)

    def _print(self, text: str) -> None:
        if text:
            print(printable(text), flush=True)


def width() -> int | None:
    """Columns to which tables are cut; None for a pipe or a file, where nothing is to be lost."""
    if not sys.stdout.isatty():
        return None
    return shutil.get_terminal_size().columns
