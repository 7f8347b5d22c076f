"""The options of `fnhost init` and `fnhost new`."""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fnhost.host.commands.completion.offers import offer

if TYPE_CHECKING:
    from fnhost.host.commands.scaffold.init import InitOptions

RUNTIMES = ("python", "node", "typescript", "powershell", "custom")
LANGUAGES = ("python", "javascript", "typescript", "powershell")
LEVELS = ("function", "anonymous", "admin")
APP = "the app's folder (this one)"


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    init = commands.add_parser("init", help="write the files that an app begins with")
    init.set_defaults(run=_init)
    init.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help="the new app's folder (this one)")
    new = commands.add_parser("new", help="add a function to an app, from a template")
    new.set_defaults(run=_new)
    add = new.add_argument
    offer(add("--template", "-t", metavar="TEMPLATE", help='a template, such as "HTTP trigger"'), _titles)
    add("--name", "-n", metavar="NAME", help="the function's name")
    add("--authlevel", "-a", type=str.lower, choices=LEVELS, help="what an HTTP function asks of its callers")
    add("--file", "-f", metavar="FILE", help="the file that it is declared in, where functions are declared in code")
    add("--app", default=".", metavar="APP", help=APP)
    for parser in (init, new):
        _add_project(parser)


def _add_project(parser: argparse.ArgumentParser) -> None:
    """`new` makes an app where there is none, and takes what `init` takes for that."""
    add = parser.add_argument
    models = "the programming model: V1 or V2 for Python, V3 or V4 for JavaScript"
    offer(
        add("--worker-runtime", metavar="RUNTIME", help="python, node, typescript, powershell or custom"),
        lambda _: RUNTIMES,
    )
    offer(add("--model", "-m", metavar="MODEL", help=models), lambda _: ("V1", "V2", "V3", "V4"))
    offer(add("--language", "-l", metavar="LANGUAGE", help="python, javascript or typescript"), lambda _: LANGUAGES)
    add("--no-bundle", action="store_true", help="leave the extension bundle out of host.json")
    add("--no-docs", action="store_true", help="leave getting_started.md out (Python V1)")
    add("--skip-npm-install", action="store_true", help="do not run npm install")
    add("--force", action="store_true", help="replace files that are there")


def _titles(options: argparse.Namespace) -> list[str]:
    from fnhost.host.commands.scaffold.catalog import TEMPLATES

    return [template.title for template in TEMPLATES]


def _init(options: argparse.Namespace) -> int:
    from fnhost.host.commands.scaffold.init import init

    return init(Path(options.folder).absolute(), _project(options), os.environ)


def _new(options: argparse.Namespace) -> int:
    from fnhost.host.commands.scaffold.new import NewOptions, new

    wanted = NewOptions(
        template=options.template,
        name=options.name,
        level=options.authlevel,
        file=options.file,
        force=options.force,
        project=replace(_project(options), force=False),
    )
    return new(Path(options.app), wanted, os.environ)


def _project(options: argparse.Namespace) -> "InitOptions":
    from fnhost.host.commands.scaffold.init import InitOptions

    return InitOptions(
        runtime=options.worker_runtime,
        version=options.model,
        language=options.language,
        has_bundle=not options.no_bundle,
        has_docs=not options.no_docs,
        installs=not options.skip_npm_install,
        force=options.force,
    )
