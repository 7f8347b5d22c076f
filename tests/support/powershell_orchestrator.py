"""What the Durable SDKs of PowerShell do with an orchestrator's input, and how their answers look on the wire.

Written after their classes: `OrchestrationMessage`, the actions, and how a task finds its events in the history. A
script is a generator here: it yields an Activity, a Timer or an Event, is sent the result, and returns the output.
"""

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

MARKER = "\n\n$OutOfProcData$:"
FAILED, FIRED, RAISED, DONE = 6, 11, 15, 5
SCHEDULED, CREATED, STARTED = 4, 10, 12
RETRIES = {"firstRetryIntervalInMilliseconds": 10, "maxNumberOfAttempts": 3}


class ActivityFailed(Exception):
    """What a script sees of it: a record of an error."""


class ScriptFailed(Exception):
    """The text of the exception that the worker reports."""


@dataclass
class Activity:
    name: str
    input: Any
    is_retried: bool = False

    def action(self, now: datetime) -> dict[str, Any]:
        found = {"FunctionName": self.name, "Input": self.input, "ActionType": 1 if self.is_retried else 0}
        return {**found, "RetryOptions": RETRIES} if self.is_retried else found

    def end(self, history: "History", now: datetime) -> dict[str, Any] | None:
        """With retries the one that succeeded, else the last that failed."""
        ends = []
        while (scheduled := history.find(SCHEDULED, name=self.name)) is not None:
            end = history.answer(scheduled, (DONE, FAILED))
            if end is None or not self.is_retried or end["eventtype"] == DONE:
                return end
            ends.append(end)
            if len(ends) == RETRIES["maxNumberOfAttempts"]:
                return end
        return None


@dataclass
class Timer:
    seconds: float

    def action(self, now: datetime) -> dict[str, Any]:
        return {"FireAt": self._due(now), "IsCanceled": False, "ActionType": 5}

    def _due(self, now: datetime) -> str:
        return (now + timedelta(seconds=self.seconds)).isoformat() + "Z"

    def end(self, history: "History", now: datetime) -> dict[str, Any] | None:
        created = history.find(CREATED)
        return history.answer(created, (FIRED,), "timerid") if created else None


@dataclass
class Event:
    name: str

    def action(self, now: datetime) -> dict[str, Any]:
        return {"ExternalEventName": self.name, "Reason": "ExternalEvent", "ActionType": 6}

    def end(self, history: "History", now: datetime) -> dict[str, Any] | None:
        return history.find(RAISED, name=self.name)


class History:
    """Events under names in lower case, as .NET reads them. Each is found once."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self._events = [{name.lower(): value for name, value in event.items()} for event in events]
        self._found: set[int] = set()
        self.lacks_last = False
        """Whether the task that is waited for is not scheduled yet: the module is "done" where nothing is lacking."""

    def find(self, kind: int, **wanted: object) -> dict[str, Any] | None:
        for at, event in enumerate(self._events):
            if at not in self._found and event["eventtype"] == kind and wanted.items() <= event.items():
                self._found.add(at)
                self.lacks_last = False
                return event
        self.lacks_last = kind in (SCHEDULED, CREATED)
        return None

    def answer(
        self, scheduled: dict[str, Any], kinds: tuple[int, ...], member: str = "taskscheduledid"
    ) -> dict[str, Any] | None:
        wanted = {member: scheduled["eventid"]}
        return next((found for kind in kinds if (found := self.find(kind, **wanted))), None)


Step = Activity | Timer | Event
Script = Callable[["Context"], Generator[Step, Any, Any]]


class Context:
    def __init__(self, given: Mapping[str, Any]) -> None:
        self.input, self.custom_status = given["input"], None


def play(text: str, script: Script, *, is_external: bool = False) -> str:
    """The answer to an orchestration trigger. Raises ScriptFailed."""
    given = json.loads(text)
    if is_external:  # Newtonsoft looks for the type of an object in its first member alone
        names = [next(iter(event)) for event in given["history"]]
        kinds = {event["$type"] for event in given["history"]}
        assert set(names) == {"$type"} and "DurableTask.Core.History.ExecutionStartedEvent, DurableTask.Core" in kinds
    history, context = History(given["history"]), Context(given)
    started = history.find(STARTED)
    assert started
    now = datetime.fromisoformat(started["timestamp"].rstrip("Z")[:26])
    actions: list[dict[str, Any]] = []
    running = script(context)
    try:
        step = next(running)
        while True:
            actions.append(step.action(now))
            if (end := step.end(history, now)) is None:
                return _answer(context, actions, is_external, is_done=is_external and not history.lacks_last)
            if end["eventtype"] == FAILED:
                step = running.throw(ActivityFailed(end["reason"]))
            else:
                step = running.send(json.loads(end.get("result") or end.get("input") or "null"))
    except StopIteration as done:
        return _answer(context, actions, is_external, is_done=True, output=done.value)
    except ActivityFailed as error:
        state = _answer(context, actions, is_external, is_done=False, error=str(error))
        raise ScriptFailed(f"{error}{MARKER}{state}") from None


def _answer(
    context: Context,
    actions: list[dict[str, Any]],
    is_external: bool,
    *,
    is_done: bool,
    output: Any = None,
    error: str | None = None,
) -> str:
    """The worker's own SDK makes a list of each wait, the external one a single list."""
    told = {
        "IsDone": is_done,
        "Actions": [actions] if is_external else [[each] for each in actions],
        "Output": output,
        "Error": error,
        "CustomStatus": context.custom_status,
    }
    return json.dumps({**told, "SchemaVersion": 1} if is_external else told)


# --- scripts


def hello_cities(context: Context) -> Generator[Step, Any, Any]:
    output = []
    for city in ("Tokyo", "Seattle", "London"):
        output.append((yield Activity("Hello", city)))
        context.custom_status = city
    return output


def careful(context: Context) -> Generator[Step, Any, Any]:
    """Waits, is told, and takes a failure for an answer."""
    context.custom_status = {"Step": 1, "isDone": False}
    yield Timer(0.01)
    told = yield Event("Approval")
    try:
        yield Activity("Fail", {"ActionType": "of the user"}, is_retried=True)
    except ActivityFailed as error:
        return {"Told": told, "error": str(error)}


def careless(context: Context) -> Generator[Step, Any, Any]:
    context.custom_status = "before"
    yield Activity("Fail", 1)


SCRIPTS: Mapping[str, Script] = {"hello_cities": hello_cities, "careful": careful, "careless": careless}
