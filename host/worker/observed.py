"""What a worker answers to an `invocationRequest` that has `observe` in it: the recording of a replay."""

import json
from collections.abc import Mapping
from typing import Any

from fnhost.bindings.contract import Json
from fnhost.host.errors import CannotObserve
from fnhost.host.worker.values import RpcMessage, decode

LAST_WORD = 1.0
"""Seconds that a worker has, beyond the limit of a replay, to say that it took too long."""
OTHER_WORKER = "The worker of this language does not record replays."


def read_recording(message: RpcMessage, blobs: memoryview) -> Mapping[str, Any]:
    """Raises CannotObserve with the worker's own text."""
    result = message["result"]
    if result["status"] != "success":
        exception = result.get("exception") or {}
        raise CannotObserve(str(exception.get("message") or "The replay failed."))
    if "recording" not in message:
        raise CannotObserve(OTHER_WORKER)
    try:
        return _object(json.loads(_text(message["recording"], blobs)))
    except (ValueError, TypeError, KeyError) as error:
        raise CannotObserve(f"The recording of the replay cannot be read: {error}") from error


def _text(recording: Any, blobs: memoryview) -> str:
    """In the frame's JSON, or in its blobs as long texts are."""
    value = decode({"json": recording}, blobs)
    assert isinstance(value, Json)
    return value.text


def _object(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise TypeError("it is no object")
    return found
