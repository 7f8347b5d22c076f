"""Rules between the functions of an app, and between functions and settings."""

from collections.abc import Iterator, Mapping

from fnhost.bindings.binding_type import Endpoint
from fnhost.bindings.registry import binding_types
from fnhost.host.app import Function, HostConfig, Settings
from fnhost.host.endpoints import endpoint_of
from fnhost.host.errors import Problem
from fnhost.host.load import localsettings as local
from fnhost.host.load.sources import FunctionSource
from fnhost.host.worker.toolchains import RUNTIME, TOOLCHAINS

STORAGE = "AzureWebJobsStorage"
STORAGE_FREE = "httptrigger, kafkatrigger, rabbitmqtrigger, orchestrationTrigger, activityTrigger, entityTrigger"
"""The official tool's list, for its message; which types need storage here is declared with each type."""

Functions = Mapping[FunctionSource, Function]


def language_of(functions: Functions, settings: Settings) -> str:
    """The app's language: the setting, else that of its functions; empty if neither says."""
    found = {function.language for function in functions.values()}
    return (settings.get(RUNTIME) or "").lower() or (found.pop() if len(found) == 1 else "")


def runtime_problems(functions: Functions, settings: Settings) -> Iterator[Problem]:
    """Problems of the app as a whole: no worker can run it (platform/app-files.md 1)."""
    found = sorted({function.language for function in functions.values()})
    runtime = (settings.get(RUNTIME) or "").lower()
    if not runtime and len(found) > 1:
        message = "Found functions with more than one language."
        yield _setting_problem(RUNTIME, message, f"Choose one with {RUNTIME}: {' or '.join(found)}.")
    elif runtime and runtime not in TOOLCHAINS:
        hint = f"Languages here are {' and '.join(sorted(TOOLCHAINS))}."
        yield _setting_problem(RUNTIME, f"Did not find functions with language [{runtime}].", hint)
    elif runtime and found and runtime not in found:
        hint = f"The functions are written for {' and '.join(found)}: set {RUNTIME} to that."
        yield _setting_problem(RUNTIME, f"Did not find functions with language [{runtime}].", hint)


def storage_problems(functions: Functions, settings: Settings) -> Iterator[Problem]:
    """Most triggers keep their state in storage (platform/command-line.md 2, item 4)."""
    triggers = {function.trigger.type for function in functions.values()}
    needy = sorted(type for type in triggers if binding_types()[type].needs_storage)
    if needy and not local.has_connection(settings, STORAGE):
        message = f"Missing value for {STORAGE} in {local.FILE}."
        message += f" This is required for all triggers other than {STORAGE_FREE}."
        yield _setting_problem(STORAGE, message, f'Set it to "UseDevelopmentStorage=true" for Azurite ({needy[0]}).')


def duplicates(functions: Functions) -> Iterator[Problem]:
    """Names are compared without regard to case; the first folder keeps the name."""
    seen: dict[str, FunctionSource] = {}
    for folder in functions:
        first = seen.setdefault(folder.name.lower(), folder)
        if first is not folder:
            message = f"There is another function '{first.name}' in '{first.place}'."
            yield Problem(folder.file, "", message, "Rename one of the folders.", folder.name)


def foreign_language(functions: Functions, settings: Settings) -> Iterator[Problem]:
    """Functions in another language than the app's. If all are, that is one of the `runtime_problems`."""
    language = language_of(functions, settings)
    natives = [function for function in functions.values() if function.language == language]
    for folder, function in functions.items():
        if natives and function.language != language:
            message = f"The function is written for {function.language}, but {RUNTIME} is {language}."
            yield Problem(
                folder.file, "", message, "An app has one language: move it to an app of its own.", folder.name
            )


def route_conflicts(functions: Functions) -> Iterator[Problem]:
    """Routes that are the host's own, or those of an earlier function (platform/app-files.md 3)."""
    taken: dict[str, Endpoint] = {}
    for folder, function in functions.items():
        endpoint = endpoint_of(function, HostConfig())
        if endpoint is None:
            continue
        if message := _conflict(endpoint, taken):
            pointer = f"/bindings/{function.bindings.index(function.trigger)}"
            yield Problem(folder.file, pointer, message, "Give it another 'route'.", folder.name)
        else:
            taken[function.name] = endpoint


def _conflict(endpoint: Endpoint, taken: Mapping[str, Endpoint]) -> str:
    if endpoint.route.lower().startswith(("admin", "runtime")):
        return "The specified route conflicts with one or more built in routes."
    rival = next((name for name, other in taken.items() if _overlap(endpoint, other)), None)
    return f"The route specified conflicts with the route defined by function '{rival}'." if rival else ""


def _overlap(one: Endpoint, other: Endpoint) -> bool:
    if one.route.lower() != other.route.lower():
        return False
    return one.methods is None or other.methods is None or not set(one.methods).isdisjoint(other.methods)


def _setting_problem(name: str, message: str, hint: str) -> Problem:
    return Problem(local.FILE, f"/Values/{name}", message, hint)
