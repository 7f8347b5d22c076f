"""The conversation with a custom handler, over HTTP on loopback (platform/custom-handlers.md)."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
from yarl import URL

from fnhost.bindings.contract import HttpRequest, HttpResponse, Outcome
from fnhost.bindings.http.response import HOP_BY_HOP
from fnhost.clock import Clock
from fnhost.host.app import Function
from fnhost.host.errors import CannotObserve, TimedOut, WorkerCrashed, WorkerEnded, WorkerStartFailed, WorkerStopped
from fnhost.host.limits import MOST_FRAME_BYTES, STOP
from fnhost.host.logging.events import Level, UserLog, WorkerStarted
from fnhost.host.logging.log import Log
from fnhost.host.system.ports import free_port
from fnhost.host.worker import Invocation, ObserveMode
from fnhost.host.worker.commands import Command
from fnhost.host.worker.cookies import read_cookies
from fnhost.host.worker.groups import ProcessGroups
from fnhost.host.worker.handlers.payload import BadAnswer, failure, outcome, payload
from fnhost.host.worker.observed import OTHER_WORKER
from fnhost.host.worker.process import ProcessExit, WorkerProcess, cannot_start, spawn
from fnhost.host.worker.proxy import EXIT_PATIENCE, HeldStream, HttpProxy, forwarded_headers, open_session
from fnhost.host.worker.toolchains.handler import CustomHandler

ADDRESS = "127.0.0.1"
READY_POLL = 0.025
"""Seconds between two looks whether a new handler answers."""
HOST_VERSION = "4.1052.0.0"
USER_AGENT = f"Azure-Functions-Host/{HOST_VERSION}"
NOT_READY = (
    "The custom handler {executable} did not answer on port {port} within {seconds:.0f} s. It must serve HTTP on "
    "127.0.0.1, at the port that the variable FUNCTIONS_CUSTOMHANDLER_PORT holds."
)
TOO_LONG = f"the answer is longer than {MOST_FRAME_BYTES:,} bytes"


class HandlerChannel:
    """A WorkerChannel to a process that serves functions over HTTP. Every wait ends when the process does."""

    def __init__(
        self,
        process: WorkerProcess,
        handler: CustomHandler,
        port: int,
        log: Log,
        clock: Clock,
    ) -> None:
        self._process, self._handler, self._port = process, handler, port
        self._log, self._session, self._clock = log, open_session(), clock
        self._proxy = HttpProxy(f"http://{ADDRESS}:{port}", clock) if handler.proxies else None
        self._running: dict[str, Invocation] = {}
        self._is_stopped = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return not self._process.exited.done()

    @property
    def is_stopped(self) -> bool:
        return self._is_stopped

    @property
    def running(self) -> Collection[Invocation]:
        return self._running.values()

    @property
    def requires_grpc(self) -> bool:
        return False

    def streams(self, function: Function) -> bool:
        return self._handler.proxies and is_plain(function)

    async def load(self, functions: Iterable[Function]) -> Mapping[str, str]:
        """It knows its functions by itself."""
        return {}

    async def metadata(self, root: str) -> Mapping[str, Any]:
        return {}

    async def debug(self, setup: Mapping[str, Any], is_attached: Callable[[], bool]) -> Mapping[str, Any]:
        """Its command asks for no debugger: the program starts its own."""
        return {}

    @property
    def is_debugged(self) -> bool:
        """The host knows nothing of its debugger."""
        return False

    def warm_up(self) -> None: ...

    async def observe(self, invocation: Invocation, mode: ObserveMode, seconds: float) -> Mapping[str, Any]:
        """It has no orchestrators. Raises CannotObserve."""
        raise CannotObserve(OTHER_WORKER)

    async def ready(self) -> None:
        """As soon as the handler answers anything. Raises WorkerStartFailed if it ends first."""
        await self._process.unless_it_ends(self._answers())

    async def _answers(self) -> None:
        while True:
            try:
                async with self._session.get(self._url("/")):
                    return
            except aiohttp.ClientError:
                await self._clock.sleep(READY_POLL)

    async def call(self, invocation: Invocation) -> Outcome:
        """Raises WorkerEnded when the process ends meanwhile, TimedOut after the invocation's limit."""
        self._running[invocation.id] = invocation
        asked = asyncio.ensure_future(self._ask(invocation))
        ends: list[asyncio.Future[Any]] = [asked, self._process.exited]
        try:
            async with self._clock.timeout(invocation.limit):
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise self._end_of(self._process.exited.result())
            del self._running[invocation.id]
            return await self._settled(asked)
        except TimeoutError:
            raise TimedOut("The function did not answer in time.") from None
        finally:
            asked.cancel()

    async def _settled(self, asked: "asyncio.Future[Outcome]") -> Outcome:
        """The answer; if the connection broke because the process ended, that is said instead. Raises WorkerEnded."""
        try:
            return asked.result()
        except BadAnswer as error:
            return failure("InvalidOperationException", f"Invalid HttpResponseMessage: {error}.")
        except (aiohttp.ClientError, OSError) as error:
            with suppress(TimeoutError):
                async with self._clock.timeout(EXIT_PATIENCE):
                    await asyncio.wait([self._process.exited])
            if not self.is_alive:
                raise self._end_of(self._process.exited.result()) from error
            return failure("HttpRequestException", f"The custom handler did not answer: {error}")

    async def _ask(self, invocation: Invocation) -> Outcome:
        """Raises BadAnswer, ClientError."""
        if (request := forwarded(self._handler, invocation)) is not None:
            return await self._forward(request, invocation)
        try:
            body = payload(invocation, self._clock.now())
        except ValueError as error:
            return failure("InvalidOperationException", f"The inputs of the function cannot be sent: {error}")
        headers = {**_headers(invocation), "Content-Type": "application/json; charset=utf-8"}
        url = self._url(f"/{invocation.function.name}")
        async with self._session.post(url, data=body, headers=headers) as response:
            answer = await _read(response)
            if not 200 <= response.status < 300:
                text = f"Response status code does not indicate success: {response.status} ({response.reason})."
                return failure("HttpRequestException", text)
            found, lines = outcome(invocation, response.headers.get("content-type", ""), answer)
        self._write(invocation, lines)
        return found

    async def _forward(self, request: HttpRequest, invocation: Invocation) -> Outcome:
        """Whatever it answers is the response. Raises BadAnswer, ClientError."""
        if self._proxy:
            return await self._pass_on(self._proxy, request, invocation)
        target = urlsplit(request.url)
        path = f"/{invocation.function.name}" if self._handler.hides_path else target.path
        url = self._url(f"{path}{'?' if target.query else ''}{target.query}")
        headers = {**_forwarded_headers(request.headers), **_headers(invocation, request.headers.get("user-agent", ""))}
        async with self._session.request(
            request.method, url, data=request.body, headers=headers, allow_redirects=False
        ) as response:
            answer = await _read(response)
            sent = {name: value for name, value in response.headers.items() if name.lower() != "set-cookie"}
            cookies = tuple(read_cookies(response.headers.getall("Set-Cookie", [])))
            found = HttpResponse(str(response.status), sent, answer, cookies)
        return Outcome({output.name: found for output in invocation.function.outputs}, found)

    async def _pass_on(self, proxy: HttpProxy, request: HttpRequest, invocation: Invocation) -> Outcome:
        stream = request.stream or HeldStream(request)
        added = {**forwarded_headers(request), **_headers(invocation, request.headers.get("user-agent", ""))}
        if failure := await proxy.forward(request, stream, added):
            return Outcome(failure=failure)
        if not isinstance(stream, HeldStream):
            return Outcome()
        return Outcome({output.name: stream.response for output in invocation.function.outputs}, stream.response)

    def _url(self, target: str) -> URL:
        return URL(f"http://{ADDRESS}:{self._port}{target}", encoded=True)

    def _write(self, invocation: Invocation, lines: Iterable[str]) -> None:
        for line in lines:
            self._log.write(
                UserLog(
                    level=Level.INFORMATION,
                    message=line,
                    function=invocation.function.name,
                    invocation=invocation.id,
                )
            )

    async def wait(self) -> ProcessExit:
        exit = await self._process.wait()
        await self._session.close()
        if self._proxy:
            await self._proxy.close()
        return exit

    def kill(self) -> None:
        self._is_stopped = True
        self._process.kill()

    async def stop(self, grace: float = STOP) -> None:
        """The protocol has no word for an end: it is killed, as by the platform."""
        self.kill()
        await self.wait()

    def _end_of(self, exit: ProcessExit) -> WorkerEnded:
        if self._is_stopped:
            return WorkerStopped(f"The host has stopped the custom handler: {exit}")
        return WorkerCrashed(f"The custom handler ended: {exit}")


def forwarded(handler: CustomHandler, invocation: Invocation) -> HttpRequest | None:
    """The request that a function gets as it is: it has nothing but an HTTP trigger and an HTTP output."""
    value = invocation.event.value
    return value if handler.forwards and is_plain(invocation.function) and isinstance(value, HttpRequest) else None


def is_plain(function: Function) -> bool:
    """Whether it has nothing but an HTTP trigger and an HTTP output."""
    return len(function.bindings) == 2 and [output.type for output in function.outputs] == ["http"]


def _headers(invocation: Invocation, client: str = "") -> Mapping[str, str]:
    """What the host says of itself and of the invocation; `client` is the User-Agent of the request."""
    return {
        "User-Agent": f"{client} {USER_AGENT}".strip(),
        "X-Azure-Functions-HostVersion": HOST_VERSION,
        "X-Azure-Functions-InvocationId": invocation.id,
    }


def _forwarded_headers(headers: Mapping[str, str]) -> dict[str, str]:
    dropped = {*(name.decode() for name in HOP_BY_HOP), "user-agent"}
    return {name: value for name, value in headers.items() if name not in dropped}


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Raises BadAnswer, ClientError."""
    read = bytearray()
    async for piece in response.content.iter_any():
        read += piece
        if len(read) > MOST_FRAME_BYTES:
            raise BadAnswer(TOO_LONG)
    return bytes(read)


async def open_handler(
    command: Command, handler: CustomHandler, log: Log, groups: ProcessGroups, clock: Clock
) -> HandlerChannel:
    """A handler that answers. Raises WorkerStartFailed."""
    try:
        port = handler.port or free_port()
        process = await spawn(command, log, groups, clock, environment(command, port), stderr_level=_always_error)
    except OSError as error:
        raise cannot_start(command, error) from error
    channel = HandlerChannel(process, handler, port, log, clock)
    try:
        async with clock.timeout(handler.timeout):
            await channel.ready()
    except BaseException as error:
        process.kill()
        await channel.wait()
        if isinstance(error, TimeoutError):
            text = NOT_READY.format(executable=handler.executable, port=port, seconds=handler.timeout)
            raise WorkerStartFailed(text) from None
        raise
    log.write(WorkerStarted(pid=channel.pid, executable=command.arguments[0]))
    return channel


def environment(command: Command, port: int) -> Mapping[str, str]:
    worker = str(uuid4())
    return {
        "FUNCTIONS_CUSTOMHANDLER_PORT": str(port),
        "FUNCTIONS_CUSTOMHANDLER_WORKER_ID": worker,
        "FUNCTIONS_HTTPWORKER_PORT": str(port),
        "FUNCTIONS_HTTPWORKER_ID": worker,
        "FUNCTIONS_APP_ROOT_PATH": command.environment["FUNCTIONS_APPLICATION_DIRECTORY"],
    }


def _always_error(line: str) -> Level:
    return Level.ERROR
