"""Times, optional texts and failures in messages. Pure."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue

from fnhost.bindings.contract import Failure
from fnhost.host.durable.model.history import FailureDetails
from fnhost.host.durable.model.instants import FIRST_INSTANT, LAST_INSTANT, Instant
from fnhost.host.durable.model.text import well_formed
from fnhost.host.rpc import durabletask_pb2 as pb

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NANOSECONDS = 1_000_000_000
UNKNOWN_TYPE = "(unknown)"
_TYPE = re.compile(r"[\w.`+]+")
_WITHOUT_TEXT = re.compile(r"Exception of type '([^']+)' was thrown\.")


def timestamp(at: Instant) -> Timestamp:
    """Exact: instants have seven digits, messages nine."""
    whole = datetime.fromisoformat(f"{at[:19]}+00:00") - EPOCH
    return Timestamp(seconds=whole.days * 86400 + whole.seconds, nanos=int(at[20:27]) * 100)


def optional_timestamp(at: Instant | None) -> Timestamp | None:
    return None if at is None else timestamp(at)


def instant_of(at: Timestamp) -> Instant:
    """A time beyond the calendar is its first or last instant. Nanoseconds beyond a second are carried over."""
    carried, nanos = divmod(at.nanos, NANOSECONDS)
    try:
        whole = EPOCH + timedelta(seconds=at.seconds + carried)
    except OverflowError:
        return LAST_INSTANT if at.seconds > 0 else FIRST_INSTANT
    return f"{whole:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f".{nanos // 100:07}Z"


def text(value: str | None) -> StringValue | None:
    """None stays unset."""
    return None if value is None else StringValue(value=value)


def filled(value: str | None) -> StringValue | None:
    """An empty text stays unset too: a version that is set to it means something else."""
    return StringValue(value=value) if value else None


def optional(message: Any, field: str) -> str | None:
    """The text of a StringValue field, None if it is unset. Well-formed, as all that enters durable state."""
    return well_formed(getattr(message, field).value) if message.HasField(field) else None


def failure_message(details: FailureDetails) -> pb.TaskFailureDetails:
    inner = details.inner_failure
    message = pb.TaskFailureDetails(
        error_type=details.error_type,
        error_message=details.error_message,
        stack_trace=text(details.stack_trace),
        inner_failure=failure_message(inner) if inner else None,
        is_non_retriable=details.is_non_retriable,
    )
    for name, value in (details.properties or {}).items():
        ParseDict(value, message.properties[name])
    return message


def failure_of(message: pb.TaskFailureDetails) -> FailureDetails:
    return FailureDetails(
        well_formed(message.error_type),
        well_formed(message.error_message),
        optional(message, "stack_trace"),
        failure_of(message.inner_failure) if message.HasField("inner_failure") else None,
        message.is_non_retriable,
        {name: _plain(value) for name, value in message.properties.items()} or None,
    )


def _plain(value: Value) -> Any:
    return MessageToDict(value)


@dataclass(frozen=True, slots=True)
class DetailedFailure(Failure):
    """A failure that was told with its parts apart."""

    details: FailureDetails = field(kw_only=True)


def details_of(failure: Failure) -> FailureDetails:
    if isinstance(failure, DetailedFailure):
        return failure.details
    return failure_of_text(failure.message, failure.stack)


def failure_of_text(said: str, stack: str = "") -> FailureDetails:
    """The parts of `Type: message`, as workers and older hosts tell a failure."""
    said = well_formed(said)
    first, colon, rest = said.partition(": ")
    kind, message = (first, rest) if colon and _TYPE.fullmatch(first) else (UNKNOWN_TYPE, said)
    if without := _WITHOUT_TEXT.fullmatch(message):
        kind, message = without[1], ""
    return FailureDetails(kind, message, well_formed(stack) or None)
