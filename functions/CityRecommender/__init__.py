"""Recommends cities and seasons in its custom status, by the choice 1, 2 or 3."""

from datetime import timedelta

import azure.durable_functions as df

from ..shared.cities import RECOMMENDED

THINKING = timedelta(seconds=1)


def orchestrate(context: df.DurableOrchestrationContext):
    choice = int(context.get_input())
    cities, seasons = RECOMMENDED[choice]
    context.set_custom_status({"recommendedCities": cities, "recommendedSeasons": seasons})
    yield context.create_timer(context.current_utc_datetime + THINKING)
    return cities[0]


main = df.Orchestrator.create(orchestrate)
