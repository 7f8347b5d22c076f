"""The shapes that all answers of the dashboard's API share (docs/dashboard-api.md)."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fnhost.host.durable.model.instants import instant
from fnhost.host.web.admin.responses import SafeJsonResponse

NO_STORE = {"cache-control": "no-store"}
MOST_DIGITS = 18


class ApiError(Exception):
    """Answered as `{"error": sentence, "hint": sentence or null}` with this status."""

    def __init__(self, status: int, error: str, hint: str | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.hint = status, error, hint


async def answer_error(request: Request, error: Exception) -> Response:
    """What an endpoint raised."""
    if isinstance(error, ApiError):
        return refusal(error.status, error.error, error.hint)
    status = error.status_code if isinstance(error, HTTPException) else 500
    what = f"{request.method} {request.url.path}"
    sentence = {404: f"There is nothing at {what}.", 405: f"{what} is not possible: the method is another."}
    return refusal(status, sentence.get(status, f"{what} failed."))


def refusal(status: int, error: str, hint: str | None = None) -> Response:
    return SafeJsonResponse({"error": error, "hint": hint}, status, headers=NO_STORE)


def answer(value: object, status: int = 200) -> Response:
    """JSON of a list, or of what an action did."""
    return SafeJsonResponse(value, status, headers=NO_STORE)


def single(request: Request, value: object) -> Response:
    """JSON of a single thing, with an ETag: 304 when the page has it as it is."""
    response = SafeJsonResponse(value, headers={"cache-control": "no-cache"})
    tag = f'"{hashlib.blake2b(bytes(response.body), digest_size=12).hexdigest()}"'
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"etag": tag, "cache-control": "no-cache"})
    response.headers["etag"] = tag
    return response


async def read_members(request: Request) -> Mapping[str, Any]:
    """The JSON object that the body is; empty without a body. Raises ApiError."""
    body = await request.body()
    if not body:
        return {}
    try:
        members = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"The body is not JSON: {error}.") from error
    if not isinstance(members, dict):
        raise ApiError(400, "The body is JSON, but not an object.")
    return members


def member(members: Mapping[str, Any], name: str, kind: type[Any], otherwise: Any = None) -> Any:
    """A member of this kind; `otherwise` if it is missing or null. Raises ApiError."""
    value = members.get(name)
    if value is None:
        return otherwise
    if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
        raise ApiError(400, f"The member '{name}' of the body is of the wrong kind: {KINDS.get(kind, kind.__name__)}.")
    return value


KINDS: Mapping[type[Any], str] = {
    str: "it has to be a text",
    int: "it has to be a whole number",
    dict: "it has to be an object",
    list: "it has to be a list",
    bool: "it has to be true or false",
}


def number(request: Request, name: str, otherwise: int, most: int, least: int = 1) -> int:
    """A whole number of the query; a greater one than `most` counts as that. Raises ApiError."""
    text = request.query_params.get(name, "")
    if not text:
        return otherwise
    if not text.isascii() or not text.isdecimal() or len(text) > MOST_DIGITS or int(text) < least:
        raise ApiError(400, f"The parameter '{name}' has to be a whole number, at least {least}.")
    return min(int(text), most)


def time_text(at: datetime | None) -> str | None:
    """The platform's ISO text with seven digits."""
    return None if at is None else instant(at)
