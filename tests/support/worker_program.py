"""The modules of the Python worker's program, for unit tests: they run under the app's interpreter, beside no host."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

PROGRAM = Path(__file__).parents[2] / "host/worker/languages/python"


def worker_module(name: str) -> ModuleType:
    if str(PROGRAM) not in sys.path:
        sys.path.append(str(PROGRAM))
    return importlib.import_module(f"_fnhost_worker.{name}")
