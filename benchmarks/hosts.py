"""fnhost with the durable app, on each of its hubs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.processes import serving
from benchmarks.sites import APPS, PATH, Site, write_json
from fnhost import azurite
from fnhost.host.system.ports import free_port

HUB = "Bench"
SQLITE: Mapping[str, str] = {"type": "sqlite"}
AZURE_STORAGE: Mapping[str, str] = {"type": "AzureStorage"}
DEVELOPMENT = "UseDevelopmentStorage=true"


def durable_app(bench: Bench, provider: Mapping[str, str], connection: str) -> Path:
    app = bench.folder(APPS / "durable")
    durable = {"hubName": HUB, "storageProvider": provider}
    write_json(app / "host.json", {"version": "2.0", "extensions": {"durableTask": durable}})
    settings = {"FUNCTIONS_WORKER_RUNTIME": "python", "AzureWebJobsStorage": connection}
    write_json(app / "local.settings.json", {"IsEncrypted": False, "Values": settings})
    return app


@asynccontextmanager
async def host(bench: Bench, provider: Mapping[str, str], connection: str = DEVELOPMENT) -> AsyncIterator[Site]:
    app, port = durable_app(bench, provider, connection), free_port()
    async with serving(bench.fnhost(app, port), port, PATH) as server:
        yield Site(server, app / "Hello" / "__init__.py")


@asynccontextmanager
async def on_sqlite(bench: Bench) -> AsyncIterator[Site]:
    async with host(bench, SQLITE) as site:
        yield site


@asynccontextmanager
async def with_emulator(bench: Bench) -> AsyncIterator[Site]:
    """The host starts Azurite itself, unless one answers on its ports."""
    async with host(bench, AZURE_STORAGE) as site:
        yield site


@asynccontextmanager
async def on_azurite(bench: Bench) -> AsyncIterator[Site]:
    """An Azurite on ports of its own, started before the host."""
    async with azurite.running(bench.folder(), bench.environment, bench.say) as emulator:
        async with host(bench, AZURE_STORAGE, emulator.connection_string) as site:
            yield site
