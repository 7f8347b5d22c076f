"""Sets an object as its custom status, and waits a moment so that it can be seen while it runs."""

from datetime import timedelta

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext):
    context.set_custom_status({"nextActions": ["A", "B", "C"], "foo": 2})
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
    return "done"


main = df.Orchestrator.create(orchestrate)
