"""`fnhost openapi`: the OpenAPI document of an app, without serving it."""

import argparse
import json
import os
import sys
from pathlib import Path

from fnhost.host.load.root import find_root


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("openapi", help="print the OpenAPI document of an app; exit 1 if it has problems")
    parser.set_defaults(run=_run)
    parser.add_argument("app", nargs="?", default=".", metavar="APP", help="the app's folder (this one)")
    parser.add_argument("--python", metavar="PATH", help="the interpreter that runs the app")


def _run(options: argparse.Namespace) -> int:
    interpreters = {"python": options.python} if options.python else {}
    return print_document(find_root(Path(options.app)), interpreters)


def print_document(root: Path, interpreters: dict[str, str]) -> int:
    """Print the document of the functions that can be served, and problems to standard error. Raises StartError."""
    from fnhost.host.assembly.servable import uses_durable
    from fnhost.host.commands.check import BASE, find  # heavy, and a start need not wait for it
    from fnhost.host.listing import error_lines
    from fnhost.host.web.openapi.document import openapi

    found = find(root, os.environ, (), interpreters)
    for line in error_lines(found.problems):
        print(line, file=sys.stderr)
    if found.app is not None:
        document = openapi(found.app, BASE, has_hub=uses_durable(found.app), with_keys=False)
        print(json.dumps(document, indent=2))
    return 1 if found.problems else 0
