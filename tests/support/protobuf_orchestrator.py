"""An orchestrator in the protobuf form of Durable Functions, as programs that play workers and handlers run it."""

import base64
import json

from fnhost.host.rpc import durabletask_pb2 as pb

CITIES = ("Tokyo", "Seattle")


def orchestrate(text: str) -> str:
    """Calls the activity `Greet` for one city after the other; its custom status counts them."""
    request = pb.OrchestratorRequest.FromString(base64.b64decode(text))
    events = (*request.past_events, *request.new_events)
    greeted = [json.loads(each.task_completed.result.value) for each in events if each.HasField("task_completed")]
    response = pb.OrchestratorResponse(instance_id=request.instance_id)
    response.custom_status.value = json.dumps(f"{len(greeted)} of {len(CITIES)}")
    action = response.actions.add(id=len(greeted))
    if len(greeted) < len(CITIES):
        action.schedule_task.name = "Greet"
        action.schedule_task.input.value = json.dumps(CITIES[len(greeted)])
    else:
        action.complete_orchestration.orchestration_status = pb.COMPLETED
        action.complete_orchestration.result.value = json.dumps(greeted)
    return base64.b64encode(response.SerializeToString()).decode()


def greet(text: str) -> str:
    """The activity; it is given the JSON text of its input."""
    return f"Hello {json.loads(text)}!"
