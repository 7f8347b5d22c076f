"""Starts an orchestration and answers when its custom status says that London was greeted, or when it has ended."""

import asyncio
import json
import logging

import azure.durable_functions as df
import azure.functions as func

ENDED = (
    df.OrchestrationRuntimeStatus.Completed,
    df.OrchestrationRuntimeStatus.Failed,
    df.OrchestrationRuntimeStatus.Terminated,
)


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    try:
        given = json.loads(req.get_body() or b"null")
        instance_id = await client.start_new(req.route_params["functionName"], client_input=given)
    except Exception as error:  # the body is no JSON, or there is no such orchestrator
        return func.HttpResponse(str(error), status_code=400)
    logging.info("Started orchestration with ID = '%s'.", instance_id)

    status = await client.get_status(instance_id)
    while status.custom_status != "London" and status.runtime_status not in ENDED:
        await asyncio.sleep(0.2)
        status = await client.get_status(instance_id)
    return func.HttpResponse(json.dumps(status.to_json()), mimetype="application/json", status_code=200)
