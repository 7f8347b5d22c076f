"""Orchestrators that answer as the JavaScript SDK does: what the Python SDK cannot ask, such as locks."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fnhost.bindings.contract import Event, Fire, Json, Outcome

Action = Mapping[str, Any]
Step = Callable[[Sequence[Any]], Action]
"""An action, made from the results so far."""
AWAITED = (6, 7, 13)


def scripted(*steps: Step) -> Fire:
    """A door to an orchestrator that takes one step after the other. Its output are the results of those awaited."""

    async def fire(event: Event) -> Outcome:
        history = json.loads(str(event.value))["history"]
        answers = iter([json.loads(each["Input"]) for each in history if each["EventType"] == 15])
        actions, results = list[Action](), list[Any]()
        for step in steps:
            actions.append(step(results))
            if actions[-1]["actionType"] in AWAITED:
                answer = next(answers, None)
                if answer is None:
                    return _answered(actions, isDone=False)
                results.append(_result(answer))
        return _answered(actions, isDone=True, output=results)

    return fire


def _answered(actions: Sequence[Action], **members: Any) -> Outcome:
    return Outcome(returned=Json(json.dumps({"actions": [actions], "schemaVersion": 3, **members})))


def _result(answer: Any) -> Any:
    try:
        return json.loads(answer["result"])
    except ValueError:
        return answer["result"]


def lock(*keys: str) -> Step:
    return lambda _: {"actionType": 13, "lockSet": [{"name": "Counter", "key": key} for key in keys]}


def call(key: str, operation: str, input: Any = None) -> Step:
    """`input` may be a function of the results so far."""

    def step(results: Sequence[Any]) -> Action:
        given = json.dumps(input(results) if callable(input) else input)
        return {"actionType": 7, "instanceId": f"@Counter@{key}", "operation": operation, "input": given}

    return step


def wait(name: str) -> Step:
    return lambda _: {"actionType": 6, "externalEventName": name}


def release(_: Sequence[Any]) -> Action:
    return {"actionType": 14}
