"""`fnhost completion SHELL`: the lines that a shell reads once, so that it asks for completions."""

import argparse

SHELLS = ("bash", "zsh", "fish")


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("completion", help="print the script that makes a shell complete fnhost's commands")
    parser.set_defaults(run=_print)
    parser.add_argument("shell", choices=SHELLS, metavar="|".join(SHELLS), help="the shell that is to read it")


def _print(options: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    print(shellcode(["fnhost"], shell=options.shell))
    return 0
