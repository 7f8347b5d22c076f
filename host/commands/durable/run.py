"""Runs a verb: finds the task hub, and hands what is open to it."""

import asyncio
import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence

from fnhost.host.commands.durable import verbs
from fnhost.host.commands.durable.asked import Asked
from fnhost.host.commands.durable.choice import HubChoice
from fnhost.host.commands.durable.connect import connected, hosts_of
from fnhost.host.commands.durable.output import Printer, say
from fnhost.host.commands.durable.reset import delete_task_hub, reset
from fnhost.host.commands.durable.verbs import Verb
from fnhost.host.commands.durable.watch import Watch
from fnhost.host.errors import AppError, StartError, WorkerError

VERBS: Mapping[str, Verb] = {
    "start-new": verbs.start_new,
    "get-instances": verbs.get_instances,
    "get-runtime-status": verbs.get_runtime_status,
    "get-history": verbs.get_history,
    "raise-event": verbs.raise_event,
    "terminate": verbs.terminate,
    "suspend": verbs.suspend,
    "resume": verbs.resume,
    "restart": verbs.restart,
    "rewind": verbs.rewind,
    "purge-history": verbs.purge_history,
    "delete-task-hub": delete_task_hub,
    "reset": reset,
}
STARTING = frozenset({"start-new", "restart"})
"""They check the name of a function."""


def run(options: Namespace) -> int:
    """The exit code. Raises FnhostError."""
    if getattr(options, "instance_option", None):
        options.instance = options.instance_option
    choice = HubChoice.of(options)
    try:
        if options.verb == "watch":
            return asyncio.run(Watch(options, choice, Printer(options.output)).run())
        return asyncio.run(_run(options, choice, _orchestrators(options, choice)))
    except BrokenPipeError:  # whoever reads the output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


async def _run(options: Namespace, choice: HubChoice, orchestrators: Sequence[str]) -> int:
    async with connected(choice, orchestrators, is_made=options.verb == "start-new") as connection:
        return await VERBS[options.verb](Asked(options, connection, Printer(options.output)))


def _orchestrators(options: Namespace, choice: HubChoice) -> Sequence[str]:
    """Which may be started where no host runs that would know. Raises StartError."""
    if options.verb not in STARTING or hosts_of(choice):
        return ()
    from fnhost.host.commands.durable.stored import orchestrators_of, why_unknown

    try:
        return orchestrators_of(choice)
    except (AppError, StartError, WorkerError) as error:
        if options.verb != "start-new":
            raise StartError(why_unknown(error)) from error
        say(f"{why_unknown(error)} The name is not checked.")
        return [options.function_name]
