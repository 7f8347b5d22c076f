"""Sets its custom status, to the time it does so, whenever it is asked to."""

import time

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext):
    for _ in range(context.get_input()):
        yield context.wait_for_external_event("Tell")
        context.set_custom_status(time.time())
    yield context.wait_for_external_event("End")


main = df.Orchestrator.create(orchestrate)
