"""Recommends cities in its custom status, by the choice 1, 2 or 3, while it waits to hear which one is booked."""

import azure.durable_functions as df

from ..shared.cities import RECOMMENDED


def orchestrate(context: df.DurableOrchestrationContext):
    choice = int(context.get_input())
    cities, seasons = RECOMMENDED[choice]
    context.set_custom_status({"recommendedCities": cities, "recommendedSeasons": seasons})
    city = yield context.wait_for_external_event("Booked")
    return city


main = df.Orchestrator.create(orchestrate)
