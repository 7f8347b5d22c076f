"""The conversation with one worker process: init, load, invoke, log, terminate (function-rpc.md 1 to 3)."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Any, cast

from bindings.contract import RETURN, Event, Failure, Outcome, Value
from host.app import Function
from host.errors import TimedOut, WorkerDied, WorkerStartFailed
from host.log import Level, Log
from host.worker import Attempt
from host.worker.commands import Command
from host.worker.line import HERE, Lines
from host.worker.process import CONSOLE, Exit, Process, start
from host.worker.values import Blobs, Frame, Frames, Message, decode, encode, pack

START_TIMEOUT = 60.0
STOP_GRACE = 2.0
"""How long a worker that was asked to end may take."""
DEAF_GRACE = 1.0
"""How long a worker may live on after it closed its socket."""


class Channel(asyncio.Protocol):
    """One worker. Every wait ends when the process does."""

    def __init__(self, process: Process, log: Log) -> None:
        self._process = process
        self._log = log
        self._frames = Frames()
        self._hello: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._answers = {"startStream": self._hello}  # it may come before anybody waits for it
        self._running: dict[str, str] = {}
        self._outbox: list[bytes] = []

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return not self._process.exited.done()

    @property
    def running(self) -> Iterable[str]:
        """The invocations it holds: those it has not answered, whether or not someone still waits."""
        return self._running.keys()

    async def load(self, functions: Iterable[Function]) -> Mapping[str, str]:
        """Why it could not load those it could not, by name. Raises WorkerDied."""
        asked = {f.name: self._ask(_load_key(f.name), _load_request(f), Blobs()) for f in functions}
        results = {
            name: message["result"]
            for name, (message, _) in zip(asked, await asyncio.gather(*asked.values()), strict=True)
        }
        return {
            name: result["exception"]["message"] for name, result in results.items() if result["status"] != "success"
        }

    async def metadata(self, root: str) -> Message:
        """The functions that the app itself registers: a `functionMetadataResponse` (function-rpc.md 2.2).

        Raises WorkerDied. Ask before `load`: from then on nothing more can be registered.
        """
        request = {"t": "functionsMetadataRequest", "functionAppDirectory": root}
        message, _ = await self._ask("functionMetadataResponse", request, Blobs())
        return message

    async def call(
        self,
        function: Function,
        inputs: Mapping[str, Value],
        event: Event,
        invocation: str,
        attempt: Attempt | None = None,
        limit: float | None = None,
    ) -> Outcome:
        """Raises WorkerDied when the process ends meanwhile, TimedOut after `limit` seconds."""
        blobs = Blobs()
        request = _invocation_request(function, inputs, event, invocation, attempt, blobs)
        self._running[invocation] = function.name
        message, answered = await self._ask(invocation, request, blobs, limit)
        return _outcome(function, message, answered)

    async def wait(self) -> Exit:
        return await self._process.wait()

    def kill(self) -> None:
        self._process.kill()

    async def stop(self, grace: float = STOP_GRACE) -> None:
        """Ask it to end; kill it when it does not."""
        if self.is_alive:
            self._send({"t": "workerTerminate"}, Blobs())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.wait()
        self.kill()
        await self.wait()

    async def greet(self, root: str) -> None:
        """The first exchange on a new socket."""
        await self._hello
        self._send({"t": "workerInitRequest", "hostVersion": "4", "functionAppDirectory": root}, Blobs())
        await self._answer_to("workerInitResponse")

    def warm_up(self) -> None:
        """Let it import what its app may need, as it has nothing to do."""
        self._send({"t": "workerWarmupRequest"}, Blobs())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._process.exited.add_done_callback(self._ended)

    def data_received(self, data: bytes) -> None:
        for message, blobs in self._frames.feed(data):
            if message["t"] == "rpcLog":
                self._pass_on(message)
            else:
                self._answered(_key_of(message), (message, blobs))

    def _answered(self, key: str, frame: Frame) -> None:
        self._running.pop(key, None)
        waiting = self._answers.get(key)
        if waiting and not waiting.done():
            waiting.set_result(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        asyncio.get_running_loop().call_later(DEAF_GRACE, self.kill)

    def _ended(self, exited: asyncio.Future[Exit]) -> None:
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(_died(exited))
        self._transport.close()

    def _pass_on(self, message: Message) -> None:
        invocation = message["invocationId"]
        function = self._running.get(invocation, "")
        category = f"Function.{function}.User" if function else "Function.User"
        if message["logCategory"] == "system":
            category = f"Worker.{message['category']}"
        elif message["logCategory"] == "console":  # printed while a function ran: a pipe cannot say which
            category = CONSOLE
        self._log(Level[message["level"].upper()], category, message["message"], function, invocation)

    async def _ask(self, key: str, message: Message, blobs: Blobs, limit: float | None = None) -> Frame:
        if self.is_alive:
            self._send(message, blobs)
        return await self._answer_to(key, limit)

    async def _answer_to(self, key: str, limit: float | None = None) -> Frame:
        if not self.is_alive:
            raise _died(self._process.exited)
        waiting: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._answers[key] = waiting
        # A timer on the answer costs a fraction of a time limit around the call.
        timer = asyncio.get_running_loop().call_later(limit, _expire, waiting) if limit else None
        try:
            return await waiting
        finally:
            if timer:
                timer.cancel()
            del self._answers[key]

    def _send(self, message: Message, blobs: Blobs) -> None:
        """A call alone leaves at once; calls beside each other leave together, in one write for a turn of the loop."""
        frame = pack(message, blobs)
        if len(self._running) <= 1 and not self._outbox:
            return self._transport.write(frame)
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outbox.append(frame)

    def _flush(self) -> None:
        frames, self._outbox = self._outbox, []
        self._transport.writelines(frames)


def _expire(waiting: asyncio.Future[Frame]) -> None:
    if not waiting.done():
        waiting.set_exception(TimedOut("The function did not answer in time."))


def _died(exited: asyncio.Future[Exit]) -> WorkerDied:
    return WorkerDied(f"The worker process ended: {exited.result()}")


async def open_channel(command: Command, log: Log, lines: Lines = HERE) -> Channel:
    """A worker that has imported its SDKs and waits for functions. Raises WorkerStartFailed."""
    try:
        async with asyncio.timeout(START_TIMEOUT):
            return await _open(command, log, lines)
    except TimeoutError:
        raise WorkerStartFailed(
            f"The worker did not answer within {START_TIMEOUT:.0f} s: {command.arguments}"
        ) from None
    except WorkerDied as died:
        raise WorkerStartFailed(str(died)) from died


async def _open(command: Command, log: Log, lines: Lines) -> Channel:
    process, connection = await start(command, log, lines)
    with contextlib.ExitStack() as undo:
        undo.callback(process.kill)
        channel = Channel(process, log)
        await asyncio.get_running_loop().create_connection(lambda: channel, sock=connection)
        await channel.greet(str(command.directory))
        undo.pop_all()
    return channel


def _load_key(function_id: str) -> str:
    return f"load {function_id}"


def _key_of(message: Message) -> str:
    match message["t"]:
        case "invocationResponse":
            return str(message["invocationId"])
        case "functionLoadResponse":
            return _load_key(message["functionId"])
        case kind:
            return str(kind)


def _load_request(function: Function) -> Message:
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
    }
    return {"t": "functionLoadRequest", "functionId": function.name, "metadata": metadata}


def _invocation_request(
    function: Function,
    inputs: Mapping[str, Value],
    event: Event,
    invocation: str,
    attempt: Attempt | None,
    blobs: Blobs,
) -> Message:
    return {
        "t": "invocationRequest",
        "invocationId": invocation,
        "functionId": function.name,
        "inputData": [{"name": name, "data": encode(value, blobs)} for name, value in inputs.items()],
        "triggerMetadata": {name: encode(value, blobs) for name, value in event.metadata.items() if value is not None},
        "traceContext": {"traceParent": event.trace_parent, "traceState": event.trace_state, "attributes": {}},
        "retryContext": attempt and _retry_context(attempt),
    }


def _retry_context(attempt: Attempt) -> dict[str, Any]:
    return {
        "retryCount": attempt.count,
        "maxRetryCount": attempt.limit,
        "exception": {"message": attempt.previous},
    }


def _outcome(function: Function, message: Message, blobs: memoryview) -> Outcome:
    result = message["result"]
    if result["status"] != "success":
        exception = result.get("exception") or {}
        return Outcome(failure=Failure(exception.get("message", ""), exception.get("stackTrace", "")))
    outputs = {entry["name"]: decode(entry["data"], blobs) for entry in message["outputData"]}
    returned = decode(message["returnValue"], blobs)
    if returned is not None and any(binding.name == RETURN for binding in function.bindings):
        outputs[RETURN] = returned
    return Outcome(outputs, returned)
