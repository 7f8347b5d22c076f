"""The platform's binding types that have no service on this machine.

A function that such a type triggers, or that reads from one, is not served. One that only writes to them is: what it
writes is shown in the log, and goes nowhere. With `"unservedOutputs": "error"` in `extensions.fnhost` of host.json such
a function is not served either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.contract import Adapter, Binding, Event, Json, Report, Value
from fnhost.bindings.formats import compact
from fnhost.bindings.schema import members
from fnhost.bindings.settings import Section

NAME: Final = "fnhost"
SHOWN: Final = 500
"""Characters of a written value that the log shows."""
OUTPUTS: Final = (
    *("serviceBus", "eventHub", "eventGrid", "sendGrid", "twilioSms", "signalR", "webPubSub", "notificationHub"),
    *("cosmosDB", "documentDB", "mobileTable", "sql", "mysql", "kusto", "kafka", "rabbitMQ", "apiHubFile"),
    *("daprState", "daprInvoke", "daprPublish", "daprBinding", "redis"),
)
INPUTS_TOO: Final = ("cosmosDB", "documentDB", "mobileTable", "sql", "mysql", "kusto", "daprState", "redis")
INPUTS: Final = ("signalRConnectionInfo", "webPubSubConnection", "webPubSubContext", "daprSecret", "token")
TRIGGERS: Final = (
    *("serviceBusTrigger", "eventHubTrigger", "eventGridTrigger", "cosmosDBTrigger", "signalRTrigger", "kafkaTrigger"),
    *("rabbitMQTrigger", "sqlTrigger", "mysqlTrigger", "webPubSubTrigger", "daprServiceInvocationTrigger"),
    *("daprTopicTrigger", "daprBindingTrigger", "redisPubSubTrigger", "redisListTrigger", "redisStreamTrigger"),
)


@dataclass(frozen=True, slots=True)
class LogServices:
    """What an output that goes nowhere is lent."""

    report: Report


@dataclass(frozen=True, slots=True)
class LoggedOutput:
    """Shows what is written to it in the log."""

    report: Report
    place: str

    async def write(self, value: Value, event: Event) -> None:
        text = shown(value)
        cut = f"{text[:SHOWN]}... ({len(text)} characters)" if len(text) > SHOWN else text
        self.report(event.function, "warning", f"{self.place} goes nowhere on this machine: {cut}")


def shown(value: Value) -> str:
    match value:
        case Json(text=text):
            return text
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case tuple():
            return compact([shown(item) for item in value])
    return str(value)


def is_error(section: Mapping[str, Any]) -> bool:
    """Whether a function with such an output is not served. Raises BindingError."""
    return Section(NAME, section).choice("unservedOutputs", "log", "error") == "error"


def open_output(services: LogServices, function: str, binding: Binding, _: tuple[Binding, ...]) -> Adapter:
    return LoggedOutput(services.report, f"Output '{binding.name}' of function '{function}'")


def _output(name: str) -> BindingType:
    return BindingType(
        name=name,
        schema=members(),
        directions=frozenset(("in", "out") if name in INPUTS_TOO else ("out",)),
        services=LogServices,
        open=open_output,
        served=frozenset(("out",)),
        goes_nowhere=True,
    )


BINDING_TYPES: Final = (
    *map(_output, OUTPUTS),
    *(BindingType(name=name, schema=members()) for name in (*INPUTS, *TRIGGERS)),
)
