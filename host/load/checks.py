"""Rules between the functions of an app, and between functions and settings."""

from collections.abc import Collection, Iterator, Mapping

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

IN_PROCESS, ISOLATED = "dotnet", "Move the app to the isolated model, and set it to dotnet-isolated."

Functions = Mapping[FunctionSource, Function]


def language_of(languages: Collection[str], settings: Settings) -> str:
    """The app's own language among those of its functions: the setting, else the likeliest; empty if there is none."""
    runtime = (settings.get(RUNTIME) or "").lower()
    if runtime in languages or not languages:
        return runtime
    return next(language for language in TOOLCHAINS if language in languages)


def runtime_problems(languages: Collection[str], settings: Settings) -> Iterator[Problem]:
    """A setting that no function agrees with: no worker can run the app (platform/app-files.md 1)."""
    runtime = (settings.get(RUNTIME) or "").lower()
    if not runtime or runtime in languages or (runtime in TOOLCHAINS and not languages):
        return
    if runtime == IN_PROCESS:
        yield _setting_problem(
            RUNTIME, "The in-process model of .NET runs in no other host than Azure's own.", ISOLATED
        )
        return
    known = f"Languages here are {' and '.join(sorted(TOOLCHAINS))}."
    written = f"The functions are written for {' and '.join(sorted(languages))}: set {RUNTIME} to that."
    message = f"Did not find functions with language [{runtime}]."
    yield _setting_problem(RUNTIME, message, written if runtime in TOOLCHAINS else known)


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
