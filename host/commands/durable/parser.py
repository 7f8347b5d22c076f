"""The command lines of `fnhost durable` and `fnhost reset`. Nothing heavy is imported here: every command loads it."""

import argparse
from typing import TypeAlias

from fnhost.host.commands.durable.arguments import HISTORY, INPUT, boolean, json_argument, moment, statuses

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

TOP = 10
"""The official tool's page."""


def add_parsers(commands: Commands) -> None:
    durable = commands.add_parser("durable", help="list, watch and steer the orchestrations of an app")
    verbs = durable.add_subparsers(required=True, metavar="VERB")
    _add_start_new(verbs)
    _add_queries(verbs)
    _add_steering(verbs)
    _add_deleting(verbs)
    _add_reset(commands)


def _verb(verbs: Commands, name: str, help: str) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
    parser.set_defaults(run=_run, verb=name)
    add = parser.add_argument
    add("--app", default=".", metavar="APP", help="the app's folder (this one)")
    add("--task-hub-name", metavar="NAME", help="another task hub than the app's")
    add("--connection-string-setting", metavar="SETTING", help="the setting with its storage connection string")
    add("--output", choices=("table", "json", "ndjson"), default="table", help="for people, or for programs (table)")
    return parser


def _verb_with_id(verbs: Commands, name: str, help: str) -> argparse.ArgumentParser:
    parser = _verb(verbs, name, help)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("instance", nargs="?", metavar="ID", help="the instance")
    which.add_argument("--id", dest="instance_option", metavar="ID", help="the same")
    return parser


def _add_start_new(verbs: Commands) -> None:
    parser = _verb(verbs, "start-new", "start a new instance of an orchestrator function")
    parser.add_argument("--function-name", required=True, metavar="NAME", help="the orchestrator function")
    parser.add_argument("--id", dest="instance", metavar="ID", help="the id of the instance (a new one is made)")
    parser.add_argument("--input", type=json_argument, metavar="INPUT", help=f"its input: {INPUT}")
    parser.add_argument("--version", dest="instance_version", metavar="VERSION", help="its version (defaultVersion)")


def _add_queries(verbs: Commands) -> None:
    many = _verb(verbs, "get-instances", "list the instances, page by page")
    _add_filter(many, "instances")
    many.add_argument("--top", type=_count, default=TOP, metavar="COUNT", help=f"how many ({TOP})")
    many.add_argument("--continuation-token", metavar="TOKEN", help="where the last page ended")
    many.add_argument("--id-prefix", metavar="TEXT", help="instances whose id begins so")
    one = _verb_with_id(verbs, "get-runtime-status", "show the status of an instance, custom status included")
    _add_flag(one, "--show-input", "its input as well")
    _add_flag(one, "--show-output", "its output as well")
    past = _verb_with_id(verbs, "get-history", "show what an instance has done")
    _add_flag(past, "--show-input", "the inputs that are kept as well")
    _verb_with_id(verbs, "watch", "follow the status and custom status of an instance until it ends")


def _add_steering(verbs: Commands) -> None:
    event = _verb_with_id(verbs, "raise-event", "send an event to an instance")
    event.add_argument("--event-name", required=True, metavar="NAME", help="the event it waits for")
    event.add_argument("--event-data", type=json_argument, metavar="DATA", help=f"what it gets: {INPUT}")
    for name, help in (
        ("terminate", "end an instance"),
        ("suspend", "let an instance pause"),
        ("resume", "let a suspended instance go on"),
        ("rewind", "let a failed instance go on from before its failures"),
    ):
        parser = _verb_with_id(verbs, name, help)
        parser.add_argument("--reason", metavar="TEXT", help="why")
    again = _verb_with_id(verbs, "restart", "start an instance again, with the same input")
    again.add_argument(
        "--restart-with-new-instance-id",
        type=boolean,
        default=True,
        metavar="true|false",
        help="false takes the id again, and the history so far is gone (true)",
    )


def _add_deleting(verbs: Commands) -> None:
    purge = _verb(verbs, "purge-history", "delete instances that have ended, with all that is stored of them")
    purge.add_argument("--id", dest="instance", metavar="ID", help="this instance alone")
    _add_filter(purge, HISTORY)
    _verb(verbs, "delete-task-hub", "delete a task hub, without asking")


def _add_reset(commands: Commands) -> None:
    reset = _verb(commands, "reset", "empty the app's task hub: all instances, entities and messages")
    reset.add_argument("--yes", "-y", "--force", action="store_true", help="do not ask")


def _add_filter(parser: argparse.ArgumentParser, what: str) -> None:
    time = f"{what} created %s this time, which is UTC unless it says otherwise"
    parser.add_argument("--created-after", type=moment, metavar="TIME", help=time % "after")
    parser.add_argument("--created-before", type=moment, metavar="TIME", help=time % "before")
    parser.add_argument(
        "--runtime-status",
        nargs="+",
        type=statuses,
        metavar="STATUS",
        help="in these statuses: running, failed …",
    )


def _add_flag(parser: argparse.ArgumentParser, name: str, help: str) -> None:
    """As the official tool has them: alone, or with true or false."""
    parser.add_argument(name, nargs="?", const=True, default=False, type=boolean, metavar="true|false", help=help)


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} is no count from 1")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    from fnhost.host.commands.durable.run import run  # not needed by other commands, and heavy

    return run(options)
