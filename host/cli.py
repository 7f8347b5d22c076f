"""The command line: the only reader of the process's arguments and environment."""

import argparse
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fnhost.host.app import separated
from fnhost.host.commands import completion, core_tools, mcp, openapi
from fnhost.host.commands.completion import parsers as shells
from fnhost.host.commands.durable import parser as durable
from fnhost.host.commands.scaffold import parsers as scaffold
from fnhost.host.commands.settings import parsers as settings
from fnhost.host.errors import FnhostError
from fnhost.host.load.root import find_root
from fnhost.host.logging.events import Level
from fnhost.host.logging.levels import level_named
from fnhost.host.options import ADDRESS, PORT, Options
from fnhost.host.start.command import start
from fnhost.host.system import signals
from fnhost.host.text import ERRORS
from fnhost.host.worker.toolchains.debugger import HIGHEST_PORT
from fnhost.host.worker.toolchains.discovery import FOLDER_SETTING

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C cut short: 128 and the number of the signal, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)
    parser = _parser()
    completion.answer(parser)
    options = parser.parse_args(arguments)
    if options.run not in (_start, _durabletask):
        signals.interrupt()
    try:
        return int(options.run(options))
    except FnhostError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    """The names and defaults of the official tool (platform/command-line.md 1).

    Its options that have no meaning here are accepted.
    """
    parser = argparse.ArgumentParser(prog="fnhost", description="Run Azure Functions apps on this machine.")
    parser.add_argument("--version", action="version", version=core_tools.version_line())
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="validate an app and list what it has; exit 1 on a problem")
    check.set_defaults(run=_check)
    serve = commands.add_parser("start", help="serve an app, and every version you save of it")
    serve.set_defaults(run=_start)
    _add_run(commands)
    _add_keys(commands)
    mcp.add(commands)
    openapi.add(commands)
    for room in (scaffold, settings, shells, durable):
        room.add_parsers(commands)
    _add_durabletask(commands)
    emulate = commands.add_parser("azurite", help="run the storage emulator alone, until Ctrl-C")
    emulate.set_defaults(run=_azurite)
    emulate.add_argument("app", nargs="?", default=".", metavar="APP", help="the folder that keeps its data (this one)")
    for command in (check, serve):
        command.add_argument("app", nargs="?", default=".", metavar="APP", help="the app's folder (this one)")
        command.add_argument("--functions", nargs="+", default=[], metavar="NAME", help="serve these functions only")
        command.add_argument("--python", metavar="PATH", help="the interpreter that runs the app")
        command.add_argument("--workers", metavar="FOLDER", help="official language workers, a folder for each")
    check.add_argument("--static", action="store_true", help="look at files alone, and start no worker")
    check.add_argument("--json", action="store_true", help="print functions, problems and warnings as JSON")
    add = serve.add_argument
    add("--port", "-p", type=int, help=f"the port to listen on ({PORT})")
    add("--address", help=f"the address to listen on ({ADDRESS})")
    add("--cors", metavar="ORIGINS", help="origins that browsers may call from, comma separated")
    add("--cors-credentials", "--corsCredentials", action="store_true", help="let those origins send credentials")
    add("--enable-auth", "--enableAuth", action="store_true", help="demand keys, as Azure does")
    add("--use-https", "--useHttps", action="store_true", help="speak HTTPS, with a certificate made for localhost")
    add("--cert", metavar="FILE", help="the certificate for HTTPS, a .pfx file")
    add("--password", help="the password of that file")
    add("--language-worker", metavar="ARGS", help="arguments for the worker's interpreter, one string")
    add(
        "--debug", nargs="?", type=_port, const=0, metavar="PORT", help="let a debugger attach there (9091, Node: 9229)"
    )
    add("--user-log-level", metavar="LEVEL", type=_level, help="the lowest level shown of the app's own logs")
    add("--grpc-port", type=int, metavar="PORT", help="open the task hub to Durable Task programs at this port")
    add("--verbose", action="store_true", help="show what the host itself does")
    add("--no-dashboard", action="store_true", help="serve no dashboard")
    add("--enable-json-output", action="store_true", help="print log records as JSON lines")
    add("--json-output-file", metavar="FILE", help="write log records as JSON lines to this file")
    for name in ("--timeout", "-t", "--runtime"):
        add(name, dest="ignored", help=argparse.SUPPRESS)
    for name in ("--no-build", "--dotnet-isolated-debug"):
        add(name, dest="ignored", action="store_true", help=argparse.SUPPRESS)
    core_tools.add_parsers(commands, serve)
    return parser


def _level(text: str) -> str:
    """A log level in any case. argparse reports what is raised, and exits with 2."""
    if level_named(text) is None:
        known = ", ".join(level.name.title() for level in Level)
        raise argparse.ArgumentTypeError(f"{text!r} is not a log level. Use one of {known}.")
    return text


def _port(text: str) -> int:
    """For an option whose value may be left out: the word that follows may be meant for something else."""
    if not text.isdecimal() or not 0 < int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port. Write APP before this option.")
    return int(text)


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "run", help="run a timer, queue, blob or activity function once, now; exit 1 if it fails"
    )
    parser.set_defaults(run=_run)
    parser.add_argument("name", metavar="NAME", help="the function")
    parser.add_argument("--input", default="", metavar="TEXT", help="a message, a blob as container/name, a JSON input")
    parser.add_argument("--app", default=".", metavar="APP", help="the app's folder (this one)")
    parser.add_argument("--python", metavar="PATH", help="the interpreter that runs the app")
    parser.add_argument("--workers", metavar="FOLDER", help="official language workers, a folder for each")
    parser.add_argument("--verbose", action="store_true", help="show what the host itself does")


def _add_durabletask(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("durabletask", help="run a Durable Task scheduler for programs that use durabletask")
    parser.set_defaults(run=_durabletask)
    parser.add_argument(
        "folder", nargs="?", default=".", metavar="FOLDER", help="the folder that keeps its data (this one)"
    )
    parser.add_argument("--grpc-port", type=int, default=4001, help="the port that programs dial (4001)")
    parser.add_argument("--port", "-p", type=int, help=f"the port of the dashboard and the management API ({PORT})")
    parser.add_argument("--address", help=f"the address of those ({ADDRESS})")
    parser.add_argument("--verbose", action="store_true", help="show what the host itself does")


def _durabletask(options: argparse.Namespace) -> int:
    return start(
        Options(
            root=Path(options.folder).absolute(),
            environment=os.environ,
            port=options.port,
            address=options.address,
            verbose=options.verbose,
            grpc_port=options.grpc_port,
            is_scheduler=True,
        )
    )


def _add_keys(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    keys = commands.add_parser("keys", help="list and change the keys that --enable-auth demands")
    actions = keys.add_subparsers(required=True, metavar="list|set|delete")
    for name, action in (("list", _list_keys), ("set", _set_key), ("delete", _delete_key)):
        parser = actions.add_parser(name)
        parser.set_defaults(run=action)
        if name != "list":
            parser.add_argument("name", metavar="NAME", help="the key's name")
        if name == "set":
            parser.add_argument("value", nargs="?", metavar="VALUE", help="its value (a new one is made)")
        parser.add_argument("--function", metavar="FUNCTION", help="a key of this function (of the host)")
        parser.add_argument("--system", action="store_true", help="a key of an extension's webhook")
        parser.add_argument("--app", default=".", metavar="APP", help="the app's folder (this one)")


def _run(options: argparse.Namespace) -> int:
    from fnhost.host.commands.run import run  # not needed to start a worker, and heavy

    root = find_root(Path(options.app))
    return run(root, _environment(options), options.name, options.input, _interpreters(options), options.verbose)


def _interpreters(options: argparse.Namespace) -> dict[str, str]:
    """By language, where the command line names one."""
    return {"python": options.python} if options.python else {}


def _environment(options: argparse.Namespace) -> Mapping[str, str]:
    """The shell's, with what the command line says in the place of a variable."""
    if not options.workers:
        return os.environ
    return {**os.environ, separated(FOLDER_SETTING): os.path.abspath(options.workers)}


def _azurite(options: argparse.Namespace) -> int:
    from fnhost.host.commands import azurite

    return azurite.run(Path(options.app).absolute())


def _list_keys(options: argparse.Namespace) -> int:
    from fnhost.host.commands import keys

    return keys.list_keys(find_root(Path(options.app)), options.function, options.system)


def _set_key(options: argparse.Namespace) -> int:
    from fnhost.host.commands import keys

    return keys.set_key(find_root(Path(options.app)), options.name, options.value, options.function, options.system)


def _delete_key(options: argparse.Namespace) -> int:
    from fnhost.host.commands import keys

    return keys.delete_key(find_root(Path(options.app)), options.name, options.function, options.system)


def _check(options: argparse.Namespace) -> int:
    from fnhost.host.commands.check import check  # not needed to start a worker, and heavy

    root, names = find_root(Path(options.app)), function_names(options.functions)
    given = _interpreters(options)
    return check(root, _environment(options), names, given, is_static=options.static, as_json=options.json)


def function_names(given: Sequence[str]) -> list[str]:
    """Names with spaces or commas between, as the official tool takes them."""
    return [name.strip() for text in given for name in text.split(",") if name.strip()]


def _start(options: argparse.Namespace) -> int:
    return start(
        Options(
            root=find_root(Path(options.app)),
            environment=_environment(options),
            functions=function_names(options.functions),
            port=options.port,
            address=options.address,
            cors=options.cors,
            cors_credentials=options.cors_credentials,
            enable_auth=options.enable_auth,
            use_https=options.use_https or bool(options.cert),
            certificate=options.cert,
            password=options.password,
            interpreters=_interpreters(options),
            worker_arguments=options.language_worker,
            debug=options.debug,
            user_log_level=options.user_log_level,
            verbose=options.verbose,
            json_output=options.enable_json_output,
            json_file=options.json_output_file,
            dashboard=not options.no_dashboard,
            grpc_port=options.grpc_port,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
