"""Asks every shelf at once, then the supplier, who does not answer at first; a report is a child of it."""

from datetime import timedelta

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext):
    shelves = yield context.task_all([context.call_activity("Shelf", number) for number in range(30)])
    context.set_custom_status(f"{len(shelves)} of {len(shelves)} shelves counted")
    retry = df.RetryOptions(first_retry_interval_in_milliseconds=300, max_number_of_attempts=5)
    yield context.call_activity_with_retry("Supplier", retry, context.instance_id)
    yield context.call_entity(df.EntityId("Stock", "main"), "add", sum(shelves))
    yield context.call_sub_orchestrator("Report", sum(shelves), f"{context.instance_id}-report")
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=8))


main = df.Orchestrator.create(orchestrate)
