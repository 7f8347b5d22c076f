"""The functions of a loaded app with their adapters, each lent the services that its binding types name."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from fnhost.bindings import unserved
from fnhost.bindings.contract import (
    Adapter,
    Binding,
    BindingError,
    Event,
    Fire,
    Input,
    ManualTrigger,
    Output,
    Report,
    Trigger,
)
from fnhost.bindings.durable import REQUIRES_GRPC, DurableServices
from fnhost.bindings.http.trigger import RouteTable
from fnhost.bindings.registry import binding_types
from fnhost.bindings.storage.services import HostState, StorageAccounts, StorageServices, storage_accounts
from fnhost.clock import Clock
from fnhost.host.app import App, Function
from fnhost.host.assembly.emulator import StorageEmulator
from fnhost.host.assembly.servable import find_account
from fnhost.host.assembly.storage_use import StartingInput, StartingOutput, UnreadInput, is_on_emulator
from fnhost.host.invoker import FunctionInvoker
from fnhost.host.logging.log import Level, Log
from fnhost.host.worker.deferred import deferred_bindings
from fnhost.host.worker.pools import WorkerPools
from fnhost.host.worker.toolchains import TOOLCHAINS
from fnhost.host.worker.toolchains.toolchain import DurableForm

if TYPE_CHECKING:
    from fnhost.host.assembly.openhub import TaskHub

MANUAL = "This function was programmatically called via the host APIs."


@dataclass(frozen=True, slots=True)
class LoadedApp:
    """An app whose workers have loaded it; one without functions has none.

    `failures` says what they could not load, by function name.
    """

    app: App
    pools: WorkerPools | None = None
    failures: Mapping[str, str] = field(default_factory=dict)

    def requires_grpc(self, language: str) -> bool:
        """Whether durable functions of this language speak the protobuf form (platform/durable-protobuf.md 1)."""
        if self._form_of_language(language) == "protobuf":
            return True
        bindings = (b for function in self.app.functions if function.language == language for b in function.bindings)
        is_flagged = any(binding.properties.get(REQUIRES_GRPC) is True for binding in bindings)
        return is_flagged or (self.pools is not None and self.pools.requires_grpc(language))

    def durable_form(self, language: str) -> DurableForm:
        """In which form the durable functions of this language speak."""
        return "protobuf" if self.requires_grpc(language) else self._form_of_language(language)

    def _form_of_language(self, language: str) -> DurableForm:
        return TOOLCHAINS[language].durable_form(self.app.settings)

    @property
    def uses_grpc(self) -> bool:
        return any(map(self.requires_grpc, self.app.languages))


@asynccontextmanager
async def opened_functions(
    loaded: LoadedApp,
    routes: RouteTable,
    hub: "TaskHub | None",
    host: HostState,
    emulator: StorageEmulator,
    log: Log,
    clock: Clock,
) -> "AsyncIterator[Sequence[OpenedFunction]]":
    """The functions with their adapters, each lent the services that its types name. Raises BindingError."""
    app = loaded.app
    async with storage_accounts(find_account(app), clock) as accounts:
        services: dict[type, object] = {
            RouteTable: routes,
            StorageServices: _storage_services(app, accounts, host, _reporter(log), clock),
            unserved.LogServices: unserved.LogServices(_reporter(log)),
        }
        lent = {language: dict(services) for language in app.languages}
        if hub:
            for language in lent:
                lent[language][DurableServices] = hub.services(loaded.durable_form(language))
        yield [
            _opened(function, loaded, lent[function.language], emulator, log, clock)
            for function in app.functions
            if loaded.pools
        ]


def _reporter(log: Log) -> Report:
    """What is merely worth knowing is the host's own, and shown with --verbose; the rest is the function's."""

    def report(function: str, level: str, text: str) -> None:
        category = "Host.Triggers" if level in ("debug", "information") else f"Function.{function}"
        log(Level[level.upper()], category, text, function)

    return report


def _storage_services(
    app: App, accounts: StorageAccounts, host: HostState, report: Report, clock: Clock
) -> StorageServices:
    return StorageServices(
        accounts=accounts,
        host=replace(host, id=app.settings.get("AzureFunctionsWebHost__hostid") or host.id),
        clock=clock,
        section=app.config.extension,
        singleton=app.config.raw.get("singleton") or {},
        time_zone=app.settings.get("WEBSITE_TIME_ZONE") or "",
        is_development=app.settings.get("AZURE_FUNCTIONS_ENVIRONMENT") == "Development",
        report=report,
    )


@dataclass(frozen=True, slots=True)
class OpenedFunction:
    """A function with its adapters open."""

    function: Function
    trigger: Trigger
    fire: Fire

    @property
    def listens(self) -> bool:
        """A disabled function keeps its endpoint only, which then answers for it (platform/app-files.md 5)."""
        return not self.function.disabled or binding_types()[self.function.trigger.type].endpoint is not None


def _opened(
    function: Function,
    loaded: LoadedApp,
    services: Mapping[type, object],
    emulator: StorageEmulator,
    log: Log,
    clock: Clock,
) -> OpenedFunction:
    """Raises BindingError."""

    def open_adapter(binding: Binding) -> Adapter:
        type = binding_types()[binding.type]
        assert type.open, f"{type.name} is not served; such functions are left out before"
        lent = services.get(type.services) if type.services else None
        try:
            return type.open(lent, function.name, binding, function.bindings)
        except BindingError as error:
            raise BindingError(
                f"'{binding.name}' of the function '{function.name}' cannot be opened. {error}"
            ) from error

    deferred = deferred_bindings(function)

    def open_input(binding: Binding) -> Input:
        adapter = cast(Input, open_adapter(binding))
        if binding.name in deferred:
            adapter = UnreadInput()
        return StartingInput(adapter, emulator, clock) if is_on_emulator(binding, loaded.app) else adapter

    def open_output(binding: Binding) -> Output:
        adapter = cast(Output, open_adapter(binding))
        return StartingOutput(adapter, emulator, clock) if is_on_emulator(binding, loaded.app) else adapter

    assert loaded.pools
    pool = loaded.pools.of(function)
    written = [b for b in function.outputs if not binding_types()[b.type].is_reply]
    invoker = FunctionInvoker(
        function=function,
        worker=pool,
        log=log,
        inputs={binding.name: open_input(binding) for binding in function.inputs},
        outputs={binding.name: open_output(binding) for binding in written},
        timeout=loaded.app.config.timeout,
        clock=clock,
        abandon=pool.abandon,
    )
    return OpenedFunction(function, cast(Trigger, open_adapter(function.trigger)), invoker)


async def manual_event(opened: OpenedFunction, text: str) -> Event:
    """The event of a run that a person asks for; `text` is the input. Raises BindingError.

    An HTTP function cannot be run without a request: its run ends as a failed one (platform/keys-and-admin.md 7).
    """
    if isinstance(opened.trigger, ManualTrigger):
        return replace(await opened.trigger.manual_event(text), reason=MANUAL)
    return Event(opened.function.name, text, MANUAL)
