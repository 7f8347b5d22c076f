"""What declares a function: a folder, or a declaration in code."""

from typing import Protocol


class FunctionSource(Protocol):
    """`place` is the folder or file relative to the app, `file` what a problem of the function names."""

    @property
    def name(self) -> str: ...

    @property
    def place(self) -> str: ...

    @property
    def file(self) -> str: ...
