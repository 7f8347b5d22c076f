"""An invocation that is only looked at: a replay in a thread of its own, beside the episodes that count."""

from __future__ import annotations

import contextvars
import json
import queue
import threading
from typing import Any, Callable

from .context import QUIET
from .errors import stack, title
from .forks import end_child
from .signature import Function
from .threads import run_job
from .wire import Blobs, Message, Wire, get_text

LONGEST_MS = 5000


class Observations:
    """One at a time: `invocationRequest.observe` is `{"mode": "answer" | "yields", "limit_ms": n}`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._is_started = False

    def take(self, function: Function, request: Message, blobs: bytes) -> None:
        context = contextvars.Context()
        self._jobs.put(lambda: context.run(self._observe, function, request, blobs))
        if not self._is_started:
            self._is_started = True
            untraced(threading.Thread(target=self._work, name="replays", daemon=True)).start()

    def _work(self) -> None:
        while True:
            run_job(self._jobs.get())

    def _observe(self, function: Function, request: Message, blobs: bytes) -> None:
        from . import stepper  # few need it

        QUIET.set(True)
        try:
            options = request["observe"]
            limit = min(float(options.get("limit_ms") or LONGEST_MS), LONGEST_MS) / 1000
            recording = stepper.record(function.call, _payload(request, blobs), options["mode"], limit)
            self._answer(request, {"status": "success"}, recording)
        except stepper.OverTime:
            self._fail(request, f"The replay took longer than {limit:g} s.", "")
        except BaseException as error:
            end_child(error)
            self._fail(request, title(error), stack(error))

    def _fail(self, request: Message, message: str, trace: str) -> None:
        self._answer(request, {"status": "failure", "exception": {"message": message, "stackTrace": trace}}, None)

    def _answer(self, request: Message, result: Message, recording: Any) -> None:
        blobs = Blobs()
        response = {
            "t": "invocationResponse",
            "invocationId": request["invocationId"],
            "result": result,
            "outputData": [],
            "returnValue": None,
        }
        if recording is not None:
            response["recording"] = blobs.put(json.dumps(recording, separators=(",", ":")).encode("utf-8", "replace"))
        self._wire.send(response, blobs)


def untraced(thread: threading.Thread) -> threading.Thread:
    """One that debugpy leaves alone: its breakpoints are meant for episodes. The second mark is for Python 3.12."""
    for mark in ("pydev_do_not_trace", "is_pydev_daemon_thread"):
        setattr(thread, mark, True)
    return thread


def _payload(request: Message, blobs: bytes) -> str:
    """The trigger's value: the only input of an orchestrator."""
    (entry,) = request["inputData"]
    ((_, value),) = entry["data"].items()
    return get_text(value, blobs)
