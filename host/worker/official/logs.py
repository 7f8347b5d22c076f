"""What an official worker logs, as records of the host's log (platform/official-workers.md 6)."""

from fnhost.host.logging.events import HostMessage, Level, UserLog
from fnhost.host.rpc import functionrpc_pb2 as rpc
from fnhost.host.worker.output import Ran

OWN_CATEGORY = ".Invocation"
"""The end of a category that says no more than which function ran."""


def record(sent: rpc.RpcLog, ran: Ran) -> HostMessage | UserLog:
    """A sentence of the worker's own program, or of user code."""
    level = Level(sent.level) if sent.level in _LEVELS else Level.INFORMATION
    if sent.log_category == rpc.RpcLog.SYSTEM:
        return HostMessage(
            level=level,
            category=f"Worker.{sent.category}",
            message=_text(sent),
            function=ran.function,
            invocation=sent.invocation_id,
            instance=ran.instance,
        )
    return UserLog(
        level=level,
        message=_metric(sent) if sent.log_category == rpc.RpcLog.CUSTOM_METRIC else _text(sent),
        logger="" if sent.category.endswith(OWN_CATEGORY) else sent.category,
        function=ran.function,
        invocation=sent.invocation_id,
        instance=ran.instance,
    )


_LEVELS = frozenset(level.value for level in Level)


def _text(sent: rpc.RpcLog) -> str:
    exception = sent.exception
    parts = (sent.message, exception.message, exception.stack_trace)
    return "\n".join(part for index, part in enumerate(parts) if part and part not in parts[:index])


def _metric(sent: rpc.RpcLog) -> str:
    """Its name and value, then its dimensions."""
    values = {name: getattr(data, data.WhichOneof("data") or "string") for name, data in sent.properties_map.items()}
    name, value = values.pop("Name", sent.message), values.pop("Value", "")
    return " ".join((f"{name} = {value}", *(f"{key}={text}" for key, text in sorted(values.items()))))
