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
