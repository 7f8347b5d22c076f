"""What editors and scripts expect of the official tool's command line, whose place `fnhost` takes.

The Azure Functions extension of VS Code runs `<azureFunctions.funcCliPath> --version`, and takes the answer only if all
of it is one semantic version; its task is `<azureFunctions.funcCliPath> host start` (platform/command-line.md 3).
"""

import argparse
import re

from fnhost import __version__

FOLLOWED = "4.14.0"
"""The version of Core Tools whose commands, options and lines are followed."""


def version_line() -> str:
    """The version that is followed, with our own as the build metadata of semantic versioning."""
    return f"{FOLLOWED}+fnhost.{re.sub(r'[^0-9A-Za-z.-]', '-', __version__)}"


def add_parsers(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", start: argparse.ArgumentParser
) -> None:
    """`host start`, another name of `start`: a parser with all that `start` takes by now."""
    host = commands.add_parser("host", help="`fnhost host start` is `fnhost start`")
    actions = host.add_subparsers(required=True, metavar="start")
    actions.add_parser("start", parents=[start], add_help=False)
