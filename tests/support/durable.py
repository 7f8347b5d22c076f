"""Functions of durable apps that several suites run."""

from tests.support.hosts import bindings

WEBHOOKS = "/runtime/webhooks/durabletask"
ORCHESTRATOR = bindings({"name": "context", "type": "orchestrationTrigger", "direction": "in"})
ACTIVITY = bindings({"name": "given", "type": "activityTrigger", "direction": "in"})

FAN_OUT = {
    "FanOut/function.json": ORCHESTRATOR,
    "FanOut/__init__.py": """
import azure.durable_functions as df


def orchestrate(context):
    count = context.get_input()["count"]
    squares = yield context.task_all([context.call_activity("Square", number) for number in range(count)])
    return sum(squares)


main = df.Orchestrator.create(orchestrate)
""",
    "Square/function.json": ACTIVITY,
    "Square/__init__.py": """
import time


def main(given: int) -> int:
    time.sleep(0.01)
    return given * given
""",
}
"""A hundred activities, or as many as `{"count": n}` says, and the sum of what they return."""


def orchestrator(body: str) -> str:
    """The source of an orchestrator; `given` is its input's member of that name."""
    lines = "".join(f"    {line}\n" if line else "\n" for line in body.strip().splitlines())
    return f"{HEAD}{lines}\n\nmain = df.Orchestrator.create(orchestrate)\n"


HEAD = """
from datetime import timedelta

import azure.durable_functions as df


def orchestrate(context):
    given = (context.get_input() or {}).get("given")
"""

ORCHESTRATORS = {
    "Chain": """
squares = []
for number in range(given):
    squares.append((yield context.call_activity("Square", number)))
return squares
""",
    "Approval": """
context.set_custom_status("waiting")
timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=given))
approved = context.wait_for_external_event("Approved")
first = yield context.task_any([timer, approved])
if first is timer:
    return "too late"
timer.cancel()
return {"approved": approved.result}
""",
    "Early": """
context.set_custom_status("not yet waiting")
yield context.wait_for_external_event("Go")
first = yield context.wait_for_external_event("first")
second = yield context.wait_for_external_event("second")
return [first, second]
""",
    "Parent": """
squares = yield context.call_sub_orchestrator("Chain", {"given": 2})
try:
    failed = yield context.call_sub_orchestrator("Fails", {})
except Exception as error:
    failed = "Child failed" if "no such luck" in str(error) else str(error)
who = yield context.call_sub_orchestrator("Who", {}, f"{context.instance_id}:named")
return [squares, failed, who]
""",
    "Who": "yield context.call_activity('Square', 1)\nreturn context.instance_id\n",
    "Retry": "return (yield context.call_activity_with_retry('Flaky', df.RetryOptions(50, 3), given))\n",
    "Again": """
rounds = yield context.call_activity("Plus", context.get_input().get("rounds", 0))
if rounds < given:
    context.continue_as_new({"given": given, "rounds": rounds})
    return None
return f"after {rounds} rounds"
""",
    "Fails": "return (yield context.call_activity('Unlucky', None))\n",
    "Catches": """
try:
    yield context.call_activity("Unlucky", None)
except Exception as error:
    return str(error)
""",
    "Status": "context.set_custom_status('x' * given)\nyield context.call_activity('Square', 1)\n",
    "Echo": "yield context.call_activity('Square', 1)\nreturn context.get_input()\n",
}
ACTIVITIES = {
    "Plus": "def main(given: int) -> int:\n    return given + 1\n",
    "Unlucky": "def main(given: str) -> str:\n    raise ValueError('no such luck')\n",
    "Flaky": """
TRIES = {}


def main(given: str) -> str:
    name, needed = given.split()
    TRIES[name] = TRIES.get(name, 0) + 1
    if TRIES[name] < int(needed):
        raise RuntimeError(f"try {TRIES[name]} failed")
    return f"worked at try {TRIES[name]}"
""",
}
CLIENT = """
import asyncio
import json

import azure.durable_functions as df
import azure.functions as func

FINAL = df.OrchestrationRuntimeStatus.Completed, df.OrchestrationRuntimeStatus.Failed


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    asked = req.get_json()
    instance = await client.start_new(asked["name"], None, {"given": asked["input"]})
    response = client.create_check_status_response(req, instance)
    while (status := await client.get_status(instance)).runtime_status not in FINAL:
        await asyncio.sleep(0.02)
    told = {
        "status": status.runtime_status.name,
        "output": status.output["given"],
        "links": instance in json.loads(response.get_body())["statusQueryGetUri"],
    }
    return func.HttpResponse(json.dumps(told), mimetype="application/json")
"""
APP = {
    **{f"{name}/__init__.py": orchestrator(body) for name, body in ORCHESTRATORS.items()},
    **{f"{name}/function.json": ORCHESTRATOR for name in ORCHESTRATORS},
    **{f"{name}/__init__.py": source for name, source in ACTIVITIES.items()},
    **{f"{name}/function.json": ACTIVITY for name in ACTIVITIES},
    "Client/__init__.py": CLIENT,
    "Client/function.json": bindings(
        {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"},
        {"name": "starter", "type": "durableClient", "direction": "in"},
        {"name": "$return", "type": "http", "direction": "out"},
    ),
}
"""An app with an orchestrator for every idea of the programming model."""
