"""Settings of Azure's Python worker that do nothing here, or not what they seem to: a sentence for each.

Rules from platform/python-worker.md 7.
"""

from collections.abc import Iterator
from pathlib import Path

from fnhost.host.app import Settings
from fnhost.host.worker.toolchains.indexing import PYTHON_FILE, is_index_file_name

THREADS, DEFAULT_THREADS = "PYTHON_THREADPOOL_THREAD_COUNT", 1000
TELEMETRY = "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"
OFF = frozenset(("", "0", "false", "f", "no", "n"))
SHARED_MEMORY = "values travel between host and worker over a socket, whatever their size"
PACKAGES = "the worker has no packages of its own, so the app's are always the ones that are used"
NOT_EXPORTED = "no telemetry is sent to Application Insights. Call configure_azure_monitor() in the app to send it"
WITHOUT_EFFECT = {
    "PYTHON_ISOLATE_WORKER_DEPENDENCIES": PACKAGES,
    "PYTHON_EXTENSIONS_RELOAD_FUNCTIONS": PACKAGES,
    "PYTHON_ENABLE_INIT_INDEXING": "functions are always listed once the worker has started",
    "PYTHON_ROLLBACK_CWD_PATH": "the working directory is always the root of the app",
    "FUNCTIONS_WORKER_SHARED_MEMORY_DATA_TRANSFER_ENABLED": SHARED_MEMORY,
    "FUNCTIONS_UNIX_SHARED_MEMORY_DIRECTORIES": SHARED_MEMORY,
    "PYTHON_AZURE_MONITOR_LOGGER_NAME": NOT_EXPORTED,
}
"""Settings without effect, each with the reason."""


def setting_warnings(root: Path, settings: Settings) -> Iterator[str]:
    """A sentence for each setting that is on and has no effect, or that cannot be used as it is."""
    for name, reason in WITHOUT_EFFECT.items():
        if _is_given(settings, name):
            yield f"The setting {name} has no effect here: {reason}."
    if _is_given(settings, TELEMETRY):
        yield f"The setting {TELEMETRY} makes the caller's trace the parent of each function here, but {NOT_EXPORTED}."
    yield from _thread_warnings(settings.get(THREADS))
    yield from _file_warnings(root, settings.get(PYTHON_FILE))


def _is_given(settings: Settings, name: str) -> bool:
    return (settings.get(name) or "").strip().lower() not in OFF


def _thread_warnings(text: str | None) -> Iterator[str]:
    if text and not (text.strip().isdecimal() and int(text) > 0):
        yield f"The setting {THREADS} must be a whole number from 1 on; {DEFAULT_THREADS} is used."


def _file_warnings(root: Path, name: str | None) -> Iterator[str]:
    if name and not is_index_file_name(name):
        yield (
            f"The setting {PYTHON_FILE} must be the name of a Python file in the root of the app, such as "
            "function_app.py, without a folder: it is ignored, and functions are read from their folders."
        )
    elif name and not (root / name).is_file():
        yield f"The setting {PYTHON_FILE} names {name}, which the app does not have: functions are read from folders."
