"""What must hold between the functions of an app, and between them and its settings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fnhost.host.app import Function, Settings
from fnhost.host.errors import Problem
from fnhost.host.load import localsettings as local
from fnhost.host.load.folders import Folder
from fnhost.host.worker.toolchains import RUNTIME, TOOLCHAINS

STORAGE = "AzureWebJobsStorage"
STORAGE_FREE = (
    "httptrigger",
    "kafkatrigger",
    "rabbitmqtrigger",
    "orchestrationTrigger",
    "activityTrigger",
    "entityTrigger",
)

Functions = Mapping[Folder, Function]


def language_of(functions: Functions, settings: Settings) -> str:
    """The app's language: the setting, else that of its functions; empty if neither says."""
    found = {function.language for function in functions.values()}
    return (settings.get(RUNTIME) or "").lower() or (found.pop() if len(found) == 1 else "")


def runtime_problems(functions: Functions, settings: Settings) -> Iterator[Problem]:
    """Raised as a whole: no worker fits the app (platform/app-files.md 1)."""
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
    free = {type.lower() for type in STORAGE_FREE}
    needy = sorted({function.trigger.type for function in functions.values()} - free)
    if needy and not local.has_connection(settings, STORAGE):
        message = f"Missing value for {STORAGE} in {local.FILE}."
        message += f" This is required for all triggers other than {', '.join(STORAGE_FREE)}."
        yield _setting_problem(STORAGE, message, f'Set it to "UseDevelopmentStorage=true" for Azurite ({needy[0]}).')


def duplicates(functions: Functions) -> Iterator[Problem]:
    """Names are compared without regard to case; the first folder keeps the name."""
    seen: dict[str, Folder] = {}
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


@dataclass(frozen=True, slots=True)
class CheckedRoute:
    """`text` is lower case and trimmed of `/`; `methods` is None for all."""

    function: str
    text: str
    methods: frozenset[str] | None

    def overlaps(self, other: "CheckedRoute") -> bool:
        if self.text != other.text:
            return False
        return self.methods is None or other.methods is None or bool(self.methods & other.methods)


def route_conflicts(functions: Functions) -> Iterator[Problem]:
    """Routes that are the host's own, or those of an earlier function (platform/app-files.md 3)."""
    taken: list[CheckedRoute] = []
    for folder, function in functions.items():
        if function.trigger.type != "httptrigger":
            continue
        route = _route(function)
        if message := _conflict(route, taken):
            pointer = f"/bindings/{function.bindings.index(function.trigger)}"
            yield Problem(folder.file, pointer, message, "Give it another 'route'.", folder.name)
        else:
            taken.append(route)


def _conflict(route: CheckedRoute, taken: list[CheckedRoute]) -> str:
    if route.text.startswith(("admin", "runtime")):
        return "The specified route conflicts with one or more built in routes."
    rival = next((other for other in taken if other.overlaps(route)), None)
    return f"The route specified conflicts with the route defined by function '{rival.function}'." if rival else ""


def _route(function: Function) -> CheckedRoute:
    properties = function.trigger.properties
    text, methods = properties.get("route", ""), properties.get("methods")
    verbs = None if methods is None else frozenset(method.upper() for method in methods)
    return CheckedRoute(function.name, (text if text.strip() else function.name).strip("/").lower(), verbs)


def _setting_problem(name: str, message: str, hint: str) -> Problem:
    return Problem(local.FILE, f"/Values/{name}", message, hint)
