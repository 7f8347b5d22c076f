"""What a custom handler is sent for an invocation, and what it answers (platform/custom-handlers.md 2).

Of functions whose request is not forwarded as it is.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from fnhost.bindings.contract import RETURN, Binding, Failure, HttpRequest, HttpResponse, Json, Outcome, Value
from fnhost.bindings.formats import compact
from fnhost.bindings.http.request import read_metadata
from fnhost.host.worker import Invocation

BINARY_TYPES = re.compile(r"application/octet-stream|.*multipart/", re.IGNORECASE)
JSON_TYPES = re.compile(r"(?:application|text)/(?:[\w.-]+\+)?json", re.IGNORECASE)
HTTP_MEMBERS = "Output body should have 'StatusCode', 'Status', 'Body', and 'Headers'"


class BadAnswer(Exception):
    """The handler answered with what is no result of an invocation. The text says what."""


def payload(invocation: Invocation, now: datetime) -> bytes:
    """The body of `POST /<function>`. Raises ValueError for a value that JSON has not."""
    event = invocation.event
    told = read_metadata(event.value) if isinstance(event.value, HttpRequest) else event.metadata
    metadata = {name: _value(value) for name, value in told.items() if value is not None and not _is_trigger(name)}
    metadata["sys"] = {
        "MethodName": invocation.function.name,
        "UtcNow": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "RandGuid": str(uuid4()),
    }
    if retry := invocation.retry:
        metadata["RetryContext"] = {
            "RetryCount": retry.count,
            "MaxRetryCount": retry.limit,
            "Exception": {"Message": retry.previous} if retry.count else None,
        }
    data = {name: _value(value) for name, value in invocation.inputs.items()}
    return json.dumps({"Data": data, "Metadata": metadata}).encode()


def _is_trigger(name: str) -> bool:
    """Metadata under such a name is the trigger's value once more."""
    return name.lower().endswith("trigger")


def _value(value: Value) -> Any:
    """Objects stay objects; any other value is JSON text within the JSON, but for bytes and dates."""
    match value:
        case HttpRequest():
            return _request(value)
        case bytes():
            return base64.b64encode(value).decode()
        case Json(text=text):
            return _read(text)
        case tuple():
            return json.dumps([_value(each) if isinstance(each, bytes) else each for each in value])
        case _:
            return json.dumps(value)


def _read(text: str) -> Any:
    """A JSON text by itself is a date here: a text that was no JSON is no `Json`."""
    read = json.loads(text)
    return read if isinstance(read, (dict, str)) else compact(read)


def _request(request: HttpRequest) -> dict[str, Any]:
    shown = {
        "Url": request.url,
        "Method": request.method,
        "Query": dict(request.query),
        "Headers": {_title(name): [value] for name, value in request.headers.items()},
        "Params": dict(request.params),
        "Identities": [],
    }
    if request.body:
        is_binary = BINARY_TYPES.match(request.headers.get("content-type", ""))
        shown["Body"] = base64.b64encode(request.body).decode() if is_binary else request.body.decode(errors="replace")
    return shown


def _title(name: str) -> str:
    """As clients mostly write a header: the host keeps names in lower case."""
    return "-".join(part.capitalize() for part in name.split("-"))


def outcome(invocation: Invocation, content_type: str, body: bytes) -> tuple[Outcome, list[str]]:
    """What a successful answer says, and the lines it logs. Raises BadAnswer."""
    result = _result(content_type, body)
    outputs = dict(_outputs(invocation.function.outputs, result.get("outputs") or {}))
    returned = result.get("returnvalue")
    binding = next((each for each in invocation.function.outputs if each.name == RETURN), None)
    value = None if returned is None else _output(returned, binding.data_type if binding else "binary")
    if binding is not None and value is not None:
        outputs[RETURN] = value
    logs = result.get("logs")
    return Outcome(outputs, value), [str(line) for line in logs] if isinstance(logs, list) else []


def _result(content_type: str, body: bytes) -> Mapping[str, Any]:
    """The members by lower-case name; none of an empty answer."""
    if not body:
        return {}
    kind = content_type.partition(";")[0].strip()
    if not JSON_TYPES.fullmatch(kind):
        raise BadAnswer(f"its Content-Type is {kind or 'missing'}, and must be application/json")
    try:
        read = json.loads(body)
    except ValueError as error:
        raise BadAnswer(f"it is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise BadAnswer("it is not a JSON object with Outputs, Logs and ReturnValue")
    return {name.lower(): value for name, value in read.items()}


def _outputs(bindings: Iterable[Binding], given: object) -> Iterator[tuple[str, Value]]:
    """Raises BadAnswer."""
    if not isinstance(given, dict):
        raise BadAnswer("its Outputs are not a JSON object")
    for binding in bindings:
        value = given.get(binding.name)
        if binding.type == "http" and binding.name != RETURN:
            yield binding.name, _response(value)
        elif value is not None:
            yield binding.name, _output(value, binding.data_type)


def _output(value: Any, data_type: str | None) -> Value:
    """A text that is base64 becomes bytes, as on the platform, unless the binding's dataType is binary."""
    if not isinstance(value, str):
        return Json(compact(value))
    decoded = None if (data_type or "").lower() == "binary" else _from_base64(value)
    return value if decoded is None else decoded


def _from_base64(text: str) -> bytes | None:
    stripped = re.sub(r"[ \t\r\n]", "", text)
    try:
        return base64.b64decode(stripped, validate=True) if len(stripped) % 4 == 0 else None
    except (binascii.Error, ValueError):
        return None


def _response(given: Any) -> HttpResponse:
    """Of an object, or of its JSON text; without one the response is empty. Raises BadAnswer."""
    if given is None:
        return HttpResponse()
    try:
        read = json.loads(given) if isinstance(given, str) else given
        members = {name.lower(): value for name, value in read.items()}
        headers = {str(name): _text(value) for name, value in (members.get("headers") or {}).items()}
    except (ValueError, AttributeError) as error:
        raise BadAnswer(HTTP_MEMBERS) from error
    body, status = members.get("body"), members.get("statuscode") or members.get("status") or ""
    content = body if body is None or isinstance(body, str) else Json(compact(body))
    return HttpResponse(str(status), headers, content)


def _text(value: object) -> str:
    return value if isinstance(value, str) else compact(value)


def failure(kind: str, text: str) -> Outcome:
    return Outcome(failure=Failure(f"{kind}: {text}"))
