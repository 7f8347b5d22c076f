"""Which functions of an app this host can serve, as it is set up (platform/app-files.md 3)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

from fnhost.bindings import unserved
from fnhost.bindings.contract import BindingError
from fnhost.bindings.durable import DurableServices
from fnhost.bindings.registry import binding_types
from fnhost.bindings.storage import Account, resolve
from fnhost.bindings.storage.services import StorageServices
from fnhost.host.app import App, Function
from fnhost.host.errors import Problem


def servable(app: App) -> App:
    """The app without the functions that cannot be served; `problems` says why for each."""
    problems = {function.name: tuple(_obstacles(function, app)) for function in app.functions}
    kept = tuple(function for function in app.functions if not problems[function.name])
    return replace(app, functions=kept, problems=(*app.problems, *chain.from_iterable(problems.values())))


def _obstacles(function: Function, app: App) -> Iterator[Problem]:
    file = function.source or str(function.directory.relative_to(app.root) / "function.json")
    types = [binding_types()[binding.type] for binding in function.bindings]
    is_strict = unserved.is_error(app.config.extension(unserved.NAME))
    for index, (binding, type) in enumerate(zip(function.bindings, types, strict=True)):
        if not type.serves(binding.direction) or (type.goes_nowhere and is_strict):
            message = f"This host does not serve {type.name} (direction {binding.direction})."
            hint = f"It serves {', '.join(binding_types().names)}. The other functions run."
            yield Problem(file, f"/bindings/{index}", message, hint, function.name)
    for index, (binding, type) in enumerate(zip(function.bindings, types, strict=True)):
        try:
            section = app.config.extension(type.settings) if type.settings else {}
            type.read_settings(section)
            if type.check:
                type.check(function.name, binding, section)
            if type.services is StorageServices:
                find_account(app)(str(binding.properties.get("connection", "")))
        except BindingError as error:
            yield Problem(file, f"/bindings/{index}", str(error), function=function.name)


def find_account(app: App) -> Callable[[str], Account]:
    """The account of a binding's `connection`. Raises BadConnection."""
    return lambda connection: resolve(connection, app.settings.connection, app.settings.get)


def hub_alone(app: App) -> App:
    """The app without functions: its task hub is served to other programs. It is a file, unless host.json says more."""
    section = app.config.extension("durabletask")
    if not any(name.lower() == "storageprovider" for name in section):
        section = {**section, "storageProvider": {"type": "sqlite"}}
    config = replace(app.config, extensions={**app.config.extensions, "durabletask": section})
    return replace(app, functions=(), config=config, problems=(), warnings=(), index_files={})


def uses_durable(app: App) -> bool:
    return _uses(app, DurableServices)


def _uses(app: App, services: type) -> bool:
    return any(
        binding_types()[binding.type].services is services
        for function in app.functions
        for binding in function.bindings
    )
