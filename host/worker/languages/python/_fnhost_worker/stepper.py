"""A replay of an orchestrator that notes its steps: where it stands, what it waits for, its custom status.

The SDK's own executor runs the user's code over the history, as in an episode; only the generator that it drives is
wrapped. No activity runs, nothing is stored. It rests on names inside the SDK that are not public: where one is
missing, the answer alone is recorded.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import linecache
import threading
import time
import types
import warnings
from typing import Any, Callable, Generator, Iterator

from . import times
from .errors import title

Json = dict[str, Any]
EXECUTOR = "azure.durable_functions.models.TaskOrchestrationExecutor"
CONTEXT = "azure.durable_functions.models.DurableOrchestrationContext"
LONGEST_TEXT = 200
LONGEST_LINE = 300
MOST_STEPS = 20_000


class OverTime(BaseException):
    """Set in the thread of a recording that takes too long. User code that catches Exception lets it pass."""


class NoSteps(Exception):
    """The steps cannot be taken; the text says why. The answer can be had."""


def record(call: Callable[..., Any], payload: str, mode: str, seconds: float) -> Json:
    """Replay `payload`, the JSON that an orchestrator is called with, and note its steps unless `mode` is `answer`.

    `call` is the loaded function. Raises OverTime after `seconds`, and what an orchestrator raises that has no steps.
    """
    begun = time.monotonic()
    with ending_after(seconds), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recorded = _recorded(call, payload, mode)
    return {**recorded, "sdk": sdk_version(), "ms": (time.monotonic() - begun) * 1000}


def _recorded(call: Callable[..., Any], payload: str, mode: str) -> Json:
    if mode == "answer":
        return {"mode": mode, "answer": call(payload)}
    try:
        replay = Replay(call, payload)
    except NoSteps as reason:
        return {"mode": "answer", "note": str(reason), "answer": call(payload)}
    return {"mode": "yields", **replay.run()}


@contextlib.contextmanager
def ending_after(seconds: float) -> Iterator[None]:
    """Raise OverTime in this thread when the block takes longer. It comes with the next line of Python that runs."""
    thread, lock, is_over = threading.get_ident(), threading.Lock(), False

    def end() -> None:
        with lock:
            if not is_over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(OverTime))

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            is_over = True
        timer.cancel()


class Replay:
    """One replay, prepared: the SDK's context and executor, and the user's function."""

    def __init__(self, call: Callable[..., Any], payload: str) -> None:
        """Raises NoSteps."""
        self._function = user_function(call)
        times.install_fast_parser()
        try:
            modules = [__import__(name, fromlist=["*"]) for name in (EXECUTOR, CONTEXT)]
            self._executor = modules[0].TaskOrchestrationExecutor()
            self._context = modules[1].DurableOrchestrationContext.from_json(payload)
            self._events = NumberedEvents(self._context.histories)
            self._context._input_expected_type = getattr(call, "_df_input_type", None)
            self._count()
        except (ImportError, AttributeError, TypeError) as error:
            raise NoSteps(f"This version of the Durable SDK has other insides: {title(error)}") from error
        self._places = Places()
        self._steps: list[Json] = []
        self._end: Json | None = None
        self._cut = 0

    def run(self) -> Json:
        answer, failure = None, None
        try:
            answer = self._executor.execute(self._context, self._events, self._drive)
        except Exception as error:
            failure = {"message": str(error)}
        if self._steps:
            self._steps[-1]["actions_after"] = self._count()
        return {
            "answer": answer,
            "failure": failure,
            "steps": self._steps,
            "end": self._end,
            "places": self._places.listed,
            "cut": self._cut,
        }

    def _count(self) -> int:
        """How many actions the SDK has listed so far, in the flat order in which the host reads them."""
        return sum(len(each) if isinstance(each, list) else 1 for each in self._context._actions)

    def _drive(self, context: Any) -> Any:
        """What the user's function returns; a generator is one that takes a step at each `yield`."""
        try:
            made = self._function(context)
        except Exception as error:
            self._note_raised(error)
            raise
        if isinstance(made, types.GeneratorType):
            return self._driven(made)
        self._note_returned(made)
        return made

    def _driven(self, inner: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        resume: Callable[[Any], Any] = inner.send
        value: Any = None
        kind = "start"
        while True:
            try:
                awaited = resume(value)
            except StopIteration as stop:
                self._note_returned(stop.value)
                return stop.value
            except Exception as error:
                self._note_raised(error)
                raise
            self._note_step(inner, awaited, kind)
            try:
                value = yield awaited
                resume, kind = inner.send, "value"
            except GeneratorExit:  # the SDK lets go of an orchestration that waits: that is no step
                inner.close()
                raise
            except Exception as error:
                resume, value, kind = inner.throw, error, "error"

    def _note_step(self, inner: Generator[Any, Any, Any], awaited: Any, kind: str) -> None:
        before = self._count()
        if self._steps:
            self._steps[-1]["actions_after"] = before
        if len(self._steps) >= MOST_STEPS:
            self._cut += 1
            return
        self._steps.append(
            {
                "event": self._events.number,
                "received": kind,
                "frames": [self._places.number(frame) for frame in suspended_frames(inner)],
                "awaits": awaited_task(awaited),
                "actions_before": before,
                "actions_after": before,
                "custom_status": self._status(),
            }
        )

    def _note_raised(self, error: BaseException) -> None:
        frames = [
            self._places.number_of(frame.tb_frame.f_code, frame.tb_lineno) for frame in users_of(error.__traceback__)
        ]
        self._note_end("raised", title(error), frames)

    def _note_returned(self, value: Any) -> None:
        self._note_end("returned", short(value), [])

    def _note_end(self, kind: str, text: str, frames: list[int]) -> None:
        event, status = self._events.number, self._status()
        self._end = {"kind": kind, "text": text, "frames": frames, "event": event, "custom_status": status}

    def _status(self) -> str | None:
        """JSON text; None while there is none."""
        status = self._context.custom_status
        if status is None:
            return None
        try:
            return json.dumps(status)
        except (TypeError, ValueError):
            return json.dumps(short(status))


class NumberedEvents(list):  # type: ignore[type-arg]
    """A history that knows which of its events is being looked at last."""

    number = -1

    def __iter__(self) -> Iterator[Any]:
        for number, event in enumerate(super().__iter__()):
            self.number = number
            yield event


class Places:
    """Lines of source, each once."""

    def __init__(self) -> None:
        self.listed: list[Json] = []
        self._numbers: dict[tuple[Any, int], int] = {}

    def number(self, frame: types.FrameType) -> int:
        return self.number_of(frame.f_code, frame.f_lineno)

    def number_of(self, code: types.CodeType, line: int) -> int:
        known = self._numbers.get((code, line))
        if known is not None:
            return known
        source = linecache.getline(code.co_filename, line).rstrip("\n")[:LONGEST_LINE]
        self.listed.append({"file": code.co_filename, "line": line, "function": code.co_name, "source": source})
        number = self._numbers[code, line] = len(self.listed) - 1
        return number


def user_function(call: Callable[..., Any]) -> Callable[..., Any]:
    """The generator function behind what `Orchestrator.create` made. Raises NoSteps."""
    found = getattr(call, "orchestrator_function", None)
    if found is None:
        names = getattr(getattr(call, "__code__", None), "co_freevars", ())
        cells = getattr(call, "__closure__", None) or ()
        found = dict(zip(names, (cell.cell_contents for cell in cells))).get("fn")
    if not callable(found):
        raise NoSteps("The function is not one that the Durable SDK has made.")
    return found  # type: ignore[no-any-return]


def suspended_frames(generator: Any) -> list[types.FrameType]:
    """The innermost frame first: helpers that the orchestrator delegates to with `yield from` are frames too."""
    frames: list[types.FrameType] = []
    while generator is not None:
        frame = getattr(generator, "gi_frame", None)
        if frame is None:
            break
        frames.insert(0, frame)
        generator = generator.gi_yieldfrom
    return frames


def users_of(trace: types.TracebackType | None) -> list[types.TracebackType]:
    """The entries of a traceback that are not this module's, the innermost first."""
    found: list[types.TracebackType] = []
    while trace is not None:
        if trace.tb_frame.f_code.co_filename != __file__:
            found.insert(0, trace)
        trace = trace.tb_next
    return found


def awaited_task(awaited: Any) -> Json:
    """What was yielded: the kind of its action, its name, and the ids of the tasks in it."""
    action = getattr(awaited, "action_repr", None)
    kind = type(action).__name__ if action is not None else type(awaited).__name__
    name = next((getattr(action, key) for key in NAMES if isinstance(getattr(action, key, None), str)), None)
    return {"kind": kind, "name": name, "ids": list(task_ids(awaited))[:LONGEST_TEXT]}


NAMES = ("function_name", "external_event_name", "operation", "entity_id")


def task_ids(awaited: Any) -> Iterator[str]:
    children = getattr(awaited, "children", None)
    if isinstance(children, list):
        for child in children:
            yield from task_ids(child)
    elif getattr(awaited, "id", None) is not None:
        yield str(awaited.id)


def short(value: Any) -> str:
    """Raises nothing, whatever the value's own `__repr__` does."""
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def sdk_version() -> str:
    from importlib import metadata

    try:
        return f"python azure-functions-durable {metadata.version('azure-functions-durable')}"
    except metadata.PackageNotFoundError:
        return "python"
