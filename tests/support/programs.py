"""A small language of orchestrations: JSON trees that one orchestrator plays with the SDK, and their meaning.

A program is `{"salt": text, "steps": [step...]}`; its result is the list of what its steps came to.

    step  ["do", task]         the task's value, or "failed"
          ["drain", [task...]] all values in order, waited for one at a time, whichever comes first
          ["race", [task...]]  the winner's value, and that of an activity which is given it
          ["timeout", task]    the task's value; the timer beside it is cancelled
          ["status", value]    adds nothing
          ["throw"]            fails the program
          ["again", [step...]] continues as new with these steps
    task  ["act", value, delay]  ["fail", delay]  ["timer", delay]  ["event", name]  ["all", [task...]]
          ["any", [task...]]  ["retry", key, failures, tries, value]  ["sub", [step...], id or null]
          ["retried sub", key, failures, [step...]]

Delays are milliseconds. An event carries its own name; "failures" null means that every try fails.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import azure.durable_functions as df
from azure.durable_functions import DurableOrchestrationContext as Context
from azure.durable_functions.models.Task import TaskBase

from tests.support.engines import Functions

Tree: TypeAlias = list[Any]
FAILED = "failed"

# Played with the SDK


def play(context: Context) -> Generator[Any, Any, Any]:
    given = context.get_input()
    results = [*given.get("results", ())]
    for step in given["steps"]:
        match step:
            case ["do", task]:
                results.append((yield from _caught(_task(context, given, task))))
            case ["drain", tasks]:
                results.append((yield from _drained(context, [_task(context, given, task) for task in tasks])))
            case ["race", tasks]:
                winner = yield context.task_any([_task(context, given, task) for task in tasks])
                results.append([_plain(winner), (yield context.call_activity("Echo", [_plain(winner), 0]))])
            case ["timeout", task]:
                results.append((yield from _in_time(context, _task(context, given, task))))
            case ["status", value]:
                context.set_custom_status(value)
            case ["throw"]:
                raise ValueError("thrown")
            case ["again", steps]:
                return context.continue_as_new({**given, "steps": steps, "results": results})
    return results


def _caught(task: TaskBase) -> Generator[Any, Any, Any]:
    try:
        return _plain((yield task))
    except Exception:
        return FAILED


def _drained(context: Context, tasks: Sequence[TaskBase]) -> Generator[Any, Any, Any]:
    left = [*tasks]
    while left:
        left.remove((yield context.task_any(left)))
    return [_plain(task.result) for task in tasks]


def _in_time(context: Context, task: TaskBase) -> Generator[Any, Any, Any]:
    alarm = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    winner = yield context.task_any([task, alarm])
    alarm.cancel()
    return _plain(winner)


def _task(context: Context, given: Mapping[str, Any], task: Tree) -> TaskBase:
    match task:
        case ["act", value, delay]:
            return context.call_activity("Echo", [value, delay])
        case ["fail", delay]:
            return context.call_activity("Fail", delay)
        case ["timer", delay]:
            return context.create_timer(context.current_utc_datetime + timedelta(milliseconds=delay))
        case ["event", name]:
            return context.wait_for_external_event(name)
        case ["all", tasks]:
            return context.task_all([_task(context, given, one) for one in tasks])
        case ["any", tasks]:
            return context.task_any([_task(context, given, one) for one in tasks])
        case ["retry", key, failures, tries, value]:
            asked = [f"{given['salt']}/{key}", failures, value]
            return context.call_activity_with_retry("Flaky", df.RetryOptions(1, tries), asked)
        case ["sub", steps, suffix]:
            child = {"salt": given["salt"], "steps": steps}
            return context.call_sub_orchestrator("Play", child, suffix and f"{context.instance_id}-{suffix}")
        case ["retried sub", key, failures, steps]:
            risky = ["do or fail", key, failures]
            child = {"salt": given["salt"], "steps": steps, "risk": risky}
            return context.call_sub_orchestrator_with_retry("PlayRisky", df.RetryOptions(1, 3), child)
    raise AssertionError(f"no such task: {task}")


def play_risky(context: Context) -> Generator[Any, Any, Any]:
    given = context.get_input()
    _, key, failures = given["risk"]
    yield context.call_activity("Flaky", [f"{given['salt']}/{key}", failures, None])
    return (yield from play(context))


def _plain(value: Any) -> Any:
    """What a task came to as JSON: only `any` gives a task, its winner."""
    match value:
        case TaskBase():
            return _plain(value.result)
        case Exception():
            return FAILED
        case list():
            return [_plain(one) for one in value]
    return value


class Activities:
    """They remember how often they were tried, as the world outside would."""

    def __init__(self) -> None:
        self._tries: Counter[str] = Counter()

    async def echo(self, given: Tree) -> Any:
        value, delay = given
        await asyncio.sleep(delay / 1000)
        return value

    async def fail(self, delay: float) -> None:
        await asyncio.sleep(delay / 1000)
        raise ValueError("failed on purpose")

    def flaky(self, given: Tree) -> Any:
        key, failures, value = given
        self._tries[key] += 1
        if failures is None or self._tries[key] <= failures:
            raise ValueError(f"try {self._tries[key]}")
        return value


def functions() -> Functions:
    activities = Activities()
    return Functions(
        orchestrators={"Play": play, "PlayRisky": play_risky},
        activities={"Echo": activities.echo, "Fail": activities.fail, "Flaky": activities.flaky},
    )


# Understood without it


class Thrown(Exception):
    """The program fails."""


@dataclass(frozen=True)
class OneOf:
    """Whichever came first."""

    values: tuple[Any, ...]


def meaning(steps: Sequence[Tree]) -> list[Any]:
    """What a program comes to. Raises Thrown."""
    results: list[Any] = []
    for step in steps:
        match step:
            case ["do", task]:
                try:
                    results.append(_value(task))
                except Thrown:
                    results.append(FAILED)
            case ["drain", tasks]:
                results.append([_settled(task) for task in tasks])
            case ["race", tasks]:
                results.append(OneOf(tuple([_settled(task)] * 2 for task in tasks)))
            case ["timeout", task]:
                results.append(_settled(task))
            case ["throw"]:
                raise Thrown
            case ["again", following]:
                results += meaning(following)
    return results


def _settled(task: Tree) -> Any:
    try:
        return _value(task)
    except Thrown:
        return FAILED


def _value(task: Tree) -> Any:
    match task:
        case ["act", value, _] | ["event", value]:
            return value
        case ["timer", _]:
            return None
        case ["all", tasks]:
            return [_value(one) for one in tasks]
        case ["any", tasks]:
            return OneOf(tuple(_settled(one) for one in tasks))
        case ["retry", _, int(failures), tries, value] if failures < tries:
            return value
        case ["sub", steps, _]:
            return meaning(steps)
        case ["retried sub", _, int(failures), steps] if failures < 3:
            return meaning(steps)
    raise Thrown


def fits(expected: Any, found: Any) -> bool:
    match expected:
        case OneOf(values):
            return any(fits(value, found) for value in values)
        case list():
            return isinstance(found, list) and len(expected) == len(found) and all(map(fits, expected, found))
    return bool(expected == found)


def events_of(steps: Sequence[Tree]) -> Iterator[str]:
    """The names of all events that the program itself waits for."""
    for node in steps:
        match node:
            case ["event", name]:
                yield name
            case ["sub", *_] | ["retried sub", *_]:
                continue
            case list():
                yield from events_of(node)


def last_status(steps: Sequence[Tree]) -> str | None:
    """The custom status that the last execution sets, as JSON text; None if it sets none."""
    found = None
    for step in steps:
        match step:
            case ["status", value]:
                found = json.dumps(value)
            case ["again", following]:
                return last_status(following)
    return found
