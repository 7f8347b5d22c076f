"""The input of an orchestration as its SDK reads it: what `get_input()` returns is what stands on the command line."""

import json
import os
from pathlib import Path

from fnhost.host.errors import AppError, StartError
from fnhost.host.load.app import load
from fnhost.host.load.localsettings import likely, merge
from fnhost.host.worker.toolchains import likely_toolchain

PYTHON = "python"


def input_for(root: Path, function: str, text: str) -> str:
    """`text` is JSON. Only objects are read alike by every SDK: for others the language of the function counts."""
    return text if is_object(text) else encoded_for(language_of(root, function), text)


def encoded_for(language: str, text: str) -> str:
    """`get_input()` in Python takes an object as it is, and decodes anything else, which must be a JSON string then.

    `func durable` makes such a string of every text.
    """
    return json.dumps(text) if language == PYTHON and not is_object(text) else text


def is_object(text: str) -> bool:
    return text.lstrip().startswith("{")


def language_of(root: Path, function: str) -> str:
    """As far as the app's files tell: functions that are declared in code are in its first language."""
    try:
        app = load(root, os.environ)
    except (AppError, StartError):
        return likely_toolchain(merge(os.environ, likely(root)), root).language
    named = (each.language for each in app.functions if each.name.lower() == function.lower())
    return next(named, next(iter(app.index_files), app.language))
