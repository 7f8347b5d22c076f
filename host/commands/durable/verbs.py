"""The verbs of `fnhost durable`, but `watch`: each asks, prints what came of it, and returns the exit code."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from fnhost.bindings.spelling import did_you_mean
from fnhost.host.commands.durable import show
from fnhost.host.commands.durable.api import Refused
from fnhost.host.commands.durable.asked import Asked
from fnhost.host.commands.durable.choice import HubChoice
from fnhost.host.commands.durable.inputs import input_for
from fnhost.host.commands.durable.output import say, width
from fnhost.host.durable.model.instants import FIRST_INSTANT, utc_now

Verb = Callable[[Asked], Awaitable[int]]

PATIENCE = 10.0
"""Seconds that a verb waits for a running host to do what it was told to."""
NO_HOST = "No host runs: {} when one does (`fnhost start`)."


async def start_new(asked: Asked) -> int:
    options = asked.options
    path = ["orchestrators", options.function_name, *([options.instance] if options.instance else [])]
    version = {"version": options.instance_version} if options.instance_version is not None else {}
    body = options.input and input_for(HubChoice.of(options).root, options.function_name, options.input)
    answer = await asked.ask("POST", *path, query=version, body=body)
    if answer.status == 400:
        hint = did_you_mean(options.function_name, known_functions(answer.reason))
        raise Refused(f"{answer.reason} {hint}".strip())
    return await _started(asked, str(asked.expect(answer, 202)["id"]))


def known_functions(reason: str) -> Sequence[str]:
    """The names that the platform's sentence lists: an even number of quotes, every second piece is a name."""
    return reason.partition(" functions: ")[2].split("'")[1::2]


async def _started(asked: Asked, instance: str) -> int:
    found = await asked.status(instance, showInput="true")
    text = f"Started '{found['name']}'. Instance id: '{instance}'."
    follow = f"Follow it with: fnhost durable watch {instance}"
    asked.printer.one(found, f"{text}\n{follow if asked.has_host else NO_HOST.format('it begins')}")
    return 0


async def get_instances(asked: Asked) -> int:
    options = asked.options
    query = {"instanceIdPrefix": options.id_prefix or "", **_filter(asked)}
    if asked.printer.is_for_people:
        query["showInput"] = "false"
    found, token = await asked.instances(query, options.top, options.continuation_token)
    asked.printer.many(found, show.instances(found, width()) if found else "")
    if not found:
        say(f"No instances {'of these ' if _is_filtered(asked) else ''}in the task hub '{asked.connection.hub}'.")
    if token:
        say(f"There may be more. Continuation token for next set of results: '{token}'")
    return 0


def _is_filtered(asked: Asked) -> bool:
    return bool(_filter(asked) or asked.options.id_prefix)


def _filter(asked: Asked) -> Mapping[str, str]:
    options = asked.options
    given = {
        "createdTimeFrom": options.created_after,
        "createdTimeTo": options.created_before,
        "runtimeStatus": ",".join(name for names in options.runtime_status or () for name in names),
    }
    return {name: text for name, text in given.items() if text}


async def get_runtime_status(asked: Asked) -> int:
    options = asked.options
    found = dict(await asked.status(asked.instance, showInput=str(options.show_input)))
    text = {**found} if options.show_output or found["runtimeStatus"] == "Failed" else {**found, "output": None}
    shown = found if options.show_output else {**found, "output": None}
    asked.printer.one(shown, show.status(text))
    return 0


async def get_history(asked: Asked) -> int:
    found = await asked.status(
        asked.instance, showHistory="true", showHistoryOutput="true", showInput=str(asked.options.show_input)
    )
    events = found.get("historyEvents", [])
    asked.printer.many(events, show.history(events, width()) if events else "")
    if not events:
        say(f"The instance '{asked.instance}' has no history yet.")
    return 0


async def raise_event(asked: Asked) -> int:
    name, data = asked.options.event_name, asked.options.event_data
    await asked.tell(f"raiseEvent/{name}", body="null" if data is None else data)
    text = f"Raised event '{name}' to instance '{asked.instance}'."
    return await _told(asked, text if asked.has_host else f"{text} {NO_HOST.format('it is taken')}")


async def terminate(asked: Asked) -> int:
    return await _steered(asked, "terminate", ("Terminated",), "it ends")


async def suspend(asked: Asked) -> int:
    return await _steered(asked, "suspend", ("Suspended",), "it pauses")


async def resume(asked: Asked) -> int:
    return await _steered(asked, "resume", ("Running",), "it goes on")


async def rewind(asked: Asked) -> int:
    return await _steered(asked, "rewind", ("Running",), "the instance goes on")


async def _steered(asked: Asked, verb: str, wanted: Sequence[str], effect: str) -> int:
    """Send it, and wait for what a running host makes of it."""
    reason = asked.options.reason
    await asked.tell(verb, query={} if reason is None else {"reason": reason})
    sent = f"Sent '{verb}' to instance '{asked.instance}'."
    if not asked.has_host:
        return await _told(asked, f"{sent} {NO_HOST.format(effect)}")
    found = await asked.until(wanted, PATIENCE)
    asked.printer.one(found, f"{sent} It is {found['runtimeStatus']} now.")
    return 0


async def _told(asked: Asked, text: str) -> int:
    asked.printer.one(await asked.status(asked.instance), text)
    return 0


async def restart(asked: Asked) -> int:
    await asked.status(asked.instance)  # names the id if there is none
    is_new = str(asked.options.restart_with_new_instance_id).lower()
    answer = await asked.ask("POST", "instances", asked.instance, "restart", query={"restartWithNewInstanceId": is_new})
    return await _started(asked, str(asked.expect(answer, 202)["id"]))


async def purge_history(asked: Asked) -> int:
    if asked.options.instance:
        await asked.status(asked.instance)
        answer = await asked.ask("DELETE", "instances", asked.instance)
    else:
        everything = {"createdTimeFrom": FIRST_INSTANT, "createdTimeTo": utc_now(asked.clock)}
        answer = await asked.ask("DELETE", "instances", query={**everything, **_filter(asked)})
    found = {"instancesDeleted": 0} if answer.status == 404 else asked.expect(answer, 200)
    asked.printer.one(found, f"Instances deleted: {found['instancesDeleted']}")
    return 0
