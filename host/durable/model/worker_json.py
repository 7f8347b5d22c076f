"""JSON that a durable function returned to the host."""

import json
from typing import Any

from fnhost.bindings.contract import Json, Value
from fnhost.host.durable.model.errors import InvalidWorkerResponse


def read_returned_json(returned: Value, kind: str) -> Any:
    """The value in what a function of this kind returned. Raises InvalidWorkerResponse."""
    match returned:
        case Json(text=text) | str(text):
            return read_json(text, kind)
        case None:
            raise InvalidWorkerResponse(f"the {kind} returned nothing: is it built with the Durable Functions SDK?")
    raise InvalidWorkerResponse(
        f"the {kind} returned {type(returned).__name__} instead of the JSON of the Durable Functions SDK"
    )


def read_json(text: str, kind: str) -> Any:
    """Raises InvalidWorkerResponse."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidWorkerResponse(f"the {kind}'s answer is not JSON: {error}") from error
