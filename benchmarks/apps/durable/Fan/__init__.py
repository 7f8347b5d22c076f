"""So many activities, all at once."""

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext):
    numbers = yield context.task_all([context.call_activity("Step", number) for number in range(context.get_input())])
    return len(numbers)


main = df.Orchestrator.create(orchestrate)
