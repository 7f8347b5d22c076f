"""Functions that cannot live together in one app."""

from functools import partial

from fnhost.host.app import Settings
from fnhost.host.errors import Problem
from fnhost.host.load.checks import Functions, duplicates, foreign_language, route_conflicts


def without_conflicts(functions: Functions, settings: Settings) -> tuple[Functions, list[Problem]]:
    """Those that can live together, and what is wrong with the others."""
    problems: list[Problem] = []
    for check in (duplicates, partial(foreign_language, settings=settings), route_conflicts):
        found = list(check(functions))
        refused = {problem.file for problem in found}
        functions = {source: function for source, function in functions.items() if source.file not in refused}
        problems += found
    return functions, problems
