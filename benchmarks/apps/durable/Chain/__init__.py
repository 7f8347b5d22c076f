"""So many activities, one after the other."""

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext):
    number = 0
    for _ in range(context.get_input()):
        number = yield context.call_activity("Step", number)
    return number


main = df.Orchestrator.create(orchestrate)
