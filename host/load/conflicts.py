"""Functions that cannot live together in one app."""

from fnhost.host.errors import Problem
from fnhost.host.load.checks import Functions, duplicates, route_conflicts


def without_conflicts(functions: Functions) -> tuple[Functions, list[Problem]]:
    """Those that can live together, and what is wrong with the others."""
    problems: list[Problem] = []
    for check in (duplicates, route_conflicts):
        found = list(check(functions))
        refused = {(problem.file, problem.function) for problem in found}
        kept = (
            (source, function) for source, function in functions.items() if (source.file, source.name) not in refused
        )
        functions = dict(kept)
        problems += found
    return functions, problems
