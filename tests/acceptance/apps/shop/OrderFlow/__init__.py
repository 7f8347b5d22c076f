"""An order from its first step to the one who approves it."""

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext):
    order = context.get_input()
    for step, name in enumerate(("Reserve", "Charge", "Pack"), 1):
        yield context.call_activity(name, order)
        context.set_custom_status({"step": step, "of": 4, "done": name})
    decision = yield context.wait_for_external_event("Approval")
    if not decision["approved"]:
        raise ValueError("the order is refused: " + decision["why"])
    shipped = yield context.call_activity("Ship", order)
    context.set_custom_status({"step": 4, "of": 4, "done": "Ship"})
    return {"shipped": shipped, "by": decision["by"]}


main = df.Orchestrator.create(orchestrate)
