"""Responses of the management API: JSON or nothing, one for each kind of failure.

Rules from platform/durable-http.md 4.5 and 5.

The Python SDK reads every response as JSON, and of a failed start the member `ExceptionMessage`.
"""

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from fnhost.bindings.formats import compact
from fnhost.host.durable.client import (
    Changed,
    Finished,
    InvalidId,
    InvalidKey,
    NotFailed,
    NotFinished,
    NotFound,
    UnknownEntity,
    UnknownFunction,
)
from fnhost.host.durable.model.errors import AlreadyExists, HubMissing, HubUnreachable, InvalidToken, RecordRefused
from fnhost.host.durable.model.text import well_formed
from fnhost.host.errors import FnhostError
from fnhost.host.web.durable.payloads import JsonText

INCORRECT = "One or more of the arguments submitted is incorrect"
WRONG = "Something went wrong while processing your request"
AWAY = "The task hub's storage does not answer. Orchestrations wait until it is back."
ARGUMENT = "System.ArgumentException"
OPERATION = "System.InvalidOperationException"
NOT_IMPLEMENTED = "System.NotImplementedException"
EMPTY = "Error reading JToken from JsonReader. Path '', line 0, position 0."


class BadContent(FnhostError):
    """The body of a request is not what the route takes."""


class NotJson(BadContent):
    """The body is not JSON."""


class NotJsonContent(BadContent):
    """The body of a signal says that it is JSON, and is not."""


class NotCalledJson(BadContent):
    """The content type is not application/json."""


class BadArgument(FnhostError):
    """A query parameter does not fit."""


def json_response(body: JsonText, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Histories of other hosts may hold lone surrogates, which UTF-8 cannot."""
    return Response(well_formed(body), status, headers, media_type="application/json; charset=utf-8")


def empty_response(status: int) -> Response:
    return Response(status_code=status)


def error_response(status: int, message: str, text: str, kind: str) -> Response:
    """The four members that the Python SDK expects of a failure."""
    members = {"Message": message, "ExceptionMessage": text, "ExceptionType": kind, "StackTrace": None}
    return json_response(compact(members), status)


FailureAnswer = Callable[[Request, Exception], Response]


def _is(status: int) -> FailureAnswer:
    return lambda request, error: empty_response(status)


def _tells(status: int) -> FailureAnswer:
    return lambda request, error: json_response(compact({"Message": str(error)}), status)


def _says(status: int, message: str, kind: str) -> FailureAnswer:
    return lambda request, error: error_response(status, message, str(error), kind)


def _away(request: Request, error: Exception) -> Response:
    """Not the platform's 500, of which the SDKs make the status of an instance."""
    failed = error_response(503, AWAY, str(error), "System.TimeoutException")
    failed.headers["Retry-After"] = "5"
    return failed


FAILURES: Mapping[type[Exception], FailureAnswer] = {
    NotFound: _is(404),
    Finished: _is(410),
    UnknownFunction: _says(400, INCORRECT, ARGUMENT),
    InvalidId: _says(400, INCORRECT, ARGUMENT),
    BadArgument: _says(400, INCORRECT, ARGUMENT),
    InvalidToken: _says(400, INCORRECT, ARGUMENT),
    RecordRefused: _says(400, INCORRECT, ARGUMENT),
    NotJson: _says(400, "Invalid JSON content", "Newtonsoft.Json.JsonReaderException"),
    NotCalledJson: _tells(400),
    NotJsonContent: _tells(400),
    UnknownEntity: _tells(400),
    InvalidKey: _tells(400),
    AlreadyExists: _tells(409),
    Changed: _tells(409),
    NotFinished: lambda request, error: json_response(compact(str(error)), 412),
    NotFailed: lambda request, error: json_response(compact(str(error)), 412),
    HubUnreachable: _away,
    HubMissing: _away,
    FnhostError: _says(500, WRONG, OPERATION),
    Exception: _says(500, WRONG, OPERATION),
}
