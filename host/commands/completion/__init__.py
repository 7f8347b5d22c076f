"""Completion of command lines in shells, by argcomplete: a shell asks this program what could come next."""

import argparse
import os

ASKED = "_ARGCOMPLETE"
"""The variable that a shell sets when it asks."""


def answer(parser: argparse.ArgumentParser) -> None:
    """Tell a shell that asks what could come next, and end; else return at once."""
    if ASKED in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
