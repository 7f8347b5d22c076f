"""What a Durable Functions SDK means by errors of its own that users cannot understand. Pure."""

import json

from fnhost.bindings.contract import Failure

NOT_BYTES = "must be str, bytes or bytearray, not"
NO_VALUE = "Expecting value: line 1 column 1 (char 0)"
NEWER_SDK_FRAMES = ("execute_orchestration_request", "execute_entity_batch_request")
"""Functions of azure-functions-durable 2.x that read a call from base64 and protobuf, and fail of the JSON of 1.x."""
NEWER_SDK = (
    "The app uses azure-functions-durable 2.x, which is not served yet: it speaks another protocol than 1.x. Write "
    "azure-functions-durable<2 into requirements.txt and install it."
)


def newer_sdk(failure: Failure) -> str | None:
    """The sentence for an app whose SDK is too new, None if that is not the failure's cause."""
    text = failure.message + failure.stack
    return NEWER_SDK if any(frame in text for frame in NEWER_SDK_FRAMES) else None


def input_hint(error: str, input: str | None) -> str | None:
    """Why `get_input()` of the Python SDK failed on this input, which is JSON text; None if it did not fail of it."""
    try:
        value = json.loads(input or "null")
    except ValueError:
        return None
    is_plain = NOT_BYTES in error and isinstance(value, int | float | list)
    is_text = NO_VALUE in error and isinstance(value, str)
    if not is_plain and not is_text:
        return None
    shown = input if input and len(input) <= 80 else f"a JSON {'list' if isinstance(value, list) else 'text'}"
    return (
        f"its input is {shown}, and get_input() of the Python SDK reads only JSON objects, and JSON inside a JSON "
        f'string. Post an object such as {{"value": ...}}, or {json.dumps(json.dumps("text" if is_text else 5))}.'
    )
