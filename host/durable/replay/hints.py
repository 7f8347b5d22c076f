"""What a Durable Functions SDK means by errors of its own that users cannot understand. Pure."""

import json

NOT_BYTES = "must be str, bytes or bytearray, not"
NO_VALUE = "Expecting value: line 1 column 1 (char 0)"


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
