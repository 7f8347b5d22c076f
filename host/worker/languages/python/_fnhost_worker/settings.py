"""The settings of Azure's Python worker that have an effect here (platform/python-worker.md 7)."""

from __future__ import annotations

import dataclasses
import logging
import sys
from typing import Mapping

DEFAULT_THREADS = 1000
TRUE, FALSE = ("true", "1", "t", "y", "yes"), ("false", "0", "f", "n", "no")
TELEMETRY = ("PYTHON_ENABLE_OPENTELEMETRY", "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY")
"""Each makes the caller's trace the parent of the function."""


@dataclasses.dataclass(frozen=True)
class WorkerSettings:
    """`threads` run sync functions, at most; `log_level` is that of the root logger.

    `traces_with` names the setting that asks for the caller's trace as the parent; empty if none does.
    """

    threads: int = DEFAULT_THREADS
    log_level: int = logging.INFO
    has_extensions: bool = False
    traces_with: str = ""


def read_settings(environment: Mapping[str, str]) -> WorkerSettings:
    """Extensions count as on under Python 3.9 unless the setting says otherwise, under newer ones as off."""
    return WorkerSettings(
        threads=_threads(environment.get("PYTHON_THREADPOOL_THREAD_COUNT", "")),
        log_level=_log_level(environment),
        has_extensions=_is_on(environment.get("PYTHON_ENABLE_WORKER_EXTENSIONS"), sys.version_info[:2] == (3, 9)),
        traces_with=next((name for name in TELEMETRY if _is_on(environment.get(name))), ""),
    )


def _threads(text: str) -> int:
    """The default for what is no number of threads; the host logs that when it starts."""
    try:
        return int(text) if int(text) > 0 else DEFAULT_THREADS
    except ValueError:
        return DEFAULT_THREADS


def _log_level(environment: Mapping[str, str]) -> int:
    """FNHOST_ENABLE_TRACE_LOGGING is the host's own, for what lies below Debug."""
    if not _is_on(environment.get("PYTHON_ENABLE_DEBUG_LOGGING")):
        return logging.INFO
    return logging.NOTSET + 1 if environment.get("FNHOST_ENABLE_TRACE_LOGGING") == "1" else logging.DEBUG


def _is_on(text: str | None, default: bool = False) -> bool:
    lowered = (text or "").strip().lower()
    return lowered in TRUE or (default and lowered not in FALSE)
