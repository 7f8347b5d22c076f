"""Starts an orchestration: POST /api/orders/OrderFlow/order-17."""

import azure.durable_functions as df
import azure.functions as func


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    name, instance = req.route_params["functionName"], req.route_params.get("id")
    body = req.get_body()
    instance = await client.start_new(name, instance, req.get_json() if body else None)
    return client.create_check_status_response(req, instance)
