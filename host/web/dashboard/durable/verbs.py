"""What may be done with an instance in its state, and why not what may not. Pure."""

from collections.abc import Mapping

from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.states import Instance

VERBS = ("raise", "suspend", "resume", "terminate", "restart", "rewind", "purge")
DONE = "It has ended ({status}), and takes no messages."


def allowed(status: RuntimeStatus) -> list[str]:
    return [verb for verb in VERBS if not refusal(verb, status)]


def refusals(instance: Instance) -> Mapping[str, str]:
    return {verb: sentence for verb in VERBS if (sentence := refusal(verb, instance.status))}


def refusal(verb: str, status: RuntimeStatus) -> str:
    """Why an instance in this state cannot be treated so; empty if it can."""
    match verb:
        case "raise" | "terminate" | "suspend" | "resume" if status.is_terminal:
            return DONE.format(status=status.name)
        case "suspend" if status is RuntimeStatus.Suspended:
            return "It is suspended already."
        case "resume" if status is not RuntimeStatus.Suspended:
            return f"Only a suspended instance can be resumed; this one is {status.name}."
        case "rewind" if status is not RuntimeStatus.Failed:
            return f"Only a failed instance can be rewound; this one is {status.name}."
        case "purge" if not status.is_terminal:
            return f"Only an instance that has ended can be purged; this one is {status.name}. Terminate it first."
    return ""
