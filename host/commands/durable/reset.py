"""`fnhost reset` and `delete-task-hub`: nothing is in the hub afterwards. The first asks, unless it is told not to."""

import sys

from fnhost.host.commands.durable.asked import LARGEST_PAGE, Asked
from fnhost.host.commands.durable.choice import HubChoice
from fnhost.host.commands.durable.connect import hosts_of
from fnhost.host.commands.durable.output import say
from fnhost.host.errors import StartError

NOT_ASKED = "There is no terminal to ask on. Add --yes to empty the task hub '{}' without being asked."
SEVERAL = (
    "{} hosts of this app run on the task hub (processes {}): what the others hold in memory would be written again. "
    "End all but one."
)


async def reset(asked: Asked) -> int:
    """1 if the answer is no. Raises StartError where nobody can be asked."""
    hub = asked.connection.hub
    expect_one_host(HubChoice.of(asked.options))
    if not asked.options.yes and not await _is_confirmed(asked):
        say("Nothing was changed.")
        return 1
    await asked.connection.api.empty()
    text = f"The task hub '{hub}' is empty."
    asked.printer.one({"taskHub": hub, "emptied": True}, f"{text} The host goes on." if asked.has_host else text)
    return 0


async def delete_task_hub(asked: Asked) -> int:
    """Raises StartError."""
    hub = asked.connection.hub
    expect_one_host(HubChoice.of(asked.options))
    await asked.connection.api.empty()
    text = f"Task hub '{hub}' successfully deleted."
    made_anew = " The host that runs made it anew, empty." if asked.has_host else ""
    asked.printer.one({"taskHub": hub, "deleted": True}, f"{text}{made_anew}")
    return 0


def expect_one_host(choice: HubChoice) -> None:
    """Raises StartError if several share the hub."""
    if len(hosts := hosts_of(choice)) > 1:
        raise StartError(SEVERAL.format(len(hosts), ", ".join(str(host.pid) for host in hosts)))


async def _is_confirmed(asked: Asked) -> bool:
    if not sys.stdin.isatty():
        raise StartError(NOT_ASKED.format(asked.connection.hub))
    found, token = await asked.instances({"showInput": "false"}, LARGEST_PAGE)
    count = f"{'more than ' if token else ''}{len(found)} instances and entities"
    hub = f"the task hub '{asked.connection.hub}' ({asked.connection.place})"
    say(f"This deletes {count} of {hub}, and every message in it.")
    print("Empty it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
