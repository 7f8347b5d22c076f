"""The conversation with one worker process in our own frames (platform/worker-protocol.md 8)."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, cast

from fnhost.bindings.contract import RETURN, Binding, Failure, HttpRequest, Outcome
from fnhost.bindings.expressions import ExpressionError
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.app import Function
from fnhost.host.errors import TimedOut, WorkerCrashed, WorkerEnded, WorkerStartFailed, WorkerStopped
from fnhost.host.limits import DEAF, START, STOP
from fnhost.host.logging.events import LEVELS, HostMessage, UserLog, WorkerOutput, WorkerStarted
from fnhost.host.logging.log import Log
from fnhost.host.worker import Invocation, ObserveMode, RetryContext, instance_of
from fnhost.host.worker.commands import Command
from fnhost.host.worker.deferred import (
    CONTENT_TYPE,
    VERSION,
    ModelBindingData,
    deferred_bindings,
    places,
    refusal,
)
from fnhost.host.worker.groups import ProcessGroups
from fnhost.host.worker.liveness import Liveness
from fnhost.host.worker.observed import LAST_WORD, read_recording
from fnhost.host.worker.output import Ran
from fnhost.host.worker.process import ProcessExit, WorkerProcess, start_process
from fnhost.host.worker.proxy import HTTP_TRIGGER, HttpProxy
from fnhost.host.worker.transport import DEFAULT_TRANSPORT, TransportFactory
from fnhost.host.worker.values import (
    Blobs,
    BrokenFrame,
    Frame,
    Frames,
    FrameTooLong,
    RpcMessage,
    decode,
    encode,
    pack,
)

BROKEN = (
    "The channel of the worker process {pid} is broken, and the process is replaced: {error}. Only the worker itself "
    "may use this socket: does user code write to a file descriptor that it did not open?"
)
SETUP = "azure_functions_worker.setup"
"""Category of a worker's sentences that are the same in each worker of an app."""
DEAF_TEXT = "The worker process {pid} closed its socket to the host and is replaced."


class Lost(asyncio.WriteTransport):
    """In place of a transport whose connection is lost: the process is about to end, and takes nothing more."""

    def write(self, data: object) -> None:
        """Nobody reads it."""

    def writelines(self, list_of_data: object) -> None:
        """Nobody reads them."""

    def close(self) -> None:
        """It is closed."""


LOST = Lost()


class FramedChannel(asyncio.Protocol):
    """A WorkerChannel over a socket. Every wait ends when the process does."""

    def __init__(self, process: WorkerProcess, log: Log, clock: Clock, *, is_watched: bool = True) -> None:
        """`is_watched`: whether a worker that does not answer is reported. What its own arguments start may hold it."""
        self._process = process
        self._log, self._clock = log, clock
        self._frames = Frames()
        self._hello: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._answers = {"startStream": self._hello}  # it may come before anybody waits for it
        self._running: dict[str, Invocation] = {}
        self._outbox: list[bytes] = []
        self._is_stopped = self._is_lost = False
        self._requires_grpc = False
        self._proxy: HttpProxy | None = None
        self._deferred: Mapping[str, Mapping[str, Binding]] = {}
        self._fault = ""
        self._is_attached: Callable[[], bool] | None = None
        self._liveness: Liveness | None = None
        if is_watched:
            self._liveness = Liveness(
                process.pid, self._running.values(), self._ask_status, log, clock, lambda: self.is_debugged
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it takes calls: a process whose connection is lost has ended, or is about to."""
        return not self._is_lost and not self._process.exited.done()

    @property
    def is_stopped(self) -> bool:
        return self._is_stopped

    @property
    def running(self) -> Collection[Invocation]:
        """The invocations it holds: those it has not answered, whether or not someone still waits."""
        return self._running.values()

    @property
    def requires_grpc(self) -> bool:
        return self._requires_grpc

    def streams(self, function: Function) -> bool:
        return self._proxy is not None and function.trigger.type == HTTP_TRIGGER

    async def load(self, functions: Iterable[Function]) -> Mapping[str, str]:
        """Why it could not load those it could not, by name. Raises WorkerEnded."""
        functions = list(functions)
        self._deferred = {function.name: deferred_bindings(function) for function in functions}
        asked = {f.name: self._ask(_load_key(f.worker_id), _load_request(f), Blobs()) for f in functions}
        results = {
            name: message["result"]
            for name, (message, _) in zip(asked, await asyncio.gather(*asked.values()), strict=True)
        }
        self._requires_grpc |= any("durableRequiresGrpc" in result for result in results.values())
        if self._proxy is None and (address := _http_address(results.values())):
            self._proxy = HttpProxy(address, self._clock)
        failed = {
            name: result["exception"]["message"] for name, result in results.items() if result["status"] != "success"
        }
        return {**{function.name: why for function in functions if (why := refusal(function))}, **failed}

    async def metadata(self, root: str) -> RpcMessage:
        """The functions that the app itself registers: a `functionMetadataResponse` (platform/worker-protocol.md 6.2).

        Ask before `load`: from then on nothing more can be registered. Raises WorkerEnded.
        """
        request = {"t": "functionsMetadataRequest", "functionAppDirectory": root}
        message, _ = await self._ask("functionMetadataResponse", request, Blobs())
        return message

    async def debug(self, setup: Mapping[str, Any], is_attached: Callable[[], bool]) -> RpcMessage:
        """Have it join a debugger; its answer. While `is_attached` says so, no limit counts. Raises WorkerEnded."""
        self._is_attached = is_attached
        request = {"t": "debuggerAttachRequest", "setup": setup}
        message, _ = await self._ask("debuggerAttachResponse", request, Blobs())
        return message

    @property
    def is_debugged(self) -> bool:
        return self._is_attached is not None and self._is_attached()

    async def call(self, invocation: Invocation) -> Outcome:
        """Raises WorkerEnded when the process ends meanwhile, TimedOut after the invocation's limit.

        An input that cannot be sent and an answer that cannot be read are failures of the invocation.
        """
        if self._proxy and isinstance(invocation.event.value, HttpRequest):
            return await self._proxy.call(invocation, self._call(invocation), _cannot_cancel, may_return=True)
        return await self._call(invocation)

    async def _call(self, invocation: Invocation) -> Outcome:
        blobs = Blobs()
        try:
            deferred = self._deferred.get(invocation.function.name, {})
            told = places(deferred, invocation.event, self._clock.now)
            frame = pack(_invocation_request(invocation, blobs, told), blobs)
        except (FrameTooLong, TypeError, ValueError, ExpressionError) as error:
            return _unsent(invocation, error)
        self._running[invocation.id] = invocation
        self._process.ran.add(invocation.id, _ran_by(invocation))
        if self._liveness:
            self._liveness.begin()
        self._send(frame)
        message, answered = await self._answer_to(invocation.id, invocation.limit)
        try:
            return _outcome(invocation.function, message, answered)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return _unread(invocation, error)

    async def observe(self, invocation: Invocation, mode: ObserveMode, seconds: float) -> Mapping[str, Any]:
        """The recording of a quiet replay. Raises CannotObserve, TimedOut, WorkerEnded."""
        blobs = Blobs()
        observed = {"mode": mode, "limit_ms": seconds * 1000}
        self._send(pack({**_invocation_request(invocation, blobs, {}), "observe": observed}, blobs))
        message, answered = await self._answer_to(invocation.id, seconds + LAST_WORD)
        return read_recording(message, answered)

    async def wait(self) -> ProcessExit:
        exit = await self._process.wait()
        if self._proxy:
            await self._proxy.close()
        return exit

    def kill(self) -> None:
        self._is_stopped = True
        self._process.kill()

    async def stop(self, grace: float = STOP) -> None:
        """Ask it to end; kill it when it does not."""
        self._is_stopped = True
        if self.is_alive:
            self._send(_packed({"t": "workerTerminate"}))
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(grace):
                await self.wait()
        self._process.kill()
        await self.wait()

    async def greet(self, root: str) -> None:
        """The first exchange on a new socket."""
        await self._hello
        self._send(_packed({"t": "workerInitRequest", "hostVersion": "4", "functionAppDirectory": root}))
        await self._answer_to("workerInitResponse")

    def warm_up(self) -> None:
        """Let it import what its app may need, as it has nothing to do."""
        self._send(_packed({"t": "workerWarmupRequest"}))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._process.exited.add_done_callback(self._ended)

    def data_received(self, data: bytes) -> None:
        if self._fault:
            return  # nobody knows where the next frame would begin
        try:
            for message, blobs in self._frames.feed(data):
                self._received(message, blobs)
        except (BrokenFrame, KeyError, TypeError, ValueError) as error:
            self._replace(BROKEN.format(pid=self.pid, error=error))

    def _received(self, message: RpcMessage, blobs: memoryview) -> None:
        match message["t"]:
            case "rpcLog":
                self._pass_on(message)
            case "workerStatusResponse":
                if self._liveness:
                    self._liveness.answered(float(message.get("loopBlocked", 0)))
            case _:
                self._answered(_key_of(message), (message, blobs))

    def _answered(self, key: str, frame: Frame) -> None:
        self._running.pop(key, None)
        waiting = self._answers.get(key)
        if waiting and not waiting.done():
            waiting.set_result(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost, self._transport = True, LOST
        self._clock.call_later(DEAF, self._replace, DEAF_TEXT.format(pid=self.pid))

    def _replace(self, fault: str) -> None:
        """End a process that cannot be spoken with any more: that is a crash, though the host deals the blow."""
        if not (self._process.exited.done() or self._fault or self._is_stopped):
            self._fault = fault
            self._log.error("Worker.Process", fault)
        self._process.kill()

    def _ended(self, exited: asyncio.Future[ProcessExit]) -> None:
        if self._liveness:
            self._liveness.end()
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(self._end_of(exited))
        self._transport.close()

    def _end_of(self, exited: asyncio.Future[ProcessExit]) -> WorkerEnded:
        if self._is_stopped:
            return WorkerStopped(f"The host has stopped the worker process: {exited.result()}")
        return WorkerCrashed(f"The worker process ended: {exited.result()}{self._fault and f' {self._fault}'}")

    def _pass_on(self, message: RpcMessage) -> None:
        invocation, text, level = message["invocationId"], message["message"], LEVELS[message["level"]]
        ran = self._process.ran.find(invocation)
        if message["logCategory"] == "system":
            category = f"Worker.{message['category']}"
            write = self._log.write_once if message["category"] == SETUP else self._log.write
            write(
                HostMessage(
                    level=level,
                    category=category,
                    message=text,
                    function=ran.function,
                    invocation=invocation,
                    instance=ran.instance,
                )
            )
        elif message["logCategory"] == "console":  # printed by a worker that knows what ran
            self._log.write(
                WorkerOutput(
                    level=level,
                    message=text,
                    stream="stderr" if message["category"] == "stderr" else "stdout",
                    pid=self.pid,
                    function=ran.function,
                    invocation=invocation,
                    instance=ran.instance,
                )
            )
        else:
            logger = message["category"]
            self._log.write(
                UserLog(
                    level=level,
                    message=text,
                    logger=logger,
                    function=ran.function,
                    invocation=invocation,
                    instance=ran.instance,
                )
            )

    def _ask_status(self) -> None:
        self._send(_packed({"t": "workerStatusRequest"}))

    async def _ask(self, key: str, message: RpcMessage, blobs: Blobs) -> Frame:
        if self.is_alive:
            self._send(pack(message, blobs))
        return await self._answer_to(key)

    async def _answer_to(self, key: str, limit: float | None = None) -> Frame:
        if self._process.exited.done():
            raise self._end_of(self._process.exited)
        waiting: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._answers[key] = waiting
        # A timer on the answer costs a fraction of a time limit around the call.
        timer = self._clock.call_later(limit, self._expire, waiting, limit) if limit else None
        try:
            return await waiting
        finally:
            if timer:
                timer.cancel()
            del self._answers[key]

    def _expire(self, waiting: asyncio.Future[Frame], limit: float) -> None:
        """The time that a debugger may have held the function does not count: the limit begins anew."""
        if waiting.done():
            return
        if self.is_debugged:
            self._clock.call_later(limit, self._expire, waiting, limit)
        else:
            waiting.set_exception(TimedOut("The function did not answer in time."))

    def _send(self, frame: bytes) -> None:
        """A call alone leaves at once; calls beside each other leave together, in one write for a turn of the loop."""
        if len(self._running) <= 1 and not self._outbox:
            return self._transport.write(frame)
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outbox.append(frame)

    def _flush(self) -> None:
        frames, self._outbox = self._outbox, []
        self._transport.writelines(frames)


def _packed(message: RpcMessage) -> bytes:
    return pack(message, Blobs())


def _ran_by(invocation: Invocation) -> Ran:
    function = invocation.function
    return Ran(function.name, instance_of(function.trigger.type, invocation.event))


async def open_channel(
    command: Command,
    log: Log,
    groups: ProcessGroups | None = None,
    clock: Clock = SYSTEM_CLOCK,
    transport: TransportFactory = DEFAULT_TRANSPORT,
) -> FramedChannel:
    """A worker that has imported its SDKs and waits for functions. Raises WorkerStartFailed."""
    try:
        async with clock.timeout(START):
            return await _open(command, log, groups or ProcessGroups(log), clock, transport)
    except TimeoutError:
        raise WorkerStartFailed(f"The worker did not answer within {START:.0f} s: {command.arguments}") from None
    except WorkerEnded as ended:
        raise WorkerStartFailed(str(ended)) from ended


async def _open(
    command: Command, log: Log, groups: ProcessGroups, clock: Clock, transport: TransportFactory
) -> FramedChannel:
    process, connection = await start_process(command, log, groups, clock, transport)
    with contextlib.ExitStack() as undo:
        undo.callback(process.kill)
        channel = FramedChannel(process, log, clock, is_watched=not command.is_exclusive)
        await asyncio.get_running_loop().create_connection(lambda: channel, sock=connection)
        await channel.greet(str(command.directory))
        log.write(WorkerStarted(pid=channel.pid, executable=command.arguments[0]))
        undo.pop_all()
    return channel


def _load_key(function_id: str) -> str:
    return f"load {function_id}"


def _key_of(message: RpcMessage) -> str:
    match message["t"]:
        case "invocationResponse":
            return str(message["invocationId"])
        case "functionLoadResponse":
            return _load_key(message["functionId"])
        case kind:
            return str(kind)


def _load_request(function: Function) -> RpcMessage:
    bindings = {
        binding.name: {
            "type": binding.type,
            "direction": binding.direction,
            "dataType": binding.data_type or "undefined",
        }
        for binding in function.bindings
    }
    metadata = {
        "name": function.name,
        "directory": str(function.directory),
        "scriptFile": str(function.script),
        "entryPoint": function.entry_point,
        "bindings": bindings,
        "properties": {"worker_indexed": "True"} if function.is_indexed else {},
    }
    return {"t": "functionLoadRequest", "functionId": function.worker_id, "metadata": metadata}


def _invocation_request(invocation: Invocation, blobs: Blobs, told: Mapping[str, ModelBindingData]) -> RpcMessage:
    """What is `told` of a binding stands in the place of its data."""
    event = invocation.event
    return {
        "t": "invocationRequest",
        "invocationId": invocation.id,
        "functionId": invocation.function.worker_id,
        "inputData": [
            {"name": name, "data": _place(told[name], blobs) if name in told else encode(value, blobs)}
            for name, value in invocation.inputs.items()
        ],
        "triggerMetadata": {name: encode(value, blobs) for name, value in event.metadata.items() if value is not None},
        "traceContext": {"traceParent": event.trace_parent, "traceState": event.trace_state, "attributes": {}},
        "retryContext": invocation.retry and _retry_context(invocation.retry),
    }


def _place(data: ModelBindingData, blobs: Blobs) -> RpcMessage:
    content = blobs.put(data.content)
    return {
        "modelBindingData": {
            "version": VERSION,
            "source": data.source,
            "contentType": CONTENT_TYPE,
            "content": content,
        }
    }


def _retry_context(retry: RetryContext) -> dict[str, Any]:
    return {
        "retryCount": retry.count,
        "maxRetryCount": retry.limit,
        **({"exception": {"message": retry.previous}} if retry.count else {}),
    }


def _http_address(results: Iterable[RpcMessage]) -> str:
    """Where the app takes requests itself; empty if it does not."""
    return next((str(result["httpUri"]).rstrip("/") for result in results if result.get("httpUri")), "")


def _cannot_cancel() -> None:
    """Our workers know no word for it."""


def _unsent(invocation: Invocation, error: Exception) -> Outcome:
    text = f"The inputs of the function {invocation.function.name} cannot be sent to its worker. {error}"
    return Outcome(failure=Failure(text))


def _unread(invocation: Invocation, error: Exception) -> Outcome:
    text = f"The answer of the function {invocation.function.name} cannot be read: {type(error).__name__}: {error}"
    return Outcome(failure=Failure(text))


def _outcome(function: Function, message: RpcMessage, blobs: memoryview) -> Outcome:
    result = message["result"]
    if result["status"] != "success":
        exception = result.get("exception") or {}
        return Outcome(failure=Failure(exception.get("message", ""), exception.get("stackTrace", "")))
    outputs = {entry["name"]: decode(entry["data"], blobs) for entry in message["outputData"]}
    returned = decode(message["returnValue"], blobs)
    if returned is not None and any(binding.name == RETURN for binding in function.bindings):
        outputs[RETURN] = returned
    return Outcome(outputs, returned)
