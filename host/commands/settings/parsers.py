"""The options of `fnhost settings`."""

import argparse
from pathlib import Path

from fnhost.host.commands.completion.offers import offer
from fnhost.host.load.root import find_root


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    settings = commands.add_parser("settings", help="list and change the settings in local.settings.json")
    actions = settings.add_subparsers(required=True, metavar="list|add|delete")
    for name, action in (("list", _list), ("add", _add), ("delete", _delete)):
        parser = actions.add_parser(name)
        parser.set_defaults(run=action)
        if name == "list":
            show = ("--show-value", "--showValue", "-a")
            parser.add_argument(*show, action="store_true", dest="show_value", help="show the values as well")
        else:
            offer(parser.add_argument("name", metavar="NAME", help="the setting's name"), _names)
            strings = ("--connection-string", "--connectionString")
            parser.add_argument(*strings, action="store_true", help="a connection string, not an app setting")
        if name == "add":
            parser.add_argument("value", nargs="?", metavar="VALUE", help="its value (asked for, or standard input)")
        parser.add_argument("--app", default=".", metavar="APP", help="the app's folder (this one)")


def _names(options: argparse.Namespace) -> list[str]:
    from fnhost.host.commands.settings.settings import setting_names

    return setting_names(_root(options))


def _root(options: argparse.Namespace) -> Path:
    return find_root(Path(options.app))


def _list(options: argparse.Namespace) -> int:
    from fnhost.host.commands.settings.settings import list_settings

    return list_settings(_root(options), show_values=options.show_value)


def _add(options: argparse.Namespace) -> int:
    from fnhost.host.commands.settings.settings import add_setting

    return add_setting(_root(options), options.name, options.value, is_connection_string=options.connection_string)


def _delete(options: argparse.Namespace) -> int:
    from fnhost.host.commands.settings.settings import delete_setting

    return delete_setting(_root(options), options.name, is_connection_string=options.connection_string)
