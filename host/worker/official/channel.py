"""The conversation with one official worker, over gRPC (platform/official-workers.md)."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message

from fnhost.bindings.contract import Binding, Failure, HttpRequest, Outcome
from fnhost.bindings.expressions import ExpressionError
from fnhost.clock import Clock
from fnhost.host.app import Function
from fnhost.host.errors import (
    CannotObserve,
    TimedOut,
    WorkerCrashed,
    WorkerEnded,
    WorkerStartFailed,
    WorkerStopped,
)
from fnhost.host.limits import DEAF, MOST_FRAME_BYTES, START, STOP
from fnhost.host.logging.events import HostMessage, Level, WorkerStarted
from fnhost.host.logging.log import Log
from fnhost.host.rpc import functionrpc_pb2 as rpc
from fnhost.host.worker import Invocation, ObserveMode, instance_of
from fnhost.host.worker.commands import Command
from fnhost.host.worker.deferred import deferred_bindings, places
from fnhost.host.worker.groups import ProcessGroups
from fnhost.host.worker.liveness import Liveness
from fnhost.host.worker.observed import OTHER_WORKER
from fnhost.host.worker.official import messages, metadata
from fnhost.host.worker.official.answers import PendingAnswers
from fnhost.host.worker.official.capabilities import NOTHING, Capabilities, read_capabilities
from fnhost.host.worker.official.logs import record
from fnhost.host.worker.official.server import ADDRESS, LONGEST_MESSAGE, EventStream, FunctionRpcServer
from fnhost.host.worker.output import Ran
from fnhost.host.worker.process import ProcessExit, StderrLevel, WorkerProcess, cannot_start, level_of, spawn
from fnhost.host.worker.proxy import HTTP_TRIGGER, HttpProxy
from fnhost.host.worker.toolchains.official import OfficialWorker

INIT, METADATA = "init", "metadata"
BROKEN = "The worker process {} sent what is no message of FunctionRpc ({}), and is replaced."
DEAF_TEXT = "The worker process {} closed its stream to the host and is replaced."
LATE = "The worker did not {} within {:.0f} s: {}"
TOO_LONG = "It takes {:,} bytes; a message to a worker may have {:,}."


class OfficialChannel:
    """A WorkerChannel to a worker of the platform. Every wait ends when its process does."""

    def __init__(
        self, process: WorkerProcess, command: Command, worker: OfficialWorker, log: Log, clock: Clock
    ) -> None:
        self._process, self._worker, self._log, self._clock = process, worker, log, clock
        self._answers = PendingAnswers(clock)
        self._running: dict[str, Invocation] = {}
        self._stream: EventStream | None = None
        self._connected = asyncio.Event()
        self._can: Capabilities = NOTHING
        self._proxy: HttpProxy | None = None
        self._deferred: Mapping[str, Mapping[str, Binding]] = {}
        self._is_stopped = False
        self._fault = ""
        self._liveness = (
            None
            if command.is_exclusive  # its own arguments start a debugger, most likely, which may hold it
            else Liveness(process.pid, self._running.values(), self._ask_status, log, clock)
        )
        process.exited.add_done_callback(self._ended)

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
        """It says nothing of it: the language tells, or a binding."""
        return False

    def streams(self, function: Function) -> bool:
        return self._proxy is not None and function.trigger.type == HTTP_TRIGGER

    @property
    def is_debugged(self) -> bool:
        """Debuggers are joined by the worker's own arguments, without the host."""
        return False

    def warm_up(self) -> None: ...

    # What it is asked before it takes calls

    async def greet(self, root: str) -> None:
        """Raises WorkerStartFailed, WorkerEnded."""
        await self._within(START, self._connected.wait(), "call the host")
        request = messages.init_request(root, str(self._worker.directory))
        asked = self._ask(INIT, rpc.StreamingMessage(worker_init_request=request))
        answer: rpc.WorkerInitResponse = await self._within(self._worker.init_timeout, asked, "answer")
        if messages.is_failure(answer.result):
            raise WorkerStartFailed(f"The worker refused to start: {messages.failure(answer.result).message}")
        self._can = read_capabilities(answer.capabilities)
        if self._can.http_address:
            self._proxy = HttpProxy(self._can.http_address, self._clock)
        if not self._can.status:
            self._liveness = None
        self._log.write(HostMessage(level=Level.DEBUG, category="Worker.Process", message=_about(answer)))

    async def _within(self, seconds: float, work: Any, what: str) -> Any:
        """Raises WorkerStartFailed."""
        try:
            async with self._clock.timeout(seconds):
                return await self._process.unless_it_ends(work)
        except TimeoutError:
            raise WorkerStartFailed(LATE.format(what, seconds, self._worker.directory)) from None

    async def metadata(self, root: str) -> Mapping[str, Any]:
        """What it lists itself; else what the build has listed. Raises WorkerEnded."""
        if not self._worker.lists_functions:
            return metadata.written(Path(root))
        request = rpc.FunctionsMetadataRequest(function_app_directory=root)
        return metadata.listed(await self._ask(METADATA, rpc.StreamingMessage(functions_metadata_request=request)))

    async def load(self, functions: Iterable[Function]) -> Mapping[str, str]:
        """Why it could not load those it could not, by name. Raises WorkerEnded."""
        wanted = list(functions)
        self._deferred = {function.name: deferred_bindings(function) for function in wanted}
        if self._worker.loads_in_turn:
            results = [await self._load(function) for function in wanted]
        else:
            results = list(await asyncio.gather(*map(self._load, wanted)))
        return messages.load_failures(zip(wanted, results, strict=True))

    async def _load(self, function: Function) -> rpc.StatusResult:
        message = rpc.StreamingMessage(
            function_load_request=messages.load_request(
                function, manages_dependencies=self._worker.manages_dependencies
            )
        )
        answer: rpc.FunctionLoadResponse = await self._ask(_load_key(function.worker_id), message)
        return answer.result

    async def debug(self, setup: Mapping[str, Any], is_attached: Callable[[], bool]) -> Mapping[str, Any]:
        """Its command asks for no debugger: the worker's own arguments start one."""
        return {}

    async def observe(self, invocation: Invocation, mode: ObserveMode, seconds: float) -> Mapping[str, Any]:
        """Raises CannotObserve."""
        raise CannotObserve(OTHER_WORKER)

    # Calls

    async def call(self, invocation: Invocation) -> Outcome:
        """Raises WorkerEnded when the process ends meanwhile, TimedOut after the invocation's limit.

        An input that cannot be sent and an answer that cannot be read are failures of the invocation.
        """
        if self._proxy and isinstance(invocation.event.value, HttpRequest):
            invoked = self._invoke(invocation, is_proxied=True)
            return await self._proxy.call(invocation, invoked, lambda: self._cancel(invocation))
        return await self._invoke(invocation)

    async def _invoke(self, invocation: Invocation, *, is_proxied: bool = False) -> Outcome:
        try:
            deferred = self._deferred.get(invocation.function.name, {})
            told = places(deferred, invocation.event, self._clock.now)
            request = messages.invocation_request(invocation, self._can, told, is_proxied=is_proxied)
            data = _packed(rpc.StreamingMessage(request_id=str(uuid4()), invocation_request=request))
        except (TypeError, ValueError, ExpressionError) as error:
            return _unsent(invocation, error)
        self._begin(invocation)
        self._send(data)
        try:
            answer: rpc.InvocationResponse = await self._answer_to(invocation.id, invocation.limit)
        except asyncio.CancelledError:
            self._cancel(invocation)
            raise
        try:
            return messages.outcome(invocation.function, answer)
        except (TypeError, ValueError, AttributeError) as error:
            return _unread(invocation, error)

    def _begin(self, invocation: Invocation) -> None:
        function = invocation.function
        self._running[invocation.id] = invocation
        self._process.ran.add(invocation.id, Ran(function.name, instance_of(function.trigger.type, invocation.event)))
        if self._liveness:
            self._liveness.begin()

    def _cancel(self, invocation: Invocation) -> None:
        if self._can.cancel and self.is_alive:
            message = rpc.InvocationCancel(invocation_id=invocation.id, grace_period=_span(STOP))
            self._send(_packed(rpc.StreamingMessage(invocation_cancel=message)))

    # Its end

    async def wait(self) -> ProcessExit:
        exit = await self._process.wait()
        if self._proxy:
            await self._proxy.close()
        return exit

    def kill(self) -> None:
        self._is_stopped = True
        self._process.kill()

    async def stop(self, grace: float = STOP) -> None:
        """Ask it to end, if it knows how to; kill it when it does not."""
        self._is_stopped = True
        if self.is_alive and self._stream and self._can.terminate:
            for invocation in list(self._running.values()):
                self._cancel(invocation)
            message = rpc.WorkerTerminate(grace_period=_span(grace))
            self._send(_packed(rpc.StreamingMessage(worker_terminate=message)))
            with contextlib.suppress(TimeoutError):
                async with self._clock.timeout(grace):
                    await self.wait()
        self._process.kill()
        await self.wait()

    def _replace(self, fault: str) -> None:
        """End a process that cannot be spoken with any more: that is a crash, though the host deals the blow."""
        if self.is_alive and not self._fault and not self._is_stopped:
            self._fault = fault
            self._log.error("Worker.Process", fault)
        self._process.kill()

    def _ended(self, exited: "asyncio.Future[ProcessExit]") -> None:
        if self._liveness:
            self._liveness.end()
        self._answers.fail(self._end)

    def _end(self) -> WorkerEnded:
        exit = self._process.exited.result()
        if self._is_stopped:
            return WorkerStopped(f"The host has stopped the worker process: {exit}")
        return WorkerCrashed(f"The worker process ended: {exit}{self._fault and f' {self._fault}'}")

    # The stream

    def connected(self, stream: EventStream) -> None:
        self._stream = stream
        self._connected.set()

    def disconnected(self) -> None:
        """Some workers live on without their stream."""
        self._clock.call_later(DEAF, self._replace, DEAF_TEXT.format(self.pid))

    def received(self, message: bytes) -> None:
        if self._fault:
            return
        try:
            self._received(rpc.StreamingMessage.FromString(message))
        except (DecodeError, UnicodeDecodeError) as error:
            self._replace(BROKEN.format(self.pid, error))

    def _received(self, message: rpc.StreamingMessage) -> None:
        """What no answer is, or answers nothing, is passed over: a worker may be newer than this host."""
        match message.WhichOneof("content"):
            case "rpc_log":
                sent = message.rpc_log
                self._log.write(record(sent, self._process.ran.find(sent.invocation_id)))
            case "invocation_response":
                self._running.pop(message.invocation_response.invocation_id, None)
                self._answers.settle(message.invocation_response.invocation_id, message.invocation_response)
            case "function_load_response":
                answer = message.function_load_response
                self._answers.settle(_load_key(answer.function_id), answer)
            case "worker_init_response":
                self._answers.settle(INIT, message.worker_init_response)
            case "function_metadata_response":
                self._answers.settle(METADATA, message.function_metadata_response)
            case "worker_status_response":
                if self._liveness:
                    self._liveness.answered(0.0)

    def _ask_status(self) -> None:
        self._send(_packed(rpc.StreamingMessage(worker_status_request=rpc.WorkerStatusRequest())))

    async def _ask(self, key: str, message: rpc.StreamingMessage) -> Any:
        """Raises WorkerEnded."""
        message.request_id = str(uuid4())
        self._send(_packed(message))
        return await self._answer_to(key)

    async def _answer_to(self, key: str, limit: float | None = None) -> Any:
        """Raises WorkerEnded, TimedOut."""
        if not self.is_alive:
            raise self._end()
        return await self._answers.wait(key, limit)

    def _send(self, data: bytes) -> None:
        if self._stream:
            self._stream.send(data)


def _packed(message: Message) -> bytes:
    """Raises ValueError."""
    data = message.SerializeToString()
    if len(data) > MOST_FRAME_BYTES:
        raise ValueError(TOO_LONG.format(len(data), MOST_FRAME_BYTES))
    return data


def _about(answer: rpc.WorkerInitResponse) -> str:
    about = answer.worker_metadata
    version = about.worker_version or answer.worker_version
    return f"The official worker {version or 'of no version'} runs on {about.runtime_name} {about.runtime_version}."


def _load_key(function_id: str) -> str:
    return f"load {function_id}"


def _span(seconds: float) -> Duration:
    span = Duration()
    span.FromMilliseconds(int(seconds * 1000))
    return span


def _unsent(invocation: Invocation, error: Exception) -> Outcome:
    text = f"The inputs of the function {invocation.function.name} cannot be sent to its worker. {error}"
    return Outcome(failure=Failure(text))


def _unread(invocation: Invocation, error: Exception) -> Outcome:
    text = f"The answer of the function {invocation.function.name} cannot be read: {type(error).__name__}: {error}"
    return Outcome(failure=Failure(text))


async def open_official(
    command: Command, worker: OfficialWorker, server: FunctionRpcServer, log: Log, groups: ProcessGroups, clock: Clock
) -> OfficialChannel:
    """A worker that has introduced itself. Raises WorkerStartFailed."""
    await server.start()
    name = str(uuid4())
    run = replace(command, arguments=(*command.arguments, *arguments(server.port, name)))
    try:
        process = await spawn(run, log, groups, clock, {}, stderr_level=_stderr_level(worker))
    except OSError as error:
        raise cannot_start(command, error) from error
    with contextlib.ExitStack() as undo:
        undo.callback(process.kill)
        undo.callback(server.forget, name)
        channel = OfficialChannel(process, command, worker, log, clock)
        server.expect(name, channel)
        try:
            await channel.greet(str(command.directory))
        except (WorkerEnded, TimedOut) as error:
            raise WorkerStartFailed(str(error)) from error
        log.write(WorkerStarted(pid=channel.pid, executable=command.arguments[0]))
        undo.pop_all()
    return channel


def arguments(port: int, worker: str) -> tuple[str, ...]:
    """What every official worker is told: under the old names and the new (platform/official-workers.md 2)."""
    request = str(uuid4())
    return (
        *("--host", ADDRESS, "--port", str(port), "--workerId", worker, "--requestId", request),
        *("--grpcMaxMessageLength", str(LONGEST_MESSAGE)),
        *("--functions-uri", f"http://{ADDRESS}:{port}/", "--functions-worker-id", worker),
        *("--functions-request-id", request, "--functions-grpc-max-message-length", str(LONGEST_MESSAGE)),
    )


def _stderr_level(worker: OfficialWorker) -> StderrLevel:
    return (lambda line: Level.ERROR) if worker.all_stderr_is_error else level_of
