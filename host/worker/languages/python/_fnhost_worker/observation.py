"""An invocation that is only looked at: a replay in a thread of its own, beside the episodes that count."""

from __future__ import annotations

import contextvars
import json
from typing import Any

from .context import QUIET
from .errors import stack, title
from .forks import end_child
from .signature import Function
from .threads import ThreadPool
from .wire import Blobs, Message, Wire, get_text

LONGEST_MS = 5000


class Observations:
    """One at a time: `invocationRequest.observe` is `{"mode": "answer" | "yields", "limit_ms": n}`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._threads = ThreadPool(1)

    def take(self, function: Function, request: Message, blobs: bytes) -> None:
        context = contextvars.Context()
        self._threads.submit(lambda: context.run(self._observe, function, request, blobs))

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


def _payload(request: Message, blobs: bytes) -> str:
    """The trigger's value: the only input of an orchestrator."""
    (entry,) = request["inputData"]
    ((_, value),) = entry["data"].items()
    return get_text(value, blobs)
