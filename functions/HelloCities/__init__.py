"""Greets three cities, one after the other; the custom status says which was greeted last."""

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext):
    greetings = []
    for city in ("Tokyo", "Seattle", "London"):
        greetings.append((yield context.call_activity("SayHello", city)))
        context.set_custom_status(city)
    return greetings


main = df.Orchestrator.create(orchestrate)
