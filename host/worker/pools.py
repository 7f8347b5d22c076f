"""The workers of an app in all its languages: a pool for each, opened, loaded and closed together."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from fnhost.clock import Clock
from fnhost.host.app import App, Function
from fnhost.host.errors import IndexingFailed, WorkerStartFailed
from fnhost.host.load.indexed import CannotList, Listing
from fnhost.host.logging.log import Log
from fnhost.host.tasks import UseCount
from fnhost.host.worker import Invocation, WorkerStatus
from fnhost.host.worker.commands import Command
from fnhost.host.worker.pool import WorkerPool, all_of
from fnhost.host.worker.standby import StandbyWorkers


class WorkerPools:
    """The pools of one generation, by language, that of the app's own first. `use` counts what needs any of them."""

    def __init__(self, pools: Mapping[str, WorkerPool], use: UseCount) -> None:
        self._pools, self.use = pools, use
        self._own = next(iter(pools), "")

    def of(self, function: Function) -> WorkerPool:
        """The pool that runs a function."""
        return self._pools[function.language]

    def requires_grpc(self, language: str) -> bool:
        """Whether the Durable SDK of this language, as its worker has loaded it, speaks the protobuf form."""
        return language in self._pools and self._pools[language].requires_grpc

    @property
    def streamed(self) -> Collection[str]:
        """Names of the functions that take requests as streams."""
        return [name for pool in self._pools.values() for name in pool.streamed]

    @property
    def running(self) -> Iterable[Invocation]:
        """What the processes of all pools hold."""
        return [invocation for pool in self._pools.values() for invocation in pool.running]

    def statuses(self) -> Sequence[WorkerStatus]:
        """Every process of every pool."""
        return [status for pool in self._pools.values() for status in pool.statuses]

    async def index(self, languages: Iterable[str]) -> Mapping[str, Listing]:
        """What the worker of each of these languages lists. Raises WorkerStartFailed if that of the app's own fails."""
        asked = list(languages)
        return dict(zip(asked, await all_of(self._listing(language) for language in asked), strict=True))

    async def load(self, functions: Sequence[Function]) -> Mapping[str, str]:
        """Start every process. Why functions could not be loaded, by name.

        Raises WorkerStartFailed if that of the app's own language fails.
        """
        for pool in self._pools.values():
            pool.serve(functions)
        found = await all_of(self._load(language) for language in self._pools)
        return {name: text for failures in found for name, text in failures.items()}

    async def _listing(self, language: str) -> Listing:
        """Raises WorkerStartFailed."""
        try:
            return await self._pools[language].index()
        except IndexingFailed as error:
            return CannotList(str(error))
        except WorkerStartFailed as error:
            if language == self._own:
                raise
            return CannotList(str(error))

    async def _load(self, language: str) -> Mapping[str, str]:
        """Raises WorkerStartFailed."""
        try:
            return await self._pools[language].load()
        except WorkerStartFailed as error:
            if language == self._own:
                raise
            return self._pools[language].give_up(str(error))

    async def drain(self) -> None:
        """Wait until nothing uses them, as long as that takes."""
        await asyncio.gather(*(pool.drain() for pool in self._pools.values()))


@asynccontextmanager
async def worker_pools(
    app: App,
    commands: Sequence[Command],
    standby: StandbyWorkers,
    log: Log,
    exhausted: asyncio.Event,
    ending: asyncio.Event,
    clock: Clock,
) -> AsyncIterator[WorkerPools]:
    """A pool for each command, without processes yet. `exhausted` and `ending` are those of every pool."""
    use = UseCount()
    pools = {run.language: WorkerPool(app, run, standby, log, exhausted, ending, clock, use) for run in commands}
    standby.keep(pools)
    try:
        yield WorkerPools(pools, use)
    finally:
        await asyncio.gather(*(pool.close() for pool in pools.values()))
